"""Mixes the n-gram tables of a bundle with those of a text, for models that start from the bundle."""

from __future__ import annotations

import numpy as np

from foretype.runtime.files.bundle import NGRAM, Bundle
from foretype.runtime.text.form import TextForm
from foretype.train.ngrams.backoff_model import BackoffModel
from foretype.train.ngrams.counting.counts import Array
from foretype.train.ngrams.interpolate import extend_vocabulary, fit_weights, interpolate
from foretype.train.ngrams.perplexity import log_probabilities
from foretype.train.ngrams.tables import load_tables


def bundle_tables(bundle: Bundle, form: TextForm) -> BackoffModel:
    """The tables of `bundle`, numbered for the vocabulary of `form`, which has all words of the bundle."""
    ids = np.array([form.vocabulary.exact[token] for token in bundle.text_form().vocabulary.tokens])
    return extend_vocabulary(load_tables(bundle.file(NGRAM)), ids, len(form.vocabulary))


def mix(general: BackoffModel, own: BackoffModel, held_out: Array) -> tuple[BackoffModel, float]:
    """The mixture of both that gives the tokens of held-out text the highest likelihood, and the share of `own` in it.

    Both have the same order and vocabulary.
    """
    likelihoods = [np.exp(log_probabilities(model, held_out)) for model in (own, general)]
    share = float(fit_weights(np.stack(likelihoods, 1))[0])
    return interpolate(general, own, share), share
