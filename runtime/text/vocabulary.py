"""The vocabulary: token ids in prefix order, so that every typed prefix is one contiguous range of words."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foretype.runtime.errors import BundleError
from foretype.runtime.lazy import lazy

UNKNOWN = "<unk>"
DOCUMENT_START = "<s>"
LINE_END = "</s>"
NUMBER = "<num>"
LINK = "<link>"
SPECIAL_TOKENS = (UNKNOWN, DOCUMENT_START, LINE_END, NUMBER, LINK)
UNKNOWN_ID, DOCUMENT_START_ID, LINE_END_ID, NUMBER_ID, LINK_ID = range(len(SPECIAL_TOKENS))

_LAST_CHARACTER = "\U0010ffff"


def fold(text: str) -> str:
    """Return the form in which words are ordered and compared: NFC, casefolded, with straight apostrophes.

    The Turkish capital of "i" becomes "i", not two characters.
    """
    folded = unicodedata.normalize("NFC", text).replace("\u0130", "i").casefold()
    return folded.replace("\u2019", "'").replace("\u2018", "'").replace("\u02bc", "'")


def sort_key(word: str) -> tuple[str, str]:
    """Return the sort key of words in a vocabulary: the folded form, then the written form."""
    return fold(word), word


def prefix_range(keys: Sequence[str], prefix: str) -> tuple[int, int]:
    """Return the positions [low, high) of the ascending `keys` that start with `prefix`."""
    low = bisect_left(keys, prefix)
    return low, bisect_left(keys, prefix + _LAST_CHARACTER, low)


def is_word(token: str) -> bool:
    """Return whether `token` is a word (it starts with a letter) and not a class or a punctuation mark."""
    return token[:1].isalpha()


@dataclass(frozen=True)
class Vocabulary:
    """All tokens by id: special tokens, then punctuation, then words in `sort_key` order.

    tokens: token of each id.
    first_word: the first id of a word; all ids from here to the end are words. Only words are suggested.
    keys: folded form of each word, ascending; entry i belongs to id first_word + i.
    exact: token -> id.
    folded: folded form -> id of the form preferred inside a sentence, if that is not the folded form itself.
    """

    tokens: tuple[str, ...]
    first_word: int
    keys: tuple[str, ...]
    exact: Mapping[str, int]
    folded: Mapping[str, int]

    @classmethod
    def from_tokens(cls, ids: Mapping[str, int], preferred: Mapping[str, str]) -> Vocabulary:
        """Build from a mapping of token to id and the preferred forms of words that have several.

        Raises BundleError if ids have gaps, words are out of order, or a preferred form is not a token.
        """
        tokens = tuple(sorted(ids, key=ids.__getitem__))
        if [*map(ids.__getitem__, tokens)] != [*range(len(tokens))]:
            raise BundleError("tokenizer.json: token ids are not 0, 1, 2, ... without gaps")
        if tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS:
            raise BundleError(f"tokenizer.json: the first tokens must be {' '.join(SPECIAL_TOKENS)}")
        first_word = next((i for i, token in enumerate(tokens) if is_word(token)), len(tokens))
        words = tokens[first_word:]
        # Fold all words as one string: one by one, this would be half of the time that a model takes to load.
        keys = fold("\n".join(words)).split("\n") if words else []
        if len(keys) != len(words) or keys != sorted(keys):
            raise BundleError("tokenizer.json: words are not in the order of their casefolded forms")
        keys = [word if word == key else key for word, key in zip(words, keys, strict=True)]
        folded: dict[str, int] = {}
        for key, word in zip(keys, words, strict=True):
            if key is not word and key not in ids:
                folded.setdefault(key, ids[word])
        for key, form in preferred.items():
            if form not in ids:
                raise BundleError(f"manifest.json: preferred form {form!r} of {key!r} is not in the vocabulary")
            folded[key] = ids[form]
        return cls(tokens, first_word, tuple(keys), ids, folded)

    def __len__(self) -> int:
        return len(self.tokens)

    @lazy
    def letters(self) -> frozenset[str]:
        """All characters of the words."""
        return frozenset("".join(self.tokens[self.first_word :]))

    def find(self, key: str) -> int | None:
        """Return the id of the form that the casefolded word `key` has inside a sentence; None if it is unknown."""
        found = self.folded.get(key)
        return self.exact.get(key) if found is None else found

    def prefix_range(self, prefix: str) -> tuple[int, int]:
        """Return the ids [low, high) of the words whose folded form starts with the folded `prefix`."""
        low, high = prefix_range(self.keys, fold(prefix))
        return self.first_word + low, self.first_word + high
