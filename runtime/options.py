"""The settings of one session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from foretype.runtime.arguments import check_number
from foretype.runtime.engines.policy import Policy
from foretype.runtime.errors import ConfigError
from foretype.runtime.filters import Filters
from foretype.runtime.text.languages import Language
from foretype.runtime.typos.error_model import ErrorModel
from foretype.runtime.typos.finder import TypoConfig
from foretype.runtime.typos.keyboards import neighbours

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Store  # needs sqlite3


@dataclass(frozen=True)
class SessionOptions:
    """How a session suggests and learns. `Model.session` takes each field as a keyword argument.

    overlooks: the chance that the user overlooks a suggestion. The probability of a word that was shown while the user
        typed on is multiplied by it each time the word was shown at the same place. 0 never shows a word twice at one
        place; 1 has no effect. None uses the chance that the store has observed for this user, which starts at
        `runtime.personal.learning.attention.OVERLOOKS`.
    policy: the session's time limits; None for the model's. Memory limits apply when a model is loaded.
    typos: whether to offer words near the typed letters if the words that start with these are improbable; a
        `TypoConfig` says when and how.
    layout: the keyboard, one of `runtime.typos.keyboards.LAYOUTS`; None for the usual one of the model's language. A
        neighbour of the intended key is a likely slip.
    store: the user's personal store, which adds to the suggestions and learns from `Session.commit`; None for no store.
    private: whether to learn nothing here; `Session.private` changes it.
    filters: words that are never suggested; None for the bundled list of offensive words.

    Raises ConfigError if the layout's name is unknown.
    """

    overlooks: float | None = None
    policy: Policy | None = None
    typos: bool | TypoConfig = True
    layout: str | None = None
    store: Store | None = None
    private: bool = False
    filters: Filters | None = None

    def __post_init__(self) -> None:
        if self.overlooks is not None:
            check_number("overlooks", self.overlooks, 1.0)
        if self.layout is not None:
            neighbours(self.layout)  # report an unknown layout now, not at the first slip

    def typo_config(self, language: Language) -> TypoConfig | None:
        """How slips are found in a model of `language`; None if typo tolerance is off."""
        if isinstance(self.typos, TypoConfig):
            return self.typos
        return TypoConfig(ErrorModel(self.layout or language.layout)) if self.typos else None


def session_options(options: SessionOptions | None, changes: Mapping[str, Any]) -> SessionOptions:
    """Apply `changes` to `options`, or to the defaults. Raises ConfigError if a field does not exist."""
    legal = [field.name for field in fields(SessionOptions)]
    for name in changes:
        if name not in legal:
            raise ConfigError(f"unknown session option {name!r}; choose from {', '.join(legal)}")
    return replace(options or SessionOptions(), **changes)
