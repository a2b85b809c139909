"""Writes a bundle from a training run: graph, tables, text form and manifest, verified and complete, or nothing."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from foretype.export.fit_blend import fit_blend
from foretype.export.graph.build import float_graph, save
from foretype.export.graph.quantise import int4_graph, int8_graph
from foretype.export.graph.step_weights import step_weight_bytes
from foretype.export.verify import verify
from foretype.runtime.engines.lexicon import Lexicon
from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.errors import CheckpointError, ExportError
from foretype.runtime.files.atomic import write_json
from foretype.runtime.files.bundle import (
    FORMAT,
    LEXICON,
    MANIFEST,
    NGRAM,
    STEP,
    STEP_FLOAT,
    TOKENIZER,
    Bundle,
    case_rule_to_json,
)
from foretype.runtime.model import load
from foretype.runtime.text.languages import LANGUAGES
from foretype.train import pipeline, run_text
from foretype.train.neural.training.checkpoint import load_for_inference
from foretype.train.text.shards import read_stream
from foretype.train.text.tokenizer import load_text_form

BLEND_TOKENS = 40_000
"""Tokens of validation text to fit the blend on."""


def read_card(path: Path | None) -> dict[str, Any]:
    """Read a model card from TOML; None is an empty one.

    Its `language` is a code such as "de", and its `withheld` lists words that are never suggested.

    Raises ExportError if it cannot be read.
    """
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExportError(f"{path}: cannot be read ({error})") from error


def _card_of_descendant(base: Bundle) -> dict[str, Any]:
    """The card of a bundle whose run started from `base`: its sources and licence, language and withheld words."""
    found = {**base.manifest.get("card", {}), "withheld": base.manifest.get("withheld", [])}
    if base.language_code:
        found["language"] = base.language_code
    return found | {"description": f"trained on a text of your own, starting from {base.name}"}


def write_manifest(folder: Path, values: dict[str, Any]) -> None:
    """Write the manifest of the bundle in `folder`: `values`, and the size and SHA-256 of each other file.

    Beside a graph stands how many bytes of weights one step reads, for `foretype bench`.
    """
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.iterdir()):
        if path.name != MANIFEST:
            content = path.read_bytes()
            files[path.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            if path.suffix == ".onnx":
                files[path.name]["step_weight_bytes"] = step_weight_bytes(onnx.load(path))
    write_json(folder / MANIFEST, {"format": FORMAT, **values, "files": files})


def record_evaluation(folder: Path, report: dict[str, Any]) -> None:
    """Store the means of an evaluation by `foretype eval` in the manifest of the bundle in `folder`."""
    manifest = dict(Bundle.open(folder).manifest)
    figures = {"limit": report["limit"], "mean": report["mean"]}  # without times, which depend on the device
    manifest["figures"].setdefault("evaluation", {})[report["engine"]] = figures
    write_json(folder / MANIFEST, manifest)


def spread(stream: np.ndarray, tokens: int, pieces: int = 40) -> np.ndarray:
    """Take about `tokens` tokens of `stream`, in `pieces` pieces spread evenly over it."""
    if len(stream) <= tokens:
        return stream
    size = tokens // pieces
    starts = np.linspace(0, len(stream) - size, pieces).astype(int)
    return np.concatenate([stream[start : start + size] for start in starts])


def _checked_lexicon(path: Path) -> bytes:
    """The content of a lexicon file. Raises ExportError where it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error})") from error
    if Lexicon(content).words() is None:
        raise ExportError(f"{path}: not a lexicon; scripts/build_lexicon.py makes one")
    return content


def export_run(
    run: Path,
    out: Path,
    card: Path | None = None,
    with_float: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    *,
    neural: bool = True,
    cache: bool = True,
    check: bool = True,
    bits: int = 8,
    lexicon: Path | None = None,
) -> dict[str, Any]:
    """Export the run in `run` to the bundle `out`; return the figures of the verification and the blend.

    neural: include the neural model; otherwise the bundle holds the n-gram model only.
    cache: include the cache of recent words.
    lexicon: a file of rare words to be copied; see `foretype.runtime.engines.lexicon`.
    Without `card` or `lexicon`, a run that started from a bundle takes those of the bundle.
    bits: of a weight of the step graph, 8 or 4.
    check: refuse a graph that does not agree with the checkpoint; otherwise only its figures show that.

    All files are written to a temporary folder beside `out`, which is renamed at the end. Raises ExportError if `out`
    exists or a graph does not agree with the checkpoint, CheckpointError if the run is not finished.
    """
    if out.exists():
        raise ExportError(f"{out}: already exists; name a new folder")
    base = pipeline.started_from(run)
    description = read_card(card) if card or base is None else _card_of_descendant(base)
    if lexicon is None and base is not None and base.lists(LEXICON):
        lexicon = base.file(LEXICON)
    withheld = description.pop("withheld", [])
    language = description.pop("language", None)
    if language not in (None, *LANGUAGES):
        raise ExportError(f"{card}: language is {language!r}; choose from {', '.join(LANGUAGES)}")
    for name in (pipeline.NGRAM, run_text.VALID):
        if not (run / name).is_file():
            raise CheckpointError(f"{run}: {name} is missing; finish the run with `foretype train --resume`")
    form = load_text_form(run)
    model = load_for_inference(run) if neural else None
    valid = read_stream(run / run_text.VALID)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
        folder = Path(temporary) / "bundle"
        folder.mkdir()
        shutil.copyfile(run / "tokenizer.json", folder / TOKENIZER)
        shutil.copyfile(run / pipeline.NGRAM, folder / NGRAM)
        if lexicon is not None:
            (folder / LEXICON).write_bytes(_checked_lexicon(lexicon))
        figures: dict[str, Any] = {}
        if model:
            graphs = {STEP: ("int8", int8_graph(model)) if bits == 8 else ("int4", int4_graph(model))}
            if with_float:
                graphs[STEP_FLOAT] = ("float32", float_graph(model))
            for name, (precision, graph) in graphs.items():
                progress(f"{precision} graph")
                save(graph, folder / name)
                progress(f"{precision} graph against the checkpoint")
                verification = verify(model, folder / name, valid)
                if check:
                    verification.check()
                figures[precision] = verification.to_json()
        values: dict[str, Any] = {
            "name": out.name,
            **({"language": language} if language else {}),
            "card": description,
            "withheld": withheld,
            "case": case_rule_to_json(form.rule),
            "blend": {"neural_shares": [0.5] * NgramModel.open(folder / NGRAM).order},
            "figures": figures,
        }
        write_manifest(folder, values)
        progress("blend weights")
        values["blend"] = fit_blend(load(folder, engine="blend" if model else "ngram"), spread(valid, BLEND_TOKENS))
        if not cache:
            del values["blend"]["cache"]
        if model:
            figures["neural_shares"] = values["blend"]["neural_shares"]
        write_manifest(folder, values)
        folder.rename(out)
    return figures
