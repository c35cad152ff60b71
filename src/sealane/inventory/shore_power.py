"""Shore power by call: when a ship was connected, and what its electricity cost the climate.

The user's table (CSV or Excel) has the columns ``mmsi`` or ``imo``, ``from``, ``to`` (ISO 8601, UTC). While connected
at berth the auxiliary engines stand still; the grid's emissions are booked instead, CO2e only, as no other is
published here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sealane.emissions.table_file import read_rows
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SHORE_POWER_COLUMNS = {
    "mmsi": "MMSI of the ship; or give imo",
    "imo": "IMO number of the ship; or give mmsi",
    "from": "beginning of the connection, ISO 8601, UTC",
    "to": "end of the connection, ISO 8601, UTC",
}
# Grid zone of table grid_carbon_intensity for the ports' countries; California has a row of its own.
_CALIFORNIA = {"USLAX", "USLGB", "USOAK", "USNTD", "USSAN", "USSFO"}
_COUNTRY = {
    "US": "USA",
    "JP": "JPN",
    "CN": "CHN",
    "SG": "SGP",
    "KR": "KOR",
    "TW": "TWN",
    "MX": "MEX",
    "VN": "VNM",
    "AU": "AUS",
    "CL": "CHL",
    "IL": "ISR",
    "IT": "ITA",
    "SE": "SWE",
    "DK": "DNK",
    "ID": "IDN",
}


@dataclass(frozen=True)
class Connection:
    """One ship connected to shore power; half-open period in microseconds since 1970."""

    mmsi: int | None
    imo: int | None
    start_us: int
    end_us: int


@dataclass(frozen=True)
class Connections:
    """All connections of a run, and the grid row they are priced by (None where nobody is connected)."""

    rows: tuple[Connection, ...] = ()
    grid: FactorRow | None = None

    @property
    def grid_g_per_kwh(self) -> float:
        """Carbon intensity of the port's grid [g CO2e/kWh]; NaN where nobody is connected."""
        return self.grid.value if self.grid else float("nan")

    def by_vessel(
        self, mmsi: NDArray[np.int32], imo: list[int | None]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Offsets ``(v + 1,)``, starts and ends of every vessel's connections, in the order of ``mmsi``."""
        offsets = np.zeros(len(mmsi) + 1, np.int64)
        starts: list[int] = []
        ends: list[int] = []
        for v, (number, register) in enumerate(zip(mmsi.tolist(), imo, strict=True)):
            own = [c for c in self.rows if c.mmsi == number or (c.imo is not None and c.imo == register)]
            for c in sorted(own, key=lambda c: c.start_us):
                starts.append(c.start_us)
                ends.append(c.end_us)
            offsets[v + 1] = len(starts)
        return offsets, np.array(starts, np.int64), np.array(ends, np.int64)

    def ships_not_seen(self, mmsi: Collection[int], imo: Collection[int | None]) -> list[str]:
        """Ships that are named here and not among the ships given, e.g. because a digit is wrong; sorted."""
        unseen = [c for c in self.rows if c.mmsi not in mmsi and (c.imo is None or c.imo not in imo)]
        return sorted({f"MMSI {c.mmsi:09d}" if c.mmsi is not None else f"IMO {c.imo}" for c in unseen})


def grid_row(port: str) -> FactorRow:
    """Carbon intensity of the grid at a port.

    Raises
    ------
    MissingFactorError
        if no row is held for the port's country.
    """
    zone = "US-CA" if port in _CALIFORNIA else _COUNTRY.get(port[:2])
    if zone is None:
        raise MissingFactorError(
            f"No carbon intensity of the grid is held for {port}. Leave --shore-power out, or add a row to "
            "table 'grid_carbon_intensity' with its source."
        )
    return load_table("grid_carbon_intensity").row(zone)


def _micros(text: str) -> int:
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def _connection(where: str, names: list[str], cells: list[str], faults: list[Fault]) -> Connection | None:
    """One row as a connection; None, with its faults added, where it is wrong."""
    before = len(faults)
    if len(cells) > len(names):
        faults.append(
            Fault(where, f"{len(cells)} cells under {len(names)} headings", "Give one cell for each heading.")
        )
    record = dict(zip(names, cells, strict=False))
    numbers: dict[str, int | None] = {}
    for name, digits in (("mmsi", 9), ("imo", 7)):
        text = record.get(name, "")
        if text and not re.fullmatch(rf"[0-9]{{{digits}}}", text):
            faults.append(Fault(f"{where}, column {name}", repr(text[:60]), f"Give {digits} digits and nothing else."))
        numbers[name] = int(text) if text and len(faults) == before else None
    if numbers["mmsi"] is None and numbers["imo"] is None and len(faults) == before:
        faults.append(Fault(where, "neither mmsi nor imo", "Name the ship."))
    moments = []
    for name in ("from", "to"):
        try:
            moments.append(_micros(record.get(name, "")))
        except (ValueError, OverflowError):
            shown = repr(record.get(name, "")[:60])
            faults.append(Fault(f"{where}, column {name}", shown, "Give an ISO 8601 time in UTC."))
    if len(faults) == before and moments[0] >= moments[1]:
        faults.append(Fault(where, "from is not before to", "The period is half-open: from < to."))
    return Connection(numbers["mmsi"], numbers["imo"], *moments) if len(faults) == before else None


def read_connections(path: Path, port: str) -> Connections:
    """Read the user's connections; all faults at once.

    Raises
    ------
    FileFormatError
        if the file is no table.
    DataError
        naming row, field and remedy of every fault.
    MissingFactorError
        if the port's grid has no row.
    """
    lines = read_rows(path, "shore-power file")
    names = [name.lower() for name in lines[0][1]] if lines else []
    lacking = [name for name in ("from", "to") if name not in names]
    twice = [name for name in SHORE_POWER_COLUMNS if names.count(name) > 1]
    if lacking or twice or not {"mmsi", "imo"} & set(names):
        expected = ", ".join(SHORE_POWER_COLUMNS)
        found = f"found {', '.join(names)[:200] or 'nothing'}"
        remedy = f"Give each of the columns {expected} once; mmsi or imo may be left out."
        raise DataError("The shore-power file cannot be used.", [Fault(f"{path}, header", found, remedy)])
    faults: list[Fault] = []
    rows = []
    for number, cells in lines[1:]:
        connection = _connection(f"{path} row {number}", names, cells, faults)
        if connection is not None:
            rows.append(connection)
    for ship in {(c.mmsi, c.imo) for c in rows}:
        own = sorted((c for c in rows if (c.mmsi, c.imo) == ship), key=lambda c: c.start_us)
        for a, b in pairwise(own):
            if b.start_us < a.end_us:
                faults.append(Fault(f"{path}, ship {ship[0] or ship[1]}", "two connections overlap", "Join them."))
    if faults:
        raise DataError("The shore-power file cannot be used.", faults)
    return Connections(tuple(rows), grid_row(port) if rows else None)
