"""Voyages, legs and stays behind a lane's sums: which add how much, largest first.

A leg adds its share times its figure. A stay adds half its figure times the share of the leg that ends there, and
half times the share of the leg that begins there, each to that leg's year.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.measures import MEASURES, Measure

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
SHOWN = 100
"""Voyages or calls that a derivation lists at once; the others are one part more, with a list of its own."""
LEG_DIMENSIONS = ("year", "quarter", "ship_class")
"""Dimensions of a cell that legs know themselves."""


@dataclass(frozen=True)
class Listed:
    """Contributions by name, the largest first.

    Attributes
    ----------
    names, values : of those listed, values in the unit of the measure's figure.
    rest : sum of those after them; None where there are none.
    rest_count : how many those are.
    count : all.
    unknown : how many have no figure and add nothing.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    rest: float | None
    rest_count: int
    count: int
    unknown: int


def voyage_list(files: LaneFiles, cell: Mapping[str, Any], measure: Measure, after: int = 0) -> Listed:
    """Voyages that add to a lane's figure at sea, from place `after` on."""
    shown = MEASURES[measure]
    share = f"share_{cell['rule']}"
    legs = files.table("legs", ["pass_id", share, shown.column], _of_legs(cell, share))
    value = _numbers(legs[shown.column])
    added = _numbers(legs[share]) * value / shown.divisor
    return _listed(legs["pass_id"], added, after)


def voyage_legs(files: LaneFiles, cell: Mapping[str, Any], voyage: str) -> list[dict[str, Any]]:
    """Rows of the legs of a voyage that add to a cell, in the order they were sailed."""
    share = f"share_{cell['rule']}"
    found = files.table("legs", None, _of_legs(cell, share) & (pc.field("pass_id") == voyage))
    return sorted(found.to_pylist(), key=lambda row: (row["departure"] is None, row["departure"], row["leg_id"]))


def leg_adds(row: Mapping[str, Any], rule: str, measure: Measure) -> float | None:
    """What a leg adds by a rule, in the unit of the measure's figure; None where it was not priced."""
    shown = MEASURES[measure]
    share, value = row[f"share_{rule}"], row[shown.column]
    return None if share is None or value is None else share * value / shown.divisor


def call_list(files: LaneFiles, cell: Mapping[str, Any], measure: Measure, after: int = 0) -> Listed:
    """Calls whose stays add to a lane's figure in one part (mode), from place `after` on."""
    shown = MEASURES[measure]
    where = _of_stays(cell)
    stays = files.table("stays", ["call_id", shown.column], where)
    before, behind = _halves(files, cell, stays["call_id"])
    value = _numbers(stays[shown.column]) / shown.divisor
    added = np.concatenate([before * value, behind * value])
    counts = np.concatenate([before, behind]) > 0.0
    names = pa.chunked_array([*stays["call_id"].chunks, *stays["call_id"].chunks], pa.string())
    return _listed(names.filter(pa.array(counts)), added[counts], after)


def call_stays(files: LaneFiles, cell: Mapping[str, Any], call: str) -> list[tuple[dict[str, Any], float, float]]:
    """Rows of a call's stays, each with the halves that its legs before and after count by: 0, or half their share."""
    stays = files.table("stays", None, _of_stays(cell) & (pc.field("call_id") == call))
    before, behind = _halves(files, cell, stays["call_id"])
    return list(zip(stays.to_pylist(), before.tolist(), behind.tolist(), strict=True))


def _halves(files: LaneFiles, cell: Mapping[str, Any], calls: pa.ChunkedArray) -> tuple[Floats, Floats]:
    """Half the share of the leg that ends in each call, and of the one that begins there; 0 outside the cell."""
    share = f"share_{cell['rule']}"
    legs = files.table("legs", ["from_call_id", "to_call_id", share], _of_legs(cell, share, ships=False))
    half = 0.5 * _numbers(legs[share])
    known = pc.unique(calls)
    found = []
    of_call = pc.index_in(calls, value_set=known).to_numpy(zero_copy_only=False).astype(np.int64)
    for end in ("to_call_id", "from_call_id"):
        at = pc.index_in(legs[end], value_set=known)
        there = at.is_valid().to_numpy(zero_copy_only=False)
        values = np.zeros(len(known))
        values[at.drop_null().to_numpy(zero_copy_only=False).astype(np.int64)] = half[there]
        found.append(values[of_call])
    return found[0], found[1]


def _of_legs(cell: Mapping[str, Any], share: str, *, ships: bool = True) -> pc.Expression:
    found = pc.field(share) > 0.0
    for name in LEG_DIMENSIONS:
        if name in cell and (ships or name != "ship_class"):
            found &= field_is(name, cell[name])
    return found


def _of_stays(cell: Mapping[str, Any]) -> pc.Expression:
    found = pc.field("mode") == cell["part"]
    for name in ("place", "ship_class"):
        if name in cell:
            found &= field_is(name, cell[name])
    return found


def field_is(name: str, value: object) -> pc.Expression:
    """Rows of legs or stays with a value of a dimension."""
    # Totals call a ship of which nobody told the class so.
    return pc.field(name).is_null() if (name, value) == ("ship_class", "unknown") else pc.field(name) == value


def _numbers(column: pa.ChunkedArray) -> Floats:
    found: Floats = column.to_numpy().astype(np.float64)
    return found


def exact_sums(values: Floats, starts: Whole) -> Floats:
    """Correctly rounded sums of consecutive runs of values, as `math.fsum` gives them.

    Parameters
    ----------
    values : ``(n,)``.
    starts : where each run begins, rising, the first 0.
    """
    lengths = np.diff(np.append(starts, len(values)))
    found = values[starts] if len(starts) else np.empty(0)
    # The sum of two numbers is correctly rounded as it is.
    two = lengths == 2
    found[two] += values[starts[two] + 1]
    flat = values.tolist()
    for k in np.flatnonzero(lengths > 2).tolist():
        found[k] = math.fsum(flat[starts[k] : starts[k] + lengths[k]])
    return found


def rest_after(ranked: Sequence[float], after: int) -> float | None:
    """Sum of what a list of values, the largest first, holds behind the page that begins at `after`; None: nothing.

    It is summed page by page from the end, so that it equals the figure of the next page to the last bit.
    """
    if len(ranked) <= after + SHOWN:
        return None
    rest: float | None = None
    last = after + (len(ranked) - after - 1) // SHOWN * SHOWN
    for begin in range(last, after, -SHOWN):
        rest = math.fsum([*ranked[begin : begin + SHOWN], *([] if rest is None else [rest])])
    return rest


def sum_of_list(ranked: Sequence[float], after: int = 0) -> float:
    """Sum of a list of values, the largest first, from `after` on, as its page and the rest behind it give it."""
    rest = rest_after(ranked, after)
    return math.fsum([*ranked[after : after + SHOWN], *([] if rest is None else [rest])])


def _listed(names: pa.ChunkedArray, added: Floats, after: int) -> Listed:
    """Sum by name and list the largest; each sum, and that of the rest, is the correctly rounded sum of its parts."""
    known = ~np.isnan(added)
    coded = names.combine_chunks().dictionary_encode()
    code = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)[known]
    unknown = len(coded.dictionary) - len(np.unique(code))
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    sums = exact_sums(added[known][order], starts)
    number = code[order][starts] if len(starts) else np.empty(0, np.int64)
    rank = np.lexsort((number, -sums))
    ranked = sums[rank].tolist()
    rest = rest_after(ranked, after)
    chosen = number[rank][after : after + SHOWN]
    return Listed(
        names=tuple(coded.dictionary.take(pa.array(chosen)).to_pylist()),
        values=tuple(ranked[after : after + SHOWN]),
        rest=rest,
        rest_count=max(len(ranked) - after - SHOWN, 0),
        count=len(ranked),
        unknown=unknown,
    )
