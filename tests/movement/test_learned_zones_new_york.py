"""The real hour of New York Harbor (30 June 2020): large ships lie as their reported status says."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections import Counter
from functools import cache
from importlib import resources

import numpy as np

from sealane.movement.learned_zones import ANCHORED, MOORED, Stop, StopSettings, classify, learn, stationary_stops
from sealane.movement.zone_index import ZoneIndex
from sealane.movement.zones import shipped_zones

UNDER_WAY = "under way"
REPORTED = {0: UNDER_WAY, 1: ANCHORED, 5: MOORED}


@cache
def vessels() -> dict[int, list[dict[str, str]]]:
    data = resources.files("sealane.samples").joinpath("data", "ny_harbor_2020_06_30_first_hour.csv.gz").read_bytes()
    found: dict[int, dict[str, dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(gzip.decompress(data).decode("utf-8"))):
        found.setdefault(int(row["MMSI"]), {})[row["BaseDateTime"]] = row
    return {mmsi: [rows[time] for time in sorted(rows)] for mmsi, rows in found.items()}


def stops_of(mmsi: int, *, with_status: bool) -> tuple[Stop, ...]:
    rows = vessels()[mmsi]

    def column(name: str) -> np.ndarray:
        return np.array([float(row[name]) if row[name] else math.nan for row in rows])

    time_s = np.array([np.datetime64(row["BaseDateTime"]).astype("datetime64[s]").astype(np.float64) for row in rows])
    status = column("Status") if with_status else np.full(len(rows), math.nan)
    return stationary_stops(
        mmsi, time_s, column("LAT"), column("LON"), column("SOG"), column("Heading"), status, length(mmsi)
    )


def length(mmsi: int) -> float:
    return float(vessels()[mmsi][0]["Length"] or "nan")


def reported(mmsi: int) -> str | None:
    sent = Counter(row["Status"] for row in vessels()[mmsi] if row["Status"])
    return REPORTED.get(int(float(sent.most_common(1)[0][0]))) if sent else None


def state(stops: tuple[Stop, ...], settings: StopSettings | None = None) -> str:
    if not stops:
        return UNDER_WAY
    return classify(stops[-1], settings or StopSettings())[0]


def large_ships() -> list[int]:
    return [mmsi for mmsi in vessels() if length(mmsi) > 200.0 and reported(mmsi)]


def test_the_sample_holds_fifteen_large_ships_in_all_three_states() -> None:
    assert len(large_ships()) == 15
    assert Counter(reported(mmsi) for mmsi in large_ships()) == {MOORED: 11, ANCHORED: 3, UNDER_WAY: 1}


def test_large_ships_lie_as_they_report() -> None:
    disagree = [m for m in large_ships() if state(stops_of(m, with_status=True)) != reported(m)]
    assert disagree == []


def test_large_ships_lie_as_they_report_with_the_status_removed() -> None:
    large = large_ships()
    agree = [m for m in large if state(stops_of(m, with_status=False)) == reported(m)]
    assert len(agree) >= 0.9 * len(large)
    # None of them was decided by a status that should not be there.
    assert all(s.status is None for m in large for s in stops_of(m, with_status=False))


def test_a_threshold_that_calls_all_ships_moored_would_be_noticed() -> None:
    """Negative control."""
    careless = StopSettings(moored_heading_range_deg=360.0, moored_spread_m=1e6, drifting_spread_m=1e6)
    large = large_ships()
    agree = [m for m in large if state(stops_of(m, with_status=False), careless) == reported(m)]
    assert len(agree) < 0.9 * len(large)


def test_the_published_anchorage_off_stapleton_holds_the_tanker_there() -> None:
    built = ZoneIndex.build(shipped_zones("USNYC"))
    (beijing_spirit,) = stops_of(311000444, with_status=False)
    number = int(built.locate_many([beijing_spirit.lat], [beijing_spirit.lon])[0, 1])
    assert built.zones[number].name == "Anchorage No. 24, Port of New York"


def test_learnt_and_shipped_zones_hold_the_large_ships() -> None:
    stops = [s for m in vessels() for s in stops_of(m, with_status=True)]
    learnt = learn(stops, port="USNYC", data="New York Harbor, 2020-06-30 00-01 UTC")
    assert len(learnt.of_kind("berth")) >= 11
    built = ZoneIndex.build(learnt.plus(shipped_zones("USNYC")))
    names = {}
    for mmsi in large_ships():
        for s in stops_of(mmsi, with_status=True):
            berth, anchorage, limit, eca, _ = built.locate_many([s.lat], [s.lon])[0].tolist()
            assert limit >= 0
            assert eca >= 0
            assert (berth >= 0) == (reported(mmsi) == MOORED)
            if reported(mmsi) == ANCHORED:
                names[vessels()[mmsi][0]["VesselName"]] = built.zones[anchorage].name
    assert len(names) == 3
