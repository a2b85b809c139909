"""Loading a model: the bundle's engines, and what takes over where one of them cannot run."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.blend import Probabilities, blend
from foretype.runtime.engines.deadline import OutOfTimeError, Pace, PacedRuns
from foretype.runtime.engines.fork_guard import FORK
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
from foretype.runtime.engines.recent_words import CacheConfig, Recalled, recall
from foretype.runtime.engines.state_cache import Stepper
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.errors import BundleError, ConfigError, EngineError, TableError
from foretype.runtime.files.bundle import MANIFEST, NGRAM, STEP, STEP_FLOAT, Bundle
from foretype.runtime.filters import Blocked, Filters
from foretype.runtime.session import Session
from foretype.runtime.text.vocabulary import Vocabulary
from foretype.runtime.typos.finder import NeighbourIndex, TypoConfig

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Store

EngineName = Literal["auto", "blend", "neural", "ngram"]
ENGINES = ("auto", "blend", "neural", "ngram")
BUNDLED = Path(__file__).parent / "bundles"
BUNDLES = ("en", "en-tiny")
"""Bundles that come with Foretype: English in 18 MB, and English in 3 MB."""
DEFAULT_BUNDLE = BUNDLES[0]

_log = logging.getLogger("foretype")
_log.addHandler(logging.NullHandler())


class Model:
    """A loaded model; made by `load`. Sessions share it, and it may be used from several threads at once.

    neighbours: the vocabulary's words by their first letters, for finding those that are near to what is typed.
    form: the text form. ngram: the n-gram model. neural: the neural model, None on the fallback.
    shares: the neural share of the blend for each matched n-gram order. cache: how the recent text counts, None where
        it does not.
    withheld: positions, id - first_word, of words that the bundle knows and does not suggest: names from its training
        text. A user's or host's own words may be the same.
    engine: what answers: "blend", "neural" or "ngram".
    policy: what the neural model may cost.
    notice: None, or one line saying why a fallback is in use.
    may_fall_back: whether the n-gram model takes over where the neural one cannot run.
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
        self.withheld = _withheld(bundle, self.vocabulary)
        self.neural: NeuralModel | None = None
        self.engine: str = "ngram" if engine == "ngram" else "neural" if engine == "neural" else "blend"
        self._threads = threads
        self._attempts: list[Attempt] = []
        if engine != "ngram":
            reasons = self._plan(provider)
            self._open_next(reasons, (EngineError,))

    def _plan(self, provider: str) -> list[str]:
        """Set the ways to run the neural model, best first; returns why others are left out."""
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
        """Go on to the next way that works, or to the n-gram model, and say why in `notice`.

        passed_over: errors that only rule out one way. Raises EngineError when no way is left and there is no fallback.
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
        """Give `failed` up: go on with the next provider, then the n-gram model, and say why in `notice`.

        Sessions call it when a run fails; of several that see the same failure, the first changes the model for all.
        Raises `reason` where no fallback is left or allowed.
        """
        with FORK.lock:
            if self.neural is failed:
                try:
                    self._open_next([str(reason)], (EngineError, BundleError))
                except EngineError as error:
                    raise reason from error

    def session(
        self,
        *,
        repeat: bool = True,
        policy: Policy | None = None,
        typos: bool | TypoConfig = True,
        layout: str = "qwerty",
        store: Store | None = None,
        private: bool = False,
        filters: Filters | None = None,
    ) -> Session:
        """A session for one text field, for one thread at a time.

        repeat: whether a word that was shown, and passed over by typing on, may be shown again at the same word.
            Without repeats more words get their turn; with them, a word that was overlooked comes back.
        policy: another than the model's, for this session's time; memory is a matter of loading.
        typos: whether words near the typed letters are offered where these lead nowhere; or when, and how.
        layout: the keyboard, one of `runtime.typos.keyboards.LAYOUTS`: a key beside the one meant is a likely slip.
        store: the user's personal store, which adds to the suggestions and learns from `Session.commit`; None for none.
        private: whether nothing is to be learned here; `Session.private` changes it.
        filters: words that are never suggested; None for the shipped list of offensive ones.

        Raises ConfigError for a layout of another name.
        """
        return Session(
            self,
            repeat=repeat,
            policy=policy,
            typos=typos,
            layout=layout,
            store=store,
            private=private,
            filters=filters,
        )

    @cached_property
    def blocked(self) -> tuple[Blocked, list[int]]:
        """The words that are not suggested where a session is given no filters, and their positions."""
        blocked = Filters().blocked()
        return blocked, blocked.positions(self.vocabulary)

    def predictor(self, pace: Pace | None = None) -> Predictor:
        """The engines, with a store of states of their own, for one session or one evaluation.

        pace: the time that neural steps may take; None for as long as they need.
        """
        return Predictor(self, pace or Pace(Policy(deadline_ms=None)))

    def info(self) -> dict[str, Any]:
        """What this model is, as plain JSON values: name, engine, sizes, card, figures."""
        manifest = self.bundle.manifest
        return {
            "name": self.bundle.name,
            "path": str(self.bundle.folder),
            "engine": self.engine,
            "notice": self.notice,
            "provider": self.neural.provider if self.neural else None,
            "precision": self.neural.metadata.precision if self.neural else None,
            "vocabulary": len(self.vocabulary),
            "ngram_order": self.ngram.order,
            "neural_shares": self.shares,
            "cache": asdict(self.cache) if self.cache else None,
            "bytes": {name: entry.get("bytes") for name, entry in manifest["files"].items()},
            "card": manifest.get("card", {}),
            "figures": manifest.get("figures", {}),
        }


class Parts(NamedTuple):
    """What each part of the blend says at one place.

    logits: neural scores [vocab], None without the neural model or the time for it. ngram: probabilities [vocab].
    matched: the n-gram model's matched order. recalled: what the recent text says, None without a cache.
    """

    logits: NDArray[np.float32] | None
    ngram: Probabilities
    matched: int
    recalled: Recalled | None


class Predictor:
    """Probabilities of the next token along paths of tokens. Not shared between threads."""

    def __init__(self, model: Model, pace: Pace) -> None:
        self._model = model
        self._pace = pace
        self._alone = model.engine == "neural"
        self._stepper: Stepper | None = None
        self.neural: NeuralModel | None = None
        """The neural model that answered last."""

    def parts(self, ids: tuple[int, ...], neural: bool = True) -> Parts:
        """What each engine, and the cache, say about the token after `ids`; the neural model only where `neural`.

        A neural model that fails at a run is given up for the next provider or the n-gram model, with a notice, and
        nothing is lost; EngineError where an engine was asked for by name and none is left.
        """
        model = self._model
        counted, matched = model.ngram.probabilities(ids)
        recalled = recall(ids, model.vocabulary.first_word, model.cache) if model.cache else None
        return Parts(self._logits(ids) if neural else None, counted, matched, recalled)

    def _logits(self, ids: tuple[int, ...]) -> NDArray[np.float32] | None:
        while (neural := self._model.neural) is not None:
            if self._stepper is None or neural is not self.neural:
                self.neural, self._stepper = neural, Stepper(PacedRuns(neural, self._pace))
            try:
                return self._stepper.logits(ids)
            except OutOfTimeError:
                return None
            except EngineError as error:
                self._model.fall_back(neural, error)
        return None

    def words(self, ids: tuple[int, ...]) -> Probabilities:
        """The engines' probabilities [words] of each word after `ids`, summing to one; punctuation has no part."""
        return self.mix(self.parts(ids), self._model.vocabulary.first_word)

    def mix(self, parts: Parts, first: int) -> Probabilities:
        """Blend `parts` over the tokens from id `first` on, as the model's engine asks; the cache knows words only."""
        alone = self._alone and parts.logits is not None
        mixed = blend(parts.logits, None if alone else parts.ngram, self._model.shares[parts.matched], first)
        if parts.recalled is not None:
            parts.recalled.mix_into(mixed[self._model.vocabulary.first_word - first :])
        return mixed


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


def _withheld(bundle: Bundle, vocabulary: Vocabulary) -> NDArray[np.intp]:
    words = bundle.manifest.get("withheld", [])
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise BundleError(f"{bundle.folder / MANIFEST}: withheld must be a list of words")
    ids = [vocabulary.exact.get(word, -1) for word in words]
    return np.array([id_ - vocabulary.first_word for id_ in ids if id_ >= vocabulary.first_word], np.intp)


def load(
    path: str | Path | None = None,
    *,
    engine: EngineName = "auto",
    provider: str = "cpu",
    threads: int = 1,
    policy: Policy | None = None,
) -> Model:
    """Load a bundle.

    path: the bundle's folder, or the name of one in `BUNDLES`; None for the first of these.
    engine: "auto" (blend of neural and n-gram; the n-gram model alone, with a notice, where the neural one is missing
        or cannot run), "blend" (the same, but an error instead of the fallback), "neural" or "ngram" (that one alone).
    provider: where the neural model runs: "cpu", "cuda", "auto", or a name that ONNX Runtime lists. With engine "auto",
        one that fails at loading or later gives way to the CPU, and that to the n-gram model; see
        `runtime.engines.providers`.
    threads: CPU threads of the neural model; one is fastest for single steps, and the only number that survives a fork.
    policy: what the neural model may cost in memory and time; None for the defaults of `Policy`. The time counts with
        engine "auto" only.

    Raises BundleError when a file is missing or altered, EngineError when the asked engine cannot run or ONNX Runtime
    does not have the provider, ConfigError for an engine of another name.

    >>> from foretype.runtime import load
    >>> [s.text for s in load().session().suggest("I would lik", k=1)]
    ['like']
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine is {engine!r}; legal: {', '.join(ENGINES)}")
    folder = BUNDLED / DEFAULT_BUNDLE if path is None else Path(path)
    if str(path) in BUNDLES and not folder.exists():
        folder = BUNDLED / str(path)
    return Model(Bundle.open(folder), engine, provider, threads, policy)
