"""One port call: its events, what the ship did and emitted, its particulars and what contradicts itself."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import numpy as np

from sealane.emissions.layout import MODE_NAMES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.derivation import Figure, Quantity
from sealane.web.explain.quality import found_of
from sealane.web.explain.row import PARTICULARS, origin_of
from sealane.web.explain.selection import Selection, explain_path
from sealane.web.explain.sums import worst_grade
from sealane.web.port import calls
from sealane.web.port.breakdown import Sheet, call_pollutants
from sealane.web.port.index import Index
from sealane.web.port.models import (
    CallPage,
    Disagreement,
    Event,
    Lane,
    ModeRow,
    OtherCall,
    Particular,
    PortResult,
    Statement,
    StatementRow,
)
from sealane.web.port.timeline import call_path, lanes, step_of, ticks

_UNITS = {
    "installed_kw": "kW", "max_speed_kn": "kn", "max_draught_m": "m", "length_m": "m", "beam_m": "m", "teu": "TEU",
    "dwt": "t",
}  # fmt: skip


def call_page(
    index: Index, result: PortResult, call_id: str, measure: Selection, *, name: str, zone: str | None
) -> CallPage:
    """Return one call.

    Parameters
    ----------
    measure : pollutant and basis of the breakdowns.
    name, zone : of the port.

    Raises
    ------
    RequestRefusedError
        404 where the result has no such call.
    """
    number = index.number_of("call").get(call_id)
    if number is None:
        raise RequestRefusedError(
            404,
            "unknown-call",
            Phrase("This result has no such port call."),
            Phrase("See /ports/%(port)s for all.", port=index.port),
        )
    call = index.table("calls").slice(number, 1).to_pylist()[0]
    sheet = Sheet(index, result.id, measure, scope="all", simulated=result.simulated, call_id=call_id)
    sums = calls.Sums(index, sheet.mass_all)
    row = calls.rows(index, result.id, np.array([number]), sums, measure, simulated=result.simulated)[0]
    step_h = step_of(row.last_seen - row.first_seen)
    ship = _vessel(index, call["mmsi"])
    found = found_of(index, call["mmsi"])
    return CallPage(
        unlocode=index.port,
        name=name,
        zone=zone,
        result=result,
        call=row,
        port_path=f"/ports/{index.port}?result={result.id}",
        interpolated=row.unobserved.model_copy(
            update={
                "value": float(sums.interpolated[number]),
                "explain": explain_path(result.id, quantity="interpolated", call_id=call_id),
            }
        ),
        shifts=call["shifts"],
        events=_events(index, call["mmsi"], call_id),
        lanes=_lanes(index, result.id, number),
        ticks=ticks(row.first_seen, row.last_seen, step_h, zone),
        step_h=step_h,
        modes=_modes(sheet),
        sources=sheet.breakdown("source").rows,
        total=ModeRow(
            mode="",
            hours=sheet.figure("hours", sheet.hours.total, by="mode"),
            energy=sheet.figure("energy", sheet.energy.total, by="mode"),
            mass=sheet.figure("mass", sheet.mass.total, worst_grade(sheet.mass), by="mode"),
        ),
        pollutant=str(measure.pollutant),
        basis=str(measure.basis),
        measures=list(index.measures),
        pollutants=call_pollutants(index, result.id, call_id, simulated=result.simulated),
        particulars=_particulars(ship) if ship else [],
        vessel_notes=str(ship.get("notes") or "") if ship else "",
        statement=_statement(result, call["mmsi"], found),
        disagreements=_disagreements(index, result, call["mmsi"], found),
        other_calls=_others(index, result.id, call["mmsi"], number),
    )


def _vessel(index: Index, mmsi: int) -> dict[str, Any] | None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = pq.read_table(index.source / "vessels.parquet", filters=pc.field("mmsi") == mmsi).to_pylist()
    return cast("dict[str, Any]", rows[0]) if rows else None


def _events(index: Index, mmsi: int, call_id: str) -> list[Event]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    mine = (pc.field("mmsi") == mmsi) & (pc.field("call_id") == call_id)
    names = {None: None} | {zone["id"]: zone["name"] for zone in index.zones}
    rows = pq.read_table(index.source / "events.parquet", filters=mine).to_pylist()
    return [
        Event(
            time=row["time"].astimezone(dt.UTC), event=row["event"], zone=row["zone"], zone_name=names.get(row["zone"])
        )
        for row in sorted(rows, key=lambda row: row["time"])
    ]


def _lanes(index: Index, result_id: str, number: int) -> list[Lane]:
    return lanes(index, result_id, np.flatnonzero(index.column("stays", "call") == number))


def _modes(sheet: Sheet) -> list[ModeRow]:
    rows = []
    size = len(MODE_NAMES)
    mass, energy, hours = (facts.by("mode", size) for facts in (sheet.mass, sheet.energy, sheet.hours))
    there = sum(facts.rows_by("mode", size) for facts in (sheet.mass, sheet.energy, sheet.hours))
    for code, mode in enumerate(MODE_NAMES):
        if np.asarray(there)[code]:
            grade = worst_grade(sheet.mass.where(sheet.mass.dims["mode"] == code))
            rows.append(
                ModeRow(
                    mode=mode,
                    hours=sheet.figure("hours", float(hours[code]), mode=mode),
                    energy=sheet.figure("energy", float(energy[code]), mode=mode),
                    mass=sheet.figure("mass", float(mass[code]), grade, mode=mode),
                )
            )
    return rows


def _particulars(ship: dict[str, Any]) -> list[Particular]:
    rows = []
    for name in PARTICULARS:
        value = ship.get(name)
        words = ship.get(f"{name}_origin")
        rows.append(
            Particular(
                name=PARTICULARS[name],
                value=value if value is None or isinstance(value, str) else float(value),
                unit=_UNITS.get(name, "") if value is not None else "",
                origin="missing" if value is None else origin_of(words or "rule"),
                origin_words=words or "",
                grade=ship.get(f"{name}_grade"),
                source=ship.get(f"{name}_source") or "",
            )
        )
    return rows


def _stated(result: PortResult, mmsi: int, item: str, value: float, quantity: Quantity) -> Figure:
    """Something that quality.json says of one ship."""
    path = explain_path(result.id, quantity="quality", item=item, mmsi=mmsi)
    return Figure(value=value, quantity=quantity, explain=path, simulated=result.simulated)


def _statement(result: PortResult, mmsi: int, found: dict[str, Any]) -> Statement | None:
    told = found.get("disagreement")
    if not told:
        return None
    return Statement(
        reported=told["reported"],
        decided=told["decided"],
        rows=[
            StatementRow(
                mode=mode,
                reported=_stated(result, mmsi, f"reported.{mode}", hours, "duration_h"),
                decided=_stated(result, mmsi, f"decided.{mode}", told["decided_h"][mode], "duration_h"),
            )
            for mode, hours in told["reported_h"].items()
        ],
    )


def _disagreements(index: Index, result: PortResult, mmsi: int, found: dict[str, Any]) -> list[Disagreement]:
    rules = index.meta["quality"].get("rules", {})
    return [
        Disagreement(
            rule=name,
            count=_stated(result, mmsi, f"rule.{name}", float(count), "count"),
            meaning=rules[name]["meaning"],
            does=rules[name]["does"],
        )
        for name, count in found.get("counts", {}).items()
        if name in rules
    ]


def _others(index: Index, result_id: str, mmsi: int, number: int) -> list[OtherCall]:
    same = np.flatnonzero(index.column("calls", "mmsi") == mmsi)
    rows = index.table("calls").take(same[same != number][:200]).to_pylist()
    return [
        OtherCall(
            call_id=row["call_id"],
            first_seen=row["first_seen"].astimezone(dt.UTC),
            last_seen=row["last_seen"].astimezone(dt.UTC),
            path=call_path(index.port, result_id, row["call_id"]),
        )
        for row in rows
    ]
