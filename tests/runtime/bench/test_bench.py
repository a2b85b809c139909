"""What the benchmark reports: percentiles, histograms, noise and verdicts, results as JSON, and the meters."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import ROOT

from foretype.runtime import ForetypeError, load
from foretype.runtime.bench import conditions as bench_conditions
from foretype.runtime.bench import trials
from foretype.runtime.bench.benchmark_text import benchmark_text, text_at
from foretype.runtime.bench.comparing.results import caveats, compare, verdict
from foretype.runtime.bench.conditions import Conditions, Watch, megahertz
from foretype.runtime.bench.device import describe
from foretype.runtime.bench.latency import Histogram, Latencies, percentile
from foretype.runtime.bench.meters import EnergyMeter, peak_memory, resident_memory
from foretype.runtime.bench.publishing.leaderboard import html_page, markdown
from foretype.runtime.bench.result import VERSION, Batch, Figure, Floor, Latency, Measurement, Result
from foretype.runtime.bench.trial import Trial, type_text
from foretype.runtime.bench.trials import Configuration, configurations
from foretype.runtime.files.finding import BUNDLES
from foretype.runtime.text.context import WINDOW_CHARACTERS

# A loaded machine generates examples slowly, which says nothing about the code.
at_any_load = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DOCUMENT = ROOT / "docs" / "benchmark.md"

times = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=60)
conditions = st.builds(
    Conditions,
    **{name: st.floats(0.001, 1e9) for name in ("wall_s", "cpu_s", "reference_us")},
    **{name: st.none() | st.floats(0, 1e6) for name in ("others", "load_average", "megahertz")},
)


def measurements(trials: int) -> st.SearchStrategy[Measurement]:
    """Measurements of that many trials."""
    figures = st.lists(st.floats(-1e12, 1e12), min_size=trials, max_size=trials).map(Figure.of)
    several = st.lists(times.map(Latencies.of), min_size=trials, max_size=trials)
    latencies = st.builds(Latency.of, several, several)
    return st.builds(
        Measurement,
        **dict.fromkeys(("import_ms", "load_ms", "first_suggestion_ms", "cold_start_ms", "cold_start_cpu_ms"), figures),
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
        conditions=st.lists(conditions, min_size=trials, max_size=trials).map(tuple),
    )


results = st.builds(
    Result,
    version=st.just(VERSION),
    trials=st.integers(1, 9),
    seconds=st.floats(0, 1e6),
    device=st.just(describe()) | st.builds(replace, st.just(describe()), cpu=st.text(), memory_bytes=st.none()),
    measurements=st.lists(
        st.integers(1, 3).flatmap(measurements),
        max_size=2,
        unique_by=lambda measurement: (measurement.label, measurement.fingerprint),
    ).map(tuple),
)


@at_any_load
@given(times, st.integers(1, 99))
def test_a_percentile_is_a_time_that_occurred_and_splits_them_as_it_says(values: list[float], percent: int) -> None:
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


@at_any_load
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
        ([1000, 1000, 1001, 1001], [952, 952, 953, 953], "same within noise"),
        ([1000, 1000, 1001, 1001], [949, 949, 950, 950], "faster"),
        ([949, 949, 950, 950], [1000, 1000, 1001, 1001], "slower"),
    ],
)
def test_a_verdict_needs_trials_apart_enough_of_them_and_a_difference_that_counts(
    old: list[float], new: list[float], expected: str
) -> None:
    assert verdict(Figure.of(old), Figure.of(new), least=0.051) == expected


QUIET = Conditions(
    wall_s=1.0, cpu_s=0.95, switches=3, reference_us=18.0, others=0.1, load_average=0.5, megahertz=3000.0
)
WAITING = replace(QUIET, cpu_s=0.6)
THROTTLED = replace(QUIET, reference_us=20.0)
CROWDED = replace(QUIET, others=1.0)


def result(*conditions: Conditions, cost: float = 1.0, neural: bool = False, cpu: str = "a CPU") -> Result:
    """A result with one trial under each of `conditions`; every time in it is `cost` times as long as usual."""
    count = len(conditions)

    def figure(value: float) -> Figure:
        return Figure.of([cost * value * (1 + 0.001 * at) for at in range(count)])

    latency = Latency.of(*[[Latencies.of([figure(100.0).trials[at]]) for at in range(count)] for _ in range(2)])
    one = Measurement(
        bundle="en",
        fingerprint="0" * 12,
        bundle_bytes=1,
        engine="blend" if neural else "ngram",
        provider="cpu" if neural else None,
        precision="int8" if neural else None,
        threads=1,
        notice=None,
        import_ms=figure(10.0),
        load_ms=figure(10.0),
        first_suggestion_ms=figure(10.0),
        cold_start_ms=figure(10.0),
        cold_start_cpu_ms=figure(10.0),
        first_peak_bytes=figure(1e6),
        resident_bytes=None,
        letter=latency,
        boundary=latency,
        words_per_second=figure(100.0),
        joules_per_1000_words=None,
        floor=Floor(1, "max", *[figure(1.0)] * 6) if neural else None,
        batches=(),
        conditions=conditions,
        repeated=0,
    )
    return Result(VERSION, "2030-01-01", 1.0, count, "0" * 64, replace(describe(), cpu=cpu), (one,))


def verdicts(old: Result, new: Result) -> dict[str, str]:
    return {row.figure: row.verdict for row in compare(old, new)}


def test_what_is_slower_is_told_where_nothing_disturbed_the_trials() -> None:
    found = verdicts(result(*[QUIET] * 5), result(*[QUIET] * 5, cost=1.1))
    assert found["letter p50, us"] == found["boundary p50, us"] == "slower"
    assert found["letter p99, us"] == "same within noise"  # a tenth is less than tails differ by
    assert found["first peak, bytes"] == "more"
    back = verdicts(result(*[QUIET] * 5, cost=1.1), result(*[QUIET] * 5))
    assert back["letter p50, us"] == back["boundary p50, us"] == "faster"


@pytest.mark.parametrize("disturbed", [WAITING, THROTTLED])
def test_most_trials_disturbed_is_no_verdict_but_on_memory(disturbed: Conditions) -> None:
    quiet, loud = result(*[QUIET] * 5), result(QUIET, QUIET, *[disturbed] * 3, cost=2.0)
    for found in (verdicts(quiet, loud), verdicts(loud, quiet)):
        assert found.pop("first peak, bytes") in ("more", "less")
        assert set(found.values()) == {"undisturbed trials: 2 of 5; no verdict"}


def test_a_few_disturbed_trials_are_left_out() -> None:
    """The two of the old result would hide that the new one is slower."""
    (old,) = result(QUIET, QUIET, QUIET, WAITING, WAITING).measurements
    slow = Figure.of([100.0, 100.0, 100.0, 500.0, 500.0])
    old = replace(old, letter=replace(old.letter, cpu_p50_us=slow))
    new = result(*[QUIET] * 5, cost=1.1)
    rows = {row.figure: row for row in compare(replace(new, measurements=(old,)), new)}
    assert rows["letter p50, us"].verdict == "slower"
    assert rows["letter p50, us"].old.highest == 100.0


def test_a_device_that_got_slower_itself_is_no_slower_foretype() -> None:
    """Fixed work takes longer in every trial of the new result: it could not tell alone."""
    new = result(*[THROTTLED] * 5, cost=1.1)
    assert verdicts(result(*[QUIET] * 5), new)["letter p50, us"] == "undisturbed trials: 0 of 5; no verdict"
    assert verdicts(result(*[QUIET] * 5, cpu="another CPU"), new)["letter p50, us"] == "slower"


def test_other_programs_that_share_the_cache_disturb_what_reads_weights() -> None:
    found = verdicts(result(*[QUIET] * 5, neural=True), result(*[CROWDED] * 5, cost=1.1, neural=True))
    assert found["letter p50, us"] == "slower"
    for name in ("boundary p50, us", "neural step p50, us", "memory floor, us"):
        assert found[name] == "undisturbed trials: 0 of 5; no verdict"
    # The n-gram engine has no weights.
    assert verdicts(result(*[QUIET] * 5), result(*[CROWDED] * 5, cost=1.1))["boundary p50, us"] == "slower"


def test_where_an_accelerator_computes_the_thread_may_wait() -> None:
    (one,) = result(*[WAITING] * 5).measurements
    assert all(one.disturbances())
    assert not any(replace(one, provider="cuda").disturbances())


def test_a_watch_sees_waiting_and_fixed_work() -> None:
    watch = Watch()
    for _ in range(3):
        watch.refer()
    time.sleep(0.2)
    seen = watch.conditions()
    assert seen.wall_s > 0.2
    assert seen.waited > 0.5
    assert seen.reference_us > 1
    told = seen.disturbance(seen.reference_us)
    assert told is not None
    assert told.startswith("waited for a processor for ")
    assert seen.disturbance(seen.reference_us / 2, accelerated=True) == (
        "fixed work took 100% longer than in the quietest trial"
    )
    assert seen.disturbance(seen.reference_us, accelerated=True) is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems report less")
def test_cores_that_other_programs_use_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat, hertz = tmp_path / "stat", os.sysconf("SC_CLK_TCK")
    monkeypatch.setattr(bench_conditions, "STAT", stat)
    stat.write_text("cpu  1000 0 0 5000 0 0 0 0 7 7\ncpu0 1 2 3\n")
    watch = Watch()
    watch.refer()
    # Half an hour of work by others, and as much idleness; what guests do stands twice in the line.
    stat.write_text(f"cpu  {1000 + 900 * hertz} 0 {900 * hertz} {5000 + 900 * hertz} {900 * hertz} 0 0 0 9999 9999\n")
    seen = watch.conditions()
    assert seen.others is not None
    assert seen.others * seen.wall_s == pytest.approx(1800, abs=1)
    assert seen.shared_cache
    stat.unlink()
    assert Watch()._busy is None


def test_the_clock_is_that_of_the_fastest_core(tmp_path: Path) -> None:
    assert megahertz(tmp_path) is None
    for name, value in (("cpu0", "800000"), ("cpu1", "3200000"), ("cpu2", "nothing"), ("cpuidle", "9999999")):
        (tmp_path / name / "cpufreq").mkdir(parents=True)
        (tmp_path / name / "cpufreq" / "scaling_cur_freq").write_text(value)
    assert megahertz(tmp_path) == 3200.0


@pytest.mark.parametrize(
    ("seen", "kept", "repeated"),
    [
        ([QUIET], QUIET, 0),
        ([WAITING, QUIET], QUIET, 1),
        ([WAITING, THROTTLED, replace(QUIET, reference_us=18.5)], replace(QUIET, reference_us=18.5), 2),
        ([WAITING, replace(WAITING, cpu_s=0.8), WAITING], replace(WAITING, cpu_s=0.8), 2),
    ],
)
def test_a_disturbed_trial_is_repeated_and_the_quietest_counts(
    seen: list[Conditions], kept: Conditions, repeated: int, a_trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = iter(seen)

    def run_process(configuration: Configuration, seconds: float, answers: Path | None = None) -> Trial:
        return replace(a_trial, typing=replace(a_trial.typing, conditions=next(runs) if seconds else QUIET))

    monkeypatch.setattr(trials, "run_process", run_process)
    (found,) = trials.measure([Configuration(None, "ngram")], trials=1).measurements
    assert (found.conditions, found.repeated) == ((kept,), repeated)
    assert next(runs, None) is None


def test_no_trial_is_repeated_after_the_time_is_over(a_trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = replace(a_trial, typing=replace(a_trial.typing, conditions=WAITING))
    monkeypatch.setattr(trials, "run_process", lambda *arguments: waiting)
    (found,) = trials.measure([Configuration(None, "ngram")], trials=3, seconds=0).measurements
    assert (len(found.conditions), found.repeated) == (1, 0)


@pytest.fixture(scope="module")
def a_trial(tiny_bundle: Path) -> Trial:
    return trials.run_process(Configuration(str(tiny_bundle), "ngram"), 0.0)


@at_any_load
@given(results)
def test_a_result_comes_back_from_json_as_it_was(result: Result) -> None:
    text = json.dumps(result.to_json(), allow_nan=False)
    assert Result.from_json(json.loads(text)) == result
    assert Result.from_json(json.loads(text) | {"a key of later": 1}) == result


@at_any_load
@given(results)
def test_a_result_is_the_same_as_itself(result: Result) -> None:
    told = {row.verdict for row in compare(result, result)}
    assert all(words == "same within noise" or words.endswith("no verdict") for words in told)


@settings(parent=at_any_load, max_examples=10)  # each draws charts
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
        (lambda value: value | {"version": 1}, "version 1; this version of Foretype reads 2"),
        (lambda value: value | {"trials": "many"}, "trials is 'many': expected int, got str"),
        (lambda value: value | {"trials": True}, "trials is True: expected int, got bool"),
        (lambda value: value | {"seconds": float("nan")}, "seconds is nan: expected a finite number"),
        (lambda value: value | {"device": {}}, "device is {}: object missing required field cpu"),
        (lambda value: value | {"measurements": {}}, "measurements is {}: expected array, got object"),
        (lambda value: value | {"measurements": [7]}, "measurements[0] is 7: expected object, got int"),
        (
            lambda value: value["measurements"][0]["conditions"].pop() and value,
            "as many trials as there are conditions",
        ),
        (
            lambda value: value["measurements"][0]["conditions"].clear() or value,
            "as many trials as there are conditions",
        ),
        (
            lambda value: value["measurements"][0]["conditions"][0].update(wall_s=0) or value,
            "expected a number above 0",
        ),
        (
            lambda value: value["measurements"][0]["conditions"][0].update(reference_us=-1) or value,
            "expected a number above 0",
        ),
    ],
)
def test_what_is_no_result_is_refused_with_its_place(tmp_path: Path, change: Any, words: str) -> None:
    path = tmp_path / "result.json"
    value = json.loads(json.dumps(result(*[QUIET] * 5, neural=True).to_json()))
    path.write_text(json.dumps(change(value)))
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


def test_the_text_is_in_the_language_of_the_bundle(tiny_bundle: Path) -> None:
    assert text_at("de").startswith("Liebe Martha,")
    assert text_at(str(tiny_bundle)) == text_at(None) == benchmark_text()
    for name in BUNDLES:
        words = text_at(name).split()
        assert len(words) > 150
        assert (benchmark_text() == text_at(name)) == name.startswith("en")


def test_a_slow_pass_ends_early_at_a_word(tiny_bundle: Path) -> None:
    typing = type_text(load(tiny_bundle, engine="ngram").session(), benchmark_text(), seconds=0)
    assert (typing.words, typing.boundary.count) == (1, 1)


def test_measuring_needs_no_extra() -> None:
    absent = ["torch", "onnx", "matplotlib", "safetensors", "textual", "typer", "rich", "psutil"]
    code = f"import foretype.runtime.bench.trials, sys; print(sorted(set({absent!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_what_was_not_measured_then_is_a_caveat() -> None:
    old, new = result(*[QUIET] * 5), result(*[QUIET] * 5, neural=True)
    assert caveats(new, new) == []
    assert any(line.endswith("not measured then") for line in caveats(old, new))


def test_a_trial_finds_its_modules_compiled_where_python_may_not_store_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    trials._environment.cache_clear()
    environment = trials._environment()
    trials._environment.cache_clear()
    assert environment is not None
    code = "import foretype.runtime.model as m, pathlib; print(pathlib.Path(m.__cached__).is_file(), m.__cached__)"
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(f"True {environment['PYTHONPYCACHEPREFIX']}")
