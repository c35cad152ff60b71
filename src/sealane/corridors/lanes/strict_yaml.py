"""Reads a YAML document strictly: every fault with its line, nothing guessed, nothing taken twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from sealane.errors import Fault

MAX_BYTES = 1_000_000
MAX_DEPTH = 12
_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "yes or no", dict: "a mapping", list: "a list"}


class _Loader(yaml.SafeLoader):
    """Leaves dates as the text that stands there."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass
class Reader:
    """A mapping of the document with the line of each key; faults collect in one list.

    Attributes
    ----------
    name : of the file.
    path : of this mapping inside the document.
    line : where it begins.
    content : key to (value, line); a value is a `Reader`, a list of (value, line), or a plain value.
    """

    name: str
    path: str
    line: int
    content: dict[str, tuple[Any, int]]
    faults: list[Fault]
    asked: set[str] = field(default_factory=set)

    def fault(self, key: str, found: str, remedy: str) -> None:
        """Add a fault at a key."""
        line = self.content[key][1] if key in self.content else self.line
        where = ".".join(part for part in (self.path, key) if part)
        self.faults.append(Fault(f"{self.name} line {line}, {where}" if where else self.name, found, remedy))

    def take(self, key: str, kind: type | tuple[type, ...], remedy: str, *, needed: bool = True) -> Any:
        """Value of a key, or None; a missing or wrong one is a fault, null stands for missing where not `needed`."""
        self.asked.add(key)
        value = self.content.get(key, (None, 0))[0]
        if value is None:
            if needed:
                self.fault(key, "is missing" if key not in self.content else "is empty", remedy)
            return None
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.fault(key, f"{_KINDS.get(type(value), 'a mapping')} stands here", remedy)
            return None
        if isinstance(value, str) and not value.strip():
            self.fault(key, "empty text", remedy)
            return None
        return value

    def text(self, key: str, remedy: str, *, needed: bool = True) -> str | None:
        """A text, blanks trimmed."""
        found = self.take(key, str, remedy, needed=needed)
        return found.strip() if found is not None else None

    def choice(self, key: str, choices: Iterable[str], *, needed: bool = True) -> str | None:
        """One of the texts allowed."""
        allowed = ", ".join(choices)
        found = self.text(key, f"Choose one of: {allowed}", needed=needed)
        if found is not None and found not in choices:
            self.fault(key, f"'{found}'", f"Choose one of: {allowed}")
            return None
        return found

    def number(self, key: str, low: float, high: float, remedy: str, *, needed: bool = True) -> float | None:
        """A number within bounds."""
        found = self.take(key, (int, float), remedy, needed=needed)
        if found is None:
            return None
        if not low <= found <= high:
            self.fault(key, f"{found}", remedy)
            return None
        return float(found)

    def whole(self, key: str, low: int, high: int, remedy: str, *, needed: bool = True) -> int | None:
        """A whole number within bounds."""
        found = self.take(key, int, remedy, needed=needed)
        if found is not None and not low <= found <= high:
            self.fault(key, f"{found}", remedy)
            return None
        return found

    def day(self, key: str, *, needed: bool = True) -> str | None:
        """A date as text, YYYY-MM-DD."""
        found = self.text(key, "Give a date as YYYY-MM-DD", needed=needed)
        if found is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", found):
            self.fault(key, f"'{found}'", "Give a date as YYYY-MM-DD")
            return None
        return found

    def mapping(self, key: str, remedy: str, *, needed: bool = True) -> Reader | None:
        """A mapping below this one."""
        found = self.take(key, Reader, remedy, needed=needed)
        return found if isinstance(found, Reader) else None

    def texts(self, key: str, remedy: str, *, needed: bool = True) -> tuple[str, ...]:
        """A list of texts."""
        found = []
        for number, (value, _) in enumerate(self.take(key, list, remedy, needed=needed) or []):
            if isinstance(value, str) and value.strip():
                found.append(value.strip())
            else:
                self.fault(key, f"entry {number + 1} is no text", remedy)
        return tuple(found)

    def mappings(self, key: str, remedy: str, *, needed: bool = False) -> list[Reader]:
        """A list of mappings."""
        found = []
        for number, (value, _) in enumerate(self.take(key, list, remedy, needed=needed) or []):
            if isinstance(value, Reader):
                found.append(value)
            else:
                self.fault(key, f"entry {number + 1} is no mapping", remedy)
        return found

    def close(self) -> None:
        """Report every key that nobody asked for."""
        for key in self.content:
            if key not in self.asked:
                self.fault(key, "unknown key", f"Known keys: {', '.join(sorted(self.asked))}")


def read_document(data: bytes, name: str, faults: list[Fault]) -> Reader:
    """Read one YAML mapping; an empty one after a fault.

    A key given twice, an alias, nesting too deep, a text that is not UTF-8: each is a fault with its line.
    """
    empty = Reader(name, "", 1, {}, faults)
    if len(data) > MAX_BYTES:
        faults.append(Fault(name, f"{len(data):,} bytes", f"Keep a document under {MAX_BYTES:,} bytes"))
        return empty
    try:
        text = data.decode("utf-8")
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                faults.append(Fault(f"{name} line {line}", "an alias (*name)", "Write the value out"))
                return empty
        node = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError as problem:
        faults.append(Fault(f"{name} byte {problem.start}", "not UTF-8", "Save the document as UTF-8"))
        return empty
    except (yaml.YAMLError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{name} line {mark.line + 1}" if mark else name
        faults.append(Fault(where, getattr(problem, "problem", None) or "no valid YAML", "Correct the YAML"))
        return empty
    if not isinstance(node, yaml.MappingNode):
        faults.append(Fault(name, "no mapping of keys to values", "Start from a shipped corridor document"))
        return empty
    return _mapping(node, name, "", faults, 0)


def _mapping(node: yaml.MappingNode, name: str, path: str, faults: list[Fault], depth: int) -> Reader:
    reader = Reader(name, path, node.start_mark.line + 1, {}, faults)
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = str(getattr(key_node, "value", ""))
        if not isinstance(key_node, yaml.ScalarNode) or not key:
            faults.append(Fault(f"{name} line {line}", "a key that is no text", "Give a plain key"))
        elif key in reader.content:
            faults.append(Fault(f"{name} line {line}, {key}", "is given twice", "Keep one of them"))
        else:
            below = f"{path}.{key}" if path else key
            reader.content[key] = (_value(value_node, name, below, faults, depth + 1), line)
    return reader


def _value(node: yaml.Node, name: str, path: str, faults: list[Fault], depth: int) -> Any:
    if depth > MAX_DEPTH:
        where = f"{name} line {node.start_mark.line + 1}"
        faults.append(Fault(where, f"nested over {MAX_DEPTH} deep", "Correct the YAML"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, name, path, faults, depth)
    if isinstance(node, yaml.SequenceNode):
        return [
            (_value(item, name, f"{path}[{number}]", faults, depth + 1), item.start_mark.line + 1)
            for number, item in enumerate(node.value)
        ]
    loader = _Loader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError):
        where = f"{name} line {node.start_mark.line + 1}, {path}"
        faults.append(Fault(where, f"'{node.value}' cannot be read", "Give plain text or a number"))
        return None
    finally:
        loader.dispose()
