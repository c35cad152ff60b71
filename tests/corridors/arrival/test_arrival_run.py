"""From port calls to a finished study: what is judged, what is left out, sums, tables, order of rows, the command."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from sealane.cli import arrival as command
from sealane.corridors.arrival.explain import explain_call
from sealane.corridors.arrival.run import read_summary, run_arrival, write_arrival
from sealane.corridors.arrival.schemas import TABLES
from sealane.corridors.arrival.waiting import area_of, eca_tail, usual_speed_kn
from sealane.corridors.call_ships import ships_of_calls
from sealane.corridors.call_table import read_call_table
from sealane.emissions.user_vessels import read_user_vessels
from sealane.errors import DataError, InputError
from sealane.reference import load_table

T0 = datetime(2024, 1, 10, tzinfo=UTC)
FIELDS = (
    "imo", "ship_name", "carrier", "ship_class", "subtype", "teu", "port", "terminal", "arrival", "departure",
    "berth_start", "berth_end", "anchorage_h", "sailed_nm", "simulated",
)  # fmt: skip
ORIGINS = {"CNSHA": 5700.0, "JPYOK": 4850.0, "USOAK": 375.0}


def imo(number: int) -> int:
    digits = [int(digit) for digit in f"{number:06d}"]
    return number * 10 + sum(d * w for d, w in zip(digits, range(7, 1, -1), strict=True)) % 10


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def service(seed: int = 7, ships: int = 24) -> list[dict[str, object]]:
    """SIMULATED calls: each ship comes once to Los Angeles and waits for its berth."""
    draw = random.Random(seed)
    rows: list[dict[str, object]] = []
    for n in range(ships):
        origin = draw.choice(sorted(ORIGINS))
        left = T0 + timedelta(hours=draw.uniform(0, 400))
        came = left + timedelta(hours=ORIGINS[origin] / draw.uniform(13, 19))
        wait = max(0.0, draw.gauss(12, 18))
        berthed = came + timedelta(hours=wait + 1.5)
        done = berthed + timedelta(hours=draw.uniform(20, 70))
        ship = {
            "imo": imo(910_000 + n), "ship_name": f"SIMULATED {n}", "carrier": "ABC"[n % 3],
            "ship_class": "Container Ship", "teu": draw.choice([5000, 8000, 14000]), "simulated": "true",
        }  # fmt: skip
        rows.append(
            ship
            | {"port": origin, "arrival": iso(left - timedelta(hours=30)), "departure": iso(left), "anchorage_h": 0}
        )
        rows.append(
            ship
            | {
                "port": "USLAX", "terminal": "East" if n % 2 else "West", "arrival": iso(came),
                "departure": iso(done + timedelta(hours=2)), "berth_start": iso(berthed), "berth_end": iso(done),
                "anchorage_h": round(wait, 4),
            }
        )  # fmt: skip
    return rows


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_study_of_simulated_calls(tmp_path: Path) -> None:
    result = run_arrival(read_call_table([write(tmp_path / "calls.csv", service())]), "USLAX")
    assert set(result.tables) == set(TABLES)
    for name, table in result.tables.items():
        assert table.schema.equals(TABLES[name].schema), name
        keys = list(zip(*[table[key].to_pylist() for key in TABLES[name].key], strict=True))
        assert len(set(keys)) == len(keys), name
    summary = result.summary
    assert summary["label"].startswith("SIMULATED")
    assert summary["calls"] == {
        "judged": 24,
        "left_out": 0,
        "waited": summary["calls"]["waited"],
        "with_known_passage": 24,
    }
    savings, emissions = result.tables["savings"], result.tables["emissions"]
    assert len(savings) == 3 * 24
    assert pc.all(pc.less_equal(savings["net_saved_fuel_t"], pc.add(savings["gross_saved_fuel_t"], 1e-9))).as_py()
    assert pc.all(pc.less_equal(emissions["net_saved_g"], pc.add(emissions["gross_saved_g"], 1.0))).as_py()
    by_notice = {n: summary["savings"][n]["fuel"]["net_saved"] for n in ("12", "24", "voyage")}
    assert 0.0 < by_notice["12"] < by_notice["24"] < by_notice["voyage"]
    for notice, total in by_notice.items():
        rows = savings.filter(pc.equal(savings["notice"], notice))
        assert total == pytest.approx(sum(rows["net_saved_fuel_t"].to_pylist()))
        wtw = emissions.filter(pc.and_(pc.equal(emissions["notice"], notice), pc.equal(emissions["basis"], "wtw")))
        assert summary["savings"][notice]["wtw_co2e"]["net_saved"] == pytest.approx(
            sum(wtw["net_saved_g"].to_pylist()) / 1e6
        )
        waiting = summary["savings"][notice]["waiting"]
        assert waiting["net_saved"] == pytest.approx(sum(rows["absorbed_h"].to_pylist()))
    published = {row["notice"]: row for row in summary["published"]}
    assert [published[n]["published_pct"] for n in ("12", "24", "voyage")] == [4.23, 5.9, 14.16]
    assert published["24"]["voyages"] == 24
    assert "waited" in published["24"]["explanation"]


def test_the_replay_keeps_calls_and_berth_hours(tmp_path: Path) -> None:
    result = run_arrival(read_call_table([write(tmp_path / "calls.csv", service())]), "USLAX", slot_notice_h=48.0)
    queue, approaches = result.tables["queue"], result.tables["approaches"]
    for policy in ("fcfs", "slot"):
        rows = queue.filter(pc.equal(queue["policy"], policy))
        assert sorted(rows["call_id"].to_pylist()) == sorted(approaches["call_id"].to_pylist())
        hours = pc.divide(pc.subtract(rows["berth_end"], rows["berth_start"]).cast(pa.int64()), 3.6e9)
        assert pc.sum(hours).as_py() == pytest.approx(result.summary["queue"]["berth_h"])
        assert pc.all(pc.greater_equal(rows["berth_start"], rows["ready"])).as_py()
        parts = pc.add(rows["slow_h"], rows["anchorage_h"])
        assert np.allclose(parts.to_numpy(), rows["delay_h"].to_numpy(), atol=1e-9)
        for name in ("wtw_co2e", "nox", "so2", "pm25"):
            told = result.summary["queue"]["policies"][policy][f"{name}_t"]
            assert told == pytest.approx(pc.sum(rows[f"{name}_g"]).as_py() / 1e6)
            assert told > 0.0
    both = result.summary["queue"]["policies"]
    assert both["slot"]["fuel_t"] <= both["fcfs"]["fuel_t"]
    assert both["fcfs"]["sailed_slower_h"] == 0.0
    one = run_arrival(read_call_table([tmp_path / "calls.csv"]), "USLAX", berths=1)
    assert one.summary["queue"]["berths"] == {"whole port": 1}
    assert one.summary["queue"]["policies"]["fcfs"]["delay_h"] > both["fcfs"]["delay_h"]
    occupied = one.tables["occupancy"]
    replayed = occupied.filter(pc.not_equal(occupied["policy"], "observed"))
    assert pc.max(replayed["at_berth"]).as_py() == 1
    named = run_arrival(read_call_table([tmp_path / "calls.csv"]), "USLAX", berths={"East": 2, "West": 2})
    assert named.summary["queue"]["berths"] == {"East": 2, "West": 2}
    with pytest.raises(DataError) as refused:
        run_arrival(read_call_table([tmp_path / "calls.csv"]), "USLAX", berths={"East": 0, "North": 1})
    assert len(refused.value.faults) == 3


def test_the_order_and_division_of_the_input_moves_no_byte(tmp_path: Path) -> None:
    rows = service()
    straight = run_arrival(read_call_table([write(tmp_path / "calls.csv", rows)]), "USLAX")
    random.Random(1).shuffle(rows)
    split = [write(tmp_path / "first.csv", rows[:17]), write(tmp_path / "second.csv", rows[17:])]
    mixed = run_arrival(read_call_table(split), "USLAX")
    for name, table in straight.tables.items():
        assert table.equals(mixed.tables[name]), name
    write_arrival(straight, tmp_path / "one")
    write_arrival(run_arrival(read_call_table([tmp_path / "calls.csv"]), "USLAX"), tmp_path / "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def ship(number: int, **more: object) -> dict[str, object]:
    return {"imo": imo(920_000 + number), "ship_class": "Container Ship", "teu": 8000} | more


def at_port(came: datetime, wait_h: float | None = 5.0, **more: object) -> dict[str, object]:
    berthed = came + timedelta(hours=8)
    return {
        "port": "USLAX", "arrival": iso(came), "departure": iso(came + timedelta(hours=60)),
        "berth_start": iso(berthed), "berth_end": iso(came + timedelta(hours=58)),
    } | ({} if wait_h is None else {"anchorage_h": wait_h}) | more  # fmt: skip


def before(port: str, came: datetime, sailing_h: float) -> dict[str, object]:
    left = came - timedelta(hours=sailing_h)
    return {"port": port, "arrival": iso(left - timedelta(hours=26)), "departure": iso(left)}


def test_what_is_not_known_is_said_and_not_guessed(tmp_path: Path) -> None:
    came = T0 + timedelta(hours=400)
    rows = [
        ship(1, ship_class="", teu="") | at_port(came),  # no class: left out
        ship(2) | {"port": "USLAX", "departure": iso(came)},  # no arrival: left out
        ship(3) | {"port": "USLAX", "arrival": iso(came)},  # neither anchored nor berthed: left out
        ship(4) | at_port(came),  # no call before: class speed
        ship(5) | before("CNSHA", came, 60.0),
        ship(5) | at_port(came),  # 5,700 nm in 60 h: a call between is missing
        ship(6) | before("USOAK", came, 24.0),
        ship(6) | at_port(came, sailed_nm=360.0),  # as sailed
        ship(7) | at_port(came, None),  # berthed, no anchorage told: it did not wait
        ship(8) | at_port(came, 30.0, berth_start=iso(came + timedelta(hours=40))),
        ship(9, ship_class="Vehicle Carrier", subtype="4,000 Vehicles", teu="") | at_port(came),  # no usual speed
    ]  # fmt: skip
    result = run_arrival(read_call_table([write(tmp_path / "calls.csv", rows)]), "USLAX")
    left = {row["call_id"]: row["reason"] for row in result.tables["left_out"].to_pylist()}
    assert len(left) == 4
    for said in ("ship class is not known", "arrival is not known", "waiting is not known", "no usual speed"):
        assert any(said in reason for reason in left.values()), said
    found = {row["imo"]: row for row in result.tables["approaches"].to_pylist()}
    usual = load_table("ogv_transit_speed_ratio").row("Container Ship").value * 25.9  # 8,000 TEU on: class 12,000 TEU
    assert found[imo(920_004)]["speed_kn"] == pytest.approx(usual)
    assert found[imo(920_004)]["speed_source"] == "class"
    assert found[imo(920_004)]["grade"] == "D"
    assert found[imo(920_005)]["distance_nm"] is None
    assert (found[imo(920_006)]["distance_nm"], found[imo(920_006)]["distance_source"]) == (360.0, "sailed")
    assert found[imo(920_006)]["speed_kn"] == pytest.approx(15.0)
    assert found[imo(920_007)]["wait_h"] == 0.0
    notes = " ".join(result.summary["notes"])
    assert "no known passage" in notes and "faster than the ship's maximum speed" in notes
    assert set(result.tables["queue"]["terminal"].to_pylist()) == {"Container Ship"}
    assert "queue with the ships of their class" in notes
    savings = result.tables["savings"]
    voyage = savings.filter(pc.equal(savings["notice"], "voyage"))
    assert len(voyage) == 1
    assert len(savings) == 5 + 5 + 1


def test_without_any_known_passage_the_last_miles_lie_in_the_area_of_the_port(tmp_path: Path) -> None:
    result = run_arrival(read_call_table([write(tmp_path / "calls.csv", [ship(1) | at_port(T0)])]), "USLAX")
    assert list(result.summary["savings"]) == ["12", "24"]
    assert "in the control area of the port" in " ".join(result.summary["notes"])
    fuel = {step.name for step in explain_call(result.waits, result.waits.calls["call_id"][0].as_py(), 12.0).steps}
    assert "with notice, sea: MGO of main" in fuel
    assert not any("VLSFO" in name for name in fuel)


def test_hours_at_anchor_after_the_berth_are_no_waiting_for_it(tmp_path: Path) -> None:
    rows = [ship(1) | at_port(T0, 20.0)]  # the berth was reached 8 h after arrival
    result = run_arrival(read_call_table([write(tmp_path / "calls.csv", rows)]), "USLAX")
    assert result.tables["approaches"]["wait_h"].to_pylist() == [8.0]


def test_control_area_miles_are_counted_from_the_port_outwards() -> None:
    length, tail, area = eca_tail("CNSHA", "USLAX")
    assert area == "north_american"
    assert area_of("USLAX") == "north_american" and area_of("CNSHA") == ""
    assert tail.to_go_nm[-1] == pytest.approx(length)
    assert 150 < tail.inside_nm[-1] < length / 2
    assert np.interp(50.0, tail.to_go_nm, tail.inside_nm) == pytest.approx(50.0, abs=4.0)
    back, outward, _ = eca_tail("USLAX", "CNSHA")
    assert back == pytest.approx(length, rel=1e-6)
    assert np.interp(1000.0, outward.to_go_nm, outward.inside_nm) == 0.0
    assert outward.inside_nm[-1] == pytest.approx(tail.inside_nm[-1], rel=0.05)
    assert usual_speed_kn("Container Ship", 25.0) == pytest.approx(0.74 * 25.0)


def test_particulars_of_the_user_go_first(tmp_path: Path) -> None:
    calls = read_call_table(
        [write(tmp_path / "calls.csv", [ship(1) | at_port(T0), ship(2, ship_class="", teu="") | at_port(T0)])]
    )
    own = tmp_path / "vessels.csv"
    own.write_text(
        f'imo,ship_class,subtype,installed_kw\n{imo(920_001)},Container Ship,"5,000 TEU",44000\n', encoding="utf-8"
    )
    ships = ships_of_calls(calls.table, vessels=read_user_vessels(own))
    assert ships.origin == ("user file",)
    assert ships.ships[0].installed_kw == 44_000
    assert ships.index.tolist() == [0, -1]
    assert list(ships.missing) == [imo(920_002)]
    assert ships_of_calls(calls.table).origin == ("class default",)


def test_nothing_to_judge_is_an_error_that_says_why(tmp_path: Path) -> None:
    calls = read_call_table([write(tmp_path / "calls.csv", [ship(1) | at_port(T0)])])
    with pytest.raises(InputError, match="No call at USNYC can be judged"):
        run_arrival(calls, "USNYC")
    with pytest.raises(DataError, match="min_speed_kn"):
        run_arrival(calls, "USLAX", min_speed_kn=0.0)


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    command.add_to(made)
    made.command("other")(lambda: None)  # with one command alone Typer would take its name away
    return made


def test_the_command_writes_the_folder_and_prints(tmp_path: Path, app: typer.Typer) -> None:
    path = write(tmp_path / "calls.csv", service())
    out = tmp_path / "out"
    shown = CliRunner().invoke(
        app, ["arrival", str(path), "--port", "USLAX", "--out", str(out), "--min-speed-kn", "9", "--berths", "3"]
    )
    assert shown.exit_code == 0, shown.output
    assert "SIMULATED" in shown.output and "9 kn, the user's" in shown.output
    written = [*(spec.file for spec in TABLES.values()), "arrival.json", "report.html", "report.xlsx"]
    assert sorted(p.name for p in out.iterdir()) == sorted(written)
    kept = read_summary(out)
    assert kept["rows"]["approaches"] == pq.read_table(out / "approaches.parquet").num_rows
    asked = CliRunner().invoke(
        app, ["arrival", str(path), "--port", "USLAX", "--min-speed-kn", "9", "--berths", "3", "--json"]
    )
    assert asked.exit_code == 0, asked.output
    assert json.loads(asked.stdout) == kept


def test_every_saving_can_be_taken_apart(tmp_path: Path, app: typer.Typer) -> None:
    """The steps of each call add up to the row of the table, under each notice and both ways of hotel load."""
    path = write(tmp_path / "calls.csv", service())
    for mode in ("transit", "by_load"):
        result = run_arrival(read_call_table([path]), "USLAX", mode=mode)
        for row in result.tables["savings"].to_pylist():
            hours = None if row["notice"] == "voyage" else float(row["notice"])
            found = explain_call(result.waits, row["call_id"], hours, mode=mode)
            assert found.fuel_before_t - found.fuel_after_t == pytest.approx(
                row["net_saved_fuel_t"], rel=1e-9, abs=1e-9
            )
            work = [step.value for step in found.steps if step.unit == "kWh" and step.name.startswith("without")]
            work += [-step.value for step in found.steps if step.unit == "kWh" and step.name.startswith("with notice")]
            assert sum(work) == pytest.approx(row["net_saved_kwh"], rel=1e-9, abs=1e-6)
            assert all("ogv_bsfc/" in step.source for step in found.steps if step.unit == "t")
    call = result.tables["savings"]["call_id"][0].as_py()
    shown = CliRunner().invoke(app, ["arrival", str(path), "--port", "USLAX", "--explain", call, "--notice", "24"])
    assert shown.exit_code == 0, shown.output
    assert "ogv_bsfc/propulsion/SSD" in shown.output and "t saved net" in shown.output
    with pytest.raises(DataError, match="not judged"):
        explain_call(result.waits, "no such call", 24.0)


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path, app: typer.Typer) -> None:
    path = write(tmp_path / "calls.csv", service())
    shown = CliRunner().invoke(app, ["arrival", str(path), "--port", "USLAX", "--out", str(tmp_path)])
    assert isinstance(shown.exception, DataError)
    assert path.exists()
    result = run_arrival(read_call_table([path]), "USLAX")
    with pytest.raises(DataError, match=r"calls\.csv"):
        write_arrival(result, tmp_path)


def test_berths_on_the_command_line() -> None:
    assert command.berths_of(None) is None
    assert command.berths_of(["4"]) == 4
    assert command.berths_of(["Pier 300=2", "APM=3"]) == {"Pier 300": 2, "APM": 3}
    with pytest.raises(DataError) as refused:
        command.berths_of(["0", "=2", "A=x", "B=1", "B=2", "5", "6"])
    assert len(refused.value.faults) == 6
