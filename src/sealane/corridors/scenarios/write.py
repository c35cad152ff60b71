"""Result folders: one Parquet file a table, and one JSON file with the single figures, notes and provenance."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.corridors.scenarios.columns import TABLE_ROWS
from sealane.corridors.scenarios.compare import Comparison
from sealane.corridors.scenarios.model import ScenarioModel, ScenarioResult
from sealane.folders import whole_folder
from sealane.reference import load_table, table_names

SCENARIO_JSON = "scenario.json"
COMPARISON_JSON = "comparison.json"
# What a simulation, a plan or a comparison writes, its report included.
RESULT_FILES = (
    *(f"{name}.parquet" for name in TABLE_ROWS),
    *(SCENARIO_JSON, COMPARISON_JSON, "report.html", "report.xlsx"),
)
_LIBRARIES = ("numpy", "pyarrow")


def write_result(result: ScenarioResult, model: ScenarioModel, folder: Path) -> None:
    """Write a result; an older folder of this name is replaced once the new one is complete.

    The same result gives the same bytes: no time of writing is kept.
    """
    content = {
        "kind": result.kind,
        "scenario": result.scenario,
        "title": model.title,
        "corridor": model.corridor,
        "label": model.label,
        "ports": list(model.ports),
        "years": [int(year) for year in model.years],
        "discount_rate": model.discount_rate,
        "summary": dict(result.summary),
        "notes": list(result.notes),
        "rules": {
            rule: {"status": s, "payer": model.payments.payer.get(rule)} for rule, s in model.payments.status.items()
        },
        **_provenance(result.tables),
    }
    _write(folder, result.tables, SCENARIO_JSON, content)


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write a comparison; as `write_result`."""
    content = {
        "scenarios": list(comparison.scenarios),
        "corridors": list(comparison.corridors),
        "notes": list(comparison.notes),
        **_provenance(comparison.tables),
    }
    _write(folder, comparison.tables, COMPARISON_JSON, content)


def _write(folder: Path, tables: Mapping[str, pa.Table], name: str, content: Mapping[str, Any]) -> None:
    with whole_folder(folder, RESULT_FILES) as made:
        for table_name, table in tables.items():
            pq.write_table(table, made / f"{table_name}.parquet", compression="zstd")
        text = json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False)
        (made / name).write_text(text + "\n", encoding="utf-8")


def _provenance(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    from sealane import __version__

    return {
        "sealane": __version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "rows": {name: table.num_rows for name, table in tables.items()},
        "tables_sha256": {
            name: hashlib.sha256(repr(load_table(name).rows).encode("utf-8")).hexdigest()
            for name in sorted(table_names())
        },
    }


def plain(value: Any) -> Any:
    """Values as JSON holds them; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
