"""Ports: where they are and which UN/LOCODE names them.

`ports.csv` holds every port of the World Port Index (NGA, Pub. 150). Its own UN/LOCODE column is blank or unusual for
some ports, so `ports_locode.csv` holds the codes of the partner ports, each looked up in published copies of the
UN/LOCODE list; only what stands in neither is answered by the World Port Index's own code, at grade C.
`ports_limit_radius.csv` holds the radius (nm, our assumption) that stands for a port's limit where no outline is
published.
"""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sealane.errors import DataError, Fault, ReferenceDataError

TABLES = Path(__file__).parent / "tables"
GRADES = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Port:
    """A port.

    Attributes
    ----------
    locode : UN/LOCODE, five characters; blank where the World Port Index gives none.
    name, alternate_name : as in the World Port Index.
    country : country name as in the World Port Index.
    lat, lon : the World Port Index point, degrees, WGS 84; given there to a minute of arc for most ports.
    wpi_number : World Port Index number, as text; the index gives two of them twice and one with a half.
    source, edition : where position and code come from.
    grade : of the code. A: two lists agree; B: one list; C: the World Port Index only.
    note : what to know about the code.
    """

    locode: str
    name: str
    alternate_name: str
    country: str
    lat: float
    lon: float
    wpi_number: str
    source: str
    edition: str
    grade: str
    note: str = ""


@dataclass(frozen=True)
class LimitRadius:
    """Radius (nm) around a port's point that stands for its limit, with where it comes from."""

    radius_nm: float
    source: str
    grade: str


def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        return [(f"{path.name} line {reader.line_num}", row) for row in reader]


def read_ports(ports_csv: Path, locodes_csv: Path) -> tuple[tuple[Port, ...], dict[str, Port]]:
    """Read both tables.

    Parameters
    ----------
    ports_csv, locodes_csv : tables of the columns documented in docs/reference/zones.md.

    Returns
    -------
    All ports in the order of the table (World Port Index number), and the ports by UN/LOCODE.

    Raises
    ------
    ReferenceDataError : a row has a wrong number, a position out of range, a double key or no source; lists all.
    """
    faults: list[Fault] = []
    ports: dict[tuple[str, str, float], Port] = {}
    by_number: dict[str, Port] = {}
    by_code: dict[str, Port] = {}
    for where, row in _rows(ports_csv):
        try:
            port = Port(
                locode=row["wpi_code"],
                name=row["name"],
                alternate_name=row["alternate_name"],
                country=row["country"],
                lat=float(row["lat"]),
                lon=float(row["lon"]),
                wpi_number=row["wpi_number"],
                source=row["source"],
                edition=row["edition"],
                grade="C",
                note="code as in the World Port Index, not verified" if row["wpi_code"] else "",
            )
        except (KeyError, TypeError, ValueError) as problem:
            faults.append(Fault(where, f"cannot be read ({problem})", "Give numbers in lat and lon."))
            continue
        if not (abs(port.lat) <= 90.0 and abs(port.lon) <= 180.0):
            faults.append(Fault(where, f"position {port.lat}, {port.lon}", "Give degrees: latitude, longitude."))
        key = (port.wpi_number, port.name, port.lon)
        if key in ports:
            faults.append(Fault(where, f"{port.name} again", "Keep one row a port."))
        if not port.source or row["grade"] not in GRADES:
            faults.append(Fault(where, "no source or grade", "Give source and grade A to D."))
        ports[key] = port
        by_number.setdefault(port.wpi_number, port)
        # The index gives some codes twice; the lower number, its main entry, stays.
        if port.locode and port.locode not in by_code:
            by_code[port.locode] = port
    verified: set[str] = set()
    for where, row in _rows(locodes_csv):
        number, code = row["wpi_number"], row["locode"]
        if number not in by_number:
            faults.append(Fault(where, f"wpi_number {number}", "Give a number of ports.csv."))
            continue
        if code in verified or len(code) != 5:
            faults.append(Fault(where, f"locode '{code}'", "Give each five-character code once."))
        verified.add(code)
        base = by_number[number]
        by_code[code] = Port(
            locode=code,
            name=row["list_name"] or base.name,
            alternate_name=base.name,
            country=base.country,
            lat=base.lat,
            lon=base.lon,
            wpi_number=number,
            source=f"position: {base.source}; code: {row['source']}",
            edition=row["edition"],
            grade=row["grade"],
            note=row["note"],
        )
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise ReferenceDataError(f"The table of ports breaks its own rules:\n{lines}")
    return tuple(ports.values()), by_code


@cache
def _shipped() -> tuple[tuple[Port, ...], dict[str, Port]]:
    return read_ports(TABLES / "ports.csv", TABLES / "ports_locode.csv")


def all_ports() -> tuple[Port, ...]:
    """Every port of the World Port Index, by its number."""
    return _shipped()[0]


def verified_locodes() -> tuple[str, ...]:
    """The UN/LOCODEs of `ports_locode.csv`: the partner ports and the ports of the samples."""
    return tuple(row["locode"] for _, row in _rows(TABLES / "ports_locode.csv"))


def find_port(locode: str) -> Port | None:
    """The port of a UN/LOCODE, or None; blanks and case do not matter."""
    return _shipped()[1].get(locode.replace(" ", "").upper())


def port(locode: str) -> Port:
    """The port of a UN/LOCODE.

    Parameters
    ----------
    locode : five characters, e.g. ``USLAX``; blanks and case do not matter.

    Raises
    ------
    DataError : no port has this code; says the nearest codes and names, and what to do.
    """
    found = find_port(locode)
    if found is not None:
        return found
    code = locode.replace(" ", "").upper()
    known = _shipped()[1]
    near = difflib.get_close_matches(code, known, n=3)
    named = [p for p in known.values() if locode.strip().lower() in (p.name.lower(), p.alternate_name.lower())]
    hints = [f"{c} ({known[c].name}, {known[c].country})" for c in near] + [f"{p.locode} ({p.name})" for p in named]
    raise DataError(
        f"Unknown port '{locode}'.",
        [
            Fault(
                "port",
                f"'{locode}' is no UN/LOCODE of the World Port Index or of our verified list",
                f"Did you mean {', '.join(dict.fromkeys(hints))}? " * bool(hints)
                + "For another port give a zone file with a port_limit zone that carries its code (--zones).",
            )
        ],
    )


@cache
def limit_radius(locode: str) -> LimitRadius:
    """Radius that stands for a port's limit where no outline is published; our assumption, grade D."""
    rows = {row["locode"]: row for _, row in _rows(TABLES / "ports_limit_radius.csv")}
    row = rows.get(locode, rows["default"])
    if row["unit"] != "nm":
        raise ReferenceDataError(f"ports_limit_radius.csv gives {row['locode']} in {row['unit']}; nm is needed.")
    return LimitRadius(float(row["value"]), row["source"], row["grade"])
