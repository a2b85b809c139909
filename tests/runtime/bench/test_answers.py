"""A device that is fast and wrong shows; one that breaks near-ties another way does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from foretype.runtime import ForetypeError, load
from foretype.runtime.bench.answers import (
    TEXTS,
    Agreement,
    Answer,
    agreement,
    answer,
    check,
    golden_answers,
    make,
    texts,
)
from foretype.runtime.text.languages import LANGUAGES

GOLDEN = Answer(("a", "b", "c"), {"a": 0.400, "b": 0.395, "c": 0.1, "d": 0.05})


def agree(given: Answer, tolerance: float = 0.1) -> Agreement:
    return agreement(texts(), [GOLDEN] * TEXTS, [given] + [GOLDEN] * (TEXTS - 1), tolerance)


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        (GOLDEN, (60, 0, 0)),
        (Answer(("b", "a", "c"), {**GOLDEN.probabilities, "a": 0.396, "b": 0.399}), (59, 1, 0)),
        (Answer(("a", "b", "c"), {**GOLDEN.probabilities, "c": 0.06}), (59, 0, 1)),
        (Answer(("a", "b", "x"), {"a": 0.4, "b": 0.395, "x": 0.1, "d": 0.05}), (59, 0, 1)),
    ],
)
def test_another_order_is_a_tie_only_if_all_probabilities_agree(given: Answer, counts: tuple[int, int, int]) -> None:
    found = agree(given)
    assert (found.same, found.tied, found.wrong) == counts
    assert found.right
    assert (found.first_wrong is None) == (found.wrong == 0)


def test_a_small_probability_may_differ_by_any_factor() -> None:
    rare = Answer(("a",), {"a": 0.9, "b": 0.0015})
    assert agreement(texts(), [rare] * TEXTS, [replace(rare, probabilities={"a": 0.9})] * TEXTS, 0.1).same == TEXTS


def test_many_wrong_answers_make_a_device_wrong() -> None:
    assert not agreement(texts(), [GOLDEN] * TEXTS, [Answer((), {})] * TEXTS, 0.1).right


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_end_after_a_space_and_inside_a_word(language: str) -> None:
    assert len(set(texts(language))) == TEXTS
    assert TEXTS // 2 <= sum(text.endswith(" ") for text in texts(language)) < TEXTS * 2 // 3


@pytest.mark.parametrize("name", ["en", "en-tiny"])
def test_every_bundled_model_has_golden_answers(name: str) -> None:
    """If this fails after a bundle has changed: foretype bench --write-answers (docs/benchmark.md)."""
    golden = golden_answers(load(name, engine="ngram").bundle)
    assert golden is not None
    assert {"ngram", "blend int8", "neural int8"} <= set(golden.answers)


def test_a_bundle_of_ones_own_is_checked_against_its_file(tiny_bundle: Path, tmp_path: Path) -> None:
    model, path = load(tiny_bundle, engine="ngram"), tmp_path / "answers.json"
    assert check(model) is None
    make([model], "a device").write(path)
    found = check(model, path)
    assert found is not None
    assert (found.same, found.wrong) == (TEXTS, 0)
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"fingerprint": "0" * 12}))
    with pytest.raises(ForetypeError, match=r"answers\.json: the answers of bundle 000000000000"):
        check(model, path)
    path.write_text(json.dumps(value | {"texts_sha256": ""}))
    with pytest.raises(ForetypeError, match=r"answers\.json: made for other texts"):
        check(model, path)
    assert answer(model) == answer(load(tiny_bundle, engine="ngram"))
