"""What a scenario comes down to: arrays that `simulate` and `plan` both read, and the tables both give back.

`ScenarioModel` is a scenario file after every reference was looked up: no text is left to interpret, every number that
went in stands in `inputs` with its origin. Axes: ``Y`` years (model years, each standing for `year_weight` years),
``P`` bunkering ports, ``K`` converter families.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FAMILIES = ("oil", "methanol", "methane", "ammonia")
"""Families of energy converters. A ship of family oil burns oil-family fuels only; the others are dual-fuel: their own
family's fuels, and oil-family fuels as pilot or instead."""


class Origin(StrEnum):
    """Where an input of a scenario comes from."""

    SOURCED = "sourced"
    USER = "user"
    PLACEHOLDER = "placeholder"
    MISSING = "missing"


@dataclass(frozen=True)
class Input:
    """One assumption as used.

    Attributes
    ----------
    path : where it stands, e.g. ``fuels.e-methanol.price_usd_per_gj.CNSHA.2030``.
    value : number used; None where missing, and what needed it is then left out.
    unit : as in the name.
    origin : sourced, user, placeholder or missing.
    source : publication, the user's words, or for a missing input what to give and where.
    grade : A to D; D for placeholders.
    low, high : range for the ensemble; None where none is given.
    """

    path: str
    value: float | None
    unit: str
    origin: Origin
    source: str
    grade: str = "D"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ShipClass:
    """A class of ships on the corridor; energies are per ship and year of full service.

    Attributes
    ----------
    id, capacity_teu : name and nominal capacity [TEU].
    teu_per_year : transport one ship performs [TEU/year], both directions, at its utilisation and speed.
    propulsion_gj, electric_sea_gj : work delivered at shaft and switchboard at sea [GJ/year].
    electric_port_gj : work at the switchboard in each port [GJ/year], ``(P,)``.
    shore_share : part of `electric_port_gj` taken from shore, ``(P, Y)``, 0 to 1.
    efficiency_propulsion, efficiency_electric : work per lower heating value by family, ``(K,)``; NaN: not offered.
    pilot_share : least oil share of fuel energy by family, ``(K,)``; 1 for family oil.
    newbuild_usd : price of a new ship by family [USD], ``(K, Y)``; NaN: not offered that year.
    retrofit_usd : price of a conversion [USD] by (from family, to family), ``(K, K)``; NaN: not offered.
    opex_usd_per_year : without fuel, by family, ``(K,)``.
    cost_of_capital : per year, by family, ``(K, Y)``.
    capacity_loss : share of capacity lost to tanks by family, ``(K,)``.
    lifetime_years : of a new ship.
    existing : ships of today's fleet still in service, by family, ``(K, Y)``, not increasing over time.
    existing_follows_demand : `existing` was worked out from the transport of the first year, so that an ensemble that
        draws another transport draws another fleet of today with it.
    """

    id: str
    capacity_teu: float
    teu_per_year: float
    propulsion_gj: float
    electric_sea_gj: float
    electric_port_gj: Floats
    shore_share: Floats
    efficiency_propulsion: Floats
    efficiency_electric: Floats
    pilot_share: Floats
    newbuild_usd: Floats
    retrofit_usd: Floats
    opex_usd_per_year: Floats
    cost_of_capital: Floats
    capacity_loss: Floats
    lifetime_years: int
    existing: Floats
    existing_follows_demand: bool = False


@dataclass(frozen=True)
class FuelOption:
    """A fuel on offer.

    Attributes
    ----------
    id, family : name and converter family that burns it.
    lhv_gj_per_t : lower heating value.
    density_t_per_m3 : NaN where unknown.
    price_usd_per_gj : ``(P, Y)``; NaN: not offered there and then.
    available_gj : most that can be bunkered, ``(P, Y)``; inf: unlimited.
    wtt_g_per_mj : well-to-tank, ``(P, Y)``, credits of biogenic or captured carbon as negative numbers.
    ttw_g_per_mj : tank-to-wake CO2e with slip in a main engine of the family, combustion carbon counted.
    ttw_electric_g_per_mj : the same in an auxiliary engine.
    zero_at_combustion : True where a rule counts the combustion carbon as zero (biogenic or captured).
    combustion_co2_g_per_mj : carbon dioxide of combustion alone: what such a rule leaves out of `ttw_g_per_mj`.
    """

    id: str
    family: str
    lhv_gj_per_t: float
    density_t_per_m3: float
    price_usd_per_gj: Floats
    available_gj: Floats
    wtt_g_per_mj: Floats
    ttw_g_per_mj: float
    ttw_electric_g_per_mj: float
    zero_at_combustion: bool
    combustion_co2_g_per_mj: float = 0.0


@dataclass(frozen=True)
class Payments:
    """What rules that are switched on cost, per model year ``(Y,)``; zeros where off.

    Attributes
    ----------
    ttw_usd_per_t : price on tank-to-wake CO2e times the share of the corridor's energy in scope (EU ETS and the like).
    wtw_usd_per_t : price on well-to-wake CO2e (a levy of the user's).
    nzf_base_g_per_mj, nzf_direct_g_per_mj : GFI lines of the IMO Net-Zero Framework (draft); NaN: off.
    nzf_tier1_usd_per_t, nzf_tier2_usd_per_t : prices of remedial units.
    fueleu_limit_g_per_mj : FuelEU limit; NaN: off.
    fueleu_scope : share of energy in FuelEU's scope.
    payer : who pays each rule, rule id to party.
    status : rule id to in force, draft or user.
    usd_per_eur : exchange rate for penalties in EUR; NaN where no such rule is on.
    """

    ttw_usd_per_t: Floats
    wtw_usd_per_t: Floats
    nzf_base_g_per_mj: Floats
    nzf_direct_g_per_mj: Floats
    nzf_tier1_usd_per_t: Floats
    nzf_tier2_usd_per_t: Floats
    fueleu_limit_g_per_mj: Floats
    fueleu_scope: float
    payer: Mapping[str, str]
    status: Mapping[str, str]
    usd_per_eur: float = math.nan


@dataclass(frozen=True)
class Conversion:
    """Ships converted in one model year; simulate only.

    Attributes
    ----------
    ship_class, year : id of the class, model year.
    from_family, to_family : of `FAMILIES`.
    ships : how many.
    """

    ship_class: str
    year: int
    from_family: str
    to_family: str
    ships: float


@dataclass(frozen=True)
class Landside:
    """A group of yard equipment or drayage trucks at one port; simulate only.

    Attributes
    ----------
    id, port : name and UN/LOCODE.
    units : machines in work ``(Y,)``.
    zero_share : share of them that emits nothing where it works ``(Y,)``, not decreasing.
    energy_gj, zero_energy_gj : energy of one machine and year, conventional and replacement [GJ].
    wtw_g_per_mj, zero_wtw_g_per_mj : well-to-wake intensity of its energy ``(Y,)``.
    ttw_g_per_mj : of that, where it works; the replacement has none.
    energy_usd_per_gj, zero_energy_usd_per_gj : price of energy ``(Y,)``.
    price_usd, zero_price_usd : of a new machine.
    lifetime_years : of a machine.
    """

    id: str
    port: str
    units: Floats
    zero_share: Floats
    energy_gj: float
    zero_energy_gj: float
    wtw_g_per_mj: Floats
    zero_wtw_g_per_mj: Floats
    ttw_g_per_mj: float
    energy_usd_per_gj: Floats
    zero_energy_usd_per_gj: Floats
    price_usd: float
    zero_price_usd: float
    lifetime_years: int


@dataclass(frozen=True)
class Range:
    """What the ensemble and the tornado vary together.

    Attributes
    ----------
    driver : price, wtt, availability, newbuild_add_on, demand or efficiency.
    subjects : ids of the fuels, or families for newbuild_add_on and efficiency; empty: all.
    low, mode, high : factor on the input; for driver wtt a shift [g/MJ]. Mode is the scenario itself.
    distribution : triangular, uniform, or lognormal (low and high are then the 5th and 95th percentile).
    unit : ``1`` or ``g/MJ``.
    origin, source, grade : as `Input`.
    """

    driver: str
    subjects: tuple[str, ...]
    low: float
    mode: float
    high: float
    distribution: str
    unit: str
    origin: Origin
    source: str
    grade: str = "D"

    @property
    def name(self) -> str:
        """Driver with its subjects, as tables and charts call it."""
        return f"{self.driver}: {', '.join(self.subjects)}" if self.subjects else self.driver


@dataclass(frozen=True)
class ScenarioModel:
    """A scenario ready to be simulated or planned.

    Attributes
    ----------
    id, title, corridor, label : as in the file; label ``reference``, ``demonstration`` or ``user``.
    years, year_weight : model years ``(Y,)`` and how many years each stands for.
    ports : UN/LOCODEs ``(P,)``.
    demand_teu : transport to perform per year ``(Y,)``, both directions.
    classes, fuels : what is on offer.
    class_share : share of demand each class performs, ``(classes, Y)``; None: the plan chooses.
    cap_wtw_t : most well-to-wake CO2e per year [t], ``(Y,)``; NaN: none.
    cap_intensity_g_per_mj : most well-to-wake intensity of fuel energy ``(Y,)``; NaN: none.
    shore_g_per_mj, shore_usd_per_gj : electricity from shore, ``(P, Y)``.
    most_newbuilds, most_retrofits : ships per year over all classes, ``(Y,)``; inf: unlimited.
    payments : rules.
    discount_rate : per year.
    newbuild_mix : simulate only: share of each family among newbuilds, ``(K, Y)``.
    fuel_mix : simulate only: share of each fuel in the energy of a family, ``(K, fuels, Y)``; pilot included.
    port_mix : simulate only: share of each port in bunkering of a fuel, ``(fuels, P, Y)``.
    inputs : every assumption.
    notes : what the reader must know.
    conversions : simulate only: ships converted.
    ranges : for the ensemble and the tornado.
    landside : yard equipment and trucks, counted in rows of their own.
    """

    id: str
    title: str
    corridor: str
    label: str
    years: NDArray[np.int64]
    year_weight: Floats
    ports: tuple[str, ...]
    demand_teu: Floats
    classes: tuple[ShipClass, ...]
    fuels: tuple[FuelOption, ...]
    class_share: Floats | None
    cap_wtw_t: Floats
    cap_intensity_g_per_mj: Floats
    shore_g_per_mj: Floats
    shore_usd_per_gj: Floats
    most_newbuilds: Floats
    most_retrofits: Floats
    payments: Payments
    discount_rate: float
    newbuild_mix: Floats
    fuel_mix: Floats
    port_mix: Floats
    inputs: tuple[Input, ...]
    notes: tuple[str, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    ranges: tuple[Range, ...] = ()
    landside: tuple[Landside, ...] = ()


_TYPES = {"i": pa.int32(), "s": pa.string(), "f": pa.float64()}


def _schema(integers: str, texts: str, numbers: str) -> pa.Schema:
    named = [(name, kind) for kind, names in (("i", integers), ("s", texts), ("f", numbers)) for name in names.split()]
    return pa.schema([(name, _TYPES[kind]) for name, kind in named])


RESULT_TABLES: Mapping[str, pa.Schema] = {
    "fleet": _schema("year", "ship_class family", "ships newbuilds retrofits_in retrofits_out retired"),
    "fuel": _schema("year", "port fuel family", "energy_tj mass_t price_usd_per_gj cost_usd"),
    # item: capital, operation, fuel, shore_power, retrofit, or rule:<id>; payer: carrier or the party of the rule
    "cost": _schema("year", "item payer", "cost_usd"),
    # fossil_*: the same transport by oil ships on the cheapest fossil oil fuel
    "year": _schema(
        "year",
        "",
        "demand_teu energy_tj shore_tj wtw_t ttw_t cap_wtw_t intensity_g_per_mj cost_usd fossil_cost_usd fossil_wtw_t"
        " cost_gap_usd cost_gap_usd_per_teu abatement_usd_per_t",
    ),
    "dual": _schema("year", "constraint subject unit", "value"),
    "inputs": _schema("", "path unit origin source grade", "value low high"),
}
"""Tables of a simulated or planned scenario; ``dual`` is empty for a simulation. All money is undiscounted."""

STUDY_TABLES: Mapping[str, pa.Schema] = {
    # Quantiles over the draws; year 0: the whole run. output: as in `ensemble_draws`, or a column of table year.
    "ensemble": _schema("year draws", "output unit", "base mean p05 p25 p50 p75 p95"),
    "ensemble_draws": _schema("draw", "output unit", "value"),
    # rank 1: the driver that explains most; srrc: standardised rank regression coefficient, with its sign;
    # first_order, total_order: Sobol indices, shares of the variance
    "drivers": _schema("rank", "output driver", "srrc first_order total_order"),
    # one driver at its low and high end, all others at their mode
    "tornado": _schema("rank", "output driver unit", "low high value_low value_high base swing"),
    # ours beside what was published; lies: below, within, above, or not computed
    "published_checks": _schema("", "check words conditions unit lies explanation source", "low high ours"),
    # yard equipment and trucks, where the scenario has any
    "landside": _schema("year", "id port", "units zero_units energy_tj wtw_t ttw_t cost_usd"),
}
"""Tables a study may add to a result; one that was not asked for is not there."""

COMPARE_TABLES: Mapping[str, pa.Schema] = {
    "compare_year": pa.schema([("scenario", pa.string()), *RESULT_TABLES["year"]]),
    "compare_fuel": pa.schema(
        [("scenario", pa.string()), *_schema("year", "fuel family", "energy_tj mass_t cost_usd")]
    ),
    "compare_fleet": pa.schema([("scenario", pa.string()), *RESULT_TABLES["fleet"]]),
    # difference: to the first scenario named
    "compare_summary": _schema("", "scenario kind item unit", "value difference"),
    "compare_inputs": _schema("", "scenario path unit origin source grade", "value"),
}
"""Tables of a comparison. `compare_inputs` holds the inputs that are not the same in all scenarios."""


@dataclass(frozen=True)
class ScenarioResult:
    """What a run gives: ``tables`` as in `RESULT_TABLES`; ``summary`` single figures; ``kind`` simulate or plan.

    ``corridor`` is the id of the corridor the scenario is of.
    """

    kind: str
    scenario: str
    tables: Mapping[str, pa.Table]
    summary: Mapping[str, float | int | str]
    notes: tuple[str, ...]
    corridor: str
