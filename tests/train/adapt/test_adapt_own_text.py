"""A person's own text is found in every kind of file, and text of others is not."""

from __future__ import annotations

import json
import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from foretype.runtime.errors import CorpusError
from foretype.train.adapt.own_text import read_own_text

REPLY = f"""Hi Bob,

I will bring the two large tents and also the small stove, so please
leave yours at home.

See you at eight

On Mon, 2 Nov 2026 at 10:00, Bob <bob@example.org>
wrote:
> Shall I bring the QUOTED stove?
>
> Bob

Ann
{"-- "}
Ann Example, SIGNATURE street
"""
OWN = [
    "Hi Bob,",
    "I will bring the two large tents and also the small stove, so please leave yours at home.",
    "See you at eight",
    "Ann",
]


def message(sender: str, body: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, "someone@example.org"
    mail.set_content(body)
    return mail


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    box = mailbox.mbox(tmp_path / "sent.mbox")
    box.add(message("Ann <ann@example.org>", REPLY))
    box.close()
    return tmp_path / "sent.mbox"


def test_quotations_their_introduction_and_signatures_are_left_out_of_mail(mbox: Path) -> None:
    assert read_own_text([mbox]) == [OWN]


def test_the_original_below_a_reply_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "one.eml"
    below = "Fine with me.\n\nFrom: Bob <bob@example.org>\nSent: Monday\nTo: Ann\n\nthe ORIGINAL text\n"
    file.write_bytes(message("ann@example.org", below).as_bytes())
    assert read_own_text([file]) == [["Fine with me."]]


def test_mail_of_several_people_needs_to_know_who_is_the_user(mbox: Path) -> None:
    box = mailbox.mbox(mbox)
    box.add(message("bob@example.org", "Mine not yours."))
    box.close()
    with pytest.raises(CorpusError, match=r"sent\.mbox: text by ann@example\.org, bob@example\.org; .*--me"):
        read_own_text([mbox])
    assert read_own_text([mbox], ["ANN@"]) == [OWN]
    with pytest.raises(CorpusError, match="nothing by Carl; its text is by ann"):
        read_own_text([mbox], ["Carl"])


def test_a_maildir_is_read_as_mail_inside_a_folder_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    box = mailbox.Maildir(tmp_path / "notes" / "mail")
    box.add(message("ann@example.org", "From the Maildir."))
    (tmp_path / "notes" / "a.md").write_text(
        "# Plan\n\nBuy *more* tents\nand a [stove](http://x.org).\n", encoding="utf-8"
    )
    (tmp_path / "notes" / "b.txt").write_text("first\n\nsecond\nline\n", encoding="utf-8")
    (tmp_path / "notes" / ".hidden.txt").write_text("hidden\n", encoding="utf-8")
    (tmp_path / "notes" / "c.png").write_bytes(b"\x89PNG")
    assert read_own_text([tmp_path / "notes"]) == [
        ["Plan", "Buy more tents and a stove."],
        ["first"],
        ["second", "line"],
        ["From the Maildir."],
    ]


def test_markdown_keeps_prose_only(tmp_path: Path) -> None:
    file = tmp_path / "note.md"
    file.write_text(
        "---\ntitle: META\n---\n- [x] call Tom\n> QUOTED\n\n```\nCODE\n```\n| TABLE | x |\n<b>bold</b> end\n"
        "<!-- COMMENT -->\n1. one\n2. two\n",
        encoding="utf-8",
    )
    assert read_own_text([file]) == [["call Tom", "bold end", "one", "two"]]


WHATSAPP = """[31/12/25, 22:15:02] Messages are end-to-end encrypted.
[31/12/25, 22:15:02] Ann: happy new year
and a second line
[31/12/25, 22:16:00] Bob: FOREIGN: to you too
[31/12/25, 22:17:41] Ann: \u200eimage omitted
[31/12/25, 22:18:00] Ann: see you
"""
MESSAGES = [
    {"from": "Ann", "text": "happy new year"},
    {"from": "Bob", "text": "FOREIGN"},
    {"from": "Ann", "text": "see you"},
]
TELEGRAM = {
    "chats": {
        "list": [
            {
                "name": "Bob",
                "messages": [
                    {"type": "service", "actor": "Ann", "text": "NOTICE"},
                    {"type": "message", "from": "Ann", "text": ["happy ", {"type": "bold", "text": "new"}, " year"]},
                    {"type": "message", "from": "Ann", "text": "FORWARDED", "forwarded_from": "Carl"},
                    {"type": "message", "from": "Bob", "text": "FOREIGN"},
                    {"type": "message", "from": "Ann", "text": ["see you", {"type": "link", "text": "LINK"}]},
                ],
            }
        ]
    }
}
SIGNAL = [
    {"type": "outgoing", "body": "happy new year"},
    {"type": "incoming", "source": "+1555", "body": "FOREIGN"},
    {"type": "outgoing", "body": "see you"},
]


@pytest.mark.parametrize(
    ("content", "ending", "me"),
    [
        (json.dumps(MESSAGES), "json", ["ann"]),
        (json.dumps(TELEGRAM), "json", ["Ann"]),
        (json.dumps(SIGNAL), "json", ["me"]),
        (WHATSAPP.replace("and a second line\n", ""), "txt", ["Ann"]),
        (WHATSAPP.replace("and a second line\n", "").replace("[31/", "31/").replace("] ", " - "), "txt", ["Ann"]),
    ],
    ids=["simple", "telegram", "signal", "whatsapp", "whatsapp-android"],
)
def test_only_the_users_messages_are_read_from_a_chat(content: str, ending: str, me: list[str], tmp_path: Path) -> None:
    file = tmp_path / f"chat.{ending}"
    file.write_text(content, encoding="utf-8")
    assert [line for document in read_own_text([file], me) for line in document] == ["happy new year", "see you"]


def test_a_message_of_several_lines_stays_whole(tmp_path: Path) -> None:
    file = tmp_path / "chat.txt"
    file.write_text(WHATSAPP, encoding="utf-8")
    assert read_own_text([file], ["Ann"])[0] == ["happy new year", "and a second line"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "not JSON"), ('{"a": 1}', "no chat export; expected"), ('["x"]', "no chat export; expected")],
)
def test_json_that_is_no_chat_is_refused(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"chat\.json: {message}"):
        read_own_text([file])
    with pytest.raises(CorpusError, match="no such file or folder"):
        read_own_text([tmp_path / "missing"])
