"""Reads the prose of Markdown: without code, quotations, tables, marks and addresses."""

from __future__ import annotations

import re

from foretype.runtime.text.corpus import Document

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_FENCED = re.compile(r"^ *(```+|~~~+).*?(?:^ *\1|\Z)", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LEFT_OUT = re.compile(r"^(?:\s*[>|]|    \S|\t\S|\s*\[[^\]]+\]:|\s*(?:[-*_=] ?){3,}$)")
_LEADING = re.compile(r"^\s*(?:#{1,6} +|[-*+] +(?:\[[ xX]\] +)?|\d+[.)] +)")
_LINK = re.compile(r"!?\[([^\]\n]{0,300})\](?:\([^)\n]{0,500}\)|\[[^\]\n]{0,100}\])")
_EMPHASIS = re.compile(r"(\*\*|__|\*|_|~~)(?=\S)(.+?)(?<=\S)\1")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")


def read_markdown(text: str) -> list[Document]:
    """Return the paragraphs of `text` as one document, each on one line; [] if there is no prose."""
    text = _COMMENT.sub("", _FENCED.sub("", _FRONT_MATTER.sub("", text)))
    lines: Document = []
    goes_on = False
    for raw in text.splitlines():
        if not raw.strip() or _LEFT_OUT.match(raw):
            goes_on = False
            continue
        marked = _LEADING.match(raw)
        line = _TAG.sub("", _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", _LEADING.sub("", raw)))).strip()
        if not line:
            continue
        if goes_on and not marked:
            lines[-1] += " " + line
        else:
            lines.append(line)
        goes_on = not raw.lstrip().startswith("#")
    return [lines] if lines else []
