"""The pad in lines, for screen readers and switches; and standard input edited in the pad."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from terminal import terminal

from foretype.runtime import load
from foretype.tui.pad.files.document import PadError
from foretype.tui.pad.files.recovery import find
from foretype.tui.pad.run import place


def plain(tiny_bundle: Path, *arguments: object, said: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(tiny_bundle), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, input=said, check=False, env={**os.environ, **environment}
    )


def test_lines_are_added_words_are_taken_by_number_and_saved(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    offers = [offer.text for offer in load(tiny_bundle).session().suggest("I love th", k=3)]
    result = plain(tiny_bundle, "--plain", path, said="I love th\n2\n:read\n:save\n:quit\n")
    assert result.returncode == 0
    assert result.stderr == ""
    assert ", ".join(f"{number} {word}" for number, word in enumerate(offers, 1)) in result.stdout
    assert f"I love {offers[1]}" in result.stdout
    assert "Saved note.txt" in result.stdout
    assert path.read_text() == f"I love {offers[1]} "
    assert find(path) == []


def test_undo_unknown_commands_and_a_text_left_unsaved(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    result = plain(tiny_bundle, path, said="one\n two\n:undo\n:fly\n:help\n", TERM="dumb")
    assert result.returncode == 0
    assert "taken back" in result.stdout
    assert ":fly is no command" in result.stdout
    assert "Not saved; a copy is in" in result.stdout
    assert find(path)[0][1].text == "one"
    assert not path.exists()


def test_one_switch_takes_the_word_that_was_said_last(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("I love ")
    command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(tiny_bundle), "--plain", "--scan", "0.3"]
    first, second = [offer.text for offer in load(tiny_bundle).session().suggest("I love ", k=3)][:2]
    with subprocess.Popen([*command, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pad:
        assert pad.stdin is not None
        assert pad.stdout is not None
        while (said := pad.stdout.readline().strip()) != second:
            assert said != ""
        pad.stdin.write("\n")
        pad.stdin.flush()
        time.sleep(0.1)
        pad.stdin.write(":save\n:quit\n")
        pad.stdin.close()
        assert "Saved" in pad.stdout.read()
    assert first != second
    assert path.read_text() == f"I love {second} "


def test_standard_input_is_edited_and_written_to_standard_output(tiny_bundle: Path, tmp_path: Path) -> None:
    """`echo text | foretype | cat`: the pad takes its keys from the terminal."""
    out = tmp_path / "out.txt"
    pad_command = f"{sys.executable} -m foretype.tui.cli --bundle {tiny_bundle} --no-personal"
    with terminal(["sh", "-c", f"printf 'from a pipe' | {pad_command} > {out}"], {}) as pad:
        pad.shows("from a pipe")
        pad.type(" and more\x13")
        pad.shows("Saved")
        pad.type("\x11")
        assert pad.exit_code() == 0
    assert out.read_text() == "from a pipe and more"
    with terminal(["sh", "-c", f"printf 'as it was' | {pad_command} - > {out}"], {}) as pad:
        pad.shows("as it was")
        pad.type("x\x11\x11")
        assert pad.exit_code() == 0
    assert out.read_text() == "as it was"


def test_the_cursor_starts_on_the_line_asked_for(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "COMMIT_EDITMSG"
    path.write_text("\n# Please enter the commit message\n# lines of comment\n")
    command = [sys.executable, "-m", "foretype.tui.cli", "--bundle", str(tiny_bundle), "--no-personal"]
    with terminal([*command, str(path)], {}) as pad:
        pad.shows("1:1")
        pad.type("and th")
        pad.shows("1  th")
        pad.type("\x1b[B\x1b[F")  # Down, End: a comment
        pad.wait(lambda lines: any("2:" in text for text in lines) and not any("1  th" in text for text in lines))
    with terminal([*command, "+3", str(path)], {}) as pad:
        pad.shows("3:1")


def test_a_file_may_be_named_with_a_line(tmp_path: Path) -> None:
    odd = tmp_path / "odd:7"
    odd.write_text("")
    assert place([str(odd)]) == (odd, None)
    assert place(["notes.txt:12"]) == (Path("notes.txt"), 12)
    assert place(["+4", "notes.txt"]) == (Path("notes.txt"), 4)
    with pytest.raises(PadError, match="several files"):
        place(["a", "b"])


def test_the_demo_types_a_text_and_says_what_it_saved(tiny_bundle: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "foretype.tui.cli", "demo", "I think that the garden", "--pause", "0"]
    with terminal([*command, "--bundle", str(tiny_bundle)], {}) as pad:
        assert pad.exit_code() == 0
        assert any("keys for 2" in text and "saved" in text for text in pad.lines)
