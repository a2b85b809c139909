"""The order in which words are offered: by the keystrokes that showing each of them now is expected to save.

A word that is not shown now is not lost: some letters on, fewer words compete, and it is shown then. What showing it
now saves is its probability times the letters until then, so a word that only one more letter would bring up anyway
gives way to a longer one that stays hidden for three.
"""

from __future__ import annotations

from collections.abc import Sequence


def by_keystrokes_saved(keys: Sequence[str], probabilities: Sequence[float], typed: int, k: int) -> list[int]:
    """Positions of the candidates, those first that save most when `k` of them are shown; ties by position.

    keys: the candidates' letters, the first `typed` the same in all. probabilities: of each, same order.
    The same rule decides after every further letter, so the answer is found from the longest prefixes up.
    """
    letters = [1] * len(keys)

    def saved(word: int) -> float:
        return -probabilities[word] * letters[word]

    def wait(words: Sequence[int], depth: int) -> None:
        """Set `letters` of each word: how many more than `depth` must be typed until it is shown, or complete."""
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
    return sorted(range(len(keys)), key=saved)
