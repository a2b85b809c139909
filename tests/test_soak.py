"""Long runs, left to `make soak`: hours of typing in little, and harm done to every part of a bundle."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from foretype.runtime import BundleError, load

pytestmark = pytest.mark.soak


def resident_bytes() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("resident memory is read from /proc, which is not here")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def test_a_day_of_edits_stays_pure_and_bounded() -> None:
    model, draw = load(), random.Random(5)
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
