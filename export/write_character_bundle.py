"""Writes the bundle of a character model: step graph over characters, alphabet, the words it may suggest, manifest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foretype.export.graph.build import save
from foretype.export.graph.quantise import int8_graph
from foretype.export.verify import verify
from foretype.export.write_bundle import write_manifest
from foretype.runtime.characters.perplexity import character_figures
from foretype.runtime.characters.word_search import CharacterModel
from foretype.runtime.errors import ExportError
from foretype.runtime.evaluation.documents import count_words
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes
from foretype.runtime.files.bundle import CHARACTERS, STEP, TOKENIZER, Bundle, case_rule_to_json
from foretype.train.characters import HELD_OUT
from foretype.train.neural.training.checkpoint import NEURAL, load_for_inference
from foretype.train.text.shards import read_stream
from foretype.train.text.tokenizer import load_text_form

_MEASURED_WORDS = 1000


def export_characters(
    run: Path, out: Path, progress: Callable[[str], None] = lambda _: None, *, check: bool = True
) -> dict[str, Any]:
    """Export the character model in `run` to the bundle `out`; return its figures on about 1,000 held-out words.

    check: refuse a graph that does not agree with the checkpoint.

    Raises ExportError if `out` exists or the graph does not agree, CheckpointError if the run is not finished.
    """
    if out.exists():
        raise ExportError(f"{out}: already exists; name a new folder")
    model, form, held_out = load_for_inference(run / NEURAL), load_text_form(run), read_stream(run / HELD_OUT)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
        folder = Path(temporary) / "bundle"
        folder.mkdir()
        for name in (TOKENIZER, CHARACTERS):
            shutil.copyfile(run / name, folder / name)
        progress("int8 graph against the checkpoint")
        save(int8_graph(model), folder / STEP)
        verification = verify(model, folder / STEP, held_out)
        if check:
            verification.check()
        values: dict[str, Any] = {"name": out.name, "case": case_rule_to_json(form.rule), "figures": {}}
        write_manifest(folder, values)
        progress("perplexity and keystrokes saved")
        exported = CharacterModel(Bundle.open(folder))
        documents = []
        for document in exported.alphabet.decode(held_out):
            documents.append(document)
            if sum(map(count_words, documents)) >= _MEASURED_WORDS:
                break
        figures = {
            "int8": verification.to_json(),
            "characters": character_figures(exported.neural, exported.alphabet, documents),
            "plain": evaluate_keystrokes(exported, documents, "plain").savings(),
        }
        write_manifest(folder, values | {"figures": figures})
        folder.rename(out)
    return figures
