"""The `foretype personal` commands: what Foretype has learned of its user, and what it shall forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretype.runtime.errors import ForetypeError, StoreError
from foretype.tui.commands.basic import BundleOption, JsonOption, ProfileOption, load_model, print_json

if TYPE_CHECKING:
    from foretype.runtime.personal.store import ListName, Store

_BATCH = 200
"""Words learned in one transaction, so that other programs can write in between."""

personal = typer.Typer(name="personal", help="What Foretype has learned of you, and what it shall forget.")


def _store(profile: str) -> Store:
    from foretype.runtime.personal.store import Store

    return Store(profile=profile)


@personal.command("learn")
def learn(
    files: Annotated[list[Path], typer.Argument(help="Text files of your own writing, UTF-8.")],
    profile: ProfileOption = "default",
    bundle: BundleOption = None,
) -> None:
    """Learn the words of FILES, less what is never learned (docs/personal.md)."""
    from rich.console import Console
    from rich.progress import Progress

    from foretype.runtime.personal.learner import Learner
    from foretype.runtime.personal.personal_model import PersonalWords

    model, store = load_model(bundle, "ngram"), _store(profile)
    words = PersonalWords(store, model.vocabulary)
    learner, learned = Learner(model.form, words), 0
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        for path in files:
            words.refresh()
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise ForetypeError(f"{path}: not UTF-8 text (at byte {error.start})") from error
            observations = list(learner.read(text))
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
    words = _store(profile).show(most, start)
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
    _store(profile).forget(" ".join(phrase))


@personal.command("teach")
def teach(
    phrase: Annotated[list[str], typer.Argument(help="A word, or a phrase that was forgotten.")],
    profile: ProfileOption = "default",
) -> None:
    """Learn a word at once, or lift the forgetting of a word or phrase."""
    _store(profile).teach(" ".join(phrase))


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
    store = _store(profile)
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
    """Forget everything that was learned, the lists included."""
    if not yes:
        typer.confirm("Forget everything Foretype has learned of you?", abort=True)
    _store(profile).clear()


@personal.command("export")
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output if none.")] = None,
    profile: ProfileOption = "default",
) -> None:
    """Write what was learned as JSON Lines, readable by you only."""
    from foretype.runtime.files.atomic import replacing
    from foretype.runtime.personal.export import export_lines

    lines = export_lines(_store(profile))
    if file is None:
        for line in lines:
            print(line)
        return
    with replacing(file, private=True) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines)


@personal.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An export; - for standard input.")],
    profile: ProfileOption = "default",
) -> None:
    """Add an export to what was learned; the same one again changes nothing."""
    from foretype.runtime.personal.export import import_lines

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        changed = import_lines(_store(profile), text.splitlines())
    except UnicodeDecodeError as error:
        raise ForetypeError(f"{file}: not UTF-8 text (at byte {error.start})") from error
    except StoreError as error:
        raise StoreError(f"{file}: {error}" if str(error).startswith("line ") else str(error)) from error
    print(f"{changed} entries added or raised")


@personal.command("stats")
def stats(profile: ProfileOption = "default", as_json: JsonOption = False) -> None:
    """Say where the store is, how large, and how much it holds."""
    facts = _store(profile).stats()
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        print(f"{name}: {value}")


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.add_typer(personal, name="personal")
