"""Sampling: seeds fix the text, filters hold, documents end, spacing is that of written English."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foretype.runtime import ConfigError, load
from foretype.runtime.generate import SamplingConfig, generate, sample_token


def test_a_seed_fixes_the_text_and_another_changes_it(tiny_bundle: Path) -> None:
    model = load(tiny_bundle)

    def text(seed: int) -> str:
        return "".join(generate(model, "I love ", SamplingConfig(tokens=40, seed=seed, temperature=1.0)))

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(5)}) > 1


def test_documents_end(tiny_bundle: Path) -> None:
    model = load(tiny_bundle)
    for seed in range(5):
        pieces = list(generate(model, "", SamplingConfig(tokens=3000, seed=seed)))
        assert 2 < len(pieces) < 3000
        assert pieces[-1] == "\n"


def test_text_is_spaced_and_capitalised(tiny_bundle: Path) -> None:
    text = "".join(generate(load(tiny_bundle), "", SamplingConfig(tokens=200, seed=2)))
    for line in text.splitlines():
        assert line == line.strip()
        assert line[0].isupper()
        assert " ." not in line
        assert "  " not in line
    assert "<" not in text


def test_top_k_and_top_p_keep_only_the_best_tokens() -> None:
    probabilities = np.array([0.1, 0.5, 0.05, 0.35], np.float32)
    draw = np.random.default_rng(0)

    def seen(**settings: float) -> set[int]:
        config = SamplingConfig(**{"temperature": 1.0, "top_p": 1.0, **settings})  # type: ignore[arg-type]
        return {sample_token(probabilities, config, draw) for _ in range(400)}

    assert seen() == {0, 1, 2, 3}
    assert seen(top_k=2) == {1, 3}
    assert seen(top_p=0.8) == {1, 3}
    assert seen(top_p=0.5) == {1}
    assert seen(temperature=0.0) == {1}


@pytest.mark.parametrize(("temperature", "share"), [(0.5, 0.941), (1.0, 0.8), (2.0, 0.667)])
def test_temperature_raises_probabilities_to_its_inverse(temperature: float, share: float) -> None:
    """p^(1/T), made to sum to one: of 0.8 and 0.2, the better token is drawn more often when it is cold."""
    draw = np.random.default_rng(0)
    config = SamplingConfig(temperature=temperature, top_p=1.0)
    drawn = [sample_token(np.array([0.2, 0.8], np.float32), config, draw) for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("setting", [{"tokens": 0}, {"temperature": -1.0}, {"top_k": -1}, {"top_p": 0.0}])
def test_illegal_settings_are_named(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        SamplingConfig(**setting)  # type: ignore[arg-type]
