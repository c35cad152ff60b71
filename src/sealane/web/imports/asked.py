"""What an upload is asked with: its kind, its name and size, and what its reader must know."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sealane.errors import Phrase
from sealane.web.tasks.requests import Id, Unlocode

Column = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class Kind(StrEnum):
    """What a file holds."""

    POSITIONS = "positions"
    VESSELS = "vessels"
    CALLS = "calls"
    ZONES = "zones"
    PRODUCT = "product"


class Options(BaseModel):
    """What the reader must know.

    Attributes
    ----------
    port : of an inventory, and of zones.
    format, columns : of positions; ``columns`` names the file's column for each of ours.
    dataset : of records of a data product.
    time_zone : of EDIFACT times that name none.
    simulated : the data are simulated, and stay marked so.
    public : open the records to everybody, without any agreement.
    method, gwp, vessels, zones : of the inventory.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: Unlocode | None = None
    format: Literal["auto", "marinecadastre", "dma", "generic", "parquet", "nmea"] = "auto"
    columns: dict[Column, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=dict, max_length=30
    )
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,59}$")] | None = None
    time_zone: Annotated[str, Field(max_length=60)] | None = None
    simulated: bool = False
    public: bool = False
    method: Literal["epa-2022", "imo4-2020"] = "epa-2022"
    gwp: Literal["ar4", "ar5", "ar6"] = "ar5"
    vessels: Id | None = None
    zones: Id | None = None


class NewImport(BaseModel):
    """An upload that is to begin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    file_name: str = Field(min_length=1, max_length=1000)
    size_bytes: int = Field(gt=0, le=1 << 50)
    options: Options = Field(default_factory=Options)

    @model_validator(mode="after")
    def _needed(self) -> NewImport:
        if self.kind is Kind.POSITIONS and self.options.port is None:
            raise ValueError(Phrase("positions need options.port, the port whose inventory they are for"))
        if self.kind is Kind.PRODUCT and self.options.dataset is None:
            raise ValueError(Phrase("records need options.dataset, the data product they belong to"))
        return self


class Completion(BaseModel):
    """That all bytes were sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the whole file, in hexadecimal.")


class Undoing(BaseModel):
    """What undoing may leave.

    Attributes
    ----------
    keep_sent : records that were sent to partners stay, the others go; without it, nothing is undone once any was
        sent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_sent: bool = False
