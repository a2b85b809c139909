"""Finds the language of a document where the editor does not name it, by the name of its file."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from foretype.runtime.lsp.settings import SECTION

_PLAIN = "plaintext"
_ENDINGS = {
    **dict.fromkeys((".md", ".markdown", ".qmd", ".rmd"), "markdown"),
    ".rst": "restructuredtext",
    **dict.fromkeys((".adoc", ".asciidoc"), "asciidoc"),
    **dict.fromkeys((".tex", ".ltx"), "latex"),
    ".org": "org",
    ".typ": "typst",
    **dict.fromkeys((".eml", ".mbox"), "mail"),
    **dict.fromkeys((".py", ".pyi"), "python"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".tsx"), "typescript"),
    **dict.fromkeys((".c", ".h", ".cpp", ".cc", ".cxx", ".hpp"), "cpp"),
    ".rs": "rust",
    ".go": "go",
    **dict.fromkeys((".sh", ".bash", ".zsh"), "shellscript"),
}
COMMIT_MESSAGES = frozenset({"COMMIT_EDITMSG", "MERGE_MSG", "TAG_EDITMSG", "git-rebase-todo", "EDIT_DESCRIPTION"})
"""Names of the files in which Git lets its user write, with lines of its own after `#`."""


def language_of(identifier: str, uri: str) -> str:
    """The identifier of the language of a document.

    Editors name it, but for Kate: it sends the name of the server in its settings, and leaves to these for which
    documents the server is asked. So a file with an ending that says nothing is plain text.

    identifier: what the editor sent. uri: of the document.
    """
    if identifier.lower() not in ("", SECTION):
        return identifier
    name = PurePosixPath(unquote(urlsplit(uri).path)).name
    return "gitcommit" if name in COMMIT_MESSAGES else _ENDINGS.get(PurePosixPath(name).suffix.lower(), _PLAIN)
