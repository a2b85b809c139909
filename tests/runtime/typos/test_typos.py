"""Misspelt words: the odds of slips, the neighbours that are found, and corrections that are offered, never forced."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime import Model, Suggestion, load
from foretype.runtime.errors import ConfigError
from foretype.runtime.evaluation.misspelling import misspell
from foretype.runtime.evaluation.writing import evaluate_slips
from foretype.runtime.suggesting.corrections import FinishedWord, finished_word
from foretype.runtime.typos.beginnings import LONGEST
from foretype.runtime.typos.error_model import ErrorModel
from foretype.runtime.typos.finder import NeighbourIndex, TypoConfig, Typos
from foretype.tui.cli import run

WORDS = sorted(["garden", "gardens", "guard", "music", "musical", "the", "their", "there", "well", "we'll", "don't"])


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def texts(found: list[Suggestion]) -> list[str]:
    return [suggestion.text for suggestion in found]


@pytest.mark.parametrize(
    ("likely", "unlikely", "meant"),
    [
        ("hpuse", "hquse", "house"),  # a key beside the one that was meant
        ("hosue", "hsuoe", "house"),  # letters exchanged once, rather than far away
        ("coming", "comang", "comming"),  # one of a pair left out
        ("seperate", "septrate", "separate"),  # a vowel for a vowel
        ("dont", "dpn't", "don't"),  # no apostrophe is a habit
        ("cafe", "cafw", "café"),
        ("houuse", "houxse", "house"),  # a letter twice
    ],
)
def test_slips_that_hands_make_are_likelier_than_others(likely: str, unlikely: str, meant: str) -> None:
    errors = ErrorModel()
    assert 1.0 > errors.odds(likely, meant) > errors.odds(unlikely, meant) > 0.0


def test_the_layout_decides_what_a_likely_slip_is() -> None:
    assert ErrorModel("qwertz").odds("zes", "tes") > ErrorModel("qwerty").odds("zes", "tes")


@given(word=st.text("abcdeé'", min_size=1, max_size=9), other=st.text("abcde'", max_size=9))
def test_odds_are_a_factor(word: str, other: str) -> None:
    """Typing as meant has the odds 1; anything else is possible, and less likely."""
    errors = ErrorModel()
    assert errors.odds(word, word) == 1.0
    assert word == other or 0.0 < errors.odds(other, word) < 1.0


@settings(deadline=None)
@given(seed=st.integers(0, 100_000), word=st.sampled_from(WORDS))
def test_any_single_slip_behind_the_first_letters_is_found(seed: int, word: str) -> None:
    """Whatever happens to one letter, the word's range is among what may be meant, for a finished word and a prefix."""
    draw = random.Random(seed)
    place = draw.randrange(2, len(word))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    exchanged = word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]
    typed = draw.choice(
        [
            word[:place] + letter + word[place:],
            word[:place] + word[place + 1 :],
            word[:place] + letter + word[place + 1 :],
        ]
        + [exchanged] * (place > 2)
    )
    typos = Typos(NeighbourIndex(WORDS), TypoConfig())
    uniform = np.full(len(WORDS), 1 / len(WORDS), np.float32)
    if len(typed) < 3 or typed == word:
        return
    position = WORDS.index(word)
    assert any(found.low <= position < found.high for found in typos.meant(typed, uniform, whole=True))
    if not word.startswith(typed):
        assert any(found.low <= position < found.high for found in typos.meant(typed, uniform))


@given(typed=st.text(max_size=LONGEST + 2), whole=st.booleans())
def test_any_letters_may_be_typed(typed: str, whole: bool) -> None:
    typos = Typos(NeighbourIndex(WORDS), TypoConfig())
    for found in typos.meant(typed, np.full(len(WORDS), 0.1, np.float32), whole=whole):
        assert 0 <= found.low < found.high <= len(WORDS)
        assert 0.0 < found.odds <= 1.0


def test_misspelt_words_are_completed_and_corrected(model: Model) -> None:
    session = model.session()
    assert session.suggest("I love musci")[0].text == "music"
    assert session.suggest("We want the gadr")[0].text == "garden"
    assert session.suggest("We want the Gadr")[0].text == "Garden"
    assert session.suggest("We want the gadr")[0].replaces == 4
    assert not model.session(typos=False).suggest("I love musci")


@pytest.mark.parametrize(("typed", "meant"), [("dont", "don't"), ("Dont", "Don't"), ("DONT", "DON'T")])
def test_contractions_are_offered_without_their_apostrophe(model: Model, typed: str, meant: str) -> None:
    assert meant in texts(model.session().suggest(f"I love tea, {typed}"))


def test_letters_that_lead_somewhere_are_taken_as_they_are(model: Model) -> None:
    """Where words go on from the typed letters, tolerance changes nothing."""
    exact, tolerant = model.session(typos=False), model.session()
    for text in ("I lo", "we want the ga", "Tom", "I love th"):
        assert tolerant.suggest(text, k=5) == exact.suggest(text, k=5)


def test_probabilities_still_sum_to_one(model: Model) -> None:
    found = model.session().suggest("I love musci", k=len(model.vocabulary))
    assert sum(suggestion.probability for suggestion in found) == pytest.approx(1.0, abs=1e-3)


def test_the_last_word_is_corrected_after_the_space_and_marks_stay(model: Model) -> None:
    session = model.session()
    assert session.corrections("I love musci ") == [Suggestion("music ", pytest.approx(1.0, abs=0.2), 6)]  # type: ignore[arg-type]
    assert texts(session.corrections("I love Musci, ")) == ["Music, "]
    assert texts(session.corrections("I love musci")) == ["music"]
    assert texts(session.corrections("see you on monday. ")) == ["Monday. "]
    assert texts(session.corrections("And then i ")) == ["I "]
    for right in ("I love music ", "I love ", "", "I love musci\n", "3 ", "http://musci ", "a@musci ", "anti-musci "):
        assert session.corrections(right) == []


def test_a_word_that_is_kept_is_corrected_no_more(model: Model) -> None:
    session = model.session()
    session.keep("Musci")
    assert session.corrections("I love musci ") == []
    assert session.suggest("I love musci") == []
    assert model.session().corrections("I love musci ")


def test_corrections_do_not_change_what_is_suggested(model: Model) -> None:
    session = model.session()
    before = session.suggest("I love musci ")
    session.corrections("I love musci ")
    assert session.suggest("I love musci ") == before == model.session().suggest("I love musci ")


@given(text=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_may_be_corrected(model: Model, text: str) -> None:
    for suggestion in model.session().corrections(text, threshold=0.0):
        assert 0 < suggestion.replaces <= len(text)


def test_the_last_word_of_a_text() -> None:
    assert finished_word("I recieve, ") == FinishedWord("I ", "recieve", ", ")
    assert finished_word('"Well') == FinishedWord('"', "Well", "")
    assert finished_word("well\n") is None
    assert finished_word("3 ") is None


def test_an_unknown_layout_is_told_at_once(model: Model) -> None:
    with pytest.raises(ConfigError, match="layout is 'azerti'"):
        model.session(layout="azerti")


def test_misspelling_is_repeatable_and_hits_letters_only() -> None:
    assert [misspell("garden", random.Random(1)) for _ in range(2)] == [misspell("garden", random.Random(1))] * 2
    assert misspell("1234 -- é", random.Random(1), rate=1.0) == "1234 -- é"
    assert misspell("garden", random.Random(1), rate=0.0) == "garden"


def test_figures_of_slips_count_the_words_that_were_meant(model: Model, corpus: tuple[Path, Path]) -> None:
    document = corpus[1].read_text(encoding="utf-8").splitlines()[:40]
    figures = evaluate_slips(model, [document]).figures()
    assert figures["savings"] >= figures["savings_exact_prefixes"] > 0
    assert figures["misspelt"]["words"] > 20
    assert figures["misspelt"]["among_three_at_end"] > 0.85


def test_eval_reports_slips_and_phrases(
    tiny_bundle: Path, corpus: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures of docs/writing.md come from a command that anyone can run, as text and as JSON."""
    arguments = ["eval", str(corpus[1]), "--limit", "60", "--bundle", str(tiny_bundle), "--writing"]
    assert run([*arguments, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"slips", "phrases"}
    assert figures["slips"]["misspelt"]["words"] > 0
    assert run(arguments) == 0
    assert "Phrases: savings" in capsys.readouterr().out
    assert run([*arguments, "--layout", "azerti"]) == 1
    assert "choose from qwerty" in capsys.readouterr().err


def test_two_letters_are_enough_for_a_missing_apostrophe() -> None:
    assert "I'm" in {found.text for found in load("en").session().suggest("I think im", k=8)}
