"""What a corridor's pages count, and in which quantity they show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sealane.web.derivation import Figure, Quantity
from sealane.web.words import N_

G_PER_T = 1e6
MJ_PER_TJ = 1e6


class Measure(StrEnum):
    """What of a lane is summed."""

    WTW = "wtw_co2e"
    TTW = "ttw_co2e"
    NOX = "nox"
    SO2 = "so2"
    PM10 = "pm10"
    PM25 = "pm25"
    ENERGY = "energy"
    FUEL = "fuel"
    DISTANCE = "distance"


class Rule(StrEnum):
    """How a share of a ship's rotation is attributed to the lane."""

    DIRECT = "direct"
    ROTATION = "rotation"
    CARGO = "cargo"


@dataclass(frozen=True)
class Shown:
    """How a measure is held and shown.

    Attributes
    ----------
    column : of the lane's tables.
    words : as pages say it.
    divisor : from the column's unit to that of the figure.
    quantity, unit : of the figure.
    """

    column: str
    words: str
    divisor: float
    quantity: Quantity
    unit: str | None = None


MEASURES: Mapping[Measure, Shown] = {
    Measure.WTW: Shown("wtw_co2e_g", N_("CO2e, well-to-wake"), G_PER_T, "mass_t"),
    Measure.TTW: Shown("ttw_co2e_g", N_("CO2e, tank-to-wake"), G_PER_T, "mass_t"),
    Measure.NOX: Shown("nox_g", N_("NOx"), G_PER_T, "mass_t"),
    Measure.SO2: Shown("so2_g", N_("SO2"), G_PER_T, "mass_t"),
    Measure.PM10: Shown("pm10_g", N_("PM10"), G_PER_T, "mass_t"),
    Measure.PM25: Shown("pm25_g", N_("PM2.5"), G_PER_T, "mass_t"),
    Measure.ENERGY: Shown("energy_mj", N_("Fuel energy"), MJ_PER_TJ, "other", "TJ"),
    Measure.FUEL: Shown("fuel_t", N_("Fuel burnt"), 1.0, "mass_t"),
    # Of legs alone: the table of totals does not hold it.
    Measure.DISTANCE: Shown("distance_nm", N_("Distance"), 1.0, "distance_nm"),
}

RULE_WORDS: Mapping[Rule, str] = {
    Rule.DIRECT: N_("Direct voyages only"),
    Rule.ROTATION: N_("All legs between the two ends"),
    Rule.CARGO: N_("By cargo bound for the other end"),
}
PART_WORDS: Mapping[str, str] = {
    "sea": N_("At sea"),
    "anchorage": N_("At anchor"),
    "berth": N_("At berth"),
    "manoeuvring": N_("Manoeuvring"),
    "drift": N_("Adrift"),
}
PLACE_WORDS: Mapping[str, str] = {
    "sea": N_("At sea"),
    "end_a": N_("Ports of end A"),
    "end_b": N_("Ports of end B"),
    "between": N_("Ports between"),
}


def measured(measure: Measure, value: float | None, explain: str, **more: object) -> Figure:
    """Return a figure of a measure, `value` in the figure's unit."""
    shown = MEASURES[measure]
    return Figure(value=value, quantity=shown.quantity, unit=shown.unit, explain=explain, **more)  # type: ignore[arg-type]  # keywords of Figure
