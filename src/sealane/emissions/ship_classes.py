"""Which class of ship an AIS type code and a size stand for.

AIS tells a type code (two digits) and a length, not a class of the emission tables. The rule from one to the
other is our assumption (grade D) and stands, row by row, in ``tables/ais_type_to_class.csv``. AIS cannot tell:

* a vehicle carrier or ro-ro ship (AIS calls both "cargo"),
* a gas carrier (AIS calls it "tanker"),
* container ship, bulk carrier or general cargo ship of equal length (length decides, from 260 m on beam too).

A user's vessels file overrides all of it. Classes and subtypes are spelt as in EPA-420-B-22-011, Table E.1.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from sealane.errors import MissingFactorError, ReferenceDataError
from sealane.reference import FactorRow, Table, TableSpec, load_table, read_table

ENGINE_TYPES = ("SSD", "MSD", "HSD", "ST", "GT", "LNG", "MSD-ED", "GT-ED")
AUX_ENGINE_TYPES = ("AUX-MSD", "AUX-HSD", "AUX-LNG")
FUEL_TYPES = ("HFO", "VLSFO", "MGO", "LNG")

AIS_TYPE_MAX = 32767
"""Largest code a 16-bit AIS type column can hold; the rules reach this far."""

AIS_TYPE_SPEC = TableSpec(
    name="ais_type_to_class",
    title="AIS type and size to ship class, our assumption",
    keys=("ais_type_from", "ais_type_to", "length_from_m", "length_to_m", "beam_from_m", "beam_to_m"),
    texts=("ship_class", "subtype", "left_out_reason"),
    has_value=False,
)
NEAREST_SPEC = TableSpec(
    name="class_nearest",
    title="Listed class that stands in for a class a table does not list, our assumption",
    keys=("table", "ship_class", "subtype"),
    texts=("takes_ship_class", "takes_subtype", "reason"),
    has_value=False,
)
SIZE_BIN_SPEC = TableSpec(
    name="class_nearest_size_bins",
    title="Subtype of a class by its size in TEU, dwt or GT",
    keys=("ship_class", "size_unit", "size_from", "size_to"),
    texts=("subtype", "note"),
    size_range=("size_from", "size_to"),
    has_value=False,
)


@dataclass(frozen=True)
class ClassAssignment:
    """What a type and size stand for.

    Attributes
    ----------
    ship_class, subtype : spelt as in EPA Table E.1; None where the vessel is left out.
    left_out_reason : why the vessel is no ocean-going vessel of this inventory; None where it is one.
    grade : quality of the decision, always D: the rules are our assumption.
    rule : the row that decided, e.g. ``ais_type_to_class.csv line 31: AIS type 70-79, length 200-231 m``.
    """

    ship_class: str | None
    subtype: str | None
    left_out_reason: str | None
    grade: str
    rule: str


@dataclass(frozen=True)
class NearestClass:
    """The listed class whose row is taken for a class; `grade` and `reason` are None where it is its own."""

    ship_class: str
    subtype: str
    grade: str | None
    reason: str | None


@dataclass(frozen=True)
class _Rule:
    """One row of the type table as numbers: types inclusive, sizes half-open."""

    types: tuple[int, int]
    length_m: tuple[float, float]
    beam_m: tuple[float, float]
    assignment: ClassAssignment


def _span(low: float, high: float, unit: str) -> str:
    return f"{low:g}-{high:g} {unit}" if math.isfinite(high) else f"from {low:g} {unit}"


def _to_rules(table: Table) -> tuple[_Rule, ...]:
    rules = []
    for row in table.rows:
        low, high = int(row.text("ais_type_from")), int(row.text("ais_type_to"))
        length = (float(row.text("length_from_m")), float(row.text("length_to_m")))
        beam = (float(row.text("beam_from_m")), float(row.text("beam_to_m")))
        label = f"AIS type {low}" if low == high else f"AIS type {low}-{high}"
        if length != (0, math.inf):
            label += f", length {_span(*length, 'm')}"
        if beam != (0, math.inf):
            label += f", beam {_span(*beam, 'm')}"
        rules.append(
            _Rule(
                types=(low, high),
                length_m=length,
                beam_m=beam,
                assignment=ClassAssignment(
                    ship_class=row.text("ship_class") or None,
                    subtype=row.text("subtype") or None,
                    left_out_reason=row.text("left_out_reason") or None,
                    grade=row.grade,
                    rule=f"{table.path} line {row.line}: {label}",
                ),
            )
        )
    return tuple(rules)


def _tiles(spans: list[tuple[float, float]], start: float, end: float) -> bool:
    spans = sorted(set(spans))
    return (
        bool(spans) and spans[0][0] == start and spans[-1][1] == end and all(a[1] == b[0] for a, b in pairwise(spans))
    )


def read_ais_type_rules(path: Path | None = None) -> tuple[_Rule, ...]:
    """Rules of ``ais_type_to_class.csv``, checked: each type, length and beam meets exactly one row.

    Raises
    ------
    ReferenceDataError
        naming each gap, overlap or row that neither assigns a class nor gives a reason.
    """
    rules = _to_rules(read_table(AIS_TYPE_SPEC, path))
    faults = []
    for rule in rules:
        found = rule.assignment
        if (found.ship_class is None) == (found.left_out_reason is None) or (
            (found.ship_class is None) != (found.subtype is None)
        ):
            faults.append(f"{found.rule}: give either class and subtype or a reason for leaving out")
    if not _tiles([(r.types[0], r.types[1] + 1) for r in rules], 0, AIS_TYPE_MAX + 1):
        faults.append(f"the AIS types do not run from 0 to {AIS_TYPE_MAX} without gap or overlap")
    for types in sorted({rule.types for rule in rules}):
        of_type = [rule for rule in rules if rule.types == types]
        if not _tiles([rule.length_m for rule in of_type], 0, math.inf):
            faults.append(f"AIS types {types[0]}-{types[1]}: lengths do not run from 0 to inf without gap or overlap")
        for length in sorted({rule.length_m for rule in of_type}):
            beams = [rule.beam_m for rule in of_type if rule.length_m == length]
            if len(set(beams)) != len(beams) or not _tiles(beams, 0, math.inf):
                faults.append(
                    f"AIS types {types[0]}-{types[1]}, length from {length[0]:g} m: "
                    "the beams do not run from 0 to inf without gap or overlap"
                )
    if faults:
        raise ReferenceDataError(
            "ais_type_to_class.csv breaks its own rules:\n" + "\n".join(f"  - {f}" for f in faults)
        )
    return rules


@cache
def _rules() -> tuple[_Rule, ...]:
    return read_ais_type_rules()


@cache
def _rules_of_type(ais_type: int) -> tuple[_Rule, ...]:
    return tuple(rule for rule in _rules() if rule.types[0] <= ais_type <= rule.types[1])


def classify(ais_type: int | None, length_m: float | None, beam_m: float | None) -> ClassAssignment:
    """Class and subtype of a ship from its AIS static data, or the reason why it is left out.

    Parameters
    ----------
    ais_type : ITU-R M.1371 type of ship and cargo (0-99), or MarineCadastre's 1001-1025; None where not given.
    length_m, beam_m : in m; None, NaN or 0 where not available. Beam counts from 260 m length on only; a beam
        not available falls into the narrowest row.

    Returns
    -------
    ClassAssignment
        grade D in every case: the rule is our assumption.
    """
    code = 0 if ais_type is None or not 0 <= ais_type <= AIS_TYPE_MAX else int(ais_type)
    length = _known(length_m)
    beam = _known(beam_m)
    for rule in _rules_of_type(code):
        if rule.length_m[0] <= length < rule.length_m[1] and rule.beam_m[0] <= beam < rule.beam_m[1]:
            return rule.assignment
    raise ReferenceDataError(  # pragma: no cover - the tiling check makes this unreachable
        f"No rule for AIS type {code}, length {length:g} m, beam {beam:g} m in ais_type_to_class.csv."
    )


def _known(size_m: float | None) -> float:
    return 0.0 if size_m is None or not math.isfinite(size_m) or size_m < 0 else float(size_m)


@cache
def _nearest_table() -> Table:
    return read_table(NEAREST_SPEC)


@cache
def _size_bins() -> Table:
    return read_table(SIZE_BIN_SPEC)


def nearest_listed(table: str, ship_class: str, subtype: str) -> NearestClass:
    """The class whose row of `table` is taken for this class.

    Parameters
    ----------
    table : ``C.3`` (class defaults).
    ship_class, subtype : spelt as in EPA Table E.1.

    Returns
    -------
    NearestClass
        the class itself, without grade and reason, unless ``class_nearest.csv`` names a stand-in (grade D).
    """
    if not _nearest_table().has(table, ship_class, subtype):
        return NearestClass(ship_class, subtype, None, None)
    row = _nearest_table().row(table, ship_class, subtype)
    return NearestClass(row.text("takes_ship_class"), row.text("takes_subtype"), row.grade, row.text("reason"))


def size_units(ship_class: str) -> tuple[str, ...]:
    """Units (``teu``, ``dwt``, ``gt``) by which a subtype can be told; empty where none is published."""
    return tuple(sorted({row.text("size_unit") for row in _size_bins().rows if row.text("ship_class") == ship_class}))


def subtype_from_size(ship_class: str, size_unit: str, size: float) -> tuple[str, str, str]:
    """Subtype, grade and source from a size.

    Parameters
    ----------
    ship_class : spelt as in EPA Table E.1.
    size_unit : ``teu``, ``dwt`` or ``gt``.
    size : in that unit; a row holds from its lower bound, inclusive, to its upper, exclusive.

    Returns
    -------
    (subtype, grade, source) : for gas carriers the source says which of two sets of bounds was chosen.

    Raises
    ------
    MissingFactorError
        where the class has no size bins in that unit.
    """
    units = size_units(ship_class)
    if size_unit not in units:
        raise MissingFactorError(
            f"No published size bins of {ship_class} by {size_unit}. "
            + (f"Give {' or '.join(units)}, or the subtype." if units else "Give the subtype.")
        )
    row = _size_bins().in_range(size, ship_class=ship_class, size_unit=size_unit)[0]
    note = row.text("note")
    return row.text("subtype"), row.grade, f"{row.source}. {note}" if note else row.source


@cache
def listed_classes() -> Mapping[str, tuple[str, ...]]:
    """Ship classes and their subtypes, as EPA Table E.1 spells and orders them."""
    classes: dict[str, list[str]] = {}
    for row in load_table("hotel_load_epa").rows:
        subtypes = classes.setdefault(row.text("ship_class"), [])
        if row.text("subtype") not in subtypes:
            subtypes.append(row.text("subtype"))
    return {name: tuple(subtypes) for name, subtypes in classes.items()}


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _find(text: str, names: Iterable[str], what: str) -> str:
    names = tuple(names)
    by_plain = {_plain(name): name for name in names}
    if _plain(text) in by_plain:
        return by_plain[_plain(text)]
    near = difflib.get_close_matches(_plain(text), list(by_plain), n=3, cutoff=0.5)
    hint = f"Near: {'; '.join(by_plain[key] for key in near)}. " if near else ""
    raise MissingFactorError(f"No {what} '{text}'. {hint}Listed: {'; '.join(names)}.")


def find_ship_class(text: str) -> str:
    """The class as EPA Table E.1 spells it; case, blanks and punctuation do not matter.

    Raises
    ------
    MissingFactorError
        naming near matches and all classes.
    """
    return _find(text, listed_classes(), "ship class")


def class_and_subtype(text: str) -> tuple[str, str] | None:
    """Class and subtype from one text, e.g. ``Container Ship/5,000 TEU`` or ``reefer``; None where it names no pair.

    A class of one subtype needs no more than its name. Case, blanks and punctuation do not matter.
    """
    pairs = [(name, subtype) for name, subtypes in listed_classes().items() for subtype in subtypes]
    by_plain = {_plain("".join(pair)): pair for pair in pairs}
    by_plain |= {_plain(name): (name, subtypes[0]) for name, subtypes in listed_classes().items() if len(subtypes) == 1}
    return by_plain.get(_plain(text))


def find_subtype(ship_class: str, text: str) -> str:
    """The subtype as EPA Table E.1 spells it; case, blanks and punctuation do not matter.

    Raises
    ------
    MissingFactorError
        naming near matches and all subtypes of the class.
    """
    return _find(text, listed_classes()[ship_class], f"subtype of {ship_class}")


def tier_of_keel_year(keel_year: int) -> FactorRow:
    """Row of table ``nox_tier`` for the year the keel was laid; its value is the tier 0-3."""
    return load_table("nox_tier").in_range(float(keel_year))[0]
