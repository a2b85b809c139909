"""Completion in the shell: the commands of two words, and `foretype FILE`, which names no command.

Typer does the rest: `foretype --install-completion` and `--show-completion` for bash, zsh, fish and PowerShell. A shell
completes file names by itself where Foretype offers nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

VARIABLE = "_FORETYPE_COMPLETE"
"""Set by the shell's script when it asks for completions."""
OPTIONS_OF_THE_COMMAND_ITSELF = ("--help", "--version", "--install-completion", "--show-completion")
_HARMLESS = re.compile(r"[\w.,+-]+")


def named_command(arguments: list[str], names: Collection[str | None]) -> list[str] | None:
    """The arguments with the command they name in the first place, be it one word or two; None if they name none."""
    two = " ".join(arguments[:2])
    if len(arguments) > 1 and two in names:
        return [two, *arguments[2:]]
    if arguments and (arguments[0] in names or arguments[0] in OPTIONS_OF_THE_COMMAND_ITSELF):
        return arguments
    return None


class Commands(TyperGroup):
    """The commands of `foretype`, with completion for what they have beyond Typer."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        return super().resolve_command(ctx, named_command(args, self.commands) or ["pad", *args])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The commands, and the files that begin likewise; options of the pad too, whose name may be left out.

        A file is offered only beside a command: without one, the shell completes files itself, which it does better.
        So a name that a shell would have to quote may be left out here.
        """
        found = [item for item in super().shell_complete(ctx, incomplete) if " " not in item.value]
        if incomplete.startswith("-"):
            pad = self.commands["pad"]
            with pad.make_context("pad", [], parent=ctx, resilient_parsing=True) as of_pad:
                return found + [item for item in pad.shell_complete(of_pad, incomplete) if item.value != "--help"]
        if found:
            kind = type(found[0])
            found += [kind(name) for name in _files(incomplete)]
        return found


def _files(start: str) -> list[str]:
    try:
        entries = sorted(os.scandir(Path()), key=lambda entry: entry.name)
    except OSError:
        return []
    shown = [entry for entry in entries if entry.name.startswith(start) and not entry.name.startswith((".", "-", "+"))]
    return [entry.name + "/" * entry.is_dir() for entry in shown if _HARMLESS.fullmatch(entry.name)]
