"""How well a run on the SIMULATED week finds the truth: calls, hours by mode, energy by source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from sealane.samples.los_angeles_week import SOURCES, SimulatedWeek
from sealane.samples.simulated_week import MODES

CALL_TOLERANCE = timedelta(hours=1)
_ENERGY_COLUMNS = dict(zip(SOURCES, ("main_kwh", "aux_kwh", "boiler_kwh"), strict=True))


@dataclass(frozen=True)
class Difference:
    """One figure of the truth and of the run; `relative` is (found - truth) / truth, NaN where the truth is zero."""

    truth: float
    found: float

    @property
    def relative(self) -> float:
        """Relative error of the run."""
        return (self.found - self.truth) / self.truth if self.truth else float("nan")


@dataclass(frozen=True)
class Comparison:
    """A run against the truth of the simulated week.

    Attributes
    ----------
    precision : share of the calls found that are true ones.
    recall : share of the true calls that were found.
    same_stops : share of the true calls found whose number of shifts is right.
    missed, invented : (mmsi, arrival) of true calls not found, and of found calls that are none.
    hours : by mode, inside calls [h].
    energy : by source, inside calls [kWh].
    energy_anywhere : by source, over the whole tracks of the simulated ships [kWh].
    """

    precision: float
    recall: float
    same_stops: float
    missed: tuple[tuple[int, datetime | None], ...]
    invented: tuple[tuple[int, datetime | None], ...]
    hours: Mapping[str, Difference]
    energy: Mapping[str, Difference]
    energy_anywhere: Mapping[str, Difference]


def compare_with_truth(week: SimulatedWeek, calls: pa.Table, activity: pa.Table) -> Comparison:
    """Compare the calls and the activity of a run with the truth.

    Parameters
    ----------
    week : the simulated week.
    calls : with mmsi, arrival, departure (null where open) and shifts.
    activity : with mmsi, call_id (null outside calls), mode, hours, main_kwh, aux_kwh, boiler_kwh.

    Returns
    -------
    Comparison
        a call counts as found where ship, arrival and departure agree within one hour, open ends being open in both.
    """
    open_calls = {}
    for row in calls.to_pylist():
        open_calls[row["mmsi"], row["arrival"], row["departure"]] = row
    total = len(open_calls)
    missed = []
    matched = same = 0
    for truth in week.truth_calls.to_pylist():
        key = next((key for key in open_calls if _agree(truth, key)), None)
        if key is None:
            missed.append((truth["mmsi"], truth["arrival"]))
            continue
        matched += 1
        same += open_calls.pop(key)["shifts"] == truth["shifts"]
    true_total = week.truth_calls.num_rows
    ships = pa.array([ship.mmsi for ship in week.fleet], pa.int32())
    of_ships = activity.filter(pc.is_in(activity["mmsi"].cast(pa.int32()), value_set=ships))
    in_calls = of_ships.filter(pc.is_valid(of_ships["call_id"]))
    truth_in_calls = week.truth_energy.filter(pc.is_valid(week.truth_energy["call"]))
    return Comparison(
        precision=matched / total if total else 0.0,
        recall=matched / true_total if true_total else 0.0,
        same_stops=same / matched if matched else 0.0,
        missed=tuple(missed),
        invented=tuple((mmsi, arrival) for mmsi, arrival, _ in open_calls),
        hours={mode: Difference(_sum(week.truth_calls[f"{mode}_h"]), _mode_hours(in_calls, mode)) for mode in MODES},
        energy=_energy(truth_in_calls, in_calls),
        energy_anywhere=_energy(week.truth_energy, of_ships),
    )


def _agree(truth: Mapping[str, object], found: tuple[int, datetime | None, datetime | None]) -> bool:
    if truth["mmsi"] != found[0]:
        return False
    for true_time, time in ((truth["arrival"], found[1]), (truth["departure"], found[2])):
        if not isinstance(true_time, datetime) or time is None:
            if true_time is not time:
                return False
        elif abs(true_time - time) > CALL_TOLERANCE:
            return False
    return True


def _sum(column: pa.ChunkedArray) -> float:
    return float(pc.sum(column).as_py() or 0.0)


def _mode_hours(activity: pa.Table, mode: str) -> float:
    return _sum(activity.filter(pc.equal(activity["mode"], mode))["hours"])


def _energy(truth: pa.Table, activity: pa.Table) -> dict[str, Difference]:
    return {
        source: Difference(_sum(truth.filter(pc.equal(truth["source"], source))["kwh"]), _sum(activity[column]))
        for source, column in _ENERGY_COLUMNS.items()
    }
