"""The carbon intensity indicator against published answers: worked example of MEPC.354(78), MEPC.353(78) recomputed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sealane.corridors.rules import cii
from sealane.reference import load_table

GOLDEN = Path(__file__).parents[2] / "golden" / "cii_published.csv"


def golden() -> list[dict[str, str]]:
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def half_a_digit(text: str) -> float:
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


@pytest.mark.parametrize("row", [r for r in golden() if r["id"] == "CII1"], ids=lambda r: r["quantity"])
def test_mepc_354_78_example_boundaries(row: dict[str, str]) -> None:
    """Required CII of 10 g: the boundary is 10 exp(d)."""
    found = load_table("cii_rating_boundaries").in_range(
        50_000.0, boundary=row["quantity"], ship_type=row["ship_type"], size_unit="DWT"
    )
    assert 10.0 * found[0].value == pytest.approx(float(row["published"]), abs=half_a_digit(row["published"]))


@pytest.mark.parametrize(
    "row", [r for r in golden() if r["id"] == "CII2"], ids=lambda r: f"{r['quantity']}-{r['year']}"
)
def test_mepc_353_78_container_150000_dwt(row: dict[str, str]) -> None:
    need = cii.required(row["ship_type"], int(row["year"]), dwt=float(row["dwt"]))
    value = need.reference.value if row["quantity"] == "reference" else need.value
    assert value == pytest.approx(float(row["published"]), abs=half_a_digit(row["published"]))


def test_a_wrong_parameter_would_be_seen() -> None:
    """Negative control: the superseded reduction of another year misses the published figure."""
    need = cii.required("container", 2025, dwt=150_000.0)
    assert need.value != pytest.approx(5.198, abs=half_a_digit("5.198"))
