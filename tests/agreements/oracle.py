"""A second, slow answer to "what becomes of this record", written from the prose of the clauses' documentation.

It shares no code and no idea of how to do it with ``sealane.agreements``: every leaf is taken out with its full path
and judged alone, the rules stand in a table that is read to its end, times are whole microseconds.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sealane.agreements.clauses import Record, Terms

MISSING = object()
Path = tuple[str | int | tuple[str, Any], ...]


@dataclass(frozen=True)
class Answer:
    outcome: str
    reason: str
    body: Any
    withheld: tuple[str, ...]
    due_us: int | None


def microseconds(time: dt.datetime) -> int:
    """Count microseconds from the first day of year 1 in UTC; no datetime arithmetic, so no zone rules of Python's."""
    offset = time.utcoffset()
    if offset is None:
        raise ValueError("no zone")
    local = ((time.toordinal() * 24 + time.hour) * 60 + time.minute) * 60 + time.second
    east = (offset.days * 86_400 + offset.seconds) * 1_000_000 + offset.microseconds
    return local * 1_000_000 + time.microsecond - east


def length(delay: dt.timedelta) -> int:
    return (delay.days * 86_400 + delay.seconds) * 1_000_000 + delay.microseconds


END = microseconds(dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC))


def answer(record: Record, terms: Terms, now: dt.datetime, purpose: str, granularity: str) -> Answer:
    clause, rows = terms.clause, terms.clause.rows
    t, known = microseconds(now), microseconds(record.known_at)
    about = None if record.occurred_at is None else microseconds(record.occurred_at)
    start, ripe = microseconds(clause.valid_from), known + length(clause.delay)

    def missing_from(value: str | None, wanted: frozenset[str]) -> bool:
        return len(wanted) > 0 and (value is None or value not in wanted)

    def outside_time() -> bool:
        low = -math.inf if rows.occurred_from is None else microseconds(rows.occurred_from)
        high = math.inf if rows.occurred_until is None else microseconds(rows.occurred_until)
        if about is None:
            return (low, high) != (-math.inf, math.inf)
        return not low <= about < high

    table: list[tuple[str, Callable[[], bool]]] = [
        ("dataset_prohibited", lambda: any(record.dataset in p.datasets for p in terms.prohibitions)),
        ("purpose_prohibited", lambda: any(purpose in p.purposes for p in terms.prohibitions)),
        ("other_dataset", lambda: clause.dataset != record.dataset),
        ("clause_not_yet_valid", lambda: not start <= t),
        ("clause_expired", lambda: clause.valid_until is not None and not t < microseconds(clause.valid_until)),
        ("purpose_not_agreed", lambda: purpose not in clause.purposes),
        ("granularity_too_fine", lambda: (clause.granularity, granularity) == ("aggregate", "record")),
        ("port_outside", lambda: missing_from(record.port, rows.ports)),
        ("terminal_outside", lambda: missing_from(record.terminal, rows.terminals)),
        ("vessel_outside", lambda: missing_from(record.vessel_imo, rows.vessels)),
        ("time_outside", outside_time),
        ("delay_running", lambda: t < ripe),
    ]
    broken = [name for name, applies in table if applies()]
    if broken:
        due = {"delay_running": min(ripe, END), "clause_not_yet_valid": max(start, min(ripe, END))}.get(broken[0])
        return Answer("withhold", broken[0], None, (), due)
    kept, withheld = trimmed(record.body, clause.fields, [name for p in terms.prohibitions for name in p.fields])
    if not kept:
        return Answer("withhold", "no_field_left", None, tuple(withheld), None)
    sent = None if clause.granularity == "aggregate" else kept
    if withheld:
        return Answer("trim", "fields_trimmed", sent, tuple(withheld), None)
    return Answer("allow", "all_agreed", sent, (), None)


def trimmed(body: Any, allowed: Any, prohibited: Any) -> tuple[Any, list[str]]:
    """Judge every leaf alone; put those that pass together again."""
    may = [tuple(re.findall(r"\[\]|[^.\[\]]+", name)) for name in allowed]
    never = [tuple(step for step in re.findall(r"\[\]|[^.\[\]]+", name) if step != "[]") for name in prohibited]
    if not isinstance(body, Mapping):
        return {}, sorted({written(path) for path, _ in leaves(body)})
    if not body:
        return {}, [] if may else [""]
    kept: list[tuple[Path, Any]] = []
    out: set[str] = set()
    for path, value in leaves(body):
        if leaf_passes(path, value, may, never):
            kept.append((path, value))
        else:
            out.add(written(path))
    return rebuilt(kept), sorted(out)


def leaves(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """List every leaf with its path: keys as ("key", k), places in lists as numbers."""
    if len(path) <= 64:
        if isinstance(value, Mapping) and value:
            return [leaf for k, item in value.items() for leaf in leaves(item, (*path, ("key", k)))]
        if type(value) is list and value:
            return [leaf for i, item in enumerate(value) for leaf in leaves(item, (*path, i))]
    return [(path, value)]


def pattern(path: Path) -> list[Any]:
    return [step[1] if isinstance(step, tuple) else "[]" for step in path]


def sound(key: Any) -> bool:
    return type(key) is str and key != "" and not any(letter in ".[]" or letter.isspace() for letter in key)


def written(path: Path) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += "[]"
        else:
            assert isinstance(step, tuple)
            text += ("." if text else "") + (step[1] if sound(step[1]) else json.dumps(str(step[1])))
    return text


def starts(whole: Any, beginning: Any) -> bool:
    return list(whole[: len(beginning)]) == list(beginning)


def leaf_passes(path: Path, value: Any, may: list[Any], never: list[Any]) -> bool:
    keys = [step[1] for step in path if isinstance(step, tuple)]
    if not all(sound(key) for key in keys):
        return False
    if any(starts(keys, name) for name in never):
        return False
    steps = pattern(path)
    named = any(starts(steps, name) for name in may)
    if isinstance(value, Mapping) or type(value) is list:
        if len(path) > 64:
            return False
        below = [name for name in may if len(name) > len(steps) and starts(name, steps)]
        fitting = [name for name in below if (name[len(steps)] == "[]") == (type(value) is list)]
        return named or bool(fitting)
    if not (value is None or type(value) in (str, int, bool) or (type(value) is float and math.isfinite(value))):
        return False
    return named and not any(starts(name, keys) for name in never)


def rebuilt(kept: list[tuple[Path, Any]]) -> Any:
    """Put leaves together by their paths; what no leaf is left of is not there."""
    groups: dict[Any, list[tuple[Path, Any]]] = {}
    for path, value in kept:
        if not path:
            return value
        groups.setdefault(path[0], []).append((path[1:], value))
    if groups and all(isinstance(step, int) for step in groups):
        return [rebuilt(groups[place]) for place in sorted(groups)]
    return {step[1]: rebuilt(group) for step, group in groups.items()}
