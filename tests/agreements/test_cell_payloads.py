"""Cells on the wire: what goes out is taken, and nothing else."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from sealane.agreements.aggregates import Cell
from sealane.agreements.cell_payloads import cell_faults, cell_payload
from sealane.agreements.clauses import Clause, Granularity, Grouping, Period, Prohibition, RowFilter, Terms

START, END = dt.datetime(2026, 3, 1, tzinfo=dt.UTC), dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
NOW = END + dt.timedelta(hours=6)
PURPOSE = "emission-inventory"
TERMS = Terms(
    "an-agreement",
    1,
    Clause(
        id="cells",
        provider="us",
        recipients=("them",),
        dataset="port-calls",
        fields=("port", "terminal", "teu"),
        purposes=frozenset({PURPOSE}),
        granularity=Granularity.AGGREGATE,
        rows=RowFilter(),
        delay=dt.timedelta(hours=6),
        valid_from=START,
        valid_until=None,
        grouping=Grouping(("port", "terminal"), ("teu",), Period.MONTH, "carrier", 3),
        demonstration=True,
    ),
    (Prohibition("p", frozenset(), ("terminal",), frozenset({"labour-tracking"}), "a source"),),
)
WHO = frozenset("abc")
CELL = Cell(("JPNGO", None), 5, MappingProxyType({"teu": 12.5}), WHO, MappingProxyType({"teu": WHO}), ("r1",), True)
PAYLOAD = cell_payload(CELL, TERMS, START, END)


def faults(payload: Any, terms: Terms = TERMS, purpose: str = PURPOSE, now: dt.datetime = NOW) -> list[str]:
    return [fault.where for fault in cell_faults(payload, terms, purpose, now)]


def test_what_is_sent_is_taken() -> None:
    assert faults(PAYLOAD) == []
    assert faults({**PAYLOAD, "sums": {"teu": None}}) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("count", 2),
        ("count", True),
        ("count", "5"),
        ("dataset", "vessel-schedules"),
        ("demonstration", False),
        ("minimum_group", 2),
        ("simulated", None),
        ("by.port", ["JPNGO"]),
        ("by.terminal", "T1"),
        ("by.carrier", "AAAA"),
        ("sums.teu", "12"),
        ("sums.teu", True),
        ("sums.teu", float("nan")),
        ("sums.calls", 1),
        ("period.unit", "day"),
        ("period.end", "2026-03-31T00:00:00Z"),
        ("period.start", "2026-03-01"),
        ("period.start", 7),
        ("period.more", 1),
        ("contributors", 5),
    ],
)
def test_what_the_clause_does_not_let_through_is_a_fault(path: str, value: Any) -> None:
    changed = copy.deepcopy(PAYLOAD)
    *above, key = path.split(".")
    content = changed
    for step in above:
        content = content[step]
    content[key] = value
    found = faults(changed)
    assert found
    assert all(where.startswith("$." + path.split(".", maxsplit=1)[0]) for where in found)


@pytest.mark.parametrize("key", sorted(PAYLOAD))
def test_every_key_is_needed(key: str) -> None:
    assert faults({name: value for name, value in PAYLOAD.items() if name != key})


def test_all_faults_are_told_at_once() -> None:
    assert len(faults({**PAYLOAD, "count": 1, "dataset": "x", "by": {}, "sums": [], "period": None})) == 6


def test_the_edges_of_time_hold() -> None:
    tick = dt.timedelta(microseconds=1)
    assert faults(PAYLOAD, now=NOW - tick) == ["$.period"]
    ended = replace(TERMS, clause=replace(TERMS.clause, valid_until=NOW))
    assert faults(PAYLOAD, ended) == ["$"]
    assert faults(PAYLOAD, ended, now=NOW - tick) == ["$.period"]
    assert faults(PAYLOAD, replace(TERMS, clause=replace(TERMS.clause, valid_from=NOW + tick))) == ["$"]


def test_prohibitions_and_purposes_hold() -> None:
    assert faults(PAYLOAD, purpose="port-call-optimisation") == ["$"]
    both = replace(TERMS, clause=replace(TERMS.clause, purposes=frozenset({"labour-tracking"})))
    assert faults(PAYLOAD, both, "labour-tracking") == ["$"]
    dataset = Prohibition("d", frozenset({"port-calls"}), (), frozenset(), "a source")
    assert faults(PAYLOAD, replace(TERMS, prohibitions=(dataset,))) == ["$"]


def test_no_cell_without_a_grouping() -> None:
    single = replace(TERMS, clause=replace(TERMS.clause, granularity=Granularity.RECORD, grouping=None))
    assert faults(PAYLOAD, single) == ["$"]
    with pytest.raises(ValueError, match="no grouping"):
        cell_payload(CELL, single, START, END)
