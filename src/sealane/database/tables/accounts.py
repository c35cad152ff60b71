"""People who use the pages: accounts, sessions, limits against guessing, and what they did."""

import sqlalchemy as sa

from sealane.database.tables.base import metadata
from sealane.database.types import JsonText, UtcDateTime

user_account = sa.Table(
    "user_account",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("login", sa.String(100), nullable=False, unique=True),  # lower case; what a person types
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("language", sa.String(10), nullable=False),
    sa.Column("units", sa.String(10), nullable=False),  # metric, metric-km, us, us-km
    sa.Column("theme", sa.String(10), nullable=False),  # system, light or dark
    # Who proves it is this person: the node (both null, then a row of user_password) or an OpenID provider.
    sa.Column("oidc_issuer", sa.Text),
    sa.Column("oidc_subject", sa.String(255)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
    sa.Column("last_login_at", UtcDateTime),
    sa.UniqueConstraint("oidc_issuer", "oidc_subject"),
)

# Apart from the account, so that nothing that lists people can come by a hash.
user_password = sa.Table(
    "user_password",
    metadata,
    sa.Column("user_id", sa.String(36), sa.ForeignKey("user_account.id"), primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),  # argon2id, with its parameters and salt
    sa.Column("set_at", UtcDateTime, nullable=False),
    sa.Column("temporary_until", UtcDateTime),  # given by an administrator: to be changed at the first login
)

# One row per browser that logged in. The cookie holds 256 random bits, the table only their SHA-256.
web_session = sa.Table(
    "web_session",
    metadata,
    sa.Column("id_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), sa.ForeignKey("user_account.id"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),  # however busy it is
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),  # what the browser calls itself
    sa.Column("ended_at", UtcDateTime),
    sa.Column("end_reason", sa.String(30)),
)

# Browsers in which a person has logged in before: guesses from elsewhere must not lock the person out of these.
known_browser = sa.Table(
    "known_browser",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # of a cookie that proves nothing but this
    sa.Column("user_id", sa.String(36), sa.ForeignKey("user_account.id"), nullable=False, index=True),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

# A login at an OpenID provider that has begun and waits for the browser to come back; used once.
oidc_login = sa.Table(
    "oidc_login",
    metadata,
    sa.Column("state_hash", sa.String(64), primary_key=True),
    sa.Column("browser_hash", sa.String(64), nullable=False),  # of the cookie that binds it to one browser
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("verifier", sa.String(128), nullable=False),  # PKCE
    sa.Column("next_path", sa.Text, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# How often something was tried, in the database so that it holds over workers and restarts.
rate_limit = sa.Table(
    "rate_limit",
    metadata,
    sa.Column("bucket", sa.String(64), primary_key=True),  # SHA-256 of what is counted: names stay out of the table
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("blocked_until", UtcDateTime),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# What people did. Triggers refuse to change or remove a row (sealane.database.wall); so it has no foreign keys.
audit_entry = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("user_id", sa.String(36)),  # null: nobody logged in, a token, or the command line
    sa.Column("actor", sa.Text, nullable=False),  # login, name of a token, or the account of the machine
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("action", sa.String(60), nullable=False, index=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("details", JsonText, nullable=False),
    sa.Column("request_id", sa.String(36)),
    # Who may write an entry may not read it, and PostgreSQL counts RETURNING as reading.
    implicit_returning=False,
)
