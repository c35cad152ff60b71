"""What a scenario decides for `simulate`, and what it varies: mixes, conversions, ranges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sealane.corridors.scenarios.marks import Node
from sealane.corridors.scenarios.model import FAMILIES, Conversion, Floats, FuelOption, Input, Origin, Range
from sealane.corridors.scenarios.quantities import DEFAULT_GRADE, ORIGINS, Field, Reading, in_range

SHARE = Field("share", "1", 0.0, 1.0)
SHIPS = Field("ships converted", "ships", 0.0, 10_000.0)
FACTOR = Field("factor on the scenario's own value", "1", 0.0, 20.0)
SHIFT = Field("shift of well-to-tank", "g/MJ", -150.0, 150.0)
DRIVERS = ("price", "wtt", "availability", "newbuild_add_on", "demand", "efficiency")
DISTRIBUTIONS = ("triangular", "uniform", "lognormal")


def origin_of(node: Node) -> tuple[Origin, str]:
    """Where the choices of a section come from: one of ``source``, ``user``, ``placeholder`` beside them."""
    for key, origin in ORIGINS.items():
        found = node.take(key)
        if found is not None:
            return origin, found.text() or ""
    node.fault("no origin", "Say whose choices these are by one of source:, user: or placeholder:")
    return Origin.PLACEHOLDER, ""


def read_choices(
    reading: Reading, node: Node | None, fuels: tuple[FuelOption, ...], ports: tuple[str, ...]
) -> tuple[Floats, Floats, Floats]:
    """Newbuild mix ``(K, Y)``, fuel mix ``(K, F, Y)`` and port mix ``(F, P, Y)``; zeros where nothing is chosen."""
    years = reading.years.size
    newbuilds = np.zeros((len(FAMILIES), years))
    mix = np.zeros((len(FAMILIES), len(fuels), years))
    ids = tuple(fuel.id for fuel in fuels)
    given: Mapping[str, Node] = {}
    origin, words = Origin.PLACEHOLDER, ""
    if node is not None and node.mapping():
        origin, words = origin_of(node)
        sections = {key: node.take(key) for key in ("newbuild_mix", "fuel_mix", "port_mix")}
        node.close()
        if sections["newbuild_mix"] is not None:
            newbuilds = _shares(reading, sections["newbuild_mix"], FAMILIES, (origin, words), steps=True)
        else:
            node.fault("'newbuild_mix' is missing", "Give the share of each family among new ships, by year")
        fuel_section = sections["fuel_mix"]
        if fuel_section is None:
            node.fault("'fuel_mix' is missing", "Give the share of each fuel in the energy of each family, by year")
        else:
            for family, item in fuel_section.items():
                if family not in FAMILIES:
                    item.fault(f"'{family}' is not a family", f"Give one of: {', '.join(FAMILIES)}")
                else:
                    mix[FAMILIES.index(family)] = _shares(reading, item, ids, (origin, words), steps=False)
        port_section = sections["port_mix"]
        given = dict(port_section.items()) if port_section is not None else {}
    port_mix = np.zeros((len(fuels), len(ports), years))
    for fuel_id, item in given.items():
        if fuel_id not in ids:
            item.fault(f"'{fuel_id}' is not a fuel of this scenario", f"Give one of: {', '.join(ids)}")
        else:
            port_mix[ids.index(fuel_id)] = _shares(reading, item, ports, (origin, words), steps=False)
    for f, fuel in enumerate(fuels):
        if fuel.id not in given:
            offered = (~np.isnan(fuel.price_usd_per_gj)).astype(float)
            total = offered.sum(axis=0)
            port_mix[f] = np.divide(offered, total, out=np.zeros_like(offered), where=total > 0.0)
            if mix[:, f].any():
                why = "bunkered evenly at the ports that offer it, since no port_mix is given"
                reading.add(f"choices.port_mix.{fuel.id}", 1.0 / len(ports), "1", Origin.PLACEHOLDER, why, "D")
    return newbuilds, mix, port_mix


def _shares(reading: Reading, node: Node, names: tuple[str, ...], origin: tuple[Origin, str], *, steps: bool) -> Floats:
    """Shares by name and year, ``(names, Y)``: ``{name: share}`` for all years, or ``{year: {name: share}}``.

    With `steps` a year's shares hold until the next year named; else straight lines lie between.
    """
    found = np.zeros((len(names), reading.years.size))
    if not names:
        return found
    items = list(node.items())
    by_year = any(key[:4].isdigit() for key, _ in items)
    if by_year:
        for key, item in items:
            if not key.isdigit():
                item.fault(f"'{key}' is no year", "Give years as 2030 alone, and below each the shares from then on")
        items = [(key, item) for key, item in items if key.isdigit()]
    points: list[tuple[int, Floats]] = []
    for key, item in items if by_year else [(str(reading.years[0]), node)]:
        shares = np.zeros(len(names))
        good = True
        for name, value in item.items():
            number = value.number()
            if name not in names:
                value.fault(f"'{name}' is none of those on offer", f"Give one of: {', '.join(names)}")
                good = False
            elif number is None or not in_range(value, number, "1", SHARE):
                good = False
            else:
                shares[names.index(name)] = number
                path = f"{node.path}.{key}.{name}" if by_year else f"{node.path}.{name}"
                reading.add(path, number, "1", origin[0], origin[1], DEFAULT_GRADE[origin[0]])
        if good and abs(shares.sum() - 1.0) > 1e-6:
            item.fault(f"the shares sum to {shares.sum():g}", "Let them sum to 1")
        points.append((int(key), shares))
    years = [year for year, _ in points]
    if years != sorted(set(years)) or not points:
        node.fault("years are not in rising order", "Write each year once, the earliest first")
        return found
    if by_year and steps and years[0] > reading.years[0]:
        node.fault(f"begins in {years[0]}", f"The scenario begins in {reading.years[0]}: say what holds from then")
    values = np.array([shares for _, shares in points])
    if steps:
        at = np.clip(np.searchsorted(years, reading.years, side="right") - 1, 0, None)
        return np.asarray(values[at].T)
    return np.stack([np.interp(reading.years, years, values[:, n]) for n in range(len(names))])


def read_conversions(reading: Reading, node: Node | None, classes: tuple[str, ...]) -> tuple[Conversion, ...]:
    """Read list ``conversions``."""
    found = []
    for item in node.listed() if node is not None else []:
        if not item.mapping():
            continue
        origin, words = origin_of(item)
        ship = item.need("class", f"Give one of: {', '.join(classes)}")
        before = item.need("from", f"Give one of: {', '.join(FAMILIES)}")
        after = item.need("to", f"Give one of: {', '.join(FAMILIES)}")
        year_node = item.need("year", "Give a model year")
        ships = item.need("ships", "Give how many ships")
        item.close()
        class_id = ship.text(classes) if ship else None
        a, b = (part.text(FAMILIES) if part else None for part in (before, after))
        year = year_node.number() if year_node else None
        if year_node and year is not None and int(year) not in reading.years:
            year_node.fault(f"{year:g} is not a model year", f"Give one of: {', '.join(map(str, reading.years))}")
            year = None
        number = ships.number() if ships else None
        if ships and number is not None and in_range(ships, number, "ships", SHIPS) and class_id and a and b and year:
            if a == b:
                item.fault(f"from {a} to {b}", "Name two families")
            found.append(Conversion(class_id, int(year), a, b, number))
            reading.add(item.path, number, "ships", origin, words, DEFAULT_GRADE[origin])
    return tuple(found)


def read_ranges(node: Node | None, fuels: tuple[str, ...]) -> tuple[Range, ...]:
    """Read list ``ranges``: what the ensemble varies together, each by one multiplier or shift."""
    found: list[Range] = []
    for item in node.listed() if node is not None else []:
        if not item.mapping():
            continue
        before = len(item.faults)
        origin, words = origin_of(item)
        driver_node = item.need("driver", f"Give one of: {', '.join(DRIVERS)}")
        driver = driver_node.text(DRIVERS) if driver_node else None
        shape_node = item.need("distribution", f"Give one of: {', '.join(DISTRIBUTIONS)}")
        shape = shape_node.text(DISTRIBUTIONS) if shape_node else None
        subjects = _subjects(item, driver or "", fuels)
        what = SHIFT if driver == "wtt" else FACTOR
        unit = "g/MJ" if driver == "wtt" else "1"
        numbers: dict[str, float] = {}
        for key in ("low", "high"):
            part = item.need(key, f"Give it as a {what.words}")
            number = part.number() if part else None
            if part and number is not None and in_range(part, number, unit, what):
                numbers[key] = number
        unit_node = item.take("unit")
        if unit_node is not None and unit_node.value not in (unit, 1 if unit == "1" else unit):
            unit_node.fault(f"unit '{unit_node.value}'", f"A range of driver {driver} is in {unit}")
        item.close()
        if len(item.faults) > before or driver is None or shape is None or len(numbers) < 2:
            continue
        mode = 0.0 if driver == "wtt" else 1.0
        if not numbers["low"] <= mode <= numbers["high"] or numbers["low"] == numbers["high"]:
            item.fault(
                f"{numbers['low']:g} to {numbers['high']:g} does not hold the scenario itself ({mode:g})",
                "Give low and high on both sides of it",
            )
            continue
        if shape == "lognormal" and (driver == "wtt" or numbers["low"] <= 0.0):
            item.fault("a lognormal range of a shift, or one that begins at 0", "Use triangular or uniform")
            continue
        found.append(
            Range(
                driver,
                subjects,
                numbers["low"],
                mode,
                numbers["high"],
                shape,
                unit,
                origin,
                words,
                DEFAULT_GRADE[origin],
            )
        )
    names = [item.name for item in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        if node is not None:
            node.fault(f"two ranges of {name}", "Keep one of them")
    return tuple(found)


def _subjects(item: Node, driver: str, fuels: tuple[str, ...]) -> tuple[str, ...]:
    key, known = ("families", FAMILIES) if driver in ("newbuild_add_on", "efficiency") else ("fuels", fuels)
    given = item.take(key)
    if given is None:
        return ()
    if driver == "demand":
        given.fault("demand has no subjects", "Leave them out")
        return ()
    return tuple(name for part in given.listed() if (name := part.text(known)) is not None)


def range_inputs(ranges: tuple[Range, ...]) -> list[Input]:
    """Ranges as inputs, so that the list of inputs is complete."""
    return [
        Input(f"ranges.{item.name}", item.mode, item.unit, item.origin, item.source, item.grade, item.low, item.high)
        for item in ranges
    ]
