"""One text field: suggestions for the text before the cursor, doing only the work that is new.

A keystroke runs downhill: text -> `Context` -> `Prediction` of the engines -> `Distribution` of what may be offered ->
`Suggestion`s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from foretype.runtime.arguments import check_count, check_number, check_question, check_text
from foretype.runtime.engines.deadline import Deadline
from foretype.runtime.engines.loading import Engines
from foretype.runtime.engines.predictor import Predictor
from foretype.runtime.engines.telemetry import telemetry_notice
from foretype.runtime.errors import ConfigError
from foretype.runtime.filters import Filters
from foretype.runtime.options import SessionOptions
from foretype.runtime.personal.learning.attention import OVERLOOKS
from foretype.runtime.suggesting.candidates import suggestions, suggestions_between
from foretype.runtime.suggesting.code import CodeReader, names_of_code
from foretype.runtime.suggesting.corrections import corrections, finished_word, is_written_in
from foretype.runtime.suggesting.distribution import Distribution, Distributions
from foretype.runtime.suggesting.phrases import CONFIDENCE, LONGEST, Phrases
from foretype.runtime.suggesting.shown_words import ShownWords
from foretype.runtime.suggestion import Suggestion, Suggestions
from foretype.runtime.text.context import Context, ContextReader, next_window, window_start, word_after
from foretype.runtime.text.vocabulary import fold
from foretype.runtime.typos.finder import Typos

if TYPE_CHECKING:
    from foretype.runtime.engines.blend import Probabilities
    from foretype.runtime.personal.learning.learner import Typed
    from foretype.runtime.personal.personal_session import PersonalSession
    from foretype.runtime.personal.store import Forgot, Store


_REACH = 4096
"""Characters before the word at the cursor that the user's own words are looked up with."""


class Session:
    """Suggestions for one text field. Cheap to make; for one thread at a time, `cancel` apart.

    Letters inside a word only filter probabilities that are there already; the engines run once a finished word.
    What was computed lately is kept, so going back in the text costs a look-up. The same text gives the same
    suggestions from the same engine, whatever the session saw before.
    """

    def __init__(self, engines: Engines, options: SessionOptions) -> None:
        """Made by `Model.session`."""
        self._engines = engines
        self._reader = ContextReader(engines.form)
        self._reader_ahead = ContextReader(engines.form)
        self._window_start = 0
        self._code_reader = CodeReader()
        policy = options.policy or engines.policy
        self._deadline = Deadline(policy if engines.may_fall_back else replace(policy, deadline_ms=None))
        self._predictor = Predictor(engines, self._deadline)
        self._personal: PersonalSession | None = None
        if options.store is not None:
            from foretype.runtime.personal.personal_session import PersonalSession  # needs sqlite3

            filters = options.filters or Filters()
            self._personal = PersonalSession(options.store, engines.form, filters, options.private)
        self._distributions = Distributions(engines, options.filters, self._personal)
        self._phrases = Phrases(engines.form, self._predictor, self._distributions)
        config = options.typo_config
        self._typos = Typos(engines.neighbours, config) if config else None
        self._overlooks = options.overlooks
        self._kept: frozenset[str] = frozenset()  # words that are not to be corrected
        overlooks = OVERLOOKS if options.overlooks is None else options.overlooks
        self._shown = ShownWords(engines.vocabulary, self._typos, overlooks)

    @property
    def notice(self) -> str | None:
        """None, or one line saying what this session goes on without: the neural model, the provider, the store.

        Or that ONNX Runtime's telemetry could not be switched off; see `foretype.runtime.engines.telemetry`.
        """
        personal = self._personal.notice if self._personal is not None else None
        return self._deadline.notice or self._engines.notice or personal or telemetry_notice()

    def suggest(
        self, text: str, k: int = 3, *, after: str = "", deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """At most `k` words for the place at the end of `text`, most useful first: those that save most keystrokes.

        A word that was shown at shorter prefixes of the word at the cursor was passed over, and counts less; from the
        first letter on, the likeliest come first. In code (a fence or backticks) only names of the text are offered.

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

        Raises TypeError for an argument of a wrong type and ConfigError for a value that is not legal (k below 0,
        threshold outside 0 to 1), and EngineError when the model's engine was asked for by name and fails.
        """
        check_question(text, k, after, threshold, deadline_ms)
        if (typed := self._code_reader.read(text)) is not None:
            names = [name for name in names_of_code(text, typed) if name.probability >= threshold]
            allowed = [name for name in names if not self._distributions.blocks(name.text, text[-_REACH:])]
            return Suggestions(allowed[:k], text, self._engines.engine)
        self._deadline.begin(deadline_ms)
        try:
            context = self._read(text)
            if not context.open_to_words:
                return Suggestions((), text, self._engines.engine)
            distribution = self._distribution(context, text)
            if after:
                around = self._around(distribution, context, k, after)
                found = [suggestion for suggestion in around if suggestion.probability >= threshold]
            else:
                found = self._shown.suggestions(distribution, context, k, threshold)
            if self._personal is not None:
                self._personal.note_shown(text, context.prefix, [suggestion.text for suggestion in found])
            if deadline_ms is None and len(context.prefix) == 1:
                self._prepare(text)
            return Suggestions(found, text, distribution.engine)
        finally:
            self._deadline.end()

    def phrase(self, text: str, *, confidence: float = CONFIDENCE, words: int = LONGEST) -> Suggestion | None:
        """The best word for the end of `text` and the words after it, while the model is sure; usually None.

        confidence: the phrase ends before its probability, the product of its words', would fall below this; so where
        the first word alone is less likely, there is none. words: at most this many. Each new word costs as much as
        a new word of `suggest`, so ask once the suggestions are shown; typing along the phrase costs little.

        Raises as `suggest`; `words` is at least 1.
        """
        check_number("confidence", confidence, 1.0)
        check_count("words", words, 1)
        first = self.suggest(text, k=1, threshold=confidence)
        if not first or self._code_reader.read(text) is not None:
            return None
        self._deadline.begin(None)
        try:
            return self._phrases.longest(text, first[0], confidence, words)
        finally:
            self._deadline.end()

    def corrections(self, text: str, k: int = 3, *, after: str = "", threshold: float = 0.5) -> Suggestions:
        """At most `k` words that may be meant by the last word of `text`, likeliest first; usually none.

        text: what stands before the cursor. Its last word may be followed by white space and marks, which stay: `text`
            of each suggestion holds them, `replaces` counts them. Nothing is offered on the next line, in code, for a
            word given to `keep`, or for one that stands in the text before just as it is written: its correction was
            ignored. A missing apostrophe ("dont"), other capitals ("i", "monday") and words that are real but unlikely
            in their place ("form" for "from") are corrected as well.
        after: what stands after the cursor, or its beginning. A word that goes on there is not finished ("say hel|lo"),
            and not corrected.
        threshold: corrections of a lower probability are not offered; what was written has the rest.

        Raises as `suggest`.
        """
        check_question(text, k, after, threshold)
        found = finished_word(text) if self._typos and self._code_reader.read(text) is None else None
        if found is not None and is_written_in(found.before[-_REACH:], found.word):
            found = None  # the writer saw it corrected, or wants it so
        if found is not None and not found.behind and word_after(after)[0]:
            found = None
        if self._typos is None or found is None:
            return Suggestions((), text, self._engines.engine)
        self._deadline.begin(None)
        try:
            context = self._reader.read(found.before + found.word)
            if not context.open_to_words or context.head:
                return Suggestions((), text, self._engines.engine)
            distribution = self._distribution(context, found.before + found.word)
            words = corrections(self._engines.vocabulary, distribution, context, found, self._typos, k, threshold)
            return Suggestions(words, text, distribution.engine)
        finally:
            self._deadline.end()

    def keep(self, word: str) -> None:
        """Take `word` for what its writer wants: it is not corrected again. For corrections that were taken back.

        With a store, and where the session is not private, it is remembered. Raises TypeError where it is no str.
        """
        check_text(word=word)
        if self._typos:
            self._kept |= {fold(word)}
            self._typos.kept |= self._kept
            self._shown.reset()
        if self._personal is not None:
            self._personal.keep(word)

    def cancel(self) -> None:
        """Make a `suggest` that is under way answer at once, from the n-gram model. May be called from any thread."""
        self._deadline.allowance.cancel()

    def rest(self) -> None:
        """Give back the memory that makes the next answer fast, some hundred kilobytes; call it when the field is idle.

        Answers are the same afterwards; the next one has to read the context again.
        """
        form = self._engines.form
        self._reader, self._reader_ahead = ContextReader(form), ContextReader(form)
        self._code_reader = CodeReader()
        self._phrases = Phrases(form, self._predictor, self._distributions)
        self._predictor.rest()
        self._distributions.reset()
        self._shown.reset()

    def add_words(self, words: Mapping[str, float]) -> None:
        """Let the host's own words (contacts, project terms) be suggested here; nothing is learned or stored.

        words: word -> weight; 1 makes a word as likely as one that comes once in 10,000 words, before the letters typed
        so far are looked at. A word outside the vocabulary is offered as written here; one inside becomes likelier. A
        word that is there already gets the new weight. All together are at most a fifth of the probability.

        Raises ConfigError, and adds none, where a word does not start with a letter, holds a space, or is longer than
        64 characters, or a weight is not above 0 and at most 1000.
        """
        self._distributions.host_words.add(words)
        self._distributions.reset()

    def remove_words(self, words: Iterable[str]) -> None:
        """Take words that `add_words` gave out again; others are ignored."""
        self._distributions.host_words.remove(words)
        self._distributions.reset()

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

    def commit(self, text: str, *, after: str | None = None, accepted: bool = False, pasted: bool = False) -> None:
        """Let the store learn from what the user writes: `text` stands before the cursor now. Call it after each edit.

        A word is learned once the word after it is finished; one that is corrected before that never is. It is learned
        only if all of it was typed or accepted here: text of an opened file, pasted text, and what was typed while the
        session was private is not learned, wherever the cursor goes afterwards. Never raises for the store's sake; see
        `notice`. Without a store, and where the session is private, nothing is learned.

        after: the text after the cursor, or its first thousands of characters; None if it is not known. Pass it where
            the cursor moves about: without it, text that comes into sight a word at a time counts as typed.
        accepted: whether the newest words were chosen from the suggestions.
        pasted: whether the newest text was not typed here. Call with it once for the text that a field starts with.

        Raises TypeError where `text` or `after` is no str.
        """
        check_text(text=text, after="" if after is None else after)
        if self._personal is not None:
            self._learn_typed(self._personal, self._personal.follow(text, after, accepted, pasted))

    def finish(self) -> None:
        """The user leaves the field, or sends its text: the last word counts as well, finished or not.

        The next `commit` begins a new text.
        """
        if self._personal is not None:
            self._learn_typed(self._personal, self._personal.finish())

    def learn(self, text: str) -> int:
        """Learn all of `text` at once, whoever wrote it; returns how many of its words may be learned.

        Raises StoreError, and TypeError where `text` is no str; without a store, and where the session is private,
        nothing is learned.
        """
        check_text(text=text)
        return 0 if self._personal is None else self._personal.learn(text)

    def forget(self, phrase: str) -> Forgot:
        """Forget a word or phrase; see `Store.forget`. Raises ConfigError where it is too long, or without a store."""
        if self._personal is None:
            raise ConfigError("a session without a store has nothing to forget")
        return self._personal.forget(phrase)

    def _learn_typed(self, personal: PersonalSession, typed: list[Typed]) -> None:
        personal.learn_typed([(word, self._predicted(word.before)) for word in typed])

    def _predicted(self, before: str) -> Probabilities | None:
        """The engines' probabilities of the word after `before` [words], if they were asked for lately."""
        prediction = self._predictor.lately(self._reader.read(before).ids)
        return None if prediction is None else prediction.words

    # --- What to offer

    def _distribution(self, context: Context, text: str) -> Distribution:
        """What may be offered at the end of `text`, which `context` was read from."""
        before = ""
        if self._personal is not None:
            end = len(text) - context.replaces
            # Only the end: a copy of a long text would cost more than all the rest.
            before = text[max(0, end - _REACH) : end]
        distribution = self._distributions.at(self._predictor.words(context.ids), context, before)
        if self._personal is not None:
            if self._typos is not None:
                self._typos.kept = self._kept | self._personal.kept
            if self._overlooks is None:
                self._shown.overlooks = self._personal.overlooks
        return distribution

    def _read(self, text: str) -> Context:
        """The context of the end of `text`; where the window has moved, the reader that read ahead goes on."""
        start = window_start(text)
        if start != self._window_start:
            self._window_start = start
            self._reader, self._reader_ahead = self._reader_ahead, self._reader
        return self._reader.read_window(text[start:])

    def _prepare(self, text: str) -> None:
        """Do a little of what later keystrokes need, so that none has to wait for all of it.

        Slips are looked up in an index, rare words in a list, and the window that comes next has to be read. At the
        first letter of a word, where there is least to do otherwise.
        """
        lexicon = self._engines.lexicon
        if (self._typos is not None and self._typos.prepare()) or (lexicon is not None and lexicon.prepare()):
            return
        window = next_window(text)
        if window is not None:
            self._predictor.prepare(self._reader_ahead.read_window(window).ids)

    def _around(self, distribution: Distribution, context: Context, k: int, after: str) -> list[Suggestion]:
        """Suggestions for a place with text on both sides."""
        vocabulary = self._engines.vocabulary
        right, following = word_after(after)
        if context.prefix and right:
            return suggestions_between(vocabulary, distribution, context, right, k)
        taken = fold(right or following)  # what stands there already is not offered again
        for more in (0, 1):
            found = suggestions(vocabulary, distribution, context, k + more, self._typos)
            left = [word for word in found if fold(word.text) != taken]
            if len(left) == len(found):
                break
        return left[:k]
