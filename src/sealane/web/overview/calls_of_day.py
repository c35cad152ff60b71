"""Port calls of one day, from every inventory the node keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.web.overview.models import CallOfDay
from sealane.web.results import Result

SHOWN = 200
_COLUMNS = [
    "call_id",
    "mmsi",
    "imo",
    "vessel_name",
    "ship_class",
    "port",
    "arrival",
    "departure",
    "first_seen",
    "last_seen",
]


def days(inventories: Iterable[Result]) -> tuple[dt.date | None, dt.date | None]:
    """Return the first and last day (UTC) that the inventories speak of; None where there is none."""
    spans = [(one.begins_at, one.ends_at) for one in inventories if one.begins_at and one.ends_at]
    if not spans:
        return None, None
    return min(begin for begin, _ in spans).date(), max(end for _, end in spans).date()


def speaks_of(result: Result, day: dt.date) -> bool:
    """Whether a result's period, its last report included, touches a day (UTC)."""
    begin = dt.datetime.combine(day, dt.time(), dt.UTC)
    if result.begins_at is None or result.ends_at is None:
        return False
    return result.begins_at < begin + dt.timedelta(days=1) and result.ends_at >= begin


def calls_of_day(inventories: Iterable[Result], day: dt.date) -> tuple[list[CallOfDay], int]:
    """Return the calls that touch a day (UTC), at most `SHOWN`, and how many there are in all.

    A call stands in the newest inventory that holds it.
    """
    begin = dt.datetime.combine(day, dt.time(), dt.UTC)
    end = begin + dt.timedelta(days=1)
    found: dict[str, CallOfDay] = {}
    for result in sorted(inventories, key=lambda one: one.created_at):
        if not speaks_of(result, day):
            continue
        touches = (pc.field("first_seen") < pa.scalar(end)) & (pc.field("last_seen") >= pa.scalar(begin))
        for row in pq.read_table(result.folder / "calls.parquet", columns=_COLUMNS, filters=touches).to_pylist():
            found[row["call_id"]] = CallOfDay(
                **row,
                zone=None,
                result=result.id,
                simulated=result.simulated,
                page=f"/ports/{row['port']}/calls/{result.id}/{row['call_id']}",
            )
    calls = sorted(found.values(), key=lambda call: (call.first_seen, call.call_id))
    return calls[:SHOWN], len(calls)
