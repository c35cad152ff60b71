"""How fairly a queue spreads its delay: over ships, over carriers, and against the order of being ready."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Fairness:
    """Spread of the delay over some calls.

    Attributes
    ----------
    calls : how many.
    mean_h, median_h, p90_h, max_h : delay from being ready to all fast [h].
    gini : Gini coefficient of the delays [-]; NaN where nobody waits.
    overtaken : calls that a ship ready later came before at the same queue.
    """

    calls: int
    mean_h: float
    median_h: float
    p90_h: float
    max_h: float
    gini: float
    overtaken: int


def gini(values: Floats) -> float:
    """Gini coefficient of non-negative values [-]: 0 where all are equal, towards 1 where one has all; NaN for none.

    ``sum_i (2 i - n - 1) x_i / (n sum x)`` with the values in ascending order, i from 1.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    total = ordered.sum()
    if len(ordered) == 0 or total <= 0.0:
        return float("nan")
    rank = np.arange(1, len(ordered) + 1)
    return float(((2 * rank - len(ordered) - 1) * ordered).sum() / (len(ordered) * total))


def _in_order(queue: Whole, ready_us: Whole, call: Sequence[str], number: int) -> list[int]:
    rows = np.flatnonzero(queue == number).tolist()
    return sorted(rows, key=lambda row: (int(ready_us[row]), call[row]))


def inversions(queue: Whole, ready_us: Whole, start_us: Whole, call: Sequence[str]) -> tuple[int, int]:
    """Pairs of the same queue that were served against the order of being ready, and all pairs.

    Parameters
    ----------
    queue, ready_us, start_us : ``(n,)``; ships ready or served at the same moment are in order.
    call : names, which order ships that are ready at the same moment.
    """
    against = pairs = 0
    for number in np.unique(queue).tolist():
        rows = _in_order(queue, ready_us, call, number)
        before: list[int] = []
        for row in rows:
            against += len(before) - bisect_right(before, int(start_us[row]))
            insort(before, int(start_us[row]))
        pairs += len(rows) * (len(rows) - 1) // 2
    return against, pairs


def overtaken(queue: Whole, ready_us: Whole, start_us: Whole, call: Sequence[str]) -> NDArray[np.bool_]:
    """True for each call that a ship ready later came before at the same queue, ``(n,)``."""
    late = np.zeros(len(queue), np.bool_)
    for number in np.unique(queue).tolist():
        soonest: int | None = None
        for row in reversed(_in_order(queue, ready_us, call, number)):
            moment = int(start_us[row])
            late[row] = soonest is not None and soonest < moment
            soonest = moment if soonest is None else min(soonest, moment)
    return late


def spread(delay_h: Floats, late: NDArray[np.bool_]) -> Fairness:
    """Spread of the delay over calls.

    Parameters
    ----------
    delay_h : delay of each call [h], at least one.
    late : which of them were overtaken, see `overtaken`.
    """
    return Fairness(
        calls=len(delay_h),
        mean_h=float(delay_h.mean()),
        median_h=float(np.median(delay_h)),
        p90_h=float(np.quantile(delay_h, 0.9)),
        max_h=float(delay_h.max()),
        gini=gini(delay_h),
        overtaken=int(late.sum()),
    )
