"""Results of runs that the node keeps, uploads, and long work."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime

# One row per kept result; its files stand in the node's folder under results/<id>.
result = sa.Table(
    "result",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),  # inventory, lane, arrival, scenario, comparison, plan
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("port", sa.String(5)),  # UN/LOCODE
    sa.Column("corridor", sa.String(120)),  # id of the corridor document
    sa.Column("begins_at", UtcDateTime),  # period it speaks of, half-open
    sa.Column("ends_at", UtcDateTime),
    sa.Column("simulated", sa.Boolean, nullable=False),
    sa.Column("public", sa.Boolean, nullable=False),  # guests may see it
    sa.Column("method_edition", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 over names and contents of its files
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200)),  # login; null from the command line
    sa.Column("import_id", sa.String(36)),
    sa.Column("removed_at", UtcDateTime),
    sa.Column("removed_by", sa.String(200)),
    sa.Index("ix_result_kind_port", "kind", "port", "begins_at"),
    sa.Index("ix_result_corridor", "corridor", "kind"),
)

# state: receiving -> checking -> ready -> applying -> applied -> undone; or failed, cancelled
data_import = sa.Table(
    "data_import",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("file_name", sa.String(255), nullable=False),  # as the sender calls it; never a path
    sa.Column("options", JsonText, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("received_bytes", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64)),
    sa.Column("accepted_rows", sa.BigInteger),
    sa.Column("rejected_rows", sa.BigInteger),
    sa.Column("preview", JsonText),
    sa.Column("outcome", JsonText),  # what applying changed, or why it failed
    sa.Column("task_id", sa.String(36)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("changes", sa.BigInteger, nullable=False),  # counts on with each change; id of its events
    sa.Column("idempotency_key", sa.String(100)),
    sa.Column("applied_at", UtcDateTime),
    sa.Column("applied_records", sa.BigInteger, nullable=False),  # of a data product: how far applying has come
    sa.Column("emptied_at", UtcDateTime),  # since when its files are gone
    sa.UniqueConstraint("created_by", "idempotency_key"),
    sa.Index("ix_data_import_state", "state", "changed_at"),
)

# Which records an import brought, so that it can be undone.
import_record = sa.Table(
    "import_record",
    metadata,
    sa.Column("import_id", sa.String(36), primary_key=True),
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("dataset", sa.String(60), primary_key=True),
    sa.Column("record_id", sa.String(200), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),  # given out to the record; another one since is a revision
    sa.Column("replaced", sa.LargeBinary),  # body of the record it took the place of
    sa.Column("replaced_known_at", UtcDateTime),
    sa.Column("replaced_public", sa.Boolean),
    sa.Column("replaced_simulated", sa.Boolean),
)

# state: waiting -> running -> done | failed | cancelled
task = sa.Table(
    "task",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("arguments", JsonText, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("stage", sa.String(60)),
    sa.Column("done", sa.BigInteger),
    sa.Column("total", sa.BigInteger),
    sa.Column("error", JsonText),  # title and faults
    sa.Column("result_id", sa.String(36)),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("changes", sa.BigInteger, nullable=False),  # counts on with each change; id of its events
    sa.Column("import_id", sa.String(36)),
    sa.Column("runner", sa.String(36)),  # who does it now; nobody else may finish it
    sa.Column("heartbeat_at", UtcDateTime),  # last sign of life of the runner
    sa.Column("cancel_asked_at", UtcDateTime),
    sa.Index("ix_task_state", "state", "created_at"),
)

# What was answered to requests with an Idempotency-Key; without a status it is under way, or was cut off.
answered_request = sa.Table(
    "answered_request",
    metadata,
    sa.Column("owner", sa.String(300), primary_key=True),
    sa.Column("key", sa.String(100), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),  # of method, address and body
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.LargeBinary),  # null where it holds a secret
)
