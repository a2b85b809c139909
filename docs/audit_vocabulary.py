"""Lists words of a bundle for a person to read through: what may be a nick, a number, an address, or a slur.

python docs/audit_vocabulary.py en ../shared/corpus/train/ubuntu_irc.txt.xz ../shared/corpus/train
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from foretype.runtime import load
from foretype.runtime.filters import offensive_words
from foretype.runtime.text.corpus import read_documents
from foretype.runtime.text.vocabulary import fold

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
MOSTLY = 0.9
"""A word is one of the chat logs where at least this part of its uses stands there."""


def count(paths: list[Path]) -> Counter[str]:
    """Folded words of the texts."""
    counts: Counter[str] = Counter()
    for path in paths:
        for document in read_documents(path):
            for line in document:
                counts.update(map(fold, _WORD.findall(line)))
    return counts


def main(bundle: str, chat: Path, corpus: Path) -> None:
    """Print the four lists."""
    model = load(bundle, engine="ngram")
    vocabulary = model.vocabulary
    withheld = {int(place) for place in model.withheld} | set(model.blocked.positions)
    words = [
        (word, key)
        for place, (word, key) in enumerate(
            zip(vocabulary.tokens[vocabulary.first_word :], vocabulary.keys, strict=True)
        )
        if place not in withheld
    ]
    print("odd characters:", *(word for word, _ in words if not re.fullmatch(r"[^\W_]+('[^\W_]+)*", word)))
    print("long numbers:", *(word for word, _ in words if re.search(r"\d{4}", word)))
    slurs = [word for word in offensive_words() if len(word) > 3]
    print("holds a word of the offensive list:", *(word for word, key in words if any(slur in key for slur in slurs)))
    in_chat = count([chat])
    elsewhere = count([path for path in sorted(corpus.iterdir()) if path.name != chat.name])
    print(
        "hardly ever written outside of the chat logs:",
        *(word for word, key in words if in_chat[key] > MOSTLY * (in_chat[key] + elsewhere[key])),
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
