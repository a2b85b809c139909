"""Mutation testing: break the code in small ways, one at a time, and see whether a test notices.

    python scripts/mutate.py --count 120 --seed 1 --map map.json --out before.json
    python scripts/mutate.py --map new-map.json --again before.json --out after.json

It works in a copy of the tree. First it runs all tests once under coverage.py and notes which test runs which line
(`--map` keeps that; it holds for the code and the tests it was made with). Then it draws mutants of `--folder`, all
equally likely, and runs for each the tests that reach its line, quickest files first, until one fails. A line that runs
at import belongs to all tests of its module. `--again` takes the mutants of an earlier report instead of drawing.

killed: a test failed. timeout: the tests took five times as long as they should, and a minute more. survived: all
passed. uncovered: no test reaches the line. A survivor is either a missing test or a mutant that behaves like the
original; a person has to tell which.

`--budget` limits the seconds of tests for one mutant; a survivor that met only part of its tests says so.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mutants import Mutant, mutants_of

LEFT_OUT = (".git", ".venv", "__pycache__", ".hypothesis", "*_cache", "*.egg-info", "build", "runs")
MEMORY = 12 * 2**30
"""Bytes of address space of one run: a mutant may ask for more and more."""


@dataclass(frozen=True)
class TestMap:
    """seconds: of each test that passes. lines: by module and line, the tests that reach it. sources: hashes."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[str]]]
    sources: dict[str, str]

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests of a mutant; those of the quickest files first, since each file sets up fixtures of its own."""
        lines = self.lines.get(mutant.module, {})
        found = {test for line in (mutant.line, mutant.statement) for test in lines.get(str(line), [])}
        if not mutant.in_function:
            found = {test for tests in lines.values() for test in tests}
        files: dict[str, list[str]] = defaultdict(list)
        for test in sorted(found & self.seconds.keys(), key=lambda test: self.seconds[test]):
            files[test.partition("::")[0]].append(test)
        quickest = sorted(files.values(), key=lambda tests: sum(self.seconds[test] for test in tests))
        return [test for tests in quickest for test in tests]


class Tree:
    """A copy of the source tree in which mutants are tried."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self._home = folder / "tree", folder / "home"
        self._home.mkdir()
        shutil.copytree(root, self.root, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
        # By content: a mutant may have the size and the time stamp of the original.
        compiled = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", str(self.root)]
        subprocess.run(compiled, check=False, stdout=subprocess.DEVNULL)

    def pytest(
        self, arguments: list[str], timeout: float | None, environment: dict[str, str]
    ) -> tuple[int | None, str]:
        """Run pytest in the copy; its exit status, None where time ran out, and what it printed."""
        paths = (self.root / ".typing", self.root, Path(__file__).resolve().parent)
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
        env |= {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
        # A mutant must not write into the folders of whoever runs this.
        env |= {"HOME": str(self._home), "XDG_DATA_HOME": str(self._home / "data")} | environment
        run = [sys.executable, "-P", "-m", "pytest", *arguments, "-q", "-p", "no:cacheprovider", "-m", "not soak"]
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                run,
                cwd=self.root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Not a new session: the scheduler may share out time by session, and forget that this one is nice.
                process_group=0,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
            )
            try:
                status: int | None = process.wait(timeout)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                # Whatever the tests started goes with them.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            return status, output.read().decode(errors="replace")

    def hashes(self, folder: str) -> dict[str, str]:
        """The hash of each source file."""
        paths = sorted((self.root / folder).rglob("*.py"))
        return {p.relative_to(self.root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}

    def map_tests(self, folder: str, tests: list[str]) -> TestMap:
        """Run `tests` once and note which of them reach which line. Raises SystemExit where none passes."""
        from coverage import CoverageData

        data, log, config = (self.root.parent / name for name in ("coverage", "log", "coveragerc"))
        # Processes that a test starts take its name as their context.
        lines = ["[run]", f"source = {self.root / folder}", f"data_file = {data}", "parallel = true"]
        config.write_text("\n".join([*lines, "context = ${PYTEST_CURRENT_TEST-}", ""]))
        # coverage.py starts by itself in every process that has this variable.
        environment = {"COVERAGE_PROCESS_START": str(config), "MUTATE_LOG": str(log)}
        _, output = self.pytest(["-p", "mutate", *tests], None, environment)
        seconds: dict[str, float] = defaultdict(float)
        failed = set()
        for line in log.read_text().splitlines() if log.exists() else []:
            test, outcome, took = json.loads(line)
            seconds[test] += took
            failed |= {test} if outcome != "passed" else set()
        passed = {test: took for test, took in seconds.items() if test not in failed}
        if not passed:
            raise SystemExit(f"no test passes without a mutant:\n{output[-2000:]}")
        reached: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for part in data.parent.glob(f"{data.name}.*"):
            read = CoverageData(str(part))
            read.read()
            for file in read.measured_files():
                module = Path(file).relative_to(self.root).as_posix()
                for number, contexts in read.contexts_by_lineno(file).items():
                    reached[module][str(number)] |= {_plain(context) for context in contexts} & passed.keys()
        by_line = {module: {n: sorted(found) for n, found in lines.items()} for module, lines in reached.items()}
        return TestMap(passed, by_line, self.hashes(folder))

    def attempt(self, mutant: Mutant, tests: list[str], timeout: float) -> str:
        """What `tests` do to the mutant: "killed", "timeout" or "survived"."""
        path = self.root / mutant.module
        original = path.read_bytes()
        path.write_bytes(original[: mutant.start] + mutant.after.encode() + original[mutant.end :])
        try:
            status, output = self.pytest(["-x", "--hypothesis-seed=0", *tests], timeout, {})
        finally:
            path.write_bytes(original)
        if "ERROR: not found" in output:
            raise SystemExit(f"the map does not fit the tests; make it anew:\n{output[-2000:]}")
        return {0: "survived", None: "timeout"}.get(status, "killed")


def _plain(test: str) -> str:
    """The name of a test function, without its parameters or phase."""
    return test.partition(" (")[0].partition("[")[0]


def pytest_runtest_logstart(nodeid: str) -> None:
    """Hook of pytest, under `-p mutate`: lines that run now belong to this test."""
    from coverage import Coverage

    if current := Coverage.current():
        current.switch_context(_plain(nodeid))


def pytest_runtest_logreport(report: Any) -> None:
    """Hook of pytest, under `-p mutate`: note how long each test takes and whether it passes."""
    with open(os.environ["MUTATE_LOG"], "a") as log:
        log.write(json.dumps([_plain(report.nodeid), report.outcome, report.duration]) + "\n")


def table(results: list[dict[str, Any]]) -> str:
    """The outcomes by module, as Markdown, and a line for each mutant that no test killed."""
    columns = ("killed", "timeout", "survived", "uncovered")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for name in (result["module"], "all"):
            counts[name][result["outcome"]] += 1
    lines = [f"| module | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]
    for name in sorted(counts, key=lambda name: (name == "all", name)):
        lines.append(f"| {name} | " + " | ".join(str(counts[name][column]) for column in columns) + " |")
    for result in results:
        if result["outcome"] != "killed":
            before, after = (" ".join(result[side].split()) for side in ("before", "after"))
            part = "" if result["ran"] == result["tests"] else f" ({result['ran']} of {result['tests']} tests)"
            where = f"{result['module']}:{result['line']} {result['place']}"
            lines.append(f"{result['outcome']}{part}: {where}: {result['kind']}: {before} -> {after}")
    return "\n".join(lines)


def chosen(every: list[Mutant], count: int, seed: int, again: Path | None) -> list[Mutant]:
    """The mutants to try: those of the report `again` that still exist, else `count` drawn with `seed`."""
    if not again:
        return random.Random(seed).sample(every, min(count, len(every)))
    by_key = {mutant.key: mutant for mutant in every}
    fields = ("module", "place", "kind", "before", "after", "occurrence")
    keys = [tuple(old[field] for field in fields) for old in json.loads(again.read_text())["mutants"]]
    print(f"{sum(key not in by_key for key in keys)} mutants of {again} are gone: the code changed", file=sys.stderr)
    return [by_key[key] for key in keys if key in by_key]


def main() -> None:
    """Read the command line, try the mutants, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="The source tree.")
    parser.add_argument("--folder", default="runtime", help="What is mutated, below the root.")
    parser.add_argument("--tests", nargs="+", default=["tests"], help="Tests that may kill, below the root.")
    parser.add_argument("--count", type=int, default=100, help="How many mutants.")
    parser.add_argument("--seed", type=int, default=0, help="Of the draw.")
    parser.add_argument("--budget", type=float, default=60.0, help="Seconds of tests for one mutant.")
    parser.add_argument("--map", type=Path, help="Read which test reaches which line here; written where absent.")
    parser.add_argument("--again", type=Path, help="Try the mutants of this report again.")
    parser.add_argument("--out", type=Path, help="Write the report here as JSON.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Tree(options.root, Path(folder))
        if options.map and options.map.exists():
            tests = TestMap(**json.loads(options.map.read_text()))
            if tests.sources != tree.hashes(options.folder):
                raise SystemExit(f"{options.map}: made with other code; name a new file to make a new map")
        else:
            tests = tree.map_tests(options.folder, options.tests)
            if options.map:
                options.map.write_text(json.dumps(asdict(tests)))
        every = [m for path in sorted((tree.root / options.folder).rglob("*.py")) for m in mutants_of(tree.root, path)]
        results = []
        for mutant in chosen(every, options.count, options.seed, options.again):
            mapped, expected = tests.tests(mutant), 0.0
            ran: list[str] = []
            for test in mapped:
                if not ran or expected + tests.seconds[test] <= options.budget:
                    expected += tests.seconds[test]
                    ran.append(test)
            outcome = tree.attempt(mutant, ran, 60.0 + 5 * expected) if ran else "uncovered"
            results.append(asdict(mutant) | {"outcome": outcome, "tests": len(mapped), "ran": len(ran)})
            print(f"{len(results)}: {outcome}: {mutant.module}:{mutant.line} {mutant.kind}", file=sys.stderr)
            if options.out:
                report = {"folder": options.folder, "seed": options.seed, "of": len(every), "mutants": results}
                options.out.write_text(json.dumps(report, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()
