"""Berths and anchorages learnt from where ships lie still, for ports without published outlines.

A ship alongside keeps heading and place; a ship at anchor swings round her anchor with wind and tide. A stop is
therefore moored or anchored by the navigational status the ship reported, unless her motion contradicts it, and else
by the range of her heading, and where no heading was sent by the spread of her positions. Stops of one kind that lie
close together make one zone: the convex hull of their positions, widened.

The thresholds are this project's assumptions (grade D): they were set on one hour of positions in New York Harbor,
documented in docs/reference/zones.md, and stand together in :class:`StopSettings`. A zone made so says
``learnt: true``, grade D and which data it was learnt from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sealane.errors import DataError, Fault
from sealane.movement.compiled import njit
from sealane.movement.geodesy import MEAN_RADIUS_M, great_circle_m, normalise_lon
from sealane.movement.zone_shapes import Zone, ZoneSet, unwrap

MOORED = "moored"
ANCHORED = "anchored"
# Navigational status codes of Recommendation ITU-R M.1371.
STATUS_AT_ANCHOR = 1
STATUS_MOORED = 5
HEADING_NOT_AVAILABLE = 511.0


@dataclass(frozen=True)
class StopSettings:
    """Thresholds of stop detection, classification and clustering; all are assumptions of this project (grade D).

    Attributes
    ----------
    stop_speed_kn : a report above this speed ends a stop.
    swing_radius_m : a position further than this from the centre of the stop ends it; cable and ship's length together
        stay below it.
    gap_h : a longer silence ends a stop.
    least_h : a shorter stop is not kept.
    moored_heading_range_deg : a ship whose heading stays within this range is moored.
    moored_spread_m : without headings, a ship whose positions stay within this distance of their centre is moored.
    drifting_spread_m : positions wider than this are no berth, whatever the heading does.
    contradiction_heading_deg, contradiction_spread_m : a ship that reports moored, yet swings through more than this
        heading range with positions wider than this, is at anchor.
    steady_h : a ship that reports at anchor, yet keeps heading (moored_heading_range_deg / 2) and place
        (moored_spread_m / 2) longer than a tide turns, is moored.
    least_length_m : ships shorter than this, or of unknown length, do not make zones; marinas and pilot stations would.
    berth_link_m, anchorage_link_m : stops closer than this belong to one zone.
    berth_margin_m, anchorage_margin_m : how far a zone reaches beyond the positions it was learnt from.
    least_stops : a zone needs so many stops.
    """

    stop_speed_kn: float = 1.0
    swing_radius_m: float = 600.0
    gap_h: float = 6.0
    least_h: float = 0.25
    moored_heading_range_deg: float = 5.0
    moored_spread_m: float = 20.0
    drifting_spread_m: float = 150.0
    contradiction_heading_deg: float = 45.0
    contradiction_spread_m: float = 60.0
    steady_h: float = 8.0
    least_length_m: float = 100.0
    berth_link_m: float = 75.0
    anchorage_link_m: float = 1000.0
    berth_margin_m: float = 75.0
    anchorage_margin_m: float = 300.0
    least_stops: int = 1


DEFAULT_SETTINGS = StopSettings()


@dataclass(frozen=True)
class Stop:
    """One stay of one ship.

    Attributes
    ----------
    mmsi : the ship.
    lat, lon : centre of the positions (median), degrees.
    spread_m : 95th percentile of the distance of the positions from the centre.
    heading_range_deg : smallest arc that holds the headings, NaN if fewer than two were sent.
    length_m : length of the ship, NaN if unknown.
    hours : from the first to the last position of the stay.
    status : navigational status in the majority of the reports, None if none was sent.
    begin_s : time of the first position, seconds as given.
    positions : number of positions.
    """

    mmsi: int
    lat: float
    lon: float
    spread_m: float
    heading_range_deg: float
    length_m: float
    hours: float
    status: int | None
    begin_s: float
    positions: int


@njit(cache=True)
def _stop_bounds(time_s, lats, lons, sog_kn, stop_speed_kn, radius_m, gap_s, least_s):
    """(n, 2) first and one past the last index of each stop of one vessel, positions in time order."""
    bounds = np.empty((time_s.size, 2), np.int64)
    n = 0
    start = -1
    mean_lat = 0.0
    mean_dlon = 0.0
    for i in range(time_s.size + 1):
        inside = i < time_s.size and not sog_kn[i] > stop_speed_kn
        ends = start >= 0 and not inside
        if start >= 0 and inside:
            ends = time_s[i] - time_s[i - 1] > gap_s or (
                great_circle_m(mean_lat, lons[start] + mean_dlon, lats[i], lons[i]) > radius_m
            )
        if ends:
            if time_s[i - 1] - time_s[start] >= least_s:
                bounds[n, 0] = start
                bounds[n, 1] = i
                n += 1
            start = -1
        if not inside:
            continue
        if start < 0:
            start = i
            mean_lat = lats[i]
            mean_dlon = 0.0
        else:
            # The longitude is averaged as an offset, so that a stop on the antimeridian stays one.
            count = i - start + 1
            mean_lat += (lats[i] - mean_lat) / count
            mean_dlon += (normalise_lon(lons[i] - lons[start]) - mean_dlon) / count
    return bounds[:n]


def heading_range_deg(headings_deg: npt.NDArray[np.float64]) -> float:
    """Smallest arc that holds 95 % of the headings.

    Parameters
    ----------
    headings_deg : (n,) true headings; values outside [0, 360), as 511 and NaN, are left out.

    Returns
    -------
    Arc in degrees, 0 to 360; NaN where fewer than two headings are left. One wild heading in twenty is forgiven.
    """
    good = np.sort(headings_deg[(headings_deg >= 0.0) & (headings_deg < 360.0)])
    if good.size < 2:
        return math.nan
    held = math.ceil(0.95 * good.size)
    twice = np.concatenate([good, good + 360.0])
    return float((twice[held - 1 : held - 1 + good.size] - good).min())


def _metres(
    lats: npt.NDArray[np.float64], lons: npt.NDArray[np.float64], lat0: float, lon0: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Offsets north and east in metres on a plane that touches the sphere at (lat0, lon0)."""
    north = np.radians(lats - lat0) * MEAN_RADIUS_M
    east = np.radians((lons - lon0 + 180.0) % 360.0 - 180.0) * MEAN_RADIUS_M * math.cos(math.radians(lat0))
    return north, east


def stationary_stops(
    mmsi: int,
    time_s: npt.ArrayLike,
    lats: npt.ArrayLike,
    lons: npt.ArrayLike,
    sog_kn: npt.ArrayLike,
    heading_deg: npt.ArrayLike,
    nav_status: npt.ArrayLike,
    length_m: float = math.nan,
    settings: StopSettings = DEFAULT_SETTINGS,
) -> tuple[Stop, ...]:
    """Stays of one vessel.

    Parameters
    ----------
    mmsi : the vessel.
    time_s : (n,) seconds, rising.
    lats, lons : (n,) degrees.
    sog_kn : (n,) speed over ground; NaN where not sent, then place alone decides.
    heading_deg : (n,) true heading, 511 or NaN where not available.
    nav_status : (n,) navigational status 0-15; NaN or negative where not sent, 15 counts as not sent.
    length_m : length of the vessel, NaN if unknown.
    settings : the thresholds.

    Returns
    -------
    Stops in time order; a vessel without any was under way throughout.

    Raises
    ------
    DataError : the arrays differ in length, or times fall.
    """
    arrays = [
        np.ascontiguousarray(values, dtype=np.float64)
        for values in (time_s, lats, lons, sog_kn, heading_deg, nav_status)
    ]
    time, lat, lon, sog, heading, status = arrays
    if len({array.size for array in arrays}) > 1 or (time.size > 1 and not bool(np.all(np.diff(time) >= 0.0))):
        raise DataError(
            f"Stops of vessel {mmsi} cannot be found.",
            [
                Fault(
                    f"vessel {mmsi}", "arrays of different length, or falling times", "Sort by time; pair every value."
                )
            ],
        )
    bounds = _stop_bounds(
        time,
        lat,
        lon,
        sog,
        settings.stop_speed_kn,
        settings.swing_radius_m,
        settings.gap_h * 3600.0,
        settings.least_h * 3600.0,
    )
    stops = []
    for first, past in bounds.tolist():
        part = slice(first, past)
        offset = (lon[part] - lon[first] + 180.0) % 360.0 - 180.0
        centre_lat = float(np.median(lat[part]))
        centre_lon = float(normalise_lon(lon[first] + float(np.median(offset))))
        north, east = _metres(lat[part], lon[part], centre_lat, centre_lon)
        sent = status[part]
        sent = sent[(sent >= 0.0) & (sent < 15.0)].astype(np.int64)
        counts = np.bincount(sent) if sent.size else None
        stops.append(
            Stop(
                mmsi=mmsi,
                lat=centre_lat,
                lon=centre_lon,
                spread_m=float(np.percentile(np.hypot(north, east), 95.0)),
                heading_range_deg=heading_range_deg(heading[part]),
                length_m=float(length_m),
                hours=float((time[past - 1] - time[first]) / 3600.0),
                status=int(counts.argmax()) if counts is not None else None,
                begin_s=float(time[first]),
                positions=past - first,
            )
        )
    return tuple(stops)


def classify(stop: Stop, settings: StopSettings = DEFAULT_SETTINGS) -> tuple[str, str]:
    """Moored or anchored, and the evidence that decided.

    Parameters
    ----------
    stop : the stay.
    settings : the thresholds.

    Returns
    -------
    (state, evidence): state ``moored`` or ``anchored``; evidence ``status``, ``heading`` or ``spread``.
    """
    turning = stop.heading_range_deg
    if stop.status == STATUS_MOORED:
        swings = turning > settings.contradiction_heading_deg and stop.spread_m > settings.contradiction_spread_m
        return (ANCHORED, "heading") if swings else (MOORED, "status")
    if stop.status == STATUS_AT_ANCHOR:
        steady = (
            stop.hours > settings.steady_h
            and turning <= settings.moored_heading_range_deg / 2.0
            and stop.spread_m <= settings.moored_spread_m / 2.0
        )
        return (MOORED, "heading") if steady else (ANCHORED, "status")
    if stop.spread_m > settings.drifting_spread_m:
        return ANCHORED, "spread"
    if not math.isnan(turning):
        return (MOORED if turning <= settings.moored_heading_range_deg else ANCHORED), "heading"
    return (MOORED if stop.spread_m <= settings.moored_spread_m else ANCHORED), "spread"


@njit(cache=True)
def _clusters(lats, lons, link_m):
    """Cluster number of each point: points linked by steps of at most `link_m` share one. Points sorted by latitude."""
    n = lats.size
    parent = np.arange(n)
    band_deg = math.degrees(link_m / MEAN_RADIUS_M) * 1.0001
    for i in range(n):
        for j in range(i + 1, n):
            if lats[j] - lats[i] > band_deg:
                break
            if great_circle_m(lats[i], lons[i], lats[j], lons[j]) <= link_m:
                a = i
                while parent[a] != a:
                    parent[a] = parent[parent[a]]
                    a = parent[a]
                b = j
                while parent[b] != b:
                    parent[b] = parent[parent[b]]
                    b = parent[b]
                # The smaller root stays, so that numbers do not depend on the order of the links.
                parent[max(a, b)] = min(a, b)
    for i in range(n):
        parent[i] = parent[parent[i]]
    return parent


def _hull(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Convex hull, counter-clockwise (A. M. Andrew, Information Processing Letters 9 (1979) 216-219)."""
    ordered = sorted(set(points))

    def half(chain: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        out: list[tuple[float, float]] = []
        for x, y in chain:
            while len(out) >= 2:
                (ax, ay), (bx, by) = out[-2], out[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0:
                    break
                out.pop()
            out.append((x, y))
        return out

    return half(ordered)[:-1] + half(reversed(ordered))[:-1]


def learn(stops: Sequence[Stop], *, port: str | None, data: str, settings: StopSettings = DEFAULT_SETTINGS) -> ZoneSet:
    """Berths and anchorages from stops.

    Parameters
    ----------
    stops : stays of any ships in any order; the result does not depend on it.
    port : UN/LOCODE the zones belong to, or None.
    data : what the stops come from, named in the source of each zone.
    settings : the thresholds.

    Returns
    -------
    Zones of kind berth and anchorage, numbered from south to north; may be empty.
    """
    zones: list[Zone] = []
    for kind, state, link_m, margin_m in (
        ("berth", MOORED, settings.berth_link_m, settings.berth_margin_m),
        ("anchorage", ANCHORED, settings.anchorage_link_m, settings.anchorage_margin_m),
    ):
        chosen = sorted(
            (s for s in stops if s.length_m >= settings.least_length_m and classify(s, settings)[0] == state),
            key=lambda s: (s.lat, s.lon, s.mmsi, s.begin_s),
        )
        if not chosen:
            continue
        roots = _clusters(np.array([s.lat for s in chosen]), np.array([s.lon for s in chosen]), link_m)
        number = 0
        for root in np.unique(roots).tolist():
            members = [chosen[n] for n in np.flatnonzero(roots == root).tolist()]
            if len(members) < settings.least_stops:
                continue
            number += 1
            zones.append(_zone(kind, number, members, port, data, margin_m))
    return ZoneSet(tuple(zones))


def _zone(kind: str, number: int, members: Sequence[Stop], port: str | None, data: str, margin_m: float) -> Zone:
    lat0, lon0 = members[0].lat, members[0].lon
    north, east = _metres(np.array([s.lat for s in members]), np.array([s.lon for s in members]), lat0, lon0)
    corners = []
    for y, x, stop in zip(north.tolist(), east.tolist(), members, strict=True):
        reach = margin_m + stop.spread_m
        for k in range(16):
            angle = math.radians(22.5 * k)
            corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    ring = []
    for x, y in _hull(corners):
        lat = lat0 + math.degrees(y / MEAN_RADIUS_M)
        lon = lon0 + math.degrees(x / (MEAN_RADIUS_M * math.cos(math.radians(lat0))))
        ring.append((round(normalise_lon(lon), 6), round(lat, 6)))
    ships = len({s.mmsi for s in members})
    hours = sum(s.hours for s in members)
    prefix = f"{port}-" if port else ""
    return Zone(
        id=f"{prefix}learnt-{kind}-{number}",
        name=f"Learnt {kind} {number}",
        kind=kind,
        port=port,
        polygons=((unwrap((*ring, ring[0])),),),
        source=f"learnt from {data}: {len(members)} stops of {ships} ships, {hours:.1f} h",
        grade="D",
        learnt=True,
    )
