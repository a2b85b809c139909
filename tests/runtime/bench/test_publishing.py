"""What leaves the benchmark for others: the schema, CSV, and the course of a sustained run."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from foretype.runtime import load
from foretype.runtime.bench.conditions import throttled
from foretype.runtime.bench.publishing.leaderboard import html_page
from foretype.runtime.bench.publishing.schema import schema, schema_text
from foretype.runtime.bench.publishing.table import csv_text
from foretype.runtime.bench.result import Result
from foretype.runtime.bench.sustained import slowdown, sustain
from foretype.runtime.bench.trials import Configuration, measure


@pytest.fixture(scope="module")
def measured(tiny_bundle: Path) -> Result:
    return measure([Configuration(str(tiny_bundle), "ngram")], trials=1, seconds=1, minutes=0.01)


def test_the_published_schema_is_that_of_the_code_and_takes_a_result(measured: Result) -> None:
    """If the schema has changed: foretype bench --schema > runtime/bench/result.schema.json."""
    assert files("foretype.runtime.bench").joinpath("result.schema.json").read_text(encoding="utf-8") == schema_text()
    value = json.loads(json.dumps(measured.to_json()))
    jsonschema.validate(value, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"version": 99}, schema())
    browser = value | {"device": value["device"] | {"kind": "browser"}}
    jsonschema.validate(browser, schema())
    assert Result.from_json(browser).device.name.endswith(", browser")


def test_csv_has_a_line_for_each_configuration(measured: Result) -> None:
    (row,) = csv.DictReader(csv_text([measured]).splitlines())
    one = measured.measurements[0]
    assert float(row["boundary.p50_us"]) == one.boundary.p50_us.median
    assert row["engine"] == "ngram"


def test_a_sustained_run_reports_each_interval(measured: Result, tiny_bundle: Path) -> None:
    (one,) = measured.measurements
    assert one.sustained
    found = sustain(load(tiny_bundle, engine="ngram"), 2.0)
    assert 1 <= len(found) <= 3
    assert all(interval.words > 0 and interval.boundary_p50_us <= interval.boundary_p99_us for interval in found)
    last = replace(found[0], boundary_cpu_p50_us=2 * found[0].boundary_cpu_p50_us)
    assert slowdown([found[0], last]) == pytest.approx(2)


def test_the_page_stands_alone_with_its_charts(measured: Result) -> None:
    pytest.importorskip("matplotlib")
    page = html_page([measured])
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "src=" not in page


def test_throttling_is_counted_over_all_cores(tmp_path: Path) -> None:
    assert throttled(tmp_path) is None
    for name, value in (("cpu0", "3"), ("cpu1", "4"), ("cpuidle", "99")):
        (tmp_path / name / "thermal_throttle").mkdir(parents=True)
        (tmp_path / name / "thermal_throttle" / "core_throttle_count").write_text(value)
    assert throttled(tmp_path) == 7
