"""What a smaller precision costs: bytes, perplexity, keystrokes saved and time of a step, beside int8."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretype.export.graph.build import save
from foretype.export.graph.quantise import int4_graph, int8_graph
from foretype.export.verify import verify
from foretype.export.write_bundle import spread, write_manifest
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.evaluation.documents import Document
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.bundle import MANIFEST, STEP, Bundle
from foretype.runtime.model import load
from foretype.runtime.text.vocabulary import DOCUMENT_START_ID, LINE_END_ID, Vocabulary
from foretype.train.neural.training.checkpoint import NEURAL, load_for_inference
from foretype.train.run_text import VALID
from foretype.train.text.shards import read_stream

_TOKENS = 3_000
"""Tokens of held-out text to type."""
_STEPS = 200
_ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """The figures of one precision.

    bytes: of the graph. perplexity: per token of held-out text. keystroke_savings: in percent, of the neural model
    alone, for three suggestions, on the known words of held-out text in plain form. step_microseconds: median time of a
    step on one thread, measured in turn with the other precisions.
    """

    bytes: int
    perplexity: float
    keystroke_savings: float
    step_microseconds: float


def record_costs(run: Path, bundle: Path) -> dict[str, Cost]:
    """Measure the model in `run` with 8-bit and with 4-bit weights, and store the figures in the manifest of `bundle`.

    bundle: exported from the run. Returns precision -> figures.
    """
    model, valid = load_for_inference(run / NEURAL), read_stream(run / VALID)
    sample = spread(valid, _TOKENS)
    manifest = dict(Bundle.open(bundle).manifest)
    quality: dict[str, tuple[int, float, float]] = {}
    engines: dict[str, NeuralModel] = {}
    with tempfile.TemporaryDirectory(prefix=".cost.", dir=bundle.parent) as temporary:
        for precision, graph in (("int8", int8_graph(model)), ("int4", int4_graph(model))):
            folder = Path(shutil.copytree(bundle, Path(temporary) / precision))
            save(graph, folder / STEP)
            write_manifest(folder, manifest)
            loaded = load(folder, engine="neural")
            engines[precision] = NeuralModel.open(folder / STEP)
            saved = evaluate_keystrokes(loaded, _documents(sample, loaded.vocabulary), "plain").savings()["k3"]
            known = manifest["figures"].get(precision)
            perplexity = known["graph_perplexity"] if known else verify(model, folder / STEP, valid).graph_perplexity
            quality[precision] = ((folder / STEP).stat().st_size, perplexity, saved)
        times = _step_times(engines, sample)
    costs = {precision: Cost(*quality[precision], times[precision]) for precision in engines}
    manifest["figures"] = {**manifest["figures"], "costs": {name: asdict(cost) for name, cost in costs.items()}}
    write_json(bundle / MANIFEST, manifest)
    return costs


def _documents(ids: NDArray[np.unsignedinteger], vocabulary: Vocabulary) -> list[Document]:
    """The known words of a token stream, line by line."""
    documents: list[list[str]] = [[]]
    line: list[str] = []
    for token in map(int, ids):
        if token >= vocabulary.first_word:
            line.append(vocabulary.tokens[token])
        elif token == LINE_END_ID and line:
            documents[-1].append(" ".join(line))
            line = []
        elif token == DOCUMENT_START_ID and documents[-1]:
            documents.append([])
    return [document for document in documents if document]


def _step_times(engines: Mapping[str, NeuralModel], ids: NDArray[np.unsignedinteger]) -> dict[str, float]:
    """Median microseconds of a step. The engines take turns, so that a busy machine slows all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(_ROUNDS):
        for name, engine in engines.items():
            state = engine.initial_state()
            for token in map(int, ids[:_STEPS]):
                begin = time.perf_counter()
                _, state = engine.run([token], state)
                seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) * 1e6 for name, values in seconds.items()}
