"""Settings come in the shapes that editors send, and a mistake gets one line."""

from __future__ import annotations

import pytest

from foretype.runtime.errors import ConfigError
from foretype.runtime.lsp.settings import LspSettings, read_settings


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ((None, {}), LspSettings()),
        (({"words": 3}, None), LspSettings(words=3)),
        (({"words": 3, "ghost": False}, {"foretype": {"words": 9}}), LspSettings(words=9, ghost=False)),
        (({"foretype": None}, {"pylsp": {"x": 1}}), LspSettings()),
        (({"languages": ["text"], "learn": True},), LspSettings(languages=("text",), learn=True)),
    ],
)
def test_later_settings_replace_earlier_ones(sources: tuple[object, ...], expected: LspSettings) -> None:
    assert read_settings(*sources) == expected


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"words": 0}, "words is 0; expected 1 to 20"),
        ({"words": "three"}, "words is 'three': expected int"),
        ({"foretype": {"wrods": 3}}, "wrods is no setting of foretype; choose from words, threshold"),
        ({"foretype": [1]}, r"foretype is \[1\]; expected an object"),
        ({"learn": True, "personal": False}, "learning needs the personal store"),
        ({"profile": "../x"}, "profile is '../x'"),
        ({"languages": "text"}, "languages is 'text': expected array"),
    ],
)
def test_a_mistake_is_named_in_one_line(source: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_settings(source)
    assert "\n" not in str(caught.value)
