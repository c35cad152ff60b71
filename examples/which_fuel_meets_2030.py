"""Which fuel meets a target of 20 % less by 2030 and 70 % less by 2040 at least cost?"""

import functools
import sys
from pathlib import Path

from sealane.corridors.plan.solve import solve_plan
from sealane.corridors.scenarios.model import ScenarioResult
from sealane.corridors.scenarios.read import read_scenario
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_picture import write_picture
from sealane.reports.chart_years import Series, by_year

SOURCE = "Reference scenario of Sealane; fuel costs derived from navigate-zcs (CC BY 4.0)."


@functools.cache
def plan() -> ScenarioResult:
    """Plan the reference scenario; the targets are its placeholders, against the fossil case."""
    return solve_plan(read_scenario("la-lb-shanghai"))


def by_fuel() -> dict[str, dict[int, float]]:
    """Fuel energy by fuel and year [TJ]."""
    found: dict[str, dict[int, float]] = {}
    for row in plan().tables["fuel"].to_pylist():
        years = found.setdefault(row["fuel"], {})
        years[row["year"]] = years.get(row["year"], 0.0) + row["energy_tj"]
    return {fuel: years for fuel, years in found.items() if max(years.values()) > 0.5}


def chart() -> Chart:
    """Draw the fuels."""
    found = by_fuel()
    years = sorted({year for values in found.values() for year in values})
    order = sorted(found, key=lambda fuel: (-found[fuel].get(years[0], 0.0), fuel))
    stacks = [Series(fuel, tuple(found[fuel].get(year, 0.0) for year in years)) for fuel in order]
    return by_year(
        "Fuel of the least-cost plan, Shanghai - Los Angeles",
        "TJ",
        years,
        stacks=stacks,
        finding="Targets of 20 % less by 2030 and 70 % less by 2040 than on fuel oil, well-to-wake.",
        note="Both targets are placeholders; availability is published for no fuel, and taken as unlimited.",
    )


def main() -> None:
    """Print the fuels of 2030 and 2040 and what they cost."""
    rows = {row["year"]: row for row in plan().tables["year"].to_pylist()}
    for year in (2030, 2040):
        shares = {fuel: years.get(year, 0.0) for fuel, years in by_fuel().items()}
        total = sum(shares.values())
        told = ", ".join(
            f"{fuel} {tj / total:.0%}" for fuel, tj in sorted(shares.items(), key=lambda i: -i[1]) if tj > 0
        )
        row = rows[year]
        gap = f"{row['cost_gap_usd'] / 1e6:,.0f} MUSD more than fuel oil, {row['cost_gap_usd_per_teu']:,.0f} USD/TEU"
        print(f"{year}: {told}; {row['wtw_t'] / 1e3:,.0f} kt CO2e; {gap}")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
