"""Evaluation: the perfect user's keystrokes counted by hand, and probabilities that agree with the engines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from foretype.runtime import Suggestion, load
from foretype.runtime.evaluation import keystrokes as evaluation
from foretype.runtime.evaluation.documents import plain
from foretype.runtime.evaluation.keystrokes import Keystrokes, User, evaluate_keystrokes, paired_gain
from foretype.runtime.evaluation.perplexity import evaluate_tokens


def test_plain_text_keeps_letters_apostrophes_and_single_spaces() -> None:
    assert plain("  Don’t stop -- at 3 o'clock, Zoë!") == "don't stop at o'clock zoë"


def test_the_perfect_user_counts_as_by_hand() -> None:
    """«see the tea, the end»: what is offered is fixed, so every keystroke can be counted."""
    offers = {"": ["the", "a", "see"], "s": ["some"], "t": ["tea"], "e": ["ever", "even", "every", "else", "end"]}

    def suggest(text: str, k: int) -> list[Suggestion]:
        prefix = text[max(text.rfind(" "), text.rfind("\n")) + 1 :]
        return [Suggestion(word, 0.1) for word in offers.get(prefix, [])[:k]]

    result = Keystrokes("text")
    needed: list[Any] = []
    for before, word in (("", "see"), ("see ", "the"), ("see the ", "tea"), ("the ", "end"), ("", "zoo")):
        needed.append(evaluation._letters_needed(suggest, before, word, result, [True] * len(word)))
    # Letters typed before the word is among the first 1, 3 and 5.
    assert needed == [[None, 0, 0], [0, 0, 0], [1, 1, 1], [None, None, 1], [None, None, None]]


def test_savings_of_a_real_model_keep_their_order(tiny_bundle: Path) -> None:
    model = load(tiny_bundle)
    document = ["I think that you love the garden.", "We see the film, don't you think?", "Xylophone zzz"]
    for mode in ("plain", "text"):
        result = evaluate_keystrokes(model, [document], mode)
        figures = result.savings()
        assert (
            0 < figures["k1"] <= figures["k3"] <= figures["k5"] <= figures["vocabulary_limit"] < figures["limit"] < 100
        )
        lines = [plain(line) for line in document] if mode == "plain" else document
        assert result.characters == [sum(map(len, lines))]
        assert result.words == [16]
        # With every word offered at once: one keystroke a word, its space for nothing, all else typed.
        marks = 0 if mode == "plain" else len(".,?") + 1
        assert result.limit == [16 + marks]
        assert figures["k3_interval"][0] <= figures["k3"] <= figures["k3_interval"][1]


def test_without_repeats_a_perfect_user_types_less(tiny_bundle: Path, corpus: tuple[Path, Path]) -> None:
    model = load(tiny_bundle)
    document = corpus[1].read_text(encoding="utf-8").splitlines()[:60]
    repeated = evaluate_keystrokes(model, [document], "plain", user=User(overlooks=1.0)).savings()
    once = evaluate_keystrokes(model, [document], "plain", user=User(overlooks=0.0)).savings()
    assert once["k1"] > repeated["k1"]


def test_text_without_letters_saves_nothing(tiny_bundle: Path) -> None:
    figures = evaluate_keystrokes(load(tiny_bundle), [["123 456 !!!"]], "plain").savings()
    assert {figures[name] for name in ("k1", "k3", "k5", "limit", "vocabulary_limit")} == {0.0}


def test_the_vocabulary_limit_knows_what_is_offered_behind_a_hyphen(tiny_bundle: Path) -> None:
    result = evaluate_keystrokes(load(tiny_bundle), [["anti-music xx"]], "text")
    assert result.vocabulary_limit == [len("anti-") + 1 + len("xx")]
    assert result.savings()["k5"] <= result.savings()["vocabulary_limit"]


def test_a_word_never_offered_costs_all_its_letters(tiny_bundle: Path) -> None:
    result = evaluate_keystrokes(load(tiny_bundle), [["qqqq zzzz"]], "plain")
    assert result.keystrokes == [[9, 9, 9]]
    assert result.savings()["k5"] == 0


def test_token_figures_agree_with_the_engine(tiny_bundle: Path) -> None:
    model = load(tiny_bundle, engine="ngram")
    model.cache = None
    result = evaluate_tokens(model, [["I love the xylophone.", "Yes"]])
    ids = [1, *model.form.encode_text("I love the xylophone.")[0], 2]
    scores = [math.log(model.ngram.probabilities(ids[:i])[0][ids[i]]) for i in range(1, len(ids))]
    assert result.words[:3] == pytest.approx(scores[:3], abs=1e-4)
    assert result.unknown == pytest.approx([scores[3]], abs=1e-4)
    assert result.marks == pytest.approx([scores[4]], abs=1e-4)
    assert result.ends[0] == pytest.approx(scores[5], abs=1e-4)
    figures = result.figures()
    assert figures["words"] == 5
    assert figures["oov_rate"] == pytest.approx(0.2)
    assert result.characters == len("I love the xylophone.\nYes\n")
    known = result.words + result.ends
    assert figures["perplexity_without_unk"] == pytest.approx(math.exp(-sum(known) / len(known)))
    assert 0 <= figures["top1"] <= figures["top3"] <= figures["top5"] <= 1


def test_a_paired_gain_is_the_difference_of_the_savings_and_its_interval_that_of_the_differences() -> None:
    """Documents that differ much from each other, but always by one key in ten: the interval is a point."""
    before, after = Keystrokes("plain"), Keystrokes("plain")
    for characters, strokes in ((100, 90), (200, 60), (50, 50), (10, 9)):
        for typed, fewer in ((before, 0), (after, characters // 10)):
            typed.characters.append(characters)
            typed.keystrokes.append([0, strokes - fewer, 0])
    gain, (low, high) = paired_gain(before, after)
    assert (gain, low, high) == pytest.approx((10, 10, 10))
    after.keystrokes[0][1] = 90
    gain, (low, high) = paired_gain(before, after)
    assert gain == pytest.approx(100 * 26 / 360)
    assert low < gain < high
    assert paired_gain(after, before)[0] == pytest.approx(-gain)
