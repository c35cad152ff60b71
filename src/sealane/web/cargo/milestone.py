"""One record: the message as it came, its file or stream, the clause, and its place in the store and in the log."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.delivery import decision, inbox
from sealane.database.tables.products import record
from sealane.database.tables.results import data_import, import_record
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange.held_back import held_back_by
from sealane.exchange.ledger import entries
from sealane.exchange.sent_and_withheld import demonstrations, stored_decisions
from sealane.exchange.streams import stream_id
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.reference.time_zones import time_zone
from sealane.web.accounts.gate import Viewer, reading
from sealane.web.agreements.flows import partner_names
from sealane.web.cargo.journey import sent_shown
from sealane.web.cargo.models import LogPlace, MilestonePage
from sealane.web.tasks.room import STEWARDS

MAX_MESSAGE_BYTES = 200_000
_ACCEPTED = "accepted"


def milestone_page(node: Node, viewer: Viewer, source: str, dataset: str, record_id: str) -> MilestonePage:
    """Return everything this node knows of where one record comes from.

    Raises
    ------
    RequestRefusedError
        404 if it is not held here.
    """
    own = node.identity.participant
    with reading(node, viewer) as connection:
        row = connection.execute(
            sa.select(record).where(record.c.source == source, record.c.dataset == dataset, record.c.id == record_id)
        ).one_or_none()
        if row is None:
            raise RequestRefusedError(
                404,
                "unknown-record",
                Phrase(
                    "No record %(record_id)s of %(dataset)s from %(source)s is held here.",
                    record_id=repr(record_id[:100]),
                    dataset=repr(dataset[:60]),
                    source=repr(source[:100]),
                ),
                Phrase("Open it from the cargo page."),
            )
        names = partner_names(connection)
        is_own = source == own
        event = None if is_own else _event(connection, row, own)
        subjects = [event.event_id] if event is not None else _own_events(connection, row) if is_own else []
        logged = [entry for subject in subjects for entry in entries(connection, subject=subject, limit=100)]
        kept_back: tuple[str, ...] = ()
        if row.agreement_id is not None:
            held_back = held_back_by(connection, DATASETS)
            kept_back = held_back(row.agreement_id, row.agreement_version, row.clause_id)
        made_up = demonstrations(connection)
        key = (dataset, record_id)
        sent = []
        if is_own:
            for peer, name in names.items():
                sent.append(sent_shown(stored_decisions(connection, peer, {key}).get(key), key, peer, name))
        came_by = _import(connection, row) if viewer.role in STEWARDS else None
    return MilestonePage(
        source=source,
        source_name=names.get(source, source),
        own=is_own,
        dataset=dataset,
        record=record_id,
        simulated=row.simulated,
        public=row.public,
        port=row.port,
        zone=time_zone(row.port),
        occurred_at=row.occurred_at,
        known_at=row.known_at,
        received_at=row.received_at,
        position=row.position,
        digest=row.digest,
        message=_message(bytes(row.body)),
        import_id=came_by.import_id if came_by is not None else None,
        file_name=came_by.file_name if came_by is not None else None,
        came_as="own" if is_own else "received" if event is not None else "other",
        agreement=row.agreement_id,
        version=row.agreement_version,
        clause=row.clause_id,
        terms_made_up=(row.agreement_id, row.agreement_version) in made_up,
        kept_back=list(kept_back),
        event=event.event_id if event is not None else None,
        stream=event.stream_id if event is not None else None,
        sequence=event.sequence if event is not None else None,
        event_digest=event.digest if event is not None else None,
        log=[
            LogPlace(position=e.position, kind=e.kind, logged_at=e.logged_at, hash=e.hash.hex())
            for e in sorted(logged, key=lambda e: e.position)
        ],
        sent_to=sent,
    )


def _message(body: bytes) -> str:
    """Return a message for people to read, line by line; what is too long is cut, and says so."""
    text = body[:MAX_MESSAGE_BYTES].decode("utf-8", "replace")
    if len(body) > MAX_MESSAGE_BYTES:
        return f"{text}\n... {len(body) - MAX_MESSAGE_BYTES:,} bytes more"
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def _event(connection: sa.Connection, row: sa.Row[Any], own: str) -> sa.Row[Any] | None:
    """Return the event a partner's record came in, or None where that cannot be said for certain.

    An event does not name its record. Those of one batch were accepted in the order of their numbers, and their records
    took positions in that order; so the n-th record of the batch came in its n-th event, as long as none was replaced
    since.
    """
    if row.agreement_id is None:
        return None
    stream = stream_id(row.agreement_id, row.agreement_version, row.clause_id, row.source, own)
    batch = (record.c.source == row.source, record.c.received_at == row.received_at)
    under = (
        record.c.agreement_id == row.agreement_id,
        record.c.agreement_version == row.agreement_version,
        record.c.clause_id == row.clause_id,
    )
    positions = list(connection.scalars(sa.select(record.c.position).where(*batch, *under).order_by(record.c.position)))
    events = connection.execute(
        sa.select(inbox)
        .where(
            inbox.c.source == row.source,
            inbox.c.stream_id == stream,
            inbox.c.received_at == row.received_at,
            inbox.c.outcome == _ACCEPTED,
        )
        .order_by(inbox.c.sequence)
    ).all()
    if len(events) != len(positions):
        return None
    return events[positions.index(row.position)]


def _own_events(connection: sa.Connection, row: sa.Row[Any]) -> list[str]:
    """Return the events in which an own record, as it stands now, was sent or withheld."""
    found = connection.scalars(
        sa.select(decision.c.event_id).where(decision.c.dataset == row.dataset, decision.c.record_id == row.id)
    )
    return sorted({event for event in found if event.endswith(row.digest[:16])})


def _import(connection: sa.Connection, row: sa.Row[Any]) -> sa.Row[Any] | None:
    """Return the newest upload that brought the record."""
    brought = (
        import_record.c.source == row.source,
        import_record.c.dataset == row.dataset,
        import_record.c.record_id == row.id,
    )
    return connection.execute(  # type: ignore[return-value]  # two columns, shown by name
        sa.select(import_record.c.import_id, data_import.c.file_name)
        .join(data_import, data_import.c.id == import_record.c.import_id)
        .where(*brought)
        .order_by(data_import.c.created_at.desc())
        .limit(1)
    ).one_or_none()
