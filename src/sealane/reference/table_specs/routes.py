"""Specifications of the tables of sea routes; composed in `sealane.reference.tables`."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "polar_waters",
        "corners of Arctic waters and the limit of the Antarctic area, as MARPOL and SOLAS chapter XIV draw them",
        keys=("area", "corner", "coordinate"),
        texts=("line",),
        units=("deg",),
        minimum=-180.0,
        maximum=180.0,
    ),
    TableSpec(
        "route_passages",
        "lines across named straits, canals and sea ways, by which a route is said to run through them",
        keys=("passage", "coordinate"),
        texts=("name",),
        units=("deg",),
        minimum=-180.0,
        maximum=180.0,
    ),
)
