"""Tells channels what happened: events become one message a channel, which is sent, tried again, or given up.

A channel stands at the last event it was told of or passed over. A message takes everything since then that it
subscribes to, and no further one is made until that one is through and the pause is over: a digest, no flood.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.engine import for_update
from sealane.database.tables.alerts import alert as alert_table
from sealane.database.tables.alerts import alert_channel, alert_delivery, alert_event
from sealane.errors import SealaneError
from sealane.node.context import Node
from sealane.web.alerts.channels import Channel, ChannelKind, channels, find_channel, target_of
from sealane.web.alerts.kinds import AlertKind, Severity
from sealane.web.alerts.mail import send_email
from sealane.web.alerts.messages import Told, email_text, tell
from sealane.web.alerts.webhook import content, send_webhook

MAX_EVENTS = 50  # told in one message; of more it says how many there are
FIRST_RETRY = dt.timedelta(seconds=30)
LONGEST_RETRY = dt.timedelta(hours=2)
GIVE_UP_AFTER = dt.timedelta(days=1)
BUDGET_S = 30.0  # a pass begins no further message after this
KEPT = dt.timedelta(days=30)
_LOG = logging.getLogger("sealane.alerts")


@dataclass(frozen=True)
class Passed:
    """What one pass did: numbers of messages."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0


def collect(connection: sa.Connection, now: dt.datetime) -> int:
    """Make one message for each channel that has something to be told; return how many."""
    made = 0
    for channel in channels(connection, None, everybodys=True):
        if channel.disabled_at is not None:
            continue
        pause = dt.timedelta(minutes=channel.digest_minutes)
        if channel.sent_at is not None and dt.timedelta(0) <= now - channel.sent_at < pause:
            continue
        waits = sa.select(alert_delivery.c.id).where(
            alert_delivery.c.channel_id == channel.id, alert_delivery.c.state == "waiting"
        )
        if connection.execute(waits.limit(1)).first() is not None:
            continue
        made += _collect_for(connection, channel, now)
    return made


def _collect_for(connection: sa.Connection, channel: Channel, now: dt.datetime) -> int:
    event, alert = alert_event.c, alert_table.c
    query = (
        sa.select(event.id, event.alert_id, event.event, alert.kind, alert.subject, alert.user_id)
        .join(alert_table, alert.id == event.alert_id)
        .where(event.id > channel.told_event)
        .order_by(event.id)
    )
    rows = connection.execute(query).all()
    if not rows:
        return 0
    mine = [
        row
        for row in rows
        if (not channel.kinds or row.kind in channel.kinds)
        # A person's own channel tells of his own, too; what a channel suffers from is not told through it.
        and row.user_id in {None, channel.user_id}
        and (row.kind, row.subject) != (AlertKind.CHANNEL_FAILED, channel.id)
    ]
    last = {row.alert_id: row for row in mine}  # of several events of one alert the last says how it stands
    first = {row.alert_id: row.event for row in reversed(mine)}
    # What came and went in between has nothing to be told.
    told = [row.id for key, row in last.items() if not (row.event == "closed" and first[key] == "opened")]
    connection.execute(alert_channel.update().where(alert_channel.c.id == channel.id).values(told_event=rows[-1].id))
    if not told:
        return 0
    connection.execute(
        alert_delivery.insert().values(
            id=str(uuid.uuid4()),
            channel_id=channel.id,
            events=told[:MAX_EVENTS],
            more=max(0, len(told) - MAX_EVENTS),
            state="waiting",
            attempts=0,
            next_attempt_at=now,
            created_at=now,
            changed_at=now,
        )
    )
    return 1


def send_due(node: Node, *, budget_s: float = BUDGET_S) -> Passed:
    """Send every message that is due; one that fails does not keep the others waiting."""
    sent = failed = given_up = 0
    until = time.monotonic() + budget_s
    with node.database.read() as connection:
        due = sa.select(alert_delivery.c.id).where(
            alert_delivery.c.state == "waiting", alert_delivery.c.next_attempt_at <= node.clock()
        )
        ids = list(connection.execute(due.order_by(alert_delivery.c.next_attempt_at)).scalars())
    for delivery_id in ids:
        if time.monotonic() >= until:
            break
        outcome = _send(node, delivery_id)
        sent += outcome == "sent"
        failed += outcome == "waiting"
        given_up += outcome == "given_up"
    return Passed(sent, failed, given_up)


def _send(node: Node, delivery_id: str) -> str:
    """Try one message and note what came of it; return its state."""
    with node.database.read() as connection:
        row = connection.execute(sa.select(alert_delivery).where(alert_delivery.c.id == delivery_id)).one_or_none()
        if row is None or row.state != "waiting":
            return "gone"
        channel = find_channel(connection, row.channel_id)
        told, details = _told(node, connection, channel, row.events)
    error = None
    try:
        if told:
            send(node, channel, told, details, row.more, row.id)
    except SealaneError as failure:
        error = str(failure)[:500]
    now = node.clock()
    with node.database.write() as connection:
        return _note(connection, channel, row, error, now)


def send(
    node: Node, channel: Channel, told: list[Told], details: list[dict[str, Any]], more: int, message_id: str
) -> None:
    """Send one message to a channel now.

    Raises
    ------
    SealaneError
        When it did not get through.
    """
    with node.database.read() as connection:
        target, secret = target_of(node, connection, channel.id)
    now = node.clock()
    if channel.kind is ChannelKind.EMAIL:
        subject, text = email_text(told, more, channel.language, node.settings.name, node.settings.origin)
        send_email(node.settings, target, subject, text, now, message_id=message_id)
        return
    assert secret is not None  # every webhook has one
    body = content(told, details, more, node.identity.participant)
    send_webhook(node.outbound, target, secret, message_id, body, now, allow_private=node.settings.alert_private)


def _told(
    node: Node, connection: sa.Connection, channel: Channel, ids: list[int]
) -> tuple[list[Told], list[dict[str, Any]]]:
    event, alert = alert_event.c, alert_table.c
    query = (
        sa.select(alert_event, alert.kind, alert.link)
        .join(alert_table, alert.id == event.alert_id)
        .where(event.id.in_(ids))
        .order_by(event.id)
    )
    rows = connection.execute(query).all()
    told = [
        tell(
            channel.language,
            "metric",
            alert_id=row.alert_id,
            kind=AlertKind(row.kind),
            event=row.event,
            severity=Severity(row.severity),
            details=row.details,
            link=None if row.link is None else node.settings.origin + row.link,
            at=row.at,
        )
        for row in rows
    ]
    return told, [dict(row.details) for row in rows]


def _note(connection: sa.Connection, channel: Channel, row: Any, error: str | None, now: dt.datetime) -> str:
    locked = for_update(sa.select(alert_delivery.c.state).where(alert_delivery.c.id == row.id), connection)
    if connection.execute(locked).scalar() != "waiting":
        return "gone"  # the channel was removed or put to rest meanwhile
    attempts = row.attempts + 1
    state = "sent" if error is None else "given_up" if now - row.created_at >= GIVE_UP_AFTER else "waiting"
    values: dict[str, Any] = {"state": state, "attempts": attempts, "last_error": error, "changed_at": now}
    about: dict[str, Any] = {"failing_since": None, "last_error": None, "sent_at": now}
    if error is not None:
        pause = min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LONGEST_RETRY)
        values["next_attempt_at"] = now + pause
        about = {"failing_since": channel.failing_since or now, "last_error": error}
        _LOG.warning("the channel %s was not told (try %d): %s", channel.name, attempts, error)
    connection.execute(alert_delivery.update().where(alert_delivery.c.id == row.id).values(**values))
    connection.execute(alert_channel.update().where(alert_channel.c.id == channel.id).values(**about))
    return state


def forget_sent(connection: sa.Connection, now: dt.datetime) -> None:
    """Remove messages that were sent or given up long ago."""
    old = (alert_delivery.c.state != "waiting", alert_delivery.c.changed_at < now - KEPT)
    connection.execute(alert_delivery.delete().where(*old))
