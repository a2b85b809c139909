"""A loaded model: gives access to its engines, creates a session for each text field, and describes itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from foretype.runtime.engines.deadline import Deadline
from foretype.runtime.engines.loading import ENGINES, EngineName, Engines
from foretype.runtime.engines.policy import Policy
from foretype.runtime.engines.predictor import Predictor
from foretype.runtime.engines.telemetry import telemetry_notice
from foretype.runtime.errors import BundleError, ConfigError
from foretype.runtime.files.bundle import CHARACTERS, Bundle
from foretype.runtime.files.finding import find_bundle
from foretype.runtime.options import SessionOptions, session_options
from foretype.runtime.session import Session


class Model(Engines):
    """A loaded model, created by `load`. Sessions share it, and several threads can use it at once."""

    @property
    def name(self) -> str:
        """The model's name, such as "en"."""
        return self.bundle.name

    @property
    def letters(self) -> frozenset[str]:
        """All characters of its words."""
        return self.vocabulary.letters

    def session(self, options: SessionOptions | None = None, **changes: Any) -> Session:
        """Create a session for one text field, for one thread at a time.

        options: the settings; None for the defaults. changes: fields of `SessionOptions` that override these, as in
            `session(layout="dvorak", store=store)`.

        Raises ConfigError if a setting does not exist or has an illegal value.
        """
        return Session(self, session_options(options, changes))

    def predictor(self, deadline: Deadline | None = None) -> Predictor:
        """Create a predictor: the engines with their own cache of states, for one session or one evaluation.

        deadline: the time that neural steps may take; None for no limit.
        """
        return Predictor(self, deadline or Deadline(Policy(deadline_ms=None)))

    def info(self) -> dict[str, Any]:
        """Describe this model as plain JSON values: name, engine, sizes, card, figures."""
        manifest = self.bundle.manifest
        return {
            "name": self.bundle.name,
            "path": str(self.bundle.folder),
            "engine": self.engine,
            "notice": self.notice or telemetry_notice(),
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


def load(
    path: str | Path | None = None,
    *,
    engine: EngineName = "auto",
    provider: str = "cpu",
    threads: int = 1,
    policy: Policy | None = None,
) -> Model:
    """Load a bundle.

    path: the bundle's folder, or the name of a model, one of `BUNDLES` or one that `foretype models` lists. None for
        the first of `BUNDLES`, whatever the default of the command line is.
    engine: "auto" (blend of neural and n-gram; the n-gram model alone, with a notice, if the neural model is missing or
        cannot run), "blend" (the same, but an error instead of the fallback), "neural" or "ngram" (that model alone).
    provider: where the neural model runs: "cpu", "cuda", "auto", or a name that ONNX Runtime lists. With engine "auto",
        a provider that fails at loading or later is replaced by the CPU, and a failing CPU by the n-gram model; see
        `runtime.engines.providers`.
    threads: CPU threads of the neural model. One is fastest for single steps, and the only number that survives a fork.
    policy: memory and time limits for the neural model; None for the defaults of `Policy`. The time limit applies only
        to engine "auto".

    Raises BundleError if there is no such bundle, or a file of it is missing or altered; EngineError if the requested
    engine cannot run or ONNX Runtime does not have the provider; ConfigError if the engine's name is unknown.

    >>> from foretype.runtime import load
    >>> [s.text for s in load().session().suggest("I would lik", k=1)]
    ['like']
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine is {engine!r}; choose from {', '.join(ENGINES)}")
    bundle = Bundle.open(find_bundle(path))
    if bundle.lists(CHARACTERS):
        raise BundleError(f"{bundle.folder}: a model of characters; `foretype suggest` reads it, other commands do not")
    return Model(bundle, engine, provider, threads, policy)
