"""Counts words; counts fade by forward decay (Cormode, Shkapenyuk, Srivastava and Xu 2009).

Old counts are never reduced. Instead, each new word counts more than the one before: 2^(words learned so far /
half-life). Sums stay comparable, no row has to be updated as time goes by, and sorting by weight sorts words by how
much they are worth keeping.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from foretype.runtime.personal.rows import (
    ACCEPTED_TRUST,
    Forgotten,
    Observation,
    age,
    get_number,
    ids_are_left,
    read_forgotten,
    set_value,
    word_id,
)
from foretype.runtime.personal.schema import DamageError, is_form
from foretype.runtime.personal.upkeep import rescale
from foretype.runtime.text.vocabulary import fold

_HIGHEST_EXPONENT = 400.0
"""Weights are scaled down before they reach 2 to the power of this number."""


class Counted(NamedTuple):
    """A word that `Store.learn` counted: its id in the store, its form, and the weight and trust that were added."""

    id: int
    form: str
    weight: float
    trust: int


def count_all(connection: sqlite3.Connection, observations: Sequence[Observation], half_life: float) -> list[Counted]:
    """Count words and return those that were counted. Forgotten words are not counted."""
    if not ids_are_left(connection):
        raise DamageError("no id is left for another word")
    tick = get_number(connection, "words")
    if age(connection) / half_life > _HIGHEST_EXPONENT:
        rescale(connection, half_life)
    landmark, forgotten = get_number(connection, "landmark"), read_forgotten(connection)
    counted = []
    for number, observation in enumerate(observations):
        weight = 2.0 ** ((tick + number - landmark) / half_life)
        id_ = _count(connection, observation, weight, forgotten)
        if id_ is not None:
            counted.append(Counted(id_, observation.word, weight, _trust_of(observation)))
    set_value(connection, "words", tick + len(observations))
    return counted


def scale_of(connection: sqlite3.Connection, half_life: float) -> float:
    """The weight of a word written now. Divide a weight by it to get a count in words written just now."""
    return float(2.0 ** min(age(connection) / half_life, 2 * _HIGHEST_EXPONENT))


def _trust_of(observation: Observation) -> int:
    """How much one use adds to the trust in a word."""
    return 1 + ACCEPTED_TRUST * observation.accepted


def _count(connection: sqlite3.Connection, observation: Observation, weight: float, forgotten: Forgotten) -> int | None:
    """Count a word after its context, and return its id.

    The context is cut so that it contains nothing forgotten. Returns None if the word itself was forgotten or is not a
    legal form.
    """
    forms = [*observation.context[-2:], observation.word]
    while not all(map(is_form, forms)) or forgotten.touches(forms):
        if len(forms) == 1:
            return None
        forms = forms[1:]
    word = _count_word(connection, forms[-1], weight, _trust_of(observation))
    # The context is a pair (a, b); a is 0 if the context is b alone.
    before = [_count_word(connection, form, 0.0, 0) for form in forms[:-1]]
    if before:
        _count_gram(connection, 0, before[-1], word, weight)
    if len(before) == 2:
        _count_gram(connection, before[0], before[1], word, weight)
    return word


def _count_word(connection: sqlite3.Connection, form: str, weight: float, trust: int) -> int:
    connection.execute(
        "INSERT INTO words(form, key, weight, trust) VALUES(?, ?, ?, ?) ON CONFLICT(form) DO UPDATE SET "
        "weight = weight + excluded.weight, trust = trust + excluded.trust",
        (form, fold(form), weight, trust),
    )
    id_ = word_id(connection, form)
    assert id_ is not None
    return id_


def _count_gram(connection: sqlite3.Connection, a: int, b: int, word: int, weight: float) -> None:
    connection.execute(
        "INSERT INTO grams VALUES(?, ?, ?, ?) ON CONFLICT(a, b, word) DO UPDATE SET weight = weight + excluded.weight",
        (a, b, word, weight),
    )
