"""From positions to compliance by ship: known passages come back, whatever the order of the file; the command."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from sealane.cli.speed_zones import add_to
from sealane.corridors.arrival.speed_schemas import PASSAGES, SHIPS, TABLES
from sealane.corridors.arrival.speed_zone_run import SpeedZoneRequest, run_speed_zones
from sealane.corridors.arrival.speed_zones import programme
from sealane.errors import DataError, FileFormatError, InputError, MissingFactorError
from sealane.movement.geodesy import destination
from sealane.movement.zones import ZoneSet, write_zones

HEAD = "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo"
HEAD += ",TransceiverClass"
BEARING_DEG = 235.0  # over open water, from Point Fermin past Catalina's west end


def ship(
    mmsi: int, name: str, speed_kn: float, *, day: str = "2020-06-01", vessel_type: int = 70, length: int = 300
) -> list[str]:
    """An arrival from 60 nm to 8 nm off Point Fermin at one speed, and an hour adrift there."""
    lon0, lat0 = programme("san-pedro-bay-20").zone.centre or (0.0, 0.0)
    rows = []
    distance, minute = 60.0, 0
    while minute < 1400:
        moving = distance > 8.0
        lat, lon = destination(lat0, lon0, BEARING_DEG, distance * 1852.0)
        sog = speed_kn if moving else 0.0
        time = f"{day}T{minute // 60:02d}:{minute % 60:02d}:00"
        rows.append(
            f"{mmsi},{time},{lat:.6f},{lon:.6f},{sog},55,511,{name},,,{vessel_type},0,{length},40,11,{vessel_type},A"
        )
        if moving:
            distance -= 2.0 * speed_kn / 60.0
        elif minute > 900:
            break
        minute += 2
    return rows


ROWS = [
    *ship(366_000_001, "SIMULATED SLOW", 11.5),
    *ship(366_000_002, "SIMULATED FAST", 18.0),
    *ship(366_000_003, "SIMULATED CRAFT", 9.0, length=20),
]


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    path = tmp_path / "SIMULATED_positions.csv"
    path.write_text("\n".join([HEAD, *ROWS]) + "\n", encoding="utf-8")
    return path


def test_known_passages_come_back(positions: Path) -> None:
    result = run_speed_zones(SpeedZoneRequest((positions,), port="USLAX"))
    found = {(row["programme"], row["ship_name"]): row for row in result.passages.to_pylist()}
    assert {name for name, _ in found} == {"san-pedro-bay-20", "san-pedro-bay-40", "whale-southern-california"}
    for ring in (20, 40):
        slow, fast = (found[f"san-pedro-bay-{ring}", f"SIMULATED {name}"] for name in ("SLOW", "FAST"))
        assert slow["distance_nm"] == pytest.approx(ring - 8.0, rel=0.03)
        assert slow["mean_speed_kn"] == pytest.approx(11.5, rel=0.02)
        # The step in which she stops counts at the mean of its ends, 9 kn for two minutes.
        assert fast["mean_speed_kn"] == pytest.approx(18.0, rel=0.04)
        assert (slow["compliant"], fast["compliant"]) == (True, False)
        assert (slow["direction"], fast["direction"]) == ("arrival", "arrival")
        assert slow["possible_net_kwh"] == 0.0 < fast["possible_net_kwh"] < fast["possible_gross_kwh"]
        assert fast["saved_net_kwh"] < slow["saved_net_kwh"]
    # The whale programme asks 10 kn: neither complied.
    assert not found["whale-southern-california", "SIMULATED SLOW"]["compliant"]
    # A craft of 20 m is no ocean-going vessel.
    assert "SIMULATED CRAFT" not in {name for _, name in found}


def test_summary_and_ships_are_sums_of_the_passages(positions: Path) -> None:
    result = run_speed_zones(SpeedZoneRequest((positions,), programme="san-pedro-bay-40"))
    (summary,) = result.summary
    rows = result.passages.to_pylist()
    assert (summary["passages"], summary["compliant_passages"], summary["ships"]) == (2, 1, 2)
    assert summary["compliant_share"] == 0.5
    assert summary["possible_net_kwh"] == pytest.approx(sum(row["possible_net_kwh"] for row in rows), rel=1e-12)
    for name in ("distance_nm", "main_kwh", "saved_net_nox_g"):
        of_ships = sum(row[name] for row in result.ships.to_pylist())
        assert of_ships == pytest.approx(sum(row[name] for row in rows), rel=1e-12)
    assert result.notes[0].startswith("SIMULATED DATA")
    assert result.passages.schema == PASSAGES.schema and result.ships.schema == SHIPS.schema


def test_shuffled_and_split_files_give_the_same_bytes(positions: Path, tmp_path: Path) -> None:
    run_speed_zones(SpeedZoneRequest((positions,)), tmp_path / "one")
    rows = list(ROWS)
    random.Random(7).shuffle(rows)
    parts = []
    for number in range(2):
        parts.append(tmp_path / f"SIMULATED_part_{number}.csv")
        parts[-1].write_text("\n".join([HEAD, *rows[number::2]]) + "\n", encoding="utf-8")
    run_speed_zones(SpeedZoneRequest(tuple(parts)), tmp_path / "two")
    for spec in TABLES.values():
        assert (tmp_path / "one" / spec.file).read_bytes() == (tmp_path / "two" / spec.file).read_bytes()


def test_outside_the_season_nothing_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "SIMULATED_positions.csv"
    path.write_text("\n".join([HEAD, *ship(366_000_002, "SIMULATED FAST", 18.0, day="2020-01-05")]), encoding="utf-8")
    result = run_speed_zones(SpeedZoneRequest((path,), programme="whale-southern-california", season="2020"))
    (summary,) = result.summary
    assert (summary["passages"], summary["left_out"]) == (0, {"outside the season": 1})
    assert summary["compliant_share"] is None


def test_a_zone_of_ones_own_with_a_cap(positions: Path, tmp_path: Path) -> None:
    own = tmp_path / "zones.geojson"
    write_zones(ZoneSet((programme("san-pedro-bay-20").zone,)), own)
    result = run_speed_zones(SpeedZoneRequest((positions,), zones=own, cap_kn=20.0))
    (summary,) = result.summary
    assert (summary["programme"], summary["cap_kn"], summary["compliant_passages"]) == ("VSR-SPB-20", 20.0, 2)
    # An outline of one's own stands in for one that is not held.
    with pytest.raises(MissingFactorError, match="No outline"):
        run_speed_zones(SpeedZoneRequest((positions,), programme="whale-southern-california", season="2025"))
    season = SpeedZoneRequest((positions,), programme="whale-southern-california", season="2025", zones=own)
    assert run_speed_zones(season).summary[0]["left_out"] == {"outside the season": 2}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"season": "2020"}, "Name the programme too"),
        ({"cap_kn": 10.0}, "A cap goes with zones of one's own"),
        ({"programme": "san-pedro-bay-20", "cap_kn": 10.0}, "A cap goes with zones of one's own"),
        ({"programme": "nowhere"}, "There is no such programme"),
    ],
)
def test_requests_that_do_not_fit_together(positions: Path, more: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        run_speed_zones(SpeedZoneRequest((positions,), **more))  # type: ignore[arg-type]  # keywords of a test


def test_zones_without_a_cap_or_of_another_kind_are_refused(positions: Path, tmp_path: Path) -> None:
    own = tmp_path / "zones.geojson"
    write_zones(ZoneSet((programme("san-pedro-bay-20").zone,)), own)
    with pytest.raises(DataError, match="Give the speed asked for there"):
        run_speed_zones(SpeedZoneRequest((positions,), zones=own))
    empty = tmp_path / "empty.geojson"
    write_zones(ZoneSet(()), empty)
    with pytest.raises(DataError, match="no feature of kind speed_zone"):
        run_speed_zones(SpeedZoneRequest((positions,), zones=empty, cap_kn=9.0))
    with pytest.raises(FileFormatError):
        run_speed_zones(SpeedZoneRequest((positions,), zones=tmp_path / "none.geojson", cap_kn=9.0))


def test_a_failed_run_leaves_no_folder(positions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError):
        run_speed_zones(SpeedZoneRequest((positions, tmp_path / "missing.csv")), out)
    assert not out.exists()


def test_a_folder_with_other_things_in_it_is_never_replaced(positions: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such run wrote: SIMULATED_positions\.csv"):
        run_speed_zones(SpeedZoneRequest((positions,)), tmp_path)
    assert positions.exists()


def command(*words: str) -> tuple[int, str, str]:
    app = typer.Typer()
    add_to(app)
    app.callback()(lambda: None)
    done = CliRunner().invoke(app, ["speed-zones", *words], catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_the_command_prints_json_and_writes_the_folder(positions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text, _ = command(str(positions), "--port", "USLGB", "--out", str(out), "--json", "--quiet")
    content = json.loads(text)
    assert code == 0
    assert [one["programme"] for one in content["programmes"]][:2] == ["san-pedro-bay-20", "san-pedro-bay-40"]
    assert sorted(path.name for path in out.iterdir()) == [
        "rejects.csv",
        "speed_zone_passages.parquet",
        "speed_zone_ships.parquet",
        "speed_zones.json",
    ]
    assert pq.read_table(out / SHIPS.file).num_rows == len(content["ships"])
    record = json.loads((out / "speed_zones.json").read_text(encoding="utf-8"))
    assert record["inputs"][0]["name"] == positions.name
    assert str(tmp_path) not in json.dumps(record)


def test_the_command_prints_one_line_a_ship(positions: Path) -> None:
    code, text, said = command(str(positions), "--programme", "san-pedro-bay-20", "--quiet")
    assert code == 0
    lines = text.splitlines()
    assert len(lines) == 3 and lines[0].startswith("programme")
    assert "passages that complied: 1 of 2 (50%)" in said
    assert said.startswith("note: SIMULATED DATA")
