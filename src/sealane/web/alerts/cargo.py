"""Tells people of new milestones of the cargo they follow: one alert a person and reference, until it is read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.alerts import cargo_follow
from sealane.web.alerts.book import add_news
from sealane.web.alerts.kinds import AlertKind, Finding, Severity
from sealane.web.cargo.follows import NewMilestones, mark_seen, new_milestones

MAX_TOLD = 20


def tell_followers(connection: sa.Connection, now: dt.datetime) -> int:
    """Open or add to one alert for each person and reference with new milestones; return how many."""
    told = 0
    for follow in connection.execute(sa.select(cargo_follow).order_by(cargo_follow.c.id)):
        found = new_milestones(connection, follow)
        if not found.entries:
            continue
        add_news(connection, _finding(found), now)
        mark_seen(connection, found.follow_id, found.position)
        told += 1
    return told


def _finding(found: NewMilestones) -> Finding:
    newest = max(entry.provenance.known_at for entry in found.entries)
    milestones: list[dict[str, Any]] = [
        {
            "at": None if entry.at is None else entry.at.isoformat(),
            "classifier": entry.classifier,
            "what": entry.what,
            "port": entry.port,
        }
        for entry in found.entries
    ]
    return Finding(
        AlertKind.CARGO_MILESTONE,
        f"{found.user_id} {found.kind.value} {found.reference}",
        Severity.NOTICE,
        {
            "reference": found.reference,
            "since": newest.isoformat(),
            "number": len(milestones),
            "milestones": milestones[-MAX_TOLD:],
        },
        found.path,
        found.user_id,
    )
