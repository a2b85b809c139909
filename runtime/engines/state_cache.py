"""Canonical stepping of a neural model: the same tokens always give the same scores, whatever came before.

How tokens are cut into calls may show in the scores: an int8 graph may round all tokens of a call together. Here the
cut is fixed by position: tokens are run one by one, but the state at every multiple of `CHUNK` comes from one run over
the chunk that ends there. A pasted text is read chunk by chunk, a typed one token by token, and both meet in the same
states. Reached states are kept, by the tokens that lead to them, so that a backspace or a jump back is a look-up.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.step_graph import FloatArray, State
from foretype.runtime.lru import LeastRecentlyUsed

CHUNK = 8
"""Tokens; the longer, the faster a pasted text is read, and the slower each chunk's last word, which is read twice."""
KEPT_STATES = 256

Path = tuple[int, ...]
"""Token ids from the start of the window."""


class Runs(Protocol):
    """What is stepped: a `NeuralModel`, or one whose runs are timed and may be stopped between two calls."""

    def initial_state(self) -> State:
        """The state before any text."""

    def run(self, ids: Path, state: State) -> tuple[FloatArray, State]:
        """Scores [vocab] after `ids`, fed from `state`, and the state after them."""


class StateCache:
    """Runs one neural model along paths of tokens; holds at most `KEPT_STATES` states. Not shared between threads."""

    def __init__(self, model: Runs) -> None:
        self._model = model
        self._initial = model.initial_state()
        self._states: LeastRecentlyUsed[Path, State] = LeastRecentlyUsed(KEPT_STATES)

    def logits(self, path: Path) -> NDArray[np.float32]:
        """Scores [vocab] of the token after `path` (at least one token). Raises EngineError when a run fails."""
        return self._run(path)[0]

    def prepare(self, path: Path) -> None:
        """Run a little towards the scores after `path`, so that they are near when they are asked for.

        That is one chunk, or two tokens of the rest. Raises EngineError when a run fails.
        """
        for _ in range(2):
            missing, end = 0, len(path)
            while end > 0 and self._states.get(path[:end]) is None:  # from the end: most of it is read already
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
        """How many tokens the run has that ends after `end` tokens."""
        return 1 if end % CHUNK else CHUNK

    def _state(self, path: Path) -> State:
        if not path:
            return self._initial
        found = self._states.get(path)
        return self._run(path)[1] if found is None else found
