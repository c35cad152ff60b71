"""The yardstick of the simulated week: full marks for the truth itself, and less for every kind of error."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sealane.samples.comparison import Comparison, compare_with_truth
from sealane.samples.los_angeles_week import SimulatedWeek


def perfect(week: SimulatedWeek) -> tuple[list[dict[str, object]], pa.Table]:
    """Calls and activity of a run that knows the truth."""
    rows: dict[tuple[object, ...], dict[str, object]] = {}
    columns = {"main": "main_kwh", "auxiliary": "aux_kwh", "boiler": "boiler_kwh"}
    for hour in week.truth_hours.to_pylist():
        key = (hour["mmsi"], hour["call"], hour["mode"])
        call = None if hour["call"] is None else str(hour["call"])
        rows[key] = {"mmsi": hour["mmsi"], "call_id": call, "mode": hour["mode"], "hours": hour["hours"]}
    for part in week.truth_energy.to_pylist():
        rows[part["mmsi"], part["call"], part["mode"]][columns[part["source"]]] = part["kwh"]
    return week.truth_calls.to_pylist(), pa.Table.from_pylist(list(rows.values()))


def compare(week: SimulatedWeek, calls: list[dict[str, object]], activity: pa.Table) -> Comparison:
    return compare_with_truth(week, pa.Table.from_pylist(calls, schema=week.truth_calls.schema), activity)


def test_the_truth_itself_gets_full_marks(week: SimulatedWeek) -> None:
    found = compare(week, *perfect(week))
    assert (found.precision, found.recall, found.same_stops) == (1.0, 1.0, 1.0)
    assert found.missed == found.invented == ()
    for difference in (*found.hours.values(), *found.energy.values(), *found.energy_anywhere.values()):
        assert difference.found == pytest.approx(difference.truth, rel=1e-12)
    assert found.energy["main"].truth < found.energy_anywhere["main"].truth


def test_a_missing_and_an_invented_call_are_counted(week: SimulatedWeek) -> None:
    calls, activity = perfect(week)
    invented = calls[0] | {"arrival": week.begin + timedelta(days=1, hours=1), "departure": None}
    found = compare(week, [*calls[1:], invented], activity)
    n = len(calls)
    assert found.recall == pytest.approx((n - 1) / n)
    assert found.precision == pytest.approx((n - 1) / n)
    assert found.missed == ((calls[0]["mmsi"], calls[0]["arrival"]),)
    assert len(found.invented) == 1


def test_a_call_cut_in_two_is_not_found(week: SimulatedWeek) -> None:
    calls, activity = perfect(week)
    whole = next(c for c in calls if c["arrival"] and c["departure"])
    middle = whole["arrival"] + (whole["departure"] - whole["arrival"]) / 2  # type: ignore[operator]
    halves = [whole | {"departure": middle}, whole | {"arrival": middle}]
    found = compare(week, [*(c for c in calls if c is not whole), *halves], activity)
    assert found.recall < 1
    assert found.precision < found.recall


def test_an_open_end_must_be_open_in_both(week: SimulatedWeek) -> None:
    calls, activity = perfect(week)
    closed = [c | {"departure": c["departure"] or week.begin + timedelta(days=7)} for c in calls]
    assert any(c["departure"] is None for c in calls)
    assert compare(week, closed, activity).recall < 1


def test_wrong_hours_and_energy_show_with_their_sign(week: SimulatedWeek) -> None:
    calls, activity = perfect(week)
    for column in ("hours", "main_kwh"):
        at = activity.column_names.index(column)
        activity = activity.set_column(at, column, pc.multiply(activity[column], 1.05))
    found = compare(week, calls, activity)
    assert found.hours["berth"].relative == pytest.approx(0.05)
    assert found.energy["main"].relative == pytest.approx(0.05)
    assert found.energy["boiler"].relative == pytest.approx(0.0)


def test_no_calls_at_all(week: SimulatedWeek) -> None:
    found = compare(week, [], perfect(week)[1])
    assert (found.precision, found.recall, found.same_stops) == (0.0, 0.0, 0.0)
