"""The tamper-evident log: leaves, the hashes of whole subtrees, signed checkpoints."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import UtcDateTime

leaf = sa.Table(
    "ledger_leaf",
    metadata,
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("peer", sa.String(200)),  # the partner the entry concerns, who may ask for it
    sa.Column("subject", sa.String(300)),  # what a reader looks it up by, e.g. an event id
    sa.Column("entry", sa.LargeBinary, nullable=False),  # canonical JSON; the leaf hash is SHA-256(0x00 || entry)
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("logged_at", UtcDateTime, nullable=False),
    sa.Index("ix_ledger_leaf_peer", "peer", "position"),
    sa.Index("ix_ledger_leaf_subject", "subject"),
)

# Hash of every complete subtree above the leaves: (level 1 has pairs of leaves, and so on).
node = sa.Table(
    "ledger_node",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)

# One row; its lock gives appends an order.
head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
)

# Own checkpoints and those of partners, whom this node thereby witnesses.
checkpoint = sa.Table(
    "ledger_checkpoint",
    metadata,
    sa.Column("participant", sa.String(200), primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True),
    sa.Column("root", sa.String(64), primary_key=True),  # part of the key: two roots for one size is evidence
    sa.Column("jws", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),  # the time its signer wrote into it
    sa.Column("verified", sa.Boolean, nullable=False),  # consistent with the partner's earlier checkpoints
    sa.Column("contradiction", sa.Text),  # why it cannot belong to the log the partner showed before
    sa.Column("set_aside_at", UtcDateTime),  # the operator accepted the partner's log anew; kept as evidence only
)
