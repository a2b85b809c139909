"""Where the neural model runs: names, the order of attempts, and failures that cost no keystroke."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harm
import onnxruntime
import pytest

from foretype.runtime import EngineError, load
from foretype.runtime.engines.providers import Attempt, attempts, available, full_name, multiplies_bytes_fast
from foretype.runtime.files.bundle import STEP, STEP_FLOAT

TEXTS = ["I love ", "I love the garden and we see ", "Well, Tom wants the tomorrow"]


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    return harm.copy(tiny_bundle, tmp_path / "bundle")


@pytest.fixture
def two_graphs(bundle: Path) -> Path:
    """A bundle whose int8 graph fails at the second half of the vocabulary, and whose other graph does not."""
    good = (bundle / STEP).read_bytes()
    harm.replace_file(bundle, STEP_FLOAT, good)
    harm.replace_file(bundle, STEP, harm.failing_from(good, len(load(bundle, engine="ngram").vocabulary) // 2))
    return bundle


@pytest.fixture
def cuda_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime as installed on a machine without the device: it lists CUDA, and cannot start it."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("CUDA is really there")
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)


def test_every_name_offered_is_understood_in_both_spellings() -> None:
    for short, full in available().items():
        assert full_name(short) == full_name(full) == full


def test_the_network_is_no_provider() -> None:
    assert "azure" not in available()


@pytest.mark.parametrize("engine", ["auto", "blend", "neural"])
@pytest.mark.parametrize("provider", ["abacus", "azure", ""])
def test_an_unknown_name_is_answered_with_those_there_are(tiny_bundle: Path, engine: str, provider: str) -> None:
    with pytest.raises(EngineError, match=rf"provider '{provider}' is not available; .* offers: auto, .*cpu"):
        load(tiny_bundle, engine=engine, provider=provider)  # type: ignore[arg-type]


def test_the_ngram_engine_asks_for_no_provider(tiny_bundle: Path) -> None:
    assert load(tiny_bundle, engine="ngram", provider="abacus").session().suggest("I love ")


@pytest.mark.parametrize(
    ("provider", "graphs", "fast", "expected"),
    [
        ("cpu", ("f", "i"), True, [("cpu", "i"), ("cpu", "f")]),
        ("cpu", ("f", "i"), False, [("cpu", "f"), ("cpu", "i")]),
        ("cpu", (None, "i"), False, [("cpu", "i")]),
        ("cpu", ("f", None), True, [("cpu", "f")]),
        ("auto", ("f", "i"), True, [("cuda", "f"), ("cpu", "i"), ("cpu", "f")]),
        ("auto", (None, "i"), True, [("cpu", "i")]),
        ("cuda", ("f", "i"), True, [("cuda", "f"), ("cpu", "i"), ("cpu", "f")]),
        ("CUDAExecutionProvider", (None, "i"), True, [("cuda", "i"), ("cpu", "i")]),
    ],
)
@pytest.mark.usefixtures("cuda_is_listed")
def test_the_order_of_attempts(
    provider: str, graphs: tuple[str | None, str | None], fast: bool, expected: list[tuple[str, str]]
) -> None:
    """Accelerators first, with the float graph; then the CPU with the int8 one, unless it is slow at bytes."""
    assert attempts(provider, *graphs, fast_bytes=fast) == [Attempt(*attempt) for attempt in expected]


@pytest.mark.parametrize(
    ("machine", "flags", "fast"),
    [
        ("x86_64", {"sse4_2", "avx"}, False),
        ("x86_64", {"avx", "avx2"}, True),
        ("AMD64", set(), True),
        ("aarch64", {"asimd"}, True),
    ],
)
def test_which_cpus_are_slow_at_bytes(machine: str, flags: set[str], fast: bool) -> None:
    assert multiplies_bytes_fast(machine, flags) == fast


@pytest.mark.usefixtures("cuda_is_listed")
@pytest.mark.parametrize("provider", ["cuda", "auto"])
def test_a_provider_that_cannot_start_gives_way_to_the_cpu(
    bundle: Path, provider: str, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = load(bundle).session().suggest("I love the ")
    harm.replace_file(bundle, STEP_FLOAT, (bundle / STEP).read_bytes())
    model = load(bundle, provider=provider)
    assert (model.engine, model.neural and model.neural.provider) == ("blend", "cpu")
    assert (model.notice or "").startswith(f"neural model on cpu ({STEP}): ")
    assert model.session().suggest("I love the ") == expected
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("cuda_is_listed")
def test_an_engine_asked_for_by_name_stays_with_its_provider(bundle: Path) -> None:
    with pytest.raises(EngineError, match=r"step\.onnx"):
        load(bundle, engine="blend", provider="cuda")


def test_a_run_that_fails_goes_on_with_the_next_graph(tiny_bundle: Path, two_graphs: Path) -> None:
    """The call in progress is answered as if nothing had happened, and so are sessions that were open before."""
    reference, model = load(tiny_bundle), load(two_graphs)
    assert model.notice is None
    earlier = model.session()
    earlier.suggest("")
    session = model.session()
    for text in TEXTS:
        assert session.suggest(text) == earlier.suggest(text) == reference.session().suggest(text)
    assert model.engine == "blend"
    assert (model.notice or "").startswith(f"neural model on cpu ({STEP_FLOAT}): ")
    assert "running it failed" in (model.notice or "")
    assert session.notice == model.notice


def test_when_every_run_fails_the_ngram_model_answers(two_graphs: Path) -> None:
    harm.replace_file(two_graphs, STEP_FLOAT, (two_graphs / STEP).read_bytes())
    model, reference = load(two_graphs), load(two_graphs, engine="ngram")
    session = model.session()
    for text in reversed(TEXTS):
        found = session.suggest(text)
        assert found == reference.session().suggest(text)
    assert (found.engine, model.engine) == ("ngram", "ngram")
    assert (model.notice or "").startswith("n-gram model only: ")


def test_a_graph_altered_after_loading_is_not_gone_on_with(two_graphs: Path) -> None:
    model = load(two_graphs)
    (two_graphs / STEP_FLOAT).write_bytes(b"")
    assert model.session().suggest(TEXTS[1]) == load(two_graphs, engine="ngram").session().suggest(TEXTS[1])
    assert "altered" in (model.notice or "")


def test_when_every_run_fails_an_engine_asked_for_by_name_says_so(two_graphs: Path) -> None:
    harm.replace_file(two_graphs, STEP_FLOAT, (two_graphs / STEP).read_bytes())
    session = load(two_graphs, engine="blend").session()
    for _ in range(2):
        with pytest.raises(EngineError, match="running it failed"):
            session.suggest(TEXTS[1])


def test_of_many_threads_that_see_a_failure_one_changes_the_model(tiny_bundle: Path, two_graphs: Path) -> None:
    model, expected = load(two_graphs), load(tiny_bundle).session().suggest(TEXTS[1])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: model.session().suggest(TEXTS[1]), range(16)))
    assert answers == [expected] * 16
    assert (model.notice or "").count("running it failed") == 1


def test_scores_that_are_no_numbers_are_a_failure(bundle: Path) -> None:
    import numpy as np
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(harm.failing_from((bundle / STEP).read_bytes(), 500))
    trap = next(tensor for tensor in graph.graph.initializer if tensor.name == "trap")
    trap.CopyFrom(numpy_helper.from_array(np.full(500, np.nan, np.float32), "trap"))
    harm.replace_file(bundle, STEP, graph.SerializeToString())
    model = load(bundle)
    assert model.session().suggest("I love ") == load(bundle, engine="ngram").session().suggest("I love ")
    assert "its scores are no numbers" in (model.notice or "")
