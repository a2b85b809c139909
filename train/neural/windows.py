"""The order in which training reads the token stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import ConfigError


class Windows:
    """Which tokens each optimiser step sees: a pure function of the step, so that a resumed run reads on exactly.

    The stream is cut into `batch` equal rows, read side by side; each pass cuts it at another point.
    """

    def __init__(self, stream: NDArray[np.unsignedinteger], batch: int, steps: int, seed: int) -> None:
        self.stream, self.batch, self.steps, self.seed = stream, batch, steps, seed
        self.row = (len(stream) - 1) // batch
        self.per_pass = self.row // steps
        if self.per_pass < 1:
            raise ConfigError(
                f"the text has {len(stream)} tokens, too few for {batch} streams of {steps}; lower batch or steps"
            )

    def __getitem__(self, step: int) -> NDArray[np.int64]:
        """Tokens [steps + 1, batch] of a step: inputs are all rows but the last, targets all but the first."""
        number, column = divmod(step, self.per_pass)
        offset = int(np.random.default_rng([self.seed, number]).integers(len(self.stream))) if number else 0
        starts = offset + np.arange(self.batch) * self.row + column * self.steps
        index = starts[None, :] + np.arange(self.steps + 1)[:, None]
        window: NDArray[np.int64] = self.stream[index % len(self.stream)].astype(np.int64)
        return window
