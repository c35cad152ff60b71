"""What a run is asked to do, checked before anything is read, so that all faults of a request show at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sealane.errors import DataError, Fault
from sealane.inventory.settings import Settings

METHODS = ("epa-2022", "imo4-2020")
GWP_SETS = ("ar4", "ar5", "ar6")
ENGINES = ("local", "spark")


@dataclass(frozen=True)
class InventoryRequest:
    """One run of the main job.

    Attributes
    ----------
    positions : AIS files, in any supported form, in any order.
    port : UN/LOCODE of the port.
    out : folder to write; made new, or replaced if an earlier run wrote it.
    vessels : the user's vessel particulars, CSV or Excel; None for none.
    zones : the user's zones, GeoJSON; they stand before the shipped ones. None for none.
    shore_power : connections to shore power, CSV; None for none.
    method : ``epa-2022`` or ``imo4-2020``.
    gwp : set of global warming potentials, ``ar4``, ``ar5`` or ``ar6``.
    time_from, time_to : half-open period in UTC; None for open ends.
    engine : ``local`` or ``spark``.
    spark_master : Spark master, e.g. ``local[2]`` or ``spark://host:7077``.
    format : form of the files, or ``auto``.
    columns : for CSV of a form of its own, column of ours to column of theirs.
    settings : thresholds.
    threads : None takes what this process may use.
    memory_limit : what DuckDB may use while reading, e.g. ``700MB``.
    calls_only : stop at port calls; no energy, no emissions, no report.
    """

    positions: tuple[Path, ...]
    port: str
    out: Path
    vessels: Path | None = None
    zones: Path | None = None
    shore_power: Path | None = None
    method: str = "epa-2022"
    gwp: str = "ar5"
    time_from: datetime | None = None
    time_to: datetime | None = None
    engine: str = "local"
    spark_master: str | None = None
    format: str = "auto"
    columns: Mapping[str, str] | None = None
    settings: Settings = field(default_factory=Settings)
    threads: int | None = None
    memory_limit: str = "700MB"
    calls_only: bool = False

    def check(self) -> None:
        """Raise `DataError` with every fault of the request."""
        faults = []
        if not self.positions:
            faults.append(Fault("POSITIONS", "no file given", "Name at least one file of AIS positions."))
        for path in (*self.positions, self.vessels, self.zones, self.shore_power):
            if path is not None and not path.is_file():
                found = "is a folder" if path.is_dir() else "does not exist"
                faults.append(Fault(str(path), found, "Name a file that can be read."))
        for name, value, known in (
            ("--method", self.method, METHODS),
            ("--gwp", self.gwp, GWP_SETS),
            ("--engine", self.engine, ENGINES),
        ):
            if value not in known:
                faults.append(Fault(name, f"{value!r} is not known", f"Use one of: {', '.join(known)}."))
        start, end = self.time_from, self.time_to
        for name, moment in (("--from", start), ("--to", end)):
            if moment is not None and moment.tzinfo is None:
                faults.append(Fault(name, f"{moment} has no time zone", "Give a time in UTC."))
        if start and end and start.tzinfo and end.tzinfo and start >= end:
            faults.append(Fault("--from/--to", f"{start} is not before {end}", "The period is half-open: from < to."))
        if self.out.exists():
            ours = self.out.is_dir() and ((self.out / "provenance.json").is_file() or not any(self.out.iterdir()))
            if not ours:
                faults.append(
                    Fault(str(self.out), "exists and was not written by Sealane", "Name a new or an empty folder.")
                )
        if faults:
            raise DataError("The run cannot start.", faults)


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC."""
    return moment.astimezone(UTC)
