"""A SIMULATED week of ships at Los Angeles and Long Beach, with its truth.

Ships of several classes come in by the western traffic lane (33 CFR 167.502), wait in the regulatory anchorages
(33 CFR 110.214), shift, lie at berth and leave. The berths are simulated places; no ship, call or figure is a real
one. The reports carry the faults of real AIS; the truth beside them comes from the noise-free tracks and does not
use the program's kernel. The program is not told where the berths are: it must learn them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from sealane.errors import InputError
from sealane.movement.zones import shipped_zones
from sealane.reference import load_table
from sealane.samples.simulated_fleet import SimulatedShip, simulate_fleet, vessels_file_rows
from sealane.samples.simulated_reports import FAULT_KINDS, REPORT_COLUMNS, report_others, report_ship
from sealane.samples.simulated_tracks import STEP_S, places, to_degrees
from sealane.samples.simulated_week import BERTH_RADIUS_M, MODES, Traffic, Truth

PORT = "USLAX"
BEGIN = datetime(2024, 3, 4, tzinfo=UTC)
LABEL = "SIMULATED"
MAX_SHIPS = 50
SOURCES = ("main", "auxiliary", "boiler")

README = """SIMULATED Los Angeles week
==========================

Everything in this folder is SIMULATED. No ship, MMSI, IMO number, berth, call or figure is a real one.

SIMULATED_los_angeles_week_positions.csv   AIS reports in the columns of MarineCadastre files (2018-2024)
SIMULATED_los_angeles_week_vessels.csv     particulars of some of the ships; the others are known by AIS only
SIMULATED_los_angeles_week_truth_calls.csv   port calls as they were (times empty where open at either end)
SIMULATED_los_angeles_week_truth_hours.csv   hours by mode; call empty outside the port call
SIMULATED_los_angeles_week_truth_energy.csv  kWh by mode and source
SIMULATED_los_angeles_week_faults.csv      how many rows carry which fault
SIMULATED_los_angeles_week_berths.geojson  the simulated berths (only where asked for; the program need not know them)

Made by sealane.samples.los_angeles_week. Seed: {seed}. Ships: {ships}. Week from {begin} (UTC).

Real in it: the traffic lanes (33 CFR 167.502), the anchorages and the port limit (the shipped zones of Los Angeles
and Long Beach, with their own sources), and the typical particulars and loads by class (EPA-420-B-22-011). MMSI
772000001 and up use a country code that is assigned to no administration; IMO numbers begin with 2000. The ships in
the vessels file have particulars of their own, scaled from those of their class; every other ship has exactly the
typical particulars of her class.
"""


@dataclass(frozen=True)
class SimulatedWeek:
    """The simulated week and its truth; all of it SIMULATED.

    Attributes
    ----------
    positions : AIS reports in MarineCadastre's columns, in order of time, faults included.
    truth_calls : one row per call: identity, arrival and departure (null where open), hours by mode, stops, shifts.
    truth_hours : mmsi, call (null outside the call), mode, hours.
    truth_energy : mmsi, call, mode, source (main, auxiliary, boiler), kwh.
    vessels_csv : rows of the vessels file.
    zones : GeoJSON of the simulated berths, in the form of a zone file.
    faults : how many rows carry which fault.
    fleet : the ships.
    begin : start of the week, UTC.
    seed : of the random numbers.
    """

    positions: pa.Table
    truth_calls: pa.Table
    truth_hours: pa.Table
    truth_energy: pa.Table
    vessels_csv: list[dict[str, str]]
    zones: dict[str, Any]
    faults: dict[str, int]
    fleet: tuple[SimulatedShip, ...]
    begin: datetime
    seed: int


def simulate_week(seed: int = 2026, ships: int = 40) -> SimulatedWeek:
    """Simulate the week.

    Parameters
    ----------
    seed : of the random numbers; the same seed gives the same week, bit for bit.
    ships : number of ocean-going ships, 1 to 50; the plan of stays is laid out for 40.

    Raises
    ------
    InputError
        if the number of ships is out of bounds, or berths or anchorages are full.
    """
    if not 1 <= ships <= MAX_SHIPS:
        raise InputError(f"{ships} simulated ships: give a number from 1 to {MAX_SHIPS}.")
    rng = np.random.default_rng(seed)
    fleet = simulate_fleet(rng, ships)
    traffic = Traffic(rng, shipped_zones(PORT))
    # Ships that are at berth already when the week begins, or all week, choose their berth first.
    order = sorted(range(ships), key=lambda k: (not fleet[k].plan.value.startswith("at berth"), k))
    truths = {k: traffic.plan(fleet[k]) for k in order}
    faults = dict.fromkeys(FAULT_KINDS, 0)
    tables = [report_ship(truths[k], k, rng, faults) for k in range(ships)]
    tables += report_others(rng)
    positions = pa.concat_tables(tables).sort_by([("BaseDateTime", "ascending"), ("MMSI", "ascending")])
    base = int(BEGIN.timestamp())
    times = pa.array(positions["BaseDateTime"].to_numpy() + base, pa.int64()).cast(pa.timestamp("s"))
    positions = positions.set_column(1, "BaseDateTime", times).cast(pa.schema(list(REPORT_COLUMNS.items())))
    calls, hours, energy = _truth_tables([truths[k] for k in range(ships)])
    return SimulatedWeek(
        positions=positions,
        truth_calls=calls,
        truth_hours=hours,
        truth_energy=energy,
        vessels_csv=vessels_file_rows(fleet),
        zones=_berth_zones(),
        faults=faults,
        fleet=fleet,
        begin=BEGIN,
        seed=seed,
    )


def _truth_tables(truths: Sequence[Truth]) -> tuple[pa.Table, pa.Table, pa.Table]:
    calls: list[dict[str, object]] = []
    hours: list[dict[str, object]] = []
    energy: list[dict[str, object]] = []
    step_h = STEP_S / 3600
    for truth in truths:
        ship = truth.ship
        steps = truth.call_steps
        number: int | None = None
        within = np.zeros(len(truth.t_s), np.bool_)
        if steps is not None:
            within[steps] = True
            number = len(calls) + 1
            calls.append(_call_row(truth, steps, number))
        loads = _hotel_loads(ship)
        for call, part in ((number, within), (None, ~within)):
            for mode, name in enumerate(MODES):
                at = part & (truth.mode == mode)
                spent_h = float(at.sum()) * step_h
                if spent_h == 0:
                    continue
                key = {"mmsi": ship.mmsi, "call": call, "mode": name}
                hours.append(key | {"hours": spent_h})
                kwh = (float(truth.main_kw[at].sum()) * step_h, *(kw[name] * spent_h for kw in loads))
                energy += [key | {"source": s, "kwh": e} for s, e in zip(SOURCES, kwh, strict=True)]
    return (
        pa.Table.from_pylist(calls, schema=_CALL_SCHEMA),
        pa.Table.from_pylist(hours, schema=_HOUR_SCHEMA),
        pa.Table.from_pylist(energy, schema=_ENERGY_SCHEMA),
    )


_CALL_SCHEMA = pa.schema(
    [
        ("call", pa.int32()),
        ("mmsi", pa.int32()),
        ("imo", pa.int32()),
        ("vessel_name", pa.string()),
        ("ship_class", pa.string()),
        ("subtype", pa.string()),
        ("arrival", pa.timestamp("s", tz="UTC")),
        ("departure", pa.timestamp("s", tz="UTC")),
        *((f"{mode}_h", pa.float64()) for mode in MODES),
        ("berth_stops", pa.int32()),
        ("anchorage_stops", pa.int32()),
        ("shifts", pa.int32()),
    ]
)
_HOUR_SCHEMA = pa.schema([("mmsi", pa.int32()), ("call", pa.int32()), ("mode", pa.string()), ("hours", pa.float64())])
_ENERGY_SCHEMA = pa.schema(
    [
        ("mmsi", pa.int32()),
        ("call", pa.int32()),
        ("mode", pa.string()),
        ("source", pa.string()),
        ("kwh", pa.float64()),
    ]
)


def _call_row(truth: Truth, steps: slice, number: int) -> dict[str, object]:
    ship, mode = truth.ship, truth.mode[steps]
    berths = sum(stay.kind == "berth" for stay in truth.stays)
    row: dict[str, object] = {
        "call": number,
        "mmsi": ship.mmsi,
        "imo": ship.imo,
        "vessel_name": ship.name,
        "ship_class": ship.ship_class,
        "subtype": ship.subtype,
        "arrival": None if steps.start == 0 else BEGIN + timedelta(seconds=float(truth.t_s[steps.start])),
        "departure": None if steps.stop == len(truth.t_s) else BEGIN + timedelta(seconds=float(truth.t_s[steps.stop])),
        "berth_stops": berths,
        "anchorage_stops": len(truth.stays) - berths,
        "shifts": len(truth.stays) - 1,
    }
    return row | {f"{name}_h": float((mode == k).sum()) * STEP_S / 3600 for k, name in enumerate(MODES)}


def _hotel_loads(ship: SimulatedShip) -> tuple[dict[str, float], dict[str, float]]:
    """Auxiliary and boiler kW by mode, EPA Tables E.1 and E.2; adrift as at anchor."""
    table = load_table("hotel_load_epa")

    def of(load: str) -> dict[str, float]:
        kw = {m: table.row(load, ship.ship_class, ship.subtype, m).value for m in MODES if m != "drift"}
        return kw | {"drift": kw["anchorage"]}

    return of("auxiliary"), of("boiler")


def _berth_zones() -> dict[str, Any]:
    """Simulated berths as circles, as a zone file takes them."""
    features = []
    for berth in places().berths:
        lat, lon = to_degrees(np.array([berth.point.x]), np.array([berth.point.y]))
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "id": berth.name.lower().replace(" ", "-"),
                    "name": berth.name,
                    "kind": "berth",
                    "port": PORT,
                    "radius_m": BERTH_RADIUS_M,
                    "source": "SIMULATED: place chosen for the simulated Los Angeles week, no real terminal",
                    "grade": "D",
                },
                "geometry": {
                    "type": "Point",
                    "coordinates": [round(float(lon[0]), 6), round(float(lat[0]), 6)],
                },
            }
        )
    return {"type": "FeatureCollection", "features": features}


def write_week(
    folder: Path | str, seed: int = 2026, ships: int = 40, *, with_berth_zones: bool = False
) -> tuple[Path, ...]:
    """Simulate the week and write it; every file name says SIMULATED.

    Parameters
    ----------
    folder : created where missing; files of the same names are replaced.
    seed, ships : as in `simulate_week`.
    with_berth_zones : also write the simulated berths as a zone file.

    Returns
    -------
    Paths of the files written; the positions come first, the vessels second.
    """
    return write_simulated(simulate_week(seed, ships), folder, with_berth_zones=with_berth_zones)


def write_simulated(week: SimulatedWeek, folder: Path | str, *, with_berth_zones: bool = False) -> tuple[Path, ...]:
    """Write a simulated week that is at hand already; the rest as in `write_week`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{LABEL}_los_angeles_week"
    positions = folder / f"{stem}_positions.csv"
    pa_csv.write_csv(
        week.positions.set_column(1, "BaseDateTime", _iso_times(week.positions)),
        positions,
        pa_csv.WriteOptions(quoting_style="none"),
    )
    vessels = folder / f"{stem}_vessels.csv"
    with vessels.open("w", encoding="utf-8", newline="") as file:
        file.write("# SIMULATED ships of the simulated Los Angeles week; none is a real ship\n")
        if week.vessels_csv:
            writer = csv.DictWriter(file, list(week.vessels_csv[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(week.vessels_csv)
    written = [positions, vessels]
    for name, table in (
        ("truth_calls", week.truth_calls),
        ("truth_hours", week.truth_hours),
        ("truth_energy", week.truth_energy),
        ("faults", pa.table({"fault": list(week.faults), "rows": list(week.faults.values())})),
    ):
        path = folder / f"{stem}_{name}.csv"
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
        written.append(path)
    if with_berth_zones:
        path = folder / f"{stem}_berths.geojson"
        path.write_text(json.dumps(week.zones, indent=1), encoding="utf-8", newline="\n")
        written.append(path)
    readme = folder / f"{stem}_README.txt"
    readme.write_text(
        README.format(seed=week.seed, ships=len(week.fleet), begin=week.begin.isoformat()),
        encoding="utf-8",
        newline="\n",
    )
    return (*written, readme)


def _iso_times(positions: pa.Table) -> pa.Array:
    return pa.array(np.datetime_as_string(positions["BaseDateTime"].to_numpy(), unit="s"), pa.string())
