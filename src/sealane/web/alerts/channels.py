"""Channels: how people are told, by e-mail or webhook; what they subscribe to, and what may be shown of them."""

from __future__ import annotations

import base64
import datetime as dt
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.alerts import alert_channel as table
from sealane.database.tables.alerts import alert_delivery, alert_event
from sealane.errors import DataError, Fault, Phrase, RequestRefusedError
from sealane.exchange.addresses import origin_of
from sealane.exchange.outbound import check_public_url
from sealane.node.context import Node
from sealane.node.settings import EMAIL
from sealane.web.alerts import vault
from sealane.web.alerts.kinds import AlertKind
from sealane.web.words import LANGUAGES

MAX_CHANNELS = 100
MAX_DIGEST_MINUTES = 1_440
SECRET_PREFIX = "whsec_"  # as the Standard Webhooks specification marks the secrets it signs with
SECRET_BYTES = 32


class ChannelKind(StrEnum):
    """Way of telling."""

    EMAIL = "email"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class Channel:
    """A channel; neither a webhook's whole address nor its secret are in it.

    Attributes
    ----------
    shown : e-mail address, or scheme and host of the webhook.
    kinds : kinds of alerts it is told of; empty for all.
    digest_minutes : at most one message in so long; what happens meanwhile goes into the next.
    user_id : a person's own channel; None for one of the node.
    failing_since : the last try failed, and every one since then.
    """

    id: str
    kind: ChannelKind
    name: str
    shown: str
    kinds: tuple[str, ...]
    language: str
    digest_minutes: int
    user_id: str | None
    told_event: int
    sent_at: dt.datetime | None
    failing_since: dt.datetime | None
    last_error: str | None
    created_at: dt.datetime
    created_by: str
    disabled_at: dt.datetime | None


@dataclass(frozen=True)
class Made:
    """A new channel, and for a webhook the secret it signs with, which is never shown again."""

    channel: Channel
    secret: str | None


def add_channel(
    node: Node,
    connection: sa.Connection,
    *,
    kind: ChannelKind,
    name: str,
    target: str,
    kinds: Sequence[str] = (),
    language: str = "en",
    digest_minutes: int = 10,
    user_id: str | None = None,
    by: str,
    now: dt.datetime,
) -> Made:
    """Make a channel; it is told of what happens from now on.

    Parameters
    ----------
    target : e-mail address, or https URL.
    user_id : whose own channel it is; such a one also tells of the cargo that the person follows.

    Raises
    ------
    DataError
        With everything that is wrong.
    """
    name = " ".join(name.split())
    faults = list(_faults(node, kind, name, target, kinds, language, digest_minutes))
    if (connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0) >= MAX_CHANNELS:
        faults.append(
            Fault(
                "channels",
                Phrase("there are %(max_channels)s already", max_channels=MAX_CHANNELS),
                Phrase("Remove one first"),
            )
        )
    if faults:
        raise DataError(Phrase("The channel cannot be made."), faults)
    channel_id = str(uuid.uuid4())
    secret = None
    if kind is ChannelKind.WEBHOOK:
        target = check_public_url(target, node.settings.alert_private)
        secret = SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode("ascii")
    connection.execute(
        table.insert().values(
            id=channel_id,
            kind=kind.value,
            name=name,
            shown=target if kind is ChannelKind.EMAIL else str(origin_of(target)),
            target=vault.seal(node.folder, target, f"target {channel_id}"),
            secret=None if secret is None else vault.seal(node.folder, secret, f"secret {channel_id}"),
            kinds=sorted(set(kinds)),
            language=language,
            digest_minutes=digest_minutes,
            user_id=user_id,
            told_event=connection.scalar(sa.select(sa.func.max(alert_event.c.id))) or 0,
            created_at=now,
            created_by=by,
        )
    )
    return Made(find_channel(connection, channel_id), secret)


def channels(connection: sa.Connection, user_id: str | None, *, everybodys: bool) -> list[Channel]:
    """Return a person's own channels; `everybodys` adds those of the node and of others."""
    query = sa.select(table).order_by(table.c.created_at, table.c.id)
    if not everybodys:
        query = query.where(table.c.user_id == user_id)
    return [_channel(row) for row in connection.execute(query)]


def find_channel(connection: sa.Connection, channel_id: str) -> Channel:
    """Return a channel.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    row = connection.execute(sa.select(table).where(table.c.id == channel_id)).one_or_none()
    if row is None:
        raise RequestRefusedError(
            404, "unknown-channel", Phrase("There is no such channel."), Phrase("See /alerts/channels for all.")
        )
    return _channel(row)


def remove_channel(connection: sa.Connection, channel_id: str) -> Channel:
    """Remove a channel with what waits for it; return what it was."""
    found = find_channel(connection, channel_id)
    connection.execute(alert_delivery.delete().where(alert_delivery.c.channel_id == channel_id))
    connection.execute(table.delete().where(table.c.id == channel_id))
    return found


def set_enabled(connection: sa.Connection, channel_id: str, is_enabled: bool, now: dt.datetime) -> Channel:
    """Let a channel rest, or let it be told again: of what happens from then on."""
    find_channel(connection, channel_id)
    values: dict[str, Any] = {"disabled_at": None if is_enabled else now}
    if is_enabled:
        newest = connection.scalar(sa.select(sa.func.max(alert_event.c.id))) or 0
        values |= {"told_event": newest, "failing_since": None, "last_error": None}
    waiting = (alert_delivery.c.channel_id == channel_id, alert_delivery.c.state != "sent")
    connection.execute(alert_delivery.delete().where(*waiting))
    connection.execute(table.update().where(table.c.id == channel_id).values(**values))
    return find_channel(connection, channel_id)


def target_of(node: Node, connection: sa.Connection, channel_id: str) -> tuple[str, str | None]:
    """Return the whole address of a channel and its secret, for sending only.

    Raises
    ------
    InputError
        When the key they were kept with is gone.
    """
    row = connection.execute(sa.select(table.c.target, table.c.secret).where(table.c.id == channel_id)).one()
    target = vault.unseal(node.folder, row.target, f"target {channel_id}")
    secret = None if row.secret is None else vault.unseal(node.folder, row.secret, f"secret {channel_id}")
    return target, secret


def _faults(
    node: Node, kind: ChannelKind, name: str, target: str, kinds: Sequence[str], language: str, digest_minutes: int
) -> list[Fault]:
    faults = []
    if not name or len(name) > 100 or not name.isprintable():
        faults.append(Fault("name", Phrase("%(count)s characters", count=len(name)), Phrase("Give 1 to 100")))
    if kind is ChannelKind.EMAIL:
        if not EMAIL.fullmatch(target):
            faults.append(Fault("target", Phrase("is no e-mail address"), Phrase("Give one address, name@host")))
        if not node.settings.smtp_url.get_secret_value():
            faults.append(
                Fault(
                    "kind",
                    Phrase("this node has no mail server"),
                    Phrase("Ask its operator to set smtp_url and alert_from"),
                )
            )
    else:
        try:
            check_public_url(target, node.settings.alert_private)
        except RequestRefusedError as error:
            faults.append(Fault("target", error.detail, error.remedy))
    known = {one.value for one in AlertKind}
    faults += [
        Fault("kinds", f"{one[:60]!a}", Phrase("Give some of: %(names)s", names=", ".join(known)))
        for one in kinds
        if one not in known
    ]
    if language not in LANGUAGES:
        faults.append(
            Fault("language", f"{language[:20]!a}", Phrase("Give one of: %(names)s", names=", ".join(LANGUAGES)))
        )
    if not 0 <= digest_minutes <= MAX_DIGEST_MINUTES:
        faults.append(
            Fault(
                "digest_minutes",
                str(digest_minutes),
                Phrase("Give 0 to %(max_digest_minutes)s", max_digest_minutes=MAX_DIGEST_MINUTES),
            )
        )
    return faults


def _channel(row: Any) -> Channel:
    values = {name: getattr(row, name) for name in Channel.__dataclass_fields__}
    return Channel(**(values | {"kind": ChannelKind(row.kind), "kinds": tuple(row.kinds)}))
