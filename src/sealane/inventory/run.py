"""The main job from request to finished folder.

Everything is written to a folder beside the wanted one and moved into place at the end: a run that is killed leaves
nothing that could be taken for a result.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.emissions.profiles import pollutants_without_factor
from sealane.emissions.user_vessels import UserVessels, read_user_vessels
from sealane.emissions.vessels import VesselRegister, resolve_vessels
from sealane.errors import DataError, Fault
from sealane.folders import whole_folder
from sealane.inventory.context import Resolved, build_context
from sealane.inventory.kept_tracks import write_tracks
from sealane.inventory.local import FirstPass, default_threads, first_pass, second_pass
from sealane.inventory.outputs import BatchStore, write_outputs
from sealane.inventory.provenance import provenance
from sealane.inventory.quality import quality_report
from sealane.inventory.request import InventoryRequest
from sealane.inventory.schemas import TABLES, TRACKS
from sealane.inventory.shore_power import Connections, read_connections
from sealane.movement.learned_zones import MOORED, Stop, classify, learn
from sealane.movement.staging import Staged, stage
from sealane.movement.zone_index import ZoneIndex, locate
from sealane.movement.zones import ZoneSet, read_zones, shipped_zones, write_zones

if TYPE_CHECKING:
    from sealane.inventory.spark import SparkEngine
from sealane.reference.ports import find_port, verified_locodes

Progress = Callable[[str, int, int], None]
CALL_TABLES = ("calls", "events", "voyages")


@dataclass(frozen=True)
class InventoryResult:
    """A finished run.

    Attributes
    ----------
    out : folder that holds the tables, quality.json and provenance.json.
    rows : rows by table.
    quality : content of quality.json.
    provenance : content of provenance.json.
    """

    out: Path
    rows: dict[str, int]
    quality: dict[str, Any]
    provenance: dict[str, Any]

    def table(self, name: str) -> pa.Table:
        """Read one output table, e.g. ``calls``, ``activity``, ``inventory``, ``vessels``."""
        return pq.read_table(self.out / f"{name}.parquet")


def gather_zones(request: InventoryRequest) -> ZoneSet:
    """The user's zones first, then the shipped ones whose id the user has not given."""
    shipped = shipped_zones(request.port)
    if request.zones is None:
        return shipped
    own = read_zones(request.zones)
    names = {zone.id for zone in own}
    kinds = {(zone.kind, zone.port) for zone in own if zone.kind == "port_limit"}
    rest = [z for z in shipped if z.id not in names and (z.kind, z.port) not in kinds]
    return ZoneSet((*own.zones, *rest))


def _lacks_berths(zones: ZoneSet, port: str) -> bool:
    return not any(zone.kind == "berth" and zone.port in {port, None} for zone in zones)


def _learn_zones(zones: ZoneSet, stops: Sequence[Stop], port: str, staged: Staged) -> ZoneSet:
    """Berths and further anchorages of the port, from stays inside its limit that no given zone explains."""
    arrays = ZoneIndex.build(zones).arrays
    unexplained = []
    for stop in stops:
        berth, anchorage, limit, _, _ = locate(arrays, stop.lat, stop.lon)
        in_port = limit >= 0 and zones[limit].port == port
        if in_port and berth < 0 and (anchorage < 0 or classify(stop)[0] == MOORED):
            unexplained.append(stop)
    names = ", ".join(file.path.rsplit("/", 1)[-1] for file in staged.files)
    return learn(unexplained, port=port, data=f"AIS positions of {names}")


def _period(first: FirstPass) -> tuple[datetime, datetime]:
    """First and last moment of the clean data."""
    if first.period_us is None:
        raise DataError(
            "No usable position report is left after cleaning.",
            [
                Fault(
                    "POSITIONS",
                    "every row was rejected or removed",
                    "Look at rejects.csv and quality.json of the form of your file; check period and columns.",
                )
            ],
        )
    begin_us, end_us = first.period_us
    return datetime.fromtimestamp(begin_us / 1e6, UTC), datetime.fromtimestamp(end_us / 1e6, UTC)


def _check_port(zones: ZoneSet, port: str) -> None:
    if not any(zone.kind == "port_limit" and zone.port == port for zone in zones):
        raise DataError(
            f"The port limit of {port} is not known.",
            [
                Fault(
                    "--port",
                    f"no zone of kind port_limit for {port}",
                    "Give one with --zones (docs/reference/zones.md).",
                )
            ],
        )


def neighbours(zones: ZoneSet, port: str) -> list[str]:
    """Other ports whose own point lies inside this port's limit: calls at them cannot be told apart."""
    arrays = ZoneIndex.build(ZoneSet(tuple(z for z in zones if z.kind == "port_limit" and z.port == port))).arrays
    others = (find_port(code) for code in verified_locodes() if code != port)
    return [other.locode for other in others if other and locate(arrays, other.lat, other.lon)[2] >= 0]


def _notes(
    request: InventoryRequest,
    staged: Staged,
    calls: pa.Table,
    register: VesselRegister,
    zones: ZoneSet,
    connections: Connections,
) -> list[str]:
    notes = []
    inside = neighbours(zones, request.port)
    if inside:
        notes.append(
            f"The limit of {request.port} also holds {', '.join(inside)}: calls at their berths are counted with it. "
            "Give a port limit and berths of your own with --zones to tell them apart."
        )
    if len(calls) and not any(not t for t in calls.column("truncated").to_pylist()):
        notes.append("Truncated: the data begin and end inside every call; no call is complete, totals are partial.")
    if not staged.has_speed:
        notes.append("The files have no speed column; speed was derived from positions.")
    if not staged.has_status:
        notes.append("The files have no navigational status; zones and motion decided every mode.")
    if not register.ships:
        notes.append(
            "No ocean-going vessel is in the data, so the inventory is empty; see vessels_left_out for what was seen."
        )
    if register.unused_user_rows:
        unused = [str(row) for row in register.unused_user_rows]
        rows = ", ".join(unused[:10]) + (" …" if len(unused) > 10 else "")
        notes.append(f"Rows of the vessels file whose ship is not in the inventory, and which changed nothing: {rows}.")
    unseen = connections.ships_not_seen(*(set(register.vessels[key].to_pylist()) for key in ("mmsi", "imo")))
    if unseen:
        ships = ", ".join(unseen[:10]) + (" …" if len(unseen) > 10 else "")
        notes.append(f"Shore power was given for ships that are not in the inventory, and changed nothing: {ships}.")
    simulated = [path.name for path in request.positions if "simulated" in path.name.lower()]
    # A file can be renamed; our simulated ships say in their own names what they are.
    named = sum(str(name or "").upper().startswith("SIMULATED") for name in register.vessels["name"].to_pylist())
    if named:
        simulated.append(f"{named} vessels named SIMULATED")
    if simulated:
        notes.append(f"SIMULATED DATA: {', '.join(simulated)}. The figures describe no real ship and no real port.")
    return notes


def _engine(request: InventoryRequest, work: Path) -> AbstractContextManager[SparkEngine | None]:
    """The Spark engine, started at once so that what it lacks shows before hours of reading; None for the local one."""
    if request.engine != "spark":
        return nullcontext()
    from sealane.inventory.spark import SparkEngine  # the extra is only needed here

    return SparkEngine(request.spark_master, folder=work / "spark")


def run_inventory(
    request: InventoryRequest, progress: Progress | None = None, finish: Callable[[Path], None] | None = None
) -> InventoryResult:
    """Run the main job: positions to port calls, activity, inventory, heat map, quality and provenance.

    Parameters
    ----------
    request : what to do.
    progress : called with (stage, done, total) as work goes on.
    finish : called with the folder before it takes its place, e.g. to write a report into it.

    Raises
    ------
    InputError
        if a file or the request is wrong; nothing is left behind.
    MissingFactorError
        if no published value answers for a ship, fuel, place or date.
    EngineError
        if the chosen engine cannot run here.
    """
    request.check()
    threads = request.threads or default_threads()
    zones = gather_zones(request)
    _check_port(zones, request.port)
    user: UserVessels | None = read_user_vessels(request.vessels) if request.vessels else None
    connections = read_connections(request.shore_power, request.port) if request.shore_power else Connections()
    with whole_folder(request.out) as work, _engine(request, work) as engine:
        scratch = work / "scratch"
        scratch.mkdir()
        staged = stage(
            request.positions,
            scratch / "staged",
            format=request.format,
            columns=request.columns,
            time_from=request.time_from,
            time_to=request.time_to,
            threads=threads,
            memory_limit=request.memory_limit,
            progress=progress,
        )
        learning = _lacks_berths(zones, request.port)
        first = (
            engine.first_pass(staged, request.settings, with_stops=learning, progress=progress)
            if engine
            else first_pass(staged, scratch, request.settings, with_stops=learning, threads=threads, progress=progress)
        )
        begin, end = _period(first)
        learnt = _learn_zones(zones, first.stops, request.port, staged) if learning else ZoneSet(())
        zones = zones.plus(learnt)
        register = resolve_vessels(first.static, user)
        resolved = build_context(
            register,
            zones,
            request.port,
            method=request.method,
            gwp=request.gwp,
            settings=request.settings,
            first=begin,
            last=end,
            connections=connections,
        )
        store = BatchStore(scratch)
        if engine:
            engine.second_pass(resolved.context, store, progress=progress)
        else:
            second_pass(first.tracks, resolved.context, store, threads=threads, progress=progress)
        rows = write_outputs(
            store,
            work,
            CALL_TABLES if request.calls_only else tuple(TABLES),
            pollutants_without_factor(resolved.context.factors),
        )
        if request.keep_tracks:
            ships = register.vessels["mmsi"].to_numpy()
            rows["tracks"] = write_tracks(first.tracks, ships, scratch, work / TRACKS.file)
        pq.write_table(register.vessels, work / "vessels.parquet", compression="zstd")
        write_zones(zones, work / "zones.geojson")
        if len(learnt):
            write_zones(learnt, work / "learnt_zones.geojson")
        shutil.copyfile(staged.folder / "rejects.csv", work / "rejects.csv")
        result = _describe(
            request, staged, first, register, zones, learnt, resolved, connections, rows, begin, end, work
        )
        shutil.rmtree(scratch)
        if finish:
            finish(work)
    return InventoryResult(request.out, rows, *result)


def _describe(
    request: InventoryRequest,
    staged: Staged,
    first: FirstPass,
    register: VesselRegister,
    zones: ZoneSet,
    learnt: ZoneSet,
    resolved: Resolved,
    connections: Connections,
    rows: dict[str, int],
    begin: datetime,
    end: datetime,
    work: Path,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write quality.json and provenance.json."""
    calls = pq.read_table(work / "calls.parquet")
    missing = sorted(set(resolved.missing_factors.values()))
    quality = quality_report(
        staged,
        first.quality,
        first.static,
        register,
        calls,
        None if request.calls_only else pq.read_table(work / "activity.parquet", columns=["mmsi", "mode", "hours"]),
        None if request.calls_only else pq.read_table(work / "inventory.parquet"),
        zones,
        learnt,
        missing,
        _notes(request, staged, calls, register, zones, connections),
    )
    origin = provenance(request, staged, zones, resolved, begin, end, rows)
    for name, content in (("quality.json", quality), ("provenance.json", origin)):
        (work / name).write_text(json.dumps(content, indent=2, ensure_ascii=False, default=_plain) + "\n", "utf-8")
    return quality, origin


def _plain(value: object) -> object:
    """What JSON does not know by itself."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def total_grams(inventory: pa.Table, pollutant: str, basis: str = "ttw") -> float:
    """Sum of one pollutant over an inventory table [g]."""
    chosen = pc.and_(pc.equal(inventory["pollutant"], pollutant), pc.equal(inventory["basis"], basis))
    return float(pc.sum(inventory.filter(chosen)["grams"]).as_py() or 0.0)
