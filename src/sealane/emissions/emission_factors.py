"""Emission factors of ocean-going vessels in g/kWh: method ``epa-2022`` and ``imo4-2020``.

`emission_factor` gives one factor with its equation, the rows it rests on and their worst grade; it leaves the low-load
adjustment out (see `sealane.emissions.low_load`). `factor_vector` gives all pollutants at once for the kernel.

``imo4-2020`` takes fuel consumption from the Fourth IMO GHG Study and works out CO2, CH4, N2O, SO2 and BC from it;
NOx, HC, CO and the base of PM10 are the same rows as in ``epa-2022``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sealane.emissions.engines import ENGINES, FUELS
from sealane.emissions.factor_query import EPA, FactorQuery, constant, factor_query, fuel_consumption, fuel_key
from sealane.emissions.propulsion import LOAD_FLOOR
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.movement.compiled import njit
from sealane.reference import FactorRow, load_table

PERCENT = 0.01
POLLUTANTS = ("co2", "ch4", "n2o", "co2e", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co", "bc")


@dataclass(frozen=True)
class Factor:
    """One emission factor and where it comes from.

    Attributes
    ----------
    pollutant, engine, fuel : codes.
    value : [g/kWh] of shaft work (boiler: of heat load as tabulated).
    equation : how the value follows from the rows.
    rows : every published row used.
    assumptions : choices of this project on the way; any makes the grade D.
    tier, load, sulphur_pct, method, gwp : inputs as used, defaults filled in.
    """

    pollutant: str
    engine: str
    fuel: str
    value: float
    equation: str
    rows: tuple[FactorRow, ...]
    assumptions: tuple[str, ...]
    tier: int
    load: float
    sulphur_pct: float
    method: str
    gwp: str

    @property
    def unit(self) -> str:
        """Always g/kWh."""
        return "g/kWh"

    @property
    def grade(self) -> str:
        """Worst grade of the rows; D where an assumption was needed; A for a value that holds by definition."""
        return "D" if self.assumptions else max((row.grade for row in self.rows), default="A")


@njit(nogil=True, cache=True)
def co2_factor(bsfc_g_per_kwh: float, carbon_g_per_g: float) -> float:
    """CO2 [g/kWh] = fuel consumption [g/kWh] x CO2 per mass of fuel [g/g].

    Source: EPA-420-B-22-011; MEPC 63/23 Annex 8 conversion factors. Serves CH4 and N2O per mass of fuel alike.
    """
    return bsfc_g_per_kwh * carbon_g_per_g


@njit(nogil=True, cache=True)
def so2_factor(bsfc_g_per_kwh: float, so2_per_s_mass: float, sulphur_to_so2: float, sulphur_pct: float) -> float:
    """SO2 [g/kWh] = BSFC x 2 x 0.97753 x S: mass ratio SO2 to S, share of sulphur that leaves as SO2, S as a fraction.

    Parameters
    ----------
    sulphur_pct : sulphur of the fuel [% by mass].

    Source: EPA-420-B-22-011; USEPA Marine_Emissions_Tools.
    """
    return bsfc_g_per_kwh * so2_per_s_mass * sulphur_to_so2 * (sulphur_pct * PERCENT)


@njit(nogil=True, cache=True)
def pm10_factor(
    pm_base_g_per_kwh: float, sulphur_pct: float, bsfc_g_per_kwh: float, sulphate_pct: float, sulphate_mass: float
) -> float:
    """PM10 [g/kWh] = PM base + S x BSFC x FSC x MWR: the sulphate share of the fuel's sulphur on top of a base.

    Parameters
    ----------
    pm_base_g_per_kwh : particulate matter without sulphate [g/kWh].
    sulphur_pct : sulphur of the fuel [% by mass].
    sulphate_pct : FSC, share of sulphur that becomes sulphate [%].
    sulphate_mass : MWR, mass of hydrated sulphate by mass of sulphur [-].

    Source: EPA 2009 Category 3 Regulatory Impact Analysis in the form of EPA-420-B-22-011.
    """
    return pm_base_g_per_kwh + (sulphur_pct * PERCENT) * bsfc_g_per_kwh * (sulphate_pct * PERCENT) * sulphate_mass


def _factor(
    query: FactorQuery,
    pollutant: str,
    value: float,
    equation: str,
    rows: tuple[FactorRow, ...],
    assumptions: tuple[str, ...] = (),
) -> Factor:
    return Factor(
        pollutant=pollutant,
        engine=query.engine,
        fuel=query.fuel,
        value=float(value),
        equation=equation,
        rows=rows,
        assumptions=assumptions,
        tier=query.tier,
        load=query.load,
        sulphur_pct=query.sulphur_pct,
        method=query.method,
        gwp=query.gwp,
    )


def _co2(query: FactorQuery) -> Factor:
    consumption, words, rows = fuel_consumption(query)
    if query.method == EPA:
        carbon = load_table("fuel_co2").row(fuel_key(query, "rows"))
    else:
        carbon = load_table("imo4_fuel_properties").row(fuel_key(query, "properties"), "cf_co2")
    return _factor(query, "co2", co2_factor(consumption, carbon.value), f"{words} x Cf", (*rows, carbon))


def _by_fuel_mass(query: FactorQuery, gas: str) -> Factor:
    """CH4 or N2O from the mass of fuel; the methane slip of gas engines comes on top of CH4."""
    consumption, words, rows = fuel_consumption(query)
    mass = load_table("imo4_fuel_properties").row(fuel_key(query, "properties"), f"cf_{gas}")
    equation, assumptions = f"{words} x Cf {gas.upper()}", ()
    per_mass = mass.value
    used: tuple[FactorRow, ...] = (*rows, mass)
    if gas == "ch4" and query.fuel == "LNG" and ENGINES[query.engine].row == "LNG":
        slip = load_table("fueleu_annex2_fossil").row("LNG", "Otto dual-fuel medium speed", "slip")
        per_mass += slip.value * PERCENT
        equation = f"{words} x (Cf CH4 + slip)"
        return _factor(
            query,
            gas,
            co2_factor(consumption, per_mass),
            equation,
            (*used, slip),
            ("the gas engine is taken for an Otto dual-fuel engine of medium speed, the highest methane slip listed",),
        )
    return _factor(query, gas, co2_factor(consumption, per_mass), equation, used, assumptions)


def _ch4_n2o(query: FactorQuery, gas: str) -> Factor:
    """Row by engine where one is published (epa-2022), otherwise the default per mass of fuel."""
    engine = ENGINES[query.engine]
    table = load_table("ogv_ch4_n2o")
    if query.method == EPA:
        key = (gas, engine.group, engine.row, fuel_key(query, "rows"))
        if table.has(*key):
            row = table.row(*key)
            return _factor(query, gas, row.value, "row", (row,))
    return _by_fuel_mass(query, gas)


def _co2e(query: FactorQuery) -> Factor:
    parts = (_co2(query), _ch4_n2o(query, "ch4"), _ch4_n2o(query, "n2o"))
    gwp = tuple(load_table("gwp100").row(query.gwp, part.pollutant) for part in parts)
    value = sum(part.value * row.value for part, row in zip(parts, gwp, strict=True))
    rows = tuple(dict.fromkeys(row for part in parts for row in part.rows)) + gwp
    assumptions = tuple(note for part in parts for note in part.assumptions)
    return _factor(query, "co2e", value, "CO2 + GWP CH4 x CH4 + GWP N2O x N2O", rows, assumptions)


def _nox(query: FactorQuery) -> Factor:
    engine = ENGINES[query.engine]
    limit = constant("tier3_min_load")
    tier, words, rows = query.tier, "row", ()
    if not engine.diesel:
        tier, words = 0, "row; tiers bind diesel engines only"
    used: tuple[FactorRow, ...] = rows
    if tier == 3 and engine.group == "propulsion" and query.load < limit.value:
        tier, words, used = 2, "row of Tier II: below 25 % load a Tier III main engine emits at Tier II", (limit,)
    row = load_table("ogv_nox").row(engine.group, engine.row, fuel_key(query, "rows"), str(tier))
    return _factor(query, "nox", row.value, words, (row, *used))


def _so2(query: FactorQuery) -> Factor:
    consumption, words, rows = fuel_consumption(query)
    if query.fuel == "LNG":
        gas = constant("lng_so2")
        return _factor(query, "so2", co2_factor(consumption, gas.value), f"{words} x SO2 per mass of LNG", (*rows, gas))
    mass, share = constant("so2_per_s_mass"), constant("sulphur_to_so2")
    value = so2_factor(consumption, mass.value, share.value, query.sulphur_pct)
    return _factor(query, "so2", value, f"{words} x 2 x 0.97753 x S", (*rows, mass, share, *query.rows))


def _pm10(query: FactorQuery) -> Factor:
    engine = ENGINES[query.engine]
    fuel = fuel_key(query, "rows")
    fixed = load_table("ogv_pm10_fixed")
    if engine.group != "boiler" and fixed.has(engine.row, fuel):
        row = fixed.row(engine.row, fuel)
        return _factor(query, "pm10", row.value, "row", (row,))
    # The base is published for the baseline consumption, so the load does not move it.
    consumption, words, rows = fuel_consumption(replace(query, baseline=True))
    coefficients = load_table("ogv_pm_sulphur")
    base, share, mass = (coefficients.row(fuel, symbol) for symbol in ("PMnom", "FSC", "MWR"))
    value = pm10_factor(base.value, query.sulphur_pct, consumption, share.value, mass.value)
    used = (base, share, mass, *rows, *query.rows)
    return _factor(query, "pm10", value, f"PM base + S x {words} x FSC x MWR", used)


def _pm25(query: FactorQuery) -> Factor:
    pm10, ratio = _pm10(query), constant("pm25_to_pm10")
    return _factor(query, "pm25", pm10.value * ratio.value, "0.92 PM10", (*pm10.rows, ratio))


def _dpm(query: FactorQuery) -> Factor:
    if not ENGINES[query.engine].diesel:
        return _factor(query, "dpm", 0.0, "0: diesel particulate matter comes from diesel engines only", ())
    pm10 = _pm10(query)
    return _factor(query, "dpm", pm10.value, "PM10", pm10.rows)


def _hc_co(query: FactorQuery, pollutant: str) -> Factor:
    engine = ENGINES[query.engine]
    # The rows name no fuel; they hold for the fuels that the engine is published to burn, not for a diesel on gas.
    load_table("ogv_bsfc").row(engine.group, engine.row, fuel_key(query, "rows"))
    row = load_table("ogv_hc_co").row(pollutant, engine.group, engine.row)
    return _factor(query, pollutant, row.value, "row", (row,))


def _bc(query: FactorQuery) -> Factor:
    """Black carbon of diesel main engines by load and stroke type, Fourth IMO GHG Study equations 18 to 21.

    The load is held at the floor of the propulsion law (2 %): the power law grows without bound towards zero.
    """
    engine = ENGINES[query.engine]
    fuel = FUELS[query.fuel].imo4
    diesel_main = engine.group == "propulsion" and engine.diesel
    no_load = query.baseline or query.load <= 0.0
    if query.method == EPA or not diesel_main or fuel not in ("HFO", "MDO") or no_load:
        raise MissingFactorError(
            f"No black carbon factor is held for engine {query.engine}, fuel {query.fuel}, method {query.method}"
            f"{', at no known load' if no_load else ''}. Method imo4-2020 has one for diesel main engines on oil at a "
            "given load; for all others give the factor yourself, with its source."
        )
    kind = f"bc_{engine.strokes}stroke_{'hfo' if fuel == 'HFO' else 'mdo'}"
    scale, exponent = (constant(f"{kind}_{part}", "imo4-2020") for part in ("factor", "exponent"))
    consumption, words, rows = fuel_consumption(query)
    value = consumption * scale.value * max(query.load, LOAD_FLOOR) ** exponent.value
    return _factor(query, "bc", value, f"{words} x c max(LF, 0.02)^n", (*rows, scale, exponent))


def _resolve(query: FactorQuery, pollutant: str) -> Factor:
    match pollutant:
        case "co2":
            return _co2(query)
        case "ch4" | "n2o":
            return _ch4_n2o(query, pollutant)
        case "co2e":
            return _co2e(query)
        case "nox":
            return _nox(query)
        case "so2":
            return _so2(query)
        case "pm10":
            return _pm10(query)
        case "pm25":
            return _pm25(query)
        case "dpm":
            return _dpm(query)
        case "hc" | "co":
            return _hc_co(query, pollutant)
        case "bc":
            return _bc(query)
    raise DataError(
        "The emission factor cannot be looked up.",
        [Fault("pollutant", f"'{pollutant}'", f"Give one of: {', '.join(POLLUTANTS)}")],
    )


def emission_factor(
    pollutant: str,
    engine: str,
    fuel: str | None = None,
    tier: int = 0,
    load: float = 1.0,
    sulphur_pct: float | None = None,
    method: str = "epa-2022",
    gwp: str = "ar5",
    age: str = "after_2000",
) -> Factor:
    """Emission factor without low-load adjustment.

    Parameters
    ----------
    pollutant : one of `POLLUTANTS`.
    engine : one of `sealane.emissions.engines.ENGINES`.
    fuel : one of `sealane.emissions.engines.FUELS`; None: what the engine burns inside an emission control area today.
    tier : NOx tier 0 to 3; engines other than diesel have none and take the Tier 0 row.
    load : fraction of installed power; below 25 % a Tier III main engine takes Tier II. In ``imo4-2020`` also the load
        at which the main engine's fuel consumption is taken.
    sulphur_pct : sulphur of the fuel [% by mass]; None: the fuel's default, table ``fuel_default_sulphur``.
    method : ``epa-2022`` or ``imo4-2020``.
    gwp : ``ar4``, ``ar5`` or ``ar6``; 100 years.
    age : generation of the engine, ``imo4-2020`` only.

    Returns
    -------
    Factor
        in g/kWh, with equation, rows and grade.

    Raises
    ------
    DataError
        listing every input that is not known or out of range.
    MissingFactorError
        if no published row answers.
    """
    return _resolve(factor_query(engine, fuel, tier, load, sulphur_pct, method, gwp, age, baseline=False), pollutant)


@dataclass(frozen=True)
class FactorVector:
    """Factors of all pollutants of one engine, in the order of `POLLUTANTS`.

    Attributes
    ----------
    values : shape ``(12,)`` [g/kWh]; NaN where no factor is published.
    factors : the factor behind each value, by pollutant; absent where NaN.
    missing : the reason for each NaN, by pollutant.
    """

    values: NDArray[np.float64]
    factors: Mapping[str, Factor]
    missing: Mapping[str, str]


def factor_vector(
    engine: str,
    fuel: str | None,
    tier: int,
    load: float,
    sulphur_pct: float | None,
    method: str = "epa-2022",
    gwp: str = "ar5",
    age: str = "after_2000",
) -> NDArray[np.float64]:
    """Factors of all pollutants at once: shape ``(12,)`` [g/kWh], NaN where none is published.

    As `emission_factor`, except that in ``imo4-2020`` fuel consumption stays at its baseline: who adjusts for load
    multiplies CO2, CH4, N2O and SO2 with `load_based_sfc_factor`. Black carbon depends on load by its own law and is
    NaN. Reasons for each NaN: `explained_factors`.
    """
    return explained_factors(engine, fuel, tier, load, sulphur_pct, method, gwp, age).values


def explained_factors(
    engine: str,
    fuel: str | None,
    tier: int,
    load: float,
    sulphur_pct: float | None,
    method: str = "epa-2022",
    gwp: str = "ar5",
    age: str = "after_2000",
) -> FactorVector:
    """As `factor_vector`, with the factor or the reason behind each value.

    Raises
    ------
    DataError
        listing every input that is not known or out of range. A missing factor does not raise here.
    """
    query = factor_query(engine, fuel, tier, load, sulphur_pct, method, gwp, age, baseline=True)
    values = np.full(len(POLLUTANTS), math.nan)
    factors: dict[str, Factor] = {}
    missing: dict[str, str] = {}
    for index, pollutant in enumerate(POLLUTANTS):
        try:
            factors[pollutant] = _resolve(query, pollutant)
        except MissingFactorError as reason:
            missing[pollutant] = str(reason)
        else:
            values[index] = factors[pollutant].value
    values.flags.writeable = False
    return FactorVector(values=values, factors=factors, missing=missing)
