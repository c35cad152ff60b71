"""Where the label of each port stands, so that names of neighbours (Tokyo, Yokohama, Nagoya) can all be read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

NEAR_DEG = 6.0
# Direction in which the text goes from the port [deg, anticlockwise from east], and the corner of it that stands there.
CORNERS: Mapping[str, float] = {"bottom-left": 45.0, "bottom-right": 135.0, "top-right": 225.0, "top-left": 315.0}
ALONE = "left"


def anchors(places: Sequence[tuple[float, float]]) -> list[str]:
    """Corner of each label that stands at its place.

    Parameters
    ----------
    places : longitude and latitude [deg] in the order of importance.

    Notes
    -----
    Places nearer to each other than `NEAR_DEG` make a group; each of its first four gets the corner of its own that
    points away from the others best (least sum of squared angles); what is left shares the best corner.
    """
    found = [ALONE] * len(places)
    for group in _groups(places):
        if len(group) > 1:
            _place(group, places, found)
    return found


def _groups(places: Sequence[tuple[float, float]]) -> list[list[int]]:
    groups: list[list[int]] = []
    for i, (lon, lat) in enumerate(places):
        for group in groups:
            if any(abs(_east(lon, places[k][0])) + abs(lat - places[k][1]) <= NEAR_DEG for k in group):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _east(lon: float, other: float) -> float:
    return (lon - other + 180.0) % 360.0 - 180.0


def _place(group: Sequence[int], places: Sequence[tuple[float, float]], found: list[str]) -> None:
    from scipy.optimize import linear_sum_assignment

    middle_lat = sum(places[i][1] for i in group) / len(group)
    middle_lon = sum(_east(places[i][0], places[group[0]][0]) for i in group) / len(group)
    names = list(CORNERS)
    costs = np.empty((len(group), len(names)))
    for row, i in enumerate(group):
        east = _east(places[i][0], places[group[0]][0]) - middle_lon
        away = math.degrees(math.atan2(places[i][1] - middle_lat, east))
        costs[row] = [((CORNERS[name] - away + 180.0) % 360.0 - 180.0) ** 2 for name in names]
    first = costs[: len(names)]
    for row, column in zip(*linear_sum_assignment(first), strict=True):
        found[group[row]] = names[column]
    for row in range(len(first), len(group)):
        found[group[row]] = names[int(costs[row].argmin())]
