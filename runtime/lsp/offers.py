"""Turns suggestions into what an editor shows: a list of completions, and ghost text."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from foretype.runtime.lsp.document import Document, Place
from foretype.runtime.lsp.prose import Prose
from foretype.runtime.lsp.settings import LspSettings
from foretype.runtime.suggestion import Suggestion
from foretype.runtime.text_session import TextSession


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


def ghost(session: TextSession, prose: Prose, settings: LspSettings) -> Suggestion | None:
    """Return what to show as ghost text: the likeliest word, or a phrase that starts with it; None for nothing.

    There is none inside a line, on an empty line, or behind a word that is more likely finished.
    """
    before = prose.before
    if prose.after.strip() or not before[before.rfind("\n") + 1 :].strip():
        return None
    offered = session.suggest(before, k=settings.words, threshold=settings.threshold)
    best = offered[0] if offered else None
    if best is None or not best.ghost(before) or (best.replaces and session.finished(before) > best.probability):
        return None
    phrase = session.phrase(before) if settings.phrases else None
    return phrase if phrase is not None and phrase.text.startswith(best.text) else best


def ghost_item(shown: Suggestion, document: Document, place: Place) -> types.InlineCompletionItem:
    """Return a ghost text at `place` as an editor expects it: the whole word, and the letters that it replaces."""
    return types.InlineCompletionItem(shown.text, range=_replaced(shown, document, place))


def _replaced(suggestion: Suggestion, document: Document, place: Place) -> types.Range:
    """What the suggestion replaces, as the editor counts."""
    start = Place(place.line, place.character - suggestion.replaces)
    return client_range(document, start, Place(place.line, place.character + suggestion.replaces_after))


def client_range(document: Document, start: Place, end: Place) -> types.Range:
    """The text from `start` to `end`, as the editor counts."""
    return types.Range(types.Position(start.line, document.units(start)), types.Position(end.line, document.units(end)))
