"""Agreements in every version, their signatures, their messages to partners and what was done under them."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime

# state: draft -> proposed -> in_force -> superseded | retired; or declined (sealane.exchange.agreement_states)
agreement = sa.Table(
    "agreement",
    metadata,
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),  # the exact bytes that are signed
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the bytes, hex
    sa.Column("valid_from", UtcDateTime, nullable=False),
    sa.Column("valid_until", UtcDateTime),  # exclusive
    sa.Column("proposed_by", sa.String(200)),  # participant id; null for a draft
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("in_force_at", UtcDateTime),  # when this node held the last signature; stays when it ends
    # Who ended it and why, for the states retired and declined.
    sa.Column("retired_at", UtcDateTime),
    sa.Column("retired_by", sa.String(200)),  # participant id
    sa.Column("retire_reason", sa.Text),
)

agreement_signature = sa.Table(
    "agreement_signature",
    metadata,
    sa.Column("agreement_id", sa.String(120), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("participant", sa.String(200), primary_key=True),
    sa.Column("purpose", sa.String(20), primary_key=True),  # sign, retire or decline
    sa.Column("jws", sa.Text, nullable=False),
    sa.Column("signed_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["agreement_id", "version"], ["agreement.id", "agreement.version"]),
)

# What a partner is still to be told; state: pending -> delivered | refused (the partner said no) | failed (given up).
agreement_message = sa.Table(
    "agreement_message",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("agreement_id", sa.String(120), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("peer", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),  # proposal, signature, retirement or decline
    sa.Column("jws", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("agreement_id", "version", "peer", "kind"),
    sa.Index("ix_agreement_message_state", "state", "next_attempt_at"),
    sa.ForeignKeyConstraint(["agreement_id", "version"], ["agreement.id", "agreement.version"]),
)

# Visits, meetings, workshops, studies, trials, and reports on commitments: what was done under an agreement.
agreement_activity = sa.Table(
    "agreement_activity",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("agreement_id", sa.String(120), nullable=False, index=True),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("details", JsonText, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)
