"""The one form in which AIS positions travel through Sealane.

Readers produce it, staging writes it as bucketed Parquet, the kernel consumes it. One row is one position report;
what the report's static message said about the ship stands beside it (null where the source has none).
"""

from __future__ import annotations

import pyarrow as pa

# name -> (Arrow type, unit or code, meaning). The documentation is generated from this table.
POSITION_COLUMNS: dict[str, tuple[pa.DataType, str, str]] = {
    "mmsi": (pa.int32(), "MMSI", "Maritime Mobile Service Identity of the transmitting station"),
    "time": (pa.timestamp("us", tz="UTC"), "UTC", "time of the report"),
    "lat": (pa.float64(), "deg", "latitude, WGS 84, north positive"),
    "lon": (pa.float64(), "deg", "longitude, WGS 84, east positive"),
    "sog_kn": (pa.float64(), "kn", "speed over ground as reported; null where not available"),
    "cog_deg": (pa.float64(), "deg", "course over ground as reported, sentinels and negatives kept"),
    "heading_deg": (pa.float64(), "deg", "true heading as reported, 511 kept"),
    "nav_status": (pa.int8(), "AIS code", "navigational status 0-15 (ITU-R M.1371); null where not given"),
    "draught_m": (pa.float64(), "m", "static draught as reported; 0 means not available"),
    "transceiver_class": (pa.string(), "A or B", "class of the AIS transceiver"),
    "imo": (pa.int32(), "IMO number", "as reported, without the letters IMO, not yet checked"),
    "vessel_name": (pa.string(), "", "as reported, trimmed"),
    "call_sign": (pa.string(), "", "as reported, trimmed"),
    "ais_type": (pa.int16(), "AIS code", "type of ship and cargo 0-99 (ITU-R M.1371); null where not given"),
    "length_m": (pa.float64(), "m", "length as reported; 0 means not available"),
    "beam_m": (pa.float64(), "m", "beam as reported; 0 means not available"),
}

POSITION_SCHEMA = pa.schema([(name, spec[0]) for name, spec in POSITION_COLUMNS.items()])

# Positions are sorted by these, nulls last. The first five make the order of a track; the others settle which report
# stays where all of those tie, so that neither the order of files nor the engine can decide it.
SORT_KEYS = ("mmsi", "time", "lat", "lon", "sog_kn", "cog_deg", "heading_deg", "nav_status", "draught_m")

STATIC_COLUMNS = (
    "transceiver_class",
    "imo",
    "vessel_name",
    "call_sign",
    "ais_type",
    "length_m",
    "beam_m",
)
