"""The `foretype personal` commands, which show and edit what Foretype has learned."""

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
"""Number of words to learn in one transaction. Other programs can write between transactions."""

personal = typer.Typer(name="personal", help="Show, teach and forget what Foretype has learned from you.")


@contextmanager
def _opened(profile: str) -> Iterator[Store]:
    """Open the store of `profile`. If parts of it were damaged, print the notice on standard error."""
    from foretype.runtime.personal.store import Store

    with Store(profile=profile) as store:
        yield store
        if store.notice:
            print(f"foretype: {store.notice}", file=sys.stderr)


@personal.command("learn")
def learn(
    files: Annotated[list[Path], typer.Argument(help="Text files that you wrote, in UTF-8.")],
    profile: ProfileOption = "default",
    bundle: BundleOption = None,
) -> None:
    """Learn the words of FILES, except what is never learned (docs/personal.md)."""
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
    start: Annotated[str, typer.Argument(help="Show only words that start with this.")] = "",
    most: Annotated[int, typer.Option("-n", min=1, help="Show at most this many.")] = 100,
    profile: ProfileOption = "default",
    as_json: JsonOption = False,
) -> None:
    """List the learned words, most used first."""
    with _opened(profile) as store:
        words = store.show(most, start)
    if as_json:
        print_json([{"word": word.form, "uses": word.uses, "trust": word.trust} for word in words])
        return
    for word in words:
        print(f"{word.uses:8.1f}  {word.form}")


@personal.command("forget")
def forget(
    phrase: Annotated[list[str], typer.Argument(help="A word, or a phrase of up to three words.")],
    profile: ProfileOption = "default",
) -> None:
    """Forget a word in every form, or a phrase. It is not suggested again until you teach it."""
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
    phrase: Annotated[list[str], typer.Argument(help="A word, or a forgotten phrase.")],
    profile: ProfileOption = "default",
) -> None:
    """Learn a word at once, or allow a forgotten word or phrase again."""
    with _opened(profile) as store:
        store.teach(" ".join(phrase))


@personal.command("never")
def never(
    words: Annotated[list[str] | None, typer.Argument(help="Words never to suggest; none: list them.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take them off the list.")] = False,
    profile: ProfileOption = "default",
) -> None:
    """Never suggest these words. They are still learned."""
    _edit_list("never", words, remove, profile)


@personal.command("allow")
def allow(
    words: Annotated[list[str] | None, typer.Argument(help="Words to suggest after all; none: list them.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take them off the list.")] = False,
    profile: ProfileOption = "default",
) -> None:
    """Allow words of the list of offensive words."""
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
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False, profile: ProfileOption = "default"
) -> None:
    """Forget everything that was learned, including the lists. Ask first, and read y or n from standard input."""
    if not (yes or _agreed("Forget everything Foretype has learned of you?")):
        print("nothing was forgotten")
        return
    with _opened(profile) as store:
        forgot = store.clear()
    print(f"forgot everything: {_number(forgot.entries, 'word', 'words')} deleted")
    _print_copies(forgot)


def _agreed(question: str) -> bool:
    """Ask `question` and return whether the answer is yes. Raises ForetypeError if standard input has no answer."""
    if sys.stdin is not None:
        try:
            agreed = typer.confirm(question)
            if not sys.stdin.isatty():
                print()  # end the line, since nobody pressed Enter
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
    file: Annotated[Path | None, typer.Argument(help="Write to this file instead of standard output.")] = None,
    profile: ProfileOption = "default",
) -> None:
    """Write what was learned as JSON Lines, readable only by you. The folder of FILE must exist."""
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
    file: Annotated[Path, typer.Argument(help="A file from `export`; - reads standard input.")],
    profile: ProfileOption = "default",
) -> None:
    """Add an export to what was learned. Importing the same file again changes nothing."""
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
    """Show where the store is, its size, and how much it holds."""
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
