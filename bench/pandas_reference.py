"""The pandas reference: a slow, obvious way to the kernel's sums, one vectorised step after the other.

It takes the same tracks, factors and polygons and gives the same totals (`run.py` prints how far apart they are):
exact polygons by a plain even-odd test, interpolated gaps, modes, load, low-load factors, every pollutant, rows by
vessel, mode and zone, hourly activity and the heat map. It does less than the kernel in one thing: it finds no port
calls.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sealane.emissions.layout import PRICED
from sealane.emissions.low_load import SO2_CONSTANT, SO2_MIN_SULPHUR_FRACTION, SO2_PER_LOAD
from sealane.emissions.propulsion import DRAUGHT_EXPONENT, LOAD_CAP, LOAD_FLOOR
from sealane.inventory.batch import Context
from sealane.movement.zones import Zone, ZoneSet

F64 = NDArray[np.float64]
HOUR_US = 3_600_000_000
_EARTH_NM = 6_371_008.8 / 1852.0
KINDS = ("berth", "anchorage", "port_limit", "eca", "speed_zone")


def _inside(zone: Zone, lat: F64, lon: F64) -> NDArray[np.bool_]:
    """Even-odd rule over every edge, for the points in the polygon's box."""
    rings = [ring for polygon in zone.polygons for ring in polygon]
    corners = np.concatenate([np.asarray(ring) for ring in rings])
    (west, south), (east, north) = corners.min(0), corners.max(0)
    near = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    odd = np.zeros(len(near), bool)
    y, x = lat[near], lon[near]
    for ring in rings:
        for (x1, y1), (x2, y2) in pairwise(ring):
            if y1 != y2:
                odd ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) / (y2 - y1) * (x2 - x1))
    found = np.zeros(len(lat), bool)
    found[near[odd]] = True
    return found


def _area(zone: Zone) -> float:
    return sum(
        abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(polygon[0]))) / 2 for polygon in zone.polygons
    )


def _locate(frame: pd.DataFrame, zones: ZoneSet) -> None:
    """One column for each kind: number of the smallest zone that holds the position, -1 none."""
    lat, lon = frame["lat"].to_numpy(), frame["lon"].to_numpy()
    for kind in KINDS:
        of_kind = [(_area(zone), number) for number, zone in enumerate(zones) if zone.kind == kind]
        place = np.full(len(frame), -1)
        for _, number in sorted(of_kind, reverse=True):
            place[_inside(zones[number], lat, lon)] = number
        frame[kind] = place


def _haversine_nm(lat1: F64, lon1: F64, lat2: F64, lon2: F64) -> F64:
    a, b = np.radians(lat1), np.radians(lat2)
    h = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_NM * np.arcsin(np.sqrt(h))


def _adjustment(p: int, load: F64, sulphur: F64, adjusted: NDArray[np.bool_], known: Context) -> F64:
    a, x, b = known.factors.llaf[PRICED.index("co2") if PRICED[p] == "wtt_co2e" else p]
    limit = known.limits.low_load_limit
    held = np.maximum(load, LOAD_FLOOR)
    if np.isnan(a):
        return np.ones(len(load))
    if PRICED[p] == "so2":
        s = np.maximum(sulphur, SO2_MIN_SULPHUR_FRACTION)
        rate = a * (SO2_PER_LOAD / held + SO2_CONSTANT) * s + b
        at_limit = a * (SO2_PER_LOAD / limit + SO2_CONSTANT) * s + b
    else:
        rate, at_limit = a * held**-x + b, a * limit**-x + b
    return np.where(adjusted & (load < limit), rate / at_limit, 1.0)


def run(frame: pd.DataFrame, known: Context, zones: ZoneSet) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Inventory, hourly activity and heat map of clean sorted tracks (columns of `TRACK_SCHEMA`)."""
    frame = frame.copy()
    limits, ships, factors = known.limits, known.vessels, known.factors
    ship = pd.Series(np.arange(len(ships.mmsi)), index=ships.mmsi)
    frame["ship"] = frame["mmsi"].map(ship)
    frame = frame[frame["ship"].notna()].astype({"ship": int})
    _locate(frame, zones)
    following = frame.groupby("mmsi")[["time_us", "lat", "lon", "nav_status", "berth", "anchorage", "speed_zone"]]
    after = following.shift(-1)
    frame["dt"] = after["time_us"] - frame["time_us"]
    keep = frame["dt"].notna() & (frame["dt"] <= limits.gap_us)
    frame, after = frame[keep].astype({"dt": np.int64}), after[keep]
    bridged = ((frame["dt"] > limits.hold_us) | (frame["speed_dkn"] < 0)).to_numpy()
    nm = _haversine_nm(*(c.to_numpy() for c in (frame["lat"], frame["lon"], after["lat"], after["lon"])))
    speed = np.where(bridged, np.rint(10 * nm / (frame["dt"] / HOUR_US)), frame["speed_dkn"])
    for name, none in (("berth", -1), ("anchorage", -1), ("speed_zone", -1), ("nav_status", -1)):
        frame[name] = np.where(bridged & (frame[name] != after[name]), none, frame[name])
    possible = ~(bridged & (speed > limits.max_speed_dkn))
    frame, speed, bridged = frame[possible], speed[possible], bridged[possible]

    v = frame["ship"].to_numpy()
    coastal = (frame["port_limit"] >= 0).to_numpy()
    margin = np.where(coastal, limits.sea_margin_coastal, limits.sea_margin_at_sea)
    draught = frame["draught_dm"].to_numpy() / 10.0
    deepest = ships.max_draught_m[v]
    term = np.where((draught > 0) & (deepest > 0), (draught / deepest) ** DRAUGHT_EXPONENT, 1.0)
    load = np.clip((speed / 10 / ships.max_speed_kn[v]) ** 3 * (1 + margin) * term, LOAD_FLOOR, LOAD_CAP)
    load = np.where(speed <= 0, 0.0, load)
    berth, anchorage = frame["berth"].to_numpy(), frame["anchorage"].to_numpy()
    status = frame["nav_status"].to_numpy()
    nowhere = (berth < 0) & (anchorage < 0)
    chosen = [
        (anchorage >= 0) & (speed <= limits.anchorage_mode_dkn),
        (berth >= 0) & (speed <= limits.berth_mode_dkn),
        nowhere & (status == 1) & (speed <= limits.anchorage_mode_dkn),
        nowhere & (status == 5) & (speed <= limits.berth_mode_dkn),
        load > limits.manoeuvring_load,
        speed > limits.slow_dkn,
    ]
    mode = np.select(chosen, [2, 3, 2, 3, 0, 1], 4)
    frame["mode"] = mode
    frame["evidence"] = np.where(bridged, 4, np.select(chosen[:4], [0, 0, 2, 2], 3))
    at_anchor = (mode == 2) & (anchorage >= 0)
    others = [frame[k].to_numpy() for k in ("berth", "anchorage", "speed_zone", "port_limit", "eca")]
    frame["zone"] = np.select([at_anchor, *(k >= 0 for k in others)], [anchorage, *others], -1)
    load = np.where((mode == 3) | ((mode == 2) & (speed <= limits.rest_dkn)), 0.0, load)

    area_of = known.places.area_of_zone
    eca, limit = frame["eca"].to_numpy(), frame["port_limit"].to_numpy()
    area = np.where(eca >= 0, area_of[eca], 0)
    area = np.where((area == 0) & (limit >= 0), area_of[limit], area)
    period = np.searchsorted(known.places.period_start_us, frame["time_us"], side="right") - 1
    regime = known.places.regime[area, np.maximum(period, 0)]
    profile = ships.profile[v]
    main_kw, aux_kw, boiler_kw = load * ships.installed_kw[v], ships.aux_kw[v, mode], ships.boiler_kw[v, mode]
    hours = frame["dt"].to_numpy() / HOUR_US
    low = load < limits.tier_fallback_load
    adjusted = ships.low_load[v] == 1
    sulphur = factors.sulphur_fraction[profile, regime]
    sources = {"main": main_kw, "auxiliary": aux_kw, "boiler": boiler_kw}
    names = {name: p for p, name in enumerate(PRICED) if name != "co2e"}
    grams: dict[str, F64] = {}
    for name, p in names.items():
        main = np.where(low, factors.main_low[profile, regime, p], factors.main[profile, regime, p])
        per_kwh = {
            "main": main * _adjustment(p, load, sulphur, adjusted, known),
            "auxiliary": factors.auxiliary[profile, regime, p],
            "boiler": factors.boiler[profile, regime, p],
        }
        for source, kw in sources.items():
            grams[f"{source}_{name}"] = np.where(kw > 0, kw * per_kwh[source] * hours, 0.0)
    for source in sources:
        gwp_ch4, gwp_n2o = factors.gwp
        gases = (grams[f"{source}_{gas}"] for gas in ("co2", "ch4", "n2o"))
        grams[f"{source}_co2e"] = np.dot((1.0, gwp_ch4, gwp_n2o), np.array(list(gases)))
    frame = frame.assign(**grams)
    inventory = frame.groupby(["mmsi", "mode", "zone"])[list(grams)].sum()
    return inventory, _activity(frame, speed, hours, sources), _heat_map(frame, hours, sources, grams)


def _activity(frame: pd.DataFrame, speed: F64, hours: F64, sources: dict[str, F64]) -> pd.DataFrame:
    """Hours, distance and energy by vessel, hour, mode, zone and evidence; intervals are split at full hours."""
    begin = frame["time_us"].to_numpy()
    end = begin + frame["dt"].to_numpy()
    count = (end - 1) // HOUR_US - begin // HOUR_US + 1
    row = np.repeat(np.arange(len(frame)), count)
    part = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    hour = begin[row] // HOUR_US + part
    h = (np.minimum(end[row], (hour + 1) * HOUR_US) - np.maximum(begin[row], hour * HOUR_US)) / HOUR_US
    pieces = frame[["mmsi", "mode", "zone", "evidence"]].iloc[row].assign(hour=hour, hours=h)
    pieces["distance_nm"] = speed[row] / 10 * h
    for source, kw in sources.items():
        pieces[f"{source}_kwh"] = kw[row] * h
    return pieces.groupby(["mmsi", "hour", "mode", "zone", "evidence"]).sum()


def _heat_map(frame: pd.DataFrame, hours: F64, sources: dict[str, F64], grams: dict[str, F64]) -> pd.DataFrame:
    """Hours, energy and pollutants by cell of 0.01 degrees."""
    cells = pd.DataFrame({"row": np.floor((frame["lat"] + 90) * 100), "column": np.floor((frame["lon"] + 180) * 100)})
    cells["hours"] = hours
    for source, kw in sources.items():
        cells[f"{source}_kwh"] = kw * hours
    for name in PRICED[:-1]:
        cells[name] = sum(np.nan_to_num(grams[f"{source}_{name}"]) for source in sources)
    return cells.groupby(["row", "column"]).sum()
