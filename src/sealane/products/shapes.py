"""The shape of a payload as tables: groups, lists and leaves, each leaf with its check.

A standard is written once, as data (see ``dcsa_port_call`` and its neighbours); reading a payload, the list of its
leaf names and the documentation all come from that one table. A fault refuses the payload. A *caution* is something
that may stand but that the sender should know, e.g. a property that the standard does not have.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealane.errors import Fault
from sealane.products.codes import Wrong, shown

Check = Callable[[Any], Wrong | None]

# JSON has one number type; a count of containers beyond 32 bits is a mistake, and DCSA says int32.
INT32_MAX = 2**31 - 1
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Control characters (line breaks and tabs aside) and halves of surrogate pairs: no name or remark holds them, and
# databases, terminals and XML choke on them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Faults(list[Fault]):
    """Faults, and beside them the cautions that refuse nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.cautions: list[Fault] = []


def caution(faults: list[Fault], where: str, found: str, remedy: str) -> None:
    """Note something that refuses nothing; dropped where the caller keeps only faults."""
    if isinstance(faults, Faults):
        faults.cautions.append(Fault(where, found, remedy))


@dataclass(frozen=True)
class Leaf:
    """A single value.

    Attributes
    ----------
    kind : JSON type with its format, for the documentation.
    check : says what is wrong with a value, or None.
    advice : like ``check``, but a finding is only a caution.
    meaning : for the documentation of our own schemas.
    """

    kind: str
    check: Check
    advice: Check | None = None
    meaning: str = ""


@dataclass(frozen=True)
class Group:
    """A JSON object.

    Attributes
    ----------
    members : shape by property name.
    required : properties that must be there.
    closed : a property that is not listed is a fault, not a caution.
    """

    members: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True)
class Listing:
    """A JSON array whose elements have one shape, at least ``least`` and at most ``most`` of them."""

    item: Shape
    most: int = 1000
    least: int = 0


Shape = Leaf | Group | Listing


def walk(shape: Shape, value: Any, path: str, faults: list[Fault]) -> None:
    """Check a value against its shape; adds every fault with its path and goes on."""
    if isinstance(shape, Leaf):
        _check_leaf(shape, value, path, faults)
    elif isinstance(shape, Group):
        _walk_group(shape, value, path, faults)
    elif not isinstance(value, list):
        faults.append(Fault(path, f"{_json_type(value)} {shown(value)}", "Give an array."))
    else:
        if not shape.least <= len(value) <= shape.most:
            remedy = f"Give {shape.least} to {shape.most:,} elements."
            faults.append(Fault(path, f"{len(value):,} elements", remedy))
        for number, element in enumerate(value[: shape.most]):
            walk(shape.item, element, f"{path}[{number}]", faults)


def _walk_group(shape: Group, value: Any, path: str, faults: list[Fault]) -> None:
    if not isinstance(value, dict):
        faults.append(Fault(path, f"{_json_type(value)} {shown(value)}", "Give an object."))
        return
    members = shape.members
    for name, part in value.items():
        member = members.get(name)
        if type(member) is Leaf:
            # Nearly every property is a leaf without advice that is sound; its path is only built when it is not.
            wrong = member.check(part)
            if wrong is not None:
                faults.append(Fault(f"{path}.{name}", wrong.found, wrong.remedy))
            elif member.advice is not None:
                _advise(member.advice, part, f"{path}.{name}", faults)
        elif member is not None:
            walk(member, part, f"{path}.{name}", faults)
        elif shape.closed:
            known = ", ".join(sorted(members))
            faults.append(Fault(f"{path}.{shown(name)}", "an unknown property", f"Remove it, or use one of: {known}."))
        else:
            caution(
                faults,
                f"{path}.{shown(name)}",
                "a property that the standard does not have",
                "It is kept for readers of this node; check its spelling.",
            )
    for name in shape.required:
        if name not in value:
            faults.append(Fault(f"{path}.{name}", "is missing", "Give it; nothing can be made of the record without."))


def _check_leaf(leaf: Leaf, value: Any, path: str, faults: list[Fault]) -> None:
    wrong = leaf.check(value)
    if wrong is not None:
        faults.append(Fault(path, wrong.found, wrong.remedy))
    elif leaf.advice is not None:
        _advise(leaf.advice, value, path, faults)


def _advise(advice: Check, value: Any, path: str, faults: list[Fault]) -> None:
    wrong = advice(value)
    if wrong is not None:
        caution(faults, path, wrong.found, wrong.remedy)


def leaf_names(shape: Shape, prefix: str = "") -> Iterator[str]:
    """Give the dotted name of every leaf; ``[]`` marks a list."""
    if isinstance(shape, Leaf):
        yield prefix
    elif isinstance(shape, Listing):
        yield from leaf_names(shape.item, f"{prefix}[]")
    else:
        for name, member in shape.members.items():
            yield from leaf_names(member, f"{prefix}.{name}" if prefix else name)


def leaf_table(shape: Shape, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    """Give every leaf with its dotted name, for documentation."""
    if isinstance(shape, Leaf):
        yield prefix, shape
    elif isinstance(shape, Listing):
        yield from leaf_table(shape.item, f"{prefix}[]")
    else:
        for name, member in shape.members.items():
            yield from leaf_table(member, f"{prefix}.{name}" if prefix else name)


def text(
    most: int = 2000,
    *,
    pattern: str | None = None,
    form: str = "",
    least: int = 1,
    advice: Check | None = None,
    meaning: str = "",
) -> Leaf:
    """Return a text of ``least`` to ``most`` characters; ``form`` says in words what ``pattern`` wants."""
    compiled = re.compile(pattern) if pattern else None

    def check(value: Any) -> Wrong | None:
        if type(value) is not str:
            return Wrong(f"{_json_type(value)} {shown(value)}", "Give text.")
        if not least <= len(value) <= most:
            return Wrong(f"{len(value)} characters", f"Give {least} to {most} characters.")
        if _UNPRINTABLE.search(value):
            return Wrong(f"{shown(value)}, which holds a character that is no text", "Remove control characters.")
        if compiled is not None and not compiled.fullmatch(value):
            return Wrong(shown(value), f"Give {form}.")
        return None

    return Leaf(f"text, {most} at most" if compiled is None else f"text: {form}", check, advice, meaning)


def code(fault: Callable[[str], Wrong | None], kind: str, *, advise: bool = False, meaning: str = "") -> Leaf:
    """Return a code with a check of ``sealane.products.codes``; ``advise`` makes its finding a caution."""

    def is_text(value: Any) -> Wrong | None:
        if type(value) is not str:
            return Wrong(f"{_json_type(value)} {shown(value)}", f"Give the {kind} as text.")
        return None

    if advise:
        return Leaf(kind, is_text, fault, meaning)
    return Leaf(kind, lambda value: is_text(value) or fault(value), None, meaning)


def one_of(*values: str, meaning: str = "") -> Leaf:
    """Return a value of a closed code list."""
    allowed = frozenset(values)
    listed = ", ".join(values)

    def check(value: Any) -> Wrong | None:
        if type(value) is str and value in allowed:
            return None
        return Wrong(f"{_json_type(value)} {shown(value)}", f"Use one of: {listed}.")

    return Leaf(f"one of {listed}", check, None, meaning)


def uuid(meaning: str = "") -> Leaf:
    """Return a UUID in its canonical text form."""

    def check(value: Any) -> Wrong | None:
        if type(value) is str and _UUID.fullmatch(value):
            return None
        return Wrong(f"{_json_type(value)} {shown(value)}", "Give a UUID: 8-4-4-4-12 hexadecimal digits.")

    return Leaf("UUID", check, None, meaning)


def boolean(meaning: str = "") -> Leaf:
    """Return true or false."""

    def check(value: Any) -> Wrong | None:
        return None if type(value) is bool else Wrong(f"{_json_type(value)} {shown(value)}", "Give true or false.")

    return Leaf("boolean", check, None, meaning)


def number(least: float | None = None, most: float | None = None, *, unit: str = "", meaning: str = "") -> Leaf:
    """Return a number; bounds are those of nature or of the standard, never a guess at what is usual."""
    limits = " ".join(
        part
        for part in (
            f"not below {least:g}" if least is not None else "",
            f"not above {most:g}" if most is not None else "",
        )
        if part
    )

    def check(value: Any) -> Wrong | None:
        if (type(value) is not float and type(value) is not int) or not math.isfinite(value):
            return Wrong(f"{_json_type(value)} {shown(value)}", "Give a number.")
        if (least is not None and value < least) or (most is not None and value > most):
            return Wrong(shown(value), f"Give a number {limits}.")
        return None

    return Leaf(f"number{f' [{unit}]' if unit else ''}{f', {limits}' if limits else ''}", check, None, meaning)


def integer(least: int = 0, most: int = INT32_MAX, *, meaning: str = "") -> Leaf:
    """Return a whole number."""

    def check(value: Any) -> Wrong | None:
        if type(value) is not int:
            return Wrong(f"{_json_type(value)} {shown(value)}", "Give a whole number.")
        if not least <= value <= most:
            return Wrong(shown(value), f"Give a whole number from {least:,} to {most:,}.")
        return None

    return Leaf("integer", check, None, meaning)


def moment(meaning: str = "") -> Leaf:
    """Return a date and time of RFC 3339, with its zone."""

    def check(value: Any) -> Wrong | None:
        if type(value) is str and read_time(value) is not None:
            return None
        remedy = "Give date, time and zone as in 2026-11-22T05:58:00Z."
        return Wrong(f"{_json_type(value)} {shown(value)}", remedy)

    return Leaf("date-time with zone (RFC 3339)", check, None, meaning)


def day(meaning: str = "") -> Leaf:
    """Return a calendar date."""

    def check(value: Any) -> Wrong | None:
        if type(value) is str and read_day(value) is not None:
            return None
        return Wrong(f"{_json_type(value)} {shown(value)}", "Give a date as in 2026-11-22.")

    return Leaf("date", check, None, meaning)


def read_time(value: str) -> dt.datetime | None:
    """Return a date-time of RFC 3339 in UTC, or None where it is none."""
    if len(value) > 35 or not _RFC3339.fullmatch(value):
        return None
    try:
        return dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def read_day(value: str) -> dt.date | None:
    """Return a calendar date, or None where it is none."""
    if not _DATE.fullmatch(value):
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", str: "text", int: "number", float: "number", dict: "object", list: "array"}
    return names.get(type(value), type(value).__name__)
