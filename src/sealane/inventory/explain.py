"""The chain behind a figure: equation, inputs (observed or filled), factor rows and sources, line by line.

The lines come from load_lines.parquet, the factors are resolved again from the reference tables, and the products are
formed and added in the kernel's own order, so the explanation adds up to the inventory to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.emissions.emission_factors import POLLUTANTS
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.layout import PRICED, SOURCE_NAMES, FactorArrays, KernelLimits
from sealane.emissions.low_load import ELECTRIC_DRIVES, low_load_rows
from sealane.emissions.pricing import adjustment as load_adjustment
from sealane.emissions.profiles import Area, FactorSheet, Place, Profile, factor_sheet, resolve_factors, resolve_places
from sealane.errors import DataError, Fault, FileFormatError
from sealane.inventory.request import GWP_SETS, METHODS
from sealane.inventory.settings import Settings, published_limits
from sealane.inventory.shore_power import grid_row
from sealane.reference import FactorRow, load_table

_WTT, _CO2E, _CO2, _CH4, _N2O = (PRICED.index(name) for name in ("wtt_co2e", "co2e", "co2", "ch4", "n2o"))
"""Columns of the priced factors that well-to-wake and CO2e are made of."""
_INPUTS = (
    ("ship_class", ""),
    ("subtype", ""),
    ("engine_type", ""),
    ("aux_engine_type", ""),
    ("installed_kw", "kW"),
    ("max_speed_kn", "kn"),
    ("max_draught_m", "m"),
    ("nox_tier", ""),
    ("keel_year", ""),
    ("main_fuel", ""),
)


@dataclass(frozen=True)
class Source:
    """One published row: its label, value and where it comes from."""

    label: str
    value: float
    unit: str
    source: str
    edition: str
    grade: str


@dataclass(frozen=True)
class Input:
    """One particular of the ship and its origin."""

    name: str
    value: Any
    unit: str
    origin: str
    grade: str
    source: str


@dataclass(frozen=True)
class Line:
    """One product: hours x power x factor x low-load adjustment."""

    regime: str
    evidence: str
    speed_kn: float
    draught_m: float | None
    hours: float
    load: float
    power_kw: float
    factor_g_per_kwh: float
    adjustment: float
    grams: float
    upstream_g: float = 0.0
    """Part of `grams` emitted before the fuel is on board; 0 tank-to-wake."""


@dataclass(frozen=True)
class Figure:
    """One row of the inventory, taken apart."""

    mode: str
    source: str
    zone: str | None
    pollutant: str
    basis: str
    grams: float
    in_inventory: float
    equation: str
    factor_rows: tuple[Source, ...]
    lines: tuple[Line, ...]

    @property
    def adds_up(self) -> bool:
        """True if the lines add up to the inventory's figure, bit for bit."""
        return self.grams == self.in_inventory


@dataclass(frozen=True)
class Explanation:
    """Everything behind the figures of one call."""

    call: dict[str, Any]
    method: str
    method_edition: str
    gwp: str
    inputs: tuple[Input, ...]
    figures: tuple[Figure, ...]

    @property
    def adds_up(self) -> bool:
        """True if every figure does."""
        return all(figure.adds_up for figure in self.figures)

    def as_dict(self) -> dict[str, Any]:
        """The explanation as plain values for JSON."""
        return {**asdict(self), "adds_up": self.adds_up}


def _read(folder: Path, name: str, filters: pc.Expression | None = None) -> pa.Table:
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise FileFormatError(
            f"{folder} is no folder of a finished inventory: {path.name} is missing. "
            "Give the folder that 'sealane inventory --out' wrote."
        )
    return pq.read_table(path, filters=filters)


def _sources(rows: Iterable[FactorRow]) -> tuple[Source, ...]:
    return tuple(Source(r.label, r.value, r.unit, r.source, r.edition, r.grade) for r in dict.fromkeys(rows))


def explain(folder: Path, call_id: str, pollutant: str | None = None) -> Explanation:
    """Explain the figures of one call.

    Parameters
    ----------
    folder : what `run_inventory` wrote.
    call_id : the call.
    pollutant : only this one; None for all.

    Raises
    ------
    DataError
        for an unknown call or pollutant.
    FileFormatError
        if the folder is not that of a finished inventory.
    """
    chosen = pc.field("call_id") == call_id
    calls = _read(folder, "calls", chosen).to_pylist()
    faults = _pollutant_faults(pollutant)
    if not calls:
        known = _read(folder, "calls").column("call_id").to_pylist()
        near = ", ".join(known[:5]) or "none"
        faults.insert(0, Fault("CALL_ID", f"{call_id!r} is not in calls.parquet", f"Calls there: {near} …"))
    if faults:
        raise DataError("The figure cannot be explained.", faults)
    return _explained(folder, calls[0], chosen, pollutant)


def explain_outside_calls(folder: Path, mmsi: int, pollutant: str | None = None) -> Explanation:
    """Explain the figures of one vessel outside every call of the port.

    Parameters
    ----------
    folder : what `run_inventory` wrote.
    mmsi : the vessel.
    pollutant : only this one; None for all.

    Raises
    ------
    DataError
        for an unknown vessel or pollutant.
    FileFormatError
        if the folder is not that of a finished inventory.
    """
    ships = _read(folder, "vessels", pc.field("mmsi") == mmsi).to_pylist()
    faults = _pollutant_faults(pollutant)
    if not ships:
        faults.insert(0, Fault("MMSI", f"{mmsi:09d} is not in vessels.parquet", "Name a vessel of the inventory."))
    if faults:
        raise DataError("The figure cannot be explained.", faults)
    outside = {"call_id": None, "mmsi": mmsi, "vessel_name": ships[0]["name"], "port": _origin(folder)["port"]}
    return _explained(folder, outside, pc.field("call_id").is_null() & (pc.field("mmsi") == mmsi), pollutant)


def _pollutant_faults(pollutant: str | None) -> list[Fault]:
    if pollutant is None or pollutant in POLLUTANTS:
        return []
    return [Fault("--pollutant", f"{pollutant!r}", f"Give one of: {', '.join(POLLUTANTS)}.")]


def _origin(folder: Path) -> dict[str, Any]:
    record = folder / "provenance.json"
    origin = json.loads(record.read_text("utf-8")) if record.is_file() else None
    if origin is None or origin["method"] not in METHODS or origin["gwp"] not in GWP_SETS:
        raise FileFormatError(f"{folder}: provenance.json is missing or of another version; run the inventory again.")
    return dict(origin)


def _explained(folder: Path, call: dict[str, Any], chosen: pc.Expression, pollutant: str | None) -> Explanation:
    """Explain the rows of the inventory that `chosen` picks."""
    origin = _origin(folder)
    method, gwp = origin["method"], origin["gwp"]
    ship = _read(folder, "vessels", pc.field("mmsi") == call["mmsi"]).to_pylist()[0]
    profile = Profile(
        ship["engine_type"], ship["aux_engine_type"], ship["nox_tier"], ship["keel_year"], ship["main_fuel"]
    )
    mine = (pc.field("mmsi") == call["mmsi"]) & chosen  # the files are sorted by MMSI: only a part of them is read
    lines = _read(folder, "load_lines", mine).to_pylist()
    regimes = _regimes(origin, lines)
    inventory = _read(folder, "inventory", mine).to_pylist()
    resolved = _resolve(profile, regimes, method, gwp)
    figures = []
    for row in inventory:
        if pollutant in {None, row["pollutant"]}:
            figures.append(_figure(row, lines, ship, resolved, call["port"]))
    return Explanation(
        call=call,
        method=method,
        method_edition=origin["method_edition"],
        gwp=gwp,
        inputs=tuple(
            Input(
                name,
                ship[name],
                unit,
                ship[f"{name}_origin"] or "rule",
                ship[f"{name}_grade"] or "",
                ship[f"{name}_source"] or "",
            )
            for name, unit in _INPUTS
            if ship[name] is not None
        ),
        figures=tuple(figures),
    )


def _regimes(origin: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Place]:
    """The run's regimes by name, resolved again for the period of its data."""
    first, last = (datetime.fromisoformat(origin["period"][name]) for name in ("first_report", "last_report"))
    areas = [Area(row.text("area")) for row in load_table("nox_area").rows]
    places = resolve_places([*areas, Area(None)], first, last).places
    return {place.name: place for place in places if any(place.name == line["regime"] for line in lines)}


class _Resolved(NamedTuple):
    """Factors of the call's ship in every regime it met."""

    sheets: dict[str, FactorSheet]
    low_sheets: dict[str, FactorSheet]  # below the load at which a Tier III main engine emits at Tier II
    arrays: dict[str, FactorArrays]
    limits: KernelLimits
    method: str


def _resolve(profile: Profile, regimes: dict[str, Place], method: str, gwp: str) -> _Resolved:
    return _Resolved(
        sheets={name: factor_sheet(profile, place, method, gwp) for name, place in regimes.items()},
        low_sheets={name: factor_sheet(profile, place, method, gwp, low=True) for name, place in regimes.items()},
        arrays={name: resolve_factors([profile], [place], method, gwp)[0] for name, place in regimes.items()},
        limits=published_limits(Settings()),
        method=method,
    )


def _figure(
    row: dict[str, Any],
    lines: list[dict[str, Any]],
    ship: dict[str, Any],
    resolved: _Resolved,
    port: str,
) -> Figure:
    sheets, low_sheets, arrays, limits, method = resolved
    mine = [line for line in lines if line["mode"] == row["mode"] and line["zone"] == row["zone"]]
    if row["source"] == "shore_power":
        return _shore_figure(row, mine, port)
    source = SOURCE_NAMES.index(row["source"])
    power = ("main_kw", "aux_kw", "boiler_kw")[source]
    adjusted = source == 0 and not ship["electric_drive"] and ship["engine_type"] not in ELECTRIC_DRIVES
    out = []
    total = upstream = 0.0
    wanted = PRICED.index(row["pollutant"])
    for line in mine:
        factors = arrays[line["regime"]]
        low = line["load"] < limits.tier_fallback_load
        rates = [
            _rate(p, source, line, line[power], factors, low=low, adjusted=adjusted, limits=limits)
            for p in range(len(PRICED))
        ]
        potential = factors.gwp
        rate = rates[wanted][0]
        if wanted == _CO2E:
            rate = rates[_CO2][0] + potential[0] * rates[_CH4][0] + potential[1] * rates[_N2O][0]
        grams = rate * line["hours"]
        above = rates[_WTT][0] * line["hours"] if row["basis"] == "wtw" else 0.0
        total += grams
        upstream += above
        if line[power] > 0:
            factor, adjustment = rates[wanted][1:]
            if wanted == _CO2E:  # a sum of three products: show the factor it comes to
                factor, adjustment = rate / line[power], 1.0
            if row["basis"] == "wtw":
                factor, adjustment = (rate + rates[_WTT][0]) / line[power], 1.0
            out.append(
                Line(
                    line["regime"],
                    line["evidence"],
                    line["speed_kn"],
                    line["draught_m"],
                    line["hours"],
                    line["load"],
                    line[power],
                    float(factor),
                    float(adjustment),
                    float(grams + above),
                    float(above),
                )
            )
    grams = total + upstream if row["basis"] == "wtw" else total
    # A main engine that ran on both sides of that load rests on the rows of both.
    running = [line for line in mine if line[power] > 0]
    met = {(line["regime"], source == 0 and line["load"] < limits.tier_fallback_load) for line in running}
    used = [(low_sheets if low else sheets)[name] for name, low in sorted(met)]
    rows = [
        *(r for sheet in used for r in _rows(sheet, source, row)),
        *_power_rows(row, source, ship, out, method, adjusted=adjusted),
    ]
    return Figure(
        row["mode"],
        row["source"],
        row["zone"],
        row["pollutant"],
        row["basis"],
        float(grams),
        row["grams"],
        _equation(used[0], source, row, method),
        _sources(rows),
        tuple(out),
    )


def _rate(
    p: int,
    source: int,
    line: dict[str, Any],
    power_kw: float,
    factors: FactorArrays,
    *,
    low: bool,
    adjusted: bool,
    limits: KernelLimits,
) -> tuple[float, float, float]:
    """(grams per hour, factor, adjustment) of one line, in the kernel's own arithmetic."""
    if power_kw <= 0.0:
        return 0.0, 0.0, 1.0
    if source:
        factor = float((factors.auxiliary if source == 1 else factors.boiler)[0, 0, p])
        return power_kw * factor, factor, 1.0
    factor = float((factors.main_low if low else factors.main)[0, 0, p])
    adjustment = float(
        load_adjustment(
            p,
            line["load"],
            factors.sulphur_fraction[0, 0],
            factors.bc_exponent[0, 0],
            np.uint8(adjusted),
            factors,
            limits,
        )
    )
    return power_kw * factor * adjustment, factor, adjustment


def _rows(sheet: FactorSheet, source: int, row: dict[str, Any]) -> tuple[FactorRow, ...]:
    factor = sheet.factors[source].get(row["pollutant"])
    rows = factor.rows if factor else ()
    return (*rows, *sheet.upstream[source].rows) if row["basis"] == "wtw" else rows


def _power_rows(
    row: dict[str, Any], source: int, ship: dict[str, Any], lines: list[Line], method: str, *, adjusted: bool
) -> tuple[FactorRow, ...]:
    """Rows behind the power and the adjustment: hotel loads; or sea margin, load and low-load constants."""
    if source:
        load = hotel_load(ship["ship_class"], ship["subtype"], row["mode"], table=method)
        return tuple(r for r in load.rows if dict(r.keys).get("load", SOURCE_NAMES[source]) == SOURCE_NAMES[source])
    constants = load_table("method_constants")
    rows = list(constants.find(method=method)) if method == "imo4-2020" else list(load_table("sea_margin").rows)
    limit = constants.row("epa-2022", "low_load_limit")
    gases = ("co2", "ch4", "n2o") if row["pollutant"] == "co2e" else (row["pollutant"],)
    if adjusted and any(line.load < limit.value for line in lines):
        rows += [limit, *(r for gas in gases for r in low_load_rows(gas))]
    return tuple(rows)


def _equation(sheet: FactorSheet, source: int, row: dict[str, Any], method: str) -> str:
    factor = sheet.factors[source].get(row["pollutant"])
    inner = factor.equation if factor else row["pollutant"]
    load = " x adjustment(load)" if source == 0 else ""
    upstream = " + fuel x LCV x WtT" if row["basis"] == "wtw" else ""
    adjustment = "load-based SFC or low-load factor" if method == "imo4-2020" else "low-load factor"
    tail = f"; adjustment: {adjustment}" if source == 0 else ""
    return f"sum over lines of hours x kW x ({inner}{upstream}){load}{tail}"


def _shore_figure(row: dict[str, Any], lines: list[dict[str, Any]], port: str) -> Figure:
    grid = grid_row(port)
    out = []
    total = 0.0
    for line in lines:
        if line["shore_kw"] > 0:
            grams = line["shore_kw"] * line["hours"] * grid.value
            total += grams
            out.append(
                Line(
                    line["regime"],
                    line["evidence"],
                    line["speed_kn"],
                    line["draught_m"],
                    line["hours"],
                    0.0,
                    line["shore_kw"],
                    grid.value,
                    1.0,
                    grams,
                )
            )
    return Figure(
        row["mode"],
        row["source"],
        row["zone"],
        row["pollutant"],
        row["basis"],
        total,
        row["grams"],
        "sum over lines of hours x kW from shore x carbon intensity of the grid",
        _sources([grid]),
        tuple(out),
    )
