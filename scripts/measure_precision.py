"""Prints the table of docs/performance.md: what each storage of the weights costs in quality, bytes and time.

python scripts/measure_precision.py runs/en runtime/bundles/en ../shared/corpus/valid 1200
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from foretype.export.graph.build import build, float_graph, save
from foretype.export.graph.builder import Arithmetic, Builder, FloatArray, Matrix
from foretype.export.graph.quantise import Int8Arithmetic, quantize_blocks, restore_blocks
from foretype.export.verify import verify
from foretype.export.write_bundle import write_manifest
from foretype.runtime import load
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.files.bundle import STEP, Bundle
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.training.checkpoint import NEURAL, load_for_inference
from foretype.train.run_text import VALID
from foretype.train.text.shards import read_stream
from foretype.tui.commands.evaluation import evaluate_files

HEAD_BLOCKS = (32, 128)


class FourBitHead(Int8Arithmetic):
    """The shipped arithmetic, with a separate 4-bit head in blocks of `block` weights."""

    def __init__(self, block: int) -> None:
        self._block = block

    def score(self, builder: Builder, table: Matrix, bias: str, features: str, outputs: str = "logits") -> str:
        weights, scales = _four_bits(table.values, self._block)
        inputs = (builder.constant("head4", weights), builder.constant("head4_scales", scales), "", "", bias)
        return builder.add(
            "MatMulNBits",
            features,
            *inputs,
            outputs=outputs,
            domain="com.microsoft",
            N=table.rows,
            K=table.width,
            bits=4,
            block_size=self._block,
            accuracy_level=4,
        )


def _four_bits(values: FloatArray, block: int) -> tuple[np.ndarray, FloatArray]:
    """Return weights uint8 [rows, blocks, block / 2], two in a byte, lower half first, and scales [rows, blocks]."""
    blocks = values.reshape(len(values), -1, block)
    scales = np.abs(blocks).max(axis=2) / 7
    rounded = (np.rint(blocks / np.where(scales > 0, scales, 1)[..., None]) + 8).astype(np.uint8)
    return rounded[..., ::2] | rounded[..., 1::2] << 4, scales.astype(np.float32)


class PerRow(Int8Arithmetic):
    """The shipped arithmetic, with one scale for each row of the word table ("per channel")."""

    def store_table(self, builder: Builder, name: str, values: FloatArray) -> Matrix:
        weights, scales = quantize_blocks(values, values.shape[1])
        kept = restore_blocks(weights, scales)
        return self.store(builder, name, kept)


def _graphs(model: LanguageModel) -> dict[str, Callable[[], onnx.ModelProto]]:
    def made(arithmetic: Arithmetic) -> Callable[[], onnx.ModelProto]:
        return lambda: build(model, arithmetic)

    return {
        "float32": lambda: float_graph(model),
        "8 bits, one scale a row": made(PerRow()),
        "8 bits": made(Int8Arithmetic()),
        **{
            f"8 bits, head in 4, blocks of {block}": made(FourBitHead(block))
            for block in HEAD_BLOCKS
            if model.config.embedding_size % block == 0
        },
    }


def _step_time(path: Path, steps: int) -> float:
    """Median time of one step in microseconds."""
    neural, times = NeuralModel.open(path), []
    state = neural.initial_state()
    for number in range(steps):
        token = number % neural.vocab_size
        begin = time.perf_counter()
        _, state = neural.run((token,), state)
        times.append(time.perf_counter() - begin)
    return 1e6 * float(np.median(times))


def measure(run: Path, bundle: Path, text: Path, words: int, steps: int) -> None:
    """Build every variant of the run's graph, put it into a copy of `bundle`, and print its row."""
    model = load_for_inference(run / NEURAL)
    valid = read_stream(run / VALID)
    print("| weights | MB | step, us | top-3 agreement | perplexity | keystrokes saved, neural | blend |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, make in _graphs(model).items():
        with TemporaryDirectory() as temporary:
            folder = Path(temporary) / "bundle"
            shutil.copytree(bundle, folder)
            save(make(), folder / STEP)
            manifest = dict(Bundle.open(folder).manifest)
            write_manifest(folder, {key: value for key, value in manifest.items() if key not in ("format", "files")})
            agreement = verify(model, folder / STEP, valid, positions=5 * steps).top3_agreement
            models = [load(folder, engine=engine) for engine in ("neural", "blend")]
            means = [evaluate_files(model, [text], words)["sources"] for model in models]
            k3 = [np.mean([source["plain"]["k3"] for source in sources.values()]) for sources in means]
            perplexity = np.exp(np.mean([np.log(source["tokens"]["perplexity"]) for source in means[0].values()]))
            size = (folder / STEP).stat().st_size / 1e6
            print(
                f"| {name} | {size:.1f} | {_step_time(folder / STEP, steps):.0f} | {100 * agreement:.1f} % "
                f"| {perplexity:.2f} | {k3[0]:.2f} | {k3[1]:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="The training run that the bundle was exported from.")
    parser.add_argument("bundle", type=Path, help="Folder of the bundle.")
    parser.add_argument("text", type=Path, help="Text file or folder to measure on.")
    parser.add_argument("words", type=int, help="Words of each source.")
    parser.add_argument("--steps", type=int, default=2000, help="Steps to time; five times as many for agreement.")
    measure(**vars(parser.parse_args()))
