"""Makes the model that a bundle's graph holds, over an extended vocabulary."""

from __future__ import annotations

from pathlib import Path

import onnx

from foretype.runtime.errors import ConfigError
from foretype.runtime.files.bundle import STEP, Bundle
from foretype.runtime.text.form import TextForm
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.from_bundle import start_from_bundle


def model_of_bundle(folder: Path, form: TextForm) -> LanguageModel:
    """Return the model of the bundle in `folder` over the words of `form`.

    Raises ConfigError if its graph is not one LSTM layer with tied tables.
    """
    shapes = {value.name: tuple(value.dims) for value in onnx.load(Bundle.open(folder).file(STEP)).graph.initializer}
    needed = {"word_table", "input_weight_0", "hidden_weight_0", "output_bias"}
    if not needed <= shapes.keys() or "input_weight_1" in shapes:
        raise ConfigError(f"{folder / STEP}: not an int8 graph of one LSTM layer, which is what can be adapted")
    cells = shapes["input_weight_0"][0] // 4
    width = shapes.get("recurrent_projection_0", shapes.get("projection_weight", (cells,)))[0]
    projected = "recurrent_projection_0" in shapes
    model = LanguageModel(
        ModelConfig(
            len(form.vocabulary),
            embedding_size=width,
            hidden_size=width if projected else cells,
            cell_size=cells if projected else 0,
        )
    )
    start_from_bundle(model, form, folder)
    return model
