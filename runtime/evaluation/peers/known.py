"""The peers that Foretype knows how to start: where they are, how to install them, how they are trained."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from ctypes.util import find_library
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from foretype.runtime.errors import ConfigError, EngineError
from foretype.runtime.evaluation.peers.system import System

HERE = Path(__file__).parent
_SYSTEM_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Peer:
    """A peer, as its users start it.

    adapter: a file in `adapters/`. python: the interpreter that has its modules. needs: "file:", "library:", "module:"
    or "program:" and a name. install: how to get them. data: what it reads from disk beside a trained model. trained:
    whether it gets a model from a text. to_train: what only training needs. options: for the adapter.
    """

    name: str
    adapter: str
    needs: tuple[str, ...]
    install: str
    data: tuple[str, ...] = ()
    python: str = sys.executable
    trained: bool = False
    to_train: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def missing(self, text: Path | None, model: Path | None) -> str | None:
        """Why it cannot run here, in one line; None if it can. text: to train on. model: one trained before."""
        training = self.trained and model is None
        absent = [need for need in (*self.needs, *(self.to_train if training else ())) if not _is_there(need)]
        if absent:
            return f"no {absent[0].partition(':')[2]} here; {self.install}"
        return "it needs a text to learn from: --train FILE" if training and text is None else None

    def prepare(self, text: Path | None, model: Path | None, folder: Path) -> System:
        """Train it on `text`, unless `model` is given, and say how to start it. Raises EngineError if training fails.

        folder: an empty one, for its model and as the home folder of its processes.
        """
        adapter = (str(HERE / "answering.py"), str(HERE / "adapters" / f"{self.adapter}.py"))
        environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        seconds = None
        if self.trained and model is None:
            model = folder / "model"
            begin = time.perf_counter()
            done = subprocess.run(
                [self.python, *adapter, "train", str(text), str(model)],
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                errors="replace",
            )
            seconds = time.perf_counter() - begin
            if done.returncode:
                raise EngineError(f"{self.name}: training failed: {(done.stderr.strip() or '?').splitlines()[-1]}")
        command = (self.python, *adapter, "serve", str(model or ""), *self.options)
        files = (*map(Path, self.data), *([model] if model else []))
        return System(self.name, command, files, environment, seconds)


_PRESAGE = Peer(
    name="presage",
    adapter="presage",
    needs=("library:presage", "file:/usr/share/presage/database_en.db"),
    install="Debian, Ubuntu: sudo apt install presage",
    data=("/usr/share/presage/database_en.db",),
)
_ONBOARD = Peer(
    name="onboard",
    adapter="onboard",
    needs=("file:/usr/lib/python3/dist-packages/Onboard/pypredict", "file:/usr/share/onboard/models/en_US.lm"),
    install="Debian, Ubuntu: sudo apt install onboard onboard-data",
    data=("/usr/share/onboard/models/en_US.lm",),
    python=_SYSTEM_PYTHON,
)
_BOOSTER = Peer(
    name="typing-booster",
    adapter="typing_booster",
    needs=("file:/usr/share/ibus-typing-booster/engine/tabsqlitedb.py", "file:/usr/share/hunspell/en_US.dic"),
    install="Debian, Ubuntu: sudo apt install ibus-typing-booster hunspell-en-us",
    data=("/usr/share/hunspell/en_US.dic", "/usr/share/hunspell/en_US.aff"),
    python=_SYSTEM_PYTHON,
)
KNOWN = (
    _PRESAGE,
    replace(_PRESAGE, name="presage-repeating", options=("repeat",)),
    replace(_PRESAGE, name="presage-trained", data=(), trained=True, to_train=("program:text2ngram",)),
    _ONBOARD,
    replace(_ONBOARD, name="onboard-trained", trained=True),
    _BOOSTER,
    replace(_BOOSTER, name="typing-booster-trained", trained=True),
    Peer(
        name="hunspell-counts",
        adapter="hunspell_counts",
        needs=("library:hunspell-1.7", "file:/usr/share/hunspell/en_US.dic"),
        install="Debian, Ubuntu: sudo apt install libhunspell-1.7-0 hunspell-en-us",
        trained=True,
    ),
    Peer(
        name="kenlm",
        adapter="kenlm_words",
        needs=("module:kenlm",),
        install="pip install kenlm, and build lmplz: https://github.com/kpu/kenlm",
        trained=True,
        to_train=("program:lmplz",),
    ),
    Peer(
        name="pytorch-lstm",
        adapter="pytorch_lstm",
        needs=("module:torch",),
        install="pip install 'foretype[train]'",
        trained=True,
    ),
    Peer(
        name="foretype-own-text",
        adapter="own_text",
        needs=("module:foretype.runtime",),
        install="pip install 'foretype[train]'",
        trained=True,
        to_train=("module:torch",),
    ),
)


def choose(names: list[str]) -> list[Peer]:
    """The peers with these names; a name also stands for its variants ("presage"). Raises ConfigError if there is none.

    >>> [peer.name for peer in choose(["onboard", "kenlm"])]
    ['onboard', 'onboard-trained', 'kenlm']
    """
    legal = [peer.name for peer in KNOWN]
    for name in names:
        if name not in legal:
            raise ConfigError(f"{name!r}: no such peer; choose from {', '.join(legal)}")
    return [peer for peer in KNOWN if any(peer.name == name or peer.name.startswith(f"{name}-") for name in names)]


def check_models(models: Mapping[str, Path]) -> None:
    """Raise ConfigError if a model is given for a peer that does not exist, or the file does not."""
    for name, path in models.items():
        if name not in [peer.name for peer in KNOWN if peer.trained]:
            legal = ", ".join(repr(peer.name) for peer in KNOWN if peer.trained)
            raise ConfigError(f"{name!r}: no peer that is trained; choose from {legal}")
        if not path.is_file():
            raise ConfigError(f"{path}: no such file")


def _is_there(need: str) -> bool:
    kind, _, name = need.partition(":")
    if kind == "library":
        return find_library(name) is not None
    if kind == "module":
        return find_spec(name) is not None
    return shutil.which(name) is not None if kind == "program" else Path(name).exists()
