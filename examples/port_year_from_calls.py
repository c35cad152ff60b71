"""Does a port-year built from nothing but Oakland's number of calls come near its published inventory?"""

from sealane.inventory.oakland import compare, oakland_port_year, oakland_years

print("ours / published, all ocean-going vessels; what a call consists of is an assumption (sealane factors oakland)")
for year in oakland_years():
    totals = [c for c in compare(year, oakland_port_year(year)) if c.part == "total"]
    print(year, "  ".join(f"{c.pollutant} {c.ratio:.2f}" for c in totals))
