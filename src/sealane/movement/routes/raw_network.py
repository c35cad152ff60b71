"""The raw `searoute` network under `scgraph`: the yardstick a route is held against.

The network (Eurostat marnet, packed by searoute, Apache-2.0) is taken as it is: its nodes, its edges, its names of
passages. A place is tied to its nearest node by a straight line. Its lines are simplified: they bend where the
chart does not, and cross some capes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sealane.movement.geodesy import MEAN_RADIUS_NM, great_circle_nm, normalise_lon

Floats = NDArray[np.float64]
CLOSED = ("northwest", "bering")  # searoute's own names of the ways through Arctic waters


@cache
def nodes_and_edges() -> tuple[Floats, tuple[tuple[int, int, str], ...]]:
    """Nodes as (n, 2) lat, lon in degrees, and edges as (from, to, passage or blank), both directions."""
    from searoute.data.marnet_dict import edge_list, node_list

    # One turn of longitude is written in several ways in the network; nodes at the same place are one node.
    keys: dict[tuple[float, float], int] = {}

    def number(lon: float, lat: float) -> int:
        return keys.setdefault((round(normalise_lon(float(lon)), 6), round(float(lat), 6)), len(keys))

    for lon, lat in node_list:
        number(lon, lat)
    edges = sorted(
        (number(*start), number(*end), str(facts.get("passage") or ""))
        for start, ends in edge_list.items()
        for end, facts in ends.items()
    )
    points = np.array([(lat, lon) for lon, lat in keys], dtype=np.float64)
    return points, tuple(edges)


@cache
def _graph(closed: tuple[str, ...]) -> tuple[Any, Floats, NDArray[np.int64]]:
    from scgraph import Graph

    points, edges = nodes_and_edges()
    neighbours: list[dict[int, float]] = [{} for _ in range(len(points))]
    for start, end, passage in edges:
        if passage not in closed and start != end:
            length = great_circle_nm(*points[start], *points[end])
            neighbours[start][end] = neighbours[end][start] = float(length)
    used = np.array([n for n, near in enumerate(neighbours) if near], dtype=np.int64)
    return Graph(neighbours), points, used


def _nearest(points: Floats, used: NDArray[np.int64], lat: float, lon: float) -> int:
    phi, lam = np.radians(points[used, 0]), np.radians(points[used, 1])
    near = np.sin(phi) * np.sin(np.radians(lat)) + np.cos(phi) * np.cos(np.radians(lat)) * np.cos(lam - np.radians(lon))
    return int(used[int(np.argmax(near))])


def raw_way(
    lat1: float, lon1: float, lat2: float, lon2: float, closed: tuple[str, ...] = CLOSED
) -> tuple[float, Floats, Floats]:
    """Shortest way along the raw network.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : the two places, degrees.
    closed : passages not to be used, in searoute's words.

    Returns
    -------
    Length in nm with the lines that tie both places to their nearest nodes, and the corners lat, lon in degrees.
    """
    graph, points, used = _graph(closed)
    start, end = _nearest(points, used, lat1, lon1), _nearest(points, used, lat2, lon2)
    path = [start]
    if start != end:
        path = graph.dijkstra(origin_id=start, destination_id=end)["path"]
    lat = np.concatenate([[lat1], points[path, 0], [lat2]])
    lon = np.concatenate([[lon1], points[path, 1], [lon2]])
    length = sum(great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1]) for i in range(len(lat) - 1))
    assert length <= 40.0 * MEAN_RADIUS_NM
    return float(length), lat, lon
