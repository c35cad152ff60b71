"""Auxiliary-engine and boiler loads by ship class and mode, from four published tables.

``epa-2022``: EPA-420-B-22-011 Tables E.1 and E.2, keyed by ship class and subtype. The others are keyed by ship type
and size; table ``ship_class_size`` (our assumption, grade D) says which size and type stand for an EPA subtype.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import NamedTuple

from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

MODES = ("transit", "manoeuvring", "anchorage", "berth", "drift")
HOTEL_TABLES = {
    "epa-2022": "hotel_load_epa",
    "pola-2016": "hotel_load_pola2016",
    "imo3-2014": "hotel_load_imo3",
    "imo4-2020": "hotel_load_imo4",
}
DRIFT_NOTE = "No load is published for a drifting ship; that of a ship at anchor is taken (our assumption, grade D)."

_TYPE_COLUMN = {"pola-2016": "pola_type", "imo3-2014": "imo3_type", "imo4-2020": "imo4_type"}
_CLASS_ALIASES = {
    "Container Ship": ("container", "containership", "container vessel"),
    "Bulk Carrier": ("bulk", "bulker"),
    "Chemical Tanker": ("chemical",),
    "Oil Tanker": ("crude tanker", "product tanker"),
    "Liquified Gas Tanker": ("liquefied gas tanker", "gas tanker", "gas carrier", "lng carrier", "lpg carrier"),
    "Cruise": ("cruise ship",),
    "Vehicle Carrier": ("car carrier", "pctc"),
    "RORO": ("ro-ro ship", "roll-on roll-off"),
    "Reefer": ("refrigerated cargo", "reefer ship"),
    "Ferry/Passenger (C3)": ("ferry", "passenger ferry"),
    "Ferry/Roll-on/Passenger (C3)": ("ropax", "ro-pax"),
    "General Cargo": ("general cargo ship",),
    "Fishing (C3)": ("fishing vessel",),
    "Miscellaneous (C3)": ("misc",),
    "Offshore Support/Drillship": ("offshore support", "drillship"),
    "Yacht": ("yacht (c2/c3)",),
}


class HotelLoad(NamedTuple):
    """Loads in one mode [kW] and the rows they come from (auxiliary first)."""

    aux_kw: float
    boiler_kw: float
    rows: tuple[FactorRow, ...]


def _squeeze(text: str) -> str:
    """Letters and digits only, so that spelling of blanks, commas, slashes and hyphens does not matter."""
    return re.sub(r"[^a-z0-9]", "", text.lower().replace("(c3)", ""))


@cache
def ship_classes() -> tuple[tuple[str, str], ...]:
    """All ``(ship class, subtype)`` pairs of EPA-420-B-22-011 Table E.1, in its order."""
    rows = load_table("hotel_load_epa").rows
    return tuple(dict.fromkeys((row.text("ship_class"), row.text("subtype")) for row in rows))


@cache
def _spellings() -> dict[str, tuple[str, str]]:
    """Every accepted spelling of a class with its subtype, squeezed."""
    spellings: dict[str, tuple[str, str]] = {}
    for ship_class, subtype in ship_classes():
        alone = len([pair for pair in ship_classes() if pair[0] == ship_class]) == 1
        number = re.match(r"[\d,]+", subtype)
        for name in (ship_class, *_CLASS_ALIASES.get(ship_class, ())):
            endings = [subtype, *([number.group()] if number else []), *([""] if alone else [])]
            for ending in endings:
                spellings.setdefault(_squeeze(f"{name} {ending}"), (ship_class, subtype))
    return spellings


def parse_ship_class(text: str) -> tuple[str, str]:
    """Ship class and subtype, spelt as in EPA Table E.1, from a forgiving spelling.

    ``container ship 5000 TEU``, ``container-ship/5,000-teu`` and ``Container Ship/5,000 TEU`` are the same.

    Raises
    ------
    DataError
        for an unknown class or a class without its subtype, listing near matches.
    """
    found = _spellings().get(_squeeze(text))
    if found is not None:
        return found
    names = {_squeeze(name): c for c in {c for c, _ in ship_classes()} for name in (c, *_CLASS_ALIASES.get(c, ()))}
    ship_class = names.get(_squeeze(text))
    if ship_class is None:
        near = difflib.get_close_matches(_squeeze(text), list(_spellings()), n=8, cutoff=0.5)
        pairs = list(dict.fromkeys(_spellings()[spelling] for spelling in near))
    else:
        pairs = [pair for pair in ship_classes() if pair[0] == ship_class]
    listed = "; ".join("/".join(pair) for pair in pairs) or ", ".join(dict.fromkeys(c for c, _ in ship_classes()))
    what = "a class of several sizes" if ship_class else "not a ship class of EPA Table E.1"
    raise DataError(
        "The ship class is not clear.", [Fault("ship class", f"'{text}' is {what}", f"Give one of: {listed}")]
    )


def _check(mode: str, table: str) -> None:
    faults = []
    if mode not in MODES:
        faults.append(Fault("mode", f"'{mode}'", f"Give one of: {', '.join(MODES)}"))
    if table not in HOTEL_TABLES:
        faults.append(Fault("table", f"'{table}'", f"Give one of: {', '.join(HOTEL_TABLES)}"))
    if faults:
        raise DataError("The hotel load cannot be looked up.", faults)


def sized_hotel_load(ship_type: str, size: float, mode: str, table: str) -> HotelLoad:
    """Loads from a table that is keyed by ship type and size.

    Parameters
    ----------
    ship_type : spelt as in the table, e.g. ``container``.
    size : in the table's unit for this type (TEU, DWT, GT, m3).
    mode : one of `MODES`.
    table : ``pola-2016``, ``imo3-2014`` or ``imo4-2020``.

    Raises
    ------
    DataError
        for an unknown mode or table.
    MissingFactorError
        for an unknown ship type.
    """
    _check(mode, table)
    published = load_table(HOTEL_TABLES[table])
    column = "anchorage" if mode == "drift" else mode
    rows = tuple(
        published.in_range(size, load=load, ship_type=ship_type, mode=column)[0] for load in ("auxiliary", "boiler")
    )
    return HotelLoad(rows[0].value, rows[1].value, rows)


def hotel_load(ship_class: str, subtype: str, mode: str, table: str = "epa-2022") -> HotelLoad:
    """Auxiliary and boiler load of a ship in a mode.

    Parameters
    ----------
    ship_class, subtype : spelt as in EPA Table E.1, see `parse_ship_class`.
    mode : one of `MODES`. Drift has no published column and takes that of anchorage, see `DRIFT_NOTE`.
    table : one of `HOTEL_TABLES`. In tables keyed by size the subtype's lowest size is looked up; the row of table
        ``ship_class_size`` that says so is the last of the rows.

    Raises
    ------
    DataError
        for an unknown mode or table.
    MissingFactorError
        if the table has no row for the class.
    """
    _check(mode, table)
    if table == "epa-2022":
        published = load_table("hotel_load_epa")
        column = "anchorage" if mode == "drift" else mode
        aux, boiler = (published.row(load, ship_class, subtype, column) for load in ("auxiliary", "boiler"))
        return HotelLoad(aux.value, boiler.value, (aux, boiler))
    size = load_table("ship_class_size").row(ship_class, subtype)
    ship_type = size.text(_TYPE_COLUMN[table])
    if ship_type == "none":
        raise MissingFactorError(
            f"Table {table} has no ship type for {ship_class}. Choose another of: {', '.join(HOTEL_TABLES)}."
        )
    load = sized_hotel_load(ship_type, size.value, mode, table)
    return load._replace(rows=(*load.rows, size))
