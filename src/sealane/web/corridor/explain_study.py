"""Where the spread of a scenario comes from: quantiles over draws, one driver at its ends, shadow prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.addresses import plan_address
from sealane.web.corridor.scenario_files import ScenarioFiles
from sealane.web.corridor.scenario_query import OUTPUTS, ScenarioQuery, output_figure
from sealane.web.derivation import Derivation, Figure, Input, Origin, Part
from sealane.web.words import N_

QUANTILES = ("mean", "p05", "p25", "p50", "p75", "p95")
RANGE_ORIGINS: Mapping[str, Origin] = {"sourced": "published", "user": "entered", "placeholder": "filled"}


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The result holds no such figure."), Phrase("See the scenario's page.")
    )


def output_name(query: ScenarioQuery) -> str:
    """Name of an output in the tables of a study."""
    return query.output.value if query.year is not None else OUTPUTS[query.output].run


def ranges_of(files: ScenarioFiles, driver: str | None = None) -> list[Input]:
    """Ranges of the scenario, or that of one driver; none where the scenario is not known."""
    if files.model is None:
        return []
    return [
        Input(
            name=item.name,
            value=f"{item.low:g} … {item.mode:g} … {item.high:g}",
            unit=item.unit if item.unit != "1" else "",
            origin=RANGE_ORIGINS.get(str(item.origin), "missing"),
            source=f"{item.distribution}: {item.source}",
            grade=item.grade,
        )
        for item in files.model.ranges
        if driver is None or item.name == driver
    ]


def explain_quantile(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    """A quantile of an ensemble: how many draws, over which ranges, and the other quantiles."""
    wanted = (output_name(query), query.year or 0)
    row = next((r for r in files.rows("ensemble") if (r["output"], r["year"]) == wanted), None)
    if row is None:
        raise _refused()
    shown = OUTPUTS[query.output]

    def scaled(name: str) -> float | None:
        return None if row[name] is None else row[name] / shown.divisor

    inputs = [
        Input(name=N_("the scenario as it is"), value=scaled("base"), unit=shown.unit or "t", origin="computed"),
        *(
            Input(name=name, value=scaled(name), unit=shown.unit or "t", origin="computed")
            for name in QUANTILES
            if name != query.quantile
        ),
    ]
    return Derivation(
        title=shown.words,
        figure=output_figure(
            files, result_id, query, scaled(str(query.quantile)), low=scaled("p05"), high=scaled("p95")
        ),
        equation=N_("quantile over the draws of the scenario's ranges"),
        filters={N_("Quantile"): str(query.quantile), N_("Draws"): f"{row['draws']:,}"},
        inputs=[*ranges_of(files), *inputs],
        notes=[N_("Each range: low, the scenario's own value, high.")],
        source_files=["ensemble.parquet"],
    )


def explain_driver(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    """What one driver moves an output by, all others as in the scenario."""
    wanted = (output_name(query), query.driver)
    row = next((r for r in files.rows("tornado") if (r["output"], r["driver"]) == wanted), None)
    if row is None or row["value_high"] is None or row["value_low"] is None:
        raise _refused()
    shown = OUTPUTS[query.output]
    low, high = row["value_low"] / shown.divisor, row["value_high"] / shown.divisor
    parts = [
        Part(label=words, figure=output_figure(files, result_id, query, value))
        for words, value in (
            (N_("with the driver at its high end"), high),
            (N_("less: with the driver at its low end"), -low),
        )
    ]
    return Derivation(
        title=shown.words,
        figure=output_figure(files, result_id, query, high - low),
        equation=N_("figure with the driver at its high end - figure with it at its low end"),
        filters={N_("Driver"): str(query.driver)},
        inputs=ranges_of(files, query.driver),
        parts=parts,
        part_dimension=N_("ends of the range"),
        notes=[N_("All other drivers are as in the scenario.")],
        source_files=["tornado.parquet"],
    )


class PlanQuery(BaseModel):
    """A shadow price of a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    constraint: str = Field(max_length=60)
    subject: str = Field(max_length=200)
    year: int = Field(ge=1990, le=2200)

    def address(self, result_id: str) -> str:
        """Where its derivation stands."""
        return plan_address(result_id, **self.model_dump())


CONSTRAINTS: Mapping[str, tuple[str, str]] = {
    "demand": (N_("One container more to carry"), "demand_teu"),
    "cap_wtw": (N_("One tonne less under the cap on emissions"), "cap_wtw_t"),
    "cap_intensity": (N_("A tighter cap on intensity, by tonne"), "cap_wtw_t"),
    "availability": (N_("One GJ more of a fuel that is scarce"), ""),
    "most_newbuilds": (N_("One new ship more a year"), ""),
    "most_retrofits": (N_("One conversion more a year"), ""),
}


def dual_figure(row: Mapping[str, Any], result_id: str) -> Figure:
    """Return a shadow price as a figure."""
    query = PlanQuery(constraint=row["constraint"], subject=row["subject"], year=row["year"])
    return Figure(value=row["value"], quantity="other", unit=row["unit"], explain=query.address(result_id))


def explain_dual(files: ScenarioFiles, result_id: str, query: PlanQuery) -> Derivation:
    """Where a shadow price comes from.

    Raises
    ------
    RequestRefusedError
        404 where the plan has no such limit.
    """
    wanted = (query.constraint, query.subject, query.year)
    row = next((r for r in files.rows("dual") if (r["constraint"], r["subject"], r["year"]) == wanted), None)
    if row is None:
        raise _refused()
    words, column = CONSTRAINTS.get(query.constraint, (query.constraint.replace("_", " "), ""))
    year = files.year(query.year) or {}
    inputs = []
    if column and year.get(column) is not None:
        inputs.append(
            Input(name=N_("the limit"), value=year[column], unit=column.rpartition("_")[2], origin="computed")
        )
    if files.weights is not None:
        factor = files.weights[1].get(query.year)
        inputs.append(Input(name=N_("discount factor and years it stands for"), value=factor, origin="computed"))
    summary = files.summary["summary"]
    inputs.append(
        Input(name=N_("least cost, discounted"), value=summary.get("objective_usd"), unit="USD", origin="computed")
    )
    return Derivation(
        title=words,
        figure=dual_figure(row, result_id),
        equation=N_("change of the least discounted cost by one unit of the limit / discount factor of the year"),
        filters={N_("Limit"): query.constraint, N_("Of"): query.subject, N_("Year"): str(query.year)},
        inputs=inputs,
        notes=[N_("A limit that does not bind has a shadow price of 0. Solver: HiGHS; see docs/method/plan.md.")],
        method=N_("least-cost plan, docs/method/plan.md"),
        source_files=["dual.parquet", "year.parquet"],
    )
