"""A session for one text field: suggests words for the text before the cursor, and does only the work that is new.

Data flows in one direction: text -> `Context` -> `Prediction` of the engines -> `Distribution` of what may be offered
-> `Suggestion`s.
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
from foretype.runtime.suggesting.candidates import finished, suggestions, suggestions_between
from foretype.runtime.suggesting.code import CodeReader, names_of_code
from foretype.runtime.suggesting.corrections import corrections, finished_word, is_written_in
from foretype.runtime.suggesting.distribution import Distribution, Distributions
from foretype.runtime.suggesting.phrases import CONFIDENCE, LONGEST, Phrases
from foretype.runtime.suggesting.shown_words import ShownWords
from foretype.runtime.suggestion import Suggestion, Suggestions
from foretype.runtime.text.context import Context, ContextReader, next_window, window_start, word_after
from foretype.runtime.text.languages import Language
from foretype.runtime.text.vocabulary import fold
from foretype.runtime.typos.finder import Typos

if TYPE_CHECKING:
    from foretype.runtime.engines.blend import Probabilities
    from foretype.runtime.personal.learning.learner import Typed
    from foretype.runtime.personal.personal_session import PersonalSession
    from foretype.runtime.personal.store import Forgot, Store


_REACH = 4096
"""Number of characters before the word at the cursor that are used to look up the user's own words."""


class Session:
    """Suggestions for one text field. Cheap to create. For one thread at a time, except `cancel`.

    The engines run once per finished word; letters inside a word only filter existing probabilities. Recent results are
    cached, so going back in the text costs a look-up. The same text gives the same suggestions from the same engine,
    whatever the session saw before.
    """

    def __init__(self, engines: Engines, options: SessionOptions) -> None:
        """Use `Model.session` to create a session."""
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
        config = options.typo_config(engines.bundle.language)
        self._typos = Typos(engines.neighbours, config) if config else None
        self._overlooks = options.overlooks
        self._kept: frozenset[str] = frozenset()  # words that must not be corrected
        overlooks = OVERLOOKS if options.overlooks is None else options.overlooks
        self._shown = ShownWords(engines.vocabulary, self._typos, overlooks)

    @property
    def language(self) -> Language:
        """The language of the model."""
        return self._engines.bundle.language

    @property
    def notice(self) -> str | None:
        """None, or one line that says what this session has to work without: the neural model, the provider, the store.

        Also says if ONNX Runtime's telemetry could not be switched off; see `foretype.runtime.engines.telemetry`.
        """
        personal = self._personal.notice if self._personal is not None else None
        return self._deadline.notice or self._engines.notice or personal or telemetry_notice()

    def suggest(
        self, text: str, k: int = 3, *, after: str = "", deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """Suggest at most `k` words for the end of `text`, most useful first: those that save most keystrokes.

        Completes a partly typed word, or suggests the next word after a space. Returns nothing if no word can stand
        there. Words that were shown at shorter prefixes of the word at the cursor were passed over, and count less.
        From the first letter on, the likeliest words come first. In code (a fence or backticks) only names in the text
        are offered.

        text: the text before the cursor. Pass all of it, or a tail that starts at a line boundary. The context window
            is counted from the start of `text`, so the answer for the tail of a long document may differ a little.
        after: the text after the cursor, or its beginning. Inside a word, only words that continue to the letters there
            are offered (`replaces_after` counts these letters). Elsewhere, the word that already follows is not
            offered. With `after`, words that were passed over do not count less.
        deadline_ms: a time limit for the answer, in milliseconds. If earlier runs show that the neural model would take
            longer, the n-gram model answers alone, and the next call continues where this one stopped. The rest of the
            work, some tenths of a millisecond, is always done.
        threshold: words with a lower probability are not offered.

        Raises TypeError if an argument has the wrong type, ConfigError if a value is not legal (k below 0, threshold
        outside 0 to 1), and EngineError if the model's engine was requested by name and fails.
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
                if (
                    deadline_ms is None
                ):  # the word before a mark is finished: read it now, or the next space waits for both
                    self._predictor.prepare(context.ids[:-1])
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
        """Suggest the best word for the end of `text` and the words after it, while the model is sure; usually None.

        Each new word costs as much as a new word of `suggest`, so call this after the suggestions are shown. While the
        user types along the phrase, further calls cost little.

        confidence: the phrase ends before its probability (the product of the probabilities of its words) would fall
            below this. If the first word alone is less likely, there is no phrase. words: maximum number of words.

        Raises the same errors as `suggest`, and ConfigError if `words` is below 1.
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
        """Suggest at most `k` corrections of the last word of `text`, likeliest first; usually none.

        Also corrects a missing apostrophe ("dont"), wrong capitals ("i", "monday"), and real words that are unlikely in
        their place ("form" for "from"). Offers nothing on the next line, in code, for a word given to `keep`, or for a
        word that occurs earlier in the text in the same spelling, since the user ignored its correction there.

        text: the text before the cursor. White space and marks may follow its last word. They are kept: `text` of each
            suggestion contains them, and `replaces` counts them.
        after: the text after the cursor, or its beginning. A word that continues there is not finished ("say hel|lo"),
            and is not corrected.
        threshold: corrections with a lower probability are not offered. The written word has the remaining probability.

        Raises the same errors as `suggest`.
        """
        check_question(text, k, after, threshold)
        found = finished_word(text) if self._typos and self._code_reader.read(text) is None else None
        if found is not None and is_written_in(found.before[-_REACH:], found.word):
            found = None  # the user ignored its correction before, or wants this spelling
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

    def finished(self, text: str) -> float:
        """The probability that the word at the end of `text` is complete, from 0 to 1; 0 if no word ends there.

        A host that shows the best suggestion as ghost text asks this: behind "well", "ness" is rarely meant.

        Raises as `suggest`.
        """
        check_text(text=text)
        self._deadline.begin(None)
        try:
            context = self._read(text)
            if not context.open_to_words or not context.prefix:
                return 0.0
            return finished(self._engines.vocabulary, self._distribution(context, text), context)
        finally:
            self._deadline.end()

    def keep(self, word: str) -> None:
        """Never correct `word` again. Call it when the user undoes a correction.

        With a store, the word is remembered, unless the session is private. Raises TypeError if it is not a str.
        """
        check_text(word=word)
        if self._typos:
            self._kept |= {fold(word)}
            self._typos.kept |= self._kept
            self._shown.reset()
        if self._personal is not None:
            self._personal.keep(word)

    def cancel(self) -> None:
        """Make a running `suggest` answer at once, from the n-gram model. May be called from any thread."""
        self._deadline.allowance.cancel()

    def rest(self) -> None:
        """Free the memory that makes the next answer fast, some hundred kilobytes. Call it when the field is idle.

        Answers do not change, but the next one has to read the context again.
        """
        form = self._engines.form
        self._reader, self._reader_ahead = ContextReader(form), ContextReader(form)
        self._code_reader = CodeReader()
        self._phrases = Phrases(form, self._predictor, self._distributions)
        self._predictor.rest()
        self._distributions.reset()
        self._shown.reset()

    def add_words(self, words: Mapping[str, float]) -> None:
        """Add words of the host (contacts, project terms) to the suggestions. Nothing is learned or stored.

        words: word -> weight. With weight 1, a word is as likely as one that occurs once in 10,000 words, before the
            typed letters are taken into account. A word outside the vocabulary is offered as written here; a word in
            the vocabulary becomes likelier. Adding a word again replaces its weight. All words together get at most a
            fifth of the probability.

        Raises ConfigError, and adds no words, if a word does not start with a letter, contains a space, or is longer
        than 64 characters, or if a weight is not above 0 and at most 1000.
        """
        self._distributions.host_words.add(words)
        self._distributions.reset()

    def remove_words(self, words: Iterable[str]) -> None:
        """Remove words that `add_words` added. Other words are ignored."""
        self._distributions.host_words.remove(words)
        self._distributions.reset()

    # --- The user's own words

    @property
    def store(self) -> Store | None:
        """The user's store, with all its methods; None without one."""
        return None if self._personal is None else self._personal.store

    @property
    def private(self) -> bool:
        """Whether nothing is learned here, for example in a private field or while the user is incognito."""
        return self._personal is None or self._personal.private

    @private.setter
    def private(self, private: bool) -> None:
        if self._personal is not None:
            self._personal.private = private

    def commit(self, text: str, *, after: str | None = None, accepted: bool = False, pasted: bool = False) -> None:
        """Let the store learn from what the user writes. Call it after each edit with the text before the cursor.

        A word is learned when the next word is finished; a word that is corrected before that is not learned. Only
        words that were completely typed or accepted here are learned. Text of an opened file, pasted text, and text
        typed while the session was private are never learned, wherever the cursor moves afterwards. Errors of the store
        are never raised, but reported in `notice`. Without a store, or if the session is private, nothing is learned.

        after: the text after the cursor, or its first thousands of characters; None if it is not known. Pass it if the
            cursor can move: without it, text that becomes visible one word at a time counts as typed.
        accepted: whether the newest words were chosen from the suggestions.
        pasted: whether the newest text was not typed here. Pass True once for the initial text of a field.

        Raises TypeError if `text` or `after` is not a str.
        """
        check_text(text=text, after="" if after is None else after)
        if self._personal is not None:
            self._learn_typed(self._personal, self._personal.follow(text, after, accepted, pasted))

    def finish(self) -> None:
        """Learn the last word too, finished or not. Call it when the user leaves the field or sends its text.

        The next `commit` starts a new text.
        """
        if self._personal is not None:
            self._learn_typed(self._personal, self._personal.finish())

    def learn(self, text: str) -> int:
        """Learn all of `text` at once, whoever wrote it. Returns how many of its words may be learned.

        Without a store, or if the session is private, nothing is learned. Raises StoreError, and TypeError if `text` is
        not a str.
        """
        check_text(text=text)
        return 0 if self._personal is None else self._personal.learn(text)

    def forget(self, phrase: str) -> Forgot:
        """Forget a word or phrase; see `Store.forget`. Raises ConfigError if it is too long or there is no store."""
        if self._personal is None:
            raise ConfigError("a session without a store has nothing to forget")
        return self._personal.forget(phrase)

    def _learn_typed(self, personal: PersonalSession, typed: list[Typed]) -> None:
        personal.learn_typed([(word, self._predicted(word.before)) for word in typed])

    def _predicted(self, before: str) -> Probabilities | None:
        """The engines' probabilities of the word after `before` [words], if they were computed recently; else None."""
        prediction = self._predictor.lately(self._reader.read(before).ids)
        return None if prediction is None else prediction.words

    # --- What to offer

    def _distribution(self, context: Context, text: str) -> Distribution:
        """What may be offered at the end of `text`, which `context` was read from."""
        before = ""
        if self._personal is not None:
            end = len(text) - context.replaces
            # Only the end: copying a long text would cost more than everything else.
            before = text[max(0, end - _REACH) : end]
        distribution = self._distributions.at(self._predictor.words(context.ids), context, before)
        if self._personal is not None:
            if self._typos is not None:
                self._typos.kept = self._kept | self._personal.kept
            if self._overlooks is None:
                self._shown.overlooks = self._personal.overlooks
        return distribution

    def _read(self, text: str) -> Context:
        """The context of the end of `text`. If the window has moved, the reader that read ahead takes over."""
        start = window_start(text)
        if start != self._window_start:
            self._window_start = start
            self._reader, self._reader_ahead = self._reader_ahead, self._reader
        return self._reader.read_window(text[start:])

    def _prepare(self, text: str) -> None:
        """Do a part of the work that later keystrokes need, so that none of them has to wait for all of it.

        Builds the index of slips, loads the list of rare words, and reads the next window. Called at the first letter
        of a word, where there is least other work.
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
        taken = fold(right or following)  # the word that is already there is not offered again
        for more in (0, 1):
            found = suggestions(vocabulary, distribution, context, k + more, self._typos)
            left = [word for word in found if fold(word.text) != taken]
            if len(left) == len(found):
                break
        return left[:k]
