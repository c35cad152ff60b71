"""Sentences of the lane's page and of a comparison promise no more than the tables hold."""

from __future__ import annotations

from typing import Any

import pytest

from sealane.reports.comparison_report import _answers
from sealane.reports.lane_words import distances, mass, rest

TARGET: dict[str, Any] = {
    "target": "cap",
    "year": 2030,
    "unit": "t",
    "value": 100.0,
    "latest_year": 2025,
    "actual": 80.0,
    "gap": -20.0,
    "state": "met",
}


def test_a_target_that_may_be_met_is_not_called_met() -> None:
    state = "unknown: the data hold legs of 2 of the 4 quarters of 2025 only"
    (told,) = distances([TARGET | {"state": state}])
    assert "to spare" not in told
    assert told.endswith(f"Whether it is met is {state}.")
    (told,) = distances([TARGET])
    assert told == "Target cap for 2030: 100 t; 2025 met with 20.0 t to spare."
    (told,) = distances([TARGET | {"gap": 20.0, "actual": 120.0, "state": "not yet"}])
    assert told == "Target cap for 2030: 100 t; 2025 still to be cut: 20.0 t."


@pytest.mark.parametrize(("share", "words"), [(1.0, ""), (0.4, "; the rest is filled")])
def test_nothing_is_called_filled_where_all_was_observed(share: float, words: str) -> None:
    assert rest(share) == words


def test_a_mass_reads_well_and_an_unknown_one_says_so() -> None:
    assert mass(142e9) == "142 kt"
    assert mass(None) == "an unknown mass of"


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ((90.0, 9.0), "In 2050 b both emits and costs least."),
        ((100.0, 9.0), "In 2050 they emit the same; b costs least."),
        ((90.0, 10.0), "In 2050 b emits least; they cost the same."),
        ((100.0, 10.0), "In 2050 they emit the same; they cost the same."),
        ((90.0, 11.0), "In 2050 b emits least; a costs least."),
    ],
)
def test_a_tie_has_no_winner(second: tuple[float, float], told: str) -> None:
    rows = [
        {"scenario": name, "year": 2050, "wtw_t": wtw, "cost_usd": cost}
        for name, (wtw, cost) in (("a", (100.0, 10.0)), ("b", second))
    ]
    assert told in list(_answers(rows, ["a", "b"], []))
