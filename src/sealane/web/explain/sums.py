"""Adds up the rows of an index that a selection means, and divides them by a dimension."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault, Phrase
from sealane.web.derivation import Figure, Quantity
from sealane.web.explain.selection import Selection
from sealane.web.port.index import Facts, Index
from sealane.web.port.index_build import GRADES, NONE, quantum

MAX_PARTS = 100
LEAST_DIGITS = 7  # of an IMO number
Grade = Literal["A", "B", "C", "D"]
# Dimensions a quantity has, in the order in which it is divided. Query name -> column of the index.
COLUMNS = {"mmsi": "ship", "call_id": "call"}
DIMS: dict[str, tuple[str, ...]] = {
    "mass": ("in_call", "mode", "source", "ship_class", "mmsi", "call_id", "zone", "grade"),
    "energy": ("in_call", "mode", "source", "ship_class", "mmsi", "call_id", "zone", "evidence"),
    "hours": ("in_call", "mode", "evidence", "ship_class", "mmsi", "call_id", "zone"),
    "distance": ("in_call", "mode", "evidence", "ship_class", "mmsi", "call_id", "zone"),
    "calls": ("ship_class", "confidence", "truncated", "mmsi", "call_id"),
    "unobserved": ("ship_class", "confidence", "truncated", "mmsi", "call_id"),
    "interpolated": ("ship_class", "confidence", "truncated", "mmsi", "call_id"),
    "gaps": ("ship_class", "confidence", "truncated", "mmsi", "call_id"),
    "ships": ("ship_class", "mmsi"),
}
UNITS: dict[str, Quantity] = {
    "mass": "mass_g",
    "energy": "energy_kwh",
    "hours": "duration_h",
    "distance": "distance_nm",
    "calls": "count",
    "ships": "count",
    "unobserved": "duration_h",
    "interpolated": "duration_h",
    "gaps": "count",
}
OF_CALLS = frozenset({"calls", "unobserved", "interpolated", "gaps"})
_SORTED_BY_VALUE = frozenset({"mmsi", "call_id", "zone"})
TRUNCATED = ("none", "start", "end", "both")


@dataclass(frozen=True)
class Share:
    """One part of a figure: the member's name, the value, rows, and the weakest grade among them."""

    member: str
    value: float
    rows: int
    grade: Grade | None


@dataclass(frozen=True)
class Division:
    """A figure divided.

    Attributes
    ----------
    dim : what it is divided by.
    parts : add up to the figure exactly, together with `rest`.
    rest : of the parts that are not listed; None where all are.
    rest_skip : how many parts lie before the rest.
    """

    dim: str
    parts: tuple[Share, ...]
    rest: Share | None
    rest_skip: int


def members(index: Index, dim: str) -> tuple[str, ...]:
    """Names of a dimension's codes."""
    if dim == "confidence":
        return ("0", "1", "2", "3", "4")
    if dim == "truncated":
        return TRUNCATED
    return index.members(COLUMNS.get(dim, dim))


def facts_of(index: Index, selection: Selection) -> Facts:
    """Every row of the quantity a selection means, not yet narrowed down."""
    quantity = selection.quantity
    if quantity == "mass":
        measure = f"{selection.pollutant}-{selection.basis}"
        if measure not in index.measures:
            known = ", ".join(index.measures)
            raise DataError(
                Phrase("The figure cannot be derived."),
                [
                    Fault(
                        Phrase("pollutant and basis"),
                        Phrase("this inventory has no %(measure)s", measure=measure),
                        Phrase(
                            "Masses in it: %(known)s. One that is missing has no published factor, or is not computed.",
                            known=known,
                        ),
                    )
                ],
            )
        return index.mass(str(selection.pollutant), str(selection.basis))
    if quantity == "energy":
        return index.energy()
    if quantity in {"hours", "distance"}:
        return index.work("hours" if quantity == "hours" else "distance_nm")
    if quantity in OF_CALLS:
        return _calls(index, quantity)
    ships = np.arange(index.table("ships").num_rows, dtype=np.int32)
    counted = index.table("ships").column("counted").to_numpy(zero_copy_only=False).astype(bool)
    dims = {"ship": ships, "ship_class": index.words("ships", "ship_class")[0]}
    return Facts(dims, np.ones(len(ships))).where(counted)


def _calls(index: Index, quantity: str) -> Facts:
    """Port calls, each counted once or with its hours, which are kept as whole multiples of a quantum of their own."""
    ship = index.column("calls", "ship")
    codes, words = index.words("calls", "truncated")
    place = np.array([TRUNCATED.index(word or "none") for word in words] or [0], np.int8)
    of_ship = index.words("ships", "ship_class")[0]
    dims = {
        "call": np.arange(len(ship), dtype=np.int32),
        "ship": ship,
        "ship_class": of_ship[ship],
        "confidence": index.column("calls", "confidence"),
        "truncated": place[codes] if len(codes) else codes.astype(np.int8),
    }
    if quantity == "calls":
        return Facts(dims, np.ones(len(ship)))
    if quantity == "gaps":
        return Facts(dims, index.column("calls", "gap_events").astype(np.float64))
    hours = index.column("calls", f"{quantity}_h")
    step = quantum(float(hours.sum()))
    return Facts(dims, np.rint(hours / step) * step)


def chosen(index: Index, selection: Selection) -> Facts:
    """The rows a selection means.

    Raises
    ------
    DataError
        naming every filter that the quantity does not have or whose value is not in the inventory.
    """
    facts = facts_of(index, selection)
    faults: list[Fault] = []
    mask: NDArray[np.bool_] = np.ones(len(facts.value), np.bool_)
    for dim in dict.fromkeys(dim for dims in DIMS.values() for dim in dims):
        value = getattr(selection, dim)
        if value is None:
            continue
        if dim not in DIMS[selection.quantity]:
            told = ", ".join(DIMS[selection.quantity])
            faults.append(
                Fault(
                    dim,
                    Phrase("%(quantity)s is not told by %(dim)s", quantity=selection.quantity, dim=dim),
                    Phrase("Leave it out; it is by %(told)s.", told=told),
                )
            )
            continue
        code = code_of(index, dim, str(value))
        if code is None:
            faults.append(
                Fault(
                    dim,
                    Phrase("%(value)s is not in this inventory", value=repr(str(value))),
                    Phrase("Open the figure above and choose."),
                )
            )
            continue
        mask &= facts.dims[COLUMNS.get(dim, dim)] == code
    if selection.ship is not None:
        if selection.quantity in OF_CALLS:
            mask &= calls_of(index, selection.ship)
        else:
            faults.append(
                Fault(
                    "ship",
                    Phrase("%(quantity)s is not told by it", quantity=selection.quantity),
                    Phrase("Give mmsi, or leave it out."),
                )
            )
    if faults:
        raise DataError(Phrase("The figure cannot be derived."), faults)
    return facts if mask.all() else facts.where(mask)


def calls_of(index: Index, text: str) -> NDArray[np.bool_]:
    """Calls of the ship with this number, or of ships with this text in their name; of shape (calls,).

    A text of seven digits or more is a number and is matched whole, as IMO number or as MMSI; ``IMO`` or ``MMSI`` may
    stand before it.
    """
    import pyarrow.compute as pc

    calls = index.table("calls")
    digits = text.casefold().strip().removeprefix("imo").removeprefix("mmsi").strip()
    if digits.isascii() and digits.isdigit() and len(digits) >= LEAST_DIGITS:
        number = int(digits[:10])
        same_imo: NDArray[np.bool_] = calls.column("imo").fill_null(0).to_numpy() == number
        return same_imo | (calls.column("mmsi").to_numpy() == number)
    names = pc.utf8_upper(calls.column("vessel_name").fill_null(""))
    found: NDArray[np.bool_] = pc.match_substring(names, text.strip().upper()).to_numpy()
    return found


def code_of(index: Index, dim: str, value: str) -> int | None:
    """Code of a dimension's member; None where the index has none of that name."""
    if dim in {"zone", "call_id"} and value == NONE:
        return -1
    if dim in {"confidence", "truncated"}:
        return members(index, dim).index(value)
    return index.number_of(COLUMNS.get(dim, dim)).get(value)


def open_dims(facts: Facts, selection: Selection) -> tuple[str, ...]:
    """Dimensions by which the rows still differ."""
    found = []
    for dim in DIMS[selection.quantity]:
        codes = facts.dims[COLUMNS.get(dim, dim)]
        if getattr(selection, dim) is None and len(codes) and codes.min() != codes.max():
            found.append(dim)
    return tuple(found)


def divided(index: Index, facts: Facts, dim: str, skip: int = 0) -> Division:
    """Divide rows by a dimension; ships, calls and zones by falling value, the first `MAX_PARTS` after `skip`."""
    names = members(index, dim)
    column = COLUMNS.get(dim, dim)
    sums, rows = facts.by(column, len(names)), facts.rows_by(column, len(names))
    there = np.flatnonzero(rows)
    if dim in _SORTED_BY_VALUE:
        there = there[np.lexsort((there, -sums[there]))]
    there = there[skip:]
    listed, left = there[:MAX_PARTS], there[MAX_PARTS:]
    worst = worst_by(facts, column, len(names))
    parts = tuple(
        Share(names[code] if code < len(names) else NONE, float(sums[code]), int(rows[code]), worst(code))
        for code in listed
    )
    rest = None
    if len(left):
        grades: list[Grade] = [grade for grade in map(worst, left) if grade is not None]
        rest = Share("", float(sums[left].sum()), int(rows[left].sum()), max(grades, default=None))
    return Division(dim, parts, rest, skip + len(listed))


def worst_by(facts: Facts, column: str, size: int) -> Callable[[int], Grade | None]:
    """The weakest grade among the rows of each code of a column."""
    grades = facts.dims.get("grade")
    if grades is None:
        return lambda _: None
    worst = np.full(size + 1, -1, np.int8)
    np.maximum.at(worst, facts.dims[column].astype(np.int64) % (size + 1), grades.astype(np.int8))
    return lambda code: cast("Grade", GRADES[worst[code]])


def worst_grade(facts: Facts) -> Grade | None:
    """The weakest grade among rows of masses; None for other quantities."""
    grades = facts.dims.get("grade")
    return cast("Grade", GRADES[int(grades.max())]) if grades is not None and len(grades) else None


def filled_share(facts: Facts) -> float | None:
    """Share of a mass that rests on filled inputs (grade D); None where that is not told."""
    grades = facts.dims.get("grade")
    if grades is None or not facts.total > 0:
        return None
    return float(facts.value[grades == GRADES.index("D")].sum()) / facts.total


def figure(
    result_id: str, selection: Selection, value: float | None, *, simulated: bool, grade: Grade | None
) -> Figure:
    """A figure that leads to the derivation of a selection."""
    return Figure(
        value=value,
        quantity=UNITS.get(selection.quantity, "other"),
        explain=selection.path(result_id),
        grade=grade,
        simulated=simulated,
    )
