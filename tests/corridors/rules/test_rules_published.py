"""Published answers of the rules, as they stand in their sources (`tests/golden/rules_published.csv`)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from sealane.corridors.fuels import pathway
from sealane.corridors.rules import eu_ets, fueleu, net_zero
from sealane.corridors.rules.formulas import calc, parse_fuel
from sealane.corridors.rules.fueleu_flexibility import borrowing_cap_g, repayment_g
from sealane.corridors.rules.ship_year import ShipYear
from sealane.errors import Fault

GOLDEN = Path(__file__).parents[2] / "golden" / "rules_published.csv"
with GOLDEN.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


def options(inputs: str) -> dict[str, str]:
    """``LNG consumer=LBSI gwp=ar4`` to its parts; the words before the first key are the fuel."""
    found = dict(re.findall(r"(\S+)=((?:(?! \S+=).)*)", inputs))
    return {"fuel": re.split(r" ?\S+=", inputs, maxsplit=1)[0], **found}


def ours(row: dict[str, str]) -> float:
    kind, quantity, given = row["id"], row["quantity"], options(row["inputs"])
    if kind in ("FEU1", "ETS1"):
        scope, year = given.pop("scope"), int(given.pop("year", "2026"))
        gwp = given.pop("gwp", "ar5")
        faults: list[Fault] = []
        texts = [f"{name}={mass},scope={scope}" for name, mass in given.items() if name != "fuel"]
        uses = [parse_fuel(text, faults) for text in texts]
        assert not faults
        ship_year = ShipYear("published", year, tuple(use for use in uses if use is not None))
        result = fueleu.assess(ship_year, gwp) if kind == "FEU1" else eu_ets.assess(ship_year, gwp)
        return float(getattr(result, quantity))
    if kind in ("FEU2", "WTW"):
        path = pathway(given["fuel"], "fueleu", given["consumer"])
        return path.ttw_g_per_mj(given["gwp"]) if kind == "FEU2" else path.wtw_g_per_mj(given["gwp"])
    if kind == "LCA":
        return pathway(given["fuel"], "imo-lca", given["consumer"]).wtw_g_per_mj(given["gwp"])
    if kind == "BIO":
        return pathway(given["fuel"], consumer=given["consumer"], e_g_per_mj=float(given["e"])).wtt_g_per_mj
    if kind == "FEU-LIMIT":
        return fueleu.limit_g_per_mj(int(given["year"]))
    if kind == "NZF":
        return net_zero.target_g_per_mj(int(given["year"]), quantity.split("_", 1)[0], drafts=True)
    if quantity == "borrowing_cap_g":
        return borrowing_cap_g(int(given["year"]), float(given["energy_mj"]))
    return repayment_g(float(given["borrowed_g"]))


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['id']}-{r['quantity']}-{n}" for n, r in enumerate(ROWS)])
def test_published_answer(row: dict[str, str]) -> None:
    assert ours(row) == pytest.approx(float(row["published"]), rel=float(row["tolerance"]), abs=0.0), row["source"]


def test_essf_example_1_by_hand_on_the_command_lines_terms() -> None:
    content = calc("fueleu", fuel=["HFO=12000", "MDO=1400"], year="2025", gwp="ar4").as_dict()
    assert content["energy_mj"] == 545_780_000.0
    assert content["intensity"] == content["value"] == pytest.approx(91.63722, rel=5e-6)
    assert content["balance_g"] == pytest.approx(-1255523227.6, rel=5e-6)
    assert content["penalty_eur"] == pytest.approx(802011, rel=5e-6)


def test_essf_example_1_is_not_met_with_another_set_of_potentials() -> None:
    """Negative control: the published figures tell the sets apart."""
    content = calc("fueleu", fuel=["HFO=12000", "MDO=1400"], year="2025", gwp="ar5").as_dict()
    assert content["intensity"] != pytest.approx(91.63722, rel=5e-6)


def test_every_golden_row_names_its_source() -> None:
    assert {row["id"] for row in ROWS} >= {"FEU1", "FEU2", "ETS1"}
    assert all(len(row["source"]) > 10 for row in ROWS)
