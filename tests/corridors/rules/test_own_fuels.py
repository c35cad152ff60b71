"""A file of the user's own fuels: read from CSV and YAML, refused as a whole with every fault, first in look-ups."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealane.corridors.fuel_file import read_fuels
from sealane.corridors.fuels import pathway
from sealane.errors import DataError, FileFormatError

HEADER = (
    "fuel,class,family,consumer,source,lcv_mj_per_kg,wtt_g_per_mj,cf_co2_g_per_g,cf_ch4_g_per_g,cf_n2o_g_per_g,"
    "slip_pct,density_t_per_m3,pilot_share,e_g_per_mj"
)
GOOD = "bio-oil,bio,oil,,Supplier's data sheet,37.5,-60,2.9,0.00005,0.00018,0,0.9,,12"
GAS = "own-gas,fossil,methane,{consumer},Data sheet,49,18,2.75,0,0.0001,{slip},,,"


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_csv_and_yaml_give_the_same_fuel(tmp_path: Path) -> None:
    table = read_fuels(write(tmp_path / "own.csv", GOOD))
    document = tmp_path / "own.yaml"
    pairs = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    lines = [f"    {name}: {value}" for name, value in pairs.items() if value]
    document.write_text("fuels:\n  -\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert repr(read_fuels(document)) == repr(table)
    (fuel,) = table
    assert (fuel.lcv_mj_per_kg, fuel.wtt_g_per_mj, fuel.status, fuel.grade) == (37.5, -60.0, "user", "D")
    assert fuel.pilot_share == 0.0
    assert "Supplier's data sheet" in fuel.notes[0]


def test_own_fuels_go_before_the_catalogue(tmp_path: Path) -> None:
    own = read_fuels(write(tmp_path / "own.csv", GOOD.replace("bio-oil", "hfo")))
    assert pathway("HFO", own=own).lcv_mj_per_kg == 37.5
    assert pathway("HFO").lcv_mj_per_kg == 40.5
    with pytest.raises(DataError, match="a fuel of your own"):
        pathway("HFO", own=own, wtt_g_per_mj=1.0)


def test_own_fuel_by_consumer(tmp_path: Path) -> None:
    rows = (GAS.format(consumer="lbsi", slip=2.0), GAS.format(consumer="otto-slow", slip=1.0))
    own = read_fuels(write(tmp_path / "own.csv", *rows))
    assert pathway("own-gas", consumer="LBSI", own=own).slip_share == 0.02
    assert pathway("own-gas", consumer="otto-slow", own=own).slip_share == 0.01
    with pytest.raises(DataError, match="LBSI, Otto dual-fuel slow speed"):
        pathway("own-gas", own=own)
    with pytest.raises(DataError, match="Otto dual-fuel medium speed"):
        pathway("own-gas", consumer="otto-medium", own=own)


def test_all_faults_at_once_with_their_row_and_a_hint(tmp_path: Path) -> None:
    bad = write(
        tmp_path / "own.csv",
        "x,green,oil,,a,0.0405,1,1,0,0,,,,",
        ",bio,wind,turbine,,40,a,1,0,0,,900,5,",
        GOOD,
        GOOD,
    )
    with pytest.raises(DataError) as caught:
        read_fuels(bad)
    text = str(caught.value)
    for part in (
        "row 2, class: 'green'",
        "row 2, lcv_mj_per_kg: '0.0405'",
        "were MJ/g given",
        "row 3, fuel: empty",
        "row 3, source: empty",
        "row 3, family: 'wind'",
        "row 3, consumer: 'turbine'",
        "row 3, wtt_g_per_mj: 'a'",
        "row 3, density_t_per_m3: '900'",
        "were kg per m3 given",
        "were per cent given",
        "row 5: bio-oil again",
    ):
        assert part in text


def test_what_is_no_file_of_fuels(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist"):
        read_fuels(tmp_path / "none.csv")
    with pytest.raises(DataError, match="no fuel"):
        read_fuels(write(tmp_path / "empty.csv"))
    with pytest.raises(DataError, match="unknown field"):
        read_fuels(write(tmp_path / "own.csv", GOOD + ",1", header=HEADER + ",heat"))
    for name, text in (("a.yaml", "- 1"), ("b.yaml", "fuels: 3"), ("c.yaml", "fuels: [1]"), ("d.yaml", "fuels: [")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises((FileFormatError, DataError)):
            read_fuels(tmp_path / name)
