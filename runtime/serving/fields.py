"""The fields that clients open: each has a session of its own, and shares its model and its store with others."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from foretype.runtime.engines.loading import EngineName
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.finding import find_bundle
from foretype.runtime.mixture import Models
from foretype.runtime.model import Model, load
from foretype.runtime.serving import methods
from foretype.runtime.suggestion import Suggestion

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Store


class LoadedModels:
    """The loaded models, each once. Threads may share it. default: the model of fields that name none."""

    def __init__(self, default: Path | None = None, engine: EngineName = "auto") -> None:
        self._default = default
        self._engine = engine
        self._models: dict[Path, Model] = {}
        self._loading = threading.Lock()

    def get(self, name: str | None = None) -> Model | Models:
        """The model of this name or folder, loaded now if it is not yet; several if joined with +. Raises as `load`."""
        if name is not None and "+" in name and not Path(name).exists():
            return Models([self._get(part) for part in dict.fromkeys(name.split("+"))])
        return self._get(name)

    def _get(self, name: str | None) -> Model:
        folder = find_bundle(self._default if name is None else name).resolve()
        with self._loading:
            if folder not in self._models:
                self._models[folder] = load(folder, engine=self._engine)
                gc.freeze()  # or the garbage collector looks through the model again and again, for 10 ms
            return self._models[folder]

    def names(self) -> list[str]:
        """The names of the loaded models."""
        return [model.name for model in list(self._models.values())]


class Stores:
    """The open stores, each once for all fields that learn in it. Threads may share it."""

    def __init__(self) -> None:
        self._stores: dict[Path, Store] = {}
        self._users: Counter[Path] = Counter()
        self._changing = threading.Lock()

    def take(self, path: str | None, profile: str | None) -> Store | None:
        """The store in this file or of this profile; None if neither is named.

        Raises ConfigError if both are named, or the profile's name is illegal.
        """
        if path is None and profile is None:
            return None
        if path is not None and profile is not None:
            raise ConfigError("open: name a store or a profile, not both")
        from foretype.runtime.personal.store import Store  # needs sqlite3

        store = Store(profile=profile) if profile is not None else Store(path)
        key = store.path.absolute()
        with self._changing:
            self._users[key] += 1
            return self._stores.setdefault(key, store)

    def give_back(self, store: Store | None) -> None:
        """Close the store if no other field uses it."""
        if store is None:
            return
        key = store.path.absolute()
        with self._changing:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                self._stores.pop(key).close()


class Field:
    """One text that a person writes. Its methods are called by one thread at a time: that which holds `turn`.

    used: when it was last used, on the clock of `time.monotonic`. resting: whether its session rests since then.
    waiting: number of its requests that are not answered yet.
    """

    def __init__(self, model: Model | Models, options: methods.Open, store: Store | None) -> None:
        self.model = model
        self.turn = asyncio.Lock()
        self.used = time.monotonic()
        self.resting = False
        self.waiting = 0
        self.store = store
        self._last = ""
        self.offsets = options.offsets
        self._k = options.k
        self.session = model.session(store=store, private=options.private, layout=options.layout)

    def is_quick(self, asked: methods.Params) -> bool:
        """Whether this is a question about the word of the last one, some letters on or back: it runs no model, and
        takes less than a switch of threads and back, or little more."""
        if not isinstance(asked, methods.Suggest) or self.resting or self.waiting or self.turn.locked():
            return False
        shorter, longer = sorted((asked.text, self._last), key=len)
        return longer.startswith(shorter) and (longer == shorter or longer[len(shorter) :].isalpha())

    def suggest(self, asked: methods.Suggest) -> methods.Found:
        """See `Session.suggest`."""
        k = self._k if asked.k is None else asked.k
        found = self.session.suggest(
            asked.text, k, after=asked.after, deadline_ms=asked.deadline_ms, threshold=asked.threshold
        )
        self._last = asked.text
        return methods.Found(self._all(found, asked.text, asked.after), found.engine)

    def phrase(self, asked: methods.Phrase) -> methods.FoundPhrase:
        """See `Session.phrase`."""
        found = self.session.phrase(asked.text, confidence=asked.confidence, words=asked.words)
        return methods.FoundPhrase(self._offered(found, asked.text, "") if found else None)

    def corrections(self, asked: methods.Corrections) -> methods.Found:
        """See `Session.corrections`."""
        k = self._k if asked.k is None else asked.k
        found = self.session.corrections(asked.text, k, after=asked.after, threshold=asked.threshold)
        return methods.Found(self._all(found, asked.text, asked.after), found.engine)

    def commit(self, done: methods.Commit) -> methods.Done:
        """See `Session.commit`."""
        self.session.commit(done.text, after=done.after, accepted=done.accepted, pasted=done.pasted)
        return methods.Done()

    def learn(self, asked: methods.Learn) -> methods.Learned:
        """See `Session.learn`."""
        return methods.Learned(self.session.learn(asked.text))

    def forget(self, asked: methods.Forget) -> methods.Forgot:
        """See `Session.forget`."""
        return methods.Forgot(*self.session.forget(asked.phrase))

    def finish(self, asked: methods.OnField) -> methods.Done:
        """See `Session.finish`."""
        self.session.finish()
        return methods.Done()

    def private(self, asked: methods.Private) -> methods.IsPrivate:
        """See `Session.private`."""
        self.session.private = asked.private
        return methods.IsPrivate(self.session.private)

    def rest(self) -> None:
        """See `Session.rest`."""
        self.session.rest()
        self.resting = True

    def _all(self, found: Iterable[Suggestion], before: str, after: str) -> list[methods.Offered]:
        return [self._offered(suggestion, before, after) for suggestion in found]

    def _offered(self, suggestion: Suggestion, before: str, after: str) -> methods.Offered:
        ghost = suggestion.ghost(before)
        if self.offsets == "utf-16":
            suggestion = suggestion.in_utf16(before, after)
        return methods.Offered(
            suggestion.text, float(suggestion.probability), suggestion.replaces, suggestion.replaces_after, ghost
        )


ACTIONS: dict[str, Callable[[Field, Any], msgspec.Struct]] = {
    "suggest": Field.suggest,
    "phrase": Field.phrase,
    "corrections": Field.corrections,
    "commit": Field.commit,
    "learn": Field.learn,
    "forget": Field.forget,
    "finish": Field.finish,
    "private": Field.private,
}
"""The methods that a field answers."""
