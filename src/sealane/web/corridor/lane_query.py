"""Which figure of a lane is asked for: the parameters of its derivation's address."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.corridor.addresses import lane_address
from sealane.web.corridor.lane_sums import DIMENSIONS
from sealane.web.corridor.measures import Measure, Rule

Ratio = Literal["per_mj", "per_t_km", "per_teu_km", "per_teu", "transport_t_km", "observed"]
Counted = Literal[
    "legs", "voyages", "ships", "unpriced", "no_cargo", "no_particulars", "quarters", "lane_legs", "lane_ships", "flag"
]
LEG_ONLY = (Measure.DISTANCE,)


class LaneQuery(BaseModel):
    """A figure of a lane.

    Attributes
    ----------
    measure : what is summed.
    rule : how it is attributed; None: as the lane's document says.
    year, part, place, ship_class, fuel, quarter : narrow the sum down.
    by : take it apart by voyage (at sea) or by call (in port) in place of the next dimension.
    voyage, leg, call : one of them.
    whole : of a leg, its whole figure and not the lane's share.
    line : of a whole leg, one product, counted from 0.
    after : of a list of voyages or calls, how many stand before.
    ratio, count : a figure that is no sum.
    flag : of count ``flag``, which doubt the legs carry.
    direction, stops : of count ``voyages``, which way, and with calls between the ends or without.
    target, fact : of a target of the document, its value, what the lane reached, or what is still to be cut.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    measure: Measure = Measure.WTW
    rule: Rule | None = None
    year: int | None = Field(default=None, ge=1900, le=2200)
    part: Literal["sea", "anchorage", "berth", "manoeuvring", "drift"] | None = None
    place: Literal["sea", "end_a", "end_b", "between"] | None = None
    ship_class: str | None = Field(default=None, max_length=100)
    fuel: str | None = Field(default=None, max_length=100)
    quarter: int | None = Field(default=None, ge=1, le=4)
    by: Literal["voyage", "call"] | None = None
    voyage: str | None = Field(default=None, max_length=400)
    call: str | None = Field(default=None, max_length=200)
    leg: str | None = Field(default=None, max_length=400)
    whole: bool = False
    line: int | None = Field(default=None, ge=0, le=10_000)
    after: int = Field(default=0, ge=0, le=100_000_000)
    ratio: Ratio | None = None
    count: Counted | None = None
    flag: str | None = Field(default=None, max_length=60)
    direction: Literal["a_to_b", "b_to_a"] | None = None
    stops: Literal["none", "some"] | None = None
    target: str | None = Field(default=None, max_length=100)
    fact: Literal["value", "actual", "gap"] = "value"

    def cell(self) -> dict[str, Any]:
        """Dimensions of the totals that are fixed, the rule first."""
        found: dict[str, Any] = {"rule": (self.rule or Rule.ROTATION).value}
        return found | {name: value for name in DIMENSIONS if (value := getattr(self, name)) is not None}

    def given(self) -> set[str]:
        """Names of the parameters that say something."""
        return {name for name, field in LaneQuery.model_fields.items() if getattr(self, name) != field.default}

    def but(self, **changed: Any) -> LaneQuery:
        """The query with some parameters changed."""
        return LaneQuery(**(self.model_dump() | changed))

    def address(self, result_id: str) -> str:
        """Where its derivation stands."""
        given = self.model_dump(mode="json")
        bare = {"whole": False, "after": 0, "fact": "value"}
        query = {name: value for name, value in given.items() if value is not None and bare.get(name) != value}
        if "whole" in query:
            query["whole"] = "true"
        return lane_address(result_id, query)
