"""The lexicon of rare words: what is offered from it, when, and what a damaged file does."""

from __future__ import annotations

import lzma
import random
from pathlib import Path

import harm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime import BundleError, Filters, Model, load
from foretype.runtime.engines.lexicon import Lexicon, lexicon_file
from foretype.runtime.files.bundle import LEXICON
from foretype.runtime.text.vocabulary import fold, prefix_range, sort_key

WORDS = {"zanzibar": 3, "Zanzibari": 0, "quixotic": 5, "quixotically": 1, "quixotry": 1, "zymurgy": 2, "émigré": 4}


@pytest.fixture(scope="module")
def model(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(with_lexicon(tiny_bundle, tmp_path_factory.mktemp("lexicon") / "bundle", lexicon_file(WORDS.items())))


def with_lexicon(bundle: Path, folder: Path, content: bytes) -> Path:
    harm.copy(bundle, folder)
    harm.replace_file(folder, LEXICON, content)
    return folder


def texts(model: Model, text: str, **options: object) -> list[str]:
    return [word.text for word in model.session(**options).suggest(text)]  # type: ignore[arg-type]


@given(st.dictionaries(st.text("abcABCé", min_size=2, max_size=6), st.integers(0, 9), min_size=1))
@settings(max_examples=60, deadline=None)
def test_words_come_back_in_order_with_their_probabilities(words: dict[str, int]) -> None:
    found = Lexicon(lexicon_file(words.items())).words()
    assert found is not None
    assert list(found.words) == sorted(words, key=sort_key)
    assert list(found.keys) == [fold(word) for word in found.words]
    weights = np.array([2.0 ** words[word] for word in found.words])
    np.testing.assert_allclose(found.probabilities, weights / weights.sum())
    assert found.starting_with("a") == prefix_range(list(found.keys), "a")


def test_rare_words_are_offered_where_nothing_else_goes_on(model: Model) -> None:
    assert texts(model, "I love quixo") == ["quixotic", "quixotically", "quixotry"]
    assert texts(model, "I love Quixo") == ["Quixotic", "Quixotically", "Quixotry"]
    assert texts(model, "I love émi") == ["émigré"]
    assert "quixotic" not in texts(model, "I love ")


def test_a_rare_word_that_is_written_more_often_comes_first(model: Model) -> None:
    assert texts(model, "in zanz")[0] == "zanzibar"


def test_filters_hold_for_rare_words(model: Model) -> None:
    assert texts(model, "I love quixo", filters=Filters.of(never=["quixotic"])) == ["quixotically", "quixotry"]


def test_a_rare_word_is_corrected_less_easily(tiny_bundle: Path, tmp_path: Path) -> None:
    word = "musicx"
    plain = load(tiny_bundle).session().corrections(f"I love {word} ")
    assert [found.text for found in plain] == ["music "]
    folder = with_lexicon(tiny_bundle, tmp_path / "bundle", lexicon_file([(word, 9), ("zanzibar", 0)]))
    assert load(folder).session().corrections(f"I love {word} ") == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xz at all",
        lexicon_file(WORDS.items())[:-20],
        lzma.compress(b""),
        lzma.compress(b"3word"),
        lzma.compress(b"xword\n"),
        lzma.compress(b"3\n"),
        lzma.compress(b"3two words\n"),
        lzma.compress(b"3w\x00rd\n"),
        lzma.compress(b"3" + b"a" * 100 + b"\n"),
        lzma.compress(b"3w\xff\xferd\n"),
        lzma.compress(b"3word\n" * (4 * 2**20)),
    ],
)
def test_a_damaged_lexicon_offers_nothing_and_hurts_nothing(tiny_bundle: Path, tmp_path: Path, content: bytes) -> None:
    assert Lexicon(content).words() is None
    model = load(with_lexicon(tiny_bundle, tmp_path / "bundle", content))
    assert texts(model, "I love quixo") == texts(load(tiny_bundle), "I love quixo")


def test_a_flipped_bit_is_an_altered_file(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = with_lexicon(tiny_bundle, tmp_path / "bundle", lexicon_file(WORDS.items()))
    content = bytearray((folder / LEXICON).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / LEXICON).write_bytes(content)
    with pytest.raises(BundleError, match=r"lexicon\.xz: altered"):
        load(folder)


def test_a_large_lexicon_is_read_a_little_at_a_time() -> None:
    rng = random.Random(1)
    words = {"".join(rng.choices("abcdefghij", k=rng.randint(4, 14))): rng.randint(0, 9) for _ in range(50_000)}
    lexicon, steps = Lexicon(lexicon_file(words.items())), 0
    while lexicon.prepare():
        steps += 1
    assert steps > 5
    found = lexicon.words()
    assert found is not None
    assert len(found.words) == len(words)
