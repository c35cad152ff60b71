"""A slow, obvious reference for the kernel: plain Python and pandas, one report at a time, no table of speeds.

It shares the published scalar formulas with the program (one definition; their golden tests stand elsewhere) and
nothing else: polygons by a plain ray cast, hours by splitting intervals, energy and grams multiplied on every piece.
Which reports belong to a call is given to it; the port-call machine has tests of its own.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pandas as pd

from sealane.emissions.emission_factors import emission_factor
from sealane.emissions.fuel_rules import effective_tier, fuel_for_engine, regime_for
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.low_load import low_load_factor
from sealane.emissions.propulsion import propulsion_load
from sealane.emissions.well_to_tank import well_to_tank
from sealane.errors import MissingFactorError
from sealane.movement.zones import Zone, ZoneSet
from sealane.reference import load_table

HOUR_US = 3_600_000_000
GASES = ("co2", "ch4", "n2o", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co", "bc")
ELECTRIC = {"MSD-ED", "GT-ED"}


@dataclass(frozen=True)
class Ship:
    """Particulars the oracle needs."""

    engine: str
    aux_engine: str
    tier: int
    keel_year: int | None
    ship_class: str
    subtype: str
    installed_kw: float
    max_speed_kn: float
    max_draught_m: float


def inside(zone: Zone, lat: float, lon: float) -> bool:
    """Even-odd rule over every ring, by the book."""
    odd = False
    for polygon in zone.polygons:
        for ring in polygon:
            for (x1, y1), (x2, y2) in pairwise(ring):
                if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) / (y2 - y1) * (x2 - x1):
                    odd = not odd
    return odd


def area(zone: Zone) -> float:
    """Shoelace area in square degrees; only its order matters."""
    total = 0.0
    for polygon in zone.polygons:
        ring = polygon[0]
        total += abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))) / 2
    return total


def where(zones: ZoneSet, lat: float, lon: float) -> dict[str, Zone]:
    """Smallest zone of each kind that holds a point."""
    found: dict[str, Zone] = {}
    for zone in zones:
        if inside(zone, lat, lon) and (zone.kind not in found or area(zone) < area(found[zone.kind])):
            found[zone.kind] = zone
    return found


def haversine_nm(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great circle on the mean sphere [nm]."""
    a, b = math.radians(lat1), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6_371_008.8 / 1852 * math.asin(math.sqrt(h))


def factors_of(ship: Ship, when: datetime, eca: Zone | None) -> Callable[[str, int, float], tuple[float, float]]:
    """A function (gas, source, load) -> (g/kWh without adjustment, adjustment)."""
    regime = regime_for(when.date(), eca is not None)
    tier = effective_tier(ship.tier, ship.keel_year, eca.nox_area if eca else None)
    engines = (ship.engine, ship.aux_engine, "BOILER")

    def factor(gas: str, source: int, load: float) -> tuple[float, float]:
        engine = engines[source]
        fuel, sulphur, _ = fuel_for_engine(regime, engine)
        adjusted = source == 0 and engine not in ELECTRIC
        if gas == "wtt":
            return well_to_tank(engine, fuel).value, low_load_factor("co2", load) if adjusted else 1.0
        try:
            value = emission_factor(gas, engine, fuel, tier, load if source == 0 else 1.0, sulphur).value
        except MissingFactorError:
            return math.nan, 1.0
        return value, low_load_factor(gas, load, sulphur) if adjusted else 1.0

    return factor


def reference(
    reports: pd.DataFrame, ship: Ship, zones: ZoneSet, call_of: Callable[[int], str | None], *, gwp: str = "ar5"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Activity and inventory of one vessel.

    Parameters
    ----------
    reports : clean, in time order: time_us, lat, lon, sog_kn (steps of 0.1), status (-1 none), draught_m (NaN none).
    call_of : call of a report number, or None.

    Returns
    -------
    activity (call, hour, mode, zone, evidence -> hours, kWh) and inventory (call, mode, source, zone, pollutant,
    basis -> grams), as grouped frames.
    """
    rows = list(reports.itertuples(index=False))
    potential = {gas: load_table("gwp100").row(gwp, gas).value for gas in ("ch4", "n2o")}
    activity: dict[tuple[object, ...], list[float]] = defaultdict(lambda: [0.0] * 5)
    grams: dict[tuple[object, ...], float] = defaultdict(float)
    spots = [where(zones, row.lat, row.lon) for row in rows]
    for i, (a, b) in enumerate(pairwise(rows)):
        dt = b.time_us - a.time_us
        if dt > 6 * HOUR_US:
            continue
        here, there, status, knots = spots[i], spots[i + 1], a.status, a.sog_kn
        berth, anchorage, speed_zone = here.get("berth"), here.get("anchorage"), here.get("speed_zone")
        bridged = dt > 10 * 60_000_000
        if bridged:
            knots = round(haversine_nm(a.lat, a.lon, b.lat, b.lon) / (dt / HOUR_US) * 10) / 10
            if knots > 50:
                continue
            berth = berth if berth is there.get("berth") else None
            anchorage = anchorage if anchorage is there.get("anchorage") else None
            speed_zone = speed_zone if speed_zone is there.get("speed_zone") else None
            status = status if status == b.status else -1
        limit, control = here.get("port_limit"), here.get("eca")
        margin = 0.10 if limit else 0.15
        load = propulsion_load(knots, ship.max_speed_kn, margin, a.draught_m, ship.max_draught_m)
        if anchorage and knots <= 3:
            mode, evidence, zone = "anchorage", "zone", anchorage
        elif berth and knots <= 1:
            mode, evidence, zone = "berth", "zone", berth
        elif status == 1 and knots <= 3 and not (berth or anchorage):
            mode, evidence, zone = "anchorage", "status", None
        elif status == 5 and knots <= 1 and not (berth or anchorage):
            mode, evidence, zone = "berth", "status", None
        else:
            mode = "transit" if load > 0.2 else ("manoeuvring" if knots > 1 else "drift")
            evidence, zone = "motion", None
        evidence = "interpolated" if bridged else evidence
        zone = zone or berth or anchorage or speed_zone or limit or control
        if mode == "berth" or (mode == "anchorage" and knots <= 1):
            load = 0.0
        eca = control if control and control.eca else (limit if limit and limit.eca else None)
        factor = factors_of(ship, datetime.fromtimestamp(a.time_us / 1e6, UTC), eca)
        hotel = hotel_load(ship.ship_class, ship.subtype, mode)
        powers = (load * ship.installed_kw, hotel.aux_kw, hotel.boiler_kw)
        call, name = call_of(i), zone.id if zone else None
        now = a.time_us
        while now < b.time_us:
            hour = now // HOUR_US
            until = min(b.time_us, (hour + 1) * HOUR_US)
            h = (until - now) / HOUR_US
            sums = activity[call, hour, mode, name, evidence]
            for k, amount in enumerate((h, knots * h, *(kw * h for kw in powers))):
                sums[k] += amount
            now = until
        h = dt / HOUR_US
        for source, kw in enumerate(powers):
            if kw <= 0:
                continue
            label = ("main", "auxiliary", "boiler")[source]
            mass = {}
            for gas in GASES:
                value, adjustment = factor(gas, source, load)
                mass[gas] = kw * value * adjustment * h
            mass["co2e"] = mass["co2"] + sum(potential[gas] * mass[gas] for gas in potential)
            value, adjustment = factor("wtt", source, load)
            for gas, g in mass.items():
                if g > 0:
                    grams[call, mode, label, name, gas, "ttw"] += g
            grams[call, mode, label, name, "co2e", "wtw"] += mass["co2e"] + kw * value * adjustment * h
    return (
        pd.DataFrame(
            [(*key, *sums) for key, sums in activity.items()],
            columns=[
                "call_id",
                "hour",
                "mode",
                "zone",
                "evidence",
                "hours",
                "distance_nm",
                "main_kwh",
                "aux_kwh",
                "boiler_kwh",
            ],
        ),
        pd.DataFrame(
            [(*key, g) for key, g in grams.items()],
            columns=["call_id", "mode", "source", "zone", "pollutant", "basis", "grams"],
        ),
    )
