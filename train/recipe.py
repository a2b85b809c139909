"""A recipe: all settings of a training run, read from TOML and kept with the run."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from foretype.runtime.errors import ConfigError
from foretype.train.neural.model_config import ModelConfig
from foretype.train.neural.train_config import TrainConfig
from foretype.train.ngrams.estimate import NgramConfig
from foretype.train.tokenizer import VocabularyConfig


@dataclass(frozen=True)
class Recipe:
    """What a model is made of and how.

    name: the model's name, which its bundle carries.
    vocabulary, ngram: see their classes. model: settings of `foretype.train.neural.model_config.ModelConfig`, but
        vocab_size, which follows from the vocabulary. training: of `foretype.train.neural.train_config.TrainConfig`.
    weights: source name -> share of its documents that the neural model reads; 2 is twice. Sources not named: 1.
    """

    name: str = "model"
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    ngram: NgramConfig = field(default_factory=NgramConfig)
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All settings as plain JSON values."""
        value = asdict(self)
        value["ngram"] = {k: list(v) if isinstance(v, tuple) else v for k, v in value["ngram"].items()}
        return value

    def with_training(self, **settings: Any) -> Recipe:
        """A copy with those training settings that are not None."""
        given = {name: value for name, value in settings.items() if value is not None}
        return replace(self, training={**self.training, **given})


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
    return {int: "a whole number", float: "a number", str: "a text"}[kind]


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


def read_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises ConfigError naming the file and the setting at fault."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return make_recipe(value, path)


def stored_recipe(path: Path) -> Recipe:
    """The recipe that a run keeps in its run.json at `path`. Raises ConfigError when it cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))["recipe"]
        value = {name: _without_none(given) for name, given in value.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    return make_recipe(value, path)


def _without_none(value: Any) -> Any:
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def make_recipe(value: dict[str, Any], path: Path) -> Recipe:
    """A recipe from its settings, which `path` holds. Raises ConfigError naming the file and the setting at fault."""
    parts = {"vocabulary": VocabularyConfig, "ngram": NgramConfig}
    legal = [item.name for item in fields(Recipe)]
    try:
        for name, given in value.items():
            if name not in legal:
                raise ConfigError(f"no setting {name!r}; legal: {', '.join(legal)}")
            if name == "name":
                if not _fits(given, str):
                    raise ConfigError(f"name is {given!r}; it must be a text")
            elif name == "weights":
                if not isinstance(given, dict) or not all(_fits(w, float) and w >= 0 for w in given.values()):
                    raise ConfigError(f"weights is {given!r}; it must be a table of numbers, each 0 or more")
            elif name == "training":
                _build(TrainConfig, given, name)
            elif name == "model":
                if isinstance(given, dict) and "vocab_size" in given:
                    raise ConfigError("model.vocab_size follows from vocabulary.size")
                _build(ModelConfig, {"vocab_size": 1, **given} if isinstance(given, dict) else given, name)
            else:
                value[name] = _build(parts[name], given, name)
        return Recipe(**value)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
