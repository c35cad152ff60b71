"""Peers that live in an environment of their own (`.venv-bench`), never imported by the project: run as a script.

    .venv-bench/bin/python bench/outside.py movingpandas|poeminv INPUT.npz REPEATS

INPUT.npz holds columns of clean tracks (see `run.py`). Prints one line of JSON: seconds of each repeat, rows, what was
found, versions. poeminv (AGPL-3.0) is only called through its public interface.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]


def by_ship(columns: Columns) -> Iterator[Columns]:
    """The columns of one ship after the other."""
    cuts = np.flatnonzero(np.diff(columns["mmsi"])) + 1
    for rows in np.split(np.arange(len(columns["mmsi"])), cuts):
        yield {name: values[rows] for name, values in columns.items()}


def movingpandas_stops(columns: Columns) -> dict[str, Any]:
    """Stops of at least 10 minutes within 200 m, in ``seconds`` of detection; building the trajectories not counted."""
    import movingpandas
    import pandas

    frame = pandas.DataFrame(columns)
    frame["t"] = pandas.to_datetime(frame["time_us"], unit="us")
    tracks = movingpandas.TrajectoryCollection(frame, "mmsi", t="t", x="lon", y="lat", crs=4326)
    begin = time.perf_counter()
    detector = movingpandas.TrajectoryStopDetector(tracks)
    stops = detector.get_stop_points(min_duration=pandas.Timedelta(minutes=10), max_diameter=200)
    return {"seconds": time.perf_counter() - begin, "stops": len(stops)}


def _poeminv_config(known: dict[str, Any]) -> dict[str, Any]:
    """poeminv's configuration from the bench's own published factors (one ship's, for all)."""
    from poeminv.config import VALID_SHIP_TYPE_SIZE_UNITS

    engines = {"propulsion": "main", "auxiliary": "aux", "boiler": "boiler"}
    names = ("co2", "nox")
    modes = ("transit", "maneuvering", "hotelling", "anchorage")
    powers = [
        {"match_criteria": {"engine_group": group}, **dict.fromkeys(modes, known[f"{engine}_kw"])}
        for group, engine in engines.items()
        if group != "propulsion"
    ]
    # poeminv wants a default size for every ship type it knows; none of them is used.
    sizes = [
        {"match_criteria": {"ship_type": kind}, "ship_type": kind, "size": 0, "size_unit": sorted(units)[0]}
        for kind, units in VALID_SHIP_TYPE_SIZE_UNITS.items()
    ]
    return {
        "sea_margin_adjustment_factor": known["margin"],
        "base_values": {
            name: [
                {"match_criteria": {"engine_group": group}, "g_per_kwh": known[f"{engine}_{name}"]}
                for group, engine in engines.items()
            ]
            for name in names
        },
        "pollutants": {name: [{"match_criteria": {}, "base_value_name": name}] for name in names},
        "default_engine_powers": powers,
        "vessel_info_guess_data": [*sizes, {"match_criteria": {}, **known["vessel"]}],
        "average_vessel_build_times": [{"match_criteria": {}, "build_time_years": 0}],
        "low_load_adjustment_factors": [{"match_criteria": {}, "range_factors": known["low_load"]}],
    }


def poeminv_sums(columns: Columns) -> dict[str, Any]:
    """Track emissions (CO2, NOx) of every ship: one track a ship, one mode; zones and calls are not in poeminv."""
    import poeminv

    known = json.loads(str(columns.pop("known")))
    begin = time.perf_counter()
    config = poeminv.Config(_poeminv_config(known))
    vessel = poeminv.VesselInfo(**known["vessel"])
    calculator = poeminv.EmissionCalculator(config, vessel)
    total: dict[str, float] = {"co2": 0.0, "nox": 0.0}
    for ship in by_ship(columns):
        rows = zip(ship["time_us"] // 1_000_000, ship["lon"], ship["lat"], ship["sog_kn"], strict=True)
        reports = [
            {"ts": int(t), "lon": float(x), "lat": float(y), "sog": float(v), "cog": 0.0, "heading": 0.0}
            for t, x, y, v in rows
        ]
        track = poeminv.Track.sanitized_from_positions(reports)
        for name, grams in calculator.calculate_track_emissions(track, poeminv.Mode.TRANSIT).items():
            total[name] += grams
    return {"seconds": time.perf_counter() - begin, **{f"{name}_g": value for name, value in total.items()}}


PEERS: dict[str, Callable[[Columns], dict[str, Any]]] = {"movingpandas": movingpandas_stops, "poeminv": poeminv_sums}


def main() -> None:
    """Run one peer and print what it did."""
    warnings.simplefilter("ignore")
    name, path, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
    results = []
    for _ in range(repeats):
        with np.load(path) as data:
            columns = {key: data[key] for key in data.files}
        if name != "poeminv":
            columns.pop("known", None)
        rows = len(columns["mmsi"])
        results.append(PEERS[name](columns))
    print(json.dumps({"version": version(name), "rows": rows, "runs": results}))


if __name__ == "__main__":
    main()
