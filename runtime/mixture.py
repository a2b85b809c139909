"""Several languages in one text field: several models, each trusted as far as it predicted the last words.

A mixture of experts with fixed share (Herbster and Warmuth 1998): each model's weight is multiplied by the probability
that it gave to each word written, and a little of all weight is shared out anew at each word, so that a writer may
change language in mid-text. The n-gram models are asked, which costs some tens of microseconds a word, and only the
last words count: the weights follow from the text alone, whatever a session saw before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foretype.runtime.arguments import check_question
from foretype.runtime.errors import ConfigError
from foretype.runtime.lru import LeastRecentlyUsed
from foretype.runtime.model import Model
from foretype.runtime.options import SessionOptions, session_options
from foretype.runtime.session import Session
from foretype.runtime.suggesting.phrases import CONFIDENCE, LONGEST
from foretype.runtime.suggestion import Suggestion, Suggestions
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.vocabulary import UNKNOWN_ID

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Forgot, Store

RECENT_WORDS = 16
"""Words that decide how far each model is trusted."""
SHARED = 0.05
"""The part of the weight that is shared out anew at each word."""
UNKNOWN_WORD = 1e-7
"""The probability of a word that a model's vocabulary does not hold."""
_KEPT = 512


class Mixture:
    """Sessions of several models on one text field, answering as one. For one thread at a time.

    weights: how far each model was trusted at the last question, in their order; they sum to one.
    """

    def __init__(self, models: Sequence[Model], options: SessionOptions | None = None, **changes: Any) -> None:
        """models: at least one. The rest as in `Model.session`. Raises ConfigError where there is no model."""
        if not models:
            raise ConfigError("a mixture needs at least one model")
        self._experts = [_Expert(model) for model in models]
        options = session_options(options, changes)
        # The store is one for all: one session learns.
        watching = replace(options, private=True)
        self.sessions: list[Session] = [
            model.session(watching if number else options) for number, model in enumerate(models)
        ]
        self.weights = [1.0 / len(models)] * len(models)

    @property
    def notice(self) -> str | None:
        """The first notice that one of the sessions has, or None."""
        return next((session.notice for session in self.sessions if session.notice), None)

    def suggest(
        self, text: str, k: int = 3, *, after: str = "", deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """At most `k` words for the place at the end of `text`; as `Session.suggest`.

        A word counts by its probability in each model times that model's weight. Among words of one model its own order
        stays, which is that of the keystrokes saved; models take turns by the weighted probability of their best word.
        deadline_ms: for all models together.
        """
        check_question(text, k, after, threshold, deadline_ms)
        self.weights = self._trust(text)
        part = None if deadline_ms is None else deadline_ms / len(self.sessions)
        answers = [session.suggest(text, k, after=after, deadline_ms=part) for session in self.sessions]
        merged: dict[str, Suggestion] = {}
        waiting = [list(answer) for answer in answers]
        total: dict[str, float] = {}
        for answer, weight in zip(answers, self.weights, strict=True):
            for found in answer:
                total[found.text] = total.get(found.text, 0.0) + weight * found.probability
        while len(merged) < k and any(waiting):
            best = max((queue for queue in waiting if queue), key=lambda queue: total[queue[0].text])
            found = best.pop(0)
            if total[found.text] >= threshold and found.text not in merged:
                merged[found.text] = Suggestion(found.text, total[found.text], found.replaces, found.replaces_after)
        leader = max(range(len(answers)), key=self.weights.__getitem__)
        return Suggestions(merged.values(), text, answers[leader].engine)

    def phrase(self, text: str, *, confidence: float = CONFIDENCE, words: int = LONGEST) -> Suggestion | None:
        """As `Session.phrase`, of the model trusted most."""
        return self._leader(text).phrase(text, confidence=confidence, words=words)

    def add_words(self, words: Mapping[str, float]) -> None:
        """As `Session.add_words`, for all models."""
        for session in self.sessions:
            session.add_words(words)

    def remove_words(self, words: Iterable[str]) -> None:
        """As `Session.remove_words`, for all models."""
        for session in self.sessions:
            session.remove_words(words)

    @property
    def store(self) -> Store | None:
        """As `Session.store`."""
        return self.sessions[0].store

    def learn(self, text: str) -> int:
        """As `Session.learn`."""
        return self.sessions[0].learn(text)

    def _leader(self, text: str) -> Session:
        """The session of the model trusted most after `text`."""
        weights = self._trust(text)
        return self.sessions[max(range(len(weights)), key=weights.__getitem__)]

    def cancel(self) -> None:
        """As `Session.cancel`, for all models."""
        for session in self.sessions:
            session.cancel()

    def rest(self) -> None:
        """As `Session.rest`, for all models."""
        for session in self.sessions:
            session.rest()

    def keep(self, word: str) -> None:
        """As `Session.keep`, for all models."""
        for session in self.sessions:
            session.keep(word)

    @property
    def private(self) -> bool:
        """As `Session.private`."""
        return self.sessions[0].private

    @private.setter
    def private(self, private: bool) -> None:
        self.sessions[0].private = private

    def commit(self, text: str, *, after: str | None = None, accepted: bool = False, pasted: bool = False) -> None:
        """As `Session.commit`."""
        self.sessions[0].commit(text, after=after, accepted=accepted, pasted=pasted)

    def finish(self) -> None:
        """As `Session.finish`."""
        self.sessions[0].finish()

    def forget(self, phrase: str) -> Forgot:
        """As `Session.forget`."""
        return self.sessions[0].forget(phrase)

    def corrections(self, text: str, k: int = 3, *, after: str = "", threshold: float = 0.5) -> Suggestions:
        """As `Session.corrections`: those of the model trusted most; none where another one knows the word."""
        check_question(text, k, after, threshold)
        weights = self._trust(text)
        leader = max(range(len(weights)), key=weights.__getitem__)
        if any(expert.knows_last_word(text) for i, expert in enumerate(self._experts) if i != leader):
            return Suggestions((), text, self.sessions[leader].suggest(text, 0).engine)
        return self.sessions[leader].corrections(text, k, after=after, threshold=threshold)

    def _trust(self, text: str) -> list[float]:
        """Each model's weight after the last words of `text`."""
        recent = [expert.recent(text) for expert in self._experts]
        count = len(self._experts)
        weights = [1.0 / count] * count
        # Models split a text into the same words, but where one begins its window a word later, the last ones count.
        length = min(map(len, recent))
        for at_word in zip(*(scores[len(scores) - length :] for scores in recent), strict=True):
            weights = [weight * probability for weight, probability in zip(weights, at_word, strict=True)]
            total = sum(weights)
            weights = [(1.0 - SHARED) * weight / total + SHARED / count for weight in weights]
        return weights


class _Expert:
    """One model, and what its n-gram model said about the last words."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._reader = ContextReader(model.form)
        self._kept: LeastRecentlyUsed[tuple[int, ...], float] = LeastRecentlyUsed(_KEPT)

    def recent(self, text: str) -> list[float]:
        """The probability of each of the last words of `text`, in the text's order; marks and numbers do not count."""
        ids = self._reader.read(text).ids
        first = self._model.vocabulary.first_word
        places = [place for place, token in enumerate(ids) if token >= first or token == UNKNOWN_ID]
        return [self._probability(ids[: place + 1]) for place in places[-RECENT_WORDS:]]

    def _probability(self, path: tuple[int, ...]) -> float:
        """The probability of the last token of `path`."""
        if path[-1] == UNKNOWN_ID:
            return UNKNOWN_WORD
        # No n-gram is longer, so what lies further back need not agree.
        path = path[-self._model.ngram.order :]
        found = self._kept.get(path)
        if found is None:
            probability = float(self._model.ngram.probabilities(path[:-1])[0][path[-1]])
            found = max(probability, UNKNOWN_WORD)
            self._kept.put(path, found)
        return found

    def knows_last_word(self, text: str) -> bool:
        """Whether the last word of `text` is in the vocabulary."""
        first = self._model.vocabulary.first_word
        words = [token for token in self._reader.read(text).ids if token == UNKNOWN_ID or token >= first]
        return bool(words) and words[-1] != UNKNOWN_ID
