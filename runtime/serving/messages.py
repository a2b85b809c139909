"""The envelope of JSON-RPC 2.0: reads requests, writes replies, and numbers the errors."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from foretype.runtime.errors import BundleError, ConfigError, EngineError, ForetypeError, StoreError

PROTOCOL = 1
"""Raised when a change breaks clients; see docs/serving.md."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
UNKNOWN_METHOD = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
FAILED = -32000
UNKNOWN_FIELD = -32001
NO_MODEL = -32002
NO_STORE = -32003
LINE_TOO_LONG = -32004
TOO_MANY_REQUESTS = -32005
CANCELLED = -32800

Id = int | str


class Request(msgspec.Struct, frozen=True):
    """A request, or a notification if it has no id."""

    jsonrpc: Literal["2.0"]
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")
    id: Id | UnsetType = UNSET


class Fault(Exception):  # noqa: N818 - the protocol's errors are replies
    """A request that fails. code: one of the constants above. id: of the request, if it is known."""

    def __init__(self, code: int, message: str, id: Id | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


class _OnlyId(msgspec.Struct):
    id: Id | None = None


_requests = msgspec.json.Decoder(Request)
_ids = msgspec.json.Decoder(_OnlyId)
_encoder = msgspec.json.Encoder()


def read_request(line: bytes) -> Request:
    """Decode one line. Raises Fault if it is not JSON or not a request, with the id if that can be read."""
    try:
        return _requests.decode(line)
    except msgspec.ValidationError as error:
        raise Fault(INVALID_REQUEST, f"not a request: {error}", _id_of(line)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Fault(PARSE_ERROR, f"not JSON: {error}") from None


def read_params(request: Request, kind: type[Any]) -> Any:
    """Decode the parameters of a request as a `kind`. Raises Fault if they do not fit."""
    try:
        return msgspec.json.decode(request.params, type=kind)
    except msgspec.ValidationError as error:
        raise Fault(INVALID_PARAMS, f"{request.method}: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Fault(PARSE_ERROR, f"not JSON: {error}") from None


def reply(id: Id, result: msgspec.Struct) -> bytes:
    """The line that answers request `id`."""
    return _encoder.encode({"jsonrpc": "2.0", "id": id, "result": result}) + b"\n"


def error_reply(id: Id | None, fault: Fault) -> bytes:
    """The line that says why request `id` failed; None if the id is not known."""
    error = {"code": fault.code, "message": " ".join(str(fault).split())}
    return _encoder.encode({"jsonrpc": "2.0", "id": id, "error": error}) + b"\n"


def fault_of(error: Exception) -> Fault:
    """The fault to answer when a call into the runtime raised `error`."""
    if isinstance(error, Fault):
        return error
    codes = {
        ConfigError: INVALID_PARAMS,
        BundleError: NO_MODEL,
        EngineError: NO_MODEL,
        StoreError: NO_STORE,
        ForetypeError: FAILED,
        OSError: FAILED,
    }
    for kind, code in codes.items():
        if isinstance(error, kind):
            return Fault(code, str(error))
    return Fault(INTERNAL_ERROR, f"unexpected {type(error).__name__}: {error}")


def _id_of(line: bytes) -> Id | None:
    try:
        return _ids.decode(line).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
