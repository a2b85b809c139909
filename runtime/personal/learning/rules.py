"""Decides which parts of a text may be learned. Secrets, addresses, numbers, keys, links and code never are.

The rules look at one run of characters without white space (a chunk) and its line. They skip a word rather than risk
learning a secret; a word that is also written elsewhere is learned there.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from foretype.runtime.personal.learning.announced_secrets import Scope
from foretype.runtime.text.form import TextForm, is_title_case
from foretype.runtime.text.vocabulary import is_word

LINE_START = "<s>"
"""The context of the first word of a line."""
LONGEST_WORD = 32
_LEAST_RANDOM = 7
"""Shorter words are not tested for randomness: they have too few letters."""
_LEAST_WITH_VOWEL = 4
_VOWELLESS = re.compile("[bcdfghjklmnpqrstvwxz]+")
_LONGEST_NAME = 14
_ODD_PAIRS = 2
"""A word with at least this many letter pairs that are rare in English looks random. 3 % of random strings of ten
letters and 1 % of twelve have fewer; 1 % of English words have as many."""

WRAPPING = "\"'“”‘’()[]*,.;:!?…—–-¿¡«»„"
# Letters in pieces joined by single apostrophes, hyphens or a slash, as in "don't", "well-known", "and/or".
_WORDISH = re.compile(r"[^\W\d_]+(?:['’\u2018\u02bc\u2010\u2011/–—-]{1,2}[^\W\d_]+)*")
# Each letter, and the letters that follow it in at least 60 of 30,000 English words, or in 3 % of the words with it.
_PAIRS = """
a bcdfghiklmnprstuvwxyz   b abeilorsuy   c acehiklorstuy   d adegilmorsuy   e abcdefghiklmnopqrstuvwxy   f aefilorstu
g aeghilnorsu   h aeiortuy   i abcdefgklmnoprstvxz   j aeiou   k aeilnsy   l adeilmostuvy   m abeimopsuy
n acdefgiklnostuvy   o abcdefgiklmnoprstuvwyz   p aehiloprstu   q lu   r abcdefgiklmnoprstuvy   s acehiklmnopstuwy
t acehilmorstuwy   u abcdefgilmnprst   v aeio   w aehilnors   x aceiopt   y aceilmnoprst   z aeioyz
""".split()  # noqa: SIM905
_FOLLOWERS = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_CHUNK = re.compile(r"\S+")
_NUMBER = re.compile(r"\d|(?<!\S)@(?!\S)")
_LINK = re.compile(r"\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)")
_FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)


class Piece(NamedTuple):
    """A word or mark of a line.

    text: the piece as written inside a sentence; "" for a chunk of which nothing is learned. learnable: whether it may
    be learned; if not, it is not used as context either. chunk: the start of its chunk in the line. compound: on the
    first part of a hyphenated word, the whole word, if it may be learned.
    """

    text: str
    learnable: bool
    chunk: int = -1
    compound: str = ""


def learnable(word: str) -> bool:
    """Whether `word` (letters and apostrophes) looks like a word, not like a part of a key or password."""
    letters = "".join(c for c in unicodedata.normalize("NFC", word) if c.isalpha())
    if not letters or len(word) > LONGEST_WORD or any(map(str.isdigit, word)):
        return False
    turns = sum(a.islower() and b.isupper() for a, b in pairwise(letters))
    if turns > 2 or (turns > 1 and len(letters) > 12):
        return False  # "JavaScript" and "LaTeX" turn once or twice, "qXrTzLmB" more
    if len(letters) >= _LEAST_RANDOM:
        return not _looks_random(letters)
    # Reject "qkzv" and the like, but not acronyms, which have no vowels either.
    return (
        len(letters) < _LEAST_WITH_VOWEL
        or 2 * sum(map(str.isupper, letters)) > len(letters)
        or not _VOWELLESS.fullmatch(letters.casefold())
    )


def _looks_random(letters: str) -> bool:
    """Whether Latin letters follow each other as in no English word. Short names with one or two capitals pass."""
    if len(letters) <= _LONGEST_NAME and is_title_case(letters) and sum(map(str.isupper, letters)) <= 2:
        return False
    folded = unicodedata.normalize("NFD", letters.casefold())
    plain = "".join(c for c in folded if "a" <= c <= "z")
    if len(plain) < len(letters):  # another script, or letters that do not decompose to a-z
        return False
    return sum(b not in _FOLLOWERS[a] for a, b in pairwise(plain)) >= _ODD_PAIRS


def is_wordish(chunk: str, common: Callable[[str], bool]) -> bool:
    """Whether `chunk` contains only words and the marks around them: no digits, addresses, links, paths or code.

    A chunk of several words joined by a slash or hyphens must not look like a path or a key, unless all are common.

    common: tells whether a word is in general use.
    """
    core = chunk.strip(WRAPPING)
    if not core or _WORDISH.fullmatch(core) is None:
        return not core
    words = re.split(r"[/\u2010\u2011\u2013\u2014-]+", core)
    if len(words) == 1 or all(common(word) or common(word.casefold()) for word in words):
        return True
    return "/" not in core and not _looks_random("".join(filter(str.isalpha, core.casefold())))


def read_line(
    form: TextForm,
    line: str,
    own_form: Callable[[str], str | None],
    common: Callable[[str], bool],
    withheld: Scope,
    most: int | None = None,
) -> Iterator[Piece]:
    """Yield the words and marks of `line`, which may be only the beginning of a line.

    own_form: returns the form in which the user writes a word inside a sentence; None if it is not known.
    common: tells whether a word is in general use, so that it reveals nothing.
    withheld: parts of the line that may be an announced secret. most: read only this many chunks at the end; None: all.
    """
    chunks = list(_CHUNK.finditer(line))
    ticks = [place for place, character in enumerate(line) if character == "`"]
    links = [match.span() for match in _LINK.finditer(line)]
    shouting = len(chunks) > 1 and line.isupper()
    first = 0 if most is None else max(0, len(chunks) - most)
    starts = first == 0
    for number, match in enumerate(chunks[first:], first):
        chunk = match.group()
        in_code = bisect_left(ticks, match.start()) % 2 == 1 or "`" in chunk
        in_link = any(begin < match.end() and match.start() < end for begin, end in links)
        hidden = in_code or in_link or withheld.covers(*match.span()) or not is_wordish(chunk, common)
        if hidden:
            yield Piece("", False, match.start())
        # Streets, account and serial numbers, and addresses split over several chunks.
        guarded = shouting or _is_beside_number(chunks, number) or _in_groups(chunks, number, common)
        compound = "" if hidden or guarded else _compound(chunk)
        for piece in form.pieces(chunk):
            text = piece
            if is_word(piece) and ((starts and is_title_case(piece)) or shouting):
                text = own_form(piece) or piece
            starts = form.rule.starts_after(piece, starts)
            if not hidden:
                known = not is_word(piece) or common(text)
                whole = compound if is_word(piece) else ""
                compound = compound.removeprefix(whole)
                yield Piece(text, known or (learnable(piece) and not guarded), match.start(), whole)


def _is_beside_number(chunks: list[re.Match[str]], number: int) -> bool:
    """Whether a number or @ is at most three chunks before the chunk or, if it has a capital, two after it."""
    before = any(_NUMBER.search(other.group()) for other in chunks[max(0, number - 3) : number])
    after = any(_NUMBER.search(other.group()) for other in chunks[number + 1 : number + 3])
    return before or (after and any(map(str.isupper, chunks[number].group())))


def _in_groups(chunks: list[re.Match[str]], number: int, common: Callable[[str], bool]) -> bool:
    """Whether the chunk is one of three or more in a row with equal length and no common words, like a password."""
    length = len(chunks[number].group())
    run = 0
    for other in chunks[max(0, number - 2) : number + 3]:
        word = other.group()
        run = run + 1 if len(word) == length and not (common(word) or common(word.casefold())) else 0
        if run == 3:
            return True
    return False


def _compound(chunk: str) -> str:
    """The hyphenated word in `chunk`; "" if there is none that may be learned."""
    core = chunk.strip(WRAPPING).replace("\u2010", "-").replace("\u2011", "-").replace("\u2019", "'")
    parts = core.split("-")
    legal = len(parts) > 1 and len(core) <= LONGEST_WORD and all(map(learnable, parts)) and "/" not in core
    return core if legal else ""


def inside_fence(before: str) -> bool:
    """Whether the end of `before` is inside a fenced code block."""
    return ("```" in before or "~~~" in before) and len(_FENCE.findall(before)) % 2 == 1


def is_fence(line: str) -> bool:
    """Whether `line` begins or ends a fenced code block."""
    return _FENCE.match(line) is not None
