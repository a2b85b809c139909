"""Marks of typed characters: whatever the edits, nothing counts as typed that was not typed in learning mode."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretype.runtime import Model, load
from foretype.runtime.personal.learning.typed_text import FOREIGN, TYPED, TypedText
from foretype.runtime.personal.store import Store


class State(NamedTuple):
    """A document with the truth about each character (True: typed in learning mode), and its cursor."""

    text: str
    truth: tuple[bool, ...]
    cursor: int


class Editor:
    """A text field that knows the truth, and tells `TypedText` of each edit as a host does."""

    def __init__(self, opened: str, tells_after: bool) -> None:
        self.state = State(opened, (False,) * len(opened), len(opened))
        self.private = False
        self.history: list[State] = []
        self.typed = TypedText()
        self.tells_after = tells_after
        self.commit(pasted=True)

    def commit(self, pasted: bool = False) -> None:
        text, _, cursor = self.state
        mark = FOREIGN if pasted or self.private else TYPED
        self.typed.update(text[:cursor], text[cursor:] if self.tells_after else None, mark)

    def replace(self, start: int, end: int, inserted: str, pasted: bool = False) -> None:
        self.history.append(self.state)
        text, truth, _ = self.state
        own = not (pasted or self.private)
        truth = truth[:start] + (own,) * len(inserted) + truth[end:]
        self.state = State(text[:start] + inserted + text[end:], truth, start + len(inserted))
        self.commit(pasted)

    def move(self, cursor: int) -> None:
        self.state = self.state._replace(cursor=max(0, min(cursor, len(self.state.text))))

    def undo(self) -> None:
        if self.history:
            self.state = self.history.pop()
            self.commit(pasted=True)

    def check(self) -> None:
        for place in range(self.state.cursor):
            if self.typed.all_typed(place, place + 1) and self.typed.before == self.state.text[: self.state.cursor]:
                assert self.state.truth[place], (self.state, place)


ACTIONS = st.one_of(
    st.tuples(st.just("type"), st.sampled_from("aab c")),
    st.tuples(st.just("paste"), st.sampled_from(["abc", "a b", " aab "])),
    st.tuples(st.just("move"), st.integers(-6, 6)),
    st.tuples(st.sampled_from(["backspace", "delete", "private", "undo", "home", "end"]), st.none()),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["", "aab", "ab c\nab "]), st.lists(ACTIONS, max_size=40))
def test_no_edit_makes_foreign_or_private_text_typed(opened: str, actions: list[tuple[str, str | int | None]]) -> None:
    editor = Editor(opened, tells_after=True)
    for action, value in actions:
        cursor = editor.state.cursor
        if action == "type":
            editor.replace(cursor, cursor, str(value))
        elif action == "paste":
            editor.replace(cursor, cursor, str(value), pasted=True)
        elif action == "move":
            assert isinstance(value, int)
            editor.move(cursor + value)
        elif action == "backspace" and cursor:
            editor.replace(cursor - 1, cursor, "")
        elif action == "delete" and cursor < len(editor.state.text):
            editor.replace(cursor, cursor + 1, "")
        elif action == "private":
            editor.private = not editor.private
        elif action == "undo":
            editor.undo()
        elif action in ("home", "end"):
            editor.move(0 if action == "home" else len(editor.state.text))
        editor.check()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abc_d", max_size=12), st.text(alphabet="xyz w", max_size=12), st.integers(0, 12))
def test_without_the_text_after_the_cursor_private_text_stays_private(secret: str, own: str, back: int) -> None:
    editor = Editor("", tells_after=False)
    editor.private = True
    for letter in secret:
        editor.replace(editor.state.cursor, editor.state.cursor, letter)
    editor.private = False
    editor.move(len(secret) - back)
    for letter in own:
        editor.replace(editor.state.cursor, editor.state.cursor, letter)
        editor.check()
    editor.move(len(editor.state.text))
    editor.replace(editor.state.cursor, editor.state.cursor, "x")
    editor.check()


def test_what_is_typed_is_marked_through_cursor_moves() -> None:
    typed = TypedText()
    for end in range(1, 12):
        typed.update("hello world"[:end], "", TYPED)
    assert typed.all_typed(0, 11)
    typed.update("hello x", "world", TYPED)  # the cursor went back five, and a letter came
    typed.update("hello xworld!", "", TYPED)
    assert typed.all_typed(0, 13)


def test_a_later_part_of_a_long_document_keeps_its_marks() -> None:
    typed = TypedText()
    text = "".join(f"line {number}\n" for number in range(200))
    for end in range(1, len(text)):
        typed.update(text[:end], "", TYPED)
    shift, kept = typed.update(text[300:-1] + "z", "", TYPED)
    assert (shift, kept) == (300, len(text) - 301)
    assert typed.all_typed(0, len(text) - 301)


# --- Through a session and a store


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle, engine="ngram")


def learned(store: Store) -> set[str]:
    return {word.form for word in store.show(1000)}


@pytest.mark.parametrize("back", ["Zorbleq ", "hello Zorbleq ", "q "])
def test_private_text_is_not_learned_after_a_cursor_move(model: Model, tmp_path: Path, back: str) -> None:
    store = Store(tmp_path / "s.sqlite3")
    session = model.session(store=store, private=True)
    text = "hello Zorbleq "
    for end in range(1, len(text) + 1):
        session.commit(text[:end])
    session.private = False
    before, after = text[: len(text) - len(back)], back
    for letter in "x ":
        before += letter
        session.commit(before)
    before += after  # End
    for letter in "and so we go ":
        before += letter
        session.commit(before)
    session.finish()
    assert learned(store) <= {"x", "and", "so", "we", "go"}
    assert {"and", "so", "we", "go"} <= learned(store)


def test_a_word_typed_again_in_private_is_private(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    session = model.session(store=store)
    text = "we Zorbleq"
    for end in (*range(1, len(text) + 1), *range(len(text) - 1, 2, -1)):
        session.commit(text[:end])
    session.private = True
    for end in range(4, len(text) + 1):
        session.commit(text[:end])
    session.private = False
    for end in range(1, len(" and so. ") + 1):
        session.commit(text + " and so. "[:end])
    session.finish()
    assert learned(store) == {"we", "and", "so"}


def test_a_suggestion_taken_first_makes_nothing_of_an_opened_file_typed(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    session = model.session(store=store)
    session.commit("Zorbleq said ", accepted=True)
    session.commit("Zorbleq said a", accepted=False)
    session.finish()
    assert learned(store) == {"a"}


def test_the_only_word_of_an_opened_file_is_not_learned(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    session = model.session(store=store)
    for text in ("Zorbleq ", "Zorbleq a", "Zorbleq ab", "Zorbleq ab ", "Zorbleq ab c"):
        session.commit(text)
    session.finish()
    assert learned(store) == {"ab", "c"}


def test_the_last_word_counts_without_a_space_but_not_the_start_of_a_longer_one(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    session = model.session(store=store)
    for end in range(1, len("we like Zorbleq") + 1):
        session.commit("we like Zorbleq"[:end], after="")
    session.finish()
    assert learned(store) == {"we", "like", "Zorbleq"}
    for end in range(1, len("a frob") + 1):
        session.commit("a frob"[:end], after="nicate")
    session.finish()
    assert "frob" not in learned(store)


def test_a_word_whose_end_is_typed_again_counts_once(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    session = model.session(store=store)
    text = "we like Zorbleq and "
    for end in range(1, len(text) + 1):
        session.commit(text[:end])
    for end in (*range(len(text) - 1, len("we like Zorbl"), -1), *range(len("we like Zorbl"), len(text) + 1)):
        session.commit(text[:end])
    session.finish()
    uses = {word.form: round(word.uses) for word in store.show()}
    assert uses["Zorbleq"] == 1


def test_a_message_after_finish_is_a_new_text(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    session = model.session(store=store)
    for _ in range(3):
        for end in range(1, len("hello Zorbleq") + 1):
            session.commit("hello Zorbleq"[:end])
        session.finish()
    assert {word.form: round(word.uses) for word in store.show()} == {"hello": 3, "Zorbleq": 3}
