"""Order the offered words by the keystrokes that showing each of them now is expected to save.

A word that is not shown now is not lost: after some more letters, fewer words compete, and it is shown then. Showing it
now saves its probability times the number of letters until then. So a word that would appear after one more letter
gives way to a longer one that would stay hidden for three.
"""

from __future__ import annotations

from collections.abc import Sequence


def by_keystrokes_saved(
    keys: Sequence[str], probabilities: Sequence[float], typed: int, k: int, corrected: Sequence[int] = ()
) -> list[int]:
    """Return the positions of the candidates, ordered by what each saves if `k` are shown; ties by position.

    keys: the letters of each candidate; the first `typed` are the same in all. probabilities: in the same order.
    corrected: typed letters that each candidate saves typing again; empty if none does.

    The same rule applies after every further letter, so the answer is computed from the longest prefixes up.
    """
    letters = [1] * len(keys)

    def saved(word: int) -> float:
        return -probabilities[word] * letters[word]

    def wait(words: Sequence[int], depth: int) -> None:
        """Set `letters` of each word: how many more than `depth` must be typed until it is shown or complete."""
        groups: dict[str, list[int]] = {}
        for word in words:
            letters[word] = 1
            if len(keys[word]) > depth + 1:
                groups.setdefault(keys[word][depth], []).append(word)
        for group in groups.values():
            if len(group) > k:
                wait(group, depth + 1)
                group.sort(key=saved)
                for word in group[:k]:
                    letters[word] = 1
                for word in group[k:]:
                    letters[word] += 1

    wait(range(len(keys)), typed)
    for word, more in enumerate(corrected):
        letters[word] += more
    return sorted(range(len(keys)), key=saved)
