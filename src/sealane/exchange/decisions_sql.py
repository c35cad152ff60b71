"""The rules of ``sealane.agreements.decisions`` about whole records, as SQL over table `record`.

For questions about many records at once: which of a million would pass, and why not. Fields are trimmed in Python by
the compiled clause, so ``ALL_AGREED`` here means that no rule about the whole record withholds it. Both are held
against the same oracle on SQLite and PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa

from sealane.agreements.clauses import Granularity, Reason, Terms
from sealane.agreements.decisions import END_OF_TIME, compile_terms, utc
from sealane.database.tables.products import record
from sealane.database.types import UtcDateTime

_LEAST: Final = -(2**63)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


def reason_case(
    terms: Terms, now: dt.datetime, purpose: str, granularity: Granularity, table: sa.FromClause = record
) -> sa.ColumnElement[str]:
    """Return the reason for each record, the first rule that decides, as `Reason` values.

    Parameters
    ----------
    terms, now, purpose, granularity : as for ``decide``.
    table : `record` or an alias or subquery with its columns.

    Raises
    ------
    ValueError
        If a time has no zone or the granularity is unknown.
    """
    whens = _rules(terms, now, purpose, granularity, table)
    return sa.case(
        *((condition, sa.literal(reason.value)) for condition, reason in whens),
        else_=sa.literal(Reason.ALL_AGREED.value),
    )


def passes(
    terms: Terms, now: dt.datetime, purpose: str, granularity: Granularity, table: sa.FromClause = record
) -> sa.ColumnElement[bool]:
    """Return the condition that no rule about the whole record withholds it; never NULL."""
    return sa.and_(sa.true(), *(sa.not_(rule) for rule, _ in _rules(terms, now, purpose, granularity, table)))


def may_pass_later(
    terms: Terms, purpose: str, table: sa.FromClause = record, *, any_purpose: bool = False
) -> sa.ColumnElement[bool]:
    """Return the condition that only time stands between a record and the partner: the rows a stream needs to watch.

    The rules about the time of the decision (validity and delay) are left out; those about dataset, purpose and row
    are the same. With `any_purpose` the rules about the purpose are left out too.
    """
    left_out = {Reason.PURPOSE_PROHIBITED, Reason.PURPOSE_NOT_AGREED} if any_purpose else set()
    rules = [rule for rule, reason in _lasting_rules(terms, purpose, table) if reason not in left_out]
    return sa.and_(sa.true(), *(sa.not_(rule) for rule in rules))


def due_at(terms: Terms, table: sa.FromClause = record) -> sa.ColumnElement[dt.datetime]:
    """Return when each record can be let through at the earliest: its delay over and the clause valid."""
    compiled = compile_terms(terms)
    known = _as_micros(table.c.known_at)
    delay = compiled.delay // _MICROSECOND
    valid_from, latest = (sa.literal(_micros(time), sa.BigInteger) for time in (compiled.valid_from, END_OF_TIME))
    # A delay that leads past the calendar ends at its last moment, which is never.
    fits = known <= _bounded(_micros(END_OF_TIME) - delay)
    over = sa.case((fits, known + _bounded(min(delay, _micros(END_OF_TIME)))), else_=latest)
    return sa.type_coerce(sa.case((over < valid_from, valid_from), else_=over), UtcDateTime)


def _rules(
    terms: Terms, now: dt.datetime, purpose: str, granularity: Granularity, table: sa.FromClause
) -> list[tuple[sa.ColumnElement[bool], Reason]]:
    compiled, now = compile_terms(terms), utc(now, "now")
    too_fine = Granularity(granularity) is Granularity.RECORD and compiled.aggregate
    expired = compiled.valid_until is not None and now >= compiled.valid_until
    of_time = {
        Reason.CLAUSE_NOT_YET_VALID: _constant(now < compiled.valid_from),
        Reason.CLAUSE_EXPIRED: _constant(expired),
        Reason.GRANULARITY_TOO_FINE: _constant(too_fine),
        Reason.DELAY_RUNNING: _as_micros(table.c.known_at) > _bounded(_micros(now) - compiled.delay // _MICROSECOND),
    }
    lasting = {reason: rule for rule, reason in _lasting_rules(terms, purpose, table)}
    both = {**lasting, **of_time}
    return [(both[reason], reason) for reason in Reason if reason in both]


def _lasting_rules(terms: Terms, purpose: str, table: sa.FromClause) -> list[tuple[sa.ColumnElement[bool], Reason]]:
    compiled, columns = compile_terms(terms), table.c
    rows = compiled.rows
    rules = [
        (columns.dataset.in_(sorted(compiled.prohibited_datasets)), Reason.DATASET_PROHIBITED),
        (_constant(purpose in compiled.prohibited_purposes), Reason.PURPOSE_PROHIBITED),
        (columns.dataset != compiled.dataset, Reason.OTHER_DATASET),
        (_constant(purpose not in compiled.purposes), Reason.PURPOSE_NOT_AGREED),
    ]
    sets = (
        (columns.port, rows.ports, Reason.PORT_OUTSIDE),
        (columns.terminal, rows.terminals, Reason.TERMINAL_OUTSIDE),
        (columns.vessel_imo, rows.vessels, Reason.VESSEL_OUTSIDE),
    )
    for column, wanted, reason in sets:
        if wanted:
            # NULL in a comparison is neither true nor false; a record without the fact must fail the filter.
            rules.append((sa.or_(column.is_(None), column.not_in(sorted(wanted))), reason))
    occurred = columns.occurred_at
    outside: list[sa.ColumnElement[bool]] = []
    if rows.occurred_from is not None:
        outside += [occurred.is_(None), occurred < rows.occurred_from]
    if rows.occurred_until is not None:
        outside += [occurred.is_(None), occurred >= rows.occurred_until]
    if outside:
        rules.append((sa.or_(*outside), Reason.TIME_OUTSIDE))
    return rules


def _constant(value: bool) -> sa.ColumnElement[bool]:
    # A comparison rather than sa.true(): CASE and NOT then read the same on both databases, and nothing is folded away.
    return sa.literal(1 if value else 0) == sa.literal(1)


def _as_micros(column: Any) -> sa.ColumnElement[int]:
    return sa.type_coerce(column, sa.BigInteger)


def _micros(value: dt.datetime) -> int:
    return (value - _EPOCH) // _MICROSECOND


def _bounded(micros: int) -> sa.ColumnElement[int]:
    """Return a count of microseconds, held within what a database's integer takes; delays reach far beyond."""
    return sa.literal(max(micros, _LEAST), sa.BigInteger)
