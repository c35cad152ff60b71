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
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from sealane.errors import DataError, Fault, MissingFactorError, ReferenceDataError
from sealane.reference import Table, TableSpec, load_table, read_table

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


@cache
def ship_classes() -> tuple[tuple[str, str], ...]:
    """All ``(ship class, subtype)`` pairs of EPA-420-B-22-011 Table E.1, in its order."""
    return tuple((name, subtype) for name, subtypes in listed_classes().items() for subtype in subtypes)


_CLASS_ALIASES = {
    "Container Ship": ("container", "containership", "container vessel"),
    "Bulk Carrier": ("bulk", "bulker"),
    "Chemical Tanker": ("chemical",),
    "Oil Tanker": ("crude tanker", "product tanker"),
    "Liquified Gas Tanker": ("liquefied gas tanker", "gas tanker", "gas carrier", "lng carrier", "lpg carrier"),
    "Cruise": ("cruise ship",),
    "Vehicle Carrier": ("car carrier", "pctc"),
    "RORO": ("ro-ro ship", "roll-on roll-off"),
    "Reefer": ("refrigerated cargo", "reefer ship"),
    "Ferry/Passenger (C3)": ("ferry", "passenger ferry"),
    "Ferry/Roll-on/Passenger (C3)": ("ropax", "ro-pax"),
    "General Cargo": ("general cargo ship",),
    "Fishing (C3)": ("fishing vessel",),
    "Miscellaneous (C3)": ("misc",),
    "Offshore Support/Drillship": ("offshore support", "drillship"),
    "Yacht": ("yacht (c2/c3)",),
}


def _squeeze(text: str) -> str:
    """Letters and digits only, so that spelling of blanks, commas, slashes and hyphens does not matter."""
    return re.sub(r"[^a-z0-9]", "", text.lower().replace("(c3)", ""))


@cache
def _spellings() -> dict[str, tuple[str, str]]:
    """Every accepted spelling of a class with its subtype, squeezed."""
    spellings: dict[str, tuple[str, str]] = {}
    for ship_class, subtype in ship_classes():
        alone = len([pair for pair in ship_classes() if pair[0] == ship_class]) == 1
        number = re.match(r"[\d,]+", subtype)
        for name in (ship_class, *_CLASS_ALIASES.get(ship_class, ())):
            endings = [subtype, *([number.group()] if number else []), *([""] if alone else [])]
            for ending in endings:
                spellings.setdefault(_squeeze(f"{name} {ending}"), (ship_class, subtype))
    return spellings


def parse_ship_class(text: str) -> tuple[str, str]:
    """Ship class and subtype, spelt as in EPA Table E.1, from a forgiving spelling.

    ``container ship 5000 TEU``, ``container-ship/5,000-teu`` and ``Container Ship/5,000 TEU`` are the same.

    Raises
    ------
    DataError
        for an unknown class or a class without its subtype, listing near matches.
    """
    found = _spellings().get(_squeeze(text))
    if found is not None:
        return found
    names = {_squeeze(name): c for c in {c for c, _ in ship_classes()} for name in (c, *_CLASS_ALIASES.get(c, ()))}
    ship_class = names.get(_squeeze(text))
    if ship_class is None:
        near = difflib.get_close_matches(_squeeze(text), list(_spellings()), n=8, cutoff=0.5)
        pairs = list(dict.fromkeys(_spellings()[spelling] for spelling in near))
    else:
        pairs = [pair for pair in ship_classes() if pair[0] == ship_class]
    listed = "; ".join("/".join(pair) for pair in pairs) or ", ".join(dict.fromkeys(c for c, _ in ship_classes()))
    what = "a class of several sizes" if ship_class else "not a ship class of EPA Table E.1"
    raise DataError(
        "The ship class is not clear.", [Fault("ship class", f"'{text}' is {what}", f"Give one of: {listed}")]
    )


def class_and_subtype(text: str) -> tuple[str, str] | None:
    """Class and subtype from one text, in the spellings of `parse_ship_class`; None where it names no pair."""
    return _spellings().get(_squeeze(text))


def _find(text: str, names: Mapping[str, str], what: str) -> str:
    """Name of a forgiving spelling; ``names`` maps squeezed spellings to names."""
    if _squeeze(text) in names:
        return names[_squeeze(text)]
    near = difflib.get_close_matches(_squeeze(text), list(names), n=3, cutoff=0.5)
    hint = f"Near: {'; '.join(dict.fromkeys(names[key] for key in near))}. " if near else ""
    raise MissingFactorError(f"No {what} '{text}'. {hint}Listed: {'; '.join(dict.fromkeys(names.values()))}.")


def find_ship_class(text: str) -> str:
    """The class as EPA Table E.1 spells it; case, blanks, punctuation and common other names do not matter.

    Raises
    ------
    MissingFactorError
        naming near matches and all classes.
    """
    names = {_squeeze(name): c for c in listed_classes() for name in (c, *_CLASS_ALIASES.get(c, ()))}
    return _find(text, names, "ship class")


def find_subtype(ship_class: str, text: str) -> str:
    """The subtype as EPA Table E.1 spells it; case, blanks and punctuation do not matter.

    Raises
    ------
    MissingFactorError
        naming near matches and all subtypes of the class.
    """
    names = {_squeeze(subtype): subtype for subtype in listed_classes()[ship_class]}
    return _find(text, names, f"subtype of {ship_class}")
