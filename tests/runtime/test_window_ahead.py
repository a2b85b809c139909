"""What comes next is read ahead: the same answers, and no keystroke that reads a window or two words at once."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretype.runtime import Model, load
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.session import Session
from foretype.runtime.text.context import WINDOW_CHARACTERS

WORDS = ["we", "love", "the", "garden", "and", "music", "tea", "see", "film", "cat"]


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def typing(characters: int, seed: int) -> Iterator[str]:
    """A long text letter by letter, with words taken back and the cursor going elsewhere now and then."""
    draw = random.Random(seed)
    text = ""
    while len(text) < characters:
        if text and draw.random() < 0.05:
            text = text[: -draw.randint(1, 12)]
            yield text
        elif draw.random() < 0.01:
            yield text[: draw.randint(0, len(text))]
        word = draw.choice(WORDS) + draw.choice((" ", " ", " ", ". ", "\n"))
        for letter in word:
            text += letter
            yield text


def test_answers_are_those_of_a_session_that_was_just_handed_the_text(model: Model) -> None:
    session = model.session()
    for number, text in enumerate(typing(3 * WINDOW_CHARACTERS, seed=1)):
        found = session.suggest(text)
        if number % 20 == 0:
            assert found == model.session().suggest(text)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of tokens of each run of the network."""
    lengths: list[int] = []
    run = NeuralModel.run

    def counted(self: NeuralModel, ids: Any, state: Any, options: Any = None) -> Any:
        lengths.append(len(ids))
        return run(self, ids, state, options)

    monkeypatch.setattr(NeuralModel, "run", counted)
    return lengths


def test_no_keystroke_reads_a_window_at_once(model: Model, read: list[int]) -> None:
    session = model.session()
    most = 0
    text = ""
    draw = random.Random(2)
    while len(text) < 5 * WINDOW_CHARACTERS:
        for letter in draw.choice(WORDS) + " ":
            text += letter
            read.clear()
            session.suggest(text)
            most = max(most, sum(read))
    assert most <= 24  # two chunks of eight tokens and single steps, where a window holds two hundred


def test_a_word_and_the_mark_behind_it_are_read_at_two_keystrokes(model: Model, read: list[int]) -> None:
    session, text = model.session(), "I love tea, music and (the) cat. We see! "
    for end in range(1, len(text) + 1):
        read.clear()
        session.suggest(text[:end])
        assert len(read) <= 1, text[:end]


def kept(session: Session) -> int:
    """Bytes that are freed when `session` rests."""
    before = tracemalloc.get_traced_memory()[0]
    session.rest()
    return before - tracemalloc.get_traced_memory()[0]


def test_a_session_at_rest_is_small_and_answers_the_same(model: Model) -> None:
    text = " ".join(random.Random(3).choices(WORDS, k=400)) + " "

    def typed() -> Session:
        session = model.session()
        for end in range(len(text) - 600, len(text) + 1):
            session.suggest(text[:end])
        return session

    typed()  # what the model itself keeps
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        session = typed()
        expected = session.suggest(text)
        assert kept(session) > 0
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
    assert session.suggest(text) == expected
