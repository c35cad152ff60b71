"""Contract negotiations and transfer processes of the Dataspace Protocol, both roles.

``pending`` names the message that still has to reach the peer; ``next_at`` is when it is tried (again) or, while
nothing is pending, when the peer is asked for its state. ``revision`` counts changes, so that the answer to a message
sent outside of any transaction never overwrites what happened meanwhile.
"""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime


def _process_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.String(64), primary_key=True),  # pid on this side
        sa.Column("role", sa.String(10), nullable=False),  # provider or consumer
        sa.Column("peer_pid", sa.String(200)),
        sa.Column("peer", sa.String(200), nullable=False),
        sa.Column("callback", sa.Text, nullable=False),  # base address of the peer's endpoints
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("dataset", sa.String(200)),
        sa.Column("agreement_id", sa.String(120)),  # the clause it is about; null for what no clause stands behind
        sa.Column("agreement_version", sa.Integer),
        sa.Column("clause_id", sa.String(120)),
        sa.Column("pending", sa.String(20)),
        sa.Column("next_at", UtcDateTime, index=True),
        sa.Column("deadline_at", UtcDateTime),  # a waiting state ends here
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),  # why it was ended or suspended, from either side
        sa.Column("last_error", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
    ]


negotiation = sa.Table(
    "dsp_negotiation",
    metadata,
    *_process_columns(),
    sa.Column("offer", JsonText),  # as asked for
    sa.Column("agreement", JsonText),  # DSP agreement, with its @id
    sa.Column("agreement_ref", sa.String(200), index=True),
    sa.UniqueConstraint("role", "peer", "peer_pid"),
)

transfer = sa.Table(
    "dsp_transfer",
    metadata,
    *_process_columns(),
    sa.Column("agreement_ref", sa.String(200), nullable=False, index=True),
    sa.Column("format", sa.String(60), nullable=False),
    sa.Column("data_address", JsonText),
    sa.Column("suspended_by", sa.String(10)),  # role of who suspended it and may resume it
    sa.Column("stream_id", sa.String(64)),
    sa.UniqueConstraint("role", "peer", "peer_pid"),
)
