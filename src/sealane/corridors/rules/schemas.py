"""The columns of the tables that a rule on a ship-year file writes; the reference documentation reads them too."""

from __future__ import annotations

import pyarrow as pa

from sealane.inventory.schemas import Column, TableSpec

_F, _S, _I, _B = pa.float64(), pa.string(), pa.int32(), pa.bool_()

_WHO = {
    "ship": Column(_S, "", "as in the ship-year file"),
    "year": Column(_I, "year", "calendar year"),
    "imo": Column(_I, "IMO number", "null where not given"),
}
_APPLIES = Column(_B, "", "the rule holds for a ship of this size; without a gross tonnage it is taken to")
_PROVENANCE = {
    "gwp": Column(_S, "", "set of global warming potentials"),
    "edition": Column(_S, "", "edition of the rule"),
    "status": Column(_S, "", "in force, or draft"),
    "note": Column(_S, "", "what the reader must know"),
}

FUELEU = TableSpec(
    "fueleu.parquet",
    "FuelEU Maritime of one ship and year",
    {
        **_WHO,
        "applies": _APPLIES,
        "energy_mj": Column(_F, "MJ", "energy in scope, shore power included"),
        "shore_power_mj": Column(_F, "MJ", "thereof electricity from shore"),
        "wtt_g": Column(_F, "g CO2e", "well-to-tank in scope"),
        "ttw_g": Column(_F, "g CO2e", "tank-to-wake in scope"),
        "wind_factor": Column(_F, "1", "f_wind"),
        "intensity_g_per_mj": Column(_F, "g CO2e/MJ", "attained; null without energy in scope"),
        "limit_g_per_mj": Column(_F, "g CO2e/MJ", "limit of the year"),
        "balance_g": Column(_F, "g CO2e", "compliance balance, negative for a deficit"),
        "penalty_eur": Column(_F, "EUR", "for the balance as it stands, before any measure"),
        "deficit_years": Column(_I, "year", "consecutive periods with a deficit that the penalty counts"),
        "rfnbo_share": Column(_F, "1", "rewarded RFNBO in the energy in scope, counted once"),
        "allocation": Column(_S, "", "how the half of voyages to and from the area is filled"),
        **_PROVENANCE,
    },
    ("ship", "year"),
)

FUELEU_SETTLEMENT = TableSpec(
    "fueleu_settlement.parquet",
    "FuelEU balance of one ship and year after banking, borrowing and pooling",
    {
        "ship": _WHO["ship"],
        "year": _WHO["year"],
        "initial_g": Column(_F, "g CO2e", "balance from the year's fuel"),
        "banked_before_g": Column(_F, "g CO2e", "surplus banked in the period before"),
        "repaid_g": Column(_F, "g CO2e", "1.1 times what was borrowed in the period before"),
        "adjusted_g": Column(_F, "g CO2e", "initial + banked before - repaid"),
        "pooled_g": Column(_F, "g CO2e", "received from the pool, negative where given"),
        "borrowed_g": Column(_F, "g CO2e", "advance surplus from the next period"),
        "banked_g": Column(_F, "g CO2e", "surplus left to the next period"),
        "verified_g": Column(_F, "g CO2e", "what is left"),
        "deficit_years": Column(_I, "year", "consecutive periods with a deficit; 0 without one"),
        "penalty_eur": Column(_F, "EUR", "for the verified deficit"),
        "pool": Column(_S, "", "name of the pool; empty without one"),
    },
    ("ship", "year"),
)

ETS = TableSpec(
    "ets.parquet",
    "EU ETS maritime of one ship and year",
    {
        **_WHO,
        "applies": _APPLIES,
        "co2_t": Column(_F, "t", "tank-to-wake CO2 in scope, without zero-rated CO2"),
        "ch4_t": Column(_F, "t", "CH4 in scope with slip, whether or not it counts yet"),
        "n2o_t": Column(_F, "t", "N2O in scope, whether or not it counts yet"),
        "zero_rated_co2_t": Column(_F, "t", "CO2 of certified biofuel and RFNBO in scope"),
        "covered_co2e_t": Column(_F, "t CO2e", "gases that count in this year, in scope"),
        "phase_in": Column(_F, "1", "share for which allowances are surrendered"),
        "allowances_t": Column(_F, "t CO2e", "allowances to surrender"),
        "price_per_t": Column(_F, "currency/t", "null without a price"),
        "cost": Column(_F, "currency", "null without a price"),
        "currency": Column(_S, "", "of price and cost"),
        **_PROVENANCE,
    },
    ("ship", "year"),
)

NZF = TableSpec(
    "nzf.parquet",
    "IMO Net-Zero Framework (draft) of one ship and year",
    {
        **_WHO,
        "applies": _APPLIES,
        "energy_mj": Column(_F, "MJ", "all energy of the year, shore power included"),
        "gfi_g_per_mj": Column(_F, "g CO2e/MJ", "attained greenhouse gas fuel intensity"),
        "base_g_per_mj": Column(_F, "g CO2e/MJ", "base target"),
        "direct_g_per_mj": Column(_F, "g CO2e/MJ", "direct compliance target"),
        "tier1_t": Column(_F, "t CO2e", "deficit between the targets"),
        "tier2_t": Column(_F, "t CO2e", "deficit above the base target"),
        "surplus_t": Column(_F, "t CO2e", "surplus below the direct compliance target"),
        "tier1_usd_per_t": Column(_F, "USD/t", "null where none is set or given"),
        "tier2_usd_per_t": Column(_F, "USD/t", "null where none is set or given"),
        "cost_usd": Column(_F, "USD", "remedial units; null where a price that is needed is not set"),
        **_PROVENANCE,
    },
    ("ship", "year"),
)

CII = TableSpec(
    "cii.parquet",
    "carbon intensity indicator of one ship and year",
    {
        **_WHO,
        "ship_type": Column(_S, "", "type as rated"),
        "capacity": Column(_F, "t or GT", "the ship's deadweight or gross tonnage"),
        "unit": Column(_S, "", "unit of attained, reference, required and boundaries"),
        "co2_t": Column(_F, "t", "CO2 of all fuel of the year"),
        "distance_nm": Column(_F, "nm", "sailed in the year"),
        "attained": Column(_F, "unit", "attained CII"),
        "reference": Column(_F, "unit", "reference line"),
        "required": Column(_F, "unit", "required CII of the year"),
        "superior": Column(_F, "unit", "A ends here"),
        "lower": Column(_F, "unit", "B ends here"),
        "upper": Column(_F, "unit", "C ends here"),
        "inferior": Column(_F, "unit", "D ends here"),
        "rating": Column(_S, "A-E", "rating"),
        "margin_pct": Column(_F, "%", "attained above required; negative is better"),
        "action": Column(_S, "", "what regulation 28 asks for; null for nothing"),
        "edition": _PROVENANCE["edition"],
        "status": _PROVENANCE["status"],
        "note": _PROVENANCE["note"],
    },
    ("ship", "year"),
)

RULE_TABLES = {"fueleu": FUELEU, "ets": ETS, "nzf": NZF, "cii": CII}
"""Table of results by rule."""
