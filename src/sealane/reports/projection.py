"""The window of a map: degrees to pixels, what lies in it, and the shipped coastlines.

A plate carrée stretched to the latitude of its middle: within a port's region its error is small against a cell.
Longitudes are taken relative to the port, so that a port near the antimeridian has one map.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sealane.movement.geodesy import normalise_lon
from sealane.movement.zones import GEO, circle_polygon

WIDTH = 720.0
CELL_DEG = 0.01
Box = tuple[float, float, float, float]
"""West, south, east and north [deg]."""


@dataclass(frozen=True)
class Frame:
    """Window of a map in degrees; longitudes relative to ``lon0``."""

    lon0: float
    west: float
    south: float
    east: float
    north: float

    @property
    def px_per_lon(self) -> float:
        """Pixels in a degree of longitude."""
        return WIDTH / (self.east - self.west)

    @property
    def px_per_lat(self) -> float:
        """Pixels in a degree of latitude: larger by the cosine of the middle latitude."""
        return self.px_per_lon / math.cos(math.radians((self.south + self.north) / 2))

    @property
    def height(self) -> float:
        """Height of the map [px]."""
        return (self.north - self.south) * self.px_per_lat

    def x(self, lon: float) -> float:
        """Pixels from the western edge."""
        return (normalise_lon(lon - self.lon0) - self.west) * self.px_per_lon

    def y(self, lat: float) -> float:
        """Pixels from the northern edge."""
        return (self.north - lat) * self.px_per_lat

    def path(self, rings: Sequence[Sequence[Sequence[float]]]) -> str:
        """SVG path of the rings of a polygon; corners nearer than half a pixel to the one before are left out."""
        parts = []
        for ring in rings:
            corners: list[tuple[float, float]] = []
            for lon, lat in ((corner[0], corner[1]) for corner in ring):
                point = (round(self.x(lon), 1), round(self.y(lat), 1))
                if not corners or abs(point[0] - corners[-1][0]) + abs(point[1] - corners[-1][1]) > 0.5:
                    corners.append(point)
            if len(corners) > 2:
                parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in corners) + "Z")
        return "".join(parts)

    def touches(self, rings: Sequence[Sequence[Sequence[float]]]) -> bool:
        """True if the box of a polygon's outer ring meets the window."""
        lons = [normalise_lon(corner[0] - self.lon0) for corner in rings[0]]
        lats = [corner[1] for corner in rings[0]]
        return min(lons) < self.east and max(lons) > self.west and min(lats) < self.north and max(lats) > self.south


def polygons(feature: dict[str, Any]) -> list[list[list[list[float]]]]:
    """Polygons of a GeoJSON feature; a point with a radius becomes its circle."""
    geometry = feature["geometry"]
    if geometry["type"] == "Point":
        lon, lat = geometry["coordinates"]
        circle = circle_polygon(lon, lat, float(feature["properties"]["radius_m"]))
        return [[[list(corner) for corner in ring] for ring in circle]]
    coordinates: list[Any] = geometry["coordinates"]
    return [coordinates] if geometry["type"] == "Polygon" else coordinates


@cache
def coast() -> tuple[tuple[str, Box, list[list[list[list[float]]]]], ...]:
    """Shipped coastlines: name, box (west, south, east, north) and polygons."""
    features = json.loads((GEO / "coast.geojson").read_text("utf-8"))["features"]
    return tuple((f["properties"]["name"], tuple(f["properties"]["bbox"]), polygons(f)) for f in features)


def window(lon0: float, west: float, south: float, east: float, north: float) -> Frame:
    """Window round a box: some sea about it, never smaller than ten cells, never far from 4:3."""
    pad = max(0.06 * max(east - west, north - south), 2 * CELL_DEG)
    west, east, south, north = west - pad, east + pad, max(-89.0, south - pad), min(89.0, north + pad)
    stretch = 1.0 / math.cos(math.radians((south + north) / 2))
    wide, tall = east - west, (north - south) * stretch
    if tall < 0.62 * wide:
        more = (0.62 * wide - tall) / stretch / 2
        south, north = south - more, north + more
    elif wide < 0.9 * tall:
        more = (0.9 * tall - wide) / 2
        west, east = west - more, east + more
    return Frame(lon0, west, south, east, north)


def pixels(frame: Frame, box: Box, height: float) -> tuple[float, float, float, float]:
    """Left, top, width and height of a box in the map [px]."""
    left, right = max(0.0, frame.x(box[0])), min(WIDTH, frame.x(box[2]))
    top, bottom = max(0.0, frame.y(box[3])), min(height, frame.y(box[1]))
    return round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1)


def meets(frame: Frame, box: Box) -> bool:
    """True if a box meets the window."""
    west, east = normalise_lon(box[0] - frame.lon0), normalise_lon(box[2] - frame.lon0)
    return west < frame.east and east > frame.west and box[1] < frame.north and box[3] > frame.south
