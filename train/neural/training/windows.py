"""The order in which training reads the token stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import ConfigError


class Windows:
    """Which tokens each optimiser step sees: a pure function of the step, so that a resumed run reads on exactly.

    The stream is cut into `batch` equal rows, read side by side; each pass cuts it at another point. jitter: standard
    deviation, in tokens, of where a window ends, so that the passes do not break back-propagation at the same places
    (Merity et al. 2017, section 4.1); `steps` stays the mean length.
    """

    def __init__(
        self, stream: NDArray[np.unsignedinteger], batch: int, steps: int, seed: int, jitter: float = 0.0
    ) -> None:
        self.stream, self.batch, self.steps, self.seed, self.jitter = stream, batch, steps, seed, jitter
        self.row = (len(stream) - 1) // batch
        self.per_pass = self.row // steps
        if self.per_pass < 1:
            raise ConfigError(
                f"the text has {len(stream)} tokens, too few for {batch} streams of {steps}; lower batch or steps"
            )

    def _edge(self, number: int, column: int) -> int:
        """Where window `column` of a pass begins in each row. Neighbouring edges stay apart."""
        regular = column * self.steps
        if not self.jitter or column in (0, self.per_pass):
            return regular
        shift = np.random.default_rng([self.seed, number, column]).normal(scale=self.jitter)
        limit = (self.steps - 1) // 2
        return regular + int(np.clip(round(shift), -limit, limit))

    def __getitem__(self, step: int) -> NDArray[np.int64]:
        """Tokens [length + 1, batch] of a step: inputs are all rows but the last, targets all but the first."""
        number, column = divmod(step, self.per_pass)
        offset = int(np.random.default_rng([self.seed, number]).integers(len(self.stream))) if number else 0
        begin, end = self._edge(number, column), self._edge(number, column + 1)
        starts = offset + np.arange(self.batch) * self.row + begin
        index = starts[None, :] + np.arange(end - begin + 1)[:, None]
        window: NDArray[np.int64] = self.stream[index % len(self.stream)].astype(np.int64)
        return window
