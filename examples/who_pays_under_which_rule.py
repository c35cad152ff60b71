"""Who would pay under which rule, on the lane Shanghai - Los Angeles and if half of its energy counted in Europe?"""

# The reference scenario burns fuel oil only here. EU rules count no energy between Shanghai and Los Angeles,
# and half of that of voyages to and from Europe. The IMO Net-Zero Framework is a DRAFT. 1 USD/EUR is a placeholder.

import functools
import re
import sys
from pathlib import Path

from sealane.corridors.scenarios.model import ScenarioResult
from sealane.corridors.scenarios.read import parse_scenario, scenario_text
from sealane.corridors.scenarios.simulate import simulate
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_picture import write_picture
from sealane.reports.chart_years import Series, by_year

SOURCE = "Reference scenario of Sealane; ETS price path: navigate-zcs (CC BY 4.0)."
RULES = """
rules:
  eu_ets:
    share: {value: %(share)s, unit: "1", source: "energy in scope: 0 between third countries, half to and from the EEA"}
    price: {table: carbon_price_paths, path: eu-ets-path}
  fueleu:
    share: {value: %(share)s, unit: "1", source: "energy in scope: 0 between third countries, half to and from the EEA"}
    usd_per_eur: {value: 1.0, unit: USD/EUR, placeholder: "one for one; give the rate of the day"}
  nzf: {draft: true}
"""
NAMES = {
    "rule:eu-ets": "EU ETS",
    "rule:fueleu": "FuelEU Maritime",
    "rule:nzf": "IMO Net-Zero, DRAFT",
}


@functools.cache
def run(share: float) -> ScenarioResult:
    """Simulate the scenario on fuel oil with that share of its energy in the scope of EU rules."""
    text = scenario_text("la-lb-shanghai")[1].decode("utf-8")
    text = re.sub(r"2027: \{methanol: 1\}", "2027: {oil: 1}", text)
    return simulate(parse_scenario((text + RULES % {"share": share}).encode("utf-8")))


def payments(share: float) -> dict[str, dict[int, float]]:
    """Payments by rule and year [MUSD]."""
    found: dict[str, dict[int, float]] = {}
    for row in run(share).tables["cost"].to_pylist():
        if row["item"] in NAMES:
            found.setdefault(row["item"], {})[row["year"]] = row["cost_usd"] / 1e6
    return found


def chart() -> Chart:
    """Draw what the same ships would pay if half of their energy counted in Europe."""
    found = payments(0.5)
    years = [int(year) for year in sorted(next(iter(found.values())))]
    stacks = [Series(NAMES[item], tuple(found[item].get(y, 0.0) for y in years)) for item in NAMES if item in found]
    return by_year(
        "What a carrier would pay: weekly 15,000 TEU on fuel oil, half of it in Europe's scope",
        "MUSD a year",
        years,
        stacks=stacks,
        finding="On Shanghai - Los Angeles itself only the DRAFT rule would cost anything.",
        note="1 USD/EUR is a placeholder. The draft names prices for 2028 to 2030 only.",
    )


def main() -> None:
    """Print payments of 2030 for both."""
    for share, where in ((0.0, "Shanghai - Los Angeles"), (0.5, "if half of the energy counted in Europe")):
        print(f"{where}, 2030:")
        for item, name in NAMES.items():
            print(f"  {payments(share).get(item, {}).get(2030, 0.0):8.1f} MUSD  {name}")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
