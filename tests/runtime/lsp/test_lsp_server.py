"""The language server as an editor meets it: a real process, spoken to over its pipes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lsp_client import LspClient, language_client

from foretype.runtime.personal.store import Store

pytest.importorskip("pygls", reason="the language server needs the extra `lsp`")
EMOJI = "Well 👍 I think that you rem"


def start(item: dict[str, Any]) -> int:
    column: int = item["textEdit"]["range"]["start"]["character"]
    return column


@pytest.mark.parametrize(
    ("encodings", "chosen", "width"),
    [((), "utf-16", 2), (("utf-8", "utf-16"), "utf-8", 4), (("utf-32",), "utf-32", 1)],
)
def test_positions_are_counted_as_agreed(
    tiny_bundle: Path, encodings: tuple[str, ...], chosen: str, width: int
) -> None:
    with language_client(tiny_bundle, encodings=encodings) as client:
        assert client.capabilities["positionEncoding"] == chosen
        client.open(EMOJI)
        end = len(EMOJI) - 1 + width
        item = client.complete(0, end)["items"][0]
        assert item["label"] == item["textEdit"]["newText"] == "remember"
        replaced = {"start": {"line": 0, "character": end - 3}, "end": {"line": 0, "character": end}}
        assert item["textEdit"]["range"] == replaced
        ghost = client.ghosts(0, end)[0]
        assert ghost["insertText"].startswith("remember")
        assert ghost["range"] == replaced
        client.edit((0, 5), (0, 5 + width), "")
        assert start(client.complete(0, end - width)["items"][0]) == end - 3 - width


def test_a_list_is_open_ended_and_keeps_our_order(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle, settings={"words": 4}) as client:
        assert client.capabilities["completionProvider"]["triggerCharacters"] == [" "]
        assert "inlineCompletionProvider" in client.capabilities
        client.open("I think that you remembr\nthe ")
        found = client.complete(1, 4)
        assert found["isIncomplete"] is True
        assert len(found["items"]) == 4
        assert [item["sortText"] for item in found["items"]] == sorted(item["sortText"] for item in found["items"])
        slip = client.complete(0, 24)["items"][0]
        assert (slip["label"], slip["filterText"]) == ("remember", "remembr"), "editors drop what does not match"
        assert client.close() == 0


def test_the_text_behind_the_cursor_is_used(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle) as client:
        client.open("I think that you remer")
        item = client.complete(0, 20)["items"][0]
        assert item["label"] == "remember"
        assert item["textEdit"]["range"]["end"]["character"] == 22
        assert client.ghosts(0, 20) == []


def test_no_ghost_behind_a_finished_word_or_on_an_empty_line(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle) as client:
        client.open("I think that you remember\n\nI like the")
        assert client.ghosts(0, 25) == []
        assert client.ghosts(1, 0) == []
        assert "then" in client.words(2, 10)
        assert client.ghosts(2, 10) == []


def test_code_gets_nothing_unless_comments_are_wanted(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle) as client:
        client.open("# I think that you rem\nrem", "python")
        assert client.words(0, 22) == []
        assert client.ghosts(0, 22) == []
        client.tell("workspace/didChangeConfiguration", {"settings": {"foretype": {"comments": True}}})
        assert client.words(0, 22)[0] == "remember"
        assert client.words(1, 3) == []


def test_words_before_their_first_letter_are_a_setting(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle, settings={"next_word": False, "ghost": False}) as client:
        client.open("I think that \nI think that you rem")
        assert client.words(0, 13) == []
        assert client.words(1, 20)[0] == "remember"
        assert client.ghosts(1, 20) == []


def test_unlikely_words_may_be_left_out(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle, settings={"threshold": 0.4}) as client:
        client.open("I think that you rem")
        assert client.words(0, 20) == ["remember"]


def test_a_wrong_setting_is_told_in_one_line_and_changes_nothing(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle, settings={"words": 99}) as client:
        client.open("I think that you rem")
        assert client.words(0, 20)[0] == "remember"
        client.tell("workspace/didChangeConfiguration", {"settings": {"words": "x"}})
        assert client.words(0, 20)[0] == "remember"
        assert client.notices == [
            "foretype: words is 99; expected 1 to 20",
            "foretype: words is 'x': expected int, got str",
        ]


def test_an_editor_that_gives_its_settings_is_asked_for_them(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle, settings={"words": 4}, given={"words": 2}) as client:
        client.open("I think that \nI think that you rem")
        assert any(len(client.words(0, 13)) == 2 for _ in range(100)), "the answer may come after some words"
        client.given = None  # no settings of ours: the first ones count
        client.tell("workspace/didChangeConfiguration", {"settings": None})
        assert any(len(client.words(0, 13)) == 4 for _ in range(100))
        client.tell("workspace/didChangeConfiguration", {"settings": {"foretype": {"words": 1}}})
        assert len(client.words(0, 13)) == 1
        client.given = ValueError("no such section")
        client.tell("workspace/didChangeConfiguration", {"settings": {}})
        assert any(len(client.words(0, 13)) == 1 and client.notices for _ in range(100))
        assert [notice.endswith("no such section") for notice in client.notices] == [True]


def test_several_models_answer_as_one_and_the_first_learns(tiny_bundle: Path, home: Path) -> None:
    with language_client(f"{tiny_bundle}+en-tiny", settings={"learn": True}) as client:
        write_and_save(client)
        client.save()
        client.type("Zel", 2, 55)
        assert "Zelenka" in client.words(2, 58)
        client.open("How are y", uri="file:///tmp/other.md")
        assert "you" in client.words(0, 9, uri="file:///tmp/other.md")
        assert client.close() == 0
    with Store() as store:
        assert "Frobnik" in {word.form for word in store.show(1000)}


def test_a_cancelled_request_is_answered_as_cancelled_and_the_next_one_works(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle) as client:
        client.open("I think that you rem. " * 2000)
        requests = [
            client.send(
                "textDocument/completion",
                {"textDocument": {"uri": "file:///tmp/letter.md"}, "position": {"line": 0, "character": column}},
            )
            for column in range(22_000, 22_040)
        ]
        for number in requests:
            client.tell("$/cancelRequest", {"id": number})
        replies = [client.reply(number) for number in requests]
        assert any(reply.get("error", {}).get("code") == -32800 for reply in replies)
        assert client.words(0, 20)[0] == "remember"


def test_lines_end_where_the_protocol_says(tiny_bundle: Path) -> None:
    """Not at a form feed or a line separator, as Python's own lines do."""
    with language_client(tiny_bundle) as client:
        client.open("Page\x0cone\u2028or so\r\nI think that you re")
        client.edit((1, 19), (1, 19), "m")
        assert client.words(1, 20)[0] == "remember"


def test_slips_are_marked_and_fixed(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle, settings={"corrections": True, "phrases": False}) as client:
        client.open("👍 \n")
        client.edit((0, 3), (0, 3), "I think that you rememebr")
        waited = time.monotonic() + 10
        while "file:///tmp/letter.md" not in client.marks:
            client.read(waited - time.monotonic())
        assert client.marks["file:///tmp/letter.md"] == [], "the word at the cursor is not finished"
        client.edit((0, 28), (0, 28), " the house ")
        while not client.marks.get("file:///tmp/letter.md"):
            client.read(waited - time.monotonic())
        mark = client.marks["file:///tmp/letter.md"][0]
        place = {"start": {"line": 0, "character": 20}, "end": {"line": 0, "character": 28}}
        assert mark["range"] == place
        params = {"textDocument": {"uri": "file:///tmp/letter.md"}, "range": place, "context": {"diagnostics": []}}
        actions = client.ask("textDocument/codeAction", params)
        edits = actions[0]["edit"]["changes"]["file:///tmp/letter.md"]
        assert edits == [{"range": place, "newText": "remember"}]
        keep = actions[-1]["command"]
        client.ask("workspace/executeCommand", {"command": keep["command"], "arguments": keep["arguments"]})
        assert client.marks["file:///tmp/letter.md"] == []
        assert client.ask("textDocument/codeAction", params) == []


def test_part_of_a_longer_name_is_not_marked(tiny_bundle: Path) -> None:
    """What stands behind a word tells that it is none: the text after the cursor reaches the corrections."""
    with language_client(tiny_bundle, settings={"corrections": True}) as client:
        client.open("")
        client.edit((0, 0), (0, 0), "I think that you rememebr2x the house ")
        client.edit((0, 0), (0, 0), " ")
        waited = time.monotonic() + 10
        while "file:///tmp/letter.md" not in client.marks:
            client.read(waited - time.monotonic())
        assert client.marks["file:///tmp/letter.md"] == []


def test_nothing_is_marked_unless_wanted(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle) as client:
        client.open("")
        client.edit((0, 0), (0, 0), "I think that you rememebr the house ")
        with pytest.raises(TimeoutError):
            client.read(1.0)


def write_and_save(client: LspClient) -> None:
    client.open("Opened Oldword here.\n> quoted Mailword there. And so on.\n\n", "mail")
    client.type("gladly we met Zelenka and Frobnik today. All was well. ", 2)
    client.edit((0, 0), (0, 0), "Pasted Pasteword came in. It was late. ")
    client.type("and Quoteword is here. It is so. ", 1, 2)
    client.tell("workspace/didChangeConfiguration", {"settings": {}})
    client.words(2, 5)


def test_typed_words_are_learned_when_the_document_is_saved(tiny_bundle: Path, home: Path) -> None:
    with language_client(tiny_bundle, settings={"learn": True}) as client:
        write_and_save(client)
        with Store() as store:
            assert store.show() == []
        client.save()
        client.type("Zel", 2, 55)
        assert "Zelenka" in client.words(2, 58)
        assert client.notices == []
    with Store() as store:
        learned = {word.form for word in store.show(1000)}
        assert {"gladly", "Zelenka", "Frobnik", "met", "well"} <= learned
        assert not learned & {"Opened", "Oldword", "Mailword", "Pasteword", "quoted", "Quoteword"}
        assert store.path.stat().st_mode & 0o077 == 0
        counts = {word.form: round(word.uses) for word in store.show(1000)}
        assert counts["Zelenka"] == 1


def test_a_document_that_is_not_saved_teaches_nothing(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle, settings={"learn": True}) as client:
        write_and_save(client)
        assert client.close() == 0
    with Store() as store:
        assert store.show() == []


def test_without_learning_the_store_is_read_and_never_made_or_changed(tiny_bundle: Path, home: Path) -> None:
    with language_client(tiny_bundle) as client:
        write_and_save(client)
        client.save()
        client.words(2, 5)
    assert list(home.rglob("*")) == []
    with Store() as store:
        store.teach("Zelenka")
        before = store.stats()["learned"]
    with language_client(tiny_bundle) as client:
        client.open("We met Zel")
        assert "Zelenka" in client.words(0, 10)
    with language_client(tiny_bundle, settings={"personal": False}) as client:
        client.open("We met Zel")
        assert "Zelenka" not in client.words(0, 10)
    with Store() as store:
        assert store.stats()["learned"] == before


def test_a_store_that_fails_is_told_and_the_text_stays_up_to_date(tiny_bundle: Path, home: Path) -> None:
    (home / "personal").write_text("no folder")
    with language_client(tiny_bundle, settings={"learn": True}) as client:
        client.open("I think that you ")
        client.type("rem", 0, 17)
        assert client.words(0, 20)[0] == "remember"
        client.save()
        assert client.words(0, 20)[0] == "remember"
        assert client.notices
        assert all("personal" in notice and "\n" not in notice for notice in client.notices)


def test_an_editor_that_goes_away_ends_the_server(tiny_bundle: Path) -> None:
    with language_client(tiny_bundle) as client:
        assert client.process.stdin is not None
        assert client.process.stderr is not None
        client.process.stdin.close()
        assert client.process.wait(10) == 1
        assert client.process.stderr.read() == b""


def test_without_pygls_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['pygls'] = None; from foretype.tui.cli import run; sys.exit(run(['lsp']))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert result.returncode == 1
    assert result.stderr == "foretype: the language server needs `pip install 'foretype[lsp]'`\n"
