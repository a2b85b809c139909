"""What may be offered at one place: the engines' words, the host's and the user's, less those that are blocked."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from foretype.runtime.engines.blend import Probabilities
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.filters import REACH, Blocked, Filters
from foretype.runtime.suggesting.candidates import Offer
from foretype.runtime.suggesting.host_words import HostWords
from foretype.runtime.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from foretype.runtime.model import Model, Predictor
    from foretype.runtime.personal.personal_session import PersonalField

KEPT_DISTRIBUTIONS = 8

Source = NeuralModel | None
"""What made a distribution: with this neural model, or without any."""


class Offers:
    """The offers of one session; what was computed lately is kept.

    host_words: the host's own words; call `reset` after a change. blocked: the words that are never offered.
    """

    def __init__(
        self, model: Model, predictor: Predictor, personal: PersonalField | None, filters: Filters | None
    ) -> None:
        """personal: the user's store, None without one. filters: None for the shipped list of offensive words."""
        self.host_words = HostWords(model.vocabulary)
        self.blocked, self.blocked_positions = (
            model.blocked if filters is None else _with_positions(filters.blocked(), model.vocabulary)
        )
        self._model = model
        self._predictor = predictor
        self._personal = personal
        self._kept: OrderedDict[tuple[Source, tuple[int, ...]], Probabilities] = OrderedDict()
        self._last: tuple[tuple[object, ...], Offer] | None = None

    def reset(self) -> None:
        """Compute anew what is kept: the host's words, or those blocked, are others now."""
        self._kept.clear()
        self._last = None

    def refresh(self) -> None:
        """Take up what the user's store has learned or forgotten meanwhile."""
        if self._personal is None:
            return
        self._personal.refresh()
        if self._personal.blocked is not self.blocked:
            self.blocked, self.blocked_positions = _with_positions(self._personal.blocked, self._model.vocabulary)
            self.reset()

    def at(self, ids: tuple[int, ...], before: str, uses_neural: bool) -> tuple[Source, Offer]:
        """What may be offered after the tokens `ids`, and what made it.

        before: the text before the word at the cursor, or the end of it. uses_neural: whether the neural model may run.
        """
        self.refresh()
        source, distribution = self._distribution(ids, uses_neural)
        personal = self._personal
        context = () if personal is None else personal.context(before)
        # With the last words as they are written: a forgotten phrase may hold some that have no token of their own.
        key = (source, ids, context, personal and (personal.version, before[-REACH:]))
        if self._last is None or self._last[0] != key:
            self._last = key, self._blended(distribution, context, before)
        return source, self._last[1]

    def known(self, ids: tuple[int, ...]) -> Probabilities | None:
        """The engines' probabilities after `ids`, if they were asked for lately."""
        found = None if self._model.neural is None else self._find(self._model.neural, ids)
        return self._find(None, ids) if found is None else found

    def _blended(self, distribution: Probabilities, context: tuple[str, ...], before: str) -> Offer:
        """The engines' words blended with the user's, less those that are blocked."""
        personal = self._personal
        prediction = personal.predict(context) if personal is not None else None
        if personal is None or prediction is None or not prediction.share:
            words, own, rare = distribution, None, None
        else:
            words, outside = personal.words.mix(prediction, distribution)
            trusted = personal.words.trusted
            own = personal.words.outside.extra(outside, trusted)
            rare = personal.words.outside.extra(outside, ~trusted)
            words[self.blocked_positions] = 0.0
        extra = [found for found in (self.host_words.outside, own) if found is not None]
        return Offer(words, extra, rare, self.blocked, self.blocked.after(before))

    def _distribution(self, ids: tuple[int, ...], uses_neural: bool) -> tuple[Source, Probabilities]:
        """Probabilities of the words after `ids`, 0 for those that are blocked, and what made them."""
        neural = self._model.neural
        if neural is not None:
            found = self._find(neural, ids)
            if found is not None:
                return neural, found
        uses_neural = uses_neural and neural is not None
        if not uses_neural:
            found = self._find(None, ids)
            if found is not None:
                return None, found
        parts = self._predictor.parts(ids, uses_neural)
        source = None if parts.logits is None else self._predictor.neural
        distribution = self._predictor.mix(parts, self._model.vocabulary.first_word)
        distribution[self._model.withheld] = 0.0
        self.host_words.mix_into(distribution)
        distribution[self.blocked_positions] = 0.0
        self._kept[source, ids] = distribution
        if len(self._kept) > KEPT_DISTRIBUTIONS:
            self._kept.popitem(last=False)
        return source, distribution

    def _find(self, source: Source, ids: tuple[int, ...]) -> Probabilities | None:
        found = self._kept.get((source, ids))
        if found is not None:
            self._kept.move_to_end((source, ids))
        return found


def _with_positions(blocked: Blocked, vocabulary: Vocabulary) -> tuple[Blocked, list[int]]:
    return blocked, blocked.positions(vocabulary)
