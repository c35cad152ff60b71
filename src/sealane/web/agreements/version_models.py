"""What the page on one version of an agreement answers: clauses, signatures, promises, and what flowed under it."""

from __future__ import annotations

import datetime as dt

from sealane.web.agreements.models import ActivityShown, AreaShown, PartyShown, Shown, SourceShown, VersionShown
from sealane.web.derivation import Figure


class Rows(Shown):
    """Which records a clause covers; an empty list lets every value pass."""

    ports: list[str]
    terminals: list[str]
    vessels: list[str]
    occurred_from: dt.datetime | None
    occurred_until: dt.datetime | None


class Cells(Shown):
    """How records become cells, and how many different contributors a cell needs before it is released."""

    by: list[str]
    measures: list[str]
    period: str
    contributor: str
    minimum_group: int


class ClauseShown(Shown):
    """One permission: who lets whom have what, of what, how soon, for what, until when.

    Attributes
    ----------
    direction : ``out`` where this node gives, ``in`` where it receives, ``other`` where it does neither.
    fields : leaves let through; `field_count` of `dataset_fields` where the data product is known here, else None.
    kept_back : leaves of the data product that the clause does not let through, prohibited ones included.
    begun, over : whether its validity has begun, and has ended.
    delay_s, delete_after_s : seconds.
    """

    id: str
    provider: PartyShown
    recipients: list[PartyShown]
    direction: str
    dataset: str
    fields: list[str]
    field_count: int | None
    dataset_fields: int | None
    kept_back: list[str]
    purposes: list[str]
    granularity: str
    cells: Cells | None
    rows: Rows
    delay_s: float
    valid_from: dt.datetime
    valid_until: dt.datetime | None
    begun: bool
    over: bool
    onward: str
    delete_after_s: float | None
    terms_made_up: bool
    note: str | None


class ProhibitionShown(Shown):
    """What no clause of the agreement can let through."""

    id: str
    datasets: list[str]
    fields: list[str]
    purposes: list[str]
    source: str
    note: str | None


class SignatureShown(Shown):
    """A participant and its signature over the document's bytes.

    Attributes
    ----------
    signed_at : as the signature says; `held_since` is when this node stored it.
    key : thumbprint of the key that signed.
    verified : whether the signature fits the bytes, by a key its owner vouches for; None where nobody has signed yet.
    fault : why not.
    """

    party: PartyShown
    participant: str
    origin: str
    own: bool
    signed_at: dt.datetime | None
    held_since: dt.datetime | None
    key: str | None
    verified: bool | None
    fault: str | None


class PlannedActivity(Shown):
    """A joint activity the document plans."""

    id: str
    kind: str
    title: str
    day: dt.date | None
    note: str | None


class CommitmentShown(Shown):
    """A promise and the last report on it; `last` and `target` are in the indicator's unit."""

    id: str
    by: list[PartyShown]
    what: str
    due: dt.date
    indicator: str
    unit: str | None
    target: float | None
    aim: str | None
    reports: Figure
    last: Figure | None
    last_day: dt.date | None
    reached: bool | None
    overdue: bool
    terms_made_up: bool


class ReasonCount(Shown):
    """Records withheld for one reason."""

    reason: str
    records: Figure


class FlowShown(Shown):
    """What became of the records of one clause towards one partner.

    Attributes
    ----------
    partner : participant id; `partner_name` as it is registered here.
    stream : its id, None for what was received.
    trimmed : leaves that were taken out of records that went.
    """

    agreement: str
    version: int
    clause: str
    dataset: str
    partner: str
    partner_name: str
    terms_made_up: bool
    stream: str
    state: str
    state_reason: str | None
    delivered: Figure
    waiting: Figure
    withheld: Figure
    reasons: list[ReasonCount]
    trimmed: list[str]


class ReceivedShown(Shown):
    """How many records one partner gave under one clause, and how many of them are simulated."""

    agreement: str
    version: int
    clause: str
    dataset: str
    partner: str
    partner_name: str
    terms_made_up: bool
    records: Figure
    simulated: Figure


class MessageShown(Shown):
    """A message to a partner about the agreement and what became of it."""

    partner: str
    kind: str
    state: str
    attempts: int
    next_attempt_at: dt.datetime | None
    last_error: str | None


class LedgerLine(Shown):
    """An entry of the node's log about this version."""

    position: int
    kind: str
    partner: str | None
    logged_at: dt.datetime


class VersionPage(Shown):
    """One version of an agreement with everything this node knows of it.

    Attributes
    ----------
    size_bytes : of the bytes that are signed; `digest` in `version` is their SHA-256.
    steps : what who asks may do now: propose, sign, decline, retire, renew, resend, record.
    others : other versions of the same agreement.
    """

    version: VersionShown
    size_bytes: int
    parties: list[PartyShown]
    facilitators: list[PartyShown]
    areas: list[AreaShown]
    sources: list[SourceShown]
    notes: list[str]
    supersedes: int | None
    clauses: list[ClauseShown]
    prohibitions: list[ProhibitionShown]
    signatures: list[SignatureShown]
    planned: list[PlannedActivity]
    commitments: list[CommitmentShown]
    activities: list[ActivityShown]
    sent: list[FlowShown]
    received: list[ReceivedShown]
    messages: list[MessageShown]
    ledger: list[LedgerLine]
    others: list[VersionShown]
    steps: list[str]


class FlowsPage(Shown):
    """What partners were sent, what was withheld from them and why, and what they gave; all agreements."""

    sent: list[FlowShown]
    received: list[ReceivedShown]


class ConfirmPage(Shown):
    """One step before it is done: exactly what is signed, by which key, who is told, and what it ends.

    Attributes
    ----------
    text : the very bytes, as text; `digest` in `version` is their SHA-256.
    key : thumbprint of the key that would sign; None for what is not signed.
    told : participants that are told.
    ends : streams that close with it.
    """

    step: str
    version: VersionShown
    text: str
    size_bytes: int
    key: str | None
    told: list[str]
    ends: list[FlowShown]
    clauses: list[ClauseShown]


class Done(Shown):
    """How a version stands after a step; `path` is its page."""

    id: str
    version: int
    standing: str
    digest: str
    path: str
