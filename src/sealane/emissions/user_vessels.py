"""The user's own vessels file: what a ship really is, from a CSV or Excel table.

The columns are listed in `VESSEL_FILE_COLUMNS`; the template is made from that list. Every fault of a file is reported
at once, with row and column. What is not given is filled later from AIS and class defaults, never here.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealane.emissions.fuel_rules import tier_for_keel_year
from sealane.emissions.ship_classes import (
    AUX_ENGINE_TYPES,
    ENGINE_TYPES,
    FUEL_TYPES,
    class_and_subtype,
    find_ship_class,
    find_subtype,
    listed_classes,
    size_units,
    subtype_from_size,
)
from sealane.emissions.table_file import EXCEL_ERRORS, read_rows
from sealane.errors import DataError, Fault, FileFormatError, MissingFactorError

# name -> (unit or form, lower bound, upper bound, meaning). The bounds only catch slips of the pen (W for kW).
VESSEL_FILE_COLUMNS: dict[str, tuple[str, float, float, str]] = {
    "mmsi": ("9 digits", 200_000_000, 799_999_999, "MMSI of the ship; this or imo is required"),
    "imo": (
        "7 digits",
        0,
        9_999_999,
        "IMO number, with or without the letters IMO; its check digit must be right",
    ),
    "name": ("text", 0, 0, "name of the ship"),
    "ship_class": ("text", 0, 0, "class as in EPA Table E.1, e.g. Container Ship"),
    "subtype": ("text", 0, 0, "subtype as in EPA Table E.1, e.g. 5,000 TEU; else told from teu, dwt or gt"),
    "installed_kw": ("kW", 50, 150_000, "installed propulsion power"),
    "service_speed_kn": ("kn", 1, 60, "service speed; maximum speed is service speed / 0.94"),
    "max_speed_kn": ("kn", 1, 60, "maximum speed; goes before service_speed_kn"),
    "max_draught_m": ("m", 0.5, 30, "maximum (summer) draught"),
    "engine_type": ("code", 0, 0, "main engine: SSD, MSD, HSD, ST, GT, LNG, MSD-ED, GT-ED"),
    "aux_engine_type": ("code", 0, 0, "auxiliary engine: AUX-MSD, AUX-HSD, AUX-LNG, or without AUX-"),
    "nox_tier": ("0-3", 0, 3, "MARPOL Annex VI NOx tier of the diesel engines"),
    "keel_year": ("year", 1900, 2100, "year the keel was laid; decides the NOx tier where nox_tier is empty"),
    "fuel": (
        "code",
        0,
        0,
        "fuel the main engine burns everywhere, instead of the rule of date and place, at the sulphur limit in force: "
        "HFO, VLSFO, MGO, LNG",
    ),
    "electric_drive": ("yes or no", 0, 0, "diesel- or turbine-electric drive: no low-load adjustment"),
    "dwt": ("t", 1, 600_000, "deadweight"),
    "teu": ("TEU", 1, 30_000, "container capacity"),
    "gt": ("GT", 1, 400_000, "gross tonnage"),
    "length_m": ("m", 1, 500, "length over all"),
    "beam_m": ("m", 1, 100, "beam"),
}

# Other spellings that are understood, with the factor to the unit of the column.
COLUMN_ALIASES: dict[str, tuple[str, float]] = {
    "imo_number": ("imo", 1),
    "vessel_name": ("name", 1),
    "ship_name": ("name", 1),
    "ship_type": ("ship_class", 1),
    "main_engine_kw": ("installed_kw", 1),
    "propulsion_kw": ("installed_kw", 1),
    "installed_mw": ("installed_kw", 1000),
    "service_speed_knots": ("service_speed_kn", 1),
    "max_speed_knots": ("max_speed_kn", 1),
    "max_draft_m": ("max_draught_m", 1),
    "main_engine_type": ("engine_type", 1),
    "keel_laid_year": ("keel_year", 1),
    "tier": ("nox_tier", 1),
    "deadweight_t": ("dwt", 1),
    "gross_tonnage": ("gt", 1),
}

_INTEGERS = ("mmsi", "imo", "nox_tier", "keel_year")
_TEXTS = ("name", "ship_class", "subtype", "engine_type", "aux_engine_type", "fuel", "electric_drive")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class UserVessel:
    """One row of the user's file; None where the cell is empty. Units are in the names."""

    row: int
    mmsi: int | None = None
    imo: int | None = None
    name: str | None = None
    ship_class: str | None = None
    subtype: str | None = None
    subtype_source: str | None = None
    installed_kw: float | None = None
    service_speed_kn: float | None = None
    max_speed_kn: float | None = None
    max_draught_m: float | None = None
    engine_type: str | None = None
    aux_engine_type: str | None = None
    nox_tier: int | None = None
    keel_year: int | None = None
    fuel: str | None = None
    electric_drive: bool | None = None
    dwt: float | None = None
    teu: float | None = None
    gt: float | None = None
    length_m: float | None = None
    beam_m: float | None = None


@dataclass(frozen=True)
class UserVessels:
    """A checked vessels file: its name and its rows, in file order."""

    file: str
    rows: tuple[UserVessel, ...]


def imo_check_digit_ok(imo: int | None) -> bool:
    """True if the seventh digit is the last digit of 7a + 6b + 5c + 4d + 3e + 2f (IMO Res. A.1117(30))."""
    if imo is None or not 1_000_000 <= imo <= 9_999_999:
        return False
    digits = [int(digit) for digit in str(imo)]
    return sum(d * w for d, w in zip(digits, range(7, 1, -1), strict=False)) % 10 == digits[6]


def read_user_vessels(path: Path | str) -> UserVessels:
    """Read and check a vessels file.

    Parameters
    ----------
    path : CSV (UTF-8, comma) or Excel (.xlsx, first sheet). The first row that is not empty and does not begin
        with ``#`` is the header; in it, case does not matter, and blanks, hyphens and brackets count as
        underscores. Columns: `VESSEL_FILE_COLUMNS`; other spellings: `COLUMN_ALIASES`. A column whose name begins
        with ``note`` is ignored.

    Raises
    ------
    FileFormatError
        if the file is no such table.
    DataError
        listing every fault with row and column: unknown column, no MMSI and no IMO number, unknown class, wrong
        check digit, value out of bounds, the same ship twice, fields that contradict each other.
    """
    path = Path(path)
    lines = read_rows(path, "vessels file")
    header_at = next(iter(lines), None)
    if header_at is None:
        raise FileFormatError(f"{path.name} holds no table. Start from the vessels template ('sealane sample DIR').")
    faults: list[Fault] = []
    columns = _read_header(path.name, header_at[0], header_at[1], faults)
    vessels: list[UserVessel] = []
    for number, cells in lines[1:]:
        vessel = _read_row(path.name, number, columns, cells, faults)
        if vessel is not None:
            vessels.append(vessel)
    if not lines[1:] and not faults:
        faults.append(Fault(path.name, "a header but no ship", "Give one row per ship"))
    _check_doubles(path.name, vessels, faults)
    if faults:
        raise DataError(f"The vessels file {path.name} cannot be used.", faults)
    return UserVessels(file=path.name, rows=tuple(vessels))


def _column_key(text: str) -> str:
    """Header cell to a column name: lower case; blanks, hyphens and brackets become one underscore."""
    return re.sub(r"[\s_\-()\[\]/.]+", "_", text.strip().lower()).strip("_")


def _read_header(file: str, number: int, header: Sequence[str], faults: list[Fault]) -> list[tuple[str, float] | None]:
    columns: list[tuple[str, float] | None] = []
    seen: dict[str, str] = {}
    for text in header:
        key = _column_key(text)
        if not key or key.startswith("note"):
            columns.append(None)
            continue
        found = (key, 1.0) if key in VESSEL_FILE_COLUMNS else COLUMN_ALIASES.get(key)
        if found is None:
            near = difflib.get_close_matches(key, [*VESSEL_FILE_COLUMNS, *COLUMN_ALIASES], n=3)
            remedy = f"Did you mean {' or '.join(near)}?" if near else "Name it note_..., or delete it"
            faults.append(Fault(f"{file} row {number}, column {text}", "unknown column", remedy))
        elif found[0] in seen:
            faults.append(
                Fault(
                    f"{file} row {number}, column {text}",
                    f"same column as {seen[found[0]]}",
                    f"Keep one column for {found[0]}",
                )
            )
        else:
            seen[found[0]] = text
        columns.append(found)
    if "mmsi" not in seen and "imo" not in seen:
        faults.append(Fault(f"{file} row {number}", "neither a column mmsi nor imo", "Give one of them, or both"))
    return columns


def _read_row(
    file: str,
    number: int,
    columns: Sequence[tuple[str, float] | None],
    cells: Sequence[str],
    faults: list[Fault],
) -> UserVessel | None:
    before = len(faults)
    values: dict[str, object] = {}

    def fault(column: str, found: str, remedy: str) -> None:
        faults.append(Fault(f"{file} row {number}, column {column}", found, remedy))

    if len(cells) > len(columns):
        faults.append(
            Fault(
                f"{file} row {number}",
                f"{len(cells)} cells under {len(columns)} headings",
                "Quote text with commas",
            )
        )
    for column, cell in zip(columns, cells, strict=False):
        if column is None or not cell:
            continue
        name, factor = column
        if cell in EXCEL_ERRORS or cell.startswith("="):
            fault(name, f"'{cell}'", "Give the value itself; the formula has none. Open and save the file in Excel")
        elif name in _TEXTS:
            values[name] = cell
        else:
            number_or_none = _read_number(name, cell, factor, fault)
            if number_or_none is not None:
                values[name] = number_or_none
    if "mmsi" not in values and "imo" not in values and len(faults) == before:
        fault("mmsi", "neither mmsi nor imo", "Give one of them, or both")
    _check_codes(values, fault)
    _check_class(values, fault)
    _check_contradictions(values, fault)
    if len(faults) > before:
        return None
    return UserVessel(row=number, **values)  # type: ignore[arg-type]  # the keys are the columns checked above


def _read_number(name: str, cell: str, factor: float, fault: Callable[[str, str, str], None]) -> float | int | None:
    unit, low, high, _ = VESSEL_FILE_COLUMNS[name]
    text = re.sub(r"(?i)^imo\s*", "", cell) if name == "imo" else cell
    if name == "nox_tier":
        text = re.sub(r"(?i)^tier\s*", "", text)
        text = {"I": "1", "II": "2", "III": "3"}.get(text.upper(), text)
    if not _NUMBER.fullmatch(text):
        fault(name, f"'{cell}'", f"Give a plain number ({unit}), with a point and no thousands separator")
        return None
    value = float(text) * factor
    if not math.isfinite(value) or not low <= value <= high:
        fault(name, f"'{cell}'", f"Give {unit}, from {low:,.10g} to {high:,.10g}")
        return None
    if name in _INTEGERS:
        if not value.is_integer():
            fault(name, f"'{cell}'", "Give a whole number")
            return None
        if name == "imo" and not imo_check_digit_ok(int(value)):
            fault(name, f"'{cell}'", "Give an IMO number of 7 digits whose check digit is right")
            return None
        return int(value)
    return value


def _check_codes(values: dict[str, object], fault: Callable[[str, str, str], None]) -> None:
    """Engine, fuel and drive codes to their one spelling."""
    for column, codes in (
        ("engine_type", ENGINE_TYPES),
        ("aux_engine_type", AUX_ENGINE_TYPES),
        ("fuel", FUEL_TYPES),
    ):
        if column in values:
            text = str(values[column])
            code = text.upper().replace(" ", "-").replace("_", "-")
            if column == "aux_engine_type" and not code.startswith("AUX-"):
                code = f"AUX-{code}"
            if code in codes:
                values[column] = code
            else:
                fault(column, f"'{text}'", f"Give one of {', '.join(codes)}")
    if "electric_drive" in values:
        text = str(values["electric_drive"]).lower()
        if text in ("yes", "true", "1", "y"):
            values["electric_drive"] = True
        elif text in ("no", "false", "0", "n"):
            values["electric_drive"] = False
        else:
            fault("electric_drive", f"'{text}'", "Give yes or no")


def _check_class(values: dict[str, object], fault: Callable[[str, str, str], None]) -> None:
    """Class and subtype to their spelling in EPA Table E.1; the subtype from a size where it is not given."""
    if "ship_class" not in values:
        if "subtype" in values:
            fault("subtype", f"'{values['subtype']}' without a class", "Give ship_class too")
        return
    if "subtype" not in values:
        both = class_and_subtype(str(values["ship_class"]))
        if both is not None:
            values["ship_class"], values["subtype"] = both
            return
    try:
        ship_class = find_ship_class(str(values["ship_class"]))
    except MissingFactorError as problem:
        fault("ship_class", f"'{values['ship_class']}'", str(problem))
        return
    values["ship_class"] = ship_class
    subtypes = listed_classes()[ship_class]
    if "subtype" in values:
        try:
            values["subtype"] = find_subtype(ship_class, str(values["subtype"]))
        except MissingFactorError as problem:
            fault("subtype", f"'{values['subtype']}'", str(problem))
        return
    units = size_units(ship_class)
    for unit in units:
        if unit in values:
            subtype, grade, source = subtype_from_size(ship_class, unit, float(str(values[unit])))
            values["subtype"] = subtype
            values["subtype_source"] = f"{unit} {values[unit]:g}, size bins grade {grade}: {source}"
            return
    by_size = f" or {' or '.join(units)}" if units else ""
    fault("subtype", "empty", f"Give the subtype{by_size} of a {ship_class}; subtypes: {'; '.join(subtypes)}")


def _check_contradictions(values: dict[str, object], fault: Callable[[str, str, str], None]) -> None:
    service, maximum = values.get("service_speed_kn"), values.get("max_speed_kn")
    if isinstance(service, float) and isinstance(maximum, float) and service > maximum:
        fault("service_speed_kn", f"{service:g}, above max_speed_kn {maximum:g}", "Correct one of them")
    engine, fuel = values.get("engine_type"), values.get("fuel")
    if (fuel == "LNG") != (engine == "LNG") and fuel is not None and engine is not None:
        fault("fuel", f"'{fuel}' in an engine of type {engine}", "An LNG engine burns LNG, and no other does")
    if fuel == "LNG" and engine is None:
        fault("engine_type", "empty, with fuel LNG", "Give engine_type LNG")
    electric = values.get("electric_drive")
    if isinstance(engine, str) and electric is not None:
        if electric is False and engine.endswith("-ED"):
            fault("electric_drive", f"'no' with engine_type {engine}", "Correct one of them")
        if electric is True and engine in ("MSD", "GT"):
            values["engine_type"] = f"{engine}-ED"
        elif electric is True and engine in ("SSD", "HSD", "ST"):
            fault(
                "electric_drive",
                f"'yes' with engine_type {engine}",
                "Electric drive is known for MSD, GT and LNG",
            )
    tier, keel = values.get("nox_tier"), values.get("keel_year")
    if isinstance(tier, int) and isinstance(keel, int):
        required, _ = tier_for_keel_year(keel)
        diesel = engine is None or (isinstance(engine, str) and engine.split("-")[0] in ("SSD", "MSD", "HSD"))
        if diesel and tier < required:
            fault("nox_tier", f"{tier}, with keel_year {keel}", f"A keel of {keel} requires tier {required}")


def _check_doubles(file: str, vessels: Sequence[UserVessel], faults: list[Fault]) -> None:
    for column in ("mmsi", "imo"):
        seen: dict[int, int] = {}
        for vessel in vessels:
            value = getattr(vessel, column)
            if value is None:
                continue
            if value in seen:
                faults.append(
                    Fault(
                        f"{file} row {vessel.row}, column {column}",
                        f"{value} stands in row {seen[value]} too",
                        "Give each ship once",
                    )
                )
            else:
                seen[value] = vessel.row


def write_vessels_template(path: Path | str) -> None:
    """Write an empty vessels table (CSV) with every column and, in comment lines, its unit and meaning."""
    lines = ["# Vessels file for Sealane: one row per ship; give what you know, leave the rest empty."]
    lines += ["# Lines that begin with # are not read. This template holds no ship."]
    lines += [f"# {name} [{spec[0]}]: {spec[3]}" for name, spec in VESSEL_FILE_COLUMNS.items()]
    lines += [",".join(VESSEL_FILE_COLUMNS), ""]
    Path(path).write_text("\n".join(lines), encoding="utf-8", newline="\n")
