"""Finds how a new line starts: with the indentation of the previous line, and the next item of its list."""

from __future__ import annotations

import re

_ITEM = re.compile(
    r"(?P<indent>[ \t]*)(?P<mark>[-*+]|(?P<number>\d{1,9})(?P<dot>[.)])|>)(?P<box> \[[ xX]\])?(?P<gap> +)"
)
_INDENT = re.compile(r"[ \t]*")


def continuation(before: str) -> tuple[str, str]:
    """Return the text that Enter removes, and the text that starts the new line. `before` is the line up to the cursor.

    An empty item ends its list: its mark is removed, and there is no new line.

    >>> continuation("  - milk"), continuation("2. [x] eggs"), continuation("- ")
    (('', '  - '), ('', '3. [ ] '), ('- ', ''))
    """
    item = _ITEM.match(before)
    if item is None:
        indent = _INDENT.match(before)
        return "", indent.group() if indent and before.strip() else ""
    if item.end() == len(before):
        return before[len(item["indent"]) :], ""
    mark = f"{int(item['number']) + 1}{item['dot']}" if item["number"] else item["mark"]
    return "", f"{item['indent']}{mark}{' [ ]' if item['box'] else ''}{item['gap']}"
