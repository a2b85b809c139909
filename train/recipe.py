"""A recipe: all settings of a training run, read from TOML and stored with the run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from foretype.runtime.errors import ConfigError
from foretype.runtime.files.decoding import decode
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.ngrams.estimate import NgramConfig
from foretype.train.text.dropout import TextDropout
from foretype.train.text.tokenizer import VocabularyConfig

PRESETS = ("tiny", "base", "large")
"""Recipes that come with Foretype: a bundle of at most 3 MB, one of at most 25 MB, and one to train on a GPU."""
RECIPES = Path(__file__).parent / "recipes"

Settings = Mapping[str, Any]
"""Settings of a recipe as nested tables, {"model": {"layers": 2}}; they override what a file says."""


@dataclass(frozen=True)
class FirstStage:
    """Neural training before that of the recipe: on another mix of the text, at the peak learning rate throughout.

    A long run that starts with all text and ends with the text that people type repeats the latter less often.

    tokens: number of tokens to train on; 0 for no first stage.
    weights: source name -> share of its documents, as `weights` of the recipe.
    """

    tokens: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tokens < 0:
            raise ConfigError(f"first.tokens is {self.tokens}; must be 0 or more")
        _check_weights("first.weights", self.weights)


def _check_weights(name: str, weights: Mapping[str, float]) -> None:
    for source, weight in weights.items():
        if weight < 0:
            raise ConfigError(f"{name}.{source} is {weight}; must be 0 or more")


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run.

    name: the model's name, stored in its bundle.
    vocabulary, ngram: see their classes.
    model: settings of `ModelConfig`, except vocab_size, which follows from the vocabulary.
    training: settings of `TrainConfig`.
    weights: source name -> share of its documents that the neural model reads; 2 reads them twice. The default is 1.
    text: the form in which the neural model reads them (see `TextDropout`).
    first: a stage before the training (see `FirstStage`).
    """

    name: str = "model"
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    ngram: NgramConfig = field(default_factory=NgramConfig)
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    text: TextDropout = field(default_factory=TextDropout)
    first: FirstStage = field(default_factory=FirstStage)

    def __post_init__(self) -> None:
        _check_weights("weights", self.weights)

    def to_json(self) -> dict[str, Any]:
        """All settings as plain JSON values. Defaults are included, so that they stay the same for this run."""
        value = asdict(self)
        value["ngram"] = {k: list(v) if isinstance(v, tuple) else v for k, v in value["ngram"].items()}
        value["model"] = asdict(ModelConfig(self.vocabulary.size, **self.model))
        del value["model"]["vocab_size"]
        value["training"] = asdict(TrainConfig(**self.training))
        return value


_TABLES = {
    "vocabulary": VocabularyConfig,
    "ngram": NgramConfig,
    "model": ModelConfig,
    "training": TrainConfig,
    "text": TextDropout,
    "first": FirstStage,
}
"""The tables of a recipe, and the dataclasses that declare their settings."""


def preset(name: str, settings: Settings | None = None) -> Recipe:
    """Read one of `PRESETS`. Raises ConfigError for another name."""
    if name not in PRESETS:
        raise ConfigError(f"preset is {name!r}; choose from {', '.join(PRESETS)}")
    return read_recipe(RECIPES / f"{name}.toml", settings)


def read_recipe(path: Path, settings: Settings | None = None) -> Recipe:
    """Read a recipe from TOML; `settings` override it. Raises ConfigError naming the file and the setting."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return make_recipe(value, settings, str(path))


def stored_recipe(path: Path, settings: Settings | None = None) -> Recipe:
    """Read the recipe of a run from its run.json at `path`; `settings` override it.

    Raises ConfigError when it cannot be read.
    """
    try:
        value = dict(json.loads(path.read_text(encoding="utf-8"))["recipe"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return make_recipe(value, settings, str(path))


def parse_settings(assignments: Iterable[str]) -> dict[str, Any]:
    """Parse assignments from a command line. Raises ConfigError for a text that is not an assignment.

    Values are TOML. A value that is not TOML is taken as a string, so that strings need no quotes.

    >>> parse_settings(["model.hidden_size=512", "model.architecture=gru", "name=mine"])
    {'model': {'hidden_size': 512, 'architecture': 'gru'}, 'name': 'mine'}
    """
    settings: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        *table, key = (part.strip() for part in name.split("."))
        if not equals or not key or len(table) > 1:
            raise ConfigError(f"{assignment!r} is not NAME=VALUE or TABLE.NAME=VALUE, such as model.layers=2")
        try:
            parsed = tomllib.loads(f"value = {text}")
        except tomllib.TOMLDecodeError:
            parsed = {}
        value = parsed["value"] if len(parsed) == 1 else text.strip()
        settings = _merged(settings, {table[0]: {key: value}} if table else {key: value})
    return settings


def _merged(value: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """`value` with `settings` put in: table by table, except that an empty table replaces the one in `value`."""
    merged = dict(value)
    for name, given in settings.items():
        inner = isinstance(given, dict) and given and isinstance(value.get(name), dict)
        merged[name] = {**value[name], **given} if inner else given
    return merged


def _summary(settings: Settings) -> str:
    """Settings in one line: "model.layers = 2, name = 'mine'"."""
    single = [(name, given) for name, given in settings.items() if not isinstance(given, dict)]
    inner = [(f"{n}.{k}", v) for n, given in settings.items() if isinstance(given, dict) for k, v in given.items()]
    return ", ".join(f"{name} = {value!r}" for name, value in single + inner)


def make_recipe(value: Mapping[str, Any], settings: Settings | None = None, where: str = "the defaults") -> Recipe:
    """Make a recipe from the settings `value`, which come from `where`; `settings` override them.

    Raises ConfigError naming where they come from and the setting.
    """
    if settings:
        value, where = _merged(value, settings), f"{where} with {_summary(settings)}"
    try:
        return _checked(value)
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{where}: {error}") from error


def _checked(value: Mapping[str, Any]) -> Recipe:
    _refuse_unknown("", value, Recipe)
    for name, kind in _TABLES.items():
        if isinstance(table := value.get(name), dict):
            _refuse_unknown(f"{name}.", table, kind)
    recipe = decode(Recipe, dict(value))
    if "vocab_size" in recipe.model:
        raise ConfigError("model.vocab_size follows from vocabulary.size; set that")
    decode(ModelConfig, {"vocab_size": recipe.vocabulary.size, **recipe.model}, "model")
    decode(TrainConfig, recipe.training, "training")
    return recipe


def _refuse_unknown(table: str, value: Mapping[str, Any], kind: type[Any]) -> None:
    legal = [item.name for item in fields(kind)]
    for name in value:
        if name not in legal:
            raise ConfigError(f"unknown setting {table}{name}; choose from {', '.join(legal)}")
