"""JSON as it comes from outside: read strictly, and cut into its elements without changing a byte of them.

Two keys of one name, NaN and infinity, half surrogates and depth without end are refused: parsers disagree on what
they mean, so a signed payload could be read in two ways.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from sealane.errors import Fault
from sealane.products.codes import shown

MAX_DEPTH = 64
_BLANK = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _RefusedError(ValueError):
    """Raised inside the parser; its text says what was found."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _RefusedError(f"the key {shown(name)} twice in one object")
            seen.add(name)
    return found


def _constant(name: str) -> Any:
    raise _RefusedError(f"{name}, which is no JSON number")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _RefusedError(f"the number {digits[:20]}, which no machine can hold")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant, parse_float=_float)


def parse(data: bytes, where: str, faults: list[Fault]) -> Any:
    """Read one JSON document.

    Parameters
    ----------
    data : UTF-8.
    where : file name or path, for faults.
    faults : gets one fault if the document cannot be read.

    Returns
    -------
    The value; None after a fault (and for the document ``null``, which no product has).
    """
    text = _decode(data, where, faults)
    if text is None:
        return None
    value, end = _read(text, _skip(text, 0), where, faults)
    if end >= 0 and _skip(text, end) != len(text):
        faults.append(Fault(where, f"more text after the document, at character {end + 1}", "Send one JSON document."))
        return None
    return value


def elements(data: bytes, key: str | None, where: str, faults: list[Fault]) -> list[tuple[Any, bytes]] | None:
    """Read a document that is an array, or an object with one, and return each element with its exact bytes.

    Parameters
    ----------
    key : property that holds the array; None where the document itself is the array.

    Returns
    -------
    Value and bytes of each element; None after faults.
    """
    text = _decode(data, where, faults)
    if text is None:
        return None
    place = _skip(text, 0)
    found: list[tuple[Any, bytes]] | None = None
    if key is None:
        found, place = _array(text, place, where, faults)
        if found is None:
            return None
    else:
        if not text.startswith("{", place):
            faults.append(Fault(where, f"{shown(text[place : place + 20])}", f'Send an object {{"{key}": [...]}}.'))
            return None
        place = _skip(text, place + 1)
        names: set[str] = set()
        while not text.startswith("}", place):
            if names:
                if not text.startswith(",", place):
                    _broken(text, place, where, faults)
                    return None
                place = _skip(text, place + 1)
            if not text.startswith('"', place):
                _broken(text, place, where, faults)
                return None
            name, place = _read(text, place, where, faults)
            if place < 0:
                return None
            if name in names:
                faults.append(Fault(where, f"the key {shown(name)} twice in one object", "Give each key once."))
                return None
            names.add(name)
            place = _skip(text, place)
            if not text.startswith(":", place):
                _broken(text, place, where, faults)
                return None
            place = _skip(text, place + 1)
            if name == key:
                found, place = _array(text, place, f"{where}.{key}", faults)
                if found is None:
                    return None
            else:
                _, place = _read(text, place, where, faults)
                if place < 0:
                    return None
            place = _skip(text, place)
        place += 1
        if found is None:
            faults.append(Fault(f"{where}.{key}", "is missing", f'Send an object {{"{key}": [...]}}.'))
            return None
    if _skip(text, place) != len(text):
        faults.append(Fault(where, f"more text after the document, at character {place + 1}", "Send one document."))
        return None
    return found


def _array(text: str, place: int, where: str, faults: list[Fault]) -> tuple[list[tuple[Any, bytes]] | None, int]:
    if not text.startswith("[", place):
        faults.append(Fault(where, shown(text[place : place + 20]), "Give an array."))
        return None, -1
    found: list[tuple[Any, bytes]] = []
    place = _skip(text, place + 1)
    while not text.startswith("]", place):
        if found:
            if not text.startswith(",", place):
                _broken(text, place, where, faults)
                return None, -1
            place = _skip(text, place + 1)
        value, end = _read(text, place, where, faults)
        if end < 0:
            return None, -1
        found.append((value, text[place:end].encode()))
        place = _skip(text, end)
    return found, place + 1


def _decode(data: bytes, where: str, faults: list[Fault]) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        faults.append(Fault(where, f"byte {problem.start + 1} is no UTF-8", "Send JSON in UTF-8."))
        return None


def _read(text: str, place: int, where: str, faults: list[Fault]) -> tuple[Any, int]:
    """Return a value and where it ends, or (None, -1) after a fault."""
    try:
        value, end = _DECODER.raw_decode(text, place)
        _refuse_depth_and_surrogates(value, text[place:end])
    except json.JSONDecodeError as problem:
        faults.append(
            Fault(where, f"no JSON at line {problem.lineno}, column {problem.colno} ({problem.msg})", "Correct it.")
        )
    except _RefusedError as problem:
        faults.append(Fault(where, str(problem), "Send JSON that has one meaning only."))
    except RecursionError:
        faults.append(Fault(where, "objects in objects without end", f"Nest at most {MAX_DEPTH} levels."))
    except ValueError:  # a whole number of thousands of digits
        faults.append(Fault(where, "a number with too many digits", "Send numbers that a machine can hold."))
    else:
        return value, end
    return None, -1


def _refuse_depth_and_surrogates(value: Any, text: str) -> None:
    # Few brackets cannot nest deep; most records have so few that looking into them can be saved.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth_over(value, MAX_DEPTH):
        raise _RefusedError(f"more than {MAX_DEPTH} levels")
    # A backslash-u may have written half a surrogate pair, which no UTF-8 can hold.
    if "\\u" in text and _has_surrogate(value):
        raise _RefusedError("half of a surrogate pair")


def _broken(text: str, place: int, where: str, faults: list[Fault]) -> None:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    found = "the end of the text" if place >= len(text) else shown(text[place : place + 10])
    faults.append(Fault(where, f"no JSON at line {line}, column {column}: {found}", "Correct it."))


def _skip(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match else place


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_surrogate(name) or _has_surrogate(part) for name, part in value.items())
    return isinstance(value, list) and any(_has_surrogate(part) for part in value)


def _depth_over(value: Any, levels: int) -> bool:
    if levels < 0:
        return True
    if isinstance(value, dict):
        return any(isinstance(part, dict | list) and _depth_over(part, levels - 1) for part in value.values())
    return isinstance(value, list) and any(
        isinstance(part, dict | list) and _depth_over(part, levels - 1) for part in value
    )
