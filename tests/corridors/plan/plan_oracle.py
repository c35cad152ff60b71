"""The same plan written a second time, for scipy: by the life of each ship and with fuel by class, in plain loops.

It shares no line with the package: a column here is a whole life of a ship (its families year by year, or given up),
and energy is kept by class, engine, fuel and port, in GJ, USD and t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from sealane.corridors.scenarios.model import FAMILIES, ScenarioModel, ShipClass

GIVEN_UP = -1
Life = tuple[int, ...]


def payment(rate: float, years: float) -> float:
    """Yearly payment for 1 USD."""
    return 1.0 / years if rate == 0.0 else rate / (1.0 - (1.0 + rate) ** -years)


@dataclass
class Rows:
    """A linear programme, row by row."""

    cost: list[float] = field(default_factory=list)
    equal: list[tuple[dict[int, float], float]] = field(default_factory=list)
    below: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def column(self, cost: float) -> int:
        self.cost.append(cost)
        return len(self.cost) - 1


def _matrix(
    rows: list[tuple[dict[int, float], float]], columns: int
) -> tuple[coo_array, np.ndarray] | tuple[None, None]:
    if not rows:
        return None, None
    cells = [(i, j, value) for i, (row, _) in enumerate(rows) for j, value in row.items()]
    i, j, values = zip(*cells, strict=True)
    return coo_array((values, (i, j)), shape=(len(rows), columns)), np.array([right for _, right in rows])


def _usable(ship: ShipClass, k: int) -> bool:
    return bool(ship.efficiency_propulsion[k] > 0 and ship.efficiency_electric[k] > 0)


def _lives(model: ScenarioModel, ship: ShipClass, family: int, alive: list[int], new: bool) -> Iterator[Life]:
    """Every life of a ship over the model years it could serve."""

    def grow(life: Life, y: int) -> Iterator[Life]:
        if y == len(alive):
            yield life
            return
        now = life[-1] if life else family
        yield from grow((*life, GIVEN_UP), y + 1)
        if now == GIVEN_UP:
            return
        yield from grow((*life, now), y + 1)
        if new and y == 0:
            return
        for to in range(len(FAMILIES)):
            if to != now and np.isfinite(ship.retrofit_usd[now, to]) and _usable(ship, to):
                yield from grow((*life, to), y + 1)

    yield from grow((), 0)


def least_cost_usd(model: ScenarioModel) -> float | None:
    """Least discounted cost; None where there is no plan."""
    lp = Rows()
    n, p = len(model.years), len(model.ports)
    years = [int(year) for year in model.years]
    d = [float(model.year_weight[y]) / (1 + model.discount_rate) ** (years[y] - years[0]) for y in range(n)]
    horizon = years[-1] + max(1, round(float(model.year_weight[-1])))
    owned: dict[tuple[int, int, int], dict[int, float]] = {}
    built: dict[int, dict[int, float]] = {y: {} for y in range(n)}
    converted: dict[int, dict[int, float]] = {y: {} for y in range(n)}

    def add_life(c: int, ship: ShipClass, family: int, alive: list[int], life: Life, end: int, new: bool) -> int:
        cost, now = 0.0, family
        if new:
            yearly = ship.newbuild_usd[family, alive[0]] * payment(
                float(ship.cost_of_capital[family, alive[0]]), ship.lifetime_years
            )
            cost += sum(d[y] for y in alive) * yearly
        moves = []
        for i, (y, to) in enumerate(zip(alive, life, strict=True)):
            if to == GIVEN_UP:
                break
            if to != now:
                rate = payment(float(ship.cost_of_capital[to, y]), end - years[y])
                cost += sum(d[z] for z in alive[i:]) * ship.retrofit_usd[now, to] * rate
                moves.append(y)
            cost += d[y] * ship.opex_usd_per_year[to]
            now = to
        column = lp.column(cost)
        for y, to in zip(alive, life, strict=True):
            if to != GIVEN_UP:
                owned.setdefault((c, to, y), {})[column] = 1.0
        for y in moves:
            converted[y][column] = converted[y].get(column, 0.0) + 1.0
        return column

    for c, ship in enumerate(model.classes):
        for k in range(len(FAMILIES)):
            for last in range(n):
                after = ship.existing[k, last + 1] if last + 1 < n else 0.0
                ships = float(ship.existing[k, last] - after)
                if ships > 0:
                    end = years[last + 1] if last + 1 < n else horizon
                    alive = list(range(last + 1))
                    columns = [
                        add_life(c, ship, k, alive, life, end, False) for life in _lives(model, ship, k, alive, False)
                    ]
                    lp.equal.append((dict.fromkeys(columns, 1.0), ships))
            for first in range(n):
                if not np.isfinite(ship.newbuild_usd[k, first]) or not _usable(ship, k):
                    continue
                end = years[first] + ship.lifetime_years
                alive = [y for y in range(first, n) if years[y] < end]
                for life in _lives(model, ship, k, alive, True):
                    built[first][add_life(c, ship, k, alive, life, end, True)] = 1.0
    for y in range(1, n):
        if np.isfinite(model.most_newbuilds[y]) and built[y]:
            lp.below.append((built[y], float(model.most_newbuilds[y] * model.year_weight[y])))
    for y in range(n):
        if np.isfinite(model.most_retrofits[y]) and converted[y]:
            lp.below.append((converted[y], float(model.most_retrofits[y] * model.year_weight[y])))

    rules = model.payments
    carried: dict[tuple[int, int], dict[int, float]] = {}
    emitted: list[dict[int, float]] = [{} for _ in range(n)]  # t, fuel
    ashore: list[dict[int, float]] = [{} for _ in range(n)]  # t, shore power
    energy: list[dict[int, float]] = [{} for _ in range(n)]  # MJ
    bunkered: dict[tuple[int, int, int], dict[int, float]] = {}
    for c, ship in enumerate(model.classes):
        for k in range(len(FAMILIES)):
            for y in range(n):
                if not _usable(ship, k):
                    continue
                port_gj = [float(ship.electric_port_gj[q]) for q in range(p)]
                shore_gj = [port_gj[q] * float(ship.shore_share[q, y]) for q in range(p)]
                shore_t = sum(shore_gj[q] * model.shore_g_per_mj[q, y] for q in range(p)) / 1000
                cost = sum(shore_gj[q] * model.shore_usd_per_gj[q, y] for q in range(p))
                service = lp.column(d[y] * (cost + shore_t * rules.wtw_usd_per_t[y]))
                ashore[y][service] = shore_t
                carried.setdefault((c, y), {})[service] = ship.teu_per_year * (1 - ship.capacity_loss[k])
                lp.below.append(({service: 1.0, **{i: -v for i, v in owned.get((c, k, y), {}).items()}}, 0.0))
                on_board = ship.electric_sea_gj + sum(port_gj) - sum(shore_gj)
                for electric, need in (
                    (False, ship.propulsion_gj / ship.efficiency_propulsion[k]),
                    (True, on_board / ship.efficiency_electric[k]),
                ):
                    burnt: dict[int, float] = {}
                    oil: dict[int, float] = {}
                    for f, fuel in enumerate(model.fuels):
                        if fuel.family not in ("oil", FAMILIES[k]):
                            continue
                        ttw = fuel.ttw_electric_g_per_mj if electric else fuel.ttw_g_per_mj
                        counted = ttw - (fuel.combustion_co2_g_per_mj if fuel.zero_at_combustion else 0.0)
                        for q in range(p):
                            price, wtt = fuel.price_usd_per_gj[q, y], fuel.wtt_g_per_mj[q, y]
                            if not np.isfinite(price):
                                continue
                            t_per_gj = (wtt + ttw) / 1000
                            usd = price + t_per_gj * rules.wtw_usd_per_t[y] + counted / 1000 * rules.ttw_usd_per_t[y]
                            column = lp.column(d[y] * usd)
                            burnt[column] = 1.0
                            if fuel.family == "oil":
                                oil[column] = 1.0
                            emitted[y][column] = t_per_gj
                            energy[y][column] = 1000.0
                            bunkered.setdefault((f, q, y), {})[column] = 1.0
                    lp.equal.append(({**burnt, service: -need}, 0.0))
                    if k > 0:
                        lp.below.append(({**dict.fromkeys(oil, -1.0), service: need * ship.pilot_share[k]}, 0.0))
    for (f, q, y), columns in bunkered.items():
        most = model.fuels[f].available_gj[q, y]
        if np.isfinite(most):
            lp.below.append((columns, float(most)))
    for y in range(n):
        every: dict[int, float] = {}
        for c in range(len(model.classes)):
            columns = carried.get((c, y), {})
            every |= columns
            if model.class_share is not None:
                lp.equal.append((columns or {0: 0.0}, float(model.class_share[c, y] * model.demand_teu[y])))
        if model.class_share is None:
            lp.equal.append((every, float(model.demand_teu[y])))
        if np.isfinite(model.cap_wtw_t[y]):
            lp.below.append(({**emitted[y], **ashore[y]}, float(model.cap_wtw_t[y])))
        line = model.cap_intensity_g_per_mj[y]
        if np.isfinite(line):
            lp.below.append(({i: t - line * energy[y][i] / 1e6 for i, t in emitted[y].items()}, 0.0))
        _rules_in_tiers(model, lp, y, d[y], emitted[y], energy[y])
    a_eq, b_eq = _matrix(lp.equal, len(lp.cost))
    a_ub, b_ub = _matrix(lp.below, len(lp.cost))
    found = linprog(np.array(lp.cost), A_ub=a_ub, b_ub=b_ub, A_eq=a_eq, b_eq=b_eq, method="highs-ds")
    if found.status == 2:
        return None
    assert found.status == 0, found.message
    return float(found.fun)


def _rules_in_tiers(
    model: ScenarioModel, lp: Rows, y: int, d: float, emitted: dict[int, float], energy: dict[int, float]
) -> None:
    rules = model.payments
    base, direct = rules.nzf_base_g_per_mj[y], rules.nzf_direct_g_per_mj[y]

    def over(line: float) -> dict[int, float]:
        return {i: t - line * energy[i] / 1e6 for i, t in emitted.items()}

    if np.isfinite(base) and np.isfinite(direct):
        # Two slopes: all above the direct line at the first price, what is above the base line at the rest.
        first = lp.column(d * rules.nzf_tier1_usd_per_t[y])
        second = lp.column(d * (rules.nzf_tier2_usd_per_t[y] - rules.nzf_tier1_usd_per_t[y]))
        lp.below.append(({**over(float(direct)), first: -1.0}, 0.0))
        lp.below.append(({**over(float(base)), second: -1.0}, 0.0))
    limit = rules.fueleu_limit_g_per_mj[y]
    if np.isfinite(limit) and rules.fueleu_scope > 0:
        dirtiest = max(
            float(np.nanmax(fuel.wtt_g_per_mj[:, y])) + max(fuel.ttw_g_per_mj, fuel.ttw_electric_g_per_mj)
            for fuel in model.fuels
        )
        if dirtiest > limit:
            usd_per_t = 1e6 / dirtiest / 41_000 * 2_400 * rules.usd_per_eur * rules.fueleu_scope
            deficit = lp.column(d * usd_per_t)
            lp.below.append(({**over(float(limit)), deficit: -1.0}, 0.0))
