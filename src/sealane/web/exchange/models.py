"""What the exchange pages show."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.derivation import Figure
from sealane.web.words import Told


class KeyShown(BaseModel):
    """An operational key of a partner; ``state`` is valid, ended, revoked or not-yet."""

    kid: str
    valid_from: dt.datetime
    valid_until: dt.datetime
    revoked_at: dt.datetime | None
    state: Literal["valid", "ended", "revoked", "not-yet"]


class LogHead(BaseModel):
    """The newest checkpoint a participant signed about its log, as this node holds it.

    Attributes
    ----------
    contradiction : why a later one cannot belong to the same log; None is well.
    """

    size: Figure
    root: str
    signed_at: dt.datetime
    contradiction: str | None


class PartnerShown(BaseModel):
    """A partner: who it is, its keys, when it was last heard, and its log.

    Attributes
    ----------
    holds_of_ours : entries of this node's log in the newest checkpoint that the partner said it holds.
    """

    participant: str
    name: str
    origin: str
    must_sign: bool
    alarm: str | None
    keys: list[KeyShown]
    keys_checked_at: dt.datetime | None
    keys_error: str | None
    last_heard_at: dt.datetime | None
    head: LogHead | None
    holds_of_ours: Figure | None
    holds_checked_at: dt.datetime | None


class ProcessShown(BaseModel):
    """A negotiation or transfer.

    Attributes
    ----------
    stalled_since : it has not moved for longer than the setting alert_stalled_minutes though something is awaited.
    may_be_overtaken : the last of its kind for its clause; an older one that ended is history.
    """

    id: str
    kind: str
    role: str
    peer: str
    peer_name: str
    clause: str | None
    state: str
    pending: str | None
    attempts: Figure
    next_at: dt.datetime | None
    deadline_at: dt.datetime | None
    stalled_since: dt.datetime | None
    ended: bool
    reason: str | None
    last_error: str | None
    created_at: dt.datetime
    changed_at: dt.datetime


class StreamShown(BaseModel):
    """A stream as it stands.

    Attributes
    ----------
    counts : messages by state; of an incoming stream accepted and refused.
    seen : messages the partner has confirmed (out), or that came (in).
    due : messages that could go now; `lag_h` since when the longest waiting could have.
    cause : what an operator should look at; None where nothing is amiss.
    may : what can be done with it now: pause, resume, recover, retry.
    """

    id: str
    direction: str
    peer: str
    peer_name: str
    clause: str
    agreement_id: str
    agreement_version: int
    dataset: str
    purpose: str
    granularity: str
    pulled: bool
    state: str
    state_reason: str | None
    opened_at: dt.datetime
    counts: dict[str, Figure]
    seen: Figure
    due: Figure
    lag_h: Figure | None
    oldest_due_at: dt.datetime | None
    dead: Figure
    failed_attempts: Figure
    next_attempt_at: dt.datetime | None
    cause: str | None
    lease_until: dt.datetime | None
    may: list[str]


class LetterShown(BaseModel):
    """A message the partner refused for good."""

    id: int
    event_id: str
    record_position: int | None
    refusals: Figure
    reason: str | None
    since: dt.datetime


class CheckShown(BaseModel):
    """A check of the log that somebody asked for.

    Attributes
    ----------
    done, total : entries looked at, and how many there are; None where that is not counted.
    figures : what was compared.
    faults : what is wrong, at most the first few; `faults_found` is how many there are.
    """

    id: str
    kind: Literal["verify", "reconcile", "witness"]
    peer: str | None
    state: Literal["waiting", "running", "done", "failed"]
    stage: str | None
    done: int | None
    total: int | None
    figures: dict[str, Figure]
    faults: list[Told]
    faults_found: int
    pending: int
    error: Told | None
    created_by: str
    created_at: dt.datetime
    changed_at: dt.datetime

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in {"done", "failed"}


class ExchangePage(BaseModel):
    """How the exchange with partners stands.

    Attributes
    ----------
    own_head : the newest checkpoint this node signed about its own log; None before the first.
    may_act : the viewer may pause, resume, retry, verify and so on.
    """

    participant: str
    figures: dict[str, Figure]
    partners: list[PartnerShown]
    negotiations: list[ProcessShown]
    transfers: list[ProcessShown]
    streams: list[StreamShown]
    entries: Figure
    own_head: LogHead | None
    checks: list[CheckShown]
    stalled_minutes: float
    may_act: bool
    may_manage: bool


class StreamPage(BaseModel):
    """One stream with its dead letters."""

    stream: StreamShown
    letters: list[LetterShown]
    letters_more: bool
    may_act: bool


class CheckPage(BaseModel):
    """One check of the log."""

    check: CheckShown


class EntryShown(BaseModel):
    """One entry of the log; the body holds digests and decisions, never data."""

    position: int
    logged_at: dt.datetime
    kind: str
    peer: str | None
    subject: str | None
    body: dict[str, Any]
    hash: str


class LogPage(BaseModel):
    """Entries of the log, in order."""

    peer: str | None
    kind: str | None
    subject: str | None
    peers: list[str]
    kinds: list[str]
    entries: list[EntryShown]
    size: Figure
    after: int | None


class Reason(BaseModel):
    """Why something is done; the partner is told."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=300)


class Nothing(BaseModel):
    """Nothing is to be said."""

    model_config = ConfigDict(extra="forbid")


class WhichPartner(BaseModel):
    """Which partner is meant."""

    model_config = ConfigDict(extra="forbid")

    participant: str = Field(min_length=1, max_length=200)


class NewCheck(BaseModel):
    """A check to make: of this node's own log, against a partner's, or an exchange of checkpoints with it."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["verify", "reconcile", "witness"]
    participant: str | None = Field(None, max_length=200)


class StreamDone(BaseModel):
    """How a stream stands after a step."""

    id: str
    state: str
    words: str


class Retried(BaseModel):
    """How many dead letters were decided and sent anew."""

    retried: int


class PartnerChecked(BaseModel):
    """What a partner said when it was asked."""

    participant: str
    keys: list[str]
    troubles: list[str]


class AlarmTaken(BaseModel):
    """The alarm that was taken back."""

    participant: str
    alarm: str | None
