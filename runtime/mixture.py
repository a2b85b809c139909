"""Supports several languages in one text field: several models, weighted by how well each predicted the last words.

This is a mixture of experts with fixed share (Herbster and Warmuth 1998). At each written word, each model's weight is
multiplied by the probability that the model gave to the word. A small part of the total weight is then redistributed
equally, so that the writer can change language in mid-text. Only the n-gram models are asked, which costs some tens of
microseconds per word. Only the last words count, so the weights depend on the text alone, not on the session's history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretype.runtime.arguments import check_question
from foretype.runtime.errors import ConfigError
from foretype.runtime.lru import LeastRecentlyUsed
from foretype.runtime.model import Model, load
from foretype.runtime.options import SessionOptions, session_options
from foretype.runtime.session import Session
from foretype.runtime.suggesting.phrases import CONFIDENCE, LONGEST
from foretype.runtime.suggestion import Suggestion, Suggestions
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.languages import Language
from foretype.runtime.text.vocabulary import UNKNOWN_ID

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Forgot, Store

RECENT_WORDS = 16
"""Number of last words that determine the weights."""
SHARED = 0.05
"""The share of the total weight that is redistributed at each word."""
UNKNOWN_WORD = 1e-7
"""The probability of a word outside a model's vocabulary."""
_KEPT = 512


class Models:
    """Several models for one text field, such as English and German. Its sessions are mixtures.

    models: the models, at least one.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)

    @property
    def name(self) -> str:
        """The names of the models, as `load_models` takes them: "en+de"."""
        return "+".join(model.name for model in self.models)

    @property
    def engine(self) -> str:
        """What answers, if it is the same in all models; otherwise the engine of each."""
        return "+".join(dict.fromkeys(model.engine for model in self.models))

    @property
    def notice(self) -> str | None:
        """The first notice of the models, or None."""
        return next((model.notice for model in self.models if model.notice), None)

    @property
    def letters(self) -> frozenset[str]:
        """All characters of the words."""
        return frozenset().union(*(model.letters for model in self.models))

    def session(self, options: SessionOptions | None = None, **changes: Any) -> Mixture:
        """Create a session for one text field, like `Model.session`."""
        return Mixture(self.models, options, **changes)

    def info(self) -> dict[str, Any]:
        """Describe the first model like `Model.info`, with the names and the bytes of all."""
        infos = [model.info() for model in self.models]
        sizes = {f"{each['name']}/{file}": size for each in infos for file, size in each["bytes"].items()}
        return {**infos[0], "name": self.name, "engine": self.engine, "bytes": sizes}


def load_models(names: str | Path | None = None, **settings: Any) -> Model | Models:
    """Load a model like `load`, or several whose names are joined: "en+de".

    settings: the other arguments of `load`. Raises the errors of `load`.
    """
    parts = str(names).split("+") if isinstance(names, str | Path) and not Path(names).exists() else [names]
    loaded = [load(part, **settings) for part in dict.fromkeys(parts)]
    return Models(loaded) if len(loaded) > 1 else loaded[0]


class Mixture:
    """Sessions of several models on one text field, which answer as one. For one thread at a time.

    weights: the weight of each model at the last call, in the order of the models. They sum to one.
    """

    def __init__(self, models: Sequence[Model], options: SessionOptions | None = None, **changes: Any) -> None:
        """models: at least one. Other arguments as in `Model.session`. Raises ConfigError if there is no model."""
        if not models:
            raise ConfigError("a mixture needs at least one model")
        self._experts = [_Expert(model) for model in models]
        options = session_options(options, changes)
        # All sessions share one store, so only the first session learns.
        watching = replace(options, private=True)
        self.sessions: list[Session] = [
            model.session(watching if number else options) for number, model in enumerate(models)
        ]
        self.weights = [1.0 / len(models)] * len(models)

    @property
    def leader(self) -> str:
        """The name of the model with the highest weight at the last call."""
        return self._experts[self._leading()].name

    @property
    def language(self) -> Language:
        """The language of the model with the highest weight at the last call."""
        return self.sessions[self._leading()].language

    def _leading(self) -> int:
        return max(range(len(self.weights)), key=self.weights.__getitem__)

    @property
    def notice(self) -> str | None:
        """The first notice of the sessions, or None."""
        return next((session.notice for session in self.sessions if session.notice), None)

    def suggest(
        self, text: str, k: int = 3, *, after: str = "", deadline_ms: float | None = None, threshold: float = 0.0
    ) -> Suggestions:
        """Suggest at most `k` words for the place at the end of `text`, like `Session.suggest`.

        The probability of a word is the sum of its probabilities in all models, weighted by the models' weights. Words
        of one model keep their order, which is by keystrokes saved. The next word always comes from the model whose
        best remaining word has the highest weighted probability.

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
        return Suggestions(merged.values(), text, answers[self._leading()].engine)

    def phrase(self, text: str, *, confidence: float = CONFIDENCE, words: int = LONGEST) -> Suggestion | None:
        """Like `Session.phrase`, from the model with the highest weight."""
        return self._leader(text).phrase(text, confidence=confidence, words=words)

    def finished(self, text: str) -> float:
        """Like `Session.finished`, from the model with the highest weight."""
        return self._leader(text).finished(text)

    def add_words(self, words: Mapping[str, float]) -> None:
        """Like `Session.add_words`, for all models."""
        for session in self.sessions:
            session.add_words(words)

    def remove_words(self, words: Iterable[str]) -> None:
        """Like `Session.remove_words`, for all models."""
        for session in self.sessions:
            session.remove_words(words)

    @property
    def store(self) -> Store | None:
        """Like `Session.store`."""
        return self.sessions[0].store

    def learn(self, text: str) -> int:
        """Like `Session.learn`."""
        return self.sessions[0].learn(text)

    def _leader(self, text: str) -> Session:
        """The session of the model with the highest weight after `text`."""
        weights = self._trust(text)
        return self.sessions[max(range(len(weights)), key=weights.__getitem__)]

    def cancel(self) -> None:
        """Like `Session.cancel`, for all models."""
        for session in self.sessions:
            session.cancel()

    def rest(self) -> None:
        """Like `Session.rest`, for all models."""
        for session in self.sessions:
            session.rest()

    def keep(self, word: str) -> None:
        """Like `Session.keep`, for all models."""
        for session in self.sessions:
            session.keep(word)

    @property
    def private(self) -> bool:
        """Like `Session.private`."""
        return self.sessions[0].private

    @private.setter
    def private(self, private: bool) -> None:
        self.sessions[0].private = private

    def commit(self, text: str, *, after: str | None = None, accepted: bool = False, pasted: bool = False) -> None:
        """Like `Session.commit`."""
        self.sessions[0].commit(text, after=after, accepted=accepted, pasted=pasted)

    def finish(self) -> None:
        """Like `Session.finish`."""
        self.sessions[0].finish()

    def forget(self, phrase: str) -> Forgot:
        """Like `Session.forget`."""
        return self.sessions[0].forget(phrase)

    def corrections(self, text: str, k: int = 3, *, after: str = "", threshold: float = 0.5) -> Suggestions:
        """Like `Session.corrections`, from the model with the highest weight; none if another model knows the word."""
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
        # All models split a text into the same words, but the window of one may start a word later: align at the end.
        length = min(map(len, recent))
        for at_word in zip(*(scores[len(scores) - length :] for scores in recent), strict=True):
            weights = [weight * probability for weight, probability in zip(weights, at_word, strict=True)]
            total = sum(weights)
            weights = [(1.0 - SHARED) * weight / total + SHARED / count for weight in weights]
        return weights


class _Expert:
    """One model, with a cache of the probabilities that its n-gram model gave to the last words."""

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self._model = model
        self._reader = ContextReader(model.form)
        self._kept: LeastRecentlyUsed[tuple[int, ...], float] = LeastRecentlyUsed(_KEPT)

    def recent(self, text: str) -> list[float]:
        """The probability of each of the last words of `text`, in text order. Marks and numbers are skipped."""
        ids = self._reader.read(text).ids
        first = self._model.vocabulary.first_word
        places = [place for place, token in enumerate(ids) if token >= first or token == UNKNOWN_ID]
        return [self._probability(ids[: place + 1]) for place in places[-RECENT_WORDS:]]

    def _probability(self, path: tuple[int, ...]) -> float:
        """The probability of the last token of `path`."""
        if path[-1] == UNKNOWN_ID:
            return UNKNOWN_WORD
        # No n-gram is longer, so earlier tokens do not matter.
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
