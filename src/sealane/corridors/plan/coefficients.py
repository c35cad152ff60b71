"""The numbers of the plan's equations, worked out once from a scenario's arrays. No solver is needed here.

Units are chosen so that coefficients lie near one: ships, TJ, kt CO2e, million USD, thousand TEU. 1 g/MJ is 1 t/TJ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sealane.corridors.plan.cohorts import Bools, Cohorts, cohorts
from sealane.corridors.scenarios.fleet import annuity
from sealane.corridors.scenarios.model import FAMILIES, Floats, ScenarioModel
from sealane.corridors.scenarios.simulate import discount_factors

USES = ("main", "electric")
_MUSD, _KILO = 1e-6, 1e-3


@dataclass(frozen=True)
class Coefficients:
    """Axes: ``C`` classes, ``K`` families, ``J`` cohorts, ``V`` conversions, ``W`` uses, ``F`` fuels, ``P`` ports,
    ``Y`` years.

    Attributes
    ----------
    cohorts : ships by end of service.
    discount : years' worth of 1 USD a year, today, ``(Y,)``.
    builds : a new ship is offered, ``(C, K, Y)``.
    usable : ships may sail, ``(C, K)``: both efficiencies are known.
    conversions : (from, to) family numbers.
    converts : a conversion is offered, ``(C, V, J, Y)``.
    kteu : transport of a ship-year [1,000 TEU], ``(C, K)``.
    demand_kteu : to be performed, ``(Y,)``, or by class ``(C, Y)``.
    need_tj : fuel energy of a ship-year, ``(C, K, W, Y)``.
    pilot : least oil share, ``(C, K)``.
    shore_tj, shore_kt, shore_musd : shore power of a ship-year, ``(C, Y)``.
    burns : the family's engines take the fuel, in that use, ``(K, W, F)``.
    offers : the fuel is sold, ``(F, P, Y)``.
    price_musd_per_tj, wtt_kt_per_tj : where offered, else 0, ``(F, P, Y)``.
    ttw_kt_per_tj, ttw_paid_kt_per_tj : as emitted and as a tank-to-wake price counts it, ``(W, F)``.
    available_tj : ``(F, P, Y)``; inf: unlimited.
    annuity_musd : yearly payment for a new ship, ``(C, K, Y)``; 0 where not offered.
    conversion_musd : yearly payment for a conversion, ``(C, V, J, Y)``.
    opex_musd : ``(C, K)``.
    """

    cohorts: Cohorts
    discount: Floats
    builds: Bools
    usable: Bools
    conversions: tuple[tuple[int, int], ...]
    converts: Bools
    kteu: Floats
    demand_kteu: Floats
    need_tj: Floats
    pilot: Floats
    shore_tj: Floats
    shore_kt: Floats
    shore_musd: Floats
    burns: Bools
    offers: Bools
    price_musd_per_tj: Floats
    wtt_kt_per_tj: Floats
    ttw_kt_per_tj: Floats
    ttw_paid_kt_per_tj: Floats
    available_tj: Floats
    annuity_musd: Floats
    conversion_musd: Floats
    opex_musd: Floats

    @property
    def sizes(self) -> Mapping[str, int]:
        """Length of every axis."""
        c, k, j = self.cohorts.initial.shape
        f, p, y = self.offers.shape
        return {"C": c, "K": k, "J": j, "V": len(self.conversions), "W": len(USES), "F": f, "P": p, "Y": y}

    def capital_present_musd(self) -> Floats:
        """Payments for a new ship inside the horizon, discounted, ``(C, K, Y)``."""
        vintages = self.cohorts.alive[:, len(self.discount) :, :]
        return self.annuity_musd * (vintages @ self.discount)[:, None, :]

    def conversion_present_musd(self) -> Floats:
        """Payments for a conversion inside the horizon, discounted, ``(C, V, J, Y)``."""
        paid = np.cumsum((self.cohorts.alive * self.discount)[:, :, ::-1], axis=2)[:, :, ::-1]
        return self.conversion_musd * paid[:, None, :, :]


def coefficients(model: ScenarioModel, *, whole_ships: bool = False) -> Coefficients:
    """Work out the coefficients of a scenario.

    Parameters
    ----------
    model : arrays that passed `sealane.corridors.plan.checks.check`.
    whole_ships : today's ships are rounded down to whole ships.
    """
    classes, fuels = model.classes, model.fuels
    n_years, n_families = len(model.years), len(FAMILIES)
    ships = cohorts(model, whole_ships=whole_ships)

    efficiency = np.stack([np.stack([s.efficiency_propulsion, s.efficiency_electric], axis=1) for s in classes])
    usable: Bools = np.all(np.isfinite(efficiency) & (efficiency > 0), axis=2)
    work_gj = np.zeros((len(classes), 1, len(USES), n_years))
    for i, ship in enumerate(classes):
        work_gj[i, 0, 0, :] = ship.propulsion_gj
        work_gj[i, 0, 1, :] = ship.electric_sea_gj + ship.electric_port_gj @ (1.0 - ship.shore_share)
    with np.errstate(divide="ignore", invalid="ignore"):
        need_tj = np.where(usable[:, :, None, None], work_gj / efficiency[:, :, :, None] * _KILO, 0.0)

    shore_gj = np.stack([s.electric_port_gj[:, None] * s.shore_share for s in classes])  # (C, P, Y)
    taken = shore_gj > 0
    shore_kt = np.where(taken, shore_gj * np.where(taken, model.shore_g_per_mj, 0.0), 0.0).sum(axis=1) * _MUSD
    shore_musd = np.where(taken, shore_gj * np.where(taken, model.shore_usd_per_gj, 0.0), 0.0).sum(axis=1) * _MUSD

    price, wtt, available = (
        np.stack([np.asarray(getattr(f, name), dtype=np.float64) for f in fuels])
        for name in ("price_usd_per_gj", "wtt_g_per_mj", "available_gj")
    )
    offers = np.isfinite(price) & np.isfinite(wtt) & ~np.isnan(available) & (available > 0)
    ttw = np.array([[f.ttw_g_per_mj for f in fuels], [f.ttw_electric_g_per_mj for f in fuels]])
    free = np.array([f.combustion_co2_g_per_mj * f.zero_at_combustion for f in fuels]) * _KILO
    burns = np.array([[f.family in ("oil", name) for f in fuels] for name in FAMILIES])[:, None, :] & np.isfinite(ttw)
    ttw = np.where(np.isfinite(ttw), ttw, 0.0) * _KILO

    newbuild, capital_cost = np.stack([s.newbuild_usd for s in classes]), np.stack([s.cost_of_capital for s in classes])
    builds = np.isfinite(newbuild) & np.isfinite(capital_cost) & usable[:, :, None]
    lifetimes = np.array([float(s.lifetime_years) for s in classes])[:, None, None]
    yearly = np.where(builds, newbuild * annuity(capital_cost, lifetimes), 0.0) * _MUSD

    retrofit = np.stack([s.retrofit_usd for s in classes])
    conversions = tuple(
        (a, b) for a in range(n_families) for b in range(n_families) if a != b and np.isfinite(retrofit[:, a, b]).any()
    )
    before, after = [a for a, _ in conversions], [b for _, b in conversions]
    offered = np.isfinite(retrofit[:, before, after]) & usable[:, after]  # (C, V)
    capital = capital_cost[:, after, None, :]
    converts = offered[:, :, None, None] & ships.convertible[:, None, :, :] & np.isfinite(capital)
    conversion = np.where(offered, retrofit[:, before, after], 0.0)[:, :, None, None]
    conversion_yearly = np.where(converts, conversion * annuity(capital, ships.years_left[:, None, :, :]), 0.0) * _MUSD

    loss = np.stack([s.capacity_loss for s in classes])
    kteu = np.array([s.teu_per_year for s in classes])[:, None] * (1.0 - np.where(np.isfinite(loss), loss, 0.0)) * _KILO
    share = 1.0 if model.class_share is None else model.class_share
    return Coefficients(
        cohorts=ships,
        discount=discount_factors(model),
        builds=builds,
        usable=usable,
        conversions=conversions,
        converts=converts,
        kteu=np.where(usable, kteu, 0.0),
        demand_kteu=share * model.demand_teu * _KILO,
        need_tj=need_tj,
        pilot=np.stack([np.where(np.isfinite(s.pilot_share), s.pilot_share, 0.0) for s in classes]),
        shore_tj=shore_gj.sum(axis=1) * _KILO,
        shore_kt=shore_kt,
        shore_musd=shore_musd,
        burns=burns,
        offers=offers,
        price_musd_per_tj=np.where(offers, price, 0.0) * _KILO,
        wtt_kt_per_tj=np.where(offers, wtt, 0.0) * _KILO,
        ttw_kt_per_tj=ttw,
        ttw_paid_kt_per_tj=ttw - free,
        available_tj=np.where(offers, available, 0.0) * _KILO,
        annuity_musd=yearly,
        conversion_musd=conversion_yearly,
        opex_musd=np.stack([np.where(np.isfinite(s.opex_usd_per_year), s.opex_usd_per_year, 0.0) for s in classes])
        * _MUSD,
    )
