"""The `foretype` command: finds the command to run, and turns errors into messages and exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import typer
from rapidfuzz import process
from rapidfuzz.distance import OSA

import foretype.tui.commands.adapt as adapt_command
import foretype.tui.commands.basic as run_commands
import foretype.tui.commands.bench as bench_commands
import foretype.tui.commands.compare as comparisons
import foretype.tui.commands.doctor as doctor_command
import foretype.tui.commands.lsp as editor_commands
import foretype.tui.commands.models as models_commands
import foretype.tui.commands.peers as peers_command
import foretype.tui.commands.personal as personal_commands
import foretype.tui.commands.serve as serve_command
import foretype.tui.commands.studies as training_tools
import foretype.tui.commands.tmux as tmux_commands
import foretype.tui.commands.train as train_commands
from foretype.runtime.errors import ForetypeError
from foretype.tui.completion import VARIABLE, Commands, named_command

app = typer.Typer(
    name="foretype",
    cls=Commands,
    help="Predicts what you type next. `foretype [FILE]` opens the typing pad.",
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
run_commands.register(app)
train_commands.register(app)
adapt_command.register(app)
training_tools.register(app)
comparisons.register(app)
bench_commands.register(app)
peers_command.register(app)
personal_commands.register(app)
tmux_commands.register(app)
models_commands.register(app)
doctor_command.register(app)
serve_command.register(app)
editor_commands.register(app)

# Newer versions of Typer contain their own copy of click. In both cases these are bases of an error that it exports.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]


def with_command(arguments: list[str]) -> list[str]:
    """Return the arguments with the command, of one word or two, as the first item.

    If they name no command, it is `pad`: `foretype FILE` opens a file.

    >>> with_command(["notes.txt"]), with_command(["suggest", "Hi"]), with_command(["./suggest"])
    (['pad', 'notes.txt'], ['suggest', 'Hi'], ['pad', './suggest'])
    >>> with_command(["train", "plot", "runs/en"]), with_command(["train", "./plot"])
    (['train plot', 'runs/en'], ['train', './plot'])
    """
    names = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    named = named_command(arguments, names)
    if named is None:
        _refuse_slip(arguments, names)
    return named or ["pad", *arguments]


def _refuse_slip(arguments: list[str], names: Iterable[str | None]) -> None:
    """Raise ForetypeError if the only argument is not a file, but almost the name of a command."""
    if len(arguments) != 1 or arguments[0].startswith(("-", "+")) or os.sep in arguments[0]:
        return
    if Path(arguments[0]).exists():
        return
    words = [name.partition(" ")[0] for name in names if name]
    near = process.extractOne(arguments[0], words, scorer=OSA.distance, score_cutoff=1 + (len(arguments[0]) > 5))
    if near is not None:
        raise ForetypeError(
            f"{arguments[0]}: no such command or file; did you mean {near[0]!r}? To write a file of that name, "
            f"use ./{arguments[0]}"
        )


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted."""
    if VARIABLE in os.environ:
        return _complete()
    try:
        result = app(with_command(arguments), prog_name="foretype", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except _UsageError as error:
        return _fail(f"{error.format_message()} (try --help)", 2)  # type: ignore[attr-defined]
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except (BrokenPipeError, SystemExit):
        # The reader closed the pipe (`foretype generate | head`), which Typer may turn into SystemExit. Without this,
        # Python would report an error when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ForetypeError, _ClickError) as error:
        return _fail(str(error), 1)
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    except ImportError as error:
        return _fail(f"{error}; the training commands need `pip install 'foretype[train]'`", 1)
    except MemoryError:
        return _fail("out of memory", 1)
    except Exception as error:
        if os.environ.get("FORETYPE_DEBUG"):
            raise
        return _fail(f"unexpected {type(error).__name__}: {error} (FORETYPE_DEBUG=1 shows where)", 1)


def _complete() -> int:
    """Answer a shell that asks for completions. Prints no errors; the exit status means something to some shells."""
    try:
        app([], prog_name="foretype", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except Exception:
        if os.environ.get("FORETYPE_DEBUG"):
            raise
    return 1


def _fail(message: str, status: int) -> int:
    print("foretype: " + " ".join(message.split()), file=sys.stderr)
    return status


def main() -> None:
    """Entry point of the `foretype` script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
