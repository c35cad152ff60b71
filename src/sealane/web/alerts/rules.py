"""Rules: what the node's state holds that needs attention. Pure; what they look at is read by `state`.

Every threshold is a setting of the node or a limit that a person entered. It stands in the finding beside the value, so
that whoever reads an alert sees both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sealane.web.alerts.kinds import AlertKind, Finding, Severity

# A silence counts as longer than usual beyond twice the longest pause known; fewer pauses than these tell nothing.
USUAL_FACTOR = 2.0
MIN_PAUSES = 10
MAX_TEXT = 500


@dataclass(frozen=True)
class Thresholds:
    """Settings of the node that rules compare with."""

    stalled: dt.timedelta
    lag: dt.timedelta
    disk_free_percent: float
    backup: dt.timedelta | None
    key_warning: dt.timedelta
    keys_too_old: dt.timedelta


@dataclass(frozen=True)
class Process:
    """A negotiation or transfer that has not ended.

    Attributes
    ----------
    kind : ``negotiation`` or ``transfer``.
    attempts : tries that failed to bring the pending message to the partner.
    deadline_at : when the state ends by itself; None where it may last.
    may_rest : the state is one to stay in: data flow, or somebody suspended them.
    """

    id: str
    kind: str
    peer: str
    state: str
    pending: str | None
    attempts: int
    changed_at: dt.datetime
    deadline_at: dt.datetime | None
    last_error: str | None
    reason: str | None = None
    may_rest: bool = False


@dataclass(frozen=True)
class Flow:
    """A stream as it stands.

    Attributes
    ----------
    oldest_due_at : since when the longest waiting message could have gone.
    """

    id: str
    peer: str
    direction: str
    clause: str
    state: str
    state_reason: str | None
    due: int
    oldest_due_at: dt.datetime | None
    dead: int
    attempts: int
    last_error: str | None
    next_attempt_at: dt.datetime | None


@dataclass(frozen=True)
class Partner:
    """A partner and its keys."""

    participant: str
    name: str
    alarm: str | None
    keys_error: str | None
    keys_checked_at: dt.datetime | None
    keys_end_at: dt.datetime | None  # when the last of its keys that are valid now ends
    in_use: bool  # an agreement or a stream with it is open


@dataclass(frozen=True)
class Feed:
    """Records of one data product from one source.

    Attributes
    ----------
    last_at : when the newest record came.
    pauses_s : times between arrivals before that.
    limit : what a person entered; goes before the usual.
    """

    source: str
    dataset: str
    last_at: dt.datetime
    pauses_s: Sequence[float]
    limit: dt.timedelta | None = None


@dataclass(frozen=True)
class Measured:
    """A figure of a result, and the limit somebody set for it."""

    limit_id: str
    result_id: str
    title: str
    quantity: str
    label: str
    value: float
    limit: float
    unit: str
    simulated: bool
    link: str
    begins_at: dt.datetime | None = None


@dataclass(frozen=True)
class Late:
    """A commitment whose day is over without a report."""

    agreement_id: str
    version: int
    commitment_id: str
    what: str
    due: dt.date
    demonstration: bool


@dataclass(frozen=True)
class Failure:
    """An import or a task that failed, or messages that could not be delivered."""

    id: str
    kind: str
    name: str
    reason: str
    at: dt.datetime


@dataclass(frozen=True)
class Machine:
    """The node's own machine and keys."""

    disk_free_bytes: int
    disk_total_bytes: int
    key_ends_at: dt.datetime | None
    root_key_here: bool
    backup_at: dt.datetime | None
    created_at: dt.datetime | None


@dataclass(frozen=True)
class Undelivered:
    """A message about an agreement that a partner has not taken."""

    agreement_id: str
    version: int
    peer: str
    message: str
    state: str
    attempts: int
    created_at: dt.datetime
    last_error: str | None


@dataclass(frozen=True)
class State:
    """Everything the rules look at."""

    processes: Sequence[Process] = ()
    undelivered: Sequence[Undelivered] = ()
    flows: Sequence[Flow] = ()
    partners: Sequence[Partner] = ()
    feeds: Sequence[Feed] = ()
    measured: Sequence[Measured] = ()
    late: Sequence[Late] = ()
    imports: Sequence[Failure] = ()
    tasks: Sequence[Failure] = ()
    channels: Sequence[Failure] = ()
    log_faults: Sequence[Failure] = ()
    machine: Machine | None = None


def findings(state: State, thresholds: Thresholds, now: dt.datetime) -> list[Finding]:
    """Return everything that needs attention now, each kind and subject once."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in _all(state, thresholds, now):
        found.setdefault(finding.key, finding)
    return list(found.values())


def _all(state: State, thresholds: Thresholds, now: dt.datetime) -> Iterator[Finding]:
    yield from stalled(state.processes, thresholds.stalled, now)
    yield from undelivered(state.undelivered, thresholds.stalled, now)
    yield from stream_findings(state.flows, thresholds.lag, now)
    yield from partner_findings(state.partners, thresholds, now)
    yield from data_gaps(state.feeds, now)
    yield from exceedances(state.measured)
    yield from late_commitments(state.late, now)
    yield from failures(state)
    if state.machine is not None:
        yield from machine_findings(state.machine, thresholds, now)


def stalled(processes: Iterable[Process], limit: dt.timedelta, now: dt.datetime) -> Iterator[Finding]:
    """Yield negotiations and transfers that do not move on: a message does not arrive, or no answer comes."""
    for one in processes:
        since = one.changed_at
        # Where it may rest, only a message that does not get through holds it up.
        if (one.may_rest and one.pending is None) or now - since <= limit:
            continue
        negotiation = one.kind == "negotiation"
        yield Finding(
            AlertKind.NEGOTIATION_STALLED if negotiation else AlertKind.TRANSFER_STALLED,
            one.id,
            Severity.WARNING,
            {
                "peer": one.peer,
                "state": one.state,
                "pending": one.pending,
                "attempts": one.attempts,
                "since": _iso(since),
                "ends": _iso(one.deadline_at),
                "limit_minutes": limit.total_seconds() / 60,
                "cause": _text(one.last_error or one.reason),
            },
            "/exchange#negotiations" if negotiation else "/exchange#transfers",
        )


def undelivered(messages: Iterable[Undelivered], limit: dt.timedelta, now: dt.datetime) -> Iterator[Finding]:
    """Yield proposals, signatures and retirements that a partner refused, or that do not reach it."""
    for one in messages:
        if one.state == "pending" and now - one.created_at <= limit:
            continue
        yield Finding(
            AlertKind.AGREEMENT_UNDELIVERED,
            f"{one.agreement_id}/{one.version}/{one.message}/{one.peer}",
            Severity.WARNING if one.state == "pending" else Severity.SEVERE,
            {
                "agreement": one.agreement_id,
                "version": one.version,
                "peer": one.peer,
                "message": one.message,
                "state": one.state,
                "attempts": one.attempts,
                "since": _iso(one.created_at),
                "cause": _text(one.last_error),
            },
            f"/agreements/{quote(one.agreement_id, safe='')}/{one.version}",
        )


def stream_findings(flows: Iterable[Flow], limit: dt.timedelta, now: dt.datetime) -> Iterator[Finding]:
    """Yield streams that an alarm stopped, that lag behind, and that hold dead letters."""
    for flow in flows:
        link = f"/exchange/streams/{flow.id}"
        who = {"peer": flow.peer, "clause": flow.clause, "direction": flow.direction}
        if flow.state == "stopped":
            stopped = who | {"cause": _text(flow.state_reason)}
            yield Finding(AlertKind.STREAM_STOPPED, flow.id, Severity.SEVERE, stopped, link)
        if flow.state == "open" and flow.oldest_due_at is not None and now - flow.oldest_due_at > limit:
            yield Finding(
                AlertKind.STREAM_LAG,
                flow.id,
                Severity.WARNING,
                who
                | {
                    "due": flow.due,
                    "since": _iso(flow.oldest_due_at),
                    "limit_minutes": limit.total_seconds() / 60,
                    "attempts": flow.attempts,
                    "cause": _text(flow.last_error),
                },
                link,
            )
        if flow.dead:
            dead = {**who, "letters": flow.dead}
            yield Finding(AlertKind.DEAD_LETTERS, flow.id, Severity.WARNING, dead, f"{link}#letters")


def partner_findings(partners: Iterable[Partner], thresholds: Thresholds, now: dt.datetime) -> Iterator[Finding]:
    """Yield alarms about partners, and partners whose keys cannot be read or end soon."""
    for one in partners:
        link = "/exchange#partners"
        if one.alarm is not None:
            alarm = {"peer": one.participant, "name": one.name, "cause": _text(one.alarm)}
            yield Finding(AlertKind.PEER_ALARM, one.participant, Severity.SEVERE, alarm, link)
        if not one.in_use:
            continue
        details: dict[str, Any] = {"peer": one.participant, "name": one.name, "checked": _iso(one.keys_checked_at)}
        checked = one.keys_checked_at
        if one.keys_error is not None and (checked is None or now - checked > thresholds.stalled):
            stops = checked is None or now - checked > thresholds.keys_too_old
            severity = Severity.SEVERE if stops else Severity.WARNING
            yield Finding(
                AlertKind.PEER_KEYS, one.participant, severity, details | {"cause": _text(one.keys_error)}, link
            )
        elif one.keys_end_at is not None and one.keys_end_at - now < thresholds.key_warning:
            yield Finding(
                AlertKind.PEER_KEYS, one.participant, Severity.WARNING, details | {"ends": _iso(one.keys_end_at)}, link
            )


def data_gaps(feeds: Iterable[Feed], now: dt.datetime) -> Iterator[Finding]:
    """Yield feeds that have been silent for longer than a limit entered, or than twice their longest pause so far."""
    for feed in feeds:
        usual = max(feed.pauses_s) if len(feed.pauses_s) >= MIN_PAUSES else None
        if feed.limit is not None:
            allowed_s, by = feed.limit.total_seconds(), "limit"
        elif usual is not None:
            allowed_s, by = USUAL_FACTOR * usual, "usual"
        else:
            continue
        silent_s = (now - feed.last_at).total_seconds()
        if silent_s > allowed_s:
            yield Finding(
                AlertKind.DATA_GAP,
                f"{feed.dataset} {feed.source}",
                Severity.WARNING,
                {
                    "dataset": feed.dataset,
                    "source": feed.source,
                    "since": _iso(feed.last_at),
                    "allowed_hours": allowed_s / 3600,
                    "by": by,
                    "longest_pause_hours": None if usual is None else usual / 3600,
                    "pauses": len(feed.pauses_s),
                },
                "/data",
            )


def exceedances(measured: Iterable[Measured]) -> Iterator[Finding]:
    """Yield figures of results above the limit somebody set."""
    for one in measured:
        if one.value > one.limit:
            yield Finding(
                AlertKind.EXCEEDANCE,
                f"{one.limit_id} {one.result_id}",
                Severity.WARNING,
                {
                    "title": one.title,
                    "quantity": one.quantity,
                    "label": one.label,
                    "value": one.value,
                    "limit": one.limit,
                    "unit": one.unit,
                    "simulated": one.simulated,
                    "result": one.result_id,
                },
                one.link,
            )


def late_commitments(late: Iterable[Late], now: dt.datetime) -> Iterator[Finding]:
    """Yield commitments whose last day is over and on which nothing was reported since."""
    for one in late:
        yield Finding(
            AlertKind.COMMITMENT_LATE,
            f"{one.agreement_id}/{one.version}/{one.commitment_id}",
            Severity.WARNING,
            {
                "agreement": one.agreement_id,
                "commitment": one.commitment_id,
                "what": _text(one.what),
                "due": one.due.isoformat(),
                "days": (now.date() - one.due).days,
                "demonstration": one.demonstration,
            },
            f"/agreements/{quote(one.agreement_id, safe='')}/{one.version}",
        )


def failures(state: State) -> Iterator[Finding]:
    """Yield imports, tasks and channels that failed, and faults that a check of the log found."""
    for kind, found, severity, link in (
        (AlertKind.IMPORT_FAILED, state.imports, Severity.WARNING, "/data/imports/{}"),
        (AlertKind.TASK_FAILED, state.tasks, Severity.WARNING, "/data"),
        (AlertKind.CHANNEL_FAILED, state.channels, Severity.WARNING, "/alerts/channels"),
        (AlertKind.LOG_FAULT, state.log_faults, Severity.SEVERE, "/exchange/checks/{}"),
    ):
        for one in found:
            details = {"what": one.kind, "name": one.name, "cause": _text(one.reason), "since": _iso(one.at)}
            yield Finding(kind, one.id, severity, details, link.format(quote(one.id, safe="")))


def machine_findings(machine: Machine, thresholds: Thresholds, now: dt.datetime) -> Iterator[Finding]:
    """Yield what is wrong with the machine: its disk, its keys, its backups."""
    percent = 100.0 * machine.disk_free_bytes / machine.disk_total_bytes if machine.disk_total_bytes else 100.0
    if percent < thresholds.disk_free_percent:
        severity = Severity.SEVERE if percent < thresholds.disk_free_percent / 4 else Severity.WARNING
        # Rounded: else every byte that somebody writes would change the alert.
        details: Mapping[str, Any] = {
            "free_gb": round(machine.disk_free_bytes / 1e9, 1),
            "free_percent": round(percent),
            "limit_percent": thresholds.disk_free_percent,
        }
        yield Finding(AlertKind.DISK_LOW, "disk", severity, details)
    if machine.key_ends_at is None or machine.key_ends_at - now < thresholds.key_warning:
        ended = machine.key_ends_at is None or machine.key_ends_at <= now
        severity = Severity.SEVERE if ended else Severity.WARNING
        yield Finding(AlertKind.KEY_ENDS, "key", severity, {"ends": _iso(machine.key_ends_at)})
    if machine.root_key_here:
        yield Finding(AlertKind.ROOT_KEY_HERE, "root", Severity.NOTICE)
    if thresholds.backup is not None:
        last = machine.backup_at or machine.created_at
        if last is not None and now - last > thresholds.backup:
            details = {"last": _iso(machine.backup_at), "limit_days": thresholds.backup / dt.timedelta(days=1)}
            yield Finding(AlertKind.BACKUP_OLD, "backup", Severity.WARNING, details)


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def _text(text: str | None) -> str | None:
    return None if text is None else text[:MAX_TEXT]
