"""Web Mercator in whole numbers: the world is `WORLD` units wide, a tile of zoom z is ``WORLD >> z`` wide.

A unit is 0.15 m at the equator. Whole numbers halve the size of a layer and make clipping exact. East of the
antimeridian x goes on beyond `WORLD`, so that a track over the Pacific is one line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORLD_BITS = 28
WORLD = 1 << WORLD_BITS
MAX_LAT = 85.05112877980659  # where the map is as high as wide
MAX_ZOOM = 16
EXTENT_BITS = 12
EXTENT = 1 << EXTENT_BITS  # units inside a tile
BUFFER = 64  # units drawn beyond a tile's edge, so that lines meet


def project(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """World units of positions; x grows eastward from 180 W, y southward from `MAX_LAT`.

    Parameters
    ----------
    lat, lon : degrees, any shape. Longitudes outside [-180, 180] give x outside the world, unwrapped as they are;
        latitudes beyond `MAX_LAT` come to lie on the edge.
    """
    phi = np.radians(np.clip(lat, -MAX_LAT, MAX_LAT))
    x = np.rint((np.asarray(lon) / 360.0 + 0.5) * WORLD)
    y = np.rint((0.5 - np.arcsinh(np.tan(phi)) / (2 * math.pi)) * WORLD)
    return x.astype(np.int64), np.clip(y, 0, WORLD - 1).astype(np.int64)


def degrees(x: float, y: float) -> tuple[float, float]:
    """Latitude and longitude of a place in world units."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / WORLD)))), (x / WORLD - 0.5) * 360.0


@dataclass(frozen=True)
class Tile:
    """A tile of the usual scheme: zoom, column from 180 W, row from the north."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        """Refuse what is no tile."""
        if not (0 <= self.z <= MAX_ZOOM and 0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z):
            raise ValueError(f"{self.z}/{self.x}/{self.y} is no tile")

    @property
    def size(self) -> int:
        """Width in world units."""
        return WORLD >> self.z

    @property
    def shift(self) -> int:
        """World units to tile units: shift right by this."""
        return WORLD_BITS - self.z - EXTENT_BITS

    @property
    def origin(self) -> tuple[int, int]:
        """Its north-western corner in world units."""
        return self.x * self.size, self.y * self.size

    def window(self, buffer: int = BUFFER) -> tuple[int, int, int, int]:
        """West, north, east and south in world units, with the buffer."""
        x, y = self.origin
        edge = buffer << self.shift
        return x - edge, y - edge, x + self.size + edge, y + self.size + edge

    def box_deg(self, buffer: int = BUFFER) -> tuple[float, float, float, float]:
        """West, south, east and north in degrees, with the buffer."""
        west, north, east, south = self.window(buffer)
        top, left = degrees(west, north)
        bottom, right = degrees(east, south)
        return left, bottom, right, top
