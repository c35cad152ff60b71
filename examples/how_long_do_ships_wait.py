"""How long do ships wait at anchor, and who would gain from booked berths?"""

# SIMULATED: the ships, calls and waits are made by a seeded generator; no real ship is described.

import functools
import sys
import tempfile
from pathlib import Path

from sealane.corridors.arrival.run import ArrivalResult, run_arrival
from sealane.corridors.call_table import read_call_table
from sealane.emissions.user_vessels import read_user_vessels
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_picture import write_picture
from sealane.reports.chart_spread import cumulative
from sealane.samples.simulated_service import write_simulated_service

SOURCE = "SIMULATED DATA. Seeded generator and queue replay of Sealane."
POLICIES = {"fcfs": "first come, first served", "slot": "berth booked 24 h before"}


@functools.cache
def study() -> ArrivalResult:
    """Replay the calls of a simulated service at Shanghai with one berth."""
    with tempfile.TemporaryDirectory() as folder:
        service = Path(folder) / "service"
        write_simulated_service(service, ships=24, rounds=6)
        calls = read_call_table([service / "calls.csv"])
        vessels = read_user_vessels(service / "vessels.csv")
        return run_arrival(calls, "USLAX", berths=2, vessels=vessels)


def chart() -> Chart:
    """Draw the hours at anchor under both policies."""
    rows = study().tables["queue"].to_pylist()
    groups = [
        (words, [row["anchorage_h"] for row in rows if row["policy"] == policy]) for policy, words in POLICIES.items()
    ]
    return cumulative(
        "SIMULATED: hours at anchor of a call at Los Angeles, replayed with two berths",
        "h",
        groups,
        of="calls",
        finding="Booked berths turn waiting into slower sailing; the berths serve the same calls for the same hours.",
    )


def main() -> None:
    """Print waits, savings and who waits longer."""
    summary = study().summary
    print(summary["label"])
    counts, hours = summary["calls"], summary["waiting_h"]
    print(f"{counts['waited']} of {counts['judged']} calls waited, {hours['total']:,.0f} h in all")
    for notice, sums in summary["savings"].items():
        fuel = sums["fuel"]
        print(f"notice {notice:>6}: {fuel['net_saved']:8.1f} t of fuel saved net, {fuel['gross_saved']:8.1f} t gross")
    for policy, words in POLICIES.items():
        found = summary["queue"]["policies"][policy]
        overtaken = found["fairness"]["overtaken"]
        anchored, fuel = found["at_anchor_h"], found["fuel_t"]
        print(f"{words}: {anchored:,.0f} h at anchor, {fuel:,.1f} t of fuel, {overtaken} calls overtaken")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
