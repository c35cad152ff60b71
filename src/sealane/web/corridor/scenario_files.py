"""A kept scenario or plan as the pages read it, and the scenario it was made from where that gives the same inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.corridors.plan.results import PLAN_TABLES
from sealane.corridors.scenarios.evaluate import Outcome, evaluate, fossil_case
from sealane.corridors.scenarios.model import RESULT_TABLES, STUDY_TABLES, ScenarioModel, ScenarioResult
from sealane.corridors.scenarios.read import parse_scenario, read_scenario, reference_scenarios
from sealane.corridors.scenarios.simulate import discount_factors, inputs_table, simulate
from sealane.errors import DataError, Fault, Phrase

SCENARIO_TEXT = "scenario.yaml"
"""The scenario as it was asked for, where a task kept it beside its result."""
_SCHEMAS: Mapping[str, pa.Schema] = {**RESULT_TABLES, **STUDY_TABLES, **PLAN_TABLES}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ScenarioFiles:
    """Tables of one scenario or plan.

    Attributes
    ----------
    folder : as ``sealane scenario run`` or ``sealane plan`` wrote it; None for a shipped scenario.
    shipped : id of a shipped scenario, which is then simulated here; empty for a folder.
    """

    folder: Path | None
    shipped: str = ""

    @cached_property
    def _simulated(self) -> ScenarioResult:
        return simulate(read_scenario(self.shipped))

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """Content of ``scenario.json``."""
        if self.folder is None:
            return shipped_summary(self.shipped, self._simulated)
        try:
            found: Mapping[str, Any] = json.loads((self.folder / "scenario.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged("scenario.json", error) from None
        return found

    @cached_property
    def _tables(self) -> dict[str, tuple[Row, ...]]:
        return {}

    def rows(self, name: str) -> tuple[Row, ...]:
        """Rows of a table; none where the run did not write it.

        Raises
        ------
        DataError
            where the file is damaged, or a table that every run writes is missing.
        """
        if name not in self._tables:
            if self.folder is None:
                made = self._simulated.tables.get(name)
                self._tables[name] = () if made is None else tuple(made.to_pylist())
                return self._tables[name]
            path = self.folder / f"{name}.parquet"
            if not path.exists() and name not in RESULT_TABLES:
                return ()
            try:
                self._tables[name] = tuple(pq.read_table(path).to_pylist())
            except (OSError, pa.ArrowException) as error:
                raise _damaged(path.name, error) from None
        return self._tables[name]

    @property
    def planned(self) -> bool:
        """True for a least-cost plan."""
        return bool(self.summary["kind"] == "plan")

    @cached_property
    def years(self) -> tuple[int, ...]:
        """Model years."""
        return tuple(int(year) for year in self.summary["years"])

    def year(self, year: int) -> Row | None:
        """Row of a model year."""
        return next((row for row in self.rows("year") if row["year"] == year), None)

    @cached_property
    def model(self) -> ScenarioModel | None:
        """The scenario with every reference looked up; None where it is not known, or does not give the same inputs."""
        if self.folder is None:
            return read_scenario(self.shipped)
        path, ident = self.folder / SCENARIO_TEXT, str(self.summary["scenario"])
        try:
            if path.is_file():
                found = parse_scenario(path.read_bytes(), SCENARIO_TEXT)
            elif ident in reference_scenarios():
                found = read_scenario(ident)
            else:
                return None
        except DataError:
            return None  # the reference tables have moved on since
        return found if tuple(inputs_table(found.inputs).to_pylist()) == self.rows("inputs") else None

    @cached_property
    def outcome(self) -> Outcome | None:
        """What follows from the scenario's choices, worked out anew; None for a plan, or without the scenario."""
        return None if self.planned or self.model is None else evaluate(self.model)

    @cached_property
    def fossil(self) -> tuple[ScenarioModel, Outcome] | None:
        """The fossil case, worked out anew; of a plan only where one class performs all transport."""
        if self.model is None or (self.planned and len(self.model.classes) > 1):
            return None
        case = fossil_case(self.model)
        return case, evaluate(case)

    @cached_property
    def weights(self) -> tuple[Mapping[int, float], Mapping[int, float]] | None:
        """How many years each model year stands for, and what it counts in a discounted sum; None if not known."""
        if self.model is not None:
            weight, discount = self.model.year_weight.tolist(), discount_factors(self.model).tolist()
        elif list(self.years) == list(range(self.years[0], self.years[-1] + 1)):
            rate = float(self.summary["discount_rate"])
            weight = [1.0] * len(self.years)
            discount = [(1.0 + rate) ** -float(year - self.years[0]) for year in self.years]
        else:
            return None
        return dict(zip(self.years, weight, strict=True)), dict(zip(self.years, discount, strict=True))

    @property
    def demonstration(self) -> bool:
        """True for a scenario that describes no real corridor."""
        return self.summary.get("label") == "demonstration"


def shipped_summary(ident: str, result: ScenarioResult) -> Mapping[str, Any]:
    """What ``scenario.json`` would hold of a shipped scenario that was simulated here."""
    model = read_scenario(ident)
    return {
        "kind": result.kind,
        "scenario": ident,
        "title": model.title,
        "corridor": model.corridor,
        "label": model.label,
        "ports": list(model.ports),
        "years": [int(year) for year in model.years],
        "discount_rate": model.discount_rate,
        "summary": dict(result.summary),
        "notes": list(result.notes),
        "rules": {
            rule: {"status": status, "payer": model.payments.payer.get(rule)}
            for rule, status in model.payments.status.items()
        },
    }


def _damaged(name: str, error: Exception) -> DataError:
    fault = Fault(name, Phrase("cannot be read (%(kind)s)", kind=type(error).__name__), Phrase("Run the command again"))
    return DataError(Phrase("The result's folder is damaged."), [fault])


@lru_cache(maxsize=16)
def scenario_files(folder: Path) -> ScenarioFiles:
    """Return a kept scenario or plan; the same object for the same folder, which never changes."""
    return ScenarioFiles(folder)


@cache
def shipped_scenario(ident: str) -> ScenarioFiles | None:
    """Return a shipped scenario, simulated as it stands; None where none of this id is shipped."""
    return ScenarioFiles(None, ident) if ident in reference_scenarios() else None
