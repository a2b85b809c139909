"""Nothing is lost: copies of unsaved text, files that another program changed, kills while typing."""

from __future__ import annotations

import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pads import line, opened
from terminal import Terminal, terminal
from textual import events

from foretype.runtime import Model, Suggestions, load
from foretype.runtime.spacing import missing_space
from foretype.tui.editor.buffer import Change
from foretype.tui.editor.drawing import RowPicture
from foretype.tui.editor.history import History
from foretype.tui.editor.layout import Row
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.files.recovery import RecoveryFile, Unsaved, find, open_elsewhere
from foretype.tui.pad.files.undo_file import read_history, write_history
from foretype.tui.pad.screens.choice import ChoiceScreen, difference
from foretype.tui.pad.settings import Settings


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle, engine="ngram")


def left_by_another(document: Path | None, text: str) -> None:
    """A copy of unsaved text of a process that has ended."""
    code = (
        "import sys; from pathlib import Path; from foretype.tui.pad.files.recovery import RecoveryFile\n"
        "RecoveryFile(Path(sys.argv[1]) if sys.argv[1] else None).write(sys.argv[2].split('\\n'))"
    )
    subprocess.run([sys.executable, "-c", code, str(document or ""), text], check=True)


async def test_a_copy_is_written_while_typing_and_goes_with_the_save(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    async with opened(model, path, "old ") as (_, pilot):
        await pilot.press(*"new")
        await pilot.pause(1.0)
        place, unsaved = find(path, own=True)[0]
        assert unsaved.text == "old new"
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert not any(entry.name.startswith(".") for entry in tmp_path.iterdir())
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert find(path, own=True) == []


async def test_the_copy_of_a_killed_pad_is_offered_and_restored(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("old text")
    left_by_another(path, "old text\nand more")
    pad = Pad(TextFile.open(path), model)
    async with pad.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = pad.screen
        assert isinstance(screen, ChoiceScreen)
        assert "+and more" in str(difference("old text", "old text\nand more", ("a", "b")))
        await pilot.press("r")
        await pilot.pause()
        assert pad.area.text == "old text\nand more"
        assert pad.keeping.changed
        assert path.read_text() == "old text"
        await pilot.press("ctrl+z")
        assert pad.area.text == "old text"
        pad.keeping.forget_copy()
    assert find(path) == []


async def test_a_copy_is_kept_until_the_user_decides(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    left_by_another(path, "unsaved")
    for key, left in (("escape", 1), ("d", 0)):
        async with opened(model, path) as (pad, pilot):
            await pilot.press(key)
            await pilot.pause()
            assert pad.area.text == ""
        assert len(find(path)) == left


def test_what_is_no_copy_is_passed_over(tmp_path: Path, home: Path) -> None:
    place = RecoveryFile(None).write(["text"])
    for number, data in enumerate(
        [b"", b"\xff", b"{}\ntext", b'{"document": 1, "process": 2, "written": 3}\n', b"[" * 9]
    ):
        (place.parent / f"unnamed-{number}.foretype-recovery").write_bytes(data)
    assert [unsaved.text for _, unsaved in find(None, own=True)] == ["text"]


def test_another_pad_with_changes_of_the_same_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    RecoveryFile(path).write(["mine"])
    assert open_elsewhere(path) is None
    code = (
        "import sys, time; from pathlib import Path; from foretype.tui.pad.files.recovery import RecoveryFile\n"
        "RecoveryFile(Path(sys.argv[1])).write(['theirs']); print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert open_elsewhere(path) == other.pid
        assert all(isinstance(unsaved, Unsaved) for _, unsaved in find(path))
        other.kill()


@pytest.mark.parametrize(
    ("key", "shown", "saved"),
    [
        ("k", "mine", "mine"),
        ("t", "theirs", "theirs"),
        ("b", "mine\n<<<<<<< theirs\ntheirs", None),
        ("escape", "mine", None),
    ],
)
async def test_a_file_that_another_program_changed_is_not_overwritten_without_asking(
    model: Model, tmp_path: Path, key: str, shown: str, saved: str | None
) -> None:
    path = tmp_path / "t.txt"
    path.write_text("min")
    pad = Pad(TextFile.open(path), model)
    async with pad.run_test(size=(80, 24)) as pilot:
        await pilot.press("e")
        path.write_text("theirs")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(pad.screen, ChoiceScreen)
        assert path.read_text() == "theirs"
        await pilot.press(key)
        await pilot.pause()
        assert pad.area.text == shown
        assert path.read_text() == "theirs"
        await pilot.press("ctrl+s")
        await pilot.pause()
        if saved is not None:
            assert path.read_text() == saved
        pad.keeping.forget_copy()


async def test_the_file_is_looked_at_when_the_terminal_has_the_focus_again(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("mine")
    pad = Pad(TextFile.open(path), model)
    async with pad.run_test(size=(80, 24)) as pilot:
        pad.on_app_focus()
        await pilot.pause()
        assert not isinstance(pad.screen, ChoiceScreen)
        path.write_text("theirs")
        pad.on_app_focus()
        await pilot.pause()
        assert isinstance(pad.screen, ChoiceScreen)
        await pilot.press("t")
        await pilot.pause()
        assert pad.area.text == "theirs"
        assert not pad.keeping.changed


async def test_undo_after_a_save_goes_back_and_marks_the_text_as_changed(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    async with opened(model, path, "one ") as (pad, pilot):
        await pilot.press(*"two", "ctrl+s")
        await pilot.pause()
        assert not pad.keeping.changed
        await pilot.press("ctrl+z")
        assert pad.area.text == "one "
        assert pad.keeping.changed
        await pilot.press("ctrl+y")
        assert not pad.keeping.changed
        assert line(pad, "#file") == "t.txt"


async def test_undo_goes_on_in_the_next_run_if_the_settings_ask_for_it(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("one ")
    for settings in (Settings(undo_file=True), Settings()):
        pad = Pad(TextFile.open(path), model, settings=settings)
        async with pad.run_test(size=(80, 24)) as pilot:
            await pilot.press(*"two ", "ctrl+s")
            await pilot.pause()
        pad = Pad(TextFile.open(path), model, settings=settings)
        async with pad.run_test(size=(80, 24)) as pilot:
            assert not pad.keeping.changed
            await pilot.press("ctrl+z")
            assert pad.area.text == ("one " if settings.undo_file else "one two two ")
            assert pad.keeping.changed == settings.undo_file
            pad.keeping.forget_copy()


def test_the_undo_history_of_another_text_does_not_count(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("one ")
    history = History()
    history.record(Change((0, 0), "", "one "), (0, 0), (0, 4), "type")
    write_history(path, "one ", history)
    assert read_history(path, "one ") == list(history.batches)
    assert read_history(path, "two ") == []
    stored = next(home.glob("undo/*.json"))
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    stored.write_bytes(b"{}")
    assert read_history(path, "one ") == []


@pytest.mark.parametrize("seed", range(3))
async def test_a_ghost_never_belongs_to_another_text(
    model: Model, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is typed, and however slow the model is: what is drawn in grey goes on from what is drawn before it."""
    draw = random.Random(seed)
    plain = model.session()
    drawn = []
    async with opened(model, tmp_path / "t.txt", "and ") as (pad, pilot):
        area, suggest, picture = pad.area, pad.area.session.suggest, pad.area._picture

        def slowly(text: str, k: int = 3, after: str = "", threshold: float = 0.0) -> Suggestions:
            time.sleep(draw.choice((0.0, 0.0, 0.03)))
            return suggest(text, k=k, after=after)

        def checked(row: Row) -> RowPicture:
            found = picture(row)
            if found.ghost:
                drawn.append(found.ghost)
                before, after = area.around_cursor()
                best = plain.suggest(area._text_before_cursor() + missing_space(before), k=3, after=after)[0]
                assert found.ghost.startswith(best.ghost(before))
            return found

        monkeypatch.setattr(area.session, "suggest", slowly)
        monkeypatch.setattr(area.session, "phrase", lambda text: None)
        redraw = area.redraw

        def drawn_at_once() -> None:
            redraw()
            for row in area.visible_rows():
                checked(row)

        monkeypatch.setattr(area, "redraw", drawn_at_once)
        for _ in range(60):
            letters = [*"thesowan", "space", "space", "backspace", "left", "right", "end", "enter", "ctrl+z", "alt+1"]
            area.post_message(key_event(draw.choice(letters)))
            if draw.random() < 0.3:
                await pilot.pause(draw.choice((0.0, 0.02)))
        await pilot.pause()
    assert drawn, "some ghosts were shown"
    assert pad.stopped is None


def key_event(key: str) -> events.Key:
    return events.Key(key, " " if key == "space" else key if len(key) == 1 else None)


def typed_until_killed(pad: Terminal, text: str, moment: float) -> tuple[str, str]:
    """Type until the moment, then kill; returns what was typed, and what was typed a second before."""
    start = time.monotonic()
    stamps: list[float] = []
    for letter in text:
        now = time.monotonic() - start
        if now >= moment:
            break
        pad.type(letter)
        stamps.append(now)
        pad._read(0.01)
    pad.process.send_signal(signal.SIGKILL)
    pad.process.wait()
    return text[: len(stamps)], text[: sum(stamp < moment - 1.0 for stamp in stamps)]


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.soak)])
def test_a_killed_pad_loses_a_second_at_most_and_never_harms_the_document(
    tiny_bundle: Path, tmp_path: Path, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(kills)
    text = "the quick brown fox jumps over the lazy dog " * 40
    for number in range(kills):
        path, home = tmp_path / f"{number}.txt", tmp_path / f"home-{number}"
        monkeypatch.setenv("FORETYPE_HOME", str(home))
        path.write_text("first line\n")
        command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(tiny_bundle), "--engine", "ngram"]
        with terminal([*command, "--no-personal", str(path)], {"FORETYPE_HOME": str(home)}) as pad:
            pad.shows("saved")
            typed, second_before = typed_until_killed(pad, text, 1.2 + 2.5 * draw.random())
        assert path.read_text() == "first line\n"
        kept = find(path)
        recovered = kept[0][1].text.removeprefix("first line\n") if kept else ""
        assert typed.startswith(recovered)
        assert len(recovered) >= len(second_before)
