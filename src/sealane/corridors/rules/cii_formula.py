"""The carbon intensity indicator by hand: what ``sealane calc cii`` asks for and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sealane.corridors.rules import cii
from sealane.corridors.rules.cii_ship_year import NOTE
from sealane.reference import FactorRow

EQUATION = "required = a capacity^-c (1 - Z / 100); boundary = required exp(d); attained = CO2 / (capacity nm)"
SOURCE = "MEPC.353(78), MEPC.354(78), MEPC.338(76), MEPC.400(83); attained: MEPC.352(78)"


@dataclass(frozen=True)
class CiiByHand:
    """What a ship must reach in a year, and where she stands if her CO2 and distance are given.

    Attributes
    ----------
    unit : ``g CO2/(t nm)`` or ``g CO2/(GT nm)``; of every figure below.
    reference, required : reference line and required CII.
    boundaries : superior, lower, upper and inferior boundary.
    attained, rating : None without CO2 and distance.
    notes, rows : provenance.
    """

    unit: str
    reference: float
    required: float
    boundaries: Mapping[str, float]
    attained: float | None
    rating: str | None
    notes: tuple[str, ...]
    rows: tuple[FactorRow, ...]


def by_hand(
    ship_type: str,
    year: int,
    dwt: float | None = None,
    gt: float | None = None,
    co2_t: float | None = None,
    distance_nm: float | None = None,
) -> CiiByHand:
    """Reference, required and boundaries of a ship and year, with attained and rating where they can be told.

    Parameters
    ----------
    ship_type, year, dwt, gt : as `cii.required`.
    co2_t : CO2 of the year [t]; with `distance_nm` [nm].

    Raises
    ------
    DataError
        listing every input that is wrong.
    """
    limits = cii.boundaries(ship_type, year, dwt, gt)
    line = limits.required.reference
    attained = rating = None
    if co2_t is not None and distance_nm is not None:
        attained = cii.attained(co2_t * 1e6, line.size, distance_nm)
        rating = cii.rate(attained, limits)
    notes = cii.line_notes(line)
    if (co2_t is None) != (distance_nm is None):
        notes += ("The attained CII needs both CO2 and distance.",)
    return CiiByHand(
        unit=line.unit,
        reference=line.value,
        required=limits.required.value,
        boundaries=limits.as_dict(),
        attained=attained,
        rating=rating,
        notes=notes if attained is None else (NOTE, *notes),
        rows=limits.rows,
    )
