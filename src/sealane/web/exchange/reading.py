"""Reads how the exchange stands: partners, processes, streams, letters and the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sealane.database.tables import ledger
from sealane.database.tables.dsp import transfer as transfer_table
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange import negotiation, transfer
from sealane.exchange.checkpoints import latest
from sealane.exchange.dataspace import Role
from sealane.exchange.dead_letters import dead_letters
from sealane.exchange.evidence import KnownKey, known_keys
from sealane.exchange.ledger import EntryKind, entries, log_size
from sealane.exchange.peers import list_peers
from sealane.exchange.stream_status import StreamStatus, stream_status
from sealane.exchange.streams import Direction, StreamState
from sealane.exchange.transfer import TransferState
from sealane.node.context import Node
from sealane.web.derivation import Figure
from sealane.web.exchange.checks import checks, last_witnessed
from sealane.web.exchange.figures import Counted, address, count, counted, simulated_streams
from sealane.web.exchange.models import (
    EntryShown,
    ExchangePage,
    KeyShown,
    LetterShown,
    LogHead,
    LogPage,
    PartnerShown,
    ProcessShown,
    StreamPage,
    StreamShown,
)

LETTERS_SHOWN = 200
ENTRIES_A_PAGE = 100
PROCESSES_SHOWN = 100


def exchange_page(node: Node, connection: sa.Connection, *, may_act: bool, may_manage: bool) -> ExchangePage:
    """Return how the exchange with all partners stands."""
    now, settings = node.clock(), node.settings
    stalled = dt.timedelta(minutes=settings.alert_stalled_minutes)
    streams = shown_streams(connection, now)
    return ExchangePage(
        participant=node.identity.participant,
        figures={
            "partners": count(connection, Counted.PARTNERS, now),
            "open": count(connection, Counted.STREAMS, now, state=StreamState.OPEN.value),
            "due": count(connection, Counted.DUE, now),
            "dead": count(connection, Counted.MESSAGES, now, state="dead"),
        },
        partners=_partners(connection, now),
        negotiations=_processes(connection, negotiation.MACHINE, stalled, now),
        transfers=_processes(connection, transfer.MACHINE, stalled, now),
        streams=streams,
        entries=counted(Counted.ENTRIES, log_size(connection)),
        own_head=_head(connection, node.identity.participant),
        checks=checks(connection),
        stalled_minutes=settings.alert_stalled_minutes,
        may_act=may_act,
        may_manage=may_manage,
    )


def stream_page(connection: sa.Connection, stream_id: str, now: dt.datetime, *, may_act: bool) -> StreamPage:
    """Return one stream with its dead letters.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    found = shown_streams(connection, now, stream_id)
    if not found:
        raise RequestRefusedError(
            404, "unknown-stream", Phrase("There is no such stream."), Phrase("See /exchange for all.")
        )
    letters = dead_letters(connection, stream_id, LETTERS_SHOWN + 1)
    return StreamPage(
        stream=found[0],
        letters=[
            LetterShown(
                id=one.id,
                event_id=one.event_id,
                record_position=one.record_position,
                refusals=counted(Counted.REFUSALS, one.refusals, letter=one.id),
                reason=one.reason,
                since=one.since,
            )
            for one in letters[:LETTERS_SHOWN]
        ],
        letters_more=len(letters) > LETTERS_SHOWN,
        may_act=may_act,
    )


def shown_streams(connection: sa.Connection, now: dt.datetime, stream_id: str | None = None) -> list[StreamShown]:
    """Return streams; those that need somebody first, closed ones last."""
    found = stream_status(connection, now, stream_id)
    ids = [status.stream.transfer_id for status in found if status.stream.transfer_id]
    rows = connection.execute(sa.select(transfer_table).where(transfer_table.c.id.in_(ids))) if ids else ()
    transfers = {row.id: row for row in rows}
    names, made_up = _names(connection), simulated_streams(connection)
    shown = [
        _stream(status, transfers.get(status.stream.transfer_id or ""), names, now, status.stream.id in made_up)
        for status in found
    ]
    return sorted(shown, key=lambda s: (s.state == StreamState.CLOSED, s.cause is None, s.peer, s.clause, s.direction))


def _names(connection: sa.Connection) -> dict[str, str]:
    return {peer.participant: peer.name for peer in list_peers(connection)}


def _stream(
    status: StreamStatus, process: Any, names: Mapping[str, str], now: dt.datetime, made_up: bool
) -> StreamShown:
    stream = status.stream
    out = stream.direction == Direction.OUT
    oldest = status.oldest_due_at
    lag = None
    if out and oldest is not None:
        hours = max(0.0, (now - oldest).total_seconds() / 3600)
        way = address(Counted.LAG, stream=stream.id)
        lag = Figure(value=hours, quantity="duration_h", explain=way, simulated=made_up)
    what = Counted.MESSAGES if out else Counted.RECEIVED
    return StreamShown(
        id=stream.id,
        direction=stream.direction,
        peer=stream.peer,
        peer_name=names.get(stream.peer, stream.peer),
        clause=stream.clause_id,
        agreement_id=stream.agreement_id,
        agreement_version=stream.agreement_version,
        dataset=stream.dataset,
        purpose=stream.purpose,
        granularity=stream.granularity,
        pulled=out and stream.endpoint is None,
        state=stream.state,
        state_reason=stream.state_reason,
        opened_at=stream.opened_at,
        counts={
            name: counted(what, number, simulated=made_up, state=name, stream=stream.id)
            for name, number in sorted(status.counts.items())
        },
        seen=counted(
            Counted.SEEN,
            stream.acked_sequence if out else stream.next_sequence - 1,
            simulated=made_up,
            stream=stream.id,
        ),
        due=counted(Counted.DUE, status.due, simulated=made_up, stream=stream.id),
        lag_h=lag,
        oldest_due_at=oldest,
        dead=counted(Counted.MESSAGES, status.dead, simulated=made_up, state="dead", stream=stream.id),
        failed_attempts=counted(Counted.ATTEMPTS, stream.attempts, stream=stream.id),
        next_attempt_at=stream.next_attempt_at if stream.attempts else None,
        cause=_cause(status, process),
        lease_until=stream.lease_until,
        may=list(_may(status, process)),
    )


def _cause(status: StreamStatus, process: Any) -> str | None:
    """Return what an operator should know; who paused a stream has said why."""
    stream = status.stream
    if stream.state == StreamState.SUSPENDED:
        return (process.reason if process is not None else None) or stream.state_reason
    # Dead letters have a figure of their own.
    return status.trouble if stream.state != StreamState.OPEN or stream.last_error else None


def _may(status: StreamStatus, process: Any) -> tuple[str, ...]:
    """Say what can be done with a stream now; what the state machines would refuse is not offered."""
    found = []
    state = status.stream.state
    if state == StreamState.OPEN and (process is None or process.state == TransferState.STARTED):
        found.append("pause")
    if state == StreamState.SUSPENDED and (
        process is None or (process.state == TransferState.SUSPENDED and process.suspended_by == process.role)
    ):
        found.append("resume")
    if state == StreamState.STOPPED:
        found.append("recover")
    if status.dead:
        found.append("retry")
    return tuple(found)


def _partners(connection: sa.Connection, now: dt.datetime) -> list[PartnerShown]:
    shown = []
    for peer in list_peers(connection):
        witnessed = last_witnessed(connection, peer.participant)
        shown.append(
            PartnerShown(
                participant=peer.participant,
                name=peer.name,
                origin=peer.origin,
                must_sign=peer.must_sign,
                alarm=peer.alarm,
                keys=[_key(key, now) for key in known_keys(connection, peer.participant)],
                keys_checked_at=peer.keys_checked_at,
                keys_error=peer.keys_error,
                last_heard_at=peer.last_heard_at,
                head=_head(connection, peer.participant),
                holds_of_ours=None if witnessed is None else witnessed.figures.get("held there"),
                holds_checked_at=None if witnessed is None else witnessed.changed_at,
            )
        )
    return shown


def _key(key: KnownKey, now: dt.datetime) -> KeyShown:
    if key.revoked_at is not None:
        state = "revoked"
    else:
        state = "not-yet" if now < key.valid_from else "ended" if now >= key.valid_until else "valid"
    return KeyShown.model_validate(
        {
            "kid": key.kid,
            "valid_from": key.valid_from,
            "valid_until": key.valid_until,
            "revoked_at": key.revoked_at,
            "state": state,
        }
    )


def _head(connection: sa.Connection, participant: str) -> LogHead | None:
    held = latest(connection, participant)
    if held is None:
        return None
    row = ledger.checkpoint.c
    against = sa.select(row.contradiction).where(
        row.participant == participant, row.contradiction.is_not(None), row.set_aside_at.is_(None)
    )
    return LogHead(
        size=Figure(
            value=held.size,
            quantity="count",
            explain=address(Counted.HEAD, participant=participant, size=held.size),
        ),
        root=held.root.hex(),
        signed_at=held.time,
        contradiction=connection.execute(against.limit(1)).scalar(),
    )


def _processes(connection: sa.Connection, machine: Any, limit: dt.timedelta, now: dt.datetime) -> list[ProcessShown]:
    """Return the living ones and, for each clause, partner and role, the last that ended; the stalled ones first."""
    table = machine.table
    newest = sa.select(table).order_by(table.c.changed_at.desc(), table.c.id)
    living = list(connection.execute(newest.where(table.c.state.not_in(machine.terminal)).limit(PROCESSES_SHOWN)))
    ended = list(connection.execute(newest.where(table.c.state.in_(machine.terminal)).limit(PROCESSES_SHOWN)))
    last: dict[tuple[Any, ...], Any] = {}
    for row in (*living, *ended):
        last.setdefault((row.role, row.peer, row.agreement_id, row.agreement_version, row.clause_id, row.dataset), row)
    kept = [*living, *(row for row in ended if any(row is one for one in last.values()))]
    names = _names(connection)
    shown = [_process(machine, row, names, limit, now) for row in kept]
    return sorted(shown, key=lambda p: (p.stalled_since is None, p.ended, -p.changed_at.timestamp()))


def _process(machine: Any, row: Any, names: Mapping[str, str], limit: dt.timedelta, now: dt.datetime) -> ProcessShown:
    ended = row.state in machine.terminal
    may_rest = row.state not in machine.waits or row.state == TransferState.SUSPENDED
    is_stalled = not ended and not (may_rest and row.pending is None) and now - row.changed_at > limit
    about = f"{row.agreement_id}@{row.agreement_version}#{row.clause_id}" if row.agreement_id else row.dataset
    return ProcessShown(
        id=row.id,
        kind=machine.name,
        role=Role(row.role).value,
        peer=row.peer,
        peer_name=names.get(row.peer, row.peer),
        clause=about,
        state=row.state,
        pending=row.pending,
        attempts=counted(Counted.ATTEMPTS, row.attempts, id=row.id),
        next_at=None if ended else row.next_at,
        deadline_at=None if ended else row.deadline_at,
        stalled_since=row.changed_at if is_stalled else None,
        ended=ended,
        reason=row.reason,
        last_error=row.last_error,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def log_page(
    connection: sa.Connection, *, peer: str | None, kind: str | None, subject: str | None, after: int
) -> LogPage:
    """Return entries of the log behind a position, in order."""
    found = entries(
        connection,
        peer=peer,
        subject=subject,
        kinds=None if kind is None else [kind],
        after=after,
        limit=ENTRIES_A_PAGE + 1,
    )
    shown = found[:ENTRIES_A_PAGE]
    return LogPage(
        peer=peer,
        kind=kind,
        subject=subject,
        peers=[one.participant for one in list_peers(connection)],
        kinds=[one.value for one in EntryKind],
        entries=[
            EntryShown(
                position=one.position,
                logged_at=one.logged_at,
                kind=one.kind,
                peer=one.peer,
                subject=one.subject,
                body=_body(one),
                hash=one.hash.hex(),
            )
            for one in shown
        ],
        size=counted(Counted.ENTRIES, log_size(connection)),
        after=shown[-1].position if len(found) > ENTRIES_A_PAGE else None,
    )


def _body(entry: Any) -> dict[str, Any]:
    """Return an entry's body; bytes that somebody altered are told, not hidden."""
    try:
        return dict(entry.body)
    except (ValueError, KeyError, TypeError):
        return {"unreadable": entry.text[:200]}
