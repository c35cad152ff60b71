"""HiGHS, as the plan uses it: one thread, a fixed seed, nothing on the screen, stopped by Ctrl-C."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sealane.corridors.scenarios.model import Floats
from sealane.errors import SealaneError

if TYPE_CHECKING:
    import linopy

# From here on the interior point method with crossover is faster than the simplex method: docs/method/plan.md.
INTERIOR_POINT_FROM = 20_000
_WAIT_S = 0.1


@dataclass(frozen=True)
class Solution:
    """What the solver found.

    Attributes
    ----------
    feasible : False where no solution exists; everything else is empty then.
    objective : of the model as written.
    gap : relative, 0 for a linear model.
    values : by variable, in the shape it was declared in.
    duals : by constraint, change of the objective per unit of the right-hand side; NaN where masked.
    """

    feasible: bool
    objective: float
    gap: float
    values: Mapping[str, Floats]
    duals: Mapping[str, Floats]


class Problem:
    """A linopy model in the solver, whose bounds and objective can be changed between runs."""

    def __init__(self, lp: linopy.Model, gap: float = 0.0) -> None:
        import highspy

        matrices = lp.matrices
        self._names = {name: np.asarray(lp.variables[name].labels.values) for name in lp.variables}
        self._rows = {name: np.asarray(lp.constraints[name].labels.values) for name in lp.constraints}
        self._column = _positions(np.asarray(matrices.vlabels))
        self._row = _positions(np.asarray(matrices.clabels))
        self.width = len(matrices.vlabels)
        self.large = self.width >= INTERIOR_POINT_FROM
        self._highs = highs = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("parallel", "off"), ("random_seed", 0)):
            highs.setOptionValue(option, value)
        # No "automatic" choice: the same model takes the same way on every machine.
        highs.setOptionValue("solver", "ipm" if self.large else "simplex")
        highs.setOptionValue("mip_rel_gap", gap)
        highs.addVars(self.width, matrices.lb, matrices.ub)
        whole = np.flatnonzero(matrices.vtypes == "I").astype(np.int32)
        self._whole = bool(len(whole))
        if self._whole:
            highs.changeColsIntegrality(len(whole), whole, np.ones(len(whole), dtype=np.uint8))
        self.objective(np.asarray(matrices.c))
        assert matrices.A is not None  # a plan has constraints
        table = matrices.A.tocsr()
        lower = np.where(matrices.sense != "<", matrices.b, -np.inf)
        upper = np.where(matrices.sense != ">", matrices.b, np.inf)
        highs.addRows(table.shape[0], lower, upper, table.nnz, table.indptr, table.indices, table.data)

    def columns(self, name: str) -> Any:
        """Solver's column numbers of a variable, in its shape."""
        return self._column[self._names[name]]

    def has(self, name: str) -> bool:
        """True where the model has the variable."""
        return name in self._names

    def objective(self, cost: Floats) -> None:
        """Minimise this from now on, one coefficient a column."""
        self._highs.changeColsCost(self.width, np.arange(self.width, dtype=np.int32), cost)

    def from_last_basis(self) -> None:
        """Start further runs from the last one's basis: after a change of bounds the simplex method needs few steps."""
        self._highs.setOptionValue("solver", "simplex")

    def upper(self, columns: Any, bounds: Floats) -> None:
        """Change upper bounds; lower bounds are 0."""
        index = np.ascontiguousarray(columns, dtype=np.int32)
        self._highs.changeColsBounds(len(index), index, np.zeros(len(index)), np.asarray(bounds, dtype=np.float64))

    def run(self) -> Solution:
        """Solve.

        Raises
        ------
        SealaneError
            where the solver gives up; its own word for why is in the message.
        """
        import highspy

        highs = self._highs
        thread = highs.startSolve()
        try:
            while thread.is_alive():
                thread.join(_WAIT_S)
        except BaseException:
            highs.cancelSolve()
            thread.join()
            raise
        highs.wait()
        status = highs.getModelStatus()
        known = highspy.HighsModelStatus
        # All costs are >= 0 and all energies bounded by demand: such a model cannot be unbounded.
        if status in (known.kInfeasible, known.kUnboundedOrInfeasible):
            return Solution(False, float("nan"), 0.0, {}, {})
        if status != known.kOptimal:
            raise SealaneError(
                f"The solver could not finish the plan ({highs.modelStatusToString(status)}). Check the scenario for "
                f"figures that are many orders of magnitude apart, or plan fewer years."
            )
        found = highs.getSolution()
        values, duals = np.asarray(found.col_value), np.asarray(found.row_dual)
        info = highs.getInfo()
        return Solution(
            True,
            float(info.objective_function_value),
            float(info.mip_gap) if self._whole else 0.0,
            {name: values[self._column[labels]] for name, labels in self._names.items()},
            {name: _taken(duals, self._row, labels) for name, labels in self._rows.items()},
        )


def _positions(labels: Any) -> Any:
    """Where in the solver each label of linopy stands."""
    places = np.full(int(labels.max()) + 1 if len(labels) else 1, -1, dtype=np.int64)
    places[labels] = np.arange(len(labels))
    return places


def _taken(values: Floats, places: Any, labels: Any) -> Floats:
    return np.where(labels >= 0, values[places[np.maximum(labels, 0)]], np.nan)
