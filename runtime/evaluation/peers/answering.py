"""Makes a foreign system answer the protocol of `foretype serve`, as far as a comparison needs it.

python answering.py ADAPTER.py serve [MODEL] [OPTION...]
python answering.py ADAPTER.py train TEXT MODEL

The adapter has `load(model, options)`, which returns a function: text before the cursor, number of words -> words,
best first. `model` is "" for the system's own data. If the system can learn, the adapter also has `train(text, model)`,
which reads a text file and writes a model. This file needs only the standard library, so that any Python can run it.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Suggest = Callable[[str, int], list[str]]


def replies(name: str, suggest: Suggest, lines: Iterable[str]) -> Iterable[str]:
    """The reply to each line."""
    for line in lines:
        request = json.loads(line)
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            reply["result"] = _result(name, suggest, request["method"], request.get("params", {}))
        except Exception as error:
            reply["error"] = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
        yield json.dumps(reply)


def _result(name: str, suggest: Suggest, method: str, asked: dict[str, Any]) -> dict[str, Any]:
    if method == "hello":
        return {"name": name, "version": "", "protocol": 1, "models": []}
    if method == "open":
        return {"field": 1, "engine": name, "notice": None}
    if method == "suggest":
        return {"suggestions": [{"text": word} for word in suggest(asked["text"], asked["k"])], "engine": name}
    if method == "close":
        return {}
    raise ValueError(f"{method}: no such method; choose from hello, open, suggest, close")


def main(path: str, action: str, *arguments: str) -> None:
    """Run one action of the adapter in the file `path`."""
    adapter = runpy.run_path(path)
    if action == "train":
        adapter["train"](*arguments)
        return
    model, options = (arguments[0], list(arguments[1:])) if arguments else ("", [])
    suggest = adapter["load"](model, options)
    name = Path(path).stem
    for reply in replies(name, suggest, sys.stdin):
        print(reply, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
