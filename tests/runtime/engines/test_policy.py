"""What the neural model may cost: memory at loading, time at each step, a caller's deadline, and cancellation."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from foretype.runtime import ConfigError, EngineError, Model, Policy, load
from foretype.runtime.engines.deadline import Deadline
from foretype.runtime.engines.policy import resident_mb
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.files.bundle import STEP

NO_TIME = 1e-6
"""Milliseconds in which no step can be done."""
WORDS = ["I", "think", "that", "you", "love", "the", "garden", "and", "we", "see", "the", "film", "today"]


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle, policy=Policy(deadline_ms=None))


@pytest.fixture(scope="module")
def counting_model(tiny_bundle: Path) -> Model:
    """The n-gram model alone: what answers when time is short."""
    return load(tiny_bundle, engine="ngram")


def texts() -> list[str]:
    return [" ".join(WORDS[:count]) + " " for count in range(1, len(WORDS) + 1)]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"memory_limit_mb": 0}, "memory_limit_mb is 0"),
        ({"deadline_ms": -1.0}, "deadline_ms is -1.0"),
        ({"deadline_ms": float("nan")}, "deadline_ms is nan"),
        ({"misses": 0}, "misses is 0"),
        ({"retry_seconds": float("inf")}, "retry_seconds is inf"),
    ],
)
def test_a_policy_of_illegal_values_names_them(values: dict[str, float], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Policy(**values)  # type: ignore[arg-type]


def test_a_memory_limit_leaves_the_neural_model_out_with_a_notice(tiny_bundle: Path) -> None:
    model = load(tiny_bundle, policy=Policy(memory_limit_mb=1))
    assert model.engine == "ngram"
    assert STEP in (model.notice or "")
    assert "the limit is 1 MB" in (model.notice or "")
    assert model.session().suggest("I love the ").engine == "ngram"
    with pytest.raises(EngineError, match="the limit is 1 MB"):
        load(tiny_bundle, engine="blend", policy=Policy(memory_limit_mb=1))


def test_a_memory_limit_above_what_is_needed_changes_nothing(tiny_bundle: Path) -> None:
    model = load(tiny_bundle, policy=Policy(memory_limit_mb=1_000_000))
    assert (model.engine, model.notice) == ("blend", None)


def test_the_process_knows_its_memory_where_the_system_tells() -> None:
    used = resident_mb()
    assert used is None or 10 < used < 100_000


def test_a_session_whose_steps_are_late_goes_on_with_the_ngram_model_and_says_so(
    tiny_bundle: Path, model: Model, counting_model: Model
) -> None:
    """Three late steps are waited for, each with its answer; then the n-gram model answers, in this session only."""
    late = load(tiny_bundle, policy=Policy(deadline_ms=NO_TIME))
    session = late.session()
    for number, text in enumerate(texts()):
        found = session.suggest(text)
        engine = "blend" if number < 3 else "ngram"
        assert (found.engine, found.text) == (engine, text)
        assert found == (model if number < 3 else counting_model).session().suggest(text)
        assert (session.notice is None) == (number < 2)
    assert "3 neural steps in a row took longer than 1e-06 ms" in (session.notice or "")
    assert late.notice is None
    assert late.session().suggest("I love ").engine == "blend"


def test_a_step_in_time_forgives_the_late_ones_before_it() -> None:
    deadline = Deadline(Policy(deadline_ms=50.0, misses=2))
    for seconds in (0.06, 0.04, 0.06):
        deadline.begin(None)
        deadline.allowance.last_run = seconds
        deadline.end()
    assert deadline.uses_neural
    assert deadline.notice is None


def test_the_neural_model_is_tried_again_and_each_failed_trial_doubles_the_wait(tiny_bundle: Path) -> None:
    model = load(
        tiny_bundle, policy=Policy(deadline_ms=NO_TIME, misses=1, retry_seconds=0.05, longest_wait_seconds=0.1)
    )
    session, steps = model.session(), iter(texts())
    assert session.suggest(next(steps)).engine == "blend"
    assert "after 0.05 s" in (session.notice or "")
    assert session.suggest(next(steps)).engine == "ngram"
    for _ in range(2):
        time.sleep(0.12)
        session.suggest(next(steps))  # the trial: late again
        assert "after 0.1 s" in (session.notice or "")
        assert session.suggest(next(steps)).engine == "ngram"


def test_after_a_trial_in_time_the_session_is_as_before(tiny_bundle: Path, model: Model) -> None:
    session = load(tiny_bundle, policy=Policy(deadline_ms=1000.0, misses=1, retry_seconds=0.01)).session()
    session._deadline.begin(None)
    session._deadline.allowance.last_run = 2.0  # as a machine that was busy elsewhere
    session._deadline.end()
    assert session.notice
    time.sleep(0.02)
    found = session.suggest("I love the ")
    assert found.engine == "blend"
    assert found == model.session().suggest("I love the ")
    assert session.notice is None


def test_an_engine_asked_for_by_name_is_never_given_up_for_being_late(tiny_bundle: Path) -> None:
    session = load(tiny_bundle, engine="neural", policy=Policy(deadline_ms=NO_TIME, misses=1)).session()
    assert {session.suggest(text).engine for text in texts()} == {"neural"}


def test_without_time_the_ngram_model_answers_as_it_does_alone(model: Model, counting_model: Model) -> None:
    session = model.session()
    for text in [*texts(), "I love mus", "", "We see, "]:
        found = session.suggest(text, deadline_ms=0.0)
        assert (found.engine, found.text) == ("ngram", text)
        assert found == counting_model.session().suggest(text)


def test_with_time_enough_a_deadline_changes_nothing(model: Model) -> None:
    for text in texts():
        found = model.session().suggest(text, deadline_ms=60_000)
        assert found.engine == "blend"
        assert found == model.session().suggest(text)


def test_a_paste_that_takes_too_long_is_gone_on_with_at_the_next_call(
    model: Model, counting_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before the deadline is kept, so answers in time come closer with each call."""
    run, tokens = NeuralModel.run, 0

    def slow(neural: NeuralModel, ids: tuple[int, ...], *rest: object) -> object:
        nonlocal tokens
        tokens += len(ids)
        time.sleep(0.02)
        return run(neural, ids, *rest)  # type: ignore[arg-type]

    text = "we see the film and the garden " * 8
    expected, counted = model.session().suggest(text), counting_model.session().suggest(text)
    monkeypatch.setattr(NeuralModel, "run", slow)
    session, answers = model.session(), []
    for _ in range(60):
        found = session.suggest(text, deadline_ms=50.0)
        assert found == (expected if found.engine == "blend" else counted)
        answers.append(found.engine)
        if found.engine == "blend":
            break
    assert answers[0] == "ngram"
    assert answers[-1] == "blend"
    everything = tokens
    model.session().suggest(text)
    assert everything == tokens - everything  # no token was fed twice


def test_one_slow_run_does_not_keep_the_neural_model_out_for_good(model: Model) -> None:
    session = model.session()
    session._deadline._usual[1] = 10.0
    engines = [session.suggest("I ", deadline_ms=500.0).engine for _ in range(40)]
    assert engines[0] == "ngram"
    assert engines[-1] == "blend"


def test_cancelling_ends_a_run_under_way(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer comes from the n-gram model, long before the run would have ended; the next call is as ever."""
    model = load(tiny_bundle)
    session = model.session()
    run, started = NeuralModel.run, threading.Event()

    def endless(neural: NeuralModel, ids: tuple[int, ...], state: object, options: object) -> object:
        started.set()
        return run(neural, ids * 3_000_000, state, options)  # type: ignore[arg-type]

    monkeypatch.setattr(NeuralModel, "run", endless)
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(session.suggest("I love the ")))
    thread.start()
    assert started.wait(10)
    time.sleep(0.05)
    session.cancel()
    thread.join(30)
    assert not thread.is_alive()
    monkeypatch.undo()
    assert answers == [load(tiny_bundle, engine="ngram").session().suggest("I love the ")]
    assert answers[0].engine == "ngram"  # type: ignore[attr-defined]
    assert (model.engine, model.notice) == ("blend", None)
    assert session.suggest("I love the ") == model.session().suggest("I love the ")


def test_cancelling_a_session_at_rest_does_nothing(model: Model) -> None:
    session = model.session()
    session.cancel()
    assert session.suggest("I love ").engine == "blend"


def test_below_the_threshold_nothing_is_offered(model: Model) -> None:
    for text in ("I love ", "I love t", "I love th"):
        everything = model.session(overlooks=1.0).suggest(text, k=10)
        middle = everything[len(everything) // 2].probability
        kept = model.session(overlooks=1.0).suggest(text, k=10, threshold=middle)
        assert kept == [suggestion for suggestion in everything if suggestion.probability >= middle]
    assert model.session(overlooks=1.0).suggest("I love ", threshold=1.0) == []


def test_without_repeats_a_word_below_the_threshold_was_not_shown(model: Model) -> None:
    session = model.session(overlooks=0.0)
    assert session.suggest("I love ", threshold=1.0) == []
    assert session.suggest("I love m", threshold=0.0) == model.session(overlooks=0.0).suggest("I love m")
    assert session.suggest("I love m", threshold=0.01) == model.session(overlooks=0.0).suggest(
        "I love m", threshold=0.01
    )
