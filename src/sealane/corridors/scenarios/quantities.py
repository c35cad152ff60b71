"""Numbers of a scenario file: each with its unit and where it comes from, checked against what is plausible.

A number is written in one of these forms, and nothing else counts as one:

    {value: 0.7, source: publication}             from a publication you name
    {value: 612, unit: USD/t, user: our contract} your own, in your words
    {value: 1, placeholder: why it stands in}     stands in for what nobody gave; grade D
    {path: {2025: 40, 2040: 30}, unit: USD/GJ, ...}   by year, straight lines between
    {table: scenario_ships, teu: 15000, quantity: utilisation}   a published row of Sealane's
    {missing: what to give and where}             left out, and listed as missing
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.scenarios.marks import Node, kind_of
from sealane.corridors.scenarios.model import Floats, Input, Origin
from sealane.errors import MissingFactorError
from sealane.reference import FactorRow, Table, load_table

ORIGINS: Mapping[str, Origin] = MappingProxyType(
    {"source": Origin.SOURCED, "user": Origin.USER, "placeholder": Origin.PLACEHOLDER}
)
DEFAULT_GRADE: Mapping[Origin, str] = MappingProxyType({Origin.SOURCED: "C", Origin.USER: "D", Origin.PLACEHOLDER: "D"})
GRADES = ("A", "B", "C", "D")
_FORMS = ("value", "path", "table", "missing")
_HOW = "Write {value: ..., unit: ..., source: ...}, with user: or placeholder: in place of source: where it is none"

UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "1": {"1": 1.0, "%": 0.01},
        "1/year": {"1/year": 1.0, "%/year": 0.01},
        "USD/GJ": {"USD/GJ": 1.0, "USD/MWh": 1 / 3.6, "USD/kWh": 1000 / 3.6},
        "GJ/year": {"TJ/year": 1e3, "GJ/year": 1.0, "PJ/year": 1e6},
        "t/year": {"t/year": 1.0, "kt/year": 1e3, "Mt/year": 1e6, "kg/year": 1e-3},
        "TEU/year": {"TEU/year": 1.0, "kTEU/year": 1e3, "MTEU/year": 1e6},
        "TEU": {"TEU": 1.0},
        "USD": {"USD": 1.0, "kUSD": 1e3, "MUSD": 1e6},
        "USD/year": {"USD/year": 1.0, "kUSD/year": 1e3, "MUSD/year": 1e6},
        "g/MJ": {"g/MJ": 1.0, "g CO2e/MJ": 1.0, "g/kWh": 1 / 3.6, "g CO2e/kWh": 1 / 3.6, "kg/GJ": 1.0},
        "USD/t CO2e": {"USD/t CO2e": 1.0, "USD/t": 1.0, "USD/kg": 1e3},
        "USD/EUR": {"USD/EUR": 1.0},
        "kn": {"kn": 1.0, "km/h": 1 / 1.852, "m/s": 3.6 / 1.852},
        "nm": {"nm": 1.0, "km": 1 / 1.852, "m": 1 / 1852},
        "d": {"d": 1.0, "h": 1 / 24, "year": 365.0},
        "MW": {"MW": 1.0, "kW": 1e-3},
        "GJ/t": {"GJ/t": 1.0, "MJ/kg": 1.0, "kJ/kg": 1e-3, "MJ/t": 1e-3},
        "t/m3": {"t/m3": 1.0, "kg/m3": 1e-3},
        "year": {"year": 1.0},
        "ships": {"ships": 1.0},
        "ships/year": {"ships/year": 1.0},
        "strings": {"strings": 1.0},
        "units": {"units": 1.0},
        "GJ/unit/year": {"GJ/unit/year": 1.0, "MJ/unit/year": 1e-3, "MWh/unit/year": 3.6, "kWh/unit/year": 3.6e-3},
    }
)
"""Canonical units and what else may be written for them, with the factor. The canonical one is used inside."""


PLAIN = ("1", "1/year")
"""Units that need not be written: shares, and rates per year."""


@dataclass(frozen=True)
class Field:
    """What a number must be.

    Attributes
    ----------
    words : what it is, for messages.
    unit : canonical, a key of `UNITS`.
    low, high : plausible, in the canonical unit.
    also : further units for this number alone, with their factors; e.g. tonnes of a fuel of known heating value.
    asked : unit a message asks for; by default the canonical one.
    """

    words: str
    unit: str
    low: float
    high: float
    also: Mapping[str, float] = field(default_factory=dict)
    asked: str = ""

    @property
    def factors(self) -> dict[str, float]:
        """Every unit that may be written, with its factor."""
        return {**UNITS[self.unit], **self.also}


@dataclass
class Reading:
    """What is collected while a scenario file is read.

    Attributes
    ----------
    years : model years.
    inputs : every number that was read.
    """

    years: NDArray[np.int64]
    inputs: list[Input] = field(default_factory=list)

    def missing(self, path: str, unit: str, what: str) -> None:
        """List an input as missing."""
        self.inputs.append(Input(path, None, unit, Origin.MISSING, what))

    def add(self, path: str, value: float, unit: str, origin: Origin, source: str, grade: str) -> None:
        """List an input."""
        self.inputs.append(Input(path, float(value), unit, origin, source, grade))

    def row(self, path: str, row: FactorRow, unit: str = "", value: float | None = None) -> float:
        """List a published row as an input and return its value."""
        value = row.value if value is None else value
        self.add(path, value, unit or row.unit, Origin.SOURCED, f"{row.label}: {row.source}", row.grade)
        return value

    def scalar(self, node: Node | None, what: Field, default: float = math.nan) -> float:
        """Return one number in the canonical unit; `default` where it is missing or faulty."""
        series = self._read(node, what, by_year=False)
        return default if series is None else float(series[0])

    def series(self, node: Node | None, what: Field) -> Floats:
        """Return numbers by model year in the canonical unit; NaN where missing or faulty."""
        found = self._read(node, what, by_year=True)
        return np.full(self.years.size, np.nan) if found is None else found

    def _read(self, node: Node | None, what: Field, *, by_year: bool) -> Floats | None:
        if node is None:
            return None
        if not isinstance(node.value, dict):
            node.fault(f"{kind_of(node.value)} without its origin", f"{what.words}: {_HOW}")
            return None
        # A table may have a key column of the name of another form, such as the path of carbon_price_paths.
        forms = [form for form in _FORMS if form in node.value and not (form == "path" and "table" in node.value)]
        if len(forms) != 1 or (forms == ["path"] and not by_year):
            allowed = [form for form in _FORMS if by_year or form != "path"]
            node.fault(
                f"holds {', '.join(forms) or 'none of its forms'}", f"{what.words}: give one of {', '.join(allowed)}"
            )
            return None
        form = forms[0]
        if form == "missing":
            words = node.take("missing")
            text = words.text() if words else None
            node.close()
            self.missing(node.path, what.unit, text or "")
            return None
        found = self._table(node, what, by_year=by_year) if form == "table" else self._own(node, form, what)
        node.close()
        return found

    def _own(self, node: Node, form: str, what: Field) -> Floats | None:
        content = node.take(form)
        points: list[tuple[int, Node]] = []
        if form == "value" and content is not None:
            points = [(int(self.years[0]), content)]
        elif content is not None:
            for key, value in content.items():
                if not key.isdigit() or not 1990 <= int(key) <= 2150:
                    value.fault(f"'{key}' is not a year", "Write years as keys, such as 2030: 41.2")
                else:
                    points.append((int(key), value))
        unit = _unit(node, what)
        origin, source, grade = _origin(node)
        good = True
        numbers = []
        for _, value in points:
            number = value.number()
            if number is None or unit is None or not in_range(value, number, unit, what):
                good = False
            else:
                numbers.append(number * what.factors[unit])
        if not points or not good or origin is None:
            return None
        years = [year for year, _ in points]
        if years != sorted(set(years)):
            node.fault("years are not in rising order", "Write each year once, the earliest first")
            return None
        for (year, _), number in zip(points, numbers, strict=True):
            path = node.path if form == "value" else f"{node.path}.{year}"
            self.add(path, number, what.unit, origin, source, grade)
        # Before the first and after the last year that is given, its value holds.
        return np.interp(self.years, years, numbers)

    def _table(self, node: Node, what: Field, *, by_year: bool) -> Floats | None:
        named = node.take("table")
        name = named.text() if named else None
        try:
            table = load_table(name or "")
        except MissingFactorError as error:
            node.fault(f"table '{name}'", str(error))
            return None
        given: dict[str, str] = {}
        for key in table.spec.keys:
            part = node.take(key)
            if part is not None and not isinstance(part.value, dict | list):
                given[key] = f"{part.value:g}" if isinstance(part.value, float) else str(part.value)
        why = node.take("placeholder")
        stand_in = why.text() if why else None
        return self.rows(node, table, given, what, by_year=by_year, stand_in=stand_in)

    def rows(
        self,
        node: Node,
        table: Table,
        given: Mapping[str, str],
        what: Field,
        *,
        by_year: bool,
        stand_in: str | None = None,
    ) -> Floats | None:
        """Read published rows, by year where the table has a column of that name.

        Parameters
        ----------
        given : key columns with their texts.
        stand_in : why the rows stand in for others that are not published; they are then placeholders.
        """
        found = [row for row in table.rows if all(row.text(key) == text for key, text in given.items())]
        wanted = ", ".join(f"{key}={text}" for key, text in given.items())
        yearly = "year" in table.spec.keys and "year" not in given and by_year
        if not found or (not yearly and len(found) != 1):
            words = "no row" if not found else f"{len(found)} rows"
            node.fault(
                f"{words} of table '{table.spec.name}' for {wanted or 'nothing'}",
                f"Name one by {', '.join(table.spec.keys)}; 'sealane factors {table.spec.name}' lists them",
            )
            return None
        if found[0].unit not in what.factors:
            node.fault(f"rows of table '{table.spec.name}' are in {found[0].unit}", f"{what.words} is in {what.unit}")
            return None
        factor = what.factors[found[0].unit]
        years = [int(row.text("year")) if yearly else int(self.years[0]) for row in found]
        if yearly and (years[0] > self.years[0] or years[-1] < self.years[-1]):
            node.fault(
                f"table '{table.spec.name}' holds {wanted} from {years[0]} to {years[-1]}",
                f"The scenario runs from {self.years[0]} to {self.years[-1]}: end it earlier, or give your own path",
            )
            return None
        for year, row in zip(years, found, strict=True):
            path = f"{node.path}.{year}" if yearly else node.path
            if stand_in is None:
                self.row(path, row, what.unit, row.value * factor)
            else:
                self.add(
                    path,
                    row.value * factor,
                    what.unit,
                    Origin.PLACEHOLDER,
                    f"{stand_in} ({row.label}: {row.source})",
                    "D",
                )
        return np.interp(self.years, years, [row.value * factor for row in found])


def _unit(node: Node, what: Field) -> str | None:
    """Return the unit that is written; a fault where it is none of those that fit."""
    written = node.take("unit")
    fitting = ", ".join(what.factors)
    if written is None:
        if what.unit in PLAIN:
            return what.unit
        node.fault("no unit", f"{what.words}: write unit: {what.asked or what.unit} (or one of: {fitting})")
        return None
    text = "1" if written.value == 1 else written.text()
    if text is not None and text not in what.factors:
        written.fault(f"unit '{text}'", f"{what.words}: give one of: {fitting}")
        return None
    return text


def _origin(node: Node) -> tuple[Origin | None, str, str]:
    """Return where the number comes from, in which words, and its grade."""
    named = [key for key in ORIGINS if node.take(key) is not None]
    if len(named) != 1:
        node.fault(
            f"{'no origin' if not named else 'several origins: ' + ', '.join(named)}",
            "Say where it comes from by one of source:, user: or placeholder:",
        )
        return None, "", "D"
    key = named[0]
    words = node.value[key].text()
    origin = ORIGINS[key]
    given = node.take("grade")
    grade = given.text(GRADES) if given else DEFAULT_GRADE[origin]
    if origin is Origin.PLACEHOLDER and given is not None and grade != "D":
        given.fault(f"grade {grade} for a placeholder", "A placeholder is grade D; leave the grade out")
    return (None if words is None else origin), words or "", grade or "D"


def in_range(node: Node, number: float, unit: str, what: Field) -> bool:
    """False after adding a fault where a number is not plausible; the fault says which unit it looks like."""
    factors = what.factors
    value = number * factors[unit]
    if what.low <= value <= what.high:
        return True
    low, high = what.low / factors[unit], what.high / factors[unit]
    # Of the units in which the number would be plausible, the likely mistake is one of this field's own, else the
    # nearest to what is written.
    others = sorted(
        (other not in what.also, abs(math.log(factor / factors[unit])), other)
        for other, factor in factors.items()
        if factor != factors[unit] and what.low <= number * factor <= what.high
    )
    likely = [other for _, _, other in others]
    same = [other for other in likely if _kind(other) == _kind(unit)] or likely
    looks = f"looks like {same[0]} where {unit} is written; " if same and number else ""
    node.fault(
        f"{number:g}{'' if unit == '1' else ' ' + unit} is not plausible for {what.words}",
        f"{looks[:1].upper()}{looks[1:]}plausible is {low:g} to {high:g}{'' if unit == '1' else ' ' + unit}"
        if looks
        else f"Plausible is {low:g} to {high:g}{'' if unit == '1' else ' ' + unit}",
    )
    return False


def _kind(unit: str) -> str:
    """Mass, energy or other: a tonne is mistaken for a kilotonne sooner than for a gigajoule."""
    first = unit.split("/", maxsplit=1)[0]
    return "mass" if first in ("t", "kt", "Mt", "kg") else "energy" if first in ("GJ", "TJ", "PJ", "MJ") else first[-3:]


def with_also(what: Field, **factors: float) -> Field:
    """The same field, taking further units; their names are given with ``_per_`` for ``/``."""
    return replace(what, also={key.replace("_per_", "/"): value for key, value in factors.items()})
