"""Words are offered where people write: in prose, and on request in comments and strings of source code."""

from __future__ import annotations

import pytest

from foretype.runtime.lsp.document import Document
from foretype.runtime.lsp.languages import language_of
from foretype.runtime.lsp.prose import own_text, prose_at
from foretype.runtime.lsp.settings import LspSettings

BOTH = LspSettings(comments=True, strings=True)


def prose(text: str, language: str, settings: LspSettings) -> tuple[str, str] | None:
    """The prose at the `|` in `text`."""
    before, _, after = text.partition("|")
    document = Document(before + after, language)
    line = before.count("\n")
    return prose_at(document, document.place(line, len(before) - before.rfind("\n") - 1), settings)


@pytest.mark.parametrize("language", ["markdown", "plaintext", "mail", "rst", "tex", "org", "git-commit", "Markdown"])
def test_prose_is_passed_whole(language: str) -> None:
    assert prose("One.\nTwo th|en\nthree", language, LspSettings()) == ("One.\nTwo th", "en")


@pytest.mark.parametrize("language", ["python", "json", "unknown"])
def test_nothing_in_code(language: str) -> None:
    assert prose("# wor|", language, LspSettings()) is None


def test_the_comments_of_a_commit_message_get_nothing_and_are_no_context() -> None:
    message = "Fix it\n# On branch main\nbecause|\n# Changes:\n"
    assert prose(message, "gitcommit", LspSettings()) == ("Fix it\nbecause", "")
    assert prose("Fix it\n# On bra|nch main", "gitcommit", LspSettings()) is None
    changes = "Fix it\n# ------------------------ >8 ------------------------\ndiff --git a/x b/x\n+ wor|"
    assert prose(changes, "gitcommit", LspSettings()) is None


def test_what_others_wrote_is_not_the_user_s_own() -> None:
    assert own_text("Dear Anna\n> you wrote\n  > and I\nyes > no", "mail") == "Dear Anna\n\n\nyes > no"
    message = "Fix\n# branch\nmore\n# ------------------------ >8 ------------------------\n+code"
    assert own_text(message, "gitcommit") == "Fix\n\nmore\n"
    assert own_text("# Title\ntext", "markdown") == "# Title\ntext"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "x = 1  # see th|e end", ("see th", "e end")),
        ("python", "y = 1  # no\n# First line\n# second th|", ("First line\nsecond th", "")),
        ("python", 'def f():\n    """Return th|e sum."""\n', ("Return th", "e sum.")),
        ("python", 'def f():\n    """Return it.\n\n    More th|', ("Return it.\n\nMore th", "")),
        ("python", "x = 'it\\'s # th|ere' + y", ("it\\'s # th", "ere")),
        ("python", "x = '#' + th|", None),
        ("python", '"""Doc."""\nimport th|', None),
        ("javascript", "f(); // call th|", ("call th", "")),
        ("typescript", "/**\n * First\n * second th|e */ x", ("\nFirst\nsecond th", "e ")),
        ("typescriptreact", "x = `a\nb th|ere`", ("a\nb th", "ere")),
        ("javascript", "/* a */ th|", None),
        ("c", 'puts("// th|");', ("// th", "")),
        ("cpp", "x = 'a'; // it th|", ("it th", "")),
        ("rust", "/// Adds.\n//! th|", ("Adds.\nth", "")),
        ("rust", "fn f<'a>(x: &'a str) { th|", None),
        ("go", "// Package x\n// does th|", ("Package x\ndoes th", "")),
        ("shellscript", "echo $# th|", None),
        ("sh", "ls # list th|", ("list th", "")),
        ("bash", 'echo "say th|ere"', ("say th", "ere")),
    ],
)
def test_comments_docstrings_and_strings(language: str, text: str, expected: tuple[str, str] | None) -> None:
    assert prose(text, language, BOTH) == expected


def test_comments_and_strings_are_separate_options() -> None:
    comments, strings = LspSettings(comments=True), LspSettings(strings=True)
    assert prose("# th|", "python", strings) is None
    assert prose("x = 'th|'", "python", comments) is None
    assert prose('"""th|', "python", comments) == ("th", "")
    assert prose("x = 'th|'", "python", strings) == ("th", "")


@pytest.mark.parametrize(
    ("identifier", "uri", "language"),
    [
        ("foretype", "file:///home/x/My%20notes.MD", "markdown"),
        ("foretype", "file:///r/.git/COMMIT_EDITMSG", "gitcommit"),
        ("foretype", "file:///home/x/todo", "plaintext"),
        ("Foretype", "file:///home/x/a.py", "python"),
        ("", "untitled:Untitled-1", "plaintext"),
        ("cmake", "file:///home/x/CMakeLists.txt", "cmake"),
    ],
)
def test_kate_names_the_server_and_not_the_language(identifier: str, uri: str, language: str) -> None:
    assert language_of(identifier, uri) == language
