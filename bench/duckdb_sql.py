"""The same sums in DuckDB SQL over the same Parquet file, as far as plain SQL without an extension goes.

It does less than the kernel, always in DuckDB's favour: zones are bounding boxes in one CASE expression (no polygon),
gaps longer than the hold limit are left out (no interpolation), hours are not split at the full hour, two pollutants
(CO2 and NOx) instead of twelve, no well-to-wake, no port calls, no heat map. Low-load factors, modes, draught, sea
margin, hotel loads, and the factors by profile and regime are the kernel's.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sealane.emissions.layout import PRICED
from sealane.emissions.propulsion import DRAUGHT_EXPONENT, LOAD_CAP, LOAD_FLOOR
from sealane.inventory.batch import Context
from sealane.movement.zones import Zone, ZoneSet

POLLUTANTS = ("co2", "nox")


def _box(zone: Zone) -> tuple[float, float, float, float]:
    corners = np.concatenate([np.asarray(ring) for polygon in zone.polygons for ring in polygon])
    return (*corners.min(0).tolist(), *corners.max(0).tolist())


def _zone_case(zones: ZoneSet, kind: str) -> str:
    """Smallest box of a kind that holds the point."""
    boxes = [(number, _box(zone)) for number, zone in enumerate(zones) if zone.kind == kind]
    boxes.sort(key=lambda item: (item[1][2] - item[1][0]) * (item[1][3] - item[1][1]))
    cases = " ".join(
        f"WHEN lon BETWEEN {w} AND {e} AND lat BETWEEN {s} AND {n} THEN {number}" for number, (w, s, e, n) in boxes
    )
    return f"CASE {cases} ELSE -1 END" if cases else "-1"


def sql(path: Path, known: Context, zones: ZoneSet) -> str:
    """The whole query."""
    limits = known.limits
    area = known.places.area_of_zone.tolist()
    in_area = ",".join(str(number) for number, value in enumerate(area) if value) or "-2"
    inside = int(known.places.regime[max(area), -1])
    outside = int(known.places.regime[0, -1])

    def adjusted(name: str) -> str:
        a, x, b = known.factors.llaf[PRICED.index(name)].tolist()
        limit = limits.low_load_limit
        at_limit = a * limit**-x + b
        return (
            f"CASE WHEN low_load = 1 AND load < {limit} "
            f"THEN ({a} * greatest(load, {LOAD_FLOOR}) ** {-x} + {b}) / {at_limit} ELSE 1 END"
        )

    grams = ", ".join(
        f"sum(hours * (main_kw * CASE WHEN load < {limits.tier_fallback_load} THEN main_low_{p} ELSE main_{p} END "
        f"* {adjusted(p)} + aux_kw * aux_{p} + boiler_kw * boiler_{p})) AS {p}_g"
        for p in POLLUTANTS
    )
    return f"""
    WITH reports AS (
        SELECT *, lead(time_us) OVER (PARTITION BY mmsi ORDER BY time_us) - time_us AS dt
        FROM read_parquet('{path}')
    ), located AS (
        SELECT mmsi, dt, time_us // 3600000000 AS hour, speed_dkn, nav_status, draught_dm,
            {_zone_case(zones, "berth")} AS berth, {_zone_case(zones, "anchorage")} AS anchorage,
            {_zone_case(zones, "port_limit")} AS port_limit, {_zone_case(zones, "eca")} AS eca
        FROM reports WHERE dt <= {limits.hold_us}
    ), loaded AS (
        SELECT *,
            CASE WHEN speed_dkn <= 0 THEN 0 ELSE least({LOAD_CAP}, greatest({LOAD_FLOOR},
                (speed_dkn / 10 / max_speed_kn) ** 3
                * (1 + CASE WHEN port_limit >= 0 THEN {limits.sea_margin_coastal} ELSE {limits.sea_margin_at_sea} END)
                * CASE WHEN draught_dm > 0 THEN (draught_dm / 10 / max_draught_m) ** {DRAUGHT_EXPONENT} ELSE 1 END
            )) END AS load_0
        FROM located JOIN ships USING (mmsi)
    ), moded AS (
        SELECT *, CASE
            WHEN anchorage >= 0 AND speed_dkn <= {limits.anchorage_mode_dkn} THEN 2
            WHEN berth >= 0 AND speed_dkn <= {limits.berth_mode_dkn} THEN 3
            WHEN anchorage < 0 AND berth < 0 AND nav_status = 1 AND speed_dkn <= {limits.anchorage_mode_dkn} THEN 2
            WHEN anchorage < 0 AND berth < 0 AND nav_status = 5 AND speed_dkn <= {limits.berth_mode_dkn} THEN 3
            WHEN load_0 > {limits.manoeuvring_load} THEN 0
            WHEN speed_dkn > {limits.slow_dkn} THEN 1 ELSE 4 END AS mode,
            CASE WHEN port_limit IN ({in_area}) OR eca IN ({in_area}) THEN {inside} ELSE {outside} END AS regime
        FROM loaded
    ), powered AS (
        SELECT m.*, l.*, f.*, dt / 3600000000 AS hours,
            CASE WHEN mode = 3 OR (mode = 2 AND speed_dkn <= {limits.rest_dkn}) THEN 0 ELSE load_0 END AS load,
            load * installed_kw AS main_kw,
            CASE WHEN mode = 2 AND anchorage >= 0 THEN anchorage WHEN berth >= 0 THEN berth
                WHEN anchorage >= 0 THEN anchorage WHEN port_limit >= 0 THEN port_limit ELSE eca END AS zone
        FROM moded m JOIN hotel l ON l.ship = m.ship AND l.at_mode = m.mode
        JOIN factors f ON f.of_profile = m.profile AND f.of_regime = m.regime
    )
    SELECT mmsi, hour, mode, zone, sum(hours) AS hours, sum(speed_dkn / 10 * hours) AS distance_nm,
        sum(main_kw * hours) AS main_kwh, sum(aux_kw * hours) AS aux_kwh, sum(boiler_kw * hours) AS boiler_kwh,
        {grams}
    FROM powered GROUP BY ALL ORDER BY ALL
    """


def run(path: Path, known: Context, zones: ZoneSet, threads: int) -> pa.Table:
    """Rows by vessel, hour, mode and zone."""
    ships, factors = known.vessels, known.factors
    n, modes = ships.aux_kw.shape
    tables = {
        "ships": {
            "mmsi": ships.mmsi,
            "ship": np.arange(n),
            "installed_kw": ships.installed_kw,
            "max_speed_kn": ships.max_speed_kn,
            "max_draught_m": ships.max_draught_m,
            "low_load": ships.low_load,
            "profile": ships.profile,
        },
        "hotel": {
            "ship": np.repeat(np.arange(n), modes),
            "at_mode": np.tile(np.arange(modes), n),
            "aux_kw": ships.aux_kw.ravel(),
            "boiler_kw": ships.boiler_kw.ravel(),
        },
    }
    profiles, regimes, _ = factors.main.shape
    rates = {"of_profile": np.repeat(np.arange(profiles), regimes), "of_regime": np.tile(np.arange(regimes), profiles)}
    for name in POLLUTANTS:
        p = PRICED.index(name)
        for label, values in (
            ("main", factors.main),
            ("main_low", factors.main_low),
            ("aux", factors.auxiliary),
            ("boiler", factors.boiler),
        ):
            rates[f"{label}_{name}"] = values[:, :, p].ravel()
    tables["factors"] = rates
    with duckdb.connect(":memory:", config={"threads": threads}) as db:
        for name, columns in tables.items():
            db.register(name, pa.table({key: np.ascontiguousarray(value) for key, value in columns.items()}))
        return db.sql(sql(path, known, zones)).to_arrow_table()
