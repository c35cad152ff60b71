"""The checked inputs of an emission-factor look-up, and the fuel consumption that most factors start from."""

from __future__ import annotations

from dataclasses import dataclass

from sealane.emissions.engines import ENGINES, FUELS
from sealane.emissions.fuel_rules import fuel_for_engine, regime_table
from sealane.emissions.propulsion import load_based_sfc_factor
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

METHODS = ("epa-2022", "imo4-2020")
GWP_SETS = ("ar4", "ar5", "ar6")
AGES = ("before_1984", "1984-2000", "after_2000")
TIERS = (0, 1, 2, 3)
MAX_SULPHUR_PCT = 5.0
EPA = "epa-2022"


@dataclass(frozen=True)
class FactorQuery:
    """Checked inputs of a look-up, defaults filled in; made by `factor_query`.

    `baseline` keeps fuel consumption at its published baseline; `rows` say where a filled-in sulphur comes from.
    """

    engine: str
    fuel: str
    tier: int
    load: float
    sulphur_pct: float
    method: str
    gwp: str
    age: str
    baseline: bool
    rows: tuple[FactorRow, ...]


def constant(symbol: str, method: str = EPA) -> FactorRow:
    """Row of a single number of a method's equations."""
    return load_table("method_constants").row(method, symbol)


def _choice(faults: list[Fault], name: str, found: object, known: tuple[object, ...]) -> None:
    if found not in known:
        faults.append(Fault(name, f"'{found}'", f"Give one of: {', '.join(map(str, known))}"))


def factor_query(
    engine: str,
    fuel: str | None,
    tier: int,
    load: float,
    sulphur_pct: float | None,
    method: str,
    gwp: str,
    age: str,
    *,
    baseline: bool,
) -> FactorQuery:
    """Check all inputs at once and fill in fuel and sulphur of a place inside an emission control area today."""
    faults: list[Fault] = []
    _choice(faults, "engine", engine, tuple(ENGINES))
    if fuel is not None:
        _choice(faults, "fuel", fuel, tuple(FUELS))
    _choice(faults, "tier", tier, TIERS)
    _choice(faults, "method", method, METHODS)
    _choice(faults, "gwp", gwp, GWP_SETS)
    _choice(faults, "age", age, AGES)
    if not 0.0 <= load <= 1.0:
        faults.append(Fault("load", f"{load:g}", "Give a fraction of installed power from 0 to 1"))
    if sulphur_pct is not None and not 0.0 <= sulphur_pct <= MAX_SULPHUR_PCT:
        faults.append(Fault("sulphur_pct", f"{sulphur_pct:g}", f"Give per cent by mass from 0 to {MAX_SULPHUR_PCT:g}"))
    if faults:
        raise DataError("The emission factor cannot be looked up.", faults)
    rows: tuple[FactorRow, ...] = ()
    if fuel is None:
        inside = [regime for regime in regime_table() if regime.inside_eca][-1]
        fuel, place_sulphur, rows = fuel_for_engine(inside, engine)
        sulphur_pct = place_sulphur if sulphur_pct is None else sulphur_pct
    if sulphur_pct is None:
        if fuel in ("LNG", "METHANOL"):
            sulphur_pct = 0.0
        else:
            row = load_table("fuel_default_sulphur").row("MGO" if fuel == "MDO" else fuel)
            sulphur_pct, rows = row.value, (row,)
    return FactorQuery(engine, fuel, tier, load, sulphur_pct, method, gwp, age, baseline, rows)


def fuel_key(query: FactorQuery, table: str) -> str:
    """Key of the fuel in one kind of table; raises MissingFactorError where the fuel has none."""
    fuel = FUELS[query.fuel]
    key = {"rows": fuel.rows, "imo4": fuel.imo4, "properties": fuel.properties}[table]
    if key is None:
        raise MissingFactorError(
            f"No emission factor is published for fuel {query.fuel} in method {query.method}. "
            "Choose method imo4-2020 or give the factor yourself."
        )
    return key


def fuel_consumption(query: FactorQuery) -> tuple[float, str, tuple[FactorRow, ...]]:
    """Fuel consumption [g/kWh], the words for it in an equation, and its rows."""
    engine = ENGINES[query.engine]
    if query.method == EPA:
        row = load_table("ogv_bsfc").row(engine.group, engine.row, fuel_key(query, "rows"))
        return row.value, "BSFC", (row,)
    row = load_table("imo4_sfc").row(engine.imo4, fuel_key(query, "imo4"), query.age)
    if engine.group != "propulsion" or query.baseline:
        return row.value, "SFC", (row,)
    shape = load_table("method_constants").find(method="imo4-2020")[:3]
    return row.value * load_based_sfc_factor(query.load), "SFC (0.455 LF^2 - 0.71 LF + 1.28)", (row, *shape)
