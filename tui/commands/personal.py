"""The `foretype personal` commands: what Foretype has learned of its user, and what it shall forget."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretype.runtime.errors import ForetypeError, StoreError
from foretype.tui.commands.basic import BundleOption, JsonOption, ProfileOption, load_model, print_json

if TYPE_CHECKING:
    from foretype.runtime.personal.schema import ListName
    from foretype.runtime.personal.store import Forgot, Store

_BATCH = 200
"""Words learned in one transaction, so that other programs can write in between."""

personal = typer.Typer(name="personal", help="What Foretype has learned of you, and what it shall forget.")


@contextmanager
def _opened(profile: str) -> Iterator[Store]:
    """The store of `profile`; what was found damaged in it is told on standard error."""
    from foretype.runtime.personal.store import Store

    with Store(profile=profile) as store:
        yield store
        if store.notice:
            print(f"foretype: {store.notice}", file=sys.stderr)


@personal.command("learn")
def learn(
    files: Annotated[list[Path], typer.Argument(help="Text files of your own writing, UTF-8.")],
    profile: ProfileOption = "default",
    bundle: BundleOption = None,
) -> None:
    """Learn the words of FILES, less what is never learned (docs/personal.md)."""
    from rich.console import Console
    from rich.progress import Progress

    from foretype.runtime.personal.learning.learner import Learner
    from foretype.runtime.personal.personal_model import PersonalWords
    from foretype.runtime.text.reading import read_text

    model, learned = load_model(bundle, "ngram"), 0
    progress = Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    with _opened(profile) as store, progress:
        words = PersonalWords(store, model.vocabulary)
        learner = Learner(model.form, words)
        for path in files:
            words.refresh()
            observations = list(learner.read(read_text(path)))
            task = progress.add_task(path.name, total=len(observations))
            for start in range(0, len(observations), _BATCH):
                batch = observations[start : start + _BATCH]
                learned += len(store.learn(batch).counted)
                progress.advance(task, len(batch))
    print(f"{learned} words learned")


@personal.command("show")
def show(
    start: Annotated[str, typer.Argument(help="Only words that start so.")] = "",
    most: Annotated[int, typer.Option("-n", min=1, help="At most so many.")] = 100,
    profile: ProfileOption = "default",
    as_json: JsonOption = False,
) -> None:
    """List the words learned, those written most first."""
    with _opened(profile) as store:
        words = store.show(most, start)
    if as_json:
        print_json([{"word": word.form, "uses": word.uses, "trust": word.trust} for word in words])
        return
    for word in words:
        print(f"{word.uses:8.1f}  {word.form}")


@personal.command("forget")
def forget(
    phrase: Annotated[list[str], typer.Argument(help="A word, or a phrase of up to three.")],
    profile: ProfileOption = "default",
) -> None:
    """Forget a word in every form, or a phrase; it is not suggested again until it is taught."""
    text = " ".join(phrase)
    with _opened(profile) as store:
        forgot = store.forget(text)
    if forgot.entries:
        print(f"forgot {text!r}: {_number(forgot.entries, 'entry', 'entries')} deleted")
    else:
        print(f"nothing was learned of {text!r}; it is not suggested, nor learned, from now on")
    _print_copies(forgot)


@personal.command("teach")
def teach(
    phrase: Annotated[list[str], typer.Argument(help="A word, or a phrase that was forgotten.")],
    profile: ProfileOption = "default",
) -> None:
    """Learn a word at once, or lift the forgetting of a word or phrase."""
    with _opened(profile) as store:
        store.teach(" ".join(phrase))


@personal.command("never")
def never(
    words: Annotated[list[str] | None, typer.Argument(help="Words never to be suggested; none: list them.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take them off the list.")] = False,
    profile: ProfileOption = "default",
) -> None:
    """Words that are never suggested; learning goes on."""
    _edit_list("never", words, remove, profile)


@personal.command("allow")
def allow(
    words: Annotated[list[str] | None, typer.Argument(help="Words to be suggested after all; none: list them.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take them off the list.")] = False,
    profile: ProfileOption = "default",
) -> None:
    """Exceptions from the list of offensive words."""
    _edit_list("allowed", words, remove, profile)


def _edit_list(name: ListName, words: list[str] | None, remove: bool, profile: str) -> None:
    with _opened(profile) as store:
        if words and remove:
            store.remove_from(name, words)
        elif words:
            store.add_to(name, words)
        else:
            for word in sorted(store.listed(name)):
                print(word)


@personal.command("clear")
def clear(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, profile: ProfileOption = "default"
) -> None:
    """Forget everything that was learned, the lists included. Asks first, and reads y or n from standard input."""
    if not (yes or _agreed("Forget everything Foretype has learned of you?")):
        print("nothing was forgotten")
        return
    with _opened(profile) as store:
        forgot = store.clear()
    print(f"forgot everything: {_number(forgot.entries, 'word', 'words')} deleted")
    _print_copies(forgot)


def _agreed(question: str) -> bool:
    """Whether the answer to `question` is yes. Raises ForetypeError where standard input ends without one."""
    if sys.stdin is not None:
        try:
            agreed = typer.confirm(question)
            if not sys.stdin.isatty():
                print()  # nobody's Enter has ended the line
            return agreed
        except typer.Abort:
            if sys.stdin.isatty():  # Ctrl+C
                raise
    raise ForetypeError("standard input holds no answer; --yes does not ask")


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _print_copies(forgot: Forgot) -> None:
    if forgot.copies:
        copies = _number(forgot.copies, "copy", "copies")
        print(f"removed {copies} of the store from when it was damaged, which may have held more")


@personal.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output if none.")] = None,
    profile: ProfileOption = "default",
) -> None:
    """Write what was learned as JSON Lines, readable by you only. The folder of FILE must be there."""
    from foretype.runtime.files.atomic import replacing
    from foretype.runtime.personal.export import export_lines

    with _opened(profile) as store:
        if file is None:
            for line in export_lines(store):
                print(line)
            return
        if not file.parent.is_dir():
            raise ForetypeError(f"{file.parent}: no such folder")
        with replacing(file, private=True) as temporary, temporary.open("w", encoding="utf-8") as stream:
            stream.writelines(line + "\n" for line in export_lines(store))


@personal.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An export; - for standard input.")],
    profile: ProfileOption = "default",
) -> None:
    """Add an export to what was learned; the same one again changes nothing."""
    from foretype.runtime.personal.export import import_lines
    from foretype.runtime.text.reading import MOST_BYTES, decode, read_text

    piped = str(file) == "-"
    text = decode(sys.stdin.buffer.read(MOST_BYTES + 1), "standard input") if piped else read_text(file)
    try:
        with _opened(profile) as store:
            changed = import_lines(store, text.splitlines())
    except StoreError as error:
        raise StoreError(f"{file}: {error}" if str(error).startswith("line ") else str(error)) from error
    print(f"{changed} entries added or raised")


@personal.command("stats")
def stats(profile: ProfileOption = "default", as_json: JsonOption = False) -> None:
    """Say where the store is, how large, and how much it holds."""
    with _opened(profile) as store:
        facts = store.stats()
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        print(f"{name}: {value}")


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.add_typer(personal, name="personal")
