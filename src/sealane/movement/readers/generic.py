"""Any delimited text with one position a row: columns by a mapping, or by widely used names.

Units must be those of the position columns: knots, degrees, metres, UTC. A column named only "speed" is not taken
without a mapping, because its unit is not told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sealane.errors import DataError, Fault
from sealane.movement.positions import POSITION_COLUMNS
from sealane.movement.readers.layout import Header, Layout, match_columns, plain_name, require_essential

NAME = "generic"

ALIASES: dict[str, tuple[str, ...]] = {
    "mmsi": ("mmsi",),
    "time": ("time", "timestamp", "datetime", "basedatetime", "timeutc", "datetimeutc", "timestamputc"),
    "lat": ("lat", "latitude", "latdeg"),
    "lon": ("lon", "longitude", "lng", "long", "londeg"),
    "sog_kn": ("sogkn", "sog", "speedkn", "speedoverground"),
    "cog_deg": ("cogdeg", "cog", "courseoverground"),
    "heading_deg": ("headingdeg", "heading", "trueheading"),
    "nav_status": ("navstatus", "navigationalstatus", "status"),
    "draught_m": ("draughtm", "draught", "draft", "draftm"),
    "transceiver_class": ("transceiverclass", "transceiver", "transcieverclass"),
    "imo": ("imo", "imonumber"),
    "vessel_name": ("vesselname", "shipname", "name"),
    "call_sign": ("callsign",),
    "ais_type": ("aistype", "vesseltype", "shiptype"),
    "length_m": ("lengthm", "length"),
    "beam_m": ("beamm", "beam", "width"),
}


def layout(header: Header, path: Path, columns: Mapping[str, str] | None = None) -> Layout:
    """The layout by `columns` (position column -> name in the file), the rest by widely used names."""
    found = match_columns(header, ALIASES)
    faults = []
    for column, name in (columns or {}).items():
        if column not in POSITION_COLUMNS:
            known = ", ".join(POSITION_COLUMNS)
            faults.append(Fault(f"columns[{column!r}]", "not a position column", f"Use one of {known}"))
        elif plain_name(name) not in header.plain:
            faults.append(
                Fault(f"columns[{column!r}]", f"{name!r} is not in the header", f"It has {', '.join(header.names)}")
            )
        else:
            found[column] = header.names.index(name) if name in header.names else header.plain.index(plain_name(name))
    if faults:
        raise DataError(f"{path}: the column mapping does not fit the file", faults)
    require_essential(found, header, ALIASES, path, "generic CSV")
    times = [row[found["time"]].strip() for row in header.first_rows if len(row) == len(header.names)]
    numeric = sum(bool(re.fullmatch(r"\d{9,13}(\.\d+)?", text)) for text in times)
    kind = "unix" if times and numeric * 2 > len(times) else "iso"
    return Layout(NAME, header.names, found, kind, header.delimiter, header.size_bytes, header.lines)
