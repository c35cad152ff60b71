"""Tiles of areas (berths, anchorages, port limits, control areas, speed zones) and of the calls at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sealane.movement.zones import ZoneSet
from sealane.web.tiles import mvt
from sealane.web.tiles.mercator import WORLD, Tile, project

if TYPE_CHECKING:
    from shapely import Polygon


@dataclass(frozen=True)
class Area:
    """An area in world units, and what is said of it."""

    shapes: tuple[Polygon, ...]
    properties: Mapping[str, mvt.Value | None]
    label: tuple[int, int]
    """A place inside its largest part, world units."""


def areas_of(zones: ZoneSet) -> tuple[Area, ...]:
    """Areas of zones, ready to be cut; the large ones first, so that the small ones lie on top."""
    import shapely

    found = []
    for zone in zones:
        shapes = []
        for polygon in zone.polygons:
            outlines = [_world(ring) for ring in polygon]
            shape = shapely.make_valid(shapely.Polygon(outlines[0], outlines[1:]))
            shapes += [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and not part.is_empty]
        if not shapes:
            continue
        largest = max(shapes, key=lambda shape: float(shape.area))
        inside = largest.representative_point()
        properties = {
            "id": zone.id,
            "name": zone.name,
            "kind": zone.kind,
            "port": zone.port,
            "grade": zone.grade,
            "learnt": zone.learnt,
        }
        found.append((sum(s.area for s in shapes), Area(tuple(shapes), properties, (int(inside.x), int(inside.y)))))
    return tuple(area for _, area in sorted(found, key=lambda pair: -pair[0]))


def _world(ring: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
    lon, lat = np.array(ring, np.float64).T
    return np.column_stack(project(lat, lon))


def areas_tile(areas: Sequence[Area], tile: Tile) -> bytes:
    """Areas that a tile shows, cut at its edges; empty where there are none."""
    import shapely

    west, north, east, south = tile.window()
    origin = np.array(tile.origin, np.float64)
    unit = float(1 << tile.shift)
    geometries: list[mvt.Commands] = []
    rows: list[Mapping[str, mvt.Value | None]] = []
    for area in areas:
        parts: list[NDArray[np.int64]] = []
        for shape in area.shapes:
            left, top, right, bottom = shape.bounds
            for turn in (-WORLD, 0, WORLD):
                if left + turn > east or right + turn < west or top > south or bottom < north:
                    continue
                cut = shapely.clip_by_rect(shape, west - turn, north, east - turn, south)
                # Two tile units are less than half a pixel: corners nearer than that to a line are not seen.
                cut = shapely.simplify(cut, unit * 2)
                for part in shapely.get_parts(cut):
                    if part.geom_type == "Polygon" and not part.is_empty:
                        parts += _rings(part, origin - np.array([turn, 0]), unit)
        commands = mvt.rings(parts)
        if len(commands):
            geometries.append(commands)
            rows.append(area.properties)
    return mvt.with_properties("zones", mvt.POLYGON, geometries, rows).encode() if geometries else b""


def _rings(polygon: Polygon, origin: NDArray[np.float64], unit: float) -> list[NDArray[np.int64]]:
    """Rings in tile units: the outer one clockwise on the screen, where y grows downward, holes the other way."""
    found = []
    for number, ring in enumerate((polygon.exterior, *polygon.interiors)):
        corners = np.rint((np.asarray(ring.coords)[:-1] - origin) / unit).astype(np.int64)
        area = _twice_area(corners)
        if area == 0:
            if number == 0:
                return []  # less than a tile unit: its holes are gone with it
            continue
        found.append(corners if (area > 0) == (number == 0) else corners[::-1])
    return found


def _twice_area(corners: NDArray[np.int64]) -> int:
    """Surveyor's formula, positive for clockwise on the screen (specification 2.1, section 4.3.3.3)."""
    x, y = corners.T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


@dataclass(frozen=True)
class Places:
    """Points with properties, e.g. calls at berths; world units."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    rows: Sequence[Mapping[str, mvt.Value | None]]


def places_tile(name: str, places: Places, tile: Tile) -> bytes:
    """Points in a tile; empty where there are none."""
    west, north, east, south = tile.window()
    turn = np.where(places.x < west, WORLD, np.where(places.x > east, -WORLD, 0))
    x = places.x + turn
    inside = np.flatnonzero((x >= west) & (x <= east) & (places.y >= north) & (places.y <= south))
    if not len(inside):
        return b""
    x0, y0 = tile.origin
    points = [mvt.point(int(x[i] - x0) >> tile.shift, int(places.y[i] - y0) >> tile.shift) for i in inside.tolist()]
    return mvt.with_properties(name, mvt.POINT, points, [places.rows[i] for i in inside.tolist()]).encode()
