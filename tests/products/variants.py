"""Broken variants of a sound payload, made from the table of its standard; each must be refused by the path named."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from sealane.products.shapes import Group, Leaf, Listing, Shape


def broken_variants(shape: Shape, payload: Any, path: str = "$") -> Iterator[tuple[str, str, Any]]:
    """Give (what was done, path of the fault, payload), one change a time."""
    for what, place, change in _changes(shape, payload, path):
        broken = copy.deepcopy(payload)
        yield what, place, change(broken)


def _changes(shape: Shape, value: Any, path: str) -> Iterator[Any]:
    if isinstance(shape, Group):
        wrongs: tuple[Any, ...] = ([], "text", 7, None)
        for wrong in wrongs:
            yield f"{wrong!r} for an object", path, _replaced(wrong)
        for name in shape.required:
            if name in value:
                yield f"without {name}", f"{path}.{name}", _without(name)
        for name, member in shape.members.items():
            if name in value:
                for what, place, change in _changes(member, value[name], f"{path}.{name}"):
                    yield what, place, _inside(name, change)
    elif isinstance(shape, Listing):
        yield "an object for an array", path, _replaced({})
        for what, place, change in _changes(shape.item, value[0], f"{path}[0]") if value else ():
            yield what, place, _inside(0, change)
    else:
        for what, wrong in _wrong_values(shape, value):
            yield what, path, _replaced(wrong)


def _wrong_values(leaf: Leaf, value: Any) -> Iterator[tuple[str, Any]]:
    yield "null", None
    yield "an object", {"a": 1}
    yield "an array", [value]
    if isinstance(value, bool):
        yield "text for a flag", "true"
        return
    if isinstance(value, int | float):
        yield "text for a number", str(value)
        yield "a flag for a number", True
        return
    yield "a number for text", 7
    yield "empty", ""
    yield "too long", value + "X" * 6000
    yield "a control character", value[:-1] + "\x00"
    if leaf.kind.startswith("one of"):
        yield "another code", "NONE"
        yield "small letters", value.lower()
    if "check" in leaf.kind or leaf.kind in ("IMO number", "container number (ISO 6346)"):
        yield "a wrong check digit", value[:-1] + str((int(value[-1]) + 1) % 10)
    if leaf.kind.startswith("date-time"):
        yield "no zone", value[:19]
        yield "a day that does not exist", "2026-02-30T00:00:00Z"
        yield "a date alone", value[:10]
    if leaf.kind == "UUID":
        yield "a digit short", value[:-1]
    if leaf.kind == "UN/LOCODE":
        yield "with a space", f"{value[:2]} {value[2:]}"


def _replaced(wrong: Any) -> Any:
    return lambda _: wrong


def _without(name: str) -> Any:
    def change(value: Any) -> Any:
        del value[name]
        return value

    return change


def _inside(key: Any, inner: Any) -> Any:
    def change(value: Any) -> Any:
        value[key] = inner(value[key])
        return value

    return change
