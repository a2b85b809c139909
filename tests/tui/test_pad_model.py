"""Choosing the model in the pad, and opening a file again with the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pads import opened
from textual.widgets import Input, Static

from foretype.runtime import Model, load
from foretype.runtime.mixture import load_models
from foretype.tui.pad.app import Pad
from foretype.tui.pad.models import model_of, remember_model


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORETYPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def facts(pad: Pad) -> str:
    return str(pad.query_one("#facts", Static).render())


async def test_the_chosen_model_suggests_at_once_and_is_kept_for_the_file(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    async with opened(model, file, "I would lik") as (pad, pilot):
        await pilot.press("f6")
        pad.query_one("#name", Input).value = "en-tiny"
        await pilot.press("enter")
        await pilot.pause()
        assert pad.area.offers[0].text == "like"
        assert "en-tiny" in facts(pad)
    assert model_of(file) == "en-tiny"


async def test_a_chosen_model_runs_on_the_engine_of_the_pad(tiny_bundle: Path, tmp_path: Path) -> None:
    model = load(tiny_bundle, engine="ngram")
    async with opened(model, tmp_path / "t.txt", "I ", engine="ngram") as (pad, pilot):
        await pilot.press("f6")
        pad.query_one("#name", Input).value = "en-tiny"
        await pilot.press("enter")
        await pilot.pause()
        assert "en-tiny (ngram)" in facts(pad)


async def test_an_unknown_model_changes_nothing_and_says_which_there_are(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    async with opened(model, file, "and ") as (pad, pilot):
        before = pad.area.session
        await pilot.press("f6")
        pad.query_one("#name", Input).value = "klingon"
        await pilot.press("enter")
        await pilot.pause()
        assert pad.area.session is before
        assert "choose from en, en-tiny" in str(pad.query_one("#message", Static).render())
    assert model_of(file) is None


async def test_several_models_answer_together_and_the_status_line_names_the_leading_one(tmp_path: Path) -> None:
    async with opened(load_models("en+en-tiny"), tmp_path / "t.txt", "I would lik") as (pad, pilot):
        await pilot.pause()
        assert pad.area.offers[0].text == "like"
        assert "of en+en-tiny" in facts(pad)


def test_choices_are_private_and_the_oldest_are_dropped(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretype.tui.pad.models._MOST_FILES", 2)
    for name in "abc":
        remember_model(tmp_path / name, "en")
    assert [model_of(tmp_path / name) for name in "abc"] == [None, "en", "en"]
    assert os.stat(home / "file_models.json").st_mode & 0o777 == 0o600


def test_a_damaged_file_of_choices_is_no_choice(tmp_path: Path, home: Path) -> None:
    home.mkdir()
    (home / "file_models.json").write_text("[1, 2")
    assert model_of(tmp_path / "t.txt") is None


async def test_a_choice_that_cannot_be_kept_still_counts_and_says_so(model: Model, tmp_path: Path, home: Path) -> None:
    (home / "file_models.json").mkdir(parents=True)
    async with opened(model, tmp_path / "t.txt", "I would lik") as (pad, pilot):
        await pilot.press("f6")
        pad.query_one("#name", Input).value = "en-tiny"
        await pilot.press("enter")
        await pilot.pause()
        assert "the choice is not kept" in str(pad.query_one("#message", Static).render())
        assert "en-tiny" in facts(pad)


async def test_another_file_brings_its_own_model(model: Model, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("I would lik", encoding="utf-8")
    remember_model(other, "en-tiny")
    async with opened(model, tmp_path / "t.txt", "") as (pad, pilot):
        await pilot.press("ctrl+o")
        pad.query_one("#name", Input).value = str(other)
        await pilot.press("enter")
        await pilot.pause()
        assert pad.choice.model.name == "en-tiny"


async def test_french_keeps_the_space_of_an_accepted_word_before_its_question_mark(tmp_path: Path) -> None:
    for name, end in (("fr", " ?"), ("de", "?")):
        async with opened(load(name, engine="ngram"), tmp_path / f"{name}.txt", "a b") as (pad, pilot):
            await pilot.pause()
            word = pad.area.offers[0].text
            await pilot.press("alt+1", "?")
            assert pad.area.text == f"a {word}{end}"
