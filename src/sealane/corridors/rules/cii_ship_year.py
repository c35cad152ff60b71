"""The carbon intensity indicator of a ship-year, from what she burnt and sailed, ready for a page or JSON."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sealane.corridors.fuels import fuel_name
from sealane.corridors.rules import cii
from sealane.corridors.rules.ship_year import ShipYear, result_as_dict, unique_rows
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

EDITION = "MEPC.352(78), 353(78), 354(78), 338(76) and 400(83)"
STATUS = "in force"
NOTE = "Plain attained CII: correction factors and voyage adjustments (MEPC.355(78)) are not held."

# Fuels of the catalogue that MEPC.364(79) names; very low sulphur fuel oil is not here, since its grade decides.
_CII_FUEL: Mapping[str, str] = {
    "HFO": "HFO",
    "LFO": "LFO",
    "MDO/MGO": "MDO/MGO",
    "LNG": "LNG",
    "LPG propane": "LPG propane",
    "LPG butane": "LPG butane",
    "methanol": "Methanol",
    "ethanol": "Ethanol",
}


@dataclass(frozen=True)
class CiiShipYear:
    """Rating of one ship and year.

    Attributes
    ----------
    ship, year, imo : who and when.
    ship_type, capacity, unit : as rated; `capacity` is the ship's own deadweight [t] or gross tonnage.
    co2_t, distance_nm : CO2 of all fuel of the year [t] and distance sailed [nm].
    attained, reference, required, superior, lower, upper, inferior : in `unit`.
    rating : ``A`` to ``E``.
    margin_pct : attained above required [%]; negative is better.
    action : what regulation 28 asks for this rating alone, or None.
    edition, status, rows, notes : provenance.
    """

    ship: str
    year: int
    imo: int | None
    ship_type: str
    capacity: float
    unit: str
    co2_t: float
    distance_nm: float
    attained: float
    reference: float
    required: float
    superior: float
    lower: float
    upper: float
    inferior: float
    rating: str
    margin_pct: float
    action: str | None
    rows: tuple[FactorRow, ...]
    notes: tuple[str, ...]
    edition: str = EDITION
    status: str = STATUS

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return result_as_dict("cii", self)


def _cii_fuel(text: str) -> str:
    """Name of a fuel in table ``cii_fuel_carbon``."""
    table = load_table("cii_fuel_carbon")
    for row in table.rows:
        if row.text("fuel").casefold() == text.strip().casefold():
            return row.text("fuel")
    name = fuel_name(text)
    if name in _CII_FUEL:
        return _CII_FUEL[name]
    if name == "VLSFO":
        raise MissingFactorError(
            "The CII has no factor for VLSFO as such: MEPC.364(79) goes by ISO 8217 grade. "
            "Give it as HFO (grades RME to RMK) or LFO (RMA to RMD)."
        )
    raise MissingFactorError(
        f"No published CII factor for {name}. Fuels of MEPC.364(79): "
        f"{', '.join(row.text('fuel') for row in table.rows)}. Biofuels follow MEPC.1/Circ.905, which is not held."
    )


def assess(ship_year: ShipYear) -> CiiShipYear:
    """Attained CII and rating of a ship-year; fuel of every scope counts.

    Parameters
    ----------
    ship_year : ship type, size (deadweight or gross tonnage as the type asks), distance and fuel.

    Raises
    ------
    DataError
        listing what is missing or wrong.
    MissingFactorError
        for a fuel without a CII factor.
    """
    who = f"ship {ship_year.ship}, {ship_year.year}"
    faults: list[Fault] = []
    if not ship_year.ship_type:
        faults.append(Fault(f"{who}, ship_type", "not given", f"Give one of: {', '.join(cii.SHIP_TYPES)}"))
    distance = ship_year.distance_nm
    if distance is None or not (math.isfinite(distance) and distance > 0.0):
        faults.append(Fault(f"{who}, distance_nm", f"{distance}", "Give the distance sailed in the year, above 0"))
    fuel_t: dict[str, list[float]] = defaultdict(list)
    for use in ship_year.fuels:
        fuel_t[_cii_fuel(use.fuel)].append(use.mass_t)
    if not fuel_t:
        faults.append(Fault(f"{who}, fuel", "none", "Give what was burnt, in tonnes"))
    if faults or distance is None or ship_year.ship_type is None:
        raise DataError("The carbon intensity indicator cannot be worked out.", faults)
    ship_type = cii.ship_type_of_class(ship_year.ship_type) or ship_year.ship_type
    co2_g, carbon = cii.co2_from_fuel({name: math.fsum(masses) for name, masses in fuel_t.items()})
    result = cii.assess(ship_type, ship_year.year, co2_g, distance, ship_year.dwt_t, ship_year.gt)
    limits = result.boundaries
    line = limits.required.reference
    return CiiShipYear(
        ship=ship_year.ship,
        year=ship_year.year,
        imo=ship_year.imo,
        ship_type=line.ship_type,
        capacity=line.size,
        unit=line.unit,
        co2_t=co2_g / 1e6,
        distance_nm=distance,
        attained=result.attained,
        reference=line.value,
        required=limits.required.value,
        superior=limits.superior,
        lower=limits.lower,
        upper=limits.upper,
        inferior=limits.inferior,
        rating=result.rating,
        margin_pct=result.margin_pct,
        action=cii.actions({ship_year.year: result.rating}),
        rows=unique_rows(carbon, limits.rows),
        notes=(NOTE, *cii.line_notes(line)),
    )
