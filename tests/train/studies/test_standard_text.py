"""Standard texts: tokens as published counts have them, and a run whose perplexities can be laid beside others'."""

import json
import lzma
from pathlib import Path

import pytest
from paths import SHARED

from foretype.runtime.errors import CorpusError
from foretype.train.studies.standard_text import PUBLISHED, read_standard_text
from foretype.tui.cli import run

BENCHMARKS = SHARED / "benchmarks"
TOKENS = {"penn-treebank": (929_589, 73_760, 82_430), "wikitext-2": (2_088_628, 217_646, 245_569)}
"""Tokens of train, valid and test in the literature, ends of sentence included."""


def write_text(folder: Path, valid: str = "a dog <unk>\n") -> Path:
    folder.mkdir()
    (folder / "small.train.txt").write_text("the dog sees a cat\na cat sees the <unk>\n" * 40, encoding="utf-8")
    (folder / "small.valid.txt").write_text(valid * 20, encoding="utf-8")
    (folder / "small.test.txt.xz").write_bytes(lzma.compress(b"the cat sees a dog\n\nthe <unk>\n" * 20))
    return folder


@pytest.mark.parametrize("name", TOKENS)
def test_token_counts_are_those_of_the_literature(name: str) -> None:
    if not (BENCHMARKS / name).is_dir():
        pytest.skip("the shared benchmarks are not here")
    text = read_standard_text(BENCHMARKS / name)
    assert (len(text.train) - 1, len(text.valid) - 1, len(text.test) - 1) == TOKENS[name]
    assert name in PUBLISHED


def test_every_line_ends_a_sentence_and_unknown_words_are_one_token(tmp_path: Path) -> None:
    text = read_standard_text(write_text(tmp_path / "text"))
    words = [text.tokens[token] for token in text.test[:12]]
    assert words == ["<s>", "the", "cat", "sees", "a", "dog", "</s>", "</s>", "the", "<unk>", "</s>", "the"]


def test_a_word_that_is_not_in_the_training_text_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"small\.valid\.txt: 'bird' is not in the training text"):
        read_standard_text(write_text(tmp_path / "text", "a bird\n"))


def test_the_command_trains_and_reports_both_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = write_text(tmp_path / "text")
    settings = {
        "training.tokens": 4000,
        "training.batch": 4,
        "training.steps": 8,
        "training.threads": 1,
        "model.embedding_size": 8,
        "model.hidden_size": 8,
        "ngram.order": 2,
    }
    options = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    arguments = ["train", "standard", str(text), "--out", str(tmp_path / "run"), *options]
    assert run([*arguments, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert 1 < figures["ngram"]["test"] < 20  # the training text has no empty lines
    assert 1 < figures["neural"]["test"] < 20
    assert run(arguments) == 0, "what is finished is not done again"
    assert f"{figures['neural']['test']:.1f}" in capsys.readouterr().out
