"""A ship and what it burnt in one calendar year: what every rule on ships is assessed on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sealane.corridors.fuels import Pathway, pathway
from sealane.errors import DataError, Fault, SealaneError
from sealane.reference import FactorRow, load_table

SCOPES = ("intra-eea", "extra-eea", "at-berth", "outside")
"""Where fuel was burnt: on a voyage between two ports of the European Economic Area, between one of them and another
port, at berth in one of them, or elsewhere."""

G_PER_T = 1e6
MJ_PER_KG_TO_MJ_PER_G = 1e-3
MJ_PER_KWH = 3.6


@dataclass(frozen=True)
class FuelUse:
    """A mass of one fuel burnt in one kind of consumer and scope.

    Attributes
    ----------
    fuel : name as `sealane.corridors.fuels.pathway` knows it.
    mass_t : mass burnt [t].
    scope : one of `SCOPES`.
    consumer : kind of engine; needed for LNG and its renewable kin.
    e_g_per_mj, wtt_g_per_mj : certificate of the fuel, or its well-to-tank value [g CO2e/MJ].
    where : place in the user's file, for messages.
    """

    fuel: str
    mass_t: float
    scope: str = "intra-eea"
    consumer: str | None = None
    e_g_per_mj: float | None = None
    wtt_g_per_mj: float | None = None
    where: str = ""


@dataclass(frozen=True)
class ShipYear:
    """A ship's calendar year.

    Attributes
    ----------
    ship, year, imo : who and when; `imo` may be unknown.
    fuels : what was burnt, in any order.
    ship_type, dwt_t, gt, distance_nm : particulars and distance sailed; None where not known.
    shore_power_mj : electricity taken from shore at berth in scope [MJ] (E_ops of FuelEU Maritime).
    wind_ratio : share of propulsion power from wind assistance, P_wind / P_prop; 0 without.
    deficit_years : consecutive reporting periods with a deficit, this one included (n of the FuelEU penalty).
    """

    ship: str
    year: int
    fuels: tuple[FuelUse, ...]
    imo: int | None = None
    ship_type: str | None = None
    dwt_t: float | None = None
    gt: float | None = None
    distance_nm: float | None = None
    shore_power_mj: float = 0.0
    wind_ratio: float = 0.0
    deficit_years: int = 1


def particulars_faults(ship_year: ShipYear) -> list[Fault]:
    """What is wrong with a ship-year apart from its fuel."""
    who = f"{ship_year.ship} {ship_year.year}"
    faults = []
    if ship_year.gt is not None and not (math.isfinite(ship_year.gt) and ship_year.gt > 0.0):
        faults.append(Fault(f"{who}, gt", f"{ship_year.gt:g}", "Give a gross tonnage above 0, or none"))
    if not 0.0 <= ship_year.wind_ratio <= 1.0:
        faults.append(Fault(f"{who}, wind_ratio", f"{ship_year.wind_ratio:g}", "Give a fraction from 0 to 1"))
    if not (math.isfinite(ship_year.shore_power_mj) and ship_year.shore_power_mj >= 0.0):
        faults.append(Fault(f"{who}, shore_power_mj", f"{ship_year.shore_power_mj:g}", "Give MJ, 0 or more"))
    if ship_year.deficit_years < 1:
        faults.append(Fault(f"{who}, deficit_years", f"{ship_year.deficit_years}", "Give 1 or more"))
    return faults


def check_particulars(ship_year: ShipYear, rule: str, prices: Mapping[str, float | None] | None = None) -> None:
    """Refuse a ship-year, or a price, that no rule can be worked out on.

    Raises
    ------
    DataError
        listing every fault.
    """
    faults = particulars_faults(ship_year)
    for name, price in (prices or {}).items():
        if price is not None and not (math.isfinite(price) and price >= 0.0):
            faults.append(Fault(name, f"{price:g}", "Give a price by tonne, 0 or more"))
    if faults:
        raise DataError(f"{rule} cannot be assessed.", faults)


@dataclass(frozen=True)
class Burnt:
    """Fuel of one pathway and scope, all rows of it summed: mass [t], energy [MJ]."""

    path: Pathway
    scope: str
    mass_t: float

    @property
    def mass_g(self) -> float:
        """Mass [g]."""
        return self.mass_t * G_PER_T

    @property
    def energy_mj(self) -> float:
        """Lower calorific energy [MJ]."""
        return self.mass_g * self.path.lcv_mj_per_kg * MJ_PER_KG_TO_MJ_PER_G


def burnt(
    ship_year: ShipYear, factor_set: str, own: Sequence[Pathway] = (), needs_wtt: bool = True
) -> tuple[Burnt, ...]:
    """What a ship burnt, by pathway and scope, in an order of its own; rows of the same fuel are summed exactly.

    The order and the sums do not depend on how the input was shuffled or split.

    Raises
    ------
    DataError
        listing every fuel that cannot be looked up.
    MissingFactorError
        if that one fault is a value nobody publishes.
    """
    faults: list[Fault] = []
    missing: list[SealaneError] = []
    masses: dict[tuple[str, ...], list[float]] = {}
    paths: dict[tuple[str, ...], tuple[Pathway, str]] = {}
    for number, use in enumerate(ship_year.fuels, 1):
        where = use.where or f"{ship_year.ship} {ship_year.year}, fuel {number}"
        if use.scope not in SCOPES:
            faults.append(Fault(f"{where}, scope", f"'{use.scope}'", f"Give one of: {', '.join(SCOPES)}"))
        if not (math.isfinite(use.mass_t) and use.mass_t >= 0.0):
            faults.append(Fault(f"{where}, mass_t", f"{use.mass_t:g}", "Give tonnes, 0 or more"))
        try:
            path = pathway(
                use.fuel,
                factor_set,
                use.consumer,
                e_g_per_mj=use.e_g_per_mj,
                wtt_g_per_mj=use.wtt_g_per_mj,
                own=own,
                needs_wtt=needs_wtt,
            )
        except DataError as error:
            faults += [Fault(f"{where}, {fault.where}", fault.found, fault.remedy) for fault in error.faults]
            continue
        except SealaneError as error:
            missing.append(error)
            faults.append(Fault(where, f"fuel {use.fuel} has no factor", str(error)))
            continue
        key = (use.scope, path.fuel, path.consumer, f"{path.wtt_g_per_mj!r}", f"{path.certificate_e_g_per_mj!r}")
        masses.setdefault(key, []).append(use.mass_t)
        paths[key] = (path, use.scope)
    if len(faults) == 1 and missing:
        raise missing[0]
    if faults:
        raise DataError(f"The fuel of {ship_year.ship} in {ship_year.year} cannot be assessed.", faults)
    return tuple(Burnt(*paths[key], math.fsum(masses[key])) for key in sorted(masses))


def scope_row(rule: str, scope: str) -> FactorRow:
    """Row of the share in scope of a European rule."""
    return load_table("eea_scope").row(rule, scope)


def in_scope(items: Iterable[Burnt], rule: str) -> tuple[Burnt, ...]:
    """The part of what was burnt that is in a rule's scope, the same share of each fuel of a scope."""
    return tuple(replace(item, mass_t=item.mass_t * scope_row(rule, item.scope).value) for item in items)


def unique_rows(*groups: Iterable[FactorRow]) -> tuple[FactorRow, ...]:
    """Rows used, each once, in order of first use."""
    return tuple(dict.fromkeys(row for group in groups for row in group))


def result_as_dict(rule: str, result: Any) -> dict[str, object]:
    """A rule's result (a dataclass) as plain values for JSON: its fields in their order, then notes and rows."""
    names = [field.name for field in fields(result) if field.name not in ("rows", "notes")]
    content = {name: getattr(result, name) for name in names}
    return {"rule": rule, **content, "notes": list(result.notes), "rows": rows_as_dicts(result.rows)}


def rows_as_dicts(rows: Iterable[FactorRow]) -> list[dict[str, object]]:
    """Rows for JSON: label, value, unit, source, edition, grade, day."""
    return [
        {
            "row": row.label,
            "value": row.value,
            "unit": row.unit,
            "source": row.source,
            "edition": row.edition,
            "grade": row.grade,
            "valid_from": row.valid_from.isoformat(),
        }
        for row in rows
    ]


def year_row(table: str, year: int, **keys: str) -> FactorRow | None:
    """Row of a table by year, or None before the first year of the rule."""
    spec = load_table(table).spec
    if year < spec.range_start:
        return None
    return load_table(table).in_range(float(year), **keys)[0]
