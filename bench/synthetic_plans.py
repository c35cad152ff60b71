"""SYNTHETIC scenarios of any size for the plan's benchmark: made-up round numbers, no claim about any ship or fuel."""

from __future__ import annotations

import numpy as np

from sealane.corridors.scenarios.model import FAMILIES, FuelOption, Payments, ScenarioModel, ShipClass

# (family, made-up heating value, first price, last price, well-to-tank, tank-to-wake), repeated where more are asked
_KINDS = (
    ("oil", 41.0, 12.0, 12.0, 14.0, 78.0),
    ("methanol", 20.0, 55.0, 30.0, -60.0, 70.0),
    ("methane", 49.0, 11.0, 11.0, 18.0, 60.0),
    ("ammonia", 18.6, 48.0, 26.0, 5.0, 3.0),
    ("oil", 38.0, 32.0, 28.0, -55.0, 78.0),
    ("methanol", 20.0, 30.0, 26.0, -40.0, 70.0),
    ("methane", 49.0, 45.0, 35.0, -35.0, 60.0),
    ("ammonia", 18.6, 28.0, 24.0, 25.0, 3.0),
    ("oil", 43.0, 60.0, 40.0, -70.0, 76.0),
    ("methanol", 20.0, 20.0, 20.0, 30.0, 70.0),
    ("methane", 49.0, 30.0, 28.0, -10.0, 60.0),
    ("oil", 42.0, 15.0, 15.0, 15.0, 76.0),
)


def synthetic(years: int, classes: int, fuels: int, ports: int, *, seed: int = 1, cut: float = 0.75) -> ScenarioModel:
    """Return a SYNTHETIC scenario with scarce fuels, limited yards, a falling cap and a carbon price.

    Parameters
    ----------
    cut : reduction asked of the last year against a fleet on the first fuel.
    """
    rng = np.random.default_rng(seed)
    k, way = len(FAMILIES), np.linspace(0.0, 1.0, years)
    made = []
    for i in range(classes):
        teu = 4000.0 + 1000.0 * i
        ships = 10.0 + 2.0 * (i % 4)
        existing = np.zeros((k, years))
        existing[0] = ships * np.maximum(1.0 - np.arange(years) / (18.0 + i % 5), 0.0)
        retrofit = np.full((k, k), np.nan)
        retrofit[0, 1:] = np.array([1400.0, 2200.0, 2500.0]) * teu
        made.append(
            ShipClass(
                id=f"class-{i:02d}",
                capacity_teu=teu,
                teu_per_year=teu * (8.0 + 0.1 * (i % 7)),
                propulsion_gj=28.0 * teu * (1.0 + 0.02 * (i % 5)),
                electric_sea_gj=3.0 * teu,
                electric_port_gj=rng.uniform(0.05, 0.2, ports) * teu,
                shore_share=np.tile(np.linspace(0.1, 0.9, years), (ports, 1)),
                efficiency_propulsion=np.array([0.50, 0.49, 0.49, 0.48]),
                efficiency_electric=np.array([0.44, 0.43, 0.43, 0.42]),
                pilot_share=np.array([1.0, 0.05, 0.02, 0.1]),
                newbuild_usd=np.array([11.0, 12.2, 13.4, 13.8])[:, None] * 1e3 * teu * np.ones(years),
                retrofit_usd=retrofit,
                opex_usd_per_year=np.array([250.0, 255.0, 262.0, 270.0]) * teu,
                cost_of_capital=np.full((k, years), 0.08),
                capacity_loss=np.array([0.0, 0.015, 0.02, 0.03]),
                lifetime_years=25,
                existing=existing,
            )
        )
    demand = sum(c.existing[0, 0] * c.teu_per_year for c in made) * 1.01 ** np.arange(years)
    energy_gj = 70.0 * sum(c.existing[0, 0] * c.capacity_teu for c in made)
    sold = []
    for n in range(fuels):
        family, lhv, first, last, wtt, ttw = _KINDS[n % len(_KINDS)]
        noise = rng.uniform(0.93, 1.07, (ports, 1))
        scarce = np.full((ports, years), np.inf)
        if wtt < 10.0:
            scarce = energy_gj / ports * (0.05 + 0.4 * way) * rng.uniform(0.5, 1.5, (ports, 1))
        sold.append(
            FuelOption(
                id=f"fuel-{n:02d}",
                family=family,
                lhv_gj_per_t=lhv,
                density_t_per_m3=np.nan,
                price_usd_per_gj=(first + (last - first) * way) * noise * (1.0 + 0.01 * (n // len(_KINDS))),
                available_gj=scarce,
                wtt_g_per_mj=np.full((ports, years), wtt) * noise,
                ttw_g_per_mj=ttw,
                ttw_electric_g_per_mj=ttw * 1.05,
                zero_at_combustion=wtt < 0,
            )
        )
    nothing, unlimited = np.zeros(years), np.full(years, np.nan)
    start_t = energy_gj * 92.0 * 1e-3
    return ScenarioModel(
        id=f"synthetic-{years}-{classes}-{fuels}-{ports}",
        title="SYNTHETIC: made for the benchmark",
        corridor="synthetic",
        label="demonstration",
        years=2025 + np.arange(years),
        year_weight=np.ones(years),
        ports=tuple(f"XXP{n:02d}" for n in range(ports)),
        demand_teu=demand,
        classes=tuple(made),
        fuels=tuple(sold),
        class_share=None,
        cap_wtw_t=start_t * (1.1 - (cut + 0.1) * way),
        cap_intensity_g_per_mj=unlimited,
        shore_g_per_mj=np.full((ports, years), 60.0),
        shore_usd_per_gj=np.full((ports, years), 35.0),
        most_newbuilds=np.full(years, 1.5 * classes),
        most_retrofits=np.full(years, 1.0 * classes),
        payments=Payments(
            ttw_usd_per_t=nothing,
            wtw_usd_per_t=np.full(years, 20.0),
            nzf_base_g_per_mj=unlimited,
            nzf_direct_g_per_mj=unlimited,
            nzf_tier1_usd_per_t=nothing,
            nzf_tier2_usd_per_t=nothing,
            fueleu_limit_g_per_mj=unlimited,
            fueleu_scope=0.0,
            payer={},
            status={},
        ),
        discount_rate=0.05,
        newbuild_mix=np.zeros((k, years)),
        fuel_mix=np.zeros((k, fuels, years)),
        port_mix=np.zeros((fuels, ports, years)),
        inputs=(),
        notes=("SYNTHETIC",),
    )
