"""The comparison of models: a small run of the real thing, resumed, and its table."""

import json
from pathlib import Path

import pytest

from foretype.export.compare.comparison import RESULT, SETTINGS, Budget, Comparison
from foretype.export.compare.comparison_report import markdown
from foretype.export.compare.ladder import LADDER, Rung, choose
from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.train_config import TrainConfig
from foretype.tui.cli import run

ONLY = (
    "3-gram, Katz",
    "fixed window",
    "keyboard",
    "2 layers, residual",
    "RNN with max-ent",
    "LSTM + 5-gram 1 MB",
    "every model",
)
TRAINED = [
    "3-gram, Katz",
    "5-gram, modified Kneser-Ney, 1 MB by entropy",
    "fixed window of 5",
    "LSTM",
    "phone-keyboard CIFG",
    "LSTM, 2 layers, residual",
    "simple RNN with max-ent n-grams",
    "blend: LSTM + 5-gram 1 MB",
    "blend: every model",
]


@pytest.fixture
def corpus(corpus: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Training text, and a part of the validation text: every model reads it several times."""
    train, valid = corpus
    lines = valid.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "part.txt").write_text("".join(lines[:200]), encoding="utf-8")
    return train, tmp_path / "part.txt"


def arguments(corpus: tuple[Path, Path], out: Path, passes: int = 1) -> list[str]:
    train, valid = map(str, corpus)
    only = [part for name in ONLY for part in ("--only", name)]
    budget = ["--words", "6000", "--vocabulary", "200", "--passes", str(passes), "--test-words", "150"]
    return ["train", "compare", train, "--valid", valid, "--test", valid, "--out", str(out), *only, *budget]


def test_trains_exports_and_measures_each_model_once_and_prints_a_table(
    corpus: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, picture = tmp_path / "comparison", tmp_path / "plot.png"
    assert run([*arguments(corpus, out), "--plot", str(picture)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[1] for line in table[2:]] == TRAINED
    assert picture.read_bytes().startswith(b"\x89PNG")
    models = {row["name"]: row for row in json.loads((out / "table.json").read_text(encoding="utf-8"))["models"]}
    for row in models.values():
        assert 1 < row["perplexity"] < 200
        assert 0 <= row["top1"] <= row["top3"] <= 1
        assert 0 < row["keystroke_savings"] < 100
        assert 0 < row["microseconds"]["any_p50"] <= row["microseconds"]["any_p99"]
    blend, counted = models["blend: LSTM + 5-gram 1 MB"], models["5-gram, modified Kneser-Ney, 1 MB by entropy"]
    assert blend["bytes"] > counted["bytes"]
    every = models["blend: every model"]
    assert set(every["weights"]) == {name for name, row in models.items() if row["family"] != "blend"}
    assert sum(every["weights"].values()) == pytest.approx(1, abs=1e-3)
    best = min(row["perplexity"] for name, row in models.items() if name in every["weights"])
    assert every["perplexity"] < 1.02 * best, "it is fitted on words alone, and measured with line ends"
    kept = [models[name] for name, weight in every["weights"].items() if weight]
    assert 1 < len(kept) < len(every["weights"]), "models that add nothing are left out"
    assert every["bytes"] == sum(row["bytes"] for row in kept)
    assert blend["parameters"] == models["LSTM"]["parameters"] + counted["parameters"]

    written = {path: path.stat().st_mtime_ns for path in out.rglob(RESULT)}
    assert run(arguments(corpus, out)) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob(RESULT)} == written, "nothing is done twice"


def test_a_character_model_has_its_row(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    """It is trained on the same text, and saves keystrokes on the same words."""
    rung = Rung("LSTM over characters", "characters", model={"embedding_size": 16, "hidden_size": 32})
    budget = Budget(words=6000, vocabulary=200, test_words=20, batch=8, samples=0)
    comparison = Comparison(tmp_path, budget, [corpus[0]], [corpus[1]], [corpus[1]], {})
    comparison.run([rung])
    (row,) = comparison.results([rung])
    assert row["keystroke_savings"] > 0
    assert 1 < row["perplexity"] < 2000
    assert row["microseconds"]["any_p50"] > 0
    assert " | LSTM over characters | " in markdown([row])


def test_a_comparison_with_another_budget_is_refused(
    corpus: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / SETTINGS).write_text(json.dumps({"budget": {}, "weights": {}}), encoding="utf-8")
    assert run(arguments(corpus, tmp_path, passes=2)) == 1
    assert f"{SETTINGS}: started with different budget" in capsys.readouterr().err


def test_the_blend_of_every_model_takes_those_that_are_compared_with_it() -> None:
    (*singles, every) = choose(["Katz", "every model"])
    assert [rung.name for rung in singles] == ["3-gram, Katz", "5-gram, Katz, 1 MB by entropy"]
    assert every.parts == ("3-gram, Katz", "5-gram, Katz, 1 MB by entropy")
    whole = choose(["every model"])
    assert whole[-1].parts == tuple(rung.name for rung in LADDER if rung.parts is None and rung.family != "characters")


def test_every_rung_is_a_legal_model_and_has_a_folder_of_its_own() -> None:
    assert len({rung.slug for rung in LADDER}) == len(LADDER)
    for rung in LADDER:
        if rung.family == "neural":
            ModelConfig(10_000, **{"embedding_size": 128, "hidden_size": 256, **rung.model})
            TrainConfig(**rung.training)


def test_a_name_that_no_model_has_is_refused_with_the_legal_ones() -> None:
    with pytest.raises(ConfigError, match=r"no model is called 'transformer'; choose from .*phone-keyboard CIFG"):
        choose(["transformer"])
