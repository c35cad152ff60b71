"""The report of an inventory: one HTML file and one Excel workbook, made from a finished result folder."""

from sealane.reports.report import write_report

__all__ = ["write_report"]
