"""Bundles: what is missing, cut short or altered is refused by name, and the fallback says why it is in use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from foretype.runtime import BundleError, ConfigError, EngineError, load
from foretype.runtime.bundle import MANIFEST, NGRAM, STEP, TOKENIZER
from foretype.runtime.neural import NeuralModel


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy to do harm to."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


@pytest.mark.parametrize("name", [MANIFEST, TOKENIZER, NGRAM])
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=name):
        load(bundle)


@pytest.mark.parametrize("name", [MANIFEST, TOKENIZER, NGRAM, STEP])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_named(bundle: Path, name: str, share: float) -> None:
    content = (bundle / name).read_bytes()
    (bundle / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(BundleError, match=name):
        load(bundle)


@pytest.mark.parametrize("name", [TOKENIZER, NGRAM, STEP])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
def test_an_altered_file_is_named(bundle: Path, name: str, share: float) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[int(share * len(content))] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=name):
        load(bundle)


def test_a_folder_that_is_no_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such folder"):
        load(tmp_path / "nothing")
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"files": {}},
        {"files": []},
        {"files": {"../../etc/passwd": {"sha256": 3}}},
        {"blend": {}},
        {"blend": {"neural_shares": [2.0, 0.5, 0.5]}},
        {"blend": {"neural_shares": [0.5]}},
        {"case": {}},
        {"case": {"sentence_ends": [], "transparent": [], "preferred": {"cat": ["cat"]}}},
        {"case": {"sentence_ends": [], "transparent": [], "preferred": {"cat": "Kitten"}}},
    ],
)
def test_an_altered_manifest_is_refused(bundle: Path, change: dict[str, object]) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    (bundle / MANIFEST).write_text(json.dumps(manifest | change), encoding="utf-8")
    with pytest.raises(BundleError):
        load(bundle)


def test_without_the_graph_the_ngram_model_answers_and_says_so(bundle: Path) -> None:
    (bundle / STEP).unlink()
    model = load(bundle)
    assert model.engine == "ngram"
    assert STEP in (model.notice or "")
    assert model.session().suggest("I love the ")
    with pytest.raises(EngineError, match=STEP):
        load(bundle, engine="neural")


def test_a_graph_that_does_not_load_leaves_the_ngram_model(bundle: Path) -> None:
    import hashlib

    (bundle / STEP).write_bytes(b"no graph")
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][STEP]["sha256"] = hashlib.sha256(b"no graph").hexdigest()
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    model = load(bundle)
    assert model.engine == "ngram"
    assert model.notice
    assert model.session().suggest("I love the ")


def test_without_onnx_runtime_the_ngram_model_answers(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    model = load(bundle)
    assert model.engine == "ngram"
    assert "onnxruntime" in (model.notice or "")
    assert model.session().suggest("I love the ")


def test_an_engine_that_fails_while_typing_loses_no_keystroke(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(bundle)
    session = model.session()
    assert session.suggest("I love ")

    def fail(*_: object) -> None:
        raise EngineError("the device went away")

    monkeypatch.setattr(NeuralModel, "run", fail)
    assert session.suggest("I love the ") == load(bundle, engine="ngram").session().suggest("I love the ")
    assert model.engine == "ngram"
    assert "the device went away" in (model.notice or "")


def test_an_engine_asked_for_by_name_fails_rather_than_falls_back(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = load(bundle, engine="blend").session()
    assert session.suggest("I love ")

    def fail(*_: object) -> None:
        raise EngineError("the device went away")

    monkeypatch.setattr(NeuralModel, "run", fail)
    with pytest.raises(EngineError, match="went away"):
        session.suggest("I love the ")


def test_a_provider_that_is_not_there_leaves_the_cpu(bundle: Path) -> None:
    model = load(bundle, provider="abacus")
    assert model.engine == "blend"
    assert "abacus" in (model.notice or "")
    with pytest.raises(EngineError, match="abacus"):
        load(bundle, engine="blend", provider="abacus")


def test_an_unknown_engine_names_the_legal_ones(bundle: Path) -> None:
    with pytest.raises(ConfigError, match="auto, blend, neural, ngram"):
        load(bundle, engine="quantum")  # type: ignore[arg-type]
