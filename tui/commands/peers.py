"""`foretype compare`: Foretype and other systems type the same text."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from foretype.runtime.errors import CorpusError, ForetypeError
from foretype.tui.commands.basic import JsonOption, chosen, print_json

if TYPE_CHECKING:
    from foretype.runtime.evaluation.documents import Document
    from foretype.runtime.evaluation.peers.known import Peer
    from foretype.runtime.evaluation.peers.results import Skipped
    from foretype.runtime.evaluation.peers.system import System

_PEER_HELP = "Compare with this peer and its variants; may be repeated; none: no peer. Default: all."


def compare(
    files: Annotated[list[Path], typer.Argument(help="Text to type: files or folders, also .xz and .gz.")],
    bundle: Annotated[
        list[Path] | None, typer.Option("--model", "--bundle", help="Measure this model of Foretype; may be repeated.")
    ] = None,
    peer: Annotated[list[str] | None, typer.Option("--peer", help=_PEER_HELP)] = None,
    system: Annotated[
        list[str] | None,
        typer.Option("--system", help="NAME=COMMAND: a command that answers the protocol of `foretype serve`."),
    ] = None,
    train: Annotated[
        list[Path] | None,
        typer.Option("--train", help="Text that peers learn: a file or folder; may be repeated."),
    ] = None,
    train_words: Annotated[
        int, typer.Option("--train-words", min=0, help="Learn at most this many words of each source; 0: all.")
    ] = 0,
    trained: Annotated[
        list[str] | None, typer.Option("--trained", help="PEER=FILE: a model of this peer that was trained before.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Words offered at a time.")] = 3,
    limit: Annotated[int, typer.Option(min=0, help="Type at most this many words of each source; 0: all.")] = 1000,
    mode: Annotated[
        str | None, typer.Option("--mode", help="Only plain (letters only) or text (as written); default both.")
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", help="Only lines (each alone) or running (after the ones before it).")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the report to this Markdown file.")] = None,
    into: Annotated[
        list[Path] | None,
        typer.Option("--into", help="Replace the report in this page, between its comments; may be repeated."),
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json-out", help="Write the figures to this JSON file.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Plot the savings to this PNG, SVG or PDF.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Let Foretype and other predictive-typing systems type the same text, and compare them (docs/leaderboard.md).

    The first system is the reference of the tables. Systems that are not installed are skipped with a line that says
    how to install them.
    """
    import msgspec

    from foretype.runtime.bench.device import describe
    from foretype.runtime.evaluation.peers.comparison import CONDITIONS
    from foretype.runtime.evaluation.peers.comparison import compare as measure
    from foretype.runtime.evaluation.peers.known import KNOWN, check_models, choose
    from foretype.runtime.evaluation.peers.report import markdown, placed, read_page
    from foretype.runtime.files.atomic import write_json, write_text
    from foretype.runtime.files.figures import check_plot

    _check("--mode", mode, ("plain", "text"))
    _check("--context", context, ("lines", "running"))
    conditions = [pair for pair in CONDITIONS if mode in (None, pair[0]) and context in (None, pair[1])]
    models = {name: Path(file) for name, file in (_named("--trained", item) for item in trained or [])}
    check_models(models)
    peers = [] if peer == ["none"] else choose(peer) if peer else list(KNOWN)
    texts = _read(files, limit)
    words = sum(_count(documents) for documents in texts.values())
    if plot:
        check_plot(plot)
    pages = {path: read_page(path) for path in into or []}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
    ):
        systems = [_foretype(path) for path in bundle or (None,)]
        systems += [_foreign(item) for item in system or []]
        text = _write_text(_read(train, train_words), Path(folder) / "train.txt") if train else None
        found, skipped = _prepared(peers, text, models, Path(folder))
        systems += found
        task = progress.add_task("words", total=words * len(conditions) * len(systems))
        report = measure(
            systems,
            texts,
            conditions,
            k,
            describe().cpu,
            skipped,
            lambda name, typed: progress.update(task, advance=typed, description=name),
        )
    for one in report.skipped:
        print(f"foretype: skipped {one.name}: {one.reason}", file=sys.stderr)
    if not report.systems:
        raise ForetypeError("no system could be measured")
    if out:
        write_text(out, markdown(report))
    for path, page in pages.items():
        write_text(path, placed(report, page))
    if json_out:
        write_json(json_out, msgspec.to_builtins(report))
    if plot:
        from foretype.runtime.evaluation.peers.plot import draw

        draw(report, plot)
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        print(markdown(report), end="")


def _prepared(
    peers: list[Peer], text: Path | None, models: dict[str, Path], folder: Path
) -> tuple[list[System], list[Skipped]]:
    """Train the peers that can run here, each in a folder of its own. Also those that cannot, and why."""
    from foretype.runtime.evaluation.peers.results import Skipped

    systems, skipped = [], []
    for number, peer in enumerate(peers):
        reason = peer.missing(text, models.get(peer.name))
        if reason is None:
            own = folder / str(number)
            own.mkdir()
            try:
                systems.append(peer.prepare(text, models.get(peer.name), own))
                continue
            except ForetypeError as error:
                reason = str(error).removeprefix(f"{peer.name}: ")
        skipped.append(Skipped(peer.name, reason))
    return systems, skipped


def _foretype(bundle: Path | None) -> System:
    """Foretype, started as any program starts it."""
    from foretype.runtime.evaluation.peers.system import System
    from foretype.runtime.files.finding import find_bundle

    folder = find_bundle(chosen(bundle))
    name = "foretype" if bundle is None else f"foretype {folder.name}"
    command = (sys.executable, "-m", "foretype.tui.cli", "serve", "--bundle", str(folder))
    return System(name, command, (folder,))


def _foreign(option: str) -> System:
    from foretype.runtime.evaluation.peers.system import System

    name, command = _named("--system", option)
    return System(name, tuple(shlex.split(command)))


def _named(option: str, value: str) -> tuple[str, str]:
    name, equals, rest = value.partition("=")
    if not (name and equals and rest):
        raise typer.BadParameter(f"{value!r}; expected NAME=VALUE", param_hint=option)
    return name, rest


def _check(option: str, value: str | None, legal: tuple[str, ...]) -> None:
    if value is not None and value not in legal:
        raise typer.BadParameter(f"{value!r}; choose from {', '.join(legal)}", param_hint=option)


def _read(paths: list[Path], limit: int) -> dict[str, list[Document]]:
    """The documents of each source. Raises CorpusError if one has no words."""
    from foretype.runtime.text.corpus import find_files, source_name
    from foretype.tui.commands.evaluation import read_text

    texts: dict[str, Any] = {}
    for file in find_files(paths):
        documents = read_text(file, limit)
        if not _count(documents):
            raise CorpusError(f"{file}: the text is empty")
        name = source_name(file)
        texts[name if name not in texts else str(file)] = documents
    return texts


def _write_text(texts: dict[str, list[Document]], file: Path) -> Path:
    """Write all lines to `file`, as every peer can read them."""
    lines = [line for documents in texts.values() for document in documents for line in document]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _count(documents: list[Document]) -> int:
    from foretype.runtime.evaluation.documents import count_words

    return sum(map(count_words, documents))


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command("compare")(compare)
