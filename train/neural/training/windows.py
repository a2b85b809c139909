"""The order in which training reads the token stream, in back-propagation windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import ConfigError
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS, UNKNOWN_ID


class Windows:
    """The tokens of each optimiser step, a pure function of the step, so that a resumed run reads the same tokens.

    The stream is cut into `batch` equal rows, which are read in parallel; each pass starts at a different point.

    jitter: standard deviation of the end of a window, in tokens, so that the passes do not interrupt back-propagation
    at the same places (Merity et al. 2017, section 4.1); the mean length stays `steps`.
    unknown: share of the words that occur once in `stream` that a step reads as `<unk>`, drawn anew in every pass.
    """

    def __init__(
        self,
        stream: NDArray[np.unsignedinteger],
        batch: int,
        steps: int,
        seed: int,
        jitter: float = 0.0,
        unknown: float = 0.0,
    ) -> None:
        self.stream, self.batch, self.steps, self.seed, self.jitter = stream, batch, steps, seed, jitter
        self.unknown = unknown
        self.row = (len(stream) - 1) // batch
        self.per_pass = self.row // steps
        if self.per_pass < 1:
            raise ConfigError(
                f"the text has {len(stream)} tokens, too few for {batch} streams of {steps}; lower batch or steps"
            )
        self._once = words_seen_once(stream) if unknown else np.zeros(0, bool)

    def _edge(self, number: int, column: int) -> int:
        """Where window `column` of a pass begins in each row. Every window keeps at least one token."""
        regular = column * self.steps
        if not self.jitter or column in (0, self.per_pass):
            return regular
        shift = np.random.default_rng([self.seed, number, column]).normal(scale=self.jitter)
        limit = (self.steps - 1) // 2
        return regular + int(np.clip(round(shift), -limit, limit))

    def __getitem__(self, step: int) -> NDArray[np.int64]:
        """Return the tokens [length + 1, batch] of a step: all but the last are inputs, all but the first targets."""
        number, column = divmod(step, self.per_pass)
        offset = int(np.random.default_rng([self.seed, number]).integers(len(self.stream))) if number else 0
        begin, end = self._edge(number, column), self._edge(number, column + 1)
        starts = offset + np.arange(self.batch) * self.row + begin
        index = starts[None, :] + np.arange(end - begin + 1)[:, None]
        window: NDArray[np.int64] = self.stream[index % len(self.stream)].astype(np.int64)
        if self.unknown:
            draws = np.random.default_rng([self.seed, step, 0, 0]).random(window.shape)
            window[self._once[window] & (draws < self.unknown)] = UNKNOWN_ID
        return window


def words_seen_once(stream: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Which words and marks occur exactly once in `stream`, [largest id + 1]."""
    once: NDArray[np.bool_] = np.bincount(stream) == 1
    once[: len(SPECIAL_TOKENS)] = False
    return once
