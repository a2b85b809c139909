"""A bundle: the folder with everything a model needs. Each file is checked against the manifest before use."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from foretype.runtime.errors import BundleError
from foretype.runtime.text.form import CaseRule, TextForm, new_tokenizer, old_tokenizer
from foretype.runtime.text.languages import LANGUAGES, UNKNOWN_LANGUAGE, Language

FORMAT = 1
MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"
NGRAM = "ngram.safetensors"
STEP = "step.onnx"
STEP_FLOAT = "step.fp32.onnx"
LEXICON = "lexicon.xz"
CHARACTERS = "characters.json"
MEGABYTE = 2**20
LIMITS = {
    MANIFEST: 4 * MEGABYTE,
    TOKENIZER: 64 * MEGABYTE,
    NGRAM: 2048 * MEGABYTE,
    LEXICON: 8 * MEGABYTE,
    CHARACTERS: MEGABYTE,
    STEP: 2047 * MEGABYTE,
    STEP_FLOAT: 2047 * MEGABYTE,
}
"""Maximum size of each file in bytes, checked before it is read. Other files have the limit of the tables. A vocabulary
of a million words takes 30 MB, and reading it takes five times that. Tables are mapped, not read. Protocol buffers, and
so ONNX files, cannot be larger than 2 GB."""
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")


def case_rule_to_json(rule: CaseRule) -> dict[str, Any]:
    """The case rule as plain JSON values."""
    return {
        "sentence_ends": sorted(rule.sentence_ends),
        "transparent": sorted(rule.transparent),
        "preferred": dict(rule.preferred),
        **({"dotted_i": True} if rule.dotted_i else {}),
    }


def case_rule_from_json(value: Mapping[str, Any]) -> CaseRule:
    """Convert the output of `case_rule_to_json` back. Raises KeyError or TypeError for any other `value`."""
    ends, transparent = frozenset(value["sentence_ends"]), frozenset(value["transparent"])
    return CaseRule(ends, transparent, dict(value["preferred"]), value.get("dotted_i") is True)


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. Files are checked when they are requested.

    folder: the folder of the bundle.
    manifest: the parsed manifest.json.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Read the manifest. Raises BundleError if it is missing, damaged, or of another format version."""
        path = folder / MANIFEST
        try:
            with _opened(folder, path) as stream:
                manifest = json.loads(stream.read())
        except FileNotFoundError as error:
            reason = "no such folder" if not folder.is_dir() else f"no {MANIFEST} in it"
            raise BundleError(f"{folder}: not a bundle: {reason}") from error
        except (OSError, ValueError, RecursionError) as error:
            raise BundleError(f"{path}: cannot be read ({error})") from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            found = manifest.get("format") if isinstance(manifest, dict) else None
            raise BundleError(f"{path}: format version {found!r}; this version of Foretype reads {FORMAT}")
        files = manifest.get("files")
        if not isinstance(files, dict) or not all(
            isinstance(entry, dict) and isinstance(entry.get("sha256"), str) for entry in files.values()
        ):
            raise BundleError(f"{path}: 'files' does not give a SHA-256 for each file")
        for name in files:
            if not _PLAIN_NAME.fullmatch(name):
                raise BundleError(f"{path}: lists {name[:80]!r}; expected names of files in the same folder")
        return cls(folder, manifest)

    @property
    def name(self) -> str:
        """The bundle's name, such as "en"."""
        return str(self.manifest.get("name", self.folder.name))

    @property
    def language_code(self) -> str:
        """The ISO 639-1 code of the language of its text; empty if the manifest names none."""
        return str(self.manifest.get("language", ""))

    @property
    def language(self) -> Language:
        """The language of its text, by the code in the manifest; `UNKNOWN_LANGUAGE` if that names none."""
        return LANGUAGES.get(self.language_code, UNKNOWN_LANGUAGE)

    def lists(self, name: str) -> bool:
        """Whether the manifest lists the file `name`."""
        return name in self.manifest["files"]

    def file(self, name: str) -> Path:
        """The path of the file `name`, after checking its checksum.

        Raises BundleError if the manifest does not list the file, if it is missing or altered, or if it is not a plain
        file in this folder (for example, a pipe or a link that leads out of the folder).
        """
        if not self.lists(name):
            raise BundleError(f"{self.folder / MANIFEST}: lists no {name}")
        path = self.folder / name
        try:
            with _opened(self.folder, path) as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise BundleError(f"{path}: missing") from error
        except OSError as error:
            raise BundleError(f"{path}: cannot be read ({error})") from error
        if digest != self.manifest["files"][name]["sha256"]:
            raise BundleError(f"{path}: altered or truncated (its SHA-256 is not the one in {MANIFEST})")
        return path

    def check(self) -> None:
        """Check every file that the manifest lists. Raises BundleError like `file`."""
        for name in self.manifest["files"]:
            self.file(name)

    def text_form(self) -> TextForm:
        """The text form of the bundle. Raises BundleError that names the faulty file."""
        path = self.file(TOKENIZER)
        with _opened(self.folder, path) as stream:
            ids = _read_tokenizer(path, stream.read())
        try:
            return TextForm(ids, case_rule_from_json(self.manifest["case"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"{self.folder / MANIFEST}: the case rule is incomplete ({error})") from error


@contextmanager
def _opened(folder: Path, path: Path) -> Iterator[BufferedReader]:
    """Open `path`. Raises BundleError if it is not a plain file inside `folder` within its size limit; OSError."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{path}: leads out of the bundle's folder, to {path.resolve()}")
    # O_NONBLOCK: do not wait for the other end of a pipe. The checks below examine the file that was actually opened.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status, limit = os.fstat(descriptor), LIMITS.get(path.name, LIMITS[NGRAM])
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path}: not a plain file")
        if status.st_size > limit:
            raise BundleError(f"{path}: {status.st_size} bytes; at most {limit} are read")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def _read_tokenizer(path: Path, content: bytes) -> dict[str, int]:
    """Read the vocabulary of a tokenizer.json, token -> id.

    Nothing else is used from the file. Its rules must be exactly those of the text form: `tokenizers` would run other
    rules, and they could take exponential time or memory.
    """
    try:
        value = json.loads(content)
        parts = ("normalizer", "pre_tokenizer", "added_tokens")
        rules = (json.loads(tokenizer.to_str()) for tokenizer in (new_tokenizer({}), old_tokenizer()))
        if not any(all(value.get(part) == each[part] for part in parts) for each in rules):
            raise ValueError("its rules are not those of the text form")
        words = value["model"]["vocab"]
        if value["model"]["type"] != "WordLevel" or set(map(type, words.values())) != {int}:
            raise ValueError("its model is not WordLevel with ids 0, 1, 2, ...")
        return dict(words)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{path}: not a tokenizer of this version ({error})") from error
