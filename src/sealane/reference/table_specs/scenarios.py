"""Tables of scenarios: costs of fuels, ships and engines, carbon prices, trade, and published answers beside ours."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "fuel_cost_paths",
        "price and well-to-tank of fuels by region and year: levelised cost at the plant gate, derived",
        keys=("fuel", "region", "year", "quantity"),
        texts=("pathway",),
        units=("USD/GJ", "g CO2e/MJ"),
        minimum=-100.0,
        maximum=200.0,
    ),
    TableSpec(
        "scenario_engines",
        "efficiency and cost of ship engines by family of fuel",
        keys=("converter", "family", "quantity"),
        units=("1", "USD/MW", "USD/MW/year"),
        maximum=5e6,
    ),
    TableSpec(
        "scenario_ships",
        "size, loads, use and cost of container ships by nominal capacity",
        keys=("teu", "quantity"),
        units=("TEU", "USD", "USD/year", "USD/m3", "MW", "1", "1/year", "calls/year", "year", "m3"),
        maximum=1e9,
    ),
    TableSpec(
        "scenario_trade_growth",
        "growth of container trade by the year it begins to hold",
        keys=("trade", "year"),
        units=("1/year",),
        minimum=-0.5,
        maximum=0.5,
    ),
    TableSpec(
        "scenario_retrofit_cost",
        "price of converting a container ship to another family of fuel",
        keys=("teu", "from", "to"),
        units=("USD",),
        maximum=1e9,
    ),
    TableSpec(
        "scenario_carbon_prices",
        "carbon prices beside those of `carbon_price_paths`, by scheme and year, price year not stated",
        keys=("scheme", "year"),
        units=("USD/t CO2e",),
        maximum=2000.0,
    ),
    TableSpec(
        "scenario_ship_market",
        "what the trade press said of prices, premiums and tanks of new ships",
        keys=("item",),
        texts=("words",),
        units=("1", "USD", "m3", "nm"),
        maximum=1e9,
    ),
    TableSpec(
        "scenario_trade_volumes",
        "published container volumes: they bound a corridor and define none",
        keys=("item", "period"),
        units=("TEU", "TEU/month", "TEU/year", "USD"),
    ),
    TableSpec(
        "scenario_published_checks",
        "published answers that stand beside a scenario's, with their conditions",
        keys=("check", "bound"),
        texts=("words", "conditions"),
        units=("t/year", "USD/year", "USD/TEU", "1"),
    ),
)
