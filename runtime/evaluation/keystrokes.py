"""How good a model is on text it never saw: perplexity, next-word accuracy, keystroke savings, and time.

The model is asked exactly as an application asks it: contexts come from the text before the cursor, suggestions from
`Session.suggest`.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.policy import Policy
from foretype.runtime.evaluation.calibration import expected_calibration_error
from foretype.runtime.model import Model
from foretype.runtime.text.context import MAXIMUM_WORD, ContextReader
from foretype.runtime.text.vocabulary import LINE_END_ID, UNKNOWN_ID, fold

Mode = Literal["plain", "text"]
Document = Sequence[str]
"""The lines of one document."""
Offer = tuple[float, bool]
"""The probability of a word that was offered, and whether it was the one wanted."""

LIST_LENGTHS = (1, 3, 5)
_WORD = re.compile(r"(?:[^\W_]|['\u2019-])+")
_NOT_PLAIN = re.compile(r"[^a-z']+")
_RESAMPLES = 1000


def plain(line: str) -> str:
    """`line` in the plain form of text-entry studies: lower case, only a-z, apostrophes and single spaces."""
    return _NOT_PLAIN.sub(" ", line.lower().replace("\u2019", "'")).strip()


def count_words(document: Document) -> int:
    """Words of `document` as keystroke savings count them."""
    return sum(1 for line in document for _ in _WORD.finditer(line))


@dataclass
class Tokens:
    """Probabilities that a model gave to the tokens of a text.

    words, ends, marks, unknown: log-probabilities of known words, of line ends, of punctuation and classes, and of
    words outside the vocabulary (as `<unk>`). ranks: the rank of each word among the words, 0 the best, unknown ones
    at infinity. characters: of the text, line ends included.
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
    """Score every token of `documents`; `done` is told the words of each document."""
    result = Tokens()
    for document in documents:
        _score_document(model, document, result)
        done(count_words(document))
    return result


def _score_document(model: Model, document: Document, result: Tokens) -> None:
    predictor, first_word = model.predictor(), model.vocabulary.first_word
    for path, token in _positions(model, document):
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
            # Of words that are equally likely, those that come first are offered first.
            result.ranks.append(float(np.sum(words > words[place]) + np.sum(words[:place] == words[place])))
    result.characters += sum(len(line) + 1 for line in document)


def _positions(model: Model, document: Document) -> Iterable[tuple[tuple[int, ...], int]]:
    """Each token of `document` after the path of tokens that the runtime would see before it."""
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


@dataclass
class Keystrokes:
    """A text typed by a perfect user; arrays hold one entry a document, keystrokes one column per list length.

    limit: keystrokes if every word were offered at once. vocabulary_limit: if every word of the vocabulary were.
    word_seconds, letter_seconds: time of each suggestion before the first letter of a word, and after a letter.
    word_offers, letter_offers: at the same places, the probability of the word offered for k=1, and whether it was
        right.
    """

    mode: Mode
    words: list[int] = field(default_factory=list)
    characters: list[int] = field(default_factory=list)
    keystrokes: list[list[int]] = field(default_factory=list)
    limit: list[int] = field(default_factory=list)
    vocabulary_limit: list[int] = field(default_factory=list)
    word_seconds: list[float] = field(default_factory=list)
    letter_seconds: list[float] = field(default_factory=list)
    word_offers: list[Offer] = field(default_factory=list)
    letter_offers: list[Offer] = field(default_factory=list)

    def savings(self) -> dict[str, Any]:
        """Keystroke savings in percent, with 95 % intervals by resampling documents, and the two limits.

        Beside them, as shares: how well the probability of the word offered for k=1 is calibrated, before the first
        letter of a word and after one, and the two means that the error compares in detail.
        """
        characters = np.array(self.characters, float)
        figures: dict[str, Any] = {"mode": self.mode, "words": sum(self.words), "documents": len(self.words)}
        for column, k in enumerate(LIST_LENGTHS):
            strokes = np.array([row[column] for row in self.keystrokes], float)
            figures[f"k{k}"] = _saved(characters, strokes)
            figures[f"k{k}_interval"] = _interval(characters, strokes)
        figures["limit"] = _saved(characters, np.array(self.limit, float))
        figures["vocabulary_limit"] = _saved(characters, np.array(self.vocabulary_limit, float))
        for place, offers in (("word", self.word_offers), ("letter", self.letter_offers)):
            probabilities, right = [offer[0] for offer in offers], [offer[1] for offer in offers]
            figures[f"calibration_error_{place}"] = expected_calibration_error(probabilities, right)
            figures[f"mean_probability_{place}"] = sum(probabilities) / max(1, len(offers))
            figures[f"share_right_{place}"] = sum(right) / max(1, len(offers))
        return figures

    def times(self) -> dict[str, float]:
        """Microseconds per suggestion: median and 99th percentile, after a letter, at a new word, and of all."""
        groups = {
            "letter": self.letter_seconds,
            "word": self.word_seconds,
            "any": self.letter_seconds + self.word_seconds,
        }
        return {
            f"{name}_p{q}": float(np.percentile(values, q)) * 1e6
            for name, values in groups.items()
            if values
            for q in (50, 99)
        }


def _saved(characters: NDArray[np.float64], strokes: NDArray[np.float64]) -> float:
    return 100.0 * (1.0 - float(strokes.sum()) / float(characters.sum())) if characters.any() else 0.0


def _interval(characters: NDArray[np.float64], strokes: NDArray[np.float64]) -> list[float]:
    if not characters.any():
        return [0.0, 0.0]
    random = np.random.default_rng(0)
    saved = []
    for _ in range(_RESAMPLES):
        draw = random.integers(len(characters), size=len(characters))
        saved.append(_saved(characters[draw], strokes[draw]))
    return [float(bound) for bound in np.percentile(saved, (2.5, 97.5))]


def evaluate_keystrokes(
    model: Model,
    documents: Iterable[Document],
    mode: Mode,
    done: Callable[[int], None] = lambda _: None,
    repeat: bool = True,
    typos: bool = True,
) -> Keystrokes:
    """Type `documents` with the model's suggestions; `done` is told the words of each document.

    repeat, typos: as in `Model.session`.

    A choice costs one keystroke and types the space that follows, where one does. The context starts anew with each
    document. Line ends are typed for nothing.
    """
    result = Keystrokes(mode)
    for document in documents:
        lines = [line for line in map(plain, document) if line] if mode == "plain" else document
        _type_document(model, lines, result, repeat, typos)
        done(count_words(document))
    return result


def _type_document(model: Model, document: Document, result: Keystrokes, repeat: bool, typos: bool) -> None:
    # Figures must not depend on the time of day.
    session = model.session(repeat=repeat, policy=Policy(deadline_ms=None), typos=typos)
    words, characters, limit, vocabulary_limit = 0, 0, 0, 0
    strokes = [0] * len(LIST_LENGTHS)
    before = ""
    for line in document:
        characters += len(line)
        rest = len(line)
        for match in _WORD.finditer(line):
            word = match.group()
            space = int(line[match.end() : match.end() + 1] == " ")
            typed = _letters_needed(session.suggest, before + line[: match.start()], word, result)
            for column, letters in enumerate(typed):
                strokes[column] += len(word) + space if letters is None else letters + 1
            limit += 1
            vocabulary_limit += _least_keystrokes(model, word, space)
            words += 1
            rest -= len(word) + space
        limit += rest
        vocabulary_limit += rest
        strokes = [count + rest for count in strokes]
        before += line + "\n"
    if characters:
        result.words.append(words)
        result.characters.append(characters)
        result.keystrokes.append(strokes)
        result.limit.append(limit)
        result.vocabulary_limit.append(vocabulary_limit)


def _least_keystrokes(model: Model, word: str, space: int) -> int:
    """Keystrokes of `word` when it is offered as soon as can be: before the first letter, or, where hyphens or
    apostrophes come before the part that the vocabulary holds ("well-known"), behind these."""
    folded = fold(word)
    cut = max(folded.rfind("-") + 1, len(folded) - len(folded.lstrip("'")))
    return cut + 1 if model.vocabulary.find(folded[cut:]) is not None else len(word) + space


def _letters_needed(suggest: Callable[..., Any], before: str, word: str, result: Keystrokes) -> list[int | None]:
    """Letters of `word` typed until it is among the first k, for each list length; None where it never is."""
    wanted = word.lower() if result.mode == "plain" else word
    needed: list[int | None] = [None] * len(LIST_LENGTHS)
    for letters in range(min(len(word), MAXIMUM_WORD + 1)):  # beyond that many, nothing is offered
        text = before + word[:letters]
        seconds: list[float] = []
        for column, k in enumerate(LIST_LENGTHS):
            if needed[column] is None:
                begin = time.perf_counter()
                offered = suggest(text, k=k)
                seconds.append(time.perf_counter() - begin)
                texts = [s.text.lower() if result.mode == "plain" else s.text for s in offered]
                if wanted in texts:
                    needed[column] = letters
                if column == 0 and offered:
                    offers = result.letter_offers if letters else result.word_offers
                    offers.append((offered[0].probability, texts[0] == wanted))
        # What is new at a place is done for the first list; the others only filter.
        (result.letter_seconds if letters else result.word_seconds).append(seconds[0])
        if None not in needed:
            break
    return needed
