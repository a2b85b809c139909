"""Whatever stands before the cursor, and however it came there: an answer, and the one a fresh session would give."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime import Model, Policy, load

ODD = [
    "\x00",
    "\x1b[2J",
    "\r\n",
    "\r",
    "\x85",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\u00a0",
    "\u200d",  # joins emoji
    "\u200b",
    "\u0301",  # combining acute
    "e\u0301\u0323",
    "\u0345",
    "\u202e",  # right to left from here
    "שלום ",
    "مرحبا",
    "ﬃ",
    "İ",
    "ß",
    "ŉ",
    "\ud83d",  # half of an emoji
    "\ude00",
    "😀",
    "👩\u200d👩\u200d👧",
    "한국어",
    "ᄒ",  # a letter that composes with the next
    "\U0010ffff",
    "<unk>",
    "</s> ",
    "<num>",
    "٣",
    "१२",
]
WORDS = [
    "I ",
    "love ",
    "the ",
    "cat",
    "mus",
    "don'",
    "don\u2019",
    "well-",
    ". ",
    "\n",
    "\n\n",
    " \t\n",
    "3.",
    "@",
    "://",
]
RUNS = [
    "a" * 5000,
    "\u0301" * 3000,
    " " * 5000,
    "\n" * 3000,
    "\n \n" * 1000,
    "'" * 2000,
    "I love the cat " * 300,
    "word\x00" * 500,
    "\ud800" * 2000,
    "ﬃ" * 2000,
    "1.2" * 1000,
]
piece = st.one_of(st.sampled_from(WORDS), st.sampled_from(ODD), st.characters(), st.text(st.characters(), max_size=20))
text = st.lists(piece, max_size=12).map("".join)
huge = st.lists(st.one_of(st.sampled_from(RUNS), piece), max_size=3).map("".join)
place = st.floats(0.0, 1.0)
edit = st.tuples(place, place, text, place)
"""What is replaced, from where to where, by what, and where the cursor is then; places as shares of the text."""


@pytest.fixture(scope="module", params=["auto", "ngram"])
def model(request: pytest.FixtureRequest, tiny_bundle: Path) -> Model:
    return load(tiny_bundle, engine=request.param, policy=Policy(deadline_ms=None))


@settings(max_examples=150, deadline=None)
@given(start=text, edits=st.lists(edit, max_size=8), overlooks=st.sampled_from([0.0, 0.4, 1.0]), k=st.integers(0, 8))
def test_any_edits_of_any_text_end_where_a_fresh_session_starts(
    model: Model, start: str, edits: list[tuple[float, float, str, float]], overlooks: float, k: int
) -> None:
    session, written = model.session(overlooks=overlooks), start
    for begin, end, inserted, cursor in [(0.0, 0.0, "", 1.0), *edits]:
        low, high = sorted((round(begin * len(written)), round(end * len(written))))
        written = written[:low] + inserted + written[high:]
        before = written[: round(cursor * len(written))]
        found = session.suggest(before, k=k)
        assert found == model.session(overlooks=overlooks).suggest(before, k=k)
        assert found.text == before
        assert len(found) <= k
        assert all(0.0 <= s.probability <= 1.0001 and 0 <= s.replaces <= len(before) for s in found)
        assert len({s.text for s in found}) == len(found)


@settings(max_examples=40, deadline=None)
@given(first=huge, second=huge)
def test_huge_runs_of_anything_are_taken(model: Model, first: str, second: str) -> None:
    session = model.session()
    for written in (first, first + second, second, first):
        assert session.suggest(written) == model.session().suggest(written)


@settings(max_examples=60, deadline=None)
@given(
    start=text, words=st.dictionaries(st.sampled_from(["Musgrave", "cat", "ǅ", "don't-go", "the"]), st.floats(0.1, 9.0))
)
def test_host_words_keep_suggestions_pure(model: Model, start: str, words: dict[str, float]) -> None:
    session, fresh = model.session(), model.session()
    session.suggest(start)
    session.add_words({"Gone": 5.0, "cat": 50.0})
    session.suggest(start)
    session.remove_words(["Gone", "cat"])
    session.add_words(words)
    fresh.add_words(words)
    assert session.suggest(start, k=5) == fresh.suggest(start, k=5)
    session.remove_words(words)
    assert session.suggest(start, k=5) == model.session().suggest(start, k=5)
