"""Rotations and voyages of a lane: which ports in which order, how many, how long, and what each adds."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.addresses import address
from sealane.web.corridor.lane_files import LaneFiles, lane_files
from sealane.web.corridor.lane_legs import exact_sums, sum_of_list
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.measures import MEASURES, Measure, Rule, measured
from sealane.web.corridor.models import Rotation, Voyage, Wanted
from sealane.web.corridor.voyage_facts import ROTATION_FACTS, RotationFact, VoyageFact, fact_figure, voyage_figure
from sealane.web.derivation import Figure

PAGE = 50
KEPT = 4
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class VoyageIndex:
    """Voyages of a lane, ready to be filtered.

    Attributes
    ----------
    folder : the lane's.
    latest : row numbers, the voyage that began last first.
    place : of each row in `latest`.
    ports, port_names : rotation of each voyage, a number in the names.
    year, hours, distance_nm : of each voyage; NaN where not known.
    """

    folder: Path
    latest: Whole
    place: Whole
    ports: Whole
    port_names: tuple[str, ...]
    year: Whole
    hours: Floats
    distance_nm: Floats
    direct: NDArray[np.bool_]
    too_long: NDArray[np.bool_]
    from_a: NDArray[np.bool_]

    @property
    def table(self) -> pa.Table:
        """Rows of ``passes.parquet``, read when names are asked for."""
        return _rows(self.folder)


@lru_cache(maxsize=KEPT)
def _rows(folder: Path) -> pa.Table:
    return lane_files(folder).table("passes", texts=("ports", "direction", "ship_name", "ship_class"))


@lru_cache(maxsize=KEPT)
def voyage_index(folder: Path) -> VoyageIndex:
    """Return the voyages of a kept lane; a kept result never changes."""
    columns = ("ports", "direction", "begin", "year", "hours", "distance_nm", "direct", "too_long")
    table = lane_files(folder).table("passes", columns, texts=("ports", "direction"))
    coded = table["ports"].combine_chunks()
    begin = pc.fill_null(table["begin"].cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
    latest = np.argsort(-begin, kind="stable")
    place = np.empty_like(latest)
    place[latest] = np.arange(len(latest))
    return VoyageIndex(
        folder=folder,
        latest=latest,
        place=place,
        ports=coded.indices.to_numpy().astype(np.int64),
        port_names=tuple(coded.dictionary.to_pylist()),
        year=table["year"].to_numpy().astype(np.int64),
        hours=table["hours"].to_numpy().astype(np.float64),
        distance_nm=table["distance_nm"].to_numpy().astype(np.float64),
        direct=table["direct"].to_numpy(),
        too_long=table["too_long"].to_numpy(),
        from_a=_holds(table["direction"], "a_to_b"),
    )


@lru_cache(maxsize=KEPT)
def _voyage_of_leg(folder: Path) -> Whole:
    """Row of each leg's voyage, -1 for none: names are compared once, whatever figure is asked for."""
    names = lane_files(folder).table("legs", ["pass_id"])["pass_id"].combine_chunks()
    known = lane_files(folder).table("passes", ["pass_id"])["pass_id"].combine_chunks()
    if not len(names):
        return np.empty(0, np.int64)
    # Legs of a voyage stand together: a name is looked up where it changes.
    changes = pc.fill_null(pc.not_equal(names[1:], names[:-1]), True).to_numpy(zero_copy_only=False)
    first = np.append([0], np.flatnonzero(changes) + 1)
    row = pc.fill_null(pc.index_in(names.take(pa.array(first)), value_set=known), -1).to_numpy().astype(np.int64)
    return np.repeat(row, np.diff(np.append(first, len(names))))


@lru_cache(maxsize=8 * KEPT)
def _added(folder: Path, rule: Rule, measure: Measure) -> Floats:
    """What each voyage adds by a rule, over all years, in the unit of the figure; NaN: not priced."""
    shown, share = MEASURES[measure], f"share_{rule}"
    legs = lane_files(folder).table("legs", [share, shown.column])
    of, shares = _voyage_of_leg(folder), legs[share].to_numpy()
    # A leg of share 0 adds 0, priced or not.
    added = np.where(shares == 0.0, 0.0, shares * legs[shown.column].to_numpy() / shown.divisor)
    known = (of >= 0) & ~np.isnan(added)
    order = np.argsort(of[known], kind="stable")
    values, codes = added[known][order], of[known][order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    sums = np.full(len(voyage_index(folder).latest), np.nan)
    sums[codes[starts]] = exact_sums(values, starts)
    return sums


def _mask(index: VoyageIndex, wanted: Wanted) -> NDArray[np.bool_]:
    found = np.ones(index.table.num_rows, np.bool_)
    if wanted.year is not None:
        found &= index.year == wanted.year
    if wanted.direct is not None:
        found &= index.direct == wanted.direct
    if wanted.direction is not None:
        found &= index.from_a == (wanted.direction == "a_to_b")
    if wanted.ports is not None:
        at = index.port_names.index(wanted.ports) if wanted.ports in index.port_names else -1
        found &= index.ports == at
    if wanted.ship:
        text = wanted.ship.strip()
        if text.isascii() and text.isdecimal():
            number = int(text)
            found &= _equals(index.table["imo"], number) | _equals(index.table["mmsi"], number)
        else:
            found &= _holds(index.table["ship_name"], text)
    return found


def _holds(column: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    coded = column.combine_chunks()
    named = pc.fill_null(pc.match_substring(coded.dictionary, text, ignore_case=True), False).to_numpy(False)
    return np.append(named, False)[pc.fill_null(coded.indices, len(named)).to_numpy().astype(np.int64)]


def _equals(column: pa.ChunkedArray, number: int) -> NDArray[np.bool_]:
    if number > np.iinfo(np.int32).max:
        return np.zeros(len(column), np.bool_)
    found: NDArray[np.bool_] = pc.fill_null(pc.equal(column, pa.scalar(number, column.type)), False).to_numpy()
    return found


def rotations(
    files: LaneFiles, result_id: str, rule: Rule, measure: Measure, year: int | None, most: int
) -> tuple[list[Rotation], int]:
    """Return the rotations with most voyages, and how many rotations there are."""
    index = voyage_index(files.folder)
    sums = _rotation_sums(files.folder, rule, measure, year)
    query = LaneQuery(measure=measure, rule=rule, year=year)
    found = []
    for one in sums[:most]:
        name = index.port_names[one.ports]
        found.append(
            Rotation(
                ports=name,
                direction="a_to_b" if index.from_a[one.row] else "b_to_a",
                voyages=Figure(
                    value=one.voyages,
                    quantity="count",
                    explain=rotation_address(result_id, name, query, "count"),
                    simulated=files.simulated,
                ),
                direct=bool(index.direct[one.row]),
                median=_fact(files, result_id, name, year, "median", one.median_h),
                mean=_fact(files, result_id, name, year, "mean", one.mean_nm),
                amount=measured(
                    measure,
                    one.added,
                    rotation_address(result_id, name, query, "sum"),
                    simulated=files.simulated,
                ),
            )
        )
    return found, len(sums)


def _fact(
    files: LaneFiles, result_id: str, ports: str, year: int | None, what: RotationFact, value: float | None
) -> Figure:
    at = rotation_address(result_id, ports, LaneQuery(year=year), what)
    return fact_figure(ROTATION_FACTS[what][1], value, at, simulated=files.simulated)


@dataclass(frozen=True)
class _RotationSum:
    """One rotation: number of its ports, one of its rows, how many voyages, and their figures."""

    ports: int
    row: int
    voyages: int
    median_h: float | None
    mean_nm: float | None
    added: float | None


@lru_cache(maxsize=8 * KEPT)
def _rotation_sums(folder: Path, rule: Rule, measure: Measure, year: int | None) -> tuple[_RotationSum, ...]:
    """Every rotation, that with most voyages first."""
    index, added = voyage_index(folder), _added(folder, rule, measure)
    chosen = np.flatnonzero(_mask(index, Wanted(year=year)) & ~index.too_long)
    order = chosen[np.argsort(index.ports[chosen], kind="stable")]
    codes = index.ports[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    found = []
    for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        rows = order[begin:end]
        hours, nm = (values[rows][~np.isnan(values[rows])] for values in (index.hours, index.distance_nm))
        found.append(
            _RotationSum(
                ports=int(codes[begin]),
                row=int(rows[0]),
                voyages=len(rows),
                median_h=float(np.median(hours)) if hours.size else None,
                mean_nm=math.fsum(nm.tolist()) / nm.size if nm.size else None,
                added=_sum(added[rows]),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.voyages, index.port_names[one.ports])))


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


def rotation_facts(folder: Path, ports: str, year: int | None, what: RotationFact) -> list[tuple[str, float | None]]:
    """Voyages of a rotation: name, and hours (of the median) or nautical miles (of the mean); the least first."""
    index = voyage_index(folder)
    rows = np.flatnonzero(_mask(index, Wanted(year=year, ports=ports)) & ~index.too_long)
    names = index.table["pass_id"].take(pa.array(rows)).to_pylist()
    values = [_finite(value) for value in (index.hours if what == "median" else index.distance_nm)[rows].tolist()]
    return sorted(zip(names, values, strict=True), key=lambda item: (item[1] is None, item[1] or 0.0, item[0]))


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


def _sum(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return sum_of_list(np.sort(known)[::-1].tolist()) if known.size else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def voyage_count(folder: Path, wanted: Wanted) -> list[tuple[str, int, str, bool]]:
    """Voyages that fit: name, year, direction, and whether direct; the latest first."""
    index = voyage_index(folder)
    rows = index.latest[_mask(index, wanted)[index.latest]]
    names = index.table["pass_id"].take(pa.array(rows)).to_pylist()
    ways = np.where(index.from_a[rows], "a_to_b", "b_to_a").tolist()
    return list(zip(names, index.year[rows].tolist(), ways, index.direct[rows].tolist(), strict=True))


def rotation_counts(folder: Path, year: int | None) -> list[tuple[str, int]]:
    """Rotations and how many voyages each has, that with most first."""
    index = voyage_index(folder)
    chosen = index.ports[np.flatnonzero(_mask(index, Wanted(year=year)) & ~index.too_long)]
    codes, counts = np.unique(chosen, return_counts=True)
    found = [(index.port_names[code], number) for code, number in zip(codes.tolist(), counts.tolist(), strict=True)]
    return sorted(found, key=lambda item: (-item[1], item[0]))


def listed_address(result_id: str, wanted: Wanted, what: str) -> str:
    """Address of the derivation of how many voyages or rotations a list has."""
    direct = {None: None, True: "true", False: "false"}[wanted.direct]
    given = wanted.model_dump(exclude={"direct"})
    return address(f"/explain/voyages/{result_id}", what=None if what == "voyages" else what, **given, direct=direct)


def listed_figure(value: int, result_id: str, wanted: Wanted, what: str, *, simulated: bool) -> Figure:
    """Return how many voyages or rotations a list has."""
    at = listed_address(result_id, wanted, what)
    return Figure(value=value, quantity="count", explain=at, simulated=simulated)


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
    rows = index.latest[_mask(index, wanted)[index.latest]]
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
    names = Voyage.model_fields.keys() - {"voyage", "time", "distance", "cargo", "adds"}
    cargo: VoyageFact | None = "teu" if row["lane_teu"] is not None else "tonnes" if row["lane_t"] is not None else None
    return Voyage(
        voyage=row["pass_id"],
        **{name: row[name] for name in names},
        time=voyage_figure(row, result_id, "time", simulated=files.simulated),
        distance=voyage_figure(row, result_id, "distance", simulated=files.simulated),
        cargo=None if cargo is None else voyage_figure(row, result_id, cargo, simulated=files.simulated),
        adds=measured(measure, _finite(added), at, simulated=files.simulated),
    )


def _cursor(last: Voyage) -> str:
    return base64.urlsafe_b64encode(last.voyage.encode()).decode().rstrip("=")


def _place(index: VoyageIndex, rows: Whole, cursor: str) -> int:
    """Place after the voyage a cursor names."""
    try:
        name = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise _no_cursor() from None
    at = pc.index(index.table["pass_id"], name).as_py()
    if at < 0:
        raise _no_cursor()
    return int(np.searchsorted(index.place[rows], index.place[at], side="right"))


def _no_cursor() -> RequestRefusedError:
    return RequestRefusedError(
        400, "invalid-cursor", Phrase("The cursor is none of this list."), Phrase("Begin without 'after'.")
    )
