"""Danish Maritime Authority AIS files: CSV with ``# Timestamp`` as DD/MM/YYYY HH:MM:SS in UTC, statuses and types in
words.

Latitude 91 with longitude 0 stands for a position that is not available; base stations and aids to navigation are in
the files and are kept for cleaning to count by their MMSI. Some files write decimal commas with semicolons.
"""

from __future__ import annotations

from pathlib import Path

from sealane.movement.readers.layout import Header, Layout, match_columns, require_essential

NAME = "dma"

ALIASES: dict[str, tuple[str, ...]] = {
    "mmsi": ("mmsi",),
    "time": ("timestamp",),
    "lat": ("latitude",),
    "lon": ("longitude",),
    "sog_kn": ("sog",),
    "cog_deg": ("cog",),
    "heading_deg": ("heading",),
    "nav_status": ("navigationalstatus",),
    "draught_m": ("draught",),
    "transceiver_class": ("typeofmobile",),
    "imo": ("imo",),
    "vessel_name": ("name",),
    "call_sign": ("callsign",),
    "ais_type": ("shiptype",),
    "length_m": ("length",),
    "beam_m": ("width",),
}


def matches(header: Header) -> bool:
    """True for a header with this format's own names."""
    return "typeofmobile" in header.plain and "timestamp" in header.plain


def layout(header: Header, path: Path) -> Layout:
    """The layout of a Danish file."""
    found = match_columns(header, ALIASES)
    require_essential(found, header, ALIASES, path, "Danish Maritime Authority")
    return Layout(NAME, header.names, found, "day_first", header.delimiter, header.size_bytes, header.lines)
