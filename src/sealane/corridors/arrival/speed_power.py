"""Propulsion power of container ships by speed, from a published table, and what a slower speed saves by it.

The table is that of navigate-zcs for 4,500, 8,000 and 15,000 TEU in steps of a knot. Between two speeds power is
interpolated in a straight line; outside the table nothing is answered. It stands beside the propeller law of
`sealane.corridors.ship_energy`, which takes the particulars of a ship; here the hull is that of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

Floats = NDArray[np.float64]
KW_PER_MW = 1000.0


@cache
def curve_classes() -> tuple[int, ...]:
    """Nominal capacities [TEU] for which a curve is published, ascending."""
    return tuple(sorted({int(row.text("teu_class")) for row in load_table("propulsion_load_by_speed").rows}))


@cache
def _curve(teu_class: int) -> tuple[Floats, Floats, tuple[FactorRow, ...]]:
    rows = load_table("propulsion_load_by_speed").find(teu_class=str(teu_class))
    if not rows:
        raise MissingFactorError(
            f"No speed-power curve is published for {teu_class} TEU. Known: "
            f"{', '.join(map(str, curve_classes()))} TEU; or take a ship of `ship_of_class`, by the propeller law."
        )
    ordered = sorted(rows, key=lambda row: float(row.text("speed_kn")))
    speed = np.array([float(row.text("speed_kn")) for row in ordered])
    return speed, np.array([row.value for row in ordered]) * KW_PER_MW, tuple(ordered)


def curve_range_kn(teu_class: int) -> tuple[float, float]:
    """Lowest and highest speed of a class's curve [kn].

    Raises
    ------
    MissingFactorError
        for a class without a curve.
    """
    speed, _, _ = _curve(teu_class)
    return float(speed[0]), float(speed[-1])


def curve_loads_kw(teu_class: int, speed_kn: Floats) -> Floats:
    """Propulsion power [kW] at speeds [kn], same shape; see `curve_load_kw`."""
    speed, power, _ = _curve(teu_class)
    asked = np.asarray(speed_kn, np.float64)
    bad = ~((asked >= speed[0]) & (asked <= speed[-1]))
    if bad.any():
        raise DataError(
            "The speed-power curve does not answer.",
            [
                Fault(f"speed_kn, item {at}", f"{asked.flat[at]:g}", f"Give kn from {speed[0]:g} to {speed[-1]:g}")
                for at in np.flatnonzero(bad).tolist()
            ],
        )
    return np.interp(asked, speed, power)


def curve_load_kw(teu_class: int, speed_kn: float) -> float:
    """Propulsion power of a container ship at a speed [kW].

    Parameters
    ----------
    teu_class : nominal capacity, one of `curve_classes` [TEU].
    speed_kn : speed [kn], inside `curve_range_kn`; nothing is extrapolated.

    Raises
    ------
    MissingFactorError
        for a class without a curve.
    DataError
        for a speed outside the curve.

    Source: navigate-zcs (Fonden Maersk Mc-Kinney Moller Center for Zero Carbon Shipping, CC BY 4.0).
    """
    return float(curve_loads_kw(teu_class, np.array([speed_kn]))[0])


def electrical_load_kw(teu_class: int, place: str) -> float:
    """Electrical load of a container ship [kW] at ``sea`` or in ``port``; table ``scenario_ships``.

    Raises
    ------
    MissingFactorError
        where none is published (4,500 TEU).
    """
    return load_table("scenario_ships").row(str(teu_class), f"electrical_load_{place}").value * KW_PER_MW


def speed_distribution(teu_class: int) -> tuple[Floats, Floats]:
    """Speeds [kn] and share of the time at sea at each [-], ascending; shares sum to 1.

    Raises
    ------
    MissingFactorError
        for a class without a distribution (8,000 and 15,000 TEU have one).
    """
    rows = load_table("vessel_speed_distribution").find(teu_class=str(teu_class))
    if not rows:
        raise MissingFactorError(f"No distribution of speeds is published for {teu_class} TEU. Known: 8000, 15000 TEU.")
    ordered = sorted(rows, key=lambda row: float(row.text("speed_kn")))
    return np.array([float(row.text("speed_kn")) for row in ordered]), np.array([row.value for row in ordered])


@dataclass(frozen=True)
class CurvePassage:
    """A passage at two speeds by the published curve.

    Attributes
    ----------
    distance_nm, speed_kn, new_speed_kn : the passage.
    hours, new_hours : time under way [h].
    main_kwh, new_main_kwh : propulsion work [kWh].
    hotel_kwh, new_hotel_kwh : electrical work at sea [kWh]; the longer passage costs more.
    """

    distance_nm: float
    speed_kn: float
    new_speed_kn: float
    hours: float
    new_hours: float
    main_kwh: float
    new_main_kwh: float
    hotel_kwh: float
    new_hotel_kwh: float

    @property
    def saving_share(self) -> float:
        """Share of all energy saved, hotel load counted [-]."""
        return 1.0 - (self.new_main_kwh + self.new_hotel_kwh) / (self.main_kwh + self.hotel_kwh)

    @property
    def main_saving_share(self) -> float:
        """Share of propulsion work saved by the curve [-]."""
        return 1.0 - self.new_main_kwh / self.main_kwh

    @property
    def cubic_saving_share(self) -> float:
        """Share of propulsion work saved by the cubic law alone [-]."""
        return cubic_energy_saving(self.speed_kn, self.new_speed_kn)


def cubic_power_saving(speed_kn: float, new_speed_kn: float) -> float:
    """Share of propulsion power saved by the cubic law, ``1 - (v' / v)^3`` [-]; 10 % slower saves 27 %."""
    return 1.0 - (new_speed_kn / speed_kn) ** 3


def cubic_energy_saving(speed_kn: float, new_speed_kn: float) -> float:
    """Share of propulsion work per mile saved by the cubic law, ``1 - (v' / v)^2`` [-]; 10 % slower saves 19 %."""
    return 1.0 - (new_speed_kn / speed_kn) ** 2


def slower_by_curve(
    teu_class: int, distance_nm: float, speed_kn: float, new_speed_kn: float, hotel_kw: float | None = None
) -> CurvePassage:
    """What a passage takes at two speeds, by the published curve.

    Parameters
    ----------
    teu_class : as `curve_load_kw`.
    distance_nm : length [nm].
    speed_kn, new_speed_kn : speeds [kn], inside the curve.
    hotel_kw : electrical load at sea [kW]; None: the published one of the class.

    Raises
    ------
    MissingFactorError
        where curve or load is not published.
    DataError
        for a speed outside the curve.
    """
    before, after = curve_loads_kw(teu_class, np.array([speed_kn, new_speed_kn])).tolist()
    hotel = electrical_load_kw(teu_class, "sea") if hotel_kw is None else hotel_kw
    hours, new_hours = distance_nm / speed_kn, distance_nm / new_speed_kn
    return CurvePassage(
        distance_nm=distance_nm,
        speed_kn=speed_kn,
        new_speed_kn=new_speed_kn,
        hours=hours,
        new_hours=new_hours,
        main_kwh=before * hours,
        new_main_kwh=after * new_hours,
        hotel_kwh=hotel * hours,
        new_hotel_kwh=hotel * new_hours,
    )
