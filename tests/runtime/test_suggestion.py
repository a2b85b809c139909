"""What a host does with a suggestion: show its ghost text, apply it, send it as JSON or in UTF-16 offsets."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from foretype.runtime import Suggestion
from foretype.runtime.spacing import accept
from foretype.runtime.suggestion import utf16_length

texts = st.text(alphabet="ab .,\n'\"(👍é", max_size=12)


@given(texts, texts, st.text(alphabet="abc👍", min_size=1, max_size=5), st.integers(0, 6), st.integers(0, 3))
def test_applying_replaces_what_it_says_and_nothing_else(
    before: str, after: str, word: str, replaces: int, replaces_after: int
) -> None:
    suggestion = Suggestion(word, 0.5, min(replaces, len(before)), min(replaces_after, len(after)))
    text, cursor = suggestion.apply(before, after)
    kept, rest = before[: len(before) - suggestion.replaces], after[suggestion.replaces_after :]
    assert text.startswith(kept)
    assert text.endswith(rest)
    assert text[len(kept) : len(text) - len(rest)].strip(" ") == word
    # The cursor stands behind the word, and behind at most one space.
    assert text[len(kept) : cursor].strip(" ") == word
    edit = accept(before, after, suggestion)
    assert edit.apply(before, after) == (text[:cursor], text[cursor:])


@given(texts, st.text(alphabet="abc", min_size=1, max_size=6), st.integers(0, 6))
def test_the_ghost_is_what_accepting_adds_to_the_text(before: str, word: str, typed: int) -> None:
    before += word[:typed]
    suggestion = Suggestion(word, 0.5, min(typed, len(word)))
    assert suggestion.apply(before)[0] == before + suggestion.ghost(before) + " "


def test_no_ghost_where_typed_letters_change() -> None:
    assert Suggestion("their", 0.5, 4).ghost("it is thie") == ""
    assert Suggestion("London", 0.5, 3).ghost("in lon") == ""
    assert Suggestion("hello", 0.5, 3, 2).ghost("hel") == ""  # inside a word nothing is drawn


@given(st.text(max_size=8), st.text(max_size=8))
def test_utf16_offsets_count_code_units(before: str, after: str) -> None:
    suggestion = Suggestion("word", 0.5, len(before), len(after)).in_utf16(before, after)
    assert suggestion.replaces == len(before.encode("utf-16-le", "surrogatepass")) // 2
    assert suggestion.replaces_after == len(after.encode("utf-16-le", "surrogatepass")) // 2
    assert utf16_length(before) == suggestion.replaces


def test_a_suggestion_is_plain_json() -> None:
    suggestion = Suggestion("like", 0.25, 3, 1)
    assert Suggestion(**json.loads(json.dumps(suggestion.to_dict()))) == suggestion
