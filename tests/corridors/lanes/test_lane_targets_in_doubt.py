"""A target is never met by what nobody knows: cargo that is not told, a year of which the data hold a part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sealane.corridors.call_table import read_call_table
from sealane.corridors.lanes.document import parse_corridor
from sealane.corridors.lanes.run import LaneResult, run_lane

DOCUMENT = """
id: x
title: "x"
status: established
ends:
  a: {name: Los Angeles, ports: [USLAX]}
  b: {name: Shanghai, ports: [CNSHA]}
ship_classes: []
attribution: RULE
targets:
  - {id: cap, year: 2030, metric: wtw_t, value: 1000000, source: ours}
  - {id: fuel, year: 2030, metric: wtw_g_per_mj, value: 200, source: ours}
sources:
  ours: {title: "A test", grade: D}
"""
HEADER = "imo,ship_class,subtype,port,arrival,departure"
SHIP = '9811000,Container Ship,"8,000 TEU"'


@dataclass(frozen=True)
class Case:
    """Months in which a ship calls at one end, and at the other half a month later."""

    rule: str
    months: tuple[int, ...]
    cargo: bool = False

    def run(self, folder: Path) -> LaneResult:
        """Run the lane."""
        extra = ",cargo_teu_loaded,cargo_teu_discharged,onboard_teu_departure" if self.cargo else ""
        value = ",100,100,100" if self.cargo else ""
        lines = [HEADER + extra]
        for month in self.months:
            lines.append(f"{SHIP},USLAX,2025-{month:02}-01T00:00:00Z,2025-{month:02}-02T00:00:00Z{value}")
            lines.append(f"{SHIP},CNSHA,2025-{month:02}-16T00:00:00Z,2025-{month:02}-17T00:00:00Z{value}")
        calls = folder / "calls.csv"
        calls.write_text("\n".join(lines) + "\n")
        corridor = parse_corridor(DOCUMENT.replace("RULE", self.rule).encode(), "x.yaml")
        return run_lane(corridor, read_call_table([calls]), folder / "lane")


def states(result: LaneResult) -> dict[str, str]:
    """State by target."""
    return {row["target"]: row["state"] for row in result.summary["targets"]}


def test_a_whole_year_under_the_cap_is_met(tmp_path: Path) -> None:
    result = Case("rotation", (1, 4, 7, 10)).run(tmp_path)
    assert states(result) == {"cap": "met", "fuel": "met"}


def test_a_part_of_a_year_does_not_meet_a_mass(tmp_path: Path) -> None:
    result = Case("rotation", (1, 2)).run(tmp_path)
    assert states(result) == {
        "cap": "unknown: the data hold legs of 1 of the 4 quarters of 2025 only",
        "fuel": "met",  # an intensity is one of whatever was sailed
    }


def test_unknown_cargo_has_no_figures_and_meets_nothing(tmp_path: Path) -> None:
    result = Case("cargo", (1, 4, 7, 10)).run(tmp_path)
    assert set(states(result).values()) == {"unknown: the data hold no figure of this metric"}
    rules = result.summary["attribution"]["rules"]
    assert rules["cargo"]["wtw_co2e_t"] is None
    assert rules["rotation"]["wtw_co2e_t"] > 0.0
    assert any("cargo of 7 of 7 legs is not known" in note for note in result.summary["notes"])


@pytest.mark.parametrize("rule", ["cargo", "rotation"])
def test_known_cargo_is_judged(tmp_path: Path, rule: str) -> None:
    result = Case(rule, (1, 4, 7, 10), cargo=True).run(tmp_path)
    assert states(result)["cap"] == "met"
    assert not any("is not known: rule cargo" in note for note in result.summary["notes"])
