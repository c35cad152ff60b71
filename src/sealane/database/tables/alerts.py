"""What needs attention, how people are told, and which cargo they follow."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime

# One row per thing that needs attention, from when it was noticed to when it was mended.
alert = sa.Table(
    "alert",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),  # what it is about, for instance a stream's id
    sa.Column("severity", sa.String(10), nullable=False),  # notice, warning, severe
    sa.Column("details", JsonText, nullable=False),  # values for the words of its kind
    sa.Column("link", sa.Text),  # path of the page that shows more
    sa.Column("user_id", sa.String(36)),  # only for this person; null for all who may see alerts
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("absent_since", UtcDateTime),  # not found any more since then; closes when that has lasted
    sa.Column("closed_at", UtcDateTime),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("acknowledged_by", sa.String(200)),
    sa.Column("note", sa.Text),  # what who acknowledged it wrote
    sa.Index("ix_alert_closed", "closed_at"),
    # What is open is open once, whoever looks at the same moment.
    sa.Index(
        "ix_alert_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)

# What happened to alerts, in order; each channel is told from where it stands. event: opened, worse, more, closed
alert_event = sa.Table(
    "alert_event",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("alert_id", sa.String(36), nullable=False, index=True),
    sa.Column("event", sa.String(10), nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("details", JsonText, nullable=False),  # as they were then
    sa.Column("at", UtcDateTime, nullable=False),
)

# Limits that people have set; nothing is assumed. kind: data-gap, exceedance
alert_limit = sa.Table(
    "alert_limit",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("terms", JsonText, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
)

# Address and secret are encrypted with a key that stands beside the node's keys, not in the database.
alert_channel = sa.Table(
    "alert_channel",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),  # email or webhook
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("shown", sa.Text, nullable=False),  # what may be shown of the address: of a URL its origin only
    sa.Column("target", sa.Text, nullable=False),  # e-mail address or URL, encrypted
    sa.Column("secret", sa.Text),  # signs webhooks, encrypted; shown once
    sa.Column("kinds", JsonText, nullable=False),  # kinds of alerts; empty for all
    sa.Column("language", sa.String(5), nullable=False),
    sa.Column("digest_minutes", sa.Integer, nullable=False),  # at most one message in so long
    sa.Column("user_id", sa.String(36)),  # a person's own channel, which also tells of cargo followed
    sa.Column("told_event", sa.BigInteger, nullable=False),  # the last event that is in a delivery or was passed over
    sa.Column("sent_at", UtcDateTime),
    sa.Column("failing_since", UtcDateTime),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("disabled_at", UtcDateTime),
)

# One message to one channel about one or more events. state: waiting -> sent | given_up
alert_delivery = sa.Table(
    "alert_delivery",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("channel_id", sa.String(36), nullable=False, index=True),
    sa.Column("events", JsonText, nullable=False),  # ids
    sa.Column("more", sa.Integer, nullable=False),  # events beyond those
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index("ix_alert_delivery_state", "state", "next_attempt_at"),
)

cargo_follow = sa.Table(
    "cargo_follow",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),  # equipment, bill-of-lading, booking, voyage
    sa.Column("reference", sa.String(120), nullable=False),
    sa.Column("seen_position", sa.BigInteger, nullable=False),  # newest record told of
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("user_id", "kind", "reference"),
)

# Checks of the log that people asked for on the exchange page. state: waiting -> running -> done | failed
exchange_check = sa.Table(
    "exchange_check",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),  # verify or reconcile
    sa.Column("peer", sa.String(200)),  # the partner whose log is compared
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("stage", sa.String(20)),
    sa.Column("done", sa.BigInteger),  # entries
    sa.Column("total", sa.BigInteger),
    sa.Column("outcome", JsonText),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index("ix_exchange_check_state", "state", "created_at"),
)
