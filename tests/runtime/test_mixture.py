"""Two languages in one text field: the one that predicts the text gets the say, and may change in mid-text."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from foretype.runtime import Model, load
from foretype.runtime.engines.ngram import NgramModel
from foretype.runtime.errors import ConfigError
from foretype.runtime.mixture import Mixture, Models, load_models
from foretype.runtime.personal.store import Store

WHO = ["ich", "du", "wir", "sie", "Anna", "der Hund", "die Katze", "mein Bruder"]
DOES = ["mag", "sieht", "sucht", "findet", "kennt", "vergisst"]
WHAT = ["das Haus", "den Garten", "die Musik", "den Zug", "alles", "Kaffee"]
WHEN = ["heute", "am Montag", "im Mai", "wieder", "morgen"]


def german(path: Path, count: int, seed: int) -> Path:
    """Made-up German."""
    draw = random.Random(seed)
    lines = [" ".join(map(draw.choice, (WHO, DOES, WHAT, WHEN))) for _ in range(count)]
    lines = [line[0].upper() + line[1:] + "." for line in lines]
    path.write_text("\n\n".join("\n".join(lines[i : i + 12]) for i in range(0, count, 12)) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def models(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """English, and German trained from text by the project's pipeline."""
    # Imported here, after `tiny_bundle` has skipped the test where torch is not installed.
    from tiny_model import TINY, Quiet

    from foretype.export.write_bundle import export_run
    from foretype.train.pipeline import Run

    folder = tmp_path_factory.mktemp("german")
    recipe = replace(TINY, name="german", training={**TINY.training, "tokens": 4000})
    train, valid = german(folder / "train.txt", 1200, 1), german(folder / "valid.txt", 240, 2)
    Run(folder / "run", recipe, [train], [valid], resume=False).train(Quiet())
    export_run(folder / "run", folder / "german", neural=False)
    return [load(tiny_bundle, engine="ngram"), load(folder / "german", engine="ngram")]


ENGLISH = "I love the garden. We see the film on Monday. "
GERMAN = "Ich mag den Garten. Wir sehen den Zug. Anna findet das Haus am Montag. "


def texts(mixture: Mixture, text: str) -> list[str]:
    return [suggestion.text for suggestion in mixture.suggest(text)]


def test_the_language_that_is_written_answers(models: list[Model]) -> None:
    mixture = Mixture(models)
    assert texts(mixture, ENGLISH + "They want the ")[0] in {"house", "garden", "train", "film", "cat", "dog", "team"}
    assert mixture.weights[0] > 0.9
    assert texts(mixture, GERMAN + "Du kennt das ")[0] == "Haus"
    assert mixture.weights[1] > 0.9
    assert sum(mixture.weights) == pytest.approx(1.0)


def test_joined_names_load_several_models_that_answer_together(tmp_path: Path) -> None:
    both = load_models("en-tiny+de", engine="ngram")
    assert isinstance(both, Models)
    assert both.name == "en-tiny+de"
    assert {"ß", "w"} <= both.letters
    assert {"en-tiny/step.onnx", "de/step.onnx"} <= both.info()["bytes"].keys()
    session = both.session()
    for text, leader, layout in (("See you tomorrow at the ", "en-tiny", "qwerty"), ("Wir sehen uns ", "de", "qwertz")):
        assert session.suggest(text)
        assert (session.leader, session.language.layout) == (leader, layout)
    alone = load_models("de", engine="ngram")
    assert isinstance(alone, Model)


def test_a_folder_whose_name_holds_a_plus_is_one_model(tiny_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "a+b")
    assert isinstance(load_models(tmp_path / "a+b", engine="ngram"), Model)


def test_a_writer_may_change_language_in_mid_text(models: list[Model]) -> None:
    """A handful of words is enough, since no weight ever falls to nothing."""
    mixture = Mixture(models)
    mixture.suggest(ENGLISH * 3 + "Anna findet das Haus am Montag. Wir ")
    assert mixture.weights[1] > 0.9
    mixture.suggest(GERMAN * 3 + "I love the garden, and then they see ")
    assert mixture.weights[0] > 0.9


def test_a_mixture_predicts_mixed_text_better_than_either_language(models: list[Model]) -> None:
    text = (ENGLISH + GERMAN) * 2
    words = [i + 1 for i, character in enumerate(text) if character == " "][:-1]

    def hits(suggest: object) -> int:
        return sum(
            text[at:].split(" ")[0].strip(".") in [s.text for s in suggest(text[:at])]  # type: ignore[operator]
            for at in words
        )

    together = hits(Mixture(models).suggest)
    assert together > max(hits(model.session().suggest) for model in models)


def test_the_same_text_gives_the_same_answer_whatever_came_before(models: list[Model]) -> None:
    mixture = Mixture(models)
    for text in (ENGLISH, GERMAN, ENGLISH + "th", GERMAN + "Mo", ENGLISH):
        assert mixture.suggest(text) == Mixture(models).suggest(text)
        assert len(mixture.suggest(text, k=2)) <= 2


def test_the_last_words_are_looked_up_not_asked_for_again(models: list[Model], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []
    ask = NgramModel.probabilities

    def counted(self: NgramModel, context: Sequence[int]) -> Any:
        asked.append(tuple(context))
        return ask(self, context)

    monkeypatch.setattr(NgramModel, "probabilities", counted)
    mixture = Mixture(models)
    mixture.suggest("I love the garden and the ")
    assert len(asked) > 2 * len(models)
    asked.clear()
    mixture.suggest("I love the garden and the m")
    assert asked == []


def test_a_word_of_the_other_language_is_not_corrected(models: list[Model]) -> None:
    """ "Garten" in an English text is no misspelt "garden"."""
    mixture = Mixture(models)
    assert mixture.corrections(ENGLISH + "Garten ") == []
    assert [found.text for found in mixture.corrections(ENGLISH + "We love musci ")] == ["music "]


def test_one_model_alone_answers_as_its_session(models: list[Model]) -> None:
    assert Mixture(models[:1]).suggest("I love th") == models[0].session().suggest("I love th")
    with pytest.raises(ConfigError, match="at least one model"):
        Mixture([])


def test_a_mixture_learns_each_word_once_and_forgets_it(models: list[Model], tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    field = Mixture(models, store=store)
    text = ""
    for letter in "We saw Tomahawk twice and Tomahawk again ":
        text += letter
        field.commit(text)
    field.finish()
    assert {word.form: round(word.uses) for word in store.show()}["Tomahawk"] == 2
    assert "Tomahawk" in [word.text for word in field.suggest(text + "Tomah")]
    field.forget("Tomahawk")
    assert "Tomahawk" not in [word.text for word in field.suggest(text + "Tomah")]
    field.private = True
    field.commit(text + "private ")
    field.commit(text + "private matters ")
    assert "private" not in [word.form for word in store.show()]
