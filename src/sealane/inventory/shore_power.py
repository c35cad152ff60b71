"""Shore power by call: when a ship was connected, and what its electricity cost the climate.

The user's CSV has the columns ``mmsi`` or ``imo``, ``from``, ``to`` (ISO 8601, UTC). While connected at berth the
auxiliary engines stand still; the grid's emissions are booked instead, CO2e only, as no other is published here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

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
    return round(moment.timestamp() * 1_000_000)


def read_connections(path: Path, port: str) -> Connections:
    """Read the user's connections; all faults at once.

    Raises
    ------
    DataError
        naming row, field and remedy of every fault.
    MissingFactorError
        if the port's grid has no row.
    """
    faults: list[Fault] = []
    rows: list[Connection] = []
    with path.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        names = [name.strip().lower() for name in reader.fieldnames or []]
        lacking = [name for name in ("from", "to") if name not in names]
        if lacking or not {"mmsi", "imo"} & set(names):
            expected = ", ".join(SHORE_POWER_COLUMNS)
            raise DataError(
                "The shore-power file cannot be used.",
                [Fault(f"{path}, header", f"found {', '.join(names) or 'nothing'}", f"Give the columns {expected}.")],
            )
        reader.fieldnames = names
        for number, record in enumerate(reader, start=2):
            where = f"{path} row {number}"
            before = len(faults)
            values: dict[str, int | None] = {}
            for name in ("mmsi", "imo"):
                text = (record.get(name) or "").strip()
                if text and not text.isdigit():
                    faults.append(Fault(f"{where}, column {name}", f"{text!r}", "Give digits only."))
                values[name] = int(text) if text.isdigit() else None
            if values["mmsi"] is None and values["imo"] is None and len(faults) == before:
                faults.append(Fault(where, "neither mmsi nor imo", "Name the ship."))
            for name in ("from", "to"):
                try:
                    values[name] = _micros(record.get(name) or "")
                except ValueError:
                    faults.append(
                        Fault(f"{where}, column {name}", f"{record.get(name)!r}", "Give an ISO 8601 time in UTC.")
                    )
            if len(faults) > before:
                continue
            start, end = values["from"], values["to"]
            assert start is not None
            assert end is not None
            if start >= end:
                faults.append(Fault(where, "from is not before to", "The period is half-open: from < to."))
                continue
            rows.append(Connection(values["mmsi"], values["imo"], start, end))
    for ship in {(c.mmsi, c.imo) for c in rows}:
        own = sorted((c for c in rows if (c.mmsi, c.imo) == ship), key=lambda c: c.start_us)
        for a, b in pairwise(own):
            if b.start_us < a.end_us:
                faults.append(Fault(f"{path}, ship {ship[0] or ship[1]}", "two connections overlap", "Join them."))
    if faults:
        raise DataError("The shore-power file cannot be used.", faults)
    return Connections(tuple(rows), grid_row(port) if rows else None)
