"""What a corridor claims of each leg: the three shares, cut to period and ship classes, and beside other corridors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.corridors.call_table import numbers
from sealane.corridors.lanes.attribution import (
    LegCargo,
    cargo_shares,
    direct_shares,
    leg_cargo,
    rotation_shares,
    split_between,
)
from sealane.corridors.lanes.document import Corridor
from sealane.corridors.lanes.rotations import UNKNOWN, Rotations, find_rotations
from sealane.corridors.lanes.schemas import RULES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Claims:
    """Shares of a corridor in every leg of a call table.

    Attributes
    ----------
    rotations, tonnes, teu : legs, passes and their cargo.
    shares : by rule, ``(legs,)``; 0 outside period and ship classes; NaN where rule cargo does not know.
    quarter : year times 4 plus quarter less 1 that each leg counts to, ``(legs,)``.
    pass_known : the cargo of every leg between the ends is known, ``(passes,)``.
    pass_counts : the pass ends inside period and ship classes and is not too long, ``(passes,)``.
    """

    rotations: Rotations
    tonnes: LegCargo
    teu: LegCargo
    shares: Mapping[str, Floats]
    quarter: NDArray[np.int64]
    pass_known: NDArray[np.bool_]
    pass_counts: NDArray[np.bool_]

    @property
    def on_lane(self) -> NDArray[np.bool_]:
        """Some rule counts the leg, ``(legs,)``."""
        return np.any([np.nan_to_num(self.shares[rule], nan=1.0) > 0.0 for rule in RULES], axis=0)

    def weights(self) -> Floats:
        """Shares by rule, and by rule cargo of passes whose cargo is known, ``(legs, 4)``; 0 where not known."""
        cargo = np.nan_to_num(self.shares["cargo"])
        known = np.append(self.pass_known, False)[self.rotations.pass_of]
        return np.stack([*(np.nan_to_num(self.shares[rule]) for rule in RULES), np.where(known, cargo, 0.0)], axis=1)


def quarters_of(moments_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Year times 4 plus quarter less 1 of moments in microseconds since 1970, UTC."""
    months = moments_us.view("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return (1970 + months // 12) * 4 + months % 12 // 3


def _shares(
    corridor: Corridor, calls: pa.Table, *, told: bool
) -> tuple[Rotations, LegCargo, LegCargo, dict[str, Floats]]:
    """Shares of one corridor; `told` takes the cargo that is told as its lane's instead of working it out."""
    rotations = find_rotations(calls, corridor.end_of(), corridor.longest_pass_days)
    cargo = [
        leg_cargo(
            rotations,
            numbers(calls[f"cargo_{unit}_loaded"]),
            numbers(calls[f"cargo_{unit}_discharged"]),
            numbers(calls[f"onboard_{unit}_departure"]),
            numbers(calls[f"lane_{unit}_departure"]) if told else np.full(len(calls), np.nan),
        )
        for unit in ("t", "teu")
    ]
    shares = {
        "direct": direct_shares(rotations),
        "rotation": rotation_shares(rotations),
        "cargo": cargo_shares(rotations, cargo[0], cargo[1]),
    }
    return rotations, cargo[0], cargo[1], shares


def _inside(
    corridor: Corridor, rotations: Rotations, end_us: NDArray[np.int64], ship_class: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Legs inside the period and the ship classes of a corridor, ``(legs,)``."""
    inside: NDArray[np.bool_] = end_us != UNKNOWN
    if corridor.begin:
        inside &= end_us >= int(corridor.begin.timestamp()) * 1_000_000
    if corridor.until:
        inside &= end_us < int(corridor.until.timestamp()) * 1_000_000
    if corridor.ship_classes:
        wanted = np.isin(ship_class.astype(str), corridor.ship_classes)
        inside &= wanted[rotations.from_call]
    return inside


def claim(
    corridor: Corridor,
    calls: pa.Table,
    ship_class: NDArray[np.object_],
    *,
    year: int | None = None,
    beside: Sequence[Corridor] = (),
) -> Claims:
    """What a corridor claims of each leg.

    Parameters
    ----------
    corridor : ends, period, ship classes.
    calls : of `sealane.corridors.call_table`.
    ship_class : class of the ship of each call, None where unknown, ``(calls,)``.
    year : count legs that end in this year only.
    beside : corridors that are computed with it: a leg that several claim is divided between them.

    Notes
    -----
    A leg counts to the year in which it ends. Period and ship classes cut shares, not rotations: a pass that began the
    year before still is one. Cargo that is told as the lane's own is that of one corridor; beside others it is worked
    out for all of them alike, since claims of two kinds would not sum to the whole.
    """
    rotations, tonnes, teu, shares = _shares(corridor, calls, told=not beside)
    end_us = rotations.leg_end_us()
    quarter = quarters_of(end_us)
    inside = _inside(corridor, rotations, end_us, ship_class)
    if year is not None:
        inside &= quarter // 4 == year
    known = ~np.isnan(shares["cargo"])
    passes = len(rotations.pass_from)
    unknown_legs = np.bincount(rotations.pass_of[rotations.inside & ~known], minlength=passes)
    cut = {rule: np.where(inside, shares[rule], 0.0) for rule in RULES}
    if beside:
        others = []
        for other in beside:
            beside_of, _, _, claimed = _shares(other, calls, told=False)
            counts = _inside(other, beside_of, end_us, ship_class)
            others.append({rule: np.where(counts, claimed[rule], 0.0) for rule in RULES})
        cut = {rule: split_between([cut[rule], *(other[rule] for other in others)])[0] for rule in RULES}
    arriving = rotations.leg_before[rotations.pass_to] if passes else np.empty(0, np.int64)
    return Claims(
        rotations=rotations,
        tonnes=tonnes,
        teu=teu,
        shares=cut,
        quarter=quarter,
        pass_known=(unknown_legs == 0) & ~rotations.too_long,
        pass_counts=inside[arriving] & ~rotations.too_long,
    )
