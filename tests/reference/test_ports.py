"""The table of ports and the verified codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealane.errors import DataError, ReferenceDataError
from sealane.movement.geodesy import great_circle_nm
from sealane.reference.ports import TABLES, all_ports, find_port, limit_radius, port, read_ports, verified_locodes

PARTNERS = [
    "USLAX",
    "USLGB",
    "USOAK",
    "USNTD",
    "USSAN",
    "JPTYO",
    "JPYOK",
    "JPNGO",
    "CNSHA",
    "SGSIN",
    "KRPUS",
    "KRINC",
    "TWKEL",
    "TWKHH",
    "MXLZC",
    "VNSGN",
    "AUSYD",
    "CLVAP",
    "CNGGZ",
    "CNDLC",
    "ITNAP",
    "ITSAL",
    "ITCAS",
    "SEGOT",
    "SEMMA",
    "DKCPH",
    "IDJKT",
    "USNYC",
    "USSFO",
    "USORF",
]


def test_the_whole_world_port_index_is_there() -> None:
    assert len(all_ports()) == 3768
    assert all(abs(p.lat) <= 90.0 and abs(p.lon) <= 180.0 and p.source for p in all_ports())


@pytest.mark.parametrize("locode", PARTNERS)
def test_partner_ports_are_found_by_their_un_locode(locode: str) -> None:
    found = port(locode)
    assert found.locode == locode
    assert found.grade in ("A", "B")
    assert "UN/LOCODE" in found.source


def test_every_verified_code_is_unique_and_answers() -> None:
    codes = verified_locodes()
    assert len(set(codes)) == len(codes) >= 30
    assert all(find_port(code) is not None for code in codes)


def test_known_distances_between_ports_hold() -> None:
    """Los Angeles to Yokohama: about 4,780 nm on the great circle (project's design notes)."""
    a, b = port("USLAX"), port("JPYOK")
    assert great_circle_nm(a.lat, a.lon, b.lat, b.lon) == pytest.approx(4780.0, rel=0.01)


def test_case_and_blanks_do_not_matter_and_wpi_codes_answer_at_grade_c() -> None:
    assert port("us nyc") == port("USNYC")
    unverified = port("NLRTM")
    assert unverified.name.startswith("Rotterdam")
    assert unverified.grade == "C"
    assert "not verified" in unverified.note


def test_an_unknown_port_says_what_is_near_and_what_to_do() -> None:
    with pytest.raises(DataError, match=r"(?s)Unknown port 'USLXA'.*Did you mean .*zone file"):
        port(" USLXA ".strip())
    with pytest.raises(DataError, match=r"Did you mean USOAK|USOAK \(Oakland\)"):
        port("Oakland")


def test_limit_radii_are_assumptions_and_say_so() -> None:
    assert limit_radius("JPTYO").radius_nm == 12.0
    assert limit_radius("USNYC").radius_nm == 25.0
    assert limit_radius("USNYC").grade == "D"
    assert "assumption" in limit_radius("USNYC").source


def test_a_broken_table_lists_all_its_faults(tmp_path: Path) -> None:
    good = (TABLES / "ports.csv").read_text(encoding="utf-8").splitlines()
    broken = tmp_path / "ports.csv"
    row = "7640,New York City,,United States,40.7,-74.016667,USNYC,NGA Pub. 150,copy,A,2000-01-01"
    broken.write_text(
        "\n".join([good[0], row, row, row.replace("40.7", "north"), row.replace("7640", "1").replace("40.7", "140.7")])
        + "\n",
        encoding="utf-8",
    )
    with pytest.raises(ReferenceDataError) as caught:
        read_ports(broken, TABLES / "ports_locode.csv")
    text = str(caught.value)
    assert "line 3: New York City again" in text
    assert "line 4: cannot be read" in text
    assert "line 5: position 140.7" in text
    assert "ports_locode.csv line 2: wpi_number 16080" in text
