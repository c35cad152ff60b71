"""provenance.json: which program, method edition, tables and inputs a result rests on."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sealane import __version__
from sealane.inventory.context import Resolved
from sealane.inventory.request import InventoryRequest
from sealane.movement.staging import Staged
from sealane.movement.zones import ZoneSet
from sealane.reference import load_table, table_names

METHOD_EDITIONS = {
    "epa-2022": "EPA-420-B-22-011, Port Emissions Inventory Guidance (April 2022), ocean-going vessels",
    "imo4-2020": "Fourth IMO GHG Study 2020, bottom-up vessel method",
}
_LIBRARIES = ("duckdb", "numba", "numpy", "pyarrow")


def table_hashes() -> dict[str, str]:
    """SHA-256 of every shipped reference table's rows, by table."""
    return {
        name: hashlib.sha256(repr(load_table(name).rows).encode("utf-8")).hexdigest() for name in sorted(table_names())
    }


def zones_hash(zones: ZoneSet) -> str:
    """SHA-256 over every zone's outline and properties."""
    return hashlib.sha256(repr(zones.zones).encode("utf-8")).hexdigest()


def provenance(
    request: InventoryRequest,
    staged: Staged,
    zones: ZoneSet,
    resolved: Resolved,
    begin: datetime,
    end: datetime,
    rows: dict[str, int],
) -> dict[str, Any]:
    """Return the content of provenance.json. It names no folder of the machine, so that two runs agree."""
    return {
        "sealane": __version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "method": request.method,
        "method_edition": METHOD_EDITIONS[request.method],
        "gwp": request.gwp,
        "engine": request.engine,
        "port": request.port,
        "period": {
            "from": request.time_from,
            "to": request.time_to,
            "first_report": begin,
            "last_report": end,
        },
        "settings": asdict(request.settings),
        "inputs": [
            {"file": file.path.rsplit("/", 1)[-1], **{k: v for k, v in asdict(file).items() if k != "path"}}
            for file in staged.files
        ],
        "user_files": {
            name: {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for name, path in (
                ("vessels", request.vessels),
                ("zones", request.zones),
                ("shore_power", request.shore_power),
            )
            if path
        },
        "zones_sha256": zones_hash(zones),
        "tables_sha256": table_hashes(),
        "regimes": [
            {
                "name": place.name,
                "rows": [row.label for row in place.regime.rows],
                "sources": sorted({row.source for row in place.regime.rows}),
            }
            for place in resolved.places.places
        ],
        "rows": rows,
        "columns": json.loads(json.dumps(dict(request.columns or {}))),
    }
