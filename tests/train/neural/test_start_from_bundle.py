"""A model that starts from a bundle predicts as the bundle does, over another vocabulary and with more cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from paths import ROOT

from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.bundle import Bundle
from foretype.runtime.text.form import TextForm
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.from_bundle import start_from_bundle


def with_new_words(form: TextForm, words: list[str]) -> TextForm:
    """A text form with more words, so that all ids after them are others."""
    tokens = list(form.vocabulary.tokens)
    first = form.vocabulary.first_word
    tokens = tokens[:first] + sorted([*tokens[first:], *words], key=lambda word: (word.casefold(), word))
    return TextForm({token: place for place, token in enumerate(tokens)}, form.rule)


def with_more_cells(folder: Path, words: int) -> LanguageModel:
    """A model with 16 cells more than the bundle's."""
    if folder.name == "en-tiny":
        return LanguageModel(ModelConfig(words, embedding_size=96, hidden_size=96, cell_size=528))
    graph = NeuralModel.open(folder / "step.onnx")
    return LanguageModel(ModelConfig(words, embedding_size=32, hidden_size=graph.hidden_size + 16))


@pytest.mark.parametrize("bundle_name", ["tiny_bundle", "en-tiny"], ids=["plain", "projected"])
def test_the_start_scores_the_shared_words_as_the_bundle_does(bundle_name: str, request: pytest.FixtureRequest) -> None:
    folder = (
        ROOT / "runtime" / "bundles" / bundle_name if bundle_name == "en-tiny" else request.getfixturevalue(bundle_name)
    )
    form = Bundle.open(folder).text_form()
    graph = NeuralModel.open(folder / "step.onnx")
    new = with_new_words(form, ["aardvarkish", "zebraic"])
    model = with_more_cells(folder, len(new.vocabulary))
    assert start_from_bundle(model, new, folder) == len(form.vocabulary)
    tokens = ["<s>", "I", "love", "the", "garden", "."]
    logits, _ = graph.run([form.vocabulary.exact[token] for token in tokens], graph.initial_state())
    ids = torch.tensor([[new.vocabulary.exact[token]] for token in tokens])
    with torch.no_grad():
        features, _ = model(ids, model.zero_state(1))
        ours = model.logits(features)[-1, 0].numpy()
    places = [new.vocabulary.exact[token] for token in form.vocabulary.tokens]
    assert np.abs(ours[places] - logits).max() < 0.25, "the graph rounds its inputs to 8 bits"
    assert np.argmax(ours[places]) == np.argmax(logits)


def test_another_shape_is_refused_with_the_legal_one(tiny_bundle: Path) -> None:
    form = Bundle.open(tiny_bundle).text_form()
    model = LanguageModel(ModelConfig(len(form.vocabulary), embedding_size=8, hidden_size=8))
    with pytest.raises(ConfigError, match=r"one LSTM layer, embedding_size \d+, and hidden_size \d+ or more"):
        start_from_bundle(model, form, tiny_bundle)
