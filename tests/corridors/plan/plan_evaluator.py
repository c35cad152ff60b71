"""A plan's tables judged by a reader who knows the scenario but not the planner: limits, cost and emissions again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from sealane.corridors.scenarios.model import FAMILIES, ScenarioModel

Tables = Mapping[str, pa.Table]
ROOM = 1e-6


def _payment(rate: float, years: float) -> float:
    return 1.0 / years if rate == 0.0 else rate / (1.0 - (1.0 + rate) ** -years)


def breaches(model: ScenarioModel, tables: Tables) -> list[str]:
    """Every limit of the scenario that the tables break, in words; empty for a plan."""
    found = []
    years = [int(year) for year in model.years]
    fleet, service, burnt, fuel = (tables[name].to_pylist() for name in ("fleet", "service", "burnt", "fuel"))
    ships = {(r["year"], r["ship_class"], r["family"]): r for r in fleet}
    by_class = {ship.id: ship for ship in model.classes}
    for y, year in enumerate(years):
        carried = sum(r["transport_teu"] for r in service if r["year"] == year)
        if abs(carried - model.demand_teu[y]) > ROOM * model.demand_teu[y]:
            found.append(f"{year}: carried {carried}, asked {model.demand_teu[y]}")
        need: dict[tuple[str, str], float] = defaultdict(float)
        oil_need: dict[tuple[str, str], float] = defaultdict(float)
        for r in (r for r in service if r["year"] == year):
            ship, k = by_class[r["ship_class"]], FAMILIES.index(r["family"])
            if r["in_service"] > ships[year, ship.id, r["family"]]["ships"] + ROOM:
                found.append(f"{year}: more {ship.id} in service than there are")
            teu = r["in_service"] * ship.teu_per_year * (1 - ship.capacity_loss[k])
            if abs(teu - r["transport_teu"]) > ROOM * teu:
                found.append(f"{year}: {ship.id} carries {r['transport_teu']}, can {teu}")
            on_board = ship.electric_sea_gj + float(ship.electric_port_gj @ (1 - ship.shore_share[:, y]))
            for use, gj in (
                ("main", ship.propulsion_gj / ship.efficiency_propulsion[k]),
                ("electric", on_board / ship.efficiency_electric[k]),
            ):
                need[r["family"], use] += r["in_service"] * gj / 1000
                oil_need[r["family"], use] += r["in_service"] * gj / 1000 * ship.pilot_share[k] * (k > 0)
        families = {f.id: f.family for f in model.fuels}
        for key, tj in need.items():
            used = [r for r in burnt if (r["year"], r["ship_family"], r["use"]) == (year, *key)]
            if any(families[r["fuel"]] not in ("oil", key[0]) for r in used):
                found.append(f"{year}: {key} burns what its engines do not take")
            if abs(sum(r["energy_tj"] for r in used) - tj) > ROOM * max(tj, 1.0):
                found.append(f"{year}: energy of {key}")
            if sum(r["energy_tj"] for r in used if families[r["fuel"]] == "oil") < oil_need[key] - ROOM:
                found.append(f"{year}: pilot fuel of {key}")
        for f, option in enumerate(model.fuels):
            taken = sum(r["energy_tj"] for r in fuel if (r["year"], r["fuel"]) == (year, option.id))
            used_tj = sum(r["energy_tj"] for r in burnt if (r["year"], r["fuel"]) == (year, option.id))
            if abs(taken - used_tj) > ROOM * max(taken, 1.0):
                found.append(f"{year}: {option.id} bunkered {taken}, burnt {used_tj}")
            for p, port in enumerate(model.ports):
                here = [r["energy_tj"] for r in fuel if (r["year"], r["fuel"], r["port"]) == (year, option.id, port)]
                if sum(here) * 1000 > model.fuels[f].available_gj[p, y] * (1 + ROOM) + ROOM:
                    found.append(f"{year}: more {option.id} at {port} than there is")
        built = sum(r["newbuilds"] for r in fleet if r["year"] == year)
        if y and built > model.most_newbuilds[y] * model.year_weight[y] + ROOM:
            found.append(f"{year}: {built} new ships")
        moved = sum(r["retrofits_in"] for r in fleet if r["year"] == year)
        if moved > model.most_retrofits[y] * model.year_weight[y] + ROOM:
            found.append(f"{year}: {moved} conversions")
        wtw, _, gj = emissions(model, tables, y)
        if wtw > model.cap_wtw_t[y] * (1 + ROOM):
            found.append(f"{year}: {wtw} t above the cap")
        intensity = fuel_wtw_t(model, tables, y) * 1000 / gj if gj else 0.0
        if intensity > model.cap_intensity_g_per_mj[y] * (1 + ROOM):
            found.append(f"{year}: {intensity} g/MJ above the cap")
    for ship in model.classes:  # ships come from the year before, from yards and from conversion
        for k, family in enumerate(FAMILIES):
            before = float(ship.existing[k, 0])
            for year in years:
                r = ships.get((year, ship.id, family))
                now = 0.0
                if r:
                    now = r["ships"]
                    gone = before + r["newbuilds"] + r["retrofits_in"] - r["retrofits_out"] - now
                    if abs(gone - r["retired"]) > ROOM:
                        found.append(f"{year}: balance of {ship.id} {family}")
                elif before > ROOM:
                    found.append(f"{year}: {before} {ship.id} {family} vanish")
                before = now
    return found


def fuel_wtw_t(model: ScenarioModel, tables: Tables, y: int) -> float:
    """Well-to-wake of fuel [t]: by port from the table of fuel, by engine from the table of what was burnt."""
    year = int(model.years[y])
    options = {f.id: f for f in model.fuels}
    total = 0.0
    for r in (r for r in tables["fuel"].to_pylist() if r["year"] == year):
        total += r["energy_tj"] * options[r["fuel"]].wtt_g_per_mj[model.ports.index(r["port"]), y]
    return total + _ttw(model, tables, y, counted=False)


def _ttw(model: ScenarioModel, tables: Tables, y: int, *, counted: bool) -> float:
    options = {f.id: f for f in model.fuels}
    total = 0.0
    for r in (r for r in tables["burnt"].to_pylist() if r["year"] == int(model.years[y])):
        f = options[r["fuel"]]
        g = f.ttw_g_per_mj if r["use"] == "main" else f.ttw_electric_g_per_mj
        if counted and f.zero_at_combustion:
            g -= f.combustion_co2_g_per_mj
        total += r["energy_tj"] * g
    return total


def emissions(model: ScenarioModel, tables: Tables, y: int) -> tuple[float, float, float]:
    """Well-to-wake with shore power [t], tank-to-wake [t], fuel energy [GJ]."""
    year = int(model.years[y])
    by_class = {ship.id: ship for ship in model.classes}
    shore = sum(
        r["in_service"]
        * float(
            (by_class[r["ship_class"]].electric_port_gj * by_class[r["ship_class"]].shore_share[:, y])
            @ model.shore_g_per_mj[:, y]
        )
        / 1000
        for r in tables["service"].to_pylist()
        if r["year"] == year
    )
    gj = sum(r["energy_tj"] * 1000 for r in tables["burnt"].to_pylist() if r["year"] == year)
    return fuel_wtw_t(model, tables, y) + shore, _ttw(model, tables, y, counted=False), gj


def cost_usd(model: ScenarioModel, tables: Tables, y: int) -> float:
    """All cost of a model year but conversions [USD]."""
    years, year = [int(v) for v in model.years], int(model.years[y])
    by_class, options = {s.id: s for s in model.classes}, {f.id: f for f in model.fuels}
    total = 0.0
    for r in tables["fleet"].to_pylist():
        ship, k, v = by_class[r["ship_class"]], FAMILIES.index(r["family"]), years.index(r["year"])
        if r["newbuilds"] and r["year"] <= year < r["year"] + ship.lifetime_years:
            rate = _payment(float(ship.cost_of_capital[k, v]), ship.lifetime_years)
            total += r["newbuilds"] * float(ship.newbuild_usd[k, v]) * rate
        if r["year"] == year:
            total += r["ships"] * float(ship.opex_usd_per_year[k])
    for r in (r for r in tables["fuel"].to_pylist() if r["year"] == year):
        total += r["energy_tj"] * 1000 * options[r["fuel"]].price_usd_per_gj[model.ports.index(r["port"]), y]
    for r in (r for r in tables["service"].to_pylist() if r["year"] == year):
        ship = by_class[r["ship_class"]]
        shore_gj = ship.electric_port_gj * ship.shore_share[:, y]
        total += r["in_service"] * float(shore_gj @ model.shore_usd_per_gj[:, y])
    wtw, _, gj = emissions(model, tables, y)
    rules = model.payments
    total += rules.wtw_usd_per_t[y] * wtw + rules.ttw_usd_per_t[y] * _ttw(model, tables, y, counted=True)
    gfi = fuel_wtw_t(model, tables, y) * 1000 / gj if gj else 0.0
    base, direct = rules.nzf_base_g_per_mj[y], rules.nzf_direct_g_per_mj[y]
    if np.isfinite(base):
        first = max(0.0, min(gfi, base) - direct) * gj / 1000
        total += first * rules.nzf_tier1_usd_per_t[y] + max(0.0, gfi - base) * gj / 1000 * rules.nzf_tier2_usd_per_t[y]
    if rules.fueleu_scope > 0 and gfi > rules.fueleu_limit_g_per_mj[y]:
        over_g = (gfi - rules.fueleu_limit_g_per_mj[y]) * gj * 1000 * rules.fueleu_scope
        total += over_g / (gfi * 41_000) * 2_400 * rules.usd_per_eur
    return float(total)
