"""Writes untrained bundles of many architectures, so that their speed and memory are known before one is trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import onnx
import torch

from foretype.export.graph.build import float_graph, save
from foretype.export.graph.quantise import int4_graph, int8_graph
from foretype.export.write_bundle import write_manifest
from foretype.runtime.bench.bundle_facts import UNTRAINED
from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.bundle import LEXICON, NGRAM, STEP, STEP_FLOAT, TOKENIZER, Bundle
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig

BITS = "bits"
"""The axis of the precision: bits of a weight."""
_GRAPHS: dict[int, tuple[str, Callable[[LanguageModel], onnx.ModelProto]]] = {
    32: (STEP_FLOAT, float_graph),
    8: (STEP, int8_graph),
    4: (STEP, int4_graph),
}
_FIXED = "vocab_size"
"""The bundle that lends its vocabulary determines it."""


@dataclass(frozen=True)
class Variant:
    """One architecture of a sweep.

    name: its values on each axis but the precision; the name of its bundle. model: settings of `ModelConfig` that
    differ from the defaults. bits: bits of a weight, 32, 8 or 4.
    """

    name: str
    model: dict[str, Any]
    bits: int


def variants(assignments: Sequence[str]) -> list[Variant]:
    """Every combination of the axes, such as ["hidden_size=64,128", "architecture=lstm,gru", "bits=8,4"], once.

    An axis is a field of `ModelConfig`, except vocab_size, or "bits" (default: 8). Raises ConfigError that names the
    axis and the possible values.
    """
    axes: dict[str, list[Any]] = {}
    for assignment in assignments:
        name, equals, values = assignment.partition("=")
        if not equals:
            raise ConfigError(f"{assignment!r}: expected NAME=VALUE,VALUE, such as hidden_size=64,128")
        axes.setdefault(name.strip(), []).extend(_value(name.strip(), value.strip()) for value in values.split(","))
    found: list[Variant] = []
    for combination in product(*axes.values()):
        model: dict[str, Any] = dict(zip(axes, combination, strict=True))
        bits = model.pop(BITS, 8)
        variant = Variant(" ".join([UNTRAINED, *(f"{axis}={value}" for axis, value in model.items())]), model, bits)
        if variant not in found:
            found.append(variant)
    return found


def _value(axis: str, text: str) -> Any:
    """The value that `text` means on `axis`. Raises ConfigError."""
    defaults = {field.name: field.default for field in fields(ModelConfig) if field.name != _FIXED}
    if axis != BITS and axis not in defaults:
        raise ConfigError(f"{axis!r} cannot be swept; choose from {BITS}, {', '.join(defaults)}")
    kind = int if axis == BITS else type(defaults[axis])
    if kind is str:
        return text
    if kind is bool:
        if text not in ("true", "false"):
            raise ConfigError(f"{axis} is {text!r}; choose from true, false")
        return text == "true"
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"{axis} is {text!r}; expected a whole number")
    if axis == BITS and int(text) not in _GRAPHS:
        raise ConfigError(f"{axis} is {text!r}; choose from {', '.join(map(str, _GRAPHS))}")
    return int(text)


def write_untrained(base: Path, chosen: Sequence[Variant], folder: Path) -> Iterator[Path]:
    """Write a bundle of each variant to `folder` and yield its path: random weights, and all else from `base`.

    base: the bundle that lends tokenizer, n-gram tables and lexicon. The blend weighs both engines equally.
    The weights depend on the variant only, and the biases are the frequencies of the words. Raises ConfigError that
    names the variant if an architecture is impossible, and BundleError if `base` is damaged.
    """
    bundle = Bundle.open(base)
    shared = {name: bundle.file(name) for name in (TOKENIZER, NGRAM, LEXICON) if bundle.lists(name)}
    ngram = NgramModel.open(bundle.file(NGRAM))
    frequencies = torch.tensor(ngram.probabilities(())[0]) * 1e6
    about = ("language", "withheld", "case")
    configs = [_config(variant, ngram.vocab_size) for variant in chosen]
    for variant, config in zip(chosen, configs, strict=True):
        path = folder / f"{variant.bits} bits" / variant.name
        path.mkdir(parents=True)
        for name, source in shared.items():
            shutil.copyfile(source, path / name)
        step, graph = _GRAPHS[variant.bits]
        save(graph(_random_model(config, frequencies)), path / step)
        values = {key: bundle.manifest[key] for key in about if key in bundle.manifest}
        blend = dict(bundle.manifest["blend"], neural_shares=[0.5] * ngram.order)
        write_manifest(path, {"name": variant.name, **values, "blend": blend, "figures": {}, UNTRAINED: True})
        yield path


def _config(variant: Variant, vocab_size: int) -> ModelConfig:
    try:
        return ModelConfig(vocab_size, **variant.model)
    except ConfigError as error:
        raise ConfigError(f"{variant.name}: {error}") from error


def _random_model(config: ModelConfig, frequencies: torch.Tensor) -> LanguageModel:
    """A model with the weights that training starts from, without changing the program's random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LanguageModel(config)
    model.set_frequencies(frequencies)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()
