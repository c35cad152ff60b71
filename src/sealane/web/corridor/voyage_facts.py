"""Time, distance and cargo of voyages as figures: of one voyage, and the median and mean of a rotation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.corridor.addresses import address
from sealane.web.corridor.measures import Measure, Rule
from sealane.web.corridor.models import Wanted
from sealane.web.derivation import Figure, Quantity
from sealane.web.words import N_

VoyageFact = Literal["time", "distance", "teu", "tonnes"]
RotationFact = Literal["median", "mean"]
H_PER_DAY = 24.0
# column of passes.parquet, words, quantity, unit, divisor from the table's unit
VOYAGE_FACTS: Mapping[VoyageFact, tuple[str, str, Quantity, str | None, float]] = {
    "time": ("hours", N_("Time from end to end"), "other", "d", H_PER_DAY),
    "distance": ("distance_nm", N_("Distance from end to end"), "distance_nm", None, 1.0),
    "teu": ("lane_teu", N_("Cargo carried from end to end"), "teu", None, 1.0),
    "tonnes": ("lane_t", N_("Cargo carried from end to end"), "mass_t", None, 1.0),
}
ROTATION_FACTS: Mapping[RotationFact, tuple[str, VoyageFact]] = {
    "median": (N_("Median time from end to end"), "time"),
    "mean": (N_("Mean distance from end to end"), "distance"),
}


class RotationQuery(BaseModel):
    """A figure of a rotation.

    Attributes
    ----------
    ports : in their order, joined by ``>``.
    what : what its voyages add, how many they are, their median time or mean distance.
    after : of a list of voyages, how many stand before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ports: str = Field(max_length=400)
    rule: Rule | None = None
    measure: Measure = Measure.WTW
    year: int | None = Field(default=None, ge=1900, le=2200)
    what: Literal["sum", "count", "median", "mean"] = "sum"
    after: int = Field(default=0, ge=0, le=100_000_000)


class ListQuery(BaseModel):
    """How many voyages or rotations a list has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: Literal["voyages", "rotations"] = "voyages"
    year: int | None = Field(default=None, ge=1900, le=2200)
    direction: Literal["a_to_b", "b_to_a"] | None = None
    ports: str | None = Field(default=None, max_length=400)
    ship: str | None = Field(default=None, max_length=400)
    direct: bool | None = None
    after: int = Field(default=0, ge=0, le=100_000_000)

    def wanted(self) -> Wanted:
        """What the list is narrowed down to."""
        return Wanted(**self.model_dump(exclude={"what", "after"}))


def voyage_address(result_id: str, voyage: str, what: VoyageFact) -> str:
    """Address of the derivation of a voyage's time, distance or cargo."""
    return address(f"/explain/voyage/{result_id}", voyage=voyage, what=what)


def voyage_figure(row: Mapping[str, Any], result_id: str, what: VoyageFact, *, simulated: bool) -> Figure:
    """Return a fact of a voyage as a figure.

    Parameters
    ----------
    row : of ``passes.parquet``.
    """
    at = voyage_address(result_id, row["pass_id"], what)
    return fact_figure(what, row[VOYAGE_FACTS[what][0]], at, simulated=simulated)


def fact_figure(what: VoyageFact, value: float | None, explain: str, *, simulated: bool) -> Figure:
    """Return a time, distance or cargo as a figure, `value` in the unit of the table of voyages."""
    _, _, quantity, unit, divisor = VOYAGE_FACTS[what]
    shown = None if value is None else value / divisor
    return Figure(value=shown, quantity=quantity, unit=unit, explain=explain, simulated=simulated)
