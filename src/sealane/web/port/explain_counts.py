"""Where numbers of a port's page come from that are no sums of an inventory: stays in a window, results kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from sealane.errors import Phrase
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.port.index import Index
from sealane.web.port.models import StayKind
from sealane.web.port.timeline import call_path, stays_address, stays_inside
from sealane.web.results import Result
from sealane.web.times import sensible
from sealane.web.words import N_

MOST_LISTED = 100
KIND_WORDS: dict[StayKind, str] = {
    "berth": N_("at berth"),
    "anchorage": N_("at anchor"),
    "gap": N_("no reports"),
}


def _in_utc(time: dt.datetime) -> dt.datetime:
    """The moment in UTC, of a sensible year there, too: its own address is asked for again."""
    sensible(time)  # before it is taken to another zone: the calendar ends
    utc = time.astimezone(dt.UTC)
    sensible(utc)
    return utc


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class StaysQuery(BaseModel):
    """How many stays touch a window.

    Attributes
    ----------
    begin, end : UTC, half-open; of the years that other addresses name, and the end not before the begin.
    kind : only these; None: all.
    after : of a list of stays, how many stand before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    begin: Moment
    end: Moment
    kind: StayKind | None = None
    after: int = Field(default=0, ge=0, le=100_000_000)

    @model_validator(mode="after")
    def _in_order(self) -> StaysQuery:
        if self.end < self.begin:
            raise ValueError(Phrase("end lies before begin"))
        return self

    def address(self, result_id: str) -> str:
        """Where its derivation stands."""
        return stays_address(result_id, self.begin, self.end, self.kind, self.after)


def explain_stays(index: Index, result: Result, query: StaysQuery) -> Derivation:
    """Return the derivation of how many stays touch a window: by kind, then one by one."""
    rows = index.table("stays").take(stays_inside(index, query.begin, query.end)).to_pylist()
    if query.kind is not None:
        rows = [row for row in rows if row["kind"] == query.kind]

    def count(number: int, kind: StayKind | None) -> Figure:
        at = stays_address(result.id, query.begin, query.end, kind)
        return Figure(value=number, quantity="count", explain=at, simulated=result.simulated)

    parts: list[Part] = []
    inputs: list[Input] = []
    if query.kind is None:
        for kind, words in KIND_WORDS.items():
            number = sum(1 for row in rows if row["kind"] == kind)
            if number:
                parts.append(Part(label=words, figure=count(number, kind)))
    else:
        inputs = _listed(index, result, query, rows)
    window = {N_("From"): f"{query.begin:%Y-%m-%d %H:%M} UTC", N_("Until before"): f"{query.end:%Y-%m-%d %H:%M} UTC"}
    kinds = {} if query.kind is None else {N_("Stay"): KIND_WORDS[query.kind]}
    return Derivation(
        title=N_("Stays that touch a window of time"),
        figure=count(len(rows), query.kind),
        filters=window | kinds | {N_("Counted"): N_("stays that begin before the window ends and end after it begins")},
        inputs=inputs,
        parts=parts,
        part_dimension=N_("kind of stay") if parts else "",
        method=f"{index.meta['method_edition']}; {index.meta['gwp'].upper()}",
        source_files=[f"events.parquet ({result.digest})"],
    )


def _listed(index: Index, result: Result, query: StaysQuery, rows: Sequence[dict[str, Any]]) -> list[Input]:
    shown = rows[query.after : query.after + MOST_LISTED]
    numbers = np.array([row["call"] for row in shown], np.int64)
    calls = index.table("calls").select(["call_id", "vessel_name", "mmsi"]).take(numbers).to_pylist()
    inputs = []
    for row, call in zip(shown, calls, strict=True):
        begin, end = (row[name].astimezone(dt.UTC) for name in ("start", "stop"))
        zone = index.zones[row["zone"]] if row["kind"] != "gap" and row["zone"] >= 0 else None
        ship = call["vessel_name"] or f"MMSI {call['mmsi']:09d}"
        inputs.append(
            Input(
                name=f"{ship}, {begin:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M} UTC",
                value=(end - begin) / dt.timedelta(hours=1),
                unit="h",
                origin="observed",
                source=str(zone["name"] or zone["id"]) if zone else "",
                link=call_path(index.port, result.id, call["call_id"]),
            )
        )
    left = len(rows) - query.after - len(shown)
    if left > 0:
        link = query.model_copy(update={"after": query.after + len(shown)}).address(result.id)
        inputs.append(Input(name=N_("all others"), value=left, unit=N_("stays"), origin="computed", link=link))
    return inputs


def results_figure(code: str, kept: Sequence[Result]) -> Figure:
    """How many results of a port the node keeps, of those that who asks may see."""
    simulated = bool(kept) and all(one.simulated for one in kept)
    return Figure(value=len(kept), quantity="count", explain=f"/explain/port-results/{code}", simulated=simulated)


def explain_results(code: str, kept: Sequence[Result]) -> Derivation:
    """Return the derivation of how many results of a port are kept: each with its period."""
    return Derivation(
        title=N_("Results kept of a port"),
        figure=results_figure(code, kept),
        filters={N_("Port"): code, N_("Counted"): N_("inventories that are kept and that you may see")},
        inputs=[
            Input(
                name=one.title,
                value=f"{one.begins_at:%Y-%m-%d} – {one.ends_at:%Y-%m-%d}" if one.begins_at and one.ends_at else None,
                origin="computed",
                source=f"{one.method_edition}; {one.digest[:12]}",
                link=f"/ports/{code}?result={one.id}",
            )
            for one in kept
        ],
    )
