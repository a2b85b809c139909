"""A real Neovim, set up as docs/editors.md says, offers our words in our order and takes one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT

pytest.importorskip("pygls", reason="the language server needs the extra `lsp`")
pytestmark = pytest.mark.skipif(shutil.which("nvim") is None, reason="needs Neovim")
PATIENCE = 15.0


class Neovim:
    """A Neovim without a screen, driven by keys."""

    def __init__(self, socket: Path) -> None:
        self._client = ["nvim", "--server", str(socket)]

    def press(self, keys: str) -> None:
        subprocess.run([*self._client, "--remote-send", keys], check=True, capture_output=True, timeout=PATIENCE)

    def value(self, expression: str) -> Any:
        command = [*self._client, "--remote-expr", f"json_encode({expression})"]
        result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(result.stdout or result.stderr)

    def becomes(self, expression: str, wanted: Any) -> None:
        """Wait until the expression has this value."""
        end = time.monotonic() + PATIENCE
        while (found := self.value(expression)) != wanted:
            assert time.monotonic() < end, f"{expression} is {found!r}"
            time.sleep(0.05)


def documented(bundle: Path) -> str:
    """The setting of docs/editors.md, with this Python in the place of the installed command."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    block = re.search(r"```lua\n(-- foretype: Neovim 0\.7.*?)```", page, re.DOTALL)
    assert block is not None
    command = [sys.executable, "-m", "foretype.tui.cli", "lsp", "--bundle", str(bundle)]
    lua = ", ".join(json.dumps(part) for part in command)
    assert '"foretype", "lsp"' in block[1]
    return block[1].replace('"foretype", "lsp"', lua)


@contextmanager
def neovim(bundle: Path, folder: Path, text: str) -> Iterator[Neovim]:
    (folder / "init.lua").write_text(documented(bundle), encoding="utf-8")
    (folder / "letter.md").write_text(text, encoding="utf-8")
    socket = folder / "socket"
    command = ["nvim", "--clean", "--headless", "-n", "-u", str(folder / "init.lua"), "--listen", str(socket)]
    process = subprocess.Popen(
        [*command, "letter.md"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with process:
        try:
            end = time.monotonic() + PATIENCE
            while not socket.exists():
                assert time.monotonic() < end, "Neovim does not start"
                time.sleep(0.05)
            yield Neovim(socket)
        finally:
            process.kill()


def test_words_are_offered_in_our_order_and_taken(tiny_bundle: Path, tmp_path: Path) -> None:
    code = "from foretype.runtime import load; import sys; s = load(sys.argv[1]).session()\n"
    code += "print(*[word.text for word in s.suggest('Well 👍 I remember th', k=5)])"
    shown = subprocess.run([sys.executable, "-c", code, str(tiny_bundle)], capture_output=True, text=True, check=True)
    expected = shown.stdout.split()
    assert len(expected) > 1, "Neovim takes a single word without asking"
    with neovim(tiny_bundle, tmp_path, "Well 👍\n") as editor:
        editor.becomes("luaeval('#vim.lsp.get_active_clients()')", 1)
        editor.press("A I remember th<C-x><C-o>")
        editor.becomes("complete_info(['pum_visible'])['pum_visible']", 1)
        words = editor.value("map(complete_info(['items'])['items'], 'v:val.word')")
        assert words == expected
        editor.press("<C-y> end")
        editor.becomes("getline(1)", f"Well 👍 I remember {expected[0]} end")
