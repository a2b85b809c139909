"""What the benchmark reports: percentiles, histograms, noise and verdicts, results as JSON, and the meters."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretype.runtime import ForetypeError, load
from foretype.runtime.bench.compare import compare, verdict
from foretype.runtime.bench.device import describe
from foretype.runtime.bench.latency import Histogram, Latencies, percentile
from foretype.runtime.bench.meters import EnergyMeter, peak_memory, resident_memory
from foretype.runtime.bench.report import html_page, markdown
from foretype.runtime.bench.result import VERSION, Batch, Figure, Floor, Latency, Measurement, Result
from foretype.runtime.bench.trial import benchmark_text, type_text
from foretype.runtime.bench.trials import Configuration, configurations
from foretype.runtime.text.context import WINDOW_CHARACTERS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmark.md"

times = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=60)
figures = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5).map(Figure.of)
latencies = st.lists(times.map(Latencies.of), min_size=1, max_size=3).map(Latency.of)
results = st.builds(
    Result,
    version=st.just(VERSION),
    trials=st.integers(1, 9),
    seconds=st.floats(0, 1e6),
    device=st.just(describe()) | st.builds(replace, st.just(describe()), cpu=st.text(), memory_bytes=st.none()),
    measurements=st.lists(
        st.builds(
            Measurement,
            **dict.fromkeys(("import_ms", "load_ms", "first_suggestion_ms", "cold_start_ms"), figures),
            **{name: st.none() | figures for name in ("first_peak_bytes", "resident_bytes", "joules_per_1000_words")},
            words_per_second=figures,
            letter=latencies,
            batches=st.lists(st.builds(Batch, tokens_per_second=figures), max_size=2).map(tuple),
            boundary=latencies,
            floor=st.none()
            | st.builds(
                Floor,
                **dict.fromkeys(("gigabytes_per_second", "floor_us", "step_p50_us", "step_p99_us"), figures),
                **dict.fromkeys(("step_over_floor", "boundary_over_floor"), figures),
            ),
        ),
        max_size=2,
        unique_by=lambda measurement: (measurement.label, measurement.fingerprint),
    ).map(tuple),
)


@given(times, st.integers(1, 99))
def test_a_percentile_is_a_time_that_occurred_and_splits_them_as_it_says(values: list[float], percent: int) -> None:
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


@given(times, times)
def test_histograms_of_trials_merge_into_the_histogram_of_all(first: list[float], second: list[float]) -> None:
    merged = Histogram.of(first).merged(Histogram.of(second))
    assert merged == Histogram.of(first + second) == Histogram.of(second).merged(Histogram.of(first))
    assert sum(merged.counts) == len(first) + len(second)
    edges = merged.edges()
    assert edges[0] <= min(first + second) * (1 + 1e-9)
    assert max(first + second) <= edges[-1] * (1 + 1e-9)
    assert all(math.isclose(after / before, 2 ** (1 / 8)) for before, after in pairwise(edges))


def test_noise_is_half_the_spread_and_unknown_of_one_trial() -> None:
    assert Figure.of([90.0, 100.0, 120.0]).noise == pytest.approx(0.15)
    assert Figure.of([100.0]).noise is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([10, 11, 12, 13, 14], [5, 6, 7, 8, 9], "faster"),
        ([5, 6, 7, 8, 9], [10, 11, 12, 13, 14], "slower"),
        ([10, 11, 12, 13, 14], [6, 7, 8, 9, 10], "same within noise"),
        ([10, 11, 12], [5, 6, 7], "unknown: too few trials"),
        ([10], [5], "unknown: too few trials"),
        ([1000, 1000, 1001, 1001], [995, 995, 996, 996], "same within noise"),
    ],
)
def test_a_verdict_needs_trials_apart_and_enough_of_them(old: list[float], new: list[float], expected: str) -> None:
    assert verdict(Figure.of(old), Figure.of(new)) == expected


@given(results)
def test_a_result_comes_back_from_json_as_it_was(result: Result) -> None:
    text = json.dumps(result.to_json(), allow_nan=False)
    assert Result.from_json(json.loads(text)) == result
    assert Result.from_json(json.loads(text) | {"a key of later": 1}) == result


@given(results)
def test_a_result_is_the_same_as_itself(result: Result) -> None:
    assert {row.verdict for row in compare(result, result)} <= {"same within noise"}


@given(st.lists(results, max_size=3))
def test_a_leaderboard_has_a_row_for_each_measurement_quickest_first(several: list[Result]) -> None:
    medians = [m.boundary.p50_us.median for result in several for m in result.measurements]
    body = markdown(several).split("---: |\n", 1)[1].splitlines()
    assert len(body) == len(medians) == html_page(several).count("<tr>") - 1
    columns = [line.replace("\\|", "").split("|") for line in body]
    assert [cells[3].split()[0] for cells in columns] == [f"{median:,.0f}" for median in sorted(medians)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda value: [], "no version"),
        (lambda value: {"trials": 3}, "no version"),
        (lambda value: value | {"version": 2}, "version 2; this version of Foretype reads 1"),
        (lambda value: value | {"trials": "many"}, "trials is 'many': expected int, got str"),
        (lambda value: value | {"trials": True}, "trials is True: expected int, got bool"),
        (lambda value: value | {"seconds": float("nan")}, "seconds is nan: expected a finite number"),
        (lambda value: value | {"device": {}}, "device is {}: object missing required field cpu"),
        (lambda value: value | {"measurements": {}}, "measurements is {}: expected array, got object"),
        (lambda value: value | {"measurements": [7]}, "measurements[0] is 7: expected object, got int"),
    ],
)
def test_what_is_no_result_is_refused_with_its_place(tmp_path: Path, change: Any, words: str) -> None:
    result = Result(VERSION, "2030-01-01", 1.0, 5, "0" * 64, describe(), ())
    path = tmp_path / "result.json"
    path.write_text(json.dumps(change(result.to_json())))
    with pytest.raises(ForetypeError, match=r"result\.json: cannot be read") as caught:
        Result.read(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_document_names_every_key_of_the_schema() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    seen: set[Any] = set()

    def names(kind: Any) -> set[str]:
        found = set()
        for inner in (kind, *get_args(kind)):
            if is_dataclass(inner) and inner not in seen:
                seen.add(inner)
                hints = get_type_hints(inner)
                found |= {field.name for field in fields(inner)}
                found = found.union(*(names(hint) for hint in hints.values()))
            elif inner is not kind:
                found |= names(inner)
        return found

    keys = names(Result)
    assert {"created", "boundary", "weight_bytes", "cpu", "counts"} <= keys
    assert not [key for key in sorted(keys) if f"`{key}`" not in text]


def test_energy_is_that_of_the_packages_even_when_a_counter_goes_round(tmp_path: Path) -> None:
    zones = {
        "intel-rapl:0": ("package-0", 900),
        "intel-rapl:1": ("package-1", 50),
        "intel-rapl:0:0": ("core", 7),
        "intel-rapl:2": ("psys", 3),
    }
    for zone, (name, value) in zones.items():
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "name").write_text(f"{name}\n")
        (tmp_path / zone / "energy_uj").write_text(f"{value}\n")
        (tmp_path / zone / "max_energy_range_uj").write_text("1000\n")
    meter = EnergyMeter(tmp_path)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("100\n")
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("60\n")
    for part in ("intel-rapl:0:0", "intel-rapl:2"):
        (tmp_path / part / "energy_uj").write_text("999\n")
    assert meter.joules() == pytest.approx((200 + 10) / 1e6)


def test_energy_that_is_not_told_is_not_made_up(tmp_path: Path) -> None:
    assert EnergyMeter(tmp_path).joules() is None
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "name").write_text("package-0\n")
    assert EnergyMeter(tmp_path).joules() is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems report less")
def test_memory_is_counted_in_bytes_of_this_process() -> None:
    peak, resident = peak_memory(), resident_memory()
    assert peak is not None
    assert resident is not None
    assert 10_000_000 < resident <= peak < 100_000_000_000


def test_every_combination_is_measured_once_and_the_ngram_engine_knows_no_providers() -> None:
    chosen = configurations([None, "b"], ["blend", "ngram", "blend"], ["cpu", "cuda"], [1, 2])
    assert len(chosen) == len(set(chosen)) == 2 * (4 + 1)
    assert Configuration("b", "blend", "cuda", 2) in chosen
    assert Configuration("b", "ngram", "cpu", 1) in chosen


def test_the_text_reaches_past_a_window_and_every_pass_types_all_of_it(tiny_bundle: Path) -> None:
    text = benchmark_text()
    assert max(map(len, text.split("\n\n"))) > 2 * WINDOW_CHARACTERS
    typing = type_text(load(tiny_bundle, engine="ngram").session(), text, seconds=60)
    assert typing.words == len(text.split())
    assert typing.boundary.count == typing.words
    assert typing.letter.count > 3 * typing.words


def test_a_slow_pass_ends_early_at_a_word(tiny_bundle: Path) -> None:
    typing = type_text(load(tiny_bundle, engine="ngram").session(), benchmark_text(), seconds=0)
    assert (typing.words, typing.boundary.count) == (1, 1)


def test_measuring_needs_no_extra() -> None:
    absent = ["torch", "onnx", "matplotlib", "safetensors", "textual", "typer", "rich", "psutil"]
    code = f"import foretype.runtime.bench.trials, sys; print(sorted(set({absent!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
