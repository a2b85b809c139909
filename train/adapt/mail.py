"""Reads what a person wrote in mail: mbox files, Maildirs and single messages, without quoted text and signatures."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

from foretype.runtime.text.corpus import Document
from foretype.train.adapt.authors import Written

_WRAPPED_AT = 50
"""A line of at least this many characters that the next one follows directly was broken by the mail program."""
_SIGNATURE = re.compile(r"^-- ?$|^(?:Sent from|Get Outlook for|Von meinem|Envoyé de|Enviado desde) .{0,40}$")
_ORIGINAL = re.compile(
    r"^[\s*_]*-{2,} ?(?:Original|Forwarded|Begin forwarded|Ursprüngliche)|^_{10,}$|^Begin forwarded message:"
)
_HEADER = re.compile(r"^\*?(?:From|Von|De|Da|Van): ?\*? ?\S")
_SECOND_HEADER = re.compile(r"^\*?(?:Sent|Date|To|Subject|Gesendet|Datum|Envoyé|Enviado): ?\*? ?\S")
_INTRODUCES = re.compile(r"(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|escreveu|schreef) ?.{0,60}: *$")
_INTRODUCTION = 3
"""Most lines of the sentence that introduces a quotation, such as "On 1 May 2026, Ann wrote:"."""


def is_mbox(path: Path, beginning: bytes) -> bool:
    """Whether a file is an mbox, by its name or its beginning."""
    return path.suffix == ".mbox" or beginning.startswith(b"From ")


def is_maildir(path: Path) -> bool:
    """Whether a folder is a Maildir."""
    return (path / "cur").is_dir() and (path / "new").is_dir()


def read_mbox(path: Path) -> Iterator[Written]:
    """Yield the messages of an mbox."""
    return _messages(mailbox.mbox(path, create=False))


def read_maildir(path: Path) -> Iterator[Written]:
    """Yield the messages of a Maildir."""
    return _messages(mailbox.Maildir(path, create=False))


def read_message(path: Path) -> Iterator[Written]:
    """Yield the message in a file."""
    yield from _parsed([path.read_bytes()])


def _messages(box: mailbox.Mailbox[mailbox.mboxMessage] | mailbox.Mailbox[mailbox.MaildirMessage]) -> Iterator[Written]:
    try:
        yield from _parsed(box.get_bytes(key) for key in box.iterkeys())
    finally:
        box.close()


def _parsed(messages: Iterable[bytes]) -> Iterator[Written]:
    for content in messages:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        name, address = parseaddr(str(message.get("From", "")))
        if lines := own_lines(_body(message)):
            yield Written(address or name or "unknown", lines)


def _body(message: EmailMessage) -> str:
    """The plain text of a message; "" if it has none. A charset that Python does not know is read as UTF-8."""
    part = message.get_body(preferencelist=("plain",))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        content = part.get_payload(decode=True)
        return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def own_lines(body: str) -> Document:
    """Return the lines of `body` that its sender wrote, with broken lines joined.

    Quoted lines and the sentence that introduces them are left out; so is all after a signature's "-- " or the header
    of a forwarded message.
    """
    lines = [line.rstrip() for line in body.splitlines()]
    kept: list[str] = []
    for number, line in enumerate(lines):
        if _SIGNATURE.match(line) or _ORIGINAL.match(line):
            break
        if _HEADER.match(line) and any(_SECOND_HEADER.match(other) for other in lines[number + 1 : number + 4]):
            break
        if line.lstrip().startswith((">", "|")):
            _drop_introduction(kept)
            continue
        kept.append(line)
    _drop_introduction(kept)
    return _joined(kept)


def _drop_introduction(kept: list[str]) -> None:
    """Remove the sentence at the end of `kept` that introduces a quotation, if there is one."""
    last = len(kept)
    while last and not kept[last - 1]:
        last -= 1
    if not last or not _INTRODUCES.search(kept[last - 1]):
        return
    first = last - 1
    while first and kept[first - 1] and last - first < _INTRODUCTION and not _starts_introduction(kept[first]):
        first -= 1
    del kept[first if _starts_introduction(kept[first]) else last - 1 :]


def _starts_introduction(line: str) -> bool:
    return re.match(r"(?:On|Am|Le|El|Il|Em|Op) ", line) is not None


def _joined(lines: list[str]) -> Document:
    joined: Document = []
    open_ended = False
    for line in lines:
        if not line.strip():
            open_ended = False
            continue
        if open_ended and not re.match(r"\s*(?:[-*•]|\d+[.)]) ", line):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line.strip())
        open_ended = len(line) >= _WRAPPED_AT
    return joined
