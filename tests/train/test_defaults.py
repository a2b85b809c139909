"""The settings that follow from a text: sensible at every size, and overridden by what is set by hand."""

from __future__ import annotations

import pytest

from foretype.train.defaults import TextFacts, default_settings, tuning_settings
from foretype.train.recipe import make_recipe

SIZES = [2_000, 15_000, 65_000, 500_000, 5_000_000, 50_000_000, 1_200_000_000]


def facts(tokens: int) -> TextFacts:
    kinds = int(20 * tokens**0.5)
    return TextFacts(tokens, kinds, kinds // 2)


@pytest.mark.parametrize("tokens", SIZES)
@pytest.mark.parametrize("cuda", [False, True])
def test_every_size_of_text_gives_a_valid_recipe(tokens: int, cuda: bool) -> None:
    recipe = make_recipe(default_settings(facts(tokens), cuda=cuda))
    assert tokens <= recipe.training["tokens"] <= 8 * tokens
    assert recipe.training["patience"] > 0
    assert recipe.training["validate_steps"] > 0
    assert recipe.training["batch"] * recipe.training["steps"] * 3 < tokens


def test_larger_texts_get_wider_networks_fewer_passes_and_less_dropout() -> None:
    recipes = [make_recipe(default_settings(facts(tokens))) for tokens in SIZES]
    widths = [recipe.model["hidden_size"] for recipe in recipes]
    dropout = [recipe.training["output_dropout"] for recipe in recipes]
    passes = [recipe.training["tokens"] / tokens for recipe, tokens in zip(recipes[2:], SIZES[2:], strict=True)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]
    assert dropout == sorted(dropout, reverse=True)
    assert dropout[-1] == 0
    assert passes == sorted(passes, reverse=True)


def test_words_that_occur_once_count_in_small_texts_only() -> None:
    counts = [default_settings(facts(tokens))["vocabulary"]["minimum_count"] for tokens in SIZES]
    assert counts[0] == 1
    assert counts[-1] > 1


def test_a_vocabulary_that_leaves_nothing_out_still_expects_unknown_words() -> None:
    for tokens in SIZES:
        settings = default_settings(facts(tokens))
        assert (settings["training"]["unknown"] > 0) == (settings["vocabulary"]["minimum_count"] == 1)


def test_a_cpu_takes_a_sample_of_the_softmax_and_a_gpu_the_whole() -> None:
    for known, sample in ((0, 500), (8_000, 1_387), (44_000, 4_096)):
        text = TextFacts(65_000, 3_000, 1_500)
        assert default_settings(text, known=known)["training"]["samples"] == sample
        assert default_settings(text, known=known, cuda=True)["training"]["samples"] == 0


def test_settings_by_hand_override_those_that_follow() -> None:
    recipe = make_recipe(default_settings(facts(65_000)), {"training": {"batch": 8}})
    assert recipe.training["batch"] == 8
    assert recipe.training["patience"] > 0


def test_fine_tuning_is_gentler_than_training_anew() -> None:
    for tokens in SIZES[1:5]:
        assert (
            tuning_settings(facts(tokens))["learning_rate"]
            < default_settings(facts(tokens))["training"]["learning_rate"]
        )
