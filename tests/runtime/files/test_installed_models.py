"""Installing models: what arrives is whole and checked, or nothing is there; no archive reaches outside its place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import time
from pathlib import Path

import harm
import pytest
from archives import KINDS, files_of, pack
from killing import SERVER

from foretype.runtime import BundleError, ConfigError, load
from foretype.runtime.files import installed
from foretype.runtime.files.bundle import MANIFEST, STEP, Bundle
from foretype.runtime.files.finding import BUNDLES
from foretype.runtime.files.installed import default_folder, default_name, install, listed_models, remove, set_default


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("under", ["", "tiny/", "./"])
def test_an_archive_is_installed_and_found_by_name(
    tiny_bundle: Path, tmp_path: Path, models: Path, kind: str, under: str
) -> None:
    content = files_of(tiny_bundle, under) | {under + "README.txt": b"of no use", "__MACOSX/._x": b"", "._x": b""}
    assert install(pack(tmp_path / f"any.{kind}", content), "mine") == "mine"
    assert files_of(models / "mine") == files_of(tiny_bundle)
    assert load("mine").session().suggest("I love ") == load(tiny_bundle).session().suggest("I love ")
    if os.name == "posix":
        assert stat.S_IMODE((models / "mine").stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in (models / "mine").iterdir()} == {0o600}


def test_a_folder_is_installed_under_the_name_of_its_manifest(tiny_bundle: Path, tmp_path: Path, models: Path) -> None:
    source = harm.copy(tiny_bundle, tmp_path / "source")
    (source / "notes").mkdir()
    assert install(source) == "tiny"
    assert files_of(models / "tiny") == files_of(tiny_bundle)
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in (models / "tiny").iterdir()} == {0o600}


def test_models_are_listed_with_what_they_are(tiny_bundle: Path, models: Path) -> None:
    assert [model.name for model in listed_models()] == list(BUNDLES)
    assert not models.exists(), "asking leaves no trace"
    install(tiny_bundle, "mine")
    set_default("mine")
    bundled, *_, mine = listed_models()
    assert (bundled.name, bundled.bundled, bundled.default) == ("en", True, False)
    assert bundled.description.startswith("English")
    assert (mine.name, mine.bundled, mine.default, mine.folder) == ("mine", False, True, models / "mine")
    assert mine.bytes == sum(path.stat().st_size for path in tiny_bundle.iterdir() if path.name != MANIFEST)
    (models / "mine" / MANIFEST).write_text("{")
    assert MANIFEST in (listed_models()[-1].fault or "")


def test_a_name_is_taken_once(tiny_bundle: Path, tmp_path: Path, models: Path) -> None:
    install(tiny_bundle, "mine")
    with pytest.raises(ConfigError, match="mine is installed already; replace it with --replace"):
        install(tiny_bundle, "mine")
    other = harm.copy(tiny_bundle, tmp_path / "other")
    harm.change_manifest(other, lambda manifest: manifest.__setitem__("name", "other"))
    install(other, "mine", replace=True)
    assert Bundle.open(models / "mine").name == "other"
    with pytest.raises(ConfigError, match="en comes with Foretype"):
        install(tiny_bundle, "en", replace=True)
    for name in ("../up", ".hidden", "a/b", "a" * 65, "dot.", "nul\0", "a b"):
        with pytest.raises(ConfigError, match="expected at most 64 letters"):
            install(tiny_bundle, name)
    harm.change_manifest(other, lambda manifest: manifest.__setitem__("name", "../../escaped"))
    with pytest.raises(ConfigError, match=r"name is '\.\./\.\./escaped'"):
        install(other)
    assert [path.name for path in models.iterdir()] == ["mine"]


@pytest.mark.parametrize("packed", [False, True])
def test_an_altered_or_incomplete_bundle_leaves_the_installed_one(
    tiny_bundle: Path, tmp_path: Path, models: Path, packed: bool
) -> None:
    install(tiny_bundle, "mine")
    altered, incomplete, empty = (
        harm.copy(tiny_bundle, tmp_path / name) for name in ("altered", "incomplete", "empty")
    )
    (altered / STEP).write_bytes(b"other")
    (incomplete / STEP).unlink()
    harm.change_manifest(empty, lambda manifest: manifest["files"].clear())
    for bundle, words in ((altered, "altered or truncated"), (incomplete, "missing"), (empty, "lists no")):
        source = pack(tmp_path / f"{bundle.name}.zip", files_of(bundle)) if packed else bundle
        with pytest.raises(BundleError, match=words) as caught:
            install(source, "mine", replace=True)
        assert str(caught.value).startswith(str(source))
    assert files_of(models / "mine") == files_of(tiny_bundle)


def test_other_files_are_no_archives(tmp_path: Path) -> None:
    (tmp_path / "x.rar").write_bytes(b"Rar!")
    with pytest.raises(BundleError, match=r"expected \.tar\.gz"):
        install(tmp_path / "x.rar")
    with pytest.raises(BundleError, match="no such file or folder"):
        install(tmp_path / "missing.zip")


def _install_again_and_again(home: Path) -> None:
    os.environ["FORETYPE_HOME"] = str(home)  # this process may have been forked from one with another
    while True:
        install(home / "x.tar.gz", "mine", replace=True)


def test_killed_at_any_moment_a_new_model_is_there_as_a_whole_or_not_at_all(
    tiny_bundle: Path, home: Path, models: Path
) -> None:
    pack(home / "x.tar.gz", files_of(tiny_bundle))
    for strike in range(8):
        process = SERVER.Process(target=_install_again_and_again, args=(home,))
        process.start()
        deadline = time.monotonic() + 60
        while not list(models.glob(".*")) and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.join(timeout=0.004 * strike)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        if (models / "mine").exists():
            Bundle.open(models / "mine").check()
    left = list(models.glob(".*"))
    assert left, "it was never killed at work"
    for path in left:
        os.utime(path, (0, time.time() - installed._ABANDONED_SECONDS - 60))
    install(tiny_bundle, "other")
    assert {path.name for path in models.iterdir()} <= {"mine", "other"}


def test_what_fails_in_the_last_moment_leaves_the_model_that_was_there(
    tiny_bundle: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tiny_bundle, "mine")
    rename, calls = Path.rename, []

    def second_fails(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(OSError, match="No space"):
        install(tiny_bundle, "mine", replace=True)
    assert files_of(models / "mine") == files_of(tiny_bundle)


def test_removing_takes_the_model_and_the_default_that_named_it(
    tiny_bundle: Path, tmp_path: Path, models: Path
) -> None:
    install(tiny_bundle, "mine")
    set_default("mine")
    assert remove("mine") is True
    assert default_name() is None
    with pytest.raises(BundleError, match="mine: no model of this name; choose from en, en-tiny"):
        remove("mine")
    with pytest.raises(ConfigError, match="en comes with Foretype and cannot be removed"):
        remove("en")
    linked = harm.copy(tiny_bundle, tmp_path / "linked")
    (models / "link").symlink_to(linked)
    assert remove("link") is False
    assert linked.is_dir(), "only the link goes"


def test_the_default_is_kept_and_does_not_change_what_a_program_loads(tiny_bundle: Path, home: Path) -> None:
    assert default_folder() is None
    install(tiny_bundle, "mine")
    set_default("mine")
    assert json.loads((home / "models.json").read_text()) == {"default": "mine"}
    assert stat.S_IMODE((home / "models.json").stat().st_mode) == 0o600
    assert default_folder() == home / "models" / "mine"
    assert load(engine="ngram").bundle.name == "en"
    with pytest.raises(BundleError, match=r"other: no model of this name; choose from en, en-tiny, .*, mine"):
        set_default("other")
    shutil.rmtree(home / "models" / "mine")
    with pytest.raises(BundleError, match=r"models\.json: mine: no model of this name.* chooses another"):
        default_folder()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"default": 3}', '{"default": "../x"}', "\xff", "[" * 100_000])
def test_a_damaged_choice_is_named(home: Path, content: str) -> None:
    (home / "models.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"models\.json: names no model"):
        default_name()
    set_default("en-tiny")
    assert default_name() == "en-tiny"


def test_a_folder_comes_before_a_model_of_its_name(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tiny_bundle, "mine")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_bundle, "mine")
    assert load("mine", engine="ngram").bundle.folder == Path("mine")
    with pytest.raises(BundleError, match=r"no such folder, and no model .* choose from en, en-tiny, .*, mine"):
        load("nope")
