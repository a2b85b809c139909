"""Word vectors to start from: related words are near each other, the spread is the usual one, the seed fixes them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.checkpoint import load_model
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.train.neural.training.word2vec import word2vec_vectors

VOCAB, SIZE = 45, 16


@pytest.fixture(scope="module")
def stream() -> NDArray[np.uint16]:
    """Two topics, ids below 20 and from 20 to 39, in turns of a dozen words; the last five ids never occur."""
    draw = np.random.default_rng(0)
    topics = np.repeat(draw.integers(0, 2, 3000), 12)
    return (topics * 20 + draw.integers(0, 20, len(topics))).astype(np.uint16)


@pytest.mark.parametrize("kind", ["cbow", "skipgram"])
def test_words_of_a_topic_are_near_each_other(stream: NDArray[np.uint16], kind: str) -> None:
    vectors = word2vec_vectors(stream, VOCAB, SIZE, kind, epochs=3)
    assert vectors.shape == (VOCAB, SIZE)
    assert vectors.dtype == np.float32
    assert vectors[:40].std() == pytest.approx(SIZE**-0.5, rel=1e-3)
    assert vectors[40:].std() == pytest.approx(SIZE**-0.5, rel=0.3)
    centred = vectors[:40] - vectors[:40].mean(0)
    units = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines = units @ units.T
    assert cosines[:20, :20].mean() > cosines[:20, 20:].mean() + 0.3


@pytest.mark.parametrize(("kind", "predicts_the_context"), [("cbow", 0), ("skipgram", 1)])
def test_each_kind_is_trained_by_its_own_rule(stream: NDArray[np.uint16], kind: str, predicts_the_context: int) -> None:
    """The vectors are those of gensim's own CBOW or skip-gram, but for their scale."""
    from gensim.models import Word2Vec

    pieces = [stream[start : start + 1000].tolist() for start in range(0, 5000, 1000)]
    settings = {"vector_size": SIZE, "min_count": 1, "window": 5, "epochs": 2, "seed": 3, "workers": 1}
    expected = Word2Vec(pieces, sg=predicts_the_context, **settings).wv
    found = word2vec_vectors(stream[:5000], VOCAB, SIZE, kind, seed=3, epochs=2)[expected.index_to_key]
    assert np.corrcoef(found.ravel(), expected.vectors.ravel())[0, 1] > 0.9999


def test_the_seed_fixes_the_vectors(stream: NDArray[np.uint16]) -> None:
    first, second = (word2vec_vectors(stream[:5000], VOCAB, SIZE, seed=3, epochs=1) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, word2vec_vectors(stream[:5000], VOCAB, SIZE, seed=4, epochs=1))


def test_a_run_starts_from_them(stream: NDArray[np.uint16], tmp_path: Path) -> None:
    """The word table is that of word2vec at the start of a run, and not once more when it is resumed."""
    shape = ModelConfig(VOCAB, embedding_size=SIZE, hidden_size=8)
    config = TrainConfig(tokens=512, batch=8, steps=16, samples=0, threads=1, word2vec="cbow")
    trainer = Trainer(tmp_path, shape, config, stream)
    expected = word2vec_vectors(stream, VOCAB, SIZE, "cbow", config.seed)
    np.testing.assert_array_equal(trainer.model.embedding.weight.detach().numpy(), expected)
    list(trainer.fit())
    resumed = Trainer(tmp_path, shape, config, stream, resume=True)
    assert resumed.model.embedding.weight.equal(load_model(tmp_path).embedding.weight)


def test_other_kinds_are_refused(stream: NDArray[np.uint16]) -> None:
    with pytest.raises(ConfigError, match="word2vec is 'glove'; choose from , cbow, skipgram"):
        TrainConfig(word2vec="glove")
    with pytest.raises(ConfigError, match="word2vec is 'glove'; choose from cbow, skipgram"):
        word2vec_vectors(stream, VOCAB, SIZE, "glove")


def test_a_missing_library_is_named(stream: NDArray[np.uint16], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(ConfigError, match=r"needs gensim: pip install 'foretype\[word2vec\]'"):
        word2vec_vectors(stream, VOCAB, SIZE)
