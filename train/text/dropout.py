"""Changes text to how people type: some documents without capitals and punctuation, some split into single lines."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from foretype.runtime.errors import ConfigError
from foretype.runtime.text.corpus import Document

_NOT_PLAIN = re.compile(r"(?<![^\W_])'|'(?![^\W_])|[^\w' ]|_")


@dataclass(frozen=True)
class TextDropout:
    """Changes to part of the neural model's text, so that it learns how people type in a hurry.

    plain: share of the documents in lower case and without punctuation, 0 to 1.
    single_lines: share of the documents split into lines, each a document, like messages without earlier ones, 0 to 1.
    versions: how often the text is read for one pass; each time, other documents are changed, and other documents of
        the sources with a weight below 1 are taken. For runs of many passes.
    """

    plain: float = 0.0
    single_lines: float = 0.0
    versions: int = 1

    def __post_init__(self) -> None:
        for name in ("plain", "single_lines"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"text.{name} is {getattr(self, name)}; must be 0 to 1")
        if self.versions < 1:
            raise ConfigError(f"text.versions is {self.versions}; must be at least 1")

    def apply(self, documents: Iterable[Document], seed: str) -> Iterator[Document]:
        """Apply both changes to `documents`; `seed` fixes the choice."""
        draw = random.Random(seed)
        for document in documents:
            plain, single = draw.random() < self.plain, draw.random() < self.single_lines
            lines = [line for line in map(without_case, document) if line] if plain else document
            if single:
                yield from ([line] for line in lines)
            elif lines:
                yield lines


def without_case(line: str) -> str:
    """Convert `line` to lower case and remove punctuation, except apostrophes inside words.

    >>> without_case("I don't know - 'Maybe' at 9:30, Tom!")
    "i don't know maybe at 9 30 tom"
    """
    return " ".join(_NOT_PLAIN.sub(" ", line.lower().replace("\u2019", "'")).split())
