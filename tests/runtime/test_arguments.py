"""What a caller gives that makes no sense is one clear error: TypeError for a type, ConfigError for a value."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foretype.runtime import ConfigError, Model, load
from foretype.runtime.mixture import Mixture
from foretype.runtime.personal.settings import StoreConfig
from foretype.runtime.personal.store import Store

Call = Callable[[Any], object]


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> Model:
    return load(tiny_bundle)


@pytest.fixture(params=["session", "mixture"])
def field(request: pytest.FixtureRequest, model: Model, tmp_path: Path) -> Any:
    """A session or a mixture, which take the same arguments."""
    store = Store(tmp_path / "s.sqlite3")
    return model.session(store=store) if request.param == "session" else Mixture([model, model], store=store)


@pytest.mark.parametrize(
    "call",
    [
        lambda field: field.suggest(None),
        lambda field: field.suggest(b"I "),
        lambda field: field.suggest("I ", after=None),
        lambda field: field.suggest("I ", k="3"),
        lambda field: field.suggest("I ", k=2.5),
        lambda field: field.suggest("I ", k=None),
        lambda field: field.suggest("I ", k=True),
        lambda field: field.suggest("I ", threshold="0.5"),
        lambda field: field.suggest("I ", threshold=None),
        lambda field: field.suggest("I ", deadline_ms="5"),
        lambda field: field.corrections(None),
        lambda field: field.corrections("I ", after=5),
        lambda field: field.corrections("I ", k=None),
        lambda field: field.commit(None),
        lambda field: field.keep(None),
        lambda field: field.forget(None),
    ],
)
def test_a_wrong_type_is_a_type_error_that_names_the_argument(field: Any, call: Call) -> None:
    with pytest.raises(TypeError, match=r"^(text|after|k|threshold|deadline_ms|word|phrase) must be a"):
        call(field)


@pytest.mark.parametrize(
    "call",
    [
        lambda field: field.suggest("I ", k=-1),
        lambda field: field.suggest("I ", threshold=2),
        lambda field: field.suggest("I ", threshold=-0.1),
        lambda field: field.suggest("I ", threshold=math.nan),
        lambda field: field.suggest("I ", deadline_ms=-5),
        lambda field: field.suggest("I ", deadline_ms=math.nan),
        lambda field: field.corrections("I ", k=-1),
        lambda field: field.corrections("I ", threshold=2),
        lambda field: field.forget(""),
    ],
)
def test_a_value_that_is_not_legal_is_a_config_error_that_names_the_legal_ones(field: Any, call: Call) -> None:
    with pytest.raises(ConfigError, match=r"expected |choose from "):
        call(field)


def test_phrases_take_what_makes_sense(model: Model) -> None:
    session = model.session()
    for named in ({"confidence": 2}, {"words": 0}):
        with pytest.raises(ConfigError, match=r"expected |choose from "):
            session.phrase("I ", **named)
    for wrong in (lambda: session.phrase(None), lambda: session.phrase("I ", words=1.5), lambda: session.learn(None)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="must be a"):
            wrong()


def test_a_path_is_no_store(model: Model) -> None:
    with pytest.raises(TypeError, match="store must be a Store, not str"):
        model.session(store="personal.sqlite3")


def test_what_is_legal_at_the_edge_is_taken(field: Any) -> None:
    assert field.suggest("I ", k=0) == []
    assert field.suggest("I ", k=np.int64(2), threshold=0, deadline_ms=0)
    assert field.suggest("I ", threshold=1.0) == []
    assert field.suggest("I ", deadline_ms=math.inf)


def test_a_word_under_the_cursor_is_not_corrected(model: Model) -> None:
    session = model.session()
    assert [s.text for s in session.corrections("I love musci")] == ["music"]
    assert session.corrections("I love musci", after="ans") == []
    assert session.corrections("I love don", after="'t") == []
    assert [s.text for s in session.corrections("I love musci", after=" a lot")] == ["music"]
    for field in (session, Mixture([model, model])):
        assert [s.text for s in field.corrections("I love musci ", after="and")] == ["music "]


def test_a_store_takes_what_makes_sense(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite3") as store:
        for wrong in (lambda: store.show(-1), lambda: store.listed("nonsense"), lambda: store.add_to("x", ["a"])):  # type: ignore[arg-type]
            with pytest.raises(ConfigError, match=r"expected |choose from "):
                wrong()
        for call in (lambda: store.forget(None), lambda: store.teach(5), lambda: store.add_to("never", [None])):  # type: ignore[arg-type, list-item]
            with pytest.raises(TypeError, match="phrase must be a str"):
                call()
    for named in ({"cap_mb": 0}, {"half_life": -1.0}, {"most_words": math.nan}, {"busy_ms": "5"}):
        with pytest.raises(ConfigError, match=r"expected |choose from "):
            StoreConfig(**named)
