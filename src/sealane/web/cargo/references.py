"""What one can look for, read from what people type, and searched among the records held here."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from sealane.database.tables.products import record
from sealane.errors import DataError, Fault, Phrase, RequestRefusedError
from sealane.products.cargo import CargoKey
from sealane.products.codes import container_fault, imo_fault
from sealane.web.cargo.models import CargoKind, Hit
from sealane.web.derivation import Derivation, Figure, Part
from sealane.web.words import N_

MAX_REFERENCE = 100
SHOWN_HITS = 30
_LEAST_PREFIX = 4
DATASETS = ("container-milestones", "port-calls", "vessel-schedules")
_COLUMNS: dict[CargoKind, sa.Column[Any]] = {
    CargoKind.CONTAINER: record.c.equipment,
    CargoKind.BILL_OF_LADING: record.c.bill_of_lading,
    CargoKind.BOOKING: record.c.booking,
    CargoKind.VOYAGE: record.c.vessel_imo,
}


_NAMES = {
    CargoKind.CONTAINER: N_("container"),
    CargoKind.BILL_OF_LADING: N_("bill of lading"),
    CargoKind.BOOKING: N_("booking"),
    CargoKind.VOYAGE: N_("vessel and voyage"),
}
_PRODUCTS = {
    "container-milestones": N_("container milestones"),
    "port-calls": N_("port calls"),
    "vessel-schedules": N_("vessel schedules"),
}


def key_of(kind: CargoKind, reference: str) -> CargoKey:
    """Return the key of a reference.

    Raises
    ------
    DataError
        With every fault of the number.
    """
    faults = []
    text = reference.strip()
    if not text or len(text) > MAX_REFERENCE or not text.isprintable():
        faults.append(
            Fault(
                "reference",
                f"{text[:40]!r}",
                Phrase("Give 1 to %(max_reference)s printable characters.", max_reference=MAX_REFERENCE),
            )
        )
    if kind is CargoKind.CONTAINER:
        text = text.replace(" ", "").replace("-", "").upper()
        wrong = container_fault(text)
        if wrong:
            faults.append(Fault("container", wrong.found, wrong.remedy))
        key = CargoKey(container=text)
    elif kind is CargoKind.VOYAGE:
        imo, _, voyage = text.partition(":")
        imo = imo.upper().removeprefix("IMO").strip()
        wrong = imo_fault(imo)
        if wrong:
            faults.append(Fault("vessel", wrong.found, wrong.remedy))
        key = CargoKey(vessel_imo=imo, voyage=voyage.strip() or None)
    elif kind is CargoKind.BOOKING:
        key = CargoKey(booking=text)
    else:
        key = CargoKey(bill_of_lading=text)
    if faults:
        raise DataError(Phrase("This cannot be looked for."), faults)
    return key


def reference_of(key: CargoKey) -> str:
    """Return the reference of a key in its one spelling."""
    if key.vessel_imo is not None:
        return f"{key.vessel_imo}:{key.voyage}" if key.voyage else key.vessel_imo
    return key.container or key.bill_of_lading or key.booking or ""


def path_of(kind: CargoKind, reference: str) -> str:
    """Return the page of a reference."""
    return f"/cargo/{kind.value}/{quote(reference, safe=':')}"


def wrong_number(q: str) -> str:
    """Say what is wrong with what has the form of a container's or a vessel's number but fails its check digit."""
    text = q.replace(" ", "").replace("-", "").upper()
    if len(text) == 11 and text[:4].isalpha() and text[4:].isdigit():
        found = container_fault(text)
    elif len(text.removeprefix("IMO")) == 7 and text.removeprefix("IMO").isdigit():
        found = imo_fault(text.removeprefix("IMO"))
    else:
        return ""
    return f"{found.found}. {found.remedy}" if found else ""


def search(connection: sa.Connection, q: str) -> tuple[list[Hit], bool]:
    """Return what the records held here name that is, or begins with, what was typed; and whether there is more.

    Parameters
    ----------
    q : container number, bill of lading, booking, IMO number, or IMO number and voyage with a colon or blank between.

    Notes
    -----
    What is named exactly comes first, by index; only where nothing is, what begins with the text is looked for.
    """
    text = q.strip()
    if not text or len(text) > MAX_REFERENCE:
        return [], False
    plain = text.replace(" ", "").replace("-", "").upper()
    wanted = ((CargoKind.CONTAINER, {plain}), (CargoKind.BILL_OF_LADING, {text, text.upper()}),
              (CargoKind.BOOKING, {text, text.upper()}))  # fmt: skip
    hits = [hit for kind, texts in wanted for hit in _hits(connection, kind, _COLUMNS[kind].in_(texts))]
    hits += _voyages(connection, text)
    if not hits and len(plain) >= _LEAST_PREFIX:
        for kind, texts in wanted:
            begins = sa.or_(*(_COLUMNS[kind].startswith(one, autoescape=True) for one in sorted(texts)))
            hits += _hits(connection, kind, begins)
    return hits[:SHOWN_HITS], len(hits) > SHOWN_HITS


def _hits(connection: sa.Connection, kind: CargoKind, condition: sa.ColumnElement[bool]) -> list[Hit]:
    column = _COLUMNS[kind]
    rows = connection.execute(
        sa.select(
            column.label("reference"),
            sa.func.count().label("records"),
            sa.func.max(record.c.received_at).label("newest_at"),
            sa.func.max(sa.case((record.c.simulated, 1), else_=0)).label("simulated"),
        )
        .where(record.c.dataset.in_(DATASETS), condition)
        .group_by(column)
        .order_by(column)
        .limit(SHOWN_HITS + 1)
    )
    return [_hit(connection, kind, row.reference, row.records, row.newest_at, bool(row.simulated)) for row in rows]


def _voyages(connection: sa.Connection, text: str) -> list[Hit]:
    """Return a vessel with its voyages."""
    imo, _, voyage = text.upper().removeprefix("IMO").strip().replace(" ", ":", 1).partition(":")
    if imo_fault(imo) is not None:
        return []
    mine = (record.c.dataset.in_(DATASETS), record.c.vessel_imo == imo)
    rows = connection.execute(
        sa.select(
            record.c.voyage,
            sa.func.count().label("records"),
            sa.func.max(record.c.received_at).label("newest_at"),
            sa.func.max(sa.case((record.c.simulated, 1), else_=0)).label("simulated"),
        )
        .where(*mine)
        .group_by(record.c.voyage)
        .order_by(sa.func.max(record.c.position).desc())
        .limit(SHOWN_HITS)
    ).all()
    found = []
    if rows and not voyage:
        total = sum(row.records for row in rows)
        newest = max(row.newest_at for row in rows)
        found.append(_hit(connection, CargoKind.VOYAGE, imo, total, newest, any(row.simulated for row in rows)))
    found += [
        _hit(connection, CargoKind.VOYAGE, f"{imo}:{row.voyage}", row.records, row.newest_at, bool(row.simulated))
        for row in rows
        if row.voyage and (not voyage or row.voyage.upper() == voyage.strip())
    ]
    return found


def _hit(
    connection: sa.Connection, kind: CargoKind, reference: str, records: int, newest_at: dt.datetime, simulated: bool
) -> Hit:
    ports = connection.scalars(
        sa.select(record.c.port).where(*_naming(kind, reference), record.c.port.is_not(None)).distinct()
    )
    return Hit(
        kind=kind,
        reference=reference,
        path=path_of(kind, reference),
        records=_records_figure(kind, reference, records, simulated),
        ports=sorted(ports),
        newest_at=newest_at,
        simulated=simulated,
    )


def concerns_since(connection: sa.Connection, kind: CargoKind, reference: str, position: int) -> bool:
    """Say whether a record behind a position can belong to a journey: it names it, its containers or its vessels.

    Asked before a journey is put together, which costs more.
    """
    naming = sa.and_(*_naming(kind, reference))
    if kind in {CargoKind.BILL_OF_LADING, CargoKind.BOOKING}:
        named = sa.select(record.c.equipment).where(naming, record.c.equipment.is_not(None)).distinct()
        naming = sa.or_(naming, record.c.equipment.in_(list(connection.scalars(named))))
    newer = sa.select(sa.literal(1)).where(record.c.position > position).limit(1)
    if connection.scalar(newer.where(naming)) is not None:
        return True
    if kind is CargoKind.VOYAGE:
        return False
    vessels = list(
        connection.scalars(sa.select(record.c.vessel_imo).where(naming, record.c.vessel_imo.is_not(None)).distinct())
    )
    return bool(vessels) and connection.scalar(newer.where(record.c.vessel_imo.in_(vessels))) is not None


def count_since(connection: sa.Connection, kind: CargoKind, reference: str, position: int) -> int:
    """Return how many records behind a position name a reference."""
    newer = sa.select(sa.func.count()).where(*_naming(kind, reference), record.c.position > position)
    return connection.scalar(newer) or 0


def _naming(kind: CargoKind, reference: str) -> list[sa.ColumnElement[bool]]:
    found = [record.c.dataset.in_(DATASETS)]
    if kind is CargoKind.VOYAGE:
        imo, _, voyage = reference.partition(":")
        return [*found, record.c.vessel_imo == imo, *([record.c.voyage == voyage] if voyage else [])]
    return [*found, _COLUMNS[kind] == reference]


def _records_figure(kind: CargoKind, reference: str, value: int, simulated: bool, dataset: str = "") -> Figure:
    query = f"?dataset={dataset}" if dataset else ""
    path = f"/explain/cargo/records{path_of(kind, reference).removeprefix('/cargo')}{query}"
    return Figure(value=value, quantity="count", explain=path, simulated=simulated)


def explain_records(connection: sa.Connection, kind: CargoKind, reference: str, dataset: str | None) -> Derivation:
    """Return what a number of records that name a reference counts, by data product."""
    if dataset is not None and dataset not in DATASETS:
        raise RequestRefusedError(
            404,
            "unknown-figure",
            Phrase("Cargo is not told by %(dataset)s.", dataset=repr(dataset[:60])),
            Phrase("Open it anew."),
        )
    mine = _naming(kind, reference)
    if dataset:
        mine.append(record.c.dataset == dataset)
    counts = connection.execute(
        sa.select(
            record.c.dataset,
            sa.func.count().label("records"),
            sa.func.max(sa.case((record.c.simulated, 1), else_=0)).label("simulated"),
        )
        .where(*mine)
        .group_by(record.c.dataset)
        .order_by(record.c.dataset)
    ).all()
    total = sum(row.records for row in counts)
    simulated = any(row.simulated for row in counts)
    parts = [
        Part(
            label=_PRODUCTS.get(row.dataset, row.dataset),
            figure=_records_figure(kind, reference, row.records, bool(row.simulated), row.dataset),
        )
        for row in counts
    ]
    filters = {_NAMES[kind]: reference} | ({"data product": dataset} if dataset else {})
    return Derivation(
        title=N_("records that name a cargo reference"),
        figure=_records_figure(kind, reference, total, simulated, dataset or ""),
        filters=filters,
        parts=[] if dataset else parts,
        part_dimension="" if dataset else "data product",
    )
