"""Simulated typists: times added up by hand, and rules that hold for every text, typist and model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from foretype.runtime import load
from foretype.runtime.errors import ConfigError
from foretype.runtime.evaluation.typing_speed import (
    TODAY,
    Chances,
    Setting,
    TypingSpeed,
    draw_chances,
    evaluate_typists,
    type_word,
)
from foretype.runtime.evaluation.typist import PROFILES, Typist, find_typists
from foretype.runtime.model import Model

LINES = [["I think that you love the garden."], ["We see the film, don't you think?"], ["Anna loves music today."]]
ALWAYS, NEVER = 0.0, 1.0
"""Random numbers that make what has any chance happen, or what is not certain stay away."""
HAND = Typist(key=1.0, look=10.0, read=3.0, choose=0.5, looks=0.5, least=1, misses=0.5, errors=0.1, notice=100.0)


def chances(word: str, **given: dict[int, float]) -> Chances:
    """Nothing happens, except what `given` says by the number of the letter."""
    defaults = {"looks": NEVER, "misses": NEVER, "slips": NEVER, "notices": NEVER, "wrong": 0.0}
    return Chances(*([given.get(f, {}).get(i, d) for i in range(len(word) + 1)] for f, d in defaults.items()))


def typed(shown: Sequence[str], typist: Typist = HAND, **given: dict[int, float]) -> tuple[float, int, int]:
    result = type_word(lambda _: shown, "", "tea", 1, typist, chances("tea", **given), "qwerty")
    return result.seconds, result.keys, result.accepted


def test_times_add_up_as_by_hand() -> None:
    plain = (4.0, 4, 0)  # three letters and a space
    assert typed(()) == plain
    assert typed(["the", "tea"]) == plain, "who never looks types every letter"
    # A letter, then a look at two words, and the choice.
    assert typed(["the", "tea", "to"], looks={1: ALWAYS}) == (1 + 10 + 2 * 3 + 0.5, 2, 1)
    # A look that misses the word, or finds nothing, reads the whole list.
    assert typed(["the", "tea", "to"], looks={1: ALWAYS}, misses={1: 0.2}) == (4 + 10 + 3 * 3, 4, 0)
    assert typed(["the", "to"], looks={1: ALWAYS}) == (4 + 10 + 2 * 3, 4, 0)
    assert typed((), looks={1: ALWAYS}) == plain, "an empty list draws no look"
    assert typed(["tea"], replace(HAND, least=3), looks={1: ALWAYS}) == plain, "only two letters are left"
    # The device steps over the list for each key and the space, and to the second word.
    steps = replace(HAND, passing=0.25, step=0.125)
    assert typed(["the", "tea"], steps) == (5.0, 4, 0)
    assert typed(["the", "tea"], steps, looks={1: ALWAYS}) == (1.25 + 10 + 6 + 0.625, 2, 1)
    assert typed(["tea"], replace(HAND, choose=3.0), looks={1: ALWAYS}) == (4 + 13, 4, 0), "typing on is as fast"


def test_wrong_letters_cost_their_correction() -> None:
    # Seen at once: back, and again. Otherwise, at the end: back to the wrong letter, and on from there.
    assert typed((), slips={1: 0.05}, notices={1: ALWAYS}) == (4 + 100 + 2, 6, 0)
    assert typed((), slips={1: 0.05}) == (4 + 100 + 4, 8, 0)
    seen: list[str] = []

    def offer(text: str) -> Sequence[str]:
        seen.append(text)
        return ["tea"] if text == "I twa" else []

    given = chances("tea", slips={1: 0.05}, looks={3: ALWAYS})
    result = type_word(offer, "I ", "tea", 1, HAND, given, "qwerty")
    assert seen == ["I ", "I t", "I tw", "I twa"], "suggestions are for what really stands there"
    assert (result.seconds, result.keys, result.accepted) == (3 + 100 + 13 + 0.5, 4, 1), "the list corrects the word"


def seconds(model: Model, typists: dict[str, Typist]) -> list[float]:
    """Time of each typist with suggestions."""
    result = evaluate_typists(model, LINES, "plain", typists, [TODAY])
    return [sum(part.seconds for part in result.suggested[name, TODAY]) for name in typists]


@pytest.fixture(scope="module")
def model() -> Model:
    return load("en-tiny", engine="ngram")


@pytest.mark.parametrize("mode", ["plain", "text"])
def test_who_never_looks_needs_the_time_of_typing(model: Model, mode: Any) -> None:
    typists = {name: replace(typist, looks=0.0, passing=0.0) for name, typist in PROFILES.items()}
    result = evaluate_typists(model, LINES, mode, typists, [TODAY, Setting(5, 0.3)])
    for (name, _), typed_ in result.suggested.items():
        assert typed_ == result.without[name]
    no_list = evaluate_typists(model, LINES, mode, PROFILES, [Setting(0, 0.0)])
    for name, alone in no_list.without.items():
        assert no_list.suggested[name, Setting(0, 0.0)] == alone, "without a list, nothing is saved or lost"


@pytest.mark.parametrize("name", PROFILES)
def test_looking_more_never_slows_who_reads_in_no_time(model: Model, name: str) -> None:
    quick = replace(PROFILES[name], look=0.0, read=0.0)
    times = seconds(model, {f"{looks:g}": replace(quick, looks=looks) for looks in (0.0, 0.1, 0.3, 0.6, 1.0)})
    assert times == sorted(times, reverse=True)
    assert times[-1] < times[0], "some words were taken"


@pytest.mark.parametrize("name", PROFILES)
def test_speed_falls_with_reading_time_and_with_errors(model: Model, name: str) -> None:
    typist = PROFILES[name]
    reading = seconds(model, {f"{read:g}": replace(typist, read=read) for read in (0.0, 0.2, 0.5)})
    assert reading[0] < reading[1] < reading[2]
    errors = {f"{rate:g}": replace(typist, errors=rate) for rate in (0.0, 0.04, 0.2)}
    alone = [
        sum(part.seconds for part in row) for row in evaluate_typists(model, LINES, "text", errors).without.values()
    ]
    assert alone[0] <= alone[1] < alone[2]
    helped = seconds(model, errors)
    assert helped[0] < helped[2]


def test_the_seed_alone_decides_chances(model: Model) -> None:
    def run(seed: int) -> TypingSpeed:
        return evaluate_typists(model, LINES, "text", {"phone": PROFILES["phone"]}, [TODAY], seed=seed)

    assert run(1) == run(1)
    assert run(1).suggested != run(2).suggested
    assert draw_chances("tea", 1, 2, 3) == draw_chances("tea", 1, 2, 3) != draw_chances("tea", 1, 2, 4)


def test_figures_name_the_fastest_setting(model: Model) -> None:
    settings = [TODAY, Setting(1, 0.5)]
    result = evaluate_typists(
        model, LINES, "text", {"fast": PROFILES["fast"], "scanner": PROFILES["scanner"]}, settings
    )
    figures = json.loads(json.dumps(result.figures()))
    assert (figures["documents"], figures["words"]) == (3, 18)
    characters = sum(len(line) for (line,) in LINES)
    for name, typist in figures["typists"].items():
        total = sum(part.seconds for part in result.without[name])
        assert typist["without"] == pytest.approx(characters / 5 / total * 60)
        rows = typist["settings"]
        assert typist["best"] == max(rows, key=lambda row: row["words_per_minute"])
        now = rows[0]
        assert now["time_saved"] == pytest.approx(100 * (1 - typist["without"] / now["words_per_minute"]))
        assert typist["over_today"] == pytest.approx(
            100 * (1 - now["words_per_minute"] / typist["best"]["words_per_minute"])
        )
        assert now["time_saved_interval"][0] <= now["time_saved"] <= now["time_saved_interval"][1]


def test_profiles_are_found_and_checked() -> None:
    assert list(find_typists("all")) == ["fast", "slow", "phone", "scanner", "gaze"]
    assert list(find_typists("phone")) == ["phone"]
    with pytest.raises(ConfigError, match="'lazy'; choose from fast, slow, phone, scanner, gaze, all"):
        find_typists("lazy")
    with pytest.raises(ConfigError, match="errors is 8; expected 0 to 1"):
        Typist(key=0.2, errors=8)


def test_marks_between_words_are_typed(model: Model) -> None:
    result = evaluate_typists(model, [["?!"], [""]], "text", {"hand": HAND}, [TODAY])
    assert [part.seconds for part in result.without["hand"]] == [2.0]
    assert result.suggested["hand", TODAY] == result.without["hand"], "a document without characters is left out"
