"""A small scenario whose results are worked out by hand in docs/method/scenarios.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sealane.corridors.scenarios.model import (
    FAMILIES,
    FuelOption,
    Input,
    Origin,
    Payments,
    Range,
    ScenarioModel,
    ShipClass,
)

NAN = float("nan")
YEARS = np.array([2030, 2035], dtype=np.int64)


def by_family(oil: float, methanol: float = NAN, other: float = NAN) -> np.ndarray:
    """Numbers by family: oil, methanol, and one for the two that are not offered."""
    return np.array([oil, methanol, other, other])


def over_years(values: np.ndarray, years: int = 2) -> np.ndarray:
    """The same numbers in every year."""
    return np.repeat(np.asarray(values)[..., None], years, axis=-1)


def ship(**changes: Any) -> ShipClass:
    """The ship class of the hand case."""
    retrofit = np.full((4, 4), NAN)
    retrofit[0, 1] = 20e6
    existing = np.zeros((len(FAMILIES), 2))
    existing[0] = (2.0, 1.0)
    made = ShipClass(
        id="feeder",
        capacity_teu=10_000.0,
        teu_per_year=100_000.0,
        propulsion_gj=100_000.0,
        electric_sea_gj=20_000.0,
        electric_port_gj=np.array([10_000.0]),
        shore_share=np.zeros((1, 2)),
        efficiency_propulsion=by_family(0.5, 0.5),
        efficiency_electric=by_family(0.5, 0.4),
        pilot_share=by_family(1.0, 0.1),
        newbuild_usd=over_years(by_family(100e6, 110e6)),
        retrofit_usd=retrofit,
        opex_usd_per_year=by_family(1.0e6, 1.2e6),
        cost_of_capital=over_years(by_family(0.05, 0.05)),
        capacity_loss=np.zeros(4),
        lifetime_years=25,
        existing=existing,
    )
    return replace(made, **changes)


def fuel(fuel_id: str, family: str, price: float, wtt: float, ttw: float, **changes: Any) -> FuelOption:
    """A fuel at one port in two years."""
    made = FuelOption(
        id=fuel_id,
        family=family,
        lhv_gj_per_t=40.0 if family == "oil" else 20.0,
        density_t_per_m3=NAN,
        price_usd_per_gj=np.full((1, 2), price),
        available_gj=np.full((1, 2), np.inf),
        wtt_g_per_mj=np.full((1, 2), wtt),
        ttw_g_per_mj=ttw,
        ttw_electric_g_per_mj=ttw,
        zero_at_combustion=family != "oil",
        combustion_co2_g_per_mj=ttw if family == "oil" else ttw - 1.0,
    )
    return replace(made, **changes)


def payments(**changes: Any) -> Payments:
    """All rules off."""
    nothing, off = np.zeros(2), np.full(2, NAN)
    return replace(Payments(nothing, nothing, off, off, nothing, nothing, off, 0.0, {}, {}), **changes)


def model(**changes: Any) -> ScenarioModel:
    """The hand case: two oil ships in 2030, one left in 2035, and 1.5 methanol ships to meet the transport."""
    newbuild_mix = np.zeros((4, 2))
    newbuild_mix[1] = 1.0
    fuel_mix = np.zeros((4, 2, 2))
    fuel_mix[0, 0] = 1.0
    fuel_mix[1, 0], fuel_mix[1, 1] = 0.1, 0.9
    made = ScenarioModel(
        id="hand",
        title="Hand case",
        corridor="hand",
        label="user",
        years=YEARS,
        year_weight=np.full(2, 5.0),
        ports=("USLAX",),
        demand_teu=np.array([200_000.0, 250_000.0]),
        classes=(ship(),),
        fuels=(fuel("oil", "oil", 10.0, 15.0, 75.0), fuel("methanol", "methanol", 40.0, -60.0, 70.0)),
        class_share=np.ones((1, 2)),
        cap_wtw_t=np.full(2, NAN),
        cap_intensity_g_per_mj=np.full(2, NAN),
        shore_g_per_mj=np.full((1, 2), 50.0),
        shore_usd_per_gj=np.full((1, 2), 30.0),
        most_newbuilds=np.full(2, np.inf),
        most_retrofits=np.full(2, np.inf),
        payments=payments(),
        discount_rate=0.0,
        newbuild_mix=newbuild_mix,
        fuel_mix=fuel_mix,
        port_mix=np.ones((2, 1, 2)),
        inputs=(Input("demand.teu", 200_000.0, "TEU/year", Origin.USER, "hand case"),),
    )
    return replace(made, **changes)


RANGES = (
    Range("price", ("methanol",), 0.6, 1.0, 1.3, "triangular", "1", Origin.USER, "hand case"),
    Range("price", ("oil",), 0.8, 1.0, 1.2, "uniform", "1", Origin.USER, "hand case"),
    Range("wtt", ("methanol",), 0.0, 0.0, 20.0, "triangular", "g/MJ", Origin.USER, "hand case"),
    Range("demand", (), 0.9, 1.0, 1.1, "lognormal", "1", Origin.USER, "hand case"),
    Range("availability", ("methanol",), 0.5, 1.0, 1.0, "uniform", "1", Origin.USER, "hand case"),
)
