"""One text field: suggestions for the text before the cursor, doing only the work that is new."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from foretype.runtime.blend import Probabilities
from foretype.runtime.candidates import ExtraWords, Suggestion, Suggestions, suggestions
from foretype.runtime.context import Context, ContextReader
from foretype.runtime.errors import ConfigError
from foretype.runtime.hostwords import HostWords
from foretype.runtime.neural import NeuralModel
from foretype.runtime.pacing import Pace
from foretype.runtime.personal.filters import Blocked, Filters
from foretype.runtime.policy import Policy
from foretype.runtime.vocabulary import Vocabulary, fold

if TYPE_CHECKING:
    from foretype.runtime.model import Model
    from foretype.runtime.personal.store import Store

KEPT_DISTRIBUTIONS = 8

_Source = NeuralModel | None
"""What made a distribution: with this neural model, or without any."""


class _Offer(NamedTuple):
    """What may be offered at one place.

    words: probabilities of the vocabulary's words [words]. extra: other words, None where there are none. last_resort:
    the same and words seen too rarely to be offered beside others; None where there are none of those.
    """

    words: Probabilities
    extra: ExtraWords | None
    last_resort: ExtraWords | None


class Session:
    """Suggestions for one text field. Cheap to make; for one thread at a time, `cancel` apart.

    Letters inside a word only filter probabilities that are there already; the engines run once a finished word.
    What was computed lately is kept, so going back in the text costs a look-up. The same text gives the same
    suggestions from the same engine, whatever the session saw before.
    """

    def __init__(
        self,
        model: Model,
        *,
        repeat: bool = True,
        policy: Policy | None = None,
        store: Store | None = None,
        private: bool = False,
        filters: Filters | None = None,
    ) -> None:
        """As `Model.session`."""
        self._model = model
        self._engine = model.engine
        self._repeat = repeat
        self._reader = ContextReader(model.form)
        policy = policy or model.policy
        self._pace = Pace(policy if model.may_fall_back else replace(policy, deadline_ms=None))
        self._predictor = model.predictor(self._pace)
        self._host_words = HostWords(model.vocabulary)
        self._kept: OrderedDict[tuple[_Source, tuple[int, ...]], Probabilities] = OrderedDict()
        self._place: tuple[_Source, Context] | None = None
        self._shown: dict[tuple[str, int, float], list[Suggestion]] = {}
        self._blocked, self._blocked_positions = (
            model.blocked if filters is None else _blocked(filters, model.vocabulary)
        )
        self._offer: tuple[tuple[object, ...], _Offer] | None = None
        self._personal = None
        if store is not None:
            from foretype.runtime.personal.field import PersonalField  # needs sqlite3

            self._personal = PersonalField(store, model.form, filters or Filters(), private)

    @property
    def notice(self) -> str | None:
        """None, or one line saying what this session goes on without: the neural model, the provider, the store."""
        return self._pace.notice or self._model.notice or (self._personal and self._personal.notice) or None

    def suggest(
        self, text: str, k: int = 3, *, deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """At most `k` words for the place at the end of `text`, most useful first: those that save most keystrokes.

        text: what stands before the cursor; all of it, or a tail that starts at a line boundary (the context window is
        then counted from there, so a tail of a long document may be answered a little differently). With a partly typed
        word, its completions; after a space, the next word. Empty where no word can stand.
        deadline_ms: the answer is wanted within this many milliseconds: where the neural model's share of it would take
        longer, by what its runs took before, the n-gram model answers alone; the next call goes on from where this one
        stopped. The rest of the work, some tenths of a millisecond, is always done.
        threshold: words of a lower probability are not offered.

        Raises EngineError when the model's engine was asked for by name and fails.
        """
        self._pace.begin(deadline_ms)
        try:
            context = self._reader.read(text)
            if not context.open_to_words:
                return Suggestions((), text, self._model.engine)
            source, distribution = self._distribution(context.ids)
            offer = self._offered(source, distribution, context, text)
            if self._repeat:
                found = self._best(offer, context, k, threshold)
            else:
                found = self._without_repeats(source, offer, context, k, threshold)
            return Suggestions(found, text, self._engine if source else "ngram")
        finally:
            self._pace.end()

    def cancel(self) -> None:
        """Make a `suggest` that is under way answer at once, from the n-gram model. May be called from any thread."""
        self._pace.allowance.cancel()

    def add_words(self, words: Mapping[str, float]) -> None:
        """Let the host's own words (contacts, project terms) be suggested here; nothing is learned or stored.

        words: word -> weight; 1 makes a word as likely as one that comes once in 10,000 words, before the letters typed
        so far are looked at. A word outside the vocabulary is offered as written here; one inside becomes likelier. A
        word that is there already gets the new weight. All together are at most a fifth of the probability.

        Raises ConfigError, and adds none, where a word does not start with a letter, holds a space, or is longer than
        64 characters, or a weight is not above 0 and at most 1000.
        """
        self._host_words.add(words)
        self._forget()

    def remove_words(self, words: Iterable[str]) -> None:
        """Take words that `add_words` gave out again; others are ignored."""
        self._host_words.remove(words)
        self._forget()

    def _forget(self) -> None:
        self._kept.clear()
        self._offer = None
        self._place = None

    # --- The user's own words

    @property
    def private(self) -> bool:
        """Whether nothing is learned here, as in a field marked private or while the user is incognito."""
        return self._personal is None or self._personal.private

    @private.setter
    def private(self, private: bool) -> None:
        if self._personal is not None:
            self._personal.private = private

    def commit(self, text: str, *, accepted: bool = False) -> None:
        """Let the store learn from what the user writes: `text` stands before the cursor now. Call it after each edit.

        A word is learned once the word after it is finished; one that is corrected before that never is. Text that
        appears at once (a file that was opened, a paste) is not learned. Never raises for the store's sake; see
        `notice`. Without a store, and where the session is private, nothing is learned.

        accepted: whether the newest words were chosen from the suggestions.
        """
        if self._personal is not None:
            self._personal.commit(text, accepted, self._known)

    def finish(self) -> None:
        """The user leaves the field, or sends its text: the last word counts as well."""
        if self._personal is not None:
            self._personal.finish(self._known)

    def learn(self, text: str) -> int:
        """Learn all of `text` at once, whoever wrote it; returns how many of its words may be learned.

        Raises StoreError; without a store, and where the session is private, nothing is learned.
        """
        return 0 if self._personal is None else self._personal.learn(text)

    def forget(self, phrase: str) -> None:
        """Forget a word or phrase; see `Store.forget`. Raises ConfigError where it is too long, or without a store."""
        if self._personal is None:
            raise ConfigError("a session without a store has nothing to forget")
        self._personal.forget(phrase)
        self._forget()

    def _known(self, before: str) -> Probabilities | None:
        """The engines' probabilities where the word after `before` stands, if they were asked for lately."""
        ids = self._reader.read(before).ids
        found = None if self._model.neural is None else self._find(self._model.neural, ids)
        return self._find(None, ids) if found is None else found

    # --- What to offer

    def _best(
        self,
        offer: _Offer,
        context: Context,
        k: int,
        threshold: float,
        passed_over: list[str] | None = None,
    ) -> list[Suggestion]:
        vocabulary = self._model.vocabulary
        found = suggestions(vocabulary, offer.words, context, k, passed_over, offer.extra)
        if len(found) < k and context.prefix and offer.last_resort is not None:
            known = {suggestion.text for suggestion in found}
            more = suggestions(vocabulary, offer.words, context, 2 * k, passed_over, offer.last_resort)
            found = [*found, *(suggestion for suggestion in more if suggestion.text not in known)][:k]
        if context.head:  # words behind a hyphen: what they make together may be blocked
            found = [suggestion for suggestion in found if fold(suggestion.text) not in self._blocked]
        return [suggestion for suggestion in found if suggestion.probability >= threshold] if threshold else found

    def _without_repeats(
        self, source: _Source, offer: _Offer, context: Context, k: int, threshold: float
    ) -> list[Suggestion]:
        """Suggestions without those that were shown at shorter prefixes of this word.

        What was shown there follows from the text: a session that was just handed it leaves out the same words.
        """
        place = (source, replace(context, prefix=""))
        if place != self._place:
            self._place, self._shown = place, {}
        passed_over: list[str] = []
        for letters in range(len(context.prefix) + 1):
            at = replace(context, prefix=context.prefix[:letters])
            key = (at.prefix, k, threshold)
            if key not in self._shown:
                self._shown[key] = self._best(offer, at, k, threshold, passed_over)
            passed_over += [suggestion.text for suggestion in self._shown[key]]
        return self._shown[context.prefix, k, threshold]

    def _offered(self, source: _Source, distribution: Probabilities, context: Context, text: str) -> _Offer:
        """The engines' words blended with the user's, less those that are blocked."""
        personal, vocabulary = self._personal, self._model.vocabulary
        before: tuple[str, ...] = ()
        if personal is not None:
            if personal.refresh():
                self._blocked = personal.blocked
                self._blocked_positions = self._blocked.positions(vocabulary)
            before = personal.context(text[: len(text) - context.replaces])
        key = (source, context.ids, before, personal and personal.version)
        if self._offer is not None and self._offer[0] == key:
            return self._offer[1]
        host = _unblocked(self._host_words.outside, self._blocked)
        prediction = personal.predict(before) if personal is not None else None
        if personal is None or prediction is None or not prediction.share:
            words, extra, last_resort = distribution.copy(), host, None
        else:
            words, outside = personal.words.mix(prediction, distribution)
            outside[personal.blocked_outside] = 0.0
            own = personal.words.outside
            extra = _joined(host, 1.0 - prediction.share, own.extra(outside, only_trusted=True))
            last_resort = _joined(host, 1.0 - prediction.share, own.extra(outside, only_trusted=False))
        words[self._blocked_positions] = 0.0
        if any(self._blocked.starts_phrase(start) for start in _ends(before)):
            words[self._blocked.after(before, vocabulary)] = 0.0
        self._offer = key, _Offer(words, extra, last_resort)
        return self._offer[1]

    def _distribution(self, ids: tuple[int, ...]) -> tuple[_Source, Probabilities]:
        """Probabilities of the words after `ids`, and what made them."""
        neural = self._model.neural
        if neural is not None:
            found = self._find(neural, ids)
            if found is not None:
                return neural, found
        uses_neural = neural is not None and self._pace.uses_neural
        if not uses_neural:
            found = self._find(None, ids)
            if found is not None:
                return None, found
        parts = self._predictor.parts(ids, uses_neural)
        source = None if parts.logits is None else self._predictor.neural
        distribution = self._predictor.mix(parts, self._model.vocabulary.first_word)
        self._host_words.mix_into(distribution)
        self._kept[source, ids] = distribution
        if len(self._kept) > KEPT_DISTRIBUTIONS:
            self._kept.popitem(last=False)
        return source, distribution

    def _find(self, source: _Source, ids: tuple[int, ...]) -> Probabilities | None:
        found = self._kept.get((source, ids))
        if found is not None:
            self._kept.move_to_end((source, ids))
        return found


def _blocked(filters: Filters, vocabulary: Vocabulary) -> tuple[Blocked, list[int]]:
    blocked = filters.blocked()
    return blocked, blocked.positions(vocabulary)


def _unblocked(words: ExtraWords | None, blocked: Blocked) -> ExtraWords | None:
    if words is None:
        return None
    free = [0.0 if key in blocked else 1.0 for key in words.keys]
    return replace(words, probabilities=words.probabilities * np.array(free))


def _joined(host: ExtraWords | None, share: float, own: ExtraWords | None) -> ExtraWords | None:
    """The host's words, with this share of their probabilities, and the user's own."""
    if host is None or own is None:
        return own if host is None else replace(host, probabilities=host.probabilities * share)
    joined = dict(zip(own.words, own.probabilities.tolist(), strict=True))
    for word, probability in zip(host.words, host.probabilities.tolist(), strict=True):
        joined[word] = joined.get(word, 0.0) + share * probability
    return ExtraWords.of(joined)


def _ends(context: tuple[str, ...]) -> list[str]:
    return [" ".join(map(fold, context[start:])) for start in range(len(context))]
