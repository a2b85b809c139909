"""The text that the benchmark types: everyday words in the language of the bundle, written for this purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from foretype.runtime.files.bundle import Bundle
from foretype.runtime.files.finding import find_bundle

ENGLISH = "en"


@cache
def benchmark_text(language: str = ENGLISH) -> str:
    """The text in a language, by its ISO 639-1 code; the English one if there is none in it.

    Mail, chat, notes, and a passage longer than a context window.
    """
    texts = files("foretype.runtime.bench").joinpath("texts")
    text = texts.joinpath(f"{language}.txt")
    return (text if text.is_file() else texts.joinpath(f"{ENGLISH}.txt")).read_text(encoding="utf-8")


def text_of(bundle: Bundle) -> str:
    """The text in the language of `bundle`."""
    return benchmark_text(bundle.language_code)


def text_at(path: str | None) -> str:
    """The text in the language of the bundle that `load` finds by this name or folder. Raises as `find_bundle`."""
    return text_of(Bundle.open(find_bundle(path)))


def hash_of(texts: Iterable[str]) -> str:
    """The SHA-256 hash of these texts, each once, as hexadecimal digits."""
    return hashlib.sha256("".join(sorted(set(texts))).encode()).hexdigest()
