"""Finds the prose at a place of a document: what stands before and after it, and whether words are wanted there."""

from __future__ import annotations

import re
from typing import NamedTuple

from foretype.runtime.lsp.document import Document, Place
from foretype.runtime.lsp.settings import COMMIT_MESSAGES, LspSettings
from foretype.runtime.lsp.source_code import SYNTAXES, comment_at

_COMMIT_COMMENT = re.compile(r"^#.*\n?", re.MULTILINE)
_SCISSORS = re.compile(r"^# -+ >8 -+$", re.MULTILINE)
"""Below this line, `git commit --verbose` shows the changes."""
_QUOTED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)


class Prose(NamedTuple):
    """The prose before the cursor, and the rest of its line behind the cursor."""

    before: str
    after: str


def prose_at(document: Document, place: Place, settings: LspSettings) -> Prose | None:
    """Return the prose at `place`, the context of the words that may follow; None if no words are wanted there."""
    language = document.language
    before, after = document.before(place), document.line(place.line)[place.character :]
    if language in settings.languages:
        if language in COMMIT_MESSAGES:
            if document.line(place.line).startswith("#") or _SCISSORS.search(before):
                return None
            before = _COMMIT_COMMENT.sub("", before)
        return Prose(before, after)
    if language in SYNTAXES and (settings.comments or settings.strings):
        found = comment_at(SYNTAXES[language], before, after, settings.comments, settings.strings)
        return None if found is None else Prose(*found)
    return None


def own_text(text: str, language: str) -> str:
    """`text`, with an empty line in the place of each that its user did not write: quoted mail, comments of git."""
    text = _QUOTED.sub("", text)
    if language in COMMIT_MESSAGES:
        scissors = _SCISSORS.search(text)
        text = re.sub("(?m)^#.*$", "", text if scissors is None else text[: scissors.start()])
    return text
