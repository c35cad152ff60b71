"""What was done under an agreement: visits, meetings, workshops, studies, trials, and reports on commitments."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from sealane.agreements import load_agreements
from sealane.agreements.documents import ActivityKind, AgreementDocument, Commitment
from sealane.database.tables.agreements import agreement_activity as table
from sealane.errors import DataError, Fault, InputError, Phrase
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.agreement_store import Registered, in_force, list_agreements

MAX_TITLE = 300
MAX_NOTE = 2_000


@dataclass(frozen=True)
class ActivityDone:
    """One activity as it was recorded.

    Attributes
    ----------
    details : ``note``, and for a report ``commitment``, ``value`` and ``unit``; ``recorded_by``, where that was noted.
    """

    id: str
    agreement_id: str
    kind: ActivityKind
    title: str
    day: dt.date
    created_at: dt.datetime
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CommitmentStanding:
    """A commitment and the last report on it.

    Attributes
    ----------
    as_of : day (UTC) on which it stood so.
    agreement_id, agreement_title, version : the document that holds it.
    by_names : names of the parties that promise, in the order of ``commitment.by``.
    reached : whether the last value reported keeps the promise; None where there is no target or no value.
    overdue : the last day is over and no report came on or after it.
    """

    commitment: Commitment
    as_of: dt.date
    agreement_id: str
    agreement_title: str
    by_names: tuple[str, ...]
    version: int
    demonstration: bool
    last_report: ActivityDone | None
    reports: int
    reached: bool | None
    overdue: bool

    @property
    def last_value(self) -> str:
        """The value of the last report with its unit, or a dash."""
        value = self.last_report.details.get("value") if self.last_report else None
        return "-" if value is None else f"{value:g} {self.commitment.unit or ''}".strip()

    @property
    def words(self) -> str:
        """How it stands, for people."""
        told = f"reported {self.last_report.day}" if self.last_report else "not reported"
        judged = {True: ", reached", False: ", not reached", None: ""}[self.reached]
        return told + judged + (", OVERDUE" if self.overdue else "")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        promised, last = self.commitment, self.last_report
        return {
            "id": promised.id,
            "as_of": self.as_of.isoformat(),
            "agreement": self.agreement_id,
            "agreement_title": self.agreement_title,
            "version": self.version,
            "demonstration": self.demonstration,
            "by": list(promised.by),
            "by_names": list(self.by_names),
            "what": promised.what,
            "due": promised.due.isoformat(),
            "indicator": promised.indicator,
            "unit": promised.unit,
            "target": promised.target,
            "aim": promised.aim.value if promised.aim else None,
            "reports": self.reports,
            "last_report": last.day.isoformat() if last else None,
            "last_value": last.details.get("value") if last else None,
            "recorded_by": last.details.get("recorded_by") if last else None,
            "reached": self.reached,
            "overdue": self.overdue,
        }


def record_activity(
    connection: sa.Connection,
    agreement_id: str,
    kind: ActivityKind,
    title: str,
    day: dt.date,
    now: dt.datetime,
    *,
    note: str | None = None,
    commitment: str | None = None,
    value: float | None = None,
    recorded_by: str | None = None,
) -> ActivityDone:
    """Record what was done under an agreement, of this node or of the shipped catalogue.

    Parameters
    ----------
    commitment, value : for a report: the id of the commitment, and its indicator's value in the indicator's unit.
    recorded_by : login, name of a token or account of the machine; None where it is not known.

    Raises
    ------
    DataError
        Lists everything that is wrong.
    InputError
        If the agreement is unknown.
    """
    document = _document(connection, agreement_id, now)
    faults = []
    title, note = " ".join(title.split()), " ".join(note.split()) if note else None
    if not title or len(title) > MAX_TITLE:
        faults.append(Fault("title", _length(title), Phrase("Give 1 to %(most)s characters", most=MAX_TITLE)))
    if note is not None and len(note) > MAX_NOTE:
        faults.append(Fault("note", _length(note), Phrase("Give at most %(most)s characters", most=MAX_NOTE)))
    if kind is not ActivityKind.REPORT:
        for name, given in (("commitment", commitment), ("value", value)):
            if given is not None:
                remedy = Phrase("Only a report has it; this is of the kind %(kind)s", kind=Phrase(kind.value))
                faults.append(Fault(name, Phrase("is given"), remedy))
    if kind is ActivityKind.REPORT and commitment is None:
        faults.append(Fault("commitment", Phrase("is missing"), Phrase("Say on which commitment the report is")))
    known = {c.id: c for c in document.commitments} if document else {}
    if commitment is not None and commitment not in known:
        remedy = Phrase(
            "Name a commitment of %(agreement)s: %(names)s",
            agreement=agreement_id,
            names=", ".join(known) or Phrase("it has none"),
        )
        faults.append(Fault("commitment", f"{commitment!r}", remedy))
    if value is not None and not math.isfinite(value):
        faults.append(Fault("value", f"{value}", Phrase("Give a finite number")))
    if day > now.date() + dt.timedelta(days=1):
        remedy = Phrase("Record what has happened; plans stand in the agreement's document")
        faults.append(Fault("day", f"{day}", remedy))
    if faults:
        raise DataError(Phrase("The activity cannot be recorded."), faults)
    details: dict[str, Any] = {"note": note} if note else {}
    if commitment is not None:
        details |= {"commitment": commitment, "value": value, "unit": known[commitment].unit}
    if recorded_by is not None:
        details["recorded_by"] = recorded_by
    done = ActivityDone(str(uuid.uuid4()), agreement_id, kind, title, day, now, details)
    connection.execute(
        table.insert().values(
            id=done.id,
            agreement_id=agreement_id,
            kind=kind.value,
            title=title,
            day=day,
            details=details,
            created_at=now,
        )
    )
    return done


def list_activities(connection: sa.Connection, agreement_id: str | None = None) -> list[ActivityDone]:
    """Return what was recorded, by day."""
    statement = sa.select(table).order_by(table.c.day, table.c.created_at, table.c.id)
    if agreement_id is not None:
        statement = statement.where(table.c.agreement_id == agreement_id)
    return [
        ActivityDone(r.id, r.agreement_id, ActivityKind(r.kind), r.title, r.day, r.created_at, r.details)
        for r in connection.execute(statement)
    ]


def commitment_standings(connection: sa.Connection, agreement_id: str, now: dt.datetime) -> list[CommitmentStanding]:
    """Return the commitments of an agreement with the last report on each, by the day they are due.

    Raises
    ------
    InputError
        If the agreement is unknown.
    """
    document = _document(connection, agreement_id, now)
    if document is None:
        return []
    done = list_activities(connection, agreement_id)
    names = {party.id: party.name for party in document.parties}
    found = []
    for commitment in sorted(document.commitments, key=lambda c: (c.due, c.id)):
        reports = [a for a in done if a.kind is ActivityKind.REPORT and a.details.get("commitment") == commitment.id]
        last = reports[-1] if reports else None
        reached = commitment.reached_by(last.details.get("value") if last else None)
        overdue = now.date() > commitment.due and (last is None or last.day < commitment.due) and reached is not True
        found.append(
            CommitmentStanding(
                commitment,
                now.date(),
                document.id,
                document.title,
                tuple(names.get(party, party) for party in commitment.by),
                document.version,
                document.demonstration,
                last,
                len(reports),
                reached,
                overdue,
            )
        )
    return found


def current_version(versions: list[Registered], now: dt.datetime) -> Registered | None:
    """Return the version people mean: the one in force, else the newest that has not ended, else the newest."""
    valid = [v for v in versions if v.state is AgreementState.IN_FORCE and v.document.valid_from <= now]
    open_ones = [v for v in versions if v.state in (AgreementState.IN_FORCE, AgreementState.PROPOSED)]
    return next((chosen[-1] for chosen in (valid, open_ones, versions) if chosen), None)


def _length(text: str) -> Phrase:
    return Phrase("has %(number)s characters", number=len(text))


def _document(connection: sa.Connection, agreement_id: str, now: dt.datetime) -> AgreementDocument | None:
    """Return the node's document, or None for an agreement that only the shipped catalogue describes."""
    document = in_force(connection, agreement_id, now)
    if document is not None:
        return document
    current = current_version(list_agreements(connection, agreement_id), now)
    if current is not None:
        return current.document
    if any(agreement_id == shipped.id for shipped in load_agreements().agreements):
        return None
    raise InputError(
        f"No agreement has the id {agreement_id!r}. `sealane agreement list` prints those of the catalogue, with"
        " `--node FOLDER` those of the node."
    )
