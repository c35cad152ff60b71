"""The decision as SQL: the same answers as the oracle's, on both databases."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa
from tests.faults import a1_decisions

from sealane.agreements.clauses import Clause, Granularity, Reason, Record, RowFilter, Terms
from sealane.database import Database
from sealane.database.tables.products import record as record_table
from sealane.exchange.decisions_sql import due_at, passes, reason_case

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
TERMS = Terms(
    "an-agreement",
    1,
    Clause(
        id="calls",
        provider="us",
        recipients=("them",),
        dataset="port-calls",
        fields=("a",),
        purposes=frozenset({"berth-planning"}),
        granularity=Granularity.RECORD,
        rows=RowFilter(ports=frozenset({"JPNGO"})),
        delay=dt.timedelta(hours=1),
        valid_from=NOW - dt.timedelta(days=30),
        valid_until=None,
    ),
)


def test_a1_in_small_with_its_negative_controls(database: Database) -> None:
    with database.write() as connection:
        of_python, of_sql = a1_decisions.check(seed=21, cases=6_000, connection=connection)
        assert of_python.clean, of_python.first
        assert of_sql.clean, of_sql.first
        assert of_sql.tried == of_python.tried
        caught = a1_decisions.controls(seed=22, connection=connection, of_python=False)
    assert len(caught) == len(a1_decisions.BROKEN_TERMS) + 1
    assert all(caught.values()), caught


def test_bulk_counts_by_reason(database: Database) -> None:
    ports = ("JPNGO", "USLAX", None)
    records = [Record("port-calls", str(n), None, NOW - dt.timedelta(minutes=n), ports[n % 3]) for n in range(120)]
    with database.write() as connection:
        connection.execute(sa.insert(record_table), [a1_decisions.row(n, r) for n, r in enumerate(records)])
        reason = reason_case(TERMS, NOW, "berth-planning", Granularity.RECORD).label("reason")
        counted = connection.execute(sa.select(reason, sa.func.count()).group_by(reason))
        found = {row[0]: row[1] for row in counted}
        condition = passes(TERMS, NOW, "berth-planning", Granularity.RECORD)
        count = connection.execute(sa.select(sa.func.count()).select_from(record_table).where(condition)).scalar()
    assert found == {Reason.PORT_OUTSIDE: 80, Reason.DELAY_RUNNING: 20, Reason.ALL_AGREED: 20}
    assert count == 20


def test_a_delay_past_the_calendar_is_never_due(database: Database) -> None:
    terms = replace(TERMS, clause=replace(TERMS.clause, delay=dt.timedelta.max))
    with database.write() as connection:
        connection.execute(sa.insert(record_table), [a1_decisions.row(0, Record("port-calls", "1", None, NOW))])
        found = connection.execute(sa.select(due_at(terms))).scalar_one()
    assert found == dt.datetime.max.replace(tzinfo=dt.UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        reason_case(TERMS, dt.datetime(2026, 6, 1), "berth-planning", Granularity.RECORD)
    with pytest.raises(ValueError, match="Record"):
        passes(TERMS, NOW, "berth-planning", "Record")  # type: ignore[arg-type]  # what an outside request may hold
