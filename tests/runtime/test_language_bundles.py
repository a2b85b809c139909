"""The shipped models of languages other than English: their size, their cards, and that they write right."""

from __future__ import annotations

from functools import cache

import pytest
from paths import ROOT

from foretype.runtime import Model, load
from foretype.runtime.files.finding import BUNDLES
from foretype.runtime.text.languages import LANGUAGES
from foretype.runtime.typos.keyboards import LAYOUTS

LARGE = ("de", "fr", "es", "it", "pt", "nl")
SMALL = ("pl", "sv", "tr", "ru", "uk", "ca", "cs", "fi")


@cache
def model(language: str) -> Model:
    return load(language)


def offered(language: str, text: str) -> list[str]:
    return [suggestion.text for suggestion in model(language).session().suggest(text)]


def test_every_language_has_a_bundle_and_a_keyboard() -> None:
    assert set(BUNDLES) == {*LANGUAGES, "en-tiny"} == {"en", "en-tiny", *LARGE, *SMALL}
    assert {language.layout for language in LANGUAGES.values()} <= LAYOUTS.keys()


@pytest.mark.parametrize("language", [*LARGE, *SMALL])
def test_a_bundle_keeps_within_its_size_and_says_what_it_is(language: str) -> None:
    found = model(language)
    whole = sum(path.stat().st_size for path in found.bundle.folder.iterdir())
    assert whole <= (3_500_000 if language in LARGE else 2_000_000)
    assert found.engine == "blend"
    assert found.notice is None
    assert found.bundle.language is LANGUAGES[language]
    assert found.name == language
    card = found.info()["card"]
    assert LANGUAGES[language].name in card["description"]
    assert "offensive" in card["limits"]
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for source in card["sources"]:
        assert source["licence"]
        assert source["what"].partition(": ")[2] in notice, f"{language}: NOTICE names no {source['what']}"


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("de", "Vielen D", "Dank"),
        ("de", "Guten M", "Morgen"),
        ("fr", "Je ne sais p", "pas"),
        ("fr", "aujourd", "aujourd'hui"),
        ("fr", "un verre d'e", "d'eau"),
        ("es", "Muchas gr", "gracias"),
        ("it", "Grazie m", "mille"),
        ("it", "l'an", "l'anno"),
        ("pt", "muito ob", "obrigado"),
        ("nl", "Ik hou v", "van"),
        ("pl", "Nie w", "wiem"),
        ("sv", "Jag vet int", "inte"),
        ("tr", "Bilm", "Bilmiyorum"),
        ("ru", "Я не зн", "знаю"),
        ("uk", "Я не зн", "знаю"),
        ("ca", "Moltes gr", "gràcies"),
        ("cs", "Nev", "Nevím"),
        ("fi", "En tied", "tiedä"),
    ],
)
def test_everyday_words_are_offered(language: str, text: str, word: str) -> None:
    assert word in offered(language, text)


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("de", "wir reden uber", "über"),
        ("de", "wir reden ueber", "über"),
        ("de", "es wird groess", "größer"),
        ("fr", "je suis dej", "déjà"),
        ("fr", "un caf", "café"),
        ("es", "hasta manan", "mañana"),
        ("it", "non so perch", "perché"),
        ("pt", "eu na", "não"),
        ("pl", "dziekuj", "dziękuję"),
        ("cs", "dek", "děkuji"),
        ("ca", "em fa molta illus", "il·lusió"),
    ],
)
def test_letters_typed_without_accents_find_the_word(language: str, text: str, word: str) -> None:
    assert word in offered(language, text)


def test_letters_of_another_alphabet_are_left_alone() -> None:
    assert all(word.isascii() for word in offered("ru", "ne"))
    assert not model("ru").session().corrections("ne ")


def test_german_nouns_are_capitalised_inside_a_sentence() -> None:
    assert "Haus" in offered("de", "das ist mein haus") or "Hause" in offered("de", "das ist mein haus")
    assert all(word[0].isupper() for word in offered("de", "ich gehe in die schul"))


def test_a_turkish_sentence_starts_with_a_dotted_capital() -> None:
    assert "İstanbul" in offered("tr", "İsta")
    assert "İşte" in offered("tr", "İş")
    assert all(word.startswith("I") for word in offered("tr", "Is"))
    assert [word[0] for word in offered("tr", "Bu kadar. i")] == ["i", "i", "i"]


def test_spanish_questions_start_like_sentences() -> None:
    assert all(word[0].isupper() for word in offered("es", "¿"))


def test_catalan_words_keep_their_middle_dot() -> None:
    assert "il·lusió" in offered("ca", "em fa molta il·l")
