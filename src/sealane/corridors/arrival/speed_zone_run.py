"""From AIS positions to compliance by ship and savings, for every speed-reduction programme that was in force."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sealane.corridors.arrival.speed_passages import Passages, joined_passages, passages
from sealane.corridors.arrival.speed_savings import POLLUTANTS, Savings, savings, usual_speed
from sealane.corridors.arrival.speed_schemas import PASSAGES, SHIPS
from sealane.corridors.arrival.speed_zones import Programme, own_programme, programme, programmes_in_force
from sealane.corridors.ship_energy import ShipEnergy, fleet_of, ship_of_particulars
from sealane.emissions.profiles import GRADES
from sealane.emissions.user_vessels import read_user_vessels
from sealane.emissions.vessels import VesselRegister, resolve_vessels
from sealane.errors import DataError, Fault
from sealane.folders import check_ours, whole_folder
from sealane.inventory.local import FirstPass, default_threads, first_pass, read_tracks
from sealane.inventory.settings import Settings
from sealane.movement.staging import Staged, stage
from sealane.movement.zone_index import ZoneIndex
from sealane.movement.zones import KINDS, eca_zones, read_zones

Progress = Callable[[str, int, int], None]
Floats = NDArray[np.float64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US_PER_DAY = 86_400_000_000
_DIRECTION: Mapping[tuple[int, int], str] = {(0, 0): "through", (0, 1): "arrival", (1, 0): "departure"}
_WITHIN_PORT = (1, 1)

SUMMARY_FILE, REJECTS_FILE = "speed_zones.json", "rejects.csv"
FILES = (PASSAGES.file, SHIPS.file, SUMMARY_FILE, REJECTS_FILE)
"""What the folder of a run holds."""

NOTES = (
    "A passage complies if its mean speed, distance over time, is at most the cap: how a programme works the speed out "
    "is published nowhere we found (our assumption).",
    "Possible savings: the miles above the cap sailed at it. Savings: against the usual transit speed of the ship's "
    "class; what a ship would have done without the programme is not known.",
)


@dataclass(frozen=True)
class SpeedZoneRequest:
    """What to work out.

    Attributes
    ----------
    positions : AIS files in any supported form.
    port : only programmes near this port, UN/LOCODE; None for all.
    programme, season : one programme; None: every one in force that has an outline.
    zones : the user's outlines, GeoJSON of kind ``speed_zone``; with `programme` the zone of it, else with `cap_kn`
        programmes of one's own.
    cap_kn : highest speed of the user's zones [kn].
    vessels : vessel particulars, CSV or Excel.
    method, gwp : as in an inventory.
    time_from, time_to, format, columns, threads, memory_limit : how positions are read.
    """

    positions: tuple[Path, ...]
    port: str | None = None
    programme: str | None = None
    season: str | None = None
    zones: Path | None = None
    cap_kn: float | None = None
    vessels: Path | None = None
    method: str = "epa-2022"
    gwp: str = "ar5"
    time_from: datetime | None = None
    time_to: datetime | None = None
    format: str = "auto"
    columns: Mapping[str, str] | None = None
    threads: int | None = None
    memory_limit: str = "700MB"


@dataclass(frozen=True)
class SpeedZoneResult:
    """Passages and ships as tables, and what they sum to by programme."""

    passages: pa.Table
    ships: pa.Table
    summary: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


def _chosen(request: SpeedZoneRequest) -> tuple[Programme, ...] | None:
    """The programmes the user named; None where all in force are meant."""
    faults = []
    if request.season and not request.programme:
        faults.append(Fault("--season", request.season, "Name the programme too (--programme)"))
    if request.zones and request.programme is None and request.cap_kn is None:
        faults.append(Fault("--zones", f"{request.zones.name}", "Give the speed asked for there (--cap-kn)"))
    if request.cap_kn is not None and (request.zones is None or request.programme is not None):
        faults.append(Fault("--cap-kn", f"{request.cap_kn:g}", "A cap goes with zones of one's own (--zones)"))
    if faults:
        raise DataError("The programmes cannot be told.", faults)
    if request.zones is None:
        return None if request.programme is None else (programme(request.programme, request.season),)
    own = read_zones(request.zones).of_kind("speed_zone")
    if not own:
        fault = Fault(str(request.zones), "no feature of kind speed_zone", "Give at least one")
        raise DataError("The zone file has no speed zone.", [fault])
    if request.programme is None:
        return tuple(own_programme(zone, request.cap_kn or 0.0) for zone in own)
    if len(own) > 1:
        fault = Fault(str(request.zones), f"{len(own)} speed zones", "Give one, the outline of the programme")
        raise DataError("The outline of the programme cannot be told.", [fault])
    return (programme(request.programme, request.season, own[0]),)


def run_speed_zones(
    request: SpeedZoneRequest, out: Path | None = None, progress: Progress | None = None
) -> SpeedZoneResult:
    """Read positions, cut passages, price them, and write the tables if a folder is given.

    Parameters
    ----------
    request : what to do.
    out : folder for ``speed_zone_passages.parquet``, ``speed_zone_ships.parquet`` and ``speed_zones.json``; it appears
        whole or not at all.
    progress : called with (stage, done, total).

    Raises
    ------
    InputError
        if a file or the request is wrong.
    MissingFactorError
        where a programme's season has no outline, or a ship no published value.
    """
    if out is not None:
        check_ours(out, FILES)
    named = _chosen(request)
    user = read_user_vessels(request.vessels) if request.vessels else None
    with tempfile.TemporaryDirectory(prefix="sealane-") as scratch:
        folder = Path(scratch)
        threads = request.threads or default_threads()
        staged = stage(
            request.positions,
            folder / "staged",
            format=request.format,
            columns=request.columns,
            time_from=request.time_from,
            time_to=request.time_to,
            threads=threads,
            memory_limit=request.memory_limit,
            progress=progress,
        )
        settings = Settings()
        first = first_pass(staged, folder, settings, with_stops=False, threads=threads, progress=progress)
        result = _result(request, named, first, resolve_vessels(first.static, user), staged)
        if out is not None:
            with whole_folder(out) as work:
                _write(result, request, staged, work)
    return result


def _result(
    request: SpeedZoneRequest,
    named: tuple[Programme, ...] | None,
    first: FirstPass,
    register: VesselRegister,
    staged: Staged,
) -> SpeedZoneResult:
    if first.period_us is None:
        fault = Fault("POSITIONS", "every row was rejected or removed", "Check the period and the columns")
        raise DataError("No usable position report is left after cleaning.", [fault])
    begin, end = (_EPOCH + timedelta(microseconds=moment) for moment in first.period_us)
    programmes = named if named is not None else programmes_in_force(begin.date(), end.date(), request.port)
    notes = [*NOTES, f"Data from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, UTC."]
    if not programmes:
        notes.append("No programme that holds in this period has an outline here; give your own zone.")
    ships = {s.mmsi: s for s in register.ships}
    models = [ship_of_particulars(s, method=request.method) for s in register.ships]
    place = {s.mmsi: at for at, s in enumerate(register.ships)}
    rows: list[dict[str, Any]] = []
    summary = []
    for one in programmes:
        found = joined_passages(
            [passages(read_tracks(path), one.zone, one.inner) for path in first.tracks] if models else []
        )
        kept = np.array([mmsi in ships for mmsi in found.mmsi.tolist()], np.bool_)
        found = found.take(kept)
        found, left_out = _in_scope(found, one, [ships[m].gt for m in found.mmsi.tolist()])
        own = _rows(found, one, models, np.array([place[m] for m in found.mmsi.tolist()], np.int64), request.gwp)
        rows += own
        summary.append(_summary(one, own, left_out))
    named_ships = sum(str(s.name or "").upper().startswith("SIMULATED") for s in register.ships)
    if named_ships or any("simulated" in path.name.lower() for path in request.positions):
        notes.insert(0, "SIMULATED DATA: the figures describe no real ship and no real port.")
    rows.sort(key=lambda row: tuple(row[name] for name in PASSAGES.key))
    return SpeedZoneResult(
        passages=pa.Table.from_pylist(rows, schema=PASSAGES.schema),
        ships=pa.Table.from_pylist(_by_ship(rows), schema=SHIPS.schema),
        summary=tuple(summary),
        notes=tuple(notes),
    )


def _in_scope(found: Passages, one: Programme, gt: Sequence[float | None]) -> tuple[Passages, dict[str, int]]:
    """Passages the programme speaks of; what is left out is counted by reason."""
    days = [(_EPOCH + timedelta(microseconds=t)).date() for t in found.start_us.tolist()]
    season = np.array([one.in_force(day) for day in days], np.bool_)
    least = one.least_gt
    size = np.array([not (least is not None and g is not None and g < least) for g in gt], np.bool_)
    within_port = (found.begins == _WITHIN_PORT[0]) & (found.ends == _WITHIN_PORT[1])
    return found.take(season & size & ~within_port), {
        "outside the season": int((~season).sum()),
        "below the size asked": int((season & ~size).sum()),
        "from a stop to a stop inside the zone": int((season & size & within_port).sum()),
    }


def _areas(found: Passages) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Control area each passage begins in: names, and numbers in them from 1 on."""
    zones = eca_zones()
    inside = ZoneIndex.build(zones).locate_many(found.lat, found.lon)[:, KINDS.index("eca")].tolist()
    areas = [zones[at].nox_area or "" if at >= 0 else "" for at in inside]
    names = tuple(sorted({area for area in areas if area}))
    return names, np.array([names.index(area) + 1 if area else 0 for area in areas], np.int64)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _rows(
    found: Passages, one: Programme, models: Sequence[ShipEnergy], ship: NDArray[np.int64], gwp: str
) -> list[dict[str, Any]]:
    if not len(found):
        return []
    names, area = _areas(found)
    used = sorted(set(ship.tolist()))
    fleet = fleet_of(
        [models[at] for at in used],
        _EPOCH + timedelta(microseconds=int(found.start_us.min())),
        _EPOCH + timedelta(microseconds=int(found.end_us.max())),
        areas=names,
        gwp=gwp,
    )
    usual = [usual_speed(models[at])[0] for at in used]
    row_of = np.searchsorted(used, ship)
    priced = savings(found, fleet, row_of, area, one.cap_kn, usual)
    within, mean = found.share_within(one.cap_kn), found.mean_speed_kn
    grades = fleet.grade.max(axis=1)
    rows = []
    for i in range(len(found)):
        model = models[int(ship[i])]
        particulars = model.particulars
        ends = (int(found.begins[i]), int(found.ends[i]))
        rows.append(
            {
                "programme": one.name,
                "season": one.season,
                "zone": one.zone.id,
                "mmsi": int(found.mmsi[i]),
                "imo": particulars.imo,
                "ship_name": particulars.name,
                "ship_class": particulars.ship_class,
                "subtype": particulars.subtype,
                "start": _EPOCH + timedelta(microseconds=int(found.start_us[i])),
                "end": _EPOCH + timedelta(microseconds=int(found.end_us[i])),
                "direction": _DIRECTION.get(ends, "part"),
                "hours": float(found.hours[i]),
                "distance_nm": float(found.distance_nm[i]),
                "mean_speed_kn": float(mean[i]),
                "max_speed_kn": float(found.max_speed_kn[i]),
                "cap_kn": one.cap_kn,
                "share_within_cap": float(within[i]),
                "compliant": bool(mean[i] <= one.cap_kn),
                "usual_speed_kn": _number(priced.usual_kn[i]),
                **_figures(priced, i),
                "grade": GRADES[int(grades[row_of[i]])],
            }
        )
    return rows


def _figures(priced: Savings, i: int) -> dict[str, float | None]:
    """Energy, emissions and savings of one passage."""
    row: dict[str, float | None] = {
        "main_kwh": float(priced.main_kwh[i]),
        "hotel_kwh": float(priced.hotel_kwh[i]),
        **{f"{name}_g": _number(priced.grams[i, k]) for k, name in enumerate(POLLUTANTS)},
    }
    for what in ("possible", "saved"):
        # Against a usual speed that is not known, nothing can be said; nought would read as a figure.
        known = what == "possible" or not np.isnan(priced.usual_kn[i])
        row[f"{what}_h"] = float(getattr(priced, f"{what}_h")[i]) if known else None
        for sort in ("gross", "net"):
            row[f"{what}_{sort}_kwh"] = float(getattr(priced, f"{what}_{sort}_kwh")[i]) if known else None
            for k, name in enumerate(POLLUTANTS):
                value = getattr(priced, f"{what}_{sort}_g")[i, k]
                row[f"{what}_{sort}_{name}_g"] = _number(value) if known else None
    return row


_ADDED = tuple(
    name
    for name, column in PASSAGES.columns.items()
    if column.unit in ("kWh", "g", "h", "nm") and name in SHIPS.columns
)


def _sum(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    """Sum in a fixed order; null if any is null, since part of a sum would pass for the whole."""
    values = [row[name] for row in rows]
    return None if any(value is None for value in values) else float(np.sum(np.sort(values))) if values else 0.0


def _by_ship(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in SHIPS.key), []).append(row)
    ships = []
    for own in groups.values():
        added = {name: _sum(own, name) for name in _ADDED}
        compliant = sum(row["compliant"] for row in own)
        miles, hours = added["distance_nm"] or 0.0, added["hours"] or 0.0
        ships.append(
            {name: own[0][name] for name in ("programme", "season", "zone", "mmsi", "imo", "ship_name", "ship_class")}
            | {"subtype": own[0]["subtype"], "cap_kn": own[0]["cap_kn"], "grade": max(row["grade"] for row in own)}
            | {"passages": len(own), "compliant_passages": compliant, "compliant_share": compliant / len(own)}
            | added
            | {
                "mean_speed_kn": miles / hours,
                "max_speed_kn": max(row["max_speed_kn"] for row in own),
                "share_within_cap": sum(row["share_within_cap"] * row["distance_nm"] for row in own) / miles,
            }
        )
    return ships


def _summary(one: Programme, rows: Sequence[dict[str, Any]], left_out: Mapping[str, int]) -> dict[str, Any]:
    compliant = sum(row["compliant"] for row in rows)
    complete = [row for row in rows if row["direction"] != "part"]
    known = [row for row in rows if row["usual_speed_kn"] is not None]
    return {
        "programme": one.name,
        "season": one.season,
        "cap_kn": one.cap_kn,
        "zone": one.zone.id,
        "zone_source": one.zone.source,
        "zone_grade": one.zone.grade,
        "ships": len({row["mmsi"] for row in rows}),
        "passages": len(rows),
        "complete_passages": len(complete),
        "compliant_passages": compliant,
        "compliant_share": compliant / len(rows) if rows else None,
        "compliant_share_of_complete": sum(r["compliant"] for r in complete) / len(complete) if complete else None,
        "ships_always_compliant": len({r["mmsi"] for r in rows} - {r["mmsi"] for r in rows if not r["compliant"]}),
        "distance_nm": _sum(rows, "distance_nm"),
        **{
            f"possible_{sort}_{name}": _sum(rows, f"possible_{sort}_{name}")
            for sort in ("gross", "net")
            for name in ("kwh", *(f"{p}_g" for p in POLLUTANTS))
        },
        "passages_with_usual_speed": len(known),
        **{
            f"saved_{sort}_{name}": _sum(known, f"saved_{sort}_{name}")
            for sort in ("gross", "net")
            for name in ("kwh", *(f"{p}_g" for p in POLLUTANTS))
        },
        "left_out": {reason: count for reason, count in left_out.items() if count},
    }


def _write(result: SpeedZoneResult, request: SpeedZoneRequest, staged: Staged, folder: Path) -> None:
    pq.write_table(result.passages, folder / PASSAGES.file, compression="zstd")
    pq.write_table(result.ships, folder / SHIPS.file, compression="zstd")
    shutil.copyfile(staged.rejects, folder / REJECTS_FILE)
    content = {
        "method": request.method,
        "gwp": request.gwp,
        "inputs": [{"name": Path(f.path).name, "sha256": f.sha256, "rows": f.rows} for f in staged.files],
        "programmes": list(result.summary),
        "notes": list(result.notes),
    }
    (folder / SUMMARY_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
