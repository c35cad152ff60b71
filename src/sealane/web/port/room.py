"""The pages of ports: which have results, one port, one port call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime

from sealane.errors import DataError, Fault, Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.reference.ports import find_port
from sealane.reference.time_zones import time_zone
from sealane.web.accounts.gate import Viewed, Viewer, reading
from sealane.web.derivation import Derivation, Figure
from sealane.web.explain.selection import Basis, Pollutant, Selection, explain_path
from sealane.web.port.breakdown import Sheet, as_grade, counts_by_class, pollutant_rows
from sealane.web.port.call import call_page
from sealane.web.port.calls import CallFilter, SortBy, call_list
from sealane.web.port.explain_counts import StaysQuery, explain_results, explain_stays, results_figure
from sealane.web.port.index import Index, index_of, is_indexed
from sealane.web.port.models import CallPage, PortList, PortPage, PortResult, PortRow, TrendRow, Wanted
from sealane.web.port.notices import notices
from sealane.web.port.timeline import timeline, window_of
from sealane.web.results import Result, ResultKind, result_of, results
from sealane.web.rooms import Room
from sealane.web.times import sensible

MAX_TREND = 24
MAX_NEW_INDEXES = 2  # made while a page is waited for; the rest of a trend follows with the next view

Unlocode = Annotated[str, Path(pattern=r"^[A-Za-z]{2}[A-Za-z0-9]{3}$", description="UN/LOCODE")]
ResultId = Annotated[str, Path(max_length=36)]
CallId = Annotated[str, Path(max_length=80)]
Moment = Annotated[AwareDatetime | dt.date | None, AfterValidator(sensible)]
From = Annotated[Moment, Query(alias="from", description="begin of the timeline, UTC")]
To = Annotated[Moment, Query(description="end of the timeline, UTC, not included")]
Text = Annotated[str, Query(max_length=80)]
Confidence = Annotated[int | Literal[""], Query(ge=1, le=4)]


def room(node: Node) -> Room:
    """Return the room."""
    made = Room("ports", node)

    @made.view("/ports", "port/list.html.j2")
    def ports(viewer: Viewed) -> PortList:
        """Ports that have results here."""
        kept = _inventories(node, viewer)
        by_port: dict[str, list[Result]] = {}
        for one in kept:
            by_port.setdefault(one.port or "", []).append(one)
        return PortList(ports=[_port_row(node, code, own) for code, own in sorted(by_port.items())])

    @made.view("/ports/{unlocode}", "port/page.html.j2")
    def port(
        viewer: Viewed,
        unlocode: Unlocode,
        result: Annotated[str, Query(max_length=36)] = "",
        pollutant: Pollutant = "co2e",
        basis: Literal["ttw", "wtw"] = "ttw",
        scope: Literal["all", "calls"] = "calls",
        begin: From = None,
        to: To = None,
        ship: Text = "",
        ship_class: Text = "",
        confidence: Literal["", "1", "2", "3", "4"] = "",
        truncated: Literal["", "none", "start", "end", "both"] = "",
        sort: SortBy = "arrival",
        order: Literal["rising", "falling"] = "rising",
        after: Text = "",
        stays: Literal["chart", "table"] = "chart",
    ) -> PortPage:
        """One port: berths and anchorages through time, calls, emissions."""
        code = unlocode.upper()
        kept = _inventories(node, viewer, code)
        known = find_port(code)
        head = {
            "unlocode": code,
            "name": known.name if known else code,
            "country": known.country if known else "",
            "zone": time_zone(code),
            "results": [_choice(one) for one in kept],
            "pollutant": pollutant,
            "basis": basis,
            "scope": scope,
            "wanted": Wanted(
                ship=ship.strip(), ship_class=ship_class, confidence=confidence, truncated=truncated, sort=sort,
                order=order, after=after, begin=_text(begin), to=_text(to), stays=stays,
            ),
        }  # fmt: skip
        if not kept:
            if known is None:
                raise RequestRefusedError(
                    404,
                    "unknown-port",
                    Phrase("No port is known as %(code)s.", code=code),
                    Phrase("See /ports for all."),
                )
            return PortPage.model_validate(head | {"chosen": None})
        chosen = next((one for one in kept if one.id == result), None) if result else kept[0]
        if chosen is None:
            raise RequestRefusedError(
                404, "unknown-result", Phrase("There is no such result of this port."), Phrase("See /ports.")
            )
        wanted = CallFilter(
            ship.strip(), ship_class, int(confidence) if confidence else None, truncated, sort,
            order == "falling", after,
        )  # fmt: skip
        index = index_of(node, chosen)
        window = window_of(index, _moment(begin), _moment(to))
        page = _shown(index, chosen, pollutant, basis, scope, wanted, window)
        rows, left_out = _trend(node, kept, chosen, pollutant, basis)
        return PortPage.model_validate(head | page | {"trend": rows, "trend_left_out": left_out})

    @made.view("/ports/{unlocode}/calls/{result_id}/{call_id}", "port/call.html.j2")
    def call(
        viewer: Viewed,
        unlocode: Unlocode,
        result_id: ResultId,
        call_id: CallId,
        pollutant: Pollutant = "co2e",
        basis: Literal["ttw", "wtw"] = "ttw",
    ) -> CallPage:
        """One port call: events, modes, energy, emissions, particulars."""
        with reading(node, viewer) as connection:
            kept = result_of(connection, node, result_id, {ResultKind.INVENTORY}, only_public=viewer.is_guest)
        if kept.port != unlocode.upper():
            raise RequestRefusedError(
                404, "unknown-call", Phrase("This port has no such port call."), Phrase("See /ports for all.")
            )
        index = index_of(node, kept)
        measure = _measure(index, pollutant, basis)
        known = find_port(index.port)
        name = known.name if known else index.port
        return call_page(index, _choice(kept), call_id, measure, name=name, zone=time_zone(index.port))

    _counts(made, node)
    return made


def _counts(made: Room, node: Node) -> None:
    @made.view("/explain/stays/{result_id}", "explain/derivation.html.j2")
    def stays_counted(viewer: Viewed, result_id: ResultId, asked: Annotated[StaysQuery, Query()]) -> Derivation:
        """Which stays at berths and anchorages touch a window."""
        with reading(node, viewer) as connection:
            kept = result_of(connection, node, result_id, {ResultKind.INVENTORY}, only_public=viewer.is_guest)
        return explain_stays(index_of(node, kept), kept, asked)

    @made.view("/explain/port-results/{unlocode}", "explain/derivation.html.j2")
    def results_counted(viewer: Viewed, unlocode: Unlocode) -> Derivation:
        """Which results of a port are kept."""
        code = unlocode.upper()
        return explain_results(code, _inventories(node, viewer, code))


def _inventories(node: Node, viewer: Viewer, port: str | None = None) -> list[Result]:
    with reading(node, viewer) as connection:
        return results(connection, node, kind=ResultKind.INVENTORY, port=port, only_public=viewer.is_guest)


def _choice(result: Result) -> PortResult:
    return PortResult.model_validate({name: getattr(result, name) for name in PortResult.model_fields})


def _port_row(node: Node, code: str, kept: Sequence[Result]) -> PortRow:
    newest = kept[0]
    known = find_port(code)
    totals = _totals(node, newest)
    co2e = totals.get("co2e-ttw")
    return PortRow(
        unlocode=code,
        name=known.name if known else code,
        country=known.country if known else "",
        zone=time_zone(code),
        results=results_figure(code, kept),
        newest=_choice(newest),
        calls=_count(newest, "calls", totals.get("calls")),
        co2e=Figure(
            value=co2e["in_call"] if co2e else None,
            quantity="mass_g",
            explain=explain_path(newest.id, pollutant="co2e", basis="ttw", in_call="yes"),
            simulated=newest.simulated,
        ),
        path=f"/ports/{code}",
    )


def _totals(node: Node, result: Result) -> dict[str, Any]:
    """Totals of a kept inventory; none where its files are damaged, which its own page says: others stay readable."""
    try:
        return dict(index_of(node, result).meta["totals"])
    except DataError:
        return {}


def _count(result: Result, quantity: str, value: float | None, **more: str) -> Figure:
    path = explain_path(result.id, quantity=quantity, **more)
    return Figure(
        value=None if value is None else float(value), quantity="count", explain=path, simulated=result.simulated
    )


def _measure(index: Index, pollutant: Pollutant, basis: Basis) -> Selection:
    """The mass that is shown; refused in words where the inventory does not hold it."""
    if f"{pollutant}-{basis}" not in index.measures:
        raise DataError(
            Phrase("The page cannot be shown so."),
            [
                Fault(
                    Phrase("pollutant and basis"),
                    Phrase("this inventory has no %(pollutant)s, %(basis)s", pollutant=pollutant, basis=basis),
                    Phrase("Masses in it: %(known)s.", known=", ".join(index.measures) or "–"),
                )
            ],
        )
    return Selection(pollutant=pollutant, basis=basis)


def _shown(
    index: Index, chosen: Result, pollutant: Pollutant, basis: Literal["ttw", "wtw"], scope: Literal["all", "calls"],
    wanted: CallFilter, window: tuple[dt.datetime, dt.datetime],
) -> dict[str, object]:  # fmt: skip
    common: dict[str, object] = {
        "chosen": _choice(chosen),
        "days": (index.end - index.begin).total_seconds() / 86_400,
        "measures": list(index.measures),
        "map": f"/api/v1/results/{chosen.id}/map",
    }
    complete = _complete(index)
    told = notices(index, chosen.id, pollutant, basis, simulated=chosen.simulated, complete=complete)
    totals = index.meta["totals"]
    common |= {
        "notices": told,
        "calls_count": _count(chosen, "calls", totals["calls"]),
        "complete": _count(chosen, "calls", complete, truncated="none"),
        "ships": _count(chosen, "ships", totals["ships"]),
    }
    if not index.measures:
        return common
    measure = _measure(index, pollutant, basis)
    sheet = Sheet(index, chosen.id, measure, scope=scope, simulated=chosen.simulated)
    inside = Sheet(index, chosen.id, measure, scope="calls", simulated=chosen.simulated) if scope == "all" else sheet
    counts = counts_by_class(index)
    every = totals[f"{pollutant}-{basis}"]
    grades = sheet.mass_all.dims["grade"]
    hours = totals["hours_in_call"]
    return common | {
        "mass": inside.figure("mass", every["in_call"]),
        "mass_everywhere": Figure(
            value=every["all"], quantity="mass_g", explain=measure.path(chosen.id), simulated=chosen.simulated,
            grade=as_grade(int(grades.max(initial=-1))),
        ),
        "berth": inside.figure("hours", hours["berth"], mode="berth"),
        "anchorage": inside.figure("hours", hours["anchorage"], mode="anchorage"),
        "timeline": timeline(index, chosen.id, *window, simulated=chosen.simulated),
        "calls": call_list(index, chosen.id, wanted, sheet.mass_all, measure, simulated=chosen.simulated),
        "breakdowns": [sheet.breakdown("source"), sheet.breakdown("mode"), sheet.breakdown("ship_class", counts)],
        "pollutants": pollutant_rows(index, chosen.id, simulated=chosen.simulated),
    }  # fmt: skip


def _complete(index: Index) -> int:
    codes, words = index.words("calls", "truncated")
    return int(np.count_nonzero(codes == words.index(""))) if "" in words else 0


def _trend(
    node: Node, kept: Sequence[Result], chosen: Result, pollutant: Pollutant, basis: Basis
) -> tuple[list[TrendRow], int]:
    """Results of other periods beside the chosen one, the oldest first; and how many do not stand in it yet."""
    if len(kept) < 2:
        return [], 0
    rows: list[TrendRow] = []
    new = left_out = 0
    for one in kept[:MAX_TREND]:
        if not is_indexed(node, one):
            new += 1
            if new > MAX_NEW_INDEXES:
                left_out += 1
                continue
        totals = _totals(node, one)
        mass = totals.get(f"{pollutant}-{basis}")
        if mass is None or one.simulated != chosen.simulated:  # what is simulated is never set beside what is not
            left_out += 1
            continue
        path = explain_path(one.id, pollutant=pollutant, basis=basis, in_call="yes")
        share = None
        if mass["in_call"] > 0:
            share = Figure(
                value=mass["filled_in_call"] / mass["in_call"],
                quantity="share",
                explain=explain_path(one.id, quantity="filled", pollutant=pollutant, basis=basis, in_call="yes"),
                simulated=one.simulated,
            )
        rows.append(
            TrendRow(
                result=_choice(one),
                calls=_count(one, "calls", totals["calls"]),
                mass=Figure(value=mass["in_call"], quantity="mass_g", explain=path, simulated=one.simulated),
                filled=share,
                path=f"/ports/{one.port}?result={one.id}&pollutant={pollutant}&basis={basis}",
            )
        )
    return rows[::-1], left_out + max(0, len(kept) - MAX_TREND)


def _text(value: dt.datetime | dt.date | None) -> str:
    time = _moment(value)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""


def _moment(value: dt.datetime | dt.date | None) -> dt.datetime | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    return dt.datetime.combine(value, dt.time(), dt.UTC)
