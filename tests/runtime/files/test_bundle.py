"""Bundles: what is missing, cut short or altered is refused by name, and the fallback says why it is in use."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretype.runtime import BundleError, ConfigError, EngineError, load
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.files.bundle import LIMITS, MANIFEST, NGRAM, STEP, TOKENIZER


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy to do harm to."""
    return harm.copy(tiny_bundle, tmp_path / "bundle")


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


def structural_offsets(name: str, content: bytes) -> list[int]:
    """Where the parts of a file begin and end: its tensors, its fields, its first and last bytes."""
    offsets = {1, 4, 7, 8, 9, len(content) - 1, len(content) - 4}
    if name == NGRAM:
        length = int.from_bytes(content[:8], "little")
        spans = [entry["data_offsets"] for entry in json.loads(content[8 : 8 + length]).values() if "dtype" in entry]
        offsets |= {8 + length + offset for span in spans for offset in span}
    elif name != STEP:
        offsets |= {place for place, byte in enumerate(content) if byte in b"{}[]"}
    end = len(content if name in (NGRAM, STEP) else content.rstrip())
    return sorted(offset for offset in offsets if offset < end)


@pytest.mark.parametrize("name", [MANIFEST, TOKENIZER, NGRAM, STEP])
def test_a_file_cut_between_its_parts_is_named_whatever_its_checksum(bundle: Path, name: str) -> None:
    """Without the checksum's help as well: a graph that cannot be read leaves the n-gram model, the rest is refused."""
    content = (bundle / name).read_bytes()
    for offset in structural_offsets(name, content):
        if name == MANIFEST:
            (bundle / name).write_bytes(content[:offset])
        else:
            harm.replace_file(bundle, name, content[:offset])
        if name == STEP:
            assert STEP in (load(bundle).notice or "")
        else:
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
        {"files": {"tokenizer.json": {"sha256": 3}}},
        {"blend": {}},
        {"blend": {"neural_shares": [2.0, 0.5, 0.5]}},
        {"blend": {"neural_shares": [0.5]}},
        {"blend": {"neural_shares": [10**400, 0.5, 0.5]}},
        {"blend": {"neural_shares": [float("nan"), 0.5, 0.5]}},
        {"blend": {"neural_shares": [0.5, 0.5, 0.5], "cache": {"decay": 10**400, "boost": 1, "shares": [0]}}},
        {"blend": {"neural_shares": [0.5, 0.5, 0.5], "cache": []}},
        {"blend": [1]},
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
    harm.replace_file(bundle, STEP, b"no graph")
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


def test_an_unknown_engine_names_the_legal_ones(bundle: Path) -> None:
    with pytest.raises(ConfigError, match="auto, blend, neural, ngram"):
        load(bundle, engine="quantum")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "a/b", "C:\\secret", ".hidden", "nul\0", ""])
def test_names_that_lead_elsewhere_are_refused(bundle: Path, name: str) -> None:
    entry = {"sha256": "0" * 64}
    harm.change_manifest(bundle, lambda manifest: manifest["files"].__setitem__(name, entry))
    with pytest.raises(BundleError, match="expected names of files in the same folder"):
        load(bundle)


@pytest.mark.parametrize("name", [MANIFEST, TOKENIZER, NGRAM, STEP])
def test_a_link_out_of_the_folder_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    (bundle / name).rename(tmp_path / "outside")
    (bundle / name).symlink_to(tmp_path / "outside")
    with pytest.raises(BundleError, match=f"{name}: leads out of the bundle's folder"):
        load(bundle)


def test_a_link_to_the_whole_folder_is_followed(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle)
    assert load(tmp_path / "link").engine == "blend"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", [MANIFEST, TOKENIZER, NGRAM, STEP])
def test_a_pipe_is_refused_rather_than_waited_for(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    with pytest.raises(BundleError, match=f"{name}: not a plain file"):
        load(bundle)


@pytest.mark.parametrize("name", [TOKENIZER, NGRAM, STEP])
def test_a_file_too_large_to_be_one_is_refused_before_it_is_read(bundle: Path, name: str) -> None:
    with (bundle / name).open("wb") as file:
        file.truncate(2**42)  # no blocks are written
    with pytest.raises(BundleError, match=f"{name}: 4398046511104 bytes; at most"):
        load(bundle)


def with_rule(part: str, rule: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.__setitem__(part, rule)


def with_vocabulary(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda content: change(content["model"]["vocab"])


DOUBLING = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}


@pytest.mark.parametrize(
    "change",
    [
        with_rule("normalizer", {"type": "Sequence", "normalizers": [DOUBLING] * 60}),  # 2^60 letters from one
        with_rule("normalizer", None),
        with_rule(
            "pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Removed", "invert": True}
        ),
        with_rule("added_tokens", [{"id": 0, "content": "a"}]),
        with_rule("model", {"type": "BPE", "vocab": {}, "merges": []}),
        with_rule("model", None),
        with_vocabulary(lambda words: words.__setitem__("music", -1)),
        with_vocabulary(lambda words: words.__setitem__("music", 2**40)),
        with_vocabulary(lambda words: words.__setitem__("music", 0.5)),
        with_vocabulary(lambda words: words.__setitem__("music", words["the"])),
        with_vocabulary(lambda words: words.clear()),
    ],
)
def test_a_tokenizer_that_means_harm_is_refused(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((bundle / TOKENIZER).read_text(encoding="utf-8"))
    change(content)
    harm.replace_file(bundle, TOKENIZER, json.dumps(content).encode())
    with pytest.raises(BundleError, match=TOKENIZER):
        load(bundle)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_tables_altered_with_a_fitting_checksum_are_refused_or_never_read_outside(
    tiny_bundle: Path, bundle: Path, data: st.DataObject
) -> None:
    """Whatever the bytes, every context gives a distribution: no index out of range, no number that is none."""
    original = (tiny_bundle / NGRAM).read_bytes()
    content = bytearray(original)
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(original) - 1), st.integers(0, 255)), min_size=1, max_size=8)
    ):
        content[place] = value
    harm.replace_file(bundle, NGRAM, bytes(content))
    try:
        model = load(bundle, engine="ngram")
    except BundleError as error:
        assert NGRAM in str(error)  # noqa: PT017
        return
    for context in data.draw(st.lists(st.lists(st.integers(0, len(model.vocabulary) - 1), max_size=6), max_size=6)):
        probabilities, matched = model.ngram.probabilities(context)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-3)
        assert matched < model.ngram.order
    assert model.session().suggest("I love ")


def external(location: str) -> Callable[[Path, Any], None]:
    """Have a graph say that one of its tensors lies in another file."""

    def change(bundle: Path, graph: Any) -> None:
        import onnx
        from onnx import external_data_helper

        tensor = max(graph.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        size = len(tensor.raw_data)
        (bundle.parent / "outside.bin").write_bytes(tensor.raw_data)
        external_data_helper.set_external_data(tensor, location.format(parent=bundle.parent), 0, size)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL

    return change


@pytest.mark.parametrize("location", ["../outside.bin", "{parent}/outside.bin", "link.bin", "sub/../../outside.bin"])
def test_a_graph_may_not_read_weights_from_outside_the_folder(bundle: Path, location: str) -> None:
    import onnx

    graph = onnx.load_from_string((bundle / STEP).read_bytes())
    external(location)(bundle, graph)
    (bundle / "link.bin").symlink_to("../outside.bin")
    harm.replace_file(bundle, STEP, graph.SerializeToString())
    model = load(bundle)
    assert model.engine == "ngram"
    assert f"{STEP}: ONNX Runtime cannot load it" in (model.notice or "")


def test_a_graph_that_claims_an_absurd_state_is_refused_before_memory_is_taken(bundle: Path) -> None:
    import onnx
    from onnx import helper

    graph = onnx.load_from_string((bundle / STEP).read_bytes())
    for value in (*graph.graph.input, *graph.graph.output):
        if value.name.startswith("cell"):
            value.type.tensor_type.shape.dim[2].dim_value = 2**40
    helper.set_model_props(graph, {entry.key: entry.value for entry in graph.metadata_props})
    harm.replace_file(bundle, STEP, graph.SerializeToString())
    model = load(bundle)
    assert model.engine == "ngram"
    assert STEP in (model.notice or "")


@pytest.mark.parametrize("name", [MANIFEST, TOKENIZER, NGRAM])
def test_every_file_has_a_limit_that_is_checked_before_it_is_read(bundle: Path, name: str) -> None:
    """A sparse file: its size is a claim, so nothing of it may be read or allocated."""
    with (bundle / name).open("r+b") as stream:
        stream.truncate(LIMITS[name] + 1)
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=rf"{name}: {LIMITS[name] + 1} bytes; at most {LIMITS[name]} are read"):
            load(bundle)
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("depth", [1000, 100_000])
@pytest.mark.parametrize("name", [MANIFEST, TOKENIZER, NGRAM])
def test_deep_nesting_is_an_error_of_the_file_it_stands_in(bundle: Path, name: str, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    content = {
        MANIFEST: deep.encode(),
        TOKENIZER: f'{{"model": {deep}}}'.encode(),
        NGRAM: len(deep).to_bytes(8, "little") + deep.encode(),
    }[name]
    if name == MANIFEST:
        (bundle / name).write_bytes(content)
    else:
        harm.replace_file(bundle, name, content)
    with pytest.raises(BundleError, match=name):
        load(bundle)


@pytest.mark.parametrize("depth", [1000, 30_000, 100_000])
def test_deep_nesting_in_the_metadata_of_a_graph_is_no_step_graph(bundle: Path, depth: int) -> None:
    import onnx

    model = onnx.load(bundle / STEP)
    entry = next(entry for entry in model.metadata_props if entry.key == "special_tokens")
    entry.value = "[" * depth + "]" * depth
    harm.replace_file(bundle, STEP, model.SerializeToString())
    with pytest.raises(EngineError, match=r"step.onnx: not a step graph of this version: metadata 'special_tokens'"):
        load(bundle, engine="neural")
    assert "special_tokens" in (load(bundle).notice or "")
