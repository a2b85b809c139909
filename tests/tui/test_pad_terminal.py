"""The pad as people use it: the installed command in a real terminal of 80 columns and 24 rows."""

from __future__ import annotations

import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from terminal import Terminal, terminal

from foretype.runtime import load

CTRL_Q, CTRL_S, CTRL_Z = "\x11", "\x13", "\x1a"
ALT_1, ALT_2 = "\x1b1", "\x1b2"

OpenPad = Callable[..., Terminal]


@pytest.fixture
def pad(tiny_bundle: Path, tmp_path: Path) -> Iterator[OpenPad]:
    """Opens the pad with the given arguments, and waits until it stands."""
    with ExitStack() as stack:

        def open_pad(*arguments: str) -> Terminal:
            command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(tiny_bundle), *arguments]
            running = stack.enter_context(terminal(command, {"FORETYPE_HOME": str(tmp_path / "home")}))
            running.shows("saved")
            return running

        yield open_pad


def words(tiny_bundle: Path, text: str) -> list[str]:
    """What the model offers, without the pad."""
    return [offer.text for offer in load(tiny_bundle).session().suggest(text, k=3)]


def test_type_accept_save_quit(pad: OpenPad, tiny_bundle: Path, tmp_path: Path) -> None:
    """Letters, Tab, Alt+1 and a bare digit end up in a new file, just as the screen showed them."""
    path = tmp_path / "note.txt"
    first = words(tiny_bundle, "and th")
    second = words(tiny_bundle, f"and {first[0]} ")[1]
    pad_ = pad(str(path))
    pad_.type("and th")
    lines = pad_.shows(f"1  {first[0]}")
    assert lines[1].strip().startswith(f"and {first[0]}"), "the ghost text completes the word at the cursor"
    assert all(f"{number}  {word}" in lines[22] for number, word in enumerate(first, 1))
    assert "note.txt" in lines[23]
    pad_.type("\t")
    pad_.shows(f"2  {second}")
    pad_.type(ALT_2)
    pad_.shows(f"and {first[0]} {second}")
    pad_.type("." + CTRL_S)
    pad_.shows("Saved")
    pad_.type(" 123" + CTRL_S)
    pad_.wait(lambda _: path.read_text().endswith("123"))
    pad_.type(CTRL_Q)
    assert pad_.exit_code() == 0
    assert path.read_text() == f"and {first[0]} {second}. 123"


def test_alt_1_accepts_the_first_candidate_and_undo_takes_it_back(
    pad: OpenPad, tiny_bundle: Path, tmp_path: Path
) -> None:
    """The bytes that terminals send for Alt+1 (escape, 1) are a key, and type nothing by themselves."""
    word = words(tiny_bundle, "and th")[0]
    pad_ = pad(str(tmp_path / "note.txt"))
    pad_.type("and th")
    pad_.shows(f"1  {word}")
    pad_.type(ALT_1 + "more")
    pad_.shows(f"and {word} more")
    pad_.type(CTRL_Z * 2)
    pad_.wait(lambda lines: f"and {word}" in lines[1] and "more" not in lines[1])


def test_a_text_without_a_name_asks_for_one(pad: OpenPad, tmp_path: Path) -> None:
    """Started without FILE, Ctrl+S asks once; from then on the text has a file."""
    pad_ = pad()
    pad_.type("words" + CTRL_S)
    pad_.shows("Save as")
    path = tmp_path / "named.txt"
    pad_.type(f"{path}\r")
    pad_.shows("Saved")
    pad_.type(" more" + CTRL_S)
    pad_.wait(lambda _: path.read_text() == "words more")
    pad_.type(CTRL_Q)
    assert pad_.exit_code() == 0


def test_quitting_asks_before_it_drops_text(pad: OpenPad, tmp_path: Path) -> None:
    """A slip of the finger costs nothing; a second Ctrl+Q means it."""
    path = tmp_path / "note.txt"
    path.write_text("as it was\n")
    pad_ = pad(str(path))
    pad_.type("typed" + CTRL_Q)
    pad_.shows("Unsaved changes: Ctrl+Q again quits, Ctrl+S saves")
    pad_.type(CTRL_Q)
    assert pad_.exit_code() == 0
    assert path.read_text() == "as it was\n"


def test_a_big_paste_arrives_whole_and_crlf_stays(pad: OpenPad, tmp_path: Path) -> None:
    """A thousand lines pasted at once are no problem; a file keeps its own line ends."""
    path = tmp_path / "note.txt"
    path.write_bytes(b"first\r\n")
    pad_ = pad(str(path))
    pasted = "\n".join(f"pasted line {number}" for number in range(1000))
    pad_.type(f"\x1b[200~{pasted}\x1b[201~")
    pad_.shows("pasted line 999")
    pad_.type(CTRL_S)
    pad_.shows("Saved")
    assert path.read_bytes() == b"first\r\n" + pasted.replace("\n", "\r\n").encode()


def test_the_pad_follows_the_size_of_its_terminal(pad: OpenPad, tiny_bundle: Path, tmp_path: Path) -> None:
    """Forty columns and twelve rows still hold the text, three candidates and the status."""
    offered = words(tiny_bundle, "and th")
    pad_ = pad(str(tmp_path / "n.txt"))
    pad_.type("and th")
    pad_.shows(offered[0])
    pad_.resize(40, 12)
    lines = pad_.wait(lambda lines: "saved" in lines[11] and offered[0] in lines[10])
    assert all(f"{number}  {word}" in lines[10] for number, word in enumerate(offered, 1))
    assert any(f"and {offered[0]}" in line for line in lines[:10])


def test_what_is_not_text_is_refused_before_the_pad_opens(tiny_bundle: Path, tmp_path: Path) -> None:
    """One line, exit status 1, the file untouched."""
    path = tmp_path / "data.bin"
    path.write_bytes(b"\0\1\2")
    command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(tiny_bundle), str(path)]
    with terminal(command, {}) as running:
        assert running.exit_code() == 1
        said = "".join(running.lines)
        assert "binary file" in said
        assert "Traceback" not in said
    assert path.read_bytes() == b"\0\1\2"


def test_the_fallback_is_told_in_the_terminal(tiny_bundle: Path, tmp_path: Path) -> None:
    """Without the neural graph the pad opens all the same, on the n-gram model, and says so above the status."""
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    (bundle / "step.onnx").unlink()
    command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(bundle), str(tmp_path / "note.txt")]
    with terminal(command, {}) as running:
        running.type("and th")
        lines = running.wait(lambda lines: "1  th" in lines[21])
        assert lines[22].strip().startswith("! n-gram model only")
        assert lines[22].endswith("…")
        assert "ngram" in lines[23]


@pytest.mark.parametrize("hang_up", [False, True])
def test_stopped_from_outside_the_text_is_brought_to_safety(pad: OpenPad, tmp_path: Path, hang_up: bool) -> None:
    """A closed window or a shutdown writes the unsaved text beside the file, for its owner only."""
    path = tmp_path / "note.txt"
    pad_ = pad(str(path))
    pad_.type("unsaved wordz")
    pad_.shows("unsaved wordz")
    if hang_up:
        pad_.hang_up()
        assert pad_.process.wait(timeout=30) != 0
    else:
        pad_.process.send_signal(signal.SIGTERM)
        assert pad_.exit_code() == 1
        assert "unsaved text is in" in " ".join(pad_.lines)
    place = next((tmp_path / "home" / "recovery").iterdir())
    assert place.read_text().endswith("\nunsaved wordz")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not path.exists()


def test_what_another_program_wrote_on_the_screen_goes_when_the_focus_is_back(pad: OpenPad, tmp_path: Path) -> None:
    pad_ = pad(str(tmp_path / "note.txt"))
    pad_.type("some words")
    pad_.shows("some words")
    pad_._stream.feed(b"\x1b[10;1Hbroadcast message")
    pad_.shows("broadcast")
    pad_.type("\x1b[O\x1b[I")
    pad_.wait(
        lambda lines: not any("broadcast" in line for line in lines) and any("some words" in line for line in lines)
    )
