"""Run the neural engine: ONNX Runtime calls a step graph (`step.onnx`) that takes and returns the recurrent state.

The contract of the graph: its inputs are `input_ids`, int64 [batch, steps], and the parts of the state (see
`STATE_PARTS`), float32 [layers, batch, size]. Its outputs are the `logits` after the last step, float32 [batch, vocab],
and the new state, `hidden_out` and so on. Only batch and steps are symbolic. `GraphMetadata` describes the metadata.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.fork_guard import FORK
from foretype.runtime.engines.providers import (
    ACCELERATORS,
    AUTO,
    CPU,
    available,
    full_name,
    import_onnxruntime,
    short_name,
)
from foretype.runtime.errors import EngineError

GRAPH_FORMAT_VERSION = 1
PRECISIONS = ("float32", "int8", "int4")
STATE_PARTS = ("hidden", "cell", "history")
"""The possible parts of a state, in this order. Every model has `hidden`; a model with a fixed window keeps in it the
embeddings of the words before the latest. LSTMs have `cell`. Models with hashed n-grams have `history`, the last words:
each is its id plus 1, or 0 for none."""

_LARGEST_STATE = 2**22
"""Most numbers in one part of a state: thousands of times more than a step graph has, but safe to allocate."""
_LONGEST_PROPERTY = 2**16
"""Most characters in one entry of the metadata."""
_IN_THE_CHILD = "load the model in the child process"

FloatArray = NDArray[np.float32]
State = tuple[FloatArray, ...]
"""The parts of a state, (hidden, cell) for an LSTM: each float32 [layers, 1, size], read-only, so you can cache it."""


@dataclass(frozen=True)
class GraphMetadata:
    """The metadata of a step graph. Each field is one key of the ONNX model's metadata, as text.

    architecture: the family of the network: "window", "rnn", "gru", "lstm", "cifg", "peephole", "mogrifier" or
        "mingru".
    vocab_size: width of `logits`; valid ids are 0 .. vocab_size - 1.
    layers: first dimension of the state.
    hidden_size: last dimension of `hidden`.
    precision: how the weights are stored, "float32", "int8" or "int4".
    special_tokens: ids of the tokens that are not text, such as {"<unk>": 0}; JSON in the file.
    format_version: version of this contract; readers reject versions they do not know.
    """

    architecture: str
    vocab_size: int
    layers: int
    hidden_size: int
    precision: str
    special_tokens: Mapping[str, int]
    format_version: int = GRAPH_FORMAT_VERSION

    def to_properties(self) -> dict[str, str]:
        """Return the fields as ONNX metadata: text as it is, numbers in decimal, `special_tokens` as JSON."""
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in asdict(self).items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> GraphMetadata:
        """Read ONNX metadata. Raises ValueError, which names the key that is missing or has an invalid value."""
        metadata = cls(
            architecture=_property(properties, "architecture"),
            vocab_size=_number(properties, "vocab_size"),
            layers=_number(properties, "layers"),
            hidden_size=_number(properties, "hidden_size"),
            precision=_property(properties, "precision"),
            special_tokens=_ids(properties, "special_tokens"),
            format_version=_number(properties, "format_version"),
        )
        if metadata.format_version != GRAPH_FORMAT_VERSION:
            raise ValueError(f"format_version is {metadata.format_version}; expected {GRAPH_FORMAT_VERSION}")
        if metadata.precision not in PRECISIONS:
            raise ValueError(f"precision is {metadata.precision!r}; choose from {', '.join(PRECISIONS)}")
        return metadata


def _property(properties: Mapping[str, str], key: str) -> str:
    if key not in properties:
        raise ValueError(f"the metadata lacks {key!r}")
    if len(properties[key]) > _LONGEST_PROPERTY:
        raise ValueError(
            f"metadata {key!r} has {len(properties[key])} characters; at most {_LONGEST_PROPERTY} are read"
        )
    return properties[key]


def _number(properties: Mapping[str, str], key: str) -> int:
    text = _property(properties, key)
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise ValueError(f"metadata {key!r} is {text[:80]!r}; it must be a whole number of at least 1")
    return int(text)


def _ids(properties: Mapping[str, str], key: str) -> dict[str, int]:
    text = _property(properties, key)
    try:
        ids = json.loads(text)
    except (ValueError, RecursionError):
        ids = None
    if not isinstance(ids, dict) or not all(type(value) is int for value in ids.values()):
        raise ValueError(f"metadata {key!r} is {text[:80]!r}; it must be a JSON object of token ids")
    return ids


class NeuralModel:
    """A loaded step graph. Safe for concurrent `run` calls, because every caller holds its own state.

    metadata: the metadata of the graph.
    vocab_size, layers, hidden_size: copied from the metadata.
    provider: the ONNX Runtime provider that actually runs the graph, such as "cpu" or "cuda".
    """

    def __init__(
        self, path: Path, session: Any, state_names: Sequence[str], metadata: GraphMetadata, threads: int
    ) -> None:
        self.metadata = metadata
        self.vocab_size = metadata.vocab_size
        self.layers = metadata.layers
        self.hidden_size = metadata.hidden_size
        self.provider = short_name(session.get_providers()[0])
        self._path = path
        self._session = session
        self._generation = FORK.generation
        self._survives_fork = threads == 1 and self.provider == CPU
        self._state_names = tuple(state_names)
        self._output_names = ["logits", *(f"{name}_out" for name in state_names)]
        shapes = {value.name: value.shape for value in session.get_inputs()}
        self._zeros = tuple(_frozen(np.zeros((self.layers, 1, shapes[name][2]), np.float32)) for name in state_names)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, provider: str = CPU, threads: int = 1) -> NeuralModel:
        """Load a step graph and check that it keeps the contract.

        provider: "cpu", "cuda" or another that this installation of ONNX Runtime offers; see
            `runtime.engines.providers`. "auto" takes the first that works. It tries accelerators for float32 graphs
            only, since int8 graphs are made for CPUs.
        threads: CPU threads per call; a step is too small to gain from more than one.

        Raises EngineError, one line that names the file and the reason, if ONNX Runtime or the provider is missing, or
        if the file is missing, damaged or not a step graph.
        """
        path = Path(path)
        if threads < 1:
            raise EngineError(f"threads is {threads}; it must be at least 1")
        if not path.is_file():
            raise EngineError(f"{path}: no such file")
        if FORK.torn:
            raise EngineError(f"{path}: this process was forked while its parent ran ONNX Runtime; {_IN_THE_CHILD}")
        automatic = short_name(provider) == AUTO
        model = cls._load(path, full_name(CPU if automatic else provider), threads)
        if automatic and model.metadata.precision == "float32":
            offered = available()
            for name in filter(offered.__contains__, ACCELERATORS):
                with suppress(EngineError):  # offered, but without a device or driver
                    return cls._load(path, offered[name], threads)
        return model

    @classmethod
    def _load(cls, path: Path, provider: str, threads: int) -> NeuralModel:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4  # errors arrive as exceptions; the terminal belongs to the user
        if threads > 1:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The CPU runs the operators that another provider has no kernel for.
        providers = [provider, "CPUExecutionProvider"] if provider != "CPUExecutionProvider" else [provider]
        try:
            with FORK:  # no fallback of ONNX Runtime's own: it prints, and does not tell the caller
                session = onnxruntime.InferenceSession(str(path), options, providers=providers, enable_fallback=False)
        except Exception as error:
            raise EngineError(f"{path}: ONNX Runtime cannot load it: {_line(error)}") from error
        if session.get_providers()[0] != provider:
            raise EngineError(f"{path}: ONNX Runtime could not start its provider {short_name(provider)!r}")
        try:
            metadata = GraphMetadata.from_properties(session.get_modelmeta().custom_metadata_map)
            state_names = _check_contract(session, metadata)
        except ValueError as error:
            raise EngineError(f"{path}: not a step graph of this version: {error}") from error
        return cls(path, session, state_names, metadata, threads)

    def initial_state(self) -> State:
        """Return the state before any text: zeros, each part float32 [layers, 1, size]."""
        return self._zeros

    def run(self, ids: Sequence[int], state: State, options: Any = None) -> tuple[FloatArray, State]:
        """Feed `ids` (at least one) from `state`, in one call of the graph.

        options: from `run_options`; setting its `terminate` from another thread ends the call with an EngineError.

        Returns the float32 logits [vocab_size] after the last id, which the caller may change, and the state after it.
        Raises EngineError if an id or a state is invalid, if the call fails, or if this process was forked and the
        graph cannot run in the child. Only a graph that runs on one CPU thread survives a fork.
        """
        if not ids or min(ids) < 0 or max(ids) >= self.vocab_size:
            raise EngineError(
                f"{self._path}: token ids {list(ids)!r}; expected one or more of 0 .. {self.vocab_size - 1}"
            )
        logits, after = self._run(np.array([ids], np.int64), state, options)
        return logits[0], after

    def run_batch(self, ids: NDArray[np.int64], state: State) -> tuple[FloatArray, State]:
        """Feed many texts at once: ids [batch, steps], each part of `state` float32 [layers, batch, size].

        Returns the float32 logits [batch, vocab_size] and the states after the last step. They agree with single runs
        to 1e-4 for float graphs and for graphs from `export.graph.quantise`. Raises EngineError as `run` does.
        """
        if ids.ndim != 2 or not ids.size or ids.min() < 0 or ids.max() >= self.vocab_size:
            raise EngineError(
                f"{self._path}: token ids of shape {ids.shape}; expected [batch, steps] of 0 .. {self.vocab_size - 1}"
            )
        return self._run(ids, state, None)

    def run_options(self) -> Any:
        """Return options for `run`: an onnxruntime.RunOptions, for one caller at a time."""
        return import_onnxruntime().RunOptions()

    def _run(self, ids: NDArray[np.int64], state: State, options: Any) -> tuple[FloatArray, State]:
        if FORK.generation != self._generation and (FORK.torn or not self._survives_fork):
            raise EngineError(
                f"{self._path}: it was loaded before this process was forked, and cannot run here; {_IN_THE_CHILD}"
            )
        feeds: dict[str, Any] = {"input_ids": ids}
        feeds.update(zip(self._state_names, state, strict=True))
        try:
            with FORK:
                logits, *after = self._session.run(self._output_names, feeds, options)
        except Exception as error:
            raise EngineError(f"{self._path}: running it failed: {_line(error)}") from error
        if not math.isfinite(logits.max()):
            raise EngineError(f"{self._path}: running it failed: its scores are no numbers")
        return logits, tuple(_frozen(array) for array in after)


def _check_contract(session: Any, metadata: GraphMetadata) -> tuple[str, ...]:
    """Return the names of the state inputs. Raises ValueError, which says what breaks the contract."""
    inputs = {value.name: value for value in session.get_inputs()}
    outputs = {value.name: value for value in session.get_outputs()}
    state_names = tuple(part for part in STATE_PARTS if part == "hidden" or part in inputs)
    expected_outputs = ["logits", *(f"{name}_out" for name in state_names)]
    for kind, found, expected in (
        ("inputs", inputs, ["input_ids", *state_names]),
        ("outputs", outputs, expected_outputs),
    ):
        if set(found) != set(expected):
            raise ValueError(f"its {kind} are {', '.join(found)}; expected {', '.join(expected)}")
    _check_value(inputs["input_ids"], "tensor(int64)", (None, None))
    _check_value(outputs["logits"], "tensor(float)", (None, metadata.vocab_size))
    for name in state_names:
        size = metadata.hidden_size if name == "hidden" else inputs[name].shape[-1]
        if isinstance(size, int) and metadata.layers * size > _LARGEST_STATE:
            raise ValueError(f"{name} is {inputs[name].shape}; at most {_LARGEST_STATE} numbers are read")
        for value in (inputs[name], outputs[f"{name}_out"]):
            _check_value(value, "tensor(float)", (metadata.layers, None, size))
    return state_names


def _check_value(value: Any, type_name: str, shape: tuple[int | None, ...]) -> None:
    """Compare one input or output with its type and shape; None stands for a symbolic dimension."""
    found = tuple(size if isinstance(size, int) else None for size in value.shape)
    if value.type != type_name or found != shape:
        expected = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{value.name} is {value.type} {value.shape}; expected {type_name} [{expected}]")


def _line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _frozen(array: FloatArray) -> FloatArray:
    array.flags.writeable = False
    return array
