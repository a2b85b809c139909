"""Long runs, left to `make soak`: hours of typing in little, and harm done to every part of a bundle."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import harm
import pytest

from foretype.runtime import BundleError, ForetypeError, Policy, load

pytestmark = pytest.mark.soak


def resident_bytes() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("resident memory is read from /proc, which is not here")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def test_a_day_of_edits_stays_pure_and_bounded() -> None:
    model, draw = load(policy=Policy(deadline_ms=None)), random.Random(5)
    words = [word for word in model.vocabulary.tokens[model.vocabulary.first_word :] if len(word) > 2]
    session, text, after_warm_up = model.session(), "", 0
    for number in range(60_000):
        chance = draw.random()
        if chance < 0.85:
            text += draw.choice("etaoinshrdlu    ,.\n")
        elif chance < 0.93:
            text = text[: -draw.randint(1, 12)]
        elif chance < 0.99:
            text += draw.choice(words) + " "
        else:
            text = text[: draw.randint(0, len(text))]
        found = session.suggest(text)
        if number % 200 == 0:
            assert found == model.session().suggest(text)
        if number == 20_000:
            after_warm_up = resident_bytes()
    assert resident_bytes() - after_warm_up < 8_000_000


def test_harm_anywhere_is_named(tiny_bundle: Path, tmp_path: Path) -> None:
    draw = random.Random(6)
    for name in ("tokenizer.json", "ngram.safetensors", "step.onnx"):
        content = (tiny_bundle / name).read_bytes()
        for number in range(300):
            bundle = tmp_path / f"{name}-{number}"
            shutil.copytree(tiny_bundle, bundle)
            place = draw.randrange(len(content))
            harmed = (
                content[:place]
                if number % 2
                else content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]
            )
            (bundle / name).write_bytes(harmed)
            with pytest.raises(BundleError, match=name):
                load(bundle)
            shutil.rmtree(bundle)


@pytest.mark.parametrize("name", ["tokenizer.json", "ngram.safetensors", "step.onnx"])
def test_harm_with_a_fitting_checksum_is_refused_or_survived(tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    """Flipped, cut and repeated bytes that no checksum gives away: a clear error, a fallback, or some answer."""
    draw, bundle = random.Random(7), harm.copy(tiny_bundle, tmp_path / "bundle")
    original = (tiny_bundle / name).read_bytes()
    for _ in range(2000):
        content = bytearray(original)
        for _ in range(draw.choice((1, 1, 1, 5))):
            # Structure stands at the beginning and, in a graph, at the end; weights may say anything.
            place = draw.choice((draw.randrange(len(content)), draw.randrange(min(2000, len(content)))))
            place = draw.choice((place, len(content) - 1 - place))
            content[place] = draw.choice((content[place] ^ 1 << draw.randrange(8), 0, 255, draw.randrange(256)))
        if draw.random() < 0.1:
            del content[draw.randrange(len(content)) :]
        harm.replace_file(bundle, name, bytes(content))
        try:
            session = load(bundle).session()
            for text in ("I love the cat. We see ", "Well, Tom wants mus", "I love the cat and " * 8):
                session.suggest(text)
        except ForetypeError as error:
            assert "\n" not in str(error)  # noqa: PT017
