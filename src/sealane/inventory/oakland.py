"""Port of Oakland: the published inventory beside a port-year built from its calls, as a check of plausibility.

All numbers are rows: ``oakland_activity`` and ``oakland_inventory`` are published (grade C, a transcription),
``oakland_port_year`` says what a typical call is taken to be (mostly grade D). See docs/method/plausibility.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sealane.emissions.fuel_rules import Regime, eca_in_force, regime_for
from sealane.errors import MissingFactorError
from sealane.inventory.port_year import Leg, PortYear, PortYearActivity, port_year
from sealane.reference import load_table

POLLUTANTS = ("nox", "so2", "pm10", "pm25", "dpm", "co", "hc", "co2e")
PARTS = ("cruise", "reduced_speed", "manoeuvring", "berth", "anchorage")
_MOVING = PARTS[:3]
_EVERY_YEAR = "all"
_ROUND_TRIP = 2
_NORTH_AMERICAN = "north_american"


@dataclass(frozen=True)
class Comparison:
    """One published figure and ours; masses in the unit the inventory is presumed to use."""

    year: int
    statement: str
    part: str
    pollutant: str
    unit: str
    published: float
    ours: float

    @property
    def ratio(self) -> float:
        """Ours by published [-]; infinite where nothing was published but zero."""
        return self.ours / self.published if self.published else float("inf")


def oakland_years() -> tuple[int, ...]:
    """Years of which the number of calls is published."""
    return tuple(int(row.text("year")) for row in load_table("oakland_activity").find(quantity="calls"))


def _assumed(year: int, item: str, subject: str) -> float:
    table = load_table("oakland_port_year")
    own = (str(year), item, subject)
    return table.row(*(own if table.has(*own) else (_EVERY_YEAR, item, subject))).value


def oakland_regime(year: int, *, californian_rule: bool = True) -> Regime:
    """Fuel of a year, taken at its middle.

    Parameters
    ----------
    year : calendar year.
    californian_rule : take the row that stands for California's own fuel regulation, where there is one. False:
        only what MARPOL Annex VI says, which is what an inventory from positions uses.
    """
    day = date(year, 7, 1)
    inside = eca_in_force(_NORTH_AMERICAN, day)
    regime = regime_for(day, inside)
    rows = load_table("oakland_port_year").find(year=str(year), item="fuel_sulphur_pct")
    if not rows or not californian_rule:
        return regime
    row = rows[0]
    return Regime(regime.place, day, None, row.text("subject"), row.value, (row,))


def oakland_activity(year: int, *, californian_rule: bool = True) -> PortYearActivity:
    """The port-year of Oakland as the assumptions have it.

    Raises
    ------
    MissingFactorError
        for a year of which the number of calls is not published.
    """
    calls = load_table("oakland_activity").row(str(year), "calls").value
    shares = load_table("oakland_port_year").find(year=str(year), item="class_share")
    moving = tuple(
        Leg(
            part,
            # The ship's own transit speed before the pilot boards; a stated speed after.
            speed_kn=None if part == "cruise" else _assumed(year, "speed_kn", part),
            coastal=part != "cruise",
            distance_nm=_ROUND_TRIP * _assumed(year, "distance_nm", part),
        )
        for part in _MOVING
    )
    still = tuple(
        Leg(part, speed_kn=0.0, coastal=True, hours=_assumed(year, "hours", part), stop=part) for part in PARTS[3:]
    )
    return PortYearActivity(
        calls=calls,
        class_share={tuple(row.text("subject").split("/", 1)): row.value for row in shares},  # type: ignore[misc]  # two parts each
        keel_year=round(_assumed(year, "keel_year", _EVERY_YEAR)),
        legs=moving + still,
        regime=oakland_regime(year, californian_rule=californian_rule),
        shore_power_share=_assumed(year, "shore_power_share", "calls"),
        own_engine_h=_assumed(year, "own_engine_h", "connected"),
    )


def compare(year: int, ours: PortYear, statement: str = "historical") -> tuple[Comparison, ...]:
    """Our port-year beside the published figures of one statement, totals first, then the parts published.

    Raises
    ------
    MissingFactorError
        if nothing is published under this year and statement.
    """
    rows = load_table("oakland_inventory").find(year=str(year), statement=statement)
    if not rows:
        raise MissingFactorError(f"Table 'oakland_inventory' has no statement '{statement}' of {year}.")
    table = load_table("oakland_port_year")
    return tuple(
        Comparison(
            year=year,
            statement=statement,
            part=row.text("part"),
            pollutant=row.text("pollutant"),
            unit=row.unit,
            published=row.value,
            ours=ours.total_g(row.text("pollutant"), leg=None if row.text("part") == "total" else row.text("part"))
            / table.row(_EVERY_YEAR, "mass_g", row.unit).value,
        )
        for row in rows
    )


def oakland_port_year(year: int, *, californian_rule: bool = True) -> PortYear:
    """Our port-year of Oakland; see `oakland_activity`."""
    return port_year(oakland_activity(year, californian_rule=californian_rule))
