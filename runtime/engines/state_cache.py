"""Step a neural model canonically: the same tokens always give the same scores, whatever was asked before.

The way in which tokens are split into calls may affect the scores: an int8 graph may round all tokens of a call
together. Here the position of a token fixes the split. Tokens are run one by one, but the state at every multiple of
`CHUNK` comes from one run over the chunk that ends there. Pasted text is read chunk by chunk and typed text token by
token, and both reach the same states. States are cached by the tokens that lead to them, so a backspace or a jump back
is a look-up.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.step_graph import FloatArray, State
from foretype.runtime.lru import LeastRecentlyUsed

CHUNK = 8
"""Tokens in a chunk. A longer chunk reads pasted text faster, but slows the last word of each chunk: a typed chunk is
read twice."""
KEPT_STATES = 256

Path = tuple[int, ...]
"""Token ids from the start of the window."""


class Runs(Protocol):
    """A model that can be stepped: a `NeuralModel`, or one whose runs are timed and may be stopped between calls."""

    def initial_state(self) -> State:
        """Return the state before any text."""

    def run(self, ids: Path, state: State) -> tuple[FloatArray, State]:
        """Feed `ids` from `state`. Return the scores [vocab] and the state after them."""


class StateCache:
    """Runs a neural model along paths of tokens and caches up to `KEPT_STATES` states. Not shared between threads."""

    def __init__(self, model: Runs) -> None:
        self._model = model
        self._initial = model.initial_state()
        self._states: LeastRecentlyUsed[Path, State] = LeastRecentlyUsed(KEPT_STATES)

    def logits(self, path: Path) -> NDArray[np.float32]:
        """Return the scores [vocab] after `path` (at least one token). Raises EngineError if a run fails."""
        return self._run(path)[0]

    def prepare(self, path: Path) -> None:
        """Read a part of `path` ahead, so that its scores take less time later.

        One call reads one chunk, or up to two of the tokens after the last chunk. Raises EngineError if a run fails.
        """
        for _ in range(2):
            missing, end = 0, len(path)
            while end > 0 and self._states.get(path[:end]) is None:  # from the end: most of it is already read
                missing, end = end, end - self._size(end)
            if missing:
                self._run(path[:missing])
            if self._size(missing) == CHUNK:
                break

    def rest(self) -> None:
        """Forget all states."""
        self._states.clear()

    def _run(self, path: Path) -> tuple[FloatArray, State]:
        size = self._size(len(path))
        result = self._model.run(path[-size:], self._state(path[:-size]))
        self._states.put(path, result[1])
        return result

    @staticmethod
    def _size(end: int) -> int:
        """Return the number of tokens in the run that ends after `end` tokens."""
        return 1 if end % CHUNK else CHUNK

    def _state(self, path: Path) -> State:
        if not path:
            return self._initial
        found = self._states.get(path)
        return self._run(path)[1] if found is None else found
