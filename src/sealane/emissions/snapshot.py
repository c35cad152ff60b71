"""Every resolved factor in one table, so that an edit of a row shows what it moves.

``python -m sealane.emissions.snapshot tests/golden/factors_snapshot.csv`` writes it anew; review the difference and
commit it with the edit, with a line under "Numbers that moved" in the changelog.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from sealane.emissions.emission_factors import POLLUTANTS, emission_factor
from sealane.emissions.engines import ENGINES, FUELS
from sealane.emissions.factor_query import METHODS, TIERS
from sealane.emissions.fuel_rules import regime_table
from sealane.emissions.hotel_loads import HOTEL_TABLES, MODES, hotel_load
from sealane.emissions.low_load import LLAF_ROW, low_load_factor
from sealane.emissions.ship_classes import ship_classes
from sealane.emissions.well_to_tank import WTT_SETS, well_to_tank
from sealane.errors import MissingFactorError

HEADER = ("factor", "value", "unit", "grade")
_LOADS = (0.02, 0.1, 0.2)
_MISSING = ("missing", "", "")

Row = tuple[str, str, str, str]


def _emission_factors() -> Iterator[Row]:
    for method in METHODS:
        for engine in ENGINES:
            for fuel in FUELS:
                for pollutant in POLLUTANTS:
                    for tier in TIERS if pollutant == "nox" and ENGINES[engine].diesel else (0,):
                        name = f"{method}/{pollutant}/{engine}/{fuel}/tier {tier}"
                        try:
                            factor = emission_factor(pollutant, engine, fuel, tier, method=method)
                        except MissingFactorError:
                            yield name, *_MISSING
                        else:
                            yield name, f"{factor.value:.12g}", factor.unit, factor.grade


def _well_to_tank() -> Iterator[Row]:
    for wtt_set in WTT_SETS:
        for engine in ("SSD", "MSD", "LNG", "AUX-MSD", "BOILER"):
            for fuel in FUELS:
                name = f"{wtt_set}/wtt_co2e/{engine}/{fuel}"
                try:
                    factor = well_to_tank(engine, fuel, wtt_set=wtt_set)
                except MissingFactorError:
                    yield name, *_MISSING
                else:
                    yield name, f"{factor.value:.12g}", factor.unit, factor.grade


def _hotel_loads() -> Iterator[Row]:
    for table in HOTEL_TABLES:
        for ship_class, subtype in ship_classes():
            for mode in MODES:
                name = f"hotel {table}/{ship_class}/{subtype}/{mode}"
                try:
                    aux_kw, boiler_kw, rows = hotel_load(ship_class, subtype, mode, table)
                except MissingFactorError:
                    yield name, *_MISSING
                else:
                    grade = max(row.grade for row in rows)
                    yield name, f"{aux_kw:.12g} + {boiler_kw:.12g}", "kW auxiliary + boiler", grade


def snapshot_rows() -> tuple[Row, ...]:
    """Every resolved factor as ``(factor, value, unit, grade)``; a combination without a row says ``missing``."""
    low_load = tuple(
        (f"low load/{pollutant}/{load:g}", f"{low_load_factor(pollutant, load):.12g}", "1", "A")
        for pollutant in LLAF_ROW
        for load in _LOADS
    )
    regimes = tuple(
        (f"fuel/{regime.place}/{regime.valid_from}", f"{regime.fuel} {regime.sulphur_pct:.12g}", "%", row_grade)
        for regime in regime_table()
        for row_grade in (max(row.grade for row in regime.rows),)
    )
    return (*_emission_factors(), *_well_to_tank(), *low_load, *regimes, *_hotel_loads())


def write_snapshot(path: Path) -> int:
    """Write the snapshot; returns the number of factors."""
    rows = snapshot_rows()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
    return len(rows)


def main(arguments: list[str]) -> int:
    """Command line: one argument, the file to write."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m sealane.emissions.snapshot FILE.csv\n")
        return 2
    sys.stdout.write(f"{write_snapshot(Path(arguments[0]))} factors written to {arguments[0]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
