"""A recipe: all settings of a training run, read from TOML and kept with the run."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from foretype.runtime.errors import ConfigError
from foretype.train.ngram import NgramConfig
from foretype.train.tokenizer import VocabularyConfig


@dataclass(frozen=True)
class ModelShape:
    """The size of the neural model; see `foretype.train.model.ModelConfig`."""

    embedding_size: int = 256
    hidden_size: int = 640
    layers: int = 1


@dataclass(frozen=True)
class Recipe:
    """What a model is made of and how.

    name: the model's name, which its bundle carries.
    vocabulary, ngram, model: see their classes. training: settings of `foretype.train.trainer.TrainConfig`.
    weights: source name -> share of its documents that the neural model reads; 2 is twice. Sources not named: 1.
    """

    name: str = "model"
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    ngram: NgramConfig = field(default_factory=NgramConfig)
    model: ModelShape = field(default_factory=ModelShape)
    training: Mapping[str, Any] = field(default_factory=lambda: {"tokens": 20_000_000})
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


def _build(cls: type[Any], value: Any, where: str) -> Any:
    """An instance of the dataclass `cls` from a TOML table, its fields checked by name and type."""
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table")
    known = {item.name: item for item in fields(cls)}
    for name, given in value.items():
        if name not in known:
            raise ConfigError(f"{where} has no setting {name!r}; legal: {', '.join(known)}")
        default = known[name].default
        if default is MISSING or default is None:
            continue
        number = isinstance(default, int | float) and isinstance(given, int | float)
        wrong = isinstance(given, bool) != isinstance(default, bool) or (
            isinstance(default, int) and given != int(given)
        )
        if isinstance(default, tuple):
            if not isinstance(given, list):
                raise ConfigError(f"{where}.{name} is {given!r}; it must be a list")
        elif (number and wrong) or not (number or isinstance(given, type(default))):
            raise ConfigError(f"{where}.{name} is {given!r}; it must be {type(default).__name__}")
    return cls(**{name: tuple(given) if isinstance(given, list) else given for name, given in value.items()})


def read_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises ConfigError naming the file and the setting at fault."""
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    parts = {"vocabulary": VocabularyConfig, "ngram": NgramConfig, "model": ModelShape}
    legal = [item.name for item in fields(Recipe)]
    try:
        for name, table in value.items():
            if name not in legal:
                raise ConfigError(f"no setting {name!r}; legal: {', '.join(legal)}")
            if name in parts:
                value[name] = _build(parts[name], table, name)
            elif name == "weights" and not all(
                isinstance(w, int | float) and not isinstance(w, bool) and w >= 0 for w in table.values()
            ):
                raise ConfigError("weights must be numbers, 0 or more")
        return Recipe(**value)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
