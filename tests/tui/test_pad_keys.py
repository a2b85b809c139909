"""The pad's keys and lines, driven through Textual on a real model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pads import line, opened, row
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Static

from foretype.runtime import Model, Suggestion, load
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.files.recovery import find
from foretype.tui.pad.typing.savings import KeystrokeAccount
from foretype.tui.pad.typing.typing_area import CONTEXT_CHARACTERS


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


def best(model: Model, text: str) -> Suggestion:
    return model.session().suggest(text, k=3)[0]


async def test_tab_accepts_the_ghost_and_undo_takes_the_word_back_at_once(model: Model, tmp_path: Path) -> None:
    """The ghost is the rest of the best word; one Tab writes it with its space, one Ctrl+Z removes both."""
    offer = best(model, "and th")
    async with opened(model, tmp_path / "t.txt", "and ") as (pad, pilot):
        await pilot.press("t", "h")
        await pilot.pause()
        assert ("th" + pad.area.ghost).startswith(offer.text)
        assert row(pad)[0] == f"1  {offer.text}"
        await pilot.press("tab")
        assert pad.area.text == f"and {offer.text} "
        assert pad.area.cursor == pad.area.buffer.end
        await pilot.press("ctrl+z")
        assert pad.area.text == "and th"
        await pilot.press("ctrl+y")
        assert pad.area.text == f"and {offer.text} "


async def test_a_word_written_otherwise_than_typed_replaces_it(model: Model, tmp_path: Path) -> None:
    """No ghost can show that "mon" becomes "Monday"; the candidate does."""
    async with opened(model, tmp_path / "t.txt", "see you on mon") as (pad, pilot):
        assert pad.area.ghost == ""
        assert row(pad)[0] == "1  Monday"
        await pilot.press("tab")
        assert pad.area.text == "see you on mon", "Tab accepts only what stands in grey"
        await pilot.press("alt+1")
        assert pad.area.text == "see you on Monday "
        await pilot.press("ctrl+z")
        assert pad.area.text == "see you on mon"


async def test_a_click_on_a_candidate_accepts_it_and_typing_goes_on(model: Model, tmp_path: Path) -> None:
    """The mouse is as good as Alt+2, and does not take the keys away from the text."""
    word = model.session().suggest("and th", k=3)[1].text
    async with opened(model, tmp_path / "t.txt", "and th") as (pad, pilot):
        await pilot.click("#candidate-2")
        await pilot.press("x")
        assert pad.area.text == f"and {word} x"


async def test_ctrl_t_goes_through_dark_light_and_high_contrast(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt") as (pad, pilot):
        seen = [pad.theme]
        for _ in range(3):
            await pilot.press("ctrl+t")
            seen.append(pad.theme)
        assert seen == [f"foretype-{name}" for name in ("dark", "light", "contrast", "dark")]


async def test_right_accepts_at_the_end_and_moves_elsewhere(model: Model, tmp_path: Path) -> None:
    """The arrow must go on moving the cursor through text that stands there."""
    async with opened(model, tmp_path / "t.txt", "and th") as (pad, pilot):
        await pilot.press("home", "right", "right")
        assert pad.area.text == "and th"
        assert pad.area.cursor == (0, 2)
        await pilot.press("end")
        await pilot.pause()
        ghost = pad.area.ghost
        await pilot.press("right")
        assert pad.area.text == f"and th{ghost} "


async def test_inside_a_word_nothing_is_offered(model: Model, tmp_path: Path) -> None:
    """Completing the left half of a word would double its right half."""
    async with opened(model, tmp_path / "t.txt", "and there") as (pad, pilot):
        await pilot.press("left", "left", "left")
        await pilot.pause()
        assert pad.area.ghost == ""
        assert row(pad) == ["1  ", "2  ", "3  "]


async def test_a_word_accepted_before_a_space_brings_none(model: Model, tmp_path: Path) -> None:
    """In the middle of a text the space is there already; the cursor goes behind it."""
    offer = best(model, "and th")
    async with opened(model, tmp_path / "t.txt", "and th more") as (pad, pilot):
        await pilot.press(*["left"] * 5)
        await pilot.press("alt+1")
        assert pad.area.text == f"and {offer.text} more"
        assert pad.area.cursor == (0, len(f"and {offer.text} "))


@pytest.mark.parametrize(("key", "mark"), [("comma", ","), ("full_stop", "."), ("enter", "\n")])
async def test_marks_take_the_automatic_space_back(model: Model, tmp_path: Path, key: str, mark: str) -> None:
    """Only the space that came with a word: one the user typed stays."""
    offer = best(model, "and th")
    async with opened(model, tmp_path / "t.txt", "and th") as (pad, pilot):
        await pilot.press("tab", key)
        assert pad.area.text == f"and {offer.text}{mark}"
        await pilot.press("space", key)
        assert pad.area.text == f"and {offer.text}{mark} {mark}"


async def test_a_word_accepted_right_after_a_mark_brings_the_space_before_it(model: Model, tmp_path: Path) -> None:
    """The mark took the automatic space, so the next word gives it back."""
    offer = best(model, "and there, ")
    async with opened(model, tmp_path / "t.txt", "and there,") as (pad, pilot):
        assert pad.area.ghost == f" {offer.text}"
        await pilot.press("tab")
        assert pad.area.text == f"and there, {offer.text} "


async def test_escape_hides_until_the_text_changes(model: Model, tmp_path: Path) -> None:
    """Hidden means hidden: moving about brings nothing back, and Tab is a tab."""
    async with opened(model, tmp_path / "t.txt", "and t") as (pad, pilot):
        await pilot.press("escape", "left", "right")
        await pilot.pause()
        assert pad.area.ghost == ""
        assert row(pad) == ["1  ", "2  ", "3  "]
        await pilot.press("tab")
        assert pad.area.text == "and t   "
        await pilot.press("backspace", "backspace", "backspace", "h")
        await pilot.pause()
        assert row(pad)[0] != "1  "


async def test_the_account_counts_keys_and_leaves_pastes_out(model: Model, tmp_path: Path) -> None:
    """Three keys for a whole word save; pasted text costs and gives nothing; undo takes the saving back."""
    offer = best(model, "and th")
    async with opened(model, tmp_path / "t.txt", "and ") as (pad, pilot):
        await pilot.press("t", "h", "tab")
        assert pad.area.account == KeystrokeAccount(keys=3, characters=len(offer.text) + 1)
        pad.post_message(events.Paste("a long text\nfrom elsewhere"))
        await pilot.pause()
        assert pad.area.text.endswith("elsewhere")
        assert pad.area.account == KeystrokeAccount(keys=3, characters=len(offer.text) + 1)
        await pilot.press("ctrl+z", "ctrl+z")
        assert pad.area.text == "and th"
        assert pad.area.account == KeystrokeAccount(keys=5, characters=2)
        assert pad.area.account.saved == 0


async def test_text_that_undo_brings_back_saves_no_keys(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "a long text that was in the file") as (pad, pilot):
        await pilot.press("ctrl+a", "ctrl+x", "ctrl+z", "ctrl+a", "backspace", "ctrl+z", "ctrl+a", "ctrl+v")
        assert pad.area.text == "a long text that was in the file"
        assert pad.area.account.saved == 0


def test_the_share_saved_is_one_less_keys_by_characters() -> None:
    """Deleting more than was produced starts anew, instead of showing a share of nothing."""
    account = KeystrokeAccount()
    assert account.saved == 0
    for change in (1, 1, 6):
        account.press(change)
    assert account.saved == 1 - 3 / 8
    account.press(-100)
    assert account == KeystrokeAccount()


async def test_a_burst_of_keys_costs_one_suggestion(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that wait already are typed first: the model never holds up a fast typist."""
    async with opened(model, tmp_path / "t.txt") as (pad, pilot):
        asked: list[str] = []
        suggest = pad.area.session.suggest

        def count(text: str, k: int = 3, after: str = "", threshold: float = 0.0) -> list[Suggestion]:
            asked.append(text)
            return suggest(text, k=k, after=after)

        monkeypatch.setattr(pad.area.session, "suggest", count)
        for letter in "and there is":
            pad.area.post_message(events.Key("space" if letter == " " else letter, letter))
        await pilot.pause()
        assert pad.area.text == "and there is"
        assert asked == ["and there is"]


async def test_of_a_long_text_the_model_sees_whole_last_lines(model: Model, tmp_path: Path) -> None:
    """A huge file must not make each key slow; the part shown begins at a line start."""
    text = "\n".join(f"line {number}" for number in range(6_000))
    async with opened(model, tmp_path / "t.txt", text) as (pad, _):
        shown = pad.area._text_before_cursor()
        assert text.endswith("\n" + shown)
        assert CONTEXT_CHARACTERS <= len(shown) < CONTEXT_CHARACTERS + 20


async def test_escape_sequences_in_a_file_do_not_reach_the_terminal(model: Model, tmp_path: Path) -> None:
    """A file from elsewhere must not be able to steer the terminal; saved, it is as it was."""
    async with opened(model, tmp_path / "t.txt", "a\x1b]0;title\x07b") as (pad, _):
        assert not {"\x1b", "\x07"} & set(pad.area.render_line(0).text)
        assert pad.area.text == "a\x1b]0;title\x07b"


async def test_quitting_with_unsaved_text_asks_once(model: Model, tmp_path: Path) -> None:
    """The question goes away with the next key; text typed and taken back needs no question."""
    async with opened(model, tmp_path / "t.txt", "text") as (pad, pilot):
        await pilot.press("x", "ctrl+q")
        assert line(pad, "#message") == "Unsaved changes: Ctrl+Q again quits, Ctrl+S saves"
        await pilot.press("y", "ctrl+q")
        assert pad.is_running
        await pilot.press("backspace", "backspace", "ctrl+q")
    assert pad.return_code == 0
    assert not (tmp_path / "t.txt").exists()


async def test_a_failed_save_keeps_the_text_and_offers_another_name(model: Model, tmp_path: Path) -> None:
    """With its folder gone the text can still go elsewhere, but over another file only when asked twice."""
    folder = tmp_path / "folder"
    folder.mkdir()
    other = tmp_path / "other.txt"
    other.write_text("precious")
    async with opened(model, folder / "t.txt", "text") as (pad, pilot):
        folder.rmdir()
        await pilot.press("!", "ctrl+s")
        assert line(pad, "#message").startswith("cannot save")
        assert pad.query_one("#name", Input).value == str(folder / "t.txt")
        pad.query_one("#name", Input).value = str(other)
        await pilot.press("enter")
        assert other.read_text() == "precious"
        await pilot.press("enter")
        assert other.read_text() == "text!"
        assert pad.focused is pad.area
        assert line(pad, "#message") == "Saved other.txt"


async def test_the_fallback_is_plain_to_see(tiny_bundle: Path, tmp_path: Path) -> None:
    """Without the graph the pad suggests still; one line says why, cut to the width, and F1 shows it whole."""
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    (bundle / "step.onnx").unlink()
    model = load(bundle)
    assert model.notice is not None
    async with opened(model, tmp_path / "t.txt", "and th") as (pad, pilot):
        assert row(pad)[0] != "1  "
        assert "(ngram)" in line(pad, "#facts")
        assert line(pad, "#notice") == f"! {model.notice}"
        assert pad.query_one("#notice").size.height == 1
        assert pad.query_one("#notice").has_class("warning")
        await pilot.press("f1")
        assert str(pad.screen.query(Static).last().render()) == model.notice
        await pilot.press("escape")
        assert pad.focused is pad.area


async def test_an_unexpected_error_brings_the_text_to_safety(model: Model, tmp_path: Path) -> None:
    """Whatever breaks, the words typed so far are on disk, and the message says where."""
    pad = Pad(TextFile(tmp_path / "t.txt", "old "), model)

    async def break_it(pilot: Pilot[object]) -> None:
        await pilot.press("n", "e", "w")
        pad.area.call_later(lambda: 1 // 0)

    await pad.run_async(headless=True, auto_pilot=break_it)
    place, unsaved = find(tmp_path / "t.txt", own=True)[0]
    assert unsaved.text == "old new"
    assert pad.stopped is not None
    assert "ZeroDivisionError" in pad.stopped
    assert f"unsaved text is in {place}" in pad.stopped


async def test_a_space_typed_by_habit_after_an_accepted_word_is_not_doubled(model: Model, tmp_path: Path) -> None:
    offer = best(model, "and th")
    async with opened(model, tmp_path / "t.txt", "and th") as (pad, pilot):
        await pilot.press("tab", "space", "x")
        assert pad.area.text == f"and {offer.text} x"


async def test_a_correction_of_capitals_alone_is_taken_back_as_well(model: Model, tmp_path: Path) -> None:
    async with opened(model, tmp_path / "t.txt", "see you on monday") as (pad, pilot):
        await pilot.press("space")
        await pilot.pause()
        assert row(pad)[2] == "3  ← Monday"
        await pilot.press("alt+3")
        assert pad.area.text == "see you on Monday "
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert pad.area.text == "see you on monday "
        assert "← Monday" not in " ".join(row(pad))


async def test_the_last_word_is_corrected_by_choice_and_taken_back_by_one_key(model: Model, tmp_path: Path) -> None:
    """Offered, never forced; after the next word still one key brings the typed letters back, and they stay."""
    async with opened(model, tmp_path / "t.txt", "I love musci") as (pad, pilot):
        await pilot.press("space")
        await pilot.pause()
        assert pad.area.text == "I love musci "
        assert row(pad)[2] == "3  ← music"
        await pilot.press("alt+3")
        assert pad.area.text == "I love music "
        await pilot.press("n", "o", "w", "space", "ctrl+r")
        assert pad.area.text == "I love musci now "
        assert pad.area.cursor == pad.area.buffer.end
        await pilot.press(*["backspace"] * 4)
        await pilot.pause()
        assert "← music" not in row(pad)[2]


async def test_an_undone_correction_is_not_offered_again(model: Model, tmp_path: Path) -> None:
    """Undo says that the writer meant what was typed."""
    async with opened(model, tmp_path / "t.txt", "I love musci") as (pad, pilot):
        await pilot.press("space", "alt+3", "ctrl+z")
        await pilot.pause()
        assert pad.area.text == "I love musci "
        assert "←" not in row(pad)[2]


async def test_a_phrase_is_accepted_whole_or_word_by_word(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End writes all of the ghost text, Tab its first word; one undo takes back what one key wrote."""
    offer = best(model, "and th")
    async with opened(model, tmp_path / "t.txt", "and ") as (pad, pilot):
        phrase = Suggestion(f"{offer.text} now again", 0.9, 2)
        monkeypatch.setattr(pad.area.session, "phrase", lambda text: phrase if text == "and th" else None)
        await pilot.press("t", "h")
        await pilot.pause()
        assert "th" + pad.area.ghost == phrase.text
        await pilot.press("end")
        assert pad.area.text == f"and {phrase.text} "
        await pilot.press("ctrl+z")
        assert pad.area.text == "and th"
        await pilot.press("tab")
        assert pad.area.text == f"and {offer.text} "


async def test_inside_a_word_what_fits_both_halves_replaces_both(model: Model, tmp_path: Path) -> None:
    """The letters behind the cursor are not doubled."""
    async with opened(model, tmp_path / "t.txt", "I love muic") as (pad, pilot):
        await pilot.press("left", "left")
        await pilot.pause()
        assert row(pad)[0] == "1  music"
        await pilot.press("alt+1")
        assert pad.area.text == "I love music"
