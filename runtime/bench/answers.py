"""Checks a device's suggestions against golden answers, so that a device that is fast and wrong shows.

Golden answers are made once, on a device that is trusted, by `foretype bench --write-answers FILE`. Those of the
bundled models are in `answers/`, one file for each bundle, named with its fingerprint.

Devices may differ a little: int8 products are summed in other orders and rounded to other types. Two words of nearly
the same probability then change places. So the probabilities are compared, with a tolerance, and another order counts
as a tie if all probabilities agree.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from foretype.runtime.bench.benchmark_text import ENGLISH, benchmark_text
from foretype.runtime.errors import ConfigError, ForetypeError
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.bundle import Bundle
from foretype.runtime.files.decoding import decode
from foretype.runtime.model import Model

VERSION = 1
TEXTS = 60
SHOWN = 3
COMPARED = 5
LOOKED_AT = 24
"""Words asked for when probabilities are compared: more than `COMPARED`, so that a near-tie does not hide one."""
TOLERANCE = {"ngram": 0.01, "int8": 0.2, "float32": 0.02}
"""How much the logarithm of a probability may differ. The contract of the int8 graph allows 0.1 for each logit, and the
sum that normalises it moves too."""
LEAST_PROBABILITY = 0.002
"""A difference of probabilities below this never counts."""
MOST_WRONG = 0.02
"""The largest share of texts with a wrong answer that a device may have and still count as right."""


@dataclass(frozen=True)
class Answer:
    """The answer to one text. words: the suggestions, in order. probabilities: of the most probable words, by word."""

    words: tuple[str, ...]
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Answers:
    """Golden answers of one bundle.

    version: version of this format. fingerprint: of the bundle. texts_sha256: hash of the texts, see `texts`.
    made: the processor and versions that made them. answers: by engine and precision ("blend int8"), one for each text.
    """

    version: int
    fingerprint: str
    texts_sha256: str
    made: str
    answers: dict[str, tuple[Answer, ...]]

    def write(self, path: Path) -> None:
        """Write them to `path` atomically."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Answers:
        """Read the file. Raises ForetypeError, one line that names the file, if it does not contain answers."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ForetypeError(f"{path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ForetypeError(f"{path}: cannot be read: {error}") from error

    @classmethod
    def from_json(cls, value: Any) -> Answers:
        """Convert plain values. Raises ValueError that names what is wrong."""
        found = decode(cls, value)
        if found.version != VERSION:
            raise ValueError(f"version {found.version}; this version of Foretype reads {VERSION}")
        return found


@dataclass(frozen=True)
class Agreement:
    """How a device's answers agree with golden ones.

    texts: number of texts. same: the same suggestions in the same order. tied: other suggestions or another order, but
    all probabilities within the tolerance. wrong: a probability outside the tolerance. tolerance: of the logarithm of a
    probability. largest: the largest difference of logarithms that counted. first_wrong: the first text with a wrong
    answer, and both answers; None if there is none.
    """

    texts: int
    same: int
    tied: int
    wrong: int
    tolerance: float
    largest: float
    first_wrong: str | None

    @property
    def right(self) -> bool:
        """Whether so few answers are wrong that the device's speed means something."""
        return self.wrong <= MOST_WRONG * self.texts


@cache
def texts(language: str = ENGLISH) -> tuple[str, ...]:
    """The texts to answer: prefixes of lines of `benchmark_text`, after a space and inside a word by turns."""
    ends = [
        (line, at + 1)
        for line in benchmark_text(language).splitlines()
        for at, character in enumerate(line)
        if character == " " and at + 3 < len(line)
    ]
    chosen = [ends[number * len(ends) // TEXTS] for number in range(TEXTS)]
    return tuple(line[: end + 2 * (number % 2)] for number, (line, end) in enumerate(chosen))


def fingerprint(bundle: Bundle) -> str:
    """A hash of the checksums of the bundle's files, 12 hexadecimal digits."""
    listed = bundle.manifest["files"]
    checksums = "\n".join(f"{name} {listed[name]['sha256']}" for name in sorted(listed))
    return hashlib.sha256(checksums.encode()).hexdigest()[:12]


def kind_of(model: Model) -> str:
    """What answers depend on besides the bundle: "ngram", or the engine and the graph's precision, "blend int8"."""
    return f"{model.engine} {model.neural.metadata.precision}" if model.neural else model.engine


def answer(model: Model) -> tuple[Answer, ...]:
    """Answer `texts`, each in a fresh session."""
    found = []
    for text in texts(model.bundle.language_code):
        session = model.session()
        words = tuple(suggestion.text for suggestion in session.suggest(text, k=SHOWN))
        probable = sorted(session.suggest(text, k=LOOKED_AT), key=lambda suggestion: -suggestion.probability)
        found.append(Answer(words, {each.text: each.probability for each in probable}))
    return tuple(found)


def make(models: Sequence[Model], made: str) -> Answers:
    """Make the golden answers of one bundle, from a model for each engine. made: describes the device."""
    prints = {fingerprint(model.bundle): texts(model.bundle.language_code) for model in models}
    if len(prints) != 1:
        raise ConfigError("golden answers are those of one bundle")
    ((mark, answered),) = prints.items()
    golden = {}
    for model in models:
        golden[kind_of(model)] = tuple(
            Answer(each.words, {word: round(p, 6) for word, p in list(each.probabilities.items())[:COMPARED]})
            for each in answer(model)
        )
    return Answers(VERSION, mark, _hash(answered), made, golden)


def golden_answers(bundle: Bundle, path: Path | None = None) -> Answers | None:
    """The answers in `path`, or those that come with Foretype; None if it has none for this bundle.

    Raises ForetypeError if `path` cannot be read or holds the answers of another bundle, or if the answers are to other
    texts.
    """
    mark = fingerprint(bundle)
    if path is None:
        path = Path(str(files("foretype.runtime.bench").joinpath("answers", f"{mark}.json")))
        if not path.is_file():
            return None
    found = Answers.read(path)
    if found.fingerprint != mark:
        raise ForetypeError(f"{path}: the answers of bundle {found.fingerprint}; {bundle.folder} is {mark}")
    if found.texts_sha256 != _hash(texts(bundle.language_code)):
        raise ForetypeError(f"{path}: made for other texts; make them again with foretype bench --write-answers")
    return found


def check(model: Model, path: Path | None = None) -> Agreement | None:
    """Answer the texts with `model` and compare; None if there are no golden answers of its bundle and precision.

    path: as for `golden_answers`.
    """
    golden = golden_answers(model.bundle, path)
    expected = golden.answers.get(kind_of(model)) if golden else None
    if not expected:
        return None
    tolerance = TOLERANCE[model.neural.metadata.precision if model.neural else "ngram"]
    return agreement(texts(model.bundle.language_code), expected, answer(model), tolerance)


def agreement(asked: Sequence[str], golden: Sequence[Answer], given: Sequence[Answer], tolerance: float) -> Agreement:
    """Compare the answers `given` to the texts `asked` with `golden` ones."""
    same = tied = wrong = 0
    largest, first = 0.0, None
    for text, right, seen in zip(asked, golden, given, strict=True):
        pairs = ((p, seen.probabilities.get(word, 0.0)) for word, p in right.probabilities.items())
        difference = max((_difference(*pair) for pair in pairs), default=0.0)
        largest = max(largest, difference)
        if difference > tolerance:
            wrong += 1
            first = first or f"{text[-40:]!r}: expected {', '.join(right.words)}; got {', '.join(seen.words)}"
        elif seen.words == right.words:
            same += 1
        else:
            tied += 1
    return Agreement(len(golden), same, tied, wrong, tolerance, largest, first)


def _difference(right: float, seen: float) -> float:
    """The difference of the logarithms; 0 if the probabilities differ by less than `LEAST_PROBABILITY`."""
    if abs(right - seen) < LEAST_PROBABILITY:
        return 0.0
    return abs(math.log(max(right, 1e-9) / max(seen, 1e-9)))


def _hash(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
