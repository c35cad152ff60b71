"""Published answers of EPA-420-B-22-011 and USEPA's Marine Emissions Tools, file by file as in tests/golden."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sealane.emissions.emission_factors import emission_factor
from sealane.emissions.formulas import calc
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.low_load import low_load_factor
from sealane.emissions.propulsion import max_speed_from_service, propulsion_load, propulsion_power

GOLDEN = Path(__file__).parents[1] / "golden"
ROUNDING = 1e-9


def read_golden(name: str) -> list[dict[str, str]]:
    lines = (GOLDEN / name).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# Source: "), "an expected value needs its publication"
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


VIGNETTE = read_golden("epa_shipef_vignette_loads.csv")
TABLE_3_10 = read_golden("epa_420_b_22_011_table_3_10_llaf.csv")
TOOLS = read_golden("epa_marine_emissions_tools_factors.csv")
COLUMNS_3_10 = {
    "NOx": ("nox", "n2o"),
    "HC": ("hc", "ch4"),
    "CO": ("co",),
    "PM": ("pm10", "pm25", "dpm", "bc"),
    "CO2": ("co2",),
    "SO2": ("so2",),
}


def test_golden_files_are_complete() -> None:
    assert (len(VIGNETTE), len(TABLE_3_10), len(TOOLS)) == (28, 19, 15)


@pytest.mark.parametrize("row", VIGNETTE, ids=lambda row: f"ship{row['ship']}-row{row['row']}")
def test_shipef_vignette_propulsion_power_and_load(row: dict[str, str]) -> None:
    installed_kw, speed_kn, service_kn = (float(row[name]) for name in ("installed_kw", "speed_kn", "service_kn"))
    draught_m, max_draught_m = float(row["draft_m"]), float(row["max_draft_m"])
    margin = float(row["service_margin_pct"]) / 100
    max_kn = max_speed_from_service(service_kn)
    power = propulsion_power(installed_kw, speed_kn, max_kn, margin, draught_m, max_draught_m)
    load = propulsion_load(speed_kn, max_kn, margin, draught_m, max_draught_m)
    assert power == pytest.approx(float(row["main_kw"]), rel=1e-6)
    # The load factor is printed with 6 decimals, so half a unit of the last one is allowed on top.
    assert load == pytest.approx(float(row["load_factor"]), rel=1e-6, abs=5e-7 + ROUNDING)
    assert load == pytest.approx(float(row["main_kw"]) / installed_kw, rel=1e-6)
    by_hand = calc(
        "propulsion-power",
        installed_kw=installed_kw,
        service_speed_kn=service_kn,
        speed_kn=speed_kn,
        draught_m=draught_m,
        max_draught_m=max_draught_m,
        sea_margin=margin,
    )
    assert (by_hand.value, by_hand.extra["load_factor"]) == (power, load)


@pytest.mark.parametrize(
    "row", TOOLS, ids=lambda row: "-".join(row[n] for n in ("pollutant", "engine", "fuel", "tier"))
)
def test_marine_emissions_tools_unit_test_values(row: dict[str, str]) -> None:
    expected = pytest.approx(float(row["g_per_kwh"]), rel=1e-5)
    assert emission_factor(row["pollutant"], row["engine"], row["fuel"] or None, int(row["tier"])).value == expected
    by_hand = calc(
        "emission-factor",
        pollutant=row["pollutant"],
        engine=row["engine"],
        fuel=row["fuel"] or None,
        tier=row["tier"],
    )
    assert by_hand.value == expected
    assert by_hand.unit == "g/kWh"


@pytest.mark.parametrize("row", TABLE_3_10, ids=lambda row: f"load{row['load_pct']}")
@pytest.mark.parametrize("column", COLUMNS_3_10)
def test_epa_table_3_10_low_load_adjustment(row: dict[str, str], column: str) -> None:
    for pollutant in COLUMNS_3_10[column]:
        factor = low_load_factor(pollutant, float(row["load_pct"]) / 100, sulphur_pct=0.1)
        assert abs(factor - float(row[column])) <= 0.005 + ROUNDING


@pytest.mark.parametrize("row", VIGNETTE, ids=lambda row: f"ship{row['ship']}-row{row['row']}")
def test_shipef_vignette_hotel_loads(row: dict[str, str]) -> None:
    """Ship 1 is a General Cargo/Largest, ship 2 a Container Ship/5,000 TEU; the row at 3 kn lies at anchor."""
    ship_class, subtype = {"1": ("General Cargo", "Largest"), "2": ("Container Ship", "5,000 TEU")}[row["ship"]]
    under_way = "manoeuvring" if float(row["load_factor"]) <= 0.2 else "transit"
    mode = {"0": "berth", "3": "anchorage"}.get(row["speed_kn"], under_way)
    loads = hotel_load(ship_class, subtype, mode)
    assert (loads.aux_kw, loads.boiler_kw) == (float(row["aux_kw"]), float(row["boiler_kw"]))


def test_a_wrong_law_would_be_caught() -> None:
    """Negative control: the published loads tell the 15 % from the 10 % margin and the draught term from none."""
    row = VIGNETTE[2]
    max_kn = max_speed_from_service(float(row["service_kn"]))
    speed_kn, draught_m, max_draught_m = (float(row[name]) for name in ("speed_kn", "draft_m", "max_draft_m"))
    published = pytest.approx(float(row["load_factor"]), rel=1e-4)
    assert propulsion_load(speed_kn, max_kn, 0.15, draught_m, max_draught_m) == published
    assert propulsion_load(speed_kn, max_kn, 0.10, draught_m, max_draught_m) != published
    assert propulsion_load(speed_kn, max_kn, 0.15, 0.0, max_draught_m) != published
    assert propulsion_load(speed_kn, float(row["service_kn"]), 0.15, draught_m, max_draught_m) != published
