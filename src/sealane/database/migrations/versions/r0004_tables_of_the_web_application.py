"""Tables of the web application, and the wall: row-level security in PostgreSQL, an audit that only grows."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


_VIEWER = "(SELECT current_setting('sealane.viewer', true))"


def _is(*roles: str) -> str:
    return f"(SELECT current_setting('sealane.wall', true) IN ({', '.join(repr(role) for role in roles)}))"


_KNOWN = ("guest", "analyst", "steward", "officer", "administrator", "feed", "reader", "operator", "monitor")
_STAFF = _is("analyst", "steward", "officer", "administrator")
_READERS = _is("analyst", "steward", "officer", "administrator", "reader", "operator")
_OR_PUBLIC = f"{_READERS} OR (public AND {_is(*_KNOWN)})"
_STEWARDS = _is("steward", "administrator")
_WRITERS = _is("steward", "administrator", "feed", "operator")
_EDITORS = _is("steward", "officer", "administrator")
_ADMINISTRATOR = _is("administrator")
_OWN = f"{_is(*_KNOWN[1:5])} AND user_id = {_VIEWER}"
_OWN_OR_ADMIN = f"{_ADMINISTRATOR} OR ({_OWN})"
_ALERTS = f"{_READERS} AND (user_id IS NULL OR user_id = {_VIEWER})"
_MY_CHANNEL = "EXISTS (SELECT 1 FROM alert_channel WHERE alert_channel.id = channel_id)"
_ACTORS = _is("officer", "administrator", "operator")
_OFFICER = _is("officer")
# table: who may read, insert, change (update and delete), only update its rows
_WALLS = {
    "record": (_OR_PUBLIC, _WRITERS, _WRITERS, None),
    "document": (_OR_PUBLIC, _EDITORS, _EDITORS, None),
    "result": (_OR_PUBLIC, _STAFF, _STAFF, None),
    "data_import": (_STAFF, _STEWARDS, _STEWARDS, None),
    "import_record": (_STEWARDS, _STEWARDS, _STEWARDS, None),
    "task": (_STAFF, _STAFF, _STAFF, None),
    "alert": (_ALERTS, None, f"{_STAFF} AND ({_ALERTS})", None),
    "alert_event": ("EXISTS (SELECT 1 FROM alert WHERE alert.id = alert_id)", None, None, None),
    "alert_limit": (_READERS, _EDITORS, _EDITORS, None),
    "alert_channel": (_OWN_OR_ADMIN, _OWN_OR_ADMIN, _OWN_OR_ADMIN, None),
    "alert_delivery": (_MY_CHANNEL, None, _MY_CHANNEL, None),
    "exchange_check": (_READERS, _ACTORS, _ACTORS, None),
    "cargo_follow": (_OWN, _OWN, _OWN, None),
    "api_token": (_ADMINISTRATOR, None, None, None),
    "user_account": (f"{_ADMINISTRATOR} OR ({_is(*_KNOWN)} AND id = {_VIEWER})", None, None, None),
    "web_session": (_OWN_OR_ADMIN, None, None, None),
    "audit_entry": (
        _ADMINISTRATOR,
        f"{_is(*_KNOWN[1:])} AND coalesce(user_id, '') = coalesce({_VIEWER}, '')",
        None,
        None,
    ),
    "agreement": (_READERS, _OFFICER, None, _OFFICER),
    "agreement_signature": (_READERS, _OFFICER, None, None),
    "agreement_message": (_READERS, _OFFICER, None, _OFFICER),
    "agreement_activity": (_READERS, _is("steward", "officer"), None, None),
    "outbox": (_READERS, _ACTORS, None, _ACTORS),
    "ledger_head": (_READERS, _ACTORS, None, _ACTORS),
    "record_counter": (_STEWARDS, _STEWARDS, None, _STEWARDS),
    **dict.fromkeys(("ledger_leaf", "ledger_node"), (_READERS, _ACTORS, None, None)),
    **dict.fromkeys(("stream", "dsp_transfer", "peer", "ledger_checkpoint"), (_READERS, None, None, _ACTORS)),
    **dict.fromkeys(("inbox", "decision", "receipt", "release", "released_record"), (_READERS, None, None, None)),
    **dict.fromkeys(("dsp_negotiation", "peer_key", "node_info"), (_READERS, None, None, None)),
    **dict.fromkeys(("user_password", "known_browser", "oidc_login", "rate_limit"), (None, None, None, None)),
    **dict.fromkeys(("answered_request", "replay"), (None, None, None, None)),
}


def _build_walls() -> None:
    for table, (read, insert, change, update) in _WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY wall_node ON {table} USING ({_is('node')}) WITH CHECK ({_is('node')})")
        if read:
            op.execute(f"CREATE POLICY wall_read ON {table} FOR SELECT USING ({read})")
        if insert:
            op.execute(f"CREATE POLICY wall_insert ON {table} FOR INSERT WITH CHECK ({insert})")
        if may := change or update:
            op.execute(f"CREATE POLICY wall_update ON {table} FOR UPDATE USING ({may}) WITH CHECK ({may})")
        if change:
            op.execute(f"CREATE POLICY wall_delete ON {table} FOR DELETE USING ({change})")
    op.execute(
        "CREATE FUNCTION audit_entry_kept() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'audit entries are never changed or removed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_kept()"
    )


def _take_walls_down() -> None:
    for table in _WALLS:
        for name in ("node", "read", "insert", "update", "delete"):
            op.execute(f"DROP POLICY IF EXISTS wall_{name} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION audit_entry_kept() CASCADE")


def upgrade() -> None:
    """Go forward."""
    lite, large = sa.text("simulated = 1"), sa.text("simulated")
    op.create_index("ix_record_simulated", "record", ["source", "dataset"], sqlite_where=lite, postgresql_where=large)
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("absent_since", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_closed", ["closed_at"], unique=False)
        batch_op.create_index(
            "ix_alert_open",
            ["kind", "subject"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "alert_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=10), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_event")),
    )
    with op.batch_alter_table("alert_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_event_alert_id"), ["alert_id"], unique=False)

    op.create_table(
        "alert_channel",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("digest_minutes", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("told_event", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_channel")),
    )
    op.create_table(
        "alert_delivery",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("channel_id", sa.String(length=36), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_delivery")),
    )
    with op.batch_alter_table("alert_delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_delivery_channel_id"), ["channel_id"], unique=False)
        batch_op.create_index("ix_alert_delivery_state", ["state", "next_attempt_at"], unique=False)

    op.create_table(
        "alert_limit",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_limit")),
    )
    op.create_table(
        "exchange_check",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("peer", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_check")),
    )
    with op.batch_alter_table("exchange_check", schema=None) as batch_op:
        batch_op.create_index("ix_exchange_check_state", ["state", "created_at"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_at"), ["at"], unique=False)

    op.create_table(
        "cargo_follow",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("seen_position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cargo_follow")),
        sa.UniqueConstraint("user_id", "kind", "reference", name=op.f("uq_cargo_follow_user_id_kind_reference")),
    )
    op.create_table(
        "data_import",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("accepted_rows", sa.BigInteger(), nullable=True),
        sa.Column("rejected_rows", sa.BigInteger(), nullable=True),
        sa.Column("preview", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("task_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=100), nullable=True),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("applied_records", sa.BigInteger(), nullable=False),
        sa.Column("emptied_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_import")),
        sa.UniqueConstraint("created_by", "idempotency_key", name=op.f("uq_data_import_created_by_idempotency_key")),
    )
    with op.batch_alter_table("data_import", schema=None) as batch_op:
        batch_op.create_index("ix_data_import_state", ["state", "changed_at"], unique=False)

    op.create_table(
        "import_record",
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("dataset", sa.String(length=60), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("replaced", sa.LargeBinary(), nullable=True),
        sa.Column("replaced_known_at", sa.BigInteger(), nullable=True),
        sa.Column("replaced_public", sa.Boolean(), nullable=True),
        sa.Column("replaced_simulated", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "source", "dataset", "record_id", name=op.f("pk_import_record")),
    )
    op.create_table(
        "oidc_login",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oidc_login")),
    )
    with op.batch_alter_table("oidc_login", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_oidc_login_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "rate_limit",
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_rate_limit")),
    )
    with op.batch_alter_table("rate_limit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rate_limit_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "result",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("port", sa.String(length=5), nullable=True),
        sa.Column("corridor", sa.String(length=120), nullable=True),
        sa.Column("begins_at", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("method_edition", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=True),
        sa.Column("import_id", sa.String(length=36), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
    )
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.create_index("ix_result_corridor", ["corridor", "kind"], unique=False)
        batch_op.create_index("ix_result_kind_port", ["kind", "port", "begins_at"], unique=False)

    op.create_table(
        "task",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result_id", sa.String(length=36), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("import_id", sa.String(length=36), nullable=True),
        sa.Column("runner", sa.String(length=36), nullable=True),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=True),
        sa.Column("cancel_asked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index("ix_task_state", ["state", "created_at"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("units", sa.String(length=10), nullable=False),
        sa.Column("theme", sa.String(length=10), nullable=False),
        sa.Column("oidc_issuer", sa.Text(), nullable=True),
        sa.Column("oidc_subject", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("last_login_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("login", name=op.f("uq_user_account_login")),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name=op.f("uq_user_account_oidc_issuer_oidc_subject")),
    )
    op.create_table(
        "user_password",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("temporary_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_user_password_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_password")),
    )
    op.create_table(
        "known_browser",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_known_browser_user_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_known_browser")),
    )
    with op.batch_alter_table("known_browser", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_browser_user_id"), ["user_id"], unique=False)

    op.create_table(
        "web_session",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=30), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_web_session_user_id")),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_web_session")),
    )
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_web_session_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_web_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "answered_request",
        sa.Column("owner", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_answered_request")),
    )
    with op.batch_alter_table("answered_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answered_request_at"), ["at"], unique=False)

    if op.get_bind().dialect.name == "postgresql":
        _build_walls()
    else:
        op.execute(
            "CREATE TRIGGER audit_entry_unchanged BEFORE UPDATE ON audit_entry"
            " BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END"
        )
        op.execute(
            "CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry"
            " BEGIN SELECT RAISE(ABORT, 'audit entries are never removed'); END"
        )


def downgrade() -> None:
    """Go back."""
    if op.get_bind().dialect.name == "postgresql":
        _take_walls_down()
    op.drop_index("ix_record_simulated", "record")
    with op.batch_alter_table("answered_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answered_request_at"))

    op.drop_table("answered_request")
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_web_session_user_id"))
        batch_op.drop_index(batch_op.f("ix_web_session_expires_at"))

    op.drop_table("web_session")
    op.drop_table("known_browser")
    op.drop_table("user_password")
    op.drop_table("user_account")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index("ix_task_state")

    op.drop_table("task")
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_index("ix_result_kind_port")
        batch_op.drop_index("ix_result_corridor")

    op.drop_table("result")
    with op.batch_alter_table("rate_limit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rate_limit_expires_at"))

    op.drop_table("rate_limit")
    with op.batch_alter_table("oidc_login", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_oidc_login_expires_at"))

    op.drop_table("oidc_login")
    op.drop_table("import_record")
    with op.batch_alter_table("data_import", schema=None) as batch_op:
        batch_op.drop_index("ix_data_import_state")

    op.drop_table("data_import")
    op.drop_table("cargo_follow")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_at"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_action"))

    op.drop_table("audit_entry")
    op.drop_table("exchange_check")
    op.drop_table("alert_limit")
    op.drop_table("alert_delivery")
    op.drop_table("alert_channel")
    op.drop_table("alert_event")
    op.drop_table("alert")
