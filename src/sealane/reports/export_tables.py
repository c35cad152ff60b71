"""The tables of a result folder that can be exported: those the run wrote, and those its report shows.

A table is read in batches of bounded size, whatever its length; only tables of a report, which are short, are held.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.corridors.arrival import schemas as arrival_schemas
from sealane.corridors.lanes import schemas as lane_schemas
from sealane.errors import DataError, Fault
from sealane.inventory import schemas as inventory_schemas
from sealane.reports import (
    arrival_report,
    commitments,
    comparison_report,
    corridor_page,
    lane_report,
    pdf,
    pdf_inventory,
    quality_tables,
    scenario_report,
)
from sealane.reports.banners import says_simulated
from sealane.reports.commitments import Promise
from sealane.reports.kinds import ResultKind, result_kind
from sealane.reports.results import read_results
from sealane.reports.summary import summarise
from sealane.reports.tables import Column, Table

BATCH_ROWS = 50_000
# Unit by the end of a column's name, longest first; what a run's own description says stands before it.
_UNITS = {
    "usd_per_gj": "USD/GJ", "g_per_mj": "g/MJ", "usd_per_teu": "USD/TEU", "usd_per_t": "USD/t", "kg_per_teu": "kg/TEU",
    "g_per_t_km": "g/(t·km)", "kwh": "kWh", "mwh": "MWh", "kw": "kW", "kn": "kn", "nm": "nm", "mj": "MJ", "tj": "TJ",
    "teu": "TEU", "usd": "USD", "pct": "%", "deg": "deg", "h": "h", "m": "m", "t": "t", "g": "g", "kg": "kg",
}  # fmt: skip
_NO_UNIT = {"", "MMSI", "IMO number", "UN/LOCODE", "A-D"}
_WHOLE_NAMES = {"grams": ("mass", "g"), "hours": ("time", "h")}
LABEL = "label"
"""Column that leads an exported table of simulated data, and says so in every row."""


@dataclass(frozen=True)
class ExportTable:
    """A table that can be exported.

    Attributes
    ----------
    name : by which it is asked for, e.g. ``port-calls`` (of the report) or ``activity`` (as the run wrote it).
    title : for people.
    columns : header, unit and kind of each column.
    names : names of the columns in Parquet, which carry their units.
    rows : how many there are.
    batches : reads them, at most `BATCH_ROWS` at a time.
    written : True for a table as the run wrote it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    names: tuple[str, ...]
    rows: int
    batches: Callable[[], Iterator[pa.RecordBatch]]
    written: bool


@dataclass(frozen=True)
class ExportFolder:
    """What can be exported of a result folder; the tables of its report are worked out when one is asked for.

    Attributes
    ----------
    path, kind : the folder.
    subject : port or corridor and period, for names of files.
    label : ``SIMULATED DATA`` or another word where the data are not real, else ''.
    written : tables as the run wrote them, by name.
    origin : method and provenance as name and value, for the sheet beside each table.
    given : tables of what was given beside the folder: the commitments of a lane's annual report.
    """

    path: Path
    kind: ResultKind
    subject: str
    label: str
    written: Mapping[str, ExportTable]
    origin: tuple[tuple[str, str], ...]
    given: Mapping[str, ExportTable] = field(default_factory=dict)

    @cached_property
    def reported(self) -> Mapping[str, ExportTable]:
        """Tables of the report, by name; a table the run wrote stands here only under another name."""
        if self.kind is ResultKind.INVENTORY:
            return _inventory_tables(self.path)
        found: dict[str, ExportTable] = {}
        for table in corridor_page.tables_of(pdf.corridor_report(self.path, self.kind)):
            if not table.columns or (self.path / table.name).is_file():  # the workbook's copy of a Parquet file
                continue
            name = slug(table.name)
            name = _free(f"{name}-of-report" if name in self.written else name, found)
            found[name] = _of_report(name, table)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tables, those of the report first."""
        if self.kind is ResultKind.INVENTORY:
            return (*INVENTORY_REPORT, *self.written)
        return (*self.given, *self.reported, *self.written)

    def table(self, name: str) -> ExportTable:
        """Return a table by its name, one of `names`."""
        known = self.given if name in self.given else self.written if name in self.written else self.reported
        return known[name]


INVENTORY_REPORT = (
    "port-calls", "by-pollutant", "by-source", "by-mode", "by-ship-class", "stays", "ships", "hours-by-evidence",
    "cleaning-rules", "left-out", "rejected-rows",
)  # fmt: skip
"""Tables of an inventory's report."""


def export_folder(folder: Path, promised: Sequence[Promise] | None = None) -> ExportFolder:
    """Read what can be exported of a result folder.

    Parameters
    ----------
    folder : result of a finished run that has a report.
    promised : of a lane, commitments of agreements that cover its corridor; a table of their own.

    Raises
    ------
    DataError
        if it is none, or files of it are missing or damaged; all are listed.
    """
    folder = Path(folder)
    kind = result_kind(folder)
    provenance, subject, label = _about(folder, kind)
    specs: Mapping[str, inventory_schemas.TableSpec] = _SPECS.get(kind, {})
    written: dict[str, ExportTable] = {}
    faults = []
    for path in sorted(folder.glob("*.parquet")):
        name = path.stem.replace("_", "-")
        try:
            written[name] = _of_file(name, path, specs.get(path.stem))
        except (OSError, pa.ArrowException) as problem:
            faults.append(Fault(str(path), f"no Parquet ({problem})", "Run the command that made the folder again"))
    if faults:
        raise DataError("This result cannot be exported.", faults)
    origin = [("result", f"{kind.value} {subject}".strip()), *([("label", label)] if label else [])]
    given = {}
    if promised is not None and kind is ResultKind.LANE:
        given[commitments.NAME] = _of_report(commitments.NAME, commitments.table(promised))
    return ExportFolder(folder, kind, subject, label, written, (*origin, *quality_tables.flat(provenance)), given)


_SPECS: Mapping[ResultKind, Mapping[str, inventory_schemas.TableSpec]] = {
    ResultKind.INVENTORY: inventory_schemas.TABLES,
    ResultKind.LANE: lane_schemas.TABLES,
    ResultKind.ARRIVAL: arrival_schemas.TABLES,
}


def _about(folder: Path, kind: ResultKind) -> tuple[dict[str, Any], str, str]:
    """Provenance, subject and label of a result."""
    if kind is ResultKind.INVENTORY:
        return _about_inventory(folder)
    if kind is ResultKind.LANE:
        lane = lane_report.read_lane_folder(folder)
        label = "SIMULATED DATA" if lane_report.is_simulated(lane) else ""
        return lane.json, str(lane_report.corridor_of(lane).get("id") or ""), label
    if kind is ResultKind.ARRIVAL:
        arrival = arrival_report.read_arrival_folder(folder)
        label = "SIMULATED DATA" if arrival_report.is_simulated(arrival) else ""
        return arrival.json, str(arrival.json.get("port") or ""), label
    if kind is ResultKind.COMPARISON:
        return comparison_report.read_comparison_folder(folder).json, "", ""
    scenario = scenario_report.read_scenario_folder(folder)
    label = "DEMONSTRATION" if scenario.json.get("label") == "demonstration" else ""
    return scenario.json, str(scenario.json["scenario"]), label


def _about_inventory(folder: Path) -> tuple[dict[str, Any], str, str]:
    documents = {}
    faults = []
    for name in ("provenance.json", "quality.json"):
        try:
            documents[name] = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError) as problem:
            faults.append(Fault(str(folder / name), f"cannot be read ({problem})", "Run `sealane inventory` again"))
    if faults:
        raise DataError("This result cannot be exported.", faults)
    origin, quality = documents["provenance.json"], documents["quality.json"]
    period = origin["period"]
    subject = f"{origin['port']} {period['first_report'][:10]} {period['last_report'][:10]}"
    return origin, subject, "SIMULATED DATA" if says_simulated(origin, quality) else ""


def _inventory_tables(folder: Path) -> dict[str, ExportTable]:
    results = read_results(folder)
    made = pdf_inventory.report_tables(results, summarise(results))
    found = {name: _of_report(name, table) for name, table in zip(INVENTORY_REPORT, made, strict=False)}
    columns = quality_tables.rejects_table(results, 0).columns
    rejects = quality_tables.reject_rows
    found["rejected-rows"] = ExportTable(
        "rejected-rows",
        "Rejected rows",
        columns,
        tuple(column.header for column in columns),
        sum(1 for _ in rejects(results)),
        lambda: _rejects(rejects(results), columns),
        False,
    )
    return found


def _rejects(rows: Iterator[dict[str, str]], columns: tuple[Column, ...]) -> Iterator[pa.RecordBatch]:
    names = [column.header for column in columns]
    schema = pa.schema([(name, pa.string()) for name in names])
    while True:
        taken = [{name: row.get(name) for name in names} for row in islice(rows, BATCH_ROWS)]
        yield pa.RecordBatch.from_pylist(taken, schema)
        if len(taken) < BATCH_ROWS:
            return


def _free(name: str, taken: Collection[str]) -> str:
    return name if name not in taken else next(n for k in range(2, 99) if (n := f"{name}-{k}") not in taken)


def slug(text: str) -> str:
    """A name for commands and addresses: ``Port calls`` becomes ``port-calls``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "table"


def _of_file(name: str, path: Path, spec: inventory_schemas.TableSpec | None) -> ExportTable:
    schema = pq.read_schema(path)
    heads = [_head(field, spec) for field in schema]
    # Two columns of one name and unit keep the names they have in the file.
    titles = [(head, unit) for head, unit, _ in heads]
    columns = tuple(
        Column(head if titles.count((head, unit)) == 1 else field.name, unit, kind, 18)
        for field, (head, unit, kind) in zip(schema, heads, strict=True)
    )
    rows = pq.read_metadata(path).num_rows
    return ExportTable(name, name, columns, tuple(schema.names), rows, partial(_read, path), True)


def _head(field: pa.Field, spec: inventory_schemas.TableSpec | None) -> tuple[str, str, str]:
    """Header, unit and kind of a column of Parquet."""
    described = spec.columns.get(field.name) if spec is not None else None
    head, unit = _unit_of_name(field.name)
    if described is not None and described.unit not in _NO_UNIT and pa.types.is_floating(field.type):
        unit = described.unit
    if pa.types.is_timestamp(field.type):
        return field.name, "UTC", "time"
    if not (pa.types.is_floating(field.type) or pa.types.is_integer(field.type)):
        return field.name, "", "text"
    kind = (
        "number" if pa.types.is_floating(field.type) else "id" if field.name in {"mmsi", "imo", "ship"} else "integer"
    )
    return (field.name, "", kind) if kind != "number" else (head, unit, kind)


def _unit_of_name(name: str) -> tuple[str, str]:
    if name in _WHOLE_NAMES:
        return _WHOLE_NAMES[name]
    for end in sorted(_UNITS, key=len, reverse=True):
        if name.endswith(f"_{end}"):
            return name[: -len(end) - 1], _UNITS[end]
    return name, ""


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        if not file.metadata.num_rows:  # a table without rows still has its columns
            yield pa.RecordBatch.from_pylist([], file.schema_arrow)
        yield from file.iter_batches(batch_size=BATCH_ROWS)


def _of_report(name: str, table: Table) -> ExportTable:
    names = _own_names(table.columns)
    return ExportTable(name, table.name, table.columns, names, len(table.rows), partial(_batches, table, names), False)


def _own_names(columns: tuple[Column, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for column in columns:
        name = slug(f"{column.header} {column.unit}").replace("-", "_")
        names.append(name if name not in names else f"{name}_{len(names) + 1}")
    return tuple(names)


def _batches(table: Table, names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    for start in range(0, max(1, len(table.rows)), BATCH_ROWS):
        rows = table.rows[start : start + BATCH_ROWS]
        arrays = [_array([row[k] for row in rows], column) for k, column in enumerate(table.columns)]
        yield pa.RecordBatch.from_arrays(arrays, names=list(names))


def _array(values: list[Any], column: Column) -> pa.Array:
    """A column by its kind; one that also holds words is one of texts."""
    if column.kind == "time":
        return pa.array(values, pa.timestamp("us", tz="UTC"))
    if column.kind in {"number", "share"} and all(isinstance(v, int | float | None) for v in values):
        whole = [None if v is None or not math.isfinite(v) else float(v) for v in values]
        return pa.array(whole, pa.float64())
    if column.kind in {"integer", "id"} and all(isinstance(v, int | None) for v in values):
        return pa.array(values, pa.int64())
    return pa.array([None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values], pa.string())
