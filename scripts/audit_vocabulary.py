"""Lists the words of a bundle that a person should read through: possible nicknames, numbers, addresses and slurs.

python scripts/audit_vocabulary.py en ../shared/corpus/train/ubuntu_irc.txt.xz ../shared/corpus/train
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

from foretype.runtime import load
from foretype.runtime.filters import offensive_words
from foretype.runtime.text.corpus import find_files, read_documents
from foretype.runtime.text.vocabulary import fold

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
MOSTLY = 0.9
"""A word belongs to the chat logs if at least this share of its uses is there."""


def count(paths: list[Path]) -> Counter[str]:
    """Count the folded words of the texts."""
    counts: Counter[str] = Counter()
    for path in paths:
        for document in read_documents(path):
            for line in document:
                counts.update(map(fold, _WORD.findall(line)))
    return counts


def audit(bundle: str, chat: Path, corpus: Path) -> None:
    """Print the four lists."""
    model = load(bundle, engine="ngram")
    vocabulary = model.vocabulary
    withheld = {int(place) for place in model.withheld} | set(model.blocked.positions)
    pairs = zip(vocabulary.tokens[vocabulary.first_word :], vocabulary.keys, strict=True)
    words = [pair for place, pair in enumerate(pairs) if place not in withheld]
    slurs = [word for word in offensive_words() if len(word) > 3]
    in_chat = count([chat])
    elsewhere = count([path for path in find_files([corpus]) if path.name != chat.name])
    print("odd characters:", *(word for word, _ in words if not re.fullmatch(r"[^\W_]+('[^\W_]+)*", word)))
    print("long numbers:", *(word for word, _ in words if re.search(r"\d{4}", word)))
    print(
        "contains a word of the offensive list:", *(word for word, key in words if any(slur in key for slur in slurs))
    )
    print(
        "mostly used in the chat logs:",
        *(word for word, key in words if in_chat[key] > MOSTLY * (in_chat[key] + elsewhere[key])),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="Name or folder of a bundle.")
    parser.add_argument("chat", type=Path, help="The chat logs: a text file.")
    parser.add_argument("corpus", type=Path, help="A folder of texts to compare them with.")
    audit(**vars(parser.parse_args()))
