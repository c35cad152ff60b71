"""The shipped network of sea routes, read once: masks of water, corners and the lines between them.

``network.npz`` is made by ``scripts/make_route_network.py`` from Natural Earth land (public domain, as packed in npm
world-atlas 2.0.2, ISC; minor islands of the repository martynafford/natural-earth-geojson, CC0) and the searoute
network (Apache-2.0); docs/method/routes.md says how.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sealane.errors import ReferenceDataError
from sealane.movement.routes import landmarks
from sealane.movement.routes.marks import Limits, limits, passages
from sealane.movement.routes.search import Network
from sealane.movement.routes.water import Water, clearance

PATH = Path(__file__).parent / "network.npz"


class Sea(NamedTuple):
    """All that a search needs."""

    network: Network
    water: Water
    limits: Limits


def units(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) unit vectors of positions in degrees."""
    y, x = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)


def joined(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    touch: NDArray[np.float32],
    kind: NDArray[np.uint8],
    i: NDArray[np.int32],
    j: NDArray[np.int32],
    bits: NDArray[np.uint64],
) -> Network:
    """The network of lines given once each, from corner i to corner j.

    Parameters
    ----------
    lat, lon, touch, kind : (n,) corners, see :class:`sealane.movement.routes.search.Network`.
    i, j, bits : (m,) lines.
    """
    unit = units(lat, lon)
    chord = np.sqrt(((unit[i] - unit[j]) ** 2).sum(axis=1))
    from sealane.movement.geodesy import MEAN_RADIUS_NM

    length = 2.0 * MEAN_RADIUS_NM * np.arcsin(np.minimum(1.0, 0.5 * chord))
    start = np.concatenate([i, j])
    order = np.lexsort((np.concatenate([j, i]), start))
    first = np.concatenate([[0], np.cumsum(np.bincount(start, minlength=len(lat)))]).astype(np.int64)
    return Network(
        lat,
        lon,
        unit,
        touch,
        kind,
        first,
        np.concatenate([j, i])[order].astype(np.int32),
        np.concatenate([length, length])[order],
        np.concatenate([bits, bits])[order],
        np.empty((len(lat), 0), np.uint16),
        np.uint64(0),
    )


@cache
def sea() -> Sea:
    """The shipped network.

    Raises
    ------
    ReferenceDataError : the file was made for other passages than the table now holds.
    """
    with np.load(PATH, allow_pickle=False) as file:
        names = tuple(str(name) for name in file["passages"])
        if names != tuple(passages()):
            raise ReferenceDataError(
                "network.npz was made for other passages than route_passages.csv holds. "
                "Run scripts/make_route_network.py, or install the package again."
            )
        # Integers are stored as differences from line to line: they compress to a third.
        cells = np.cumsum(file["corner_cells"].astype(np.int64), axis=0)
        lat, lon = cells[:, 0] / 1e4, cells[:, 1] / 1e4
        i = np.cumsum(file["line_from"].astype(np.int64)).astype(np.int32)
        j = (file["line_to"].astype(np.int64) + i).astype(np.int32)
        bits = np.zeros(len(i), np.uint64)
        bits[file["marked"]] = file["marks"]
        touch = file["touch"].astype(np.float32) / np.float32(127.0)
        net = joined(lat, lon, touch, file["kind"], i, j, bits)
        open_root, open_rows = file["open_root"], file["open_rows"]
        water = Water(open_root, open_rows, file["near_root"], file["near_rows"], clearance(open_root, open_rows))
    led = landmarks.read(PATH)
    if led is not None:
        net = net._replace(landmarks=led[0], landmarks_closed=np.uint64(led[1]))
    return Sea(net, water, limits())
