"""The settings of one session, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from foretype.runtime.arguments import check_number
from foretype.runtime.engines.policy import Policy
from foretype.runtime.errors import ConfigError
from foretype.runtime.filters import Filters
from foretype.runtime.typos.error_model import ErrorModel
from foretype.runtime.typos.finder import TypoConfig
from foretype.runtime.typos.keyboards import neighbours

if TYPE_CHECKING:
    from foretype.runtime.personal.store import Store  # needs sqlite3


@dataclass(frozen=True)
class SessionOptions:
    """How a session suggests and learns; `Model.session` takes each field as a keyword argument.

    overlooks: chance that the user overlooks a suggestion. A word that was shown, and passed over by typing on, is
        this much less likely each time it was shown at the same word. 0 never shows a word twice at a word, 1 shows it
        as if nothing had happened; None stands for what the store has seen of this user, at first
        `runtime.personal.learning.attention.OVERLOOKS`.
    policy: the session's own limits of time; None for the model's. Limits of memory apply when a model is loaded.
    typos: whether words near the typed letters are offered where these lead nowhere; or when, and how.
    layout: the keyboard, one of `runtime.typos.keyboards.LAYOUTS`: a key beside the one meant is a likely slip.
    store: the user's personal store, which adds to the suggestions and learns from `Session.commit`; None for none.
    private: whether nothing is to be learned here; `Session.private` changes it.
    filters: words that are never suggested; None for the shipped list of offensive ones.

    Raises ConfigError for a layout of another name.
    """

    overlooks: float | None = None
    policy: Policy | None = None
    typos: bool | TypoConfig = True
    layout: str = "qwerty"
    store: Store | None = None
    private: bool = False
    filters: Filters | None = None

    def __post_init__(self) -> None:
        if self.overlooks is not None:
            check_number("overlooks", self.overlooks, 1.0)
        neighbours(self.layout)  # an unknown layout is an error now, not at the first slip

    @property
    def typo_config(self) -> TypoConfig | None:
        """How slips are found; None where letters are taken as they are."""
        if isinstance(self.typos, TypoConfig):
            return self.typos
        return TypoConfig(ErrorModel(self.layout)) if self.typos else None


def session_options(options: SessionOptions | None, changes: Mapping[str, Any]) -> SessionOptions:
    """`options`, or the defaults, with `changes`. Raises ConfigError for a field that does not exist."""
    legal = [field.name for field in fields(SessionOptions)]
    for name in changes:
        if name not in legal:
            raise ConfigError(f"unknown session option {name!r}; choose from {', '.join(legal)}")
    return replace(options or SessionOptions(), **changes)
