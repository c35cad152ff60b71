"""Which ships lay at berth in New York Harbor's real hour, and how much NOx did each emit?"""

import tempfile
from pathlib import Path

import sealane

with tempfile.TemporaryDirectory() as folder:
    positions = sealane.write_samples(folder)[0]
    request = sealane.InventoryRequest(positions=(positions,), port="USNYC", out=Path(folder) / "newyork")
    result = sealane.run_inventory(request)
    names = {call["call_id"]: call["vessel_name"] for call in result.table("calls").to_pylist()}
    grams: dict[str, float] = {}
    for row in result.table("inventory").to_pylist():
        if row["mode"] == "berth" and row["pollutant"] == "nox" and row["call_id"]:
            grams[row["call_id"]] = grams.get(row["call_id"], 0.0) + row["grams"]
    for call_id, total in sorted(grams.items(), key=lambda item: -item[1]):
        print(f"{names[call_id]:24} {total / 1000:8.1f} kg NOx  ({call_id})")
