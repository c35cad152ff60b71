"""Who the partners are, which keys they hold, and what was already seen from them."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime

peer = sa.Table(
    "peer",
    metadata,
    sa.Column("participant", sa.String(200), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),  # scheme://host[:port], registered by the operator
    sa.Column("root_key", JsonText, nullable=False),  # public JWK of the offline root key
    sa.Column("must_sign", sa.Boolean, nullable=False),  # unsigned requests are refused (no downgrade)
    sa.Column("allow_private", sa.Boolean, nullable=False),  # its origin may resolve to a private address
    sa.Column("added_at", UtcDateTime, nullable=False),
    sa.Column("also_origins", JsonText),  # further origins its messages may name, e.g. a separate data host
    sa.Column("keys_checked_at", UtcDateTime),  # last time its list of keys was read and found in order
    sa.Column("keys_tried_at", UtcDateTime),  # last time it was asked for; claims the next turn
    sa.Column("keys_error", sa.Text),  # why the last try failed
    sa.Column("last_heard_at", UtcDateTime),
    sa.Column("alarm", sa.Text),  # why the peer is not trusted now, shown to the operator
)

peer_key = sa.Table(
    "peer_key",
    metadata,
    sa.Column("participant", sa.String(200), primary_key=True),
    sa.Column("kid", sa.String(100), primary_key=True),
    sa.Column("jwk", JsonText, nullable=False),
    sa.Column("certificate", sa.Text, nullable=False),  # JWS by the root key over the key and its validity
    sa.Column("valid_from", UtcDateTime, nullable=False),
    sa.Column("valid_until", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("revocation", sa.Text),  # JWS by the root key
    sa.Column("root_kid", sa.String(100)),  # which root key certified it
)

# Nonces and token ids that were accepted; a row outlives the time window in which it could be accepted again.
replay = sa.Table(
    "replay",
    metadata,
    sa.Column("participant", sa.String(200), primary_key=True),
    sa.Column("nonce", sa.String(200), primary_key=True),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# Tokens for the port's own systems (feeds, readers, operators); only their hashes are stored.
api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),  # feed, reader, operator
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
)
