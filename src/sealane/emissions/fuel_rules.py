"""Which fuel a ship burns, at what sulphur, and which NOx tier counts, by date and place.

Fuel sulphur follows MARPOL Annex VI regulation 14, fuel type the fuel mix of USEPA's tools, NOx tiers regulation 13.
Each answer carries the rows it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from sealane.emissions.engines import ENGINES
from sealane.errors import MissingFactorError
from sealane.reference import FactorRow, load_table

INSIDE, OUTSIDE = "inside_eca", "outside_eca"


@dataclass(frozen=True)
class Regime:
    """What diesel engines burn in one place during one period.

    Attributes
    ----------
    place : ``inside_eca`` or ``outside_eca``.
    valid_from, valid_to : first day and first day no longer (None: until further notice).
    fuel : HFO, VLSFO or MGO; engines that burn another fuel everywhere are settled by `fuel_for_engine`.
    sulphur_pct : sulphur of that fuel [% by mass].
    rows : the rows of tables ``fuel_by_place`` and ``fuel_sulphur``.
    """

    place: str
    valid_from: date
    valid_to: date | None
    fuel: str
    sulphur_pct: float
    rows: tuple[FactorRow, ...]

    @property
    def inside_eca(self) -> bool:
        """True inside an emission control area."""
        return self.place == INSIDE

    def holds_on(self, day: date) -> bool:
        """True if the period holds this day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@cache
def regime_table() -> tuple[Regime, ...]:
    """All regimes, inside first, each place ascending in time; periods of a place tile without gap or overlap."""
    fuels, sulphurs = load_table("fuel_by_place"), load_table("fuel_sulphur")
    regimes = []
    for place in (INSIDE, OUTSIDE):
        rows = fuels.find(place=place) + sulphurs.find(place=place)
        starts = sorted({row.valid_from for row in rows})
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            fuel, sulphur = fuels.row(place, on=start), sulphurs.row(place, on=start)
            regimes.append(
                Regime(
                    place=place,
                    valid_from=start,
                    valid_to=end,
                    fuel=fuel.text("fuel"),
                    sulphur_pct=sulphur.value,
                    rows=(fuel, sulphur),
                )
            )
    return tuple(regimes)


def regime_for(day: date, inside_eca: bool) -> Regime:
    """Regime of a day and place.

    Raises
    ------
    MissingFactorError
        for a day before the first row (MARPOL Annex VI entered into force on 19 May 2005).
    """
    place = INSIDE if inside_eca else OUTSIDE
    for regime in regime_table():
        if regime.place == place and regime.holds_on(day):
            return regime
    raise MissingFactorError(
        f"No fuel rule is held for {place} on {day}; the first row of table 'fuel_sulphur' is later. "
        "Give fuel and sulphur of the ship yourself; if the date comes from a clock that was not set, leave it out "
        "with --from."
    )


def fuel_for_engine(regime: Regime, engine: str) -> tuple[str, float, tuple[FactorRow, ...]]:
    """Fuel of an engine in a regime: ``(fuel, sulphur [% by mass], rows)``.

    Steam and gas turbines burn MGO everywhere, gas engines LNG; diesel engines and boilers burn what the regime says.

    Parameters
    ----------
    regime : see `regime_for`.
    engine : code of an engine, see `sealane.emissions.engines.ENGINES`.

    Raises
    ------
    MissingFactorError
        for an engine of which no fuel mix is published.
    """
    spec = ENGINES[engine]
    if spec.diesel or spec.group == "boiler":
        return regime.fuel, regime.sulphur_pct, regime.rows
    burnt = [
        row
        for row in load_table("ogv_fuel_mix").find(engine_group=spec.group, engine=spec.row, place=regime.place)
        if row.value == 1.0
    ]
    if len(burnt) != 1:
        raise MissingFactorError(f"No fuel is published for engine {engine}, {regime.place}. Give the fuel yourself.")
    fuel = {"MGO/MDO": "MGO", "RM/HFO": "HFO", "LNG": "LNG"}[burnt[0].text("fuel")]
    if fuel == "LNG":
        return fuel, 0.0, (burnt[0],)
    if fuel == regime.fuel:
        return fuel, regime.sulphur_pct, (burnt[0], regime.rows[1])
    sulphur = load_table("fuel_default_sulphur").row(fuel)
    return fuel, sulphur.value, (burnt[0], sulphur)


def tier_for_keel_year(keel_year: int) -> tuple[int, FactorRow]:
    """NOx tier of a diesel engine by the year its ship's keel was laid, with its row.

    Source: MARPOL Annex VI regulation 13; USEPA Marine_Emissions_Tools.
    """
    row = load_table("nox_tier").in_range(keel_year)[0]
    return int(row.value), row


def tier3_applies(keel_year: int, nox_area: str | None) -> bool:
    """True if NOx Tier III binds a ship of this keel year in this NOx emission control area.

    Parameters
    ----------
    keel_year : year the keel was laid.
    nox_area : ``north_american``, ``us_caribbean``, ``baltic``, ``north_sea``, or None outside all of them.

    Raises
    ------
    MissingFactorError
        for an unknown area.
    """
    if nox_area is None:
        return False
    return keel_year >= load_table("nox_area").row(nox_area).value


def effective_tier(tier: int, keel_year: int | None, nox_area: str | None) -> int:
    """Tier at which an engine emits in a place: a Tier III engine emits at Tier II where Tier III does not bind it.

    Parameters
    ----------
    tier : certified NOx tier, 0 to 3.
    keel_year : year the keel was laid; None: Tier III is taken to bind in the areas of 2016 only.
    nox_area : see `tier3_applies`.
    """
    if tier < 3:
        return tier
    first_year = int(load_table("nox_tier").find(keel_year_max="inf")[0].text("keel_year_min"))
    return 3 if tier3_applies(first_year if keel_year is None else keel_year, nox_area) else 2


def eca_in_force(area: str, day: date) -> bool:
    """True if an emission control area's sulphur limit binds ships on this day.

    Parameters
    ----------
    area : ``north_american``, ``us_caribbean``, ``baltic`` or ``north_sea``.

    Raises
    ------
    MissingFactorError
        for an unknown area.
    """
    return load_table("eca_date").row(area).valid_from <= day
