"""What a client on standard input and output can ask, and how it is told what went wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError
from serving import COMMAND, SCHEMA, Talk, check, standard

from foretype.runtime import load
from foretype.runtime.mixture import load_models
from foretype.runtime.serving.fields import Field
from foretype.runtime.serving.lines import LONGEST_LINE, Lines
from foretype.runtime.serving.methods import Open, Suggest
from foretype.runtime.serving.schema import make

SENTENCE = "we like the sea and the old man "


@pytest.fixture(scope="module")
def talk(tiny_bundle: Path) -> Iterator[Talk]:
    with standard("--bundle", str(tiny_bundle)) as (talk, process):
        yield talk
        assert process.stdin
        process.stdin.close()
        process.stdin = None


def test_the_schema_is_valid_and_made_from_the_code() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert make() == SCHEMA
    with pytest.raises(ValidationError):
        check("request.suggest", {"jsonrpc": "2.0", "id": 1, "method": "suggest", "params": {"field": "1", "text": ""}})


def test_hello_names_the_models_and_the_protocol(talk: Talk) -> None:
    welcome = talk.call("hello", protocol=1)
    assert (welcome["name"], welcome["protocol"]) == ("foretype", 1)
    assert {"en", "en-tiny"} <= {model["name"] for model in welcome["models"]}
    assert talk.error("hello", protocol=2) == (-32602, "protocol is 2; this server speaks 1")


def test_a_field_answers_as_a_session_does(talk: Talk, tiny_bundle: Path) -> None:
    field, session = talk.call("open", k=2)["field"], load(tiny_bundle).session()
    for end in range(len(SENTENCE) + 1):
        text = SENTENCE[:end]
        found = session.suggest(text, 2)
        told = talk.call("suggest", field=field, text=text)
        assert told["engine"] == found.engine
        assert [(word["text"], word["replaces"], word["ghost"]) for word in told["suggestions"]] == [
            (word.text, word.replaces, word.ghost(text)) for word in found
        ]
        assert [word["probability"] for word in told["suggestions"]] == pytest.approx([w.probability for w in found])
    assert len(talk.words(field, "we ", k=1)) == 1
    phrase = session.phrase("we ", confidence=0.0, words=2)
    assert phrase is not None
    told = talk.call("phrase", field=field, text="we ", confidence=0.0, words=2)
    assert told["suggestion"]["text"] == phrase.text
    corrected = session.corrections("i like ", 2, threshold=0.0)
    told = talk.call("corrections", field=field, text="i like ", threshold=0.0)
    assert [word["text"] for word in told["suggestions"]] == [word.text for word in corrected]
    talk.call("close", field=field)
    assert talk.error("suggest", field=field, text="")[0] == -32001


@pytest.mark.parametrize(("offsets", "replaced"), [("utf-16", 7), ("code-point", 6)])
def test_offsets_count_what_the_client_chose(talk: Talk, offsets: str, replaced: int) -> None:
    field = talk.call("open", model="en-tiny", offsets=offsets)["field"]
    found = talk.call("corrections", field=field, text="dont\U0001d54f ", threshold=0.0)["suggestions"]
    assert [word["replaces"] for word in found] == [replaced] * 3


def test_a_field_of_two_models_answers_as_their_mixture_does(talk: Talk) -> None:
    session = load_models("en-tiny+de").session()
    field = talk.call("open", model="en-tiny+de")["field"]
    for text in ("We would lik", "Ich freue mich auf das Wochen"):
        assert talk.words(field, text) == [word.text for word in session.suggest(text)]
    assert talk.words(field, "Ich freue mich auf das Wochen")[0] == "Wochenende"
    assert "klingon" in talk.error("open", model="en-tiny+klingon")[1]


def test_fields_do_not_meet(talk: Talk) -> None:
    first, second = (talk.call("open")["field"] for _ in range(2))
    alone = talk.words(first, "we ")
    talk.words(second, "the old ")
    assert talk.words(first, "we ") == alone
    assert talk.call("info")["fields"] >= 2


def test_nothing_is_learned_unless_open_names_a_store(talk: Talk, home: Path, tmp_path: Path) -> None:
    field = talk.call("open")["field"]
    assert talk.call("learn", field=field, text="tomahawk tomahawk") == {"words": 0}
    assert talk.call("private", field=field, private=False) == {"private": True}
    talk.call("finish", field=field)
    assert talk.error("forget", field=field, phrase="x")[0] == -32602
    assert not list(home.rglob("*.sqlite3"))
    store = tmp_path / "store.sqlite3"
    learner, reader = (talk.call("open", store=str(store))["field"] for _ in range(2))
    text = "we like tomahawk on and on and on "
    for end in range(1, len(text) + 1):
        talk.notify("commit", field=learner, text=text[:end])
    talk.call("finish", field=learner)
    assert store.stat().st_mode & 0o777 == 0o600
    assert "tomahawk" in talk.words(reader, "we like tom")
    assert talk.call("private", field=learner, private=True) == {"private": True}
    assert talk.call("learn", field=learner, text="walnut walnut walnut") == {"words": 0}
    assert talk.call("forget", field=reader, phrase="tomahawk")["entries"] >= 1
    assert "tomahawk" not in talk.words(reader, "we like tom")
    assert talk.call("info", field=learner)["private"]


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        (b"{", -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700, None),
        (b'{"params":' + b"[" * 100_000, -32700, None),
        (b"[]", -32600, None),
        (b'{"jsonrpc":"1.0","id":"a","method":"info"}', -32600, "a"),
        (b'{"jsonrpc":"2.0","id":null,"method":"info"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"nothing"}', -32601, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"info","params":[1]}', -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"open","params":{"profile":"a","store":"b"}}', -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"open","params":{"layout":"x"}}', -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"open","params":{"k":-1}}', -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"open","params":{"model":"nowhere"}}', -32002, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"finish","params":{"field":999}}', -32001, 7),
        (b" " * (LONGEST_LINE + 1), -32004, None),
    ],
    ids=lambda value: value[-60:].decode(errors="replace").strip() if isinstance(value, bytes) else None,
)
def test_a_bad_line_gets_an_error_and_the_next_line_is_served(
    talk: Talk, line: bytes, code: int, number: object
) -> None:
    talk.line(line)
    message = talk.receive()
    assert (message["error"]["code"], message["id"]) == (code, number)
    assert "\n" not in message["error"]["message"]
    assert talk.call("info")["process"]


def test_a_bad_notification_and_an_empty_line_get_no_reply(talk: Talk) -> None:
    talk.line(b'{"jsonrpc":"2.0","method":"nothing"}')
    talk.line(b"")
    talk.notify("finish", field=999)
    assert talk.call("info")["process"]


def test_a_line_that_is_too_long_is_not_kept() -> None:
    lines = Lines(longest=10)
    assert list(lines.feed(b"x" * 11)) == [None]
    for _ in range(3):
        assert list(lines.feed(b"x" * 1000)) == []
        assert lines.rest() == b""
    assert list(lines.feed(b"x\n0123456789\nrest")) == [b"0123456789"]
    assert lines.rest() == b"rest"


def test_requests_that_wait_are_cancelled_and_others_answered(talk: Talk) -> None:
    field, other = (talk.call("open")["field"] for _ in range(2))
    page = SENTENCE * 400
    with talk.together():
        long = [talk.send("suggest", field=field, text=page[number:]) for number in range(12)]
        talk.notify("cancel", id=long[-1])
        talk.notify("cancel", id=12345)
        quick = talk.send("suggest", field=other, text="we ")
    replies = [talk.receive() for _ in range(13)]
    order = [reply["id"] for reply in replies]
    assert [number for number in order if number in long] == long, "requests of one field are answered in their order"
    assert order.index(quick) < order.index(long[-1]), "a field does not wait for another"
    by_id = {reply["id"]: reply for reply in replies}
    assert by_id[long[-1]]["error"]["code"] == -32800
    assert all("result" in by_id[number] for number in [*long[:-1], quick])


def test_a_quick_question_does_not_overtake_a_slow_one_of_its_field(talk: Talk) -> None:
    field = talk.call("open")["field"]
    with talk.together():
        sent = [talk.send("suggest", field=field, text=text) for text in (SENTENCE * 400, "we ", "we l")]
    assert [talk.receive()["id"] for _ in sent] == sent


@pytest.mark.parametrize(
    ("text", "quick"),
    [
        ("we li", True),
        ("we l", True),
        ("we ", True),
        ("we", False),
        ("we li ", False),
        ("we li.", False),
        ("they ", False),
    ],
)
def test_fields_wait_for_each_other_only_where_no_model_runs(tiny_bundle: Path, text: str, quick: bool) -> None:
    field = Field(load(tiny_bundle), Open(), None)
    field.suggest(Suggest(field=1, text="we l"))
    assert field.is_quick(Suggest(field=1, text=text)) == quick


def test_an_id_that_waits_is_not_taken_again(talk: Talk) -> None:
    field = talk.call("open")["field"]
    with talk.together():
        number = talk.send("suggest", field=field, text=SENTENCE * 400)
        talk.line(json.dumps({"jsonrpc": "2.0", "id": number, "method": "info"}).encode())
    replies = [talk.receive() for _ in range(2)]
    assert [reply["id"] for reply in replies] == [number, number]
    assert replies[0]["error"]["code"] == -32600
    assert replies[1]["result"]["suggestions"]


def test_the_requests_that_wait_are_bounded(talk: Talk) -> None:
    field = talk.call("open")["field"]
    with talk.together():
        sent = [talk.send("suggest", field=field, text=SENTENCE * 400)]
        sent += [talk.send("finish", field=field) for _ in range(1400)]
    replies = [talk.receive() for _ in sent]
    assert sorted(reply["id"] for reply in replies) == sent
    refused = [reply for reply in replies if "error" in reply]
    assert {reply["error"]["code"] for reply in refused} == {-32005}
    assert len(refused) <= 401


def test_the_end_of_input_ends_the_server_after_the_last_reply(tiny_bundle: Path, home: Path) -> None:
    """Also of a file, and of a last line without a line feed; and what was typed last is not learned."""
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "open", "params": {"profile": "default"}},
        {"jsonrpc": "2.0", "method": "commit", "params": {"field": 1, "text": "walnut"}},
        {"jsonrpc": "2.0", "id": 2, "method": "info"},
    ]
    (home / "requests").write_text("\n".join(json.dumps(request) for request in requests))
    with (home / "requests").open() as lines:
        command = [*COMMAND, "serve", "--bundle", str(tiny_bundle)]
        result = subprocess.run(command, stdin=lines, capture_output=True, text=True, timeout=20, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert {json.loads(line)["id"] for line in result.stdout.splitlines()} == {1, 2}
    shown = subprocess.run([*COMMAND, "personal", "show"], capture_output=True, text=True, check=False).stdout
    assert "walnut" not in shown
