"""The language server: answers an editor over standard input and output."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer

from foretype.runtime.errors import ForetypeError
from foretype.runtime.lsp.document import Document, Place
from foretype.runtime.lsp.languages import language_of
from foretype.runtime.lsp.offers import completion_items, ghost, ghost_item
from foretype.runtime.lsp.open_document import OpenDocument
from foretype.runtime.lsp.prose import Prose
from foretype.runtime.lsp.settings import SECTION, LspSettings, read_settings
from foretype.runtime.lsp.slips import KEEP, diagnostics, fixes
from foretype.runtime.mixture import Models
from foretype.runtime.model import Model
from foretype.runtime.personal.settings import store_path
from foretype.runtime.personal.store import Store
from foretype.runtime.suggestion import Suggestions
from foretype.runtime.text_session import TextSession

T = TypeVar("T")
PAUSE_SECONDS = 0.4
"""Slips are searched when the user has not typed for this long."""


class Server:
    """The documents that are open in one editor, and the handlers of its messages."""

    def __init__(self, model: Model | Models) -> None:
        self.language_server = LanguageServer("foretype", version("foretype"))
        self._model = model
        self._settings = LspSettings()
        self._initial: object = None  # the settings that came with `initialize`
        self._changes = 0  # how often the editor sent or was asked for settings
        self._store: Store | None = None
        self._open: dict[str, OpenDocument] = {}
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._told: set[str] = set()
        self._register()

    def _register(self) -> None:
        # pygls keeps the documents too, but ends lines where the protocol does not, as at a form feed.
        for name in (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_CLOSE):
            self.language_server.protocol.fm.builtin_features.pop(name)
        handlers: list[tuple[str, Callable[[Any], Any], object]] = [
            (types.INITIALIZE, self._initialize, None),
            (types.INITIALIZED, self._initialized, None),
            (types.WORKSPACE_DID_CHANGE_CONFIGURATION, self._configure, None),
            (types.TEXT_DOCUMENT_DID_OPEN, self._did_open, None),
            (types.TEXT_DOCUMENT_DID_CHANGE, self._did_change, None),
            (types.TEXT_DOCUMENT_DID_SAVE, self._did_save, None),
            (types.TEXT_DOCUMENT_DID_CLOSE, self._did_close, None),
            (types.TEXT_DOCUMENT_COMPLETION, self._complete, types.CompletionOptions(trigger_characters=[" "])),
            # Without options, pygls would not announce this one.
            (types.TEXT_DOCUMENT_INLINE_COMPLETION, self._complete_inline, types.InlineCompletionOptions()),
            (types.TEXT_DOCUMENT_CODE_ACTION, self._fix, types.CodeActionOptions([types.CodeActionKind.QuickFix])),
        ]
        for name, handler, options in handlers:
            self.language_server.feature(name, options)(partial(handler))  # pygls sets attributes, which methods refuse
        self.language_server.command(KEEP)(partial(self._keep))

    # --- Settings

    def _initialize(self, params: types.InitializeParams) -> None:
        self._initial = params.initialization_options
        self._use_settings(None)

    async def _initialized(self, params: types.InitializedParams) -> None:
        if self._gives_settings():
            await self._ask_for_settings()

    async def _configure(self, params: types.DidChangeConfigurationParams) -> None:
        if params.settings or not self._gives_settings():
            self._changes += 1
            self._use_settings(params.settings)
        else:
            await self._ask_for_settings()

    def _gives_settings(self) -> bool:
        """Whether the editor gives its settings when it is asked."""
        workspace = self.language_server.client_capabilities.workspace
        return workspace is not None and bool(workspace.configuration)

    async def _ask_for_settings(self) -> None:
        self._changes += 1
        asked = self._changes
        wanted = types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
        try:
            found = await self.language_server.workspace_configuration_async(wanted)
        except JsonRpcException as error:
            self._tell(f"the editor does not give its settings: {error}")
            return
        if found and asked == self._changes:  # otherwise, newer settings came meanwhile
            self._use_settings({SECTION: found[0]})

    def _use_settings(self, changed: object) -> None:
        """Use these settings over those that came first. If one is not legal, nothing changes."""
        try:
            settings = read_settings(self._initial, changed)
        except ForetypeError as error:
            self._tell(str(error))
            return
        if settings == self._settings and self._open:
            return  # starting again would lose the words that wait to be learned
        if self._store is not None:
            self._store.close()
        self._settings = settings
        # Where nothing was ever learned, there is no store, and asking must not make one.
        wanted = settings.learn or (settings.personal and store_path(settings.profile).exists())
        self._store = Store(profile=settings.profile) if wanted else None
        for found in self._open.values():
            found.configure(self._model, self._store, settings)
            self._publish(found)

    # --- Documents

    def _did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        encoding = types.PositionEncodingKind(self.language_server.workspace.position_encoding).value
        document = Document(item.text, language_of(item.language_id, item.uri), encoding)
        self._open[item.uri] = OpenDocument(item.uri, document)
        self._open[item.uri].configure(self._model, self._store, self._settings)

    def _did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        found = self._open.get(params.text_document.uri)
        if found is None:
            return
        found.change(params.content_changes)
        if self._settings.corrections:
            self._stop_check(found.uri)
            self._checks[found.uri] = asyncio.ensure_future(self._check(found))

    def _did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        found = self._open.get(params.text_document.uri)
        if found is not None:
            found.save()
            self._tell_notice(found)

    def _did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        self._stop_check(uri)
        if self._open.pop(uri, None) is not None and self._settings.corrections:
            self.language_server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    # --- Words

    async def _complete(self, params: types.CompletionParams) -> types.CompletionList:
        settings = self._settings

        def suggest(session: TextSession, prose: Prose) -> Suggestions:
            return session.suggest(prose.before, k=settings.words, after=prose.after, threshold=settings.threshold)

        answer = await self._ask(params, suggest)
        if answer is None:
            return types.CompletionList(is_incomplete=True, items=[])
        found, document, place = answer
        offered = [word for word in found if word.replaces or self._settings.next_word]
        return types.CompletionList(is_incomplete=True, items=completion_items(offered, document, place))

    async def _complete_inline(self, params: types.InlineCompletionParams) -> types.InlineCompletionList:
        settings = self._settings
        answer = None
        if settings.ghost:
            answer = await self._ask(params, lambda session, prose: ghost(session, prose, settings))
        return types.InlineCompletionList([] if answer is None else [ghost_item(*answer)])

    async def _ask(
        self,
        params: types.CompletionParams | types.InlineCompletionParams,
        call: Callable[[TextSession, Prose], T | None],
    ) -> tuple[T, Document, Place] | None:
        """Return the answer of a session, and where it belongs; None if there is none."""
        found = self._open.get(params.text_document.uri)
        if found is None:
            return None
        try:
            answer = await found.ask(params.position, call)
        except Exception as error:
            self._tell_failure(error)
            return None
        self._tell_notice(found)
        if answer is None or answer[0] is None:
            return None
        return answer[0], found.document, answer[1]

    # --- Slips

    async def _check(self, found: OpenDocument) -> None:
        """Show the slips of the lines that were edited, once the user pauses."""
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            if await found.check():
                self._publish(found)
        except Exception as error:
            self._tell_failure(error)

    def _stop_check(self, uri: str) -> None:
        if (check := self._checks.pop(uri, None)) is not None:
            check.cancel()

    def _publish(self, found: OpenDocument) -> None:
        shown = diagnostics(found.slips, found.document) if self._settings.corrections else []
        self.language_server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(found.uri, shown))

    def _fix(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        found = self._open.get(params.text_document.uri)
        if found is None or not self._settings.corrections:
            return []
        return fixes(found.slips, found.document, found.uri, params.range.start.line, params.range.end.line)

    def _keep(self, word: str) -> None:
        """Never report `word` as a slip again; remembered in the store if words are learned."""
        try:
            if self._store is not None and self._settings.learn:
                self._store.add_to("kept", [word])
        except ForetypeError as error:
            self._tell(str(error))
        for found in self._open.values():
            found.keep(word)
            self._publish(found)

    # --- Messages

    def _tell(self, message: str) -> None:
        """Show one line to the user, once."""
        if message not in self._told:
            self._told.add(message)
            text = f"foretype: {' '.join(message.split())}"
            self.language_server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, text))

    def _tell_notice(self, found: OpenDocument) -> None:
        if found.notice is not None:
            self._tell(found.notice)

    def _tell_failure(self, error: Exception) -> None:
        known = isinstance(error, ForetypeError)
        self._tell(str(error) if known else f"unexpected {type(error).__name__}: {error}")


def serve(model: Model | Models) -> int:
    """Serve one editor over standard input and output, until it says goodbye or closes the pipe.

    Returns the exit status that the protocol asks for: 0 after a goodbye, 1 without.
    """
    if not os.environ.get("FORETYPE_DEBUG"):
        logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)  # it prints tracebacks
    server = Server(model).language_server
    server.protocol.set_writer(StdoutWriter(sys.stdout.buffer))
    gc.collect()
    gc.freeze()  # the model stays; searching it for garbage would take several milliseconds
    try:
        asyncio.run(_answer(server, model))
    except SystemExit as goodbye:
        return goodbye.code if isinstance(goodbye.code, int) else 1
    except (asyncio.IncompleteReadError, BrokenPipeError):
        return 1
    return 1


async def _answer(server: LanguageServer, model: Model | Models) -> None:
    """Answer messages until the end of standard input.

    One thread reads for all messages. `LanguageServer.start_io` wakes a thread for each line of each message, which
    takes longer than most answers.
    """
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()

    def read() -> None:
        with suppress(RuntimeError):  # the loop may have ended
            while data := os.read(sys.stdin.fileno(), 1 << 16):
                loop.call_soon_threadsafe(reader.feed_data, data)
            loop.call_soon_threadsafe(reader.feed_eof)

    threading.Thread(target=read, daemon=True).start()
    # Waited for at the end: a thread inside ONNX Runtime while Python ends would abort the process.
    threading.Thread(target=_prepare, args=(model,)).start()
    await run_async(threading.Event(), reader, server.protocol, error_handler=server.report_server_error)


def _prepare(model: Model | Models) -> None:
    """Do what the first keystrokes would have to wait for: index the vocabulary for slips, read the rare words."""
    with suppress(ForetypeError):  # the first request reports it
        model.session().suggest("I wuold")
        for each in model.models if isinstance(model, Models) else (model,):
            while each.lexicon is not None and each.lexicon.prepare():
                pass
