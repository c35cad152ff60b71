"""Which figure of an inventory is meant: a quantity and what narrows it down, as the query of a link says it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sealane.web.times import sensible

Quantity = Literal[
    "mass", "energy", "hours", "distance", "calls", "ships", "unobserved", "interpolated", "share",
    "filled", "quality", "gaps",
]  # fmt: skip
Pollutant = Literal["co2e", "co2", "ch4", "n2o", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co", "bc"]
Basis = Literal["ttw", "wtw", "wtt"]
Mode = Literal["transit", "manoeuvring", "anchorage", "berth", "drift"]
Source = Literal["main", "auxiliary", "boiler", "shore_power"]
Evidence = Literal["zone", "learnt_zone", "status", "motion", "interpolated"]
Dimension = Literal[
    "in_call", "mode", "source", "ship_class", "mmsi", "call_id", "zone", "evidence", "grade", "confidence", "truncated"
]
MAX_SKIP = 10_000_000


class Selection(BaseModel):
    """A figure of an inventory.

    Attributes
    ----------
    quantity : what is added up; ``share`` is a mass as a share of that of the same pollutant, basis, scope and call,
        ``filled`` the share of a mass that rests on filled inputs, ``unobserved`` and ``interpolated`` hours of calls,
        ``gaps`` their gaps without reports.
    pollutant, basis : of masses; ``wtt`` is the part of ``wtw`` before the fuel is on board, of one row only.
    in_call .. truncated : only rows that belong to this; None for all.
    ship : of port calls: a part of the ship's name, or its IMO number or MMSI.
    hour : of one row of hours, energy or distance: only this hour (its beginning, UTC).
    line : of one row of masses: only this load line, counted from 1.
    skip : without so many of the largest parts, where these are ships or calls.
    by : what the figure is divided by.
    item : of the quality of the data: which statement; of a port call: ``confidence``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: Quantity = "mass"
    pollutant: Pollutant | None = None
    basis: Basis | None = None
    in_call: Literal["yes", "no"] | None = None
    mode: Mode | None = None
    source: Source | None = None
    ship_class: str | None = Field(default=None, max_length=80)
    mmsi: int | None = Field(default=None, ge=0, le=999_999_999)
    call_id: str | None = Field(default=None, max_length=80)
    zone: str | None = Field(default=None, max_length=200)
    evidence: Evidence | None = None
    grade: Literal["A", "B", "C", "D"] | None = None
    confidence: int | None = Field(default=None, ge=1, le=4)
    truncated: Literal["none", "start", "end", "both"] | None = None
    ship: str | None = Field(default=None, max_length=80)
    hour: Annotated[dt.datetime | None, AfterValidator(sensible)] = None
    line: int | None = Field(default=None, ge=1, le=1_000_000)
    skip: int | None = Field(default=None, ge=1, le=MAX_SKIP)
    by: Dimension | None = None
    item: str | None = Field(default=None, max_length=60, pattern=r"^[a-z0-9_.]+$")

    def with_defaults(self) -> Selection:
        """The same with pollutant and basis said, where masses are meant."""
        if self.quantity not in {"mass", "filled", "share"}:
            return self
        return self.model_copy(update={"pollutant": self.pollutant or "co2e", "basis": self.basis or "ttw"})

    def narrowed(self, **more: object) -> Selection:
        """The same with more said; what only divides it is left behind."""
        return self.model_copy(update={"by": None, "skip": None} | more)

    def query(self) -> str:
        """The query of its link, in a fixed order."""
        said = [(name, getattr(self, name)) for name in type(self).model_fields]
        if self.quantity == "mass":
            said = said[1:]
        return urlencode([(name, _text(value)) for name, value in said if value is not None])

    def path(self, result_id: str) -> str:
        """The path of its derivation."""
        query = self.query()
        return f"/explain/inventory/{quote(result_id, safe='')}{'?' if query else ''}{query}"


def _text(value: object) -> str:
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def explain_path(result_id: str, **what: object) -> str:
    """The path of the derivation of a figure, for instance ``explain_path(id, pollutant="nox", mode="berth")``."""
    return Selection.model_validate({name: value for name, value in what.items() if value is not None}).path(result_id)
