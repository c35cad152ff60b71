"""A derivation as a table: every kind of number has the unit its value is in, and no kind makes the file fail."""

from __future__ import annotations

import csv
import io
from typing import get_args

import httpx
import pyarrow.parquet as pq
import pytest
from tests.web.accounts.people import Place
from tests.web.corridor.corridor_world import Kept, Made

from sealane.web.corridor.parts_csv import derivation_csv
from sealane.web.corridor.scenario_query import OUTPUTS, Output, ScenarioQuery
from sealane.web.derivation import Derivation, Figure, Part, Quantity

# The unit a value of each quantity is in, whatever a page shows: its name says it.
UNITS = {
    "mass_g": "g",
    "mass_kg": "kg",
    "mass_t": "t",
    "energy_kwh": "kWh",
    "energy_mj": "MJ",
    "distance_nm": "nm",
    "speed_kn": "kn",
    "duration_h": "h",
    "count": "",
    "share": "1",
    "ratio": "1",
    "teu": "TEU",
    "teu_nm": "TEU nm",
    "intensity_g_per_teu_nm": "g/(TEU nm)",
    "intensity_g_per_mj": "g/MJ",
    "money_usd": "USD",
    "money_eur": "EUR",
    "price_usd_per_t": "USD/t",
    "power_kw": "kW",
    "bytes": "B",
    "other": "",
}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_quantity_is_known_here() -> None:
    assert set(UNITS) == set(get_args(Quantity))


@pytest.mark.parametrize("quantity", get_args(Quantity))
def test_a_value_stands_in_the_unit_it_is_in(quantity: Quantity) -> None:
    own = Figure(value=0.25, quantity=quantity, explain="/explain/x")
    found = Derivation(title="x", figure=own, parts=[Part(label="all of it", figure=own)])
    rows = rows_of(derivation_csv(found, "https://port.example"))
    assert [(row["kind"], row["value"], row["unit"]) for row in rows] == [
        ("figure", "0.25", UNITS[quantity]),
        ("part", "0.25", UNITS[quantity]),
    ]
    named = own.model_copy(update={"unit": "kg/TEU"})
    (row,) = rows_of(derivation_csv(Derivation(title="x", figure=named), "https://port.example"))
    assert row["unit"] == "kg/TEU"


def test_shares_of_lanes_and_scenarios_are_tables(corridor_place: Place, kept: Kept, made: Made) -> None:
    drivers = pq.read_table(made.scenario / "drivers.parquet").to_pylist()
    driver = next(row["driver"] for row in drivers if row["output"] == OUTPUTS[Output.GAP].run)
    variance = ScenarioQuery.model_validate({"fact": "variance", "output": Output.GAP, "driver": driver})
    with httpx.Client(base_url=corridor_place.origin, timeout=60, trust_env=False) as guest:
        for path in (
            f"/explain/lane/{kept.lane}?measure=wtw_co2e&rule=rotation&year=2025&ratio=observed",
            variance.address(kept.scenario),
        ):
            found = guest.get(f"/api/v1{path}").json()
            assert found["figure"]["quantity"] == "share"
            answer = guest.get(found["exports"]["CSV"])
            assert answer.status_code == 200, answer.text
            own = rows_of(answer.text)[0]
            assert (float(own["value"]), own["unit"]) == (found["figure"]["value"], "1")
