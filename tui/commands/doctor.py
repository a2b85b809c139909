"""`foretype doctor`: prints ten lines about this machine, to paste into a bug report."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict

import typer

from foretype.runtime.doctor import FAILED, OK, WARNING, examine, finding
from foretype.tui.commands.basic import BundleOption, JsonOption, ProfileOption, chosen, print_json

_MARKS = {OK: "ok  ", WARNING: "warn", FAILED: "FAIL"}


def doctor(bundle: BundleOption = None, profile: ProfileOption = "default", as_json: JsonOption = False) -> None:
    """Check what works on this machine. The exit status is 1 if something essential fails."""
    try:
        named, fault = chosen(bundle), ""
    except Exception as error:
        named, fault = None, str(error)

    def choice() -> tuple[str, str]:
        return fault, FAILED

    found = [*examine(named, profile), finding("terminal", _terminal)]
    if fault:
        found = [finding("model", choice) if line.topic == "model" else line for line in found]
    if as_json:
        print_json([asdict(line) for line in found])
    else:
        for line in found:
            print(f"{_MARKS[line.state]}  {line.topic:11}  {line.text}")
    if any(line.state == FAILED for line in found):
        raise typer.Exit(1)


def _terminal() -> tuple[str, str]:
    """Describe the terminal. If the output does not go to one, use what the environment says about it."""
    from rich.console import Console

    console = Console(stderr=not sys.stdout.isatty())
    colours = {"standard": "16 colours", "256": "256 colours", "truecolor": "16 million colours"}
    size = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "ascii").lower().replace("utf8", "utf-8")
    parts = [
        f"TERM={os.environ.get('TERM', '')}",
        colours.get(console.color_system or "", "no colours"),
        f"{size.columns} x {size.lines}",
        encoding.upper(),
        *(["NO_COLOR"] if os.environ.get("NO_COLOR") else []),
        *([] if console.is_terminal else ["output is no terminal"]),
    ]
    return ", ".join(parts), OK if encoding == "utf-8" else WARNING


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command("doctor")(doctor)
