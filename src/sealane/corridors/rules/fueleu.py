"""FuelEU Maritime: greenhouse gas intensity, compliance balance and penalty of a ship's year.

Regulation (EU) 2023/1805, in force for reporting periods from 2025. Banking, borrowing and pooling stand in
`sealane.corridors.rules.fueleu_flexibility`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.fuels import Pathway, gwp_set
from sealane.corridors.rules.ship_year import (
    Burnt,
    ShipYear,
    burnt,
    check_particulars,
    result_as_dict,
    scope_row,
    unique_rows,
    year_row,
)
from sealane.errors import DataError, Fault
from sealane.reference import FactorRow, load_table

EDITION = "Regulation (EU) 2023/1805"
STATUS = "in force"
FIRST_YEAR = 2025
ALLOCATIONS = ("proportional", "lowest-first")
DEFAULT_GWP = "ar4"


def constant(symbol: str) -> FactorRow:
    """Row of a single number of the regulation."""
    return load_table("rule_constants").row("fueleu", symbol)


@dataclass(frozen=True)
class FuelEuResult:
    """FuelEU Maritime of one ship and year.

    Attributes
    ----------
    ship, year, imo, applies : who, when, and whether the regulation holds for the ship.
    energy_mj : energy in scope, shore power included [MJ].
    shore_power_mj : thereof electricity from shore.
    wtt_g, ttw_g : well-to-tank and tank-to-wake CO2e in scope [g].
    wind_factor : f_wind.
    intensity_g_per_mj : attained intensity; NaN without energy in scope.
    limit_g_per_mj : limit of the year.
    balance_g : compliance balance [g CO2e], negative for a deficit.
    penalty_eur : for the balance as it stands, before banking, borrowing and pooling; 0 for a surplus.
    deficit_years : consecutive periods with a deficit the penalty counts.
    rfnbo_share : share of RFNBO in the energy in scope, counted once.
    gwp, allocation : as chosen.
    edition, status, rows, notes : provenance.
    """

    ship: str
    year: int
    imo: int | None
    applies: bool
    energy_mj: float
    shore_power_mj: float
    wtt_g: float
    ttw_g: float
    wind_factor: float
    intensity_g_per_mj: float
    limit_g_per_mj: float
    balance_g: float
    penalty_eur: float
    deficit_years: int
    rfnbo_share: float
    gwp: str
    allocation: str
    rows: tuple[FactorRow, ...]
    notes: tuple[str, ...]
    edition: str = EDITION
    status: str = STATUS

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return result_as_dict("fueleu", self)


def limit_rows(year: int) -> tuple[FactorRow, ...]:
    """Rows of the limit of a year: reference and reduction.

    Raises
    ------
    DataError
        before 2025.
    """
    row = year_row("fueleu_limits", year)
    if row is None:
        remedy = f"The first reporting period is {FIRST_YEAR}; leave the year out or give a later one"
        raise DataError("FuelEU Maritime is not in force in this year.", [Fault("year", f"{year}", remedy)])
    return (constant("reference_intensity"), row)


def limit_g_per_mj(year: int) -> float:
    """Limit of greenhouse gas intensity [g CO2e/MJ] of a year from 2025, Article 4(2).

    Raises
    ------
    DataError
        before 2025, when the regulation is not in force.
    """
    reference, reduction = limit_rows(year)
    return reference.value * (1.0 - reduction.value / 100.0)


def limits_g_per_mj(years: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Limits of several years [g CO2e/MJ]; NaN before 2025."""
    return np.array([limit_g_per_mj(int(y)) if int(y) >= FIRST_YEAR else math.nan for y in years], dtype=np.float64)


def wind_row(wind_ratio: float) -> FactorRow:
    """Row of f_wind for a share of wind in propulsion power, Annex I."""
    return load_table("fueleu_wind_reward").in_range(wind_ratio)[0]


def reward_row(year: int) -> FactorRow:
    """Row of the reward factor of RFNBO (RWD) in a year from 2025."""
    limit_rows(year)
    return load_table("fueleu_rfnbo_reward").in_range(float(year))[0]


def is_rewarded(path: Pathway) -> bool:
    """Whether a fuel counts as RFNBO for the reward: its class, and E at most 28.2 g CO2e/MJ."""
    eligible = path.certificate_e_g_per_mj <= constant("rfnbo_greatest_e").value
    return path.pathway_class == "rfnbo" and eligible


def penalty_eur(balance_g: float, intensity_g_per_mj: float, deficit_years: int = 1) -> float:
    """Penalty [EUR] of a compliance balance, Annex IV part B and Article 23(2).

    ``|balance| / (intensity x 41,000) x 2,400 x (1 + (n - 1) / 10)`` with the attained intensity; 0 for a surplus.

    Parameters
    ----------
    balance_g : compliance balance [g CO2e].
    intensity_g_per_mj : attained intensity of the period.
    deficit_years : n, consecutive periods with a deficit, this one included.
    """
    if balance_g >= 0.0:
        return 0.0
    vlsfo_mj_per_t, eur_per_t = constant("vlsfo_energy").value, constant("penalty_per_vlsfo_t").value
    factor = 1.0 + (deficit_years - 1) * constant("consecutive_increment").value
    return -balance_g / (intensity_g_per_mj * vlsfo_mj_per_t) * eur_per_t * factor


def allocate(items: Sequence[Burnt], allocation: str, gwp: str) -> tuple[Burnt, ...]:
    """The part of what was burnt that counts.

    ``proportional`` takes the scope's share of each fuel. ``lowest-first`` fills the same energy of the voyages to and
    from the area with their fuels of lowest well-to-wake intensity; the Regulation prescribes no method.

    Raises
    ------
    DataError
        for another allocation.
    """
    if allocation not in ALLOCATIONS:
        fault = Fault("allocation", f"'{allocation}'", f"Give one of: {', '.join(ALLOCATIONS)}")
        raise DataError("Unknown allocation of fuels.", [fault])
    counted: list[Burnt] = []
    halves: list[Burnt] = []
    for item in items:
        share = scope_row("fueleu", item.scope).value
        if allocation == "lowest-first" and 0.0 < share < 1.0:
            halves.append(item)
        elif share > 0.0:
            counted.append(replace(item, mass_t=item.mass_t * share))
    room_mj = math.fsum(item.energy_mj * scope_row("fueleu", item.scope).value for item in halves)
    for item in sorted(halves, key=lambda i: (i.path.wtw_g_per_mj(gwp), i.path.fuel, i.path.consumer)):
        part = min(1.0, room_mj / item.energy_mj) if item.energy_mj > 0.0 else 0.0
        counted.append(replace(item, mass_t=item.mass_t * part))
        room_mj -= item.energy_mj * part
    return tuple(item for item in counted if item.mass_t > 0.0)


def assess(
    ship_year: ShipYear, gwp: str = DEFAULT_GWP, allocation: str = "proportional", own: Sequence[Pathway] = ()
) -> FuelEuResult:
    """Greenhouse gas intensity, balance and penalty of a ship's year.

    Parameters
    ----------
    ship_year : what was burnt where.
    gwp : global warming potentials; ``ar4`` (25/298) as in the worked examples of the Commission's expert group.
    allocation : how the half of the voyages to and from the area is filled, see `allocate`.
    own : fuels of the user's own.

    Raises
    ------
    DataError
        before 2025, or listing every fault of the fuels.
    MissingFactorError
        if a fuel's well-to-tank value must come from its certificate.

    Source: Regulation (EU) 2023/1805 Annex I equation 1, Annex IV.
    """
    limits = limit_rows(ship_year.year)
    check_particulars(ship_year, "FuelEU Maritime")
    gt_row, wind, reward = constant("gross_tonnage_above"), wind_row(ship_year.wind_ratio), reward_row(ship_year.year)
    notes: list[str] = []
    applies = ship_year.gt is None or ship_year.gt > gt_row.value
    items = allocate(burnt(ship_year, "fueleu", own), allocation, gwp) if applies else ()
    shore_mj = ship_year.shore_power_mj if applies else 0.0
    if not applies:
        notes.append(f"Out of scope: {ship_year.gt:g} GT is not above {gt_row.value:g} GT.")
    elif ship_year.gt is None:
        notes.append(f"Gross tonnage is not given; the ship is taken to be above {gt_row.value:g} GT.")
    fuel_mj = math.fsum(item.energy_mj for item in items)
    rfnbo_mj = math.fsum(item.energy_mj for item in items if is_rewarded(item.path))
    wtt_g = math.fsum(item.energy_mj * item.path.wtt_g_per_mj for item in items)
    ttw_g = math.fsum(item.mass_g * item.path.ttw_g_per_g(gwp) for item in items)
    energy_mj = fuel_mj + shore_mj
    rewarded_mj = energy_mj + (reward.value - 1.0) * rfnbo_mj
    limit = limits[0].value * (1.0 - limits[1].value / 100.0)
    intensity = wind.value * (wtt_g + ttw_g) / rewarded_mj if rewarded_mj > 0.0 else math.nan
    balance_g = (limit - intensity) * energy_mj if energy_mj > 0.0 else 0.0
    if applies and energy_mj == 0.0:
        notes.append("No energy in scope: neither balance nor penalty.")
    if any(item.path.pathway_class == "rfnbo" and not is_rewarded(item.path) for item in items):
        notes.append(f"An RFNBO with E above {constant('rfnbo_greatest_e').value:g} g CO2e/MJ earns no reward.")
    if any(item.scope == "extra-eea" for item in items):
        notes.append(f"Fuels of the voyages to and from the area: {allocation}.")
    notes += sorted({note for item in items for note in item.path.notes})
    symbols = ("vlsfo_energy", "penalty_per_vlsfo_t", "consecutive_increment")
    return FuelEuResult(
        ship=ship_year.ship,
        year=ship_year.year,
        imo=ship_year.imo,
        applies=applies,
        energy_mj=energy_mj,
        shore_power_mj=shore_mj,
        wtt_g=wtt_g,
        ttw_g=ttw_g,
        wind_factor=wind.value,
        intensity_g_per_mj=intensity,
        limit_g_per_mj=limit,
        balance_g=balance_g,
        penalty_eur=penalty_eur(balance_g, intensity, ship_year.deficit_years),
        deficit_years=ship_year.deficit_years,
        rfnbo_share=rfnbo_mj / energy_mj if energy_mj > 0.0 else 0.0,
        gwp=gwp,
        allocation=allocation,
        rows=unique_rows(
            limits,
            (gt_row, wind, reward),
            (constant(symbol) for symbol in symbols),
            gwp_set(gwp).rows,
            (scope_row("fueleu", item.scope) for item in items),
            *(item.path.rows for item in items),
        ),
        notes=tuple(notes),
    )
