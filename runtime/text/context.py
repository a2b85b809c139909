"""Turn the text before the cursor into what the engines need: the tokens before the word and the word's typed part."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from foretype.runtime.lazy import lazy
from foretype.runtime.text.abbreviations import Abbreviation, abbreviation_before
from foretype.runtime.text.form import LONGEST_RUN, TextForm
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, fold

WINDOW_CHARACTERS = 1024
"""The context reaches between one and two times this many characters back; see `window_start`."""
MAXIMUM_WORD = 64
"""Most characters of a word; nothing can complete a longer one."""
_DOCUMENT_SEARCH = 65_536
"""How many characters back to search for the blank line that starts the document."""

_CHUNK = re.compile(r"\S+|\n")
_SPACE = re.compile(r"\s")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_SURROGATE = re.compile("[\ud800-\udfff]")
# A word as the text form splits them (letters, digits inside, apostrophes inside), still open at the end.
_LETTER, _CHARACTER, _APOSTROPHE = r"[^\W\d_]", r"(?:[^\W_]|[\u0300-\u036f])", "['\u2018\u2019\u02bc·]"
_OPEN_WORD = re.compile(rf"(?<![^\W_]){_LETTER}{_CHARACTER}*(?:{_APOSTROPHE}{_CHARACTER}+)*{_APOSTROPHE}?$")
_WRITTEN_WORD = re.compile(r"[\w'\u2018\u2019\u02bc\u2010\u2011-]+$")
_WORD_AFTER = re.compile(r"((?:[^\W_]|['\u2018\u2019\u02bc](?=[^\W_]))*)[^\S\n]*((?:[^\W_]|['\u2019-](?=[^\W_]))*)")
_NO_PLACE_FOR_WORDS = re.compile(r"://|@|^www\.|[\\_`]", re.IGNORECASE)
_OPENERS = frozenset("([{<-\u2010\u2011\u2013\u2014/\u201c\u2018\u00a1\u00bf\u00ab")
_QUOTES = frozenset("\"'")


@dataclass(frozen=True)
class Context:
    """The context before the cursor.

    ids: tokens before the word at the cursor, from the start of the window; `<s>` first.
    prefix: the typed part of that word; "" before its first letter.
    head: the part before the prefix of the same run of letters, apostrophes and hyphens ("well-" in "well-kn").
    starts_sentence: whether a sentence starts with that word.
    open_to_words: False if no word can follow directly (after a comma without a space, inside a number or link).
    curly: whether the text writes its apostrophes as ’.
    dotted_i: whether the capital of "i" is "İ"; see `CaseRule`.
    after_abbreviation: whether the full stop before the word belongs to an abbreviation ("Mr.", "e.g.").
    window: the text that counts as context.
    """

    ids: tuple[int, ...]
    prefix: str
    head: str
    starts_sentence: bool
    open_to_words: bool
    curly: bool = False
    dotted_i: bool = False
    after_abbreviation: bool = False
    window: str = field(default="", compare=False, repr=False)

    @lazy
    def typed(self) -> str:
        """The typed part of the word without regard to case, by the rules of the language."""
        return fold(self.prefix.replace("I", "ı") if self.dotted_i else self.prefix)

    @property
    def replaces(self) -> int:
        """Number of characters directly before the cursor that belong to the word at the cursor."""
        return len(self.head) + len(self.prefix)

    @property
    def written_before(self) -> bool:
        """Whether the typed part already appears in the text as a word of its own."""
        return self.prefix != "" and f" {self.prefix} " in self.window


def window_start(text: str) -> int:
    """Return where the context of the end of `text` starts.

    This is the start of the document (after the last blank line) or, in a long document, white space between one and
    two windows back. The start moves only once per window, and only the text decides where. So a session that followed
    the typing and one that has just received the text read the same tokens.
    """
    start = _document_start(text)
    position = start + ((len(text) - start) // WINDOW_CHARACTERS - 1) * WINDOW_CHARACTERS
    if position > start:
        space = _SPACE.search(text, position)
        start = position if space is None else space.end()
    # Lines of other white space are blank as well, but searching the whole text for them would cost too much.
    for match in _BLANK_LINE.finditer(text, start):
        start = match.end()
    return start


def _document_start(text: str) -> int:
    """Return where the document at the end of `text` starts: after the last blank line."""
    blank = text.rfind("\n\n", max(0, len(text) - _DOCUMENT_SEARCH))
    return 0 if blank < 0 else blank + 2


def next_window(text: str) -> str | None:
    """Return the end of `text` that the window will start with after its next move; None while that is far off.

    The engines can read it ahead, a little at a time; see `Predictor.prepare`.
    """
    start = _document_start(text)
    windows, behind = divmod(len(text) - start, WINDOW_CHARACTERS)
    if not windows or behind < WINDOW_CHARACTERS // 4:
        return None
    space = _SPACE.search(text, start + windows * WINDOW_CHARACTERS)
    return None if space is None else text[space.end() :]


def open_word(chunk: str) -> str:
    """Return the word at the end of `chunk`, text without white space; "" if it does not end in a word."""
    match = _OPEN_WORD.search(chunk)
    return match.group() if match else ""


def takes_word(chunk: str) -> bool:
    """Return whether a word may follow directly after `chunk`, which does not end in a word."""
    if not chunk:
        return True
    if chunk[-1] in _QUOTES:
        return all(character in _QUOTES or character in _OPENERS for character in chunk)
    return chunk[-1] in _OPENERS


def without_surrogates(text: str) -> str:
    """Replace each lone surrogate in `text`, which a UTF-16 host may pass, by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def word_after(after: str) -> tuple[str, str]:
    """Return the rest of the word at the cursor and the word after it, both from `after`, the text after the cursor.

    If `after` starts with a space, the first is "" and the second is the word that follows.

    >>> word_after("ely to go"), word_after(" to go"), word_after(". So")
    (('ely', 'to'), ('', 'to'), ('', ''))
    """
    match = _WORD_AFTER.match(after)
    assert match is not None  # it may be empty
    return match.group(1), match.group(2)


class _Chunk(NamedTuple):
    """A finished run of characters without white space, or a line end.

    end: position of its end in the window. tokens: number of ids up to its end, including `<s>`. starts_after: whether
    a sentence starts after it.
    """

    end: int
    tokens: int
    starts_after: bool


_BEGIN = _Chunk(0, 1, True)


class ContextReader:
    """Reads contexts, and tokenises only what changed since the previous text.

    The tokens of a prefix are not always a prefix of the tokens ("3." may become "3.5"). So text counts as finished
    only at white space, and the text after the last white space is read again each time.
    """

    def __init__(self, form: TextForm) -> None:
        self._form = form
        self._window = ""
        self._chunks: list[_Chunk] = []
        self._ids: list[int] = [DOCUMENT_START_ID]
        self._path: tuple[int, ...] = (DOCUMENT_START_ID,)

    def read(self, text: str) -> Context:
        """Return the context at the end of `text`."""
        return self.read_window(text[window_start(text) :])

    def read_window(self, window: str) -> Context:
        """Return the context at the end of `window`, the text that counts as context."""
        window = without_surrogates(window)
        self._follow(window)
        last = self._chunks[-1] if self._chunks else _BEGIN
        path = self._path
        rest = window[last.end :].lstrip()
        if len(rest) > LONGEST_RUN:
            return Context(path, "", "", False, False)
        prefix = open_word(rest)
        before = rest[: len(rest) - len(prefix)]
        starts = last.starts_after
        if before:
            more, starts = self._form.encode_chunk(before, starts)
            path += more
        head = _WRITTEN_WORD.search(before)
        abbreviation = None if before else abbreviation_before(window, last.end)
        context = Context(
            ids=path,
            prefix=prefix,
            head=head.group() if head else "",
            starts_sentence=starts and abbreviation is not Abbreviation.OTHER,
            open_to_words=not _NO_PLACE_FOR_WORDS.search(rest) and (prefix != "" or takes_word(before)),
            curly=window.rfind("\u2019") > window.rfind("'"),
            dotted_i=self._form.rule.dotted_i,
            after_abbreviation=abbreviation is not None,
            window=window,
        )
        return context if context.replaces <= MAXIMUM_WORD else replace(context, open_to_words=False)

    def _follow(self, window: str) -> None:
        """Update the finished chunks to those of `window`, and keep the ones that both texts share."""
        chunks, ids = self._chunks, self._ids
        before = len(ids)
        if not window.startswith(self._window):
            shared = common_prefix(window, self._window)
            while chunks and chunks[-1].end >= shared:
                chunks.pop()
        self._window = window
        position, tokens, starts = chunks[-1] if chunks else _BEGIN
        del ids[tokens:]
        changed = tokens != before
        for match in _CHUNK.finditer(window, position):
            if match.end() == len(window) and match.group() != "\n":
                break
            if match.group() == "\n":
                if ids[-1] not in (DOCUMENT_START_ID, LINE_END_ID):
                    ids.append(LINE_END_ID)
                starts = True
            else:
                more, starts = self._form.encode_chunk(match.group(), starts)
                ids += more
            chunks.append(_Chunk(match.end(), len(ids), starts))
            changed = True
        if changed:
            self._path = tuple(ids)


def common_prefix(a: str, b: str) -> int:
    """Return how many characters `a` and `b` share from the start."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[:middle] == b[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
