"""Ship classes of a scenario file: from the published rows of a nominal capacity, or from numbers of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sealane.corridors.scenarios.marks import Node
from sealane.corridors.scenarios.model import FAMILIES, Floats, Origin, ShipClass
from sealane.corridors.scenarios.quantities import Field, Reading
from sealane.errors import MissingFactorError
from sealane.reference import load_table

HOURS_PER_YEAR = 8760.0
GJ_PER_MWH = 3.6
TEU_CLASSES = ("4500", "8000", "15000")

CAPACITY = Field("nominal capacity", "TEU", 100.0, 30_000.0)
UTILISATION = Field("share of the capacity that is loaded", "1", 0.05, 1.0)
TIME_AT_SEA = Field("share of the year at sea", "1", 0.05, 1.0)
DAYS_IN_PORT = Field("days in port in a round trip", "d", 0.1, 200.0)
SPEED = Field("speed at sea", "kn", 5.0, 26.0)
LOAD = Field("power at sea", "MW", 0.1, 90.0)
HOTEL = Field("electrical load", "MW", 0.01, 20.0)
LIFETIME = Field("life of a ship", "year", 5.0, 60.0)
PRICE = Field("price of a ship", "USD", 1e6, 1e9)
CONVERSION = Field("price of a conversion", "USD", 1e5, 5e8)
OPEX = Field("cost of operation without fuel", "USD/year", 1e4, 1e8)
RATE = Field("cost of capital", "1/year", 0.0, 0.3)
EFFICIENCY = Field("work per lower heating value", "1", 0.2, 0.7)
ADD_ON = Field("extra price as a share of a ship for oil", "1", 0.0, 1.0)
LOSS = Field("share of capacity lost to tanks", "1", 0.0, 0.5)
SHIPS = Field("ships of today still in service", "ships", 0.0, 10_000.0)
SHARE = Field("share of the transport", "1", 0.0, 1.0)


@dataclass(frozen=True)
class Service:
    """How a ship of a class is used.

    Attributes
    ----------
    round_trips : per year.
    sea_hours, port_hours : of the year.
    """

    round_trips: float
    sea_hours: float
    port_hours: float


@dataclass(frozen=True)
class DraftClass:
    """A class before today's fleet is known, which may depend on the demand."""

    ship: ShipClass
    round_trips: float
    existing: Node | None
    share: Floats | None


def read_ship(
    reading: Reading, ship_id: str, node: Node, ports: tuple[str, ...], round_trip_nm: float, shore_share: Floats
) -> DraftClass | None:
    """Read one class; None after adding faults where it cannot be used."""
    if not node.mapping():
        return None
    teu_class = None
    named = node.take("teu_class")
    if named is not None:
        teu_class = str(named.value)
        if teu_class not in TEU_CLASSES:
            named.fault(
                f"class {teu_class}", f"Give one of {', '.join(TEU_CLASSES)}, or leave it out and give all numbers"
            )
            teu_class = None
    before = len(node.faults)
    families = _families(node)
    source = _Rows(reading, node, teu_class)
    capacity = source.scalar("capacity", CAPACITY, "capacity")
    utilisation = source.scalar("utilisation", UTILISATION, "utilisation")
    lifetime = source.scalar("lifetime", LIFETIME, "lifetime")
    sea_load = source.scalar("electrical_load_sea", HOTEL, "electrical_load_sea")
    port_load = source.scalar("electrical_load_port", HOTEL, "electrical_load_port")
    speed, power = _speed_and_power(reading, node, teu_class)
    service = _service(reading, node, source, round_trip_nm, speed)
    port_time = _port_time(reading, node, ports)
    opex, newbuild = _money(reading, node, source, families)
    propulsion, electric, pilot = _engines(reading, node, families)
    rate = _cost_of_capital(reading, node, source, families)
    retrofit = _retrofit(reading, node, teu_class, families)
    loss = _losses(reading, node, families, ship_id)
    share_node = node.take("share")
    share = reading.series(share_node, SHARE) if share_node is not None else None
    existing = node.take("existing")
    node.close()
    numbers = (capacity, utilisation, lifetime, sea_load, port_load, power)
    if len(node.faults) > before or service is None or any(np.isnan(numbers)):
        return None
    per_hour = GJ_PER_MWH
    ship = ShipClass(
        id=ship_id,
        capacity_teu=capacity,
        teu_per_year=service.round_trips * 2.0 * capacity * utilisation,
        propulsion_gj=power * service.sea_hours * per_hour,
        electric_sea_gj=sea_load * service.sea_hours * per_hour,
        electric_port_gj=port_load * service.port_hours * per_hour * port_time,
        shore_share=shore_share,
        efficiency_propulsion=propulsion,
        efficiency_electric=electric,
        pilot_share=pilot,
        newbuild_usd=newbuild,
        retrofit_usd=retrofit,
        opex_usd_per_year=opex,
        cost_of_capital=rate,
        capacity_loss=loss,
        lifetime_years=round(lifetime),
        existing=np.zeros((len(FAMILIES), reading.years.size)),
    )
    return DraftClass(ship, service.round_trips, existing, share)


@dataclass
class _Rows:
    """Numbers of a class: as given, else the published row of its nominal capacity."""

    reading: Reading
    node: Node
    teu_class: str | None

    def scalar(self, key: str, what: Field, quantity: str) -> float:
        given = self.node.take(key)
        if given is not None:
            return self.reading.scalar(given, what)
        return self.published(f"{self.node.path}.{key}", key, quantity)

    def published(self, path: str, key: str, quantity: str) -> float:
        table = load_table("scenario_ships")
        if self.teu_class is None or not table.has(self.teu_class, quantity):
            held = "no teu_class is named" if self.teu_class is None else f"no row for {self.teu_class} TEU is held"
            self.node.fault(f"'{key}' is missing and {held}", f"Give {key} with its origin")
            return float("nan")
        return self.reading.row(path, table.row(self.teu_class, quantity))


def _families(node: Node) -> tuple[str, ...]:
    listed = node.take("families")
    if listed is None:
        return FAMILIES
    found = [item.text(FAMILIES) for item in listed.listed()]
    if found and "oil" not in found:
        listed.fault("family oil is not among them", "Keep oil: the fossil case is sailed with it")
    return tuple(family for family in FAMILIES if family in found)


def _speed_and_power(reading: Reading, node: Node, teu_class: str | None) -> tuple[float, float]:
    """Mean speed [kn] and mean propulsion power at sea [MW]: at a speed given, else over the speeds sailed."""
    speed_node, load_node = node.take("speed"), node.take("propulsion_load")
    power = reading.scalar(load_node, LOAD)
    if speed_node is not None:
        speed = reading.scalar(speed_node, SPEED)
        if load_node is None and not np.isnan(speed):
            power = _power_at(reading, speed_node, teu_class, speed)
        return speed, power
    if teu_class is None or not load_table("vessel_speed_distribution").find(teu_class=teu_class):
        node.fault("'speed' is missing", "Give speed; no distribution of speeds is held for this class")
        return float("nan"), power
    rows = load_table("vessel_speed_distribution").find(teu_class=teu_class)
    shares = np.array([row.value for row in rows])
    speeds = np.array([float(row.text("speed_kn")) for row in rows])
    speed = float(shares @ speeds / shares.sum())
    label = f"vessel_speed_distribution/{teu_class}: {rows[0].source}"
    reading.add(f"{node.path}.speed", speed, "kn", Origin.SOURCED, f"mean over time at sea, {label}", rows[0].grade)
    if load_node is None:
        loads = np.array([_curve_mw(teu_class, float(value)) for value in speeds])
        power = float(shares @ loads / shares.sum())
        curve = load_table("propulsion_load_by_speed").find(teu_class=teu_class)[0]
        words = f"mean over the speeds of {label}; propulsion_load_by_speed/{teu_class}: {curve.source}"
        reading.add(f"{node.path}.propulsion_load", power, "MW", Origin.SOURCED, words, curve.grade)
    return speed, power


def _curve_mw(teu_class: str, speed_kn: float) -> float:
    rows = load_table("propulsion_load_by_speed").find(teu_class=teu_class)
    return float(np.interp(speed_kn, [float(row.text("speed_kn")) for row in rows], [row.value for row in rows]))


def _power_at(reading: Reading, node: Node, teu_class: str | None, speed_kn: float) -> float:
    rows = load_table("propulsion_load_by_speed").find(teu_class=teu_class or "")
    if not rows:
        node.fault("no curve of power by speed for this class", "Name a teu_class, or give propulsion_load as well")
        return float("nan")
    first, last = float(rows[0].text("speed_kn")), float(rows[-1].text("speed_kn"))
    if not first <= speed_kn <= last:
        node.fault(
            f"{speed_kn:g} kn", f"The curve of power by speed holds {first:g} to {last:g} kn: give propulsion_load"
        )
        return float("nan")
    power = _curve_mw(teu_class or "", speed_kn)
    words = f"propulsion_load_by_speed/{teu_class} at {speed_kn:g} kn: {rows[0].source}"
    path = node.path.removesuffix(".speed") + ".propulsion_load"
    reading.add(path, power, "MW", Origin.SOURCED, words, rows[0].grade)
    return power


def _service(reading: Reading, node: Node, source: _Rows, round_trip_nm: float, speed: float) -> Service | None:
    days = node.take("days_in_port")
    if days is not None:
        if node.take("time_at_sea") is not None:
            days.fault("days_in_port beside time_at_sea", "Give one of them")
        in_port = reading.scalar(days, DAYS_IN_PORT) * 24.0
        at_sea = round_trip_nm / speed
        share = at_sea / (at_sea + in_port)
    else:
        share = source.scalar("time_at_sea", TIME_AT_SEA, "time_at_sea")
    if np.isnan(share * round_trip_nm * speed):
        return None
    sea = share * HOURS_PER_YEAR
    return Service(sea * speed / round_trip_nm, sea, HOURS_PER_YEAR - sea)


def _port_time(reading: Reading, node: Node, ports: tuple[str, ...]) -> Floats:
    """Share of the hours in port by port; they sum to 1."""
    given = node.take("port_time")
    if given is None:
        for port in ports:
            why = "placeholder: hours in port are shared evenly, since no stay by port was given"
            reading.add(f"{node.path}.port_time.{port}", 1.0 / len(ports), "1", Origin.PLACEHOLDER, why, "D")
        return np.full(len(ports), 1.0 / len(ports))
    shares = np.zeros(len(ports))
    for port, item in given.items():
        if port not in ports:
            item.fault(f"'{port}' is not a port of this scenario", f"Give one of: {', '.join(ports)}")
        else:
            shares[ports.index(port)] = reading.scalar(item, SHARE)
    if not np.isnan(shares).any() and abs(shares.sum() - 1.0) > 1e-6:
        given.fault(f"the shares sum to {shares.sum():g}", "Let the shares of the ports sum to 1")
    return shares


def _by_family(reading: Reading, node: Node, key: str, what: Field, families: tuple[str, ...]) -> dict[str, float]:
    given = node.take(key)
    found: dict[str, float] = {}
    if given is not None:
        for family, item in given.items():
            if family not in families:
                item.fault(f"'{family}' is not a family of this class", f"Give one of: {', '.join(families)}")
            else:
                value = reading.scalar(item, what)
                if not np.isnan(value) or "missing" in (item.value if isinstance(item.value, dict) else ()):
                    found[family] = value
    return found


def _money(reading: Reading, node: Node, source: _Rows, families: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Operation [USD/year] by family, and prices of new ships [USD] by family and year."""
    opex = np.full(len(FAMILIES), np.nan)
    price = np.full(len(FAMILIES), np.nan)
    own_opex = _by_family(reading, node, "opex", OPEX, families)
    own_price = _by_family(reading, node, "newbuild", PRICE, families)
    add_on = _by_family(reading, node, "newbuild_add_on", ADD_ON, families)
    for k, family in enumerate(FAMILIES):
        if family not in families:
            continue
        needs_parts = family not in own_opex or not (family in own_price or family in add_on)
        parts = _parts(source, family) if needs_parts else (float("nan"), float("nan"))
        opex[k] = own_opex.get(family, parts[1])
        price[k] = own_price.get(family, parts[0])
        if family in add_on:
            if family in own_price or family == "oil":
                node.fault(f"newbuild_add_on.{family}", "Give the price of a ship for oil, and add-ons on it")
            price[k] = price[FAMILIES.index("oil")] * (1.0 + add_on[family])
    return opex, np.repeat(price[:, None], reading.years.size, axis=1)


def _parts(source: _Rows, family: str) -> tuple[float, float]:
    """Price [USD] and yearly operation [USD] of a ship from the prices of its parts."""
    at = f"{source.node.path}.parts"

    def ship(quantity: str) -> float:
        return source.published(f"{at}.{quantity}", "newbuild and opex", quantity)

    def shared(quantity: str) -> float:
        return source.reading.row(f"{at}.{quantity}", load_table("scenario_ships").row("all", quantity))

    def engine(converter: str, quantity: str) -> float:
        path = f"{at}.{family}.{converter}_{quantity}"
        table = load_table("scenario_engines")
        if not table.has(converter, family, quantity):
            words = f"{quantity} of the {converter} engine of family {family}: not in the source; none is counted"
            source.reading.missing(path, "USD/MW" if quantity == "capex" else "USD/MW/year", words)
            return 0.0
        return source.reading.row(path, table.row(converter, family, quantity))

    powers = {"propulsion": ship("propulsion_power"), "electrical": ship("electrical_power")}
    supply = ship(f"supply_capex_{family}")
    tank = ship("tank_size") * ship(f"tank_capex_{family}")
    capex = ship("base_capex") + supply + tank + sum(mw * engine(name, "capex") for name, mw in powers.items())
    opex = (
        ship("base_opex")
        + supply * shared("supply_opex_share")
        + tank * shared("tank_opex_share")
        + sum(mw * engine(name, "opex") for name, mw in powers.items())
    )
    return capex, opex


def _engines(reading: Reading, node: Node, families: tuple[str, ...]) -> tuple[Floats, Floats, Floats]:
    own = {
        "propulsion": _by_family(reading, node, "efficiency_propulsion", EFFICIENCY, families),
        "electrical": _by_family(reading, node, "efficiency_electric", EFFICIENCY, families),
    }
    found = {name: np.full(len(FAMILIES), np.nan) for name in own}
    pilot = np.full(len(FAMILIES), np.nan)
    for k, family in enumerate(FAMILIES):
        if family not in families:
            continue
        for name, given in own.items():
            row = load_table("scenario_engines").row(name, family, "efficiency")
            path = f"{node.path}.efficiency_{name}.{family}"
            found[name][k] = given[family] if family in given else reading.row(path, row)
        if family == "oil":
            pilot[k] = 1.0
        else:
            row = load_table("navigate_engine_fuel").row("propulsion", family, "pilot_share")
            pilot[k] = reading.row(f"{node.path}.pilot_share.{family}", row)
    return found["propulsion"], found["electrical"], pilot


def _cost_of_capital(reading: Reading, node: Node, source: _Rows, families: tuple[str, ...]) -> Floats:
    rate = np.full((len(FAMILIES), reading.years.size), np.nan)
    given = node.take("cost_of_capital")
    for k, family in enumerate(FAMILIES):
        if family not in families:
            continue
        if given is not None:
            if k == 0:
                own = reading.series(given, RATE)
            rate[k] = own
            continue
        quantities = ("cost_of_capital_ammonia_2025", "cost_of_capital_ammonia_2030")
        names = quantities if family == "ammonia" else ("cost_of_capital",)
        table = load_table("scenario_ships")
        values = [reading.row(f"{node.path}.{name}", table.row("all", name)) for name in names]
        # The source gives 2025 to 2027 and from 2030; between them a straight line.
        rate[k] = np.interp(reading.years, [2027.0, 2030.0], values) if family == "ammonia" else values[0]
    return rate


def _retrofit(reading: Reading, node: Node, teu_class: str | None, families: tuple[str, ...]) -> Floats:
    price = np.full((len(FAMILIES), len(FAMILIES)), np.nan)
    given = node.take("retrofit")
    own: Mapping[str, Node] = dict(given.items()) if given is not None else {}
    for a, before in enumerate(FAMILIES):
        for b, after in enumerate(FAMILIES):
            key = f"{before}-{after}"
            if before == after or before not in families or after not in families:
                continue
            if key in own:
                price[a, b] = reading.scalar(own[key], CONVERSION)
                continue
            try:
                row = load_table("scenario_retrofit_cost").row(teu_class or "", before, after)
            except MissingFactorError:
                continue
            price[a, b] = reading.row(f"{node.path}.retrofit.{key}", row)
    for key, item in own.items():
        if key.split("-") not in [[a, b] for a in families for b in families if a != b]:
            item.fault(f"'{key}' is no conversion", "Write it as oil-methanol: from family, to family")
    return price


def _losses(reading: Reading, node: Node, families: tuple[str, ...], ship_id: str) -> Floats:
    given = _by_family(reading, node, "capacity_loss", LOSS, families)
    loss = np.zeros(len(FAMILIES))
    for k, family in enumerate(FAMILIES):
        if family in families and family != "oil":
            loss[k] = np.nan_to_num(given.get(family, np.nan))
            if family not in given:
                reading.missing(
                    f"{node.path}.capacity_loss.{family}",
                    "1",
                    f"share of the slots of {ship_id} that {family} tanks take; none is counted until you give it",
                )
    return loss
