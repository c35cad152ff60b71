"""Auxiliary-engine and boiler loads by ship class and mode, from four published tables.

``epa-2022``: EPA-420-B-22-011 Tables E.1 and E.2, keyed by ship class and subtype. The others are keyed by ship type
and size; table ``ship_class_size`` (our assumption, grade D) says which size and type stand for an EPA subtype.
"""

from __future__ import annotations

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


class HotelLoad(NamedTuple):
    """Loads in one mode [kW] and the rows they come from (auxiliary first)."""

    aux_kw: float
    boiler_kw: float
    rows: tuple[FactorRow, ...]


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
