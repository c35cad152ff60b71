"""Engine profiles: every emission factor that a run can need, resolved once, before the kernel starts.

A profile is what two ships must share to have the same factors: engines, tier, keel year, fuel. A regime is a place
(inside which control area, or none) during a period of the fuel rules. Each (profile, regime) has one row of factors
for the main engine, the auxiliary engines and the boiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sealane.emissions.emission_factors import POLLUTANTS, Factor, emission_factor, explained_factors
from sealane.emissions.fuel_rules import (
    Regime,
    eca_in_force,
    effective_tier,
    fuel_for_engine,
    regime_for,
    regime_table,
)
from sealane.emissions.layout import N_PRICED, PRICED, FactorArrays
from sealane.emissions.low_load import LLAF_ROW, low_load_coefficients
from sealane.emissions.propulsion import load_based_sfc_factor
from sealane.emissions.well_to_tank import well_to_tank
from sealane.errors import MissingFactorError
from sealane.reference import load_table

GRADES = "ABCD"
_WTT, _BC = PRICED.index("wtt_co2e"), PRICED.index("bc")


class Profile(NamedTuple):
    """What decides a ship's emission factors; codes of `sealane.emissions.engines`."""

    engine: str
    aux_engine: str
    tier: int
    keel_year: int | None
    fuel: str | None


@dataclass(frozen=True)
class Place:
    """One (control area, period): the fuel rule that binds there and then.

    Attributes
    ----------
    area : name of the control area, or '' outside all of them.
    nox_area : NOx area whose Tier III rule binds, or None.
    regime : fuel and sulphur.
    """

    area: str
    nox_area: str | None
    regime: Regime

    @property
    def name(self) -> str:
        """As printed in the tables, e.g. ``north_american: MGO 0.1 % S``."""
        where = self.area if self.regime.inside_eca else "outside control areas"
        return f"{where}: {self.regime.fuel} {self.regime.sulphur_pct:g} % S"


@dataclass(frozen=True)
class Places:
    """Regimes of a run.

    Attributes
    ----------
    places : the regimes, rows of `FactorArrays`.
    period_start_us : first moment of each period, shape ``(periods,)``.
    regime : row of ``places`` by control area and period, ``(areas, periods)``.
    """

    places: tuple[Place, ...]
    period_start_us: NDArray[np.int64]
    regime: NDArray[np.int32]


def _micros(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


class Area(NamedTuple):
    """A control area as a zone names it.

    ``nox_area`` is None for an area that binds sulphur only; ``valid_from`` None for one that always has.
    """

    nox_area: str | None
    valid_from: date | None = None

    def binds(self, day: date) -> bool:
        """True if the area's sulphur limit is in force on this day."""
        if self.valid_from is not None and day < self.valid_from:
            return False
        return self.nox_area is None or eca_in_force(self.nox_area, day)


def resolve_places(areas: Sequence[Area], first: datetime, last: datetime) -> Places:
    """Regimes of every control area for the periods between two moments.

    Parameters
    ----------
    areas : control areas in the kernel's numbering; number 0 is outside all of them and not listed.
    first, last : first and last moment of the data, UTC.

    Raises
    ------
    MissingFactorError
        if the data begin before the first fuel rule.
    """
    starts = {regime.valid_from for regime in regime_table()}
    starts |= {load_table("eca_date").row(area.nox_area).valid_from for area in areas if area.nox_area}
    starts |= {area.valid_from for area in areas if area.valid_from}
    days = sorted(day for day in starts if day <= last.date())
    current = [day for day in days if day <= first.date()]
    days = [max(current, default=first.date()), *(day for day in days if day > first.date())]
    places: list[Place] = []
    table = np.zeros((len(areas) + 1, len(days)), np.int32)
    for number, area in enumerate((None, *areas)):
        for period, day in enumerate(days):
            on = max(day, first.date())
            inside = area is not None and area.binds(on)
            nox_area = area.nox_area if area and inside else None
            place = Place(
                area=(nox_area or "control area") if inside else "",
                nox_area=nox_area,
                regime=regime_for(on, inside),
            )
            if place not in places:
                places.append(place)
            table[number, period] = places.index(place)
    return Places(tuple(places), np.array([_micros(day) for day in days], np.int64), table)


@dataclass(frozen=True)
class FactorSheet:
    """Resolved factors of one profile in one regime: by source, then pollutant.

    ``factors[source][pollutant]`` is the `Factor`; ``upstream[source]`` that of well-to-tank CO2e.
    """

    fuel: tuple[str, str, str]
    sulphur_pct: tuple[float, float, float]
    tier: int
    factors: tuple[dict[str, Factor], dict[str, Factor], dict[str, Factor]]
    upstream: tuple[Factor, ...]
    missing: dict[str, str]


def factor_sheet(profile: Profile, place: Place, method: str, gwp: str, *, low: bool = False) -> FactorSheet:
    """Resolve every factor of one profile in one regime.

    Parameters
    ----------
    profile, place : see there.
    method, gwp : as in `emission_factor`.
    low : below the load at which a Tier III main engine emits at Tier II.
    """
    tier = effective_tier(profile.tier, profile.keel_year, place.nox_area)
    load = 0.02 if low else 1.0
    fuels, sulphurs, factors, upstream = [], [], [], []
    missing: dict[str, str] = {}
    for engine in (profile.engine, profile.aux_engine, "BOILER"):
        fuel, sulphur_pct, _ = fuel_for_engine(place.regime, engine)
        if engine == profile.engine and profile.fuel and profile.fuel != fuel:
            # The user's word decides the fuel, the limit in force its sulphur.
            fuel = profile.fuel
            usual_pct = 0.0 if fuel == "LNG" else load_table("fuel_default_sulphur").row(fuel).value
            sulphur_pct = min(usual_pct, place.regime.sulphur_pct)
        vector = explained_factors(engine, fuel, tier, load, sulphur_pct, method, gwp)
        found = dict(vector.factors)
        if method == "imo4-2020" and engine == profile.engine:
            try:
                found["bc"] = emission_factor("bc", engine, fuel, tier, 1.0, sulphur_pct, method, gwp)
            except MissingFactorError as error:
                missing[f"{engine} bc"] = str(error)
        missing.update({f"{engine} {name}": why for name, why in vector.missing.items() if name not in found})
        fuels.append(fuel)
        sulphurs.append(sulphur_pct)
        factors.append(found)
        upstream.append(well_to_tank(engine, fuel, 1.0, method, baseline=True))
    return FactorSheet(
        fuel=(fuels[0], fuels[1], fuels[2]),
        sulphur_pct=(sulphurs[0], sulphurs[1], sulphurs[2]),
        tier=tier,
        factors=(factors[0], factors[1], factors[2]),
        upstream=tuple(upstream),
        missing=missing,
    )


def _vector(sheet: FactorSheet, source: int, method: str) -> NDArray[np.float64]:
    """Priced factors of one source; black carbon stands at full load, its exponent apart."""
    values = np.full(N_PRICED, np.nan)
    for at, name in enumerate(POLLUTANTS):
        if name in sheet.factors[source]:
            values[at] = sheet.factors[source][name].value
    if method == "imo4-2020" and source == 0:
        values[_BC] /= load_based_sfc_factor(1.0)  # so that consumption and the load's power law come on top
    values[_WTT] = sheet.upstream[source].value
    return values


def _grades(sheet: FactorSheet, source: int) -> NDArray[np.int8]:
    grades = np.zeros(N_PRICED, np.int8)
    for at, name in enumerate(POLLUTANTS):
        if name in sheet.factors[source]:
            grades[at] = GRADES.index(sheet.factors[source][name].grade)
    grades[_WTT] = GRADES.index(sheet.upstream[source].grade)
    return grades


def resolve_factors(
    profiles: Sequence[Profile], places: Sequence[Place], method: str, gwp: str
) -> tuple[FactorArrays, NDArray[np.int8], dict[str, str]]:
    """Factors of all profiles in all regimes.

    Returns
    -------
    arrays : for the kernel.
    grades : worst grade of the rows behind each factor, 0 for A to 3 for D; ``(profiles, 3, PRICED)``.
    missing : why a pollutant has no factor, by engine and pollutant.
    """
    shape = (max(len(profiles), 1), max(len(places), 1), N_PRICED)
    arrays = [np.full(shape, np.nan) for _ in range(4)]
    sulphur = np.zeros(shape[:2])
    exponent = np.zeros(shape[:2])
    grades = np.zeros((shape[0], 3, N_PRICED), np.int8)
    missing: dict[str, str] = {}
    for p, profile in enumerate(profiles):
        for r, place in enumerate(places):
            sheet = factor_sheet(profile, place, method, gwp)
            below = factor_sheet(profile, place, method, gwp, low=True)
            arrays[0][p, r] = _vector(sheet, 0, method)
            arrays[1][p, r] = _vector(below, 0, method)
            arrays[2][p, r] = _vector(sheet, 1, method)
            arrays[3][p, r] = _vector(sheet, 2, method)
            sulphur[p, r] = sheet.sulphur_pct[0] / 100.0
            if "bc" in sheet.factors[0]:
                exponent[p, r] = sheet.factors[0]["bc"].rows[-1].value
            for source in range(3):
                grades[p, source] = np.maximum(grades[p, source], _grades(sheet, source))
            missing.update(sheet.missing)
    llaf = np.full((N_PRICED, 3), np.nan)
    for name in LLAF_ROW:
        llaf[PRICED.index(name)] = low_load_coefficients(name)
    potential = np.array([load_table("gwp100").row(gwp, gas).value for gas in ("ch4", "n2o")])
    return (
        FactorArrays(
            main=arrays[0],
            main_low=arrays[1],
            auxiliary=arrays[2],
            boiler=arrays[3],
            sulphur_fraction=sulphur,
            bc_exponent=exponent,
            gwp=potential,
            llaf=llaf,
            imo4=method == "imo4-2020",
        ),
        grades,
        missing,
    )


def pollutants_without_factor(factors: FactorArrays) -> frozenset[str]:
    """Pollutants that no engine of any profile has a factor for."""
    sources = (factors.main, factors.auxiliary, factors.boiler)
    return frozenset(name for p, name in enumerate(PRICED[:-1]) if all(np.isnan(a[..., p]).all() for a in sources))
