"""Reads chat exports: WhatsApp's text, the JSON of Telegram and Signal, and a simple JSON.

The simple JSON is a list of objects with `from` and `text`:

    [{"from": "Ann", "text": "see you at eight"}, {"from": "Bob", "text": "ok"}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from foretype.runtime.errors import CorpusError
from foretype.train.adapt.authors import Written

_MESSAGE = re.compile(
    r"^[\u200e\u200f]*\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:[ \u202f][AaPp]\.?[Mm]\.?)?"
    r"(?:\] | - )(?:([^:\n]{1,60}): )?(.*)$"
)
"""A message of WhatsApp's export: "[31/12/25, 22:15:02] Ann: text" or "12/31/25, 10:15 PM - Ann: text". Without a name,
it is a notice of the program."""
_PLACEHOLDER = re.compile(
    r"^[\u200e\u200f]*(?:<[^<>]{3,60}>|(?:image|video|audio|sticker|GIF|document) omitted|.*message was deleted\.?)$"
)
_LOOKED_AT = 20


def is_whatsapp(text: str) -> bool:
    """Whether `text` is a chat that WhatsApp exported: most of its first lines begin with a time and a name."""
    lines = text.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    return (
        2 * sum(_MESSAGE.match(line) is not None for line in lines) >= len([line for line in lines if line.strip()]) > 0
    )


def read_whatsapp(text: str) -> Iterator[Written]:
    """Yield the messages of a chat that WhatsApp exported."""
    author, lines = "", list[str]()
    for line in text.splitlines():
        match = _MESSAGE.match(line)
        if match:
            if author and lines:
                yield Written(author, lines)
            author, lines, line = match.group(1) or "", [], match.group(2)
        if author and line.strip() and not _PLACEHOLDER.match(line):
            lines.append(line.strip())
    if author and lines:
        yield Written(author, lines)


def read_json(content: str, where: str) -> Iterator[Written]:
    """Yield the messages of a chat export in JSON. Raises CorpusError, which names `where`, if it is none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where}: not JSON ({error})") from error
    messages = _messages(value)
    if messages is None:
        raise CorpusError(
            f'{where}: no chat export; expected Telegram, Signal, or [{{"from": "Ann", "text": "hello"}}, ...]'
        )
    for message in messages:
        lines = [line.strip() for line in _text(message).splitlines() if line.strip()]
        author = _author(message)
        if lines and author is not None:
            yield Written(author, lines)


def _messages(value: Any) -> list[dict[str, Any]] | None:
    """The messages in an export, or None if it holds none."""
    if isinstance(value, dict):
        if isinstance(chats := value.get("chats"), dict):
            value = chats.get("list")
        for name in ("messages", "conversations"):
            if isinstance(value, dict) and name in value:
                value = value[name]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    inner = [item["messages"] for item in value if isinstance(item.get("messages"), list)]
    if inner:
        return _messages([message for messages in inner for message in messages])
    return value if any("text" in item or "body" in item for item in value) else None


def _text(message: dict[str, Any]) -> str:
    """The text of a message. Telegram gives a list where parts are links, code and the like; only plain parts count."""
    text = message.get("text", message.get("body"))
    if isinstance(text, list):
        return "".join(part if isinstance(part, str) else _part(part) for part in text)
    return text if isinstance(text, str) else ""


def _part(part: Any) -> str:
    styled = isinstance(part, dict) and part.get("type") in ("bold", "italic", "underline", "strikethrough", "plain")
    return str(part.get("text", "")) if styled else " "


def _author(message: dict[str, Any]) -> str | None:
    """Who wrote a message: "" for the user where the export says so, None for a notice or a forwarded message."""
    if message.get("forwarded_from") or message.get("type") == "service":
        return None
    if message.get("type") == "outgoing":  # Signal
        return ""
    author = next((message[name] for name in ("from", "sender", "author", "source") if message.get(name)), None)
    return None if author is None else str(author)
