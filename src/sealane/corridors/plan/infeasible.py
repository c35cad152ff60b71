"""Why no plan exists: the smallest set of limits that conflict, by how much, and what would help, in words.

Every limit a user can relax gets a variable for what it is missed by (`build` with ``elastic``). Least total miss gives
limits with a price, which together are already contradictory (Farkas); QuickXplain (Junker, 2004) leaves out one
after the other until none can go. For each limit that is left, the least miss while all others hold says how far it is
from possible. What is found is put aside, and the search goes on for conflicts that have nothing to do with it. In
large models each step would take too long: there the limits with a price are reported as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.plan.coefficients import Coefficients, coefficients
from sealane.corridors.plan.model import SOFT, build, limits
from sealane.corridors.plan.solver import Problem, Solution
from sealane.corridors.scenarios.model import ScenarioModel
from sealane.errors import DataError, Fault

Limit = tuple[str, int]  # group of constraints, number of the model year
Columns = NDArray[np.int64]

MOST_CONFLICTS = 5
_MISSED = 1e-7
_KILO = 1e3
# What a reader should hear first, if it takes part in a conflict.
_FIRST = ("cap_wtw", "cap_intensity", "demand", "availability", "most_newbuilds", "most_retrofits")
_NAMES = {
    "demand": "the transport demanded",
    "cap_wtw": "the cap on well-to-wake emissions",
    "cap_intensity": "the cap on the intensity of fuel",
    "availability": "the availability of fuels",
    "most_newbuilds": "the limit on new ships",
    "most_retrofits": "the limit on conversions",
}
_FIELDS = {
    "demand": "demand_teu",
    "cap_wtw": "cap_wtw_t",
    "cap_intensity": "cap_intensity_g_per_mj",
    "availability": "fuels.available_gj",
    "most_newbuilds": "most_newbuilds",
    "most_retrofits": "most_retrofits",
}


def explain(model: ScenarioModel, *, whole_ships: bool = False) -> DataError:
    """Return the error that says which limits of a scenario without a plan conflict.

    Parameters
    ----------
    model : a scenario for which the solver found no solution.
    whole_ships : as in `solve`.
    """
    terms = coefficients(model, whole_ships=whole_ships)
    search = _Search(model, terms)
    conflicts = search.conflicts()
    title = f"Scenario {model.id} has no plan."
    if not conflicts:
        if whole_ships:
            words = "a plan with fractions of ships exists, but none with whole ships"
            remedy = "Plan without --whole-ships, or allow one new ship or conversion more in each year"
            return DataError(title, [Fault("whole ships", words, remedy)])
        words = "the limits can be met only to within the solver's tolerance"
        return DataError(title, [Fault("all limits together", words, "Relax the tightest by a thousandth")])
    return DataError(
        f"{title} {_sentence(model, conflicts)}",
        [fault for conflict in conflicts for fault in search.faults(conflict)],
    )


class _Search:
    """The elastic model, and which of its limits hold at the moment."""

    def __init__(self, model: ScenarioModel, terms: Coefficients) -> None:
        self.model, self.terms = model, terms
        self.problem = Problem(build(model, terms, elastic=True))
        self.limits = limits(model, terms)
        self.columns: dict[Limit, Columns] = {}
        for group in SOFT:
            if not self.problem.has(f"miss_{group}"):
                continue
            columns = np.asarray(self.problem.columns(f"miss_{group}"))
            bound = np.broadcast_to(getattr(self.limits, group), columns.shape)
            for y in range(len(model.years)):
                finite = columns[..., y][np.isfinite(bound[..., y])]
                if finite.size:
                    self.columns[group, y] = np.atleast_1d(finite).ravel()
        self.scale = _scales(terms)

    def hold(self, held: Sequence[Limit]) -> None:
        """Let these limits hold and no others."""
        kept = set(held)
        for limit, columns in self.columns.items():
            self.problem.upper(columns, np.full(columns.size, 0.0 if limit in kept else np.inf))

    def least_miss(self, measured: Sequence[Limit]) -> Solution:
        """Minimise the miss of these limits, each in the scale of its group."""
        cost = np.zeros(self.problem.width)
        for limit in measured:
            cost[self.columns[limit]] = 1.0 / self.scale[limit[0]]
        self.problem.objective(cost)
        return self.problem.run()

    def contradictory(self, held: Sequence[Limit]) -> bool:
        """True where these limits cannot hold together."""
        self.hold(held)
        return not self.least_miss(()).feasible

    def conflicts(self) -> list[list[Limit]]:
        """Smallest sets of limits that cannot hold together, with nothing in common."""
        left = sorted(self.columns, key=lambda limit: (_FIRST.index(limit[0]), limit[1]))
        found: list[list[Limit]] = []
        while len(found) < MOST_CONFLICTS:
            self.hold(())
            total = self.least_miss(left)
            if not self.problem.large:
                self.problem.from_last_basis()
            if not total.feasible or total.objective <= _MISSED:
                break
            priced = [limit for limit in left if self._price(total, limit) > _MISSED]
            if self.problem.large:
                return [priced]
            conflict = self._smallest([], False, priced if self.contradictory(priced) else left)
            found.append(conflict)
            left = [limit for limit in left if limit not in conflict]
        return found

    def _price(self, solution: Solution, limit: Limit) -> float:
        group, y = limit
        dual = solution.duals[group]
        return float(np.nanmax(np.abs(dual[..., y]))) * self.scale[group]

    def _smallest(self, held: list[Limit], changed: bool, limits_: list[Limit]) -> list[Limit]:
        """QuickXplain: what of these limits is needed for a contradiction with those held; earlier ones preferred."""
        if changed and self.contradictory(held):
            return []
        if len(limits_) == 1:
            return limits_
        half = (len(limits_) + 1) // 2
        first, second = limits_[:half], limits_[half:]
        of_second = self._smallest(held + first, True, second)
        of_first = self._smallest(held + of_second, bool(of_second), first)
        return of_first + of_second

    def faults(self, conflict: Sequence[Limit]) -> list[Fault]:
        """One fault per group of limits: by how much it is missed while all else holds."""
        found = []
        by_group = {g: [limit for limit in conflict if limit[0] == g] for g in _FIRST}
        for group, members in by_group.items():
            if not members:
                continue
            # All else holds; where other conflicts make that impossible, only the rest of this one.
            self.hold([limit for limit in self.columns if limit not in members])
            missed, else_holds = self.least_miss(members), True
            if not missed.feasible:
                self.hold([limit for limit in conflict if limit not in members])
                missed, else_holds = self.least_miss(members), False
            if not missed.feasible:
                # Only in large models, where the conflict is not narrowed down to the smallest.
                where = f"{self.model.id}: {_FIELDS[group]}, {_year_words(self.model, [y for _, y in members])}"
                words = "takes part in the conflict; relaxing it alone does not help"
                found.append(Fault(where, words, "Relax another limit named here"))
                continue
            rest = "all other limits" if else_holds else "the other limits named here"
            found.append(self._fault(group, [y for _, y in members], missed, rest))
        return found

    def _fault(self, group: str, years: Sequence[int], missed: Solution, rest: str) -> Fault:
        where = f"{self.model.id}: {_FIELDS[group]}, {_year_words(self.model, years)}"
        miss = missed.values[f"miss_{group}"]
        limit = np.broadcast_to(getattr(self.limits, group), miss.shape)
        by_year = {y: float(miss[..., y].sum()) for y in years}
        label = {y: int(self.model.years[y]) for y in years}
        if group == "demand":
            parts = [
                f"in {label[y]} at most {_n((limit[..., y].sum() - by_year[y]) * _KILO)} of "
                f"{_n(limit[..., y].sum() * _KILO)} TEU"
                for y in years
            ]
            words = f"with the ships and fuels on offer and {rest} kept, {_few(parts)} can be carried"
            return Fault(where, words, "Ask for less, or offer more ships, families or fuels")
        whatever = f"even with every fuel, ship and conversion on offer, at any cost, and {rest} kept,"
        if group == "cap_wtw":
            parts = [
                f"in {label[y]} at least {_n((limit[y] + by_year[y]) * _KILO)} t are emitted, "
                f"{_n(limit[y] * _KILO)} t allowed"
                for y in years
            ]
            more = [f"{_n(by_year[y] * _KILO)} t in {label[y]}" for y in years if by_year[y] > _MISSED]
            remedy = f"Raise the cap by {_few(more)}, or relax another limit named here"
            return Fault(where, f"{whatever} {_few(parts)}", remedy)
        if group == "cap_intensity":
            burnt = missed.values["burnt"].sum(axis=(0, 1, 2))
            allowed = self.model.cap_intensity_g_per_mj
            parts = [
                f"in {label[y]} fuel has at least {allowed[y] + by_year[y] / burnt[y] * _KILO:.4g} g/MJ, "
                f"{allowed[y]:.4g} allowed"
                for y in years
                if burnt[y] > 0
            ]
            return Fault(where, f"{whatever} {_few(parts)}", "Raise it, or relax another limit named here")
        if group == "availability":
            parts = []
            for y in years:
                names = [
                    f"{fuel.id} at {port}"
                    for f, fuel in enumerate(self.model.fuels)
                    for p, port in enumerate(self.model.ports)
                    if miss[f, p, y] > _MISSED
                ]
                parts.append(f"{_n(by_year[y])} TJ more in {label[y]}, for instance of {_few(names)}")
            return Fault(
                where,
                f"with {rest} kept, less is available than is needed: {_few(parts)}",
                "Make more available, offer another fuel, or relax another limit named here",
            )
        what = "new ships" if group == "most_newbuilds" else "conversions"
        parts = [f"{by_year[y]:.4g} more than the {limit[y]:.4g} of {label[y]}" for y in years if by_year[y] > _MISSED]
        return Fault(
            where,
            f"with {rest} kept, more {what} are needed: {_few(parts)}",
            f"Allow more {what}, also in the years before, or relax another limit named here",
        )


def _scales(terms: Coefficients) -> Mapping[str, float]:
    """What one of each group is about worth, so that misses of different units can be added."""
    carries = terms.kteu > 0
    demand = max(float(np.sum(terms.demand_kteu.reshape(-1, terms.demand_kteu.shape[-1]), axis=0).max()), 1e-9)
    ships = demand / float(terms.kteu[carries].min()) if carries.any() else 1.0
    need = terms.need_tj.sum(axis=2).max(axis=2)[carries]
    energy = max(ships * float(need.max()), 1e-9) if carries.any() else 1.0
    per_tj = max(float(terms.wtt_kt_per_tj.max() + terms.ttw_kt_per_tj.max()), 1e-6)
    return {
        "demand": demand,
        "cap_wtw": energy * per_tj,
        "cap_intensity": energy * per_tj,
        "availability": energy,
        "most_newbuilds": ships,
        "most_retrofits": ships,
    }


def _sentence(model: ScenarioModel, conflicts: Sequence[Sequence[Limit]]) -> str:
    parts = []
    for conflict in conflicts:
        groups = [(g, [y for group, y in conflict if group == g]) for g in _FIRST]
        named = [f"{_NAMES[g]} of {_year_words(model, years)}" for g, years in groups if years]
        parts.append(f"{_and(named)} cannot {'hold together' if len(conflict) > 1 else 'be met'}")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."


def _year_words(model: ScenarioModel, numbers: Sequence[int]) -> str:
    """Say "2030", or "2026 to 2029 and 2035"."""
    runs = [[y for _, y in run] for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])]
    years = model.years
    return _and([f"{years[r[0]]}" if len(r) == 1 else f"{years[r[0]]} to {years[r[-1]]}" for r in runs])


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _few(words: Sequence[str], most: int = 4) -> str:
    if not words:
        return "none"
    shown = list(words[:most])
    return ", ".join(shown) + (f" and {len(words) - most} more" if len(words) > most else "")


def _n(value: float) -> str:
    """A number for reading: whole above 100, four figures below."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"
