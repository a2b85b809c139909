"""What the tests share: text made up on the spot, and a small real bundle trained on it by the project's pipeline.

Imports torch only to train: without it, tests of the bundle are skipped and all others run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from corpora import write_corpus


@pytest.fixture(scope="session", autouse=True)
def english_system() -> Iterator[None]:
    """A system in English, since the system's language chooses the default model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LC_ALL", "C.UTF-8")
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Training and validation text."""
    folder = tmp_path_factory.mktemp("corpus")
    return write_corpus(folder / "train.txt", 3000, seed=1), write_corpus(folder / "valid.txt", 600, seed=2)


@pytest.fixture(scope="session")
def tiny_run(corpus: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training run."""
    for package in ("torch", "onnx", "safetensors"):
        pytest.importorskip(package, reason="training the small bundle needs the extra `train`")
    from tiny_model import TINY, Quiet

    from foretype.train.pipeline import Run

    folder = tmp_path_factory.mktemp("run") / "tiny"
    Run(folder, TINY, [corpus[0]], [corpus[1]], resume=False).train(Quiet())
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle exported from that run: int8 graph, n-gram tables, fitted blend."""
    from foretype.export.write_bundle import export_run

    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    export_run(tiny_run, folder)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of each test's own for the user's data, so that no test meets what another left, or the user's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FORETYPE_HOME", str(folder))
    return folder
