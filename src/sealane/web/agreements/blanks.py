"""Templates as questions: the blanks of a template, and the document that answers make."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealane.agreements.documents_reader import BLANK, read_text
from sealane.agreements.templates import Template

TAKE_OUT = "-"
_PARTY = "party id of"
_NUMBERS = ("target", "minimum_group")


@dataclass(frozen=True)
class Blank:
    """One blank: where it stands, and what the template asks for there."""

    path: tuple[str | int, ...]
    hint: str

    @property
    def place(self) -> str:
        """Return the place as faults name it: ``clauses[0].delay``."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    @property
    def kind(self) -> str:
        """Return what is asked for: text, list, number, party or rows."""
        if self.hint.startswith(_PARTY):
            return "party"
        last = self.path[-1]
        if last == "rows":
            return "rows"
        return "list" if isinstance(last, int) else "number" if last in _NUMBERS else "text"

    @property
    def goes_with(self) -> list[tuple[str | int, ...]]:
        """Return what ``-`` takes out of the document, as the template says; nothing where it must be filled in."""
        _, _, what = self.hint.rpartition("take ")
        if not what.endswith(" out") or what == self.hint:
            return []
        if what == "the key out":
            return [self.path]
        if what == "target and aim out":
            return [self.path, (*self.path[:-1], "aim")]
        return [self.path[:2]]  # the whole entry of a list


def content_of(template: Template) -> dict[str, Any]:
    """Return a template's document as plain values."""
    content = read_text(template.text.encode(), f"{template.name}.yaml", [])
    assert content  # shipped, and tested
    return content


def questions_of(template: Template) -> list[list[Blank]]:
    """Return the blanks of a template, those that ask for the same party together."""
    found: dict[object, list[Blank]] = {}
    for blank in _blanks_in(content_of(template), ()):
        key: object = blank.hint if blank.kind == "party" else blank.path
        found.setdefault(key, []).append(blank)
    return list(found.values())


def _blanks_in(value: object, path: tuple[str | int, ...]) -> list[Blank]:
    if isinstance(value, str):
        return [Blank(path, value.removeprefix(BLANK).strip())] if value.startswith(BLANK) else []
    if isinstance(value, dict):
        return [blank for key, item in value.items() for blank in _blanks_in(item, (*path, key))]
    if isinstance(value, list):
        return [blank for number, item in enumerate(value) for blank in _blanks_in(item, (*path, number))]
    return []


def fill(template: Template, blanks: Sequence[Sequence[Blank]], answers: Mapping[str, str]) -> str:
    """Return the document with the answers in their places, as JSON; blanks without an answer stay."""
    content = content_of(template)
    # What changes the length of lists comes last and from behind, so that places before stay where they are.
    lists: list[tuple[tuple[str | int, ...], list[str]]] = []
    for number, places in enumerate(blanks):
        answer = answers.get(f"q{number}")
        if answer is None:
            continue
        for blank in places:
            if answer == TAKE_OUT and blank.goes_with:
                lists += [(path, []) for path in blank.goes_with]
            elif blank.kind == "list":
                lists.append((blank.path, _items(answer)))
            else:
                _put(content, blank.path, _value(blank, answer))
    for path, items in reversed(lists):
        holder = value_at(content, path[:-1])
        if isinstance(holder, list):
            index = int(path[-1])
            holder[index : index + 1] = items
        else:
            holder.pop(path[-1], None)
    return json.dumps(content, ensure_ascii=False, indent=2)


def _items(answer: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,\n]", answer) if part.strip()]


def _value(blank: Blank, answer: str) -> object:
    if blank.kind == "number":
        try:
            return int(answer) if re.fullmatch(r"-?\d{1,15}", answer) else float(answer)
        except ValueError:
            return answer
    if blank.kind == "rows" and answer.startswith("{"):
        # The documents' own reader: times stay text, and aliases that unfold into a huge document are refused.
        found = read_text(f"rows: {answer}".encode(), "answer", []).get("rows")
        return found if isinstance(found, dict) else answer
    return answer


def value_at(content: Any, path: Sequence[str | int]) -> Any:
    """Return what stands at a path of keys and places in lists."""
    for step in path:
        content = content[step]
    return content


def _put(content: Any, path: Sequence[str | int], value: object) -> None:
    value_at(content, path[:-1])[path[-1]] = value
