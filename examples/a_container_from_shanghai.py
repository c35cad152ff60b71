"""What does a container from Shanghai emit on its way to Los Angeles, and by which rule?"""

# SIMULATED: the ships, calls and cargo are made by a seeded generator; no real ship is described.

import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

from sealane.corridors.call_table import read_call_table
from sealane.corridors.lanes.document import read_corridor
from sealane.corridors.lanes.run import run_lane
from sealane.emissions.user_vessels import read_user_vessels
from sealane.reports.chart_bars import Part, ranked
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_picture import write_picture
from sealane.samples.simulated_service import write_simulated_service

SOURCE = "SIMULATED DATA. Seeded generator of Sealane; well-to-wake, IPCC AR5."
PLACES = {
    "sea": "at sea",
    "end_a": "in port, Los Angeles and Long Beach",
    "end_b": "in port, Shanghai",
    "between": "in ports between",
}


@functools.cache
def lane() -> dict[str, Any]:
    """Work the lane out and return its summary."""
    with tempfile.TemporaryDirectory() as folder:
        service, out = Path(folder) / "service", Path(folder) / "lane"
        write_simulated_service(service)
        calls = read_call_table([service / "calls.csv"])
        vessels = read_user_vessels(service / "vessels.csv")
        return dict(run_lane(read_corridor("la-lb-shanghai"), calls, out, vessels=vessels).summary)


def chart() -> Chart:
    """Draw the three rules side by side."""
    rules = lane()["attribution"]["rules"]
    places = [place for place in PLACES if any(place in rule["by_place"] for rule in rules.values())]
    parts = [
        Part(rule, tuple(found["by_place"].get(place, {}).get("wtw_co2e_t", 0.0) / 1e3 for place in places))
        for rule, found in rules.items()
    ]
    return ranked(
        "SIMULATED: CO2e of the lane Los Angeles and Long Beach – Shanghai by attribution rule",
        "kt",
        [PLACES[place] for place in places],
        parts,
        of="rule",
        finding="The same ships and the same voyages; what differs is which of them count to the lane.",
    )


def main() -> None:
    """Print the figures per container."""
    found = lane()
    print(found["label"])
    for rule, figures in found["attribution"]["rules"].items():
        print(f"rule {rule:9} {figures['wtw_co2e_t']:10,.0f} t CO2e well-to-wake, {figures['legs']:4,} legs")
    for row in found["trend"]:
        if row["rule"] == "cargo" and row["wtw_kg_per_teu"] is not None:
            print(f"{row['period']}: {row['wtw_kg_per_teu']:,.0f} kg per TEU, {row['wtw_g_per_t_km']:.2f} g per t km")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
