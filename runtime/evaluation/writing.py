"""Measures realistic writing: words typed with slips, and suggestions of several words.

`runtime.evaluation.misspelling` misspells words, in the same way each time. The text before each word is correct, as if
each word were corrected at once.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foretype.runtime.engines.policy import Policy
from foretype.runtime.evaluation.documents import Document, count_words
from foretype.runtime.evaluation.misspelling import RATE, misspell
from foretype.runtime.model import Model
from foretype.runtime.session import Session
from foretype.runtime.suggesting.phrases import CONFIDENCE
from foretype.runtime.text.vocabulary import fold

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LIST = 3
SHORTEST = 3
"""Minimum number of letters of a word whose corrections are counted."""


@dataclass
class Misspelt:
    """Counts for one kind of misspelt words: words in the vocabulary with at least `SHORTEST` letters.

    words: how many. at_end: how many were among the three offered words after the last letter. corrected: how many were
    among the three corrections after the following space. first: how many were the first correction.
    characters, with_typos, without: characters, and keystrokes with and without typo tolerance; see `Slips`.
    """

    words: int = 0
    at_end: int = 0
    corrected: int = 0
    first: int = 0
    characters: int = 0
    with_typos: int = 0
    without: int = 0

    def figures(self) -> dict[str, float]:
        """Shares of words, and keystroke savings in percent, as plain JSON values."""
        words = max(1, self.words)
        return {
            "words": self.words,
            "among_three_at_end": self.at_end / words,
            "among_three_finished": self.corrected / words,
            "first_finished": self.first / words,
            "savings": _saved(self.with_typos, self.characters),
            "savings_exact_prefixes": _saved(self.without, self.characters),
        }


@dataclass
class Slips:
    """The counts of a text typed with slips.

    The simulated user takes a word as soon as it is among the three offered. Otherwise, the user deletes the wrong
    letters and types them again.

    everything: all words. misspelt: words whose misspelling is not in the vocabulary. real_words: words that became
    another word of the vocabulary. seconds, seconds_exact: time of each suggestion after a letter, with typo tolerance
    and without.
    """

    everything: Misspelt = field(default_factory=Misspelt)
    misspelt: Misspelt = field(default_factory=Misspelt)
    real_words: Misspelt = field(default_factory=Misspelt)
    seconds: list[float] = field(default_factory=list)
    seconds_exact: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """All figures, as plain JSON values. Times are in microseconds."""
        return {
            "rate": RATE,
            "misspelt": self.misspelt.figures(),
            "real_words": self.real_words.figures(),
            "savings": _saved(self.everything.with_typos, self.everything.characters),
            "savings_exact_prefixes": _saved(self.everything.without, self.everything.characters),
            "microseconds": _quantiles(self.seconds),
            "microseconds_exact_prefixes": _quantiles(self.seconds_exact),
        }


def _saved(keystrokes: int, characters: int) -> float:
    return 100.0 * (1.0 - keystrokes / characters) if characters else 0.0


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{q}": float(np.percentile(seconds, q)) * 1e6 for q in (50, 90, 99)} if seconds else {}


def evaluate_slips(
    model: Model,
    documents: Iterable[Document],
    result: Slips | None = None,
    seed: int = 0,
    layout: str = "qwerty",
    done: Callable[[int], None] = lambda _: None,
) -> Slips:
    """Type `documents` with slips at 8 % of the letters. Adds to `result` if it is given."""
    result = result or Slips()
    draw = random.Random(seed)
    policy = Policy(deadline_ms=None)
    vocabulary = model.vocabulary
    for document in documents:
        tolerant = model.session(policy=policy, layout=layout)
        exact = model.session(policy=policy, typos=False)
        text = "\n".join(document)
        for match in _WORD.finditer(text):
            word, before = match.group(), text[: match.start()]
            typed = misspell(word, draw, layout=layout)
            kinds = [result.everything]
            if typed != word and len(word) >= SHORTEST and vocabulary.find(fold(word)) is not None:
                kinds.append(result.misspelt if vocabulary.find(fold(typed)) is None else result.real_words)
            strokes, at_end = _type(tolerant, before, typed, word, result.seconds)
            without, _ = _type(exact, before, typed, word, result.seconds_exact)
            for kind in kinds:
                kind.words += 1
                kind.characters += len(word) + 1
                kind.with_typos += strokes
                kind.without += without
            if len(kinds) > 1:
                read = [fold(s.text.strip()) for s in tolerant.corrections(before + typed + " ", _LIST, threshold=0.0)]
                kinds[1].at_end += at_end
                kinds[1].corrected += fold(word) in read
                kinds[1].first += fold(word) in read[:1]
        done(count_words(document))
    return result


def _type(session: Session, before: str, typed: str, word: str, seconds: list[float]) -> tuple[int, bool]:
    """Keystrokes for `word` and the following space if the user types `typed`.

    Also returns whether `word` is among the three offered words after the last letter.
    """

    def offered(letters: int) -> bool:
        begin = time.perf_counter()
        found = session.suggest(before + typed[:letters], k=_LIST)
        if letters:
            seconds.append(time.perf_counter() - begin)
        return fold(word) in [fold(suggestion.text) for suggestion in found]

    strokes = next((letters + 1 for letters in range(len(typed)) if offered(letters)), None)
    at_end = typed != word and offered(len(typed))
    if strokes is not None:
        return strokes, at_end
    if typed == word or at_end:
        return len(typed) + 1, at_end
    shared = next((i for i, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b), min(len(typed), len(word)))
    return len(typed) + (len(typed) - shared) + (len(word) - shared) + 1, False


@dataclass
class PhraseUse:
    """Counts of suggestions of several words, for a perfect user who sees one ghost text.

    keystrokes: with single words only. with_phrases: if a right phrase costs one key. offered: phrases shown; a phrase
    that stays while its first word is typed counts once. wrong: phrases of which not all words were right.
    words: words in all phrases. right_words: those that were right, counted from the first up to the first wrong one.
    """

    characters: int = 0
    keystrokes: int = 0
    with_phrases: int = 0
    offered: int = 0
    wrong: int = 0
    words: int = 0
    right_words: int = 0

    def figures(self) -> dict[str, float]:
        """Keystroke savings in percent, and the share of phrases that were wrong, as plain JSON values."""
        return {
            "savings": _saved(self.with_phrases, self.characters),
            "savings_words": _saved(self.keystrokes, self.characters),
            "offered": self.offered,
            "wrong": self.wrong / max(1, self.offered),
            "right_words": self.right_words / max(1, self.words),
        }


def evaluate_phrases(
    model: Model,
    documents: Iterable[Document],
    confidence: float = CONFIDENCE,
    result: PhraseUse | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> PhraseUse:
    """Type `documents`, taking the ghost text as soon as it is right. Adds to `result` if it is given."""
    result = result or PhraseUse()
    for document in documents:
        session = model.session(policy=Policy(deadline_ms=None))
        text = "\n".join(document)
        cursor = 0
        for match in _WORD.finditer(text):
            begin, word = match.start(), match.group()
            if begin >= cursor:  # otherwise a phrase already wrote this word
                strokes, end = _take(session, text, begin, word, confidence, result)
                result.with_phrases += begin - cursor + strokes
                cursor = end
        result.with_phrases += len(text) - cursor
        result.characters += len(text)
        result.keystrokes += _with_words(session, text)
        done(count_words(document))
    return result


def _take(session: Session, text: str, begin: int, word: str, confidence: float, result: PhraseUse) -> tuple[int, int]:
    """Keystrokes for the word at `begin`, and the position of the cursor after them."""
    counted: set[str] = set()
    for letters in range(len(word)):
        before = text[: begin + letters]
        found = session.suggest(before, k=1)
        if not found:
            continue
        phrase = session.phrase(before, confidence=confidence)
        if phrase is not None and phrase.text not in counted:
            counted.add(phrase.text)
            result.offered += 1
            words = phrase.text.split(" ")
            right = 0
            while right < len(words) and _stands(text, begin, " ".join(words[: right + 1])):
                right += 1
            result.words += len(words)
            result.right_words += right
            result.wrong += right < len(words)
            if right == len(words):
                return letters + 1, _after(text, begin + len(phrase.text))
        if found[0].text == word:
            return letters + 1, _after(text, begin + len(word))
    return len(word), begin + len(word)


def _stands(text: str, begin: int, phrase: str) -> bool:
    end = begin + len(phrase)
    return text.startswith(phrase, begin) and not text[end : end + 1].isalnum()


def _after(text: str, end: int) -> int:
    """The cursor after accepting a word that ends at `end`. Accepting also types the following space."""
    return end + int(text[end : end + 1] == " ")


def _with_words(session: Session, text: str) -> int:
    """Keystrokes for `text` if the best single word is taken as soon as it is right."""
    strokes = last = 0
    for match in _WORD.finditer(text):
        begin, word = match.start(), match.group()
        strokes += begin - last
        offered = (n for n in range(len(word)) if [s.text for s in session.suggest(text[: begin + n], k=1)] == [word])
        letters = next(offered, None)
        last = begin + len(word) if letters is None else _after(text, begin + len(word))
        strokes += len(word) if letters is None else letters + 1
    return strokes + len(text) - last
