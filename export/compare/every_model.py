"""The blend of every model of a comparison: their linear interpolation (Chelba et al. 2013, section 3.4).

The weights are those that give held-out text the highest likelihood. It is no bundle, because a bundle has one neural
model, but sessions and evaluations use it like one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretype.export.fit_blend import windows
from foretype.runtime.engines.blend import Probabilities
from foretype.runtime.engines.loading import EngineName
from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.errors import ExportError
from foretype.runtime.files.bundle import NGRAM
from foretype.runtime.lru import LeastRecentlyUsed
from foretype.runtime.model import Model, load
from foretype.train.ngrams.interpolate import fit_weights

Members = Mapping[str, tuple[Path, EngineName]]
"""The bundle of each model by its name, and the engine of it that counts."""

LEAST_SHARE = 0.01
"""Models with a smaller weight are left out: they cost time and add nothing."""


class _Interpolation(NgramModel):
    """The interpolation of several models in the place of an n-gram model, so that a `Model` runs it as its engine."""

    def __init__(self, models: Sequence[Model], shares: Sequence[float], base: NgramModel) -> None:
        self.order, self.vocab_size = base.order, base.vocab_size
        self._base, self._shares = base, shares
        self._predictors = [model.predictor() for model in models]
        self._kept: LeastRecentlyUsed[tuple[int, ...], Probabilities] = LeastRecentlyUsed(8)

    def probabilities(self, context: Sequence[int]) -> tuple[Probabilities, int]:
        """Return the distribution of the next token, float32 [vocab], and 0. Without tokens, the n-gram model's."""
        path = tuple(context)
        if not path:
            return self._base.probabilities(path)[0], 0
        found = self._kept.get(path)
        if found is None:
            found = np.zeros(self.vocab_size, np.float32)
            for predictor, share in zip(self._predictors, self._shares, strict=True):
                found += np.float32(share) * predictor.mix(predictor.parts(path), 0)
            self._kept.put(path, found)
        return found.copy(), 0


def fit_every(members: Members, stream: NDArray[np.unsignedinteger]) -> dict[str, float]:
    """Find the weight of each model, which give the words of `stream` (token ids of held-out text) the most likelihood.

    They sum to one; models below `LEAST_SHARE` get 0. Raises ExportError if the stream has no words.
    """
    models = [load(path, engine=engine) for path, engine in members.values()]
    first_word = models[0].vocabulary.first_word
    rows: list[list[float]] = []
    for tokens in windows(stream):
        predictors = [model.predictor() for model in models]
        for position in range(1, len(tokens)):
            if tokens[position] >= first_word:
                path, word = tuple(tokens[:position]), tokens[position] - first_word
                rows.append([float(each.mix(each.parts(path), first_word)[word]) for each in predictors])
    if not rows:
        raise ExportError("cannot fit the blend: the validation text contains no word of the vocabulary")
    probabilities = np.array(rows)
    shares = fit_weights(probabilities)
    kept = shares >= min(LEAST_SHARE, shares.max())
    shares[~kept] = 0.0
    shares[kept] = fit_weights(probabilities[:, kept])
    return dict(zip(members, shares.round(4).tolist(), strict=True))


def load_every(members: Members, weights: Mapping[str, float]) -> Model:
    """Load the blend of `members` with the given `weights`, as a model whose only engine it is."""
    chosen = {name: place for name, place in members.items() if weights[name] > 0}
    models = [load(path, engine=engine) for path, engine in chosen.values()]
    # The n-gram model with the longest contexts answers what is asked without a text.
    longest = max(members.values(), key=lambda place: NgramModel.open(place[0] / NGRAM).order)
    blend = load(longest[0], engine="ngram")
    blend.ngram = _Interpolation(models, [weights[name] for name in chosen], blend.ngram)
    return blend
