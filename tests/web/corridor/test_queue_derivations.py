"""Queue, calls and the published study: figures follow from the rows that their derivations list."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.web.accounts.people import Place
from tests.web.corridor.corridor_world import Kept, Made, adds_up, query_of, walk

from sealane.errors import RequestRefusedError
from sealane.web.corridor.arrival_query import ArrivalQuery
from sealane.web.corridor.arrival_study import ArrivalStudy, Saved
from sealane.web.corridor.explain_arrival import explain_arrival
from sealane.web.corridor.explain_queue import FACTS, policy_figure
from sealane.web.derivation import Derivation

POLICIES = ("fcfs", "slot")
NOTICES = ("12", "24", "voyage")


@pytest.fixture(scope="module")
def study(made: Made) -> ArrivalStudy:
    return ArrivalStudy(made.arrival)


def explained(study: ArrivalStudy, most: int = 100, **asked: Any) -> Derivation:
    return explain_arrival(study, "R", ArrivalQuery.model_validate(asked), most)


def queue(study: ArrivalStudy, policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(study.folder / "queue.parquet").to_pylist()
    return [row for row in found if row["policy"] == policy]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("fact", list(FACTS))
def test_a_policy_s_figures_are_those_of_the_study(study: ArrivalStudy, policy: str, fact: Any) -> None:
    held: Any = study.summary["queue"]["policies"][policy]
    for name in FACTS[fact][3]:
        held = held[name]
    found = explained(study, policy=policy, fact=fact)
    assert found.figure == policy_figure(study, "R", policy, fact)
    assert found.figure.value == pytest.approx(held, rel=1e-12)
    assert any("same figure" in note for note in found.notes)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("fact", ["delay", "at_anchor", "slower", "burnt"])
def test_sums_of_the_queue_are_taken_apart_to_calls(study: ArrivalStudy, policy: str, fact: str) -> None:
    rows = {row["call_id"]: row for row in queue(study, policy)}
    calls = 0
    start = ArrivalQuery.model_validate({"policy": policy, "fact": fact}).address("R")
    for address, found in walk(start, lambda at: explained(study, **query_of(at))):
        assert adds_up(found), address
        call = query_of(address).get("call")
        if call:
            calls += 1
            assert found.figure.value == rows[call][FACTS[fact][2]]  # type: ignore[index]  # one of the facts
    assert calls == len(rows)


@pytest.mark.parametrize("policy", POLICIES)
def test_longest_gini_and_overtaken_follow_from_the_delays_listed(study: ArrivalStudy, policy: str) -> None:
    delays = [row["delay_h"] for row in queue(study, policy)]
    longest = explained(study, policy=policy, fact="longest")
    assert longest.figure.value == max(delays) == longest.inputs[1].value
    found = explained(study, policy=policy, fact="gini")
    values = sorted(float(one.value or 0) for one in found.inputs if one.link and "call=" in one.link)
    n, total = len(values), sum(values)
    assert n == len(delays) == found.inputs[0].value
    assert sum((2 * i - n - 1) * x for i, x in enumerate(values, 1)) / (n * total) == pytest.approx(found.figure.value)
    late = explained(study, policy=policy, fact="overtaken")
    assert late.figure.value == len([one for one in late.inputs if one.link])
    for one in late.inputs[1:]:
        own = next(row for row in queue(study, policy) if row["call_id"] == one.name)
        assert any(
            row["terminal"] == own["terminal"] and row["ready"] >= own["ready"]
            and row["berth_start"] < own["berth_start"] for row in queue(study, policy)
        )  # fmt: skip


def test_a_summary_that_the_queue_does_not_give_is_said(study: ArrivalStudy, tmp_path: Path) -> None:
    """The control of the notes above."""
    shutil.copytree(study.folder, tmp_path / "arrival")
    table = pq.read_table(tmp_path / "arrival" / "queue.parquet")
    at = table.schema.get_field_index("delay_h")
    changed = table.set_column(at, "delay_h", pc.multiply(table["delay_h"], 1.01))
    pq.write_table(changed, tmp_path / "arrival" / "queue.parquet")
    found = explained(ArrivalStudy(tmp_path / "arrival"), policy="slot", fact="delay")
    assert any("operator" in note for note in found.notes)


def test_calls_without_fuel_are_counted(study: ArrivalStudy, tmp_path: Path) -> None:
    """The sum leaves them out, says so, and how many they are; where every call has fuel nothing is said."""
    shutil.copytree(study.folder, tmp_path / "arrival")
    table = pq.read_table(tmp_path / "arrival" / "queue.parquet")
    calls = sorted({str(name) for name in table["call_id"].to_pylist()})
    lacking = calls[:2]
    at = table.schema.get_field_index("fuel_t")
    some = pc.if_else(pc.is_in(table["call_id"], pa.array(lacking)), None, table["fuel_t"])
    pq.write_table(table.set_column(at, table.schema.field(at), some), tmp_path / "arrival" / "queue.parquet")
    held = json.loads((tmp_path / "arrival" / "arrival.json").read_text("utf-8"))
    held["queue"]["policies"]["slot"]["fuel_t"] = None  # as a study with such calls writes it
    (tmp_path / "arrival" / "arrival.json").write_text(json.dumps(held), "utf-8")
    found = explained(ArrivalStudy(tmp_path / "arrival"), policy="slot", fact="burnt")
    assert [one.value for one in found.inputs] == [len(calls), 2]
    assert found.inputs[1].origin == "missing"
    assert len(found.notes) == 1 and "not in the sum" in found.notes[0]
    assert not {part.label for part in found.parts} & set(lacking)
    assert adds_up(found)
    # A summary that does hold a sum is compared as ever.
    other = explained(ArrivalStudy(tmp_path / "arrival"), policy="fcfs", fact="burnt")
    assert any("operator" in note for note in other.notes)
    whole = explained(study, policy="slot", fact="burnt")
    assert whole.inputs == [] and not any("not in the sum" in note for note in whole.notes)


@pytest.mark.parametrize("notice", NOTICES)
def test_a_notice_counts_the_calls_it_applies_to(study: ArrivalStudy, notice: str) -> None:
    row = study.row(notice, Saved.FUEL)
    found = explained(study, count="notice", notice=notice)
    assert row is not None
    assert found.figure.value == row["calls"] == len(found.inputs)
    page = explained(study, 3, count="notice", notice=notice)
    assert page.inputs[-1].value == row["calls"] - 3
    assert query_of(page.inputs[-1].link or "") == {"count": "notice", "notice": notice, "after": "3"}


def test_calls_that_waited_are_listed(study: ArrivalStudy) -> None:
    found = explained(study, count="waited")
    assert found.figure.value == len(found.inputs)
    assert all(float(one.value or 0) > 0 for one in found.inputs)


@pytest.mark.parametrize("notice", NOTICES)
def test_speeds_and_waiting_of_every_call(study: ArrivalStudy, notice: str) -> None:
    ways = {row["call_id"]: row for row in pq.read_table(study.folder / "approaches.parquet").to_pylist()}
    rows = [row for row in pq.read_table(study.folder / "savings.parquet").to_pylist() if row["notice"] == notice]
    assert rows
    for row in rows:
        way, call = ways[row["call_id"]], row["call_id"]
        wait = explained(study, notice=notice, call=call, fact="wait")
        assert wait.figure.value == way["wait_h"] == wait.inputs[-1].value
        speed = explained(study, notice=notice, call=call, fact="speed")
        assert speed.figure.value == row["speed_kn"]
        if len(speed.inputs) == 2:
            far, under_way = (float(one.value or 0) for one in speed.inputs)
            assert far / under_way == pytest.approx(row["speed_kn"], rel=1e-9)
        new = explained(study, notice=notice, call=call, fact="new_speed")
        d, v, w, least = (float(one.value or 0) for one in new.inputs[:4])
        assert new.figure.value == row["new_speed_kn"]
        assert min(v, max(least, d / (d / v + w))) == pytest.approx(row["new_speed_kn"], rel=1e-9)
        assert bool(new.rows) == (row["bound"] == "minimum_speed")


@pytest.mark.parametrize("notice", NOTICES)
def test_means_beside_the_published_study(study: ArrivalStudy, notice: str) -> None:
    held = next(r for r in pq.read_table(study.folder / "published.parquet").to_pylist() if r["notice"] == notice)
    published = explained(study, notice=notice, fact="published")
    assert published.figure.value == held["published_pct"] == published.rows[0].value
    assert published.rows[0].source
    for fact, column in (("all", "all_pct"), ("waiting", "waiting_pct"), ("cubic", "cubic_pct")):
        found = explained(study, notice=notice, fact=fact)
        values = [float(one.value or 0) for one in found.inputs if one.link]
        assert found.figure.value == held[column]
        assert sum(values) / len(values) == pytest.approx(held[column], rel=1e-12)
        assert any("same figure" in note for note in found.notes)
    voyages = explained(study, notice=notice, fact="voyages")
    assert voyages.figure.value == held["voyages"] == len([one for one in voyages.inputs if one.link])


@pytest.mark.parametrize(
    "asked",
    [
        {"policy": "slot"},
        {"policy": "slot", "fact": "wait"},
        {"policy": "slot", "fact": "delay", "call": "none"},
        {"notice": "24", "fact": "delay"},
        {"notice": "24", "fact": "wait", "call": "none"},
        {"notice": "24", "fact": "published", "call": "none"},
        {"notice": "13", "count": "notice"},
    ],
)
def test_what_the_queue_does_not_hold_is_refused(study: ArrivalStudy, asked: dict[str, str]) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        explained(study, **asked)
    assert refused.value.status == 404


def test_every_derivation_of_the_page_is_a_table_as_well(corridor_place: Place, kept: Kept) -> None:
    with httpx.Client(base_url=corridor_place.origin, timeout=60, trust_env=False) as guest:
        for path in (
            f"/explain/arrival/{kept.arrival}?policy=slot&fact=delay",
            f"/explain/arrival/{kept.arrival}?notice=24&fact=all",
            f"/explain/lane/{kept.lane}?count=lane_legs",
            f"/explain/voyages/{kept.lane}?what=rotations&year=2025",
        ):
            found = json.loads(guest.get(f"/api/v1{path}").text)
            answer = guest.get(found["exports"]["CSV"])
            assert answer.status_code == 200, answer.text
            rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
            assert float(rows[0]["value"]) == found["figure"]["value"]
            kinds = [row["kind"] for row in rows]
            assert (kinds.count("part"), kinds.count("input")) == (len(found["parts"]), len(found["inputs"]))
            assert {row["simulated"] for row in rows} == {"SIMULATED"}
            if found["parts"]:
                parts = [float(row["value"]) for row in rows if row["kind"] == "part"]
                assert sum(parts) == pytest.approx(found["figure"]["value"], rel=1e-12)
