"""Convert written text to token ids by the text form, in the same way for training and for live typing.

The `tokenizers` object (and so tokenizer.json) defines how text is split and which classes replace numbers and links.
`CaseRule` defines the case of words, which depends on where a sentence starts. Text is split at white space first, so a
line gives the same ids whether it is encoded at once or chunk by chunk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from foretype.runtime.text.vocabulary import LINK, NUMBER, UNKNOWN, Vocabulary, fold

_KEPT_CHUNKS = 4096
LONGEST_RUN = 256
"""Longer runs without white space are not parsed: the link patterns take quadratic time on some of them."""
_LONG_RUN = re.compile(rf"(?<!\S)(\S{{{LONGEST_RUN + 1},}})")
_LINK_PATTERN = r"(?:https?://|ftp://|www\.)\S+|[^\s@()<>\[\]]+@[^\s@]+\.[\p{L}]+"
_NUMBER_PATTERN = r"(?<![\p{L}\p{M}\p{Nd}])\p{Nd}[\p{L}\p{M}\p{Nd}]*(?:[.,:/]\p{Nd}[\p{L}\p{M}\p{Nd}]*)*"
_WORD_PATTERN = r"[\p{L}\p{M}][\p{L}\p{M}\p{Nd}]*(?:['·][\p{L}\p{M}\p{Nd}]+)*"
_PIECE_PATTERN = rf"<(?:num|link)>|{_WORD_PATTERN}|\S"
_OLD_PIECE_PATTERN = _PIECE_PATTERN.replace("['·]", "'")


def old_tokenizer() -> Tokenizer:
    """Return the tokenizer of older bundles, for which "l·l" was two words. It has no vocabulary."""
    tokenizer = new_tokenizer({})
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_OLD_PIECE_PATTERN), "removed", invert=True)
    return tokenizer


def new_tokenizer(vocabulary: Mapping[str, int]) -> Tokenizer:
    """Return the tokenizer of the text form for `vocabulary` (token -> id, including `<unk>`)."""
    tokenizer = Tokenizer(models.WordLevel(dict(vocabulary), unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex("[\u2018\u2019\u02bc]"), "'"),
            normalizers.Replace(Regex("[\u201c\u201d]"), '"'),
            normalizers.Replace(Regex(_LINK_PATTERN), LINK),
            normalizers.Replace(Regex(_NUMBER_PATTERN), NUMBER),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECE_PATTERN), "removed", invert=True)
    return tokenizer


@dataclass(frozen=True)
class CaseRule:
    """Defines where sentences start and which written form a word takes inside a sentence.

    sentence_ends: tokens after which a sentence starts.
    transparent: tokens that do not change whether a sentence starts (quotes, brackets, bullets).
    preferred: casefolded form -> form inside a sentence, for words that the vocabulary holds in several forms.
    dotted_i: whether "i" and "ı" are two letters whose capitals are "İ" and "I", as in Turkish.
    """

    sentence_ends: frozenset[str] = frozenset(".!?…")
    transparent: frozenset[str] = frozenset("\"'()[]{}*-–—#>•¿¡«»„“”‚‘’")
    preferred: Mapping[str, str] = field(default_factory=dict)
    dotted_i: bool = False

    def folded(self, piece: str) -> str:
        """Return `piece` without regard to case, by the rules of the language."""
        return fold(piece.replace("I", "ı")) if self.dotted_i else fold(piece)

    def starts_after(self, piece: str, starts: bool) -> bool:
        """Return whether a sentence starts after `piece`, given whether one started before it."""
        if piece in self.sentence_ends:
            return True
        return starts and piece in self.transparent


def split_pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    """Split `text` into words, punctuation marks and class names. Keeps the case and drops white space.

    A run of more than `LONGEST_RUN` characters without white space, such as encoded data, is one piece and not a word.
    """
    if len(text) <= LONGEST_RUN:
        return _split(tokenizer, text)
    pieces: list[str] = []
    for number, part in enumerate(_LONG_RUN.split(text)):
        pieces += [part[:LONGEST_RUN]] if number % 2 else _split(tokenizer, part)
    return pieces


def _split(tokenizer: Tokenizer, text: str) -> list[str]:
    normalised = tokenizer.normalizer.normalize_str(text)
    return [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalised)]


def is_title_case(piece: str) -> bool:
    """Return whether only the first letter of `piece` is a capital, as in "The" and "A", but not "API"."""
    return piece[0].isupper() and (len(piece) == 1 or not piece.isupper())


class TextForm:
    """Converts text to token ids by one fixed rule.

    vocabulary: the tokens.
    rule: decides the case of each word.
    """

    def __init__(self, ids: Mapping[str, int], rule: CaseRule) -> None:
        """ids: token -> id. Raises BundleError if they are not a valid vocabulary."""
        self.rule = rule
        self.vocabulary = Vocabulary.from_tokens(ids, rule.preferred)
        self._splitter = new_tokenizer({})
        self.encode_chunk = lru_cache(_KEPT_CHUNKS)(self._encode_chunk)

    def tokenizer(self) -> Tokenizer:
        """Return the `tokenizers` object for a tokenizer.json. Its ids do not apply the case rule."""
        return new_tokenizer(self.vocabulary.exact)

    def pieces(self, text: str) -> list[str]:
        """Return the pieces of `text`; see `split_pieces`."""
        return split_pieces(self._splitter, text)

    def encode(self, pieces: Iterable[str], starts: bool = True) -> tuple[list[int], bool]:
        """Return the token ids of `pieces` and whether a sentence starts after them.

        starts: whether a sentence starts at the first piece. A capital first letter carries no information there, so
            the word takes its form inside a sentence.

        A form that is not in the vocabulary is looked up without regard to case.
        """
        exact, find, folded = self.vocabulary.exact, self.vocabulary.find, self.rule.folded
        starts_after = self.rule.starts_after
        ids = []
        for piece in pieces:
            found = None if starts and is_title_case(piece) else exact.get(piece)
            ids.append(find(folded(piece)) or 0 if found is None else found)
            starts = starts_after(piece, starts)
        return ids, starts

    def encode_text(self, text: str, starts: bool = True) -> tuple[list[int], bool]:
        """Return the token ids of `text` (a line or part of one) and whether a sentence starts after it."""
        return self.encode(self.pieces(text), starts)

    def _encode_chunk(self, chunk: str, starts: bool) -> tuple[tuple[int, ...], bool]:
        """Encode text without white space. `encode_chunk` caches the result, because words recur."""
        ids, starts = self.encode_text(chunk, starts)
        return tuple(ids), starts
