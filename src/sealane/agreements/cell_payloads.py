"""What a released cell looks like on the wire, and what the recipient checks before he keeps one."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, Final

from sealane.agreements.aggregates import Cell, period_of
from sealane.agreements.clauses import Grouping, Period, Terms
from sealane.agreements.decisions import later, utc
from sealane.agreements.fields import covers_name
from sealane.errors import Fault

KEYS: Final = ("by", "count", "dataset", "demonstration", "minimum_group", "period", "simulated", "sums")


def cell_payload(cell: Cell, terms: Terms, start: dt.datetime, end: dt.datetime) -> dict[str, Any]:
    """Return a cell as it is sent: its values, its period, its count and sums, and nothing about who stands behind it.

    Parameters
    ----------
    start, end : the period, in UTC and whole seconds.
    """
    grouping = _grouping(terms)
    return {
        "by": dict(zip(grouping.by, cell.by, strict=True)),
        "count": cell.count,
        "dataset": terms.clause.dataset,
        "demonstration": terms.clause.demonstration,
        "minimum_group": grouping.minimum_group,
        "period": {"end": second(end), "start": second(start), "unit": grouping.period.value},
        "simulated": cell.simulated,
        "sums": dict(cell.sums),
    }


def cell_faults(payload: Mapping[str, Any], terms: Terms, purpose: str, now: dt.datetime) -> list[Fault]:
    """Return what in a cell lies outside the agreement, with paths; the recipient's half of a decision on cells.

    The number of contributors is not in a cell, so the recipient can only check that its count could reach the least
    group; that it did is the provider's word.
    """
    clause = terms.clause
    faults = _terms_faults(terms, purpose, now)
    if clause.grouping is None:
        return [*faults, Fault("$", "a cell under a clause without grouping", "Send single records")]
    grouping = clause.grouping
    faults += _keys(payload, KEYS, "$")
    wanted: dict[str, object] = {
        "dataset": clause.dataset,
        "demonstration": clause.demonstration,
        "minimum_group": grouping.minimum_group,
    }
    faults += [
        Fault(f"$.{key}", f"{payload.get(key)!r}", f"The clause says {value!r}")
        for key, value in wanted.items()
        if key in payload and (payload[key] != value or type(payload[key]) is not type(value))
    ]
    count = payload.get("count")
    if type(count) is not int or count < grouping.minimum_group:
        faults.append(Fault("$.count", f"{count!r}", f"A whole number, {grouping.minimum_group} or more"))
    if type(payload.get("simulated")) is not bool:
        faults.append(Fault("$.simulated", f"{payload.get('simulated')!r}", "true or false"))
    faults += _value_faults(payload, terms, grouping)
    faults += _period_faults(payload.get("period"), grouping, clause.delay, now)
    return faults


def second(time: dt.datetime) -> str:
    """Return a UTC time to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _grouping(terms: Terms) -> Grouping:
    if terms.clause.grouping is None:
        raise ValueError(f"clause {terms.clause.id!r} has no grouping")
    return terms.clause.grouping


def _terms_faults(terms: Terms, purpose: str, now: dt.datetime) -> list[Fault]:
    clause, moment = terms.clause, utc(now, "now")
    prohibited = any(clause.dataset in p.datasets or purpose in p.purposes for p in terms.prohibitions)
    valid = utc(clause.valid_from, "valid_from") <= moment and (
        clause.valid_until is None or moment < utc(clause.valid_until, "valid_until")
    )
    checks = (
        (prohibited, "the agreement prohibits it", "Send nothing of it"),
        (not valid, "the clause is not valid now", "Send within the clause's validity"),
        (purpose not in clause.purposes, f"purpose {purpose!r} is not agreed", "Ask for an agreed purpose"),
    )
    return [Fault("$", found, remedy) for wrong, found, remedy in checks if wrong]


def _value_faults(payload: Mapping[str, Any], terms: Terms, grouping: Grouping) -> list[Fault]:
    by, sums = payload.get("by"), payload.get("sums")
    faults = _keys(by, grouping.by, "$.by") + _keys(sums, grouping.measures, "$.sums")
    for path, content in (("$.by", by), ("$.sums", sums)):
        for name, value in content.items() if isinstance(content, Mapping) else ():
            number = type(value) is int or (type(value) is float and math.isfinite(value))
            if value is not None and not number and (path == "$.sums" or type(value) not in (str, bool)):
                faults.append(Fault(f"{path}.{name}", f"{value!r}", "A single value, or null"))
            elif value is not None and not _let_through(str(name), terms):
                faults.append(Fault(f"{path}.{name}", "not let through by the clause", "Leave its value null"))
    return faults


def _let_through(name: str, terms: Terms) -> bool:
    plain = name.replace("[]", "")
    prohibited = (forbidden.replace("[]", "") for p in terms.prohibitions for forbidden in p.fields)
    return covers_name(terms.clause.fields, name) and not covers_name(prohibited, plain)


def _period_faults(content: object, grouping: Grouping, delay: dt.timedelta, now: dt.datetime) -> list[Fault]:
    faults = _keys(content, ("end", "start", "unit"), "$.period")
    if faults or not isinstance(content, Mapping):
        return faults
    if content["unit"] != grouping.period.value:
        return [Fault("$.period.unit", f"{content['unit']!r}", f"The clause says {grouping.period.value!r}")]
    try:
        start, end = (dt.datetime.strptime(content[key], "%Y-%m-%dT%H:%M:%S%z") for key in ("start", "end"))
    except (TypeError, ValueError):
        return [Fault("$.period", "not two times", "Write times like 2026-03-01T00:00:00Z")]
    # A period may begin late where a part of it was closed under other terms; it always ends with the calendar's.
    if end != period_of(start, Period(grouping.period))[1]:
        faults.append(
            Fault("$.period", f"not one {grouping.period.value} of the calendar in UTC", "Send whole periods")
        )
    elif utc(now, "now") < later(end, delay):
        faults.append(Fault("$.period", "not over, or its delay still runs", "Send it after its delay"))
    return faults


def _keys(content: object, wanted: tuple[str, ...], path: str) -> list[Fault]:
    if not isinstance(content, Mapping):
        return [Fault(path, "no mapping", f"A mapping with {', '.join(wanted) or 'no key'}")]
    missing = [Fault(f"{path}.{key}", "missing", "Give it") for key in wanted if key not in content]
    unknown = sorted(str(key) for key in content if key not in wanted)
    return missing + [Fault(f"{path}.{key}", "not in the clause", "Leave it out") for key in unknown]
