"""The method pages say what the tables hold: rows by grade, symbols once, every option of a formula explained."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from sealane.emissions.fuel_rules import regime_table
from sealane.emissions.hotel_loads import HOTEL_TABLES
from sealane.reference import load_table
from sealane.reference.tables import SPECS

DOCS = Path(__file__).parents[2] / "docs"
OGV = (DOCS / "method" / "ogv.md").read_text(encoding="utf-8")
NOMENCLATURE = (DOCS / "reference" / "nomenclature.md").read_text(encoding="utf-8")
OTHER_ROOMS = ("ais_type", "class_nearest", "ports_", "oakland_")  # described on pages of their own


def grades_table() -> str:
    """Rows of each table by grade, as the page must show them."""
    lines = ["| table | A | B | C | D |", "|---|---|---|---|---|"]
    for name in (spec.name for spec in SPECS):  # those of corridors are described on their own method pages
        if name.startswith(OTHER_ROOMS):
            continue
        count = Counter(row.grade for row in load_table(name).rows)
        lines.append(f"| `{name}` | " + " | ".join(str(count[grade] or "") for grade in "ABCD") + " |")
    return "\n".join(lines)


def test_rows_by_grade_are_current() -> None:
    shown = OGV.split("<!-- grades -->")[1].split("<!-- /grades -->")[0].strip()
    assert shown == grades_table(), f"put this between the marks of docs/method/ogv.md:\n{grades_table()}"


def test_fuel_rules_on_the_page_are_those_of_the_tables() -> None:
    for regime in regime_table():
        place = "inside an ECA" if regime.inside_eca else "outside"
        grade = max(row.grade for row in regime.rows)
        line = f"| {place} | {regime.valid_from} | {regime.fuel} | {regime.sulphur_pct} % | {grade} |"
        assert line in OGV


def test_global_warming_potentials_on_the_page_are_those_of_the_table() -> None:
    for name in ("ar4", "ar5", "ar6"):
        ch4, n2o = (load_table("gwp100").row(name, gas).value for gas in ("ch4", "n2o"))
        assert re.search(rf"\| {name.upper()}[^|]*\| {ch4:g} \| {n2o:g} \|", OGV)


def test_every_hotel_table_is_named() -> None:
    assert [name for name in HOTEL_TABLES if f"`{name}`" not in OGV] == []


def test_each_symbol_is_listed_once() -> None:
    symbols = [line.split("|")[1].strip() for line in NOMENCLATURE.splitlines() if line.startswith("| ")][1:]
    listed = [part.strip() for symbol in symbols for part in symbol.split(",")]
    assert sorted(listed) == sorted(set(listed))
    used = set(
        re.findall(
            r"\b(?:LLAF|BSFC|SFC_base|P_inst|v_max|v_service|d_max|d_d|v_d|PM_base|FSC|MWR|LCV|WtT|SM|LF)\b", OGV
        )
    )
    assert used <= set(listed)
    assert len(used) > 10
