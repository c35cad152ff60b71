"""The cargo view: one timeline of a container, a bill of lading, a booking or a voyage from every source held here.

Milestones of the container are joined with the port calls and schedules of the vessels that carried it. Estimates
that differ stand side by side, steps that no source tells are named as gaps, and each entry says under which clause
it came and what that clause does not let through.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.products import record
from sealane.errors import InputError
from sealane.products.cargo_entries import CargoEntry, Step, entries_of

# How far from a container's own milestones a port call of its vessel still belongs to the journey.
VESSEL_WINDOW = dt.timedelta(days=45)
_TIMED = (Step.DEPARTED, Step.ARRIVED)


@dataclass(frozen=True)
class CargoKey:
    """What to look for; give exactly one of container, bill of lading and booking, or vessel with voyage."""

    container: str | None = None
    bill_of_lading: str | None = None
    booking: str | None = None
    vessel_imo: str | None = None
    voyage: str | None = None

    def __str__(self) -> str:
        words = {
            "container": self.container,
            "bill of lading": self.bill_of_lading,
            "booking": self.booking,
            "vessel IMO": self.vessel_imo,
            "voyage": self.voyage,
        }
        return ", ".join(f"{name} {value}" for name, value in words.items() if value)


@dataclass(frozen=True)
class Conflict:
    """Sources that do not agree on the time of one step.

    Attributes
    ----------
    spread : between the earliest and the latest of the sources' newest statements.
    """

    step: Step
    port: str | None
    vessel_imo: str | None
    spread: dt.timedelta
    entries: tuple[CargoEntry, ...]


@dataclass(frozen=True)
class Gap:
    """A step of the journey that no source held here tells as having happened."""

    step: Step
    port: str | None
    equipment: str | None
    note: str


@dataclass(frozen=True)
class Timeline:
    """The journey as this node can tell it.

    Attributes
    ----------
    entries : ordered by time; entries without a time stand last.
    not_agreed : per source and clause, the leaves that are not let through.
    """

    key: CargoKey
    entries: tuple[CargoEntry, ...]
    conflicts: tuple[Conflict, ...]
    gaps: tuple[Gap, ...]
    not_agreed: Mapping[str, tuple[str, ...]]
    simulated: bool


# Given agreement id, version and clause id of a received record: the leaves the clause does not let through.
NotAgreed = Callable[[str, int, str], tuple[str, ...]]


def timeline(connection: sa.Connection, key: CargoKey, not_agreed: NotAgreed) -> Timeline:
    """Join everything this node holds about a container, document or voyage.

    Parameters
    ----------
    connection : open connection to the node's database.
    key : what to look for.
    not_agreed : tells what a clause holds back.

    Raises
    ------
    InputError
        If the key is empty or holds more than one thing to look for.
    """
    given = [key.container, key.bill_of_lading, key.booking, key.vessel_imo]
    if sum(value is not None for value in given) != 1 or (key.voyage is not None and key.vessel_imo is None):
        raise InputError(
            "Give one of: a container number, a bill of lading, a booking, or a vessel's IMO number (with its voyage)."
        )
    if key.vessel_imo is not None:
        rows = _rows(connection, record.c.vessel_imo == key.vessel_imo)
        entries = [e for e in _entries(rows, not_agreed) if key.voyage is None or key.voyage in e.voyages]
    else:
        milestones = _entries(_milestone_rows(connection, key), not_agreed)
        entries = milestones + _vessel_entries(connection, milestones, not_agreed)
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    order = list(Step)
    entries.sort(key=lambda e: (e.at or last, order.index(e.step), e.provenance.source, e.provenance.record_id))
    held_back: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if entry.provenance.received_under and entry.provenance.not_agreed:
            held_back[f"{entry.provenance.source}: {entry.provenance.received_under}"] = entry.provenance.not_agreed
    return Timeline(
        key=key,
        entries=tuple(entries),
        conflicts=find_conflicts(entries),
        gaps=find_gaps(entries),
        not_agreed=held_back,
        simulated=any(entry.provenance.simulated for entry in entries),
    )


def _rows(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
    wanted = record.c.dataset.in_(("container-milestones", "port-calls", "vessel-schedules"))
    return connection.execute(sa.select(record).where(wanted, *conditions).order_by(record.c.position)).all()


def _milestone_rows(connection: sa.Connection, key: CargoKey) -> Sequence[sa.Row[Any]]:
    only = record.c.dataset == "container-milestones"
    if key.container is not None:
        return _rows(connection, only, record.c.equipment == key.container)
    document = record.c.bill_of_lading == key.bill_of_lading if key.bill_of_lading else record.c.booking == key.booking
    # A document's containers, then everything about them: a gate move need not name the document.
    named = sa.select(record.c.equipment).where(only, document, record.c.equipment.is_not(None)).distinct()
    return _rows(connection, only, sa.or_(document, record.c.equipment.in_(named)))


def _entries(rows: Iterable[sa.Row[Any]], not_agreed: NotAgreed) -> list[CargoEntry]:
    found: list[CargoEntry] = []
    for row in rows:
        held_back = not_agreed(row.agreement_id, row.agreement_version, row.clause_id) if row.agreement_id else ()
        found += entries_of(row, held_back)
    return found


def _vessel_entries(
    connection: sa.Connection, milestones: Sequence[CargoEntry], not_agreed: NotAgreed
) -> list[CargoEntry]:
    """Return calls and schedules of the vessels the milestones name, near them in time and of the same voyage."""
    times: dict[str, list[dt.datetime]] = {}
    voyages: dict[str, set[str]] = {}
    for entry in milestones:
        if entry.vessel_imo and entry.at:
            times.setdefault(entry.vessel_imo, []).append(entry.at)
            voyages.setdefault(entry.vessel_imo, set()).update(entry.voyages)
    found: list[CargoEntry] = []
    for vessel, moments in times.items():
        first, last = min(moments) - VESSEL_WINDOW, max(moments) + VESSEL_WINDOW
        near = sa.or_(record.c.occurred_at.is_(None), record.c.occurred_at.between(first, last))
        rows = _rows(connection, record.c.dataset != "container-milestones", record.c.vessel_imo == vessel, near)
        for entry in _entries(rows, not_agreed):
            in_time = entry.at is None or first <= entry.at <= last
            # A port call that names no voyage may be trimmed or made from AIS: time and vessel must do.
            same_voyage = not entry.voyages or not voyages[vessel] or voyages[vessel] & set(entry.voyages)
            if in_time and same_voyage:
                found.append(entry)
    return found


def find_conflicts(entries: Iterable[CargoEntry]) -> tuple[Conflict, ...]:
    """Return the steps whose newest statements differ between sources, estimates apart from actual times."""
    groups: dict[tuple[Step, str | None, str | None, bool], dict[tuple[str, str], CargoEntry]] = {}
    for entry in entries:
        if entry.step not in _TIMED or entry.at is None or entry.port is None:
            continue
        group = groups.setdefault((entry.step, entry.port, entry.vessel_imo, entry.classifier == "ACT"), {})
        speaker = (entry.provenance.source, entry.provenance.dataset)
        known = group.get(speaker)
        if known is None or known.provenance.known_at <= entry.provenance.known_at:
            group[speaker] = entry
    found = []
    for (step, port, vessel, _), statements in groups.items():
        times = [entry.at for entry in statements.values() if entry.at is not None]
        if len(set(times)) > 1:
            newest = tuple(sorted(statements.values(), key=lambda e: (e.at or dt.datetime.max, e.provenance.source)))
            found.append(Conflict(step, port, vessel, max(times) - min(times), newest))
    return tuple(found)


def find_gaps(entries: Sequence[CargoEntry]) -> tuple[Gap, ...]:
    """Return the steps of each container's journey that no source tells as having happened.

    The journey is what the entries themselves show: gate in and loading at the first port, departure there, arrival
    and discharge at each later port where the container was handled, gate out at the last.
    """
    found: list[Gap] = []
    for equipment in sorted({entry.equipment for entry in entries if entry.equipment}):
        own = [entry for entry in entries if entry.equipment in {equipment, None}]
        ports = _ports_in_order(own, equipment)
        if ports and _told(own, Step.DISCHARGED, ports[0]):
            found.append(Gap(Step.LOADED, None, equipment, "no source here tells where it was loaded"))
        for position, port in enumerate(ports):
            for step in _expected(own, port, is_first=position == 0, is_last=position == len(ports) - 1):
                told = _told(own, step, port)
                if any(e.classifier == "ACT" for e in told):
                    continue
                note = "only expected, not told as done" if told else "no source here tells it"
                found.append(Gap(step, port, equipment, note))
    return tuple(found)


def _told(entries: Sequence[CargoEntry], step: Step, port: str) -> list[CargoEntry]:
    return [entry for entry in entries if entry.step is step and entry.port == port]


def _expected(entries: Sequence[CargoEntry], port: str, *, is_first: bool, is_last: bool) -> list[Step]:
    """Return the steps a container goes through at one port of its journey."""
    inbound = not is_first or bool(_told(entries, Step.DISCHARGED, port))
    outbound = not is_last or bool(_told(entries, Step.LOADED, port))
    steps = [Step.ARRIVED, Step.DISCHARGED] if inbound else [Step.GATED_IN]
    if outbound:
        return [*steps, Step.LOADED, Step.DEPARTED]
    return [*steps, Step.GATED_OUT] if inbound else steps


def _ports_in_order(entries: Sequence[CargoEntry], equipment: str) -> list[str]:
    """Return the ports where the container itself was handled, in order of time, then its vessel's other calls."""
    ports: list[str] = []
    handled = {Step.GATED_IN, Step.LOADED, Step.DISCHARGED, Step.GATED_OUT}
    for entry in entries:
        if entry.equipment == equipment and entry.step in handled and entry.port and entry.port not in ports:
            ports.append(entry.port)
    return ports
