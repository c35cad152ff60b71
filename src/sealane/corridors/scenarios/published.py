"""Published answers beside ours, for a scenario of the size and the lane they speak of.

A band is no test: the studies do not print their fuel prices, and each row says what explains the difference.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from sealane.corridors.scenarios.fleet import OIL, annuity
from sealane.corridors.scenarios.model import FAMILIES, STUDY_TABLES, Floats, ScenarioModel, ShipClass
from sealane.reference import load_table

CORRIDOR = "la-lb-shanghai"
TABLE = "scenario_published_checks"
CAPACITY_TEU = 15_000.0
YEAR = 2030
# The price of a new ship that the published share of a conversion is of.
BASE_NEWBUILD = ("scenario_ship_market", "price-15000-oil")


def published_checks(model: ScenarioModel) -> pa.Table:
    """Table ``published_checks``; empty but for ships of 15,000 TEU between Shanghai and Los Angeles in 2030."""
    schema = STUDY_TABLES["published_checks"]
    ships = [ship for ship in model.classes if ship.capacity_teu == CAPACITY_TEU]
    if model.corridor != CORRIDOR or not ships or YEAR not in model.years:
        return schema.empty_table()
    y = int(np.flatnonzero(model.years == YEAR)[0])
    return pa.Table.from_pylist(list(_rows(model, ships[0], y)), schema=schema)


def _rows(model: ScenarioModel, ship: ShipClass, y: int) -> Iterator[dict[str, object]]:
    tonnes = methanol_t_per_ship(model, ship)
    yield _row(
        "methanol-per-ship",
        tonnes,
        "Ours is of a ship of 15,000 TEU, published of 16,000: 16/15 of ours lies in the band as well. Both burn "
        "methanol for all but the pilot fuel.",
    )
    for family, fuel_id in (("methanol", "e-methanol"), ("ammonia", "e-ammonia")):
        fuel_gap, all_gap = extra_cost_per_ship(model, ship, family, fuel_id, y)
        for check, low_high, words in (
            ("fuel-cost-per-ship", fuel_gap, "Fuel alone"),
            ("cost-per-ship", all_gap, "Fuel, ship and operation"),
            (f"cost-per-teu-{family}", all_gap / ship.teu_per_year, "Fuel, ship and operation"),
        ):
            value = float(low_high.mean())
            spread = ", ".join(f"{port} {_short(amount)}" for port, amount in zip(model.ports, low_high, strict=True))
            yield _row(
                check,
                value,
                f"{words} with {fuel_id} at cost of {YEAR} ({spread}; mean of the ports). UMAS does not print its fuel "
                f"prices; ours are levelised costs at the plant gate, of electrolysis with "
                f"{_price(model, fuel_id, y)}, and each USD/GJ is {_per_dollar(ship, family):.2f} MUSD a ship-year.",
                subject=fuel_id,
            )
    for a, b in (("oil", "methanol"), ("oil", "ammonia"), ("methane", "ammonia")):
        price = ship.retrofit_usd[FAMILIES.index(a), FAMILIES.index(b)]
        if not np.isnan(price):
            base = load_table(BASE_NEWBUILD[0]).row(BASE_NEWBUILD[1]).value
            yield _row(
                "conversion-share",
                float(price / base),
                f"Conversion from {a} to {b}, over the published newbuild of {base / 1e6:g} MUSD.",
                subject=f"{a} to {b}",
            )
    yield _row(
        "hydrogen-voyages",
        float("nan"),
        "Scenarios have no family of hydrogen engines, and tanks of one size: what voyage a tank allows is not asked.",
    )


def fuel_energy_gj(ship: ShipClass, family: str) -> float:
    """Fuel energy of a ship's year [GJ], without shore power."""
    k = FAMILIES.index(family)
    electric = ship.electric_sea_gj + float(ship.electric_port_gj.sum())
    return float(ship.propulsion_gj / ship.efficiency_propulsion[k] + electric / ship.efficiency_electric[k])


def methanol_t_per_ship(model: ScenarioModel, ship: ShipClass) -> float:
    """Methanol a dual-fuel ship burns in a year [t], all but the pilot."""
    k = FAMILIES.index("methanol")
    lhv = next((fuel.lhv_gj_per_t for fuel in model.fuels if fuel.family == "methanol"), float("nan"))
    return fuel_energy_gj(ship, "methanol") * (1.0 - float(ship.pilot_share[k])) / lhv


def extra_cost_per_ship(
    model: ScenarioModel, ship: ShipClass, family: str, fuel_id: str, y: int
) -> tuple[Floats, Floats]:
    """What a ship-year costs more than with oil [USD], by port of bunkering ``(P,)``: fuel alone, and all of it.

    The ship is new, its price spread over its life at the family's cost of capital.
    """
    k = FAMILIES.index(family)
    fuel = next((fuel for fuel in model.fuels if fuel.id == fuel_id), None)
    oils = [item.price_usd_per_gj[:, y] for item in model.fuels if item.family == "oil" and not item.zero_at_combustion]
    if fuel is None or not oils:
        nothing = np.full(len(model.ports), np.nan)
        return nothing, nothing
    oil = np.nanmin(np.stack(oils), axis=0)
    pilot = float(ship.pilot_share[k])
    burnt = fuel_energy_gj(ship, family) * ((1.0 - pilot) * fuel.price_usd_per_gj[:, y] + pilot * oil)
    fuel_gap = burnt - fuel_energy_gj(ship, "oil") * oil
    yearly = ship.newbuild_usd[:, y] * annuity(ship.cost_of_capital[:, y], float(ship.lifetime_years))
    yearly = yearly + ship.opex_usd_per_year
    return fuel_gap, fuel_gap + float(yearly[k] - yearly[OIL])


def _per_dollar(ship: ShipClass, family: str) -> float:
    pilot = float(ship.pilot_share[FAMILIES.index(family)])
    return fuel_energy_gj(ship, family) * (1.0 - pilot) / 1e6


def _price(model: ScenarioModel, fuel_id: str, y: int) -> str:
    fuel = next(fuel for fuel in model.fuels if fuel.id == fuel_id)
    prices = [
        f"{price:.1f} USD/GJ at {port}" for port, price in zip(model.ports, fuel.price_usd_per_gj[:, y], strict=True)
    ]
    return " and ".join(prices)


def _short(amount: float) -> str:
    return f"{amount / 1e6:+.1f} MUSD" if abs(amount) > 1e5 else f"{amount:+.0f} USD"


def _row(check: str, ours: float, explanation: str, subject: str = "") -> dict[str, object]:
    table = load_table(TABLE)
    low, high = table.row(check, "low"), table.row(check, "high")
    lies = "not computed"
    if not np.isnan(ours):
        lies = "below" if ours < low.value else "above" if ours > high.value else "within"
    return {
        "check": f"{check}: {subject}" if subject else check,
        "words": low.text("words"),
        "conditions": low.text("conditions"),
        "unit": low.unit,
        "lies": lies,
        "explanation": explanation,
        "source": low.source,
        "low": low.value,
        "high": high.value,
        "ours": None if np.isnan(ours) else ours,
    }
