"""The model of the pad: switches to another, and remembers which model each file was written with."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from foretype.runtime import Model
from foretype.runtime.engines.loading import EngineName
from foretype.runtime.errors import ForetypeError
from foretype.runtime.files.atomic import replacing
from foretype.runtime.files.user_folder import data_folder, make_private_folder
from foretype.runtime.mixture import Mixture, Models, load_models
from foretype.runtime.personal.store import Store
from foretype.tui.pad.files.keeping import Keeping
from foretype.tui.pad.typing.typing_area import TypingArea

_MOST_FILES = 500


def _path() -> Path:
    return data_folder() / "file_models.json"


def _read() -> dict[str, str]:
    with suppress(OSError, ValueError, TypeError):
        return {str(file): str(model) for file, model in dict(json.loads(_path().read_bytes())).items()}
    return {}


def model_of(file: Path) -> str | None:
    """The name of the model that the user chose for `file`; None if it was left to the default."""
    return _read().get(str(file.absolute()))


def remember_model(file: Path, model: str) -> None:
    """Keep `model` as the choice for `file`, readable only by the user. Raises OSError."""
    models = _read()
    models.pop(str(file.absolute()), None)  # the latest choice comes last
    models[str(file.absolute())] = model
    make_private_folder(data_folder())
    with replacing(_path(), private=True) as temporary:
        latest = dict(list(models.items())[-_MOST_FILES:])
        temporary.write_text(json.dumps(latest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


class Host(Protocol):
    """The application, as far as a switch of the model needs it."""

    area: TypingArea
    keeping: Keeping

    def tell(self, message: str, kind: str = "") -> None:
        """Show a message until the next key."""

    def note_model(self) -> None:
        """Note that another model suggests."""


class ModelChoice:
    """The model that suggests in one pad.

    model: the model, or several for one text. engine: the engine of models that are chosen later.
    """

    def __init__(self, pad: Host, model: Model | Models, store: Store | None, engine: EngineName = "auto") -> None:
        self.model = model
        self._pad = pad
        self._store = store
        self._engine = engine

    def described(self) -> str:
        """Name the model, the one that leads if there are several, and the engine if it is not the blend."""
        session, name = self._pad.area.session, self.model.name
        if isinstance(session, Mixture):
            name = f"{session.leader} of {name}"
        if self._pad.area.quiet:
            return f"{name} paused"
        return name if self.model.engine == "blend" else f"{name} ({self.model.engine})"

    def choose(self, name: str) -> None:
        """Suggest with the model `name` from now on, and remember it for the pad's file."""
        path = self._pad.keeping.path
        if self._use(name) and path is not None:
            try:
                remember_model(path, name)
            except OSError as error:
                self._pad.tell(f"{_path()}: {error.strerror}; the choice is not kept", "warning")

    def follow_file(self) -> None:
        """Use the model that was chosen for the file that the pad now shows, if any."""
        path = self._pad.keeping.path
        chosen = model_of(path) if path is not None else None
        if chosen and chosen != self.model.name:
            self._use(chosen)

    def _use(self, name: str) -> bool:
        try:
            model = load_models(name, engine=self._engine)
        except ForetypeError as error:
            self._pad.tell(str(error), "error")
            return False
        before = self._pad.area.session
        before.finish()
        self.model = model
        self._pad.area.session = model.session(store=self._store, private=before.private)
        self._pad.note_model()
        return True
