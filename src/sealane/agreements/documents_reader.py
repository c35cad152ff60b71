"""Reads one YAML document strictly and collects every fault with its path.

A key given twice, a key nobody asked for, a value of another type: each is a fault. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import yaml

from sealane.errors import Fault

_MISSING = object()
MAX_DOCUMENT_BYTES = 1_000_000
MAX_DEPTH = 20


class _StrictLoader(yaml.SafeLoader):
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
    if len(data) > MAX_DOCUMENT_BYTES:
        faults.append(Fault(path.name, f"{len(data)} bytes", f"Keep a document under {MAX_DOCUMENT_BYTES} bytes"))
        return {}
    try:
        text = data.decode("utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            # Aliases let a small file unfold into a huge one, deep nesting takes long to read; documents need neither.
            if isinstance(event, yaml.AliasEvent):
                faults.append(Fault(f"{path.name} line {line}", "an alias (*name)", "Write the value out"))
                return {}
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                faults.append(Fault(f"{path.name} line {line}", f"nested over {MAX_DEPTH} deep", "Correct the YAML"))
                return {}
        # A subclass of SafeLoader: builds plain values only.
        content = yaml.load(text, Loader=_StrictLoader)
    except UnicodeDecodeError as error:
        faults.append(Fault(f"{path.name} byte {error.start}", "not UTF-8", "Save the document as UTF-8"))
        return {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path.name} line {mark.line + 1}, column {mark.column + 1}" if mark else path.name
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        faults.append(Fault(where, problem, "Correct the YAML"))
        return {}
    if not isinstance(content, dict):
        faults.append(Fault(path.name, f"holds {kind_of(content)}", "A document is a mapping of keys to values"))
        return {}
    for key in content:
        if not isinstance(key, str):
            faults.append(Fault(f"{path.name}: {key!r}", f"a key that is {kind_of(key)}", "Keys are text"))
    return {key: value for key, value in content.items() if isinstance(key, str)}


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
