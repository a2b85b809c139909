"""The text of a training run: its sources, the part that is held out, and the token streams in the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from foretype.runtime.errors import CorpusError
from foretype.runtime.files.atomic import replacing
from foretype.runtime.lazy import lazy
from foretype.runtime.text.corpus import STANDARD_INPUT, Document, read_lines, source_name
from foretype.train.recipe import Recipe
from foretype.train.text.dropout import TextDropout
from foretype.train.text.shards import build_stream, shuffle_documents, write_stream
from foretype.train.text.source import Source, held_out_every, split

RUN, PIPED, HELD_OUT = "run.json", "stdin.txt", "held_out.txt"
ALL, FIRST, MIX, VALID = "all.safetensors", "first.safetensors", "mix.safetensors", "valid.safetensors"
_VALID_CAP = 40_000
_HELD_OUT_CHARACTERS = 200_000


class RunText:
    """The text of the run in `folder`.

    files, valid: text to train on and to measure on. Without `valid`, a part of the lines is held out.
    keep_lines: keep line breaks also where they look like those of paragraphs broken at a fixed width.
    """

    def __init__(self, folder: Path, files: list[Path], valid: list[Path], keep_lines: bool) -> None:
        self._folder, self._files, self._valid, self._keep_lines = folder, files, valid, keep_lines

    @lazy
    def sources(self) -> list[Source]:
        """The sources to train on."""
        return [self._open(file) for file in self._files]

    @lazy
    def _valid_sources(self) -> list[Source]:
        return [self._open(file) for file in self._valid]

    @lazy
    def _every(self) -> int:
        return held_out_every(self.sources)

    def _open(self, file: Path) -> Source:
        """Open a file. Standard input can be read only once, so the run stores it."""
        name = source_name(file)
        if file == STANDARD_INPUT:
            file = self._folder / PIPED
            if not (file.exists() and (self._folder / RUN).exists()):
                lines = list(read_lines(STANDARD_INPUT))
                with replacing(file) as temporary, temporary.open("w", encoding="utf-8") as stream:
                    stream.writelines(line + "\n" for line in lines)
        return Source.open(name, file, keep_lines=self._keep_lines)

    def training(self) -> Iterator[tuple[str, Iterable[Document]]]:
        """Yield the name of each source with its documents, without what is held out."""
        for source in self.sources:
            documents = source.documents()
            yield source.name, documents if self._valid else split(documents, self._every, held_out=False)

    def held_out(self) -> Iterator[tuple[str, Iterable[Document]]]:
        """Yield the name of each source with its documents to measure on."""
        for source in self._valid_sources or self.sources:
            documents = source.documents()
            yield source.name, documents if self._valid else split(documents, self._every, held_out=True)

    def check_held_out(self) -> None:
        """Read all text to measure on. Raises CorpusError if there is none."""
        if not sum(1 for _, documents in self.held_out() for _ in documents):
            reason = "empty" if self._valid else "too short to hold out a part of it; give --valid"
            raise CorpusError(f"{names(self._valid or self._files)}: {reason}")

    def write_streams(self, recipe: Recipe, step: Callable[[str], None]) -> None:
        """Tokenise the text by the run's text form, unless that is done."""

        def done(name: str, tokens: int) -> None:
            step(f"tokens of {name}: {tokens:,}")

        folder = self._folder
        if not (folder / HELD_OUT).exists():
            self._write_held_out()
        if not (folder / VALID).exists():
            write_stream(folder / VALID, build_stream(self.held_out(), folder, cap=_VALID_CAP, done=done))
        if not (folder / ALL).exists():
            write_stream(folder / ALL, build_stream(self.training(), folder, done=done))
        if recipe.first.tokens and not (folder / FIRST).exists():
            self._write_mix(folder / FIRST, recipe.first.weights, replace(recipe.text, versions=1), done)
        if not (folder / MIX).exists():
            self._write_mix(folder / MIX, recipe.weights, recipe.text, done)

    def _write_mix(
        self, path: Path, weights: Mapping[str, float], text: TextDropout, done: Callable[[str, int], None]
    ) -> None:
        """Write a stream for the neural model: sources weighted, documents changed and shuffled."""
        texts = (
            (name, text.apply(documents, f"{name} {version}" if version else name))
            for version in range(text.versions)
            for name, documents in self.training()
        )
        stream = build_stream(texts, self._folder, weights=weights, done=done)
        write_stream(path, shuffle_documents(stream, seed=1, folder=self._folder))

    def _write_held_out(self) -> None:
        """Write the beginning of the held-out text of every source."""
        share = _HELD_OUT_CHARACTERS // max(1, len(self._valid or self._files))
        with (
            replacing(self._folder / HELD_OUT, private=True) as temporary,
            temporary.open("w", encoding="utf-8") as out,
        ):
            for _, documents in self.held_out():
                left = share
                for document in documents:
                    if left <= 0:
                        break
                    left -= out.write("\n".join(document) + "\n\n")


def names(files: list[Path]) -> str:
    """Name `files` in an error: the first, and how many more there are."""
    return str(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")
