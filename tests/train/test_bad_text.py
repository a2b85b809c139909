"""Training refuses text that it cannot use, names the place, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_model import TINY, Quiet

from foretype.runtime.errors import CorpusError
from foretype.train.pipeline import Run


@pytest.mark.parametrize(
    ("text", "valid", "message"),
    [
        (b"fine\nb\xe4d\n", b"fine", "text.txt, line 2"),
        (b"fine\n", b"fine\nb\xe4d\n", "valid.txt, line 2"),
        (b"\n \n", b"fine", "text.txt: the text contains no words"),
        (b"1 2 ...\n", b"fine", "text.txt: the text contains no words"),
        (b"fine\n", b"\n", "valid.txt: empty"),
        (b"fine\n", None, "text.txt: too short to hold out a part of it; give --valid"),
    ],
)
def test_training_on_bad_text_writes_nothing(tmp_path: Path, text: bytes, valid: bytes | None, message: str) -> None:
    file, beside, out = tmp_path / "text.txt", tmp_path / "valid.txt", tmp_path / "run"
    file.write_bytes(text)
    beside.write_bytes(valid or b"")
    with pytest.raises(CorpusError) as caught:
        Run(out, TINY, [file], [beside] if valid else [], resume=False).train(Quiet())
    assert message in str(caught.value)
    assert not out.exists()


def test_bad_text_far_into_a_large_file_writes_nothing(tmp_path: Path) -> None:
    # Large enough for several processes: the error comes to light while others are at work.
    file, out = tmp_path / "text.txt", tmp_path / "run"
    line = b"word " * 1000 + b"\n\n"
    file.write_bytes(line * 900 + b"b\xe4d")
    with pytest.raises(CorpusError, match=r"text\.txt, line 1801: byte 0xe4"):
        Run(out, TINY, [file], [], resume=False).train(Quiet())
    assert not out.exists()
