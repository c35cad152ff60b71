"""Reads what the alert rules look at: one transaction over the node's tables, and a look at its machine."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from sealane.database.tables import agreements, alerts, delivery, identity, results
from sealane.database.tables.node import node_info
from sealane.database.tables.products import record
from sealane.errors import unpacked
from sealane.exchange import negotiation, transfer
from sealane.exchange.activities import commitment_standings
from sealane.exchange.agreement_store import all_in_force
from sealane.exchange.keys import ROOT_PRIVATE
from sealane.exchange.peers import MAX_LIST_AGE
from sealane.exchange.stream_status import stream_status
from sealane.node.backup import backup_taken_at
from sealane.node.context import Node
from sealane.node.open import KEYS_FOLDER
from sealane.node.status import KEY_WARNING
from sealane.products.catalogue import DATASETS
from sealane.web.alerts.limits import AlertLimit, LimitKind, measured_figures
from sealane.web.alerts.rules import (
    Failure,
    Feed,
    Flow,
    Late,
    Machine,
    Partner,
    Process,
    State,
    Thresholds,
    Undelivered,
)

FEED_ROWS = 500
FAILURE_DAYS = 7
MAX_ROWS = 1_000


def thresholds(node: Node) -> Thresholds:
    """Return what the node's settings say."""
    settings = node.settings
    return Thresholds(
        stalled=dt.timedelta(minutes=settings.alert_stalled_minutes),
        lag=dt.timedelta(minutes=settings.alert_lag_minutes),
        disk_free_percent=settings.alert_disk_free_percent,
        backup=dt.timedelta(days=settings.alert_backup_days) if settings.alert_backup_days else None,
        key_warning=KEY_WARNING,
        keys_too_old=MAX_LIST_AGE,
    )


def read_state(node: Node, connection: sa.Connection, limits: list[AlertLimit], now: dt.datetime) -> State:
    """Return the node's state as the rules want it."""
    recent = now - dt.timedelta(days=FAILURE_DAYS)
    return State(
        processes=[*_processes(connection, negotiation.MACHINE), *_processes(connection, transfer.MACHINE)],
        undelivered=_undelivered(connection),
        flows=_flows(connection, now),
        partners=_partners(connection, now),
        feeds=list(_feeds(connection, node.identity.participant, limits)),
        measured=measured_figures(node, connection, limits),
        late=_late(connection, now),
        imports=_failures(connection, results.data_import, "file_name", "outcome", recent),
        tasks=_failures(connection, results.task, "kind", "error", recent),
        channels=_channels(connection),
        log_faults=_log_faults(connection),
        machine=_machine(node, connection, now),
    )


def _processes(connection: sa.Connection, machine: Any) -> list[Process]:
    table = machine.table
    query = sa.select(table).where(table.c.state.not_in(machine.terminal)).order_by(table.c.created_at).limit(MAX_ROWS)
    return [
        Process(
            id=row.id,
            kind=machine.name,
            peer=row.peer,
            state=row.state,
            pending=row.pending,
            attempts=row.attempts,
            changed_at=row.changed_at,
            deadline_at=row.deadline_at,
            last_error=row.last_error,
            reason=row.reason,
            # A suspended transfer has a far end and waits for who suspended it.
            may_rest=row.state not in machine.waits or row.state == transfer.TransferState.SUSPENDED,
        )
        for row in connection.execute(query)
    ]


def _undelivered(connection: sa.Connection) -> list[Undelivered]:
    table, agreement = agreements.agreement_message, agreements.agreement
    same = sa.and_(agreement.c.id == table.c.agreement_id, agreement.c.version == table.c.version)
    query = (
        sa.select(table)
        .join(agreement, same)
        # Of an agreement that has ended nothing is owed any more but the news of its end.
        .where(
            table.c.state != "delivered",
            table.c.kind.in_(("retirement", "decline")) | agreement.c.state.in_(("proposed", "in_force")),
        )
        .order_by(table.c.id)
        .limit(MAX_ROWS)
    )
    return [
        Undelivered(r.agreement_id, r.version, r.peer, r.kind, r.state, r.attempts, r.created_at, r.last_error)
        for r in connection.execute(query)
    ]


def _flows(connection: sa.Connection, now: dt.datetime) -> list[Flow]:
    return [
        Flow(
            id=s.stream.id,
            peer=s.stream.peer,
            direction=s.stream.direction,
            clause=f"{s.stream.agreement_id}@{s.stream.agreement_version}#{s.stream.clause_id}",
            state=s.stream.state,
            state_reason=s.stream.state_reason,
            due=s.due,
            # A partner that pulls comes when it likes.
            oldest_due_at=s.oldest_due_at if s.stream.endpoint is not None else None,
            dead=s.dead,
            attempts=s.stream.attempts,
            last_error=s.stream.last_error,
            next_attempt_at=s.stream.next_attempt_at,
        )
        for s in stream_status(connection, now)
        if s.stream.state != "closed" or s.dead
    ]


def _partners(connection: sa.Connection, now: dt.datetime) -> list[Partner]:
    peer, key, stream = identity.peer.c, identity.peer_key.c, delivery.stream.c
    ends = (
        sa.select(sa.func.max(key.valid_until))
        .where(key.participant == peer.participant, key.revoked_at.is_(None), key.valid_from <= now)
        .scalar_subquery()
    )
    used = sa.exists().where(stream.peer == peer.participant, stream.state != "closed")
    query = sa.select(identity.peer, ends.label("keys_end_at"), used.label("in_use")).order_by(peer.participant)
    return [
        Partner(r.participant, r.name, r.alarm, r.keys_error, r.keys_checked_at, r.keys_end_at, bool(r.in_use))
        for r in connection.execute(query)
    ]


def _feeds(connection: sa.Connection, own: str, limits: list[AlertLimit]) -> Iterator[Feed]:
    set_by_people: Mapping[str, float] = {
        limit.subject: limit.value for limit in limits if limit.kind is LimitKind.DATA_GAP
    }
    stream = delivery.stream.c
    incoming = sa.select(stream.peer, stream.dataset).where(stream.direction == "in", stream.state == "open").distinct()
    sources = [(own, name) for name in sorted(DATASETS)] + sorted(
        (r.peer, r.dataset) for r in connection.execute(incoming)
    )
    for source, dataset in sources:
        mine = (record.c.dataset == dataset, record.c.source == source)
        if connection.execute(sa.select(record.c.id).where(*mine).limit(1)).first() is None:
            continue
        newest = sa.select(record.c.received_at).where(*mine).order_by(record.c.position.desc()).limit(FEED_ROWS)
        arrivals = sorted(set(connection.execute(newest).scalars()))
        pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(arrivals)]
        hours = set_by_people.get(f"{dataset} {source}")
        limit = None if hours is None else dt.timedelta(hours=hours)
        yield Feed(source, dataset, arrivals[-1], pauses, limit)


def _late(connection: sa.Connection, now: dt.datetime) -> list[Late]:
    return [
        Late(
            document.id,
            standing.version,
            standing.commitment.id,
            standing.commitment.what,
            standing.commitment.due,
            standing.demonstration,
        )
        for document in all_in_force(connection, now)
        if document.commitments
        for standing in commitment_standings(connection, document.id, now)
        if standing.overdue
    ]


def _failures(connection: sa.Connection, table: sa.Table, name: str, reason: str, since: dt.datetime) -> list[Failure]:
    columns = table.c
    own = (columns.import_id.is_(None),) if "import_id" in columns else ()  # an import's task fails with the import
    query = sa.select(table).where(columns.state == "failed", columns.changed_at >= since, *own)
    return [
        Failure(row.id, row.kind, str(getattr(row, name)), _reason(getattr(row, reason)), row.changed_at)
        for row in connection.execute(query.order_by(columns.changed_at.desc()).limit(MAX_ROWS))
    ]


def _reason(told: Any) -> str:
    """Return what a failure says of itself in one line."""
    if isinstance(told, dict):
        found = next((told[key] for key in ("title", "detail", "error", "reason") if told.get(key)), "")
        return unpacked(found).splitlines()[0] if found else ""
    return str(told or "")


def _channels(connection: sa.Connection) -> list[Failure]:
    channel, sent = alerts.alert_channel, alerts.alert_delivery
    given_up = sa.exists().where(sent.c.channel_id == channel.c.id, sent.c.state == "given_up")
    query = sa.select(channel).where(
        channel.c.failing_since.is_not(None), channel.c.disabled_at.is_(None), channel.c.user_id.is_(None), given_up
    )
    return [Failure(r.id, r.kind, r.name, r.last_error or "", r.failing_since) for r in connection.execute(query)]


def _log_faults(connection: sa.Connection) -> list[Failure]:
    """Return the newest check of each kind and partner that ended, where it found faults."""
    table = alerts.exchange_check
    query = sa.select(table).where(table.c.state == "done").order_by(table.c.changed_at.desc()).limit(MAX_ROWS)
    newest: dict[tuple[str, str | None], Failure | None] = {}
    for row in connection.execute(query):
        outcome = row.outcome or {}
        number = int(outcome.get("faults_found", 0))
        first = str(next(iter(outcome.get("faults", [])), ""))
        fault = Failure(row.id, row.kind, row.peer or "", f"{number}: {first}", row.changed_at) if number else None
        newest.setdefault((row.kind, row.peer), fault)
    return [fault for fault in newest.values() if fault is not None]


def _machine(node: Node, connection: sa.Connection, now: dt.datetime) -> Machine:
    usage = shutil.disk_usage(node.folder)
    keys = [key for key in node.identity.operational_keys() if key.signs_at(now)]
    return Machine(
        disk_free_bytes=usage.free,
        disk_total_bytes=usage.total,
        key_ends_at=max((key.certificate.valid_until for key in keys), default=None),
        root_key_here=(node.folder / KEYS_FOLDER / ROOT_PRIVATE).exists(),
        backup_at=backup_taken_at(node.folder),
        created_at=connection.execute(sa.select(node_info.c.created_at)).scalar(),
    )
