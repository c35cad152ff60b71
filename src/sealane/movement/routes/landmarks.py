"""Distances from a few far corners to all others: bounds that lead a search straight to where it is bound for.

The great circle says little of a way round Africa. By the triangle inequality, a corner's distance to the destination
is at least the difference of their distances from any third corner (A. V. Goldberg, C. Harrelson, Computing the
shortest path: A* search meets graph theory, SODA 2005, 156-165). ``landmarks.npz`` holds the distances from
:data:`COUNT` such corners, made by ``scripts/make_route_landmarks.py`` for one ``network.npz``, with polar waters and
their passages closed. With more closed they stay bounds; with less closed, or beside another network, they are left
out: the way found is the same, later.
"""

from __future__ import annotations

import hashlib
import heapq
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.routes.search import LANDMARK_UNIT_NM, NO_LANDMARK, Network

COUNT = 16
PATH = Path(__file__).parent / "landmarks.npz"


@njit(cache=True)
def _distances(net: Network, closed: np.uint64, start: int) -> NDArray[np.float64]:
    """Shortest ways from one corner to all, nm."""
    best = np.full(net.lat.size, np.inf)
    best[start] = 0.0
    heap = [(0.0, np.int32(start))]
    while heap:
        here, i = heapq.heappop(heap)
        if here > best[i]:
            continue
        for e in range(net.first[i], net.first[i + 1]):
            if net.bits[e] & closed == 0 and here + net.length_nm[e] < best[net.to[e]]:
                best[net.to[e]] = here + net.length_nm[e]
                heapq.heappush(heap, (best[net.to[e]], net.to[e]))
    return best


def make(net: Network, closed: int) -> NDArray[np.uint16]:
    """Distances from the landmarks.

    Parameters
    ----------
    net : the network.
    closed : bits that may not be run through.

    Returns
    -------
    (n, COUNT) uint16 in units of :data:`~sealane.movement.routes.search.LANDMARK_UNIT_NM`, rounded down;
    :data:`~sealane.movement.routes.search.NO_LANDMARK` where there is no way. Each landmark is the corner furthest
    from those before it.
    """
    shut = np.uint64(closed)
    nearest = _distances(net, shut, int(np.argmax(np.diff(net.first))))
    out = np.full((len(net.lat), COUNT), NO_LANDMARK, np.uint16)
    for k in range(COUNT):
        landmark = int(np.argmax(np.where(np.isfinite(nearest), nearest, -1.0)))
        far = _distances(net, shut, landmark)
        reached = np.isfinite(far)
        out[reached, k] = np.minimum(far[reached] / LANDMARK_UNIT_NM, NO_LANDMARK - 1).astype(np.uint16)
        nearest = np.minimum(nearest, far) if k else far
    return out


def stamp(network_file: Path) -> str:
    """SHA-256 of the network the distances belong to."""
    return hashlib.sha256(network_file.read_bytes()).hexdigest()


def write(distances: NDArray[np.uint16], closed: int, network_file: Path, path: Path = PATH) -> None:
    """Write the file; the same distances give the same bytes."""
    # Differences from corner to corner along the shore are small: they compress to a half.
    steps = np.diff(distances, axis=0, prepend=np.zeros((1, COUNT), np.uint16))
    with path.open("wb") as file:
        np.savez_compressed(file, steps=steps, closed=np.uint64(closed), stamp=np.str_(stamp(network_file)))


def read(network_file: Path, path: Path = PATH) -> tuple[NDArray[np.uint16], int] | None:
    """Distances from the landmarks and what was closed for them; None where they belong to another network."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        if str(file["stamp"]) != stamp(network_file):
            return None
        return np.cumsum(file["steps"], axis=0, dtype=np.uint16), int(file["closed"])
