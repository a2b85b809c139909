"""The JSON Schema of a result, which is published as `runtime/bench/result.schema.json`.

To write it anew: foretype bench --schema > runtime/bench/result.schema.json
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from foretype.runtime.bench.result import VERSION, Result


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `Result.to_json`. Unknown keys are allowed."""
    (tree,), parts = msgspec.json.schema_components([Result], ref_template="#/$defs/{name}")
    parts["Result"]["properties"]["version"] = {"const": VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A result of foretype bench, version {VERSION}",
        **tree,
        "$defs": parts,
    }


def schema_text() -> str:
    """The schema as indented JSON, with a final line end."""
    return json.dumps(schema(), indent=1) + "\n"
