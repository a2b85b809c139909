"""Types a text in the pad like a user who accepts each word as soon as it is offered."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from foretype.runtime import Model
from foretype.tui.pad.app import Pad
from foretype.tui.pad.files.document import TextFile
from foretype.tui.pad.settings import Settings
from foretype.tui.pad.typing.savings import KeystrokeAccount

TEXT = (
    "Dear Anna, thank you for your letter. I would like to come and see you next week, but I do not know when the "
    "train leaves. Let me know if you have any questions."
)

Pause = Callable[[], Awaitable[None]]


async def write(pad: Pad, pilot: Pilot[None], wished: str, pause: Pause, last_word: bool = True) -> None:
    """Type `wished` into an empty pad.

    pause: awaited before each key. last_word: whether to accept the last word from suggestions as well.
    """
    area = pad.area
    while area.text.rstrip(" ") != wished:
        await pause()
        await pilot.pause()
        if not wished.startswith(area.text):  # an accepted word ends in a space, but a punctuation mark comes next
            await pilot.press(_key(wished[len(area.text) - 1]))
            continue
        typed = area.offers[0].replaces if area.offers else 0
        word = re.match(r" ?([\w'-]+)" + ("" if last_word else r"(?=\W)"), wished[len(area.text) - typed :])
        choices = [number for number, offer in enumerate(area.offers, 1) if word and offer.text == word[1]]
        await pilot.press(f"alt+{choices[0]}" if choices else _key(wished[len(area.text)]))


def run_demo(model: Model, text: str, seconds: float) -> KeystrokeAccount:
    """Show the pad typing `text` with a pause of `seconds` between keys, and return its keystroke account."""
    pad = Pad(TextFile(Path("demo.txt")), model, private=True, settings=Settings(first_run_hint=False))

    async def play(pilot: Pilot[object]) -> None:
        await write(pad, pilot, text, lambda: pilot.pause(seconds))  # type: ignore[arg-type]
        await pilot.pause(10 * seconds)
        pad.action_quit_now()

    pad.run(auto_pilot=play)
    return pad.area.account


def _key(letter: str) -> str:
    return {" ": "space", "\n": "enter"}.get(letter, letter)
