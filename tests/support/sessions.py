"""Writing in a session, and what it suggests and learns."""

from __future__ import annotations

from foretype.runtime import Session
from foretype.runtime.personal.store import Store


def texts(session: Session, text: str, k: int = 3) -> list[str]:
    return [suggestion.text for suggestion in session.suggest(text, k=k)]


def write(session: Session, text: str, before: str = "") -> str:
    """Type `text` letter by letter; returns all that stands there then."""
    for letter in text:
        before += letter
        session.suggest(before)
        session.commit(before)
    return before


def forms(store: Store) -> list[str]:
    return [word.form for word in store.show(1000)]
