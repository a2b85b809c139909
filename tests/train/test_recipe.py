"""Recipes: what they may hold, and one line that names file, setting and legal values for what they may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT

from foretype.runtime.errors import ConfigError
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.ngrams.estimate import NgramConfig
from foretype.train.recipe import PRESETS, Recipe, make_recipe, parse_settings, preset, read_recipe, stored_recipe
from foretype.train.text.tokenizer import VocabularyConfig

SHIPPED = ROOT / "train" / "recipes"


def read(folder: Path, text: str) -> Recipe:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


def test_every_setting_can_be_given(tmp_path: Path) -> None:
    recipe = read(
        tmp_path,
        """
        name = "small"
        [vocabulary]
        size = 5_000
        form_share = 1
        [ngram]
        order = 3
        prune = [0, 1, 2]
        max_bytes = 100_000
        fallback_discounts = [0.5, 1, 1.5]
        [model]
        layers = 2
        [training]
        tokens = 1_000_000
        learning_rate = 1e-3
        precision = "fp32"
        [weights]
        talk = 0.25
        mail = 2
        """,
    )
    assert recipe == Recipe(
        name="small",
        vocabulary=VocabularyConfig(size=5000, form_share=1),
        ngram=NgramConfig(order=3, prune=(0, 1, 2), max_bytes=100_000, fallback_discounts=(0.5, 1, 1.5)),
        model={"layers": 2},
        training={"tokens": 1_000_000, "learning_rate": 1e-3, "precision": "fp32"},
        weights={"talk": 0.25, "mail": 2},
    )
    assert json.loads(json.dumps(recipe.to_json())) == recipe.to_json()
    assert TrainConfig(**recipe.training).learning_rate == 1e-3


def test_an_empty_recipe_has_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Recipe()


def test_settings_given_beside_a_recipe_go_before_its_own(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("name = 'a'\n[training]\ntokens = 5\nseed = 1\n[weights]\ntalk = 2", encoding="utf-8")
    given = parse_settings(["training.tokens=7", "name=b", "model.layers = 2", "ngram.prune=[0, 1, 1, 1]"])
    recipe = read_recipe(path, given)
    assert recipe.training == {"tokens": 7, "seed": 1}
    assert (recipe.name, recipe.model, recipe.ngram.prune) == ("b", {"layers": 2}, (0, 1, 1, 1))
    assert recipe.weights == {"talk": 2}
    assert read_recipe(path, parse_settings(["weights={}"])).weights == {}
    assert make_recipe({}, given).training == {"tokens": 7}


@pytest.mark.parametrize(
    ("assignment", "settings"),
    [
        ("model.hidden_size=512", {"model": {"hidden_size": 512}}),
        ("model.architecture=gru", {"model": {"architecture": "gru"}}),
        ('model.architecture="gru"', {"model": {"architecture": "gru"}}),
        ("training.clip=0.5", {"training": {"clip": 0.5}}),
        ("model.tied=false", {"model": {"tied": False}}),
        ("weights={talk = 1, mail = 2}", {"weights": {"talk": 1, "mail": 2}}),
        ("name=a=b", {"name": "a=b"}),
        ("name=1\nother = 2", {"name": "1\nother = 2"}),
        ("training.samples=2k", {"training": {"samples": "2k"}}),
    ],
)
def test_an_assignment_is_toml_or_else_a_text(assignment: str, settings: dict[str, Any]) -> None:
    assert parse_settings([assignment]) == settings


@pytest.mark.parametrize("assignment", ["", "model", "=3", "model.=3", "model.layers.first=3"])
def test_what_is_no_assignment_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigError, match=r"is not NAME=VALUE or TABLE\.NAME=VALUE"):
        parse_settings([assignment])


def test_a_mistake_in_given_settings_names_them_too(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[model]\narchitecture = 'gru'", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"recipe\.toml with model\.cell_size = 8: cell_size is 8 with architecture 'gru'"
    ):
        read_recipe(path, {"model": {"cell_size": 8}})
    assert read_recipe(path, {"model": {"cell_size": 8, "architecture": "lstm"}}).model["cell_size"] == 8
    with pytest.raises(
        ConfigError, match=r"the defaults with training\.samples = '2k': training\.samples is '2k': expected int"
    ):
        make_recipe({}, parse_settings(["training.samples=2k"]))


def test_the_presets_are_there_by_name() -> None:
    assert [preset(name).name for name in PRESETS] == ["tiny", "en", "large"]
    assert preset("tiny", {"vocabulary": {"size": 500}}).vocabulary.size == 500
    with pytest.raises(ConfigError, match="preset is 'huge'; choose from tiny, base, large"):
        preset("huge")


@pytest.mark.parametrize(
    "path", sorted(set(SHIPPED.glob("*.toml")) - set(SHIPPED.glob("*.card.toml"))), ids=lambda path: path.name
)
def test_recipes_in_the_repository_are_legal(path: Path) -> None:
    recipe = read_recipe(path)
    TrainConfig(**recipe.training)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = \n", "cannot be read (Invalid value (at line 1"),
        ("speed = 3", "unknown setting speed; choose from name, vocabulary, ngram, model, training, weights"),
        ("name = 3", "name is 3: expected str, got int"),
        ("vocabulary = 3", "vocabulary is 3: expected object, got int"),
        ("training = 3", "training is 3: expected object, got int"),
        ("weights = 3", "weights is 3: expected object, got int"),
        ("[vocabulary]\nsise = 3", "unknown setting vocabulary.sise; choose from size, minimum_count, "),
        ("[training]\nbatches = 3", "unknown setting training.batches; choose from "),
        ("[vocabulary]\nsize = 3", "vocabulary size is 3; must be 50 to 1000000"),
        ("[vocabulary]\nsize = 'big'", "vocabulary.size is 'big': expected int, got str"),
        ("[vocabulary]\nsize = 3e4", "vocabulary.size is 30000.0: expected int, got float"),
        ("[vocabulary]\nsize = true", "vocabulary.size is True: expected int, got bool"),
        ("[vocabulary]\nsize = [3]", "vocabulary.size is [3]: expected int, got array"),
        ("[vocabulary]\nform_share = nan", "vocabulary.form_share is nan: expected a finite number"),
        ("[vocabulary]\nform_share = true", "vocabulary.form_share is True: expected float, got bool"),
        ("[ngram]\norder = 9", "order is 9; must be 1 to 5"),
        ("[ngram]\nprune = 1", "ngram.prune is 1: expected array, got int"),
        ("[ngram]\nprune = [0, 'a']", "ngram.prune[1] is 'a': expected int, got str"),
        ("[ngram]\nmax_bytes = '6 MB'", "ngram.max_bytes is '6 MB': expected int | null, got str"),
        ("[ngram]\nfallback_discounts = [0.5]", "ngram.fallback_discounts is [0.5]: expected array of length 3, got 1"),
        ("[model]\nvocab_size = 9", "model.vocab_size follows from vocabulary.size; set that"),
        ("[model]\nhidden_size = 0", "hidden_size is 0; must be at least 1"),
        ("[model]\ntied = 1", "model.tied is 1: expected bool, got int"),
        ("[model]\nhidden_size = '640'", "model.hidden_size is '640': expected int, got str"),
        ("[training]\nbatch = 2.5", "training.batch is 2.5: expected int, got float"),
        ("[training]\nbatch = 0", "batch is 0; must be 1 or more"),
        ("[training]\nprecision = 'fp16'", "precision is 'fp16'; choose from auto, bf16, fp32"),
        ("[training]\nclip = inf", "training.clip is inf: expected a finite number"),
        ("[weights]\ntalk = -1", "weights.talk is -1.0; must be 0 or more"),
        ("[weights]\ntalk = 'all'", "weights is {'talk': 'all'}: expected float, got str"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'recipe.toml'}: {message}")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_recipe_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read"):
        read_recipe(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_recipe(tmp_path)
    (tmp_path / "recipe.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(ConfigError, match=r"recipe\.toml: cannot be read"):
        read_recipe(tmp_path / "recipe.toml")


def test_a_run_gives_its_recipe_back(tmp_path: Path) -> None:
    recipe = preset("base")
    stored = tmp_path / "run.json"
    stored.write_text(json.dumps({"recipe": recipe.to_json()}), encoding="utf-8")
    assert stored_recipe(stored).to_json() == recipe.to_json()
    assert stored_recipe(stored).weights == recipe.weights
    assert stored_recipe(stored, {"training": {"tokens": 9}}).training["tokens"] == 9
    stored.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run\.json"):
        stored_recipe(stored)
