"""Fuel by date and place, NOx tiers: total, tiling, and each answer with its rows."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions.engines import ENGINES
from sealane.emissions.fuel_rules import (
    eca_in_force,
    effective_tier,
    fuel_for_engine,
    regime_for,
    regime_table,
    tier3_applies,
    tier_for_keel_year,
)
from sealane.errors import MissingFactorError

FIRST_DAY = date(2005, 5, 19)


@pytest.mark.parametrize("inside", [True, False])
def test_periods_tile(inside: bool) -> None:
    regimes = [regime for regime in regime_table() if regime.inside_eca == inside]
    assert regimes[0].valid_from == FIRST_DAY
    assert regimes[-1].valid_to is None
    for earlier, later in pairwise(regimes):
        assert earlier.valid_to == later.valid_from


@given(st.dates(FIRST_DAY, date(2060, 1, 1)), st.booleans())
def test_exactly_one_regime_holds_on_any_day(day: date, inside: bool) -> None:
    holding = [regime for regime in regime_table() if regime.inside_eca == inside and regime.holds_on(day)]
    assert holding == [regime_for(day, inside)]


@pytest.mark.parametrize(
    ("day", "inside", "fuel", "sulphur_pct"),
    [
        (date(2010, 6, 30), True, "HFO", 1.5),
        (date(2010, 7, 1), True, "HFO", 1.0),
        (date(2014, 12, 31), True, "HFO", 1.0),
        (date(2015, 1, 1), True, "MGO", 0.1),
        (date(2019, 12, 31), False, "HFO", 2.7),
        (date(2020, 1, 1), False, "VLSFO", 0.5),
    ],
)
def test_marpol_annex_vi_regulation_14_by_day(day: date, inside: bool, fuel: str, sulphur_pct: float) -> None:
    regime = regime_for(day, inside)
    assert (regime.fuel, regime.sulphur_pct) == (fuel, sulphur_pct)
    assert all(row.valid_from <= day for row in regime.rows)


def test_before_the_first_rule_an_error_asks_for_the_fuel() -> None:
    with pytest.raises(MissingFactorError, match="Give fuel and sulphur"):
        regime_for(FIRST_DAY - timedelta(days=1), inside_eca=True)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("inside", [True, False])
def test_every_engine_has_a_fuel(engine: str, inside: bool) -> None:
    fuel, sulphur_pct, rows = fuel_for_engine(regime_for(date(2024, 1, 1), inside), engine)
    assert rows
    if engine in ("ST", "GT", "GT-ED"):
        assert (fuel, sulphur_pct) == ("MGO", 0.1)
    elif ENGINES[engine].row == "LNG":
        assert (fuel, sulphur_pct) == ("LNG", 0.0)
    else:
        assert (fuel, sulphur_pct) == (("MGO", 0.1) if inside else ("VLSFO", 0.5))


@given(st.integers(1900, 2100))
def test_every_keel_year_has_one_tier(year: int) -> None:
    tier, row = tier_for_keel_year(year)
    assert tier == (0 if year < 2000 else 1 if year < 2011 else 2 if year < 2016 else 3)
    assert row.grade == "A"


@pytest.mark.parametrize(
    ("keel_year", "area", "applies"),
    [
        (2015, "north_american", False),
        (2016, "north_american", True),
        (2016, "us_caribbean", True),
        (2020, "baltic", False),
        (2021, "baltic", True),
        (2020, "north_sea", False),
        (2021, "north_sea", True),
        (2030, None, False),
    ],
)
def test_where_tier_iii_binds(keel_year: int, area: str | None, applies: bool) -> None:
    assert tier3_applies(keel_year, area) is applies
    assert effective_tier(3, keel_year, area) == (3 if applies else 2)


def test_tier_iii_without_a_keel_year_and_lower_tiers() -> None:
    assert effective_tier(3, None, "north_american") == 3
    assert effective_tier(3, None, "baltic") == 2
    assert [effective_tier(tier, 2022, None) for tier in (0, 1, 2)] == [0, 1, 2]
    with pytest.raises(MissingFactorError, match="nox_area"):
        tier3_applies(2022, "mediterranean")


def test_control_areas_come_into_force() -> None:
    assert not eca_in_force("north_american", date(2012, 7, 31))
    assert eca_in_force("north_american", date(2012, 8, 1))
    assert not eca_in_force("us_caribbean", date(2013, 12, 31))
    assert eca_in_force("us_caribbean", date(2014, 1, 1))
