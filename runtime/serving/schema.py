"""Makes `schema.json`, the JSON Schema of all messages, from the classes that decode and encode them.

python -m foretype.runtime.serving.schema > runtime/serving/schema.json
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import msgspec

from foretype.runtime.serving.methods import METHODS

_ID = {"type": ["integer", "string"]}


def published() -> dict[str, Any]:
    """The schema as it is published with the package."""
    text = files("foretype.runtime.serving").joinpath("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def make() -> dict[str, Any]:
    """The schema of one line, to the server or from it.

    `$defs` also holds a schema for each method: `request.suggest` and `reply.suggest`.
    """
    kinds = [kind for pair in METHODS.values() for kind in pair]
    references, classes = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    defs: dict[str, Any] = dict(sorted(classes.items()))
    requests, replies = [], []
    for number, method in enumerate(METHODS):
        params, result = references[2 * number], references[2 * number + 1]
        defs[f"request.{method}"] = _request(method, params, bool(_required(params, classes)))
        defs[f"reply.{method}"] = _message({"id": _ID, "result": result})
        requests.append({"$ref": f"#/$defs/request.{method}"})
        replies.append({"$ref": f"#/$defs/reply.{method}"})
    error = {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["code", "message"],
    }
    defs["error"] = _message({"id": {"type": ["integer", "string", "null"]}, "error": error})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "foretype serve, protocol 1",
        "anyOf": [*requests, *replies, {"$ref": "#/$defs/error"}],
        "$defs": defs,
    }


def _request(method: str, params: dict[str, Any], needs_params: bool) -> dict[str, Any]:
    message = _message({"method": {"const": method}, "params": params})
    if not needs_params:
        message["required"].remove("params")
    message["properties"]["id"] = _ID  # absent from a notification
    return message


def _message(members: dict[str, Any]) -> dict[str, Any]:
    properties = {"jsonrpc": {"const": "2.0"}, **members}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _required(reference: dict[str, Any], classes: dict[str, Any]) -> list[str]:
    return list(classes[reference["$ref"].rpartition("/")[2]].get("required", []))


if __name__ == "__main__":
    print(json.dumps(make(), indent=1))
