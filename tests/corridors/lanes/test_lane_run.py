"""A lane from calls: filling, quality, periods, targets, corridors beside each other."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corridors.lanes.lane_world import ServiceLane, write_calls
from tests.corridors.lanes.test_corridor_documents import SOUND

from sealane.corridors.call_merge import Part
from sealane.corridors.call_table import CALLS_SCHEMA, read_call_table
from sealane.corridors.lanes.claims import claim
from sealane.corridors.lanes.distances import way
from sealane.corridors.lanes.document import corridor_ids, parse_corridor, read_corridor
from sealane.corridors.lanes.run import LaneResult, run_lane
from sealane.corridors.lanes.schemas import RULES
from sealane.corridors.ship_energy import sail, ship_of_class
from sealane.emissions.ship_classes import subtype_from_size
from sealane.errors import DataError
from sealane.reference import load_table

SHIP = '9321483,A SHIP,Container Ship,"8,000 TEU"'
LAX = f"{SHIP},USLAX,2026-07-01T00:00:00Z,2026-07-03T00:00:00Z"
SHA = f"{SHIP},CNSHA,2026-07-19T00:00:00Z,2026-07-21T00:00:00Z"


def legs_of(result: LaneResult) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(result.folder / "legs.parquet").to_pylist()
    return rows


def run(tmp_path: Path, *rows: str, more: str = "", corridor: str = "la-lb-shanghai", **options: object) -> LaneResult:
    calls = read_call_table([write_calls(tmp_path / "calls.csv", *rows, more=more)])
    return run_lane(read_corridor(corridor), calls, tmp_path / "lane", **options)  # type: ignore[arg-type] # as named


def test_a_leg_nobody_measured_is_filled_along_the_route(tmp_path: Path) -> None:
    result = run(tmp_path, LAX, SHA)
    leg = legs_of(result)[0]
    nm, areas = way("USLAX", "CNSHA")
    assert leg["distance_source"] == "route"
    assert leg["distance_nm"] == nm
    assert leg["eca_nm"] == pytest.approx(sum(areas))
    assert leg["observed_share"] == 0.0
    assert result.summary["quality"]["distance_nm_by_source"]["route"] == nm
    ship = ship_of_class("Container Ship", "8,000 TEU")
    alone = sail(ship, nm, nm / 384.0, day=dt.date(2026, 7, 3), eca_nm=sum(areas))
    assert leg["wtw_co2e_g"] == pytest.approx(alone.wtw_co2e_g, rel=1e-12)
    assert leg["main_kwh"] == pytest.approx(alone.main_kwh, rel=1e-12)
    assert leg["fuel_t"] == pytest.approx(sum(alone.fuel_t.values()), rel=1e-12)


def test_told_observed_and_part_observed_distances(tmp_path: Path) -> None:
    nm = way("USLAX", "CNSHA")[0]
    logged = run(tmp_path, f"{LAX},,", f"{SHA},6000,", more="sailed_nm,sailed_unobserved_h")
    assert (legs_of(logged)[0]["distance_nm"], legs_of(logged)[0]["distance_source"]) == (6000.0, "logged")
    part = run(tmp_path, f"{LAX},,", f"{SHA},100,360", more="sailed_nm,sailed_unobserved_h")
    leg = legs_of(part)[0]
    assert leg["distance_nm"] == nm
    assert leg["observed_share"] == pytest.approx(100 / nm)
    assert leg["flags"] == "part_observed"
    # Without a route the part that was seen is carried on at its own speed: 240 nm in 24 h, 360 h unseen.
    unknown = run(
        tmp_path,
        f"{SHIP},USLAX,2026-07-01T00:00:00Z,2026-07-02T00:00:00Z,,",
        f"{SHIP},XXXXX,2026-07-10T00:00:00Z,2026-07-11T00:00:00Z,,",
        f"{SHIP},CNSHA,2026-07-27T00:00:00Z,2026-07-28T00:00:00Z,240,360",
        more="sailed_nm,sailed_unobserved_h",
    )
    first, second = legs_of(unknown)
    assert first["flags"] == "distance_unknown eca_unknown"
    assert first["wtw_co2e_g"] is None
    assert second["distance_nm"] == pytest.approx(240 * 384 / 24)
    assert unknown.summary["quality"]["legs_not_priced"] == 1
    assert any("1 of 2 legs could not be priced" in note for note in unknown.summary["notes"])


def test_a_distance_since_another_port_is_not_that_of_the_leg(tmp_path: Path) -> None:
    """Own AIS of one port sees the way since its own last call; a partner's call between makes it two legs."""
    result = run(tmp_path, f"{LAX},,", f"{SHA},11000,USLAX", more="sailed_nm,sailed_from")
    assert legs_of(result)[0]["distance_nm"] == 11000.0
    result = run(tmp_path, f"{LAX},,", f"{SHA},11000,JPYOK", more="sailed_nm,sailed_from")
    assert legs_of(result)[0]["distance_source"] == "route"


def test_planned_calls_are_left_out(tmp_path: Path) -> None:
    later = f"{SHIP},USLAX,2026-08-19T00:00:00Z,2026-08-21T00:00:00Z"
    result = run(tmp_path, f"{LAX},yes", f"{SHA},yes", f"{later},no", more="observed")
    assert len(legs_of(result)) == 1
    assert "1 calls are planned or estimated only and left out." in result.summary["notes"]


def test_doubtful_legs_are_flagged(tmp_path: Path) -> None:
    fast = run(tmp_path, LAX, f"{SHIP},CNSHA,2026-07-05T00:00:00Z,2026-07-06T00:00:00Z")
    assert legs_of(fast)[0]["flags"] == "speed_above_max"
    slow = run(tmp_path, LAX, f"{SHIP},CNSHA,2026-10-05T00:00:00Z,2026-10-06T00:00:00Z")
    assert legs_of(slow)[0]["flags"] == "slow"
    nameless = LAX.replace('Container Ship,"8,000 TEU"', ","), SHA.replace('Container Ship,"8,000 TEU"', ",")
    unknown = run(tmp_path, *nameless)
    assert legs_of(unknown)[0]["flags"] == "no_particulars"
    assert unknown.summary["quality"]["ships_by_particulars"] == {"none": 1}
    assert "9321483" in unknown.summary["quality"]["ships_without_particulars"]
    assert unknown.summary["attribution"]["rules"]["rotation"]["wtw_co2e_t"] == 0.0


def test_a_size_tells_the_subtype(tmp_path: Path) -> None:
    rows = [row.replace('"8,000 TEU"', "") + ",8500" for row in (LAX, SHA)]
    result = run(tmp_path, *rows, more="teu")
    assert pq.read_table(result.folder / "ships.parquet")["subtype"].to_pylist() == [
        subtype_from_size("Container Ship", "teu", 8500)[0]
    ]


def test_calls_at_one_end_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No leg of these port calls"):
        run(tmp_path, LAX, f"{SHIP},JPYOK,2026-07-19T00:00:00Z,2026-07-21T00:00:00Z")
    assert not (tmp_path / "lane").exists()


def test_hours_that_nobody_told_are_filled_and_say_so(tmp_path: Path) -> None:
    result = run(tmp_path, f"{LAX},30,2,", f"{SHA},,,5", more="berth_h,manoeuvring_h,anchorage_h")
    stays = pq.read_table(result.folder / "stays.parquet").to_pylist()
    found = {(row["port"], row["mode"]): (row["hours"], row["hours_source"]) for row in stays}
    assert found == {
        ("USLAX", "berth"): (46.0, "part_filled"),
        ("USLAX", "manoeuvring"): (2.0, "told"),
        ("CNSHA", "anchorage"): (5.0, "told"),
        ("CNSHA", "berth"): (43.0, "filled"),
    }
    assert all(row["share_rotation"] == 0.5 for row in stays), "each call has one leg of the lane"


SHORE = "berth_h,shore_power_start,shore_power_end"


def on_shore(call: str, berth_h: int = 40) -> str:
    """The call with 24 h of shore power from ten hours after its arrival."""
    start = dt.datetime.fromisoformat(call.split(",")[-2].replace("Z", "+00:00")) + dt.timedelta(hours=10)
    end = start + dt.timedelta(hours=24)
    return f"{call},{berth_h},{start:%Y-%m-%dT%H:%M:%SZ},{end:%Y-%m-%dT%H:%M:%SZ}"


def shore_kwh(result: LaneResult) -> dict[str, float]:
    rows = pq.read_table(result.folder / "stays.parquet").to_pylist()
    return {row["port"]: row["shore_kwh"] for row in rows if row["shore_kwh"]}


def test_electricity_from_shore_counts_with_the_row_of_its_grid(tmp_path: Path) -> None:
    rows = (on_shore(LAX), f"{SHA},,,")
    row = load_table("grid_carbon_intensity").row("US-CA")
    tabled = run(tmp_path, *rows, more=SHORE)
    kwh = shore_kwh(tabled)["USLAX"]
    (told,) = tabled.summary["electricity"]
    assert (told["port"], told["g_per_kwh"], told["zone"]) == ("USLAX", row.value, "California")
    assert (told["grade"], told["source"], told["kwh"]) == (row.grade, row.source, kwh)
    assert any("California, grade C" in note for note in tabled.summary["notes"])
    stays = pq.read_table(tabled.folder / "stays.parquet").to_pylist()
    assert next(stay["grade"] for stay in stays if stay["shore_kwh"]) >= row.grade
    given = run(tmp_path, *rows, more=SHORE, grid_g_per_kwh={"USLAX": 200.0})
    rules = [found.summary["attribution"]["rules"]["rotation"] for found in (tabled, given)]
    assert rules[0]["by_fuel"]["electricity"]["wtw_co2e_t"] == pytest.approx(0.5 * kwh * row.value / 1e6)
    assert rules[1]["wtw_co2e_t"] - rules[0]["wtw_co2e_t"] == pytest.approx(0.5 * kwh * (200.0 - row.value) / 1e6)
    assert given.summary["electricity"][0]["source"] == "given with --grid"
    assert not any("Electricity" in note for note in given.summary["notes"])


def test_electricity_of_a_grid_nobody_knows_is_left_out_and_does_not_hide_another(tmp_path: Path) -> None:
    """Known and unknown electricity of one end, class and quarter: the known part counts."""
    both = SOUND.replace("[USLAX]", "[USLAX, CAVAN]").encode()
    back = f"{SHIP},CAVAN,2026-08-10T00:00:00Z,2026-08-12T00:00:00Z"
    rows = (on_shore(LAX), f"{SHA.replace('CNSHA', 'JPYOK')},,,", on_shore(back))
    calls = read_call_table([write_calls(tmp_path / "calls.csv", *rows, more=SHORE)])
    result = run_lane(parse_corridor(both.replace(b"CNSHA", b"JPYOK"), "x.yaml"), calls, tmp_path / "lane")
    kwh = shore_kwh(result)
    assert set(kwh) == {"USLAX", "CAVAN"}
    fuels = result.summary["attribution"]["rules"]["rotation"]["by_fuel"]
    california = load_table("grid_carbon_intensity").row("US-CA").value
    assert fuels["electricity"]["wtw_co2e_t"] == pytest.approx(0.5 * kwh["USLAX"] * california / 1e6)
    assert fuels["electricity of unknown intensity"]["wtw_co2e_t"] is None
    assert any("Electricity from shore at CAVAN adds no CO2e" in note for note in result.summary["notes"])
    unknown = {row["port"]: row for row in result.summary["electricity"]}["CAVAN"]
    assert (unknown["g_per_kwh"], unknown["source"]) == (None, "not known")
    stays = pq.read_table(result.folder / "stays.parquet").to_pandas()
    totals = pq.read_table(result.folder / "totals.parquet").to_pandas()
    legs = pq.read_table(result.folder / "legs.parquet").to_pandas()
    of_rule = totals[totals["rule"] == "rotation"]["wtw_co2e_g"].sum()
    parts = [(table["wtw_co2e_g"] * table["share_rotation"]).sum() for table in (legs, stays)]
    assert of_rule == pytest.approx(sum(parts), rel=1e-12)


def test_a_stay_all_on_shore_power_without_a_boiler_is_priced(tmp_path: Path) -> None:
    ship = '9321483,A SHIP,General Cargo,"5,000 DWT"'
    call = f"{ship},USLAX,2026-07-01T00:00:00Z,2026-07-02T00:00:00Z,24,2026-07-01T00:00:00Z,2026-07-02T00:00:00Z"
    result = run(tmp_path, call, f"{SHA.replace(SHIP, ship)},,,", more=SHORE)
    stay = next(s for s in pq.read_table(result.folder / "stays.parquet").to_pylist() if s["port"] == "USLAX")
    assert (stay["aux_kwh"], stay["boiler_kwh"]) == (0.0, 0.0)
    assert stay["wtw_co2e_g"] == pytest.approx(
        stay["shore_kwh"] * load_table("grid_carbon_intensity").row("US-CA").value
    )


def test_years_add_up_to_the_whole(service_lane: ServiceLane, tmp_path: Path) -> None:
    """A pass over New Year is cut by leg, not lost."""
    lines = (service_lane.service / "calls.csv").read_text()
    shift = tmp_path / "calls.csv"
    moved = dt.timedelta(days=270)

    def later(found: re.Match[str]) -> str:
        time = dt.datetime.fromisoformat(found.group().replace("Z", "+00:00")) + moved
        return time.strftime("%Y-%m-%dT%H:%M:%SZ")

    shift.write_text(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", later, lines))
    calls = read_call_table([shift])

    def total(year: int | None) -> dict[str, float]:
        found = run_lane(service_lane.corridor, calls, tmp_path / "y", vessels=service_lane.vessels, year=year)
        return {rule: found.summary["attribution"]["rules"][rule]["wtw_co2e_t"] for rule in RULES}

    whole, first, second = total(None), total(2025), total(2026)
    for rule in RULES:
        assert first[rule] > 0.0
        assert second[rule] > 0.0
        assert first[rule] + second[rule] == pytest.approx(whole[rule], rel=1e-12)


def test_targets_stand_beside_what_was_done(service_lane: ServiceLane, tmp_path: Path) -> None:
    wtw = service_lane.result.summary["attribution"]["rules"]["cargo"]["wtw_co2e_t"]
    assert service_lane.result.summary["targets_note"] == "no target published"
    corridor = parse_corridor(SOUND.replace("ports: [USLAX]", "ports: [USLAX, USLGB]").encode(), "x.yaml")
    result = run_lane(corridor, service_lane.calls, tmp_path / "lane", vessels=service_lane.vessels)
    cap, cut = pq.read_table(result.folder / "targets.parquet").to_pylist()
    assert cut["baseline"] == pytest.approx(wtw)
    assert cut["value"] == pytest.approx(0.7 * wtw)
    assert cut["gap"] == pytest.approx(0.3 * wtw)
    assert cut["state"] == "not yet"
    assert (cap["value"], cap["unit"], cap["source"]) == (80.0, "g/MJ", "A paper")
    assert cap["actual"] == pytest.approx(result.summary["attribution"]["rules"]["cargo"]["wtw_g_per_mj"])
    missing = parse_corridor(
        SOUND.replace("baseline_year: 2025", "baseline_year: 2019").replace("[USLAX]", "[USLAX, USLGB]").encode(),
        "x.yaml",
    )
    result = run_lane(missing, service_lane.calls, tmp_path / "lane", vessels=service_lane.vessels)
    states = [row["state"] for row in pq.read_table(result.folder / "targets.parquet").to_pylist()]
    assert "unknown: the data hold no figure of the baseline year 2019" in states


def test_corridors_beside_each_other_share_their_legs(service_lane: ServiceLane, tmp_path: Path) -> None:
    calls, vessels = service_lane.calls, service_lane.vessels
    pair = [read_corridor("la-lb-shanghai"), read_corridor("la-yokohama"), read_corridor("singapore-la-lb")]

    def shares(number: int, *, joined: bool) -> dict[str, float]:
        others = [c for k, c in enumerate(pair) if k != number] if joined else []
        found = run_lane(pair[number], calls, tmp_path / "l", vessels=vessels, beside=others)
        return {str(leg["leg_id"]): float(str(leg["share_rotation"])) for leg in legs_of(found)}

    alone, together = ([shares(k, joined=joined) for k in range(3)] for joined in (False, True))
    names = set().union(*alone)
    assert max(sum(s.get(name, 0.0) for s in alone) for name in names) > 1.0, "negative control: claims overlap"
    assert max(sum(s.get(name, 0.0) for s in together) for name in names) <= 1.0 + 1e-12


def test_a_corridor_beside_claims_nothing_outside_its_period_and_ship_classes(tmp_path: Path) -> None:
    yokohama = f"{SHIP},JPYOK,2026-07-16T00:00:00Z,2026-07-17T00:00:00Z"
    text = SOUND.replace("[CNSHA]", "[JPYOK]").replace("id: a-b", "id: a-c")

    def share(other: str) -> float:
        found = run(tmp_path, LAX, yokohama, SHA, beside=[parse_corridor(other.encode(), "x.yaml")])
        return float(str(legs_of(found)[0]["share_rotation"]))

    assert share(text) == 0.5, "both claim the leg to Yokohama"
    assert share(text.replace("to: 2026-12-31", "to: 2026-06-30")) == 1.0
    assert share(text.replace("[container]", "[bulk carrier]")) == 1.0


@settings(max_examples=25, deadline=None)
@given(
    ports=st.lists(st.sampled_from(["USLAX", "USLGB", "CNSHA", "JPYOK", "SGSIN"]), min_size=2, max_size=9),
    cargo=st.lists(st.one_of(st.none(), st.tuples(*[st.integers(0, 900)] * 2)), min_size=9, max_size=9),
    told=st.lists(st.one_of(st.none(), st.integers(0, 900)), min_size=9, max_size=9),
)
def test_shares_of_corridors_beside_each_other_never_exceed_the_whole(
    ports: list[str], cargo: list[tuple[int, int] | None], told: list[int | None]
) -> None:
    """Whatever is known of the cargo: of some legs nothing, of some only what is on board."""
    rows = []
    for at, (port, moved, lane) in enumerate(zip(ports, cargo, told, strict=False)):
        begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=6 * at)
        row: dict[str, object] = {"imo": 9321483, "port": port, "arrival": begin}
        row["departure"] = begin + dt.timedelta(days=1)
        row["cargo_teu_loaded"], row["cargo_teu_discharged"] = moved or (None, None)
        row["onboard_teu_departure"] = 900.0 if lane is not None else None
        row["lane_teu_departure"] = lane
        rows.append(row)
    schema = pa.schema([CALLS_SCHEMA.field(name) for name in rows[0]])
    table = Part.of(pa.Table.from_pylist(rows, schema=schema), "t", "0", "own_file").table
    corridors = [read_corridor(ident) for ident in ("la-lb-shanghai", "la-yokohama", "singapore-la-lb")]
    classes = np.array(["Container Ship"] * len(rows), dtype=object)
    found = [claim(c, table, classes, beside=[o for o in corridors if o is not c]).shares for c in corridors]
    for rule in RULES:
        shares = np.stack([of[rule] for of in found])
        assert np.nanmin(shares, initial=0.0) >= 0.0
        assert np.nansum(shares, axis=0).max(initial=0.0) <= 1.0 + 1e-12, rule


def test_transport_activity_by_hand(tmp_path: Path) -> None:
    """1,000 t on board, 400 t of it for Shanghai: 0.4 of the leg and of half of both stays, over 400 t x SFD."""
    more = "onboard_t_departure,lane_t_departure,sailed_nm"
    result = run(tmp_path, f"{LAX},1000,400,", f"{SHA},,,6000", more=more)
    km = way("USLAX", "CNSHA")[0] * 1.852
    assert result.summary["transport"]["t_km"] == pytest.approx(400 * km)
    legs, stays = legs_of(result), pq.read_table(result.folder / "stays.parquet").to_pylist()
    wtw = 0.4 * (float(str(legs[0]["wtw_co2e_g"])) + 0.5 * sum(row["wtw_co2e_g"] for row in stays))
    assert result.summary["attribution"]["rules"]["cargo"]["wtw_co2e_t"] == pytest.approx(wtw / 1e6)
    assert result.summary["transport"]["wtw_g_per_t_km"] == pytest.approx(wtw / (400 * km))


def test_a_rule_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        run(tmp_path, LAX, SHA, attribution="fair", grid_g_per_kwh={"ZZZZZ": 1.0, "USLAX": -5.0})
    assert len(caught.value.faults) == 3


def test_the_summary_is_json_without_nan(service_lane: ServiceLane) -> None:
    text = (service_lane.result.folder / "lane.json").read_text()
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in lane.json"))
    assert content["inputs"][0]["sha256"]
    assert np.isclose(content["quality"]["observed_share_of_energy"], 1.0)


@pytest.mark.parametrize("ident", corridor_ids())
def test_each_shipped_corridor_runs_on_the_simulated_service(
    service_lane: ServiceLane, tmp_path: Path, ident: str
) -> None:
    corridor = read_corridor(ident)
    result = run_lane(corridor, service_lane.calls, tmp_path / "lane", vessels=service_lane.vessels)
    summary = result.summary
    assert summary["label"] == "SIMULATED DATA"
    assert summary["targets_note"] == "no target published"
    assert summary["counts"]["passes"] > 0
    rules = summary["attribution"]["rules"]
    assert 0.0 < rules["cargo"]["wtw_co2e_t"] < rules["rotation"]["wtw_co2e_t"] or rules["cargo"]["legs"] == 0
    assert rules["direct"]["wtw_co2e_t"] <= rules["rotation"]["wtw_co2e_t"]
