"""Builds the bundle of a language other than English: trains, makes the lexicon and the card, and exports.

    python scripts/build_language.py de ../shared/languages --work runs/de --out runtime/bundles/de
    foretype eval ../shared/languages/de/test --limit 1000 --lines --bundle de --record

The folder of texts holds LANGUAGE/train, LANGUAGE/valid and SOURCES.tsv, which lists the sources of each language with
their licences. Stopped, it goes on when it is started again. `--small` makes a bundle of at most 2 MB, for little text.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from build_lexicon import lexicon_of, write_lexicon

from foretype.export.write_bundle import export_run
from foretype.runtime.files.atomic import write_text
from foretype.runtime.text.languages import LANGUAGES
from foretype.train.pipeline import Run
from foretype.train.recipe import RECIPES, parse_settings, read_recipe
from foretype.train.text.lexicon import LexiconConfig
from foretype.train.text.tokenizer import load_text_form

EDITED = {"minimum_count": 2, "minimum_sources": 1, "plain_count": 2, "plain_sources": 1}
"""Which words the lexicon takes: nearly all that occur twice, since these texts are edited and hold few slips."""
SMALL = (
    "vocabulary.size=15000",
    "ngram.max_bytes=180000",
    "model.embedding_size=64",
    "model.hidden_size=64",
    "model.cell_size=384",
)
"""Settings of a bundle of at most 2 MB, for languages with less than two million words."""
DESCRIPTION = "{name}: an LSTM and 4-gram tables, for predicting what people type"
EXAMPLE_NAMES = re.compile(
    r"(Tom|Mary)(s|'\w+|a|owi|em|ovi|in|ia|ille|illa|ilta)?|Boston(s|'\w+|u|ie|issa|iin|ista)?"
    r"|Том(а|у|ом|ові|е)?|Мэри|Мері|Бостон(а|е|у|і)?"
)
"""Names that stand in a tenth of the example sentences of tatoeba.org, which are a large part of the text: the model
reads them, and never suggests them."""
LIMITS = (
    "Trained on few words, none of them chats or text messages: sentences that people read aloud or translated, "
    "dialogues, web pages, and novels and plays of about 1900. It may suggest offensive words: there is no list to "
    "filter them for this language."
)


class Lines:
    """Prints the progress of a run."""

    def step(self, message: str) -> None:
        """Print the name of a step."""
        print(message, flush=True)

    def ready(self, run: Run, ngram: Mapping[str, Any]) -> None:
        """Print the n-gram model's perplexity."""
        print(f"n-gram model: {ngram['validation_perplexity']:.1f}", flush=True)

    def training(self, report: Any, total_tokens: int) -> None:
        """Print the perplexity, now and then."""
        if report.validation_perplexity:
            print(f"{report.tokens:,} of {total_tokens:,} tokens: {report.validation_perplexity:.1f}", flush=True)


def make_card(language: str, table: Path) -> dict[str, Any]:
    """The card of a language's bundle, from the table of its sources."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["lang"] == language]
    words = sum(int(row["words_train"]) for row in rows)
    return {
        "language": language,
        "description": DESCRIPTION.format(name=LANGUAGES[language].name),
        "licence": "CC BY-SA 4.0, as the share-alike sources below ask; the program itself is Apache-2.0",
        "trained_on": f"{words / 1e6:.1f} million words; everyday sentences and dialogue count more than novels",
        "limits": LIMITS,
        "sources": [
            {
                "name": row["source"],
                "what": f"{row['kind']}: {row['repository']}",
                "licence": row["licence"].partition(" (")[0],
            }
            for row in rows
        ],
    }


def write_card(card: dict[str, Any], path: Path) -> None:
    """Write a card as TOML, in which JSON strings are strings too."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in card.items() if name != "sources"]
    for source in card["sources"]:
        lines += [
            "[[sources]]",
            *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in source.items()),
        ]
    write_text(path, "\n".join(lines) + "\n")


def build(language: str, texts: Path, work: Path, out: Path, words: int, small: bool, settings: list[str]) -> None:
    """Build the bundle `out`, and keep the run in `work`."""
    settings = [f"name={language}", *(SMALL if small else ()), *settings]
    recipe = read_recipe(RECIPES / "language.toml", parse_settings(settings))
    folder = texts / language
    run = Run(work, recipe, [folder / "train"], [folder / "valid"], resume=(work / "run.json").exists())
    run.train(Lines())
    vocabulary = load_text_form(work).vocabulary
    known = vocabulary.tokens[vocabulary.first_word :]
    lexicon, card = work / "lexicon.xz", work / "card.toml"
    rare = lexicon_of([folder / "train"], known, [], LexiconConfig(words=words, **EDITED))
    write_lexicon(rare, lexicon)
    withheld = [word for word in known if EXAMPLE_NAMES.fullmatch(word) and word.lower() not in vocabulary.exact]
    write_card({"withheld": withheld, **make_card(language, texts / "SOURCES.tsv")}, card)
    export_run(work, out, card, progress=print, lexicon=lexicon if rare else None)
    print(f"{out}: {sum(path.stat().st_size for path in out.iterdir()):,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", choices=[code for code in LANGUAGES if code != "en"], help="Code of the language.")
    parser.add_argument("texts", type=Path, help="Folder of texts.")
    parser.add_argument("--work", type=Path, required=True, help="Folder of the run.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of the bundle; must not exist.")
    parser.add_argument("--words", type=int, default=30_000, help="Words of the lexicon at most.")
    parser.add_argument("--small", action="store_true", help="Make a bundle of at most 2 MB, for little text.")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="A setting.")
    build(**vars(parser.parse_args()))
