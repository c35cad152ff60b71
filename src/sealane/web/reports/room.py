"""The pages of reports, their files, and the same inventory for another period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from fastapi import Path, Query, Request, Response

from sealane.node.context import Node
from sealane.reference.ports import find_port
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewed, Viewer, reading, writing
from sealane.web.accounts.roles import access_table
from sealane.web.reports import made, models
from sealane.web.reports.promised import promised_for
from sealane.web.results import Result, ResultKind, result_of, results
from sealane.web.rooms import API, Room
from sealane.web.tasks.kinds import enqueue

if TYPE_CHECKING:
    from sealane.reports.export import ExportFolder

ResultId = Annotated[str, Path(max_length=36, pattern="^[0-9a-f-]{36}$")]
TableName = Annotated[str, Path(max_length=80, pattern="^[a-z0-9-]+$")]
Year = Annotated[int | None, Query(ge=1900, le=2200, description="Of a lane: the annual progress report of this year.")]
About = Annotated[str | None, Query(max_length=120)]
_REGENERATE = "/reports/{result_id}/regeneration"
MAX_FACTS = 400


def room(node: Node) -> Room:
    """Return the pages of reports."""
    made_room = Room("reports", node)

    @made_room.view("/reports", "reports/list.html.j2")
    def listed(
        viewer: Viewed, kind: ResultKind | None = None, port: About = None, corridor: About = None
    ) -> models.ReportsPage:
        """Reports of ports and corridors: period, method edition, when and by whom they were made."""
        with reading(node, viewer) as connection:
            known = results(connection, node, only_public=viewer.is_guest)
        shown = [one for one in known if _fits(one, kind, port, corridor)]
        inventories = [one for one in shown if one.kind is ResultKind.INVENTORY]
        lanes = [one for one in shown if one.kind is ResultKind.LANE]
        others = [one for one in shown if one.kind not in {ResultKind.INVENTORY, ResultKind.LANE}]
        return models.ReportsPage(
            kind=kind,
            port=port,
            corridor=corridor,
            ports=sorted({one.port for one in known if one.port}),
            corridors=sorted({one.corridor for one in known if one.corridor}),
            inventories=_grouped(inventories),
            progress=_grouped(lanes),
            studies=_grouped(others),
        )

    @made_room.view("/reports/{result_id}", "reports/report.html.j2")
    def report(viewer: Viewed, result_id: ResultId) -> models.ReportPage:
        """One report: its files, its tables in every form, method and provenance."""
        from sealane.reports.export import export_folder

        with reading(node, viewer) as connection:
            result = result_of(connection, node, result_id, only_public=viewer.is_guest)
            promised = promised_for(connection, node, viewer, result)
        found = export_folder(result.folder, promised)
        last = None if result.ends_at is None else (result.ends_at - dt.timedelta(microseconds=1)).date()
        return models.ReportPage(
            report=_entry(result),
            tables=list(_tables(result, found)),
            facts=[models.Fact(name=name, value=value) for name, value in found.origin[:MAX_FACTS]],
            first_day=None if result.begins_at is None else result.begins_at.date(),
            last_day=last,
            may_regenerate=result.kind is ResultKind.INVENTORY and _may(node, viewer, "POST", API + _REGENERATE),
        )

    @made_room.stream("/reports/{result_id}/report.{form}", "text/html")
    def file(
        viewer: Viewed, request: Request, result_id: ResultId, form: made.ReportForm, year: Year = None
    ) -> Response:
        """A report as HTML, PDF or Excel; of a lane also for one year."""
        with reading(node, viewer) as connection:
            result = result_of(connection, node, result_id, only_public=viewer.is_guest)
            promised = None if year is None else promised_for(connection, node, viewer, result)
        return made.report_response(request, result, form, year, promised)

    @made_room.stream("/reports/{result_id}/tables/{table}.{form}", "text/csv")
    def table(
        viewer: Viewed,
        request: Request,
        result_id: ResultId,
        table: TableName,
        form: made.TableForm,
        bom: Annotated[bool, Query(description="Begin CSV with a byte order mark, for spreadsheets.")] = False,
    ) -> Response:
        """A table of a result as CSV, Excel, Parquet or GeoJSON, of any length."""
        with reading(node, viewer) as connection:
            result = result_of(connection, node, result_id, only_public=viewer.is_guest)
            promised = promised_for(connection, node, viewer, result) if table == made.COMMITMENTS else None
        return made.table_response(request, result, table, form, bom, promised)

    @made_room.action("POST", _REGENERATE, status=202)
    def regenerate(
        viewer: Viewed, request: Request, result_id: ResultId, body: models.Regeneration
    ) -> models.RegenerationTask:
        """Work the same inventory out for another period; the one there is stays."""
        now = node.clock()
        arguments = {
            "result_id": result_id,
            "begins_at": _midnight(body.first_day).isoformat(),
            "ends_at": _midnight(body.last_day + dt.timedelta(days=1)).isoformat(),
            "title": body.title,
        }
        with writing(node, viewer) as connection:
            result_of(connection, node, result_id, (ResultKind.INVENTORY,))
            task_id = enqueue(connection, viewer, "inventory", arguments, now)
            period = {"first_day": str(body.first_day), "last_day": str(body.last_day)}
            audit.note(connection, viewer, "report.regenerate", result_id, period, request.state.request_id, now)
        return models.RegenerationTask(task_id=task_id, page=f"/tasks/{task_id}")

    return made_room


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _may(node: Node, viewer: Viewer, method: str, path: str) -> bool:
    access = access_table().get((method, path))
    return access is not None and access.lets_in(viewer.standing, node.settings.guests)


def _fits(one: Result, kind: ResultKind | None, port: str | None, corridor: str | None) -> bool:
    return (
        (kind is None or one.kind is kind)
        and (not port or one.port == port)
        and (not corridor or one.corridor == corridor)
    )


def _grouped(kept: Iterable[Result]) -> list[models.ReportGroup]:
    """Reports by port or corridor, in the order of their names."""
    groups: dict[str, list[Result]] = {}
    for one in kept:
        groups.setdefault(one.port or one.corridor or "", []).append(one)
    made_groups = [
        models.ReportGroup(about=about, name=_name(found[0]) if about else "", reports=[_entry(one) for one in found])
        for about, found in groups.items()
    ]
    return sorted(made_groups, key=lambda group: (not group.about, group.name.casefold()))


def _name(one: Result) -> str:
    """Name of the port, else of the result."""
    port = find_port(one.port) if one.port else None
    return port.name if port is not None else one.title


def _entry(result: Result) -> models.ReportEntry:
    names = set(models.ReportEntry.model_fields) & set(Result.__dataclass_fields__)
    return models.ReportEntry(
        **{name: getattr(result, name) for name in names},
        name=_name(result),
        page=f"/reports/{result.id}",
        files=_files(result.id),
        years=[models.YearReport(year=year, files=_files(result.id, year)) for year in _years(result)],
    )


def _files(result_id: str, year: int | None = None) -> models.ReportFiles:
    base = f"{API}/reports/{result_id}/report"
    query = "" if year is None else f"?year={year}"
    return models.ReportFiles(html=f"{base}.html{query}", pdf=f"{base}.pdf{query}", xlsx=f"{base}.xlsx{query}")


def _years(result: Result) -> list[int]:
    """Years of a lane, the newest first; none where its files do not tell."""
    if result.kind is not ResultKind.LANE:
        return []
    from sealane.errors import DataError
    from sealane.reports.lane_report import lane_years, read_lane_folder

    try:
        return lane_years(read_lane_folder(result.folder))[::-1]
    except DataError:
        return []


def _tables(result: Result, found: ExportFolder) -> Iterable[models.TableFiles]:
    from sealane.reports.export import ExportFormat, names_for
    from sealane.reports.export_tables import INVENTORY_REPORT

    report = INVENTORY_REPORT if result.kind is ResultKind.INVENTORY else tuple(found.given)
    places = names_for(found, ExportFormat.GEOJSON)
    base = f"{API}/reports/{result.id}/tables"
    for name in dict.fromkeys((*report, *found.written, *places)):
        forms = ["csv", "xlsx", "parquet"] if name in report or name in found.written else []
        forms += ["geojson"] if name in places else []
        files = {form: f"{base}/{name}.{form}" for form in forms}
        yield models.TableFiles(name=name, of_report=name in report, files=files)
