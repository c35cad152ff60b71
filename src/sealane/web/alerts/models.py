"""What the pages of alerts show."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.alerts.book import Alert
from sealane.web.alerts.channels import Channel, ChannelKind
from sealane.web.alerts.kinds import TITLES, AlertKind, Severity
from sealane.web.alerts.limits import AlertLimit, LimitKind
from sealane.web.alerts.messages import facts
from sealane.web.derivation import Figure


class AlertShown(BaseModel):
    """One thing that needs or needed attention.

    Attributes
    ----------
    details : values for the words of its kind; times as ISO 8601 in UTC.
    absent_since : its cause is gone since then; it closes when that has lasted.
    mine : only you see it.
    """

    id: str
    kind: AlertKind
    subject: str
    severity: Severity
    details: dict[str, Any]
    link: str | None
    mine: bool
    opened_at: dt.datetime
    changed_at: dt.datetime
    absent_since: dt.datetime | None
    closed_at: dt.datetime | None
    acknowledged_at: dt.datetime | None
    acknowledged_by: str | None
    note: str | None

    @property
    def title(self) -> str:
        """Name of its kind, to be translated."""
        return TITLES[self.kind]

    @property
    def facts(self) -> dict[str, Any]:
        """The details with times as such, for the words."""
        return facts(self.kind, self.details)


def shown_alert(alert: Alert) -> AlertShown:
    """Return an alert as pages show it."""
    values = {name: getattr(alert, name) for name in AlertShown.model_fields if name not in {"mine", "details"}}
    return AlertShown(**values, details=dict(alert.details), mine=alert.user_id is not None)


class AlertsPage(BaseModel):
    """What needs attention, and what did lately.

    Attributes
    ----------
    counts : open ones that nobody has acknowledged, by severity.
    looked_for : kinds that rules look for.
    """

    kind: AlertKind | None
    kinds: list[AlertKind]
    counts: dict[Severity, Figure]
    open: list[AlertShown]
    closed: list[AlertShown]
    may_acknowledge: bool

    @property
    def titles(self) -> dict[str, str]:
        """Names of kinds, to be translated."""
        return {kind.value: title for kind, title in TITLES.items()}


class Happened(BaseModel):
    """One event of an alert: opened, worse or closed."""

    at: dt.datetime
    event: str
    severity: Severity


class AlertPage(BaseModel):
    """One alert with its history."""

    alert: AlertShown
    history: list[Happened]
    explain: str
    may_acknowledge: bool


class ChannelShown(BaseModel):
    """A channel, without its secrets.

    Attributes
    ----------
    address : e-mail address, or scheme and host of the webhook.
    waiting, given_up : messages that wait, and such that were given up.
    """

    id: str
    kind: ChannelKind
    name: str
    address: str
    kinds: list[str]
    language: str
    digest_minutes: int
    personal: bool
    sent_at: dt.datetime | None
    failing_since: dt.datetime | None
    last_error: str | None
    next_attempt_at: dt.datetime | None
    waiting: int
    given_up: int
    created_at: dt.datetime
    created_by: str
    disabled_at: dt.datetime | None


def shown_channel(channel: Channel, waiting: int, given_up: int, next_attempt_at: dt.datetime | None) -> ChannelShown:
    """Return a channel as pages show it."""
    return ChannelShown(
        id=channel.id,
        kind=channel.kind,
        name=channel.name,
        address=channel.shown,
        kinds=list(channel.kinds),
        language=channel.language,
        digest_minutes=channel.digest_minutes,
        personal=channel.user_id is not None,
        sent_at=channel.sent_at,
        failing_since=channel.failing_since,
        last_error=channel.last_error,
        next_attempt_at=next_attempt_at,
        waiting=waiting,
        given_up=given_up,
        created_at=channel.created_at,
        created_by=channel.created_by,
        disabled_at=channel.disabled_at,
    )


class LimitShown(BaseModel):
    """A limit that somebody set.

    Attributes
    ----------
    value : hours for a data gap, t for a result.
    """

    id: str
    kind: LimitKind
    measure: str
    place: str
    value: float
    created_at: dt.datetime
    created_by: str


def shown_limit(limit: AlertLimit) -> LimitShown:
    """Return a limit as pages show it."""
    measure, _, place = limit.subject.partition(" ")
    return LimitShown(
        id=limit.id,
        kind=limit.kind,
        measure=measure,
        place=place,
        value=limit.value,
        created_at=limit.created_at,
        created_by=limit.created_by,
    )


class ChannelsPage(BaseModel):
    """How people are told, and the limits they set.

    Attributes
    ----------
    my_email : address of the viewer's account; a person's own channel goes there.
    may_manage : the viewer may make channels of the node and change those of others.
    """

    channels: list[ChannelShown]
    limits: list[LimitShown]
    kinds: list[AlertKind]
    datasets: list[str]
    measures: list[str]
    sources: list[str]
    has_mail: bool
    private_webhooks: bool
    my_email: str | None
    may_manage: bool
    may_limit: bool

    @property
    def titles(self) -> dict[str, str]:
        """Names of kinds, to be translated."""
        return {kind.value: title for kind, title in TITLES.items()}


class Acknowledgement(BaseModel):
    """That somebody has seen an alert, and what is done about it."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(None, max_length=1_000)


class NewChannel(BaseModel):
    """A channel to make.

    Attributes
    ----------
    target : https URL or e-mail address; left out for one's own channel, which goes to the account's address.
    kinds : kinds of alerts; empty for all.
    """

    model_config = ConfigDict(extra="forbid")

    kind: ChannelKind
    name: str = Field(max_length=100)
    target: str | None = Field(None, max_length=2_000)
    kinds: list[AlertKind] = Field(default=[], max_length=len(AlertKind))
    language: str = Field("en", max_length=5)
    digest_minutes: int = Field(10, ge=0, le=1_440)
    personal: bool = False


class ChannelMade(BaseModel):
    """A new channel; the secret signs webhooks and is never shown again."""

    id: str
    name: str
    secret: str | None


class ChannelState(BaseModel):
    """Whether a channel is told of alerts."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool


class Tested(BaseModel):
    """What came of a test message; ``error`` is None where it got through."""

    name: str
    error: str | None


class NewLimit(BaseModel):
    """A limit to set."""

    model_config = ConfigDict(extra="forbid")

    kind: LimitKind
    measure: str = Field(max_length=60)
    place: str = Field(max_length=200)
    value: float
