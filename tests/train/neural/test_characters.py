"""The model over characters: its alphabet, its figures, and the words that its beam search finds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from foretype.runtime.errors import CheckpointError, ConfigError, CorpusError
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.form import CaseRule, TextForm
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS, sort_key
from foretype.train.neural.characters.alphabet import CHARACTERS, Alphabet
from foretype.train.neural.characters.per_word import character_figures
from foretype.train.neural.characters.word_search import CharacterPredictor
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer

LINES = ["the cat sees the house", "Tom sees the garden", "the team don't see May", "we may see them"]
WORDS = sorted(
    ["the", "cat", "sees", "house", "Tom", "garden", "team", "don't", "see", "May", "may", "we", "them"], key=sort_key
)


@pytest.fixture(scope="module")
def alphabet() -> Alphabet:
    return Alphabet.learn([LINES])


@pytest.fixture(scope="module")
def form() -> TextForm:
    return TextForm({token: i for i, token in enumerate([*SPECIAL_TOKENS, ".", *WORDS])}, CaseRule())


@pytest.fixture(scope="module")
def model(alphabet: Alphabet, tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """A model that has read the lines some hundred times."""
    stream = alphabet.stream([LINES] * 60)
    shape = ModelConfig(len(alphabet), embedding_size=16, hidden_size=48)
    config = TrainConfig(tokens=60_000, batch=8, steps=32, samples=0, learning_rate=0.01, warmup=10, threads=1)
    trainer = Trainer(tmp_path_factory.mktemp("characters") / "run", shape, config, stream)
    list(trainer.fit())
    return trainer.model.eval()


def test_the_alphabet_holds_the_most_frequent_characters(tmp_path: Path) -> None:
    alphabet = Alphabet.learn([["aaab", "aabc"], ["b"]], size=len(SPECIAL_TOKENS) + 2)
    assert alphabet.symbols == (*SPECIAL_TOKENS, "a", "b")
    assert alphabet.encode("abc\na") == [5, 6, 0, 2, 5]
    alphabet.save(tmp_path)
    assert Alphabet.load(tmp_path) == alphabet


def test_text_is_spelt_as_for_words() -> None:
    """Curly quotes are straight, accents composed, numbers and links one symbol each."""
    alphabet = Alphabet.learn([["don't caf\u00e9 "]])
    assert alphabet.encode("don\u2019t") == alphabet.encode("don't")
    assert alphabet.encode("cafe\u0301") == alphabet.encode("caf\u00e9")
    assert alphabet.encode("3,5 www.example.org") == [3, alphabet.ids[" "], 4]


def test_documents_are_laid_out_as_for_words(alphabet: Alphabet) -> None:
    stream = alphabet.stream([["the", "we"], ["may"]])
    assert "".join(alphabet.symbols[i] for i in stream) == "<s>the</s>we</s><s>may</s>"
    assert len(alphabet.stream([])) == 0


def test_what_cannot_be_an_alphabet(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="alphabet size is 5; must be 6 or more"):
        Alphabet.learn([LINES], size=5)
    with pytest.raises(CorpusError, match="no characters"):
        Alphabet.learn([])
    with pytest.raises(CheckpointError, match=r"characters\.json: cannot be read"):
        Alphabet.load(tmp_path)
    for content in ("{", '["a", "b"]', "3"):
        (tmp_path / CHARACTERS).write_text(content)
        with pytest.raises(CheckpointError, match=r"characters\.json"):
            Alphabet.load(tmp_path)


def test_figures_are_those_of_the_definition(alphabet: Alphabet) -> None:
    """A model that finds all symbols alike likely has log2 of their number as bits; a word costs its characters."""
    model = LanguageModel(ModelConfig(len(alphabet), embedding_size=4, hidden_size=4))
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    figures = character_figures(model, alphabet, [["the cat", "we see."], ["may " * 400]])
    assert figures["characters"] == 8 + 8 + 1601
    assert figures["tokens"] == 3 + 4 + 401
    assert figures["bits_per_character"] == pytest.approx(math.log2(len(alphabet)))
    assert figures["perplexity"] == pytest.approx(len(alphabet) ** (1617 / 408), rel=1e-4)


def test_the_model_learns_its_text(model: LanguageModel, alphabet: Alphabet) -> None:
    assert character_figures(model, alphabet, [LINES])["bits_per_character"] < 0.5


def all_words(model: LanguageModel, alphabet: Alphabet, text: str, prefix: str, first_word: int) -> dict[str, float]:
    """p(word | text) of every word that starts with `prefix`, spelling each one out."""
    result = {}
    for word in WORDS:
        probability = 0.0
        forms = {word} if prefix else {word, word[0].upper() + word[1:]}
        for spelling in (form for form in forms if form[: len(prefix)].lower() == prefix.lower()):
            letters = prefix + spelling[len(prefix) :]
            # A spelling counts for the word that is written so, where there is one.
            if any(letter not in alphabet.ids for letter in letters) or (letters != word and letters in WORDS):
                continue
            ids = torch.tensor([1, *alphabet.encode(text + letters)])
            with torch.no_grad():
                features, _ = model(ids[:, None], model.zero_state(1))
                logs = torch.log_softmax(model.logits(features[:, 0]), -1)
            start = len(ids) - len(letters) + len(prefix)
            spelt = sum(float(logs[place - 1, ids[place]]) for place in range(start, len(ids)))
            ends = [i for i, s in enumerate(alphabet.symbols) if s in (" ", "</s>")]
            probability += math.exp(spelt) * float(logs[-1].exp()[ends].sum())
        result[word] = probability
    return result


@pytest.mark.parametrize(("text", "prefix"), [("", ""), ("the ", ""), ("the ", "t"), ("we ", "m"), ("Tom sees\n", "T")])
def test_an_unlimited_search_finds_what_spelling_out_every_word_finds(
    model: LanguageModel, alphabet: Alphabet, form: TextForm, text: str, prefix: str
) -> None:
    predictor = CharacterPredictor(model, alphabet, form, beam=10_000)
    context = ContextReader(form).read(text + prefix)
    found = predictor.probabilities(text + prefix, context, k=len(WORDS))
    expected = all_words(model, alphabet, text, prefix, form.vocabulary.first_word)
    np.testing.assert_allclose(found, [expected[word] for word in WORDS], rtol=1e-3, atol=1e-7)
    assert found.sum() <= 1


def test_a_narrow_search_finds_the_best_words(model: LanguageModel, alphabet: Alphabet, form: TextForm) -> None:
    predictor = CharacterPredictor(model, alphabet, form, beam=4)
    wide = CharacterPredictor(model, alphabet, form, beam=10_000)
    for text in ("the ", "we ", "Tom s", "the team do", "the cat sees t", ""):
        best, expected = predictor.words(text, k=2), wide.words(text, k=2)
        assert best[0].text == expected[0].text


def test_words_are_offered_as_the_runtime_offers_them(model: LanguageModel, alphabet: Alphabet, form: TextForm) -> None:
    predictor = CharacterPredictor(model, alphabet, form)
    assert predictor.words("the cat sees the h", k=1)[0].text == "house"
    assert predictor.words("the cat s", k=1)[0].text == "sees"
    assert "we" in [suggestion.text.lower() for suggestion in predictor.words("the team don't see May\n", k=3)]
    assert predictor.words("the team don\u2019t see m", k=3)[0].text in ("may", "May")
    assert [s.text for s in predictor.words("Tom sees the garden", k=3)] == [], "nothing longer begins like this"
    assert predictor.words("the", k=5)[0].text == "them", "a word that is complete is not offered"
    assert predictor.words("xyzzy", k=3) == []
    assert predictor.words("the 3", k=3) == []


def test_earlier_texts_leave_no_trace(model: LanguageModel, alphabet: Alphabet, form: TextForm) -> None:
    """The state is that of the text alone, whether it was typed on, shortened, or another one."""
    used = CharacterPredictor(model, alphabet, form)
    for text in ("the c", "the ca", "the cat ", "the cat s", "the ca", "we ", "the cat sees\nTom ", "the cat sees\n"):
        offered, expected = used.words(text), CharacterPredictor(model, alphabet, form).words(text)
        assert [s.text for s in offered] == [s.text for s in expected]
        assert [s.probability for s in offered] == pytest.approx([s.probability for s in expected], rel=1e-3)
