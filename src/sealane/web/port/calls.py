"""The table of port calls: filtered, sorted and paged over columns of the index."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from sealane.emissions.layout import MODE_NAMES
from sealane.errors import DataError, Fault, Phrase
from sealane.web.derivation import Figure
from sealane.web.explain.quality import confidence_figure
from sealane.web.explain.selection import Selection, explain_path
from sealane.web.explain.sums import TRUNCATED, Grade, calls_of, facts_of
from sealane.web.port.index import Facts, Index
from sealane.web.port.index_build import GRADES
from sealane.web.port.models import CallList, CallRow
from sealane.web.port.timeline import call_path

PAGE = 25
SortBy = Literal["arrival", "ship", "ship_class", "berth", "anchorage", "mass", "unobserved", "confidence"]


@dataclass(frozen=True)
class CallFilter:
    """What the table is narrowed down to.

    Attributes
    ----------
    ship : part of the name, or the IMO number or MMSI, whole.
    ship_class, confidence, truncated : as in the table.
    sort, falling : order.
    after : id of the last call of the page before.
    """

    ship: str = ""
    ship_class: str = ""
    confidence: int | None = None
    truncated: str = ""
    sort: SortBy = "arrival"
    falling: bool = False
    after: str = ""


def call_list(index: Index, result_id: str, wanted: CallFilter, mass: Facts, measure: Selection,
              *, simulated: bool) -> CallList:  # fmt: skip
    """Return a page of calls.

    Parameters
    ----------
    mass : rows of the pollutant that is shown.
    measure : its pollutant and basis.

    Raises
    ------
    DataError
        where `after` names no call of the result.
    """
    by_call = Sums(index, mass)
    chosen = np.flatnonzero(_mask(index, wanted))
    order = chosen[_order(index, wanted, by_call)[chosen].argsort(kind="stable")]
    begin = 0
    if wanted.after:
        code = index.number_of("call").get(wanted.after)
        place = np.flatnonzero(order == code) if code is not None else np.empty(0, np.int64)
        if not len(place):
            raise DataError(
                Phrase("The page of calls cannot be shown."),
                [Fault("after", repr(wanted.after), Phrase("Begin with the first page: leave `after` out."))],
            )
        begin = int(place[0]) + 1
    shown = order[begin : begin + PAGE]
    found_path = explain_path(
        result_id,
        quantity="calls",
        ship=wanted.ship or None,
        ship_class=wanted.ship_class or None,
        confidence=wanted.confidence,
        truncated=wanted.truncated or None,
    )
    every = Figure(value=float(index.meta["totals"]["calls"]), quantity="count", simulated=simulated,
                   explain=explain_path(result_id, quantity="calls"))  # fmt: skip
    return CallList(
        rows=rows(index, result_id, shown, by_call, measure, simulated=simulated),
        found=every.model_copy(update={"value": float(len(order)), "explain": found_path}),
        found_all=every,
        after=index.members("call")[int(shown[-1])] if begin + PAGE < len(order) else None,
        classes=[name for name in index.classes if name in _classes_of_calls(index)],
    )


class Sums:
    """Mass and hours by call, of shape (calls,), as their derivations give them."""

    def __init__(self, index: Index, mass: Facts) -> None:
        self.calls = index.table("calls").num_rows
        inside = mass.where(mass.dims["call"] >= 0)
        self.mass = inside.by("call", self.calls)[:-1]
        filled = inside.dims["grade"].max(initial=-1)
        self.grade = np.full(self.calls, -1, np.int8)
        if filled >= 0:
            np.maximum.at(self.grade, inside.dims["call"], inside.dims["grade"].astype(np.int8))
        self.unobserved, self.interpolated = (
            facts_of(index, Selection(quantity=quantity)).value for quantity in ("unobserved", "interpolated")
        )
        hours = index.work("hours")
        self.hours = {
            mode: hours.where((hours.dims["call"] >= 0) & (hours.dims["mode"] == code)).by("call", self.calls)[:-1]
            for code, mode in enumerate(MODE_NAMES)
        }


def _classes_of_calls(index: Index) -> set[str]:
    of_ship, classes = index.words("ships", "ship_class")
    return {classes[code] for code in np.unique(of_ship[index.column("calls", "ship")]) if code >= 0}


def _mask(index: Index, wanted: CallFilter) -> NDArray[np.bool_]:
    calls = index.table("calls")
    mask = np.ones(calls.num_rows, np.bool_)
    if wanted.ship:
        mask &= calls_of(index, wanted.ship)
    if wanted.ship_class:
        of_ship = index.words("ships", "ship_class")[0]
        mask &= of_ship[index.column("calls", "ship")] == index.number_of("ship_class").get(wanted.ship_class, -2)
    if wanted.confidence is not None:
        mask &= index.column("calls", "confidence") == wanted.confidence
    if wanted.truncated:
        codes, words = index.words("calls", "truncated")
        word = "" if wanted.truncated == TRUNCATED[0] else wanted.truncated
        mask &= codes == (words.index(word) if word in words else -2)
    return mask


def _order(index: Index, wanted: CallFilter, sums: Sums) -> NDArray[np.int64]:
    """Rank of every call; ties in the order of time, which is the order of the table."""
    keys: dict[str, Any] = {
        "arrival": lambda: np.arange(sums.calls),
        "ship": lambda: index.words("calls", "vessel_name")[0],
        "ship_class": lambda: index.words("ships", "ship_class")[0][index.column("calls", "ship")],
        "berth": lambda: sums.hours["berth"],
        "anchorage": lambda: sums.hours["anchorage"],
        "mass": lambda: sums.mass,
        "unobserved": lambda: sums.unobserved,
        "confidence": lambda: index.column("calls", "confidence").astype(np.int64),
    }
    key = keys[wanted.sort]()
    order = np.argsort(-key if wanted.falling else key, kind="stable")
    rank = np.empty(sums.calls, np.int64)
    rank[order] = np.arange(sums.calls)
    return rank


def rows(
    index: Index, result_id: str, numbers: NDArray[np.int64], sums: Sums, measure: Selection, *, simulated: bool
) -> list[CallRow]:
    """Rows of the table for calls of these numbers."""
    found = []
    for number, call in zip(numbers.tolist(), index.table("calls").take(numbers).to_pylist(), strict=True):
        call_id = call["call_id"]
        grade = int(sums.grade[number])

        def hours(mode: str, number: int = number, call_id: str = call_id) -> Figure:
            path = explain_path(result_id, quantity="hours", mode=mode, call_id=call_id)
            return Figure(value=float(sums.hours[mode][number]), quantity="duration_h", explain=path,
                          simulated=simulated)  # fmt: skip

        found.append(
            CallRow(
                call_id=call_id,
                ship=call["vessel_name"],
                imo=call["imo"],
                mmsi=call["mmsi"],
                ship_class=call["ship_class"],
                subtype=call["subtype"],
                arrival=utc(call["arrival"]),
                departure=utc(call["departure"]),
                first_seen=call["first_seen"].astimezone(dt.UTC),
                last_seen=call["last_seen"].astimezone(dt.UTC),
                berth=hours("berth"),
                anchorage=hours("anchorage"),
                mass=Figure(
                    value=float(sums.mass[number]) if grade >= 0 else None,
                    quantity="mass_g",
                    explain=measure.narrowed(call_id=call_id).path(result_id),
                    grade=cast("Grade", GRADES[grade]) if grade >= 0 else None,
                    simulated=simulated,
                ),
                unobserved=Figure(
                    value=float(sums.unobserved[number]),
                    quantity="duration_h",
                    explain=explain_path(result_id, quantity="unobserved", call_id=call_id),
                    simulated=simulated,
                ),
                gaps=Figure(
                    value=call["gap_events"],
                    quantity="count",
                    explain=explain_path(result_id, quantity="gaps", call_id=call_id),
                    simulated=simulated,
                ),
                truncated=call["truncated"] or "none",
                confidence=confidence_figure(result_id, call_id, call["confidence"], simulated=simulated),
                path=call_path(index.port, result_id, call_id),
            )
        )
    return found


def utc(time: dt.datetime | None) -> dt.datetime | None:
    """The same moment in UTC."""
    return None if time is None else time.astimezone(dt.UTC)
