"""Measures how well a model predicts unseen text: perplexity and next-word accuracy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foretype.runtime.evaluation.documents import LIST_LENGTHS, Document, count_words
from foretype.runtime.model import Model
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.vocabulary import LINE_END_ID, UNKNOWN_ID


@dataclass
class Tokens:
    """Probabilities that a model gave to the tokens of a text.

    words, ends, marks, unknown: log-probabilities of known words, of line ends, of punctuation and classes, and of
    words outside the vocabulary (as `<unk>`). ranks: the rank of each word among all words, 0 for the best and infinity
    for unknown words. characters: number of characters in the text, including line ends.
    """

    words: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    ranks: list[float] = field(default_factory=list)
    characters: int = 0

    def figures(self) -> dict[str, Any]:
        """Perplexities, OOV rate and next-word accuracy, as plain JSON values."""
        known = self.words + self.ends
        every = known + self.unknown + self.marks
        words = len(self.words) + len(self.unknown)
        return {
            "words": words,
            "oov_rate": len(self.unknown) / max(1, words),
            "perplexity": _perplexity(known + self.unknown),
            "perplexity_without_unk": _perplexity(known),
            "perplexity_with_punctuation": _perplexity(every),
            "perplexity_per_character": math.exp(-sum(every) / max(1, self.characters)),
            **{f"top{k}": sum(rank < k for rank in self.ranks) / max(1, words) for k in LIST_LENGTHS},
        }


def _perplexity(log_probabilities: Sequence[float]) -> float:
    return math.exp(-sum(log_probabilities) / max(1, len(log_probabilities)))


def evaluate_tokens(
    model: Model, documents: Iterable[Document], done: Callable[[int], None] = lambda _: None
) -> Tokens:
    """Score every token of `documents`. Calls `done` with the number of words of each line."""
    result = Tokens()
    for document in documents:
        _score_document(model, document, result, done)
    return result


def _score_document(model: Model, document: Document, result: Tokens, done: Callable[[int], None]) -> None:
    predictor, first_word = model.predictor(), model.vocabulary.first_word
    for path, token in _positions(model, document, done):
        parts = predictor.parts(path)
        probability = float(predictor.mix(parts, 0)[token])
        score = math.log(max(probability, 1e-30))
        if token == LINE_END_ID:
            result.ends.append(score)
        elif token == UNKNOWN_ID:
            result.unknown.append(score)
            result.ranks.append(math.inf)
        elif token < first_word:
            result.marks.append(score)
        else:
            words = predictor.mix(parts, first_word)
            result.words.append(score)
            place = token - first_word
            # Among equally likely words, those earlier in the vocabulary are offered first.
            result.ranks.append(float(np.sum(words > words[place]) + np.sum(words[:place] == words[place])))
    result.characters += sum(len(line) + 1 for line in document)


def _positions(model: Model, document: Document, done: Callable[[int], None]) -> Iterable[tuple[tuple[int, ...], int]]:
    """Yield each token of `document`, with the path of tokens that the runtime would see before it."""
    reader = ContextReader(model.form)
    text = ""
    for line in document:
        for match in re.finditer(r"\S+", line):
            context = reader.read(text + line[: match.start()])
            path = context.ids
            for token in model.form.encode_text(match.group(), context.starts_sentence)[0]:
                yield path, token
                path = (*path, token)
        yield path if line.strip() else reader.read(text).ids, LINE_END_ID
        text += line + "\n"
        done(count_words([line]))
