"""Streams to and from partners, the outbox, the inbox, decisions and receipts."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime

# A stream is one clause of one agreement version between two participants, in one direction.
stream = sa.Table(
    "stream",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # same id on both sides
    sa.Column("direction", sa.String(3), nullable=False),  # out or in
    sa.Column("peer", sa.String(200), nullable=False, index=True),
    sa.Column("agreement_id", sa.String(120), nullable=False),
    sa.Column("agreement_version", sa.Integer, nullable=False),
    sa.Column("clause_id", sa.String(120), nullable=False),
    sa.Column("dataset", sa.String(60), nullable=False),
    sa.Column("purpose", sa.String(60), nullable=False),
    sa.Column("granularity", sa.String(20), nullable=False),
    sa.Column("transfer_id", sa.String(64)),  # DSP transfer process on this side
    sa.Column("endpoint", sa.Text),  # where an outgoing stream delivers to
    sa.Column("token", sa.Text),  # bearer token of the endpoint, given by the peer
    sa.Column("state", sa.String(20), nullable=False),  # open, suspended, stopped (after an alarm), closed
    sa.Column("state_reason", sa.Text),
    sa.Column("scanned_position", sa.BigInteger, nullable=False),  # records up to here have outbox rows
    sa.Column("next_sequence", sa.BigInteger, nullable=False),  # out: to give; in: to expect
    sa.Column("acked_sequence", sa.BigInteger, nullable=False),
    sa.Column("lease_until", UtcDateTime),  # out: nothing is sent after it until the peer has answered again
    sa.Column("attempts", sa.Integer, nullable=False),  # failed attempts since the last success
    sa.Column("next_attempt_at", UtcDateTime),
    sa.Column("last_error", sa.Text),
    sa.Column("claimed_by", sa.String(64)),
    sa.Column("claimed_at", UtcDateTime),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),  # out: recoveries so far; part of event ids
)

# state: waiting (not decided, or delayed until due_at) -> sealed (decided, numbered, bytes fixed) -> acknowledged;
# or withheld, refused (by the peer; tried again as another row), dead (refused for good), cancelled (the agreement
# ended, or a newer revision came, before it went out)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("stream_id", sa.String(64), sa.ForeignKey("stream.id"), nullable=False),
    sa.Column("record_position", sa.BigInteger),  # null for aggregate cells
    sa.Column("event_id", sa.String(240), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("payload", sa.LargeBinary),  # the exact bytes sent
    sa.Column("digest", sa.String(64)),
    sa.Column("refusals", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("stream_id", "event_id"),
    sa.Index("ix_outbox_stream_state", "stream_id", "state", "due_at", "id"),
    sa.Index("ix_outbox_stream_sequence", "stream_id", "sequence"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("event_id", sa.String(240), primary_key=True),
    sa.Column("stream_id", sa.String(64), nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),  # accepted or refused
    sa.Column("reason", sa.Text),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Index("ix_inbox_stream_sequence", "stream_id", "sequence"),
)

# Why a record was sent or withheld: one row per record and stream, the last decision; earlier ones are in the ledger.
decision = sa.Table(
    "decision",
    metadata,
    sa.Column("stream_id", sa.String(64), primary_key=True),
    sa.Column("event_id", sa.String(240), primary_key=True),
    sa.Column("peer", sa.String(200), nullable=False),
    sa.Column("dataset", sa.String(60), nullable=False),
    sa.Column("record_id", sa.String(200), nullable=False),
    sa.Column("agreement_id", sa.String(120), nullable=False),
    sa.Column("agreement_version", sa.Integer, nullable=False),
    sa.Column("clause_id", sa.String(120), nullable=False),
    sa.Column("purpose", sa.String(60), nullable=False),
    sa.Column("granularity", sa.String(20), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("withheld_fields", JsonText, nullable=False),
    sa.Column("decided_at", UtcDateTime, nullable=False),
    sa.Index("ix_decision_record", "dataset", "record_id"),
)

# Signed receipts, given and got, as the exact JWS.
receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # SHA-256 of the JWS
    sa.Column("stream_id", sa.String(64), nullable=False, index=True),
    sa.Column("direction", sa.String(3), nullable=False),  # out: we gave it, in: we got it
    sa.Column("first_sequence", sa.BigInteger, nullable=False),
    sa.Column("last_sequence", sa.BigInteger, nullable=False),
    sa.Column("jws", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# A period of aggregate cells is released once per partner; a second release could be differenced with the first.
release = sa.Table(
    "release",
    metadata,
    sa.Column("stream_id", sa.String(64), primary_key=True),
    sa.Column("period_start", UtcDateTime, primary_key=True),
    sa.Column("period_end", UtcDateTime, nullable=False),
    sa.Column("peer", sa.String(200), nullable=False),
    sa.Column("dataset", sa.String(60), nullable=False),
    sa.Column("scope", sa.String(64), nullable=False),  # SHA-256 of all terms that shape the cells
    sa.Column("rows", JsonText, nullable=False),  # the row filter, to see whether another clause overlaps
    sa.Column("cells", JsonText, nullable=False),  # as released: another partner under equal terms gets the same
    sa.Column("refused", sa.Text),  # why the period was closed without a release
    sa.Column("released_at", UtcDateTime, nullable=False),
    sa.Column("cells_released", sa.Integer, nullable=False),
    sa.Column("cells_suppressed", sa.Integer, nullable=False),
    sa.Index("ix_release_peer_dataset", "peer", "dataset", "period_start"),
    sa.Index("ix_release_scope", "scope", "period_start"),
)

# A record is counted at most once for a partner, whatever clause or period it moves to.
released_record = sa.Table(
    "released_record",
    metadata,
    sa.Column("peer", sa.String(200), primary_key=True),
    sa.Column("dataset", sa.String(60), primary_key=True),
    sa.Column("record_id", sa.String(200), primary_key=True),
    sa.Column("stream_id", sa.String(64), nullable=False),
    sa.Column("period_start", UtcDateTime, nullable=False),
    sa.Index("ix_released_record_stream", "stream_id", "period_start"),
)
