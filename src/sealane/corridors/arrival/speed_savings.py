"""What a slower passage saves, gross and net: work of the main engine against all engines of the longer passage.

    gross = main(reference) - main(slower)
    net   = gross - (hotel(slower) - hotel(reference))        hotel: auxiliary engines and boiler

The same miles at a lower speed take longer, and hotel load runs on; so net never exceeds gross. Hotel load is that of
transit throughout, the sea margin the coastal one. Two references, mile by mile:

* *possible*: miles faster than the cap, sailed at the cap instead; what the programme could still save.
* *saved*: miles slower than the usual transit speed of the ship's class, against that speed; what being slow did save.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.arrival.speed_passages import Passages
from sealane.corridors.ship_energy import Fleet, ShipEnergy, sail_many
from sealane.errors import MissingFactorError
from sealane.reference import FactorRow, load_table

Floats = NDArray[np.float64]

POLLUTANTS = ("wtw_co2e", "nox", "pm25", "so2")
"""What savings are given for; CO2e is well-to-wake."""

_PRICED = ("co2e", "wtt_co2e", "nox", "pm25", "so2")


@dataclass(frozen=True)
class Savings:
    """Energy and emissions of passages and what they saved or could save; shape ``(n,)`` or ``(n, pollutants)``.

    Attributes
    ----------
    usual_kn : usual transit speed of the ship's class; NaN where none is published.
    main_kwh, hotel_kwh : work of main engine; of auxiliary engines and boiler.
    grams : emitted, ``(n, pollutants)`` in the order of `POLLUTANTS`; NaN where a factor is not published.
    possible_h, saved_h : longer time at the cap; longer time than at the usual speed [h].
    possible_gross_kwh, possible_net_kwh, saved_gross_kwh, saved_net_kwh : see the module.
    possible_gross_g, possible_net_g, saved_gross_g, saved_net_g : the same for emissions ``(n, pollutants)``.
    """

    usual_kn: Floats
    main_kwh: Floats
    hotel_kwh: Floats
    grams: Floats
    possible_h: Floats
    possible_gross_kwh: Floats
    possible_net_kwh: Floats
    possible_gross_g: Floats
    possible_net_g: Floats
    saved_h: Floats
    saved_gross_kwh: Floats
    saved_net_kwh: Floats
    saved_gross_g: Floats
    saved_net_g: Floats


def usual_speed(ship: ShipEnergy) -> tuple[float, tuple[FactorRow, ...]]:
    """Usual transit speed of a ship [kn]: the class's share of her maximum speed, EPA-420-B-22-011 Table 3.12.

    Returns
    -------
    (speed, rows); NaN without rows where no share is published for the class.
    """
    try:
        row = load_table("ogv_transit_speed_ratio").row(ship.ship_class)
    except MissingFactorError:
        return float("nan"), ()
    return row.value * ship.max_speed_kn, (row,)


@dataclass(frozen=True)
class _Priced:
    hours: Floats
    main_kwh: Floats
    hotel_kwh: Floats
    main_g: Floats
    hotel_g: Floats


def _price(
    fleet: Fleet, ship: NDArray[np.int64], miles: Floats, speed_kn: Floats, time: object, in_area: NDArray[np.int64]
) -> _Priced:
    columns = sail_many(
        fleet,
        ship,
        miles,
        speed_kn,
        time=time,
        eca_nm=np.where(in_area > 0, miles, 0.0),
        eca_area=np.maximum(in_area, 1) if fleet.areas else 0,
        coastal=True,
        pollutants=_PRICED,
        by_source=True,
    )
    grams = np.concatenate([columns.grams[..., :1] + columns.grams[..., 1:2], columns.grams[..., 2:]], axis=2)
    return _Priced(
        hours=columns.hours,
        main_kwh=columns.kwh[:, 0],
        hotel_kwh=columns.kwh[:, 1] + columns.kwh[:, 2],
        main_g=grams[:, 0],
        hotel_g=grams[:, 1] + grams[:, 2],
    )


def savings(
    found: Passages,
    fleet: Fleet,
    ship: NDArray[np.int64],
    in_area: NDArray[np.int64],
    cap_kn: float,
    usual_kn: Sequence[float],
) -> Savings:
    """Price passages as sailed, at the cap, and at the usual speed.

    Parameters
    ----------
    found : the passages, see `sealane.corridors.arrival.speed_passages`.
    fleet : the ships and their factors.
    ship : row of each passage's ship in ``fleet.ships``, ``(n,)``.
    in_area : number of the control area each passage lies in, 0 for none, ``(n,)``.
    cap_kn : highest speed asked for.
    usual_kn : usual speed of each ship of the fleet; NaN: unknown, and nothing counts as saved.

    Returns
    -------
    Savings
        every net figure is at most its gross one.
    """
    n = len(found)
    at = found.line_passage
    speed, miles = found.line_speed_kn, found.line_speed_kn * found.line_h
    of_line, area = ship[at], in_area[at]
    time = found.start_us[at]
    usual = np.asarray(usual_kn, np.float64)[of_line] if len(at) else np.zeros(0)
    slower = np.minimum(speed, cap_kn)
    faster = np.where(np.isnan(usual), speed, np.maximum(speed, usual))
    actual, capped, before = (_price(fleet, of_line, miles, v, time, area) for v in (speed, slower, faster))

    def total(values: Floats) -> Floats:
        if values.ndim == 1:
            return np.bincount(at, weights=values, minlength=n).astype(np.float64)
        columns = [np.bincount(at, weights=values[:, k], minlength=n) for k in range(values.shape[1])]
        return np.stack(columns, axis=1).astype(np.float64)

    def difference(reference: _Priced, slow: _Priced, moved: NDArray[np.bool_]) -> tuple[Floats, ...]:
        """Longer time, gross and net work, gross and net grams; lines that are not moved count nothing, exactly."""
        # Above full load the formula's power stays the same however fast she goes, so that a mile would cost less the
        # faster it is sailed. Her particulars do not fit her speed: no saving is claimed for such a mile.
        moved = moved & (reference.main_kwh >= slow.main_kwh)
        gross_kwh = np.where(moved, reference.main_kwh - slow.main_kwh, 0.0)
        gross_g = np.where(moved[:, None], reference.main_g - slow.main_g, 0.0)
        # Rounding must not make a longer stay of the same load cheaper.
        hotel_kwh = np.where(moved, np.maximum(slow.hotel_kwh - reference.hotel_kwh, 0.0), 0.0)
        hotel_g = np.where(moved[:, None], np.maximum(slow.hotel_g - reference.hotel_g, 0.0), 0.0)
        longer = np.where(moved, slow.hours - reference.hours, 0.0)
        gross, gross_mass = total(gross_kwh), total(gross_g)
        return total(longer), gross, gross - total(hotel_kwh), gross_mass, gross_mass - total(hotel_g)

    possible = difference(actual, capped, speed > cap_kn)
    saved = difference(before, actual, faster > speed)
    first = np.full(n, np.nan)
    first[at[::-1]] = usual[::-1]
    return Savings(
        first,
        total(actual.main_kwh),
        total(actual.hotel_kwh),
        total(actual.main_g + actual.hotel_g),
        *possible,
        *saved,
    )
