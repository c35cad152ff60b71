"""Which partner ports agreed with Los Angeles on zero-emission vehicles and equipment, and since when?"""

import sealane

AREA = "zero_emission_vehicles_and_equipment"

for agreement in sealane.load_agreements().agreements:
    if any(area.id == AREA for area in agreement.areas):
        partners = [p.named for p in agreement.parties if p.party.id != "port-of-los-angeles"]
        where = "; ".join(str(source) for source in agreement.sources)
        print(f"{agreement.year}  {', '.join(partners)}  ({where})")
