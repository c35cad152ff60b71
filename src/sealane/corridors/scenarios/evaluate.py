"""What follows from a scenario's choices: fleet, fuel, money and emissions, for one draw or for thousands.

The one calculation behind `simulate`, the ensemble and the tornado. Axes: ``D`` draws, ``C`` classes, ``K`` families,
``F`` fuels, ``P`` ports, ``Y`` model years. Energy in GJ (lower heating value), money in USD, emissions in t CO2e.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sealane.corridors.scenarios.fleet import OIL, Fleet, turn_over
from sealane.corridors.scenarios.model import FAMILIES, Floats, FuelOption, ScenarioModel
from sealane.corridors.scenarios.payments import payments_usd

G_PER_MJ_TO_T_PER_GJ = 1e-3


@dataclass(frozen=True)
class Draws:
    """What each draw changes; all ones (and no shift) leave the scenario as it is.

    Attributes
    ----------
    price : factor by fuel, ``(D, F)``.
    availability : factor by fuel on what can be bunkered, ``(D, F)``; for a fuel without a limit the share of what is
        asked for that can be had.
    wtt_shift : added to well-to-tank [g/MJ], ``(D, F)``.
    add_on : factor on the extra price of a new ship against oil, ``(D, K)``.
    demand : factor, ``(D,)``.
    efficiency : factor on work per fuel energy, ``(D, K)``.
    """

    price: Floats
    availability: Floats
    wtt_shift: Floats
    add_on: Floats
    demand: Floats
    efficiency: Floats

    @classmethod
    def unchanged(cls, model: ScenarioModel, draws: int = 1) -> Draws:
        """Draws that leave the scenario as it is."""
        fuels, families = (draws, len(model.fuels)), (draws, len(FAMILIES))
        return cls(
            np.ones(fuels), np.ones(fuels), np.zeros(fuels), np.ones(families), np.ones(draws), np.ones(families)
        )


@dataclass(frozen=True)
class Outcome:
    """What follows, by draw and year.

    Attributes
    ----------
    fleet : ships and their money.
    demand_teu : ``(D, Y)``.
    bunkered_gj : by fuel and port, ``(D, F, P, Y)``.
    electric_gj : of that, burnt in auxiliary engines, ``(D, F, Y)``.
    short_gj : asked for, not available, and replaced, ``(D, F, P, Y)``.
    shore_gj : electricity from shore, ``(D, P, Y)``.
    fuel_usd, shore_usd : ``(D, Y)``.
    rules_usd : payments by rule, each ``(D, Y)``.
    wtw_t, ttw_t, fuel_wtw_t : emissions, the last without shore power, ``(D, Y)``.
    """

    fleet: Fleet
    demand_teu: Floats
    bunkered_gj: Floats
    electric_gj: Floats
    short_gj: Floats
    shore_gj: Floats
    fuel_usd: Floats
    shore_usd: Floats
    rules_usd: Mapping[str, Floats]
    wtw_t: Floats
    ttw_t: Floats
    fuel_wtw_t: Floats

    @property
    def cost_usd(self) -> Floats:
        """All cost of a year, ``(D, Y)``."""
        fleet = self.fleet
        fixed = fleet.capital_usd + fleet.conversion_usd + fleet.operation_usd
        return np.asarray(fixed + self.fuel_usd + self.shore_usd + sum(self.rules_usd.values()))

    @property
    def energy_gj(self) -> Floats:
        """Fuel energy of a year, ``(D, Y)``."""
        return np.asarray(self.bunkered_gj.sum(axis=(1, 2)))


def is_fossil_oil(fuel: FuelOption) -> bool:
    """True for an oil-family fuel whose carbon counts: what the fossil case burns, and what replaces a shortage."""
    return fuel.family == "oil" and not fuel.zero_at_combustion


def evaluate(model: ScenarioModel, draws: Draws | None = None) -> Outcome:
    """Work a scenario out.

    Parameters
    ----------
    draws : by default one, the scenario as it is.
    """
    draws = draws or Draws.unchanged(model)
    demand = draws.demand[:, None] * model.demand_teu
    fleet = turn_over(model, demand, draws.add_on)
    main, electric, shore = _work(model, fleet, draws.efficiency)
    mix = model.fuel_mix
    main_use = np.einsum("kfy,dky->dfy", mix, main)
    electric_use = np.einsum("kfy,dky->dfy", mix, electric)
    bunkered, electric_gj, short = _bunker(model, main_use, electric_use, draws.availability)
    prices = np.nan_to_num(np.stack([fuel.price_usd_per_gj for fuel in model.fuels]))
    wtt = np.nan_to_num(np.stack([fuel.wtt_g_per_mj for fuel in model.fuels]))
    by_fuel = bunkered.sum(axis=2)
    wtt_g = np.einsum("dfpy,fpy->dfy", bunkered, wtt) + by_fuel * draws.wtt_shift[:, :, None]
    ttw_g, rule_ttw_g = _tank_to_wake(model, by_fuel, electric_gj)
    fuel_wtw_t = (wtt_g + ttw_g).sum(axis=1) * G_PER_MJ_TO_T_PER_GJ
    wtw_t = fuel_wtw_t + np.einsum("dpy,py->dy", shore, np.nan_to_num(model.shore_g_per_mj)) * G_PER_MJ_TO_T_PER_GJ
    return Outcome(
        fleet=fleet,
        demand_teu=demand,
        bunkered_gj=bunkered,
        electric_gj=electric_gj,
        short_gj=short,
        shore_gj=shore,
        fuel_usd=np.einsum("dfpy,fpy,df->dy", bunkered, prices, draws.price, optimize=True),
        shore_usd=np.einsum("dpy,py->dy", shore, np.nan_to_num(model.shore_usd_per_gj)),
        rules_usd=payments_usd(
            model.payments,
            energy_gj=by_fuel.sum(axis=1),
            fuel_wtw_t=fuel_wtw_t,
            wtw_t=wtw_t,
            ttw_t=rule_ttw_g.sum(axis=1) * G_PER_MJ_TO_T_PER_GJ,
        ),
        wtw_t=wtw_t,
        ttw_t=ttw_g.sum(axis=1) * G_PER_MJ_TO_T_PER_GJ,
        fuel_wtw_t=fuel_wtw_t,
    )


def _work(model: ScenarioModel, fleet: Fleet, efficiency: Floats) -> tuple[Floats, Floats, Floats]:
    """Fuel energy of main and auxiliary engines ``(D, K, Y)``, and electricity from shore ``(D, P, Y)``, in GJ."""
    draws, _, families, years = fleet.ships.shape
    main, electric = np.zeros((draws, families, years)), np.zeros((draws, families, years))
    shore = np.zeros((draws, len(model.ports), years))
    for c, ship in enumerate(model.classes):
        sailing = fleet.ships[:, c] * fleet.used[:, c, None, :]
        on_board = ship.electric_sea_gj + ship.electric_port_gj @ (1.0 - ship.shore_share)
        # A family that is not offered has no ships; its efficiency is not a number.
        propulsion = 1.0 / np.where(np.isnan(ship.efficiency_propulsion), np.inf, ship.efficiency_propulsion)
        switchboard = 1.0 / np.where(np.isnan(ship.efficiency_electric), np.inf, ship.efficiency_electric)
        main += sailing * ship.propulsion_gj * propulsion[:, None] / efficiency[:, :, None]
        electric += sailing * on_board * switchboard[:, None] / efficiency[:, :, None]
        shore += sailing.sum(axis=1)[:, None, :] * (ship.electric_port_gj[:, None] * ship.shore_share)
    return main, electric, shore


def _bunker(
    model: ScenarioModel, main_use: Floats, electric_use: Floats, availability: Floats
) -> tuple[Floats, Floats, Floats]:
    """Fuel by port; what is not available there is replaced by the cheapest fossil oil fuel of that port."""
    use = main_use + electric_use
    wanted = use[:, :, None, :] * model.port_mix
    most = np.stack([fuel.available_gj for fuel in model.fuels])
    electric_share = np.divide(electric_use, use, out=np.zeros_like(use), where=use > 0.0)
    factor = availability[:, :, None, None]
    unlimited = np.isinf(most)
    if unlimited.all() and (availability >= 1.0).all():
        return wanted, electric_use, np.zeros_like(wanted)
    stand_in = _stand_in(model)
    # Of a fuel without a limit, a factor below 1 is the share of what is asked for that can be had.
    taken = np.minimum(wanted, np.where(unlimited, wanted, most) * factor)
    # What stands in is itself taken without limit, and so is all where nothing can stand in: the ships must sail.
    free = np.any(stand_in > 0.0, axis=(1, 2))[:, None, None] | ~np.any(stand_in > 0.0, axis=0)[None]
    taken = np.where(free[None], wanted, taken)
    short = wanted - taken
    missing = short.sum(axis=1)
    missing_electric = np.einsum("dfpy,dfy->dpy", short, electric_share)
    bunkered = taken + stand_in * missing[:, None]
    electric = taken.sum(axis=2) * electric_share + np.einsum("fpy,dpy->dfy", stand_in, missing_electric)
    return bunkered, electric, short


def _stand_in(model: ScenarioModel) -> Floats:
    """Share 1 for the fuel that replaces a shortage at a port in a year, ``(F, P, Y)``."""
    price = np.stack([fuel.price_usd_per_gj for fuel in model.fuels])
    fossil = np.array([is_fossil_oil(fuel) for fuel in model.fuels])
    price = np.where(fossil[:, None, None] & ~np.isnan(price), price, np.inf)
    best = price.argmin(axis=0)
    return np.asarray(
        (np.arange(len(model.fuels))[:, None, None] == best) & np.isfinite(price.min(axis=0)), dtype=float
    )


def _tank_to_wake(model: ScenarioModel, by_fuel: Floats, electric: Floats) -> tuple[Floats, Floats]:
    """Tank-to-wake [kg], with all carbon and as a rule counts it, ``(D, F, Y)``."""
    main_g = np.array([fuel.ttw_g_per_mj for fuel in model.fuels])[:, None]
    electric_g = np.array([fuel.ttw_electric_g_per_mj for fuel in model.fuels])[:, None]
    free = np.array([fuel.combustion_co2_g_per_mj * fuel.zero_at_combustion for fuel in model.fuels])[:, None]
    all_carbon = (by_fuel - electric) * main_g + electric * electric_g
    return all_carbon, all_carbon - by_fuel * free


def fossil_case(model: ScenarioModel) -> ScenarioModel:
    """The same transport by oil ships on the cheapest fossil oil fuel at the cheapest port of each year.

    Today's ships keep their age and burn oil; new ships are built for oil; nothing is converted.
    """
    existing_oil = []
    for ship in model.classes:
        existing = np.zeros_like(ship.existing)
        existing[OIL] = ship.existing.sum(axis=0)
        existing_oil.append(replace(ship, existing=existing))
    fossil = np.array([is_fossil_oil(fuel) for fuel in model.fuels])
    price = np.stack([fuel.price_usd_per_gj for fuel in model.fuels])
    price = np.where(fossil[:, None, None] & ~np.isnan(price), price, np.inf)
    n_fuels, n_ports, n_years = price.shape
    cheapest = price.reshape(-1, n_years).argmin(axis=0)
    fuel_mix = np.zeros_like(model.fuel_mix)
    port_mix = np.zeros((n_fuels, n_ports, n_years))
    years = np.arange(n_years)
    fuel_mix[:, cheapest // n_ports, years] = 1.0
    port_mix[cheapest // n_ports, cheapest % n_ports, years] = 1.0
    newbuild_mix = np.zeros_like(model.newbuild_mix)
    newbuild_mix[OIL] = 1.0
    unlimited = tuple(replace(fuel, available_gj=np.full_like(fuel.available_gj, np.inf)) for fuel in model.fuels)
    return replace(
        model,
        classes=tuple(existing_oil),
        fuels=unlimited,
        fuel_mix=fuel_mix,
        port_mix=port_mix,
        newbuild_mix=newbuild_mix,
        conversions=(),
    )
