"""A file of the user's own fuels: CSV, Excel or YAML, checked as a whole, which goes before the catalogue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sealane.corridors.fuels import CLASSES, FAMILIES, USER, Pathway, consumer_name
from sealane.corridors.lanes.strict_yaml import read_document
from sealane.errors import DataError, Fault, FileFormatError

# Column: unit, low, high, default (None: required), hint for a number out of bounds.
FUEL_COLUMNS: Mapping[str, tuple[str, float, float, float | None, str]] = {
    "lcv_mj_per_kg": ("MJ/kg", 5.0, 150.0, None, "HFO has 40.5; were MJ/g given, or kWh/kg?"),
    "wtt_g_per_mj": ("g CO2e/MJ", -250.0, 250.0, None, "g per MJ; were g per kWh given?"),
    "cf_co2_g_per_g": ("g/g", 0.0, 4.0, None, "HFO has 3.114"),
    "cf_ch4_g_per_g": ("g/g", 0.0, 0.1, None, "HFO has 0.00005; without slip"),
    "cf_n2o_g_per_g": ("g/g", 0.0, 0.1, None, "HFO has 0.00018"),
    "slip_pct": ("% of fuel mass", 0.0, 20.0, 0.0, "per cent, counted as methane"),
    "density_t_per_m3": ("t/m3", 0.05, 1.2, math.nan, "were kg per m3 given?"),
    "pilot_share": ("1", 0.0, 1.0, math.nan, "a fraction of fuel energy; were per cent given?"),
    "e_g_per_mj": ("g CO2e/MJ", -150.0, 250.0, math.nan, "E of the certificate"),
}
"""Numbers of an own fuel, by column."""

TEXT_COLUMNS = ("fuel", "class", "family", "consumer", "source")
"""Words of an own fuel: name, one of `CLASSES`, engine family or ``none``, kind of engine (empty: any), publication."""


def _entry(where: str, record: Mapping[str, Any], faults: list[Fault]) -> Pathway | None:
    before = len(faults)
    unknown = sorted(set(record) - set(FUEL_COLUMNS) - set(TEXT_COLUMNS))
    known = ", ".join((*TEXT_COLUMNS, *FUEL_COLUMNS))
    faults += [Fault(f"{where}, {name}", "unknown field", f"Fields: {known}") for name in unknown]
    words = {name: str(record.get(name) or "").strip() for name in TEXT_COLUMNS}
    for name in ("fuel", "class", "source"):
        if not words[name]:
            faults.append(Fault(f"{where}, {name}", "empty", "Give a text"))
    words["class"] = words["class"].casefold()
    if words["class"] and words["class"] not in CLASSES:
        faults.append(Fault(f"{where}, class", f"'{words['class']}'", f"Give one of: {', '.join(CLASSES)}"))
    family = words["family"].casefold() or "none"
    if family not in (*FAMILIES, "none"):
        faults.append(Fault(f"{where}, family", f"'{family}'", f"Give one of: {', '.join(FAMILIES)}, none"))
    consumer = ""
    if words["consumer"]:
        try:
            consumer = consumer_name(words["consumer"])
        except DataError as error:
            faults += [Fault(f"{where}, consumer", fault.found, fault.remedy) for fault in error.faults]
    numbers: dict[str, float] = {}
    for name, (unit, low, high, default, hint) in FUEL_COLUMNS.items():
        given = record.get(name)
        if given is None or given == "":
            if default is None:
                faults.append(Fault(f"{where}, {name}", "empty", f"Give a number [{unit}]; {hint}"))
            else:
                numbers[name] = default
            continue
        try:
            numbers[name] = float(given)
        except (TypeError, ValueError):
            numbers[name] = math.nan
        if not low <= numbers[name] <= high:
            faults.append(Fault(f"{where}, {name}", f"'{given}'", f"Give {unit} from {low:g} to {high:g}; {hint}"))
    if len(faults) > before:
        return None
    return Pathway(
        fuel=words["fuel"],
        factor_set=USER,
        consumer=consumer,
        pathway_class=words["class"],
        family=family,
        lcv_mj_per_kg=numbers["lcv_mj_per_kg"],
        wtt_g_per_mj=numbers["wtt_g_per_mj"],
        cf_co2_g_per_g=numbers["cf_co2_g_per_g"],
        cf_ch4_g_per_g=numbers["cf_ch4_g_per_g"],
        cf_n2o_g_per_g=numbers["cf_n2o_g_per_g"],
        slip_share=numbers["slip_pct"] / 100.0,
        density_t_per_m3=numbers["density_t_per_m3"],
        pilot_share=0.0 if family == "oil" and math.isnan(numbers["pilot_share"]) else numbers["pilot_share"],
        certificate_e_g_per_mj=numbers["e_g_per_mj"],
        status=USER,
        grade="D",
        rows=(),
        notes=(f"{words['fuel']}: factors of the user's own ({words['source']}).",),
    )


def _yaml_records(path: Path, faults: list[Fault]) -> list[tuple[str, Mapping[str, Any]]]:
    reader = read_document(path.read_bytes(), path.name, faults)
    entries = reader.mappings("fuels", "Give a list 'fuels' with one entry a fuel", needed=not faults)
    reader.close()
    return [
        (f"{path.name} line {entry.line}", {name: value for name, (value, _) in entry.content.items()})
        for entry in entries
    ]


def _table_records(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    from sealane.emissions.table_file import read_rows

    lines = read_rows(path, "file of fuels")
    if not lines:
        raise FileFormatError(f"{path.name} holds no table. Columns: {', '.join((*TEXT_COLUMNS, *FUEL_COLUMNS))}.")
    header = [cell.strip().casefold() for cell in lines[0][1]]
    kept = [name for name in header if name and not name.startswith("note")]
    return [
        (
            f"{path.name} row {number}",
            {name: cell for name, cell in zip(header, cells, strict=False) if name in kept},
        )
        for number, cells in lines[1:]
    ]


def read_fuels(path: Path | str) -> tuple[Pathway, ...]:
    """Fuels of the user's own, for the argument `own` of `sealane.corridors.fuels.pathway` and of the rules.

    Parameters
    ----------
    path : CSV or Excel with one row a fuel, or YAML with a list ``fuels``; fields `TEXT_COLUMNS` and `FUEL_COLUMNS`.

    Raises
    ------
    FileFormatError
        if the file is no such table or document.
    DataError
        listing every fault.
    """
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"The file of fuels {path} does not exist. Give a CSV, .xlsx or YAML file.")
    faults: list[Fault] = []
    is_yaml = path.suffix.lower() in (".yaml", ".yml")
    records = _yaml_records(path, faults) if is_yaml else _table_records(path)
    fuels: list[Pathway] = []
    seen: dict[tuple[str, str], str] = {}
    for where, record in records:
        entry = _entry(where, record, faults)
        if entry is None:
            continue
        key = (entry.fuel.casefold(), entry.consumer)
        if key in seen:
            faults.append(Fault(where, f"{entry.fuel} again, as in {seen[key]}", "Give each fuel and consumer once"))
        seen[key] = where
        fuels.append(entry)
    if not records and not faults:
        faults.append(Fault(path.name, "no fuel", "Give at least one"))
    if faults:
        raise DataError(f"The file of fuels {path.name} cannot be used.", faults)
    return tuple(fuels)
