"""Fuels of a scenario file: what they cost where, what they emit, how much there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sealane.corridors import fuels as catalogue
from sealane.corridors.scenarios.marks import Node
from sealane.corridors.scenarios.model import FAMILIES, Floats, FuelOption, Input, Origin
from sealane.corridors.scenarios.quantities import Field, Reading, with_also
from sealane.errors import DataError, MissingFactorError
from sealane.reference import load_table

FACTOR_SET = "navigate-zcs"
REGIONS = ("americas", "asia", "middle_east", "europe")
MAIN = {"methane": "Diesel dual-fuel slow speed"}
AUXILIARY = {"methane": "auxiliary engine"}

PRICE = Field("price of the fuel", "USD/GJ", 1.0, 250.0)
WTT = Field("well-to-tank", "g/MJ", -120.0, 200.0)
TTW = Field("tank-to-wake", "g/MJ", 0.0, 200.0)
LHV = Field("lower heating value", "GJ/t", 10.0, 130.0)
DENSITY = Field("density", "t/m3", 0.05, 1.2)
# The largest corridor studied needs about 60,000 TJ a year (Singapore to Los Angeles and Long Beach, 2030).
_ANY_LHV = 30.0
AVAILABLE = Field("fuel that can be bunkered at this port", "GJ/year", 0.0, 2e8, asked="TJ/year")


@dataclass(frozen=True)
class FuelRegion:
    """Whose fuel cost paths a port takes; `stand_in` says why where they are another region's."""

    port: str
    region: str
    stand_in: str | None


def read_fuel(
    reading: Reading, fuel_id: str, node: Node, regions: tuple[FuelRegion, ...], gwp: str
) -> FuelOption | None:
    """Read one fuel; None after adding faults where it is none, and one without numbers where they are faulty."""
    if not node.mapping():
        return None
    before = len(node.faults)
    properties = _properties(reading, fuel_id, node, gwp)
    # Of a faulty pathway nobody knows the heating value: any one lets prices and amounts by mass be read for faults of
    # their own, and none of these numbers is used.
    lhv = properties[1] if properties else _ANY_LHV
    path_node = node.take("cost_path")
    cost_path = path_node.text(_cost_paths()) if path_node else None
    price_field = with_also(PRICE, USD_per_t=1.0 / lhv)
    price = _by_port(reading, node, ("price", cost_path), price_field, regions)
    wtt = _by_port(reading, node, ("wtt", cost_path), WTT, regions)
    if price is not None:
        price = price + _delivery(reading, node, regions)
    available_field = with_also(AVAILABLE, t_per_year=lhv, kt_per_year=lhv * 1e3, Mt_per_year=lhv * 1e6)
    available = _available(reading, fuel_id, node, available_field, regions)
    node.close()
    if properties is None or price is None or wtt is None or len(node.faults) > before:
        # Its name is known all the same: choices that name it are no faults of their own.
        return _without_numbers(fuel_id, node, price if price is not None else available * np.nan)
    family, lhv, density, ttw, ttw_electric, zero, co2 = properties
    return FuelOption(
        id=fuel_id,
        family=family,
        lhv_gj_per_t=lhv,
        density_t_per_m3=density,
        price_usd_per_gj=np.where(np.isnan(wtt), np.nan, price),
        available_gj=available,
        wtt_g_per_mj=wtt,
        ttw_g_per_mj=ttw,
        ttw_electric_g_per_mj=ttw_electric,
        zero_at_combustion=zero,
        combustion_co2_g_per_mj=co2,
    )


def _without_numbers(fuel_id: str, node: Node, like: Floats) -> FuelOption:
    family = node.value.get("family")
    known = family.value if family is not None and family.value in FAMILIES else "oil"
    nothing, off = float("nan"), np.full_like(like, np.nan)
    return FuelOption(fuel_id, known, nothing, nothing, off, off, off, nothing, nothing, zero_at_combustion=False)


def _cost_paths() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.text("fuel") for row in load_table("fuel_cost_paths").rows))


def _properties(
    reading: Reading, fuel_id: str, node: Node, gwp: str
) -> tuple[str, float, float, float, float, bool, float] | None:
    """Family, heating value, density, tank-to-wake in main and auxiliary engine, zero at combustion, combustion CO2."""
    family_node = node.need("family", f"Give one of: {', '.join(FAMILIES)}")
    family = family_node.text(FAMILIES) if family_node else None
    named = node.take("pathway")
    if named is None:
        lhv = reading.scalar(node.need("lhv", "Give lhv in GJ/t, or the name of a pathway"), LHV)
        ttw = reading.scalar(node.need("ttw", "Give ttw in g/MJ, or the name of a pathway"), TTW)
        electric_node = node.take("ttw_electric")
        ttw_electric = ttw if electric_node is None else reading.scalar(electric_node, TTW)
        density = reading.scalar(node.take("density"), DENSITY)
        zero_node = node.take("zero_at_combustion")
        zero = bool(zero_node.flag()) if zero_node else False
        co2_node = node.take("combustion_co2")
        co2 = reading.scalar(co2_node, TTW) if co2_node else ttw
        good = family is not None and not np.isnan([lhv, ttw, ttw_electric]).any()
        return (family, lhv, density, ttw, ttw_electric, zero, co2) if good and family else None
    name = named.text()
    if name is None or family is None:
        return None
    try:
        main = catalogue.pathway(name, FACTOR_SET, MAIN.get(family), needs_wtt=False)
        auxiliary = catalogue.pathway(name, FACTOR_SET, AUXILIARY.get(family, MAIN.get(family)), needs_wtt=False)
    except (MissingFactorError, DataError) as error:
        named.fault(f"pathway '{name}'", str(error).replace("\n", " "))
        return None
    if main.family != family:
        named.fault(f"pathway '{name}' is of family {main.family}", f"Let family be {main.family}")
        return None
    ttw, ttw_electric = main.ttw_g_per_mj(gwp), auxiliary.ttw_g_per_mj(gwp)
    rows = "; ".join(row.label for row in main.rows)
    grade = max((row.grade for row in main.rows), default="D")
    lhv = main.lcv_mj_per_kg
    for path, value, unit in (
        ("lhv", lhv, "GJ/t"),
        ("density", main.density_t_per_m3, "t/m3"),
        ("ttw", ttw, "g/MJ"),
        ("ttw_electric", ttw_electric, "g/MJ"),
    ):
        if not np.isnan(value):
            reading.add(f"{node.path}.{path}", value, unit, Origin.SOURCED, f"pathway {main.fuel}: {rows}", grade)
    co2 = (1.0 - main.slip_share) * main.cf_co2_g_per_g * 1e3 / lhv
    return family, lhv, main.density_t_per_m3, ttw, ttw_electric, main.zero_at_combustion, co2


def _by_port(
    reading: Reading,
    node: Node,
    key_and_path: tuple[str, str | None],
    what: Field,
    regions: tuple[FuelRegion, ...],
) -> Floats | None:
    """Numbers by port and year, ``(P, Y)``: one for all ports, by port, or each port's region's path."""
    key, cost_path = key_and_path
    given = node.take(key)
    if given is None:
        if cost_path is None:
            beside = "wtt" if key == "price" else "price"
            also = f"; {beside} may stand beside cost_path and goes before it" if beside in node.value else ""
            paths = ", ".join(_cost_paths())
            node.fault(f"'{key}' is missing", f"Give {key}, or cost_path{also}: one of {paths}")
            return None
        return np.stack([_region_path(reading, node, key, cost_path, what, region) for region in regions])
    by_port = given.take("by_port") if isinstance(given.value, dict) else None
    if by_port is None:
        return np.tile(reading.series(given, what), (len(regions), 1))
    given.close()
    found = np.full((len(regions), reading.years.size), np.nan)
    ports = [region.port for region in regions]
    for port, item in by_port.items():
        if port not in ports:
            item.fault(f"'{port}' is not a port of this scenario", f"Give one of: {', '.join(ports)}")
        else:
            found[ports.index(port)] = reading.series(item, what)
    if cost_path is not None:
        for p, region in enumerate(regions):
            if region.port not in by_port.value:
                found[p] = _region_path(reading, node, key, cost_path, what, region)
    return found


def _region_path(reading: Reading, node: Node, key: str, cost_path: str, what: Field, region: FuelRegion) -> Floats:
    table = load_table("fuel_cost_paths")
    at = Node({}, node.where, f"{node.path}.{key}.{region.port}", node.faults)
    for name in (region.region, "global"):
        given = {"fuel": cost_path, "region": name, "quantity": key}
        if any(all(row.text(k) == v for k, v in given.items()) for row in table.rows):
            # A price for the whole world does not stand in for another region's.
            stand_in = region.stand_in if name == region.region else None
            found = reading.rows(at, table, given, what, by_year=True, stand_in=stand_in)
            return np.full(reading.years.size, np.nan) if found is None else found
    held = sorted({row.text("region") for row in table.rows if row.text("fuel") == cost_path})
    reading.missing(
        at.path,
        what.unit,
        f"{what.words} {cost_path} at {region.port}: published for {', '.join(held)} only; it is not offered there",
    )
    return np.full(reading.years.size, np.nan)


def _delivery(reading: Reading, node: Node, regions: tuple[FuelRegion, ...]) -> Floats:
    """What delivery, handling and margin add to the price [USD/GJ], ``(P, Y)``; listed as missing where not given."""
    given = node.take("delivery")
    found = np.zeros((len(regions), reading.years.size))
    if given is None:
        if node.take("cost_path") is not None:
            reading.missing(
                f"{node.path}.delivery",
                "USD/GJ",
                "what delivery, storage, bunkering and margin add to the price at the plant gate; none is counted",
            )
        return found
    field = Field("cost of delivery", "USD/GJ", 0.0, 100.0)
    return found + np.nan_to_num(reading.series(given, field))


def _available(reading: Reading, fuel_id: str, node: Node, what: Field, regions: tuple[FuelRegion, ...]) -> Floats:
    given = node.take("available")
    found = np.full((len(regions), reading.years.size), np.inf)
    ports = [region.port for region in regions]
    if given is None:
        reading.inputs.append(
            Input(
                f"{node.path}.available",
                None,
                "GJ/year",
                Origin.MISSING,
                f"how much {fuel_id} can be bunkered at {', '.join(ports)} by year; taken as unlimited",
            )
        )
        return found
    for port, item in given.items():
        if port not in ports:
            item.fault(f"'{port}' is not a port of this scenario", f"Give one of: {', '.join(ports)}")
        else:
            series = reading.series(item, what)
            found[ports.index(port)] = np.where(np.isnan(series), np.inf, series)
    return found
