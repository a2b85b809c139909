"""Each script under `scripts/` runs, in its quickest form, and prints the figures that the docs quote."""

from __future__ import annotations

import json
import lzma
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from paths import ROOT

SCRIPTS = ROOT / "scripts"
SOURCES = (
    *("standard_ebooks", "us_gov_blogs", "handbooks_guides", "ethereum_meetings", "bitcoin_transcripts"),
    *("ami_icsi_meetings", "changelog", "chitchat_byu", "earnings_calls"),
)


@dataclass(frozen=True)
class Case:
    """How a script is run: `{run}`, `{bundle}`, `{text}`, `{texts}` and `{out}` stand for paths of small data.

    prints: a regular expression that its output must hold. needs: a program without which it is skipped.
    """

    script: str
    arguments: str
    prints: str
    needs: str = ""


CASES = (
    Case(
        "audit_vocabulary",
        "{bundle} {text} {texts}",
        r"(?s)odd characters:.*mostly used in the chat logs:",
    ),
    Case(
        "measure_adapting", "{text} {text} --bundle {bundle} --minutes 0.05", r"(?s)new in the vocabulary.*\| \+?-?\d"
    ),
    Case("make_picture", "--bundle {bundle} --out {out}/pad.svg --text I", r"pad\.svg: "),
    Case("measure_defaults", "{text} --minutes 0.05 --set training.samples=50", r"\d passes, \d+ s"),
    Case("measure_defaults", "{text} --minutes 0.05 --from {bundle}", r"(new|fine-tuned) (\| \d+\.\d % ){3}\|"),
    Case("measure_lsp", "--bundle {bundle} --lines 50 --keys 20", r'"completion_ms_p99": \d.*"ghost_ms_p99": \d'),
    Case("measure_ngrams", "smoothing {run} 2000", r"\| modified-kneser-ney \|( \d+\.\d\d \|){6}"),
    Case("measure_ngrams", "pruning {run} 2000", r"\| Katz, as published \|( \d+\.\d \|){5}"),
    Case(
        "measure_personal", "{texts} --bundle {bundle} --documents 1 --words 100", r"\| standard_ebooks 0 \| 100 \| \d"
    ),
    Case(
        "measure_streams",
        "{texts} --bundle {bundle} --before 60 --words 60",
        r"(?s)bitcoin_transcripts 0 \| 60 \| \d.*and store \| \d.* \| [-+]\d",
    ),
    Case("record_demo", "--bundle {bundle} --out {out}/demo.cast --text Hello", r"demo\.cast: \d+ pieces"),
    Case("measure_pad", "--bundle {bundle} --keys 5", r'"key_to_paint_ms_p95": \d.*"bytes_p95": \d'),
    Case("measure_phrases", "{text} --bundle {bundle} --words 10", r"\| 0\.6 \| -?\d"),
    Case("measure_precision", "{run} {bundle} {text} 20 --steps 100", r"\| 8 bits, head in 4, blocks of 32 \| \d"),
    Case(
        "measure_sessions",
        "{text} --bundle {bundle} --words 100 --letters 3 --sessions 2 --characters 100",
        r"(?s)first suggestion \d.* 8 MB \d.*2 sessions: .*100 characters typed",
    ),
    Case(
        "measure_serving",
        "--bundle {bundle} --clients 3 --keys 5 --idle 3",
        r'"answers": 15, "answer_ms_p50": \d.*"answer_ms_p99": \d.*"idle_mb": -?\d',
    ),
    Case("measure_secrets", "{text} --bundle {bundle}", r"all +\d+ sentences, +\d+\.\d\d % touched"),
    Case(
        "build_lexicon",
        "{bundle} {text} --lists {text} --words 50 --out {out}/lexicon.xz",
        r"^lexicon: \d+ words, [\d,]+ bytes",
    ),
    Case(
        "build_language",
        "de {texts} --work {out}/work --out {out}/de --small --set vocabulary.size=300 --set ngram.order=2 "
        "--set training.tokens=2048 --set training.batch=8 --set training.samples=0",
        r"(?s)lexicon: \d+ words.*/de: [\d,]+ bytes",
    ),
    Case(
        "measure_languages",
        "de {texts} --bundle {bundle} --work {out}/work --limit 30",
        r"\| valid \| \d+ \| \d.*\| [-+]\d",
    ),
    Case(
        "measure_mixture",
        "en-tiny={text} {bundle}={text} --limit 30",
        r"(?s)recognised after 3 words.*\| en-tiny \| \d.*\| lines in turn \| \d",
    ),
    Case("measure_tmux", "--bundle {bundle} --keys 5", r'"key_to_words_ms_p95": \d', needs="tmux"),
    Case(
        "measure_verdicts",
        "--comparisons 1 --load 1 --pairs 1 --engine ngram --bundle {bundle}",
        r"(?s)slower builds, 1 comparisons: .*\"comparisons\": 1, \"false\": 0",
    ),
    Case(
        "measure_typists",
        "{text} --lines --limit 10 --bundle {bundle} --plot {out}/typists.svg",
        r"(?s)\| scanner \| \d.*\| 3, 0 \| [-+]\d.*\| 0\.25 \| [-+]\d",
    ),
    Case("measure_typos", "{text} --bundle {bundle} --words 10", r"(?s)clean text, plain: -?\d.*qwertz"),
)


@pytest.fixture(scope="module")
def texts(corpus: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of compressed texts, one document each, named as the sources that two of the scripts read."""
    folder = tmp_path_factory.mktemp("texts")
    lines = [line for line in corpus[1].read_text(encoding="utf-8").splitlines() if line][:60]
    for name in SOURCES:
        (folder / f"{name}.txt.xz").write_bytes(lzma.compress("\n".join(lines).encode()))
    for part, chosen in (("train", corpus[0]), ("valid", corpus[1]), ("test", corpus[1])):
        (folder / "de" / part).mkdir(parents=True)
        shutil.copy(chosen, folder / "de" / part / "valid.txt")
    table = "lang\tsource\tkind\twords_train\tlicence\trepository\tnote\nde\tvalid\tsentences\t900\tCC0-1.0\tmine\t\n"
    (folder / "SOURCES.tsv").write_text(table, encoding="utf-8")
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.script} {case.arguments.split()[0]}")
def test_a_script_prints_its_figures(
    case: Case, tiny_run: Path, tiny_bundle: Path, corpus: tuple[Path, Path], texts: Path, tmp_path: Path
) -> None:
    if case.needs and shutil.which(case.needs) is None:
        pytest.skip(f"{case.needs} is not installed")
    paths = {"run": tiny_run, "bundle": tiny_bundle, "text": corpus[1], "texts": texts, "out": tmp_path}
    arguments = [part.format(**paths) for part in case.arguments.split()]
    command = [sys.executable, str(SCRIPTS / f"{case.script}.py"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert re.search(case.prints, result.stdout), result.stdout


def test_two_bundles_are_shown_side_by_side(tiny_bundle: Path, corpus: tuple[Path, Path], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "foretype.tui.cli", "eval", str(corpus[1]), "--limit", "50", "--json"]
    output = subprocess.run([*command, "--bundle", str(tiny_bundle)], capture_output=True, text=True, check=True).stdout
    figures = json.loads(output)
    saved = figures["mean"]["plain"]["k3"]
    (source,) = figures["sources"].values()
    figures["sources"]["openstax"] = source | {"plain": source["plain"] | {"k3": 0.0}}
    report.write_text(json.dumps(figures), encoding="utf-8")
    command = [sys.executable, str(SCRIPTS / "compare_evaluations.py"), "--lines", *[str(report)] * 2]
    result = subprocess.run([*command, "--running", *[str(report)] * 2], capture_output=True, text=True, check=True)
    lines = result.stdout.splitlines()
    assert lines[-4] == "| mean of 2, plain |" + f" {saved / 2:.1f} |" * 4
    assert lines[-2] == "| mean of 1 without *, plain |" + f" {saved:.1f} |" * 4
    assert "| openstax * | " in result.stdout, "books that are partly in the training text are named"


def test_every_measurement_is_run_and_every_command_in_the_docs_exists() -> None:
    scripts = {path.stem for path in SCRIPTS.glob("*.py")}
    assert {name for name in scripts if name.startswith(("measure_", "audit_", "make_", "build_", "record_"))} == {
        c.script for c in CASES
    }
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "scripts").glob("*.py")]
    quoted = {name for page in pages for name in re.findall(r"scripts/(\w+)\.py", page.read_text(encoding="utf-8"))}
    assert quoted <= scripts


def test_mutants_are_killed_by_the_tests_that_reach_them(tmp_path: Path) -> None:
    root, report, test_map = tmp_path / "root", tmp_path / "report.json", tmp_path / "map.json"
    for folder in ("room", "tests"):
        (root / folder).mkdir(parents=True)
    code = "def tested(a):\n    return a > 1\n\ndef loose(a):\n    return a + 1\n\ndef never():\n    return 3\n"
    (root / "room" / "code.py").write_text(code)
    (root / "tests" / "test_code.py").write_text(
        "import subprocess, sys\nfrom room.code import tested\n"
        "def test_tested():\n    assert (tested(1), tested(2)) == (False, True)\n"
        "def test_loose():\n"
        "    subprocess.run([sys.executable, '-c', 'from room.code import loose; loose(1)'], check=True)\n"
        "def test_broken():\n    assert not tested(2)\n"
    )
    common = [str(SCRIPTS / "mutate.py"), "--root", str(root), "--folder", "room", "--map", str(test_map)]
    for options in (["--count", "99"], ["--again", str(report)]):
        command = [sys.executable, *common, *options, "--out", str(report)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert "| room/code.py | 3 | 0 | 3 | 2 |" in result.stdout
        found = {(m["place"], m["after"]): m["outcome"] for m in json.loads(report.read_text())["mutants"]}
        assert found == {
            **dict.fromkeys([("tested", "(a >= 1)"), ("tested", "2"), ("tested", "None")], "killed"),
            **dict.fromkeys([("loose", "(a - 1)"), ("loose", "2"), ("loose", "None")], "survived"),
            **dict.fromkeys([("never", "4"), ("never", "None")], "uncovered"),
        }
    assert (root / "room" / "code.py").read_text() == code
    (root / "room" / "code.py").write_text(code + "\n")
    result = subprocess.run([sys.executable, *common], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "made with other code" in result.stderr
