"""Records of the data products, own and received, and documents with their versions."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import UtcDateTime

# One row per record and source. `source` is the participant the record came from; the port's own is its own id.
record = sa.Table(
    "record",
    metadata,
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("dataset", sa.String(60), primary_key=True),
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),  # gap-free per database; order of acceptance
    sa.Column("occurred_at", UtcDateTime),  # when what the record tells happened or will happen
    sa.Column("known_at", UtcDateTime, nullable=False),  # when its holder learnt it
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("port", sa.String(5)),  # UN/LOCODE
    sa.Column("terminal", sa.String(20)),  # SMDG or local facility code
    sa.Column("vessel_imo", sa.String(7)),
    sa.Column("voyage", sa.String(50)),
    sa.Column("equipment", sa.String(15)),  # ISO 6346 container number
    sa.Column("bill_of_lading", sa.String(100)),
    sa.Column("booking", sa.String(100)),
    sa.Column("public", sa.Boolean, nullable=False),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # JSON in UTF-8, as received
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("agreement_id", sa.String(120)),  # under which it was received
    sa.Column("agreement_version", sa.Integer),
    sa.Column("clause_id", sa.String(120)),
    sa.UniqueConstraint("position"),
    sa.Index("ix_record_dataset_position", "dataset", "position"),
    sa.Index("ix_record_equipment", "equipment"),
    sa.Index("ix_record_vessel", "vessel_imo", "occurred_at"),
    sa.Index("ix_record_bill_of_lading", "bill_of_lading"),
    sa.Index("ix_record_booking", "booking"),
    # Asked by anybody, without a login: must not lead through all that is held.
    sa.Index(
        "ix_record_public",
        "source",
        "dataset",
        "position",
        sqlite_where=sa.text("public = 1"),
        postgresql_where=sa.text("public"),
    ),
    # Every page that counts records or messages asks whether they are simulated, and says so.
    sa.Index(
        "ix_record_simulated",
        "source",
        "dataset",
        sqlite_where=sa.text("simulated = 1"),
        postgresql_where=sa.text("simulated"),
    ),
)

# One row: the last position given out. A row lock on it makes the order of commits the order of positions.
record_counter = sa.Table(
    "record_counter",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)

document = sa.Table(
    "document",
    metadata,
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("topic", sa.String(60), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("language", sa.String(10)),
    sa.Column("file_name", sa.String(200), nullable=False),
    sa.Column("public", sa.Boolean, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("added_at", UtcDateTime, nullable=False),
)
