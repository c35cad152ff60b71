"""Which figure of a scenario or plan is asked for, and how each is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.corridor.addresses import scenario_address
from sealane.web.corridor.scenario_files import ScenarioFiles
from sealane.web.derivation import Figure, Quantity
from sealane.web.words import N_

MUSD = "million USD"


class Output(StrEnum):
    """A figure of a scenario's year, or of its whole run where no year is given."""

    WTW = "wtw_t"
    TTW = "ttw_t"
    ENERGY = "energy_tj"
    SHORE = "shore_tj"
    COST = "cost_usd"
    FOSSIL_COST = "fossil_cost_usd"
    FOSSIL_WTW = "fossil_wtw_t"
    AVOIDED = "avoided_wtw_t"
    GAP = "cost_gap_usd"
    GAP_PER_TEU = "cost_gap_usd_per_teu"
    ABATEMENT = "abatement_usd_per_t"
    INTENSITY = "intensity_g_per_mj"
    DEMAND = "demand_teu"
    CAP = "cap_wtw_t"


@dataclass(frozen=True)
class ShownOutput:
    """How an output is shown; `divisor` from the table's unit to the figure's, `run` its name in the run's summary."""

    words: str
    quantity: Quantity
    unit: str | None = None
    divisor: float = 1.0
    run: str = ""


OUTPUTS: Mapping[Output, ShownOutput] = {
    Output.WTW: ShownOutput(N_("CO2e, well-to-wake"), "mass_t", run="wtw_t"),
    Output.TTW: ShownOutput(N_("CO2e, tank-to-wake"), "mass_t"),
    Output.ENERGY: ShownOutput(N_("Fuel energy"), "other", "TJ", run="energy_tj"),
    Output.SHORE: ShownOutput(N_("Electricity from shore"), "other", "TJ"),
    Output.COST: ShownOutput(N_("Cost"), "other", MUSD, 1e6, "cost_discounted_usd"),
    Output.FOSSIL_COST: ShownOutput(N_("Cost of the fossil case"), "other", MUSD, 1e6),
    Output.FOSSIL_WTW: ShownOutput(N_("CO2e of the fossil case, well-to-wake"), "mass_t", run="fossil_wtw_t"),
    Output.AVOIDED: ShownOutput(N_("CO2e avoided against the fossil case"), "mass_t", run="avoided_wtw_t"),
    Output.GAP: ShownOutput(N_("Cost gap against the fossil case"), "other", MUSD, 1e6, "cost_gap_discounted_usd"),
    Output.GAP_PER_TEU: ShownOutput(N_("Cost gap by TEU"), "other", "USD/TEU", run="cost_gap_usd_per_teu"),
    Output.ABATEMENT: ShownOutput(N_("Abatement cost"), "price_usd_per_t", run="abatement_usd_per_t"),
    Output.INTENSITY: ShownOutput(N_("CO2e of the fuel by energy, well-to-wake"), "intensity_g_per_mj"),
    Output.DEMAND: ShownOutput(N_("Transport demand"), "teu"),
    Output.CAP: ShownOutput(N_("Most CO2e that the target allows"), "mass_t"),
}


ScenarioFact = Literal[
    "mass", "variance", "range_low", "range_high", "check_low", "check_high", "check_ours", "draws", "inputs",
    "assumption", "difference",
]  # fmt: skip


class ScenarioQuery(BaseModel):
    """A figure of a scenario or plan.

    Attributes
    ----------
    output, year : which figure; without a year that of the whole run.
    at : keys of the terms down to the one asked for, with / between.
    quantile : of an ensemble, in place of the scenario as it is.
    driver : of a tornado, the swing that one driver makes.
    ships, family : number of ships of a class and family in the year.
    fact : a figure that is no output: mass of a fuel bunkered (`at`), share of the variance or an end of the range of
        a driver, published and own answer of a check, number of draws, number of inputs of an origin, an assumption by
        its path, difference of an output to that of another scenario.
    subject : which check, origin, path or other scenario.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: Output = Output.WTW
    year: int | None = Field(default=None, ge=1990, le=2200)
    at: str | None = Field(default=None, max_length=400)
    quantile: Literal["mean", "p05", "p25", "p50", "p75", "p95"] | None = None
    driver: str | None = Field(default=None, max_length=400)
    ships: str | None = Field(default=None, max_length=120)
    family: str | None = Field(default=None, max_length=40)
    fact: ScenarioFact | None = None
    subject: str | None = Field(default=None, max_length=400)

    def but(self, **changed: Any) -> ScenarioQuery:
        """The query with some parameters changed."""
        return ScenarioQuery(**(self.model_dump() | changed))

    def address(self, result_id: str) -> str:
        """Where its derivation stands."""
        return scenario_address(result_id, **self.model_dump(mode="json"))

    @property
    def keys(self) -> list[str]:
        """Keys of `at`."""
        return [key for key in (self.at or "").split("/") if key]


def output_figure(
    files: ScenarioFiles, result_id: str, query: ScenarioQuery, value: float | None, **more: Any
) -> Figure:
    """Return a figure of an output; `value` in the unit of the figure."""
    shown = OUTPUTS[query.output]
    return Figure(value=value, quantity=shown.quantity, unit=shown.unit, explain=query.address(result_id), **more)


def held(files: ScenarioFiles, query: ScenarioQuery) -> float | None:
    """What the result's tables hold of an output, in the unit of the figure; None where they hold nothing."""
    shown = OUTPUTS[query.output]
    if query.year is None:
        value = files.summary["summary"].get(shown.run) if shown.run else None
    else:
        row = files.year(query.year)
        if row is None:
            return None
        if query.output is Output.AVOIDED:
            value = row["fossil_wtw_t"] - row["wtw_t"]
        else:
            value = row[query.output.value]
    return None if not isinstance(value, int | float) else value / shown.divisor
