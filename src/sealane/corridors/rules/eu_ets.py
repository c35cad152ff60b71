"""EU ETS for maritime transport: emissions for which allowances are surrendered, and what they cost.

Directive 2003/87/EC as amended by Directive (EU) 2023/959. Tank-to-wake CO2 from 2024, CH4 and N2O from 2026; in force
for ships of 5,000 GT and above that carry passengers or cargo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.fuels import Pathway, gwp_set
from sealane.corridors.rules.ship_year import (
    ShipYear,
    burnt,
    check_particulars,
    in_scope,
    result_as_dict,
    scope_row,
    unique_rows,
    year_row,
)
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

EDITION = "Directive 2003/87/EC as amended by Directive (EU) 2023/959"
STATUS = "in force"
FIRST_YEAR = 2024
GASES = ("co2", "ch4", "n2o")
DEFAULT_GWP = "ar5"


@dataclass(frozen=True)
class EtsResult:
    """EU ETS of one ship and year.

    Attributes
    ----------
    ship, year, imo, applies : who, when, and whether the directive holds for the ship.
    co2_t, ch4_t, n2o_t : tank-to-wake emissions in scope [t], whether or not the gas counts yet, without
        zero-rated CO2.
    zero_rated_co2_t : combustion CO2 of certified biofuel and RFNBO in scope [t], counted as zero.
    covered_co2e_t : emissions in scope of the gases that count in this year [t CO2e].
    phase_in : share of them for which allowances are surrendered.
    allowances_t : allowances to surrender [t CO2e].
    price_per_t, cost, currency : as given; NaN without a price.
    gwp, edition, status, rows, notes : provenance.
    """

    ship: str
    year: int
    imo: int | None
    applies: bool
    co2_t: float
    ch4_t: float
    n2o_t: float
    zero_rated_co2_t: float
    covered_co2e_t: float
    phase_in: float
    allowances_t: float
    price_per_t: float
    cost: float
    currency: str
    gwp: str
    rows: tuple[FactorRow, ...]
    notes: tuple[str, ...]
    edition: str = EDITION
    status: str = STATUS

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return result_as_dict("eu-ets", self)


def phase_in_row(year: int) -> FactorRow:
    """Row of the share of emissions for which allowances are surrendered, Article 3gb.

    Raises
    ------
    DataError
        before 2024.
    """
    row = year_row("eu_ets_phase_in", year)
    if row is None:
        remedy = f"The first year is {FIRST_YEAR}; leave the year out or give a later one"
        raise DataError("The EU ETS does not cover shipping in this year.", [Fault("year", f"{year}", remedy)])
    return row


def phase_in(years: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Share surrendered in several years; 0 before 2024."""
    return np.array([phase_in_row(int(y)).value if int(y) >= FIRST_YEAR else 0.0 for y in years], dtype=np.float64)


def gas_rows(year: int) -> tuple[FactorRow, ...]:
    """Rows that say which of CO2, CH4 and N2O count in a year from 2024."""
    phase_in_row(year)
    return tuple(load_table("eu_ets_gases").in_range(float(year), gas=gas)[0] for gas in GASES)


def price_path_names() -> tuple[str, ...]:
    """Names of the price paths of allowances."""
    return tuple(dict.fromkeys(row.text("path") for row in load_table("carbon_price_paths").rows))


def price_path(name: str, year: int) -> tuple[float, tuple[FactorRow, ...]]:
    """Carbon price of a named path [USD/t] and its rows; linear between the years it gives, never beyond them.

    Raises
    ------
    DataError
        for an unknown path.
    MissingFactorError
        outside the years of the path.
    """
    if name not in price_path_names():
        fault = Fault("price path", f"'{name}'", f"Give one of: {', '.join(price_path_names())}")
        raise DataError("Unknown path of carbon prices.", [fault])
    rows = sorted(load_table("carbon_price_paths").find(path=name), key=lambda row: int(row.text("year")))
    years = [int(row.text("year")) for row in rows]
    if not years[0] <= year <= years[-1]:
        raise MissingFactorError(
            f"Price path '{name}' runs from {years[0]} to {years[-1]}; it has no price for {year}. "
            "Give a price yourself."
        )
    after = next(number for number, at in enumerate(years) if at >= year)
    if years[after] == year:
        return rows[after].value, (rows[after],)
    low, high = rows[after - 1], rows[after]
    weight = (year - years[after - 1]) / (years[after] - years[after - 1])
    return low.value + weight * (high.value - low.value), (low, high)


def assess(
    ship_year: ShipYear,
    gwp: str = DEFAULT_GWP,
    price_per_t: float | None = None,
    currency: str = "EUR",
    path: str | None = None,
    own: Sequence[Pathway] = (),
) -> EtsResult:
    """Allowances a ship's year needs, and their cost.

    ``allowances = phase_in x sum over scopes of share x (CO2 + GWP CH4 x CH4 + GWP N2O x N2O)``; with slip s the fuel
    that burns is ``(1 - s) M`` and ``s M`` leaves as methane. CO2 of biofuel or RFNBO whose certificate is given counts
    as zero.

    Parameters
    ----------
    ship_year : what was burnt where.
    gwp : ``ar5`` (28/265) as the directive's monitoring rules have it.
    price_per_t, currency : price of an allowance; without it no cost is worked out.
    path : a named price path (USD) instead of `price_per_t`.
    own : fuels of the user's own.

    Raises
    ------
    DataError
        before 2024, for two prices at once, or listing every fault of the fuels.
    """
    phase, gases = phase_in_row(ship_year.year), gas_rows(ship_year.year)
    if price_per_t is not None and path is not None:
        raise DataError(
            "The price of an allowance is given twice.",
            [Fault("price, price path", f"{price_per_t:g} and '{path}'", "Give one of them")],
        )
    check_particulars(ship_year, "The EU ETS", {"price_per_t": price_per_t})
    price_rows: tuple[FactorRow, ...] = ()
    if path is not None:
        price_per_t, price_rows = price_path(path, ship_year.year)
        currency = "USD"
    least = load_table("rule_constants").row("eu-ets", "gross_tonnage_from")
    applies = ship_year.gt is None or ship_year.gt >= least.value
    notes: list[str] = []
    if not applies:
        notes.append(f"Out of scope: {ship_year.gt:g} GT is below {least.value:g} GT.")
    elif ship_year.gt is None:
        notes.append(f"Gross tonnage is not given; the ship is taken to have {least.value:g} GT or more.")
    # The combustion factors of Annex II are those of the monitoring regulation; well-to-tank does not count here, so a
    # fuel that lacks only that is assessed all the same.
    items = in_scope(burnt(ship_year, "fueleu", own, needs_wtt=False), "eu-ets") if applies else ()
    items = tuple(item for item in items if item.mass_t > 0.0)
    certified = [item.path.zero_at_combustion and item.path.is_certified for item in items]
    co2 = [item.mass_t * (1.0 - item.path.slip_share) * item.path.cf_co2_g_per_g for item in items]
    co2_t = math.fsum(mass for mass, zero in zip(co2, certified, strict=True) if not zero)
    zero_t = math.fsum(mass for mass, zero in zip(co2, certified, strict=True) if zero)
    ch4_t = math.fsum(
        item.mass_t * ((1.0 - item.path.slip_share) * item.path.cf_ch4_g_per_g + item.path.slip_share) for item in items
    )
    n2o_t = math.fsum(item.mass_t * (1.0 - item.path.slip_share) * item.path.cf_n2o_g_per_g for item in items)
    potential = gwp_set(gwp)
    counted = zip(gases, (co2_t, potential.ch4 * ch4_t, potential.n2o * n2o_t), strict=True)
    covered_t = math.fsum(row.value * mass for row, mass in counted)
    if zero_t:
        notes.append("CO2 of certified biofuel and RFNBO counts as zero; the certificates themselves are not checked.")
    uncertified = {
        i.path.fuel for i, zero in zip(items, certified, strict=True) if i.path.zero_at_combustion and not zero
    }
    if uncertified:
        notes.append(f"Without a certificate the CO2 of {', '.join(sorted(uncertified))} counts in full.")
    if not all(row.value for row in gases):
        notes.append("CH4 and N2O do not count yet in this year.")
    allowances_t = phase.value * covered_t
    price = math.nan if price_per_t is None else price_per_t
    return EtsResult(
        ship=ship_year.ship,
        year=ship_year.year,
        imo=ship_year.imo,
        applies=applies,
        co2_t=co2_t,
        ch4_t=ch4_t,
        n2o_t=n2o_t,
        zero_rated_co2_t=zero_t,
        covered_co2e_t=covered_t,
        phase_in=phase.value,
        allowances_t=allowances_t,
        price_per_t=price,
        cost=price * allowances_t,
        currency=currency,
        gwp=gwp,
        rows=unique_rows(
            (phase, *gases, least),
            potential.rows,
            price_rows,
            (scope_row("eu-ets", item.scope) for item in items),
            *(item.path.combustion_rows for item in items),
        ),
        notes=tuple(notes),
    )
