"""Whose database this is, and whether it came from a backup."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import UtcDateTime

# One row. A node refuses a database that belongs to another participant.
node_info = sa.Table(
    "node_info",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("participant", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("backup_taken_at", UtcDateTime),  # state of the backup it was restored from; null where it never was
    sa.Column("restored_at", UtcDateTime),
)
