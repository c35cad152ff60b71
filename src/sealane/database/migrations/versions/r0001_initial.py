"""All tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "agreement",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("proposed_by", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("in_force_at", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("retired_by", sa.String(length=200), nullable=True),
        sa.Column("retire_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_agreement")),
    )
    op.create_table(
        "agreement_activity",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("agreement_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_activity")),
    )
    op.create_index(op.f("ix_agreement_activity_agreement_id"), "agreement_activity", ["agreement_id"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_token_hash")),
    )
    op.create_table(
        "decision",
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=240), nullable=False),
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("dataset", sa.String(length=60), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("agreement_id", sa.String(length=120), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("clause_id", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("granularity", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("withheld_fields", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "event_id", name=op.f("pk_decision")),
    )
    op.create_index("ix_decision_record", "decision", ["dataset", "record_id"], unique=False)
    op.create_table(
        "document",
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", "version", name=op.f("pk_document")),
    )
    op.create_table(
        "dsp_negotiation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("peer_pid", sa.String(length=200), nullable=True),
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("dataset", sa.String(length=200), nullable=True),
        sa.Column("agreement_id", sa.String(length=120), nullable=True),
        sa.Column("agreement_version", sa.Integer(), nullable=True),
        sa.Column("clause_id", sa.String(length=120), nullable=True),
        sa.Column("pending", sa.String(length=20), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=True),
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.Column("agreement_ref", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dsp_negotiation")),
        sa.UniqueConstraint("role", "peer", "peer_pid", name=op.f("uq_dsp_negotiation_role_peer_peer_pid")),
    )
    op.create_index(op.f("ix_dsp_negotiation_agreement_ref"), "dsp_negotiation", ["agreement_ref"], unique=False)
    op.create_index(op.f("ix_dsp_negotiation_next_at"), "dsp_negotiation", ["next_at"], unique=False)
    op.create_table(
        "dsp_transfer",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("peer_pid", sa.String(length=200), nullable=True),
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("dataset", sa.String(length=200), nullable=True),
        sa.Column("agreement_id", sa.String(length=120), nullable=True),
        sa.Column("agreement_version", sa.Integer(), nullable=True),
        sa.Column("clause_id", sa.String(length=120), nullable=True),
        sa.Column("pending", sa.String(length=20), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("agreement_ref", sa.String(length=200), nullable=False),
        sa.Column("format", sa.String(length=60), nullable=False),
        sa.Column("data_address", sa.Text(), nullable=True),
        sa.Column("suspended_by", sa.String(length=10), nullable=True),
        sa.Column("stream_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dsp_transfer")),
        sa.UniqueConstraint("role", "peer", "peer_pid", name=op.f("uq_dsp_transfer_role_peer_peer_pid")),
    )
    op.create_index(op.f("ix_dsp_transfer_agreement_ref"), "dsp_transfer", ["agreement_ref"], unique=False)
    op.create_index(op.f("ix_dsp_transfer_next_at"), "dsp_transfer", ["next_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("event_id", sa.String(length=240), nullable=False),
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index("ix_inbox_stream_sequence", "inbox", ["stream_id", "sequence"], unique=False)
    op.create_table(
        "ledger_checkpoint",
        sa.Column("participant", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("contradiction", sa.Text(), nullable=True),
        sa.Column("set_aside_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("participant", "size", "root", name=op.f("pk_ledger_checkpoint")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_leaf",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("peer", sa.String(length=200), nullable=True),
        sa.Column("subject", sa.String(length=300), nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("logged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_leaf")),
    )
    op.create_index("ix_ledger_leaf_peer", "ledger_leaf", ["peer", "position"], unique=False)
    op.create_index("ix_ledger_leaf_subject", "ledger_leaf", ["subject"], unique=False)
    op.create_table(
        "ledger_node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_ledger_node")),
    )
    op.create_table(
        "node_info",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_info")),
    )
    op.create_table(
        "peer",
        sa.Column("participant", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("root_key", sa.Text(), nullable=False),
        sa.Column("must_sign", sa.Boolean(), nullable=False),
        sa.Column("allow_private", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("also_origins", sa.Text(), nullable=True),
        sa.Column("keys_checked_at", sa.BigInteger(), nullable=True),
        sa.Column("keys_tried_at", sa.BigInteger(), nullable=True),
        sa.Column("keys_error", sa.Text(), nullable=True),
        sa.Column("last_heard_at", sa.BigInteger(), nullable=True),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("participant", name=op.f("pk_peer")),
    )
    op.create_table(
        "peer_key",
        sa.Column("participant", sa.String(length=200), nullable=False),
        sa.Column("kid", sa.String(length=100), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revocation", sa.Text(), nullable=True),
        sa.Column("root_kid", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("participant", "kid", name=op.f("pk_peer_key")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
    )
    op.create_index(op.f("ix_receipt_stream_id"), "receipt", ["stream_id"], unique=False)
    op.create_table(
        "record",
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("dataset", sa.String(length=60), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("port", sa.String(length=5), nullable=True),
        sa.Column("terminal", sa.String(length=20), nullable=True),
        sa.Column("vessel_imo", sa.String(length=7), nullable=True),
        sa.Column("voyage", sa.String(length=50), nullable=True),
        sa.Column("equipment", sa.String(length=15), nullable=True),
        sa.Column("bill_of_lading", sa.String(length=100), nullable=True),
        sa.Column("booking", sa.String(length=100), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("agreement_id", sa.String(length=120), nullable=True),
        sa.Column("agreement_version", sa.Integer(), nullable=True),
        sa.Column("clause_id", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("source", "dataset", "id", name=op.f("pk_record")),
        sa.UniqueConstraint("position", name=op.f("uq_record_position")),
    )
    op.create_index("ix_record_bill_of_lading", "record", ["bill_of_lading"], unique=False)
    op.create_index("ix_record_booking", "record", ["booking"], unique=False)
    op.create_index("ix_record_dataset_position", "record", ["dataset", "position"], unique=False)
    op.create_index("ix_record_equipment", "record", ["equipment"], unique=False)
    op.create_index("ix_record_vessel", "record", ["vessel_imo", "occurred_at"], unique=False)
    op.create_table(
        "record_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_counter")),
    )
    op.create_table(
        "release",
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("period_start", sa.BigInteger(), nullable=False),
        sa.Column("period_end", sa.BigInteger(), nullable=False),
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("dataset", sa.String(length=60), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.Column("cells_released", sa.Integer(), nullable=False),
        sa.Column("cells_suppressed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "period_start", name=op.f("pk_release")),
    )
    op.create_index("ix_release_peer_dataset", "release", ["peer", "dataset", "period_start"], unique=False)
    op.create_index("ix_release_scope", "release", ["scope", "period_start"], unique=False)
    op.create_table(
        "released_record",
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("dataset", sa.String(length=60), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("period_start", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("peer", "dataset", "record_id", name=op.f("pk_released_record")),
    )
    op.create_index("ix_released_record_stream", "released_record", ["stream_id", "period_start"], unique=False)
    op.create_table(
        "replay",
        sa.Column("participant", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("participant", "nonce", name=op.f("pk_replay")),
    )
    op.create_index(op.f("ix_replay_expires_at"), "replay", ["expires_at"], unique=False)
    op.create_table(
        "stream",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("agreement_id", sa.String(length=120), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("clause_id", sa.String(length=120), nullable=False),
        sa.Column("dataset", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("granularity", sa.String(length=20), nullable=False),
        sa.Column("transfer_id", sa.String(length=64), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("scanned_position", sa.BigInteger(), nullable=False),
        sa.Column("next_sequence", sa.BigInteger(), nullable=False),
        sa.Column("acked_sequence", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.String(length=64), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream")),
    )
    op.create_index(op.f("ix_stream_peer"), "stream", ["peer"], unique=False)
    op.create_table(
        "agreement_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement_id", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "version"],
            ["agreement.id", "agreement.version"],
            name=op.f("fk_agreement_message_agreement_id_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_message")),
        sa.UniqueConstraint(
            "agreement_id", "version", "peer", "kind", name=op.f("uq_agreement_message_agreement_id_version_peer_kind")
        ),
    )
    op.create_index("ix_agreement_message_state", "agreement_message", ["state", "next_attempt_at"], unique=False)
    op.create_table(
        "agreement_signature",
        sa.Column("agreement_id", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "version"],
            ["agreement.id", "agreement.version"],
            name=op.f("fk_agreement_signature_agreement_id_version"),
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "version", "participant", "purpose", name=op.f("pk_agreement_signature")
        ),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("record_position", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.String(length=240), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], name=op.f("fk_outbox_stream_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("stream_id", "event_id", name=op.f("uq_outbox_stream_id_event_id")),
    )
    op.create_index("ix_outbox_stream_sequence", "outbox", ["stream_id", "sequence"], unique=False)
    op.create_index("ix_outbox_stream_state", "outbox", ["stream_id", "state", "due_at", "id"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_outbox_stream_state", table_name="outbox")
    op.drop_index("ix_outbox_stream_sequence", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("agreement_signature")
    op.drop_index("ix_agreement_message_state", table_name="agreement_message")
    op.drop_table("agreement_message")
    op.drop_index(op.f("ix_stream_peer"), table_name="stream")
    op.drop_table("stream")
    op.drop_index(op.f("ix_replay_expires_at"), table_name="replay")
    op.drop_table("replay")
    op.drop_index("ix_released_record_stream", table_name="released_record")
    op.drop_table("released_record")
    op.drop_index("ix_release_scope", table_name="release")
    op.drop_index("ix_release_peer_dataset", table_name="release")
    op.drop_table("release")
    op.drop_table("record_counter")
    op.drop_index("ix_record_vessel", table_name="record")
    op.drop_index("ix_record_equipment", table_name="record")
    op.drop_index("ix_record_dataset_position", table_name="record")
    op.drop_index("ix_record_booking", table_name="record")
    op.drop_index("ix_record_bill_of_lading", table_name="record")
    op.drop_table("record")
    op.drop_index(op.f("ix_receipt_stream_id"), table_name="receipt")
    op.drop_table("receipt")
    op.drop_table("peer_key")
    op.drop_table("peer")
    op.drop_table("node_info")
    op.drop_table("ledger_node")
    op.drop_index("ix_ledger_leaf_subject", table_name="ledger_leaf")
    op.drop_index("ix_ledger_leaf_peer", table_name="ledger_leaf")
    op.drop_table("ledger_leaf")
    op.drop_table("ledger_head")
    op.drop_table("ledger_checkpoint")
    op.drop_index("ix_inbox_stream_sequence", table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(op.f("ix_dsp_transfer_next_at"), table_name="dsp_transfer")
    op.drop_index(op.f("ix_dsp_transfer_agreement_ref"), table_name="dsp_transfer")
    op.drop_table("dsp_transfer")
    op.drop_index(op.f("ix_dsp_negotiation_next_at"), table_name="dsp_negotiation")
    op.drop_index(op.f("ix_dsp_negotiation_agreement_ref"), table_name="dsp_negotiation")
    op.drop_table("dsp_negotiation")
    op.drop_table("document")
    op.drop_index("ix_decision_record", table_name="decision")
    op.drop_table("decision")
    op.drop_table("api_token")
    op.drop_index(op.f("ix_agreement_activity_agreement_id"), table_name="agreement_activity")
    op.drop_table("agreement_activity")
    op.drop_table("agreement")
