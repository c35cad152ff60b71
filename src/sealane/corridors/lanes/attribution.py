"""Which share of a leg belongs to a corridor: three rules, pure functions of calls and passes.

direct    a leg from one end straight to the other counts whole, every other leg not at all
rotation  every leg of a pass counts whole: those between the two ends, and those that join calls at the same end
          before the ship leaves it or after she reaches it
cargo     a leg counts by the cargo on board that was loaded at one end and is discharged at the other, over all cargo
          on board; both are carried the same distance, so that tonnes times miles stand on either side

A stay in port belongs half to the leg that ends there and half to the one that begins there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.lanes.rotations import Rotations
from sealane.movement.compiled import njit

Floats = NDArray[np.float64]


def direct_shares(rotations: Rotations) -> Floats:
    """Shares by rule direct, ``(legs,)``, 0 or 1."""
    passes = rotations.pass_of
    direct = np.append(rotations.direct_pass, False)
    return (rotations.inside & direct[passes]).astype(np.float64)


def rotation_shares(rotations: Rotations) -> Floats:
    """Shares by rule rotation, ``(legs,)``, 0 or 1."""
    return (rotations.pass_of >= 0).astype(np.float64)


@dataclass(frozen=True)
class LegCargo:
    """Cargo of each leg; NaN where not known.

    Attributes
    ----------
    onboard, lane : on board, and of it bound from one end to the other, ``(legs,)``.
    mixed : worked out from loads and discharges, not told, ``(legs,)``.
    """

    onboard: Floats
    lane: Floats
    mixed: NDArray[np.bool_]


@njit(nogil=True, cache=True)
def _mix(
    ship: NDArray[np.int64],
    end: NDArray[np.int8],
    loaded: Floats,
    discharged: Floats,
    told: Floats,
    onboard: Floats,
    lane: Floats,
) -> None:
    """Fill in what is on board when a ship leaves each call, and what of it goes from end to end.

    What is discharged is taken from all cargo on board in proportion, whatever port it was loaded at, except that
    nothing goes ashore at the end it was loaded at.
    """
    n = len(ship)
    origin = np.zeros((n, 2))  # of the cargo on board after call i: loaded at a, loaded at b
    fraction = np.full((n, 2), np.nan)  # of each origin on board before call i: what is discharged there
    known = np.zeros(n, np.bool_)  # the origins after call i are known
    total = 0.0
    sure = False
    have_total = False
    for i in range(n):
        if i == 0 or ship[i] != ship[i - 1]:
            total, sure, have_total = 0.0, False, False
            a = b = 0.0
        local_a, local_b = end[i] == 1, end[i] == 2
        if np.isnan(discharged[i]) or np.isnan(loaded[i]):
            sure = False
            a = b = 0.0
            have_total = False
        elif have_total:
            free = total - (a if local_a else 0.0) - (b if local_b else 0.0)
            f = min(1.0, discharged[i] / free) if free > 0.0 else 0.0
            fraction[i, 0] = 0.0 if local_a else f
            fraction[i, 1] = 0.0 if local_b else f
            a -= a * fraction[i, 0]
            b -= b * fraction[i, 1]
            total = max(total - discharged[i], a + b)
        if not np.isnan(loaded[i]):
            if have_total:
                total += loaded[i]
            if local_a:
                a += loaded[i]
            if local_b:
                b += loaded[i]
        if not np.isnan(told[i]):
            total = told[i]
            have_total = True
            if a + b > total:
                scale = total / (a + b)
                a *= scale
                b *= scale
        # At an end the cargo for the other end is known anew, if it is told what was loaded there.
        if have_total and (local_a or local_b) and not np.isnan(loaded[i]):
            sure = True
        known[i] = sure and have_total
        origin[i, 0], origin[i, 1] = a, b
        onboard[i] = total if have_total else np.nan
    reach_a = reach_b = 0.0  # of cargo loaded at a (b) on board after call i: what reaches b (a)
    sure_a = sure_b = True
    for i in range(n - 1, -1, -1):
        if i == n - 1 or ship[i] != ship[i + 1]:
            reach_a, reach_b, sure_a, sure_b = 0.0, 0.0, True, True
        else:
            j = i + 1
            fa, fb = fraction[j, 0], fraction[j, 1]
            if np.isnan(fa):
                sure_a = sure_b = False
            else:
                reach_a = fa + (1.0 - fa) * reach_a if end[j] == 2 else (1.0 - fa) * reach_a
                reach_b = fb + (1.0 - fb) * reach_b if end[j] == 1 else (1.0 - fb) * reach_b
                sure_a = sure_a or fa == 1.0
                sure_b = sure_b or fb == 1.0
        if known[i] and (sure_a or origin[i, 0] == 0.0) and (sure_b or origin[i, 1] == 0.0):
            lane[i] = origin[i, 0] * reach_a + origin[i, 1] * reach_b
        else:
            lane[i] = np.nan


def leg_cargo(
    rotations: Rotations,
    loaded: Floats,
    discharged: Floats,
    onboard: Floats,
    lane: Floats,
) -> LegCargo:
    """Cargo of each leg from what is told of the calls, in one unit.

    Parameters
    ----------
    rotations : of the calls.
    loaded, discharged : in each call, ``(calls,)``; NaN where not told.
    onboard, lane : at departure from each call, ``(calls,)``; NaN where not told. Where `lane` is told it stands; else
        it is worked out from the loads and discharges.
    """
    n = len(loaded)
    total, mixed = np.full(n, np.nan), np.full(n, np.nan)
    _mix(rotations.ship, rotations.end, loaded, discharged, onboard, total, mixed)
    told = ~np.isnan(lane) & ~np.isnan(onboard)
    at = rotations.from_call
    return LegCargo(
        onboard=np.where(told, onboard, total)[at],
        lane=np.where(told, lane, np.minimum(mixed, total))[at],
        mixed=(~told & ~np.isnan(mixed))[at],
    )


def cargo_shares(rotations: Rotations, tonnes: LegCargo, teu: LegCargo) -> Floats:
    """Shares by rule cargo, ``(legs,)``: by tonnes where both masses are known, else by TEU; NaN where neither is.

    A leg outside every pass has share 0, known cargo or not. An empty ship has share 0.
    """
    share = np.full(len(rotations.from_call), np.nan)
    for cargo in (teu, tonnes):
        known = ~np.isnan(cargo.onboard) & ~np.isnan(cargo.lane)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(cargo.onboard > 0.0, cargo.lane / cargo.onboard, 0.0)
        share = np.where(known, np.clip(part, 0.0, 1.0), share)
    return np.where(rotations.pass_of >= 0, share, 0.0)


def stay_shares(rotations: Rotations, leg_shares: Floats) -> Floats:
    """Shares of stays, ``(calls,)``: half the share of the leg that ends there and half of the one that begins there.

    A side without a leg counts 0: what lies before and after the data belongs to no lane. NaN where a side's share is
    not known.
    """
    padded = np.append(leg_shares, 0.0)
    return 0.5 * (padded[rotations.leg_before] + padded[rotations.leg_after])


def split_between(shares: Sequence[Floats]) -> tuple[Floats, ...]:
    """Shares of several corridors, cut where corridors claim more than the whole of a leg together.

    By rule rotation a leg may lie on passes of two corridors. Each then keeps its claim over the sum of the claims;
    where the sum is at most 1 nothing changes. Unknown shares (NaN) claim nothing and stay unknown.
    """
    total = np.nansum(np.stack(list(shares)), axis=0) if shares else np.empty(0)
    divisor = np.maximum(total, 1.0)
    return tuple(share / divisor for share in shares)
