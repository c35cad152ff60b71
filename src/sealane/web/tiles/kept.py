"""What tiles of a kept result need, opened once and held: its track layer, grid, zones, calls and names of ships.

The track layer is a cache in the node's folder, made again from the result whenever it is missing.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from sealane.errors import FileFormatError, Phrase, RequestRefusedError
from sealane.movement.zones import ZoneSet, read_zones
from sealane.node.context import Node
from sealane.web.results import Result
from sealane.web.tiles.areas import Area, Places, areas_of
from sealane.web.tiles.heat import HeatGrid, classes, pollutants, read_grid
from sealane.web.tiles.layer import TrackLayer, build, open_layer
from sealane.web.tiles.mvt import Value

_LOG = logging.getLogger(__name__)
FOLDER = "tiles"
TRACKS = "tracks.parquet"
RETRY_S = 3
_IN_MAKING = "layer-in-making"
_KEPT = 32  # results
_lock = threading.Lock()
_builders: dict[Path, Future[None]] = {}
_pool = ThreadPoolExecutor(1, thread_name_prefix="track-layer")


def has_tracks(result: Result) -> bool:
    """Whether the run kept its tracks."""
    return (result.folder / TRACKS).is_file()


def layer_folder(node: Node, result: Result) -> Path:
    """Where the track layer of a result is, or will be."""
    return node.folder / FOLDER / result.id


def track_layer(node: Node, result: Result, wait_s: float = 2.0) -> TrackLayer:
    """The track layer of a result; made in the background where it is not there.

    Raises
    ------
    RequestRefusedError
        404 where the run kept no tracks or they are damaged; 503 with Retry-After while the layer is being made.
    """
    if not has_tracks(result):
        raise RequestRefusedError(
            404,
            "no-tracks",
            Phrase("This result kept no tracks of its ships."),
            Phrase("Run the job again with tracks kept: sealane inventory --tracks."),
        )
    folder, tracks = layer_folder(node, result), result.folder / TRACKS
    try:
        if not (folder / "about.json").is_file():
            _begin(folder, tracks).result(wait_s)
        try:
            return _opened(folder)
        except FileFormatError:  # of an older version of Sealane, or damaged: it is only a cache
            _begin(folder, tracks).result(wait_s)
            return _opened(folder)
    except TimeoutError:
        raise RequestRefusedError(
            503, _IN_MAKING, Phrase("The tracks are being prepared for the map."), Phrase("Ask again."), (), RETRY_S
        ) from None
    except FileFormatError as error:  # its words name the folder, which is nobody's business outside
        _LOG.warning("the tracks of a kept inventory cannot be drawn: %s", error, extra={"result": result.id})
        raise RequestRefusedError(
            404,
            "damaged-tracks",
            Phrase("The tracks of this result are damaged."),
            Phrase("Run the job again with tracks kept."),
        ) from None


def is_ready(node: Node, result: Result, wait_s: float = 1.5) -> bool | None:
    """Whether the track layer of a result can be drawn from; begins to make it where it is not there.

    None where it can never be: the tracks are damaged, which must not keep the rest of the map from being shown.
    """
    try:
        track_layer(node, result, wait_s)
    except RequestRefusedError as error:
        return False if error.kind == _IN_MAKING else None
    return True


def _begin(folder: Path, tracks: Path) -> Future[None]:
    with _lock:
        running = _builders.get(folder)
        if running is None or running.done():
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            running = _builders[folder] = _pool.submit(build, tracks, folder)
            _opened.cache_clear()
        return running


@lru_cache(_KEPT)
def _opened(folder: Path) -> TrackLayer:
    return open_layer(folder)


@lru_cache(_KEPT)
def ship_names(folder: Path) -> dict[int, tuple[str, str]]:
    """Name and class of every ship of a result by MMSI."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "vessels.parquet", columns=["mmsi", "name", "ship_class"])
    columns = (table.column(name).to_pylist() for name in ("mmsi", "name", "ship_class"))
    return {mmsi: (name or "", ship_class or "") for mmsi, name, ship_class in zip(*columns, strict=True)}


@lru_cache(_KEPT)
def zones_of(folder: Path) -> ZoneSet:
    """Zones that a result was made with."""
    return read_zones(folder / "zones.geojson")


@lru_cache(_KEPT)
def areas_of_result(folder: Path) -> tuple[Area, ...]:
    """Berths, anchorages and the port's limit; control areas and speed zones are the same for all results."""
    return areas_of(ZoneSet(tuple(zone for zone in zones_of(folder) if zone.kind not in ("eca", "speed_zone"))))


@lru_cache(1)
def areas_of_reference() -> tuple[Area, ...]:
    """Emission control areas and speed zones that Sealane ships."""
    from sealane.movement.routes.zone_miles import route_zones

    return areas_of(route_zones())


@lru_cache(_KEPT)
def grid_of(folder: Path, pollutant: str) -> HeatGrid:
    """Heat map of a result."""
    return read_grid(folder / "grid.parquet", pollutant)


@lru_cache(_KEPT)
def pollutants_of(folder: Path) -> tuple[str, ...]:
    """Pollutants of the heat map; none where the run stopped at port calls."""
    path = folder / "grid.parquet"
    return pollutants(path) if path.is_file() else ()


@lru_cache(_KEPT * 4)
def classes_of(folder: Path, pollutant: str) -> tuple[float, ...]:
    """Lower bounds of the heat map's classes [kg/km2]."""
    return tuple(classes(grid_of(folder, pollutant)))


@lru_cache(_KEPT)
def stays_of(folder: Path) -> tuple[dict[str, object], ...]:
    """Stays at berth or anchor: zone, begin and end (None where not seen), call, ship."""
    import pyarrow.parquet as pq

    events = pq.read_table(folder / "events.parquet").sort_by([("call_id", "ascending"), ("time", "ascending")])
    names = ship_names(folder)
    open_stays: dict[tuple[str, str | None], dict[str, object]] = {}
    found: list[dict[str, object]] = []
    for row in events.to_pylist():
        kind, _, end = row["event"].rpartition("_")
        if kind not in ("berth", "anchorage"):
            continue
        key = (row["call_id"], row["zone"])
        if end == "start":
            called, ship_class = names.get(row["mmsi"], ("", ""))
            stay = {
                "call_id": row["call_id"],
                "mmsi": row["mmsi"],
                "name": called,
                "class": ship_class,
                "kind": kind,
                "zone": row["zone"],
                "begin": row["time"],
                "end": None,
            }
            open_stays[key] = stay
            found.append(stay)
        elif key in open_stays:
            open_stays.pop(key)["end"] = row["time"]
    return tuple(found)


def calls_between(folder: Path, begin: dt.datetime, end: dt.datetime) -> Places:
    """Stays that touch a half-open period, at a place inside their zone; those at no zone have none."""
    where = {str(area.properties["id"]): area.label for area in areas_of_result(folder)}
    rows: list[Mapping[str, Value | None]] = []
    at = []
    for stay in stays_of(folder):
        first, last, zone = stay["begin"], stay["end"], stay["zone"]
        if not isinstance(first, dt.datetime) or first >= end or zone not in where:
            continue
        if isinstance(last, dt.datetime) and last < begin:
            continue
        at.append(where[str(zone)])
        rows.append(
            {
                "call_id": str(stay["call_id"]),
                "mmsi": int(str(stay["mmsi"])),
                "name": str(stay["name"]) or None,
                "class": str(stay["class"]) or None,
                "kind": str(stay["kind"]),
                "zone": str(zone),
                "begin": first.isoformat(),
                "end": last.isoformat() if isinstance(last, dt.datetime) else None,
            }
        )
    places = np.array(at, np.int64).reshape(-1, 2)
    return Places(places[:, 0], places[:, 1], rows)


def warm_up() -> None:
    """Compile, or load compiled, what draws maps: else the first person to open one waits for it.

    The job that prepares layers calls it once when a node begins to serve.
    """
    import atexit
    import shutil
    import tempfile

    import pyarrow as pa
    import pyarrow.parquet as pq

    from sealane.inventory.schemas import TRACKS as SPEC
    from sealane.web.tiles.mercator import Tile
    from sealane.web.tiles.tracks import ships_tile, tracks_tile
    from sealane.web.tiles.view import sea_way

    row = {
        "mmsi": 1,
        "lat": 0.0,
        "lon": 0.0,
        "speed_kn": 1.0,
        "speed_derived": False,
        "heading_deg": 1,
        "nav_status": 0,
    }
    rows = [row | {"time": dt.datetime(2020, 1, 1, hour, tzinfo=dt.UTC), "lon": float(hour)} for hour in range(3)]
    folder = Path(tempfile.mkdtemp(prefix="sealane-warm-up-"))
    # A node that is told to stop does not wait for this; a TemporaryDirectory left open would complain in its log.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        path = folder / TRACKS
        pq.write_table(pa.Table.from_pylist(rows, schema=SPEC.schema), path)
        build(path, folder / "layer")
        layer = open_layer(folder / "layer")
        tracks_tile(layer, Tile(0, 0, 0), layer.first_s, layer.last_s, {})
        ships_tile(layer, Tile(0, 0, 0), layer.last_s, {})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sea_way("USLAX", "JPYOK")
