"""What a run is asked to do, checked before anything is read, so that all faults of a request show at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sealane.errors import DataError, Fault
from sealane.inventory.schemas import TABLES, TRACKS
from sealane.inventory.settings import Settings

METHODS = ("epa-2022", "imo4-2020")
GWP_SETS = ("ar4", "ar5", "ar6")
ENGINES = ("local", "spark")
# All that a result folder may hold. A folder with anything else in it is never replaced: it may be somebody's work.
RESULT_FILES = frozenset(
    (
        *(table.file for table in TABLES.values()),
        *(TRACKS.file, "vessels.parquet", "zones.geojson", "learnt_zones.geojson", "rejects.csv"),
        *("quality.json", "provenance.json", "report.html", "report.xlsx"),
    )
)


@dataclass(frozen=True)
class InventoryRequest:
    """One run of the main job.

    Attributes
    ----------
    positions : AIS files, in any supported form, in any order.
    port : UN/LOCODE of the port; case and blanks do not matter, kept as ``USNYC``.
    out : folder to write; made new, or replaced if an earlier run wrote it and nothing else stands in it.
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
    memory_limit : scales how many rows are held back while reading, e.g. ``700MB``.
    calls_only : stop at port calls; no energy, no emissions, no report.
    keep_tracks : write ``tracks.parquet`` too, which maps of the node draw; the local engine only.
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
    keep_tracks: bool = False

    def __post_init__(self) -> None:
        """Bring the code of the port into its one form, which zones, tables and call ids carry."""
        object.__setattr__(self, "port", self.port.replace(" ", "").upper())

    def check(self) -> None:
        """Raise `DataError` with every fault of the request."""
        faults = []
        if not self.positions:
            faults.append(Fault("POSITIONS", "no file given", "Name at least one file of AIS positions."))
        for path in (*self.positions, self.vessels, self.zones, self.shore_power):
            if path is not None and not path.is_file():
                found = "is a folder" if path.is_dir() else "is no file" if path.exists() else "does not exist"
                faults.append(Fault(str(path), found, "Name a file that can be read."))
        for name, value, known in (
            ("--method", self.method, METHODS),
            ("--gwp", self.gwp, GWP_SETS),
            ("--engine", self.engine, ENGINES),
        ):
            if value not in known:
                faults.append(Fault(name, f"{value!r} is not known", f"Use one of: {', '.join(known)}."))
        if self.keep_tracks and self.engine == "spark":
            found = "the Spark engine leaves tracks on its workers' disks"
            faults.append(Fault("--tracks", found, "Use the local engine, or run without --tracks."))
        start, end = self.time_from, self.time_to
        for name, moment in (("--from", start), ("--to", end)):
            if moment is not None and moment.tzinfo is None:
                faults.append(Fault(name, f"{moment} has no time zone", "Give a time in UTC."))
        if start and end and start.tzinfo and end.tzinfo and start >= end:
            faults.append(Fault("--from/--to", f"{start} is not before {end}", "The period is half-open: from < to."))
        faults.extend(self._faults_of_out())
        if faults:
            raise DataError("The run cannot start.", faults)

    def _faults_of_out(self) -> Iterator[Fault]:
        """The folder is replaced as a whole: nothing that no run wrote may stand in it, nor anything that is read."""
        where = str(self.out)
        out = self.out.resolve()
        for path in (*self.positions, self.vessels, self.zones, self.shore_power):
            if path is not None and out in path.resolve().parents:
                remedy = "Name a new folder, or keep what you give elsewhere."
                yield Fault(where, f"holds {path.name}, which is read, and would be replaced", remedy)
        if not self.out.exists():
            return
        if not self.out.is_dir():
            yield Fault(where, "exists and was not written by Sealane", "Name a new or an empty folder.")
            return
        names = sorted(path.name for path in self.out.iterdir())
        foreign = [name for name in names if name not in RESULT_FILES]
        if names and not _finished_by_us(self.out):
            yield Fault(where, "exists and was not written by Sealane", "Name a new or an empty folder.")
        elif foreign:
            shown = ", ".join(foreign[:5]) + (" …" if len(foreign) > 5 else "")
            yield Fault(where, f"holds what Sealane did not write: {shown}", "Move it away, or name a new folder.")


def _finished_by_us(folder: Path) -> bool:
    try:
        record = json.loads((folder / "provenance.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and "sealane" in record
