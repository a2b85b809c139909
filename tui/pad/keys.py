"""Every action of the pad: its name in the settings, its keys, and its text in the help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from foretype.runtime.errors import ConfigError
from foretype.tui.editor.actions import MOTIONS


class Action(NamedTuple):
    """An action that keys run.

    name: its name in the settings; the method is `action_NAME`. keys: its keys, as Textual names them. text: what it
    does. group: its heading in the help. shown: its keys, as people write them.
    """

    name: str
    keys: tuple[str, ...]
    text: str
    group: str

    @property
    def shown(self) -> str:
        return ", ".join(key_name(key) for key in self.keys) or "no key"


_SUGGESTIONS, _FILE, _FIND, _EDIT, _MOVE, _VIEW = "Suggestions", "File", "Find", "Edit", "Move", "View"

ACTIONS = (
    Action("accept_or_indent", ("tab",), "accept the ghost's next word; else indent", _SUGGESTIONS),
    Action("accept_all_or_right", ("right",), "accept the whole ghost; else move right", _SUGGESTIONS),
    Action("accept_all_or_end", ("end",), "accept the whole ghost; else go to the end", _SUGGESTIONS),
    Action("accept_word_or_right", ("ctrl+right",), "accept the ghost's next word; else move", _SUGGESTIONS),
    Action("accept_1", ("alt+1",), "accept the first candidate", _SUGGESTIONS),
    Action("accept_2", ("alt+2",), "accept the second candidate", _SUGGESTIONS),
    Action("accept_3", ("alt+3",), "accept the third candidate", _SUGGESTIONS),
    Action("take_correction_back", ("ctrl+r",), "take the last correction back", _SUGGESTIONS),
    Action("hide_suggestions", ("escape",), "hide suggestions until the text changes", _SUGGESTIONS),
    Action("pause_suggestions", ("f4",), "pause suggestions, or go on", _SUGGESTIONS),
    Action("toggle_private", ("ctrl+p",), "private: learn nothing, or learn again", _SUGGESTIONS),
    Action("choose_model", ("f6",), "choose the model or languages, such as de or en+de", _SUGGESTIONS),
    Action("save", ("ctrl+s",), "save", _FILE),
    Action("save_as", ("alt+s",), "save under another name", _FILE),
    Action("open", ("ctrl+o",), "open another file", _FILE),
    Action("recover", (), "show unsaved text of earlier runs", _FILE),
    Action("unify_line_ends", (), "make all line ends alike", _FILE),
    Action("quit", ("ctrl+q",), "quit", _FILE),
    Action("find", ("ctrl+f",), "find, and replace", _FIND),
    Action("find_next", ("f3",), "find the next match", _FIND),
    Action("find_previous", ("shift+f3",), "find the match before", _FIND),
    Action("go_to_line", ("ctrl+l",), "go to a line", _FIND),
    Action("undo", ("ctrl+z",), "undo", _EDIT),
    Action("redo", ("ctrl+y",), "redo", _EDIT),
    Action("copy", ("ctrl+c",), "copy the selection", _EDIT),
    Action("cut", ("ctrl+x",), "cut the selection, or the line", _EDIT),
    Action("paste", ("ctrl+v",), "paste", _EDIT),
    Action("select_all", ("ctrl+a",), "select all", _EDIT),
    Action("duplicate_line", ("ctrl+d",), "duplicate the line or the selected lines", _EDIT),
    Action("move_line_up", ("alt+up",), "move the line up", _EDIT),
    Action("move_line_down", ("alt+down",), "move the line down", _EDIT),
    Action("unindent", ("shift+tab",), "unindent", _EDIT),
    Action("delete_left", ("backspace",), "delete the character before", _EDIT),
    Action("delete_right", ("delete",), "delete the character after", _EDIT),
    Action("delete_word_left", ("ctrl+w", "ctrl+backspace", "alt+backspace"), "delete the word before", _EDIT),
    Action("delete_word_right", ("ctrl+delete", "alt+delete"), "delete the word after", _EDIT),
    Action("delete_to_line_start", ("ctrl+u",), "delete to the start of the line", _EDIT),
    Action("delete_to_line_end", ("ctrl+k",), "delete to the end of the line", _EDIT),
    Action("left", ("left",), "one character left; with Shift, select", _MOVE),
    Action("up", ("up",), "one row up; with Shift, select", _MOVE),
    Action("down", ("down",), "one row down; with Shift, select", _MOVE),
    Action("word_left", ("ctrl+left",), "one word left; with Shift, select", _MOVE),
    Action("line_start", ("home",), "to the start of the line; with Shift, select", _MOVE),
    Action("page_up", ("pageup",), "one page up; with Shift, select", _MOVE),
    Action("page_down", ("pagedown",), "one page down; with Shift, select", _MOVE),
    Action("text_start", ("ctrl+home",), "to the start of the text; with Shift, select", _MOVE),
    Action("text_end", ("ctrl+end",), "to the end of the text; with Shift, select", _MOVE),
    Action("help", ("f1", "ctrl+g"), "show the keys", _VIEW),
    Action("toggle_panel", ("f2",), "show or hide the side panel", _VIEW),
    Action("palette", ("f5", "alt+x"), "choose from all actions", _VIEW),
    Action("next_theme", ("ctrl+t",), "dark, light or high contrast", _VIEW),
    Action("redraw", (), "draw the screen again", _VIEW),
    Action("reload_settings", (), "read the settings again", _VIEW),
)
"""All actions, in the order in which the help shows them."""

_BY_NAME = {action.name: action for action in ACTIONS}
_SELECTING = {"accept_all_or_right": "right", "accept_all_or_end": "line_end", "accept_word_or_right": "word_right"}
"""For these actions, their key with Shift is a move that selects."""
_SPELT = {"escape": "Esc", "ctrl": "Ctrl", "alt": "Alt", "shift": "Shift", "pageup": "Page Up", "pagedown": "Page Down"}


def key_name(key: str) -> str:
    """Format a key as people write it.

    >>> key_name("ctrl+s"), key_name("pageup"), key_name("alt+1")
    ('Ctrl+S', 'Page Up', 'Alt+1')
    """
    return "+".join(_SPELT.get(part, part.title()) for part in key.split("+"))


class Keymap:
    """Maps keys to actions: the defaults above, changed by the settings."""

    def __init__(self, changes: Mapping[str, Sequence[str]] | None = None) -> None:
        """changes: action -> all of its keys. Raises ConfigError for an unknown action or key, or a key used twice."""
        changes = changes or {}
        for name in changes:
            if name not in _BY_NAME:
                raise ConfigError(f"keys.{name} is no action; choose from {', '.join(sorted(_BY_NAME))}")
        taken = {key for keys in changes.values() for key in keys}
        self.actions = tuple(
            action._replace(
                keys=tuple(changes[action.name])
                if action.name in changes
                else tuple(key for key in action.keys if key not in taken)
            )
            for action in ACTIONS
        )
        self._by_key: dict[str, str] = {}
        for action in self.actions:
            for key in action.keys:
                if key in self._by_key:
                    raise ConfigError(f"keys.{action.name}: {key!r} is a key of {self._by_key[key]} already")
                self._by_key[key] = action.name
        for name, keys in changes.items():
            for key in keys:
                if not _is_key(key):
                    raise ConfigError(f"keys.{name}: {key!r} is no key; expected one such as 'ctrl+s', 'alt+x' or 'f5'")

    def action(self, key: str) -> tuple[str, bool] | None:
        """The action of a key, and whether it selects; None for a key without an action."""
        name = self._by_key.get(key)
        if name is not None:
            return name, False
        plain = "+".join(part for part in key.split("+") if part != "shift")
        moved = self._by_key.get(plain, "") if plain != key else ""
        moved = _SELECTING.get(moved, moved)
        return (moved, True) if moved in MOTIONS else None


def _is_key(key: str) -> bool:
    """Whether `key` looks like a key name of Textual and does not type a letter."""
    *modifiers, last = key.split("+")
    known = all(part in ("ctrl", "alt", "shift") for part in modifiers)
    return known and last.replace("_", "").isalnum() and last == last.lower() and bool(modifiers or len(last) > 1)
