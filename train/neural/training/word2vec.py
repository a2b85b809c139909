"""Trains word2vec vectors, to initialise a word table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.errors import ConfigError

KINDS = ("cbow", "skipgram")
_PIECE = 1000


class _Pieces:
    """A token stream in pieces of a thousand tokens, which gensim reads as sentences, once an epoch."""

    def __init__(self, stream: NDArray[np.unsignedinteger]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, len(self._stream), _PIECE):
            yield self._stream[start : start + _PIECE].tolist()


def word2vec_vectors(
    stream: NDArray[np.unsignedinteger],
    vocab_size: int,
    size: int,
    kind: str = "cbow",
    seed: int = 1,
    *,
    window: int = 5,
    epochs: int = 5,
) -> NDArray[np.float32]:
    """Train word2vec (Mikolov et al. 2013, with 5 negative samples) on `stream`; float32 [vocab_size, size].

    kind: "cbow" predicts a word from the words around it, "skipgram" those from the word. window: words on each side.

    The vectors are scaled to the standard deviation of a random word table, size^-0.5; words that do not occur in
    `stream` get random vectors. There is one worker, so that the same seed gives the same vectors. An epoch reads about
    500,000 words/s for CBOW and 300,000 for skip-gram on one core.

    Raises ConfigError for another `kind`, or if gensim is not installed.
    """
    if kind not in KINDS:
        raise ConfigError(f"word2vec is {kind!r}; choose from {', '.join(KINDS)}, or empty for none")
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise ConfigError("word2vec needs gensim: pip install 'foretype[word2vec]'") from error
    model = Word2Vec(
        _Pieces(stream),
        vector_size=size,
        sg=int(kind == "skipgram"),
        window=window,
        epochs=epochs,
        min_count=1,
        sample=1e-3,
        workers=1,
        seed=seed,
    )
    spread = size**-0.5
    vectors = np.random.default_rng(seed).normal(0, spread, (vocab_size, size)).astype(np.float32)
    trained = model.wv.vectors
    vectors[model.wv.index_to_key] = trained * (spread / trained.std())
    return vectors
