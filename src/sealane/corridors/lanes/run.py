"""From a corridor document and port calls to a folder of lane tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.corridors.call_merge import UNKNOWN_PORTS
from sealane.corridors.call_table import CallTable, ship_key
from sealane.corridors.lanes.claims import claim
from sealane.corridors.lanes.document import Corridor
from sealane.corridors.lanes.electricity import electricity
from sealane.corridors.lanes.lane_fleet import LaneFleet, resolve_fleet
from sealane.corridors.lanes.lane_tables import (
    cargo_unknown_by_year,
    particulars_table,
    passes_table,
    ships_table,
    targets_table,
    trend_table,
)
from sealane.corridors.lanes.schemas import AREAS, FILES, RULES, TABLES
from sealane.corridors.lanes.summary import lane_summary
from sealane.corridors.lanes.totals import Totals
from sealane.corridors.lanes.work import LaneWork, Sums, last_seen, work_legs, work_stays
from sealane.corridors.ship_energy import Fleet, fleet_of
from sealane.emissions.user_vessels import UserVessels
from sealane.errors import DataError, Fault
from sealane.folders import check_ours, whole_folder
from sealane.reference.ports import port


@dataclass(frozen=True)
class LaneResult:
    """What a lane run gave.

    Attributes
    ----------
    folder : holds the tables of `sealane.corridors.lanes.schemas.TABLES` and ``lane.json``.
    rows : rows by table.
    summary : content of ``lane.json``.
    """

    folder: Path
    rows: Mapping[str, int]
    summary: Mapping[str, Any]


def run_lane(
    corridor: Corridor,
    calls: CallTable | pa.Table,
    out: Path,
    *,
    vessels: UserVessels | None = None,
    method: str = "epa-2022",
    gwp: str = "ar5",
    attribution: str | None = None,
    year: int | None = None,
    grid_g_per_kwh: Mapping[str, float] | None = None,
    beside: Sequence[Corridor] = (),
    finish: Callable[[Path], None] | None = None,
) -> LaneResult:
    """Work out what a lane emitted, by all three attribution rules.

    Parameters
    ----------
    corridor : see `sealane.corridors.lanes.document.read_corridor`.
    calls : of `sealane.corridors.call_table.read_call_table`; calls at every port, not only the corridor's.
    out : folder to write; it appears whole or not at all.
    vessels : particulars of the user; they go before those of inventories and class defaults.
    method, gwp : ``epa-2022`` or ``imo4-2020``; ``ar4``, ``ar5`` or ``ar6``.
    attribution : rule that counts; None: the document's.
    year : count legs that end in this year only.
    grid_g_per_kwh : carbon intensity of electricity from shore by UN/LOCODE [g CO2e/kWh]; it goes before the row of
        table ``grid_carbon_intensity``. Electricity at a port that neither knows adds no CO2e, which is said.
    beside : corridors computed with it, between which a leg that several claim is divided.
    finish : called with the folder before it takes its name, e.g. to write the report.

    Raises
    ------
    DataError
        for an unknown rule or port, or calls of which none belongs to the lane.
    MissingFactorError
        if no published value answers for a fuel, place or date.
    """
    check_ours(out, FILES)  # before the work, not after it
    given = _happened(calls if isinstance(calls, CallTable) else CallTable(calls, ()))
    grid = _check(attribution, grid_g_per_kwh or {})
    work, totals, sums = prepare(
        corridor, given, vessels, method, gwp, attribution or corridor.attribution, year, grid, beside
    )
    rows: dict[str, int] = {}
    with whole_folder(out, FILES) as folder:
        rows["legs"] = work_legs(work, totals, sums, folder / TABLES["legs"].file)
        work_stays(work, totals, sums, folder / TABLES["stays"].file)
        rows["stays"] = pq.read_metadata(folder / TABLES["stays"].file).num_rows
        trend = trend_table(work, totals, sums)
        tables = {
            "passes": passes_table(work, sums),
            "totals": totals.table(),
            "ships": ships_table(work, sums),
            "particulars": particulars_table(work),
            "trend": trend,
            "targets": targets_table(corridor, trend, work.rule, cargo_unknown_by_year(work)),
        }
        for name, table in tables.items():
            pq.write_table(table, folder / TABLES[name].file, compression="zstd")
            rows[name] = len(table)
        request: dict[str, Any] = {"method": method, "gwp": gwp, "attribution": work.rule, "year": year}
        request |= {"beside": [other.id for other in beside], "grid_g_per_kwh": dict(sorted(grid.items()))}
        request |= {"vessels": vessels.file if vessels else None}
        summary = lane_summary(corridor, given, work, totals, sums, tables, request)
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / "lane.json").write_text(text + "\n", encoding="utf-8")
        if finish:
            finish(folder)
    return LaneResult(out, rows, summary)


def _happened(calls: CallTable) -> CallTable:
    """The calls without those that are only planned, which nobody has sailed to yet."""
    planned = int(pc.sum(pc.invert(calls.table["observed"])).as_py() or 0)
    if not planned:
        return calls
    note = f"{planned:,} calls are planned or estimated only and left out."
    return replace(calls, table=calls.table.filter(calls.table["observed"]), notes=(*calls.notes, note))


def _check(attribution: str | None, grid: Mapping[str, float]) -> dict[str, float]:
    faults = []
    found = {}
    if attribution is not None and attribution not in RULES:
        faults.append(Fault("attribution", f"'{attribution}'", f"Give one of: {', '.join(RULES)}"))
    for code, value in grid.items():
        try:
            found[port(code).locode] = float(value)
        except DataError as problem:
            faults.extend(problem.faults)
        if not 0.0 <= value <= 2000.0:
            faults.append(Fault(f"grid {code}", f"{value:g}", "Give g CO2e/kWh from 0 to 2000"))
    if faults:
        raise DataError("The lane cannot be worked out.", faults)
    return found


def prepare(
    corridor: Corridor,
    calls: CallTable,
    vessels: UserVessels | None,
    method: str,
    gwp: str,
    rule: str,
    year: int | None,
    grid: Mapping[str, float],
    beside: Sequence[Corridor],
) -> tuple[LaneWork, Totals, Sums]:
    """Everything that is worked out before legs are priced, and empty sums of the right size."""
    table = calls.table
    ship = ship_key(table)
    ships = resolve_fleet(table, ship, vessels, calls.particulars, method)
    ship_row = ships.row_of(ship)
    classes = np.array([name or "unknown" for name in ships.classes()], dtype=object)
    claims = claim(corridor, table, classes[ship_row] if len(ship_row) else classes, year=year, beside=beside)
    if not claims.on_lane.any():
        ends = " and ".join(f"{end.name} ({', '.join(end.ports)})" for end in (corridor.end_a, corridor.end_b))
        raise DataError(
            "No leg of these port calls belongs to the lane.",
            [
                Fault(
                    "calls",
                    f"{len(table):,} calls of {len(ships.ship):,} ships; none calls at both {ends} in the period",
                    "Give calls at both ends; check period, year and ship classes of the document",
                ),
                *(Fault("calls", n.rstrip("."), "Correct the codes") for n in calls.notes if UNKNOWN_PORTS in n),
            ],
        )
    names = tuple(sorted(set(classes.tolist())))
    quarters = np.unique(claims.quarter[claims.on_lane])
    n, passes = len(ships.ship), len(claims.rotations.pass_from)
    sums = Sums(
        ships=np.zeros((len(RULES), n, 3)),
        ship_legs=np.zeros(n, np.int64),
        ship_nm=np.zeros(n),
        ship_observed_nm=np.zeros(n),
        pass_legs=np.zeros(passes, np.int64),
        pass_nm=np.zeros(passes),
        pass_mj=np.zeros(passes),
        pass_wtw=np.zeros(passes),
        legs=np.zeros((len(RULES), len(quarters)), np.int64),
        nm=np.zeros((len(RULES), len(quarters))),
    )
    work = LaneWork(
        calls=table,
        claims=claims,
        ships=ships,
        fleet=_fleet(ships, table, gwp),
        ship_row=ship_row,
        class_number=np.searchsorted(np.array(names), classes.astype(str)),
        quarters=quarters,
        grid=electricity(pc.unique(table["port"]).to_pylist(), grid),
        rule=rule,
    )
    return work, Totals(quarters, names), sums


def _fleet(ships: LaneFleet, table: pa.Table, gwp: str) -> Fleet | None:
    if not ships.models:
        return None
    first, last = (datetime.fromtimestamp(moment / 1e6, UTC) for moment in last_seen(table))
    return fleet_of(ships.models, first, last, areas=AREAS, gwp=gwp)
