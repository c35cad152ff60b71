"""Tables of arrival: power by speed, speeds sailed, published savings, the least load of a main engine."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "propulsion_load_by_speed",
        "propulsion power of container ships by nominal capacity and speed",
        keys=("teu_class", "speed_kn"),
        units=("MW",),
        maximum=100.0,
    ),
    TableSpec(
        "vessel_speed_distribution",
        "share of the time at sea that container ships sail at a speed",
        keys=("teu_class", "speed_kn"),
        units=("1",),
        maximum=1.0,
    ),
    TableSpec(
        "just_in_time_published",
        "published savings of just-in-time arrival and of slow steaming, and waits: they stand beside ours",
        keys=("subject", "case"),
        units=("%", "h"),
        minimum=-100.0,
        maximum=1000.0,
    ),
    TableSpec(
        "arrival_limits",
        "limits of slowing down",
        keys=("limit",),
        units=("1",),
        maximum=1.0,
    ),
)
