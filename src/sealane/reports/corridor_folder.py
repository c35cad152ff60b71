"""Read a result folder of a lane, an arrival study, a scenario or a comparison for its report."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.errors import DataError, Fault


@dataclass(frozen=True)
class ResultFolder:
    """What stands in a result folder: its JSON and the tables by name; tables that may be absent are then empty."""

    path: Path
    json: dict[str, Any]
    tables: Mapping[str, pa.Table]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Rows of a table as dictionaries; what is not a finite number is None."""
        return [
            {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
            for row in self.tables[name].to_pylist()
        ]

    def number_of_rows(self, name: str) -> int:
        """Rows of a table."""
        return int(self.tables[name].num_rows)


def read_folder(
    folder: Path,
    json_name: str,
    needed: Mapping[str, pa.Schema | None],
    optional: Mapping[str, pa.Schema] | None = None,
    keys: Sequence[str] = (),
) -> ResultFolder:
    """Read a result folder.

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
    try:
        loaded = json.loads((folder / json_name).read_text("utf-8"))
        if isinstance(loaded, dict):
            found = loaded
            faults += [Fault(f"{folder / json_name}, {key}", "is not there", again) for key in keys if key not in found]
        else:
            faults.append(Fault(str(folder / json_name), "is no JSON object", again))
    except OSError:
        faults.append(Fault(str(folder / json_name), "cannot be read", f"{again}, or name its folder"))
    except (ValueError, UnicodeDecodeError) as error:
        faults.append(Fault(str(folder / json_name), f"is damaged ({error})", again))
    tables: dict[str, pa.Table] = {}
    for name, schema in {**needed, **(optional or {})}.items():
        path = folder / f"{name}.parquet"
        if not path.exists() and optional is not None and name in optional:
            tables[name] = optional[name].empty_table()
            continue
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            what = "is not there" if not path.exists() else f"is damaged ({error})"
            faults.append(Fault(str(path), what, again))
            continue
        for column in schema.names if schema is not None else ():
            if column not in table.column_names:
                faults.append(Fault(f"{path}, column {column}", "is not there", again))
        tables[name] = table
    if faults:
        raise DataError(f"{folder}: no report can be made of this folder.", faults)
    return ResultFolder(folder, found, tables)
