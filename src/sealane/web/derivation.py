"""Figures that lead to their derivation: what a page prints, and what opens when a reader asks where it comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Quantity = Literal[
    "mass_g",
    "mass_kg",
    "mass_t",
    "energy_kwh",
    "energy_mj",
    "distance_nm",
    "speed_kn",
    "duration_h",
    "count",
    "share",
    "ratio",
    "teu",
    "teu_nm",
    "intensity_g_per_teu_nm",
    "intensity_g_per_mj",
    "money_usd",
    "money_eur",
    "price_usd_per_t",
    "power_kw",
    "bytes",
    "other",
]
Origin = Literal["observed", "filled", "published", "entered", "computed", "missing"]


class Figure(BaseModel):
    """A number on a page.

    Attributes
    ----------
    value : in the unit the quantity names; None where it is not known, which a page says in words.
    quantity : kind of number with its unit; the page shows it in the reader's choice of unit.
    explain : path of the derivation, for instance ``/explain/inventory/<result>?pollutant=nox``.
    unit : shown where the quantity is ``other``.
    grade : A to D, the weakest of what it rests on; None where that is not known.
    filled_share : share (0 to 1) that rests on filled inputs.
    low, high : bounds where they were computed, same unit.
    """

    model_config = ConfigDict(frozen=True)

    value: float | None
    quantity: Quantity
    explain: str = Field(pattern=r"^/[^/\\]")
    unit: str | None = None
    grade: Literal["A", "B", "C", "D"] | None = None
    filled_share: float | None = None
    low: float | None = None
    high: float | None = None
    simulated: bool = False


class Input(BaseModel):
    """One input of a derivation.

    Attributes
    ----------
    value : number, or words where it is none.
    origin : where the value comes from; ``filled`` values name their rule in `source`.
    link : page or file that shows more, if any.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    value: float | str | None
    unit: str = ""
    origin: Origin
    source: str = ""
    grade: str | None = None
    link: str | None = None


class Part(BaseModel):
    """One of the parts a figure is the sum of."""

    model_config = ConfigDict(frozen=True)

    label: str
    figure: Figure


class PublishedRow(BaseModel):
    """A row of a published table that was used."""

    model_config = ConfigDict(frozen=True)

    table: str
    key: str
    value: float | str | None
    unit: str
    source: str
    edition: str = ""
    grade: str | None = None
    valid_from: str = ""


class Derivation(BaseModel):
    """Where a figure comes from.

    Attributes
    ----------
    title : what the figure is, in words.
    equation : as written in docs/method, plain text; empty for a pure sum or count.
    filters : what narrows it down, name to value, in the order of the path.
    parts : add up to the figure exactly; empty where the figure is computed from `inputs`.
    part_dimension : what the parts are divided by, for instance ``mode``.
    notes : what else a reader must know.
    method : method and its edition.
    source_files : files of the result the figure was read from, with their digest.
    exports : label to path of the same derivation as a file.
    """

    title: str
    figure: Figure
    equation: str = ""
    filters: dict[str, str] = {}
    inputs: list[Input] = []
    parts: list[Part] = []
    part_dimension: str = ""
    rows: list[PublishedRow] = []
    notes: list[str] = []
    method: str = ""
    source_files: list[str] = []
    exports: dict[str, str] = {}


def marks(found: Derivation, *, simulated: bool) -> dict[str, object]:
    """Return figure and parts of a derivation, each with the mark of the whole, as an update of its model."""
    told = {"simulated": simulated}
    return {
        "figure": found.figure.model_copy(update=told),
        "parts": [one.model_copy(update={"figure": one.figure.model_copy(update=told)}) for one in found.parts],
    }
