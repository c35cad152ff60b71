"""The shipped tables: complete, checked, each row with its provenance, and equal to the constants in compiled code."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from sealane.emissions import low_load, propulsion, ship_classes
from sealane.errors import MissingFactorError, ReferenceDataError
from sealane.reference import list_factors, load_table, read_table, table_names
from sealane.reference.loader import TABLES_DIR
from sealane.reference.tables import SPECS

SIZED = [spec for spec in SPECS if spec.size_range is not None]
PRIVATE = re.compile(r"/work\b|\.\./shared|text id \d|\bfind_string\b|https?://", re.IGNORECASE)


@pytest.mark.parametrize("name", table_names())
def test_every_shipped_table_loads_and_every_row_has_its_provenance(name: str) -> None:
    rows = list_factors(name)
    assert rows
    for row in rows:
        assert row.table == name
        assert len(row.source) > 3
        assert len(row.edition) > 3
        assert not PRIVATE.search(row.source + row.edition)
        assert row.grade in "ABCD"
        assert row.valid_from.year >= 1900
        if row.grade == "D":
            said = f"{row.source} {' '.join(text for _, text in row.texts)}".lower()
            assert "assumption" in said or dict(row.texts).get("note")


def test_list_factors_without_a_name_lists_all_tables() -> None:
    assert len(list_factors()) == sum(len(list_factors(name)) for name in table_names())
    with pytest.raises(MissingFactorError, match="Near: ogv_nox"):
        list_factors("ogv_noxx")


def test_list_factors_takes_part_of_a_table_name_or_of_a_row() -> None:
    assert {row.table for row in list_factors("NOX")} == {"ogv_nox", "nox_tier", "nox_area"}
    rows = list_factors("propulsion/SSD/MGO")
    assert {row.table for row in rows} == {"ogv_bsfc", "ogv_nox", "ogv_ch4_n2o"}
    assert all("propulsion/SSD/MGO" in row.label for row in rows)


@pytest.mark.parametrize("spec", SIZED, ids=lambda spec: spec.name)
def test_size_ranges_answer_over_the_whole_input_range(spec: object) -> None:
    """Every group of every sized table answers for any size from 0 to infinity, at its borders too."""
    assert spec in SPECS
    table = load_table(spec.name)  # type: ignore[attr-defined]  # parametrised as object for its id
    low, high = table.spec.size_range or ("", "")
    others = [name for name in table.spec.keys if name not in (low, high)]
    groups = {tuple(row.text(name) for name in others) for row in table.rows}
    borders = sorted({float(row.text(low)) for row in table.rows})
    sizes = {*borders, *(border + 0.5 for border in borders), *(border - 0.5 for border in borders if border), 1e9}
    for group in groups:
        keys = dict(zip(others, group, strict=True))
        for size in sizes:
            rows = table.in_range(size, **keys)
            assert len(rows) == 1
            assert float(rows[0].text(low)) <= size < float(rows[0].text(high))


def test_a_shipped_table_with_a_row_taken_out_is_refused(tmp_path: Path) -> None:
    """Negative control for the tiling of the shipped tables."""
    spec = next(spec for spec in SPECS if spec.name == "hotel_load_imo4")
    lines = (TABLES_DIR / f"{spec.name}.csv").read_text(encoding="utf-8").splitlines()
    gapped = [line for line in lines if not line.startswith("auxiliary,container,TEU,3000,5000,berth")]
    assert len(gapped) == len(lines) - 1
    (tmp_path / "gapped.csv").write_text("\n".join(gapped))
    with pytest.raises(ReferenceDataError, match="gap: starts at 5000"):
        read_table(spec, tmp_path / "gapped.csv")


def test_every_csv_of_a_published_number_is_in_the_catalogue_and_the_readme() -> None:
    readme = (TABLES_DIR / "README.md").read_text(encoding="utf-8")
    for path in TABLES_DIR.glob("*.csv"):
        assert f"`{path.stem}`" in readme, f"{path.name} is not described in tables/README.md"
    for name in table_names():
        assert (TABLES_DIR / f"{name}.csv").exists()


def test_class_tables_are_listed_as_the_ship_classes_read_them() -> None:
    own = (ship_classes.AIS_TYPE_SPEC, ship_classes.NEAREST_SPEC, ship_classes.SIZE_BIN_SPEC)
    assert [spec for spec in own if spec not in SPECS] == []


def test_fuel_mix_shares_sum_to_one() -> None:
    table = load_table("ogv_fuel_mix")
    groups = {(r.text("engine_group"), r.text("engine"), r.text("place")) for r in table.rows}
    for group, engine, place in groups:
        rows = table.find(engine_group=group, engine=engine, place=place)
        assert sum(row.value for row in rows) == 1.0


@pytest.mark.parametrize(
    ("method", "symbol", "value"),
    [
        ("epa-2022", "service_to_max_speed", propulsion.SERVICE_TO_MAX_SPEED),
        ("epa-2022", "load_floor", propulsion.LOAD_FLOOR),
        ("epa-2022", "load_cap", propulsion.LOAD_CAP),
        ("epa-2022", "draught_exponent", propulsion.DRAUGHT_EXPONENT),
        ("epa-2022", "low_load_limit", low_load.LOW_LOAD_LIMIT),
        ("epa-2022", "llaf_so2_per_load", low_load.SO2_PER_LOAD),
        ("epa-2022", "llaf_so2_constant", low_load.SO2_CONSTANT),
        ("epa-2022", "llaf_so2_min_sulphur", 100 * low_load.SO2_MIN_SULPHUR_FRACTION),
        ("imo4-2020", "load_sfc_quadratic", propulsion.LOAD_SFC_QUADRATIC),
        ("imo4-2020", "load_sfc_linear", propulsion.LOAD_SFC_LINEAR),
        ("imo4-2020", "load_sfc_constant", propulsion.LOAD_SFC_CONSTANT),
    ],
)
def test_constants_of_compiled_formulas_equal_their_rows(method: str, symbol: str, value: float) -> None:
    assert load_table("method_constants").row(method, symbol).value == value


def test_fueleu_rows_give_the_published_well_to_wake_values() -> None:
    """Regulation (EU) 2023/1805: WtW = WtT + (CfCO2 + GWP CfCH4 + GWP CfN2O) / LCV; 91.60123 and 90.63185 with AR5."""
    table = load_table("fueleu_annex2_fossil")
    gwp = {gas: load_table("gwp100").row("ar5", gas).value for gas in ("ch4", "n2o")}
    for fuel, published in (("HFO", 91.60123), ("LFO", 91.25122), ("MDO/MGO", 90.63185)):
        value = {row.text("quantity"): row.value for row in table.find(fuel=fuel, consumer="ICE")}
        burnt = value["cf_co2"] + gwp["ch4"] * value["cf_ch4"] + gwp["n2o"] * value["cf_n2o"]
        assert value["wtt"] + burnt / (value["lcv"] / 1000) == pytest.approx(published, rel=1e-6)


def test_text_tables_have_no_number() -> None:
    assert all(math.isnan(row.value) for row in list_factors("ship_type_map"))
    assert load_table("ship_type_map").row("Fully Cellular Container").text("imo_ship_type") == "container.ship"
