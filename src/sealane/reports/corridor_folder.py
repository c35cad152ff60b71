"""Read a result folder of a lane, an arrival study, a scenario or a comparison for its report.

Only the columns are checked at first; rows are read when they are asked for, and DuckDB takes
the sums over large tables.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sealane.errors import DataError, Fault

MAX_SHEET_ROWS = 20_000
"""Rows of a Parquet table that are copied into the workbook; its note says how many more the file holds."""


@dataclass(frozen=True)
class ResultFolder:
    """What stands in a result folder.

    Attributes
    ----------
    path : the folder.
    json : content of its JSON file.
    schemas : columns of each table; a table that may be absent and is has its empty schema.
    absent : tables that are not there.
    """

    path: Path
    json: dict[str, Any]
    schemas: Mapping[str, pa.Schema]
    absent: frozenset[str]

    def rows(self, name: str, most: int | None = None) -> list[dict[str, Any]]:
        """Rows of a table as dictionaries, the first `most` of them; what is not a finite number is None."""
        if name in self.absent:
            return []
        if most is None:
            table = pq.read_table(self.path / f"{name}.parquet")
        else:
            with pq.ParquetFile(self.path / f"{name}.parquet") as file:
                table = pa.Table.from_batches(
                    _until(file.iter_batches(batch_size=min(most, 65_536) or 1), most), schema=file.schema_arrow
                ).slice(0, most)
        return [_finite(row) for row in table.to_pylist()]

    def count(self, name: str) -> int:
        """Rows of a table."""
        return 0 if name in self.absent else int(pq.read_metadata(self.path / f"{name}.parquet").num_rows)

    def sql(self, query: str) -> list[dict[str, Any]]:
        """Answer of a query in which each table stands under its own name; order the rows in it."""
        with duckdb.connect() as connection:
            # One thread: sums have the same last digit each time.
            connection.execute("SET threads = 1")
            connection.execute("SET TimeZone = 'UTC'")
            for name, schema in self.schemas.items():
                if name in self.absent:
                    connection.register(name, schema.empty_table())
                else:
                    text = str(self.path / f"{name}.parquet").replace("'", "''")
                    connection.execute(f"CREATE VIEW \"{name}\" AS SELECT * FROM read_parquet('{text}')")
            return [_finite(row) for row in connection.sql(query).to_arrow_table().to_pylist()]


def _until(batches: Any, most: int) -> list[pa.RecordBatch]:
    taken: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        taken.append(batch)
        held += batch.num_rows
        if held >= most:
            break
    return taken


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}


def read_folder(
    folder: Path,
    json_name: str,
    needed: Mapping[str, pa.Schema],
    optional: Mapping[str, pa.Schema] | None = None,
    keys: Sequence[str] = (),
) -> ResultFolder:
    """Check a result folder and read its JSON.

    Parameters
    ----------
    folder : result of a finished run.
    json_name : its JSON file.
    needed : tables that must be there (``<name>.parquet``) with the columns they must have.
    optional : tables that may be absent.
    keys : names the JSON must have.

    Raises
    ------
    DataError
        if files or columns are missing or damaged; all of them are listed.
    """
    folder = Path(folder)
    faults: list[Fault] = []
    again = "Run the command that made the folder again"
    found: dict[str, Any] = {}
    path = folder / json_name
    try:
        loaded = json.loads(path.read_text("utf-8"))
        if isinstance(loaded, dict):
            found = loaded
            faults += [Fault(f"{path}, {key}", "is not there", again) for key in keys if key not in found]
        else:
            faults.append(Fault(str(path), "is no JSON object", again))
    except OSError:
        faults.append(Fault(str(path), "cannot be read", f"{again}, or name its folder"))
    except ValueError as error:
        faults.append(Fault(str(path), f"is damaged ({error})", again))
    schemas: dict[str, pa.Schema] = {}
    absent = set()
    for name, schema in {**needed, **(optional or {})}.items():
        path = folder / f"{name}.parquet"
        if not path.exists() and name not in needed:
            schemas[name] = schema
            absent.add(name)
            continue
        try:
            schemas[name] = pq.read_schema(path)
        except (OSError, pa.ArrowException) as error:
            what = "is not there" if not path.exists() else f"is damaged ({error})"
            faults.append(Fault(str(path), what, again))
            continue
        faults += [
            Fault(f"{path}, column {column}", "is not there", again)
            for column in schema.names
            if column not in schemas[name].names
        ]
    if faults:
        raise DataError(f"{folder}: no report can be made of this folder.", faults)
    return ResultFolder(folder, found, schemas, frozenset(absent))
