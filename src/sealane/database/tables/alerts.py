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
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("acknowledged_by", sa.String(200)),
    sa.Index("ix_alert_open", "closed_at", "kind"),
    sa.Index("ix_alert_subject", "kind", "subject"),
)

# Limits that people have set; nothing is assumed. kind: data_gap, exceedance, stream_lag ...
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

alert_channel = sa.Table(
    "alert_channel",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),  # email or webhook
    sa.Column("target", sa.Text, nullable=False),  # address or URL
    sa.Column("kinds", JsonText, nullable=False),  # kinds of alerts; empty for all
    sa.Column("language", sa.String(5), nullable=False),
    sa.Column("secret", sa.Text),  # signs webhooks; shown once
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("disabled_at", UtcDateTime),
)

# state: waiting -> sent | given_up
alert_delivery = sa.Table(
    "alert_delivery",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("alert_id", sa.String(36), nullable=False, index=True),
    sa.Column("channel_id", sa.String(36), nullable=False),
    sa.Column("event", sa.String(20), nullable=False),  # opened or closed
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("alert_id", "channel_id", "event"),
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
