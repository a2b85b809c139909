"""Measures keystroke savings: a simulated perfect user types a text with the model's suggestions.

The model is used as an application uses it: the context is the text before the cursor, and the suggestions come from
`Session.suggest`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.policy import Policy
from foretype.runtime.evaluation.calibration import expected_calibration_error
from foretype.runtime.evaluation.documents import LIST_LENGTHS, Document, count_words, plain, words_of
from foretype.runtime.personal.learning.attention import OVERLOOKS
from foretype.runtime.suggestion import Suggestions
from foretype.runtime.text.context import MAXIMUM_WORD
from foretype.runtime.text.vocabulary import Vocabulary, fold

Mode = Literal["plain", "text"]
Offer = tuple[float, bool]
"""The probability of an offered word, and whether it was the right one."""

_RESAMPLES = 1000


class _Session(Protocol):
    def suggest(self, text: str, k: int = 3) -> Suggestions: ...


class Suggesting(Protocol):
    """What is measured: a `Model` of words, or a `CharacterModel`."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that may be suggested."""

    def session(self, options: None = None, **changes: Any) -> _Session:
        """Create a session for one text field."""


@dataclass(frozen=True)
class User:
    """The simulated user.

    overlooks: the chance that the user overlooks a suggestion, as the model assumes it; see `SessionOptions`.
    attention: the chance that the user looks at the suggestions after a keystroke, and takes the right word if it is
    shown. typos: whether the session looks for slips.
    """

    overlooks: float = OVERLOOKS
    attention: float = 1.0
    typos: bool = True


DEFAULT_USER = User()


@dataclass
class Keystrokes:
    """The counts of a text typed by a perfect user.

    words .. vocabulary_limit have one entry per document; each entry of `keystrokes` has one column per list length.

    limit: keystrokes if every word were offered before its first letter. vocabulary_limit: keystrokes if every word in
        the vocabulary were.
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

        Also returns the calibration of the probability of the word offered for k=1, before the first letter of a word
        and after one: the calibration error, the mean probability and the share of right words, all as shares.
        """
        characters = np.array(self.characters, float)
        figures: dict[str, Any] = {"mode": self.mode, "words": sum(self.words), "documents": len(self.words)}
        for column, k in enumerate(LIST_LENGTHS):
            strokes = np.array([row[column] for row in self.keystrokes], float)
            figures[f"k{k}"] = percent_saved(characters, strokes)
            figures[f"k{k}_interval"] = savings_interval(characters, strokes)
        figures["limit"] = percent_saved(characters, np.array(self.limit, float))
        figures["vocabulary_limit"] = percent_saved(characters, np.array(self.vocabulary_limit, float))
        for place, offers in (("word", self.word_offers), ("letter", self.letter_offers)):
            probabilities, right = [offer[0] for offer in offers], [offer[1] for offer in offers]
            figures[f"calibration_error_{place}"] = expected_calibration_error(probabilities, right)
            figures[f"mean_probability_{place}"] = sum(probabilities) / max(1, len(offers))
            figures[f"share_right_{place}"] = sum(right) / max(1, len(offers))
        return figures

    def times(self) -> dict[str, float]:
        """Microseconds per suggestion: median and 99th percentile, after a letter, at a new word, and over all."""
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


def percent_saved(characters: NDArray[np.float64], strokes: NDArray[np.float64]) -> float:
    """What `strokes` save of `characters` in percent, over all documents together."""
    return 100.0 * (1.0 - float(strokes.sum()) / float(characters.sum())) if characters.any() else 0.0


def savings_interval(
    characters: NDArray[np.float64], strokes: NDArray[np.float64], resamples: int = _RESAMPLES
) -> list[float]:
    """The 95 % interval of `percent_saved`, by resampling documents."""
    if not characters.any():
        return [0.0, 0.0]
    generator = np.random.default_rng(0)
    saved = []
    for _ in range(resamples):
        draw = generator.integers(len(characters), size=len(characters))
        saved.append(percent_saved(characters[draw], strokes[draw]))
    return [float(bound) for bound in np.percentile(saved, (2.5, 97.5))]


def paired_gain(before: Keystrokes, after: Keystrokes, resamples: int = _RESAMPLES) -> tuple[float, list[float]]:
    """How many points more `after` saves on the same documents with three words shown, and the 95 % interval of that.

    Each resample draws the same documents for both (paired bootstrap, Koehn 2004).
    """
    column = LIST_LENGTHS.index(3)
    characters = np.array(before.characters, float)
    fewer = [a[column] - b[column] for a, b in zip(before.keystrokes, after.keystrokes, strict=True)]
    strokes = characters - np.array(fewer, float)  # so that what is saved is the difference
    return percent_saved(characters, strokes), savings_interval(characters, strokes, resamples)


def evaluate_keystrokes(
    model: Suggesting,
    documents: Iterable[Document],
    mode: Mode,
    done: Callable[[int], None] = lambda _: None,
    user: User = DEFAULT_USER,
) -> Keystrokes:
    """Type `documents` with the model's suggestions. Calls `done` with the number of words of each line.

    Accepting a suggestion costs one keystroke, and also types the following space if there is one. Each document starts
    with an empty context. Line ends cost no keystrokes.
    """
    result = Keystrokes(mode)
    for document in documents:
        _type_document(model, document, result, done, user)
    return result


def _type_document(
    model: Suggesting, document: Document, result: Keystrokes, done: Callable[[int], None], user: User
) -> None:
    # No deadline: figures must not depend on the speed of the machine.
    session = model.session(overlooks=user.overlooks, policy=Policy(deadline_ms=None), typos=user.typos)
    looks = random.Random(len(result.words))
    words, characters, limit, vocabulary_limit = 0, 0, 0, 0
    strokes = [0] * len(LIST_LENGTHS)
    before = ""
    for written in document:
        done(count_words([written]))
        line = plain(written) if result.mode == "plain" else written
        if not line and result.mode == "plain":
            continue
        characters += len(line)
        rest = len(line)
        for start, word, space in words_of(line):
            sees = [looks.random() < user.attention for _ in range(len(word))]
            typed = _letters_needed(session.suggest, before + line[:start], word, result, sees)
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


def _least_keystrokes(model: Suggesting, word: str, space: int) -> int:
    """Keystrokes of `word` if it is offered as early as possible.

    That is before its first letter. If hyphens or leading apostrophes come before the part that is in the vocabulary
    ("well-known"), it is after these.
    """
    folded = fold(word)
    cut = max(folded.rfind("-") + 1, len(folded) - len(folded.lstrip("'")))
    return cut + 1 if model.vocabulary.find(folded[cut:]) is not None else len(word) + space


def _letters_needed(
    suggest: Callable[..., Any], before: str, word: str, result: Keystrokes, sees: Sequence[bool]
) -> list[int | None]:
    """Letters of `word` typed until it is among the first k and seen, for each list length; None if it never is.

    sees: whether the user looks at the suggestions, by the number of typed letters.
    """
    wanted = fold(word) if result.mode == "plain" else word
    needed: list[int | None] = [None] * len(LIST_LENGTHS)
    for letters in range(min(len(word), MAXIMUM_WORD + 1)):  # beyond that many, nothing is offered
        text = before + word[:letters]
        seconds: list[float] = []
        for column, k in enumerate(LIST_LENGTHS):
            if needed[column] is None:
                begin = time.perf_counter()
                offered = suggest(text, k=k)
                seconds.append(time.perf_counter() - begin)
                texts = [fold(s.text) if result.mode == "plain" else s.text for s in offered]
                if wanted in texts and sees[letters]:
                    needed[column] = letters
                if column == 0 and offered:
                    offers = result.letter_offers if letters else result.word_offers
                    offers.append((offered[0].probability, texts[0] == wanted))
        # The first list does all the new work at a place; the other lists only filter.
        (result.letter_seconds if letters else result.word_seconds).append(seconds[0])
        if None not in needed:
            break
    return needed
