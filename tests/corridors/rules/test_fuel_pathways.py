"""Fuels: the catalogue answers for every fuel, set and consumer, and asks for what a certificate fixes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors import fuels
from sealane.corridors.fuels import (
    CLASSES,
    CONSUMERS,
    FACTOR_SETS,
    FAMILIES,
    consumer_name,
    fuel_name,
    fuel_names,
    gwp_names,
    gwp_set,
    pathway,
)
from sealane.errors import DataError, MissingFactorError
from sealane.reference import load_table

ENTRIES = [
    (row.text("fuel"), row.text("factor_set"), row.text("consumer"), row.text("wtt"))
    for row in load_table("fuel_pathways").rows
]
ASKED = [entry[:3] for entry in ENTRIES if entry[3] in ("certificate", "asked")]
PUBLISHED = [entry[:3] for entry in ENTRIES if entry[3] not in ("certificate", "asked")]


@pytest.mark.parametrize(("fuel", "factor_set", "consumer"), PUBLISHED)
@pytest.mark.parametrize("gwp", gwp_names())
def test_every_published_pathway_answers(fuel: str, factor_set: str, consumer: str, gwp: str) -> None:
    path = pathway(fuel, factor_set, consumer)
    assert 10 < path.lcv_mj_per_kg < 130
    assert 0 < path.wtt_g_per_mj < 140
    assert 0 <= path.ttw_g_per_mj(gwp) < 115
    assert path.wtw_g_per_mj(gwp) == path.wtt_g_per_mj + path.ttw_g_per_mj(gwp)
    assert 0 <= path.slip_share < 0.2
    assert path.rows
    assert all(math.isfinite(row.value) for row in path.rows)
    assert path.pathway_class in CLASSES
    assert path.families == (FAMILIES if path.family == "oil" else (path.family,) if path.family in FAMILIES else ())


@pytest.mark.parametrize(("fuel", "factor_set", "consumer"), ASKED)
def test_what_a_certificate_fixes_is_asked_for(fuel: str, factor_set: str, consumer: str) -> None:
    with pytest.raises(MissingFactorError, match=r"e_g_per_mj.*wtt_g_per_mj"):
        pathway(fuel, factor_set, consumer)
    assert pathway(fuel, factor_set, consumer, wtt_g_per_mj=-12.5).wtt_g_per_mj == -12.5
    assert math.isnan(pathway(fuel, factor_set, consumer, needs_wtt=False).wtt_g_per_mj)


@pytest.mark.parametrize(("fuel", "factor_set", "consumer"), ASKED)
def test_well_to_tank_from_a_certificate(fuel: str, factor_set: str, consumer: str) -> None:
    """WtT = E - CfCO2 / LCV, so that without CH4, N2O and slip the well-to-wake is E itself."""
    path = pathway(fuel, factor_set, consumer, e_g_per_mj=15.0)
    assert path.wtt_g_per_mj == pytest.approx(15.0 - path.cf_co2_g_per_g * 1000.0 / path.lcv_mj_per_kg, rel=1e-15)
    assert path.certificate_e_g_per_mj == 15.0
    assert path.is_certified


def test_a_renewable_fuel_s_figures_for_orientation_are_never_a_default() -> None:
    for row in load_table("fuel_wtt_examples").rows:
        with pytest.raises(MissingFactorError, match="For orientation only"):
            pathway(row.text("fuel"), consumer="LBSI" if "LNG" in row.text("fuel") else None)


def test_slip_is_methane_and_the_rest_burns() -> None:
    path = pathway("LNG", consumer="otto-medium")
    share, gwp = 0.031, gwp_set("ar4")
    assert path.slip_share == pytest.approx(share, rel=1e-15)
    by_hand = ((1 - share) * (2.75 + 298 * 0.00011) + share * gwp.ch4) / 0.0491
    assert path.ttw_g_per_mj("ar4") == pytest.approx(by_hand, rel=1e-14)
    assert by_hand != pytest.approx((2.75 + 298 * 0.00011) / 0.0491, rel=0.05)


def test_slip_by_mass_is_not_taken_for_per_cent() -> None:
    assert pathway("LNG", "navigate-zcs", "diesel-slow").slip_share == 0.00175
    assert pathway("LNG", "navigate-zcs", "auxiliary").slip_share == 0.114
    assert pathway("LNG", "fueleu", "diesel-slow").slip_share == pytest.approx(0.002, rel=1e-15)


def test_a_given_well_to_tank_tells_the_certificate_it_follows_from() -> None:
    by_e = pathway("e-methanol", e_g_per_mj=12.0)
    by_wtt = pathway("e-methanol", wtt_g_per_mj=by_e.wtt_g_per_mj)
    assert by_wtt.certificate_e_g_per_mj == pytest.approx(12.0, rel=1e-13)
    assert math.isnan(pathway("HFO", wtt_g_per_mj=10.0).certificate_e_g_per_mj)


def test_more_slip_and_larger_potentials_never_emit_less() -> None:
    by_consumer = [pathway("LNG", consumer=c).ttw_g_per_mj("ar5") for c in ("diesel-slow", "otto-slow", "otto-medium")]
    assert by_consumer == sorted(by_consumer)
    assert pathway("LNG", consumer="lbsi").ttw_g_per_mj("ar5") > pathway("LNG", consumer="lbsi").ttw_g_per_mj("ar4")


def test_lng_needs_its_consumer_and_says_which() -> None:
    with pytest.raises(DataError, match="Otto dual-fuel slow speed"):
        pathway("LNG")
    with pytest.raises(DataError, match="give one of: ICE"):
        pathway("HFO", consumer="LBSI")


@pytest.mark.parametrize(
    ("written", "name"), [("mdo", "MDO/MGO"), (" MGO ", "MDO/MGO"), ("lsfo", "VLSFO"), ("nh3", "ammonia")]
)
def test_usual_names(written: str, name: str) -> None:
    assert fuel_name(written) == name


def test_names_and_aliases_are_of_one_fuel_only() -> None:
    seen: dict[str, str] = {}
    for row in load_table("fuel_pathways").rows:
        for name in (row.text("fuel"), *row.text("aliases").split()):
            assert seen.setdefault(name.casefold(), row.text("fuel")) == row.text("fuel")
    assert all(fuel_name(name) == name for name in fuel_names())
    assert all(consumer_name(name.upper()) == name for name in CONSUMERS)


def test_unknown_things_are_refused_with_what_is_known() -> None:
    with pytest.raises(MissingFactorError, match="Near: HFO"):
        pathway("HFOO")
    with pytest.raises(DataError, match="imo-lca"):
        pathway("HFO", "imo")
    with pytest.raises(DataError, match="ar6"):
        gwp_set("ar7")
    with pytest.raises(DataError, match="otto-slow"):
        consumer_name("turbine")
    with pytest.raises(MissingFactorError, match=r"it has in: fueleu"):
        pathway("HVO", "navigate-zcs")


def test_all_faults_of_a_look_up_at_once() -> None:
    with pytest.raises(DataError) as caught:
        pathway("HFO", e_g_per_mj=1e6, wtt_g_per_mj=math.nan)
    assert [fault.where for fault in caught.value.faults] == [
        "e_g_per_mj",
        "wtt_g_per_mj",
        "e_g_per_mj, wtt_g_per_mj",
        "e_g_per_mj",
    ]


def test_a_set_never_mixes_heating_values() -> None:
    """The conflict of heating values stays visible: 40.5, 40.2 and 41.2 for residual oil, each in its own set."""
    found = {name: pathway("VLSFO", name).lcv_mj_per_kg for name in FACTOR_SETS}
    assert found == {"fueleu": 40.5, "imo-lca": 40.2, "navigate-zcs": 41.2}
    assert pathway("VLSFO").grade == "D"
    assert any("our assumption" in note for note in pathway("VLSFO").notes)


def test_density_and_pilot_fuel_are_given_or_nan() -> None:
    assert pathway("methanol").density_t_per_m3 == 0.791
    assert math.isnan(pathway("HFO").density_t_per_m3)
    assert pathway("methanol").pilot_share == 0.05
    assert pathway("LNG", consumer="lbsi").pilot_share == 0.015
    assert pathway("HFO").pilot_share == 0.0
    assert math.isnan(pathway("hydrogen").pilot_share)


@given(e=st.floats(-100, 100), higher=st.floats(0, 50))
def test_a_larger_certificate_value_never_gives_less_well_to_wake(e: float, higher: float) -> None:
    low, high = (pathway("HVO", e_g_per_mj=value).wtw_g_per_mj("ar4") for value in (e, e + higher))
    assert high >= low


def test_the_catalogue_refers_to_rows_that_exist() -> None:
    for row in load_table("fuel_pathways").rows:
        for column, quantity in (("factors", "lcv"), ("gases", "cf_n2o"), ("slip", "slip"), ("density", "density")):
            if row.text(column):
                assert fuels._referred(row.text(column), quantity).value >= 0.0
