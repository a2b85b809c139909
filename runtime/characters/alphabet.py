"""The alphabet of a character model, and text as a stream of characters."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.bundle import CHARACTERS
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import new_tokenizer
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, SPECIAL_TOKENS, UNKNOWN_ID

_SYMBOL = re.compile(r"<num>|<link>|.", re.DOTALL)


@cache
def splitter() -> Tokenizer:
    """The tokenizer that splits a line into pieces like a word model's."""
    return new_tokenizer({token: i for i, token in enumerate(SPECIAL_TOKENS)})


def _split(text: str) -> list[str]:
    """Split `text` into characters, normalised like the text form: straight quotes, one symbol for a number or link."""
    symbols: list[str] = _SYMBOL.findall(splitter().normalizer.normalize_str(text))
    return symbols


@dataclass(frozen=True)
class Alphabet:
    """The symbols of a character model, by id: the special tokens, then characters by code point."""

    symbols: tuple[str, ...]

    @classmethod
    def learn(cls, documents: Iterable[Document], size: int = 128) -> Alphabet:
        """Choose the most frequent characters of `documents`, `size` symbols in all; the others become `<unk>`.

        Raises ConfigError if `size` leaves no room for characters, CorpusError if the text contains none.
        """
        room = size - len(SPECIAL_TOKENS)
        if room < 1:
            raise ConfigError(f"alphabet size is {size}; must be {len(SPECIAL_TOKENS) + 1} or more")
        counts = Counter(symbol for document in documents for line in document for symbol in _split(line))
        characters = sorted(counts.keys() - set(SPECIAL_TOKENS), key=lambda symbol: (-counts[symbol], symbol))
        if not characters:
            raise CorpusError("the text contains no characters")
        return cls((*SPECIAL_TOKENS, *sorted(characters[:room])))

    def __len__(self) -> int:
        return len(self.symbols)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each symbol; a line break has that of `</s>`."""
        return {symbol: number for number, symbol in enumerate(self.symbols)} | {"\n": LINE_END_ID}

    def encode(self, text: str) -> list[int]:
        """Encode the characters of `text` as ids."""
        ids = self.ids
        return [ids.get(symbol, UNKNOWN_ID) for symbol in _split(text)]

    def encode_document(self, document: Document) -> list[int]:
        """Encode `<s>`, then each line followed by `</s>`."""
        return [DOCUMENT_START_ID, *(i for line in document for i in (*self.encode(line), LINE_END_ID))]

    def decode(self, ids: Iterable[int]) -> list[Document]:
        """Decode a stream of encoded documents. Characters outside the alphabet become U+FFFD."""
        symbols = {LINE_END_ID: "\n", UNKNOWN_ID: "\ufffd", DOCUMENT_START_ID: "\0"}
        text = "".join(symbols.get(int(i)) or self.symbols[i] for i in ids)
        return [[line for line in part.split("\n") if line] for part in text.split("\0") if part.strip()]

    def stream(self, documents: Iterable[Document]) -> NDArray[np.uint16]:
        """Encode `documents` as one stream, for training."""
        parts = [np.array(self.encode_document(document), np.uint16) for document in documents]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint16)

    def save(self, folder: Path) -> None:
        """Write `characters.json` into `folder`."""
        write_json(folder / CHARACTERS, list(self.symbols))

    @classmethod
    def load(cls, path: Path) -> Alphabet:
        """Read what `save` wrote. Raises CheckpointError if it is missing or damaged."""
        try:
            symbols = tuple(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path}: cannot be read ({error})") from error
        if symbols[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS or not all(isinstance(s, str) for s in symbols):
            raise CheckpointError(f"{path}: not an alphabet; its first symbols must be {' '.join(SPECIAL_TOKENS)}")
        return cls(symbols)
