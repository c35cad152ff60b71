"""Small scenarios for the plan's tests: every number is made up, round, and given here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sealane.corridors.scenarios.model import FAMILIES, FuelOption, Payments, ScenarioModel, ShipClass

K = len(FAMILIES)
NAN = np.nan


def _by_family(values: Sequence[float]) -> np.ndarray:
    return np.array([*values, *[NAN] * (K - len(values))], dtype=np.float64)


def payments(n_years: int, **changed: Any) -> Payments:
    """All rules off, but for what is given; scalars stand for all years."""
    zero, off = np.zeros(n_years), np.full(n_years, NAN)
    given: dict[str, Any] = {
        "ttw_usd_per_t": zero,
        "wtw_usd_per_t": zero,
        "nzf_base_g_per_mj": off,
        "nzf_direct_g_per_mj": off,
        "nzf_tier1_usd_per_t": zero,
        "nzf_tier2_usd_per_t": zero,
        "fueleu_limit_g_per_mj": off,
    }
    for name in given:
        if name in changed:
            given[name] = np.broadcast_to(np.asarray(changed.pop(name), dtype=np.float64), (n_years,)).copy()
    return Payments(**given, **{"fueleu_scope": 0.0, "payer": {}, "status": {}, **changed})


def ship_class(n_years: int, n_ports: int = 1, **changed: Any) -> ShipClass:
    """A ship that carries 1,000 TEU a year on 100 TJ of fuel: oil, or methanol with a tenth of oil as pilot."""
    retrofit = np.full((K, K), NAN)
    retrofit[0, 1] = 10e6
    existing = np.zeros((K, n_years))
    given: dict[str, Any] = {
        "id": "feeder",
        "capacity_teu": 100.0,
        "teu_per_year": 1000.0,
        "propulsion_gj": 50_000.0,
        "electric_sea_gj": 0.0,
        "electric_port_gj": np.zeros(n_ports),
        "shore_share": np.zeros((n_ports, n_years)),
        "efficiency_propulsion": _by_family([0.5, 0.5]),
        "efficiency_electric": _by_family([0.5, 0.5]),
        "pilot_share": _by_family([1.0, 0.1]),
        "newbuild_usd": np.tile(_by_family([100e6, 110e6])[:, None], (1, n_years)),
        "retrofit_usd": retrofit,
        "opex_usd_per_year": _by_family([2e6, 2e6]),
        "cost_of_capital": np.zeros((K, n_years)),
        "capacity_loss": _by_family([0.0, 0.0]),
        "lifetime_years": 20,
        "existing": existing,
    }
    return ShipClass(**{**given, **changed})


def fuel(
    name: str, family: str, price: Any, wtt: Any, ttw: float, n_years: int, n_ports: int = 1, **changed: Any
) -> FuelOption:
    """A fuel without limit; price [USD/GJ] and well-to-tank [g/MJ] are spread over ports and years."""
    shape = (n_ports, n_years)
    given: dict[str, Any] = {
        "id": name,
        "family": family,
        "lhv_gj_per_t": 40.0 if family == "oil" else 20.0,
        "density_t_per_m3": NAN,
        "price_usd_per_gj": np.broadcast_to(np.asarray(price, dtype=np.float64), shape).copy(),
        "available_gj": np.full(shape, np.inf),
        "wtt_g_per_mj": np.broadcast_to(np.asarray(wtt, dtype=np.float64), shape).copy(),
        "ttw_g_per_mj": ttw,
        "ttw_electric_g_per_mj": ttw,
        "zero_at_combustion": False,
    }
    return FuelOption(**{**given, **changed})


def scenario(
    years: Sequence[int], classes: Sequence[ShipClass], fuels: Sequence[FuelOption], demand: Any, **changed: Any
) -> ScenarioModel:
    """A scenario without caps, limits, shore power and rules, but for what is given."""
    n = len(years)
    ports = changed.pop("ports", ("XXAAA",))
    p = len(ports)
    each = np.full(n, np.inf)
    given: dict[str, Any] = {
        "id": "small",
        "title": "made for a test",
        "corridor": "test",
        "label": "demonstration",
        "years": np.array(years, dtype=np.int64),
        "year_weight": np.ones(n),
        "ports": tuple(ports),
        "demand_teu": np.broadcast_to(np.asarray(demand, dtype=np.float64), (n,)).copy(),
        "classes": tuple(classes),
        "fuels": tuple(fuels),
        "class_share": None,
        "cap_wtw_t": np.full(n, NAN),
        "cap_intensity_g_per_mj": np.full(n, NAN),
        "shore_g_per_mj": np.zeros((p, n)),
        "shore_usd_per_gj": np.zeros((p, n)),
        "most_newbuilds": each,
        "most_retrofits": each,
        "payments": payments(n),
        "discount_rate": 0.0,
        "newbuild_mix": np.zeros((K, n)),
        "fuel_mix": np.zeros((K, len(fuels), n)),
        "port_mix": np.zeros((len(fuels), p, n)),
        "inputs": (),
    }
    return ScenarioModel(**{**given, **changed})


def hand_case(**changed: Any) -> ScenarioModel:
    """The case of docs/method/plan.md: two ships of today, one of which leaves; two fuels, two years, one cap."""
    existing = np.zeros((K, 2))
    existing[0] = [2.0, 1.0]
    given: dict[str, Any] = {"cap_wtw_t": np.array([NAN, 14_400.0]), "discount_rate": 0.1}
    return scenario(
        [2030, 2031],
        [ship_class(2, existing=existing)],
        [fuel("oil", "oil", 10.0, 14.0, 76.0, 2), fuel("green-methanol", "methanol", 30.0, -60.0, 70.0, 2)],
        2000.0,
        **{**given, **changed},
    )


def random_model(seed: int) -> ScenarioModel:
    """A small scenario with a bit of everything, drawn from a seed; about one in six has no plan."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(2, 4)), int(rng.integers(1, 3))
    step = int(rng.choice([1, 5]))
    families = int(rng.integers(2, 5))
    classes = []
    for i in range(int(rng.integers(1, 3))):
        existing = np.zeros((K, n))
        existing[0] = np.sort(rng.integers(0, 4, n) + rng.choice([0.0, 0.5], n))[::-1]
        existing[1] = np.sort(rng.integers(0, 2, n))[::-1]
        retrofit = np.full((K, K), NAN)
        for a, b in ((0, 1), (1, 0), (0, 2), (1, 3), (0, 3)):
            if rng.random() < 0.5 and max(a, b) < families:
                retrofit[a, b] = rng.uniform(2e6, 20e6)
        newbuild = np.full((K, n), NAN)
        newbuild[:families] = rng.uniform(80e6, 140e6, (families, n))
        newbuild[1:families] = np.where(rng.random((families - 1, n)) < 0.2, NAN, newbuild[1:families])
        classes.append(
            ship_class(
                n,
                p,
                id=f"class-{i}",
                teu_per_year=float(rng.uniform(800.0, 1500.0)),
                propulsion_gj=float(rng.uniform(20_000.0, 60_000.0)),
                electric_sea_gj=float(rng.uniform(0.0, 5_000.0)),
                electric_port_gj=rng.uniform(0.0, 2_000.0, p),
                shore_share=rng.uniform(0.0, 1.0, (p, n)),
                efficiency_propulsion=_by_family(list(rng.uniform(0.4, 0.55, families))),
                efficiency_electric=_by_family(list(rng.uniform(0.35, 0.5, families))),
                pilot_share=_by_family([1.0, *rng.uniform(0.0, 0.2, families - 1)]),
                newbuild_usd=newbuild,
                retrofit_usd=retrofit,
                opex_usd_per_year=_by_family(list(rng.uniform(1e6, 3e6, families))),
                cost_of_capital=np.tile(rng.choice([0.0, 0.05, 0.1], (K, 1)), (1, n)),
                capacity_loss=_by_family([0.0, *rng.uniform(0.0, 0.05, families - 1)]),
                lifetime_years=int(rng.choice([step, 2 * step, 25])),
                existing=existing,
            )
        )
    kinds = [("oil", 12.0, 14.0, 76.0), ("oil", 35.0, -50.0, 76.0), ("methanol", 30.0, -55.0, 70.0)]
    kinds += [("methane", 15.0, 18.0, 60.0), ("ammonia", 28.0, 8.0, 2.0)]
    fuels = []
    for i, (family, price, wtt, ttw) in enumerate(kinds[: int(rng.integers(3, 6))]):
        available = np.full((p, n), np.inf)
        if i and rng.random() < 0.6:
            available = rng.uniform(10_000.0, 400_000.0, (p, n))
        prices = price * rng.uniform(0.8, 1.2, (p, n))
        if i:
            prices = np.where(rng.random((p, n)) < 0.15, NAN, prices)
        fuels.append(
            fuel(
                f"fuel-{i}",
                family,
                prices,
                wtt * rng.uniform(0.8, 1.2, (p, n)),
                ttw,
                n,
                p,
                available_gj=available,
                ttw_electric_g_per_mj=ttw * float(rng.uniform(1.0, 1.3)),
                zero_at_combustion=wtt < 0,
                combustion_co2_g_per_mj=ttw * 0.97,
            )
        )
    demand = rng.uniform(1500.0, 4000.0, n)
    dirty = demand * 100.0 * 90.0 / 1000.0
    rules: dict[str, Any] = {}
    if rng.random() < 0.4:
        rules["ttw_usd_per_t"] = rng.uniform(0.0, 150.0, n)
    if rng.random() < 0.4:
        rules["wtw_usd_per_t"] = rng.uniform(0.0, 150.0, n)
    if rng.random() < 0.4:
        rules |= {"nzf_base_g_per_mj": 85.0, "nzf_direct_g_per_mj": 75.0}
        rules |= {"nzf_tier1_usd_per_t": 100.0, "nzf_tier2_usd_per_t": 380.0}
    if rng.random() < 0.4:
        rules |= {"fueleu_limit_g_per_mj": 80.0, "fueleu_scope": 0.5, "usd_per_eur": 1.25}
    share = None
    if rng.random() < 0.3:
        share = rng.uniform(0.2, 1.0, (len(classes), n))
        share = share / share.sum(axis=0)
    return scenario(
        [2030 + step * y for y in range(n)],
        classes,
        fuels,
        demand,
        ports=("XXAAA", "XXBBB")[:p],
        id=f"random-{seed}",
        year_weight=np.full(n, float(step)),
        class_share=share,
        cap_wtw_t=np.where(rng.random(n) < 0.6, dirty * rng.uniform(0.3, 1.0, n), NAN),
        cap_intensity_g_per_mj=np.where(rng.random(n) < 0.3, rng.uniform(50.0, 95.0, n), NAN),
        shore_g_per_mj=rng.uniform(10.0, 120.0, (p, n)),
        shore_usd_per_gj=rng.uniform(20.0, 60.0, (p, n)),
        most_newbuilds=np.where(rng.random(n) < 0.5, rng.uniform(0.5, 3.0, n), np.inf),
        most_retrofits=np.where(rng.random(n) < 0.5, rng.uniform(0.0, 1.0, n), np.inf),
        payments=payments(n, **rules),
        discount_rate=float(rng.choice([0.0, 0.05, 0.1])),
    )
