"""Builds the lexicon of rare words of a bundle from its corpus and word lists; `foretype export --lexicon` takes it.

    python scripts/build_lexicon.py en ../shared/corpus/train --lists /usr/share/dict/american-english-large \
        /usr/share/dict/british-english-large --more /usr/share/dict/american-english-huge \
        /usr/share/dict/british-english-huge --words 203000 --out lexicon.xz
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from foretype.runtime import load
from foretype.runtime.engines.lexicon import lexicon_file
from foretype.runtime.files.atomic import replacing
from foretype.runtime.filters import offensive_words
from foretype.runtime.text.corpus import find_files, read_documents
from foretype.train.text.lexicon import LexiconConfig, choose_words
from foretype.train.text.parallel import map_batches
from foretype.train.text.tokenizer import count_pieces


def read_lists(paths: list[Path]) -> Iterator[str]:
    """The words of word lists, one a line; possessives, which most lists hold for every noun, are left out."""
    lines = chain.from_iterable(path.read_text(encoding="utf-8").splitlines() for path in paths)
    return (line.strip() for line in lines if "'" not in line and len(line.strip()) > 2)


def lexicon_of(
    corpus: list[Path],
    known: Iterable[str],
    lists: Iterable[Iterable[str]],
    config: LexiconConfig,
    never: Iterable[str] = (),
) -> list[tuple[str, int]]:
    """The words of a lexicon, each with its class; see `choose_words`."""
    counts: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for path in find_files(corpus):
        found: Counter[str] = Counter()
        for anywhere, _ in map_batches(count_pieces, read_documents(path)):
            found.update(anywhere)
        counts.update(found)
        sources.update(found.keys())
    return choose_words(counts, sources, known, lists, never, config)


def write_lexicon(words: list[tuple[str, int]], out: Path) -> None:
    """Write a lexicon and print its size."""
    content = lexicon_file(words)
    with replacing(out) as temporary:
        temporary.write_bytes(content)
    print(f"lexicon: {len(words):,} words, {len(content):,} bytes", flush=True)


def build(bundle: str, corpus: list[Path], lists: list[Path], more: list[Path], words: int, out: Path) -> None:
    """Write the lexicon of an English bundle and print its size."""
    vocabulary = load(bundle, engine="ngram").vocabulary
    known = vocabulary.tokens[vocabulary.first_word :]
    read = [read_lists(lists), read_lists(more)]
    write_lexicon(lexicon_of(corpus, known, read, LexiconConfig(words=words), offensive_words()), out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="Name or folder of the bundle whose vocabulary the lexicon goes beyond.")
    parser.add_argument("corpus", type=Path, nargs="+", help="Text files or folders.")
    parser.add_argument("--lists", type=Path, nargs="*", default=[], help="Word lists.")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="Word lists of rarer words.")
    parser.add_argument("--words", type=int, default=200_000, help="Words at most.")
    parser.add_argument("--out", type=Path, required=True, help="The file to write.")
    build(**vars(parser.parse_args()))
