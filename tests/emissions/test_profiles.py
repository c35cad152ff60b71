"""Regimes by place and date, and the factors resolved for them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sealane.emissions.profiles import Area, Profile, factor_sheet, resolve_places
from sealane.errors import MissingFactorError

START, END = datetime(2019, 6, 1, tzinfo=UTC), datetime(2020, 6, 1, tzinfo=UTC)


def names(areas: list[Area], first: datetime = START, last: datetime = END) -> list[list[str]]:
    """Regime names by area and period."""
    places = resolve_places(areas, first, last)
    return [[places.places[k].name for k in row] for row in places.regime]


def test_regimes_follow_place_and_date() -> None:
    assert names([Area("north_american")]) == [
        ["outside control areas: HFO 2.7 % S", "outside control areas: VLSFO 0.5 % S"],
        ["north_american: MGO 0.1 % S", "north_american: MGO 0.1 % S"],
    ]


def test_a_control_area_binds_from_its_first_day() -> None:
    """A zone that is in force from 1 March 2020 changes nothing before."""
    rows = names([Area(None, date(2020, 3, 1))])
    assert rows[1] == [
        "outside control areas: HFO 2.7 % S",
        "outside control areas: VLSFO 0.5 % S",
        "control area: MGO 0.1 % S",
    ]
    assert all(name.startswith("outside") for name in names([Area(None, date(2025, 5, 1))])[1])
    assert names([Area(None)])[1][0] == "control area: MGO 0.1 % S"


def test_an_area_is_not_in_force_before_its_treaty() -> None:
    early = datetime(2011, 1, 1, tzinfo=UTC), datetime(2012, 12, 31, tzinfo=UTC)
    row = names([Area("north_american")], *early)[1]
    assert row[0].startswith("outside")
    assert row[-1].startswith("north_american")


def test_dates_before_the_first_rule_are_refused() -> None:
    with pytest.raises(MissingFactorError):
        resolve_places([], datetime(1999, 1, 1, tzinfo=UTC), END)


def test_tier_three_binds_in_its_area_only() -> None:
    places = resolve_places([Area("north_american")], START, END)
    outside, inside = places.places[0], places.places[int(places.regime[1, 0])]
    ship = Profile("SSD", "AUX-MSD", 3, 2018, None)
    assert factor_sheet(ship, inside, "epa-2022", "ar5").tier == 3
    assert factor_sheet(ship, outside, "epa-2022", "ar5").tier == 2
    low = factor_sheet(ship, inside, "epa-2022", "ar5", low=True)
    assert low.factors[0]["nox"].value == pytest.approx(14.4)
    assert factor_sheet(ship, inside, "epa-2022", "ar5").factors[0]["nox"].value == pytest.approx(3.4)


def test_a_users_fuel_obeys_the_limit_in_force() -> None:
    places = resolve_places([Area("north_american")], START, END)
    inside = places.places[int(places.regime[1, 0])]
    sheet = factor_sheet(Profile("SSD", "AUX-MSD", 1, None, "HFO"), inside, "epa-2022", "ar5")
    assert sheet.fuel == ("HFO", "MGO", "MGO")
    assert sheet.sulphur_pct[0] == pytest.approx(0.1)
