"""A recipe: all settings of a training run, read from TOML and kept with the run."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.ngrams.estimate import NgramConfig
from foretype.train.text.dropout import TextDropout
from foretype.train.text.tokenizer import VocabularyConfig

PRESETS = ("tiny", "base", "large")
"""Recipes that come with Foretype: a bundle of at most 3 MB, one of at most 25 MB, and one to train on a GPU."""

RECIPES = Path(__file__).parent / "recipes"

Settings = Mapping[str, Any]
"""Some settings of a recipe as nested tables, {"model": {"layers": 2}}, which go before those that stand elsewhere."""


@dataclass(frozen=True)
class Recipe:
    """What a model is made of and how.

    name: the model's name, which its bundle carries.
    vocabulary, ngram: see their classes. model: settings of `ModelConfig`, except vocab_size, which follows from the
        vocabulary. training: settings of `TrainConfig`.
    weights: source name -> share of its documents that the neural model reads; 2 is twice. Sources not named: 1.
    text: in which form the neural model reads them; see `foretype.train.text.dropout.TextDropout`.
    """

    name: str = "model"
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    ngram: NgramConfig = field(default_factory=NgramConfig)
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    text: TextDropout = field(default_factory=TextDropout)

    def to_json(self) -> dict[str, Any]:
        """All settings as plain JSON values, defaults included, so that they hold when defaults change."""
        value = asdict(self)
        value["ngram"] = {k: list(v) if isinstance(v, tuple) else v for k, v in value["ngram"].items()}
        value["model"] = asdict(ModelConfig(self.vocabulary.size, **self.model))
        del value["model"]["vocab_size"]
        value["training"] = asdict(TrainConfig(**self.training))
        return value


def _fits(value: Any, kind: Any) -> bool:
    """Whether a TOML value is of the type of a field: a whole number serves as float, a list as tuple."""
    kinds = get_args(kind)
    if get_origin(kind) is UnionType:
        return any(_fits(value, choice) for choice in kinds)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            return False
        if kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(value)
        return len(kinds) == len(value) and all(map(_fits, value, kinds))
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind


def _describe(kind: Any) -> str:
    """The type of a field in the words of someone who writes TOML."""
    kinds = get_args(kind)
    if get_origin(kind) is UnionType:
        return _describe(kinds[0])
    if get_origin(kind) is tuple:
        return f"a list, each entry {_describe(kinds[0])}" + ("" if kinds[-1] is Ellipsis else f", {len(kinds)} in all")
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}[kind]


def _build(cls: type[Any], value: Any, where: str) -> Any:
    """An instance of the dataclass `cls` from a TOML table, its fields checked by name and type."""
    if not isinstance(value, dict):
        raise ConfigError(f"{where} is {value!r}; it must be a table, [{where}]")
    kinds = get_type_hints(cls)
    for name, given in value.items():
        if name not in kinds:
            raise ConfigError(f"{where} has no setting {name!r}; legal: {', '.join(kinds)}")
        if not _fits(given, kinds[name]):
            raise ConfigError(f"{where}.{name} is {given!r}; it must be {_describe(kinds[name])}")
    return cls(**{name: tuple(given) if isinstance(given, list) else given for name, given in value.items()})


def preset(name: str, settings: Settings | None = None) -> Recipe:
    """The recipe of that name which comes with Foretype. Raises ConfigError for another name."""
    if name not in PRESETS:
        raise ConfigError(f"preset is {name!r}; legal: {', '.join(PRESETS)}")
    return read_recipe(RECIPES / f"{name}.toml", settings)


def read_recipe(path: Path, settings: Settings | None = None) -> Recipe:
    """Read a recipe from TOML; `settings` go before its own. Raises ConfigError naming file and setting at fault."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return make_recipe(value, settings, str(path))


def stored_recipe(path: Path, settings: Settings | None = None) -> Recipe:
    """The recipe that a run keeps in its run.json at `path`; `settings` go before its own.

    Raises ConfigError when it cannot be read.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))["recipe"]
        value = {name: _without_none(given) for name, given in value.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return make_recipe(value, settings, str(path))


def _without_none(value: Any) -> Any:
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def parse_settings(assignments: Iterable[str]) -> dict[str, Any]:
    """Settings from assignments as a command line has them. Raises ConfigError for one that is none.

    The values are TOML; what is no TOML is a text, so that texts need no quotes.

    >>> parse_settings(["model.hidden_size=512", "model.architecture=gru", "name=mine"])
    {'model': {'hidden_size': 512, 'architecture': 'gru'}, 'name': 'mine'}
    """
    settings: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        *table, key = (part.strip() for part in name.split("."))
        if not equals or not key or len(table) > 1:
            raise ConfigError(f"{assignment!r} is no setting; legal: NAME=VALUE or TABLE.NAME=VALUE, as model.layers=2")
        try:
            parsed = tomllib.loads(f"value = {text}")
        except tomllib.TOMLDecodeError:
            parsed = {}
        value = parsed["value"] if len(parsed) == 1 else text.strip()
        settings = _merged(settings, {table[0]: {key: value}} if table else {key: value})
    return settings


def _merged(value: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """`value` with `settings` in it: those of a table go into the table; an empty table, and all else, replaces."""
    merged = dict(value)
    for name, given in settings.items():
        inner = isinstance(given, dict) and given and isinstance(value.get(name), dict)
        merged[name] = {**value[name], **given} if inner else given
    return merged


def _told(settings: Settings) -> str:
    """Settings in one line: "model.layers = 2, name = 'mine'"."""
    single = [(name, given) for name, given in settings.items() if not isinstance(given, dict)]
    inner = [(f"{n}.{k}", v) for n, given in settings.items() if isinstance(given, dict) for k, v in given.items()]
    return ", ".join(f"{name} = {value!r}" for name, value in single + inner)


def make_recipe(value: Mapping[str, Any], settings: Settings | None = None, where: str = "the defaults") -> Recipe:
    """A recipe from the settings `value`, which stand in `where`, and `settings` before them.

    Raises ConfigError naming where they stand and the setting at fault.
    """
    if settings:
        value, where = _merged(value, settings), f"{where} with {_told(settings)}"
    try:
        return _checked(value)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _checked(value: Mapping[str, Any]) -> Recipe:
    legal = [item.name for item in fields(Recipe)]
    for name in value:
        if name not in legal:
            raise ConfigError(f"no setting {name!r}; legal: {', '.join(legal)}")
    name, weights = value.get("name", Recipe.name), value.get("weights", {})
    if not _fits(name, str):
        raise ConfigError(f"name is {name!r}; it must be a text")
    if not isinstance(weights, dict) or not all(_fits(weight, float) and weight >= 0 for weight in weights.values()):
        raise ConfigError(f"weights is {weights!r}; it must be a table of numbers, each 0 or more")
    vocabulary = _build(VocabularyConfig, value.get("vocabulary", {}), "vocabulary")
    ngram = _build(NgramConfig, value.get("ngram", {}), "ngram")
    model, training = value.get("model", {}), value.get("training", {})
    if isinstance(model, dict) and "vocab_size" in model:
        raise ConfigError("model.vocab_size follows from vocabulary.size")
    _build(ModelConfig, {"vocab_size": vocabulary.size, **model} if isinstance(model, dict) else model, "model")
    _build(TrainConfig, training, "training")
    text = _build(TextDropout, value.get("text", {}), "text")
    return Recipe(name, vocabulary, ngram, model, training, weights, text)
