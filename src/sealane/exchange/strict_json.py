"""Reads JSON from outside so that two readers cannot understand it differently.

Refused: duplicate keys, NaN and Infinity, numbers outside the range every reader keeps exactly (RFC 7493), lone
surrogates, a byte order mark, anything after the value, and whatever is too large or nested too deeply.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from sealane.errors import Fault, RequestRefusedError

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
# RFC 7493 section 2.2: integers beyond lose digits in readers that hold numbers as IEEE 754 doubles.
MAX_INTEGER = 2**53 - 1
_MAX_NUMBER_CHARS = 40
_MAX_FAULTS = 200  # more would only make the answer larger than the body
# A string without an end is one token, too: else each quote in it would be tried anew, to the end of the body.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(data: bytes, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Return the JSON value of a body.

    Parameters
    ----------
    data : the whole body, UTF-8.
    max_bytes : larger bodies are refused with 413.
    max_depth : greatest number of lists and objects inside each other.

    Raises
    ------
    RequestRefusedError
        400 with the kind of fault and every duplicate key or bad number found; 413 when too large.
    """
    if len(data) > max_bytes:
        raise RequestRefusedError(
            413,
            "body-too-large",
            f"The body has {len(data):,} bytes; {max_bytes:,} are taken.",
            "Send it in smaller parts.",
        )
    _check_depth(data, max_depth)
    faults: list[Fault] = []
    try:
        value = _decoder(faults).decode(_text(data))
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    if _SURROGATE_ESCAPE.search(data):
        _find_surrogates(value, "$", faults)
    if faults:
        kinds = {fault.found.split(":")[0] for fault in faults}
        kind = "duplicate-key" if kinds == {"a duplicate key"} else "ambiguous-json"
        raise RequestRefusedError(
            400, kind, "The JSON means different things to different readers.", "Mend what is listed.", faults
        )
    return value


def parse_object(data: bytes, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Return the JSON object of a body; any other value is refused with 400."""
    value = parse(data, max_bytes, max_depth)
    if not isinstance(value, dict):
        raise RequestRefusedError(400, "not-an-object", f"The body is a JSON {_named(value)}.", "Send a JSON object.")
    return value


def _text(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise _malformed("a byte order mark at the start")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start + 1:,} is not UTF-8") from None


def _check_depth(data: bytes, max_depth: int) -> None:
    if data.count(b"[") + data.count(b"{") <= max_depth:
        return
    depth = 0
    for token in _TOKENS.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            if depth > max_depth:
                raise _too_deep(max_depth)
        elif first in b"]}":
            depth -= 1


def _decoder(faults: list[Fault]) -> json.JSONDecoder:
    def note(where: str, found: str, remedy: str) -> None:
        if len(faults) < _MAX_FAULTS:
            faults.append(Fault(where, found, remedy))

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            seen: set[str] = set()
            for key, _ in found:
                if key in seen:
                    note(f"key {_shown(key)}", "a duplicate key", "Give each key once.")
                seen.add(key)
        return result

    def integer(text: str) -> int:
        if len(text) > _MAX_NUMBER_CHARS or abs(int(text)) > MAX_INTEGER:
            note(
                f"number {text[:_MAX_NUMBER_CHARS]}",
                "an integer beyond 2^53-1",
                "Send it as a string, or a number that every reader keeps exactly.",
            )
            return 0
        return int(text)

    def real(text: str) -> float:
        value = float(text) if len(text) <= _MAX_NUMBER_CHARS else math.inf
        if not math.isfinite(value):
            note(
                f"number {text[:_MAX_NUMBER_CHARS]}",
                "a number no double can hold",
                f"Send at most {_MAX_NUMBER_CHARS} characters within the range of a double.",
            )
            return 0.0
        return value

    def constant(text: str) -> float:
        note(f"value {text}", "not a JSON value", "Leave the field out or send null.")
        return 0.0

    return json.JSONDecoder(object_pairs_hook=pairs, parse_int=integer, parse_float=real, parse_constant=constant)


def _find_surrogates(value: Any, path: str, faults: list[Fault]) -> None:
    # Only called when the body has an escaped surrogate; a proper pair has become one character by now.
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            faults.append(Fault(path, "half of a surrogate pair", "Send whole characters."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _find_surrogates(item, f"{path}[{index}]", faults)
    elif isinstance(value, dict):
        for key, item in value.items():
            _find_surrogates(key, f"{path}, key {_shown(key)}", faults)
            _find_surrogates(item, f"{path}.{_shown(key)}", faults)


def _shown(key: str) -> str:
    return ascii(key[:60])


def _malformed(found: str) -> RequestRefusedError:
    return RequestRefusedError(400, "malformed-json", f"The body is not JSON: {found}.", "Send JSON in UTF-8.")


def _too_deep(max_depth: int) -> RequestRefusedError:
    return RequestRefusedError(
        400, "json-too-deep", f"The JSON is nested more than {max_depth} levels.", "Send a flatter document."
    )


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names: dict[type, str] = {list: "list", str: "string", int: "number", float: "number", type(None): "null"}
    return names[type(value)]
