"""The perplexity of a character model, per character and per word."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from foretype.runtime.characters.alphabet import Alphabet, splitter
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import split_pieces


def character_figures(model: NeuralModel, alphabet: Alphabet, documents: Iterable[Document]) -> dict[str, float]:
    """Measure how well a character model predicts `documents`, each read from the zero state.

    characters: number of characters, including line ends. bits_per_character: mean of -log2 p. tokens: number of words,
    punctuation marks and line ends that a word model would see. perplexity: exp(-sum of log p over all characters /
    tokens). The probability of a word is the product of those of its characters and of the space after it, so this
    compares with the perplexity per token of a word model, except that rare words are not merged into `<unk>` and that
    capitals at sentence starts count.
    """
    total, characters, tokens = 0.0, 0, 0
    for document in documents:
        ids = alphabet.encode_document(document)
        state = model.initial_state()
        for character, following in pairwise(ids):
            logits, state = model.run([character], state)
            total += float(np.logaddexp.reduce(logits.astype(np.float64)) - logits[following])
        characters += len(ids) - 1
        tokens += sum(len(split_pieces(splitter(), line)) + 1 for line in document)
    return {
        "characters": characters,
        "tokens": tokens,
        "bits_per_character": total / max(1, characters) / math.log(2),
        "perplexity": math.exp(total / max(1, tokens)),
    }
