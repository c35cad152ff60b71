"""The book of alerts: what rules find is opened, kept up to date and closed; what people say of it is noted.

One row a kind and subject is open at a time. What comes and goes must stay away for a while before it counts as mended
(`kinds.HOLD`), so that something that flaps makes one alert. Every opening, worsening and closing is an event, and
channels are told of events.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.alerts import alert as table
from sealane.database.tables.alerts import alert_event as events_table
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.alerts.kinds import FLAPPING, HOLD, ONCE, RANK, AlertKind, Finding, Severity

KEPT_CLOSED = dt.timedelta(days=90)
MAX_NOTE = 1_000


@dataclass(frozen=True)
class Alert:
    """One alert as it stands.

    Attributes
    ----------
    details : values for the words of its kind.
    user_id : only this person sees it; None for all who may see alerts.
    absent_since : its cause is gone since then; it closes when that has lasted.
    """

    id: str
    kind: AlertKind
    subject: str
    severity: Severity
    details: Mapping[str, Any]
    link: str | None
    user_id: str | None
    opened_at: dt.datetime
    changed_at: dt.datetime
    absent_since: dt.datetime | None
    closed_at: dt.datetime | None
    acknowledged_at: dt.datetime | None
    acknowledged_by: str | None
    note: str | None


@dataclass(frozen=True)
class Changed:
    """What one look changed: numbers of alerts."""

    opened: int = 0
    worse: int = 0
    closed: int = 0


def settle(connection: sa.Connection, found: Sequence[Finding], now: dt.datetime) -> Changed:
    """Bring the book to what the rules found, in the caller's write transaction."""
    rows = connection.execute(sa.select(table).where(table.c.closed_at.is_(None)))
    standing = {(row.kind, row.subject): _alert(row) for row in rows}
    opened = worse = closed = 0
    present = set()
    for finding in found:
        present.add(finding.key)
        old = standing.get(finding.key)
        if old is not None:
            worse += _keep(connection, old, finding, now)
        elif finding.kind not in ONCE or not _was_told(connection, finding):
            open_alert(connection, finding, now)
            opened += 1
    for key, old in standing.items():
        if key in present or old.kind is AlertKind.CARGO_MILESTONE:  # news, which no rule finds again
            continue
        if old.kind in ONCE:  # past its time, or taken away: nobody needs to be told
            connection.execute(table.update().where(table.c.id == old.id).values(closed_at=now, changed_at=now))
            closed += 1
        else:
            closed += _let_go(connection, old, now)
    return Changed(opened, worse, closed)


def open_alert(connection: sa.Connection, finding: Finding, now: dt.datetime) -> str:
    """Open an alert and return its id."""
    alert_id = str(uuid.uuid4())
    connection.execute(
        table.insert().values(
            id=alert_id,
            kind=finding.kind.value,
            subject=finding.key[1],
            severity=finding.severity.value,
            details=dict(finding.details),
            link=finding.link,
            user_id=finding.user_id,
            opened_at=now,
            changed_at=now,
        )
    )
    _note(connection, alert_id, "opened", finding.severity, finding.details, now)
    return alert_id


def add_news(connection: sa.Connection, finding: Finding, now: dt.datetime) -> None:
    """Open an alert about something new, or add it to the one that has not been read yet."""
    kind, subject = finding.key
    query = sa.select(table).where(table.c.kind == kind, table.c.subject == subject, table.c.closed_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        open_alert(connection, finding, now)
        return
    details = dict(finding.details)
    details["number"] = int(row.details.get("number", 0)) + int(details.get("number", 0))
    connection.execute(table.update().where(table.c.id == row.id).values(details=details, changed_at=now))
    _note(connection, row.id, "more", finding.severity, details, now)


def alerts(
    connection: sa.Connection,
    *,
    user_id: str | None,
    is_open: bool | None = True,
    kind: AlertKind | None = None,
    limit: int = 200,
) -> list[Alert]:
    """Return alerts for everybody and those for one person.

    Open ones come gravest first, those that somebody has acknowledged behind the others; closed ones newest first.

    Parameters
    ----------
    user_id : the person; None for nobody in particular.
    is_open : open ones, closed ones, or both (None).
    """
    query = sa.select(table).where(table.c.user_id.is_(None) | (table.c.user_id == user_id))
    if is_open is not None:
        query = query.where(table.c.closed_at.is_(None) if is_open else table.c.closed_at.is_not(None))
    if kind is not None:
        query = query.where(table.c.kind == kind.value)
    rank = sa.case(RANK, value=table.c.severity, else_=0)
    acknowledged = sa.case((table.c.acknowledged_at.is_(None), 0), else_=1)
    order = (acknowledged, rank.desc(), table.c.opened_at.desc()) if is_open else (table.c.changed_at.desc(),)
    return [_alert(row) for row in connection.execute(query.order_by(*order, table.c.id).limit(limit))]


def counts(connection: sa.Connection, user_id: str | None) -> dict[Severity, int]:
    """Return how many open alerts that nobody has acknowledged there are of each severity."""
    query = (
        sa.select(table.c.severity, sa.func.count())
        .where(
            table.c.closed_at.is_(None),
            table.c.acknowledged_at.is_(None),
            table.c.user_id.is_(None) | (table.c.user_id == user_id),
        )
        .group_by(table.c.severity)
    )
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {severity: found.get(severity.value, 0) for severity in Severity}


def find_alert(connection: sa.Connection, alert_id: str, user_id: str | None) -> Alert:
    """Return one alert.

    Raises
    ------
    RequestRefusedError
        404 where there is none, also where it is another person's.
    """
    row = connection.execute(sa.select(table).where(table.c.id == alert_id)).one_or_none()
    if row is None or row.user_id not in {None, user_id}:
        raise RequestRefusedError(
            404, "unknown-alert", Phrase("There is no such alert."), Phrase("See /alerts for all.")
        )
    return _alert(row)


def history(connection: sa.Connection, alert_id: str) -> list[tuple[dt.datetime, str, Severity]]:
    """Return what happened to an alert: time, event and severity, oldest first."""
    query = sa.select(events_table).where(events_table.c.alert_id == alert_id).order_by(events_table.c.id)
    return [(row.at, row.event, Severity(row.severity)) for row in connection.execute(query)]


def acknowledge(
    connection: sa.Connection, alert_id: str, user_id: str | None, by: str, note: str | None, now: dt.datetime
) -> Alert:
    """Note that somebody has seen an alert and looks after it; news is closed by that.

    Raises
    ------
    RequestRefusedError
        404 where there is none for this person, 409 where it is closed already.
    """
    found = find_alert(connection, alert_id, user_id)
    if found.closed_at is not None:
        raise RequestRefusedError(
            409, "alert-closed", Phrase("The alert is closed already."), Phrase("Nothing needs to be done.")
        )
    values: dict[str, Any] = {"acknowledged_at": now, "acknowledged_by": by, "note": (note or "")[:MAX_NOTE] or None}
    if found.kind in ONCE or found.kind is AlertKind.CARGO_MILESTONE:
        values |= {"closed_at": now, "changed_at": now}
    connection.execute(table.update().where(table.c.id == alert_id).values(**values))
    return find_alert(connection, alert_id, user_id)


def forget_old(connection: sa.Connection, now: dt.datetime) -> int:
    """Remove alerts that were closed long ago, with their events; return how many."""
    old = sa.select(table.c.id).where(table.c.closed_at < now - KEPT_CLOSED, table.c.kind.not_in(ONCE)).limit(1_000)
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(events_table.delete().where(events_table.c.alert_id.in_(ids)))
        connection.execute(table.delete().where(table.c.id.in_(ids)))
    return len(ids)


def _keep(connection: sa.Connection, old: Alert, finding: Finding, now: dt.datetime) -> int:
    """Bring an open alert up to date; return 1 where it has become graver."""
    details = dict(finding.details)
    worse = RANK[finding.severity] > RANK[old.severity]
    same = old.severity == finding.severity and dict(old.details) == details and old.absent_since is None
    if same and old.link == finding.link:
        return 0
    values: dict[str, Any] = {
        "severity": finding.severity.value,
        "details": details,
        "link": finding.link,
        "absent_since": None,
        "changed_at": now,
    }
    if worse:  # who has acknowledged the lesser thing has not seen the graver one
        values |= {"acknowledged_at": None, "acknowledged_by": None, "note": None}
        _note(connection, old.id, "worse", finding.severity, details, now)
    connection.execute(table.update().where(table.c.id == old.id).values(**values))
    return int(worse)


def _let_go(connection: sa.Connection, old: Alert, now: dt.datetime) -> int:
    """Close an alert whose cause is gone, where that has lasted long enough; return 1 then."""
    if old.kind in FLAPPING:
        since = old.absent_since or now
        # A clock that was set back must not keep an alert open for ever.
        if old.absent_since is None or since > now:
            connection.execute(table.update().where(table.c.id == old.id).values(absent_since=now))
            return 0
        if now - since < HOLD:
            return 0
    return _close(connection, old, now)


def _close(connection: sa.Connection, old: Alert, now: dt.datetime) -> int:
    connection.execute(table.update().where(table.c.id == old.id).values(closed_at=now, changed_at=now))
    _note(connection, old.id, "closed", old.severity, old.details, now)
    return 1


def _was_told(connection: sa.Connection, finding: Finding) -> bool:
    query = sa.select(table.c.id).where(table.c.kind == finding.kind.value, table.c.subject == finding.key[1])
    return connection.execute(query.limit(1)).first() is not None


def _note(
    connection: sa.Connection,
    alert_id: str,
    event: str,
    severity: Severity,
    details: Mapping[str, Any],
    now: dt.datetime,
) -> None:
    connection.execute(
        events_table.insert().values(
            alert_id=alert_id, event=event, severity=severity.value, details=dict(details), at=now
        )
    )


def _alert(row: Any) -> Alert:
    values = {name: getattr(row, name) for name in Alert.__dataclass_fields__}
    return Alert(**(values | {"kind": AlertKind(row.kind), "severity": Severity(row.severity)}))
