"""The ship-year file and the measures file: every fault at once, with row, column and what was probably meant."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from sealane.corridors.fuel_file import read_fuels
from sealane.corridors.rules.fueleu import assess
from sealane.corridors.rules.ship_year_file import (
    MEASURE_COLUMNS,
    SHIP_YEAR_ALIASES,
    SHIP_YEAR_COLUMNS,
    read_measures,
    read_ship_years,
)
from sealane.errors import DataError, FileFormatError

HEADER = "ship,imo,year,ship_type,dwt_t,gt,distance_nm,fuel,consumer,mass_t,scope,e_g_per_mj,shore_power_mwh,wind_ratio"
ROWS = (
    "Alpha,9074729,2025,container,150000,140000,90000,HFO,,12000,intra-eea,,250,0.06",
    "Alpha,,2025,,,,,MDO,,1400,intra-eea,,,",
    "Beta,,2025,container,80000,75000,80000,LNG,diesel-slow,5000,extra-eea,,,",
    "Beta,,2025,,,,,FAME,,200,at-berth,14.9,,",
    "Beta,,2026,,,75000,,HFO,,9000,outside,,,",
)


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def faults_of(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_ship_years(path)
    return str(caught.value)


def test_rows_become_ship_years(tmp_path: Path) -> None:
    alpha, beta, later = read_ship_years(write(tmp_path / "s.csv", *ROWS))
    assert (alpha.ship, alpha.year, alpha.imo, alpha.gt, alpha.distance_nm) == ("Alpha", 2025, 9074729, 140000, 90000)
    assert alpha.shore_power_mj == pytest.approx(250 * 3600)
    assert alpha.wind_ratio == 0.06
    assert [(use.fuel, use.mass_t, use.scope) for use in alpha.fuels] == [
        ("HFO", 12000, "intra-eea"),
        ("MDO/MGO", 1400, "intra-eea"),
    ]
    assert beta.fuels[0].consumer == "Diesel dual-fuel slow speed"
    assert beta.fuels[1].e_g_per_mj == 14.9
    assert beta.fuels[1].where == "s.csv row 5"
    assert (later.year, later.fuels[0].scope, later.deficit_years) == (2026, "outside", 1)


def test_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    shuffled = list(ROWS)
    random.Random(4).shuffle(shuffled)
    expected = [assess(entry) for entry in read_ship_years(write(tmp_path / "a.csv", *ROWS))[:2]]
    assert [assess(entry) for entry in read_ship_years(write(tmp_path / "b.csv", *shuffled))[:2]] == expected


def test_a_row_split_in_two_gives_the_same(tmp_path: Path) -> None:
    halves = [ROWS[0].replace(",12000,", ",6000,")] * 2
    whole = read_ship_years(write(tmp_path / "a.csv", ROWS[0]))[0]
    split = read_ship_years(write(tmp_path / "b.csv", *halves))[0]
    assert len(split.fuels) == 2
    assert assess(split) == assess(whole)


def test_excel_reads_like_csv(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    assert book.active is not None
    for line in (HEADER, *ROWS):
        cells = line.split(",")
        book.active.append([float(c) if c.replace(".", "", 1).isdigit() else c or None for c in cells])
    book.save(tmp_path / "s.xlsx")
    table = read_ship_years(write(tmp_path / "s.csv", *ROWS))
    renamed = [
        replace(entry, fuels=tuple(replace(use, where=use.where.replace("xlsx", "csv")) for use in entry.fuels))
        for entry in read_ship_years(tmp_path / "s.xlsx")
    ]
    assert tuple(renamed) == table


def test_all_faults_at_once_even_in_a_row_that_has_another(tmp_path: Path) -> None:
    text = faults_of(
        write(
            tmp_path / "s.csv",
            "Alpha,9074728,2025,,,140000,,HFO,,12000000,intra-eea,,,",
            "Alpha,,2025,,,130000,,MDO,steam,1400,inside,,,12",
            ",,2025,,,,,HFOO,,x,extra-eea,,,",
            "Gamma,,20255,,,,,HFO,,1,,,,",
        )
    )
    for part in (
        "row 2, column imo: '9074728'",
        "row 2, column mass_t: '12000000'",
        "were kg given for t?",
        "row 3, column gt: 130000.0, but 140000.0 in row 2",
        "row 3, column consumer: 'steam'",
        "row 3, column scope: 'inside'",
        "row 3, column wind_ratio: '12'",
        "were per cent given?",
        "row 4, column ship: empty",
        "row 4, column fuel: 'HFOO'",
        "row 4, column mass_t: 'x'",
        "row 5, column year: '20255'",
        "row 5, column scope: empty",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,,2025,,,50000,60000,HFO,,12,intra-eea,,,", "were kilotonnes given for tonnes?"),
        ("A,,2025,,,50000,60,HFO,,12000,intra-eea,,,", "were kg given for tonnes, or is the distance short?"),
        ("A,,2025,,150,,,HFO,,12000,intra-eea,,,", None),
        ("A,,2025,,15,,,HFO,,12000,intra-eea,,,", "were kilotonnes given, or kg?"),
        ("A,,2025,,,,900000,HFO,,12000,intra-eea,,,", "were metres or km given?"),
        ("A,,2025,,,,,HFO,,12000,intra-eea,,2500000,", "were kWh given for MWh?"),
        ("A,,2025,,,,,FAME,,12000,intra-eea,14900,,", "g per MJ, not per kg"),
        ('A,,2025,,,,,HFO,,"12,000",intra-eea,,,', "no thousands separator"),
    ],
)
def test_unit_mistakes_are_caught_and_named(tmp_path: Path, row: str, said: str | None) -> None:
    path = write(tmp_path / "s.csv", row)
    if said is None:
        read_ship_years(path)
    else:
        assert said in faults_of(path)


def test_other_headings_and_their_units(tmp_path: Path) -> None:
    header = "Ship Name,Year,Fuel,Mass kg,Scope,Gross tonnage,Shore power (kWh),Note"
    (entry,) = read_ship_years(
        write(tmp_path / "s.csv", "A,2025,HFO,12000,Intra EEA,6000,1000,free words", header=header)
    )
    assert (entry.fuels[0].mass_t, entry.gt, entry.fuels[0].scope) == (12.0, 6000.0, "intra-eea")
    assert entry.shore_power_mj == pytest.approx(3600.0)
    assert {name for name, _ in SHIP_YEAR_ALIASES.values()} <= set(SHIP_YEAR_COLUMNS)


def test_wrong_headings_are_told_first_and_together(tmp_path: Path) -> None:
    text = faults_of(write(tmp_path / "s.csv", "A,1,2", header="ship,yeer,dwt,dwt_t"))
    for part in ("column yeer: unknown column", "Did you mean year", "same as column dwt", "no column fuel"):
        assert part in text


def test_what_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist"):
        read_ship_years(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(FileFormatError, match="holds no table"):
        read_ship_years(tmp_path / "empty.csv")
    assert "a header but no row" in faults_of(write(tmp_path / "head.csv"))
    assert "15 cells under 14 headings" in faults_of(write(tmp_path / "wide.csv", ROWS[0] + ",more"))
    assert "the formula has none" in faults_of(write(tmp_path / "f.csv", "A,,2025,,,,,HFO,,=A1,intra-eea,,,"))


def test_own_fuels_are_known(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "fuel,class,source,lcv_mj_per_kg,wtt_g_per_mj,cf_co2_g_per_g,cf_ch4_g_per_g,cf_n2o_g_per_g\n"
        "Bio-oil,bio,data sheet,37,-60,2.9,0,0\n",
        encoding="utf-8",
    )
    path = write(tmp_path / "s.csv", "A,,2025,,,,,bio-OIL,,100,intra-eea,,,")
    assert "No fuel 'bio-OIL' is held" in faults_of(path)
    fuels = read_fuels(own)
    (entry,) = read_ship_years(path, fuels)
    assert assess(entry, own=fuels).energy_mj == pytest.approx(100e3 * 37)


def test_measures(tmp_path: Path) -> None:
    header = ",".join(MEASURE_COLUMNS)
    path = write(tmp_path / "m.csv", "A,2025,Bank,,70", "B,2025,pool,one,", header=header)
    first, second = read_measures(path)
    assert (first.action, first.amount_t, first.where) == ("bank", 70.0, "m.csv row 2")
    assert (second.pool, second.amount_t) == ("one", None)
    with pytest.raises(DataError) as caught:
        read_measures(write(tmp_path / "b.csv", "A,2024,bank,,x", ",2025,,,9e9", header=header))
    text = str(caught.value)
    for part in ("row 2, column year", "row 2, column amount_t", "row 3, column ship", "row 3, column action", "grams"):
        assert part in text


def test_every_column_is_described() -> None:
    for field in (*SHIP_YEAR_COLUMNS.values(), *MEASURE_COLUMNS.values()):
        assert field.meaning
        assert field.unit


def test_bounds_are_told_as_they_are_meant(tmp_path: Path) -> None:
    negative = faults_of(write(tmp_path / "s.csv", "A,,2025,,,,,HFO,,-5000,intra-eea,,,"))
    assert negative.endswith("column mass_t: '-5000'. Give t from 0 to 200,000")
    year = faults_of(write(tmp_path / "s.csv", "A,,20255,,,,,HFO,,12,intra-eea,,,"))
    assert year.endswith("column year: '20255'. Give year from 2018 to 2100")
