"""Untrained bundles of a sweep: every combination once, each loads, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="a sweep builds models and needs the extra `train`")

from foretype.export.sweep import variants, write_untrained
from foretype.runtime import ForetypeError, load
from foretype.runtime.bench.bundle_facts import UNTRAINED, recorded_quality


def test_every_combination_is_a_bundle_that_answers(tiny_bundle: Path, tmp_path: Path) -> None:
    chosen = variants(["hidden_size=16,32", "architecture=lstm,gru", "embedding_size=16", "bits=8,4,32", "bits=8"])
    assert len(chosen) == len({(one.name, one.bits) for one in chosen}) == 2 * 2 * 3
    for variant, path in zip(chosen, write_untrained(tiny_bundle, chosen, tmp_path), strict=True):
        model = load(path, engine="blend")
        assert model.neural
        found = model.neural.metadata
        assert (found.architecture, found.hidden_size) == (variant.model["architecture"], variant.model["hidden_size"])
        assert found.precision == {8: "int8", 4: "int4", 32: "float32"}[variant.bits]
        assert model.session().suggest("th", k=3)
        assert model.bundle.manifest[UNTRAINED]
        assert recorded_quality(model.bundle, "blend") is None


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("hidden_size", "expected NAME=VALUE,VALUE"),
        ("vocab_size=3", "'vocab_size' cannot be swept; choose from bits, "),
        ("bits=5", "bits is '5'; choose from 32, 8, 4"),
        ("hidden_size=big", "hidden_size is 'big'; expected a whole number"),
        ("tied=maybe", "tied is 'maybe'; choose from true, false"),
        ("architecture=abacus", "untrained architecture=abacus: architecture is 'abacus'; choose from "),
    ],
)
def test_a_mistake_names_the_axis_and_writes_nothing(
    assignment: str, words: str, tiny_bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(ForetypeError) as caught:
        list(write_untrained(tiny_bundle, variants([assignment]), tmp_path))
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())
