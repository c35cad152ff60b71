"""The report's tables: raw values with headers and units, the same for the HTML page and the workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sealane.reports.charts import STAYS, Stay
from sealane.reports.figures import GRAMS
from sealane.reports.results import Results
from sealane.reports.summary import LEADING, MODES, POLLUTANTS, Category, Summary

PARTICULARS = (
    ("ship_class", "class", ""),
    ("subtype", "size class", ""),
    ("engine_type", "main engine", ""),
    ("aux_engine_type", "auxiliary engine", ""),
    ("installed_kw", "main engine power", "kW"),
    ("max_speed_kn", "maximum speed", "kn"),
    ("max_draught_m", "maximum draught", "m"),
    ("nox_tier", "NOx tier", ""),
    ("keel_year", "keel year", ""),
    ("main_fuel", "main fuel", ""),
    ("length_m", "length", "m"),
    ("beam_m", "beam", "m"),
)


@dataclass(frozen=True)
class Column:
    """A column: header, unit ('' for none), kind (text, number, integer, time or share) and width [characters]."""

    header: str
    unit: str = ""
    kind: str = "text"
    width: int = 14

    @property
    def title(self) -> str:
        """Header with its unit."""
        return f"{self.header} [{self.unit}]" if self.unit else self.header

    @property
    def wraps(self) -> bool:
        """True for sentences, which a narrow screen may break."""
        return self.kind == "text" and self.width >= 50

    @property
    def numeric(self) -> bool:
        """True for numbers of any kind."""
        return self.kind in {"number", "integer", "share"}


@dataclass(frozen=True)
class Table:
    """A table of raw values; numbers in the column's unit, shares as fractions, times with zone."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    note: str = ""


def _in(unit: str, grams: float | None) -> float | None:
    return None if grams is None else grams / GRAMS[unit]


def pollutant_table(summary: Summary) -> Table:
    """Totals by pollutant, in tonnes and short tons."""
    return Table(
        "By pollutant",
        (
            Column("pollutant", width=14),
            Column("basis", width=14),
            Column("all positions", "t", "number"),
            Column("all positions", "short tons", "number", 22),
            Column("in port calls", "t", "number"),
            Column("in port calls", "short tons", "number", 22),
            Column("on filled inputs, grade D", "", "share", 24),
            Column("remark", width=60),
        ),
        [
            (
                row.label,
                row.basis,
                _in("t", row.grams),
                _in("short tons", row.grams),
                _in("t", row.in_call_g),
                _in("short tons", row.in_call_g),
                row.filled_share,
                row.remark,
            )
            for row in summary.pollutants
        ],
    )


def breakdown_table(name: str, categories: Sequence[Category], of: str) -> Table:
    """Hours, work and every pollutant of a breakdown, tank-to-wake."""
    units = dict(LEADING) | {"co2e_wtw": "t", "co2": "t"}
    masses = [p for p in POLLUTANTS if any(p in c.grams for c in categories)]
    counted = any(c.ships is not None for c in categories)
    timed = any(c.hours is not None for c in categories)
    columns = [Column(of, width=24)]
    columns += [Column("ships", "", "integer", 10), Column("calls", "", "integer", 10)] if counted else []
    columns += [Column("time", "h", "number")] if timed else []
    columns += [Column("work", "kWh", "number", 16)]
    columns += [Column(POLLUTANTS[p], units.get(p, "kg"), "number", 16) for p in masses]
    rows = []
    for c in categories:
        row: list[Any] = [c.label]
        row += [c.ships, c.calls] if counted else []
        row += [c.hours] if timed else []
        row += [c.energy_kwh, *(_in(units.get(p, "kg"), c.grams.get(p, 0.0)) for p in masses)]
        rows.append(tuple(row))
    return Table(
        name, tuple(columns), rows, "All positions of the inventory's ships; tank-to-wake but for CO2e well-to-wake."
    )


def calls_table(results: Results) -> Table:
    """Port calls with their emissions."""
    masses = {row["call_id"]: row for row in results.by_call if row["call_id"] is not None}
    rows = []
    for call in results.calls.to_pylist():
        g = masses.get(call["call_id"], {})
        co2e = g.get("co2e_g")
        rows.append(
            (
                call["vessel_name"],
                call["ship_class"],
                call["subtype"],
                call["arrival"],
                call["departure"],
                *(call[f"{mode}_h"] for mode in ("berth", "anchorage", "manoeuvring", "transit", "drift")),
                call["interpolated_h"],
                call["unobserved_h"],
                call["shifts"],
                _in("t", co2e),
                _in("t", g.get("co2e_wtw_g")),
                _in("kg", g.get("nox_g")),
                _in("kg", g.get("so2_g")),
                _in("kg", g.get("pm25_g")),
                _in("kg", g.get("dpm_g")),
                (g.get("co2e_filled_g") or 0.0) / co2e if co2e else None,
                call["confidence"],
                {"start": "arrival", "end": "departure", "both": "both ends"}.get(call["truncated"], ""),
                call["mmsi"],
                call["imo"],
                call["call_id"],
            )
        )
    return Table(
        "Calls",
        (
            Column("ship", width=26),
            Column("class", width=20),
            Column("size class", width=16),
            Column("arrival", "UTC", "time", 18),
            Column("departure", "UTC", "time", 18),
            Column("at berth", "h", "number"),
            Column("at anchor", "h", "number"),
            Column("manoeuvring", "h", "number", 16),
            Column("transit", "h", "number"),
            Column("adrift", "h", "number"),
            Column("of it interpolated", "h", "number", 22),
            Column("unobserved", "h", "number", 15),
            Column("shifts", "", "integer", 9),
            Column("CO2e", "t", "number"),
            Column("CO2e well-to-wake", "t", "number", 22),
            Column("NOx", "kg", "number"),
            Column("SO2", "kg", "number"),
            Column("PM2.5", "kg", "number"),
            Column("diesel PM", "kg", "number"),
            Column("CO2e on grade D", "", "share", 18),
            Column("confidence", "1-4", "integer", 16),
            Column("not seen", width=12),
            Column("MMSI", "", "id", 12),
            Column("IMO", "", "id", 10),
            Column("call", width=38),
        ),
        rows,
    )


def stays_table(results: Results, stays: Sequence[Stay]) -> Table:
    """Stays at berth, at anchor and without reports."""
    calls = {row["call_id"]: row for row in results.calls.to_pylist()}
    return Table(
        "Stays",
        (
            Column("ship", width=26),
            Column("stay", width=12),
            Column("place", width=36),
            Column("from", "UTC", "time", 18),
            Column("to", "UTC", "time", 18),
            Column("length", "h", "number"),
            Column("not seen", width=12),
            Column("MMSI", "", "id", 12),
            Column("call", width=38),
        ),
        [
            (
                calls[stay.call_id]["vessel_name"],
                STAYS[stay.kind].lower(),
                stay.zone,
                stay.start,
                stay.end,
                (stay.end - stay.start).total_seconds() / 3600,
                "" if stay.start_seen and stay.end_seen else ("end" if stay.start_seen else "start"),
                stay.mmsi,
                stay.call_id,
            )
            for stay in stays
        ],
    )


def vessels_table(results: Results) -> Table:
    """Ships with their particulars and where each comes from."""
    masses: dict[int, float] = {}
    for row in results.by_call:
        masses[row["mmsi"]] = masses.get(row["mmsi"], 0.0) + (row["co2e_g"] or 0.0)
    columns = [Column("ship", width=26), Column("MMSI", "", "id", 12), Column("IMO", "", "id", 10)]
    columns.append(Column("CO2e", "t", "number"))
    for _, label, unit in PARTICULARS:
        kind = "number" if unit else "text"
        columns += [Column(label, unit, kind, 18), Column(f"{label}: origin", width=18)]
        columns += [Column(f"{label}: grade", width=8), Column(f"{label}: source", width=40)]
    columns += [Column("main engine, worst grade", width=12), Column("hotel load, worst grade", width=12)]
    columns.append(Column("remarks", width=60))
    rows = []
    for ship in results.vessels.to_pylist():
        cells: list[Any] = [ship["name"], ship["mmsi"], ship["imo"], _in("t", masses.get(ship["mmsi"], 0.0))]
        for name, _, unit in PARTICULARS:
            value = ship[name]
            cells += [value if unit or value is None else str(value)]
            cells += [ship[f"{name}_origin"], ship[f"{name}_grade"], ship[f"{name}_source"]]
        rows.append((*cells, ship["main_grade"], ship["hotel_grade"], ship["notes"]))
    return Table("Vessels", tuple(columns), sorted(rows, key=lambda line: (-line[3], line[1])))


def hours_table(results: Results) -> Table:
    """Hours by mode and the evidence that decided it."""
    sums: dict[tuple[str, str, bool], list[float]] = {}
    for row in results.work:
        cell = sums.setdefault((row["mode"], row["evidence"], row["in_call"]), [0.0] * 6)
        for k, name in enumerate(("hours", "distance_nm", "main_kwh", "aux_kwh", "boiler_kwh", "shore_kwh")):
            cell[k] += row[name]
    order = list(MODES)
    return Table(
        "Hours",
        (
            Column("mode", width=16),
            Column("decided by", width=16),
            Column("in a port call", width=14),
            Column("time", "h", "number"),
            Column("distance", "nm", "number"),
            Column("main engines", "kWh", "number", 20),
            Column("auxiliary engines", "kWh", "number", 24),
            Column("boilers", "kWh", "number", 18),
            Column("shore power", "kWh", "number", 18),
        ),
        [
            (MODES[mode], evidence.replace("_", " "), "yes" if in_call else "no", *cell)
            for (mode, evidence, in_call), cell in sorted(sums.items(), key=lambda i: (order.index(i[0][0]), i[0]))
        ],
    )
