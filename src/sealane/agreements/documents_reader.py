"""Reads one YAML or JSON document strictly and collects every fault with its path.

A key given twice, a key nobody asked for, a value of another type: each is a fault. Nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import yaml

from sealane.errors import Fault

_MISSING = object()
MAX_DOCUMENT_BYTES = 1_000_000
MAX_DEPTH = 20
BLANK = "FILL:"  # how a template marks what is still to be written


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader, except that a key given twice is an error instead of silently the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path, faults: list[Fault]) -> dict[str, Any]:
    """Return the mapping a YAML file holds, or an empty one after adding a fault."""
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.append(Fault(path.name, f"cannot be read ({error.strerror})", "Give a readable YAML file"))
        return {}
    return read_yaml_text(data, path.name, faults)


def read_yaml_text(
    data: bytes, name: str, faults: list[Fault], loader: type[StrictLoader] = StrictLoader
) -> dict[str, Any]:
    """Return the mapping a YAML text holds, or an empty one after adding a fault; `name` is the file's."""
    if len(data) > MAX_DOCUMENT_BYTES:
        faults.append(Fault(name, f"{len(data)} bytes", f"Keep a document under {MAX_DOCUMENT_BYTES} bytes"))
        return {}
    try:
        text = data.decode("utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            # Aliases let a small file unfold into a huge one, deep nesting takes long to read; documents need neither.
            if isinstance(event, yaml.AliasEvent):
                faults.append(Fault(f"{name} line {line}", "an alias (*name)", "Write the value out"))
                return {}
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                faults.append(Fault(f"{name} line {line}", f"nested over {MAX_DEPTH} deep", "Correct the YAML"))
                return {}
        # A subclass of SafeLoader: builds plain values only.
        content = yaml.load(text, Loader=loader)
    except UnicodeDecodeError as error:
        faults.append(Fault(f"{name} byte {error.start}", "not UTF-8", "Save the document as UTF-8"))
        return {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name} line {mark.line + 1}, column {mark.column + 1}" if mark else name
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        faults.append(Fault(where, problem, "Correct the YAML"))
        return {}
    if not isinstance(content, dict):
        faults.append(Fault(name, f"holds {kind_of(content)}", "A document is a mapping of keys to values"))
        return {}
    for key in content:
        if not isinstance(key, str):
            faults.append(Fault(f"{name}: {key!r}", f"a key that is {kind_of(key)}", "Keys are text"))
    return {key: value for key, value in content.items() if isinstance(key, str)}


class _PlainLoader(StrictLoader):
    """Leaves times, days and dates as the text that stands there: a YAML time without zone would pass for UTC."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _JsonError(ValueError):
    pass


def read_text(data: bytes, name: str, faults: list[Fault]) -> dict[str, Any]:
    """Return the mapping a document holds, or an empty one after adding a fault."""
    if name.lower().endswith(".json") or data.lstrip()[:1] == b"{":
        return read_json(data, name, faults)
    return read_yaml_text(data, name, faults, _PlainLoader)


def read_json(data: bytes, name: str, faults: list[Fault]) -> dict[str, Any]:
    """Return the mapping a JSON text holds, or an empty one after adding a fault."""
    if len(data) > MAX_DOCUMENT_BYTES:
        faults.append(Fault(name, f"{len(data)} bytes", f"Keep a document under {MAX_DOCUMENT_BYTES} bytes"))
        return {}
    try:
        content = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        faults.append(Fault(f"{name} byte {error.start}", "not UTF-8", "Save the document as UTF-8"))
        return {}
    except json.JSONDecodeError as error:
        faults.append(Fault(f"{name} line {error.lineno}, column {error.colno}", error.msg, "Correct the JSON"))
        return {}
    except (_JsonError, ValueError, RecursionError) as error:
        # The number of digits int() takes is limited; nesting is limited by the interpreter.
        problem = str(error) if isinstance(error, _JsonError) else "a number or a nesting beyond all measure"
        faults.append(Fault(name, problem, "Correct the JSON"))
        return {}
    if not isinstance(content, dict):
        faults.append(Fault(name, f"holds {kind_of(content)}", "A document is a mapping of keys to values"))
        return {}
    if _depth(content) > MAX_DEPTH:
        faults.append(Fault(name, f"nested over {MAX_DEPTH} deep", "Correct the JSON"))
        return {}
    return content


def blanks_of(value: object, where: str) -> list[Fault]:
    """Return a fault for every blank of a template that is not filled in."""
    if isinstance(value, str) and value.startswith(BLANK):
        return [Fault(where, "a blank of the template", f"Fill in:{value[len(BLANK) :]}")]
    if isinstance(value, dict):
        separator = "." if ": " in where else ": "
        return [fault for key, item in value.items() for fault in blanks_of(item, f"{where}{separator}{key}")]
    if isinstance(value, list):
        return [fault for i, item in enumerate(value) for fault in blanks_of(item, f"{where}[{i}]")]
    return []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value] # add is None
        raise _JsonError(f"key {twice!r} is given twice")
    return found


def _no_constant(text: str) -> Any:
    raise _JsonError(f"{text} is no JSON number")


def _depth(value: object) -> int:
    deepest, level = 0, [value]
    while level:
        level = [
            item for v in level if isinstance(v, dict | list) for item in (v.values() if isinstance(v, dict) else v)
        ]
        deepest += 1
    return deepest


def kind_of(value: object) -> str:
    """Say in plain words what a YAML value is."""
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true/false", int: "a whole number"}
    if value is None:
        return "nothing (null)"
    return names.get(type(value), f"a {type(value).__name__}")


class Fields:
    """The keys of one mapping, taken out one by one; ``close`` reports those nobody asked for."""

    def __init__(self, where: str, content: object, faults: list[Fault]) -> None:
        self.where = where
        self.faults = faults
        if not isinstance(content, dict):
            self.fault("", f"{kind_of(content)} stands here", "Give a mapping of keys to values")
            content = {}
        self.content: dict[str, Any] = dict(content)
        self.asked: set[str] = set()

    def fault(self, key: str, found: str, remedy: str) -> None:
        """Add a fault at a key of this mapping."""
        separator = ("." if ": " in self.where else ": ") if key else ""
        self.faults.append(Fault(f"{self.where}{separator}{key}", found, remedy))

    def take(self, key: str, kind: type | tuple[type, ...], remedy: str, default: object = _MISSING) -> Any:
        """Return the value of a key, or None after adding a fault."""
        self.asked.add(key)
        if key not in self.content:
            if default is _MISSING:
                self.fault(key, "is missing", remedy)
                return None
            return default
        value = self.content[key]
        wrong_bool = isinstance(value, bool) and kind is not bool
        if wrong_bool or not isinstance(value, kind):
            self.fault(key, f"{kind_of(value)} ({value!r})", remedy)
            return None
        if isinstance(value, str) and not value.strip():
            self.fault(key, "empty text", remedy)
            return None
        return value

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        """Return a text that must be one of the choices."""
        allowed = list(choices)
        value: str | None = self.take(key, str, f"Choose one of: {', '.join(allowed)}")
        if value is not None and value not in allowed:
            self.fault(key, f"{value!r}", f"Choose one of: {', '.join(allowed)}")
            return None
        return value

    def items(self, key: str, remedy: str, *, optional: bool = False) -> list[tuple[str, Any]]:
        """Return (path, element) of a list."""
        value = self.take(key, list, remedy, [] if optional else _MISSING)
        separator = "." if ": " in self.where else ": "
        return [(f"{self.where}{separator}{key}[{i}]", element) for i, element in enumerate(value or [])]

    def close(self) -> None:
        """Report every key that was not asked for."""
        for key in self.content:
            if key not in self.asked:
                self.fault(str(key), "an unknown key", f"Known keys: {', '.join(sorted(self.asked))}")
