"""Measures typing speed: a simulated person types a text with suggestions, and every key and look takes time.

The same chances decide for every typist, list length and threshold, so that differences are due to these alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretype.runtime.engines.policy import Policy
from foretype.runtime.evaluation.documents import LIST_LENGTHS, Document, count_words, plain, words_of
from foretype.runtime.evaluation.keystrokes import Mode, Suggesting, percent_saved, savings_interval
from foretype.runtime.evaluation.typist import Typist
from foretype.runtime.personal.learning.attention import OVERLOOKS
from foretype.runtime.text.context import MAXIMUM_WORD
from foretype.runtime.text.vocabulary import fold
from foretype.runtime.typos.keyboards import neighbours

Offer = Callable[[str], Sequence[str]]
"""The text before the cursor -> the words shown there, first to last."""


class Setting(NamedTuple):
    """k: how many words are shown at most. threshold: words less probable than this are not shown."""

    k: int
    threshold: float


TODAY = Setting(3, 0.0)
"""The defaults of `Session.suggest`."""
THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
SETTINGS = tuple(Setting(k, threshold) for k in LIST_LENGTHS for threshold in THRESHOLDS)
_CHARACTERS = 5
"""Characters of a word, as text-entry studies count words a minute."""


class Chances(NamedTuple):
    """Random numbers from 0 to 1 for one word: one for each letter, and one for its end."""

    looks: Sequence[float]
    misses: Sequence[float]
    slips: Sequence[float]
    notices: Sequence[float]
    wrong: Sequence[float]


def draw_chances(word: str, *seed: int) -> Chances:
    """The chances of `word`, the same for the same `seed`."""
    return Chances(*np.random.default_rng(seed).random((len(Chances._fields), len(word) + 1)).tolist())


@dataclass
class Typed:
    """The time in seconds of one or more words, the keys pressed (a choice is one), and how many words were chosen."""

    seconds: float = 0.0
    keys: int = 0
    accepted: int = 0


class _Hands:
    """Presses keys and looks at lists for one word, and adds up what that takes."""

    def __init__(self, typist: Typist, word: str, space: int, chances: Chances) -> None:
        self.typist, self.word, self.space, self.chances = typist, word, space, chances
        self.typed = Typed()

    def press(self, keys: int, shown: Sequence[str]) -> None:
        """Press `keys` keys beside a list of the words `shown`."""
        self.typed.keys += keys
        self.typed.seconds += keys * (self.typist.key + (self.typist.passing if shown else 0.0))

    def takes(self, shown: Sequence[str], place: int, keys: int) -> bool:
        """Look at the list at `place`, and take the word if that is faster than `keys` more keys."""
        typist = self.typist
        if not shown or self.chances.looks[place] >= typist.looks or keys - self.space < typist.least:
            return False
        sees = self.word in shown and self.chances.misses[place] >= typist.misses
        rank = shown.index(self.word) if sees else len(shown) - 1
        self.typed.seconds += typist.look + (rank + 1) * typist.read
        choose = typist.choose + rank * typist.step
        if not sees or choose >= keys * typist.key:
            return False
        self.typed.keys += 1
        self.typed.accepted = 1
        self.typed.seconds += choose
        return True


def type_word(offer: Offer, before: str, word: str, space: int, typist: Typist, chances: Chances, layout: str) -> Typed:
    """Type `word` and the space after it, if there is one, after the text `before`.

    At each letter, the typist may look at the list and take the word, which types the space too. A wrong letter is
    deleted at once, or stays until the word ends: then the typist looks for the word in the list, or deletes back to
    the wrong letter and types on from there.
    """
    near = neighbours(layout)
    hands = _Hands(typist, word, space, chances)
    stands = ""
    first_wrong: int | None = None
    for place, letter in enumerate(word):
        shown = offer(before + stands) if place <= MAXIMUM_WORD else ()
        if hands.takes(shown, place, len(word) - place + space):
            return hands.typed
        hands.press(1, shown)
        beside = near.get(letter.lower(), "")
        if beside and chances.slips[place] < typist.errors:
            if first_wrong is None and chances.notices[place] < typist.notices:
                hands.typed.seconds += typist.notice
                hands.press(2, shown)
            else:
                first_wrong = place if first_wrong is None else first_wrong
                letter = beside[int(chances.wrong[place] * len(beside))]
        stands += letter
    if first_wrong is not None:
        hands.typed.seconds += typist.notice
        shown = offer(before + stands) if len(word) <= MAXIMUM_WORD else ()
        again = 2 * (len(word) - first_wrong)
        if hands.takes(shown, len(word), again + space):
            return hands.typed
        hands.press(again, shown)
    # Only a device that steps over the list meets it once more here.
    hands.press(space, offer(before + word) if typist.passing and len(word) <= MAXIMUM_WORD else ())
    return hands.typed


@dataclass
class TypingSpeed:
    """Times of a text: one entry for each document in every list.

    without, suggested: what each typist needed without suggestions, and with each setting.
    """

    mode: Mode
    words: list[int] = field(default_factory=list)
    characters: list[int] = field(default_factory=list)
    without: dict[str, list[Typed]] = field(default_factory=dict)
    suggested: dict[tuple[str, Setting], list[Typed]] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Figures of each typist, as plain JSON values.

        words_per_minute: five characters are a word. time_saved, keystrokes_saved: percent of the time and of the keys
        without suggestions, corrections included; time with a 95 % interval. accepted: share of the words that were
        chosen. best: the setting with the most words a minute. over_today: percent of the time with `TODAY` that it
        saves, with its interval.
        """
        typists = {}
        for name, alone in self.without.items():
            rows = [self._row(name, setting) for typist, setting in self.suggested if typist == name]
            best = max(rows, key=lambda row: float(row["words_per_minute"]))
            typists[name] = {"without": self._speed(_seconds(alone).sum()), "settings": rows, "best": best}
            if (name, TODAY) in self.suggested:
                today = _seconds(self.suggested[name, TODAY])
                now = _seconds(self.suggested[name, Setting(best["k"], best["threshold"])])
                typists[name]["over_today"] = percent_saved(today, now)
                typists[name]["over_today_interval"] = savings_interval(today, now)
        return {"mode": self.mode, "documents": len(self.words), "words": sum(self.words), "typists": typists}

    def _row(self, name: str, setting: Setting) -> dict[str, Any]:
        typed, without = self.suggested[name, setting], self.without[name]
        seconds, alone = _seconds(typed), _seconds(without)
        keys, keys_alone = (np.array([part.keys for part in parts], float) for parts in (typed, without))
        return {
            **setting._asdict(),
            "words_per_minute": self._speed(seconds.sum()),
            "time_saved": percent_saved(alone, seconds),
            "time_saved_interval": savings_interval(alone, seconds),
            "keystrokes_saved": percent_saved(keys_alone, keys),
            "accepted": sum(part.accepted for part in typed) / max(1, sum(self.words)),
        }

    def _speed(self, seconds: float) -> float:
        return float(sum(self.characters) / _CHARACTERS / seconds * 60) if seconds else 0.0


def _seconds(typed: Sequence[Typed]) -> NDArray[np.float64]:
    return np.array([part.seconds for part in typed])


def evaluate_typists(
    model: Suggesting,
    documents: Iterable[Document],
    mode: Mode,
    typists: Mapping[str, Typist],
    settings: Sequence[Setting] = SETTINGS,
    seed: int = 0,
    layout: str = "qwerty",
    done: Callable[[int], None] = lambda _: None,
) -> TypingSpeed:
    """Let each typist type `documents` with each setting and without suggestions.

    The rules are those of `evaluate_keystrokes`; the context is the correct text. Calls `done` with the number of words
    of each line.
    """
    result = TypingSpeed(mode, without={name: [] for name in typists})
    result.suggested = {(name, setting): [] for name in typists for setting in settings}
    for number, document in enumerate(documents):
        _type_document(model, document, result, typists, (seed, number), layout, done)
    return result


def _type_document(
    model: Suggesting,
    document: Document,
    result: TypingSpeed,
    typists: Mapping[str, Typist],
    seed: tuple[int, int],
    layout: str,
    done: Callable[[int], None],
) -> None:
    # No deadline: figures must not depend on the speed of the machine.
    session = model.session(overlooks=OVERLOOKS, policy=Policy(deadline_ms=None), layout=layout)
    without = {name: Typed() for name in typists}
    suggested = {key: Typed() for key in result.suggested}
    words, characters, before = 0, 0, ""
    for written in document:
        done(count_words([written]))
        line = plain(written) if result.mode == "plain" else written
        rest = len(line)
        for start, word, space in words_of(line):
            context, wanted = before + line[:start], fold(word) if result.mode == "plain" else word
            chances = draw_chances(wanted, *seed, words)
            offers = {s: _offer(session.suggest, s, result.mode) for s in dict.fromkeys(s for _, s in suggested)}
            for name, typist in typists.items():
                _add(without[name], type_word(lambda _: (), context, wanted, space, typist, chances, layout))
            for (name, setting), total in suggested.items():
                _add(total, type_word(offers[setting], context, wanted, space, typists[name], chances, layout))
            words += 1
            rest -= len(word) + space
        for name, total in [*without.items(), *((name, total) for (name, _), total in suggested.items())]:
            _add(total, Typed(rest * typists[name].key, rest))
        characters += len(line)
        before += line + "\n"
    if characters:
        result.words.append(words)
        result.characters.append(characters)
        for name, typed in without.items():
            result.without[name].append(typed)
        for key, typed in suggested.items():
            result.suggested[key].append(typed)


def _offer(suggest: Callable[..., Iterable[Any]], setting: Setting, mode: Mode) -> Offer:
    """What `suggest` shows with `setting`. Each text is asked about once, although every typist meets it."""

    @cache
    def offer(text: str) -> Sequence[str]:
        shown = suggest(text, k=setting.k, threshold=setting.threshold)
        return [fold(found.text) if mode == "plain" else found.text for found in shown]

    return offer


def _add(total: Typed, part: Typed) -> None:
    total.seconds += part.seconds
    total.keys += part.keys
    total.accepted += part.accepted
