"""The application of the typing pad: a text, suggestions at the cursor, and a status line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.command import CommandPalette
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Static

from foretype.runtime import Model
from foretype.runtime.engines.loading import EngineName
from foretype.runtime.errors import ConfigError
from foretype.runtime.mixture import Models
from foretype.runtime.personal.store import Store
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.files.keeping import Keeping
from foretype.tui.pad.files.opening import Opening
from foretype.tui.pad.keys import Keymap
from foretype.tui.pad.models import ModelChoice
from foretype.tui.pad.safe_app import SafeApp
from foretype.tui.pad.screens.candidate_menu import CandidateMenu
from foretype.tui.pad.screens.candidate_row import CandidateRow
from foretype.tui.pad.screens.find_bar import FindBar
from foretype.tui.pad.screens.help import HelpScreen
from foretype.tui.pad.screens.panel import Panel, model_card
from foretype.tui.pad.screens.prompt import Prompt
from foretype.tui.pad.settings import Settings, read_settings, settings_path
from foretype.tui.pad.statistics import Recorder
from foretype.tui.pad.status import WIDE, Status
from foretype.tui.pad.themes import THEMES, theme_for
from foretype.tui.pad.typing.typing_area import TypingArea

_HINT = (
    "Just type. Tab takes the next grey word, Right or End all of the grey text.\n"
    "Alt+1 to 3 take a word below. Esc hides them, F4 pauses them.\n"
    "The pad learns your words, on this machine only. Ctrl+P pauses that.\n"
    "Ctrl+S saves, Ctrl+Q quits, F1 shows all keys, F2 what you saved."
)


class Pad(SafeApp, inherit_bindings=False):
    """The application around a `TypingArea`.

    It has no bindings of its own, nor Textual's: the keymap decides what each key does.
    """

    CSS_PATH = "pad.tcss"
    TITLE = "Foretype"
    ENABLE_COMMAND_PALETTE = False  # its key is one of the keymap
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (WIDE, "-wide"),
    ]

    def __init__(
        self,
        file: TextFile | None,
        model: Model | Models,
        store: Store | None = None,
        private: bool = False,
        settings: Settings | None = None,
        line: int | None = None,
        engine: EngineName = "auto",
    ) -> None:
        """line: the line where the cursor starts, counted from 1; None for the end of the text.

        engine: the engine of models that the user chooses later.
        """
        super().__init__()
        self.settings = settings or Settings()
        self.choice = ModelChoice(self, model, store, engine)
        self._store = store
        self._quit_asked = False
        self._recorder = Recorder(private)
        session = model.session(store=store, private=private)
        self.keymap = Keymap(self.settings.keys)
        self.area = TypingArea(file.text if file else "", session, self.keymap, lambda: self.choice.model.letters)
        self.keeping = Keeping(self.area, file, self.settings.recovery == "beside", self.settings.undo_file)
        self.status = Status(self, self.area, self.keeping, self.choice, learns=store is not None)
        self.opening = Opening(self)
        self._paused = not self.settings.suggestions
        if line is not None:
            self.area.cursor = self.area.buffer.clamp((line - 1, 0))
        for theme in THEMES.values():
            self.register_theme(theme)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = theme_for(self.settings.theme).name

    def compose(self) -> ComposeResult:
        with Horizontal(id="page"):
            yield self.area
            yield Panel(self._store, model_card(self.choice.model.info()))
        yield CandidateMenu()
        yield Static(_HINT, id="first", markup=False)
        yield CandidateRow(id="candidates")
        yield Prompt()
        yield FindBar(self.area)
        yield from self.status.compose()

    def on_mount(self) -> None:
        self.watch_signals()
        self.query_one("#first").display = self._recorder.first_run and self.settings.first_run_hint
        self.query_one(Panel).display = False
        self._show_row()
        self.area.focus()
        self.tell("")
        self._set_up_area()
        self.opening.greet()
        self.status.show()
        self.set_interval(30, self._recorder.write)

    # --- Status line and messages

    def tell(self, message: str, kind: str = "") -> None:
        """Show a message instead of the status line until the next key. kind: "", "warning" or "error"."""
        self.status.tell(message, kind)

    def on_resize(self) -> None:
        self.call_later(self.status.show)

    def on_typing_area_suggested(self, event: TypingArea.Suggested) -> None:
        if not self.area.is_attached:
            return
        if self.settings.candidates == "menu":
            self.query_one(CandidateMenu).show(event.words, event.ghost, self.area.cursor_on_screen())
        else:
            self.query_one(CandidateRow).show(event.words, event.ghost)
        panel = self.query_one(Panel)
        if panel.display:
            panel.show(self._recorder.today(), self._recorder.ever(), self.area.times)
        self.status.show()

    def on_typing_area_failed(self, event: TypingArea.Failed) -> None:
        self.tell(f"no suggestions: {event.error}", "error")

    def on_editor_changed(self) -> None:
        """Count an edit, and schedule the copy of unsaved text."""
        self._recorder.key()
        account, session = self.area.account, self._recorder.session
        session.keys, session.characters = account.keys, account.characters
        session.words, session.accepted = self.area.words_typed, self.area.words_accepted
        self.keeping.note_change()
        if self.area.is_attached:
            self.query_one("#first").display = False
            self.status.show()

    def on_editor_moved(self) -> None:
        self.status.show()

    async def on_event(self, event: events.Event) -> None:
        """On each key, clear the last message. Any key but the quit key also cancels quitting."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.status.clear()
            self._quit_asked = self._quit_asked and self.keymap.action(event.key) == ("quit", False)
        await super().on_event(event)

    async def on_key(self, event: events.Key) -> None:
        """Quit by its key wherever the focus is; all other keys belong to the text."""
        if self.keymap.action(event.key) == ("quit", False):
            await self.action_quit()

    # --- Files

    def rescue(self) -> Path | None:
        return self.keeping.copy_now() if self.keeping.unsaved() else None

    def after_typing(self, step: Callable[[], None]) -> None:
        """Call `step` after all earlier keys, which may still wait in the text area, have become text."""
        self.area.call_later(step)

    def action_save(self) -> None:
        """Save. Ask for a name only if the text has none."""
        self.after_typing(self.opening.save)

    def action_save_as(self) -> None:
        self.ask("save", "Save as", str(self.keeping.path or ""), path=True)

    def action_open(self) -> None:
        self.ask("open", "Open", path=True)

    def action_recover(self) -> None:
        self.opening.offer_copies(None)

    def action_unify_line_ends(self) -> None:
        self.opening.unify_line_ends()

    def action_go_to_line(self) -> None:
        self.ask("line", "Line")

    def ask(self, kind: str, label: str, value: str = "", path: bool = False) -> None:
        """Show a question instead of the candidates, until the text has the focus again."""
        self.query_one("#candidates").display = False
        self.query_one(Prompt).ask(kind, label, value, path)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is self.area:
            self.query_one(Prompt).display = False
            self.query_one(FindBar).display = False
            self._show_row()

    def on_prompt_left(self) -> None:
        self.area.focus()

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        if not event.value:
            self.area.focus()
        elif event.kind == "line":
            self._go_to(event.value)
        elif event.kind == "model":
            self.choice.choose(event.value)
        elif event.kind == "open":
            self.opening.open(Path(event.value).expanduser())
        else:
            self.opening.save_as(Path(event.value).expanduser())

    def _go_to(self, place: str) -> None:
        line, _, column = place.partition(":")
        if not line.isdecimal() or not (column or "1").isdecimal():
            self.tell(f"{place!r} is no line; expected a number such as 12, or 12:5 with a column", "error")
            return
        self.area.focus()
        self.area.move((int(line) - 1, int(column or "1") - 1))

    def on_app_focus(self) -> None:
        """When the terminal gets the focus, redraw and check the file: other programs may have changed both."""
        self.action_redraw()
        self.opening.look_at_theirs()

    def action_quit_now(self) -> None:
        """Quit and discard unsaved text."""
        self.keeping.forget_copy()
        self.exit()

    async def action_quit(self) -> None:
        """Quit. Discard unsaved text only if asked twice."""
        self.after_typing(self._quit_or_ask)

    def _quit_or_ask(self) -> None:
        if self._quit_asked or not self.keeping.unsaved():
            self.action_quit_now()
        else:
            self._quit_asked = True
            self.tell("Unsaved changes: Ctrl+Q again quits, Ctrl+S saves", "warning")

    def note_text(self) -> None:
        """Update the pad after the text area shows another file, or its file got another name."""
        self.choice.follow_file()
        self._set_up_area()
        self.status.show()

    # --- Model

    def action_choose_model(self) -> None:
        self.ask("model", "Model or languages", self.choice.model.name)

    def note_model(self) -> None:
        """Update the pad after another model suggests."""
        self.query_one(Panel).show_model(model_card(self.choice.model.info()))
        self.area.focus()
        self.area.ask_again()
        self.status.show()

    # --- Finding

    def action_find(self) -> None:
        self.query_one("#candidates").display = False
        self.query_one(FindBar).open()

    def action_find_next(self) -> None:
        self.query_one(FindBar).find()

    def action_find_previous(self) -> None:
        self.query_one(FindBar).find(forward=False)

    def on_find_bar_left(self) -> None:
        self.area.focus()

    # --- Other keys

    def action_accept(self, number: int) -> None:
        self.area.accept(number)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.keymap.actions, self.area.session.notice))

    def action_palette(self) -> None:
        self.push_screen(CommandPalette())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield every action, for the command palette."""
        for action in self.keymap.actions:
            name = action.text[0].upper() + action.text[1:]
            yield SystemCommand(name, action.shown, lambda name=action.name: self._run(name))

    def _run(self, name: str) -> None:
        target = self.area if hasattr(self.area, f"action_{name}") else self
        self.run_worker(self.run_action(name, target))

    def action_next_theme(self) -> None:
        names = [theme.name for theme in THEMES.values()]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def action_toggle_private(self) -> None:
        """Stop learning from what is typed, or resume."""
        if self._store is None:
            self.tell("Nothing is learned here: the pad was opened without a personal store", "warning")
            return
        self.area.session.private = not self.area.session.private
        self.status.show()
        self.tell("Private: nothing is learned now" if self.area.session.private else "What you type is learned again")

    def action_pause_suggestions(self) -> None:
        """Pause suggestions, or resume them."""
        self._paused = not self.area.quiet
        self._set_up_area(self._paused)
        self.tell("Suggestions are paused" if self.area.quiet else "Suggestions go on")

    def _show_row(self) -> None:
        self.query_one("#candidates").display = self.settings.candidates == "row"

    def _set_up_area(self, quiet: bool | None = None) -> None:
        path = self.keeping.path
        self.area.quiet = self._paused or self.settings.quiet(path) if quiet is None else quiet
        self.area.threshold = self.settings.threshold
        self.area.comments = "#" if self.opening.is_commit_message else ""
        self.area.ask_again()
        self.status.show()

    def action_reload_settings(self) -> None:
        """Read the settings again. If they contain an error, the old ones stay."""
        try:
            self.settings = read_settings(settings_path())
        except ConfigError as error:
            self.tell(str(error), "error")
            return
        self.keymap = self.area.keymap = Keymap(self.settings.keys)
        self.theme = theme_for(self.settings.theme).name
        self._show_row()
        self.query_one(CandidateMenu).display = False
        self._set_up_area()
        self.tell(f"Settings of {settings_path()}")

    def action_toggle_panel(self) -> None:
        """Show the side panel and focus it, or hide it."""
        panel = self.query_one(Panel)
        panel.display = not panel.display
        if panel.display:
            panel.show(self._recorder.today(), self._recorder.ever(), self.area.times)
            panel.show_words()
            panel.query_one("#words").focus()
        else:
            self.area.focus()

    def on_panel_left(self) -> None:
        self.area.focus()

    def on_panel_forgot(self) -> None:
        self.area.ask_again()

    def on_unmount(self) -> None:
        self.area.session.finish()
        self.keeping.keep_history()
        self._recorder.write()
