"""Where a port's emissions come from: by source, mode and ship type, by pollutant, and from period to period."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from sealane.web.derivation import Figure
from sealane.web.explain.selection import Selection
from sealane.web.explain.sums import UNITS, Grade, facts_of, filled_share, worst_grade
from sealane.web.port.index import Facts, Index
from sealane.web.port.models import Breakdown, BreakdownRow, PollutantRow

Dimension = Literal["source", "mode", "ship_class"]
Scope = Literal["all", "calls"]
# Bases of a pollutant that pages show, in their order.
BASES = ("ttw", "wtw")
ORDER = ("co2e", "co2", "ch4", "n2o", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co", "bc")


class Sheet:
    """The rows of a result that a page adds up, each read once.

    Parameters
    ----------
    call_id : only this call; None for all.
    scope : all positions of the inventory's ships, or those inside port calls.
    measure : pollutant and basis.
    """

    def __init__(
        self, index: Index, result_id: str, measure: Selection, *, scope: Scope, simulated: bool,
        call_id: str | None = None,
    ) -> None:  # fmt: skip
        self.index, self.result_id, self.simulated = index, result_id, simulated
        self.measure, self.call_id, self.scope = measure, call_id, scope
        self.mass_all = facts_of(index, measure)
        self.mass = self._narrow(self.mass_all)
        self.energy = self._narrow(index.energy())
        self.hours = self._narrow(index.work("hours"))

    def _narrow(self, facts: Facts) -> Facts:
        if self.call_id is not None:
            return facts.where(facts.dims["call"] == self.index.number_of("call")[self.call_id])
        return facts if self.scope == "all" else facts.where(facts.dims["call"] >= 0)

    def figure(self, quantity: str, value: float | None, grade: Grade | None = None, **more: Any) -> Figure:
        """A figure of this page's rows, narrowed down by `more`."""
        common: dict[str, Any] = {"in_call": "yes"} if self.scope == "calls" and self.call_id is None else {}
        if self.call_id is not None:
            common["call_id"] = self.call_id
        if quantity == "mass":
            common |= {"pollutant": self.measure.pollutant, "basis": self.measure.basis}
        selection = Selection.model_validate({"quantity": quantity} | common | more)
        return Figure(
            value=value,
            quantity=UNITS[quantity],
            explain=selection.path(self.result_id),
            grade=grade,
            simulated=self.simulated,
        )

    def breakdown(self, dim: Dimension, counts: Callable[[str], tuple[int, int]] | None = None) -> Breakdown:
        """Hours, energy and mass by one dimension, with what they add up to.

        Parameters
        ----------
        counts : ships and port calls by member; None where they are not told.
        """
        members = self.index.members(dim)
        size = len(members)
        mass, energy = self.mass.by(dim, size), self.energy.by(dim, size)
        hours = self.hours.by(dim, size) if dim != "source" else None
        there = self.mass.rows_by(dim, size) + self.energy.rows_by(dim, size)
        if hours is not None:
            there = there + self.hours.rows_by(dim, size)
        worst = self._worst(dim, size)
        whole = self.mass.total
        rows = []
        for code in np.flatnonzero(there[:size]).tolist():
            name = members[code]
            only: dict[str, Any] = {dim: name}
            ships, calls = counts(name) if counts else (None, None)
            rows.append(
                BreakdownRow(
                    code=name,
                    hours=None if hours is None else self.figure("hours", float(hours[code]), **only),
                    energy=self.figure("energy", float(energy[code]), **only),
                    mass=self.figure("mass", float(mass[code]), worst(code), **only),
                    share=self.share(float(mass[code]) / whole, **only) if whole > 0 else None,
                    calls=None if calls is None else self.counted("calls", calls, **only),
                    ships=None if ships is None else self.counted("ships", ships, **only),
                )
            )
        if dim == "ship_class":
            rows.sort(key=lambda row: (-(row.mass.value or 0.0), row.code))
        total = BreakdownRow(
            code="",
            hours=None if hours is None else self.figure("hours", self.hours.total, by=dim),
            energy=self.figure("energy", self.energy.total, by=dim),
            mass=self.figure("mass", whole, worst_grade(self.mass), by=dim),
            share=self.share(1.0) if whole > 0 else None,
            calls=None if counts is None else self.counted("calls", int(self.index.meta["totals"]["calls"])),
            ships=None if counts is None else self.counted("ships", int(self.index.meta["totals"]["ships"])),
        )
        return Breakdown(dimension=dim, rows=rows, total=total)

    def share(self, value: float, **only: Any) -> Figure:
        """A part of the mass as a share of all of it."""
        mass = self.figure("mass", value, **only)
        return Figure(
            value=value, quantity="share", simulated=self.simulated,
            explain=mass.explain.replace("?", "?quantity=share&", 1),
        )  # fmt: skip

    def counted(self, quantity: Literal["calls", "ships"], value: int, **only: Any) -> Figure:
        """A count of ships or calls of the whole result."""
        selection = Selection.model_validate({"quantity": quantity} | only)
        path = selection.path(self.result_id)
        return Figure(value=float(value), quantity="count", explain=path, simulated=self.simulated)

    def _worst(self, dim: str, size: int) -> Callable[[int], Grade | None]:
        from sealane.web.explain.sums import worst_by

        return worst_by(self.mass, dim, size)


def counts_by_class(index: Index) -> Callable[[str], tuple[int, int]]:
    """Ships and port calls by ship class."""
    of_ship, classes = index.words("ships", "ship_class")
    counted = index.table("ships").column("counted").to_numpy(zero_copy_only=False).astype(bool)
    ships: NDArray[np.int64] = np.bincount(of_ship[counted], minlength=len(classes))
    calls: NDArray[np.int64] = np.bincount(of_ship[index.column("calls", "ship")], minlength=len(classes))
    number = index.number_of("ship_class")
    return lambda name: (int(ships[number[name]]), int(calls[number[name]]))


def pollutant_rows(index: Index, result_id: str, *, simulated: bool) -> list[PollutantRow]:
    """Totals of every pollutant from the index's own totals; no row where the inventory has no factor."""
    rows = []
    for pollutant, basis in ((p, b) for p in ORDER for b in BASES):
        total = index.meta["totals"].get(f"{pollutant}-{basis}")
        if total is None and (basis != "ttw"):
            continue
        rows.append(_pollutant_row(result_id, pollutant, basis, total, simulated=simulated))
    return rows


def _pollutant_row(
    result_id: str, pollutant: str, basis: str, total: dict[str, float] | None, *, simulated: bool
) -> PollutantRow:
    if total is None:
        return PollutantRow(pollutant=pollutant, basis=basis, everywhere=None, in_calls=None, filled=None)
    what = Selection.model_validate({"pollutant": pollutant, "basis": basis})
    every = Figure(value=total["all"], quantity="mass_g", explain=what.path(result_id), simulated=simulated)
    inside = every.model_copy(
        update={"value": total["in_call"], "explain": what.narrowed(in_call="yes").path(result_id)}
    )
    filled = None
    if total["all"] > 0:
        path = what.model_copy(update={"quantity": "filled"}).path(result_id)
        filled = Figure(value=total["filled"] / total["all"], quantity="share", explain=path, simulated=simulated)
    return PollutantRow(pollutant=pollutant, basis=basis, everywhere=every, in_calls=inside, filled=filled)


def call_pollutants(index: Index, result_id: str, call_id: str, *, simulated: bool) -> list[PollutantRow]:
    """Masses of every pollutant of one call."""
    rows = []
    number = index.number_of("call")[call_id]
    for pollutant, basis in ((p, b) for p in ORDER for b in BASES):
        if f"{pollutant}-{basis}" not in index.measures:
            continue
        what = Selection.model_validate({"pollutant": pollutant, "basis": basis, "call_id": call_id})
        facts = index.mass(pollutant, basis)
        mine = facts.where(facts.dims["call"] == number)
        if not len(mine.value):
            continue
        own = Figure(
            value=mine.total, quantity="mass_g", explain=what.path(result_id), grade=worst_grade(mine),
            simulated=simulated,
        )  # fmt: skip
        share = filled_share(mine)
        path = what.model_copy(update={"quantity": "filled"}).path(result_id)
        filled = Figure(value=share, quantity="share", explain=path, simulated=simulated) if share is not None else None
        rows.append(PollutantRow(pollutant=pollutant, basis=basis, everywhere=None, in_calls=own, filled=filled))
    return rows


def as_grade(code: int) -> Grade | None:
    """A grade's code in words; None where there is none."""
    return cast("Grade", "ABCD"[code]) if code >= 0 else None
