"""Long runs without white space (images in base64, minified code) take linear time, whatever they are made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from foretype.runtime import Model, load
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes
from foretype.runtime.evaluation.perplexity import evaluate_tokens
from foretype.runtime.personal.store import Store
from foretype.runtime.text.form import LONGEST_RUN, new_tokenizer, split_pieces

UNITS = ["a", "aB3/", "ab-", "a'", "7", "👍", '"', "`", "[(", "[a](b)", "a=", "a/b", "a@", "www."]
LENGTH = 50_000
MOST_SECONDS = 1.0
"""Some twenty times what it takes; the quadratic ways took minutes."""


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle, engine="ngram")


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("unit", UNITS)
def test_learning_and_committing_a_long_run(model: Model, tmp_path: Path, unit: str) -> None:
    run = (unit * LENGTH)[:LENGTH]
    session = model.session(store=Store(tmp_path / "s.sqlite3"))

    def end() -> None:
        session.commit(run + " a")
        session.finish()

    for text in (run, f"password: {run}", f"see {run} and {run}"):
        assert seconds(partial(session.learn, text)) < MOST_SECONDS
    assert seconds(lambda: session.commit(run)) < MOST_SECONDS
    assert seconds(end) < MOST_SECONDS
    assert seconds(lambda: session.suggest(run + " a")) < MOST_SECONDS


@pytest.mark.parametrize("unit", [*UNITS, "password: ", " password", "password. ", "token is ", "pass:\n"])
def test_the_time_to_learn_grows_with_the_text_and_not_with_its_square(model: Model, tmp_path: Path, unit: str) -> None:
    session = model.session(store=Store(tmp_path / "s.sqlite3"))

    def least(length: int) -> float:
        return min(seconds(lambda: session.learn((unit * length)[:length])) for _ in range(3))

    least(1000)
    # Six times the text: 6 times if linear, 36 if quadratic. 10 ms cover what does not grow: opening the store, writing
    # it.
    assert least(120_000) < 11.6 * least(20_000) + 0.01


def test_typing_a_long_run_letter_by_letter(model: Model, tmp_path: Path) -> None:
    session = model.session(store=Store(tmp_path / "s.sqlite3"))
    run = "a" * 4000

    def type_it() -> None:
        for end in range(1, len(run) + 1):
            session.commit(run[:end], after="")

    assert seconds(type_it) < MOST_SECONDS


def test_evaluating_a_word_of_a_hundred_thousand_letters(model: Model) -> None:
    documents = [["a" * 100_000]]
    for mode in ("plain", "text"):
        assert seconds(partial(evaluate_keystrokes, model, documents, mode)) < MOST_SECONDS
    assert seconds(lambda: evaluate_tokens(model, documents)) < MOST_SECONDS


def test_committing_a_megabyte(model: Model, tmp_path: Path) -> None:
    session = model.session(store=Store(tmp_path / "s.sqlite3"))
    text = "We love the garden, and the cat sees music.\n" * 24_000
    assert seconds(lambda: session.commit(text, pasted=True)) < MOST_SECONDS
    assert seconds(lambda: session.commit(text + "a")) < MOST_SECONDS
    assert seconds(session.finish) < MOST_SECONDS


def test_only_runs_that_are_too_long_are_not_looked_into() -> None:
    tokenizer = new_tokenizer({})
    longest = "a-" * (LONGEST_RUN // 2)
    assert split_pieces(tokenizer, f"see {longest} now") == ["see", *longest, "now"]
    assert split_pieces(tokenizer, f"see {longest}a now") == ["see", longest, "now"]
    text = "Well, it's 3.5 km to me@example.org. " * 20
    assert split_pieces(tokenizer, text) == split_pieces(tokenizer, "Well, it's 3.5 km to me@example.org. ") * 20
