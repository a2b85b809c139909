"""`foretype adapt`: from the user's text to an adapted model that `foretype suggest` uses, and back."""

from __future__ import annotations

import json
import random
import re
import stat
import sys
from pathlib import Path

import pytest

from foretype.export.adapt_bundle import Adapted
from foretype.runtime import load
from foretype.runtime.files.installed import default_name, install
from foretype.tui.cli import run

NAMES = ("Quentin", "Frobnitz", "Balthasar")


@pytest.fixture
def text(corpus: tuple[Path, Path], tmp_path: Path) -> Path:
    """A writer with a manner: every sentence of the corpus ends with one of three names that the model lacks."""
    draw = random.Random(3)
    lines = [line for line in corpus[1].read_text(encoding="utf-8").splitlines() if line][:500]
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(0, len(lines), 100):
        written = [f"{line.rstrip('.')} dear {draw.choice(NAMES)}." for line in lines[number : number + 100]]
        (folder / f"{number}.md").write_text("\n\n".join(written), encoding="utf-8")
    return folder


@pytest.fixture
def base(tiny_bundle: Path) -> str:
    pytest.importorskip("torch")
    return install(tiny_bundle, "small")


def test_an_adapted_model_is_kept_used_and_removed(
    text: Path, base: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "default", base]) == 0
    plain = load(base)
    assert run(["adapt", str(text), "--json", "--bound", "50"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["kept"]
    assert report["gain"] > 1
    assert report["new_words"] >= 3
    assert report["general"] <= 1.5 * report["general_before"]
    assert default_name() == "small-mine"
    assert run(["suggest", "we like it dear Qu", "--no-personal"]) == 0
    assert "Quentin" in capsys.readouterr().out.split()
    assert [s.text for s in load(base).session().suggest("we ")] == [s.text for s in plain.session().suggest("we ")]
    folder = home / "models" / "small-mine"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert sorted(path.name for path in (home / "models").iterdir()) == ["small", "small-mine"]

    assert run(["adapt", "--remove"]) == 0
    assert capsys.readouterr().out == "removed small-mine; the default is small again\n"
    assert default_name() == "small"
    assert not folder.exists()


def test_a_model_that_is_no_better_is_not_kept(
    corpus: tuple[Path, Path], base: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 20 pieces, the last is measured on; here it is prose, and all others repeat the three names."""
    prose = corpus[1].read_text(encoding="utf-8").split()
    draw = random.Random(3)
    pieces = [
        prose[60 * number : 60 * number + 60] if number % 20 == 19 else draw.choices(NAMES, k=60)
        for number in range(60)
    ]
    file = tmp_path / "names.txt"
    file.write_text("\n\n".join(map(" ".join, pieces)), encoding="utf-8")
    assert run(["adapt", str(file), "--bundle", base, "--bound", "100", "--minutes", "0.01"]) == 1
    message = capsys.readouterr().err
    assert re.search(r"not kept: no better on your text \([-+]\d+\.\d\d points", message)
    assert "over the bound" not in message, "only what is at fault is named"
    assert sorted(path.name for path in (home / "models").iterdir()) == ["small"]
    assert default_name() is None


@pytest.mark.parametrize(
    ("saved", "general", "faults"),
    [
        (50.5, 110.0, []),
        (50.0, 110.0, ["no better on your text (+0.00 points of keystrokes saved)"]),
        (50.5, 120.0, ["perplexity on general text +20.0 %, over the bound of 15 %"]),
        (
            49.0,
            120.0,
            [
                "no better on your text (-1.00 points of keystrokes saved)",
                "perplexity on general text +20.0 %, over the bound of 15 %",
            ],
        ),
    ],
)
def test_it_says_what_is_at_fault(saved: float, general: float, faults: list[str]) -> None:
    adapted = Adapted(3000, 0, 100, saved, 50.0, [0.0, 1.0], general, 100.0, 0.5, 0.1, 1.0)
    assert adapted.faults(0.15) == faults


def test_errors_are_one_line(
    text: Path, base: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = text / "short.txt"
    short.write_text("only four words here\n", encoding="utf-8")
    assert run(["adapt", str(short), "--bundle", base]) == 1
    assert "4 words of your own text; at least 2,000 are needed" in capsys.readouterr().err
    assert run(["adapt", "--remove"]) == 1
    assert "en was not adapted; there is nothing to remove" in capsys.readouterr().err
    assert run(["adapt"]) == 2
    monkeypatch.setitem(sys.modules, "foretype.export.adapt_bundle", None)
    assert run(["adapt", str(short), "--bundle", base]) == 1
    assert capsys.readouterr().err.endswith("pip install 'foretype[train]'\n")
