"""How far each leg is, where from, and how much of it lies inside which emission control area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.corridors.call_table import numbers, take_calls
from sealane.corridors.lanes.rotations import Rotations
from sealane.corridors.lanes.schemas import AREAS
from sealane.reference.ports import find_port

Floats = NDArray[np.float64]

SOURCES = ("observed", "part_observed", "logged", "route", "unknown")
_READ = ("port", "source", "sailed_nm", "sailed_from", "sailed_eca_nm", "sailed_unobserved_h")
_OBSERVED, _PART, _LOGGED, _ROUTE, _UNKNOWN = range(5)


@dataclass(frozen=True)
class Distances:
    """Distances of legs, ``(legs,)`` each.

    Attributes
    ----------
    distance_nm : NaN where unknown.
    source : number in `SOURCES`.
    observed_share : part of the distance that was observed or logged, 0 to 1.
    route_nm : shortest feasible distance; NaN where a port is not known.
    area_nm : miles inside each of `AREAS`, ``(legs, areas)``.
    eca_known : False where nobody told the miles inside control areas and no route gives them.
    """

    distance_nm: Floats
    source: NDArray[np.int8]
    observed_share: Floats
    route_nm: Floats
    area_nm: Floats
    eca_known: NDArray[np.bool_]


@lru_cache(maxsize=100_000)
def _way(origin: str, destination: str) -> tuple[float, tuple[float, ...]]:
    from sealane.errors import DataError
    from sealane.movement.routes.find import route
    from sealane.movement.zones import eca_zones

    if origin == destination:
        return 0.0, (0.0,) * len(AREAS)
    if find_port(origin) is None or find_port(destination) is None:
        return np.nan, (0.0,) * len(AREAS)
    try:
        found = route(origin, destination)
    except DataError:  # a port inland or beyond every way over water: nobody can fill this leg
        return np.nan, (0.0,) * len(AREAS)
    area_of = {zone.id: zone.nox_area for zone in eca_zones()}
    miles = dict.fromkeys(AREAS, 0.0)
    for zone, nm in found.zone_nm.items():
        if area_of.get(zone) in miles:
            miles[str(area_of[zone])] += nm
    return found.distance_nm, tuple(miles.values())


def way(origin: str, destination: str) -> tuple[float, tuple[float, ...]]:
    """Shortest feasible distance between two ports [nm] and the miles inside each of `AREAS`; the same both ways.

    NaN where a UN/LOCODE is not known or no way over water leads there.
    """
    first, second = sorted((origin, destination))
    return _way(first, second)


@lru_cache(maxsize=10_000)
def area_of_port(code: str) -> int:
    """Number of the control area a port lies in, 1 on in the order of `AREAS`; 0: none, or the port is not known."""
    from sealane.movement.zone_index import ZoneIndex
    from sealane.movement.zones import eca_zones

    place = find_port(code)
    if place is None:
        return 0
    index = ZoneIndex.build(eca_zones())
    zone = int(index.locate_many([place.lat], [place.lon])[0, 3])
    name = index.zones[zone].nox_area if zone >= 0 else None
    return AREAS.index(name) + 1 if name in AREAS else 0


def leg_distances(calls: pa.Table, rotations: Rotations, rows: NDArray[np.int64]) -> Distances:
    """Distances of some legs.

    Parameters
    ----------
    calls : the call table.
    rows : numbers of the legs wanted.

    Notes
    -----
    A distance that was logged, or observed without a gap, stands. Where part of the leg was not observed, the longer of
    the observed and the shortest feasible distance stands; without a route the observed part is carried on at its own
    mean speed. Miles inside control areas are told, else those of the route in proportion to the distance.
    """
    begin, reached = rotations.from_call[rows], rotations.to_call[rows]
    called = take_calls(calls, reached, _READ)
    ports = pa.concat_arrays([calls["port"].take(pa.array(begin)).combine_chunks(), called["port"].combine_chunks()])
    coded = ports.dictionary_encode()
    names = coded.dictionary.to_pylist()
    code = coded.indices.to_numpy().astype(np.int64)
    start, end = code[: len(rows)], code[len(rows) :]
    pair = start * len(names) + end
    unique, inverse = np.unique(pair, return_inverse=True)
    ways = [way(names[p // len(names)], names[p % len(names)]) for p in unique.tolist()]
    route_nm = np.array([nm for nm, _ in ways])[inverse] if len(unique) else np.empty(0)
    route_area = np.array([nm for _, nm in ways])[inverse] if len(unique) else np.empty((0, len(AREAS)))
    sailed = numbers(called["sailed_nm"])
    told_eca = numbers(called["sailed_eca_nm"])
    # What was sailed since another port than the one left is no distance of this leg.
    since = pc.fill_null(called["sailed_from"].combine_chunks(), "")
    other = pc.and_(pc.not_equal(since, ""), pc.not_equal(since, ports[: len(rows)])).to_numpy(zero_copy_only=False)
    sailed, told_eca = np.where(other, np.nan, sailed), np.where(other, np.nan, told_eca)
    unseen_h = np.nan_to_num(numbers(called["sailed_unobserved_h"]))
    hours = rotations.leg_hours(rows)
    seen = pc.equal(called["source"], "own_ais").to_numpy()

    told = ~np.isnan(sailed)
    part = told & (unseen_h > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        carried_on = np.where(hours > unseen_h, sailed * hours / (hours - unseen_h), np.nan)
    filled = np.where(np.isnan(route_nm), carried_on, np.fmax(sailed, route_nm))
    distance = np.where(part, filled, np.where(told, sailed, route_nm))
    source = np.select(
        [np.isnan(distance), part, told & seen, told], [_UNKNOWN, _PART, _OBSERVED, _LOGGED], _ROUTE
    ).astype(np.int8)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.where(distance > 0.0, np.minimum(sailed / distance, 1.0), np.where(told, 1.0, 0.0))
        stretch = np.where(route_nm > 0.0, distance / route_nm, 0.0)
    area_nm = route_area * np.nan_to_num(stretch)[:, None]
    area_nm, eca_known = _told_areas(area_nm, told_eca, route_nm, start, end, names)
    inside = area_nm.sum(axis=1)
    # Rounding may leave the areas a hair longer than the leg.
    scale = np.where(inside > distance, distance / np.where(inside > 0.0, inside, 1.0), 1.0)
    return Distances(
        distance_nm=distance,
        source=source,
        observed_share=np.nan_to_num(observed),
        route_nm=route_nm,
        area_nm=area_nm * np.nan_to_num(scale, nan=0.0)[:, None],
        eca_known=eca_known,
    )


def _told_areas(
    area_nm: Floats,
    told_eca: Floats,
    route_nm: Floats,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    names: list[str],
) -> tuple[Floats, NDArray[np.bool_]]:
    """Put the miles that were told in the place of the route's, divided over the areas as the route divides them.

    Without any on the route they go to the area of the port reached, else of the port left, else North America's, the
    one the corridors lie in.
    """
    told = ~np.isnan(told_eca)
    known = told | ~np.isnan(route_nm)
    if not told.any():
        return area_nm, known
    of_port = np.array([area_of_port(name) for name in names], np.int64)
    area = np.where(of_port[end] > 0, of_port[end], of_port[start])
    alone = np.zeros_like(area_nm)
    alone[np.arange(len(area)), np.maximum(area, 1) - 1] = 1.0
    total = area_nm.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        divided = np.where(total > 0.0, area_nm / total, alone)
    return np.where(told[:, None], divided * np.nan_to_num(told_eca)[:, None], area_nm), known
