"""An arrival study as the pages read it: what each call would have saved, and sums of that by notice."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.corridors.arrival.schemas import TABLES
from sealane.errors import DataError, Fault, Phrase
from sealane.web.corridor.lane_legs import sum_of_list
from sealane.web.derivation import Quantity
from sealane.web.words import N_

VOYAGE = "voyage"
SOURCES = ("main", "aux", "boiler")
SOURCE_WORDS: Mapping[str, str] = {
    "main": N_("main engine"),
    "aux": N_("auxiliary engines (hotel load)"),
    "boiler": N_("boilers (hotel load)"),
}


class Saved(StrEnum):
    """What notice of the berth's time saves."""

    FUEL = "fuel"
    WTW = "wtw_co2e"
    TTW = "ttw_co2e"
    NOX = "nox"
    SO2 = "so2"
    PM25 = "pm25"
    ENERGY = "energy"
    WAITING = "waiting"


class Kind(StrEnum):
    """Net counts hotel load and least speed; gross is what is usually quoted."""

    NET = "net"
    GROSS = "gross"


@dataclass(frozen=True)
class ShownSaving:
    """How a saving is shown: words, quantity, and the divisor from the table's unit."""

    words: str
    quantity: Quantity
    divisor: float = 1.0


SAVINGS: Mapping[Saved, ShownSaving] = {
    Saved.FUEL: ShownSaving(N_("Fuel saved"), "mass_t"),
    Saved.WTW: ShownSaving(N_("CO2e saved, well-to-wake"), "mass_t", 1e6),
    Saved.TTW: ShownSaving(N_("CO2e saved, tank-to-wake"), "mass_t", 1e6),
    Saved.NOX: ShownSaving(N_("NOx saved"), "mass_t", 1e6),
    Saved.SO2: ShownSaving(N_("SO2 saved"), "mass_t", 1e6),
    Saved.PM25: ShownSaving(N_("PM2.5 saved"), "mass_t", 1e6),
    Saved.ENERGY: ShownSaving(N_("Energy saved"), "energy_kwh"),
    Saved.WAITING: ShownSaving(N_("Waiting at anchor that became sailing"), "duration_h"),
}
_POLLUTANTS = {Saved.WTW: ("wtw", "co2e"), Saved.TTW: ("ttw", "co2e")}


@dataclass(frozen=True)
class ArrivalStudy:
    """Tables of one study.

    Attributes
    ----------
    folder : as ``sealane arrival --out`` wrote it.
    """

    folder: Path

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """Content of ``arrival.json``."""
        try:
            found: Mapping[str, Any] = json.loads((self.folder / "arrival.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged("arrival.json", error) from None
        return found

    @cached_property
    def sums(self) -> tuple[Mapping[str, Any], ...]:
        """Rows of ``summary.parquet``."""
        return tuple(self.table("summary").to_pylist())

    @property
    def simulated(self) -> bool:
        """True where calls are SIMULATED."""
        return bool(self.summary["simulated"])

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """Notices of the study, the shortest first."""
        found = {str(row["notice"]) for row in self.sums}
        return tuple(sorted(found, key=lambda text: math.inf if text == VOYAGE else float(text)))

    def table(self, name: str, where: pc.Expression | None = None) -> pa.Table:
        """Rows of a table.

        Raises
        ------
        DataError
            where the file is missing or damaged.
        """
        path = self.folder / TABLES[name].file
        try:
            return pq.read_table(path, filters=where)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path.name, error) from None

    def row(self, notice: str, saved: Saved) -> Mapping[str, Any] | None:
        """Row of the summary: before, after, saved."""
        return next((r for r in self.sums if (r["notice"], r["quantity"]) == (notice, saved.value)), None)

    def calls_of(self, notice: str) -> tuple[str, ...]:
        """Calls to which a notice applies, by name."""
        return _calls_of(self, notice)

    def ranked(self, notice: str, saved: Saved, kind: Kind, source: str | None = None) -> tuple[tuple[str, float], ...]:
        """What each call would have saved, the largest first; calls without a figure are left out.

        Parameters
        ----------
        source : of energy, one of `SOURCES`; None: all of it.
        """
        return _ranked(self, notice, saved, kind, source)

    def _by_call(self, notice: str, saved: Saved, kind: Kind, source: str | None) -> tuple[tuple[str, float], ...]:
        scale = SAVINGS[saved].divisor
        if saved in (Saved.FUEL, Saved.ENERGY, Saved.WAITING):
            column = {
                Saved.FUEL: f"{kind}_saved_fuel_t",
                Saved.ENERGY: f"{kind}_saved_kwh" if source is None else f"{source}_saved_kwh",
                Saved.WAITING: "absorbed_h",
            }[saved]
            rows = self._savings(notice)
        else:
            basis, pollutant = _POLLUTANTS.get(saved, ("ttw", saved.value))
            column, rows = f"{kind}_saved_g", self._emissions(notice, basis, pollutant)
        found = [(row["call_id"], row[column] / scale) for row in rows if row[column] is not None]
        return tuple(sorted(found, key=lambda item: (-item[1], item[0])))

    def _savings(self, notice: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.table("savings", pc.field("notice") == notice).to_pylist()
        return found

    def _emissions(self, notice: str, basis: str, pollutant: str) -> list[dict[str, Any]]:
        where = (pc.field("notice") == notice) & (pc.field("basis") == basis) & (pc.field("pollutant") == pollutant)
        found: list[dict[str, Any]] = self.table("emissions", where).to_pylist()
        return found

    def saving(self, notice: str, saved: Saved, kind: Kind = Kind.NET, source: str | None = None) -> float | None:
        """Sum over all calls, in the unit of the figure; None where no call has one.

        Net energy is the sum of its sources: a main engine that does less, hotel load that lasts longer.
        """
        if saved is Saved.ENERGY and kind is Kind.NET and source is None:
            parts = [self.saving(notice, saved, kind, one) for one in SOURCES]
            return None if None in parts else math.fsum(part for part in parts if part is not None)
        values = [value for _, value in self.ranked(notice, saved, kind, source)]
        return sum_of_list(values) if values else None


def _damaged(name: str, error: Exception) -> DataError:
    fault = Fault(
        name,
        Phrase("cannot be read (%(kind)s)", kind=type(error).__name__),
        Phrase("Run `sealane arrival` again"),
    )
    return DataError(Phrase("The study's folder is damaged."), [fault])


@lru_cache(maxsize=512)
def _ranked(
    study: ArrivalStudy, notice: str, saved: Saved, kind: Kind, source: str | None
) -> tuple[tuple[str, float], ...]:
    # A page asks for every quantity of every notice; a kept study never changes.
    return study._by_call(notice, saved, kind, source)


@lru_cache(maxsize=64)
def _calls_of(study: ArrivalStudy, notice: str) -> tuple[str, ...]:
    return tuple(sorted(row["call_id"] for row in study._savings(notice)))


@lru_cache(maxsize=16)
def arrival_study(folder: Path) -> ArrivalStudy:
    """Return a kept study; the same object for the same folder, which never changes."""
    return ArrivalStudy(folder)
