"""The model over characters: its alphabet, its figures, and the words that its beam search finds."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from foretype.export.graph.build import float_graph, save
from foretype.export.write_bundle import write_manifest
from foretype.runtime import load
from foretype.runtime.characters.alphabet import Alphabet
from foretype.runtime.characters.perplexity import character_figures
from foretype.runtime.characters.word_search import CharacterModel
from foretype.runtime.engines.step_graph import NeuralModel
from foretype.runtime.errors import BundleError, CheckpointError, ConfigError, CorpusError
from foretype.runtime.files.bundle import CHARACTERS, STEP, TOKENIZER, Bundle, case_rule_to_json
from foretype.runtime.text.context import ContextReader
from foretype.runtime.text.form import CaseRule, TextForm
from foretype.runtime.text.vocabulary import SPECIAL_TOKENS, sort_key
from foretype.train.neural.model.language_model import LanguageModel
from foretype.train.neural.model.model_config import ModelConfig
from foretype.train.neural.training.train_config import TrainConfig
from foretype.train.neural.training.trainer import Trainer
from foretype.tui.cli import run

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


@pytest.fixture(scope="module")
def found(
    model: LanguageModel, alphabet: Alphabet, form: TextForm, tmp_path_factory: pytest.TempPathFactory
) -> CharacterModel:
    """The model as a bundle with a float graph, so that its scores are torch's."""
    folder = tmp_path_factory.mktemp("bundle")
    save(float_graph(model), folder / STEP)
    alphabet.save(folder)
    (folder / TOKENIZER).write_text(form.tokenizer().to_str(), encoding="utf-8")
    write_manifest(folder, {"case": case_rule_to_json(form.rule)})
    return CharacterModel(Bundle.open(folder))


def test_the_alphabet_holds_the_most_frequent_characters(tmp_path: Path) -> None:
    alphabet = Alphabet.learn([["aaab", "aabc"], ["b"]], size=len(SPECIAL_TOKENS) + 2)
    assert alphabet.symbols == (*SPECIAL_TOKENS, "a", "b")
    assert alphabet.encode("abc\na") == [5, 6, 0, 2, 5]
    alphabet.save(tmp_path)
    assert Alphabet.load(tmp_path / CHARACTERS) == alphabet
    documents = [["aab", "b"], ["abc"]]
    assert alphabet.decode(alphabet.stream(documents)) == [["aab", "b"], ["ab\ufffd"]]


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
        Alphabet.load(tmp_path / CHARACTERS)
    for content in ("{", '["a", "b"]', "3"):
        (tmp_path / CHARACTERS).write_text(content)
        with pytest.raises(CheckpointError, match=r"characters\.json"):
            Alphabet.load(tmp_path / CHARACTERS)


def test_figures_are_those_of_the_definition(alphabet: Alphabet, tmp_path: Path) -> None:
    """A model that finds all symbols alike likely has log2 of their number as bits; a word costs its characters."""
    model = LanguageModel(ModelConfig(len(alphabet), embedding_size=4, hidden_size=4))
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    save(float_graph(model), tmp_path / STEP)
    figures = character_figures(NeuralModel.open(tmp_path / STEP), alphabet, [["the cat", "we see."], ["may " * 400]])
    assert figures["characters"] == 8 + 8 + 1601
    assert figures["tokens"] == 3 + 4 + 401
    assert figures["bits_per_character"] == pytest.approx(math.log2(len(alphabet)))
    assert figures["perplexity"] == pytest.approx(len(alphabet) ** (1617 / 408), rel=1e-4)


def test_the_model_learns_its_text(found: CharacterModel, alphabet: Alphabet) -> None:
    assert character_figures(found.neural, alphabet, [LINES])["bits_per_character"] < 0.5


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
    model: LanguageModel, found: CharacterModel, alphabet: Alphabet, form: TextForm, text: str, prefix: str
) -> None:
    context = ContextReader(form).read(text + prefix)
    probabilities = found.session(beam=10_000).probabilities(text + prefix, context, k=len(WORDS))
    expected = all_words(model, alphabet, text, prefix, form.vocabulary.first_word)
    np.testing.assert_allclose(probabilities, [expected[word] for word in WORDS], rtol=1e-3, atol=1e-7)
    assert probabilities.sum() <= 1


def test_a_narrow_search_finds_the_best_words(found: CharacterModel) -> None:
    for text in ("the ", "we ", "Tom s", "the team do", "the cat sees t", ""):
        best, expected = found.session(beam=4).suggest(text, k=2), found.session(beam=10_000).suggest(text, k=2)
        assert best[0].text == expected[0].text


def test_words_are_offered_as_the_runtime_offers_them(found: CharacterModel) -> None:
    suggest = found.session().suggest
    assert suggest("the cat sees the h", k=1)[0].text == "house"
    assert suggest("the cat s", k=1)[0].text == "sees"
    assert "we" in [suggestion.text.lower() for suggestion in suggest("the team don't see May\n", k=3)]
    assert suggest("the team don\u2019t see m", k=3)[0].text in ("may", "May")
    assert [s.text for s in suggest("Tom sees the garden", k=3)] == [], "nothing longer begins like this"
    assert suggest("the", k=5)[0].text == "them", "a word that is complete is not offered"
    assert suggest("xyzzy", k=3) == []
    assert suggest("the 3", k=3) == []


def test_earlier_texts_leave_no_trace(found: CharacterModel) -> None:
    """The state is that of the text alone, whether it was typed on, shortened, or another one."""
    used = found.session()
    for text in ("the c", "the ca", "the cat ", "the cat s", "the ca", "we ", "the cat sees\nTom ", "the cat sees\n"):
        offered, expected = used.suggest(text), found.session().suggest(text)
        assert [s.text for s in offered] == [s.text for s in expected]
        assert [s.probability for s in offered] == pytest.approx([s.probability for s in expected], rel=1e-3)


def test_one_command_trains_another_exports_and_suggest_reads_it(
    corpus: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stopped run continues, the int8 graph is verified, and the words come from the bundle."""
    train, valid = str(corpus[0]), str(tmp_path / "valid.txt")
    lines = corpus[1].read_text(encoding="utf-8").splitlines()
    Path(valid).write_text("\n".join(lines[:40]), encoding="utf-8")
    folder, bundle = str(tmp_path / "run"), str(tmp_path / "bundle")
    small = ["--set", "model.hidden_size=64", "--set", "training.batch=16", "--set", "training.steps=32"]
    arguments = ["train", "characters", train, "--valid", valid, "--out", folder, "--threads", "1", *small]
    for tokens in ("10000", "30000"):
        assert run([*arguments, "--tokens", tokens]) == 0
    assert "bits per character" in capsys.readouterr().out
    assert run(["export", folder, "--out", bundle]) == 0
    assert "keystrokes saved" in capsys.readouterr().out
    assert run(["suggest", "--bundle", bundle, "t"]) == 0
    words = capsys.readouterr().out.split()
    assert 1 <= len(words) <= 3
    assert all(word.startswith("t") for word in words)
    assert run(["eval", "--bundle", bundle, valid]) == 1
    assert "a model of characters" in capsys.readouterr().err


def test_a_bundle_whose_parts_do_not_fit_is_refused(found: CharacterModel, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(found.bundle.folder, tmp_path / "bundle"))
    Alphabet(found.alphabet.symbols[:-1]).save(folder)
    write_manifest(folder, {"case": case_rule_to_json(found.form.rule)})
    with pytest.raises(BundleError, match=r"characters\.json: has \d+ characters; step\.onnx has"):
        CharacterModel(Bundle.open(folder))
    with pytest.raises(BundleError, match="a model of characters"):
        load(folder)
