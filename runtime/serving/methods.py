"""The parameters and the result of every method. `schema.json` is made from these classes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from foretype.runtime.suggesting.phrases import CONFIDENCE, LONGEST

Offsets = Literal["utf-16", "code-point"]
Count = Annotated[int, Meta(ge=0, le=1000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Milliseconds = Annotated[float, Meta(ge=0)]


class Params(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a request."""


class Hello(Params):
    """Who is there? protocol: the version of the protocol that the client speaks; refused if it is another."""

    protocol: int | None = None


class Open(Params):
    """Open a field: one text that a person writes.

    model: name of a model or folder of a bundle; the server's default if absent. k: how many words `suggest` and
    `corrections` offer. profile: learn in the store of this profile. store: learn in the store in this file. Nothing is
    learned without one of them. private: read the store, but learn nothing. layout: the keyboard. offsets: what
    `replaces` counts.
    """

    model: str | None = None
    k: Count = 3
    profile: str | None = None
    store: str | None = None
    private: bool = False
    layout: str | None = None
    offsets: Offsets = "code-point"


class OnField(Params):
    """The parameters of a method on one field: finish, close."""

    field: int


class Suggest(OnField):
    """Suggest words for the end of `text`; see `Session.suggest`."""

    text: str
    after: str = ""
    k: Count | None = None
    threshold: Share = 0.0
    deadline_ms: Milliseconds | None = None


class Phrase(OnField):
    """Suggest the best word and the words after it; see `Session.phrase`."""

    text: str
    confidence: Share = CONFIDENCE
    words: Annotated[int, Meta(ge=1, le=100)] = LONGEST


class Corrections(OnField):
    """Suggest corrections of the last word of `text`; see `Session.corrections`."""

    text: str
    after: str = ""
    k: Count | None = None
    threshold: Share = 0.5


class Commit(OnField):
    """Learn from what the user writes; see `Session.commit`."""

    text: str
    after: str | None = None
    accepted: bool = False
    pasted: bool = False


class Learn(OnField):
    """Learn all of `text` at once; see `Session.learn`."""

    text: str


class Forget(OnField):
    """Forget a word or phrase; see `Session.forget`."""

    phrase: str


class Private(OnField):
    """Learn nothing from now on, or learn again."""

    private: bool


class Info(Params):
    """Describe the server, or a field."""

    field: int | None = None


class Cancel(Params):
    """Cancel the request of this id. A notification: it has no reply."""

    id: int | str


# --- Results


class Done(msgspec.Struct, frozen=True):
    """The result of a method that only does something."""


class ListedModel(msgspec.Struct, frozen=True):
    """A model that `open` finds by its name."""

    name: str
    description: str
    bytes: int
    default: bool


class Welcome(msgspec.Struct, frozen=True):
    """The result of `hello`."""

    name: str
    version: str
    protocol: int
    models: list[ListedModel]


class Opened(msgspec.Struct, frozen=True):
    """The result of `open`. notice: what the field has to work without; see `Session.notice`."""

    field: int
    engine: str
    notice: str | None


class Offered(msgspec.Struct, frozen=True):
    """A word. replaces, replaces_after: in the offsets of the field. ghost: what to show in grey at the cursor."""

    text: str
    probability: float
    replaces: int
    replaces_after: int
    ghost: str


class Found(msgspec.Struct, frozen=True):
    """The result of `suggest` and `corrections`, most useful first."""

    suggestions: list[Offered]
    engine: str


class FoundPhrase(msgspec.Struct, frozen=True):
    """The result of `phrase`; null while the model is not sure."""

    suggestion: Offered | None


class Learned(msgspec.Struct, frozen=True):
    """The result of `learn`: how many words may be learned."""

    words: int


class Forgot(msgspec.Struct, frozen=True):
    """The result of `forget`: how many entries and copies were deleted."""

    entries: int
    copies: int


class IsPrivate(msgspec.Struct, frozen=True):
    """The result of `private`: whether nothing is learned. Always true without a store."""

    private: bool


class Described(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of `info`. The server: version, process, and its loaded models and open fields. A field: the rest."""

    version: str
    process: int
    fields: int
    loaded: list[str]
    model: dict[str, Any] | None = None
    private: bool | None = None
    notice: str | None = None
    offsets: Offsets | None = None


METHODS: dict[str, tuple[type[Params], type[msgspec.Struct]]] = {
    "hello": (Hello, Welcome),
    "open": (Open, Opened),
    "suggest": (Suggest, Found),
    "phrase": (Phrase, FoundPhrase),
    "corrections": (Corrections, Found),
    "commit": (Commit, Done),
    "learn": (Learn, Learned),
    "forget": (Forget, Forgot),
    "finish": (OnField, Done),
    "private": (Private, IsPrivate),
    "close": (OnField, Done),
    "info": (Info, Described),
    "cancel": (Cancel, Done),
}
"""Method -> the classes of its parameters and its result."""
