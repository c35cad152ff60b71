"""Tables of FuelEU Maritime, EU ETS and the IMO Net-Zero Framework. Years hold for ``year_from <= year < year_to``."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

_YEARS = ("year_from", "year_to")

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "rule_constants",
        "single numbers of FuelEU Maritime, EU ETS and the IMO Net-Zero Framework",
        keys=("rule", "symbol"),
        units=("g CO2e/MJ", "EUR/t", "MJ/t", "1", "GT", "year"),
    ),
    TableSpec(
        "fueleu_limits",
        "reduction of the greenhouse gas intensity limit against its reference, FuelEU Maritime",
        keys=_YEARS,
        units=("%",),
        size_range=_YEARS,
        range_start=2025.0,
        maximum=100.0,
    ),
    TableSpec(
        "fueleu_rfnbo_reward",
        "reward factor of renewable fuels of non-biological origin, FuelEU Maritime",
        keys=_YEARS,
        units=("1",),
        size_range=_YEARS,
        range_start=2025.0,
        minimum=1.0,
        maximum=2.0,
    ),
    TableSpec(
        "fueleu_wind_reward",
        "reward factor of wind-assisted propulsion by its share of propulsion power, FuelEU Maritime",
        keys=("wind_ratio_from", "wind_ratio_to"),
        units=("1",),
        size_range=("wind_ratio_from", "wind_ratio_to"),
        minimum=0.9,
        maximum=1.0,
    ),
    TableSpec(
        "eea_scope",
        "share of fuel in the scope of a European rule by where it was used",
        keys=("rule", "scope"),
        units=("1",),
        maximum=1.0,
    ),
    TableSpec(
        "eu_ets_phase_in",
        "share of emissions for which allowances are surrendered, EU ETS maritime",
        keys=_YEARS,
        units=("1",),
        size_range=_YEARS,
        range_start=2024.0,
        maximum=1.0,
    ),
    TableSpec(
        "eu_ets_gases",
        "whether a gas counts in the EU ETS for maritime transport",
        keys=("gas", *_YEARS),
        units=("1",),
        size_range=_YEARS,
        range_start=2024.0,
        maximum=1.0,
    ),
    TableSpec(
        "nzf_targets",
        "reduction of greenhouse gas fuel intensity, IMO Net-Zero Framework (draft)",
        keys=("year", "line"),
        units=("%",),
        maximum=100.0,
    ),
    TableSpec(
        "nzf_prices",
        "price of remedial units, IMO Net-Zero Framework (draft)",
        keys=("year", "tier"),
        units=("USD/t",),
        maximum=10000.0,
    ),
    TableSpec(
        "carbon_price_paths",
        "paths of allowance prices of scenarios, price year not stated",
        keys=("path", "year"),
        units=("USD/t",),
        maximum=10000.0,
    ),
)
