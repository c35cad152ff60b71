"""The first page and its derivations."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from sealane.node.context import Node
from sealane.web.accounts.gate import Viewed, allowed_paths, reading
from sealane.web.alerts.room import attention, open_alerts
from sealane.web.derivation import Derivation, Figure
from sealane.web.overview.calls_of_day import calls_of_day, days, speaks_of
from sealane.web.overview.headlines import change_derivation, headlines, shared_derivation
from sealane.web.overview.links import links, partner_names
from sealane.web.overview.models import Overview
from sealane.web.results import Result, ResultKind, result_of, results
from sealane.web.rooms import Room
from sealane.web.times import Day
from sealane.web.words import N_

Text = Annotated[str | None, Query(max_length=200)]
# <agreement>@<version>#<clause>, each id up to 100 characters
Clause = Annotated[str | None, Query(max_length=240)]
Ident = Annotated[str, Query(max_length=36)]


def room(node: Node) -> Room:
    """Return the overview."""
    room = Room("overview", node)

    @room.view("/", "overview/page.html.j2", api="/overview")
    def overview(viewer: Viewed, day: Day | None = None, partner: Text = None, corridor: Text = None) -> Overview:
        """What the ports share, what their ships and lanes emit, and what needs attention."""
        with reading(node, viewer) as connection:
            kept = results(connection, node, only_public=viewer.is_guest)
            found = links(connection, partner, signed=not viewer.is_guest)
            everything = found if not partner else links(connection, signed=not viewer.is_guest)
            allowed = allowed_paths(viewer.standing, node.settings.guests)
            figures = headlines(connection, node, _about(kept, corridor), shared="/explain/shared" in allowed)
            sees_alerts = "/alerts" in allowed
            alerts = attention(connection, viewer) if sees_alerts else []
            number_open = open_alerts(connection, viewer) if sees_alerts else None
        inventories = [one for one in kept if one.kind is ResultKind.INVENTORY]
        first, last = days(inventories)
        chosen = day or last
        calls, number = calls_of_day(inventories, chosen) if chosen else ([], 0)
        asked = {"day": chosen, "partner": partner, "corridor": corridor}
        query = urlencode({name: value for name, value in asked.items() if value})
        return Overview(
            guide=node.settings.guide,
            day=chosen,
            first_day=first,
            last_day=last,
            partner=partner,
            corridor=corridor,
            partners=partner_names(everything),
            corridors=sorted(
                {(one.corridor, one.title) for one in kept if one.corridor and one.kind is ResultKind.LANE}
            ),
            headlines=figures,
            links=found,
            calls=calls,
            calls_in_all=_count(chosen, number, any(call.simulated for call in calls)),
            attention=alerts,
            open_alerts=(
                None if number_open is None else Figure(value=number_open, quantity="count", explain="/explain/alerts")
            ),
            map="/api/v1/overview/map" + (f"?{query}" if query else ""),
        )

    @room.view("/explain/shared", "explain/derivation.html.j2")
    def shared(viewer: Viewed, partner: Text = None, way: Text = None, clause: Clause = None) -> Derivation:
        """Records delivered to and received from partners, by way, partner and clause."""
        with reading(node, viewer) as connection:
            return shared_derivation(connection, node, partner or "", way or "", clause or "")

    @room.view("/explain/change", "explain/derivation.html.j2")
    def changed(viewer: Viewed, now: Ident, before: Ident) -> Derivation:
        """The change of what ships at the port emitted against the period before."""
        kinds = {ResultKind.INVENTORY}
        with reading(node, viewer) as connection:
            one, other = (
                result_of(connection, node, ident, kinds, only_public=viewer.is_guest) for ident in (now, before)
            )
        return change_derivation(node, one, other)

    @room.view("/explain/calls-of-day", "explain/derivation.html.j2")
    def counted(viewer: Viewed, day: Day) -> Derivation:
        """Port calls that touch a day."""
        with reading(node, viewer) as connection:
            kept = results(connection, node, kind=ResultKind.INVENTORY, only_public=viewer.is_guest)
        calls, number = calls_of_day(kept, day)
        return Derivation(
            title=N_("Port calls that touch a day"),
            figure=_count(day, number, any(call.simulated for call in calls)),
            filters={N_("day (UTC)"): day.isoformat()},
            equation=N_("first report of the call < end of the day, and last report of the call >= begin of the day"),
            notes=[N_("A call that several inventories hold is counted once; its newest inventory tells it.")],
            source_files=[
                f"{one.id}/calls.parquet ({one.title}, {one.digest[:12]})" for one in kept if speaks_of(one, day)
            ],
        )

    return room


def _count(day: dt.date | None, number: int, simulated: bool) -> Figure:
    explain = f"/explain/calls-of-day?day={day or ''}"
    return Figure(value=number, quantity="count", explain=explain, simulated=simulated)


def _about(kept: list[Result], corridor: str | None) -> list[Result]:
    """Leave lanes of other corridors out."""
    return [one for one in kept if not corridor or one.kind is ResultKind.INVENTORY or one.corridor == corridor]
