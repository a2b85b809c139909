"""The side panel and the statistics behind it: true figures, nothing of the text, one key to forget a word."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pads import line, opened

from foretype.runtime import Model, Store, load
from foretype.tui.pad.screens.panel import Panel
from foretype.tui.pad.statistics import Day, Recorder, Statistics


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle, engine="ngram")


async def test_delete_forgets_the_word_learned_last(model: Model, tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        async with opened(model, tmp_path / "t.txt", store=store) as (pad, pilot):
            for word in ("we", "like", "tomahawks", "so", "on"):
                await pilot.press(*word, *(["full_stop"] if word == "tomahawks" else []), "space")
            await pilot.press("f2")
            await pilot.pause()
            assert pad.query_one(Panel).display
            known = store.latest(10)
            assert "tomahawks" in known
            await pilot.press(*["down"] * known.index("tomahawks"), "delete")
            await pilot.pause()
            assert "tomahawks" not in store.latest(10)
            assert set(known) - {"tomahawks"} == set(store.latest(10))
            await pilot.press("escape", "x")
            assert pad.area.text.endswith("on x")
            await pilot.press("f2")
            assert not pad.query_one(Panel).display


async def test_without_a_store_the_panel_says_so(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt") as (pad, pilot):
        await pilot.press("f2")
        await pilot.pause()
        assert line(pad, "#learned") == "Nothing is learned here"
        await pilot.press("delete", "escape", "x")
        assert pad.area.text == "x"


async def test_what_was_saved_is_added_up_over_runs_and_holds_no_text(model: Model, tmp_path: Path, home: Path) -> None:
    word = model.session().suggest("and th", k=3)[0].text
    for _ in range(2):
        async with opened(model, tmp_path / "t.txt", "and ") as (_, pilot):
            await pilot.press("t", "h", "alt+1")
            await pilot.pause()
    path = home / "statistics.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [day] = json.loads(path.read_text()).values()
    assert (day["keys"], day["characters"], day["accepted"]) == (6, 2 * len(word) + 2, 2)
    assert word not in path.read_text()
    assert Statistics.read().ever.saved == 1 - 6 / (2 * len(word) + 2)


async def test_a_private_pad_leaves_no_statistics(model: Model, tmp_path: Path, home: Path) -> None:
    async with opened(model, tmp_path / "t.txt", private=True) as (_, pilot):
        await pilot.press(*"hello", "space")
    assert not (home / "statistics.json").exists()


def test_damaged_statistics_are_passed_over_and_replaced(home: Path) -> None:
    (home / "statistics.json").write_text('{"2026-01-01": {"keys": "many"}}')
    recorder = Recorder()
    assert recorder.ever() == Day()
    recorder.session.keys, recorder.session.characters = 3, 6
    recorder.write()
    recorder.write()
    assert Statistics.read().ever == Day(keys=3, characters=6)


def test_shares_and_speeds_of_a_day() -> None:
    day = Day(keys=50, characters=100, seconds=30, words=3, accepted=1)
    assert (day.saved, day.words_a_minute, day.acceptance) == (0.5, 40.0, 0.25)
    assert (Day().saved, Day().words_a_minute, Day().acceptance) == (0, 0, 0)
