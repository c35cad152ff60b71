"""Write report.html and report.xlsx into a finished result folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from sealane.reports import charts, figures, pages, quality_tables, tables
from sealane.reports.map import heat_maps
from sealane.reports.results import Results, read_results
from sealane.reports.summary import LEADING, MODES, POLLUTANTS, Summary, finding, summarise
from sealane.reports.workbook import write_workbook

MAX_ROWS = 400
"""Rows of a table on the page; the workbook and the Parquet files hold all of them."""
EVIDENCE = {
    "zone": "zone",
    "learnt_zone": "learnt zone",
    "status": "reported status",
    "motion": "motion",
    "interpolated": "interpolated",
}
SHOWN_PARTICULARS = (
    "ship_class",
    "subtype",
    "engine_type",
    "installed_kw",
    "max_speed_kn",
    "max_draught_m",
    "nox_tier",
)
_ORIGINS = {"AIS static": "ais", "user file": "user", "class default": "default", "assumption": "assumed"}
_SHOWN_QUALITY = {
    "rows_read", "rows_rejected", "columns_missing", "stations_by_mmsi_class", "vessels_in_inventory",
    "vessels_left_out", "vessel_file_rows_not_seen", "hours", "calls", "zones", "rules", "totals", "by_vessel",
    "factors_missing", "notes", "grade_d_share",
}  # fmt: skip


def write_report(folder: Path) -> None:
    """Write report.html and report.xlsx from the Parquet and JSON files of a result folder.

    Each file is written beside its place and moved there when it is whole, so a reader never meets half a report. Two
    reports of the same folder have the same bytes.

    Parameters
    ----------
    folder : result of a finished run; the two files in it are replaced.

    Raises
    ------
    DataError
        if files of the run are missing or damaged; all of them are listed.
    """
    folder = Path(folder)
    results = read_results(folder)
    summary = summarise(results)
    pages.replace_file(folder / "report.html", lambda path: pages.write_text(path, render_html(results, summary)))
    pages.replace_file(folder / "report.xlsx", lambda path: write_workbook(results, summary, path))


def render_html(results: Results, summary: Summary) -> str:
    """Return the page; it needs nothing beside itself and runs no script."""
    css = pages.stylesheet("report")
    stays = charts.stays_of(results)
    template = pages.environment().get_template("report.html.j2")
    return template.render(
        css=Markup(css),
        policy=pages.policy(css),
        s=summary,
        results=results,
        quality=results.quality,
        provenance=results.provenance,
        grams=figures.GRAMS,
        leading=LEADING,
        names=POLLUTANTS,
        modes=MODES,
        finding=finding,
        pollutant_table=tables.pollutant_table(summary),
        evidence=hours_by_evidence(results),
        evidence_names=EVIDENCE,
        columns=charts.ships_through_time(results),
        maps=heat_maps(results),
        zone_sources=zone_sources(results),
        timeline=charts.timeline(results, stays),
        stays_table=tables.stays_table(results, stays),
        calls_table=heaviest(tables.calls_table(results), "CO2e"),
        vessels=ships_by_co2e(results)[:MAX_ROWS],
        vessel_labels=[particular_label(name) for name in SHOWN_PARTICULARS],
        origins=origins(results),
        left_out_table=quality_tables.left_out_table(results),
        rules_table=quality_tables.rules_table(results),
        rejects_table=quality_tables.rejects_table(results, MAX_ROWS),
        more_quality=further_findings(results),
        provenance_table=quality_tables.provenance_table(results),
        max_rows=MAX_ROWS,
        example_call=example_call(results),
    )


def further_findings(results: Results) -> list[tuple[str, str]]:
    """What quality.json says beside what the page shows in words and tables."""
    return list(quality_tables.flat({k: v for k, v in results.quality.items() if k not in _SHOWN_QUALITY}))


def example_call(results: Results) -> str | None:
    """The call with most CO2e, to show how a figure is explained."""
    return next((row["call_id"] for row in sorted(results.by_call, key=_by_co2e) if row["call_id"]), None)


def _by_co2e(row: dict[str, Any]) -> tuple[float, int]:
    return -(row["co2e_g"] or 0.0), row["mmsi"]


def heaviest(table: tables.Table, header: str) -> tables.Table:
    """Rows by falling value of a column."""
    at = next(k for k, column in enumerate(table.columns) if column.header == header)
    rows = sorted(table.rows, key=lambda row: -(row[at] or 0.0))
    return tables.Table(table.name, table.columns, rows, table.note)


def hours_by_evidence(results: Results) -> list[tuple[str, float, dict[str, float]]]:
    """Hours by mode, and in it by evidence."""
    rows = []
    for mode, label in MODES.items():
        hours: dict[str, float] = {}
        for row in results.work:
            if row["mode"] == mode:
                hours[row["evidence"]] = hours.get(row["evidence"], 0.0) + row["hours"]
        if hours:
            rows.append((label, sum(hours.values()), hours))
    return rows


def zone_sources(results: Results) -> list[tuple[str, str, str, str]]:
    """Zones drawn on the maps: kind, name, grade, source."""
    return [
        (p["kind"].replace("_", " "), p["name"], p.get("grade", "D"), p["source"])
        for p in (zone["properties"] for zone in results.zones)
        if p["kind"] != "eca"
    ]


def particular_label(name: str) -> str:
    _, label, unit = next(row for row in tables.PARTICULARS if row[0] == name)
    return f"{label} [{unit}]" if unit else label


def ships_by_co2e(results: Results) -> list[dict[str, Any]]:
    """Ships by falling CO2e, each particular with its origin."""
    co2e: dict[int, float] = {}
    for row in results.by_call:
        co2e[row["mmsi"]] = co2e.get(row["mmsi"], 0.0) + (row["co2e_g"] or 0.0)
    ships = []
    for ship in results.vessels.to_pylist():
        values = [
            {
                "text": figures.NONE if ship[name] is None else _value(ship[name]),
                "origin": ship[f"{name}_origin"] or "",
                "mark": _ORIGINS.get(ship[f"{name}_origin"] or "", "other") if ship[f"{name}_origin"] else "",
                "source": f"{ship[f'{name}_source'] or ''}, grade {ship[f'{name}_grade'] or NO_GRADE}",
            }
            for name in SHOWN_PARTICULARS
        ]
        ships.append(ship | {"values": values, "co2e_t": co2e.get(ship["mmsi"], 0.0) / figures.GRAMS["t"]})
    return sorted(ships, key=lambda ship: (-ship["co2e_t"], ship["mmsi"]))


NO_GRADE = "none"


def _value(value: Any) -> str:
    return f"{value:,g}" if isinstance(value, float) else str(value)


def origins(results: Results) -> list[tuple[str, int, int, int, int]]:
    """For each particular: ships with it from AIS, from the user, filled, unknown."""
    rows = []
    for name, label, _ in tables.PARTICULARS:
        counts = {"ais": 0, "user": 0, "filled": 0, "none": 0}
        for origin in results.vessels.column(f"{name}_origin").to_pylist():
            mark = "none" if origin is None else _ORIGINS.get(origin, "filled")
            counts[mark if mark in counts else "filled"] += 1
        rows.append((label, counts["user"], counts["ais"], counts["filled"], counts["none"]))
    return rows
