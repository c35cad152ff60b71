"""Cleaning rules for AIS reports. Every rule counts what it removed or repaired, by vessel.

The input is sorted by (mmsi, time, lat, lon, speed), so that the first report of a tie is the smallest and the result
does not depend on the order in which files were read. AIS field ranges: ITU-R M.1371-5, table 48.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.tracks import Tracks

# rule -> (what happens, meaning); the order is the order of the counters.
RULES: dict[str, tuple[str, str]] = {
    "mmsi_not_a_ship": (
        "report removed",
        "MMSI of an aid to navigation, SAR aircraft, coast station, craft or no class at all",
    ),
    "duplicate": ("report removed", "same vessel, time and position as the report before it"),
    "tie": (
        "report removed",
        "same vessel and time, other position or speed; the smallest (lat, lon, sog) stays",
    ),
    "position_not_available": (
        "report removed",
        "latitude 91 or longitude 181: the AIS code for not available",
    ),
    "position_impossible": ("report removed", "outside the globe, or exactly 0, 0"),
    "position_jump": ("report removed", "only reachable from the ship's track above the speed limit"),
    "shared_mmsi": ("report removed", "belongs to a second track under the same MMSI at the same time"),
    "speed_not_available": ("speed derived", "speed 102.3 kn, or no speed given"),
    "speed_impossible": ("speed derived", "negative, or above the limit for a ship"),
    "speed_unknown": (
        "speed left unknown",
        "no speed, and no second position near enough in time to derive one",
    ),
    "course_not_available": ("flagged", "course 360: the AIS code for not available"),
    "course_negative": ("flagged", "course below zero, an export fault; the course is not used"),
    "heading_not_available": ("flagged", "heading 511, or none given"),
    "draught_not_available": ("flagged", "draught 0, or none given; the vessel's last known draught is used"),
    "status_not_defined": ("flagged", "navigational status 15, or none given; motion and zones decide"),
}
RULE_NAMES = tuple(RULES)
_RULE = {name: number for number, name in enumerate(RULE_NAMES)}

_NOT_A_SHIP = _RULE["mmsi_not_a_ship"]
_DUPLICATE = _RULE["duplicate"]
_TIE = _RULE["tie"]
_POS_NA = _RULE["position_not_available"]
_POS_BAD = _RULE["position_impossible"]
_JUMP = _RULE["position_jump"]
_SHARED = _RULE["shared_mmsi"]
_SPEED_NA = _RULE["speed_not_available"]
_SPEED_BAD = _RULE["speed_impossible"]
_SPEED_UNKNOWN = _RULE["speed_unknown"]
_COURSE_NA = _RULE["course_not_available"]
_COURSE_NEG = _RULE["course_negative"]
_HEADING_NA = _RULE["heading_not_available"]
_DRAUGHT_NA = _RULE["draught_not_available"]
_STATUS_NA = _RULE["status_not_defined"]

_US_PER_HOUR = 3_600_000_000.0
_NM_PER_DEG = 60.0
_MAX_HEADS = 8  # simultaneous tracks told apart under one MMSI; more are counted as jumps


@dataclass(frozen=True)
class CleaningSettings:
    """Limits of the cleaning rules.

    Attributes
    ----------
    max_speed_kn : a ship's speed above this is not believed, neither reported nor between two positions.
    jump_slack_nm : distance always allowed between two reports (position noise, rounded seconds).
    min_side_track_reports : a second track with at least this many reports is a shared MMSI, with fewer a jump.
    derive_window_s : a missing speed is derived over at least this time: position noise must not look like motion.
    derive_limit_s : a missing speed is not derived across a gap longer than this.
    """

    max_speed_kn: float = 50.0
    jump_slack_nm: float = 0.5
    min_side_track_reports: int = 5
    derive_window_s: float = 60.0
    derive_limit_s: float = 600.0


def mmsi_class(mmsi: int) -> str:
    """Return the station class that an MMSI's leading digits name (ITU-R M.585-9, annex 1).

    ``ship`` (MID 201-775 leading), ``group``, ``coast station``, ``sar aircraft``, ``aid to navigation``,
    ``craft of a parent ship``, ``sart, mob or epirb``, ``handheld``, ``default or test`` or ``invalid``.
    """
    if mmsi in _DEFAULT_MMSI:
        return "default or test"
    text = f"{mmsi:09d}"
    if mmsi < 0 or len(text) != 9:
        return "invalid"
    for prefix, name in _MMSI_PREFIXES:
        if text.startswith(prefix):
            return name
    return "ship" if 201 <= int(text[:3]) <= 775 else "invalid"


# Numbers that careless installations send: runs of one digit and counting up.
_DEFAULT_MMSI = frozenset({0, 123456789, 1193046, 987654321, *(int(str(d) * 9) for d in range(1, 10))})
_MMSI_PREFIXES = (
    ("00", "coast station"),
    ("0", "group"),
    ("111", "sar aircraft"),
    ("99", "aid to navigation"),
    ("98", "craft of a parent ship"),
    ("97", "sart, mob or epirb"),
    ("8", "handheld"),
)


def is_ship_mmsi(mmsi: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Tell for each MMSI, shape ``(n,)``, whether it is a ship station's."""
    return np.fromiter((mmsi_class(int(m)) == "ship" for m in mmsi), np.bool_, len(mmsi))


@njit(nogil=True, cache=True)
def _separation_nm(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Equirectangular distance [nm]; within 1 % of the great circle over the distances a jump test decides on."""
    dlon = abs(lon2 - lon1)
    if dlon > 180.0:
        dlon = 360.0 - dlon
    dlat = lat2 - lat1
    dx = dlon * np.cos(np.radians(0.5 * (lat1 + lat2)))
    return _NM_PER_DEG * np.sqrt(dlat * dlat + dx * dx)


@njit(nogil=True, cache=True)
def _drop_invalid(time_us, lat, lon, sog, keep, counts):
    """Mark duplicates, ties and positions that are none."""
    last = -1
    for i in range(len(time_us)):
        if np.isnan(lat[i]) or np.isnan(lon[i]) or abs(lat[i]) == 91.0 or abs(lon[i]) == 181.0:
            counts[_POS_NA] += 1
        elif abs(lat[i]) > 90.0 or abs(lon[i]) > 180.0 or (lat[i] == 0.0 and lon[i] == 0.0):
            counts[_POS_BAD] += 1
        elif last >= 0 and time_us[i] == time_us[last]:
            same_speed = sog[i] == sog[last] or (np.isnan(sog[i]) and np.isnan(sog[last]))
            if lat[i] == lat[last] and lon[i] == lon[last] and same_speed:
                counts[_DUPLICATE] += 1
            else:
                counts[_TIE] += 1
        else:
            keep[i] = 1
            last = i


@njit(nogil=True, cache=True)
def _drop_jumps(time_us, lat, lon, keep, max_speed_kn, slack_nm, min_side, counts):
    """Split the reports into tracks that a ship could sail; keep the main one.

    A report joins the nearest track head that it can be reached from; otherwise it opens a track. Tracks that do
    not overlap in time follow each other (a real move unseen by receivers); of overlapping ones the one with
    more reports stays, ties to the earlier.
    """
    n = len(time_us)
    jumped = False
    last = -1
    for i in range(n):  # almost every vessel has one track: look before paying for the bookkeeping
        if keep[i]:
            if last >= 0:
                hours = (time_us[i] - time_us[last]) / _US_PER_HOUR
                if _separation_nm(lat[last], lon[last], lat[i], lon[i]) > slack_nm + max_speed_kn * hours:
                    jumped = True
                    break
            last = i
    if not jumped:
        return
    track_of = np.full(n, -1, np.int32)
    head = np.empty(_MAX_HEADS, np.int64)  # last report of each open track
    head_track = np.empty(_MAX_HEADS, np.int32)
    heads = 0
    first = np.empty(n, np.int64)
    final = np.empty(n, np.int64)
    size = np.zeros(n, np.int64)
    tracks = 0
    for i in range(n):
        if not keep[i]:
            continue
        best = -1
        best_nm = np.inf
        for h in range(heads):
            j = head[h]
            hours = (time_us[i] - time_us[j]) / _US_PER_HOUR
            nm = _separation_nm(lat[j], lon[j], lat[i], lon[i])
            if nm <= slack_nm + max_speed_kn * hours and nm < best_nm:
                best, best_nm = h, nm
        if best < 0:
            if heads == _MAX_HEADS:  # the stalest head gives way
                best = 0
                for h in range(1, heads):
                    if head[h] < head[best]:
                        best = h
            else:
                best = heads
                heads += 1
            head_track[best] = tracks
            first[tracks] = i
            tracks += 1
        track = head_track[best]
        head[best] = i
        track_of[i] = track
        final[track] = i
        size[track] += 1
    alive = np.ones(tracks, np.uint8)
    order = np.argsort(-size[:tracks], kind="mergesort")
    for a in range(tracks):
        for b in range(a):
            k, m = order[a], order[b]
            if alive[m] and first[k] < final[m] and first[m] < final[k]:
                alive[k] = 0
                break
    # A lone report before or after the main track that cannot be reached is a stray, not a voyage.
    for k in range(tracks):
        if alive[k] and size[k] < min_side and k != order[0]:
            alive[k] = 0
    for i in range(n):
        if keep[i] and not alive[track_of[i]]:
            keep[i] = 0
            if size[track_of[i]] >= min_side:
                counts[_SHARED] += 1
            else:
                counts[_JUMP] += 1


@njit(nogil=True, cache=True)
def _derive_speed(time_us, lat, lon, index, k, window_us, limit_us):
    """Speed [kn] at kept report ``k`` from positions at least ``window_us`` apart, or -1.

    Forward first, as the state of a report holds until the next one; then backward; then, where the reports near
    it are too few for the window, the nearest neighbour.
    """
    n = len(index)
    i = index[k]
    ahead = k + 1
    while ahead < n - 1 and time_us[index[ahead]] - time_us[i] < window_us:
        ahead += 1
    behind = k - 1
    while behind > 0 and time_us[i] - time_us[index[behind]] < window_us:
        behind -= 1
    span_ahead = time_us[index[ahead]] - time_us[i] if ahead < n else 0
    span_behind = time_us[i] - time_us[index[behind]] if behind >= 0 else 0
    if span_ahead > limit_us:
        span_ahead = 0
    if span_behind > limit_us:
        span_behind = 0
    if span_ahead >= window_us or (span_behind < window_us and span_ahead >= span_behind):
        other, span = ahead, span_ahead
    else:
        other, span = behind, span_behind
    if span <= 0:
        return -1.0
    j = index[other]
    return _separation_nm(lat[i], lon[i], lat[j], lon[j]) / (span / _US_PER_HOUR)


@njit(nogil=True, cache=True)
def _clean_vessel(
    time_us,
    lat,
    lon,
    sog,
    cog,
    heading,
    status,
    draught,
    limits,
    keep,
    speed_dkn,
    derived,
    draught_dm,
    counts,
):
    """Apply every rule to one vessel's sorted reports, writing into the slices it is given."""
    max_speed_kn, slack_nm, min_side, window_us, limit_us = limits
    _drop_invalid(time_us, lat, lon, sog, keep, counts)
    _drop_jumps(time_us, lat, lon, keep, max_speed_kn, slack_nm, min_side, counts)
    index = np.flatnonzero(keep)
    last_draught = 0
    for k in range(len(index)):  # late static data: what is learnt later holds from the start
        value = draught[index[k]]
        if value > 0.0 and value < 30.0:
            last_draught = int(np.rint(value * 10.0))
            break
    for k in range(len(index)):
        i = index[k]
        if np.isnan(sog[i]) or abs(sog[i] - 102.3) < 0.05:
            counts[_SPEED_NA] += 1
            speed = -1.0
        elif sog[i] < 0.0 or sog[i] > max_speed_kn:
            counts[_SPEED_BAD] += 1
            speed = -1.0
        else:
            speed = sog[i]
        if speed < 0.0:
            speed = _derive_speed(time_us, lat, lon, index, k, window_us, limit_us)
            if 0.0 <= speed <= max_speed_kn:
                derived[i] = 1
            else:
                speed = -1.0
                counts[_SPEED_UNKNOWN] += 1
        speed_dkn[i] = np.int16(np.rint(speed * 10.0)) if speed >= 0.0 else np.int16(-1)
        if np.isnan(cog[i]) or cog[i] == 360.0:
            counts[_COURSE_NA] += 1
        elif cog[i] < 0.0:
            counts[_COURSE_NEG] += 1
        if heading[i] >= 511:
            counts[_HEADING_NA] += 1
        if status[i] < 0 or status[i] == 15:
            counts[_STATUS_NA] += 1
        if draught[i] > 0.0 and draught[i] < 30.0:
            last_draught = int(np.rint(draught[i] * 10.0))
        else:
            counts[_DRAUGHT_NA] += 1
        draught_dm[i] = last_draught


@njit(nogil=True, cache=True)
def _clean_all(
    offsets,
    is_ship,
    time_us,
    lat,
    lon,
    sog,
    cog,
    heading,
    status,
    draught,
    limits,
    keep,
    speed_dkn,
    derived,
    draught_dm,
    counts,
):
    for v in range(len(offsets) - 1):
        a, b = offsets[v], offsets[v + 1]
        if not is_ship[v]:
            counts[v, _NOT_A_SHIP] += b - a
            continue
        _clean_vessel(
            time_us[a:b],
            lat[a:b],
            lon[a:b],
            sog[a:b],
            cog[a:b],
            heading[a:b],
            status[a:b],
            draught[a:b],
            limits,
            keep[a:b],
            speed_dkn[a:b],
            derived[a:b],
            draught_dm[a:b],
            counts[v],
        )


@dataclass(frozen=True)
class CleanResult:
    """Clean tracks and what each rule did.

    Attributes
    ----------
    tracks : the reports that stay.
    mmsi : int32, shape ``(v,)``, every vessel seen, those wholly removed too.
    reports : int64, shape ``(v,)``, reports read per vessel.
    counts : int64, shape ``(v, len(RULE_NAMES))``.
    """

    tracks: Tracks
    mmsi: NDArray[np.int32]
    reports: NDArray[np.int64]
    counts: NDArray[np.int64]


def clean(
    mmsi: NDArray[np.int32],
    time_us: NDArray[np.int64],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    sog_kn: NDArray[np.float64],
    cog_deg: NDArray[np.float64],
    heading_deg: NDArray[np.float64],
    nav_status: NDArray[np.int8],
    draught_m: NDArray[np.float64],
    settings: CleaningSettings | None = None,
    *,
    ships_only: bool = True,
) -> CleanResult:
    """Clean whole vessels' reports.

    Parameters
    ----------
    mmsi, time_us, lat, lon, sog_kn, cog_deg, heading_deg, nav_status, draught_m :
        columns of shape ``(n,)`` sorted by (mmsi, time, lat, lon, sog); NaN or -1 (status) where not given.
    settings : limits of the rules.
    ships_only : drop stations whose MMSI is not a ship's (ITU-R M.585).
    """
    settings = settings or CleaningSettings()
    n = len(mmsi)
    starts = np.flatnonzero(np.diff(mmsi, prepend=mmsi[:1] - 1)) if n else np.empty(0, np.int64)
    vessels = mmsi[starts]
    offsets = np.append(starts, n).astype(np.int64)
    ships = is_ship_mmsi(vessels) if ships_only else np.ones(len(vessels), np.bool_)
    heading = np.where((heading_deg >= 0) & (heading_deg < 360), np.rint(np.nan_to_num(heading_deg, nan=511.0)), 511.0)
    heading = heading.astype(np.int16)
    keep = np.zeros(n, np.uint8)
    speed_dkn = np.full(n, -1, np.int16)
    derived = np.zeros(n, np.uint8)
    draught_dm = np.zeros(n, np.int16)
    counts = np.zeros((len(vessels), len(RULE_NAMES)), np.int64)
    limits = (
        settings.max_speed_kn,
        settings.jump_slack_nm,
        settings.min_side_track_reports,
        settings.derive_window_s * 1e6,
        settings.derive_limit_s * 1e6,
    )
    _clean_all(
        offsets,
        ships,
        time_us,
        lat,
        lon,
        sog_kn,
        cog_deg,
        heading,
        nav_status,
        draught_m,
        limits,
        keep,
        speed_dkn,
        derived,
        draught_dm,
        counts,
    )
    kept = keep.view(np.bool_)
    tracks = Tracks(
        mmsi=mmsi[kept],
        time_us=time_us[kept],
        lat=lat[kept],
        lon=lon[kept],
        speed_dkn=speed_dkn[kept],
        speed_derived=derived[kept],
        heading_deg=heading[kept],
        nav_status=nav_status[kept],
        draught_dm=draught_dm[kept],
    )
    return CleanResult(tracks, vessels, np.diff(offsets), counts)
