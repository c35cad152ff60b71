"""Make docs/reference/routes.md: all pairs of the registry's ports, and the lengths published for them.

python scripts/make_route_table.py
"""

from __future__ import annotations

import csv
import itertools
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "reference" / "routes.md"
PUBLISHED = ROOT / "tests" / "golden" / "pub_151_distances.csv"
SAME = {"CNSGH", "CNDAL"}  # second codes of Shanghai and Dalian

HEAD = """# Routes between the registry's ports

Made by `scripts/make_route_table.py`; the method stands in [Sea routes](../method/routes.md). All lengths in nautical
miles, between the points of the World Port Index, speed zones and traffic separation left aside.

*Published* is NGA Pub. 151, *Distances Between Ports* (a work of the US government, public domain), as read and chained
in a public copy of it (repository tayljordan/distances-between-ports, 2017). That copy adds up tabulated legs over
junctions and gives two lengths for most pairs, one a direction: both are shown. It is a third party's reading: grade C,
and some of its sums are wrong on their face (Los Angeles to Haifa is given 1,650 nm more than to Ashdod next to it).

Why ours and theirs differ:

- Pub. 151 says that its routes are *generally* the safest or follow currents, and are led over junction points. Ours
  are the shortest over water with a clearance of 1.2 nm. So ours are mostly shorter, across the Pacific by up to 3 %.
- Sums over junctions are longer than the way that does not touch them.
- Ports up rivers (Guangzhou, Ho Chi Minh City, Shanghai): our way to the point of the port is a straight access leg, so
  ours is too short there by the bends of the river.
- Where theirs are longer by a tenth and more (Ho Chi Minh City to Valparaiso 18,064 against 10,017; most ways from the
  Americas to Eilat, Haifa and the Sound) the copy's chain of junctions takes another way round the world.
- Among islands and along a shore the clearance and the straits we keep shut make ours longer than the shortest
  line clear of land: see the pairs named in [Sea routes](../method/routes.md).
- Where theirs lie below the great circle between both points (marked *), the copy is in error or means another point.

"""


def main() -> None:
    """Write the page."""
    sys.path.insert(0, str(ROOT / "src"))
    from sealane.movement.routes.find import raw_network_nm, route
    from sealane.movement.zone_shapes import ZoneSet
    from sealane.reference.ports import port, verified_locodes

    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        published = {
            frozenset((row["origin"], row["destination"])): (float(row["low_nm"]), float(row["high_nm"]))
            for row in csv.DictReader(file)
        }
    codes = [code for code in verified_locodes() if code not in SAME]
    lines = ["| from | to | ours | great circle | raw searoute | access | passages | published | ours against it |"]
    lines.append("|---|---|--:|--:|--:|--:|---|--:|--:|")
    for a, b in itertools.combinations(codes, 2):
        found = route(a, b, zones=ZoneSet(()))
        theirs = published.get(frozenset((a, b)))
        text = difference = ""
        if theirs:
            low, high = theirs
            text = f"{low:,.0f}" if low == high else f"{low:,.0f}–{high:,.0f}"
            text += " *" if low < found.great_circle_nm - 1.0 else ""
            nearest = min(max(found.distance_nm, low), high)
            difference = (
                f"{100.0 * (found.distance_nm / nearest - 1.0):+.1f} %" if nearest != found.distance_nm else "within"
            )
        lines.append(
            f"| {a} | {b} | {found.distance_nm:,.0f} | {found.great_circle_nm:,.0f} | {raw_network_nm(found):,.0f} "
            f"| {found.access_nm:.1f} | {', '.join(found.passages)} | {text} | {difference} |"
        )
    names = ["| code | port | what the way there begins with |", "|---|---|---|"]
    for code in codes:
        here = port(code)
        leg = next(iter(route(code, "USLAX" if code != "USLAX" else "JPYOK", zones=ZoneSet(())).legs))
        what = f"{leg.distance_nm:.1f} nm straight to the water" if leg.kind == "access" else "on the water"
        names.append(f"| {code} | {here.name or here.alternate_name}, {here.country} | {what} |")
    OUT.write_text(
        HEAD + "## Ports\n\n" + "\n".join(names) + "\n\n## All pairs\n\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
