"""Many contexts in one call of the graph, for servers and evaluation.

For a GPU, where a batch costs little more than one context. A CPU core is busy with one: the bundled int8 graph took
256 µs alone, and 186 to 223 µs for each of 4 to 64. Sessions run alone, so that answers never depend on company.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretype.runtime.engines.step_graph import FloatArray, NeuralModel, State
from foretype.runtime.errors import EngineError


def stack(states: Sequence[State]) -> State:
    """States of single texts, each part [layers, 1, size], as one state of a batch, each part [layers, batch, size]."""
    return tuple(np.concatenate(parts, axis=1) for parts in zip(*states, strict=True))


def unstack(state: State) -> list[State]:
    """The states of single texts in a batch's state, in its order; views of it."""
    return [tuple(part[:, row : row + 1] for part in state) for row in range(state[0].shape[1])]


def advance(
    neural: NeuralModel, paths: Sequence[Sequence[int]], states: Sequence[State] | None = None
) -> tuple[FloatArray, list[State]]:
    """Feed each context its tokens, all in one call: logits float32 [contexts, vocab] and the state after each.

    paths: token ids of each context, of each the same number. states: where each stands; None for the start.

    A context's logits agree with those of a run of its own to 1e-4, for float graphs and for those of
    `export.graph.quantise`, which round each step by itself. Graphs with `DynamicQuantizeLSTM` or
    `DynamicQuantizeLinear` have one scale for all that a call holds, so there a context's scores depend a little on its
    company.

    Raises EngineError when the paths differ in length or are empty, or the call fails.
    """
    if not paths or len({len(path) for path in paths}) > 1:
        raise EngineError(
            f"paths of {sorted({len(path) for path in paths})} tokens; expected one or more of equal length"
        )
    if states is None:
        states = [neural.initial_state()] * len(paths)
    if len(states) != len(paths):
        raise EngineError(f"{len(states)} states for {len(paths)} paths")
    logits, after = neural.run_batch(np.array(paths, np.int64), stack(states))
    return logits, unstack(after)
