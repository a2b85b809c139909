"""A baseline without context: words of a text that hunspell knows, most frequent first (Debian: hunspell-en-us)."""

from __future__ import annotations

import bisect
import ctypes
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

DICTIONARY = "/usr/share/hunspell/en_US"
WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")


def load(model: str, options: list[str]) -> Callable[[str, int], list[str]]:
    """Read the counts that `train` wrote."""
    counts: dict[str, int] = json.loads(Path(model).read_text(encoding="utf-8"))
    ordered = sorted((word.lower(), word) for word in counts)
    keys = [key for key, _ in ordered]

    def suggest(text: str, k: int) -> list[str]:
        typed = re.findall(r"[\w'\u2019-]*$", text)[0]
        start, end = bisect.bisect_left(keys, typed.lower()), bisect.bisect(keys, typed.lower() + "\U0010ffff")
        best = sorted(ordered[start:end], key=lambda pair: -counts[pair[1]])[:k]
        return [word[:1].upper() + word[1:] if typed[:1].isupper() else word for _, word in best]

    return suggest


def train(text: str, model: str) -> None:
    """Count the words of a text that hunspell accepts, each in its most frequent spelling."""
    library = ctypes.CDLL("libhunspell-1.7.so.0")
    library.Hunspell_create.restype = ctypes.c_void_p
    library.Hunspell_spell.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    handle = library.Hunspell_create(f"{DICTIONARY}.aff".encode(), f"{DICTIONARY}.dic".encode())
    spellings: dict[str, Counter[str]] = {}
    for word, count in Counter(WORD.findall(Path(text).read_text(encoding="utf-8"))).items():
        spellings.setdefault(word.lower(), Counter())[word] += count
    counts = {}
    for forms in spellings.values():
        word = forms.most_common(1)[0][0]
        if library.Hunspell_spell(handle, word.encode()):
            counts[word] = forms.total()
    Path(model).write_text(json.dumps(counts, ensure_ascii=False), encoding="utf-8")
