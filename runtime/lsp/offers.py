"""Turns suggestions into what an editor shows: a list of completions, and ghost text."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from foretype.runtime.lsp.document import Document, Place
from foretype.runtime.lsp.prose import Prose
from foretype.runtime.lsp.settings import LspSettings
from foretype.runtime.session import Session
from foretype.runtime.suggestion import Suggestion


def completion_items(found: Iterable[Suggestion], document: Document, place: Place) -> list[types.CompletionItem]:
    """Return suggestions for `place` as completions that an editor keeps in this order.

    Editors rate the filter text against the typed letters before they look at `sortText`. The words start with these
    letters, so all are rated alike; one that changes them has the typed letters as its filter text.
    """
    items = []
    for number, suggestion in enumerate(found):
        typed = document.line(place.line)[place.character - suggestion.replaces : place.character]
        items.append(
            types.CompletionItem(
                label=suggestion.text,
                kind=types.CompletionItemKind.Text,
                sort_text=f"{number:04}",
                filter_text=None if suggestion.text.startswith(typed) else typed,
                text_edit=types.TextEdit(_replaced(suggestion, document, place), suggestion.text),
            )
        )
    return items


def ghost_items(
    session: Session, prose: Prose, document: Document, place: Place, settings: LspSettings
) -> list[types.InlineCompletionItem]:
    """Return at most one ghost text for `place`: the rest of the likeliest word, or of a phrase that starts with it.

    There is none inside a line, on an empty line, or behind a word that is more likely finished.
    """
    line = document.line(place.line)
    if prose.after.strip() or not line[: place.character].strip():
        return []
    offered = session.suggest(prose.before, k=settings.words)
    best = offered[0] if offered else None
    if best is None or not best.ghost(prose.before):
        return []
    if best.replaces and session.finished(prose.before) > best.probability:
        return []
    text = best.text
    if settings.phrases:
        phrase = session.phrase(prose.before)
        if phrase is not None and phrase.text.startswith(text):
            text = phrase.text
    return [types.InlineCompletionItem(text, range=_replaced(best, document, place))]


def _replaced(suggestion: Suggestion, document: Document, place: Place) -> types.Range:
    """What the suggestion replaces, as the editor counts."""
    start = Place(place.line, place.character - suggestion.replaces)
    return client_range(document, start, Place(place.line, place.character + suggestion.replaces_after))


def client_range(document: Document, start: Place, end: Place) -> types.Range:
    """The text from `start` to `end`, as the editor counts."""
    return types.Range(types.Position(start.line, document.units(start)), types.Position(end.line, document.units(end)))
