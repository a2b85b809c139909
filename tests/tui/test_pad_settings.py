"""Settings and keys: every value is checked, and every key is the one that the settings say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pads import line, opened, row

from foretype.runtime import ConfigError, Model, Suggestion, load
from foretype.tui.editor.actions import MOTIONS
from foretype.tui.pad.app import Pad
from foretype.tui.pad.keys import ACTIONS, Keymap, key_name
from foretype.tui.pad.screens.help import HelpScreen
from foretype.tui.pad.settings import Settings, read_settings, settings_path
from foretype.tui.pad.typing.typing_area import TypingArea


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("theme = 'blue'", "theme is 'blue'; choose from auto, dark, light, contrast"),
        ("colour = 1", "colour is no setting; choose from theme, candidates"),
        ("threshold = 2", "threshold is 2.0; expected 0 to 1"),
        ("suggestions = 'yes'", "suggestions is 'yes': expected `bool`, got `str`"),
        ("[keys]\nsaev = ['ctrl+s']", "keys.saev is no action; choose from accept_1"),
        ("[keys]\nsave = ['s']", "keys.save: 's' is no key; expected one such as 'ctrl+s'"),
        ("[keys]\nsave = ['f9']\nquit = ['f9']", "keys.quit: 'f9' is a key of save already"),
        ("theme = ", "Invalid value"),
        ("[keys]\nsave = 'f9'", "expected `array`"),
    ],
)
def test_a_mistake_is_one_line_with_the_file_and_choices(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_settings(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert complaint.replace("`", "") in message.replace("`", "")
    assert "\n" not in message


def test_without_a_file_the_defaults_hold(home: Path) -> None:
    assert settings_path() == home / "settings.toml"
    assert read_settings(settings_path()) == Settings()


def test_a_key_given_to_one_action_is_taken_from_another() -> None:
    keymap = Keymap({"save": ("ctrl+q", "f9"), "quit": ("f10",)})
    assert keymap.action("ctrl+q") == ("save", False)
    assert keymap.action("f10") == ("quit", False)
    assert keymap.action("ctrl+s") is None
    assert Keymap().action("shift+left") == ("left", True)
    assert Keymap().action("shift+end") == ("line_end", True)
    assert Keymap().action("ctrl+shift+right") == ("word_right", True)
    assert Keymap().action("shift+f2") is None


def test_every_action_exists_and_every_move_has_a_key() -> None:
    for action in ACTIONS:
        name = f"action_{action.name}"
        assert action.name in MOTIONS or hasattr(TypingArea, name) or hasattr(Pad, name), name
    reached = {Keymap().action(f"shift+{key}") for action in ACTIONS for key in action.keys if "shift" not in key}
    assert {(motion, True) for motion in MOTIONS} <= reached


async def test_the_help_shows_every_key(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt") as (pad, pilot):
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pad.screen, HelpScreen)
        shown = " ".join(str(widget.render()) for widget in pad.screen.query(".group"))
        for action in ACTIONS:
            for key in action.keys:
                assert key_name(key) in shown


async def test_keys_of_the_settings_work_after_reading_them_again(model: Model, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "t.txt"
    async with opened(model, path, "text") as (pad, pilot):
        (home / "settings.toml").write_text("theme = 'light'\n[keys]\nsave = ['f9']\n")
        pad.action_reload_settings()
        await pilot.press("x", "ctrl+s")
        await pilot.pause()
        assert not path.exists()
        await pilot.press("f9")
        await pilot.pause()
        assert path.read_text() == "textx"
        assert pad.theme == "foretype-light"
        (home / "settings.toml").write_text("theme = 'pink'")
        pad.action_reload_settings()
        assert "theme is 'pink'" in line(pad, "#message")
        assert pad.theme == "foretype-light"


async def test_a_key_of_the_defaults_may_be_given_to_another_action(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    settings = Settings(keys={"save": ("ctrl+q",), "quit": ("f10",), "palette": ("f9",)})
    async with opened(model, path, "text", settings=settings) as (pad, pilot):
        await pilot.press("x", "ctrl+q")
        await pilot.pause()
        assert path.read_text() == "textx"
        await pilot.press("f5", "ctrl+p")
        assert len(pad.screen_stack) == 1
        await pilot.press("f9")
        await pilot.pause()
        assert len(pad.screen_stack) == 2
        await pilot.press("escape", "ctrl+o", "f10")
        await pilot.pause()
    assert pad.return_code == 0


@pytest.mark.parametrize("name", ["code.py", "data.json"])
async def test_nothing_is_offered_in_files_of_code_until_asked(model: Model, tmp_path: Path, name: str) -> None:
    async with opened(model, tmp_path / name, "and ") as (pad, pilot):
        await pilot.press("t", "h")
        await pilot.pause()
        assert row(pad) == ["1  ", "2  ", "3  "]
        assert "paused" in line(pad, "#facts")
        await pilot.press("f4")
        await pilot.pause()
        assert row(pad)[0] != "1  "
        await pilot.press("f4")
        await pilot.pause()
        assert row(pad)[0] == "1  "


async def test_candidates_may_stand_under_the_cursor(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "and ", settings=Settings(candidates="menu")) as (pad, pilot):
        await pilot.press("t", "h")
        await pilot.pause()
        menu = pad.query_one("#menu")
        assert menu.display
        assert not pad.query_one("#candidates").display
        assert menu.region.y == pad.area.cursor_on_screen().y + 1
        assert re.search(r"1 th", str(menu.render()))
        await pilot.press("escape")
        await pilot.pause()
        assert not menu.display


async def test_unlikely_words_may_be_left_out(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "and th", settings=Settings(threshold=0.1)) as (pad, _):
        likely = model.session().suggest("and th", threshold=0.1)
        assert 0 < len(likely) < 3
        assert [word.text for word in pad.area.offers] == [word.text for word in likely]


async def test_letters_with_alt_and_ctrl_c_type_nothing(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "text") as (pad, pilot):
        await pilot.press("alt+q", "alt+z", "ctrl+c", "ctrl+j", "f12")
        await pilot.pause()
        assert pad.area.text == "text"
        assert len(pad.screen_stack) == 1
        assert not pad.screen.query("Toast")
        await pilot.press("shift+home", "ctrl+c")
        assert pad.clipboard == "text"


async def test_find_replace_and_go_to_a_line(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "one two\nTwo one\ntwo") as (pad, pilot):
        await pilot.press("ctrl+home", "ctrl+f", *"two")
        await pilot.pause()
        assert pad.area.selection == ((0, 4), (0, 7))
        await pilot.press("enter")
        await pilot.pause()
        assert pad.area.selection == ((1, 0), (1, 3)), "without capitals, capitals do not matter"
        await pilot.press("tab", *"2", "enter")
        await pilot.pause()
        assert pad.area.text == "one two\n2 one\ntwo"
        await pilot.press("alt+a")
        assert pad.area.text == "one 2\n2 one\n2"
        await pilot.press("escape", "ctrl+z")
        assert pad.area.text == "one two\n2 one\ntwo"
        await pilot.press("ctrl+l", *"3:2", "enter")
        await pilot.pause()
        assert pad.area.cursor == (2, 1)
        await pilot.press("ctrl+l", *"x", "enter")
        await pilot.pause()
        assert "'x' is no line" in line(pad, "#message")


async def test_a_regular_expression_has_groups_and_a_bad_one_is_told(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "a1 b2") as (pad, pilot):
        await pilot.press("ctrl+home", "ctrl+f", "alt+r")
        pad.query_one("#pattern").value = r"(\w)(\d)"  # type: ignore[attr-defined]
        pad.query_one("#replacement").value = r"\2\1"  # type: ignore[attr-defined]
        await pilot.press("alt+a")
        assert pad.area.text == "1a 2b"
        pad.query_one("#pattern").value = "("  # type: ignore[attr-defined]
        await pilot.press("enter")
        assert "no regular expression" in line(pad, "#found")


async def test_a_list_goes_on_and_an_empty_item_ends_it(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "  1. milk") as (pad, pilot):
        await pilot.press("enter", "x", "enter", "enter", "y")
        assert pad.area.text == "  1. milk\n  2. x\n  y"


@pytest.mark.parametrize("typed", ["'s", "-", "/", "*", "_", '"', ")", ",", "\u2019"])
async def test_marks_that_stand_close_take_the_space_of_an_accepted_word(
    model: Model, tmp_path: Path, typed: str
) -> None:
    async with opened(model, tmp_path / "t.txt", 'say "and th') as (pad, pilot):
        await pilot.press("alt+1")
        word = pad.area.text.removesuffix(" ")
        assert word != pad.area.text
        for letter in typed:
            pad.area.type_text(letter)
        assert pad.area.text == word + typed


async def test_tab_indents_where_no_word_stands_before_it(model: Model, tmp_path: Path) -> None:
    for text, indented in (("", "    "), ("and\n", "and\n    "), ("\tx\n", "\tx\n\t"), ("    ", "        ")):
        async with opened(model, tmp_path / "t.txt", text) as (pad, pilot):
            await pilot.pause()
            assert pad.area.ghost == ""
            await pilot.press("tab")
            assert pad.area.text == indented


async def test_a_finished_word_has_no_ghost_and_tab_leaves_it(model: Model, tmp_path: Path) -> None:
    """Behind a word that is complete, a longer one is rarely meant."""
    async with opened(model, tmp_path / "t.txt", "I love the") as (pad, pilot):
        assert pad.area.session.finished("I love the") > 0.5
        assert pad.area.ghost == ""
        await pilot.press("tab")
        assert pad.area.text == "I love the"


async def test_a_phrase_accepted_in_part_goes_on_in_grey(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(model, tmp_path / "t.txt", "and t") as (pad, pilot):
        phrase, word, other = Suggestion("there now again", 0.9, 2), Suggestion("there", 0.9, 2), Suggestion("so", 0.5)
        session = pad.area.session
        monkeypatch.setattr(session, "phrase", lambda text: phrase if text == "and th" else None)
        monkeypatch.setattr(session, "suggest", lambda text, **_: [word if text[-2:] == "th" else other])
        await pilot.press("h")
        await pilot.pause()
        assert pad.area.ghost == "ere now again"
        await pilot.press("ctrl+right")
        await pilot.pause()
        assert (pad.area.text, pad.area.ghost) == ("and there ", "now again")
        await pilot.press("tab")
        await pilot.pause()
        assert (pad.area.text, pad.area.ghost) == ("and there now ", "again")
        await pilot.press("x")
        await pilot.pause()
        assert pad.area.ghost != "again"


async def test_nothing_is_offered_behind_words_in_letters_that_the_model_lacks(model: Model, tmp_path: Path) -> None:
    for text, offered in (("你好 ", False), ("привет ", False), ("I love ", True), ("café ", True), ("🎉 ", True)):
        async with opened(model, tmp_path / "t.txt", text) as (pad, pilot):
            await pilot.pause()
            assert (row(pad)[0] != "1  ") == offered, text
