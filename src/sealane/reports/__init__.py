"""Reports: one HTML file and one Excel workbook, made from a finished result folder.

`write_report` for an inventory; for corridors `write_lane_report`, `write_arrival_report`, `write_scenario_report` (a
simulation or a plan) and `write_comparison_report`.
"""

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
