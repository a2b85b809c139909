"""Ranking by keystrokes saved: against typing on, letter by letter, with the same rule."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foretype.runtime.suggesting.ranking import by_keystrokes_saved


def ranked(words: dict[str, float], typed: int, k: int) -> list[str]:
    keys = list(words)
    return [keys[i] for i in by_keystrokes_saved(keys, list(words.values()), typed, k)]


def letters_until_shown(words: dict[str, float], word: str, typed: int, k: int) -> int:
    """Letters that a user who wants `word` types, from `typed` on, until the rule shows it or it is complete."""
    for length in range(typed + 1, len(word)):
        rivals = {key: p for key, p in words.items() if key.startswith(word[:length]) and len(key) > length}
        if word in ranked(rivals, length, k)[:k]:
            return length - typed
    return max(1, len(word) - typed)


def test_a_word_hidden_behind_another_comes_before_one_that_shows_anyway() -> None:
    """After «b», only «bxy» is shown, so showing «bcd» now saves two letters, and the others one."""
    assert ranked({"a": 0.3, "bxy": 0.26, "bcd": 0.2}, typed=0, k=1) == ["bcd", "a", "bxy"]


def test_words_that_all_show_after_the_next_letter_stay_in_order_of_probability() -> None:
    words = {"like": 0.5, "look": 0.2, "see": 0.2, "lose": 0.1}
    assert ranked(words, typed=0, k=3) == list(words)


@given(
    words=st.dictionaries(st.text("ab", min_size=1, max_size=6), st.integers(1, 9), max_size=14),
    k=st.integers(1, 4),
)
def test_words_are_ordered_by_probability_times_the_letters_saved(words: dict[str, int], k: int) -> None:
    likely: dict[str, float] = dict(sorted(words.items(), key=lambda item: -item[1]))
    expected = sorted(likely, key=lambda word: -likely[word] * letters_until_shown(likely, word, 0, k))
    assert ranked(likely, typed=0, k=k) == expected


def test_a_complete_correction_also_saves_the_letters_that_would_be_typed_again() -> None:
    """ "ueber" stands for "über": taking it saves four letters, although none is left to type."""
    keys, probabilities = ["ueber", "ueberall", "ueberaus"], [0.1, 0.12, 0.11]
    assert by_keystrokes_saved(keys, probabilities, 5, 2)[0] != 0
    assert by_keystrokes_saved(keys, probabilities, 5, 2, [5, 0, 0])[0] == 0
