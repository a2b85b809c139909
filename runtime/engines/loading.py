"""Load the engines of a bundle, and fall back when one of them cannot run."""

from __future__ import annotations

import logging
from bisect import bisect_right
from typing import Literal

import numpy as np

from foretype.runtime.engines.fork_guard import FORK
from foretype.runtime.engines.lexicon import Lexicon
from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.engines.policy import Policy
from foretype.runtime.engines.providers import (
    AUTO,
    Attempt,
    attempts,
    import_onnxruntime,
    multiplies_bytes_fast,
    short_name,
)
from foretype.runtime.engines.recent_words import CacheConfig
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.errors import BundleError, EngineError, TableError
from foretype.runtime.files.bundle import LEXICON, MANIFEST, NGRAM, STEP, STEP_FLOAT, Bundle
from foretype.runtime.filters import Blocked, Filters
from foretype.runtime.lazy import lazy
from foretype.runtime.text.vocabulary import Vocabulary, prefix_range
from foretype.runtime.typos.finder import NeighbourIndex

EngineName = Literal["auto", "blend", "neural", "ngram"]
ENGINES = ("auto", "blend", "neural", "ngram")

_log = logging.getLogger("foretype")
_log.addHandler(logging.NullHandler())

_REPEATED = 0.0025
"""N-gram probability of a word directly after itself, above which the repetition is not taken for a slip."""
_LESS_THAN_ALONE = 0.5
"""Share of a word's own probability; a repetition that pruned tables lack stays below, however frequent the word is."""
_RARE_LETTER = 0.001
"""One-letter words with a lower probability than this are not suggested."""


class Engines:
    """The engines of one bundle and the data that sessions need with them. Shared by sessions and threads.

    neighbours: index of the vocabulary's words by their first letters, to find words near the typed letters.
    form: the text form. ngram: the n-gram model. neural: the neural model; None on the fallback.
    shares: neural share of the blend for each matched n-gram order.
    cache: how the recent text counts; None if it does not.
    withheld: positions, id - first_word, of words that the bundle knows but does not suggest: names from its training
        text, misspellings, and letters that are hardly ever words. Words of the user or the host may be among them.
    lexicon: rare words outside the vocabulary; None if the bundle has none.
    engine: what answers: "blend", "neural" or "ngram".
    policy: what the neural model may cost.
    notice: None, or one line saying why a fallback is in use.
    may_fall_back: whether the n-gram model takes over if the neural model cannot run.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: EngineName = "auto",
        provider: str = "cpu",
        threads: int = 1,
        policy: Policy | None = None,
    ) -> None:
        self.bundle = bundle
        self.may_fall_back = engine == "auto"
        self.policy = policy or Policy()
        self.form = bundle.text_form()
        self.vocabulary = self.form.vocabulary
        self.notice: str | None = None
        path = bundle.file(NGRAM)
        try:
            self.ngram = NgramModel.open(path)
        except TableError as error:
            raise BundleError(str(error)) from error
        if self.ngram.vocab_size != len(self.vocabulary):
            raise BundleError(f"{path}: for {self.ngram.vocab_size} tokens; tokenizer.json has {len(self.vocabulary)}")
        self.neighbours = NeighbourIndex(self.vocabulary.keys)
        self.shares = _shares(bundle, self.ngram.order)
        self.cache = _cache(bundle)
        # np.union1d would import numpy.ma, which takes a twentieth of the time to load.
        self.withheld = np.array(sorted({*_withheld(bundle, self.vocabulary), *self._letters()}), np.intp)
        self.lexicon = Lexicon(bundle.file(LEXICON).read_bytes()) if bundle.lists(LEXICON) else None
        self._repeatable: dict[int, bool] = {}
        self.neural: NeuralModel | None = None
        if engine == "auto" and not (bundle.lists(STEP) or bundle.lists(STEP_FLOAT)):
            engine = "ngram"  # a bundle without a neural model lacks nothing
        self.engine: str = "ngram" if engine == "ngram" else "neural" if engine == "neural" else "blend"
        self._threads = threads
        self._attempts: list[Attempt] = []
        if engine != "ngram":
            reasons = self._plan(provider)
            self._open_next(reasons, (EngineError,))

    def may_repeat(self, word: int) -> bool:
        """Return whether people write `word`, a token id, twice in a row ("very very", "had had").

        The n-gram tables decide.
        """
        found = self._repeatable.get(word)
        if found is None:
            again = float(self.ngram.probabilities((word,))[0][word])
            found = again > _REPEATED and again > _LESS_THAN_ALONE * float(self.ngram.probabilities(())[0][word])
            self._repeatable[word] = found
        return found

    def _letters(self) -> list[int]:
        """Return the positions of one-letter words that are hardly ever words, unlike "a" and "I"."""
        keys, low = self.vocabulary.keys, 0
        places: list[int] = []
        while low < len(keys):
            _, high = prefix_range(keys, keys[low][0])
            places += range(low, bisect_right(keys, keys[low][0], low))
            low = high
        letters = np.array(places, np.intp)
        rare = self.ngram.probabilities(())[0][self.vocabulary.first_word + letters] < _RARE_LETTER
        return [int(place) for place in letters[rare]]

    def _plan(self, provider: str) -> list[str]:
        """Set the ways to run the neural model, best first. Return why others are left out."""
        graphs: dict[str, str] = {}
        reasons = []
        for name in (STEP, STEP_FLOAT):
            path = self.bundle.folder / name
            if not self.bundle.lists(name):
                continue
            if not path.exists():
                reasons.append(f"{path}: missing")
            elif refusal := self.policy.refusal(path.stat().st_size):
                reasons.append(f"{path}: not loaded: {refusal}")
            else:
                graphs[name] = name
        if not graphs:
            return reasons or [f"{self.bundle.folder / STEP}: missing"]
        try:
            import_onnxruntime()
        except EngineError as error:
            return [*reasons, str(error)]
        found = attempts(provider, graphs.get(STEP_FLOAT), graphs.get(STEP), multiplies_bytes_fast())
        if not self.may_fall_back and short_name(provider) != AUTO:
            found = [attempt for attempt in found if attempt.provider == short_name(provider)]
        self._attempts = found
        return reasons

    def _open_next(self, reasons: list[str], passed_over: tuple[type[Exception], ...]) -> None:
        """Switch to the next way that works, or to the n-gram model, and say why in `notice`.

        passed_over: errors that only rule out one way. Raises EngineError if no way is left and there is no fallback.
        """
        while self._attempts:
            attempt = self._attempts.pop(0)
            try:
                self.neural = self._open(attempt)
            except passed_over as error:
                reasons.append(str(error))
            else:
                if reasons:
                    self._tell(f"neural model on {attempt.provider} ({attempt.graph}): {'; '.join(reasons)}")
                return
        if not self.may_fall_back:
            raise EngineError("; ".join(reasons))
        self.neural = None
        self.engine = "ngram"
        self._tell(f"n-gram model only: {'; '.join(reasons)}")

    def _open(self, attempt: Attempt) -> NeuralModel:
        path = self.bundle.file(attempt.graph)
        neural = NeuralModel.open(path, provider=attempt.provider, threads=self._threads)
        if neural.vocab_size != len(self.vocabulary):
            raise EngineError(f"{path}: for {neural.vocab_size} tokens; tokenizer.json has {len(self.vocabulary)}")
        return neural

    def _tell(self, notice: str) -> None:
        self.notice = notice
        _log.warning(notice)

    def fall_back(self, failed: NeuralModel, reason: EngineError) -> None:
        """Replace `failed` by the next provider, or by the n-gram model, and say why in `notice`.

        Sessions call this when a run fails. If several see the same failure, the first one changes the model for all.
        Raises `reason` if no fallback is left or allowed.
        """
        with FORK.lock:
            if self.neural is failed:
                try:
                    self._open_next([str(reason)], (EngineError, BundleError))
                except EngineError as error:
                    raise reason from error

    @lazy
    def blocked(self) -> Blocked:
        """The words that are not suggested if a session has no filters of its own."""
        return Filters().blocked(self.vocabulary)


def _shares(bundle: Bundle, order: int) -> list[float]:
    try:
        shares = [float(share) for share in bundle.manifest["blend"]["neural_shares"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"{bundle.folder / MANIFEST}: no blend weights ({error})") from error
    if len(shares) != order or not all(0.0 <= share <= 1.0 for share in shares):
        raise BundleError(f"{bundle.folder / MANIFEST}: neural_shares must be {order} numbers between 0 and 1")
    return shares


def _cache(bundle: Bundle) -> CacheConfig | None:
    values = bundle.manifest["blend"].get("cache")
    try:
        return None if values is None else CacheConfig.from_json(values)
    except (ValueError, OverflowError) as error:
        raise BundleError(f"{bundle.folder / MANIFEST}: {error}") from error


def _withheld(bundle: Bundle, vocabulary: Vocabulary) -> list[int]:
    words = bundle.manifest.get("withheld", [])
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise BundleError(f"{bundle.folder / MANIFEST}: withheld must be a list of words")
    ids = [vocabulary.exact.get(word, -1) for word in words]
    return [id_ - vocabulary.first_word for id_ in ids if id_ >= vocabulary.first_word]
