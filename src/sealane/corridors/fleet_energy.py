"""Passages and stays of many ships at once: arrays in, energy, fuel and grams out, priced as the inventory prices.

Figures are for fossil fuels by the rules of date and place; other fuels are a matter of `sealane.corridors.fuels`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.leg_pricing import BY_LOAD, price_items
from sealane.corridors.ship_model import ShipEnergy
from sealane.emissions.engines import FUELS
from sealane.emissions.factor_query import GWP_SETS, factor_query, fuel_consumption
from sealane.emissions.layout import MODE_NAMES, PRICED, FactorArrays, KernelLimits, Mode, VesselArrays
from sealane.emissions.profiles import Area, Places, Profile, factor_sheet, resolve_factors, resolve_places
from sealane.emissions.vessels import register_of
from sealane.errors import DataError, Fault
from sealane.inventory.context import vessel_arrays
from sealane.inventory.settings import Settings, published_limits

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

DEFAULT_POLLUTANTS = ("co2e", "wtt_co2e", "nox", "so2", "pm25")
"""What is worked out unless told otherwise; ``co2e`` is tank-to-wake, ``wtt_co2e`` the upstream part."""

ITEMS_PER_PART = 100_000
"""Longer inputs are priced by several threads, this many items at a time."""

FUEL_NAMES = tuple(FUELS)
NORTH_AMERICA = ("north_american",)
SEA_MODES = ("transit", "manoeuvring", "by_load")
_CO2E, _WTT = PRICED.index("co2e"), PRICED.index("wtt_co2e")


@dataclass(frozen=True)
class Fleet:
    """Ships with every factor that their passages can need in a period; made by `fleet_of`.

    Attributes
    ----------
    ships : the ships; `ship_index` of the array functions counts in them.
    areas : control areas, number 1 on; 0 is outside all of them.
    vessels, factors, places, limits : as the inventory's kernel takes them.
    co2_per_fuel, fuel_of : CO2 per mass of fuel [g/g], number of the fuel in `FUEL_NAMES`; ``(profiles, regimes, 3)``.
    grade : worst grade behind well-to-wake CO2e by ship and source, 0 for A to 3 for D; ``(ships, 3)``.
    missing : why a pollutant has no factor, by engine and pollutant.
    """

    ships: tuple[ShipEnergy, ...]
    method: str
    gwp: str
    areas: tuple[str, ...]
    vessels: VesselArrays
    factors: FactorArrays
    places: Places
    limits: KernelLimits
    co2_per_fuel: Floats
    fuel_of: NDArray[np.int64]
    grade: NDArray[np.int8]
    missing: Mapping[str, str]

    def regimes(self, area: NDArray[np.int64], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Fuel regime of each (area, moment); moments in microseconds since 1970, UTC."""
        period = np.searchsorted(self.places.period_start_us, time_us, side="right") - 1
        return self.places.regime[area, np.maximum(period, 0)].astype(np.int64)


def _moment(day: date | datetime) -> datetime:
    if isinstance(day, datetime):
        return day if day.tzinfo else day.replace(tzinfo=UTC)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def fleet_of(
    ships: Sequence[ShipEnergy],
    first: date | datetime,
    last: date | datetime,
    *,
    areas: Sequence[str] = NORTH_AMERICA,
    gwp: str = "ar5",
    sea_margin: float | None = None,
) -> Fleet:
    """Resolve the factors of ships for a period.

    Parameters
    ----------
    ships : all by the same method.
    first, last : first and last day of the activity, UTC; the fuel rules of this period hold.
    areas : control areas by name, as in table ``eca_date``.
    gwp : ``ar4``, ``ar5`` or ``ar6``; 100 years.
    sea_margin : fraction on propulsion power at sea; None: the published 0.15 (``epa-2022`` only).

    Raises
    ------
    DataError
        listing what is wrong with the arguments.
    MissingFactorError
        for a day before the first fuel rule, an unknown area, or an engine without factors.
    """
    faults = []
    methods = sorted({ship.method for ship in ships})
    if len(methods) != 1:
        faults.append(Fault("ships", f"methods {', '.join(methods) or 'none'}", "Give ships, all by one method"))
    if gwp not in GWP_SETS:
        faults.append(Fault("gwp", f"'{gwp}'", f"Give one of: {', '.join(GWP_SETS)}"))
    if sea_margin is not None and not 0.0 <= sea_margin <= 1.0:
        faults.append(Fault("sea_margin", f"{sea_margin:g}", "Give a fraction from 0 to 1"))
    if _moment(last) < _moment(first):
        faults.append(Fault("last", f"{last}", f"Give a day not before the first, {first}"))
    if faults:
        raise DataError("The ships' energy cannot be set up.", faults)
    method = methods[0]
    arrays, labels, profiles = vessel_arrays(register_of([ship.particulars for ship in ships]), method)
    arrays = arrays._replace(
        aux_kw=np.array([ship.aux_kw for ship in ships]), boiler_kw=np.array([ship.boiler_kw for ship in ships])
    )
    places = resolve_places([Area(area) for area in areas], _moment(first), _moment(last))
    factors, grades, missing = resolve_factors(profiles, places.places, method, gwp)
    co2_per_fuel, fuel_of = _fuels(profiles, places, method, gwp)
    limits = published_limits(Settings())
    if sea_margin is not None:
        limits = limits._replace(sea_margin_at_sea=sea_margin, sea_margin_coastal=sea_margin)
    co2e = np.maximum(grades[:, :, _CO2E], grades[:, :, _WTT])
    return Fleet(
        ships=tuple(ships),
        method=method,
        gwp=gwp,
        areas=tuple(areas),
        vessels=arrays,
        factors=factors,
        places=places,
        limits=limits,
        co2_per_fuel=co2_per_fuel,
        fuel_of=fuel_of,
        grade=np.maximum(labels.input_grade, co2e[arrays.profile]),
        missing=missing,
    )


def _fuels(profiles: Sequence[Profile], places: Places, method: str, gwp: str) -> tuple[Floats, NDArray[np.int64]]:
    """CO2 per mass of fuel and the fuel of each source: what turns CO2 back into the fuel it came from."""
    shape = (len(profiles), len(places.places), 3)
    carbon, number = np.ones(shape), np.zeros(shape, np.int64)
    for p, profile in enumerate(profiles):
        for r, place in enumerate(places.places):
            sheet = factor_sheet(profile, place, method, gwp)
            for s, engine in enumerate((profile.engine, profile.aux_engine, "BOILER")):
                number[p, r, s] = FUEL_NAMES.index(sheet.fuel[s])
                if "co2" in sheet.factors[s]:
                    query = factor_query(engine, sheet.fuel[s], 0, 1.0, None, method, gwp, "after_2000", baseline=True)
                    carbon[p, r, s] = sheet.factors[s]["co2"].value / fuel_consumption(query)[0]
    return carbon, number


@dataclass(frozen=True)
class EnergyColumns:
    """Energy, fuel and emissions of many items, in their order.

    Attributes
    ----------
    hours : ``(n,)``.
    load : load of the main engine, fraction of installed power, ``(n,)``.
    kwh : work of main engine, auxiliary engines, boiler and shore power, ``(n, 4)``.
    source_fuel_t : fuel burnt [t] by source and `FUEL_NAMES`, ``(n, 3, 6)``, or ``(n, 1, 6)`` with sources summed.
    pollutants : names of the last axis of `grams`; ``co2e`` is tank-to-wake.
    grams : mass emitted [g], NaN where no factor is published; ``(n, 3, pollutants)`` by main engine, auxiliary
        engines and boiler, or ``(n, 1, pollutants)`` with sources summed.
    """

    hours: Floats
    load: Floats
    kwh: Floats
    source_fuel_t: Floats
    pollutants: tuple[str, ...]
    grams: Floats

    @property
    def fuel_t(self) -> Floats:
        """Fuel burnt [t] by `FUEL_NAMES`, all sources, ``(n, 6)``."""
        total: Floats = self.source_fuel_t.sum(axis=1)
        return total

    def of(self, pollutant: str) -> Floats:
        """Mass of a pollutant [g], all sources, ``(n,)``; ``wtw_co2e`` is tank-to-wake plus well-to-tank."""
        if pollutant == "wtw_co2e":
            return self.of("co2e") + self.of("wtt_co2e")
        total: Floats = self.grams[:, :, self.pollutants.index(pollutant)].sum(axis=1)
        return total


def _columns(length: int, faults: list[Fault], **given: object) -> dict[str, Floats]:
    """Arguments as float64 columns of one length; scalars are repeated."""
    columns = {}
    for name, value in given.items():
        column = np.asarray(value, np.float64)
        if column.ndim == 0:
            column = np.full(length, column)
        if column.shape != (length,):
            faults.append(Fault(name, f"shape {column.shape}", f"Give one value or {length} of them"))
            column = np.zeros(length)
        columns[name] = np.ascontiguousarray(column)
    return columns


def _wrong(name: str, column: Floats, bad: NDArray[np.bool_], remedy: str, faults: list[Fault]) -> None:
    faults += [Fault(f"{name}, item {at}", f"{column[at]:g}", remedy) for at in np.flatnonzero(bad).tolist()]


def _ship_rows(ship_index: object, count: int, faults: list[Fault]) -> NDArray[np.int64]:
    rows = np.atleast_1d(np.asarray(ship_index, np.int64))
    bad = (rows < 0) | (rows >= count)
    faults += [
        Fault(f"ship_index, item {at}", f"{rows[at]}", f"Give a number from 0 to {count - 1}")
        for at in np.flatnonzero(bad).tolist()
    ]
    return np.where(bad, 0, rows)


def _price(
    fleet: Fleet,
    ship: NDArray[np.int64],
    mode: NDArray[np.int64],
    speed_kn: Floats,
    draught_m: Floats,
    hours: Floats,
    regime: NDArray[np.int64],
    shore_h: Floats,
    coastal: bool,
    pollutants: Sequence[str],
    by_source: bool,
) -> EnergyColumns:
    n = len(ship)
    wanted = np.array([PRICED.index(name) for name in pollutants], np.int64)
    sources = 3 if by_source else 1
    load, kwh, fuel_g = np.empty(n), np.zeros((n, 4)), np.zeros((n, sources, len(FUEL_NAMES)))
    grams = np.zeros((n, sources, len(wanted)))

    def part(begin: int, end: int) -> None:
        at = slice(begin, end)
        price_items(
            ship[at],
            mode[at],
            speed_kn[at],
            draught_m[at],
            hours[at],
            regime[at],
            shore_h[at],
            np.full(end - begin, int(coastal), np.int64),
            fleet.vessels,
            fleet.factors,
            fleet.limits,
            fleet.co2_per_fuel,
            fleet.fuel_of,
            wanted,
            int(by_source),
            load[at],
            kwh[at],
            fuel_g[at],
            grams[at],
        )

    if n <= ITEMS_PER_PART:
        part(0, n)
    else:  # items do not touch each other, so how they are divided moves no digit
        edges = [*range(0, n, ITEMS_PER_PART), n]
        with ThreadPoolExecutor() as pool:
            list(pool.map(part, edges[:-1], edges[1:]))
    return EnergyColumns(hours.sum(axis=1), load, kwh, fuel_g / 1e6, tuple(pollutants), grams)


def _check_pollutants(pollutants: Sequence[str], faults: list[Fault]) -> None:
    for name in pollutants:
        if name not in PRICED:
            faults.append(Fault("pollutants", f"'{name}'", f"Give names among: {', '.join(PRICED)}"))


def _moments(value: object, count: int, faults: list[Fault]) -> Whole:
    """Moments as microseconds since 1970: a day, a datetime64 array or whole microseconds."""
    if isinstance(value, date):
        value = np.datetime64(_moment(value).astimezone(UTC).replace(tzinfo=None), "us")
    moments = np.asarray(value)
    if moments.dtype.kind == "M":
        moments = moments.astype("datetime64[us]")
    column = moments.astype(np.int64)
    if column.ndim == 0:
        column = np.full(count, column)
    if column.shape != (count,):
        faults.append(Fault("time", f"shape {column.shape}", f"Give one moment or {count} of them"))
        column = np.zeros(count, np.int64)
    return column


def _area_column(area: object, fleet: Fleet, count: int, faults: list[Fault]) -> Whole:
    column = np.asarray(area, np.int64)
    if column.ndim == 0:
        column = np.full(count, column)
    bad = (column < 0) | (column > len(fleet.areas))
    if column.shape != (count,) or bad.any():
        named = ", ".join(f"{at} {name}" for at, name in enumerate(fleet.areas, start=1))
        faults.append(Fault("area", "not one number per item of a known area", f"Give 0 for none, or {named}"))
        return np.zeros(count, np.int64)
    return column


def sail_many(
    fleet: Fleet,
    ship_index: object,
    distance_nm: object,
    speed_kn: object,
    *,
    time: object,
    eca_nm: object = 0.0,
    eca_area: object = 1,
    mode: str = "transit",
    draught_m: object = np.nan,
    coastal: bool = False,
    pollutants: Sequence[str] = DEFAULT_POLLUTANTS,
    by_source: bool = False,
) -> EnergyColumns:
    """Energy, fuel and emissions of passages at steady speed.

    Parameters
    ----------
    fleet : the ships and their factors.
    ship_index : row of the ship in ``fleet.ships``, ``(n,)``.
    distance_nm, speed_kn : length [nm] and speed [kn], ``(n,)`` or one value. A speed above the ship's maximum is
        priced at full load; that it is too high is the caller's to judge.
    time : departure, UTC: ``datetime64``, microseconds since 1970, or one day. It decides the fuel rules.
    eca_nm : miles of it inside a control area, at most `distance_nm`.
    eca_area : which area, a number of ``fleet.areas`` from 1 on.
    mode : hotel load: ``transit``, ``manoeuvring``, or ``by_load`` (manoeuvring up to 20 % load, as the inventory's
        kernel decides).
    draught_m : NaN: unknown.
    coastal : take the coastal sea margin, 0.10, instead of 0.15.
    pollutants : of ``PRICED``.
    by_source : keep main engine, auxiliary engines and boiler apart.

    Returns
    -------
    EnergyColumns

    Raises
    ------
    DataError
        listing every item that is out of range.
    """
    faults: list[Fault] = []
    ship = _ship_rows(ship_index, len(fleet.ships), faults)
    n = len(ship)
    given = _columns(n, faults, distance_nm=distance_nm, speed_kn=speed_kn, eca_nm=eca_nm, draught_m=draught_m)
    distance, speed, inside = given["distance_nm"], given["speed_kn"], given["eca_nm"]
    _wrong("distance_nm", distance, ~((distance >= 0.0) & np.isfinite(distance)), "Give nm, zero or more", faults)
    _wrong("speed_kn", speed, ~((speed > 0.0) & np.isfinite(speed)), "Give kn above zero", faults)
    too_long = ~((inside >= 0.0) & (inside <= distance * (1 + 1e-9)))
    _wrong("eca_nm", inside, too_long, "Give nm from zero to the distance", faults)
    _check_pollutants(pollutants, faults)
    if mode not in SEA_MODES:
        faults.append(Fault("mode", f"'{mode}'", f"Give one of: {', '.join(SEA_MODES)}"))
    area = _area_column(eca_area, fleet, n, faults)
    moments = _moments(time, n, faults)
    if faults:
        raise DataError("The passages cannot be priced.", faults)
    inside = np.minimum(inside, distance)
    hours = np.stack([(distance - inside) / speed, inside / speed], axis=1)
    regime = np.stack([fleet.regimes(np.zeros(n, np.int64), moments), fleet.regimes(area, moments)], axis=1)
    how = np.full(n, BY_LOAD if mode == "by_load" else MODE_NAMES.index(mode), np.int64)
    none = np.zeros(n)
    return _price(fleet, ship, how, speed, given["draught_m"], hours, regime, none, coastal, pollutants, by_source)


def stay_many(
    fleet: Fleet,
    ship_index: object,
    hours: object,
    mode: object,
    *,
    time: object,
    area: object = 0,
    shore_power_h: object = 0.0,
    pollutants: Sequence[str] = DEFAULT_POLLUTANTS,
    by_source: bool = False,
) -> EnergyColumns:
    """Energy, fuel and emissions of ships that lie still: at berth, at anchor, adrift. The main engine is off.

    Parameters
    ----------
    fleet, ship_index, time, pollutants, by_source : as `sail_many`.
    hours : length of the stay [h], ``(n,)`` or one value.
    mode : name of a mode, or its numbers ``(n,)``, see `sealane.emissions.layout.Mode`.
    area : control area the place lies in, a number of ``fleet.areas``; 0: none.
    shore_power_h : hours of it connected to shore power; auxiliary engines are off, boilers are not.

    Raises
    ------
    DataError
        listing every item that is out of range.
    """
    faults: list[Fault] = []
    ship = _ship_rows(ship_index, len(fleet.ships), faults)
    n = len(ship)
    given = _columns(n, faults, hours=hours, shore_power_h=shore_power_h)
    length, shore = given["hours"], given["shore_power_h"]
    _wrong("hours", length, ~((length >= 0.0) & np.isfinite(length)), "Give hours, zero or more", faults)
    too_long = ~((shore >= 0.0) & (shore <= length * (1 + 1e-9)))
    _wrong("shore_power_h", shore, too_long, "Give hours from zero to the stay's", faults)
    _check_pollutants(pollutants, faults)
    if isinstance(mode, str):
        if mode not in MODE_NAMES:
            faults.append(Fault("mode", f"'{mode}'", f"Give one of: {', '.join(MODE_NAMES)}"))
            mode = "berth"
        mode = MODE_NAMES.index(mode)
    how = np.broadcast_to(np.asarray(mode, np.int64), (n,)).copy()
    if ((how < 0) | (how > int(max(Mode)))).any():
        faults.append(Fault("mode", "a number that is no mode", f"Give 0 to {int(max(Mode))}"))
    places = _area_column(area, fleet, n, faults)
    moments = _moments(time, n, faults)
    if faults:
        raise DataError("The stays cannot be priced.", faults)
    both = np.stack([length, np.zeros(n)], axis=1)
    regime = np.repeat(fleet.regimes(places, moments)[:, None], 2, axis=1)
    still, unknown = np.zeros(n), np.full(n, np.nan)
    return _price(fleet, ship, how, still, unknown, both, regime, shore, False, pollutants, by_source)
