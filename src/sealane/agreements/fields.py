"""Which leaves of a payload a clause lets through: dotted leaf names, compiled once and applied to every record.

A name is keys joined by dots; ``[]`` after a key marks the elements of a list: ``vessel.vesselIMONumber``,
``movesForecasts[].carrierCode``. A name covers its leaf and everything below it. The rules, all of which fail closed:

1. A leaf passes when an allowed name covers it and no prohibited name does; prohibitions win.
2. An allowed name must fit the shape: ``a.b`` does not cover a list ``a``, nor ``a[].b`` a mapping ``a``. A prohibited
   name is read without its ``[]``, so that it holds whether lists are used or not.
3. A single value where a prohibition names something below it (``a`` is text, ``a.b`` is prohibited) is withheld.
4. A key that no name can express (empty, not text, with ``.``, ``[``, ``]`` or a blank) never passes, nor does anything
   that JSON cannot hold, nor a mapping or list more than `MAX_DEPTH` levels down.
5. Mappings and list elements that trimming leaves empty vanish; one that was empty before stays where an allowed name
   reaches it or goes on below it in its shape. Elements and keys keep their order.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sealane.errors import DataError, Fault

MAX_DEPTH: Final = 64
_NAME = re.compile(r"[^.\[\]\s]+(?:\[\])*(?:\.[^.\[\]\s]+(?:\[\])*)*")
_ODD_KEY = re.compile(r"[.\[\]\s]|^$")
_ITEMS: Final = "[]"
_PLAIN: Final = frozenset({str, int, bool, type(None)})
_SCALARS: Final = _PLAIN | {float}
_NOTHING: Final = object()
_is_finite = math.isfinite


class _Node:
    """A place in a payload where what is below must be looked at key by key."""

    __slots__ = ("children", "items", "other")

    def __init__(self) -> None:
        self.children: dict[str, _Node | bool] = {}
        self.items: _Node | bool = False  # the elements, where a list stands here
        self.other: bool = False  # every key that `children` does not name


_COVERED: Final = _Node()
_COVERED.other = _COVERED.items = True


class _Names(dict[str, Any]):
    """Names as a tree while compiling; ``whole`` once a name ends here."""

    whole = False


def name_faults(names: Iterable[object], where: str) -> list[Fault]:
    """Return a fault for each entry that is no field name; `where` is the path of the list."""
    remedy = (
        "Write keys joined by dots, [] after a key whose value is a list: vessel.name, movesForecasts[].carrierCode"
    )
    return [
        Fault(f"{where}[{index}]", f"{name!r} is not a field name", remedy)
        for index, name in enumerate(names)
        if not isinstance(name, str) or not _NAME.fullmatch(name)
    ]


def segments_of(name: str) -> tuple[str, ...]:
    """Return the steps of a name: ``a.b[].c`` gives ``("a", "b", "[]", "c")``."""
    steps: list[str] = []
    for part in name.split("."):
        key = part.rstrip("[]")
        steps += [key, *[_ITEMS] * ((len(part) - len(key)) // 2)]
    return tuple(steps)


def covers_name(names: Iterable[str], leaf: str) -> bool:
    """Say whether one of `names` is `leaf` or stands above it."""
    steps = segments_of(leaf)
    return any(steps[: len(above)] == above for above in map(segments_of, names))


@dataclass(frozen=True)
class FieldMask:
    """Allowed and prohibited names, compiled; made by `compile_fields`."""

    root: _Node | bool

    def trim(self, body: object) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return what passes of a payload and the names of the leaves that do not.

        Parameters
        ----------
        body : the payload as parsed JSON; anything but a mapping is withheld whole.

        Returns
        -------
        trimmed : keys in their order; parts that pass whole are shared with `body`, so change neither.
        withheld : leaf names, sorted, each once.
        """
        withheld: set[str] = set()
        if isinstance(body, Mapping):
            kept = _trim(body, self.root, "", withheld, 0)
            trimmed = {} if kept is _NOTHING else kept
        else:
            trimmed = {}
            _leaves(body, "", withheld, 0)
        return trimmed, tuple(sorted(withheld))


@functools.lru_cache(maxsize=4096)
def compile_fields(allowed: tuple[str, ...], prohibited: tuple[str, ...] = ()) -> FieldMask:
    """Compile names into a mask.

    Raises
    ------
    DataError
        If an entry is not a field name; lists all of them.
    """
    faults = name_faults(allowed, "allowed") + name_faults(prohibited, "prohibited")
    if faults:
        raise DataError("The field names cannot be used.", faults)
    forbidden = _tree([[step for step in segments_of(name) if step != _ITEMS] for name in prohibited])
    return FieldMask(_merge(_tree([list(segments_of(name)) for name in allowed]), forbidden))


def trim(
    body: object, allowed: Iterable[str], prohibited: Iterable[str] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what of a payload the names let through, and the leaf names that they do not; see `FieldMask.trim`."""
    return compile_fields(tuple(allowed), tuple(prohibited)).trim(body)


def leaves_of(body: object) -> tuple[str, ...]:
    """Return the names of all leaves of a payload, sorted, each once.

    An empty mapping or list is a leaf. A key that no name can express stands in quotes; no clause can name it.
    """
    found: set[str] = set()
    _leaves(body, "", found, 0)
    return tuple(sorted(found))


def _tree(names: Iterable[list[str]]) -> _Names | None:
    root = _Names()
    for steps in names:
        node = root
        for step in steps:
            node = node.setdefault(step, _Names())
        node.whole = True
    return root if root else None


def _merge(allowed: _Names | None, forbidden: _Names | None) -> _Node | bool:
    """Join both trees into one; True passes whole, False is withheld whole."""
    if allowed is None or (forbidden is not None and forbidden.whole):
        return False
    if allowed.whole and forbidden is None:
        return True
    node = _Node()
    below = forbidden if forbidden is not None else _Names()
    if allowed.whole:
        node.children = {key: _merge(allowed, part) for key, part in below.items()}
        node.other = True
        node.items = node  # a prohibition is read without its list marks
    else:
        node.children = {key: _merge(part, below.get(key)) for key, part in allowed.items() if key != _ITEMS}
        node.items = _merge(allowed.get(_ITEMS), forbidden)
    return node


def _trim(value: Any, node: _Node | bool, name: str, withheld: set[str], depth: int) -> Any:
    """Return what passes of a mapping, a list or a value, or _NOTHING."""
    kind = type(value)
    if node is False or (depth > MAX_DEPTH and kind not in _SCALARS):
        _leaves(value, name, withheld, depth)
        return _NOTHING
    if kind is dict:
        return _trim_mapping(value, node, name, withheld, depth)
    if kind is list:
        return _trim_list(value, node, name, withheld, depth)
    if node is True and (kind in _PLAIN or (kind is float and _is_finite(value))):
        return value
    if isinstance(value, Mapping):
        return _trim_mapping(value, node, name, withheld, depth)
    withheld.add(name)
    return _NOTHING


def _trim_mapping(value: Mapping[Any, Any], node: _Node | bool, name: str, withheld: set[str], depth: int) -> Any:
    # This loop runs for every leaf of every record sent: plain values that pass must cost no call.
    known = _COVERED if isinstance(node, bool) else node
    if not value:
        if known.children or known.other:
            return value
        withheld.add(name)
        return _NOTHING
    child_of, other = known.children.get, known.other
    kept: dict[str, Any] = {}
    whole = True
    for key, item in value.items():
        child = child_of(key)  # a key found here came from a name and is sound
        if child is None:
            child = other and type(key) is str and (key.isidentifier() or not _ODD_KEY.search(key))
        kind = type(item)
        if child is True and (kind in _PLAIN or (kind is float and _is_finite(item))):
            kept[key] = item
            continue
        found = _trim(item, child, _join(name, key), withheld, depth + 1)
        if found is _NOTHING:
            whole = False
        else:
            kept[key] = found
            whole = whole and found is item
    if whole:
        return value
    return kept or _NOTHING


def _trim_list(value: list[Any], node: _Node | bool, name: str, withheld: set[str], depth: int) -> Any:
    below = node if isinstance(node, bool) else node.items
    if not value:
        if below is not False:
            return value
        withheld.add(name)
        return _NOTHING
    inner = name + _ITEMS
    kept = []
    whole = True
    for item in value:
        found = _trim(item, below, inner, withheld, depth + 1)
        if found is not _NOTHING:
            kept.append(found)
        whole = whole and found is item
    if whole:
        return value
    return kept or _NOTHING


def _leaves(value: Any, name: str, found: set[str], depth: int) -> None:
    """Add the names of all leaves at and below a value."""
    if value and depth <= MAX_DEPTH:
        if isinstance(value, Mapping):
            for key, item in value.items():
                if type(item) in _SCALARS:
                    found.add(_join(name, key))
                else:
                    _leaves(item, _join(name, key), found, depth + 1)
            return
        if type(value) is list:
            for item in value:
                _leaves(item, name + _ITEMS, found, depth + 1)
            return
    found.add(name)


def _join(name: str, key: object) -> str:
    if type(key) is not str or not (key.isidentifier() or not _ODD_KEY.search(key)):
        key = json.dumps(str(key))
    return f"{name}.{key}" if name else str(key)
