"""Port call events that a node holds become rows of the call table: one row a call, whoever told it.

The rows are plain mappings with the columns of the corridors' call table, which this room does not know; the command
line hands them over. What DCSA's events do not tell is left out: the ship's size, the cargo, the distance sailed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from sealane.database.tables.products import record
from sealane.products.codes import imo_fault, mmsi_fault
from sealane.products.shapes import read_time
from sealane.products.store import NO_FILTERS, Filters, iterate_records

DATASET: Final = "port-calls"

# (service, event) -> column of the call table, and which of several times it takes.
TIMES: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("SEA_PASSAGE", "CMPL"): ("arrival", "first"),
    ("PILOT_BOARDING_PLACE", "ARRI"): ("arrival", "first"),
    ("ANCHORAGE", "STRT"): ("anchorage_start", "first"),
    ("ANCHORAGE", "CMPL"): ("anchorage_end", "last"),
    ("BERTH", "ARRI"): ("berth_start", "first"),
    ("ALL_FAST", "ARRI"): ("berth_start", "first"),
    ("BERTH", "DEPA"): ("berth_end", "last"),
    ("SEA_PASSAGE", "STRT"): ("departure", "last"),
    ("SHORE_POWER", "STRT"): ("shore_power_start", "first"),
    ("SHORE_POWER", "CMPL"): ("shore_power_end", "last"),
}
# DCSA vessel type -> ship class of EPA Table E.1, where one type is one class; a tanker or a passenger ship may be one
# of several, and is left open.
SHIP_CLASSES: Final[Mapping[str, str]] = {
    "CONT": "Container Ship",
    "GCGO": "General Cargo",
    "RORO": "RORO",
    "CARC": "Vehicle Carrier",
    "BULK": "Bulk Carrier",
    "LGTK": "Liquified Gas Tanker",
}
_CLASSIFIERS = ("ACT", "PLN", "EST", "REQ")  # in the order in which one time goes before another
_WAITS = dt.timedelta(days=10)  # events of one ship and port further apart, without a call id, are two calls


@dataclass
class _Call:
    """What the events of one call told so far."""

    source: str
    port: str
    name: str
    times: dict[tuple[str, str], tuple[int, dt.datetime, dt.datetime]] = field(default_factory=dict)
    vessel: dict[str, Any] = field(default_factory=dict)
    terminal: str | None = None
    omitted: bool = False
    simulated: bool = False


def partner_calls(
    connection: sa.Connection, own: str, filters: Filters = NO_FILTERS, *, with_own: bool = False
) -> list[dict[str, Any]]:
    """Rows of the call table from the port call events a node holds.

    Parameters
    ----------
    connection : to the node's database.
    own : participant id of the node itself; its rows carry source ``own_file``, others ``partner:<participant>``.
    filters : which records, e.g. one partner's.
    with_own : take the node's own events too; without it, those that arrived by exchange only.

    Returns
    -------
    Rows in the order of source, ship, port and time. A call of which no time is known, an omitted call and an event
    that was cancelled or declined give none. Times: an actual one goes before a planned, estimated or requested one,
    among these the one known last; of several stays the first begin and the last end.
    """
    rows = iterate_records(connection, DATASET, filters)
    return call_rows(_events(rows, own, with_own=with_own))


@dataclass(frozen=True)
class ReceivedUnder:
    """How many port call events of one partner arrived under one version of an agreement."""

    source: str
    agreement_id: str
    version: int
    events: int


def received_under(connection: sa.Connection, own: str) -> list[ReceivedUnder]:
    """Under which agreements the port call events of partners arrived, whether or not these are still in force.

    Parameters
    ----------
    connection : to the node's database.
    own : participant id of the node itself.
    """
    columns = (record.c.source, record.c.agreement_id, record.c.agreement_version)
    statement = (
        sa.select(*columns, sa.func.count())
        .where(record.c.dataset == DATASET, record.c.source != own, record.c.agreement_id.is_not(None))
        .group_by(*columns)
        .order_by(*columns)
    )
    return [ReceivedUnder(*row) for row in connection.execute(statement)]


@dataclass(frozen=True)
class StoredEvent:
    """One event as a node holds it."""

    source: str
    body: Mapping[str, Any]
    known_at: dt.datetime
    simulated: bool


def _events(rows: Iterable[sa.RowMapping], own: str, *, with_own: bool) -> Iterator[StoredEvent]:
    for row in rows:
        if row["source"] == own and not with_own:
            continue
        source = "own_file" if row["source"] == own else f"partner:{row['source']}"
        yield StoredEvent(source, json.loads(row["body"]), row["known_at"], bool(row["simulated"]))


def call_rows(events: Iterable[StoredEvent]) -> list[dict[str, Any]]:
    """Rows of the call table from events; their order does not matter."""
    calls: dict[tuple[str, ...], _Call] = {}
    nameless: dict[tuple[str, ...], list[StoredEvent]] = {}
    for event in events:
        body = event.body
        name = body.get("portCall", {}).get("portCallID") or body.get("portCall", {}).get("portVisitReference")
        if name:
            _take(calls, (event.source, str(name)), event)
        elif _ship(body):
            nameless.setdefault((event.source, body["portCall"]["UNLocationCode"], _ship(body)), []).append(event)
    for key, some in nameless.items():
        for number, group in enumerate(_by_gaps(some)):
            for event in group:
                _take(calls, (*key, str(number)), event)
    rows = [row for call in calls.values() if not call.omitted and (row := _row(call)) is not None]
    return sorted(rows, key=lambda row: (row["source"], str(row["imo"] or row["mmsi"]), row["port"], row["arrival"]))


def _ship(body: Mapping[str, Any]) -> str:
    vessel = body.get("vessel", {})
    return str(vessel.get("vesselIMONumber") or vessel.get("vesselMMSINumber") or "")


def _time_of(body: Mapping[str, Any]) -> dt.datetime | None:
    told = body.get("timestamp", {}).get("serviceDateTime")
    return read_time(told) if told else None


def _by_gaps(events: list[StoredEvent]) -> Iterator[list[StoredEvent]]:
    """Events of one ship at one port, cut where they lie more than `_WAITS` apart."""
    timed = sorted(((time, n) for n, e in enumerate(events) if (time := _time_of(e.body)) is not None))
    group: list[StoredEvent] = []
    last: dt.datetime | None = None
    for time, number in timed:
        if last is not None and time - last > _WAITS:
            yield group
            group = []
        group.append(events[number])
        last = time
    if group:
        yield group


def _take(calls: dict[tuple[str, ...], _Call], key: tuple[str, ...], event: StoredEvent) -> None:
    body = event.body
    port_call, service = body["portCall"], body.get("portCallService", {})
    call = calls.setdefault(key, _Call(event.source, port_call["UNLocationCode"], key[1]))
    call.simulated |= event.simulated
    call.omitted |= bool(port_call.get("isOmitted") or body.get("terminalCall", {}).get("isOmitted"))
    for name, value in sorted(body.get("vessel", {}).items()):
        call.vessel.setdefault(name, value)
    if service.get("isCanceled") or service.get("isDeclined"):
        return
    facility = service.get("serviceLocation", {}).get("facility", {}).get("facilityCode")
    if service.get("portCallServiceTypeCode") == "BERTH" and facility:
        call.terminal = min(call.terminal or facility, facility)
    kind = (service.get("portCallServiceTypeCode", ""), service.get("portCallServiceEventTypeCode", ""))
    time = _time_of(body)
    if kind not in TIMES or time is None:
        return
    rank = _CLASSIFIERS.index(body["timestamp"]["classifierCode"])
    # One time for each service of the call: an actual one, else the one known last.
    place = (TIMES[kind][0], str(service.get("portCallServiceID") or kind[0]))
    known = call.times.get(place)
    if known is None or (rank, -event.known_at.timestamp(), time) < (known[0], -known[1].timestamp(), known[2]):
        call.times[place] = (rank, event.known_at, time)


def _row(call: _Call) -> dict[str, Any] | None:
    found: dict[str, dt.datetime] = {}
    planned = not any(rank == 0 for rank, _, _ in call.times.values())
    for column, which in dict(TIMES.values()).items():
        times = [(value[0], value[2]) for (name, _), value in call.times.items() if name == column]
        if not times:
            continue
        best = min(rank for rank, _ in times)
        if best > 0 and not planned:
            continue  # the call has begun: what is still planned has not happened
        moments = [time for rank, time in times if rank == best]
        found[column] = min(moments) if which == "first" else max(moments)
    for begin, end in (("anchorage_start", "anchorage_end"), ("berth_start", "berth_end"), ("arrival", "departure")):
        # A plan of the next step that an actual time has overtaken tells nothing.
        if begin in found and end in found and found[end] < found[begin]:
            del found[end]
    begins = [found[name] for name in ("arrival", "anchorage_start", "berth_start") if name in found]
    ends = [found[name] for name in ("departure", "berth_end", "anchorage_end") if name in found]
    if not begins and not ends:
        return None
    imo, mmsi = call.vessel.get("vesselIMONumber"), call.vessel.get("vesselMMSINumber")
    imo = int(imo) if imo and imo_fault(str(imo)) is None else None
    mmsi = int(mmsi) if mmsi and mmsi_fault(str(mmsi)) is None else None
    if imo is None and mmsi is None:
        return None
    arrival = min(begins) if begins else None
    departure = max([*ends, *([found["berth_start"]] if "berth_start" in found and ends else [])]) if ends else None
    return {
        "call_id": f"{call.port}-{imo or mmsi}-{call.name}",
        "imo": imo,
        "mmsi": mmsi,
        "ship_name": call.vessel.get("vesselName"),
        "ship_class": SHIP_CLASSES.get(str(call.vessel.get("vesselTypeCode"))),
        "port": call.port,
        "terminal": call.terminal,
        **{name: found.get(name) for name in ("anchorage_start", "anchorage_end", "berth_start", "berth_end")},
        "arrival": arrival or departure,
        "departure": departure if "berth_end" in found or "departure" in found else None,
        "shore_power_start": found.get("shore_power_start"),
        "shore_power_end": found.get("shore_power_end"),
        "source": call.source,
        "observed": not planned,
        "simulated": call.simulated,
    }
