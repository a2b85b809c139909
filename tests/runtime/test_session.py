"""Suggestions through the public interface, on a real bundle: purity, merging, case, and no needless model runs."""

from __future__ import annotations

import gc
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime import Model, Session, load
from foretype.runtime.engines.predictor import KEPT_PREDICTIONS
from foretype.runtime.engines.state_cache import KEPT_STATES
from foretype.runtime.engines.step_graph import NeuralModel


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


PARTS = [
    "I ",
    "love ",
    "the cat",
    " ",
    ". ",
    "Tom ",
    "wants",
    "mus",
    "re",
    "Mon",
    "don'",
    "\n",
    "\n\n",
    "?! ",
    "3",
    "é",
    "you",
]


@settings(max_examples=60, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 60), st.lists(st.sampled_from(PARTS), max_size=6)), max_size=8))
def test_the_same_text_gives_the_same_suggestions_after_any_edits(
    model: Model, edits: list[tuple[int, list[str]]]
) -> None:
    session, text = model.session(), ""
    for keep, added in edits:
        text = text[:keep] + "".join(added)
        assert session.suggest(text, k=5) == model.session().suggest(text, k=5)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=200), k=st.integers(0, 50))
def test_any_text_is_taken(model: Model, text: str, k: int) -> None:
    found = model.session().suggest(text, k=k)
    assert len(found) <= k
    assert len({s.text for s in found}) == len(found)
    assert all(0.0 <= s.probability <= 1.0001 and s.replaces <= len(text) for s in found)


def test_a_long_text_typed_and_pasted_meet(model: Model, corpus: tuple[Path, Path]) -> None:
    text = corpus[1].read_text(encoding="utf-8")[:3000]
    typed = model.session()
    for end in range(0, len(text), 7):
        typed.suggest(text[:end])
    assert typed.suggest(text) == model.session().suggest(text)


class Counted:
    """Counts the runs of a neural model."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tokens = 0
        run = NeuralModel.run

        def counting(neural: NeuralModel, ids: tuple[int, ...], state: object, options: object) -> object:
            self.tokens += len(ids)
            return run(neural, ids, state, options)  # type: ignore[arg-type]

        monkeypatch.setattr(NeuralModel, "run", counting)


def test_letters_backspaces_and_jumps_back_cost_no_model_run(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    session = model.session()
    text = "I think that you love the garden. We see the film "
    for end in range(len(text) + 1):
        session.suggest(text[:end])
    words = counted.tokens
    assert words <= 2 * len(text.split()) + 4
    for end in range(len(text), 40, -1):
        session.suggest(text[:end])
    session.suggest(text[:16])
    session.suggest(text)
    session.suggest(text + "to")
    assert counted.tokens <= words + 2


def test_only_the_new_word_is_run(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    session = model.session()
    session.suggest("I love the ")
    counted = Counted(monkeypatch)
    session.suggest("I love the garden ")
    assert counted.tokens == 1


def test_case_follows_the_sentence_and_the_typed_letters(model: Model) -> None:
    def texts(text: str) -> list[str]:
        return [s.text for s in model.session().suggest(text, k=5)]

    assert all(word[0].isupper() for word in texts("I love music. "))
    assert "Honestly" in texts("Hon")
    assert "Monday" in texts("I love music on mon")
    assert "MUSIC" in texts("I LOVE MUS")
    assert "the" in texts("I love t")


def test_a_complete_word_is_not_offered_and_longer_ones_are(model: Model) -> None:
    texts = [s.text for s in model.session().suggest("I love the", k=10)]
    assert "the" not in texts
    assert "they" in texts


def test_suggestions_say_what_they_replace(model: Model) -> None:
    assert {s.replaces for s in model.session().suggest("I love mus")} == {3}
    assert {s.replaces for s in model.session().suggest("I love ")} == {0}
    found = model.session().suggest("anti-mus")
    assert found[0].text.startswith("anti-mus")
    assert found[0].replaces == 8


def test_apostrophes_are_written_as_the_text_writes_them(model: Model) -> None:
    assert model.session().suggest("don'")[0].text == "don't"
    assert model.session().suggest("don\u2019")[0].text == "don\u2019t"
    assert "don\u2019t" in [s.text for s in model.session().suggest("Anna\u2019s cat, do", k=5)]


def test_probabilities_are_of_the_word_given_its_typed_letters(model: Model) -> None:
    everything = model.session().suggest("I love ", k=len(model.vocabulary))
    assert sum(s.probability for s in everything) == pytest.approx(1.0, abs=1e-3)
    ranked = [s.probability for s in everything]
    assert ranked == sorted(ranked, reverse=True)


@pytest.mark.parametrize(
    ("before", "word"),
    [("I love the ", "garden"), ("Well, ", "they"), ("we ", "don't"), ("We see it on ", "Monday"), ("anti-", "music")],
)
def test_without_repeats_a_word_is_shown_once_in_live_and_fresh_sessions(model: Model, before: str, word: str) -> None:
    session = model.session(overlooks=0.0)
    shown: list[str] = []
    for typed in range(len(word) + 1):
        text = before + word[:typed]
        found = session.suggest(text)
        assert found == model.session(overlooks=0.0).suggest(text)
        assert session.suggest(text, k=1) == model.session(overlooks=0.0).suggest(text, k=1)
        shown += [suggestion.text for suggestion in found]
    assert shown
    assert len(set(shown)) == len(shown)


def test_the_next_word_starts_anew_without_repeats(model: Model) -> None:
    session = model.session(overlooks=0.0)
    first = session.suggest("I love ")
    session.suggest("I love m")
    assert session.suggest("I love ") == first


def test_sessions_share_a_model_between_threads(model: Model) -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = [" ".join(random.Random(i).choices(["I", "love", "the", "cat", "see"], k=12)) + " " for i in range(16)]
    expected = [model.session().suggest(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: model.session().suggest(text), texts)) == expected


def test_a_thousand_sessions_share_the_weights_and_keep_little(model: Model) -> None:
    """At most 50 KB each, beside the distributions and states that are kept, and these are bounded."""
    text = "we see the film and the garden and the cat loves music " * 60
    ends = [place + 1 for place, character in enumerate(text) if character == " "]

    def follow(session: Session) -> None:
        for end in ends:
            session.suggest(text[:end])

    follow(model.session())  # what the model itself keeps
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        sessions = [model.session() for _ in range(1000)]
        assert tracemalloc.get_traced_memory()[0] - before < 1000 * 5_000
        session = sessions[0]
        follow(session)
        gc.collect()
        alive = tracemalloc.get_traced_memory()[0]
        del session, sessions[0]
        gc.collect()
        assert model.neural
        state = sum(part.nbytes + 1000 for part in model.neural.initial_state())
        scores = 4 * len(model.vocabulary)
        path = 8 * len(text.split())  # each is kept under the tokens that lead to it
        bound = (KEPT_PREDICTIONS + 1) * scores + KEPT_STATES * (state + path) + 50_000
        assert alive - tracemalloc.get_traced_memory()[0] < bound
    finally:
        tracemalloc.stop()
