"""A port-year from calls: legs priced by the kernel's functions, checked by hand and by properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from sealane.emissions.emission_factors import emission_factor
from sealane.emissions.fuel_rules import regime_for
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.low_load import low_load_factor
from sealane.emissions.propulsion import propulsion_load
from sealane.errors import DataError
from sealane.inventory.port_year import Leg, PortYearActivity, port_year
from sealane.reference import load_table

SHIP = ("Container Ship", "5,000 TEU")
OTHER = ("Container Ship", "12,000 TEU")
BERTH = Leg("berth", speed_kn=0.0, coastal=True, hours=20.0, stop="berth")
SLOW = Leg("slow", speed_kn=10.0, coastal=True, distance_nm=30.0)
SEA = Leg("sea", speed_kn=None, coastal=False, distance_nm=40.0)
YEAR = PortYearActivity(
    calls=100,
    class_share={SHIP: 1.0},
    keel_year=2005,
    legs=(SEA, SLOW, BERTH),
    regime=regime_for(date(2021, 7, 1), True),
)


def test_nox_of_one_ship_by_hand() -> None:
    """Every factor looked up anew: EPA-420-B-22-011 in five lines."""
    defaults = load_table("ogv_class_defaults")
    installed_kw, max_speed_kn = (defaults.row(*SHIP, name).value for name in ("installed_kw", "max_speed_kn"))
    main, aux, boiler = (emission_factor("nox", engine, "MGO", tier=1).value for engine in ("SSD", "AUX-MSD", "BOILER"))
    result = port_year(YEAR)

    load = propulsion_load(10.0, max_speed_kn, 0.10, 0.0, 0.0)
    assert load < 0.2  # so the kernel's rule says manoeuvring
    hotel = hotel_load(*SHIP, "manoeuvring")
    hours = 100 * 30.0 / 10.0
    assert result.hours[("slow", "manoeuvring")] == pytest.approx(hours, rel=1e-12)
    assert result.total_g("nox", leg="slow", source="main") == pytest.approx(
        installed_kw * load * main * low_load_factor("nox", load) * hours, rel=1e-12
    )
    assert result.total_g("nox", leg="slow", source="auxiliary") == pytest.approx(hotel.aux_kw * aux * hours, rel=1e-12)
    assert result.total_g("nox", leg="slow", source="boiler") == pytest.approx(
        hotel.boiler_kw * boiler * hours, rel=1e-12
    )

    speed_kn = round(load_table("ogv_transit_speed_ratio").row(SHIP[0]).value * max_speed_kn, 1)
    load = propulsion_load(speed_kn, max_speed_kn, 0.15, 0.0, 0.0)
    assert load > 0.2
    hours = 100 * 40.0 / speed_kn
    assert result.hours[("sea", "transit")] == pytest.approx(hours, rel=1e-12)
    assert result.total_g("nox", leg="sea", source="main") == pytest.approx(
        installed_kw * load * main * hours, rel=1e-12
    )
    assert result.main_kwh["berth"] == 0.0


def test_shore_power_takes_the_auxiliary_engines_and_leaves_the_boiler() -> None:
    without = port_year(YEAR)
    half = port_year(replace(YEAR, shore_power_share=0.5, own_engine_h=4.0))
    connected = 0.5 * (20.0 - 4.0) / 20.0
    for pollutant in ("nox", "co2"):
        before = without.total_g(pollutant, leg="berth", source="auxiliary")
        assert half.total_g(pollutant, leg="berth", source="auxiliary") == pytest.approx(before * (1 - connected))
        assert half.total_g(pollutant, source="boiler") == pytest.approx(without.total_g(pollutant, source="boiler"))
    assert half.shore_kwh["berth"] + half.aux_kwh["berth"] == pytest.approx(without.aux_kwh["berth"])
    assert half.shore_kwh["sea"] == 0.0
    # A stay shorter than the time on own engines connects to nothing.
    short = replace(YEAR, legs=(replace(BERTH, hours=3.0),), shore_power_share=1.0, own_engine_h=4.0)
    assert port_year(short).shore_kwh["berth"] == 0.0


def test_calls_classes_and_legs_add_up() -> None:
    mixed = port_year(replace(YEAR, class_share={SHIP: 0.25, OTHER: 0.75}))
    alone = [port_year(replace(YEAR, class_share={ship: 1.0})) for ship in (SHIP, OTHER)]
    for pollutant in ("nox", "so2", "pm10", "co2e"):
        expected = 0.25 * alone[0].total_g(pollutant) + 0.75 * alone[1].total_g(pollutant)
        assert mixed.total_g(pollutant) == pytest.approx(expected, rel=1e-12)
        assert port_year(replace(YEAR, calls=200)).total_g(pollutant) == pytest.approx(
            2 * alone[0].total_g(pollutant), rel=1e-12
        )
        legs = sum(port_year(replace(YEAR, legs=(leg,))).total_g(pollutant) for leg in YEAR.legs)
        assert legs == pytest.approx(alone[0].total_g(pollutant), rel=1e-12)


def test_co2e_is_the_sum_of_its_gases() -> None:
    result = port_year(YEAR, gwp="ar6")
    ch4, n2o = (load_table("gwp100").row("ar6", gas).value for gas in ("ch4", "n2o"))
    expected = result.total_g("co2") + ch4 * result.total_g("ch4") + n2o * result.total_g("n2o")
    assert result.total_g("co2e") == pytest.approx(expected, rel=1e-12)


def test_everything_that_cannot_be_is_said_at_once() -> None:
    wrong = replace(
        YEAR,
        calls=-1,
        class_share={SHIP: 0.6},
        shore_power_share=1.2,
        legs=(replace(SLOW, speed_kn=0.0), replace(BERTH, stop="pier"), replace(SEA, distance_nm=-1.0)),
    )
    with pytest.raises(DataError) as error:
        port_year(wrong)
    assert len(error.value.faults) == 6
