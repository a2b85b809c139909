"""presage, through its C library: https://presage.sourceforge.io (Debian: libpresage1v5, presage).

Option "repeat": offer a word again that was offered at the last keystroke and not taken. presage does not by default.
Its learning while one types is off, as it is for every system.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable


def load(model: str, options: list[str]) -> Callable[[str, int], list[str]]:
    """Start presage with its default database, or the one that `train` wrote."""
    library = ctypes.CDLL("libpresage.so.1")
    kind = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    before = [ctypes.create_string_buffer(b"")]
    after = ctypes.create_string_buffer(b"")
    # The library keeps the callbacks, so this process must keep them too; the same for the texts.
    callbacks = kind(lambda _: ctypes.addressof(before[0])), kind(lambda _: ctypes.addressof(after))
    handle = ctypes.c_void_p()
    _check(library.presage_new(callbacks[0], None, callbacks[1], None, ctypes.byref(handle)))

    def configure(name: str, value: str) -> None:
        _check(library.presage_config_set(handle, f"Presage.{name}".encode(), value.encode()))

    configure("ContextTracker.ONLINE_LEARNING", "no")
    configure("Selector.REPEAT_SUGGESTIONS", "yes" if "repeat" in options else "no")
    if model:
        configure("Predictors.DefaultSmoothedNgramPredictor.DBFILENAME", model)
    shown = [0]

    def suggest(text: str, k: int) -> list[str]:
        if k != shown[0]:
            configure("Selector.SUGGESTIONS", str(k))
            shown[0] = k
        before[0] = ctypes.create_string_buffer(text.encode())
        found = ctypes.POINTER(ctypes.c_char_p)()
        _check(library.presage_predict(handle, ctypes.byref(found)))
        words: list[bytes] = []
        while (word := found[len(words)]) is not None:
            words.append(word)
        library.presage_free_string_array(found)
        return [word.decode(errors="replace") for word in words]

    suggest.keep = callbacks  # type: ignore[attr-defined]
    return suggest


def train(text: str, model: str) -> None:
    """Count 1-, 2- and 3-grams into a database, as presage's manual does."""
    for order in ("1", "2", "3"):
        append = [] if order == "1" else ["-a"]
        subprocess.run(["text2ngram", "-n", order, "-l", "-f", "sqlite", *append, "-o", model, text], check=True)


def _check(error: int) -> None:
    if error:
        raise RuntimeError(f"presage: error {error}")
