"""KenLM: scores every word of its vocabulary that fits the typed letters (`pip install kenlm`).

KenLM scores words and does not search for them, so this is exact and slow. Its vocabulary is written beside the model.
"""

from __future__ import annotations

import bisect
import heapq
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import kenlm

ORDER = 3
WORD = re.compile(r"[\w'\u2019-]+|[^\w\s]")


def load(model: str, options: list[str]) -> Callable[[str, int], list[str]]:
    """Load the ARPA file that `train` wrote, and the words of its 1-grams."""
    scores = kenlm.Model(model)
    with open(model, encoding="utf-8") as file:
        lines = iter(file)
        for line in lines:
            if line == "\\1-grams:\n":
                break
        words = []
        for line in lines:
            if not line.strip():
                break
            words.append(line.split("\t")[1].strip())
    ordered = sorted((word.lower(), word) for word in words if word[0].isalpha())
    keys = [key for key, _ in ordered]

    def suggest(text: str, k: int) -> list[str]:
        line = text.rpartition("\n")[2]
        typed = re.findall(r"[\w'\u2019-]*$", line)[0]
        state, following = kenlm.State(), kenlm.State()
        scores.BeginSentenceWrite(state)
        for word in WORD.findall(line[: len(line) - len(typed)]):
            scores.BaseScore(state, word, following)
            state, following = following, kenlm.State()
        start, end = bisect.bisect_left(keys, typed.lower()), bisect.bisect(keys, typed.lower() + "\U0010ffff")
        scored = ((scores.BaseScore(state, word, following), word) for _, word in ordered[start:end])
        return [word for _, word in heapq.nlargest(k, scored)]

    return suggest


def train(text: str, model: str) -> None:
    """Estimate a model of 3-grams by KenLM's own `lmplz`, on words and punctuation split by spaces."""
    lines = Path(text).read_text(encoding="utf-8").splitlines()
    split = "\n".join(" ".join(WORD.findall(line)) for line in lines)
    command = ["lmplz", "-o", str(ORDER), "--discount_fallback", "-S", "20%", "--arpa", model]
    subprocess.run(command, input=split.encode(), check=True)
