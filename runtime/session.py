"""One text field: suggestions for the text before the cursor, doing only the work that is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from foretype.runtime.engines.deadline import Pace
from foretype.runtime.engines.policy import Policy
from foretype.runtime.errors import ConfigError
from foretype.runtime.filters import Filters
from foretype.runtime.suggesting.candidates import Offer, suggestions
from foretype.runtime.suggesting.corrections import corrections, finished_word
from foretype.runtime.suggesting.distribution import Offers, Source
from foretype.runtime.suggesting.phrases import CONFIDENCE, LONGEST, Phrases
from foretype.runtime.suggestion import Suggestion, Suggestions
from foretype.runtime.text.context import Context, ContextReader, word_after
from foretype.runtime.text.vocabulary import fold
from foretype.runtime.typos.error_model import ErrorModel
from foretype.runtime.typos.finder import TypoConfig, Typos

if TYPE_CHECKING:
    from foretype.runtime.engines.blend import Probabilities
    from foretype.runtime.model import Model
    from foretype.runtime.personal.personal_session import PersonalField
    from foretype.runtime.personal.store import Store


_REACH = 4096
"""Characters before the cursor that the user's own words are looked up with."""


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
        typos: bool | TypoConfig = True,
        layout: str = "qwerty",
        store: Store | None = None,
        private: bool = False,
        filters: Filters | None = None,
    ) -> None:
        """See `Model.session`."""
        self._model = model
        self._engine = model.engine
        self._repeat = repeat
        self._reader = ContextReader(model.form)
        policy = policy or model.policy
        self._pace = Pace(policy if model.may_fall_back else replace(policy, deadline_ms=None))
        self._predictor = model.predictor(self._pace)
        self._personal: PersonalField | None = None
        if store is not None:
            from foretype.runtime.personal.personal_session import PersonalField  # needs sqlite3

            self._personal = PersonalField(store, model.form, filters or Filters(), private)
        self._offers = Offers(model, self._predictor, self._personal, filters)
        self._phrases: Phrases | None = None
        config = typos if isinstance(typos, TypoConfig) else TypoConfig(ErrorModel(layout))
        self._typos = Typos(model.neighbours, model.vocabulary.keys, config) if typos else None
        self._kept: frozenset[str] = frozenset()  # words that are not to be corrected
        self._place: tuple[Source, Context] | None = None
        self._shown_offer: Offer | None = None
        self._shown: dict[tuple[str, int, float], list[Suggestion]] = {}

    @property
    def notice(self) -> str | None:
        """None, or one line saying what this session goes on without: the neural model, the provider, the store."""
        return self._pace.notice or self._model.notice or (self._personal and self._personal.notice) or None

    def suggest(
        self, text: str, k: int = 3, *, after: str = "", deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """At most `k` words for the place at the end of `text`, most useful first: those that save most keystrokes.

        text: what stands before the cursor; all of it, or a tail that starts at a line boundary (the context window is
        then counted from there, so a tail of a long document may be answered a little differently). With a partly typed
        word, its completions; after a space, the next word. Empty where no word can stand.
        after: what stands after the cursor, or its beginning. Inside a word only words that go on to the letters there
            are offered (`replaces_after` counts these); elsewhere the word that follows already is not offered again.
            What was shown and passed over is not looked at here.
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
            source, offer = self._offered(context, text)
            if after:
                found = self._between(offer, context, k, threshold, after)
            elif self._repeat:
                found = self._best(offer, context, k, threshold)
            else:
                found = self._without_repeats(source, offer, context, k, threshold)
            return Suggestions(found, text, self._engine if source else "ngram")
        finally:
            self._pace.end()

    def phrase(self, text: str, *, confidence: float = CONFIDENCE, words: int = LONGEST) -> Suggestion | None:
        """The best word for the end of `text` and the words after it, while the model is sure; usually None.

        confidence: the phrase ends before its probability, the product of its words', would fall below this; so where
        the first word alone is less likely, there is none. words: at most this many. Each new word costs as much as
        a new word of `suggest`, so ask once the suggestions are shown; typing along the phrase costs little.
        """
        first = self.suggest(text, k=1, threshold=confidence)
        if not first:
            return None
        self._pace.begin(None)
        try:
            if self._phrases is None:
                self._phrases = Phrases(self._model, self._predictor)
            neural = self._model.neural is not None and self._pace.uses_neural
            return self._phrases.longest(text, first[0], confidence, words, neural, self._offers)
        finally:
            self._pace.end()

    def corrections(self, text: str, k: int = 3, *, threshold: float = 0.5) -> Suggestions:
        """At most `k` words that may be meant by the last word of `text`, likeliest first; usually none.

        text: what stands before the cursor. Its last word may be followed by white space and marks, which stay: `text`
        of each suggestion holds them, `replaces` counts them. Nothing is offered on the next line, nor for a word given
        to `keep`. A missing apostrophe ("dont"), other capitals ("i", "monday") and words that are real but unlikely in
        their place ("form" for "from") are corrected as well.
        threshold: corrections of a lower probability are not offered; what was written has the rest.
        """
        found = finished_word(text) if self._typos else None
        if self._typos is None or found is None:
            return Suggestions((), text, self._model.engine)
        self._pace.begin(None)
        try:
            context = self._reader.read(found.before + found.word)
            if not context.open_to_words or context.head:
                return Suggestions((), text, self._model.engine)
            source, offer = self._offered(context, found.before + found.word)
            words = corrections(self._model.vocabulary, offer, context, found, self._typos, k, threshold)
            return Suggestions(words, text, self._engine if source else "ngram")
        finally:
            self._pace.end()

    def keep(self, word: str) -> None:
        """Take `word` for what its writer wants: it is not corrected again. For corrections that were taken back.

        With a store, and where the session is not private, it is remembered.
        """
        if self._typos:
            self._kept |= {fold(word)}
            self._typos.kept |= self._kept
            self._place = None
        if self._personal is not None:
            self._personal.keep(word)

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
        self._offers.host_words.add(words)
        self._forget()

    def remove_words(self, words: Iterable[str]) -> None:
        """Take words that `add_words` gave out again; others are ignored."""
        self._offers.host_words.remove(words)
        self._forget()

    def _forget(self) -> None:
        self._offers.reset()
        self._place = None

    # --- The user's own words

    @property
    def store(self) -> Store | None:
        """The user's store, with all its verbs; None without one."""
        return None if self._personal is None else self._personal.store

    @property
    def private(self) -> bool:
        """Whether nothing is learned here, as in a field marked private or while the user is incognito."""
        return self._personal is None or self._personal.private

    @private.setter
    def private(self, private: bool) -> None:
        if self._personal is not None:
            self._personal.private = private

    def commit(self, text: str, *, accepted: bool = False, pasted: bool = False) -> None:
        """Let the store learn from what the user writes: `text` stands before the cursor now. Call it after each edit.

        A word is learned once the word after it is finished; one that is corrected before that never is. Text that
        appears at once (a file that was opened, a paste) is not learned. Never raises for the store's sake; see
        `notice`. Without a store, and where the session is private, nothing is learned.

        accepted: whether the newest words were chosen from the suggestions. pasted: whether the newest text was not
            typed here.
        """
        if self._personal is not None:
            self._personal.commit(text, accepted, pasted, self._known)

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
        return self._offers.known(self._reader.read(before).ids)

    # --- What to offer

    def _offered(self, context: Context, text: str) -> tuple[Source, Offer]:
        # Only the end: a copy of a long text would cost more than all the rest.
        before = text[-_REACH : len(text) - context.replaces]
        offered = self._offers.at(context.ids, before, self._pace.uses_neural)
        if self._typos is not None and self._personal is not None:
            self._typos.kept = self._kept | self._personal.kept
        return offered

    def _best(
        self, offer: Offer, context: Context, k: int, threshold: float, passed_over: list[str] | None = None
    ) -> list[Suggestion]:
        found = suggestions(self._model.vocabulary, offer, context, k, passed_over, self._typos)
        return [suggestion for suggestion in found if suggestion.probability >= threshold] if threshold else found

    def _between(self, offer: Offer, context: Context, k: int, threshold: float, after: str) -> list[Suggestion]:
        """Suggestions for a place with text on both sides."""
        right, following = word_after(after)
        inside, taken = (right, "") if context.prefix and right else ("", fold(right or following))
        for more in (0, 1):  # one more where one of the best is there already
            found = suggestions(self._model.vocabulary, offer, context, k + more, None, self._typos, inside)
            left = [word for word in found if fold(word.text) != taken]
            if len(left) == len(found):
                break
        return [word for word in left if word.probability >= threshold][:k]

    def _without_repeats(
        self, source: Source, offer: Offer, context: Context, k: int, threshold: float
    ) -> list[Suggestion]:
        """Suggestions without those that were shown at shorter prefixes of this word.

        What was shown there follows from the text: a session that was just handed it leaves out the same words.
        """
        place = (source, replace(context, prefix=""))
        if place != self._place or offer is not self._shown_offer:
            self._place, self._shown_offer, self._shown = place, offer, {}
        passed_over: list[str] = []
        for letters in range(len(context.prefix) + 1):
            at = replace(context, prefix=context.prefix[:letters])
            key = (at.prefix, k, threshold)
            if key not in self._shown:
                self._shown[key] = self._best(offer, at, k, threshold, passed_over)
            passed_over += [suggestion.text for suggestion in self._shown[key]]
        return self._shown[context.prefix, k, threshold]
