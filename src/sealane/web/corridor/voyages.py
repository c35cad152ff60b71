"""Rotations and voyages of a lane: which ports in which order, how many, how long, and what each adds."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.errors import RequestRefusedError
from sealane.web.corridor.addresses import address
from sealane.web.corridor.lane_files import LaneFiles, lane_files
from sealane.web.corridor.lane_legs import sum_of_list
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.measures import MEASURES, Measure, Rule, measured
from sealane.web.corridor.models import Rotation, Voyage, Wanted
from sealane.web.derivation import Figure

PAGE = 50
KEPT = 4
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class VoyageIndex:
    """Voyages of a lane, the latest first, ready to be filtered.

    Attributes
    ----------
    table : rows of ``passes.parquet`` in this order.
    ports, port_names : rotation of each voyage, a number in the names.
    year, hours, distance_nm : of each voyage; NaN where not known.
    """

    table: pa.Table
    ports: Whole
    port_names: tuple[str, ...]
    year: Whole
    hours: Floats
    distance_nm: Floats
    direct: NDArray[np.bool_]
    too_long: NDArray[np.bool_]


@lru_cache(maxsize=KEPT)
def voyage_index(folder: Path) -> VoyageIndex:
    """Return the voyages of a kept lane; a kept result never changes."""
    table = lane_files(folder).table("passes")
    order = pc.sort_indices(table, [("begin", "descending"), ("pass_id", "ascending")])
    table = table.take(order)
    coded = table["ports"].combine_chunks().dictionary_encode()
    return VoyageIndex(
        table=table,
        ports=coded.indices.to_numpy().astype(np.int64),
        port_names=tuple(coded.dictionary.to_pylist()),
        year=table["year"].to_numpy().astype(np.int64),
        hours=table["hours"].to_numpy().astype(np.float64),
        distance_nm=table["distance_nm"].to_numpy().astype(np.float64),
        direct=table["direct"].to_numpy(),
        too_long=table["too_long"].to_numpy(),
    )


@lru_cache(maxsize=2 * KEPT)
def _added(folder: Path, rule: Rule, measure: Measure) -> Floats:
    """What each voyage of the index adds by a rule, over all years, in the unit of the figure; NaN: not priced."""
    index, shown, share = voyage_index(folder), MEASURES[measure], f"share_{rule}"
    legs = lane_files(folder).table("legs", ["pass_id", share, shown.column])
    at = pc.index_in(legs["pass_id"], value_set=index.table["pass_id"].combine_chunks())
    there = at.is_valid().to_numpy()
    of = at.drop_null().to_numpy().astype(np.int64)
    added = legs[share].to_numpy()[there] * legs[shown.column].to_numpy()[there] / shown.divisor
    # A leg of share 0 adds 0, priced or not.
    added = np.where(legs[share].to_numpy()[there] == 0.0, 0.0, added)
    known = ~np.isnan(added)
    order = np.argsort(of[known], kind="stable")
    values, codes = added[known][order], of[known][order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    sums = np.full(index.table.num_rows, np.nan)
    flat, ends = values.tolist(), [*starts[1:].tolist(), len(values)]
    sums[codes[starts]] = [math.fsum(flat[a:b]) for a, b in zip(starts.tolist(), ends, strict=True)]
    return sums


def _mask(index: VoyageIndex, wanted: Wanted) -> NDArray[np.bool_]:
    found = np.ones(index.table.num_rows, np.bool_)
    if wanted.year is not None:
        found &= index.year == wanted.year
    if wanted.direct is not None:
        found &= index.direct == wanted.direct
    if wanted.direction is not None:
        found &= pc.equal(index.table["direction"], wanted.direction).to_numpy()
    if wanted.ports is not None:
        at = index.port_names.index(wanted.ports) if wanted.ports in index.port_names else -1
        found &= index.ports == at
    if wanted.ship:
        text = wanted.ship.strip()
        if text.isascii() and text.isdecimal():
            number = int(text)
            found &= _equals(index.table["imo"], number) | _equals(index.table["mmsi"], number)
        else:
            named = pc.match_substring(index.table["ship_name"], text, ignore_case=True)
            found &= pc.fill_null(named, False).to_numpy()
    return found


def _equals(column: pa.ChunkedArray, number: int) -> NDArray[np.bool_]:
    if number > np.iinfo(np.int32).max:
        return np.zeros(len(column), np.bool_)
    found: NDArray[np.bool_] = pc.fill_null(pc.equal(column, pa.scalar(number, column.type)), False).to_numpy()
    return found


def rotations(
    files: LaneFiles, result_id: str, rule: Rule, measure: Measure, year: int | None, most: int
) -> tuple[list[Rotation], int]:
    """Return the rotations with most voyages, and how many rotations there are."""
    index, added = voyage_index(files.folder), _added(files.folder, rule, measure)
    chosen = np.flatnonzero(_mask(index, Wanted(year=year)) & ~index.too_long)
    codes, counts = np.unique(index.ports[chosen], return_counts=True)
    order = np.lexsort(([index.port_names[c] for c in codes.tolist()], -counts))[:most]
    found = []
    for code, number in zip(codes[order].tolist(), counts[order].tolist(), strict=True):
        rows = chosen[index.ports[chosen] == code]
        name = index.port_names[code]
        query = LaneQuery(measure=measure, rule=rule, year=year)
        found.append(
            Rotation(
                ports=name,
                direction=index.table["direction"][int(rows[0])].as_py(),
                voyages=Figure(
                    value=number, quantity="count", explain=rotation_address(result_id, name, query, "count")
                ),
                direct=bool(index.direct[rows[0]]),
                median_h=_finite(np.nanmedian(index.hours[rows])) if not np.isnan(index.hours[rows]).all() else None,
                mean_nm=_finite(_mean(index.distance_nm[rows])),
                amount=measured(
                    measure,
                    _sum(added[rows]),
                    rotation_address(result_id, name, query, "sum"),
                    simulated=files.simulated,
                ),
            )
        )
    return found, len(codes)


def rotation_address(result_id: str, ports: str, query: LaneQuery, what: str, after: int = 0) -> str:
    """Address of the derivation of a rotation's figure."""
    return address(
        f"/explain/rotation/{result_id}",
        ports=ports,
        rule=query.rule.value if query.rule else None,
        measure=query.measure.value,
        year=query.year,
        what=None if what == "sum" else what,
        after=after or None,
    )


def rotation_voyages(
    folder: Path, ports: str, rule: Rule, measure: Measure, year: int | None
) -> list[tuple[str, int, float | None]]:
    """Voyages of a rotation: name, year, and what each adds; largest first."""
    index, added = voyage_index(folder), _added(folder, rule, measure)
    rows = np.flatnonzero(_mask(index, Wanted(year=year, ports=ports)) & ~index.too_long)
    names = index.table["pass_id"].take(pa.array(rows)).to_pylist()
    values = [_finite(value) for value in added[rows].tolist()]
    found = list(zip(names, index.year[rows].tolist(), values, strict=True))
    return sorted(found, key=lambda item: (item[2] is None, -(item[2] or 0.0), item[0]))


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _sum(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return sum_of_list(sorted(known.tolist(), reverse=True)) if known.size else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def voyages(
    files: LaneFiles, result_id: str, rule: Rule, measure: Measure, wanted: Wanted, after: str | None
) -> tuple[list[Voyage], int, str | None]:
    """Return a page of voyages, the latest first, how many there are in all, and the cursor of the next page.

    Raises
    ------
    RequestRefusedError
        400 for a cursor that is none.
    """
    index, added = voyage_index(files.folder), _added(files.folder, rule, measure)
    rows = np.flatnonzero(_mask(index, wanted))
    start = 0 if after is None else _place(index, rows, after)
    chosen = rows[start : start + PAGE]
    table = index.table.take(pa.array(chosen))
    found = [
        _voyage(row, added[at], result_id, rule, measure, files)
        for row, at in zip(table.to_pylist(), chosen.tolist(), strict=True)
    ]
    following = _cursor(found[-1]) if start + PAGE < len(rows) else None
    return found, len(rows), following


def _voyage(
    row: dict[str, Any], added: float, result_id: str, rule: Rule, measure: Measure, files: LaneFiles
) -> Voyage:
    at = LaneQuery(measure=measure, rule=rule, part="sea", voyage=row["pass_id"]).address(result_id)
    names = Voyage.model_fields.keys() - {"voyage", "adds"}
    return Voyage(
        voyage=row["pass_id"],
        **{name: row[name] for name in names},
        adds=measured(measure, _finite(added), at, simulated=files.simulated),
    )


def _cursor(last: Voyage) -> str:
    text = json.dumps([last.begin and int(last.begin.timestamp() * 1e6), last.voyage], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(index: VoyageIndex, rows: Sequence[int] | Whole, cursor: str) -> int:
    """Place after the voyage a cursor names."""
    try:
        _, name = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        raise _no_cursor() from None
    at = pc.index(index.table["pass_id"], str(name)).as_py()
    if at < 0:
        raise _no_cursor()
    return int(np.searchsorted(np.asarray(rows), at, side="right"))


def _no_cursor() -> RequestRefusedError:
    return RequestRefusedError(400, "invalid-cursor", "The cursor is none of this list.", "Begin without 'after'.")
