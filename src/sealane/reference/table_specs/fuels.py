"""Tables of fuels: what the catalogue of pathways composes, and the catalogue itself."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "fueleu_annex2_renewable",
        "heating value and combustion factors of biofuels and RFNBO, FuelEU Maritime Annex II",
        keys=("fuel", "quantity"),
        units=("MJ/kg", "g/g", "% of fuel mass"),
        maximum=200.0,
    ),
    TableSpec(
        "fuel_wtt_examples",
        "well-to-tank figures of renewable fuels for orientation: none is a default of a rule",
        keys=("fuel", "quantity", "basis"),
        units=("g CO2e/MJ",),
        minimum=-100.0,
        maximum=200.0,
    ),
    TableSpec(
        "navigate_fuel_properties",
        "heating value, density and combustion CO2 of fuels, navigate-zcs",
        keys=("fuel", "quantity"),
        units=("MJ/kg", "t/m3", "g/g"),
        maximum=200.0,
    ),
    TableSpec(
        "navigate_engine_fuel",
        "pilot fuel, methane slip and N2O of dual-fuel engines, navigate-zcs",
        keys=("converter", "family", "quantity"),
        units=("1", "g/g"),
        maximum=1.0,
    ),
    TableSpec(
        "fuel_pathways",
        "which published rows answer for a fuel, by set of factors and consumer",
        keys=("fuel", "factor_set", "consumer"),
        texts=("aliases", "pathway_class", "family", "status", "wtt", "factors", "gases", "slip", "density"),
        has_value=False,
    ),
)
