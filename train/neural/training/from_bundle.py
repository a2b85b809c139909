"""Initialises a model from the int8 step graph of a bundle, for another vocabulary and more cells.

Words in both vocabularies keep their row of the word table and their output bias; new words start from the mean row of
rare words. New cells start with small weights, and old cells do not read them, so that the model first predicts almost
the same as the bundle (function-preserving initialisation as in Net2Net, Chen et al. 2016).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from foretype.runtime.errors import ConfigError
from foretype.runtime.files.bundle import STEP, Bundle
from foretype.runtime.text.form import TextForm
from foretype.train.neural.model.language_model import LanguageModel

_ZERO_POINT = 128
_NEW_UNIT_SCALE = 0.05
"""Standard deviation of the weights into new hidden units; the weights from them to other units start at zero."""
_TORCH_GATES = (0, 2, 3, 1)
"""The order that turns the graph's gates i, o, f, g into torch's i, f, g, o."""


def bundle_shape(folder: Path) -> dict[str, Any]:
    """Return the settings of `ModelConfig`, except vocab_size, of a network like that of the bundle in `folder`.

    Raises ConfigError if the bundle has no network of one LSTM layer.
    """
    bundle = Bundle.open(folder)
    if STEP not in bundle.manifest["files"]:
        raise ConfigError(f"{folder}: the bundle has no neural model to start from")
    shapes = {value.name: list(value.dims) for value in onnx.load(bundle.file(STEP)).graph.initializer}
    if "input_weight_0" not in shapes or "input_weight_1" in shapes:
        raise ConfigError(f"{folder}: the bundle's network is not one LSTM layer, which is needed to start from it")
    cells = shapes["input_weight_0"][0] // 4
    if "recurrent_projection_0" in shapes:
        width = shapes["recurrent_projection_0"][0]
        return {"embedding_size": width, "hidden_size": width, "cell_size": cells}
    return {"embedding_size": shapes["projection_weight"][0], "hidden_size": cells}


@torch.no_grad()
def start_from_bundle(model: LanguageModel, form: TextForm, folder: Path) -> int:
    """Initialise `model`, one LSTM layer over `form`, from the bundle in `folder`; return the number of common words.

    Raises ConfigError if the bundle's network has another architecture or embedding size, or is wider than `model`.
    """
    bundle = Bundle.open(folder)
    step = onnx.load(bundle.file(STEP))
    if any(entry.key == "precision" and entry.value != "int8" for entry in step.metadata_props):
        raise ConfigError(f"{folder}: {STEP} does not have int8 weights; start from its run, or from an int8 bundle")
    arrays = {value.name: value for value in step.graph.initializer}
    table, from_inputs = _restored(arrays, "word_table"), _restored(arrays, "input_weight_0")
    from_hidden, cells = _restored(arrays, "hidden_weight_0"), len(from_inputs) // 4
    projected = "recurrent_projection_0" in arrays
    width = arrays["recurrent_projection_0" if projected else "projection_weight"].dims[0]
    _check_shape(model, folder, cells, width, projected)
    table, from_inputs = table[:, :width], from_inputs[:, :width]
    from_hidden = from_hidden[:, : width if projected else cells]
    taken = _words(model, form, bundle.text_form(), table, _array(arrays, "output_bias"))
    weights = model.state_dict()
    _grow_gates(weights["layers.0.weight_ih_l0"], _gates(from_inputs, cells), cells)
    _grow_gates(weights["layers.0.weight_hh_l0"], _gates(from_hidden, cells), cells)
    _grow_gates(weights["layers.0.bias_ih_l0"][:, None], _gates(_array(arrays, "gate_bias_0")[:, None], cells), cells)
    if projected:
        _read_cells(weights["layers.0.recurrent_projection.weight"], _restored(arrays, "recurrent_projection_0"), cells)
    else:
        weights["layers.0.bias_hh_l0"].zero_()
        _read_cells(weights["projection.weight"], _array(arrays, "projection_weight"), cells)
        weights["projection.bias"].copy_(torch.from_numpy(_array(arrays, "projection_bias")))
    return taken


def _check_shape(model: LanguageModel, folder: Path, cells: int, width: int, projected: bool) -> None:
    """Raise ConfigError if `model` is not one LSTM layer like the bundle's, with as many cells or more."""
    config = model.config
    same_kind = config.architecture == "lstm" and config.layers == 1 and config.tied and config.embedding_size == width
    ours = config.cell_size if projected else config.hidden_size
    same_state = config.hidden_size == width if projected else not config.cell_size
    if not (same_kind and same_state and ours >= cells):
        size = f"hidden_size {width} and cell_size" if projected else "hidden_size"
        raise ConfigError(
            f"{folder}: the bundle has {cells} LSTM cells and embeddings of {width}; expected a model with one LSTM "
            f"layer, embedding_size {width}, and {size} {cells} or more"
        )


def _words(
    model: LanguageModel, form: TextForm, old: TextForm, table: NDArray[np.float32], bias: NDArray[np.float32]
) -> int:
    """Fill the word table and the output bias; return the number of words in both vocabularies."""
    rare = np.argsort(bias)[: max(1, len(bias) // 4)]
    rows = model.embedding.weight
    rows.copy_(torch.from_numpy(table[rare].mean(0)) + 0.02 * torch.randn_like(rows))
    lowest = float(np.quantile(bias, 0.1))
    model.output_bias.fill_(lowest)
    taken = 0
    for token, place in form.vocabulary.exact.items():
        found = old.vocabulary.exact.get(token)
        if found is not None:
            rows[place] = torch.from_numpy(table[found].copy())
            model.output_bias[place] = float(bias[found])
            taken += 1
    return taken


def _array(arrays: dict[str, onnx.TensorProto], name: str) -> NDArray[np.float32]:
    return np.array(onnx.numpy_helper.to_array(arrays[name]))


def _restored(arrays: dict[str, onnx.TensorProto], name: str) -> NDArray[np.float32]:
    """Restore the float32 rows of a matrix stored in 8-bit blocks."""
    weights, scales = _array(arrays, name), _array(arrays, f"{name}_scales")
    blocks: NDArray[np.float32] = (weights.astype(np.float32) - _ZERO_POINT) * scales[..., None]
    return blocks.reshape(len(blocks), -1)


def _read_cells(wanted: Tensor, matrix: NDArray[np.float32], cells: int) -> None:
    """Write the projection of the old cells into `wanted` [width, cells or more]; new cells have no effect yet."""
    wanted.zero_()
    wanted[:, :cells] = torch.from_numpy(matrix[:, :cells])


def _gates(matrix: NDArray[np.float32], cells: int) -> list[Tensor]:
    """Split a stacked matrix into gates in torch's order."""
    parts = matrix.reshape(4, cells, -1)
    return [torch.from_numpy(parts[gate].copy()) for gate in _TORCH_GATES]


def _grow_gates(wanted: Tensor, gates: list[Tensor], cells: int) -> None:
    """Write `gates`, each [cells, columns], into `wanted` [4 * size, columns or more]; new rows get small weights."""
    for rows, gate in zip(wanted.chunk(4), gates, strict=True):
        rows.normal_(std=_NEW_UNIT_SCALE)
        rows[:cells] = 0.0
        rows[:cells, : gate.shape[1]] = gate
