"""The case that docs/method/lanes.md solves by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sealane.corridors.call_table import read_call_table
from sealane.corridors.lanes.document import read_corridor
from sealane.corridors.lanes.run import run_lane
from sealane.emissions.user_vessels import read_user_vessels

PAGE = Path(__file__).resolve().parents[3] / "docs" / "method" / "lanes.md"
CALLS = """\
imo,ship_class,subtype,port,arrival,departure,berth_h,sailed_nm,sailed_eca_nm,cargo_teu_loaded,cargo_teu_discharged,onboard_teu_departure
9321483,Container Ship,"8,000 TEU",USLAX,2026-03-01T00:00:00Z,2026-03-03T00:00:00Z,48,,,600,0,1000
9321483,Container Ship,"8,000 TEU",KRPUS,2026-03-17T14:00:00Z,2026-03-18T14:00:00Z,24,5250,0,100,500,
9321483,Container Ship,"8,000 TEU",CNSHA,2026-03-20T01:00:00Z,2026-03-22T01:00:00Z,48,490,0,800,600,
9321483,Container Ship,"8,000 TEU",USLAX,2026-04-07T17:00:00Z,2026-04-09T17:00:00Z,48,5800,0,0,800,
"""
VESSELS = """\
imo,ship_class,subtype,installed_kw,max_speed_kn,engine_type,aux_engine_type,nox_tier
9321483,Container Ship,"8,000 TEU",50000,25,SSD,AUX-MSD,1
"""
MAIN, AUX, BOILER = 615.781 + 131.6952, 715.317 + 153.30672, 971.026 + 205.9848
AUX_MGO, BOILER_MGO = 703.611 + 164.00643, 981.731 + 226.737


def by_hand() -> dict[str, float]:
    """Well-to-wake t CO2e by rule, with the numbers of the page alone."""
    legs = [
        (4_347_000 * MAIN + 497_000 * AUX, (0, 1, 0.3)),
        (353_427.2 * MAIN + 49_700 * AUX, (0, 1, 0.5)),
        (4_487_576 * MAIN + 568_000 * AUX, (1, 1, 1)),
    ]
    stays = [
        (46_560 * AUX_MGO + 21_600 * BOILER_MGO, (0, 0.5, 0.15)),
        (23_280 * AUX + 10_800 * BOILER, (0, 1, 0.4)),
        (46_560 * AUX + 21_600 * BOILER, (0.5, 1, 0.75)),
        (46_560 * AUX_MGO + 21_600 * BOILER_MGO, (0.5, 0.5, 0.5)),
    ]
    return {
        rule: sum(grams * share[at] for grams, share in (*legs, *stays)) / 1e6
        for at, rule in enumerate(("direct", "rotation", "cargo"))
    }


def test_the_lane_is_that_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(CALLS)
    (tmp_path / "vessels.csv").write_text(VESSELS)
    result = run_lane(
        read_corridor("la-lb-shanghai"),
        read_call_table([tmp_path / "calls.csv"]),
        tmp_path / "lane",
        vessels=read_user_vessels(tmp_path / "vessels.csv"),
    )
    expected = by_hand()
    rules = result.summary["attribution"]["rules"]
    for rule, tonnes in expected.items():
        assert rules[rule]["wtw_co2e_t"] == pytest.approx(tonnes, rel=1e-9)
    legs = pq.read_table(result.folder / "legs.parquet").to_pylist()
    assert [leg["main_kwh"] for leg in legs] == pytest.approx([4_347_000, 353_427.2, 4_487_576])
    assert [leg["lane_teu"] for leg in legs] == pytest.approx([300, 300, 800])
    assert [leg["share_cargo"] for leg in legs] == pytest.approx([0.3, 0.5, 1.0])
    printed = re.search(r"\*\*lane\*\* \| \| \*\*(.*?)\*\* \| \*\*(.*?)\*\* \| \*\*(.*?)\*\*", PAGE.read_text("utf-8"))
    assert printed is not None
    assert [float(text.replace(",", "")) for text in printed.groups()] == pytest.approx(
        list(expected.values()), abs=1e-6
    )
