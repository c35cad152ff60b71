"""The ship-year file and the measures file: tables a user keeps, read and checked with all faults at once."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealane.corridors.fuels import Pathway, consumer_name, fuel_name
from sealane.corridors.rules.fueleu_flexibility import Measure
from sealane.corridors.rules.ship_year import MJ_PER_KWH, SCOPES, FuelUse, ShipYear
from sealane.emissions.table_file import EXCEL_ERRORS, read_rows
from sealane.emissions.user_vessels import imo_check_digit_ok
from sealane.errors import DataError, Fault, FileFormatError, MissingFactorError


@dataclass(frozen=True)
class Field:
    """A column of a file of rules.

    Attributes
    ----------
    unit, meaning : unit (``text`` for words) and what it says.
    low, high : closed bounds of a plausible number.
    hint : what a number out of bounds probably is.
    required : every row has it.
    whole : a whole number.
    of_ship : belongs to the ship and year, the same in all its rows.
    """

    unit: str
    meaning: str
    low: float = 0.0
    high: float = math.inf
    hint: str = ""
    required: bool = False
    whole: bool = False
    of_ship: bool = False


SHIP_YEAR_COLUMNS: Mapping[str, Field] = {
    "ship": Field("text", "name of the ship, one spelling throughout", required=True),
    "year": Field("year", "calendar year", 2018, 2100, required=True, whole=True),
    "imo": Field("IMO number", "with a valid check digit", 1_000_000, 9_999_999, whole=True, of_ship=True),
    "ship_type": Field("text", "type for the CII, e.g. container", of_ship=True),
    "dwt_t": Field("t", "deadweight", 100, 600_000, "were kilotonnes given, or kg?", of_ship=True),
    "gt": Field("GT", "gross tonnage", 100, 300_000, "gross tonnage is a plain number", of_ship=True),
    "distance_nm": Field("nm", "distance sailed in the year", 1, 210_000, "were metres or km given?", of_ship=True),
    "fuel": Field("text", "fuel, as 'sealane factors fuel_pathways' lists it, or of a file of your own", required=True),
    "consumer": Field("text", "kind of engine; needed for LNG and its renewable kin"),
    "mass_t": Field("t", "mass burnt", 0, 200_000, "no ship burns so much: were kg given for t?", required=True),
    "scope": Field("text", f"where it was burnt: {', '.join(SCOPES)}", required=True),
    "e_g_per_mj": Field("g CO2e/MJ", "E of the certificate of a biofuel or RFNBO", -150, 250, "g per MJ, not per kg"),
    "wtt_g_per_mj": Field("g CO2e/MJ", "well-to-tank of a fuel without a default", -250, 250, "g per MJ, not per kg"),
    "shore_power_mwh": Field(
        "MWh", "electricity from shore at berth in scope", 0, 100_000, "were kWh given for MWh?", of_ship=True
    ),
    "wind_ratio": Field("1", "P_wind / P_prop of wind assistance", 0, 1, "were per cent given?", of_ship=True),
    "deficit_years": Field(
        "year", "consecutive periods with a deficit, this one included", 1, 50, whole=True, of_ship=True
    ),
}
"""Columns of a ship-year file: one row per ship, year, fuel, consumer and scope."""

SHIP_YEAR_ALIASES: Mapping[str, tuple[str, float]] = {
    "name": ("ship", 1.0),
    "ship_name": ("ship", 1.0),
    "imo_number": ("imo", 1.0),
    "type": ("ship_type", 1.0),
    "dwt": ("dwt_t", 1.0),
    "gross_tonnage": ("gt", 1.0),
    "distance": ("distance_nm", 1.0),
    "engine": ("consumer", 1.0),
    "fuel_t": ("mass_t", 1.0),
    "mass_kg": ("mass_t", 1e-3),
    "mass_kt": ("mass_t", 1e3),
    "e": ("e_g_per_mj", 1.0),
    "shore_power_kwh": ("shore_power_mwh", 1e-3),
    "shore_power_mj": ("shore_power_mwh", 1e-3 / MJ_PER_KWH),
}
"""Other headings that are understood: column and factor."""

MEASURE_COLUMNS: Mapping[str, Field] = {
    "ship": Field("text", "as in the ship-year file", required=True),
    "year": Field("year", "reporting period", 2025, 2100, required=True, whole=True),
    "action": Field("text", "bank, borrow or pool", required=True),
    "pool": Field("text", "name of the pool"),
    "amount_t": Field(
        "t CO2e",
        "bank: how much, empty for all; pool: balance the ship leaves with, empty to share the sum",
        -1e7,
        1e7,
        "were grams given for tonnes?",
    ),
}
"""Columns of a measures file: at most one row per ship and year."""

LEAST_T_PER_NM, MOST_T_PER_NM = 0.001, 3.0
"""Fuel by distance outside of which tonnes were probably kilotonnes or kilograms; our assumption."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_Values = dict[str, float | str]


@dataclass(frozen=True)
class _Record:
    """One row as read: its place and the values that are fine; `whole` if no column of it has a fault."""

    where: str
    values: _Values
    whole: bool


def _key(text: str) -> str:
    return re.sub(r"[\s_\-()\[\]/.]+", "_", text.strip().lower()).strip("_")


def _columns(
    where: str,
    header: Sequence[str],
    fields: Mapping[str, Field],
    aliases: Mapping[str, tuple[str, float]],
    faults: list[Fault],
) -> list[tuple[str, float] | None]:
    columns: list[tuple[str, float] | None] = []
    seen: dict[str, str] = {}
    for text in header:
        key = _key(text)
        if not key or key.startswith("note"):
            columns.append(None)
            continue
        found = (key, 1.0) if key in fields else aliases.get(key)
        if found is None:
            near = difflib.get_close_matches(key, [*fields, *aliases], n=3)
            remedy = f"Did you mean {' or '.join(near)}?" if near else "Name it note_..., or delete it"
            faults.append(Fault(f"{where}, column {text}", "unknown column", remedy))
        elif found[0] in seen:
            faults.append(Fault(f"{where}, column {text}", f"same as column {seen[found[0]]}", "Keep one of them"))
        else:
            seen[found[0]] = text
        columns.append(found)
    for name, field in fields.items():
        if field.required and name not in seen:
            faults.append(Fault(where, f"no column {name}", f"Add it: {field.meaning} [{field.unit}]"))
    return columns


def _value(name: str, cell: str, factor: float, field: Field, fault: Callable[[str, str, str], None]) -> float | None:
    text = re.sub(r"(?i)^imo\s*", "", cell) if name == "imo" else cell
    if not _NUMBER.fullmatch(text):
        fault(name, f"'{cell}'", f"Give a plain number [{field.unit}], with a point and no thousands separator")
        return None
    number = float(text) * factor
    if not (math.isfinite(number) and field.low <= number <= field.high):
        hint = f"; {field.hint}" if field.hint and (number >= 0 or field.low < 0) else ""
        low, high = (f"{bound:.0f}" if field.unit == "year" else f"{bound:,.10g}" for bound in (field.low, field.high))
        fault(name, f"'{cell}'", f"Give {field.unit} from {low} to {high}{hint}")
        return None
    if field.whole and not number.is_integer():
        fault(name, f"'{cell}'", "Give a whole number")
        return None
    if name == "imo" and not imo_check_digit_ok(int(number)):
        fault(name, f"'{cell}'", "Give an IMO number of 7 digits whose check digit is right")
        return None
    return number


def _records(
    path: Path,
    what: str,
    fields: Mapping[str, Field],
    aliases: Mapping[str, tuple[str, float]],
    faults: list[Fault],
) -> list[_Record]:
    """Rows of a file with every value checked on its own; a value with a fault is left out."""
    lines = read_rows(path, what)
    if not lines:
        raise FileFormatError(f"{path.name} holds no table. Give a header with the columns {', '.join(fields)}.")
    columns = _columns(f"{path.name} row {lines[0][0]}", lines[0][1], fields, aliases, faults)
    if faults:
        # Without its columns no row can be told right from wrong.
        raise DataError(f"The {what} {path.name} cannot be used.", faults)
    records: list[_Record] = []
    for number, cells in lines[1:]:
        where, values, wrong = f"{path.name} row {number}", _Values(), set[str]()
        before = len(faults)

        def fault(column: str, found: str, remedy: str, where: str = where, wrong: set[str] = wrong) -> None:
            wrong.add(column)
            faults.append(Fault(f"{where}, column {column}", found, remedy))

        if len(cells) > len(columns):
            faults.append(
                Fault(where, f"{len(cells)} cells under {len(columns)} headings", "Quote text that has commas in it")
            )
        for column, cell in zip(columns, cells, strict=False):
            if column is None or not cell:
                continue
            name, factor = column
            if cell in EXCEL_ERRORS or cell.startswith("="):
                fault(name, f"'{cell}'", "Give the value itself: the formula has none. Open and save the file")
            elif fields[name].unit == "text":
                values[name] = cell
            else:
                value = _value(name, cell, factor, fields[name], fault)
                if value is not None:
                    values[name] = value
        for name, field in fields.items():
            if field.required and name not in values and name not in wrong:
                fault(name, "empty", f"Give {field.meaning} [{field.unit}]")
        records.append(_Record(where, values, whole=len(faults) == before))
    if not lines[1:]:
        faults.append(Fault(path.name, "a header but no row", "Give at least one row"))
    return records


def _number(values: _Values, name: str) -> float | None:
    value = values.get(name)
    return None if value is None else float(value)


def _whole(values: _Values, name: str) -> int | None:
    value = values.get(name)
    return None if value is None else int(float(value))


def _text(values: _Values, name: str) -> str | None:
    value = values.get(name)
    return None if value is None else str(value)


def _check_codes(record: _Record, own: Sequence[Pathway], faults: list[Fault]) -> None:
    """Fuel, consumer and scope of a row to their one spelling."""
    values, where = record.values, record.where
    fuel, consumer = _text(values, "fuel"), _text(values, "consumer")
    mine = next((path.fuel for path in own if fuel and path.fuel.casefold() == fuel.casefold()), None)
    if mine is not None:
        values["fuel"] = mine
    elif fuel is not None:
        try:
            values["fuel"] = fuel_name(fuel)
        except MissingFactorError as error:
            faults.append(Fault(f"{where}, column fuel", f"'{fuel}'", str(error)))
    if consumer is not None:
        try:
            values["consumer"] = consumer_name(consumer)
        except DataError as error:
            faults += [Fault(f"{where}, column consumer", fault.found, fault.remedy) for fault in error.faults]
    if "scope" in values:
        values["scope"] = str(values["scope"]).casefold().replace(" ", "-").replace("_", "-")
        if values["scope"] not in SCOPES:
            remedy = f"Give one of: {', '.join(SCOPES)}"
            faults.append(Fault(f"{where}, column scope", f"'{values['scope']}'", remedy))


def _fuel_use(record: _Record) -> FuelUse:
    values = record.values
    return FuelUse(
        fuel=str(values["fuel"]),
        mass_t=float(values["mass_t"]),
        scope=str(values["scope"]),
        consumer=_text(values, "consumer"),
        e_g_per_mj=_number(values, "e_g_per_mj"),
        wtt_g_per_mj=_number(values, "wtt_g_per_mj"),
        where=record.where,
    )


def _ship_values(records: Sequence[_Record], faults: list[Fault]) -> _Values:
    """What belongs to the ship and year, which no two rows may say differently."""
    merged: dict[str, tuple[float | str, str]] = {}
    for record in records:
        for name, value in record.values.items():
            if not SHIP_YEAR_COLUMNS[name].of_ship:
                continue
            said, place = merged.setdefault(name, (value, record.where))
            if said != value:
                found = f"{value}, but {said} in {' '.join(place.split()[-2:])}"
                remedy = "Give the same in every row of a ship and year, or in one only"
                faults.append(Fault(f"{record.where}, column {name}", found, remedy))
    return {name: value for name, (value, _) in merged.items()}


def _check_total(ship_year: ShipYear, where: str, faults: list[Fault]) -> None:
    total = math.fsum(use.mass_t for use in ship_year.fuels)
    if not ship_year.distance_nm or not total:
        return
    by_mile = total / ship_year.distance_nm
    found = f"{total:,.6g} t of fuel over {ship_year.distance_nm:,.6g} nm, {by_mile:.3g} t/nm"
    if by_mile < LEAST_T_PER_NM:
        faults.append(Fault(where, found, "Too little for a ship: were kilotonnes given for tonnes?"))
    if by_mile > MOST_T_PER_NM:
        faults.append(Fault(where, found, "Too much for a ship: were kg given for tonnes, or is the distance short?"))


def read_ship_years(path: Path | str, own: Sequence[Pathway] = ()) -> tuple[ShipYear, ...]:
    """Read and check a ship-year file, by ship and year.

    Parameters
    ----------
    path : CSV (UTF-8, comma) or Excel (.xlsx, first sheet); a row that begins with ``#`` is a comment, a column whose
        name begins with ``note`` is ignored. Columns: `SHIP_YEAR_COLUMNS`; other headings: `SHIP_YEAR_ALIASES`.
    own : fuels of the user's own, known beside the catalogue.

    Raises
    ------
    FileFormatError
        if the file is no such table.
    DataError
        listing every fault with row and column.
    """
    path = Path(path)
    faults: list[Fault] = []
    grouped: dict[tuple[str, int], list[_Record]] = {}
    for record in _records(path, "ship-year file", SHIP_YEAR_COLUMNS, SHIP_YEAR_ALIASES, faults):
        _check_codes(record, own, faults)
        if "ship" in record.values and "year" in record.values:
            key = (str(record.values["ship"]), int(float(record.values["year"])))
            grouped.setdefault(key, []).append(record)
    ship_years = []
    for (ship, year), records in sorted(grouped.items()):
        shared = _ship_values(records, faults)
        if not all(record.whole for record in records):
            continue
        shore_mwh = _number(shared, "shore_power_mwh") or 0.0
        ship_years.append(
            ShipYear(
                ship=ship,
                year=year,
                fuels=tuple(_fuel_use(record) for record in records),
                imo=_whole(shared, "imo"),
                ship_type=_text(shared, "ship_type"),
                dwt_t=_number(shared, "dwt_t"),
                gt=_number(shared, "gt"),
                distance_nm=_number(shared, "distance_nm"),
                shore_power_mj=shore_mwh * 1000.0 * MJ_PER_KWH,
                wind_ratio=_number(shared, "wind_ratio") or 0.0,
                deficit_years=_whole(shared, "deficit_years") or 1,
            )
        )
        _check_total(ship_years[-1], f"{path.name}, ship {ship}, {year}", faults)
    if faults:
        raise DataError(f"The ship-year file {path.name} cannot be used.", faults)
    return tuple(ship_years)


def read_measures(path: Path | str) -> tuple[Measure, ...]:
    """Read a file of FuelEU measures: banking, borrowing, pooling.

    Raises
    ------
    FileFormatError
        if the file is no such table.
    DataError
        listing every fault with row and column.
    """
    path = Path(path)
    faults: list[Fault] = []
    records = _records(path, "measures file", MEASURE_COLUMNS, {}, faults)
    if faults:
        raise DataError(f"The measures file {path.name} cannot be used.", faults)
    return tuple(
        Measure(
            ship=str(record.values["ship"]),
            year=int(float(record.values["year"])),
            action=str(record.values["action"]).casefold(),
            amount_t=_number(record.values, "amount_t"),
            pool=_text(record.values, "pool") or "",
            where=record.where,
        )
        for record in records
    )
