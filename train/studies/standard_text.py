"""Reads standard benchmark texts (Penn Treebank, WikiText-2): tokens separated by spaces, one </s> a line.

These texts are tokenised, with rare words replaced by `<unk>`, so that perplexities compare with published ones: every
token counts, including `<unk>` and one end of sentence for each line, even an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import CorpusError
from foretype.runtime.text.corpus import read_lines
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, SPECIAL_TOKENS, UNKNOWN_ID

PUBLISHED = {
    "penn-treebank": {
        "5-gram, Kneser-Ney (Mikolov et al. 2011)": 141.2,
        "LSTM, medium (Zaremba et al. 2014)": 82.7,
        "LSTM, large (Zaremba et al. 2014)": 78.4,
        "AWD-LSTM (Merity et al. 2017)": 57.3,
        "Mogrifier LSTM (Melis et al. 2020)": 50.1,
    },
    "wikitext-2": {
        "LSTM (Grave et al. 2017)": 99.3,
        "LSTM with neural cache (Grave et al. 2017)": 68.9,
        "AWD-LSTM (Merity et al. 2017)": 65.8,
    },
}
"""Published test perplexities, by the name of the text's folder."""

Stream = NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class StandardText:
    """A standard text as token streams, each with `<s>` first, which is not predicted.

    tokens: the vocabulary: special tokens, then the words of the training text.
    train, valid, test: ids, [tokens].
    """

    tokens: tuple[str, ...]
    train: Stream
    valid: Stream
    test: Stream


def read_standard_text(folder: Path) -> StandardText:
    """Read the files of `folder` whose names contain ".train.", ".valid." and ".test.".

    Raises CorpusError if one is missing, or if a word in valid or test is not in the training text.
    """
    paths = {part: _find(folder, part) for part in ("train", "valid", "test")}
    words = sorted({word for line in _sentences(paths["train"]) for word in line} - set(SPECIAL_TOKENS))
    tokens = (*SPECIAL_TOKENS, *words)
    ids = {token: index for index, token in enumerate(tokens)}
    return StandardText(tokens, **{part: _encode(path, ids) for part, path in paths.items()})


def _find(folder: Path, part: str) -> Path:
    found = sorted(path for path in folder.glob("*") if f".{part}." in path.name)
    if len(found) != 1:
        raise CorpusError(f"{folder}: expected one file *.{part}.*, found {len(found)}")
    return found[0]


def _sentences(path: Path) -> Iterator[list[str]]:
    return (line.split() for line in read_lines(path))


def _encode(path: Path, ids: dict[str, int]) -> Stream:
    stream = [DOCUMENT_START_ID]
    for words in _sentences(path):
        for word in words:
            if word not in ids:
                raise CorpusError(f"{path}: {word!r} is not in the training text; replace it with <unk>")
            stream.append(UNKNOWN_ID if word == "<unk>" else ids[word])
        stream.append(LINE_END_ID)
    return np.array(stream, np.uint16 if len(ids) <= 1 << 16 else np.uint32)
