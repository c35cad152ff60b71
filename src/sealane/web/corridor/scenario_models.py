"""What the pages of scenarios, plans and comparisons answer."""

from __future__ import annotations

from pydantic import BaseModel

from sealane.web.corridor.models import About, ResultRef
from sealane.web.derivation import Figure


class ShippedScenario(BaseModel):
    """A scenario that comes with the product.

    Attributes
    ----------
    name : as addresses call it.
    """

    name: str
    id: str
    corridor: str
    title: str
    label: str


class ScenarioList(BaseModel):
    """Scenarios and plans of a corridor, and what can be run.

    Attributes
    ----------
    text : of a shipped scenario, to start one's own from.
    """

    about: About
    kept: list[ResultRef]
    shipped: list[ShippedScenario]
    comparisons: list[ResultRef]
    may_run: bool
    text: str | None = None


class YearOfScenario(BaseModel):
    """One model year."""

    year: int
    wtw: Figure
    fossil_wtw: Figure
    cap: Figure | None
    intensity: Figure
    cost: Figure
    gap: Figure
    gap_per_teu: Figure
    abatement: Figure


class Stack(BaseModel):
    """Figures by year for the pieces of a whole: items of cost, fuels, families of ships."""

    names: list[str]
    years: list[int]
    rows: list[list[Figure | None]]


class Bunkering(BaseModel):
    """One fuel bunkered at one port in one year."""

    year: int
    port: str
    fuel: str
    energy: Figure
    mass: Figure
    cost: Figure


class Spread(BaseModel):
    """Quantiles of one output of the whole run over an ensemble's draws."""

    output: str
    draws: Figure
    base: float | None
    p05: Figure
    p25: Figure
    p50: Figure
    p75: Figure
    p95: Figure


class Driver(BaseModel):
    """What one driver moves an output by, all others as in the scenario.

    Attributes
    ----------
    total_order : share of the variance it explains alone and with others; not known without an ensemble.
    """

    driver: str
    low: Figure
    high: Figure
    value_low: float | None
    value_high: float | None
    base: float | None
    swing: Figure
    total_order: Figure
    sign: float | None


class ShadowPrice(BaseModel):
    """What one unit more of a limit would save, or of transport would cost."""

    year: int
    constraint: str
    subject: str
    figure: Figure


class Check(BaseModel):
    """A published answer beside ours."""

    words: str
    conditions: str
    unit: str
    low: Figure
    high: Figure
    ours: Figure
    lies: str
    explanation: str
    source: str


class Assumption(BaseModel):
    """One assumption as used."""

    path: str
    value: Figure
    unit: str
    origin: str
    source: str
    grade: str | None


class ScenarioPage(BaseModel):
    """A scenario or a least-cost plan.

    Attributes
    ----------
    result : None for a shipped scenario that is simulated as it stands.
    known : the scenario it came from is known, so that its figures can be taken apart to single factors.
    origin : origin of the assumptions listed; ``unsure`` for placeholders and what is missing.
    """

    about: About
    name: str
    result: ResultRef | None
    title: str
    label: str
    planned: bool
    known: bool
    headline: dict[str, Figure]
    years: list[YearOfScenario]
    cost: Stack
    fuel: Stack
    fleet: Stack
    bunkering: list[Bunkering]
    bunkering_year: int
    spreads: list[Spread]
    output: str
    drivers: list[Driver]
    duals: list[ShadowPrice]
    checks: list[Check]
    inputs: dict[str, Figure]
    assumptions: list[Assumption]
    origin: str
    rules: dict[str, str]
    notes: list[str]
    downloads: list[str]


class Compared(BaseModel):
    """One of the scenarios compared."""

    name: str
    corridor: str
    title: str
    kind: str
    simulated: bool
    ensemble: bool


class ComparedYear(BaseModel):
    """An output of one year, by scenario; None where a scenario has no such year."""

    year: int
    figures: list[Figure | None]


class ComparedItem(BaseModel):
    """A single figure of the run by scenario, and its difference to the first."""

    item: str
    figures: list[Figure | None]
    differences: list[Figure]


class ComparedInput(BaseModel):
    """An assumption that is not the same everywhere."""

    path: str
    unit: str
    values: list[Assumption | None]


class ComparedFuel(BaseModel):
    """Fuel energy of each scenario's last year; None where a scenario burns none of it."""

    fuel: str
    energy: list[Figure | None]


class ComparisonPage(BaseModel):
    """Scenarios side by side."""

    about: About
    choices: list[Compared]
    compared: list[Compared]
    output: str
    years: list[ComparedYear]
    summary: list[ComparedItem]
    fuel: list[ComparedFuel]
    spreads: list[Spread | None]
    inputs: list[ComparedInput]
    placeholders: int
    notes: list[str]
