"""Sentences of the lane's page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sealane.reports import chart_canvas as canvas
from sealane.reports.corridor_folder import ResultFolder
from sealane.reports.figures import number

_G_PER_T = 1e6


def mass(grams: float | None) -> str:
    """Grams as a mass that reads well."""
    if grams is None:
        return "an unknown mass of"
    divisor, unit = canvas.fit_unit([grams / _G_PER_T], canvas.MASS_T)
    return f"{number(grams / _G_PER_T / divisor)} {unit}"


def rest(observed: float) -> str:
    """Words after a share that was observed."""
    return "; the rest is filled" if observed < 1.0 else ""


def part_of_year(found: ResultFolder, rule: str, year: int | None) -> str:
    """Words for a year of which the data hold fewer than four quarters."""
    quarters = [r for r in found.rows("trend") if r["rule"] == rule and r["year"] == year and r["quarter"]]
    data = found.json.get("data")
    if len(quarters) >= 4 or not isinstance(data, dict):
        return ""
    return f" (data from {str(data.get('first'))[:10]} to {str(data.get('last'))[:10]})"


def distances(targets: list[dict[str, Any]]) -> Iterable[str]:
    """A sentence on each of the first targets."""
    if not targets:
        yield "No partner has published a measured target, so there is no distance to it."
    for t in targets[:3]:
        if t["gap"] is None or t["value"] is None:
            yield f"Target {t['target']} ({t['year']}): {t['state']}."
            continue
        text = f"Target {t['target']} for {t['year']}: {number(t['value'])} {t['unit']}"
        if str(t["state"]).startswith("unknown"):
            yield f"{text}; {number(t['actual'])} {t['unit']} in {t['latest_year']}. Whether it is met is {t['state']}."
            continue
        still, spare = f"still to be cut: {number(t['gap'])} {t['unit']}", f"met with {number(-t['gap'])} {t['unit']}"
        yield f"{text}; {t['latest_year']} {still if t['gap'] > 0 else f'{spare} to spare'}."
