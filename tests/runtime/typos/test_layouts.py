"""Keyboards: which keys are neighbours."""

from __future__ import annotations

import pytest

from foretype.runtime import SessionOptions
from foretype.runtime.errors import ConfigError
from foretype.runtime.text.languages import LANGUAGES
from foretype.runtime.typos.keyboards import LAYOUTS, neighbours


@pytest.mark.parametrize("layout", LAYOUTS)
def test_neighbours_are_mutual_and_every_letter_has_some(layout: str) -> None:
    """A slip from one key to another may as well go the other way."""
    near = neighbours(layout)
    alphabet = {"russian": "абвгдежзийклмнопрстуфхцчшщъыьэюя", "ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"}
    assert set(alphabet.get(layout, "abcdefghijklmnopqrstuvwxyz")) <= near.keys()
    for key, others in near.items():
        assert others
        assert key not in others
        assert all(key in near[other] for other in others)


def test_layouts_differ_where_keyboards_do() -> None:
    """Z and Y change places between QWERTY and QWERTZ, A and Q between QWERTY and AZERTY."""
    assert "t" in neighbours("qwerty")["y"]
    assert "t" in neighbours("qwertz")["z"]
    assert "z" in neighbours("azerty")["a"]
    assert "e" in neighbours("dvorak")["u"] or "e" in neighbours("dvorak")["o"]


def test_an_unknown_layout_names_the_legal_ones() -> None:
    with pytest.raises(ConfigError, match=r"'colemak'; choose from qwerty, qwertz, azerty, .*dvorak"):
        neighbours("colemak")


def test_an_unknown_layout_is_an_error_of_the_options_not_of_the_first_slip() -> None:
    with pytest.raises(ConfigError, match="choose from qwerty"):
        SessionOptions(layout="colemak")


def test_the_keyboard_is_that_of_the_language_unless_one_is_named() -> None:
    for options, layout in ((SessionOptions(), "qwertz"), (SessionOptions(layout="dvorak"), "dvorak")):
        config = options.typo_config(LANGUAGES["de"])
        assert config is not None
        assert config.errors.layout == layout
    assert SessionOptions(typos=False).typo_config(LANGUAGES["de"]) is None
