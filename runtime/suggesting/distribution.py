"""Combine what may be offered at one place: words of the engines, the host and the user, without the blocked ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from foretype.runtime.engines.blend import Probabilities
from foretype.runtime.engines.lexicon import Lexicon
from foretype.runtime.engines.loading import Engines
from foretype.runtime.engines.predictor import Prediction
from foretype.runtime.filters import Filters
from foretype.runtime.lazy import lazy
from foretype.runtime.suggesting.host_words import HostWords
from foretype.runtime.text.context import Context
from foretype.runtime.text.extra_words import ExtraWords
from foretype.runtime.text.vocabulary import fold

if TYPE_CHECKING:
    from foretype.runtime.personal.personal_session import PersonalSession


@dataclass(frozen=True)
class Distribution:
    """What may be offered at one place.

    words: probability of each word of the vocabulary, 0 for those that must not be offered [words]; entry i belongs to
        id first_word + i.
    engine: what computed it: "blend", "neural" or "ngram".
    extra: words from outside the vocabulary. Those with hyphens match the whole typed run, hyphens included.
    rare: more such words, offered only if little else continues the typed letters.
    lexicon: the bundle's rare words, offered if hardly anything likely continues the typed letters.
    unknown: total probability of the lexicon's words.
    blocked: folded words that must not be offered. blocked_here: folded words that must not follow the text before.
    """

    words: Probabilities
    engine: str
    extra: Sequence[ExtraWords] = ()
    rare: ExtraWords | None = None
    lexicon: Lexicon | None = None
    unknown: float = 0.0
    blocked: Container[str] = ()
    blocked_here: Container[str] = ()

    @property
    def outside(self) -> Sequence[ExtraWords]:
        """All words from outside the vocabulary."""
        return self.extra if self.rare is None else [*self.extra, self.rare]

    @lazy
    def rarest(self) -> ExtraWords | None:
        """The bundle's rare words, with their probabilities here."""
        found = None if self.lexicon is None else self.lexicon.words()
        return None if found is None else replace(found, scale=self.unknown)

    @lazy
    def _is_plain(self) -> bool:
        """Whether only words of the vocabulary are offered, and the text before blocks none."""
        return not self.outside and not self.blocked_here

    def blocks(self, text: str) -> bool:
        """Return whether a word written as `text` must not be offered here."""
        # Blocked words of the vocabulary already have probability 0; words joined with a hyphen are not in it.
        return not (self._is_plain and "-" not in text) and self.blocks_rare(text)

    def blocks_rare(self, text: str) -> bool:
        """Return whether a word from outside the vocabulary, written as `text`, must not be offered here."""
        key = fold(text)
        return key in self.blocked or key in self.blocked_here


class Distributions:
    """Computes the distributions of one session. Keeps the last one, because each letter of a word needs it again.

    host_words: the host's own words; call `reset` after a change. blocked: the words that are never offered.
    """

    def __init__(self, engines: Engines, filters: Filters | None, personal: PersonalSession | None) -> None:
        """filters: None for the shipped list of offensive words. personal: the user's words; None without a store."""
        self._engines = engines
        self.host_words = HostWords(engines.vocabulary)
        self.blocked = engines.blocked if filters is None else filters.blocked(engines.vocabulary)
        self._personal = personal
        self._last: tuple[tuple[object, ...], Distribution] | None = None

    def reset(self) -> None:
        """Drop the kept distribution, because the host's words have changed."""
        self._last = None

    def refresh(self) -> None:
        """Apply what the user's store has learned or forgotten since the last call."""
        if self._personal is None:
            return
        self._personal.refresh()
        if self._personal.blocked is not self.blocked:
            self.blocked = self._personal.blocked
            self.reset()

    def at(self, prediction: Prediction, context: Context, before: str) -> Distribution:
        """Return what may be offered at `context`, given the `prediction` of the engines.

        before: the end of the text before the word at the cursor. It is used only to look up the user's own words and
            forgotten phrases.
        """
        self.refresh()
        repeated = self._repeated(context)
        key = (prediction, repeated, before, self._personal and self._personal.version)
        if self._last is None or self._last[0] != key:
            self._last = key, self._mixed(prediction, repeated, before)
        return self._last[1]

    def _repeated(self, context: Context) -> str:
        """Return the folded word directly before, which is not offered again; "" if none, or if people repeat it."""
        vocabulary, ids = self._engines.vocabulary, context.ids
        last = ids[-2] if context.after_abbreviation and len(ids) > 1 else ids[-1]
        if last < vocabulary.first_word or context.head or self._engines.may_repeat(last):
            return ""
        return vocabulary.keys[last - vocabulary.first_word]

    def blocks(self, word: str, before: str) -> bool:
        """Return whether `word` must not be offered after the text `before`."""
        key = fold(word)
        return key in self.blocked or key in self.blocked.after(before)

    def _mixed(self, prediction: Prediction, repeated: str, before: str) -> Distribution:
        """Mix the words of the engines, the host and the user, and remove the blocked ones."""
        words = prediction.words.copy()
        self.host_words.mix_into(words)
        extra = [] if self.host_words.outside is None else [self.host_words.outside]
        rare = None
        if self._personal is not None:
            words, trusted, rare = self._personal.mix(words, before)
            extra += [] if trusted is None else [trusted]
        words[self.blocked.positions] = 0.0
        if repeated:
            keys = self._engines.vocabulary.keys
            words[bisect_left(keys, repeated) : bisect_right(keys, repeated)] = 0.0
        here = self.blocked.after(before)
        lexicon, unknown = self._engines.lexicon, prediction.unknown
        return Distribution(words, prediction.engine, extra, rare, lexicon, unknown, self.blocked, here)
