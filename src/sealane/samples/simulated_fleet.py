"""The SIMULATED fleet: ships with known particulars and plans. No ship, name, MMSI or IMO number is a real one's.

MMSI 772000001-772000999: the country code 772 is assigned to no administration. IMO numbers 2000xxx with a right
check digit, a range not in use. A ship that is in the simulated vessels file has particulars of her own; every other
ship has exactly the typical values of her class, so that a program that fills them from the same published table can
be compared with the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from sealane.reference import load_table

MMSI_FIRST = 772_000_001
SMALL_CRAFT_MMSI_FIRST = 772_000_501
ATON_MMSI_FIRST = 997_720_001
BASE_STATION_MMSI = 7_720_001
IMO_STEM_FIRST = 200_000
SHIPS_IN_PLAN = 40


class Plan(StrEnum):
    """What a ship does in the week."""

    BERTH = "berth"
    ANCHOR_BERTH = "anchorage, berth"
    BERTH_BERTH = "berth, berth"
    ANCHOR_BERTH_BERTH = "anchorage, berth, berth"
    ANCHOR = "anchorage"
    TRANSIT = "passage without a stop"
    OPEN_START = "at berth when the week begins"
    OPEN_START_ANCHOR = "at anchor when the week begins, berth"
    OPEN_END = "at berth when the week ends"
    OPEN_END_ANCHOR = "at anchor when the week ends"
    OPEN_BOTH = "at berth all week"


@dataclass(frozen=True)
class Template:
    """Kind of a simulated ship; sizes are simulated, chosen to be typical."""

    count: int
    ship_class: str
    subtype: str
    berth_kind: str
    ais_type: int
    length_m: int
    beam_m: int
    in_file: bool  # stands in the simulated vessels file with particulars of her own
    own_default: tuple[str, str] | None = None  # listed class her own particulars are scaled from


TEMPLATES = (
    Template(2, "Container Ship", "5,000 TEU", "container", 71, 289, 32, False),
    Template(2, "Container Ship", "8,000 TEU", "container", 70, 300, 40, False),
    Template(2, "Container Ship", "12,000 TEU", "container", 71, 335, 46, False),
    Template(1, "Container Ship", "14,500 TEU", "container", 70, 366, 51, False),
    Template(2, "Container Ship", "12,000 TEU", "container", 79, 337, 48, True),
    Template(2, "Container Ship", "14,500 TEU", "container", 71, 366, 49, True),
    Template(1, "Container Ship", "Largest", "container", 70, 399, 59, True),
    Template(2, "Container Ship", "3,000 TEU", "container", 70, 210, 30, True),
    Template(2, "Oil Tanker", "Handymax", "tanker", 80, 183, 32, False),
    Template(1, "Oil Tanker", "Aframax", "tanker", 81, 249, 44, False),
    Template(1, "Oil Tanker", "Suezmax", "tanker", 80, 274, 48, False),
    Template(1, "Oil Tanker", "Aframax", "tanker", 80, 250, 44, True),
    Template(1, "Chemical Tanker", "Handysize", "tanker", 82, 145, 23, False),
    Template(1, "Liquified Gas Tanker", "Largest", "tanker", 80, 230, 36, True),
    Template(2, "Bulk Carrier", "Handymax", "dry", 70, 190, 32, False),
    Template(1, "Bulk Carrier", "Panamax", "dry", 70, 225, 32, False),
    Template(1, "Bulk Carrier", "Handysize", "dry", 70, 170, 27, False),
    Template(2, "Bulk Carrier", "Handymax", "dry", 70, 199, 32, True),
    Template(2, "Cruise", "Largest", "cruise", 60, 323, 37, False),
    Template(1, "Cruise", "100,000 Ton", "cruise", 69, 261, 32, True),
    Template(3, "Vehicle Carrier", "Largest", "dry", 70, 200, 32, True, ("RORO", "Largest")),
    Template(1, "RORO", "Largest", "dry", 79, 190, 30, True),
    Template(2, "General Cargo", "10,000 DWT", "dry", 70, 118, 19, False),
    Template(1, "General Cargo", "Largest", "dry", 70, 160, 27, True),
    Template(1, "Reefer", "All Reefer", "dry", 70, 155, 24, True),
    Template(2, "Chemical Tanker", "Handymax", "tanker", 89, 174, 28, False),
)

_PLANS = (
    *[Plan.BERTH] * 12,
    *[Plan.ANCHOR_BERTH] * 9,
    *[Plan.BERTH_BERTH] * 3,
    *[Plan.ANCHOR_BERTH_BERTH] * 3,
    *[Plan.ANCHOR] * 2,
    *[Plan.TRANSIT] * 2,
    *[Plan.OPEN_START] * 3,
    *[Plan.OPEN_START_ANCHOR] * 1,
    *[Plan.OPEN_END] * 3,
    *[Plan.OPEN_END_ANCHOR] * 1,
    *[Plan.OPEN_BOTH] * 1,
)


@dataclass(frozen=True)
class SimulatedShip:
    """A simulated ship and the truth about her; units are in the names."""

    mmsi: int
    imo: int
    name: str
    call_sign: str
    ship_class: str
    subtype: str
    berth_kind: str
    ais_type: int
    length_m: int
    beam_m: int
    in_file: bool
    engine_type: str
    installed_kw: float
    max_speed_kn: float
    max_draught_m: float
    keel_year: int
    draught_in_m: float
    draught_out_m: float
    lane_speed_kn: float
    plan: Plan
    class_b: bool


def imo_with_check_digit(stem: int) -> int:
    """Seven-digit IMO number from its first six digits (sum of 7a + 6b + ... + 2f, last digit)."""
    total = sum(int(digit) * weight for digit, weight in zip(str(stem), range(7, 1, -1), strict=True))
    return stem * 10 + total % 10


def simulate_fleet(rng: np.random.Generator, ships: int) -> tuple[SimulatedShip, ...]:
    """Ships of all classes with their particulars and plans.

    Parameters
    ----------
    rng : the week's random numbers.
    ships : how many; above 40 the list of templates and plans begins again.
    """
    kinds = [template for template in TEMPLATES for _ in range(template.count)]
    plans = [_PLANS[k % SHIPS_IN_PLAN] for k in range(ships)]
    order = rng.permutation(ships)
    fleet = []
    for k in range(ships):
        template = kinds[k % len(kinds)]
        plan = plans[order[k]]
        default = template.own_default or (template.ship_class, template.subtype)
        table = load_table("ogv_class_defaults")
        rows = {q: table.row(*default, q) for q in ("installed_kw", "max_speed_kn", "max_draught_m")}
        own = rng.uniform(0.9, 1.1, 3) if template.in_file else np.ones(3)
        installed = round(rows["installed_kw"].value * own[0], 0)
        fastest = round(rows["max_speed_kn"].value * (1 + (own[1] - 1) / 3), 1)
        deepest = round(rows["max_draught_m"].value * own[2], 1)
        # Either well above or well below 20 % load: a load that sits on the bound between manoeuvring and transit
        # would make the truth of the mode a matter of rounding.
        ratio = rng.uniform(0.66, 0.75) if rng.random() < 0.7 else rng.uniform(0.42, 0.5)
        fleet.append(
            SimulatedShip(
                mmsi=MMSI_FIRST + k,
                imo=imo_with_check_digit(IMO_STEM_FIRST + 7 * k + 1),
                name=f"SIMULATED {template.ship_class.split()[0].upper()[:6]} {k + 1:02d}",
                call_sign=f"SIM{k + 1:03d}",
                ship_class=template.ship_class,
                subtype=template.subtype,
                berth_kind=template.berth_kind,
                ais_type=template.ais_type,
                length_m=template.length_m,
                beam_m=template.beam_m,
                in_file=template.in_file,
                engine_type=rows["installed_kw"].text("engine"),
                installed_kw=installed,
                max_speed_kn=fastest,
                max_draught_m=deepest,
                keel_year=int(rng.integers(1998, 2022)),
                draught_in_m=float(np.floor(deepest * rng.uniform(0.72, 0.97) * 10) / 10),
                draught_out_m=float(np.floor(deepest * rng.uniform(0.72, 0.97) * 10) / 10),
                lane_speed_kn=round(fastest * ratio, 1),
                plan=plan,
                class_b=template.ship_class == "General Cargo" and not template.in_file and k % 2 == 0,
            )
        )
    return tuple(fleet)


def vessels_file_rows(fleet: tuple[SimulatedShip, ...]) -> list[dict[str, str]]:
    """Rows of the simulated vessels file: ships with particulars of their own, some named by IMO number only."""
    rows = []
    for k, ship in enumerate(s for s in fleet if s.in_file):
        rows.append(
            {
                "mmsi": str(ship.mmsi) if k % 4 else "",
                "imo": str(ship.imo),
                "name": ship.name,
                "ship_class": ship.ship_class,
                "subtype": ship.subtype,
                "installed_kw": f"{ship.installed_kw:g}",
                "max_speed_kn": f"{ship.max_speed_kn:g}",
                "max_draught_m": f"{ship.max_draught_m:g}",
                "engine_type": ship.engine_type,
                "aux_engine_type": "AUX-MSD",
                "keel_year": str(ship.keel_year),
            }
        )
    return rows
