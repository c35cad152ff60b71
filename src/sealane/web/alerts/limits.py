"""Limits that people have entered, and the figures of results that are held against them.

A limit is never assumed. One on a data gap says for how long a feed may be silent; one on a result says how much of a
pollutant an inventory or a lane may show.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.alerts import alert_limit as table
from sealane.errors import DataError, Fault, Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.web.alerts.rules import Measured
from sealane.web.results import Result, ResultKind, results

MAX_LIMITS = 200


class LimitKind(StrEnum):
    """What a limit is on."""

    DATA_GAP = "data-gap"  # subject "<data product> <participant>", hours
    EXCEEDANCE = "exceedance"  # subject "<measure> <port or corridor>", t


# measure -> kind of result, file, rows, column of grams. Bases as the method names them: ttw, wtw.
INVENTORY_POLLUTANTS = ("co2e", "co2", "ch4", "n2o", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co")
LANE_COLUMNS = {"co2e-wtw": "wtw_co2e_g", "co2e-ttw": "ttw_co2e_g", "nox": "nox_g", "so2": "so2_g", "pm25": "pm25_g"}
MEASURES = tuple(f"inventory-{name}" for name in INVENTORY_POLLUTANTS) + tuple(f"lane-{name}" for name in LANE_COLUMNS)


@dataclass(frozen=True)
class AlertLimit:
    """One limit.

    Attributes
    ----------
    value : hours for a data gap, tonnes for a result.
    """

    id: str
    kind: LimitKind
    subject: str
    value: float
    created_at: dt.datetime
    created_by: str


def limits(connection: sa.Connection) -> list[AlertLimit]:
    """Return every limit, oldest first."""
    rows = connection.execute(sa.select(table).order_by(table.c.created_at, table.c.id))
    return [
        AlertLimit(r.id, LimitKind(r.kind), r.subject, float(r.terms["value"]), r.created_at, r.created_by)
        for r in rows
    ]


def add_limit(
    connection: sa.Connection, kind: LimitKind, measure: str, place: str, value: float, by: str, now: dt.datetime
) -> AlertLimit:
    """Enter a limit; one on the same measure and place takes the place of the earlier one.

    Parameters
    ----------
    measure : data product, or one of `MEASURES`.
    place : participant whose records they are; UN/LOCODE of the inventory's port, or id of the lane's corridor.
    value : hours, or tonnes.

    Raises
    ------
    DataError
        With everything that is wrong.
    """
    place = place.strip()
    known = tuple(sorted(DATASETS)) if kind is LimitKind.DATA_GAP else MEASURES
    faults = []
    if measure not in known:
        faults.append(Fault("measure", f"{measure[:60]!a}", Phrase("Give one of: %(names)s", names=", ".join(known))))
    if not place or len(place) > 200 or not place.isprintable() or " " in place:
        remedy = Phrase("Give the port's UN/LOCODE or the corridor's id")
        if kind is LimitKind.DATA_GAP:
            remedy = Phrase("Give the participant's id")
        faults.append(Fault("place", f"{place[:60]!a}", remedy))
    if not 0 < value < 1e15:
        faults.append(Fault("value", f"{value:g}", Phrase("Give a number above 0")))
    if (connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0) >= MAX_LIMITS:
        faults.append(
            Fault(
                "limits", Phrase("there are %(max_limits)s already", max_limits=MAX_LIMITS), Phrase("Remove one first")
            )
        )
    if faults:
        raise DataError(Phrase("The limit cannot be set."), faults)
    made = AlertLimit(str(uuid.uuid4()), kind, f"{measure} {place}", value, now, by)
    connection.execute(table.delete().where(table.c.kind == kind.value, table.c.subject == made.subject))
    connection.execute(
        table.insert().values(
            id=made.id, kind=kind.value, subject=made.subject, terms={"value": value}, created_at=now, created_by=by
        )
    )
    return made


def remove_limit(connection: sa.Connection, limit_id: str) -> AlertLimit:
    """Take a limit back and return it.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    found = next((limit for limit in limits(connection) if limit.id == limit_id), None)
    if found is None:
        raise RequestRefusedError(
            404, "unknown-limit", Phrase("There is no such limit."), Phrase("See /alerts/channels for all.")
        )
    connection.execute(table.delete().where(table.c.id == limit_id))
    return found


def measured_figures(node: Node, connection: sa.Connection, entered: list[AlertLimit]) -> list[Measured]:
    """Return the figures of kept results that a limit is on, each with its limit."""
    wanted = [limit for limit in entered if limit.kind is LimitKind.EXCEEDANCE]
    if not wanted:
        return []
    kept = results(connection, node)
    return [found for limit in wanted for one in kept for found in _measured(limit, one)]


def _measured(limit: AlertLimit, result: Result) -> Iterator[Measured]:
    measure, _, place = limit.subject.partition(" ")
    made, _, name = measure.partition("-")
    if made == "inventory" and result.kind is ResultKind.INVENTORY and result.port == place:
        value = inventory_tonnes(result.folder, result.digest, name)
        link = f"/ports/{place}?result={result.id}"
    elif made == "lane" and result.kind is ResultKind.LANE and result.corridor == place:
        value = lane_tonnes(result.folder, result.digest, name)
        link = f"/corridors/{place}?result={result.id}"
    else:
        return
    if value is not None:
        yield Measured(
            limit_id=limit.id,
            result_id=result.id,
            title=result.title,
            quantity=measure,
            label=name,
            value=value,
            limit=limit.value,
            unit="t",
            simulated=result.simulated,
            link=link,
            begins_at=result.begins_at,
        )


# A result's files never change, so that a sum holds for its digest.
@lru_cache(maxsize=512)
def inventory_tonnes(folder: Path, digest: str, pollutant: str) -> float | None:
    """Return the mass of a pollutant over a whole inventory, t, tank-to-wake; None where the files are gone."""
    import pyarrow.compute as pc

    rows = _table(folder / "inventory.parquet", ["grams"], [("pollutant", "=", pollutant), ("basis", "=", "ttw")])
    return None if rows is None else float(pc.sum(rows["grams"]).as_py() or 0.0) / 1e6


@lru_cache(maxsize=512)
def lane_tonnes(folder: Path, digest: str, name: str) -> float | None:
    """Return the mass of a pollutant over a whole lane under its attribution rule, t; None where the files are gone."""
    import json

    import pyarrow.compute as pc

    column = LANE_COLUMNS[name]
    try:
        rule = json.loads((folder / "lane.json").read_text("utf-8"))["request"]["attribution"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    rows = _table(folder / "totals.parquet", [column], [("rule", "=", rule)])
    return None if rows is None else float(pc.sum(rows[column]).as_py() or 0.0) / 1e6


def _table(path: Path, columns: list[str], filters: list[tuple[str, str, str]]) -> Any:
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=columns, filters=filters)
    except (OSError, ValueError, KeyError):
        return None
