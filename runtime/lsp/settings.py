"""The settings of the language server. An editor sends them when it starts the server, and whenever they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from foretype.runtime.arguments import check_number
from foretype.runtime.errors import ConfigError
from foretype.runtime.files.decoding import decode
from foretype.runtime.personal.settings import store_path

SECTION = "foretype"
"""The key under which editors keep these settings among those of other servers."""
MOST_WORDS = 20
_MARKDOWN = ("markdown", "gfm", "rmd", "quarto")
_PLAIN = ("plaintext", "text", "normal", "mail", "message", "email")
COMMIT_MESSAGES = ("gitcommit", "git-commit", "git commit message")
_MARKUP = ("restructuredtext", "rst", "asciidoc", "latex", "tex", "plaintex", "org", "typst")
_PROSE = (*_MARKDOWN, *_PLAIN, *COMMIT_MESSAGES, *_MARKUP)


@dataclass(frozen=True)
class LspSettings:
    """What an editor may set; a value that is left out has the default given here.

    words: how many words a list of completions holds, 1 to 20.
    threshold: the least probability of a word that is offered, 0 to 1.
    next_word: whether words are also offered before their first letter, for example after a space.
    ghost: whether the likeliest word is offered as ghost text (inline completion).
    phrases: whether ghost text goes on for several words while the model is sure.
    languages: the identifiers of the languages that are prose, in lower case.
    comments: whether words are offered in comments and docstrings of source code.
    strings: whether words are offered in strings of source code.
    corrections: whether probable slips in edited lines are marked, with a fix.
    personal: whether words of the personal store are offered, if the store exists.
    learn: whether the words that were typed in a prose document are learned when it is saved.
    profile: the name of the personal store. The pad uses `default`.

    Raises ConfigError for a value that is not legal.
    """

    words: int = 5
    threshold: float = 0.0
    next_word: bool = True
    ghost: bool = True
    phrases: bool = True
    languages: tuple[str, ...] = _PROSE
    comments: bool = False
    strings: bool = False
    corrections: bool = False
    personal: bool = True
    learn: bool = False
    profile: str = "default"

    def __post_init__(self) -> None:
        if not 1 <= self.words <= MOST_WORDS:
            raise ConfigError(f"words is {self.words}; expected 1 to {MOST_WORDS}")
        check_number("threshold", self.threshold, 1.0)
        if self.learn and not self.personal:
            raise ConfigError("learn is true and personal is false; learning needs the personal store")
        store_path(self.profile)


def read_settings(*sources: Any) -> LspSettings:
    """Return the settings in `sources`, values of JSON; a later source replaces the values of an earlier one.

    A source holds the settings under the key `foretype`, or directly. One that holds neither, such as None or the
    settings of other servers, changes nothing.

    Raises ConfigError, one line that names the setting, its value and what is expected.
    """
    values: dict[str, Any] = {}
    for source in sources:
        values |= _own(source)
    names = [setting.name for setting in fields(LspSettings)]
    for name in values:
        if name not in names:
            raise ConfigError(f"{name} is no setting of foretype; choose from {', '.join(names)}")
    try:
        return decode(LspSettings, values)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _own(source: Any) -> Mapping[str, Any]:
    if not isinstance(source, dict):
        return {}
    if SECTION in source:
        own = source[SECTION]
        if own is not None and not isinstance(own, dict):
            raise ConfigError(f"{SECTION} is {own!r}; expected an object with settings")
        return own or {}
    return source if any(setting.name in source for setting in fields(LspSettings)) else {}
