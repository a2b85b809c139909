"""The pad learns what is typed in it, unless it is private, and opens no socket while it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype.runtime import Model, load
from foretype.runtime.personal.store import Store
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import TextFile


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


async def typed(model: Model, store: Store, folder: Path, *keys: str, private: bool = False) -> str:
    """Press the keys in a new pad, which is closed after; returns its text."""
    pad = Pad(TextFile(folder / "t.txt", ""), model, store, private)
    async with pad.run_test(size=(80, 24)) as pilot:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        return pad.area.text


def forms(store: Store) -> set[str]:
    return {word.form for word in store.show(1000)}


SENTENCE = ["w", "e", "space", "l", "i", "k", "e", "space", "t", "o", "m", "a", "h", "a", "w", "k", "space", "o", "n"]


async def test_words_are_learned_as_they_are_typed_and_the_last_one_at_the_end(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    assert await typed(model, store, tmp_path, *SENTENCE, "space") == "we like tomahawk on "
    assert forms(store) == {"we", "like", "tomahawk", "on"}
    await typed(model, store, tmp_path, *SENTENCE, "space")
    pad = Pad(TextFile(tmp_path / "t.txt", "we like tomah"), model, store)
    async with pad.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "tomahawk" in [offer.text for offer in pad.area.offers]


async def test_an_accepted_word_is_trusted(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    text = await typed(model, store, tmp_path, "w", "e", "space", "tab", "i", "space")
    accepted = text.split()[1]
    assert next(word.trust for word in store.show() if word.form == accepted) > 1


async def test_a_private_pad_learns_nothing_and_ctrl_p_switches(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    await typed(model, store, tmp_path, *SENTENCE, "space", private=True)
    assert not store.path.exists() or not forms(store)
    await typed(model, store, tmp_path, "ctrl+p", *SENTENCE, "space", "ctrl+p", "a", "space", "b", "space")
    assert forms(store) <= {"a", "b"}


async def test_what_is_pasted_is_not_learned(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    pad = Pad(TextFile(tmp_path / "t.txt", ""), model, store)
    async with pad.run_test(size=(80, 24)) as pilot:
        pad.copy_to_clipboard("a pasted Gingerbread sentence ")
        await pilot.press("ctrl+v", "h", "i", "space")
    assert "Gingerbread" not in forms(store)
    assert "hi" in forms(store)


async def test_private_text_stays_private_when_the_cursor_goes_back_and_forth(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    keys = [*"hello", "space", *"Zorbleq", "space", "ctrl+p", *["left"] * 8, "x", "space", "end"]
    await typed(model, store, tmp_path, *keys, *"and", "space", *"so", "space", *"on", private=True)
    assert forms(store) == {"x", "and", "so", "on"}


@pytest.mark.parametrize("keys", [["ctrl+z", "ctrl+y"], ["home", "enter", "end"]])
async def test_private_text_stays_private_through_undo_and_new_lines(
    model: Model, tmp_path: Path, keys: list[str]
) -> None:
    store = Store(tmp_path / "s.sqlite3")
    await typed(model, store, tmp_path, *"Zorbleq", "ctrl+p", *keys, "space", *"and", "space", *"so", private=True)
    assert "Zorbleq" not in forms(store)


async def test_what_the_file_held_is_not_learned(model: Model, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite3")
    pad = Pad(TextFile(tmp_path / "t.txt", "Zorbleq"), model, store)
    async with pad.run_test(size=(80, 24)) as pilot:
        for key in ["s", "space", *"and", "home", *"pre", "space", "end"]:
            await pilot.press(key)
        await pilot.pause()
        pad.area.session.finish()
    assert forms(store) == {"and", "pre"}
