"""Contract negotiations and transfer processes of the Dataspace Protocol, both roles."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime

negotiation = sa.Table(
    "dsp_negotiation",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # pid on this side
    sa.Column("role", sa.String(10), nullable=False),  # provider or consumer
    sa.Column("peer_pid", sa.String(200)),
    sa.Column("peer", sa.String(200), nullable=False),
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("dataset", sa.String(200)),
    sa.Column("offer", JsonText),
    sa.Column("agreement", JsonText),  # DSP agreement, with its @id
    sa.Column("agreement_ref", sa.String(200), index=True),
    sa.Column("deadline_at", UtcDateTime),  # a waiting state ends here
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

transfer = sa.Table(
    "dsp_transfer",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("peer_pid", sa.String(200)),
    sa.Column("peer", sa.String(200), nullable=False),
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("agreement_ref", sa.String(200), nullable=False, index=True),
    sa.Column("format", sa.String(60), nullable=False),
    sa.Column("data_address", JsonText),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("stream_id", sa.String(64)),
    sa.Column("deadline_at", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)
