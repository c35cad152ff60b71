"""Carbon intensity indicator (CII) of MARPOL Annex VI regulation 28: required, attained, rating.

    reference = a capacity^-c                     MEPC.353(78)
    required  = reference (1 - Z / 100)           MEPC.338(76) to 2026, MEPC.400(83) from 2027
    boundary  = required exp(d)                   MEPC.354(78); exp(d) is tabulated
    attained  = sum(M_j C_F,j) / (capacity nm)    MEPC.352(78), C_F of MEPC.364(79)

The attained CII is the plain one: correction factors and voyage adjustments (MEPC.355(78)) are not held. The capacity
of the attained CII is always the ship's own; that of the reference line is held at a limit for three ship types.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from sealane.errors import DataError, Fault
from sealane.reference import FactorRow, load_table

SHIP_TYPES: Mapping[str, str] = {
    "bulk-carrier": "DWT",
    "gas-carrier": "DWT",
    "tanker": "DWT",
    "container": "DWT",
    "general-cargo": "DWT",
    "refrigerated-cargo": "DWT",
    "combination-carrier": "DWT",
    "lng-carrier": "DWT",
    "ro-ro-vehicle": "GT",
    "ro-ro-cargo": "GT",
    "ro-ro-passenger": "GT",
    "ro-ro-passenger-hsc": "GT",
    "cruise": "GT",
}
"""Ship types of regulation 28 and the size their capacity is given in."""

_ALIASES: Mapping[str, str] = {
    "bulk": "bulk-carrier",
    "bulker": "bulk-carrier",
    "container-ship": "container",
    "containership": "container",
    "general-cargo-ship": "general-cargo",
    "lng": "lng-carrier",
    "lpg-carrier": "gas-carrier",
    "oil-tanker": "tanker",
    "chemical-tanker": "tanker",
    "reefer": "refrigerated-cargo",
    "refrigerated-cargo-carrier": "refrigerated-cargo",
    "vehicle-carrier": "ro-ro-vehicle",
    "auto-carrier": "ro-ro-vehicle",
    "ro-ro": "ro-ro-cargo",
    "ro-pax": "ro-ro-passenger",
    "ropax": "ro-ro-passenger",
    "cruise-passenger": "cruise",
    "cruise-ship": "cruise",
}

# EPA ship classes that regulation 28 names under another name; a class with two readings, e.g. gas tanker, is not here.
_OF_SHIP_CLASS: Mapping[str, str] = {
    "Bulk Carrier": "bulk-carrier",
    "Chemical Tanker": "tanker",
    "Container Ship": "container",
    "Cruise": "cruise",
    "Ferry/Roll-on/Passenger (C3)": "ro-ro-passenger",
    "General Cargo": "general-cargo",
    "Oil Tanker": "tanker",
    "Reefer": "refrigerated-cargo",
    "RORO": "ro-ro-cargo",
    "Vehicle Carrier": "ro-ro-vehicle",
}

RATINGS = ("A", "B", "C", "D", "E")


@dataclass(frozen=True)
class ReferenceLine:
    """The reference line of one ship.

    Attributes
    ----------
    ship_type : one of `SHIP_TYPES`.
    size, size_unit : the ship's own deadweight [t] or gross tonnage.
    capacity : size at which the line is read; differs from `size` where the guideline fixes it.
    a, c : parameters of ``a capacity^-c``.
    value : [g CO2/(t nm)], or [g CO2/(GT nm)].
    rows : published rows used.
    """

    ship_type: str
    size: float
    size_unit: str
    capacity: float
    a: float
    c: float
    value: float
    rows: tuple[FactorRow, ...]

    @property
    def unit(self) -> str:
        """``g CO2/(t nm)`` or ``g CO2/(GT nm)``."""
        return "g CO2/(t nm)" if self.size_unit == "DWT" else "g CO2/(GT nm)"


@dataclass(frozen=True)
class Required:
    """The required CII of one ship in one year: `value` in the reference line's unit, `reduction_pct` in per cent."""

    year: int
    reduction_pct: float
    value: float
    reference: ReferenceLine
    rows: tuple[FactorRow, ...]


@dataclass(frozen=True)
class Boundaries:
    """The four rating boundaries of one ship in one year, ascending, in the unit of the required CII."""

    superior: float
    lower: float
    upper: float
    inferior: float
    required: Required
    rows: tuple[FactorRow, ...]

    def as_dict(self) -> dict[str, float]:
        """The four values by name, in ascending order."""
        return {name: getattr(self, name) for name in ("superior", "lower", "upper", "inferior")}


@dataclass(frozen=True)
class CiiResult:
    """A ship-year against the rule.

    Attributes
    ----------
    attained : [g CO2/(t nm)] or per GT nm, as `boundaries`.
    rating : ``A`` (best) to ``E``.
    co2_g, distance_nm : what the attained CII was made of.
    boundaries : with the required CII and the reference line inside.
    margin_pct : attained against required, in per cent of required; negative is better than required.
    """

    attained: float
    rating: str
    co2_g: float
    distance_nm: float
    boundaries: Boundaries

    @property
    def margin_pct(self) -> float:
        """How far the attained CII lies above the required one [%]."""
        return 100.0 * (self.attained / self.boundaries.required.value - 1.0)

    @property
    def rows(self) -> tuple[FactorRow, ...]:
        """Every published row behind the result."""
        return self.boundaries.rows


def years() -> tuple[int, ...]:
    """Years for which a reduction factor is adopted, ascending."""
    return tuple(sorted(int(row.text("year")) for row in load_table("cii_reduction_factors").rows))


def _ship_type(text: str, faults: list[Fault]) -> str | None:
    code = "-".join(text.casefold().replace("_", " ").replace("-", " ").split())
    code = _ALIASES.get(code, code)
    if code in SHIP_TYPES:
        return code
    near = difflib.get_close_matches(code, [*SHIP_TYPES, *_ALIASES], n=2, cutoff=0.6)
    near = list(dict.fromkeys(_ALIASES.get(name, name) for name in near))
    hint = f" Near: {', '.join(near)}." if near else ""
    faults.append(Fault("ship_type", f"'{text}'", f"Give one of: {', '.join(SHIP_TYPES)}.{hint}"))
    return None


def ship_type_of_class(ship_class: str) -> str | None:
    """CII ship type of an EPA ship class; None where it can stand for several or regulation 28 does not name it.

    A gas tanker is either an LNG carrier or a gas carrier: the user must say which.
    """
    return _OF_SHIP_CLASS.get(ship_class)


def _size(code: str | None, dwt: float | None, gt: float | None, faults: list[Fault]) -> float:
    """The size the type asks for; any size given must be a number, also the one that is not asked for."""
    for name, value in (("dwt", dwt), ("gt", gt)):
        if value is not None and not (math.isfinite(value) and value > 0.0):
            faults.append(Fault(name, f"{value}", "Give a number above 0"))
    if code is None:
        return math.nan
    name = SHIP_TYPES[code].lower()
    size = dwt if name == "dwt" else gt
    if size is None:
        what = "deadweight in tonnes" if name == "dwt" else "gross tonnage"
        faults.append(Fault(name, "not given", f"The capacity of a {code} is her {what}: give {name}"))
        return math.nan
    return size


def _check_year(year: int, faults: list[Fault]) -> None:
    known = years()
    if year not in known:
        remedy = (
            f"Give a year from {known[0]} to {known[-1]}; no reduction factor is adopted for later years"
            if year > known[-1]
            else f"Give a year from {known[0]} to {known[-1]}"
        )
        faults.append(Fault("year", f"{year}", remedy))


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise DataError("The carbon intensity indicator cannot be worked out.", faults)


def reference_line(ship_type: str, dwt: float | None = None, gt: float | None = None) -> ReferenceLine:
    """CII reference line of a ship (2019 = 100 %).

    Parameters
    ----------
    ship_type : one of `SHIP_TYPES`; usual spellings (``Container Ship``, ``vehicle carrier``) are understood.
    dwt : deadweight [t]; needed where `SHIP_TYPES` says DWT.
    gt : gross tonnage; needed where it says GT.

    Raises
    ------
    DataError
        listing an unknown type, a missing size and sizes that are no positive numbers.

    Source: MEPC.353(78), tables ``cii_reference_lines`` and ``cii_reference_capacity``.
    """
    faults: list[Fault] = []
    code = _ship_type(ship_type, faults)
    size = _size(code, dwt, gt, faults)
    _refuse(faults)
    assert code is not None  # an unknown type is a fault
    unit = SHIP_TYPES[code]
    table = load_table("cii_reference_lines")
    a, c = (table.in_range(size, symbol=symbol, ship_type=code, size_unit=unit)[0] for symbol in ("a", "c"))
    capacity = size
    rows: tuple[FactorRow, ...] = (a, c)
    for row in load_table("cii_reference_capacity").find(ship_type=code):
        held = min(size, row.value) if row.text("bound") == "at_most" else max(size, row.value)
        if held != size:
            capacity, rows = held, (*rows, row)
    return ReferenceLine(
        ship_type=code,
        size=size,
        size_unit=unit,
        capacity=capacity,
        a=a.value,
        c=c.value,
        value=a.value * capacity**-c.value,
        rows=rows,
    )


def line_notes(line: ReferenceLine) -> tuple[str, ...]:
    """What the reader must know of a reference line: a held capacity, a doubtful row."""
    notes = []
    if line.capacity != line.size:
        notes.append(
            f"The reference line is read at {line.capacity:,.0f} {line.size_unit}, not at the ship's own "
            f"{line.size:,.0f}; the attained CII uses her own."
        )
    notes += dict.fromkeys(row.text("note") for row in line.rows if dict(row.texts).get("note"))
    return tuple(notes)


def required(ship_type: str, year: int, dwt: float | None = None, gt: float | None = None) -> Required:
    """Required annual operational CII.

    Parameters
    ----------
    ship_type, dwt, gt : as in `reference_line`.
    year : 2019 to 2030. Ships were first rated for 2023; 2019-2022 are the line's own years.

    Raises
    ------
    DataError
        listing every input that is wrong.
    """
    faults: list[Fault] = []
    _size(_ship_type(ship_type, faults), dwt, gt, faults)
    _check_year(year, faults)
    _refuse(faults)
    line = reference_line(ship_type, dwt, gt)
    row = load_table("cii_reduction_factors").row(str(year))
    return Required(year, row.value, line.value * (1.0 - row.value / 100.0), line, (*line.rows, row))


def boundaries(ship_type: str, year: int, dwt: float | None = None, gt: float | None = None) -> Boundaries:
    """The four boundaries between the ratings A to E.

    Parameters and errors as in `required`. Source: MEPC.354(78), table ``cii_rating_boundaries``; the size class is
    that of the ship's own size.
    """
    need = required(ship_type, year, dwt, gt)
    line = need.reference
    table = load_table("cii_rating_boundaries")
    superior, lower, upper, inferior = rows = tuple(
        table.in_range(line.size, boundary=name, ship_type=line.ship_type, size_unit=line.size_unit)[0]
        for name in ("superior", "lower", "upper", "inferior")
    )
    return Boundaries(
        superior=need.value * superior.value,
        lower=need.value * lower.value,
        upper=need.value * upper.value,
        inferior=need.value * inferior.value,
        required=need,
        rows=(*need.rows, *rows),
    )


def co2_from_fuel(fuel_t: Mapping[str, float]) -> tuple[float, tuple[FactorRow, ...]]:
    """CO2 of a year's fuel by the factors the CII uses.

    Parameters
    ----------
    fuel_t : tonnes by fuel; names as in table ``cii_fuel_carbon`` (``HFO``, ``LFO``, ``MDO/MGO``, ``LNG``, ...).

    Returns
    -------
    (grams of CO2, rows used).

    Raises
    ------
    DataError
        for masses that are negative or no numbers.
    MissingFactorError
        for a fuel without a factor. Blends with biofuel follow MEPC.1/Circ.905, which is not held: give the CO2.
    """
    faults = [
        Fault(f"fuel {name}", f"{mass} t", "Give a mass in tonnes, 0 or more")
        for name, mass in fuel_t.items()
        if not (math.isfinite(mass) and mass >= 0.0)
    ]
    _refuse(faults)
    table = load_table("cii_fuel_carbon")
    rows = {name: table.row(name) for name in sorted(fuel_t)}
    return math.fsum(fuel_t[name] * 1e6 * row.value for name, row in rows.items()), tuple(rows.values())


def attained(co2_g: float, capacity: float, distance_nm: float) -> float:
    """Attained CII of a year: CO2 over transport work, without corrections.

    Parameters
    ----------
    co2_g : CO2 of all fuel of the year, tank-to-wake [g].
    capacity : the ship's own deadweight [t] or gross tonnage, as her type asks. Never the held capacity of the line.
    distance_nm : distance sailed in the year [nm].

    Returns
    -------
    [g CO2/(t nm)] or [g CO2/(GT nm)].

    Raises
    ------
    DataError
        where a figure is no number, CO2 is negative, or capacity or distance is not above 0.

    Source: MEPC.352(78) section 4.
    """
    faults = []
    if not (math.isfinite(co2_g) and co2_g >= 0.0):
        faults.append(Fault("co2_g", f"{co2_g}", "Give grams of CO2, 0 or more"))
    for name, value in (("capacity", capacity), ("distance_nm", distance_nm)):
        if not (math.isfinite(value) and value > 0.0):
            faults.append(Fault(name, f"{value}", "Give a number above 0"))
    _refuse(faults)
    return co2_g / (capacity * distance_nm)


def rate(attained_cii: float, limits: Boundaries) -> str:
    """Rating ``A`` to ``E``.

    A below the superior boundary, E above the inferior one, C from the lower to the upper boundary. The guideline does
    not say to which side a value exactly on a boundary belongs; here C keeps both of its own, B and D the outer ones.
    """
    if not (math.isfinite(attained_cii) and attained_cii >= 0.0):
        _refuse([Fault("attained", f"{attained_cii}", "Give a number, 0 or more")])
    if attained_cii < limits.superior:
        return "A"
    if attained_cii < limits.lower:
        return "B"
    if attained_cii <= limits.upper:
        return "C"
    return "D" if attained_cii <= limits.inferior else "E"


def assess(
    ship_type: str,
    year: int,
    co2_g: float,
    distance_nm: float,
    dwt: float | None = None,
    gt: float | None = None,
) -> CiiResult:
    """Attained CII, required CII and rating of a ship-year.

    Parameters
    ----------
    ship_type, year, dwt, gt : as in `required`.
    co2_g, distance_nm : as in `attained`.

    Raises
    ------
    DataError
        where an input is wrong.
    """
    limits = boundaries(ship_type, year, dwt, gt)
    value = attained(co2_g, limits.required.reference.size, distance_nm)
    return CiiResult(value, rate(value, limits), co2_g, distance_nm, limits)


def actions(ratings: Mapping[int, str]) -> str | None:
    """What regulation 28 asks after these ratings; None where nothing is due.

    Parameters
    ----------
    ratings : rating by year, any order.

    Three years in a row at D, or one at E, ask for a plan of corrective actions in the ship's SEEMP (regulation 28.7).
    """
    if not ratings:
        return None
    last = max(ratings)
    if ratings[last] == "E":
        return f"Rated E in {last}: plan of corrective actions (MARPOL Annex VI regulation 28.7)."
    if all(ratings.get(year) == "D" for year in (last - 2, last - 1, last)):
        return f"Rated D in {last - 2} to {last}: plan of corrective actions (MARPOL Annex VI regulation 28.7)."
    return None
