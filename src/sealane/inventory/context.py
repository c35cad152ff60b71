"""Everything a batch needs, put together once: vessels, factors, zones, thresholds, shore power."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.layout import MODE_NAMES, PlaceArrays, ShoreArrays, VesselArrays
from sealane.emissions.low_load import ELECTRIC_DRIVES
from sealane.emissions.profiles import GRADES, Area, Places, Profile, resolve_factors, resolve_places
from sealane.emissions.vessels import Particulars, VesselRegister
from sealane.inventory.batch_context import Context, VesselLabels
from sealane.inventory.settings import Settings, published_limits
from sealane.inventory.shore_power import Connections
from sealane.movement.zone_index import ZoneIndex
from sealane.movement.zones import ZoneSet
from sealane.reference import load_table
from sealane.reference.loader import FactorRow


@dataclass(frozen=True)
class Resolved:
    """A context, and what the explanation and the quality report need beside it."""

    context: Context
    places: Places
    profiles: tuple[Profile, ...]
    missing_factors: dict[str, str]


def profile_of(ship: Particulars) -> Profile:
    """Engine profile of a ship."""
    return Profile(ship.engine_type, ship.aux_engine_type, ship.nox_tier, ship.keel_year, ship.main_fuel)


def _imo4_rows(ship: Particulars) -> tuple[FactorRow, FactorRow, FactorRow]:
    """Weather, fouling and speed-power constants of a ship, Fourth IMO GHG Study equation 8."""
    size = load_table("ship_class_size").row(ship.ship_class, ship.subtype)
    kind = size.text("imo4_type")
    table = load_table("imo4_load_constants")
    eta_w, eta_f, delta_w = (
        table.in_range(size.value, symbol=symbol, ship_type=kind)[0] for symbol in ("eta_w", "eta_f", "delta_w")
    )
    return eta_w, eta_f, delta_w


def vessel_arrays(register: VesselRegister, method: str) -> tuple[VesselArrays, VesselLabels, tuple[Profile, ...]]:
    """Kernel arrays, labels and engine profiles of the register's ships, in its order.

    The labels' factor grades are filled in by `build_context`.
    """
    ships = register.ships
    profiles = tuple(dict.fromkeys(profile_of(ship) for ship in ships))
    number = {profile: at for at, profile in enumerate(profiles)}
    hotel = {pair: [hotel_load(*pair, mode, table=method) for mode in MODE_NAMES] for pair in register.hotel_classes}
    n = len(ships)
    aux, boiler = np.zeros((n, len(MODE_NAMES))), np.zeros((n, len(MODE_NAMES)))
    grade = np.zeros((n, 3), np.int8)
    constants = np.ones((n, 3))
    for v, ship in enumerate(ships):
        loads = hotel[ship.ship_class, ship.subtype]
        aux[v] = [load.aux_kw for load in loads]
        boiler[v] = [load.boiler_kw for load in loads]
        hotel_grade = max([ship.hotel_grade, *(row.grade for load in loads for row in load.rows)])
        main_grade = ship.main_grade
        if method == "imo4-2020":
            rows = _imo4_rows(ship)
            constants[v] = [row.value for row in rows]
            main_grade = max([main_grade, *(row.grade for row in rows)])
        grade[v] = [GRADES.index(main_grade), GRADES.index(hotel_grade), GRADES.index(hotel_grade)]
    columns = register.columns
    speed = columns.max_speed_kn
    if method == "imo4-2020":  # its reference speed is the design (service) speed, not the maximum
        speed = speed * load_table("method_constants").row("epa-2022", "service_to_max_speed").value
    arrays = VesselArrays(
        mmsi=columns.mmsi,
        installed_kw=columns.installed_kw,
        max_speed_kn=speed,
        max_draught_m=columns.max_draught_m,
        eta_w=constants[:, 0].copy(),
        eta_f=constants[:, 1].copy(),
        delta_w=constants[:, 2].copy(),
        low_load=np.array([not s.electric_drive and s.engine_type not in ELECTRIC_DRIVES for s in ships], np.uint8),
        aux_kw=aux,
        boiler_kw=boiler,
        profile=np.array([number[profile_of(ship)] for ship in ships], np.int32),
    )
    labels = VesselLabels(
        imo=[ship.imo for ship in ships],
        name=[ship.name for ship in ships],
        ship_class=[ship.ship_class for ship in ships],
        subtype=[ship.subtype for ship in ships],
        input_grade=grade,
        factor_grade=np.zeros((0, 3, 0), np.int8),
    )
    return arrays, labels, profiles


def place_arrays(zones: ZoneSet, port: str, first: datetime, last: datetime) -> tuple[PlaceArrays, Places, list[str]]:
    """What the zones mean for calls and fuel rules; with the codes of the ports they name."""
    codes = sorted({zone.port for zone in zones.of_kind("port_limit") if zone.port})
    areas = sorted({Area(z.nox_area, z.valid_from) for z in zones if z.eca}, key=lambda a: (a.nox_area or "", str(a)))
    places = resolve_places(areas, first, last)
    port_of_zone = np.full(max(len(zones), 1), -1, np.int32)
    area_of_zone = np.zeros(max(len(zones), 1), np.int32)
    learnt = np.zeros(max(len(zones), 1), np.uint8)
    for number, zone in enumerate(zones):
        if zone.kind == "port_limit" and zone.port:
            port_of_zone[number] = codes.index(zone.port)
        if zone.eca:
            area_of_zone[number] = areas.index(Area(zone.nox_area, zone.valid_from)) + 1
        learnt[number] = zone.learnt
    arrays = PlaceArrays(
        port_of_zone=port_of_zone,
        area_of_zone=area_of_zone,
        learnt=learnt,
        call_port=codes.index(port),
        period_start_us=places.period_start_us,
        regime=places.regime,
    )
    return arrays, places, codes


def build_context(
    register: VesselRegister,
    zones: ZoneSet,
    port: str,
    *,
    method: str,
    gwp: str,
    settings: Settings,
    first: datetime,
    last: datetime,
    connections: Connections,
) -> Resolved:
    """Put a context together.

    Parameters
    ----------
    register : resolved vessels.
    zones : all zones of the run, learnt ones too; one port limit of ``port`` among them.
    port : UN/LOCODE of the port whose calls are counted.
    method, gwp : see `InventoryRequest`.
    settings : thresholds.
    first, last : first and last moment of the data, UTC.
    connections : shore-power connections.

    Raises
    ------
    MissingFactorError
        if a ship, a fuel or a date has no published value.
    """
    vessels, labels, profiles = vessel_arrays(register, method)
    arrays, places, codes = place_arrays(zones, port, first, last)
    factors, grades, missing = resolve_factors(profiles, places.places, method, gwp)
    offsets, start_us, end_us = connections.by_vessel(vessels.mmsi, labels.imo)
    context = Context(
        index=ZoneIndex.build(zones).arrays,
        places=arrays,
        vessels=vessels,
        labels=VesselLabels(
            imo=labels.imo,
            name=labels.name,
            ship_class=labels.ship_class,
            subtype=labels.subtype,
            input_grade=labels.input_grade,
            factor_grade=grades,
        ),
        factors=factors,
        shore=ShoreArrays(offsets, start_us, end_us),
        limits=published_limits(settings),
        zone_ids=[zone.id for zone in zones],
        port_codes=codes,
        regime_names=[place.name for place in places.places],
        learnt_zone=arrays.learnt,
        shore_g_per_kwh=connections.grid_g_per_kwh,
        shore_grade=GRADES.index(connections.grid.grade if connections.grid else "D"),
    )
    return Resolved(context, places, profiles, missing)
