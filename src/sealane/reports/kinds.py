"""Which run wrote a result folder, told by the JSON file it is known by."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from sealane.errors import DataError, Fault


class ResultKind(StrEnum):
    """What a result folder holds; each has a report. A plan is told from a scenario by its file's content only."""

    INVENTORY = "inventory"
    LANE = "lane"
    ARRIVAL = "arrival"
    SCENARIO = "scenario"
    COMPARISON = "comparison"
    PLAN = "plan"


MARKS: Mapping[str, ResultKind] = MappingProxyType(
    {
        "lane.json": ResultKind.LANE,
        "arrival.json": ResultKind.ARRIVAL,
        "scenario.json": ResultKind.SCENARIO,
        "comparison.json": ResultKind.COMPARISON,
    }
)
"""File by which the folder of a run is known; a scenario's also holds plans."""
_INVENTORY = ("provenance.json", "inventory.parquet")


def result_kind(folder: Path) -> ResultKind:
    """Tell which run wrote a folder; a plan's has the report of a scenario, and counts as one here.

    Parameters
    ----------
    folder : result of a finished run.

    Raises
    ------
    DataError
        if it is none that has a report.
    """
    folder = Path(folder)
    for name, kind in MARKS.items():
        if (folder / name).is_file():
            return kind
    if all((folder / name).is_file() for name in _INVENTORY):
        return ResultKind.INVENTORY
    found = "is no folder" if not folder.is_dir() else f"holds none of {', '.join((*MARKS, _INVENTORY[1]))}"
    remedy = "Name the result folder of an inventory, lane, arrival study, scenario, plan or comparison"
    raise DataError("No report can be made of this folder.", [Fault(str(folder), found, remedy)])
