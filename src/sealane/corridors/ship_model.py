"""A ship as corridors need it: resolved particulars and hotel loads, by one published method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from sealane.emissions.factor_query import METHODS
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.layout import MODE_NAMES
from sealane.emissions.ship_classes import find_ship_class, find_subtype, listed_classes, size_units, subtype_from_size
from sealane.emissions.user_vessels import UserVessel
from sealane.emissions.vessels import Origin, Particulars, particulars_of
from sealane.errors import DataError, Fault


@dataclass(frozen=True)
class ShipEnergy:
    """A ship as the energy formulas need it; made by `ship_of_class` or `ship_of_particulars`.

    Attributes
    ----------
    particulars : every value with its origin and grade.
    method : ``epa-2022`` or ``imo4-2020``; decides the hotel-load table and the formulas.
    aux_kw, boiler_kw : hotel loads [kW] by mode, in the order of `MODE_NAMES` (transit, manoeuvring, anchorage, berth,
        drift).
    hotel_given : True where the user gave hotel loads himself.
    """

    particulars: Particulars
    method: str
    aux_kw: tuple[float, ...]
    boiler_kw: tuple[float, ...]
    hotel_given: bool = False

    @property
    def ship_class(self) -> str:
        """Class as in EPA Table E.1."""
        return self.particulars.ship_class

    @property
    def subtype(self) -> str:
        """Subtype as in EPA Table E.1."""
        return self.particulars.subtype

    @property
    def installed_kw(self) -> float:
        """Installed propulsion power [kW]."""
        return self.particulars.installed_kw

    @property
    def max_speed_kn(self) -> float:
        """Maximum speed [kn]."""
        return self.particulars.max_speed_kn

    @property
    def nox_tier(self) -> int:
        """NOx tier, 0 to 3."""
        return self.particulars.nox_tier

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Field to origin, grade and source."""
        return self.particulars.origins

    @property
    def grade(self) -> str:
        """Worst grade among the inputs."""
        return max(self.particulars.main_grade, self.particulars.hotel_grade)

    def hotel_kw(self, mode: str) -> tuple[float, float]:
        """Auxiliary and boiler load [kW] in a mode."""
        at = MODE_NAMES.index(mode)
        return self.aux_kw[at], self.boiler_kw[at]

    def by_method(self, method: str) -> ShipEnergy:
        """The same ship by another method; hotel loads the user gave stay."""
        if method == self.method:
            return self
        ship = ship_of_particulars(self.particulars, method=method)
        return (
            replace(ship, aux_kw=self.aux_kw, boiler_kw=self.boiler_kw, hotel_given=True) if self.hotel_given else ship
        )

    def __hash__(self) -> int:
        # Origins are a mapping; the numbers are enough to tell ships apart.
        p = self.particulars
        return hash((p.mmsi, p.ship_class, p.subtype, p.installed_kw, p.max_speed_kn, self.method, self.aux_kw))


def _loads(
    published: Sequence[float], given: Mapping[str, float] | None, name: str, faults: list[Fault]
) -> tuple[float, ...]:
    loads = list(published)
    for mode, kw in (given or {}).items():
        if mode not in MODE_NAMES:
            faults.append(Fault(f"{name}, mode", f"'{mode}'", f"Give one of: {', '.join(MODE_NAMES)}"))
        elif not (math.isfinite(kw) and kw >= 0.0):
            faults.append(Fault(f"{name}, {mode}", f"{kw}", "Give kW, zero or more"))
        else:
            loads[MODE_NAMES.index(mode)] = float(kw)
    return tuple(loads)


@cache
def _published_loads(ship_class: str, subtype: str, method: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    loads = [hotel_load(ship_class, subtype, mode, table=method) for mode in MODE_NAMES]
    return tuple(load.aux_kw for load in loads), tuple(load.boiler_kw for load in loads)


def ship_of_particulars(
    particulars: Particulars,
    *,
    method: str = "epa-2022",
    aux_kw: Mapping[str, float] | None = None,
    boiler_kw: Mapping[str, float] | None = None,
) -> ShipEnergy:
    """A ship of resolved particulars, with the hotel loads of its class.

    Parameters
    ----------
    particulars : see `sealane.emissions.vessels`.
    method : ``epa-2022`` or ``imo4-2020``.
    aux_kw, boiler_kw : hotel loads of one's own by mode [kW]; they go before the published ones.

    Raises
    ------
    DataError
        listing an unknown method or mode and loads that are no power.
    MissingFactorError
        if the method publishes no hotel load for the class.
    """
    faults: list[Fault] = []
    if method not in METHODS:
        faults.append(Fault("method", f"'{method}'", f"Give one of: {', '.join(METHODS)}"))
        raise DataError("The ship's energy cannot be set up.", faults)
    published = _published_loads(particulars.ship_class, particulars.subtype, method)
    aux = _loads(published[0], aux_kw, "aux_kw", faults)
    boiler = _loads(published[1], boiler_kw, "boiler_kw", faults)
    if faults:
        raise DataError("The ship's energy cannot be set up.", faults)
    return ShipEnergy(particulars, method, aux, boiler, hotel_given=bool(aux_kw or boiler_kw))


def ship_of_class(
    ship_class: str,
    subtype: str | None = None,
    *,
    method: str = "epa-2022",
    installed_kw: float | None = None,
    service_speed_kn: float | None = None,
    max_speed_kn: float | None = None,
    max_draught_m: float | None = None,
    engine_type: str | None = None,
    aux_engine_type: str | None = None,
    nox_tier: int | None = None,
    keel_year: int | None = None,
    main_fuel: str | None = None,
    electric_drive: bool | None = None,
    teu: float | None = None,
    dwt: float | None = None,
    gt: float | None = None,
    aux_kw: Mapping[str, float] | None = None,
    boiler_kw: Mapping[str, float] | None = None,
    given_by: str = "the caller",
) -> ShipEnergy:
    """A ship of a class: what is known is taken, EPA class defaults fill the rest, each with its origin.

    Parameters
    ----------
    ship_class, subtype : as in EPA Table E.1, forgivingly spelt; without `subtype` give `teu`, `dwt` or `gt`.
    installed_kw, max_speed_kn, ... : particulars that are known; units in the names, codes as in a vessels file.
    aux_kw, boiler_kw : hotel loads of one's own by mode [kW].
    given_by : who gave them, for the origins.

    Raises
    ------
    MissingFactorError
        for an unknown class or subtype, or a class without published defaults.
    DataError
        where the subtype cannot be told.
    """
    name = find_ship_class(ship_class)
    told: str | None = None
    source: str | None = None
    if subtype is not None:
        told = find_subtype(name, subtype)
    else:
        sizes = {"teu": teu, "dwt": dwt, "gt": gt}
        for unit in size_units(name):
            size = sizes[unit]
            if size is not None:
                told, grade, rule = subtype_from_size(name, unit, size)
                source = f"{unit} {size:g}, size bins grade {grade}: {rule}"
                break
    if told is None:
        by_size = f"{' or '.join(size_units(name))}, or " if size_units(name) else ""
        subtypes = "; ".join(listed_classes()[name])
        fault = Fault(f"subtype of {name}", "not given", f"Give {by_size}the subtype: {subtypes}")
        raise DataError("The ship's particulars cannot be resolved.", [fault])
    vessel = UserVessel(
        row=0,
        ship_class=name,
        subtype=told,
        subtype_source=source,
        installed_kw=installed_kw,
        service_speed_kn=service_speed_kn,
        max_speed_kn=max_speed_kn,
        max_draught_m=max_draught_m,
        engine_type=engine_type,
        aux_engine_type=aux_engine_type,
        nox_tier=nox_tier,
        keel_year=keel_year,
        fuel=main_fuel,
        electric_drive=electric_drive,
        teu=teu,
        dwt=dwt,
        gt=gt,
    )
    return ship_of_particulars(particulars_of(vessel, given_by), method=method, aux_kw=aux_kw, boiler_kw=boiler_kw)
