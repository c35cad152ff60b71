"""Tables of lanes."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "lane_limits",
        "limits by which port calls are put together and legs are judged, our assumptions",
        keys=("limit",),
        units=("h", "kn", "nm", "1"),
        texts=("meaning",),
        maximum=1000.0,
    ),
)
