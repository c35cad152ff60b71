"""The three figures at the top: what the port's ships emit, what the lane emits, what was shared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from sealane.database.tables.products import record
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange.sent_and_withheld import received_totals, stream_totals
from sealane.node.context import Node
from sealane.reference.ports import find_port
from sealane.web.corridor.addresses import lane_address
from sealane.web.corridor.lane_files import lane_files
from sealane.web.corridor.lane_sums import lane_sum
from sealane.web.corridor.measures import Measure, measured
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.overview.models import Headline, HeadlineKind, TrendPoint
from sealane.web.port.index import index_of
from sealane.web.results import Result, ResultKind
from sealane.web.words import N_

SHARED = "/explain/shared"


def headlines(connection: sa.Connection, node: Node, kept: Sequence[Result], *, shared: bool) -> list[Headline]:
    """Return the figures that can be told; one that cannot is left out.

    Parameters
    ----------
    kept : results who asks may see, the newest period first.
    shared : who asks may see what partners were sent.
    """
    found = (_port(node, kept), _lane(kept), _shared(connection, node) if shared else None)
    return [headline for headline in found if headline is not None]


def _port(node: Node, kept: Sequence[Result]) -> Headline | None:
    inventories = [one for one in kept if one.kind is ResultKind.INVENTORY]
    home = [one for one in inventories if one.port == node.settings.unlocode] or inventories
    if not home:
        return None
    newest = home[0]
    periods = _comparable([one for one in home if one.port == newest.port])
    trend = [TrendPoint(period=period_of(one), figure=_emitted(node, one)) for one in reversed(periods)]
    port = find_port(newest.port or "")
    return Headline(
        kind=HeadlineKind.PORT,
        about=port.name if port else str(newest.port),
        period=period_of(newest),
        figure=trend[-1].figure,
        change=_change(periods, trend),
        trend=trend,
        link=f"/ports/{newest.port}?result={newest.id}",
    )


def _comparable(kept: Sequence[Result]) -> list[Result]:
    """Keep the first, and each that is made the same way and speaks of an earlier period than the one kept before it.

    The same days worked out anew, or by another method, are no trend.

    Parameters
    ----------
    kept : the newest period first, at least one.
    """
    found = [kept[0]]
    for one in kept[1:]:
        last = found[-1]
        alike = (one.simulated, one.method_edition) == (last.simulated, last.method_edition)
        if alike and _follows(last, one):
            found.append(one)
    return found


def _follows(one: Result, before: Result) -> bool:
    """Whether a result's period begins when another's is over, or later."""
    return bool(before.ends_at and one.begins_at and before.ends_at <= one.begins_at)


def _emitted(node: Node, result: Result) -> Figure:
    """Tank-to-wake CO2e of all ships of an inventory."""
    return Figure(
        value=index_of(node, result).mass("co2e", "ttw").total,
        quantity="mass_g",
        explain=f"/explain/inventory/{result.id}?pollutant=co2e&basis=ttw",
        simulated=result.simulated,
    )


def _change(periods: Sequence[Result], trend: Sequence[TrendPoint]) -> Figure | None:
    """The change against the period before; periods of other lengths are not compared."""
    if len(trend) < 2 or not _alike(periods[0], periods[1]):
        return None
    return change_figure(periods[0], periods[1], trend[-1].figure.value, trend[-2].figure.value)


def _alike(one: Result, before: Result) -> bool:
    """Periods of the same length, but for what the last reports leave open."""
    lengths = [(r.ends_at - r.begins_at) for r in (one, before) if r.begins_at and r.ends_at]
    return len(lengths) == 2 and abs(lengths[0] - lengths[1]) <= max(lengths) * 0.02


def change_figure(now: Result, before: Result, value: float | None, earlier: float | None) -> Figure | None:
    """Return the change of a port's emissions between two results as a figure; None where it cannot be told."""
    if value is None or not earlier:
        return None
    at = f"/explain/change?now={now.id}&before={before.id}"
    return Figure(value=(value - earlier) / earlier, quantity="share", explain=at, simulated=now.simulated)


def change_derivation(node: Node, now: Result, before: Result) -> Derivation:
    """Return where the change between two inventories comes from.

    Raises
    ------
    RequestRefusedError
        404 where they cannot be compared: another port, method, kind or length, or one not over before the other.
    """
    alike = (now.port, now.simulated, now.method_edition) == (before.port, before.simulated, before.method_edition)
    comparable = alike and _alike(now, before) and _follows(now, before)
    figures = [_emitted(node, one) for one in (now, before)] if comparable else []
    own = change_figure(now, before, figures[0].value, figures[1].value) if figures else None
    if own is None:
        raise RequestRefusedError(
            404, "unknown-figure", Phrase("These results cannot be compared."), Phrase("See the overview.")
        )
    return Derivation(
        title=N_("Change against the period before"),
        figure=own,
        equation=N_("(emitted in the period - emitted in the period before) / emitted in the period before"),
        filters={N_("Port"): str(now.port), N_("Pollutant"): "CO2e", N_("Basis"): N_("tank-to-wake")},
        inputs=[
            Input(name=period_of(one), value=figure.value, unit="g", origin="computed", link=figure.explain)
            for one, figure in zip((now, before), figures, strict=True)
        ],
        method=now.method_edition,
        source_files=[f"{one.id}/inventory.parquet ({one.title}, {one.digest[:12]})" for one in (now, before)],
    )


def _lane(kept: Sequence[Result]) -> Headline | None:
    newest = next((one for one in kept if one.kind is ResultKind.LANE), None)
    if newest is None:
        return None
    files = lane_files(newest.folder)
    facts: Mapping[str, Any] = files.summary
    rule = facts["request"]["attribution"]
    years = sorted({int(row["year"]) for row in files.totals if row["rule"] == rule})
    trend = []
    for year in years:
        cell = {"rule": rule, "year": year}
        explain = lane_address(newest.id, {"measure": Measure.WTW.value, **cell})
        value = lane_sum(files.totals, cell, Measure.WTW)
        trend.append(
            TrendPoint(period=str(year), figure=measured(Measure.WTW, value, explain, simulated=newest.simulated))
        )
    if not trend:
        return None
    return Headline(
        kind=HeadlineKind.LANE,
        about=facts["corridor"]["title"],
        period=trend[-1].period,
        figure=trend[-1].figure,
        trend=trend,
        link=f"/corridors/{newest.corridor}",
    )


def _shared(connection: sa.Connection, node: Node) -> Headline | None:
    derivation = shared_derivation(connection, node)
    if not derivation.parts:
        return None
    return Headline(
        kind=HeadlineKind.SHARED,
        about=node.settings.name,
        period="",
        figure=derivation.figure,
        link="/exchange",
    )


def shared_derivation(
    connection: sa.Connection, node: Node, partner: str = "", way: str = "", clause: str = ""
) -> Derivation:
    """Return how many records were delivered to and received from partners, divided by way, partner and clause."""
    sent = [("sent", one.peer, one.clause, one.delivered, one.demonstration) for one in stream_totals(connection)]
    got = [
        ("received", one.source, one.clause, one.records, one.demonstration)
        for one in received_totals(connection, node.identity.participant)
    ]
    simulated = bool(connection.scalar(sa.select(sa.exists().where(record.c.simulated))))
    numbers: dict[tuple[str, str, str], int] = {}
    for its_way, its_partner, its_clause, number, _ in (*sent, *got):
        key = (its_way, its_partner, its_clause)
        if all(not asked or asked == own for asked, own in zip((way, partner, clause), key, strict=True)):
            numbers[key] = numbers.get(key, 0) + number
    parts = [
        Part(
            label=" · ".join(key),
            figure=Figure(value=number, quantity="count", explain=_shared_path(*key), simulated=simulated),
        )
        for key, number in numbers.items()
    ]
    inputs: list[Input] = []
    own = _shared_path(way, partner, clause)
    if [part.figure.explain for part in parts] == [own]:  # one part alone takes nothing apart
        inputs = [
            Input(name=part.label, value=part.figure.value, origin="observed", link="/agreement-flows")
            for part in parts
        ]
        parts = []
    return Derivation(
        title=N_("Records delivered to and received from partners"),
        figure=Figure(
            value=sum(numbers.values()),
            quantity="count",
            explain=own,
            simulated=simulated,
        ),
        filters={
            name: value for name, value in ((N_("partner"), partner), (N_("way"), way), (N_("clause"), clause)) if value
        },
        inputs=inputs,
        parts=parts,
        part_dimension=N_("way, partner, clause") if parts else "",
        notes=[
            N_("Delivered: the partner's signed receipt is here. Received: records this node holds from the partner.")
        ],
    )


def _shared_path(way: str, partner: str, clause: str) -> str:
    asked = {name: value for name, value in (("partner", partner), ("way", way), ("clause", clause)) if value}
    return SHARED + (f"?{urlencode(asked)}" if asked else "")


def period_of(result: Result) -> str:
    """Return a result's period as days."""
    if result.begins_at is None or result.ends_at is None:
        return ""
    last = result.ends_at - dt.timedelta(microseconds=1)
    return f"{result.begins_at:%Y-%m-%d} – {last:%Y-%m-%d}"
