"""Cells of grouped records: how they are formed, which are held back, and which clauses cannot stand side by side.

A cell counts the records of one calendar period that share the values of ``grouping.by``, and sums the measures.
Cells are disjoint and no total, share, mean or number of contributors is ever given, so that the cells of one release
cannot be subtracted from each other. What is held back, and why, in `suppress`; what makes releases safe against each
other is kept by ``sealane.exchange.releases``: a record is counted at most once for a partner. Then any sum and
difference of cells speaks of at least one whole cell, which is of at least ``minimum_group`` contributors.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from sealane.agreements.clauses import Clause, Granularity, Grouping, Period, Record, RowFilter
from sealane.agreements.decisions import END_OF_TIME, utc
from sealane.agreements.fields import segments_of
from sealane.errors import Fault

MAX_BY: Final = 5
LEAST_GROUP: Final = 2
Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Cell:
    """The records of one period that share the values of the grouping's fields.

    Attributes
    ----------
    by : the values, in the order of ``grouping.by``; None where a record has none.
    count : number of records.
    sums : sum of each measure; None where it is held back or no record has it.
    contributors : who stands behind the records; never leaves the node.
    measured : for each measure, who stands behind the records that have it; never leaves the node.
    records : ids of the records counted; never leave the node.
    simulated : at least one record is simulated.
    """

    by: tuple[Scalar, ...]
    count: int
    sums: Mapping[str, int | float | None]
    contributors: frozenset[str]
    measured: Mapping[str, frozenset[str]]
    records: tuple[str, ...]
    simulated: bool = False


@dataclass(frozen=True)
class Countable:
    """A record that may be counted.

    Attributes
    ----------
    shown : its payload as the clause trims it: all that can show in a cell comes from here.
    """

    record: Record
    shown: Mapping[str, Any]
    simulated: bool = False


def period_of(time: dt.datetime, period: Period) -> tuple[dt.datetime, dt.datetime]:
    """Return start and end (exclusive) of the UTC calendar period a time falls in; weeks begin on Monday (ISO 8601)."""
    day = utc(time, "time").replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case Period.DAY:
            start, days = day, 1
        case Period.WEEK:
            monday = day.toordinal() - day.weekday()
            start, days = dt.datetime.fromordinal(max(monday, 1)).replace(tzinfo=dt.UTC), 7
        case Period.MONTH | Period.QUARTER | Period.YEAR:
            months = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}[period]
            first = (day.month - 1) // months * months + 1
            start = day.replace(month=first, day=1)
            following = start.year * 12 + first - 1 + months
            year, month = divmod(following, 12)
            return start, END_OF_TIME if year > dt.MAXYEAR else start.replace(year=year, month=month + 1)
    try:
        return start, start + dt.timedelta(days=days)
    except OverflowError:
        return start, END_OF_TIME


def form_cells(items: Iterable[Countable], grouping: Grouping, start: dt.datetime, end: dt.datetime) -> list[Cell]:
    """Group the records of one period into cells, ordered by their values.

    A record is left out when it has no time in the period, no contributor, or a list or mapping where a value of
    ``by`` is looked for. Of measures only finite numbers are summed.

    Parameters
    ----------
    items : records, each id once.
    start, end : half-open interval on ``occurred_at``.
    """
    by = [segments_of(name) for name in grouping.by]
    measures = {name: segments_of(name) for name in grouping.measures}
    contributor_at = segments_of(grouping.contributor)
    groups: dict[str, _Group] = {}
    for item in items:
        occurred = item.record.occurred_at
        if occurred is None or not start <= utc(occurred, "occurred_at") < end:
            continue
        contributor = _contributor(_value_at(item.record.body, contributor_at))
        values = tuple(_value_at(item.shown, steps) for steps in by)
        if contributor is None or not all(_is_scalar(value) for value in values):
            continue
        # JSON as the key: 1, 1.0 and true are equal to Python and three values to a reader.
        key = json.dumps(values)
        group = groups.setdefault(key, _Group(values, {name: [] for name in measures}))
        group.add(item, contributor, {name: _value_at(item.shown, steps) for name, steps in measures.items()})
    return [groups[key].cell() for key in sorted(groups)]


def suppress(cells: Sequence[Cell], minimum_group: int) -> tuple[list[Cell], int]:
    """Hold cells back until no one can learn of fewer than `minimum_group` contributors; return the rest and how many.

    First every cell with fewer contributors. Then, because a total may be known from elsewhere (a port publishes its
    calls), for every total over the cells, of all or of those that share some of the values: where the cells held back
    behind it have fewer contributors together, the released cell with the fewest contributors is held back too,
    until they are enough or none is left. A measure is treated alike inside the cells that remain, by the contributors
    of the records that have it.

    Raises
    ------
    ValueError
        If `minimum_group` is less than 2, or two cells have the same values.
    """
    if minimum_group < LEAST_GROUP:
        raise ValueError(f"a group of {minimum_group} hides nobody")
    keys = [_key(cell.by) for cell in cells]
    if len(set(keys)) < len(keys):
        raise ValueError("two cells have the same values")
    hidden = _hidden({key: cell.contributors for key, cell in zip(keys, cells, strict=True)}, minimum_group, set())
    kept = dict(zip(keys, cells, strict=True))
    for measure in cells[0].sums if cells else ():
        measured = {key: cell.measured[measure] for key, cell in zip(keys, cells, strict=True)}
        for key in _hidden(measured, minimum_group, hidden):
            kept[key] = replace(kept[key], sums=MappingProxyType({**kept[key].sums, measure: None}))
    return [kept[key] for key in keys if key not in hidden], len(hidden)


def _hidden(contributors: Mapping[tuple[str, ...], frozenset[str]], least: int, already: set[Any]) -> set[Any]:
    """Return the keys of the cells to hold back: those below the least group, and their complements."""
    hidden = {key for key, who in contributors.items() if len(who) < least} | already
    width = len(next(iter(contributors), ()))
    totals: list[list[tuple[str, ...]]] = []
    for size in range(width):
        for places in itertools.combinations(range(width), size):
            groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
            for key in contributors:
                groups.setdefault(tuple(key[place] for place in places), []).append(key)
            totals += [group for group in groups.values() if len(group) > 1]
    changed = True
    while changed:
        changed = False
        for group in totals:
            behind = [key for key in group if key in hidden]
            together = frozenset[str]().union(*(contributors[key] for key in behind))
            open_cells = [key for key in group if key not in hidden]
            if not together or len(together) >= least or not open_cells:
                continue
            hidden.add(min(open_cells, key=lambda key: (len(contributors[key]), key)))
            changed = True
    return hidden


def rows_disjoint(one: RowFilter, other: RowFilter) -> bool:
    """Say whether no record can pass both filters, by ports, terminals, vessels or time."""
    sets = ((one.ports, other.ports), (one.terminals, other.terminals), (one.vessels, other.vessels))
    if any(left and right and not left & right for left, right in sets):
        return True
    return _ends_before(one, other) or _ends_before(other, one)


def overlapping_groupings(clauses: Sequence[Clause]) -> list[tuple[Clause, Clause]]:
    """Return the pairs of clauses of which one lets only cells through and the other more about the same records.

    Two groupings of the same records to one recipient are margins of each other, and cells beside single records can
    be cleared of those records: both ways single out what the cells hide. A pair is safe where no record can pass
    both row filters. Validity does not part them: a later clause may speak of an earlier period.
    """
    return [
        (one, other)
        for one, other in itertools.combinations(clauses, 2)
        if Granularity.AGGREGATE in (one.granularity, other.granularity)
        and one.provider == other.provider
        and one.dataset == other.dataset
        and set(one.recipients) & set(other.recipients)
        and not rows_disjoint(one.rows, other.rows)
    ]


def grouping_faults(clauses: Iterable[tuple[str, Clause]]) -> list[Fault]:
    """Return what makes groupings useless or unsafe; clauses come with their paths in the document."""
    listed = list(clauses)
    faults: list[Fault] = []
    for where, clause in listed:
        grouping = clause.grouping
        if grouping is None:
            continue
        names = {"by": grouping.by, "measures": grouping.measures, "contributor": (grouping.contributor,)}
        faults.extend(
            Fault(f"{where}.grouping.{key}", f"{name} lies in a list", "Name a field that a record has once")
            for key, found in names.items()
            for name in found
            if "[]" in name
        )
        if grouping.contributor in grouping.by:
            remedy = "Take it out: every cell would have one contributor and be held back"
            faults.append(Fault(f"{where}.grouping.by", f"{grouping.contributor} is the contributor", remedy))
        if len(grouping.by) > MAX_BY:
            remedy = f"Name {MAX_BY} fields at the most; with more, cells are too small to be released"
            faults.append(Fault(f"{where}.grouping.by", f"{len(grouping.by)} fields", remedy))
    paths = {id(clause): where for where, clause in listed}
    for one, other in overlapping_groupings([clause for _, clause in listed]):
        faults.append(
            Fault(
                paths[id(other)],
                f"{other.id} and {one.id} let the same recipient have {one.dataset} in two ways, one only in cells",
                "Keep one of them, or part them by ports, terminals, vessels or time: "
                "together they would single out what the cells hide",
            )
        )
    return faults


class _Group:
    """A cell while it is being filled."""

    def __init__(self, by: tuple[Any, ...], numbers: dict[str, list[int | float]]) -> None:
        self.by, self.numbers = by, numbers
        self.ids: list[str] = []
        self.contributors: set[str] = set()
        self.measured: dict[str, set[str]] = {name: set() for name in numbers}
        self.simulated = False

    def add(self, item: Countable, contributor: str, values: Mapping[str, Any]) -> None:
        self.ids.append(item.record.id)
        self.contributors.add(contributor)
        self.simulated = self.simulated or item.simulated
        for name, value in values.items():
            if type(value) is int or (type(value) is float and math.isfinite(value)):
                self.numbers[name].append(value)
                self.measured[name].add(contributor)

    def cell(self) -> Cell:
        sums = {name: _total(numbers) for name, numbers in self.numbers.items()}
        measured = {name: frozenset(who) for name, who in self.measured.items()}
        return Cell(
            by=self.by,
            count=len(self.ids),
            sums=MappingProxyType(sums),
            contributors=frozenset(self.contributors),
            measured=MappingProxyType(measured),
            records=tuple(self.ids),
            simulated=self.simulated,
        )


def _total(numbers: Sequence[int | float]) -> int | float | None:
    if not numbers:
        return None
    if all(type(number) is int for number in numbers):
        return sum(numbers)
    # Exact before it is rounded once: the order of the records must not show in the last digit.
    try:
        return math.fsum(numbers)
    except OverflowError:
        return None


def _key(by: tuple[Scalar, ...]) -> tuple[str, ...]:
    return tuple(json.dumps(value) for value in by)


def _value_at(body: object, steps: Sequence[str]) -> Any:
    """Return what stands at a name without list marks; None where nothing does."""
    for step in steps:
        if not isinstance(body, Mapping):
            return None
        body = body.get(step)
    return body


def _is_scalar(value: object) -> bool:
    return value is None or type(value) in (str, int, bool) or (type(value) is float and math.isfinite(value))


def _contributor(value: object) -> str | None:
    """Return a contributor's name for counting: two spellings of one must not count as two."""
    if value is None or isinstance(value, bool) or not _is_scalar(value):
        return None
    return str(value).strip().casefold() or None


def _ends_before(one: RowFilter, other: RowFilter) -> bool:
    until, start = one.occurred_until, other.occurred_from
    return until is not None and start is not None and utc(until, "occurred_until") <= utc(start, "occurred_from")
