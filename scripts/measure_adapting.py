"""Measures what `foretype adapt` gains on further text of the same writer, and loses on text of others.

    python scripts/measure_adapting.py own.txt more.txt --general others.txt --bundle en

The first file is adapted to; a blank line ends a text. Each text of the others is typed with the bundle and with the
adapted one by the user of `foretype eval`: as written, three words offered, 95 % intervals by resampling texts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from foretype.export.adapt_bundle import AdaptConfig, adapt_bundle
from foretype.runtime import load
from foretype.runtime.evaluation.keystrokes import evaluate_keystrokes, paired_gain
from foretype.runtime.files.finding import find_bundle
from foretype.train.adapt.own_text import read_own_text


def main() -> None:
    """Adapt to one file, measure on the others, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("own", type=Path, help="text to adapt to")
    parser.add_argument("more", type=Path, help="further text of the same writer")
    parser.add_argument("--general", type=Path, help="text of others")
    parser.add_argument("--bundle", default="en", help="name or folder of the model to adapt")
    parser.add_argument("--minutes", type=float, default=10.0, help="most time for fine-tuning")
    arguments = parser.parse_args()
    base = find_bundle(arguments.bundle)
    config = AdaptConfig(minutes=arguments.minutes)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "adapted"
        out.mkdir()
        adapted = adapt_bundle(
            base, read_own_text([arguments.own]), out, config, lambda text: print(text, file=sys.stderr)
        )
        faults = adapted.faults(config.bound)
        print(
            f"{adapted.words:,} words, {adapted.new_words:,} new in the vocabulary; {adapted.seconds:.0f} s; "
            f"n-grams of the writer {adapted.ngram_share:.2f}; perplexity on sampled text {100 * adapted.rise:+.1f} %; "
            f"{'not kept: ' + '; '.join(faults) if faults else 'kept'}\n"
        )
        print("| text | words | before | adapted | gain | interval |\n|---|---|---|---|---|---|")
        for path in filter(None, (arguments.more, arguments.general)):
            documents = read_own_text([path])
            before, after = (evaluate_keystrokes(load(folder), documents, "text") for folder in (base, out))
            gain, (low, high) = paired_gain(before, after)
            saved = before.savings()["k3"]
            print(
                f"| {path.stem} | {sum(before.words):,} | {saved:.1f} | {saved + gain:.1f} | {gain:+.1f} | "
                f"{low:+.1f} to {high:+.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
