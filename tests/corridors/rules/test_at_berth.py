"""California At-Berth on one call: scope by place, class and day; hours required and controlled; exceptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors.rules import at_berth
from sealane.corridors.rules.at_berth import BerthCall, Control, assess_call
from sealane.emissions.ship_classes import listed_classes
from sealane.errors import DataError, MissingFactorError
from sealane.reference import load_table

START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def call(hours: float = 48.0, **more: object) -> BerthCall:
    given = {"port": "USLAX", "ship_class": "Container Ship", "berth_start": START, "berth_end": at(hours)}
    return BerthCall(**(given | more))  # type: ignore[arg-type]  # keywords of a test


def test_hand_solved_case_of_the_method_page() -> None:
    """48 h at berth, plugged in from 1.5 h after all fast to 0.5 h before last line: 45 h asked for, all controlled."""
    result = assess_call(call(controls=(Control(at(1.5), at(47.5)),)))
    assert (result.berth_h, result.required_h, result.compliant_h, result.controlled_h) == (48.0, 45.0, 45.0, 46.0)
    assert result.uncontrolled_h == 2.0
    assert result.compliant is True


def test_a_late_connection_is_not_compliant_and_says_by_how_much() -> None:
    result = assess_call(call(controls=(Control(at(5.0), at(47.5)),)))
    assert result.compliant is False
    assert (result.required_h, result.compliant_h) == (45.0, 42.0)
    assert result.verdict == "not compliant: 42.00 of 45.00 required hours controlled"


def test_the_two_hours_and_the_one_hour_are_exactly_so() -> None:
    assert assess_call(call(controls=(Control(at(2.0), at(47.0)),))).compliant is True
    late = timedelta(microseconds=2)
    assert assess_call(call(controls=(Control(at(2.0) + late, at(47.0)),))).compliant is False
    assert assess_call(call(controls=(Control(at(2.0), at(47.0) - late),))).compliant is False


def test_a_stay_of_up_to_three_hours_asks_for_no_control() -> None:
    result = assess_call(call(hours=3.0))
    assert result.required_h == 0.0
    assert result.compliant is True
    assert assess_call(call(hours=3.01)).compliant is False


def test_events_of_the_rule_go_before_begin_and_end_at_berth() -> None:
    own = assess_call(call(ready_to_work=at(1.0), pilot_on_board=at(46.0)))
    assert own.required_h == 42.0
    assert not any("our assumption" in note for note in own.notes)
    assert any("our assumption" in note for note in assess_call(call()).notes)


@pytest.mark.parametrize(
    ("ship_class", "port", "day", "requirement"),
    [
        ("Container Ship", "USOAK", "2022-12-31", "none"),
        ("Container Ship", "USOAK", "2023-01-01", "control"),
        ("Reefer", "USNTD", "2023-01-01", "control"),
        ("Cruise", "USSAN", "2023-01-01", "control"),
        ("RORO", "USNTD", "2024-12-31", "none"),
        ("RORO", "USNTD", "2025-01-01", "control"),
        ("Vehicle Carrier", "USSAN", "2025-01-01", "control"),
        ("Oil Tanker", "USLGB", "2024-12-31", "none"),
        ("Oil Tanker", "USLGB", "2025-01-01", "control"),
        ("Oil Tanker", "USLAX", "2027-06-01", "control"),
        ("Chemical Tanker", "USOAK", "2026-12-31", "none"),
        ("Chemical Tanker", "USOAK", "2027-01-01", "control"),
        ("Bulk Carrier", "USLAX", "2022-12-31", "none"),
        ("Bulk Carrier", "USLAX", "2023-01-01", "report"),
        ("General Cargo", "USSAN", "2030-01-01", "report"),
        ("Yacht", "USSAN", "2026-01-01", "none"),
        ("Container Ship", "JPYOK", "2026-01-01", "none"),
        ("Container Ship", "USNYC", "2026-01-01", "none"),
    ],
)
def test_scope_by_class_place_and_day(ship_class: str, port: str, day: str, requirement: str) -> None:
    start = datetime.fromisoformat(f"{day}T12:00+00:00")
    scope = at_berth.scope_of(
        call(ship_class=ship_class, port=port, berth_start=start, berth_end=start + timedelta(days=1))
    )
    assert scope.requirement == requirement
    assert scope.reason and scope.rows


@pytest.mark.parametrize("ship_class", sorted(listed_classes()))
def test_every_class_has_a_category(ship_class: str) -> None:
    category = at_berth.category_of(ship_class).text("category")
    starts = {row.text("category") for row in load_table("at_berth_start").rows}
    assert category in starts | {"none"}


@pytest.mark.parametrize(
    ("port", "inside"),
    [
        *((port, True) for port in ("USLAX", "us lgb", "USOAK", "USSAN", "USSFO", "USNTD")),
        *((port, False) for port in ("USNYC", "USORF", "JPYOK", "MXZLO")),
    ],
)
def test_which_ports_are_californian(port: str, inside: bool) -> None:
    assert at_berth.is_californian(port) is inside


def test_terminals_of_low_activity_need_no_control_and_unknown_ones_are_told() -> None:
    low = assess_call(call(low_activity=True))
    assert (low.scope.requirement, low.compliant, low.required_h) == ("report", None, 0.0)
    assert any("taken as regulated" in note for note in assess_call(call()).notes)
    assert not any("taken as regulated" in note for note in assess_call(call(low_activity=False)).notes)


@pytest.mark.parametrize(
    ("visits", "year", "low"),
    [
        ({2021: 19, 2022: 19}, 2023, True),
        ({2021: 20, 2022: 0}, 2023, False),
        ({2021: 0, 2022: 20}, 2023, False),
        ({2021: 5, 2022: 5, 2023: 25}, 2024, True),
        ({2021: 5, 2022: 5, 2023: 25, 2024: 20}, 2025, False),
        ({2021: 5, 2022: 5, 2023: 25, 2024: 19, 2025: 30}, 2026, True),
        ({2021: 5, 2022: 5, 2023: 25, 2024: 20, 2025: 0, 2026: 0}, 2027, False),
    ],
)
def test_low_activity_ends_after_two_busy_years_in_a_row_for_good(visits: dict[int, int], year: int, low: bool) -> None:
    assert at_berth.is_low_activity(visits, year) is low


def test_low_activity_asks_for_every_year_and_takes_no_other() -> None:
    with pytest.raises(DataError) as told:
        at_berth.is_low_activity({2021: 5, 2023: -1}, 2025)
    assert [fault.where for fault in told.value.faults] == ["visits of 2022", "visits of 2024", "visits of 2023"]
    with pytest.raises(DataError, match="The rule begins in 2023"):
        at_berth.is_low_activity({}, 2022)


@pytest.mark.parametrize(("visits", "granted"), [(0, 0), (9, 0), (10, 1), (29, 1), (30, 2), (100, 5)])
def test_incident_events_are_five_per_cent_to_the_nearest_whole_number(visits: int, granted: int) -> None:
    assert at_berth.incident_events(visits, "vessel_incident", 2025)[0] == granted


def test_incident_events_before_2025_are_not_held() -> None:
    with pytest.raises(MissingFactorError, match="valid from 2025-01-01"):
        at_berth.incident_events(100, "terminal_incident", 2024)


@pytest.mark.parametrize("exception", sorted(at_berth.EXCEPTIONS))
def test_an_exception_makes_a_visit_compliant_and_is_named(exception: str) -> None:
    result = assess_call(call(exception=exception))
    assert result.compliant is True
    assert result.verdict.startswith("compliant by exception: 17 CCR 93130")
    assert result.compliant_h == 0.0 < result.required_h


def test_all_faults_of_a_call_are_told_at_once() -> None:
    wrong = call(
        hours=-1.0,
        controls=(Control(at(3.0), at(2.0), "solar"),),
        pilot_on_board=at(99.0),
        exception="holiday",
    )
    with pytest.raises(DataError) as told:
        assess_call(wrong)
    assert [fault.where for fault in told.value.faults] == [
        "control 1 kind",
        "berth_end",
        "control 1 end",
        "pilot_on_board",
        "exception",
    ]
    with pytest.raises(DataError, match="a time without zone"):
        assess_call(call(ready_to_work=datetime(2026, 3, 1, 7)))
    with pytest.raises(DataError, match="no known UN/LOCODE"):
        assess_call(call(port="XXXXX"))
    with pytest.raises(MissingFactorError, match="at_berth_categories"):
        assess_call(call(ship_class="Spaceship"))


periods = st.lists(
    st.tuples(st.floats(-20.0, 80.0), st.floats(0.01, 40.0), st.sampled_from(at_berth.CONTROL_KINDS)), max_size=6
)


@given(periods, st.floats(0.1, 60.0))
def test_hours_add_up_whatever_the_order_and_overlap_of_controls(
    found: list[tuple[float, float, str]], hours: float
) -> None:
    controls = tuple(Control(at(start), at(start + length), kind) for start, length, kind in found)
    result = assess_call(call(hours=hours, controls=controls))
    assert result == assess_call(call(hours=hours, controls=controls[::-1]))
    assert 0.0 <= result.compliant_h <= result.required_h + 1e-9
    assert result.required_h <= max(0.0, result.berth_h - 3.0) + 1e-9
    assert result.controlled_h + result.uncontrolled_h == pytest.approx(result.berth_h, abs=1e-9)
    assert result.shore_power_h + result.other_control_h == pytest.approx(result.controlled_h, abs=1e-9)
    # More control never makes a call worse.
    more = assess_call(call(hours=hours, controls=(*controls, Control(START, at(hours)))))
    assert more.compliant is True and more.compliant_h >= result.compliant_h - 1e-9


def test_performance_standards_are_the_three_of_the_rule() -> None:
    assert [at_berth.emission_limit(name).value for name in at_berth.POLLUTANTS] == [2.8, 0.03, 0.1]
    with pytest.raises(MissingFactorError, match=r"limits NOx, PM2\.5 and ROG"):
        at_berth.emission_limit("co2")


@pytest.mark.parametrize(
    ("moment", "requirement"),
    [("2025-01-01T07:59+00:00", "none"), ("2025-01-01T08:00+00:00", "control"), ("2025-01-01T00:30-08:00", "control")],
)
def test_the_day_a_rule_begins_is_that_of_california(moment: str, requirement: str) -> None:
    start = datetime.fromisoformat(moment)
    scope = at_berth.scope_of(
        call(ship_class="RORO", port="USLAX", berth_start=start, berth_end=start + timedelta(hours=5))
    )
    assert scope.requirement == requirement


def test_a_call_during_which_the_rule_begins_is_told() -> None:
    start = datetime.fromisoformat("2024-12-31T12:00+00:00")
    for hours, told in ((48, True), (12, False)):
        spanning = call(
            ship_class="RORO", port="USLAX", berth_start=start, berth_end=start + timedelta(hours=hours), controls=()
        )
        result = assess_call(spanning)
        assert result.compliant is None
        assert any("begins while the ship is at berth" in note for note in result.notes) is told
