"""Loading a model: the bundle's engines, and the fallback to the n-gram model where the neural one cannot run."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.blend import Probabilities, blend
from foretype.runtime.bundle import MANIFEST, NGRAM, STEP, STEP_FLOAT, Bundle
from foretype.runtime.cache import CacheConfig, Recalled, recall
from foretype.runtime.errors import BundleError, ConfigError, EngineError, TableError
from foretype.runtime.neural import NeuralModel
from foretype.runtime.ngram import NgramModel
from foretype.runtime.session import Session
from foretype.runtime.stepping import Stepper

EngineName = Literal["auto", "blend", "neural", "ngram"]
ENGINES = ("auto", "blend", "neural", "ngram")
BUNDLED = Path(__file__).parent / "bundles"
DEFAULT_BUNDLE = "en"

_log = logging.getLogger("foretype")
_log.addHandler(logging.NullHandler())


class Model:
    """A loaded model; made by `load`. Sessions share it; it may be used from several threads at once.

    form: the text form. ngram: the n-gram model. neural: the neural model, None on the fallback.
    shares: the neural share of the blend for each matched n-gram order. cache: how the recent text counts, None where
        it does not.
    engine: what answers: "blend", "neural" or "ngram".
    notice: None, or one line saying why a fallback is in use.
    """

    def __init__(self, bundle: Bundle, engine: EngineName = "auto", provider: str = "cpu", threads: int = 1) -> None:
        self.bundle = bundle
        self._may_fall_back = engine == "auto"
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
        self.shares = _shares(bundle, self.ngram.order)
        self.cache = _cache(bundle)
        self.neural: NeuralModel | None = None
        if engine != "ngram":
            try:
                self.neural = self._load_neural(provider, threads)
            except EngineError as error:
                self.fall_back(error)
        self.engine: str = "ngram" if self.neural is None else "neural" if engine == "neural" else "blend"

    def _load_neural(self, provider: str, threads: int) -> NeuralModel:
        """The neural model on `provider`, or, where a fallback is allowed, on the CPU with a notice."""
        try:
            return self._open_neural(provider, threads)
        except EngineError as error:
            if not self._may_fall_back or provider in ("cpu", "auto"):
                raise
            neural = self._open_neural("cpu", threads)
            self.notice = f"on the CPU: {error}"
            return neural

    def _open_neural(self, provider: str, threads: int) -> NeuralModel:
        name = STEP_FLOAT if provider not in ("cpu", "auto") and self.bundle.lists(STEP_FLOAT) else STEP
        if not self.bundle.lists(name) or not (self.bundle.folder / name).exists():
            raise EngineError(f"{self.bundle.folder / name}: missing")
        path = self.bundle.file(name)
        neural = NeuralModel.open(path, provider=provider, threads=threads)
        if neural.vocab_size != len(self.vocabulary):
            raise EngineError(f"{path}: for {neural.vocab_size} tokens; tokenizer.json has {len(self.vocabulary)}")
        return neural

    def fall_back(self, reason: EngineError) -> None:
        """Go on with the n-gram model alone, and say why in `notice`; raise `reason` where that was not asked for."""
        if not self._may_fall_back:
            raise reason
        self.neural = None
        self.engine = "ngram"
        self.notice = f"n-gram model only: {reason}"
        _log.warning(self.notice)

    def session(self, *, repeat: bool = True) -> Session:
        """A session for one text field.

        repeat: whether a word that was shown, and passed over by typing on, may be shown again at the same word.
            Without repeats more words get their turn; with them, a word that was overlooked comes back.
        """
        return Session(self, repeat=repeat)

    def predictor(self) -> Predictor:
        """The engines, with a store of states of their own, for one session or one evaluation."""
        return Predictor(self)

    def info(self) -> dict[str, Any]:
        """What this model is, as plain JSON values: name, engine, sizes, card, figures."""
        manifest = self.bundle.manifest
        return {
            "name": self.bundle.name,
            "path": str(self.bundle.folder),
            "engine": self.engine,
            "notice": self.notice,
            "provider": self.neural.provider if self.neural else None,
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

    logits: neural scores [vocab], None on the fallback. ngram: probabilities [vocab]. matched: the n-gram model's
    matched order. recalled: what the recent text says, None without a cache.
    """

    logits: NDArray[np.float32] | None
    ngram: Probabilities
    matched: int
    recalled: Recalled | None


class Predictor:
    """Probabilities of the next token along paths of tokens. Not shared between threads."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._stepper = Stepper(model.neural) if model.neural else None

    def parts(self, ids: tuple[int, ...]) -> Parts:
        """What each engine, and the cache, say about the token after `ids`.

        A neural model that fails at a run is given up for the n-gram model, with a notice, and nothing is lost;
        EngineError where an engine was asked for by name.
        """
        model = self._model
        counted, matched = model.ngram.probabilities(ids)
        recalled = recall(ids, model.vocabulary.first_word, model.cache) if model.cache else None
        logits = None
        if self._stepper is not None:
            try:
                logits = self._stepper.logits(ids)
            except EngineError as error:
                model.fall_back(error)
                self._stepper = None
        return Parts(logits, counted, matched, recalled)

    def words(self, ids: tuple[int, ...]) -> Probabilities:
        """The engines' probabilities [words] of each word after `ids`, summing to one; punctuation has no part."""
        return self.mix(self.parts(ids), self._model.vocabulary.first_word)

    def mix(self, parts: Parts, first: int) -> Probabilities:
        """Blend `parts` over the tokens from id `first` on, as the model's engine asks; the cache knows words only."""
        alone = self._model.engine == "neural" and parts.logits is not None
        mixed = blend(parts.logits, None if alone else parts.ngram, self._model.shares[parts.matched], first)
        if parts.recalled is not None:
            parts.recalled.mix_into(mixed[self._model.vocabulary.first_word - first :])
        return mixed


def _shares(bundle: Bundle, order: int) -> list[float]:
    try:
        shares = [float(share) for share in bundle.manifest["blend"]["neural_shares"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{bundle.folder / MANIFEST}: no blend weights ({error})") from error
    if len(shares) != order or not all(0.0 <= share <= 1.0 for share in shares):
        raise BundleError(f"{bundle.folder / MANIFEST}: neural_shares must be {order} numbers between 0 and 1")
    return shares


def _cache(bundle: Bundle) -> CacheConfig | None:
    values = bundle.manifest["blend"].get("cache")
    try:
        return None if values is None else CacheConfig.from_json(values)
    except ValueError as error:
        raise BundleError(f"{bundle.folder / MANIFEST}: {error}") from error


def load(
    path: str | Path | None = None, *, engine: EngineName = "auto", provider: str = "cpu", threads: int = 1
) -> Model:
    """Load a bundle.

    path: the bundle's folder; None for the bundled English model.
    engine: "auto" (blend of neural and n-gram; the n-gram model alone, with a notice, where the neural one is missing
        or cannot run), "blend" (the same, but an error instead of the fallback), "neural" or "ngram" (that one alone).
    provider: where the neural model runs: "cpu", "cuda", "auto", or a name that ONNX Runtime lists.
    threads: CPU threads of the neural model; one is fastest for single steps.

    Raises BundleError when a file is missing or altered, EngineError when the asked engine cannot run, ConfigError
    for an engine of another name.

    >>> from foretype.runtime import load
    >>> [s.text for s in load().session().suggest("I would lik", k=1)]
    ['like']
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine is {engine!r}; legal: {', '.join(ENGINES)}")
    folder = BUNDLED / DEFAULT_BUNDLE if path is None else Path(path)
    return Model(Bundle.open(folder), engine, provider, threads)
