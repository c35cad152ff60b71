"""The corridor of a scenario file: ports, round trip, transport, today's fleet, targets, machines on land."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sealane.corridors.scenarios.choices import origin_of
from sealane.corridors.scenarios.fuel_options import REGIONS, FuelRegion
from sealane.corridors.scenarios.marks import Node
from sealane.corridors.scenarios.model import FAMILIES, Floats, Landside, Origin, ShipClass
from sealane.corridors.scenarios.quantities import Field, Reading
from sealane.corridors.scenarios.ships import HOURS_PER_YEAR, SHIPS, DraftClass
from sealane.errors import SealaneError

WEEK_H = 168.0
DISTANCE = Field("length of the round trip", "nm", 50.0, 50_000.0)
SHARE = Field("share", "1", 0.0, 1.0)
TEU = Field("transport to perform, both directions", "TEU/year", 1_000.0, 1e8)
STRINGS = Field("weekly services", "strings", 0.01, 100.0)
GROWTH = Field("growth", "1/year", -0.3, 0.3)
ELECTRICITY_PRICE = Field("price of electricity", "USD/GJ", 2.0, 400.0, asked="USD/MWh")
GRID = Field("intensity of electricity", "g/MJ", 0.0, 400.0, asked="g CO2e/kWh")
TONNES = Field("well-to-wake emissions", "t/year", 0.0, 1e9)
INTENSITY = Field("well-to-wake intensity", "g/MJ", 0.0, 150.0)
MACHINES = Field("machines in work", "units", 0.0, 1e6)
MACHINE_ENERGY = Field("energy of one machine", "GJ/unit/year", 0.1, 1e5, asked="GJ/unit/year")
MACHINE_PRICE = Field("price of a machine", "USD", 1e3, 5e7)
MACHINE_LIFE = Field("life of a machine", "year", 2.0, 50.0)
ENERGY_PRICE = Field("price of energy", "USD/GJ", 0.5, 400.0)
ENERGY_WTW = Field("well-to-wake intensity of energy", "g/MJ", -120.0, 400.0)


@dataclass(frozen=True)
class Ports:
    """Ports with what they offer ships.

    Attributes
    ----------
    ids : UN/LOCODEs, ``(P,)``.
    regions : whose fuel cost paths each takes.
    shore_share : part of the hotel load taken from shore, ``(P, Y)``.
    shore_g_per_mj, shore_usd_per_gj : of that electricity, ``(P, Y)``.
    """

    ids: tuple[str, ...]
    regions: tuple[FuelRegion, ...]
    shore_share: Floats
    shore_g_per_mj: Floats
    shore_usd_per_gj: Floats


def read_ports(reading: Reading, node: Node | None) -> Ports | None:
    """Read section ``ports``."""
    if node is None or not node.mapping():
        return None
    regions: list[FuelRegion] = []
    shore: list[tuple[Floats, Floats, Floats]] = []
    for port, item in node.items():
        if not (len(port) == 5 and port.isalnum() and port.isupper()):
            item.fault(f"'{port}' is no UN/LOCODE", "Write five capitals or digits, such as USLAX")
        if not item.mapping():
            continue
        region_node = item.take("fuel_region")
        region = region_node.text(REGIONS) if region_node else None
        why = item.take("fuel_region_stand_in")
        regions.append(FuelRegion(port, region or "", why.text() if why else None))
        shore.append(_shore(reading, item))
        item.close()
    if not regions:
        node.fault("no ports", "Name at least one")
        return None
    share, intensity, price = (np.stack(parts) for parts in zip(*shore, strict=True))
    return Ports(tuple(region.port for region in regions), tuple(regions), share, intensity, price)


def _shore(reading: Reading, port: Node) -> tuple[Floats, Floats, Floats]:
    nothing = np.zeros(reading.years.size)
    section = port.take("shore_power")
    if section is None or not section.mapping():
        return nothing, nothing, nothing
    share = reading.series(section.need("share", "Give the part of the hotel load taken from shore"), SHARE)
    intensity = reading.series(section.need("intensity", "Give the intensity, or missing:"), GRID)
    price = reading.series(section.need("price", "Give the price, or missing:"), ELECTRICITY_PRICE)
    section.close()
    # What needs a missing number is left out: without price or intensity no shore power is counted.
    known = ~(np.isnan(share) | np.isnan(intensity) | np.isnan(price))
    return np.where(known, share, 0.0), np.where(known, intensity, 0.0), np.where(known, price, 0.0)


def read_round_trip(reading: Reading, node: Node | None) -> float:
    """Length of the round trip [nm]: as given, or along the routes of Sealane from call to call."""
    if node is None or not node.mapping():
        return float("nan")
    given, calls = node.take("round_trip"), node.take("calls")
    node.close()
    if (given is None) == (calls is None):
        node.fault("round_trip and calls" if given else "neither round_trip nor calls", "Give one of them")
        return float("nan")
    if given is not None:
        return reading.scalar(given, DISTANCE)
    ports = [text for item in (calls.listed() if calls else []) if (text := item.text()) is not None]
    if calls is not None and len(ports) < 2:
        calls.fault(f"{len(ports)} calls", "Name the ports of the round trip in their order, at least two")
        return float("nan")
    from sealane.movement.routes.find import route

    total = 0.0
    for origin, destination in zip(ports, [*ports[1:], ports[0]], strict=True):
        try:
            leg = route(origin, destination).distance_nm
        except SealaneError as error:
            node.fault(f"no route from {origin} to {destination}", str(error).replace("\n", " "))
            return float("nan")
        reading.add(
            f"{node.path}.{origin}-{destination}",
            leg,
            "nm",
            Origin.SOURCED,
            f"sealane route {origin} {destination}",
            "B",
        )
        total += leg
    return total


def read_demand(reading: Reading, node: Node | None, drafts: Sequence[DraftClass]) -> Floats | None:
    """Transport to perform ``(Y,)`` [TEU/year]: as given, or what weekly services of a class carry."""
    if node is None or not node.mapping():
        return None
    given, strings, growth = node.take("teu"), node.take("weekly_services"), node.take("growth")
    of_class = node.take("of_class")
    node.close()
    before = len(node.faults)
    demand = np.full(reading.years.size, np.nan)
    if given is not None:
        demand = reading.series(given, TEU)
    if np.isnan(demand).any():
        if strings is None:
            if len(node.faults) == before:
                node.fault("neither teu nor weekly_services", "Give teu with its unit, or weekly_services")
            return None
        ships = {draft.ship.id: draft.ship for draft in drafts}
        name = of_class.text(tuple(ships)) if of_class is not None and ships else next(iter(ships), None)
        services = reading.series(strings, STRINGS)
        if name is None or np.isnan(services).any():
            return None
        ship = ships[name]
        utilised = ship.teu_per_year / _round_trips(ship, drafts) / 2.0
        demand = services * HOURS_PER_YEAR / WEEK_H * 2.0 * utilised
    if growth is not None:
        rate = reading.series(growth, GROWTH)
        gaps = np.diff(reading.years, prepend=reading.years[0])
        demand = demand * np.cumprod((1.0 + np.concatenate([[0.0], np.nan_to_num(rate[:-1])])) ** gaps)
    return None if np.isnan(demand).any() else demand


def _round_trips(ship: ShipClass, drafts: Sequence[DraftClass]) -> float:
    return next(draft.round_trips for draft in drafts if draft.ship.id == ship.id)


def with_existing(reading: Reading, draft: DraftClass, demand_teu: Floats, *, alone: bool) -> ShipClass:
    """Return the class with today's fleet: ships by family and year, or as many as the first year needs.

    Parameters
    ----------
    alone : the class is the only one; of several, only a share says how many ships the first year needs.
    """
    ship, node = draft.ship, draft.existing
    follows = False
    existing = np.zeros_like(ship.existing)
    if node is None or not node.mapping():
        return ship
    evenly = node.take("evenly_aged")
    if evenly is not None:
        family = evenly.text(FAMILIES)
        origin, words = origin_of(node)
        node.close()
        if family is None:
            return ship
        if draft.share is None and not alone:
            evenly.fault("several classes and no share", "Give the class its share, or its ships by number")
            return ship
        share = 1.0 if draft.share is None else float(draft.share[0])
        number = float(demand_teu[0]) * share / ship.teu_per_year
        age = (reading.years - reading.years[0]) / ship.lifetime_years
        existing[FAMILIES.index(family)] = number * np.maximum(0.0, 1.0 - age)
        follows = True
        reading.add(f"{node.path}.{family}.{reading.years[0]}", number, "ships", origin, words, "D")
    else:
        for family, item in node.items():
            if family not in FAMILIES:
                item.fault(f"'{family}' is not a family", f"Give one of: {', '.join(FAMILIES)}, or evenly_aged")
                continue
            series = reading.series(item, SHIPS)
            if (np.diff(series) > 1e-9).any():
                item.fault("the number rises", "Ships of today only leave; what comes is built by newbuild_mix")
            existing[FAMILIES.index(family)] = np.nan_to_num(series)
    return replace(ship, existing=existing, existing_follows_demand=follows)


def read_targets(reading: Reading, node: Node | None) -> tuple[Floats, Floats, Floats]:
    """Caps by year: emissions [t], intensity [g/MJ], and reduction against the fossil case; NaN: none."""
    off = np.full(reading.years.size, np.nan)
    if node is None or not node.mapping():
        return off, off, off
    found = []
    for key, what in (("wtw", TONNES), ("intensity", INTENSITY), ("reduction", SHARE)):
        item = node.take(key)
        series = reading.series(item, what)
        first = _first_year(item)
        # A target binds from the first year that is named, not before.
        found.append(np.where(reading.years < first, np.nan, series))
    node.close()
    return found[0], found[1], found[2]


def _first_year(node: Node | None) -> int:
    path = node.value.get("path") if node is not None and isinstance(node.value, dict) else None
    if path is None or not isinstance(path.value, dict):
        return 0
    return min((int(key) for key in path.value if key.isdigit()), default=0)


def read_landside(reading: Reading, node: Node | None, ports: tuple[str, ...]) -> tuple[Landside, ...]:
    """Read section ``landside``: groups of yard equipment or trucks. Every number is asked for."""
    found = []
    for group_id, item in node.items() if node is not None else []:
        if not item.mapping():
            continue
        before = len(item.faults)
        port_node = item.need("port", f"Give one of: {', '.join(ports)}")
        port = port_node.text(ports) if port_node else None

        def series(key: str, what: Field, item: Node = item) -> Floats:
            return reading.series(item.need(key, f"Give {what.words}"), what)

        def number(key: str, what: Field, item: Node = item) -> float:
            return reading.scalar(item.need(key, f"Give {what.words}"), what)

        group = Landside(
            id=group_id,
            port=port or "",
            units=series("units", MACHINES),
            zero_share=series("zero_share", SHARE),
            energy_gj=number("energy", MACHINE_ENERGY),
            zero_energy_gj=number("zero_energy", MACHINE_ENERGY),
            wtw_g_per_mj=series("wtw", ENERGY_WTW),
            zero_wtw_g_per_mj=series("zero_wtw", ENERGY_WTW),
            ttw_g_per_mj=number("ttw", ENERGY_WTW),
            energy_usd_per_gj=series("energy_price", ENERGY_PRICE),
            zero_energy_usd_per_gj=series("zero_energy_price", ENERGY_PRICE),
            price_usd=number("price", MACHINE_PRICE),
            zero_price_usd=number("zero_price", MACHINE_PRICE),
            lifetime_years=round(np.nan_to_num(number("lifetime", MACHINE_LIFE))),
        )
        item.close()
        if (np.diff(group.zero_share) < -1e-9).any():
            item.fault("zero_share falls", "Machines that were replaced stay replaced: let it not fall")
        numbers = np.concatenate([np.atleast_1d(v) for v in vars(group).values() if not isinstance(v, str)])
        if len(item.faults) == before and np.isnan(numbers).any():
            # Nothing is filled in for a machine whose numbers are missing: the group is left out, its rows say so.
            continue
        if len(item.faults) == before:
            found.append(group)
    return tuple(found)
