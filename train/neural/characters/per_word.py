"""The perplexity of a character model, per character and per word."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from foretype.runtime.text.corpus import Document
from foretype.runtime.text.form import split_pieces
from foretype.train.neural.characters.alphabet import Alphabet, splitter
from foretype.train.neural.model.language_model import LanguageModel

_PIECE = 1000


@torch.no_grad()
def character_figures(model: LanguageModel, alphabet: Alphabet, documents: Iterable[Document]) -> dict[str, float]:
    """Measure how well a character model predicts `documents`, each read from the zero state.

    characters: number of characters, including line ends. bits_per_character: mean of -log2 p. tokens: number of words,
    punctuation marks and line ends that a word model would see. perplexity: exp(-sum of log p over all characters /
    tokens). The probability of a word is the product of those of its characters and of the space after it, so this
    compares with the perplexity per token of a word model, except that rare words are not merged into `<unk>` and that
    capitals at sentence starts count.
    """
    total, characters, tokens = 0.0, 0, 0
    for document in documents:
        ids = torch.tensor(alphabet.encode_document(document), device=model.output_bias.device)
        state = model.zero_state(1)
        for start in range(0, len(ids) - 1, _PIECE):
            piece = ids[start : start + _PIECE + 1]
            features, state = model(piece[:-1, None], state)
            logits = model.logits(features[:, 0]).float()
            total += float(torch.nn.functional.cross_entropy(logits, piece[1:], reduction="sum"))
        characters += len(ids) - 1
        tokens += sum(len(split_pieces(splitter(), line)) + 1 for line in document)
    return {
        "characters": characters,
        "tokens": tokens,
        "bits_per_character": total / max(1, characters) / math.log(2),
        "perplexity": math.exp(total / max(1, tokens)),
    }
