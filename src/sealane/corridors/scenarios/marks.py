"""A YAML document as a tree whose every node knows its line, so that a fault can name it.

Read strictly: a key given twice, an alias, a document beyond measure are faults. Which keys may stand where is the
business of whoever takes them: `Node.close` names those that nobody asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sealane.errors import Fault

MAX_BYTES = 2_000_000
MAX_DEPTH = 20
_TIMES = "tag:yaml.org,2002:timestamp"


@dataclass
class Node:
    """One value of the document.

    Attributes
    ----------
    value : text, number, True or False, None; a dict of nodes; or a list of nodes.
    where : file and line, as a fault names it.
    path : keys from the top, joined by dots.
    faults : the list every fault of the document goes to.
    """

    value: Any
    where: str
    path: str
    faults: list[Fault]
    taken: set[str] = field(default_factory=set)

    def fault(self, found: str, remedy: str) -> None:
        """Add a fault at this line."""
        self.faults.append(Fault(f"{self.where}, {self.path}" if self.path else self.where, found, remedy))

    def take(self, key: str) -> Node | None:
        """Return what stands under a key of a mapping; None where it is not given."""
        self.taken.add(key)
        return self.value.get(key) if isinstance(self.value, Mapping) else None

    def need(self, key: str, remedy: str) -> Node | None:
        """As `take`; a fault where the key is not given."""
        found = self.take(key)
        if found is None and isinstance(self.value, Mapping):
            self.fault(f"'{key}' is missing", remedy)
        return found

    def mapping(self) -> bool:
        """True for a mapping; a fault otherwise."""
        if isinstance(self.value, dict):
            return True
        self.fault(kind_of(self.value), "Give a mapping of keys to values")
        return False

    def items(self) -> Iterator[tuple[str, Node]]:
        """Return keys and values of a mapping, all of them taken."""
        if self.mapping():
            self.taken.update(self.value)
            yield from self.value.items()

    def listed(self) -> list[Node]:
        """Return the items of a list; a fault and nothing where it is none."""
        if isinstance(self.value, list):
            return list(self.value)
        self.fault(kind_of(self.value), "Give a list")
        return []

    def text(self, choices: tuple[str, ...] = ()) -> str | None:
        """Return the text that stands here; a fault where it is no text or none of the choices."""
        if not isinstance(self.value, str) or not self.value.strip():
            self.fault(kind_of(self.value), f"Give one of: {', '.join(choices)}" if choices else "Give a text")
            return None
        if choices and self.value not in choices:
            near = difflib.get_close_matches(self.value, choices, n=1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            self.fault(f"'{self.value}'", f"Give one of: {', '.join(choices)}{hint}")
            return None
        return self.value.strip()

    def number(self) -> float | None:
        """Return the number that stands here; a fault where it is none."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.fault(kind_of(self.value), "Give a number, without quotes and without thousands separators")
            return None
        number = float(self.value)
        if number - number != 0.0:
            self.fault("not a finite number", "Give a finite number")
            return None
        return number

    def flag(self) -> bool | None:
        """Return true or false; a fault where it is neither."""
        if isinstance(self.value, bool):
            return self.value
        self.fault(kind_of(self.value), "Give true or false")
        return None

    def close(self) -> None:
        """Add a fault for every key of this mapping that nobody took."""
        if isinstance(self.value, dict):
            for key, node in self.value.items():
                if key not in self.taken:
                    near = difflib.get_close_matches(key, sorted(self.taken), n=1)
                    known = f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(sorted(self.taken))}"
                    node.fault(f"'{key}' is not a key of this section", known)


def kind_of(value: object) -> str:
    """Say what a value is, for a fault."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return f"{str(value).lower()}"
    if isinstance(value, str):
        return f"the text '{value[:60]}'"
    return f"the number {value}"


def read_marked(path: Path, faults: list[Fault]) -> Node | None:
    """Read a YAML file into nodes; None after adding a fault where it cannot be read as a mapping."""
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.append(Fault(path.name, f"cannot be read ({error.strerror})", "Give a readable YAML file"))
        return None
    return parse_marked(data, path.name, faults)


def parse_marked(data: bytes, name: str, faults: list[Fault]) -> Node | None:
    """As `read_marked`, of the bytes of a file."""
    if len(data) > MAX_BYTES:
        faults.append(Fault(name, f"{len(data):,} bytes", f"Keep a scenario file under {MAX_BYTES:,} bytes"))
        return None
    try:
        text = data.decode("utf-8")
        if not _tame(text, name, faults):
            return None
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                faults.append(Fault(name, "an empty file", "Write a scenario; 'sealane scenario show' prints one"))
                return None
            node = _build(loader, root, name, "", faults)
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        faults.append(Fault(f"{name} byte {error.start}", "not UTF-8", "Save the file as UTF-8"))
        return None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name} line {mark.line + 1}, column {mark.column + 1}" if mark else name
        faults.append(Fault(where, getattr(error, "problem", None) or str(error), "Correct the YAML"))
        return None
    return node if node.mapping() else None


def _tame(text: str, name: str, faults: list[Fault]) -> bool:
    """False after adding a fault where the text has aliases, which can unfold beyond measure, or nests too deep."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            faults.append(Fault(f"{name} line {line}", "an alias (*name)", "Write the value out"))
            return False
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            faults.append(Fault(f"{name} line {line}", f"nested over {MAX_DEPTH} deep", "Correct the YAML"))
            return False
    return True


def _build(loader: yaml.SafeLoader, node: yaml.Node, name: str, path: str, faults: list[Fault]) -> Node:
    where = f"{name} line {node.start_mark.line + 1}"
    made = Node(None, where, path, faults)
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            inner = f"{path}.{key}" if path else key
            at = f"{name} line {key_node.start_mark.line + 1}"
            if not key or key == "<<":
                faults.append(Fault(at, "a key that is no plain text", "Write keys as plain text or years"))
            elif key in content:
                faults.append(Fault(f"{at}, {inner}", "the key is given twice", "Keep one of them"))
            else:
                value = _build(loader, value_node, name, inner, faults)
                value.where = at
                content[key] = value
        made.value = content
    elif isinstance(node, yaml.SequenceNode):
        made.value = [_build(loader, item, name, f"{path}[{i}]", faults) for i, item in enumerate(node.value)]
    elif node.tag == _TIMES:
        made.value = str(node.value)
    else:
        made.value = loader.construct_object(node)
    return made
