"""Which figure of an arrival study is asked for: the parameters of its derivation's address."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.corridor.addresses import arrival_address
from sealane.web.corridor.arrival_study import VOYAGE, ArrivalStudy, Kind, Saved

PolicyFact = Literal["delay", "at_anchor", "slower", "burnt", "longest", "gini", "overtaken"]
CallFact = Literal["wait", "speed", "new_speed"]
StudyFact = Literal["published", "all", "waiting", "cubic", "voyages"]


class ArrivalQuery(BaseModel):
    """A figure of an arrival study.

    Attributes
    ----------
    notice : hours of notice, or ``voyage``.
    saved, kind : what, net or gross.
    source : of net energy, the main engine, the auxiliary engines or the boilers.
    call : one port call.
    count : a number of calls in place of a saving; ``notice``: those to which the notice applies.
    policy, fact : a figure of the queue under one policy; or, without one, of a call (waited, speeds) or of the
        comparison with the published study.
    after : of a list of calls, how many stand before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    notice: str = Field(default=VOYAGE, pattern=r"^(voyage|[0-9]{1,3}(\.[0-9]{1,3})?)$")
    saved: Saved = Saved.FUEL
    kind: Kind = Kind.NET
    source: Literal["main", "aux", "boiler"] | None = None
    call: str | None = Field(default=None, max_length=200)
    count: Literal["judged", "waited", "left_out", "notice"] | None = None
    policy: Literal["fcfs", "slot"] | None = None
    fact: PolicyFact | CallFact | StudyFact | None = None
    after: int = Field(default=0, ge=0, le=100_000_000)

    def but(self, **changed: Any) -> ArrivalQuery:
        """The query with some parameters changed."""
        return ArrivalQuery(**(self.model_dump() | changed))

    def address(self, result_id: str) -> str:
        """Where its derivation stands."""
        given = self.model_dump(mode="json")
        if self.count == "notice":
            given = {name: given[name] for name in ("count", "notice", "after")}
        elif self.count:
            given = {name: given[name] for name in ("count", "after")}
        elif self.policy:
            given = {name: given[name] for name in ("policy", "fact", "call", "after")}
        elif self.fact:
            given = {name: given[name] for name in ("notice", "fact", "call", "after")}
        return arrival_address(
            result_id, **{k: v for k, v in given.items() if v is not None and (k, v) != ("after", 0)}
        )


def method_of(study: ArrivalStudy) -> str:
    """The study's method with its edition."""
    return f"{study.summary['method_edition']}, {study.summary['gwp']}, docs/method/arrival.md"
