"""Can we redraw a published figure: how much dirtier does a ship's engine burn at low load?"""

# Published: US EPA, Port Emissions Inventory Guidance, EPA-420-B-22-011 (April 2022), Table 3.10. The lines are
# worked out from the coefficients of the same guidance; the points are what it prints. Run it in the root of the
# repository.

import csv
import sys
from pathlib import Path

from sealane.emissions.low_load import low_load_factor
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_picture import write_picture
from sealane.reports.chart_years import Series, by_year

SOURCE = "Lines: worked out by Sealane. Points: EPA-420-B-22-011 (April 2022), Table 3.10."
PRINTED = Path("tests/golden/epa_420_b_22_011_table_3_10_llaf.csv")
POLLUTANTS = {"HC": "hc", "CO": "co", "SO2": "so2", "PM": "pm10", "NOx": "nox", "CO2": "co2"}
LOADS = range(2, 21)


def printed() -> dict[str, dict[int, float]]:
    """Read the factors as the guidance prints them, by pollutant and load [%]."""
    lines = [line for line in PRINTED.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    return {name: {int(row["load_pct"]): float(row[name]) for row in rows} for name in POLLUTANTS}


def worked_out() -> dict[str, dict[int, float]]:
    """Work the factors out."""
    return {
        name: {load: low_load_factor(key, load / 100, sulphur_pct=0.1) for load in LOADS}
        for name, key in POLLUTANTS.items()
    }


def chart() -> Chart:
    """Draw the figure."""
    ours, theirs = worked_out(), printed()
    lines = [Series(name, tuple(ours[name][load] for load in LOADS)) for name in POLLUTANTS]
    points = [Series(f"{name}, printed", tuple(theirs[name].get(load) for load in LOADS)) for name in POLLUTANTS]
    return by_year(
        "Low-load adjustment factor of a main engine by load in per cent", "", list(LOADS), lines=lines, points=points,
        finding="Grams for each kWh at low load, against those above 20 % load.", step_name="load [%]",
    )  # fmt: skip


def main() -> None:
    """Compare every printed value."""
    ours, theirs = worked_out(), printed()
    pairs = [(abs(ours[n][load] - v), n, load) for n in POLLUTANTS for load, v in theirs[n].items()]
    widest, name, load = max(pairs)
    print(f"{len(pairs)} printed values; the widest difference is {widest:.4f} ({name} at {load} % load)")
    print(f"printed to two decimals, {sum(d <= 0.005 + 1e-9 for d, _, _ in pairs)} of them agree to the last digit")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
