"""Places of a result as GeoJSON (RFC 7946): calls, voyages, legs, the heat map's cells, zones.

Nothing is placed that is not known: a call stands in the zone where the ship first lay, else at the port's own point,
and says which; a passage follows the shortest way over water, else the great circle, and says which. What has no place
has no geometry.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from shapely.geometry import shape

from sealane.errors import SealaneError
from sealane.reference.ports import find_port
from sealane.reports.chart_map import great_circle
from sealane.reports.export_tables import LABEL, ExportFolder
from sealane.reports.projection import CELL_DEG

_DIGITS = 6  # of a degree: 0.1 m
_BATCH = 10_000
Geometry = dict[str, Any] | None
_ZONES = ("zones.geojson", "learnt_zones.geojson")


def geojson_names(folder: Path) -> tuple[str, ...]:
    """Names of what a folder holds that has places."""
    names = [name for name in ("calls", "voyages", "legs", "stays", "grid") if (folder / f"{name}.parquet").is_file()]
    return (*names, *(["zones"] if (folder / _ZONES[0]).is_file() else []))


def geojson_chunks(found: ExportFolder, name: str) -> Iterator[bytes]:
    """Yield a FeatureCollection, some features at a time.

    Parameters
    ----------
    found : the result.
    name : one of `geojson_names`.
    """
    head = {"type": "FeatureCollection", "name": name, **({LABEL: found.label} if found.label else {})}
    yield json.dumps(head, ensure_ascii=False)[:-1].encode("utf-8") + b', "features": ['
    first = True
    for features in _features(found, name):
        texts = [json.dumps(feature, ensure_ascii=False, allow_nan=False, default=_plain) for feature in features]
        if texts:
            yield ((b"\n" if first else b",\n") + ",\n".join(texts).encode("utf-8"))
            first = False
    yield b"\n]}\n"


def _features(found: ExportFolder, name: str) -> Iterator[list[dict[str, Any]]]:
    if name == "zones":
        for file in _ZONES:
            if (found.path / file).is_file():
                kept = json.loads((found.path / file).read_text("utf-8"))["features"]
                yield [_feature(f["geometry"], f["properties"], found.label) for f in kept]
        return
    place = _PLACES[name](found.path)
    with pq.ParquetFile(found.path / f"{name}.parquet") as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            rows = batch.to_pylist()
            placed = [place(row) for row in rows]
            yield [
                _feature(geometry, row | more, found.label) for row, (geometry, more) in zip(rows, placed, strict=True)
            ]


def _feature(geometry: Geometry, properties: Mapping[str, Any], label: str) -> dict[str, Any]:
    told = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in properties.items()}
    return {"type": "Feature", "geometry": geometry, "properties": told | ({LABEL: label} if label else {})}


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)


Placed = tuple[Geometry, dict[str, Any]]


def _cells(_: Path) -> Callable[[dict[str, Any]], Placed]:
    def place(row: dict[str, Any]) -> Placed:
        south, west = round(row["lat"], _DIGITS), round(row["lon"], _DIGITS)
        north, east = round(south + CELL_DEG, _DIGITS), round(west + CELL_DEG, _DIGITS)
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"type": "Polygon", "coordinates": [ring]}, {}

    return place


def _calls(folder: Path) -> Callable[[dict[str, Any]], Placed]:
    """Where the ship first lay: a berth before an anchorage."""
    if not (folder / "events.parquet").is_file():
        return _at_port("port")
    zones = {
        f["properties"]["id"]: f
        for file in _ZONES
        if (folder / file).is_file()
        for f in json.loads((folder / file).read_text("utf-8"))["features"]
    }
    lay: dict[str, str] = {}
    for wanted in ("berth_start", "anchorage_start"):
        filters = [("event", "=", wanted)]
        for row in pq.read_table(folder / "events.parquet", columns=["call_id", "zone"], filters=filters).to_pylist():
            if row["zone"] in zones:
                lay.setdefault(row["call_id"], row["zone"])
    points = {zone: shape(zones[zone]["geometry"]).representative_point() for zone in set(lay.values())}
    at_port = _at_port("port")

    def place(row: dict[str, Any]) -> Placed:
        zone = lay.get(row["call_id"])
        if zone is None:
            return at_port(row)
        point = points[zone]
        place_ = {"placed": "in the zone where the ship first lay", "zone": zones[zone]["properties"]["name"]}
        return {"type": "Point", "coordinates": [round(point.x, _DIGITS), round(point.y, _DIGITS)]}, place_

    return place


def _at_port(column: str) -> Callable[[dict[str, Any]], Placed]:
    def place(row: dict[str, Any]) -> Placed:
        port = find_port(str(row[column]))
        if port is None:
            return None, {"placed": "the port's position is not known"}
        return {"type": "Point", "coordinates": [port.lon, port.lat]}, {"placed": "at the port's own point"}

    return place


def _passages(_: Path) -> Callable[[dict[str, Any]], Placed]:
    @cache
    def way(a: str, b: str) -> Placed:
        from sealane.movement.routes.find import route  # it loads the network

        start, end = find_port(a), find_port(b)
        if a == b or start is None or end is None:
            return None, {"placed": "from and to one port" if a == b else "a port's position is not known"}
        try:
            found = route(a, b)
        except SealaneError:
            points = great_circle(start.lat, start.lon, end.lat, end.lon)
            return _line([(lat, lon) for lat, lon in points]), {"placed": "along the great circle"}
        return _line(list(zip(found.lat.tolist(), found.lon.tolist(), strict=True))), {"placed": "along the sea route"}

    def place(row: dict[str, Any]) -> Placed:
        return way(str(row["from_port"]), str(row["to_port"]))

    return place


def _line(points: list[tuple[float, float]]) -> Geometry:
    """A line in longitudes of -180 to 180, cut where it crosses 180°, as RFC 7946 (3.1.9) asks."""
    parts: list[list[list[float]]] = [[]]
    for k, (lat, lon) in enumerate(points):
        here = [round((lon + 180.0) % 360.0 - 180.0, _DIGITS), round(lat, _DIGITS)]
        if k and abs(here[0] - parts[-1][-1][0]) > 180.0:
            before = parts[-1][-1]
            edge = 180.0 if before[0] > 0 else -180.0
            span = (360.0 - abs(here[0]) - abs(before[0])) or 1.0
            cut = round(before[1] + (here[1] - before[1]) * (180.0 - abs(before[0])) / span, _DIGITS)
            parts[-1].append([edge, cut])
            parts.append([[-edge, cut]])
        parts[-1].append(here)
    if len(parts) == 1:
        return {"type": "LineString", "coordinates": parts[0]}
    return {"type": "MultiLineString", "coordinates": parts}


_PLACES: Mapping[str, Callable[[Path], Callable[[dict[str, Any]], Placed]]] = {
    "calls": _calls,
    "voyages": _passages,
    "legs": _passages,
    "stays": lambda _: _at_port("port"),
    "grid": _cells,
}
