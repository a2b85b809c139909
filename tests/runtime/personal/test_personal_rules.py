"""What is never learned: secrets, addresses, numbers, keys, cards, tokens, passwords, links and code."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime import Model, load
from foretype.runtime.personal.learning.learner import Learner
from foretype.runtime.personal.learning.rules import learnable
from foretype.runtime.personal.personal_model import PersonalWords
from foretype.runtime.personal.store import Store
from foretype.runtime.text.vocabulary import fold


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle, engine="ngram")


@pytest.fixture(scope="module")
def learner(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Learner:
    store = Store(tmp_path_factory.mktemp("store") / "s.sqlite3")
    return Learner(model.form, PersonalWords(store, model.vocabulary))


def learned(learner: Learner, text: str) -> set[str]:
    """Everything that would be kept of `text`, contexts included, folded."""
    found: set[str] = set()
    for observation in learner.read(text):
        found |= {fold(observation.word), *map(fold, observation.context)}
    return found - {"<s>"}


LETTERS_AND_DIGITS = string.ascii_letters + string.digits
secrets = st.one_of(
    st.text(string.ascii_lowercase + string.digits, min_size=6, max_size=40).filter(
        lambda s: any(map(str.isdigit, s)) and any(map(str.isalpha, s))
    ),
    st.from_regex(r"(sk|ghp|xoxb|AKIA)[-_][A-Za-z0-9]{16,40}", fullmatch=True),
    st.uuids().map(str),
    st.from_regex(r"[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}", fullmatch=True),
    st.from_regex(r"\+?[0-9]{2,4}[ /-][0-9]{3,4}[ -]?[0-9]{4}", fullmatch=True),
    st.from_regex(r"[a-z]{2,10}(\.[a-z]{2,8})?@[a-z]{2,10}\.(com|org|de)", fullmatch=True),
    st.from_regex(r"(https?://|www\.)[a-z]{3,12}\.[a-z]{2,3}(/[a-z]{1,9}){0,3}", fullmatch=True),
    st.from_regex(r"[a-z]{3,12}\.(com|org|net|io)(/[a-z]{1,9}){0,2}", fullmatch=True),
    st.from_regex(r"(/|~/|\./|[A-Z]:\\)[a-z]{3,9}([/\\][a-z]{2,9}){1,4}", fullmatch=True),
    st.from_regex(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", fullmatch=True),
    st.from_regex(r"[a-z]{3,9}_[a-z]{3,9}", fullmatch=True),
    st.from_regex(r"[A-Za-z]{3,12}[!$%&#=+*][A-Za-z]{3,12}", fullmatch=True),
    st.from_regex(r"[DGBF][ER][0-9]{2} [A-Z]{4} [0-9]{4} [0-9]{4} [0-9]{2}", fullmatch=True),
)


@settings(max_examples=300, deadline=None)
@given(secret=secrets, ending=st.sampled_from([" ", ", ", ". ", ") ", "\n", '" ']))
def test_of_a_secret_nothing_is_learned(learner: Learner, secret: str, ending: str) -> None:
    for before in ("we like the ", "Tom, my number: ", '("'):
        for after in ("and the tea", ""):
            assert learned(learner, before + secret + ending + after) <= {
                *["we", "like", "the", "tom", ",", "my", "number", ":", "(", '"', "and", "tea", ".", ")"]
            }


@settings(max_examples=200, deadline=None)
@given(
    word=st.sampled_from(
        ["password", "Passwort", "passphrase", "PIN", "api key", "secret", "token", "username", "login"]
    ),
    joint=st.sampled_from([": ", " is ", " = ", " for the wiki is ", ":"]),
    phrase=st.lists(st.from_regex(r"[A-Z]?[a-z]{2,10}", fullmatch=True), min_size=1, max_size=5).map(" ".join),
)
def test_nothing_is_learned_after_the_word_password(learner: Learner, word: str, joint: str, phrase: str) -> None:
    text = f"my {word}{joint}{phrase}\nwe like tea"
    allowed = {"my", *fold(word).split(), "is", "for", "the", "wiki", "we", "like", "tea"}
    assert learned(learner, text) <= allowed


def test_most_random_letters_are_refused() -> None:
    """The rule for letters alone is a guess; it refuses nearly all of what a password generator makes."""
    import random

    draw = random.Random(0)
    for alphabet, most in ((string.ascii_lowercase, 40), (string.ascii_letters, 20)):
        passed = sum(learnable("".join(draw.choices(alphabet, k=12))) for _ in range(2000))
        assert passed <= most


def test_words_and_names_are_learned() -> None:
    english = ("Kubernetes", "JavaScript", "iPhone", "LaTeX", "McDonald's", "foretype", "won't", "tomahawk", "marzipan")
    names = ("Krzysztof", "Kowalczyk", "Schwarzenegger", "naïveté", "Łukasz", "Москва", "東京")
    for word in (*english, *names):
        assert learnable(word), word


@pytest.mark.parametrize(
    ("text", "kept", "lost"),
    [
        ("use `frobnicate` or `two grumbles` now", "use or now", "frobnicate two grumbles"),
        ("see [the grumble](http://frob.example/nicate) here", "see here", "frob nicate"),
        ("before\n```\nfrobnicate\n```\nafter", "before after", "frobnicate"),
        ("I live at 12 Frobnic Street", "I live at", "frobnic"),
        ("meet me in Frobnic today", "meet frobnic today", ""),
        ("the #frobnic tag and @frobber", "the tag and", "frobnic frobber"),
        ("SHOUTED FROBNIC HERE", "", "frobnic"),
    ],
)
def test_what_is_learned_of_a_line(learner: Learner, text: str, kept: str, lost: str) -> None:
    found = learned(learner, text)
    assert set(fold(kept).split()) <= found
    assert not set(lost.split()) & found


def test_a_secret_is_no_context_either(learner: Learner) -> None:
    observations = {o.word: o.context for o in learner.read("I like a1b2c3 tea today")}
    assert observations["tea"] == ()
    assert observations["today"] == ("tea",)
