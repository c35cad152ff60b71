"""Reports: one HTML file and one Excel workbook, made from a finished result folder.

`write_report` for an inventory; for corridors `write_lane_report`, `write_arrival_report`, `write_scenario_report` (a
simulation or a plan) and `write_comparison_report`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealane.reports.arrival_report import write_arrival_report
    from sealane.reports.comparison_report import write_comparison_report
    from sealane.reports.lane_report import write_lane_report
    from sealane.reports.report import write_report
    from sealane.reports.scenario_report import write_scenario_report

__all__ = [
    "write_arrival_report",
    "write_comparison_report",
    "write_lane_report",
    "write_report",
    "write_scenario_report",
]


def __getattr__(name: str) -> Any:
    """Import a writer when it is asked for: they bring DuckDB and pandas, which who tells kinds apart does not need."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{name.removeprefix('write_')}"), name)
