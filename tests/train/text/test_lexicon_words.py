"""Which words a lexicon takes, and how likely they are taken to be."""

from __future__ import annotations

from foretype.train.text.lexicon import CharacterModel, LexiconConfig, choose_words

VOCABULARY = ["word", "words", "government", "people", "the", "turtle"]
LISTS = [["word", "people", "government", "turtle", "zebra", "quixotic", "aardvark"], ["zymurgy", "xylem", "abracad"]]


def choose(counts: dict[str, int], sources: dict[str, int] | None = None, **config: int) -> dict[str, int]:
    every = sources or dict.fromkeys(counts, 9)
    chosen = choose_words(counts, every, VOCABULARY, LISTS, ["badword"], LexiconConfig(**config))
    return dict(chosen)


def test_listed_words_are_taken_and_those_seen_more_often_rank_higher() -> None:
    chosen = choose({"quixotic": 40, "zebra": 2, "zymurgy": 2})
    assert chosen["quixotic"] > chosen["zebra"] == chosen["zymurgy"] > chosen["aardvark"] > chosen["xylem"]
    assert not {"word", "people"} & chosen.keys()


def test_a_slip_of_a_common_word_is_no_word() -> None:
    chosen = choose({"goverment": 50, "peopel": 50, "frobnicator": 50})
    assert "goverment" not in chosen
    assert "peopel" not in chosen
    assert "frobnicator" in chosen


def test_names_must_be_used_by_several_sources() -> None:
    counts = {"Potuz": 50, "Pienaar": 50, "frobnicate": 9}
    chosen = choose(counts, {"Potuz": 1, "Pienaar": 3, "frobnicate": 2})
    assert "Pienaar" in chosen
    assert "Potuz" not in chosen
    assert "frobnicate" not in chosen


def test_a_word_is_written_as_it_is_written_most() -> None:
    lists = [["dahl", "Dahl", "march", "March"]]
    chosen = dict(choose_words({"Dahl": 40, "dahl": 2}, {"Dahl": 9, "dahl": 9}, [], lists))
    assert "Dahl" in chosen
    assert "march" in chosen
    assert not {"dahl", "March"} & chosen.keys()


def test_possessives_of_known_words_are_taken() -> None:
    assert "turtle's" in choose({"turtle's": 2})


def test_words_that_are_never_suggested_are_left_out() -> None:
    assert "badword" not in choose({"badword": 50, "BADWORD": 50})


def test_the_lexicon_keeps_to_its_size_and_takes_common_lists_first() -> None:
    chosen = choose({"quixotic": 4}, words=3)
    assert len(chosen) == 3
    assert {"zebra", "aardvark", "quixotic"} == chosen.keys()


def test_of_too_many_words_of_the_corpus_the_most_used_stay() -> None:
    assert choose({"quixotic": 5, "zebra": 50, "aardvark": 9}, words=2).keys() == {"zebra", "aardvark"}


def test_the_character_model_prefers_what_looks_like_a_word() -> None:
    model = CharacterModel(dict.fromkeys(["nation", "station", "ration", "notion", "motion", "action"], 1.0))
    assert model.score("lotion") > model.score("nltoio") > model.score("xqzvkj")
