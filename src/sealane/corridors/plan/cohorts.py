"""Which ships serve how long: cohorts by the year they leave or join, and the years they have left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.scenarios.model import Floats, ScenarioModel

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Cohorts:
    """Ships that share one end of service. Axes: ``C`` classes, ``K`` families, ``J = 2·Y`` cohorts, ``Y`` years.

    The first ``Y`` cohorts are today's ships by the last model year they serve, the second ``Y`` are ships built in
    each model year. A ship keeps its cohort when it is converted, and with it the end of its service.

    Attributes
    ----------
    alive : in service, ``(C, J, Y)``.
    convertible : may be converted that year, ``(C, J, Y)``; a ship is not converted in the year it is built.
    initial : today's ships, ``(C, K, J)``; zero for cohorts yet to be built.
    years_left : calendar years of service from the beginning of the year, ``(C, J, Y)``; 1 where not alive.
    """

    alive: Bools
    convertible: Bools
    initial: Floats
    years_left: Floats


def cohorts(model: ScenarioModel, *, whole_ships: bool = False) -> Cohorts:
    """Return the cohorts of a scenario.

    A new ship serves the model years that begin before its life is over. Of a ship of today that outlives the last
    model year nothing more is known: it counts to the end of the scenario, so its conversion is paid in full by then.

    Parameters
    ----------
    whole_ships : today's ships of each year rounded down to whole ships.
    """
    n = len(model.years)
    years = model.years.astype(np.float64)
    # Where model periods end: ships of today that see the last one leave with it, as in `simulate`.
    ends = np.append(years[1:], years[-1] + max(1.0, float(np.round(model.year_weight[-1]))))
    from_last = np.arange(n)[:, None] >= np.arange(n)[None, :]
    left_existing = np.where(from_last, ends[:, None] - years[None, :], 1.0)

    alive, convertible, left, initial = [], [], [], []
    for ship in model.classes:
        over = years[:, None] + float(ship.lifetime_years)
        serves = (np.arange(n)[None, :] >= np.arange(n)[:, None]) & (years[None, :] < over)
        left_new = np.where(serves, over - years[None, :], 1.0)
        alive.append(np.concatenate([from_last, serves]))
        convertible.append(np.concatenate([from_last, serves & ~np.eye(n, dtype=bool)]))
        left.append(np.concatenate([left_existing, left_new]))
        today = np.floor(ship.existing + 1e-6) if whole_ships else ship.existing
        leaving = today - np.concatenate([today[:, 1:], np.zeros((len(today), 1))], axis=1)
        initial.append(np.concatenate([leaving, np.zeros_like(leaving)], axis=1))
    return Cohorts(np.stack(alive), np.stack(convertible), np.stack(initial), np.stack(left))
