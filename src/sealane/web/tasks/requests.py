"""What people may ask for as long work: one model a kind, which names kept things by their ids and no file at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from sealane.database.tables.results import data_import, result
from sealane.errors import Fault, Phrase, RequestRefusedError

Id = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
Unlocode = Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Z2-9]{3}$", description="UN/LOCODE, e.g. USLAX.")]
DocumentId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,119}$")]
Method = Literal["epa-2022", "imo4-2020"]
Gwp = Literal["ar4", "ar5", "ar6"]
MAX_TEXT = 1_000_000


class Request(BaseModel):
    """What all requests share: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str | None = Field(None, max_length=200, description="How the result is called; else its subject.")
    public: bool = Field(False, description="Whether guests may see the result.")

    def check(self, connection: sa.Connection) -> None:
        """Refuse what names things that are not kept here.

        Raises
        ------
        RequestRefusedError
            422 with every fault.
        """
        faults = list(self.faults(connection))
        if faults:
            raise RequestRefusedError(
                422, "invalid-task", Phrase("It cannot be worked out."), Phrase("Correct what is listed."), faults
            )

    def faults(self, connection: sa.Connection) -> Iterable[Fault]:
        """Yield what is wrong."""
        del connection
        return ()


class InventoryTask(Request):
    """An emissions inventory of kept positions; with `result_id`, the one of that result for another period.

    Attributes
    ----------
    imports : applied imports of positions.
    vessels, zones : applied imports of vessel particulars and zones; None for those applied last, if any.
    begins_at, ends_at : half-open period.
    """

    result_id: Id | None = None
    imports: list[Id] = Field([], max_length=500)
    port: Unlocode | None = None
    vessels: Id | None = None
    zones: Id | None = None
    method: Method = "epa-2022"
    gwp: Gwp = "ar5"
    begins_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    tracks: bool = Field(True, description="Keep the ships' tracks for the map.")

    @model_validator(mode="after")
    def _together(self) -> InventoryTask:
        if self.result_id is None and not (self.imports and self.port):
            raise ValueError(Phrase("give imports and port, or result_id"))
        if self.begins_at and self.ends_at and self.begins_at >= self.ends_at:
            raise ValueError(Phrase("begins_at is not before ends_at; the period is half-open"))
        return self

    def faults(self, connection: sa.Connection) -> Iterable[Fault]:
        """Yield imports and results that are not kept here."""
        if self.result_id is not None:
            yield from _unknown_results(connection, [self.result_id], ("inventory",), "result_id")
        yield from _unknown_imports(connection, self.imports, "positions", "imports", ("applied", "ready", "applying"))
        yield from _unknown_imports(connection, [self.vessels] if self.vessels else [], "vessels", "vessels")
        yield from _unknown_imports(connection, [self.zones] if self.zones else [], "zones", "zones")


class _OfCalls(Request):
    """What is worked out from port calls: of kept inventories, of applied imports, of partners."""

    inventories: list[Id] = Field([], max_length=500)
    calls: list[Id] = Field([], max_length=500)
    vessels: Id | None = None
    method: Method = "epa-2022"
    gwp: Gwp = "ar5"

    def faults(self, connection: sa.Connection) -> Iterable[Fault]:
        """Yield imports and results that are not kept here."""
        yield from _unknown_results(connection, self.inventories, ("inventory",), "inventories")
        yield from _unknown_imports(connection, self.calls, "calls", "calls")
        yield from _unknown_imports(connection, [self.vessels] if self.vessels else [], "vessels", "vessels")


class LaneTask(_OfCalls):
    """What a lane emitted."""

    corridor: DocumentId
    partners: bool = Field(False, description="Take partners' port calls that this node received.")
    year: int | None = Field(None, ge=1990, le=2100)
    attribution: Literal["direct", "rotation", "cargo"] | None = None
    grid_g_per_kwh: dict[Unlocode, Annotated[float, Field(ge=0, le=3000)]] = Field({}, max_length=50)
    beside: list[DocumentId] = Field([], max_length=20)


class ArrivalTask(_OfCalls):
    """What just-in-time arrival would have saved at a port."""

    port: Unlocode
    notices: list[Literal["voyage"] | Annotated[float, Field(gt=0, le=720)]] = Field(
        ["voyage"], min_length=1, max_length=6
    )
    slot_notice: Literal["voyage"] | Annotated[float, Field(gt=0, le=720)] = 24.0
    berths: int | None = Field(None, ge=1, le=1000)
    min_speed_kn: float | None = Field(None, gt=0, le=40)


class ScenarioTask(Request):
    """A scenario, shipped or given as text, or several side by side."""

    scenario: DocumentId | None = None
    text: str | None = Field(None, max_length=MAX_TEXT, description="The scenario's YAML.")
    compare: list[DocumentId] = Field([], max_length=8)
    ensemble: int = Field(0, ge=0, le=4096)
    seed: int = Field(1, ge=0, le=2**31)

    @model_validator(mode="after")
    def _one(self) -> ScenarioTask:
        if sum((self.scenario is not None, self.text is not None, len(self.compare) > 1)) != 1:
            raise ValueError(Phrase("give scenario, or text, or two or more scenarios to compare"))
        return self


class PlanTask(Request):
    """The least-cost plan of a scenario."""

    scenario: DocumentId | None = None
    text: str | None = Field(None, max_length=MAX_TEXT)
    whole_ships: bool = False

    @model_validator(mode="after")
    def _one(self) -> PlanTask:
        if (self.scenario is None) == (self.text is None):
            raise ValueError(Phrase("give scenario, or text"))
        return self


REQUESTS: Mapping[str, type[Request]] = MappingProxyType(
    {
        "inventory": InventoryTask,
        "lane": LaneTask,
        "arrival": ArrivalTask,
        "scenario": ScenarioTask,
        "plan": PlanTask,
    }
)


def _unknown_imports(
    connection: sa.Connection, ids: list[str], kind: str, field: str, states: tuple[str, ...] = ("applied",)
) -> Iterable[Fault]:
    query = sa.select(data_import.c.id).where(
        data_import.c.id.in_(ids), data_import.c.kind == kind, data_import.c.state.in_(states)
    )
    known = set(connection.execute(query).scalars()) if ids else set()
    return [
        Fault(field, Phrase("%(one)s is no applied import of %(kind)s", one=one, kind=kind), Phrase("See /data"))
        for one in ids
        if one not in known
    ]


def _unknown_results(connection: sa.Connection, ids: list[str], kinds: tuple[str, ...], field: str) -> Iterable[Fault]:
    query = sa.select(result.c.id).where(result.c.id.in_(ids), result.c.removed_at.is_(None))
    if kinds:
        query = query.where(result.c.kind.in_(kinds))
    known = set(connection.execute(query).scalars()) if ids else set()
    return [
        Fault(field, Phrase("there is no result %(one)s", one=one), Phrase("See /reports"))
        for one in ids
        if one not in known
    ]


def iso(time: dt.datetime | None) -> str | None:
    """Return a time as text."""
    return None if time is None else time.astimezone(dt.UTC).isoformat()
