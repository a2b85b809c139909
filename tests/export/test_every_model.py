"""The blend of every model: its weights, and that a model made of it predicts their weighted sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foretype.export.compare.every_model import fit_every, load_every
from foretype.runtime.engines.loading import EngineName
from foretype.runtime.errors import ExportError
from foretype.runtime.model import load
from foretype.train.ngrams.interpolate import fit_weights


def test_weights_are_those_that_the_words_were_drawn_with() -> None:
    draw = np.random.default_rng(0)
    models = draw.dirichlet(np.full(20, 0.3), 3)
    words = draw.choice(20, 20_000, p=np.array([0.5, 0.2, 0.3]) @ models)
    assert fit_weights(models[:, words].T) == pytest.approx([0.5, 0.2, 0.3], abs=0.05)


def test_the_blend_predicts_the_weighted_sum(tiny_bundle: Path) -> None:
    """A session of it and an evaluation see one model; the models in it keep their own states."""
    engines: tuple[EngineName, ...] = ("neural", "ngram")
    blend = load_every({engine: (tiny_bundle, engine) for engine in engines}, {"neural": 0.3, "ngram": 0.7})
    first = blend.vocabulary.first_word
    path = (1, first + 3, first + 1)
    parts = []
    for engine in engines:
        predictor = load(tiny_bundle, engine=engine).predictor()
        parts.append(predictor.mix(predictor.parts(path)._replace(recalled=None), 0))
    found = blend.predictor().parts(path)
    np.testing.assert_allclose(found.ngram, 0.3 * parts[0] + 0.7 * parts[1], rtol=1e-3, atol=1e-6)
    assert blend.session().suggest("", k=3)


def test_a_text_without_words_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(ExportError, match="no word of the vocabulary"):
        fit_every({"ngram": (tiny_bundle, "ngram")}, np.array([1, 2], np.uint16))
