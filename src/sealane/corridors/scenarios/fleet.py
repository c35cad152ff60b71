"""Turnover of the fleet: ships retire, are converted as told, and what is then missing is built.

Every array carries a leading axis of draws ``D``, so that a thousand draws cost one pass over the years; a plain
simulation is one draw. Further axes: ``C`` classes, ``K`` families, ``Y`` model years.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sealane.corridors.scenarios.model import FAMILIES, Floats, ScenarioModel, ShipClass

OIL = FAMILIES.index("oil")
# Less than this share of the transport is rounding, not a ship to build.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Fleet:
    """Ships and what they cost; numbers of ships ``(D, C, K, Y)``, money [USD/year] ``(D, Y)``.

    Attributes
    ----------
    ships : in service in the year.
    newbuilds, retired : delivered, and out of service since the model year before.
    converted_in, converted_out : by conversion.
    used : share of its capacity a class sails with, ``(D, C, Y)``.
    capital_usd, conversion_usd : annuities of new ships and of conversions.
    operation_usd : without fuel.
    """

    ships: Floats
    newbuilds: Floats
    retired: Floats
    converted_in: Floats
    converted_out: Floats
    used: Floats
    capital_usd: Floats
    conversion_usd: Floats
    operation_usd: Floats


def annuity(rate: Floats | float, years: Floats | float) -> Floats:
    """Yearly payment per unit borrowed, ``r / (1 - (1 + r)^-n)``; ``1 / n`` without interest.

    Parameters
    ----------
    rate : cost of capital per year, not negative.
    years : life in years, above 0.
    """
    rate, years = np.broadcast_arrays(np.asarray(rate, dtype=float), np.asarray(years, dtype=float))
    free = rate <= 0.0
    safe = np.where(free, 1.0, rate)
    return np.asarray(np.where(free, 1.0 / years, safe / -np.expm1(-years * np.log1p(safe))))


def turn_over(model: ScenarioModel, demand_teu: Floats, add_on: Floats) -> Fleet:
    """Carry the fleet through the years.

    Parameters
    ----------
    demand_teu : transport to perform, ``(D, Y)`` [TEU/year].
    add_on : factor on what a ship of each family costs more than one for oil, ``(D, K)``.
    """
    draws, n_years = demand_teu.shape
    shape = (draws, len(model.classes), len(FAMILIES), n_years)
    ships, newbuilds, retired, into, out = (np.zeros(shape) for _ in range(5))
    used = np.zeros((draws, len(model.classes), n_years))
    capital, conversion, operation = (np.zeros((draws, n_years)) for _ in range(3))
    share = model.class_share
    for c, ship_class in enumerate(model.classes):
        # Today's ships that were counted from the transport of the first year follow what a draw makes of it.
        follows = ship_class.existing_follows_demand and model.demand_teu[0] > 0.0
        stock = _existing(model, ship_class, demand_teu[:, 0] / model.demand_teu[0] if follows else np.ones(draws))
        for y in range(n_years):
            now = int(model.years[y])
            leaving = stock.gone_by(now)
            retired[:, c, :, y] = leaving
            for item in model.conversions:
                if item.ship_class == ship_class.id and item.year == now:
                    a, b = FAMILIES.index(item.from_family), FAMILIES.index(item.to_family)
                    moved = stock.convert(a, b, item.ships)
                    out[:, c, a, y] += moved.sum(axis=0)
                    into[:, c, b, y] += moved.sum(axis=0)
                    _charge_conversion(model, ship_class, (a, b, y), moved, stock.first, conversion)
            need = demand_teu[:, y] * (1.0 if share is None else share[c, y])
            per_ship = ship_class.teu_per_year * (1.0 - ship_class.capacity_loss)
            lacking = need - stock.alive @ per_ship
            lacking[lacking < need * ROUNDING] = 0.0
            mix = model.newbuild_mix[:, y]
            # One new ship of the mix carries so much; a mix that sums to nothing builds nothing.
            carried = float(mix @ per_ship)
            built = (lacking / carried if carried > 0.0 else np.zeros(draws))[:, None] * mix
            stock.add(now + ship_class.lifetime_years, built)
            newbuilds[:, c, :, y] = built
            ships[:, c, :, y] = stock.alive
            _charge_newbuilds(model, ship_class, y, built, add_on, capital)
            operation[:, y] += ships[:, c, :, y] @ np.nan_to_num(ship_class.opex_usd_per_year)
            capacity = ships[:, c, :, y] @ per_ship
            np.divide(need, capacity, out=used[:, c, y], where=capacity > 0.0)
        np.minimum(used, 1.0, out=used)
    return Fleet(ships, newbuilds, retired, into, out, used, capital, conversion, operation)


class _Stock:
    """Ships of one class by the calendar year from which they are out of service, ``(years, D, K)``."""

    def __init__(self, draws: int, first: int, last: int) -> None:
        self.first = first
        self.by_end = np.zeros((last - first + 1, draws, len(FAMILIES)))
        # Kept up with every change, so that nobody sums all years again.
        self.alive = np.zeros((draws, len(FAMILIES)))
        self._gone = 0

    def add(self, end: int, ships: Floats) -> None:
        self.by_end[end - self.first] += ships
        self.alive += ships

    def gone_by(self, year: int) -> Floats:
        """Take out and return all ships whose last year is over, ``(D, K)``."""
        part = self.by_end[self._gone : year - self.first + 1]
        leaving = part.sum(axis=0)
        part[:] = 0.0
        self._gone = year - self.first + 1
        self.alive -= leaving
        # Of a family that has left altogether, subtraction may leave rounding.
        np.maximum(self.alive, 0.0, out=self.alive)
        return np.asarray(leaving)

    def convert(self, a: int, b: int, ships: float) -> Floats:
        """Move ships between families, of every age alike and no more than there are; return them ``(years, D)``."""
        there = self.by_end[:, :, a]
        total = there.sum(axis=0)
        part = np.divide(np.minimum(ships, total), total, out=np.zeros_like(total), where=total > 0.0)
        moved = there * part
        self.by_end[:, :, a] -= moved
        self.by_end[:, :, b] += moved
        self.alive[:, a] = self.by_end[:, :, a].sum(axis=0)
        self.alive[:, b] = self.by_end[:, :, b].sum(axis=0)
        return np.asarray(moved)


def _existing(model: ScenarioModel, ship_class: ShipClass, scale: Floats) -> _Stock:
    """Today's ships times a scale by draw ``(D,)``, each leaving in the first model year in which it is not counted."""
    years = [int(year) for year in model.years]
    after = years[-1] + max(1, round(float(model.year_weight[-1])))
    stock = _Stock(scale.size, years[0], max(after, years[-1] + ship_class.lifetime_years))
    # What still sails in the last model year is taken to leave when the scenario ends.
    later = np.column_stack([ship_class.existing[:, 1:], np.zeros(len(FAMILIES))])
    for y, end in enumerate([*years[1:], after]):
        stock.add(end, scale[:, None] * (ship_class.existing[:, y] - later[:, y]))
    return stock


def newbuild_price_usd(ship_class: ShipClass, y: int, add_on: Floats) -> Floats:
    """Price of a new ship [USD] by draw and family, ``(D, K)``; 0 where the family is not offered."""
    price = ship_class.newbuild_usd[:, y]
    oil = price[OIL]
    scaled = price if np.isnan(oil) else oil + (price - oil) * add_on
    return np.asarray(np.nan_to_num(np.broadcast_to(scaled, add_on.shape)))


def _charge_newbuilds(
    model: ScenarioModel, ship_class: ShipClass, y: int, built: Floats, add_on: Floats, capital: Floats
) -> None:
    """Spread the price of new ships over their life, at the cost of capital of the year they were built in."""
    life = ship_class.lifetime_years
    rate = np.nan_to_num(ship_class.cost_of_capital[:, y])
    yearly = (built * newbuild_price_usd(ship_class, y, add_on)) @ annuity(rate, float(life))
    last = int(np.searchsorted(model.years, int(model.years[y]) + life))
    capital[:, y:last] += yearly[:, None]


def _charge_conversion(
    model: ScenarioModel,
    ship_class: ShipClass,
    where: tuple[int, int, int],
    moved: Floats,
    first: int,
    conversion: Floats,
) -> None:
    """Spread the price of conversions over what is left of each ship's life."""
    a, b, y = where
    now = int(model.years[y])
    price = float(ship_class.retrofit_usd[a, b])
    rate = float(np.nan_to_num(ship_class.cost_of_capital[b, y]))
    for j in np.flatnonzero(moved.any(axis=1)):
        end = first + int(j)
        last = int(np.searchsorted(model.years, end))
        conversion[:, y:last] += (moved[j] * price * float(annuity(rate, float(end - now))))[:, None]
