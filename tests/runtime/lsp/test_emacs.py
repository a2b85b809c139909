"""A real Emacs with Eglot, set up as docs/editors.md says, offers our words in our order, and none in Git's lines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from lsp_client import language_client
from paths import ROOT

pytest.importorskip("pygls", reason="the language server needs the extra `lsp`")

ASK = """
(require 'eglot)
(setq eglot-sync-connect 60 debug-on-error nil)
(find-file "COMMIT_EDITMSG")
(apply #'eglot (eglot--guess-contact))
(goto-char (point-min))
(end-of-line)
(defun offered ()
  (pcase-let* ((`(,start ,end ,table . ,_) (eglot-completion-at-point))
               (typed (buffer-substring-no-properties start end))
               (metadata (completion-metadata typed table nil)) ; the style of completion may change its order
               (found (completion-all-completions typed table nil (length typed) metadata)))
    (when (consp found) (setcdr (last found) nil))
    (mapcar #'substring-no-properties (funcall (completion-metadata-get metadata 'display-sort-function) found))))
(princ (json-encode (list (offered) (key-binding (kbd "C-M-i")) (progn (forward-line) (end-of-line) (offered)))))
"""


@cache
def emacs_has_eglot() -> bool:
    command = ["emacs", "--batch", "-f", "package-initialize", "-l", "eglot"]
    return (
        shutil.which("emacs") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def documented(bundle: Path) -> str:
    """The setting of docs/editors.md, with this Python in the place of the installed command."""
    block = re.search(
        r"```elisp\n(;; foretype: Eglot.*?)```", (ROOT / "docs" / "editors.md").read_text("utf-8"), re.DOTALL
    )
    assert block is not None
    assert '"foretype" "lsp"' in block[1]
    command = [sys.executable, "-m", "foretype.tui.cli", "lsp", "--bundle", str(bundle)]
    return block[1].replace('"foretype" "lsp"', " ".join(json.dumps(part) for part in command))


def test_a_commit_message_gets_our_words_in_our_order(tiny_bundle: Path, tmp_path: Path) -> None:
    if not emacs_has_eglot():
        pytest.skip("needs Emacs with Eglot")
    text = "I remember th\n# I remember th\n"
    with language_client(tiny_bundle, settings={"words": 5}) as client:
        client.open(text, "gitcommit")
        expected = client.words(0, len("I remember th"))
    (tmp_path / "COMMIT_EDITMSG").write_text(text, encoding="utf-8")
    (tmp_path / "init.el").write_text(documented(tiny_bundle) + ASK, encoding="utf-8")
    command = ["emacs", "--batch", "-f", "package-initialize", "-l", str(tmp_path / "init.el")]
    env = {**os.environ, "HOME": str(tmp_path)}
    result = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=90)
    assert result.returncode == 0, result.stderr
    words, key, in_a_comment = json.loads(result.stdout)
    assert words == expected
    assert len(words) > 1
    assert key == "completion-at-point"
    assert in_a_comment is None
