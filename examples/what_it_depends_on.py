"""What does the cost of a green Shanghai - Los Angeles service depend on most?"""

import functools
import sys
from pathlib import Path

from sealane.corridors.scenarios.ensemble import ensemble
from sealane.corridors.scenarios.model import ScenarioResult
from sealane.corridors.scenarios.read import read_scenario
from sealane.reports.chart_bars import Swing, tornado
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_picture import write_picture

SOURCE = "Reference scenario of Sealane; sources stand in its inputs."
OUTPUT = "cost_gap_discounted_usd"


@functools.cache
def study() -> ScenarioResult:
    """Draw 1,024 variants of the reference scenario."""
    return ensemble(read_scenario("la-lb-shanghai"), draws=1024, seed=1)


def chart() -> Chart:
    """Draw the tornado."""
    rows = [row for row in study().tables["tornado"].to_pylist() if row["output"] == OUTPUT]
    placeholders = study().summary["inputs_placeholder"]
    swings = [
        Swing(
            row["driver"], row["value_low"] / 1e6, row["value_high"] / 1e6, f"at {row['low']:g}", f"at {row['high']:g}"
        )
        for row in rows
    ]
    return tornado(
        "Cost gap against fuel oil, 2025 to 2050 discounted: one driver at a time",
        "MUSD",
        rows[0]["base"] / 1e6,
        swings,
        note=f"One driver at a time at the ends of its range. {placeholders} inputs of the scenario are placeholders.",
    )


def main() -> None:
    """Print the ranked drivers and the spread."""
    tables = study().tables
    for row in tables["drivers"].to_pylist():
        if row["output"] == OUTPUT:
            print(f"{row['rank']}. {row['driver']:45} explains {max(row['total_order'], 0.0):5.1%} of the variance")
    spread = next(r for r in tables["ensemble"].to_pylist() if r["output"] == OUTPUT and r["year"] == 0)
    print(f"nine draws in ten lie between {spread['p05'] / 1e6:,.0f} and {spread['p95'] / 1e6:,.0f} MUSD")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
