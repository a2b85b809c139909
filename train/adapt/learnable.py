"""Turns a person's text into tokens by the rules of the personal store: what may not be learned is not trained on.

A chunk that may not be learned becomes `<unk>`, so that no model sees it; a number or a link becomes its class, as in
every text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.personal.learning.announced_secrets import scope
from foretype.runtime.personal.learning.rules import Piece, is_fence, read_line
from foretype.runtime.text.context import without_surrogates
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import TextForm
from foretype.runtime.text.vocabulary import (
    DOCUMENT_START_ID,
    LINE_END_ID,
    LINK_ID,
    NUMBER_ID,
    SPECIAL_TOKENS,
    UNKNOWN_ID,
    fold,
    is_word,
    sort_key,
)


def encode_learnable(form: TextForm, document: Document) -> list[int]:
    """Encode a document like `foretype.train.text.shards.encode_document`, without what may not be learned."""
    ids = [DOCUMENT_START_ID]
    for line, pieces in _lines(form, document):
        for piece in pieces:
            if not piece.learnable:
                ids.append(_class_of(form, line, piece))
                continue
            found = form.vocabulary.exact.get(piece.text)
            ids.append(found if found is not None else form.vocabulary.find(piece.text.casefold()) or UNKNOWN_ID)
        ids.append(LINE_END_ID)
    return ids


def encode_all(form: TextForm, documents: Iterable[Document]) -> NDArray[np.unsignedinteger]:
    """Encode documents as one stream of tokens, uint16 or uint32 [tokens]."""
    ids = [id_ for document in documents for id_ in encode_learnable(form, document)]
    return np.array(ids, np.uint16 if len(form.vocabulary) <= 1 << 16 else np.uint32)


def extended(form: TextForm, documents: Iterable[Document], least: int, most: int) -> TextForm:
    """Return `form` with the writer's frequent words: those that it lacks in every case and that may be learned.

    least: how often a word must occur. most: most words to add. A word takes the form in which it is written most.
    """
    counts: Counter[str] = Counter()
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for document in documents:
        for _, pieces in _lines(form, document):
            for piece in pieces:
                if piece.learnable and is_word(piece.text) and form.vocabulary.find(fold(piece.text)) is None:
                    counts[fold(piece.text)] += 1
                    written[fold(piece.text)][piece.text] += 1
    new = [
        max(written[key], key=lambda word: (written[key][word], word))
        for key, n in counts.most_common(most)
        if n >= least
    ]
    first = form.vocabulary.first_word
    words = sorted([*form.vocabulary.tokens[first:], *new], key=sort_key)
    tokens = [*form.vocabulary.tokens[:first], *words]
    return TextForm({token: id_ for id_, token in enumerate(tokens)}, form.rule)


def _lines(form: TextForm, document: Document) -> Iterator[tuple[str, list[Piece]]]:
    """Yield each line and its pieces, except lines of code, as `Learner.read` does for the store."""
    vocabulary = form.vocabulary

    def own_form(word: str) -> str | None:
        found = vocabulary.find(fold(word))
        return None if found is None else vocabulary.tokens[found]

    fenced = secret = False
    for raw in document:
        line = without_surrogates(raw)
        withheld = scope(line, secret)
        if is_fence(line):
            fenced = not fenced
        elif not fenced:
            yield line, list(read_line(form, line, own_form, vocabulary.exact.__contains__, withheld))
        secret = withheld.carries


def _class_of(form: TextForm, line: str, piece: Piece) -> int:
    """The token of a piece that may not be learned: its class if it is only numbers, links and marks, else `<unk>`."""
    chunk = line[piece.chunk :].split(maxsplit=1)[0]
    parts = form.pieces(chunk)
    if not any(map(is_word, parts)):
        for id_ in (LINK_ID, NUMBER_ID):
            if SPECIAL_TOKENS[id_] in parts:
                return id_
    return UNKNOWN_ID
