"""First pass over one batch of whole vessels: clean tracks, static data, stationary stops, and what was counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.emissions.layout import US_PER_HOUR
from sealane.emissions.static_data import summarise_static
from sealane.inventory.settings import Settings
from sealane.movement.cleaning import RULE_NAMES, clean, is_ship_mmsi
from sealane.movement.learned_zones import DEFAULT_SETTINGS, Stop, stationary_stops
from sealane.movement.tracks import Tracks

# What ships say they do, as navigational status codes (ITU-R M.1371): the modes it can be held against.
REPORTED: dict[str, tuple[int, ...]] = {"berth": (5,), "anchorage": (1,), "under_way": (0, 8)}


@dataclass(frozen=True)
class Prepared:
    """What the first pass learns of one batch.

    Attributes
    ----------
    tracks : clean reports of ships, sorted.
    static : distinct static messages, `STATIC_SUMMARY_SCHEMA`.
    stops : stays of large ships, from which berths and anchorages are learnt where none are given.
    quality : one row per vessel: reports, what each cleaning rule did, hours by gap class.
    """

    tracks: Tracks
    static: pa.Table
    stops: tuple[Stop, ...]
    quality: pa.Table


def _float(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Column as float64 with NaN for null; the cast is explicit so that every engine sums the same numbers."""
    return table.column(name).cast(pa.float64()).fill_null(float("nan")).to_numpy()


def _lengths(static: pa.Table) -> dict[int, float]:
    """Length of each vessel that gave one: the one in most reports, the smallest at a tie."""
    votes: dict[int, dict[float, int]] = {}
    for row in static.select(["mmsi", "length_m", "rows"]).to_pylist():
        if row["length_m"]:
            own = votes.setdefault(row["mmsi"], {})
            own[row["length_m"]] = own.get(row["length_m"], 0) + row["rows"]
    return {mmsi: min(own, key=lambda length: (-own[length], length)) for mmsi, own in votes.items()}


def large_ship_stops(tracks: Tracks, static: pa.Table) -> tuple[Stop, ...]:
    """Stays of the ships that are long enough for zones to be learnt from them."""
    lengths = _lengths(static)
    stops: list[Stop] = []
    vessels, offsets = tracks.vessels()
    for mmsi, a, b in zip(vessels.tolist(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        length = lengths.get(mmsi, 0.0)
        if length < DEFAULT_SETTINGS.least_length_m:
            continue
        speed = tracks.speed_dkn[a:b]
        stops.extend(
            stationary_stops(
                mmsi,
                tracks.time_us[a:b] / 1e6,
                tracks.lat[a:b],
                tracks.lon[a:b],
                np.where(speed < 0, np.nan, speed / 10.0),
                tracks.heading_deg[a:b],
                tracks.nav_status[a:b],
                length,
            )
        )
    return tuple(stops)


def prepare(positions: pa.Table, settings: Settings, *, with_stops: bool) -> Prepared:
    """Clean one batch.

    Parameters
    ----------
    positions : `POSITION_SCHEMA`, whole vessels, sorted by (mmsi, time, lat, lon, sog_kn).
    settings : thresholds.
    with_stops : find the stays of large ships too.
    """
    mmsi = positions.column("mmsi").to_numpy()
    time_us = positions.column("time").cast(pa.int64()).to_numpy()
    status = positions.column("nav_status").cast(pa.int8()).fill_null(-1).to_numpy()
    result = clean(
        mmsi,
        time_us,
        _float(positions, "lat"),
        _float(positions, "lon"),
        _float(positions, "sog_kn"),
        _float(positions, "cog_deg"),
        _float(positions, "heading_deg"),
        status,
        _float(positions, "draught_m"),
        settings.cleaning,
    )
    ships = is_ship_mmsi(result.mmsi)
    of_ships = positions if ships.all() else positions.filter(pa.array(np.repeat(ships, result.reports)))
    static = summarise_static(of_ships)
    stops = large_ship_stops(result.tracks, static) if with_stops else ()
    return Prepared(
        result.tracks, static, stops, _quality(result.mmsi, result.reports, result.counts, result.tracks, settings)
    )


def _quality(
    mmsi: NDArray[np.int32], reports: NDArray[np.int64], counts: NDArray[np.int64], tracks: Tracks, settings: Settings
) -> pa.Table:
    vessels, offsets = tracks.vessels()
    gap_us = settings.port_calls.gap_limit_h * US_PER_HOUR
    hold_us = settings.activity.hold_min * 60e6
    step = np.diff(tracks.time_us, append=tracks.time_us[-1:] if len(tracks) else np.empty(0, np.int64))
    if len(tracks):
        step[offsets[1:] - 1] = 0  # the last report of a vessel stands for no time
    at = np.searchsorted(mmsi, vessels)
    hours = {}
    for name, inside in (
        ("observed_h", step <= hold_us),
        ("interpolated_h", (step > hold_us) & (step <= gap_us)),
        ("unobserved_h", step > gap_us),
    ):
        total = np.zeros(len(mmsi))
        if len(tracks):
            total[at] = np.add.reduceat(np.where(inside, step, 0), offsets[:-1]) / US_PER_HOUR
        hours[name] = total
    seen = np.where(step <= gap_us, step, 0)
    for name, codes in REPORTED.items():
        total = np.zeros(len(mmsi))
        if len(tracks):
            said = np.isin(tracks.nav_status, codes)
            total[at] = np.add.reduceat(np.where(said, seen, 0), offsets[:-1]) / US_PER_HOUR
        hours[f"reported_{name}_h"] = total
    kept = np.zeros(len(mmsi), np.int64)
    kept[at] = np.diff(offsets)
    return pa.table(
        {
            "mmsi": mmsi,
            "reports": reports,
            "kept": kept,
            **{name: counts[:, k] for k, name in enumerate(RULE_NAMES)},
            **hours,
        }
    )
