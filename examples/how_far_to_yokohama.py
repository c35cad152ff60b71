"""How far is it from Los Angeles to Yokohama, and how much of it lies in a control area?"""

import sys
from pathlib import Path

from sealane.movement.routes.find import route
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_map import Place, Way, lane_map
from sealane.reports.chart_picture import write_picture
from sealane.reports.tables import Column, Table

SOURCE = "Routes of Sealane; coast: Natural Earth 1:110m (public domain)."
SPEED_KN = 16.0
TO = {"JPYOK": "Yokohama", "JPTYO": "Tokyo", "JPNGO": "Nagoya", "CNSHA": "Shanghai", "SGSIN": "Singapore"}


def chart() -> Chart:
    """Draw the five lanes."""
    ways, places, rows = [], [Place("Los Angeles", 33.75, -118.25, True)], []
    for code, name in TO.items():
        found = route("USLAX", code, speed_kn=SPEED_KN)
        points = tuple(zip(found.lat.tolist(), found.lon.tolist(), strict=True))
        ways.append(Way(points, 1.0, f"Los Angeles to {name}: {found.distance_nm:,.0f} nm"))
        places.append(Place(name, points[-1][0], points[-1][1], code == "JPYOK"))
        rows.append((name, found.distance_nm, found.hours))
    table = Table(
        "Lanes", (Column("to"), Column("distance", "nm", "number"), Column("time at 16 kn", "h", "number")), rows
    )
    yokohama = route("USLAX", "JPYOK")
    return lane_map(
        "The lanes of Los Angeles", places, ways, table=table,
        finding=f"Yokohama: {yokohama.distance_nm:,.0f} nm. Each line is the shortest way over water.",
    )  # fmt: skip


def main() -> None:
    """Print distance, time and the miles inside each area."""
    found = route("USLAX", "JPYOK", speed_kn=SPEED_KN)
    print(f"Los Angeles to Yokohama: {found.distance_nm:,.0f} nm, {found.hours:,.0f} h at {SPEED_KN:g} kn")
    for area, nm in sorted(found.zone_nm.items(), key=lambda item: -item[1]):
        print(f"{nm:8,.1f} nm in {area}")


if __name__ == "__main__":
    main()
    if "--picture" in sys.argv:
        write_picture(chart(), Path(sys.argv[-1]), SOURCE)
