"""MarineCadastre AIS files (NOAA, BOEM, US Coast Guard): CSV as published by year.

2015-2017: Status in words, Coast Guard service types 1001-1025 as VesselType. 2018-2024: numbers,
``TransceiverClass`` (in some years spelt ``TranscieverClass``), IMO with the letters IMO. From 2025: lower-case
names with underscores, longitude before latitude, ``transceiver``, times with a blank, gaps instead of sentinels.
Re-packaged samples write codes as ``0.0``. Courses above 204.7 degrees are published as negative numbers in some
years; they are kept as reported.
"""

from __future__ import annotations

from pathlib import Path

from sealane.movement.readers.layout import Header, Layout, match_columns, require_essential

NAME = "marinecadastre"

ALIASES: dict[str, tuple[str, ...]] = {
    "mmsi": ("mmsi",),
    "time": ("basedatetime",),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "longitude"),
    "sog_kn": ("sog",),
    "cog_deg": ("cog",),
    "heading_deg": ("heading",),
    "nav_status": ("status",),
    "draught_m": ("draft", "draught"),
    "transceiver_class": ("transceiver", "transceiverclass", "transcieverclass"),
    "imo": ("imo",),
    "vessel_name": ("vesselname",),
    "call_sign": ("callsign",),
    "ais_type": ("vesseltype",),
    "length_m": ("length",),
    "beam_m": ("width",),
}


def matches(header: Header) -> bool:
    """True for a header with this format's own names."""
    return "basedatetime" in header.plain and "mmsi" in header.plain


def layout(header: Header, path: Path) -> Layout:
    """The layout of a MarineCadastre file."""
    found = match_columns(header, ALIASES)
    require_essential(found, header, ALIASES, path, "MarineCadastre")
    return Layout(NAME, header.names, found, "iso", header.delimiter, header.size_bytes, header.lines)
