"""The jobs as people run them: the rooms put together, for the command line and for Python alike."""

from __future__ import annotations

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import InventoryResult, Progress
from sealane.inventory.run import run_inventory as run_tables
from sealane.reports import write_report


def run_inventory(request: InventoryRequest, progress: Progress | None = None) -> InventoryResult:
    """Run the main job: positions to port calls, activity, inventory, heat map, and the report over them.

    Parameters
    ----------
    request : what to do; with ``calls_only`` no report is written.
    progress : called with (stage, done, total) as work goes on.

    Returns
    -------
    InventoryResult
        the finished folder; it appears whole or not at all.

    Raises
    ------
    InputError
        if a file or the request is wrong; nothing is left behind.
    MissingFactorError
        if no published value answers for a ship, fuel, place or date.
    EngineError
        if the chosen engine cannot run here.
    """
    return run_tables(request, progress, finish=None if request.calls_only else write_report)
