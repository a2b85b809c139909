"""The sdist and the wheel: complete, valid for PyPI, and at work in fresh environments."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest
from paths import ROOT

IGNORED = shutil.ignore_patterns(
    ".*_cache", "__pycache__", ".venv", ".git", ".hypothesis", "build", "dist", "*.egg-info"
)
EXPECTED = ("NOTICE", "LICENSE", "CHANGELOG.md", "setup.py", "constraints.txt", "scripts/measure_ngrams.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The sdist, the wheel made from it, and what the build printed."""
    folder = tmp_path_factory.mktemp("distributions")
    source, out = folder / "source", folder / "out"
    shutil.copytree(ROOT, source, ignore=IGNORED, symlinks=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(out.glob("*.tar.gz")), next(out.glob("*.whl")), result.stdout + result.stderr


def test_the_build_does_not_warn_about_packages(built: tuple[Path, Path, str]) -> None:
    assert "importable" not in built[2]
    assert "absent from the `packages`" not in built[2]
    assert "Deprecat" not in built[2]


def test_the_sdist_holds_the_tests_and_the_project_files(built: tuple[Path, Path, str]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*") if path.is_file()}
    assert {name for name in tests if "__pycache__" not in name} <= names
    assert set(EXPECTED) <= names
    assert not any("__pycache__" in name for name in names)


def test_both_are_valid_for_the_index(built: tuple[Path, Path, str]) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", str(built[0]), str(built[1])]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("kind", [0, 1], ids=["sdist", "wheel"])
def test_a_fresh_environment_can_suggest(built: tuple[Path, Path, str], kind: int, tmp_path: Path) -> None:
    """The dependencies come from this environment, so that the test needs no network."""
    venv.create(tmp_path / "fresh", with_pip=False)
    python = tmp_path / "fresh" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = tmp_path / "fresh" / "lib" / version / "site-packages"
    # No .pth files: that of the editable install would stand in for the package under test.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
    ]
    installed = subprocess.run([*pip, str(built[kind])], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert installed.returncode == 0, installed.stderr
    code = "import foretype.runtime as r; print(r.__file__); print(r.load().session().suggest('I would lik')[0].text)"
    result = subprocess.run([str(python), "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stderr
    where, word = result.stdout.split()
    assert Path(where).is_relative_to(site)
    assert word == "like"
