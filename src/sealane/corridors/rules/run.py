"""A rule on all ships and years of a file: results, totals, rows used, and the folder they are written to."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from sealane.corridors.fuels import Pathway
from sealane.corridors.rules import cii_ship_year, eu_ets, fueleu, net_zero
from sealane.corridors.rules.fueleu_flexibility import Measure, Settlement, settle
from sealane.corridors.rules.schemas import FUELEU_SETTLEMENT, RULE_TABLES
from sealane.corridors.rules.ship_year import ShipYear, rows_as_dicts, unique_rows
from sealane.errors import DataError, Fault, MissingFactorError, SealaneError
from sealane.inventory.schemas import TableSpec
from sealane.reference import FactorRow


class Assessed(Protocol):
    """What every rule gives for a ship and year."""

    @property
    def ship(self) -> str: ...

    @property
    def year(self) -> int: ...

    @property
    def rows(self) -> tuple[FactorRow, ...]: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def as_dict(self) -> dict[str, object]: ...


@dataclass(frozen=True)
class RuleRun:
    """A rule on a file.

    Attributes
    ----------
    rule : ``fueleu``, ``ets``, ``nzf`` or ``cii``.
    results : one per ship and year, in that order.
    settlement : FuelEU balances after measures; None where none were given.
    table : the results as a table, columns of `sealane.corridors.rules.schemas`.
    summary : totals.
    """

    rule: str
    results: tuple[Assessed, ...]
    settlement: Settlement | None
    table: pa.Table
    summary: dict[str, float | int]

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; published rows stand once, each result names those it used."""
        rows = unique_rows(*(result.rows for result in self.results))
        results = []
        for result in self.results:
            content = {name: value for name, value in result.as_dict().items() if name not in ("rows", "rule")}
            results.append({**content, "rows_used": [row.label for row in result.rows]})
        content = {"rule": self.rule, "summary": self.summary, "results": results}
        if self.settlement is not None:
            content["settlement"] = {
                "years": [_plain(entry) for entry in self.settlement.years],
                "banked_g": dict(self.settlement.banked_g),
                "to_repay_g": dict(self.settlement.to_repay_g),
                "notes": list(self.settlement.notes),
            }
        return {**content, "rows": rows_as_dicts(rows)}


def assess_all(ship_years: Iterable[ShipYear], assess: Callable[[ShipYear], Assessed]) -> tuple[Assessed, ...]:
    """Assess every ship and year, by ship and year.

    Raises
    ------
    DataError
        listing the faults of all ships, not only of the first.
    MissingFactorError
        if nothing but values that nobody publishes stands in the way; each is named once.
    """
    results: list[Assessed] = []
    faults: list[Fault] = []
    missing: dict[str, str] = {}
    for ship_year in sorted(ship_years, key=lambda entry: (entry.ship, entry.year)):
        where = f"{ship_year.ship} {ship_year.year}"
        try:
            results.append(assess(ship_year))
        except DataError as error:
            faults += [
                fault if fault.where.startswith(where) else Fault(f"{where}: {fault.where}", fault.found, fault.remedy)
                for fault in error.faults
            ]
        except SealaneError as error:
            missing.setdefault(str(error), where)
    if faults:
        faults += [Fault(where, "no published value", text) for text, where in missing.items()]
        raise DataError("The ship-years cannot be assessed.", faults)
    if missing:
        raise MissingFactorError("\n".join(f"{where}: {text}" for text, where in missing.items()))
    return tuple(results)


def _plain(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}


def to_table(entries: Sequence[object], spec: TableSpec) -> pa.Table:
    """Entries as a table of these columns; NaN becomes null."""
    records = []
    for entry in entries:
        record = _plain(entry)
        record["note"] = " ".join(record.pop("notes", ()))
        records.append(
            {
                name: None if isinstance(record[name], float) and math.isnan(record[name]) else record[name]
                for name in spec.columns
            }
        )
    return pa.Table.from_pylist(records, schema=spec.schema)


_TOTALS = {
    "fueleu": ("energy_mj", "balance_g", "penalty_eur"),
    "ets": ("co2_t", "covered_co2e_t", "allowances_t"),
    "nzf": ("energy_mj", "tier1_t", "tier2_t", "surplus_t"),
    "cii": ("co2_t", "distance_nm"),
}


def _run(rule: str, results: tuple[Assessed, ...], settlement: Settlement | None = None) -> RuleRun:
    summary: dict[str, float | int] = {"ship_years": len(results), "ships": len({result.ship for result in results})}
    summary |= {name: math.fsum(getattr(result, name) for result in results) for name in _TOTALS[rule]}
    if settlement is not None:
        summary["penalty_after_measures_eur"] = math.fsum(entry.penalty_eur for entry in settlement.years)
    return RuleRun(rule, results, settlement, to_table(results, RULE_TABLES[rule]), summary)


def run_fueleu(
    ship_years: Iterable[ShipYear],
    gwp: str = fueleu.DEFAULT_GWP,
    allocation: str = "proportional",
    measures: Sequence[Measure] | None = None,
    own: Sequence[Pathway] = (),
) -> RuleRun:
    """FuelEU Maritime on every ship and year, with its measures where given."""
    results = assess_all(ship_years, lambda entry: fueleu.assess(entry, gwp, allocation, own))
    if measures is None:
        return _run("fueleu", results)
    return _run("fueleu", results, settle([r for r in results if isinstance(r, fueleu.FuelEuResult)], measures))


def run_ets(
    ship_years: Iterable[ShipYear],
    gwp: str = eu_ets.DEFAULT_GWP,
    price_eur_per_t: float | None = None,
    price_path: str | None = None,
    own: Sequence[Pathway] = (),
) -> RuleRun:
    """EU ETS on every ship and year."""
    return _run(
        "ets",
        assess_all(ship_years, lambda entry: eu_ets.assess(entry, gwp, price_eur_per_t, path=price_path, own=own)),
    )


def run_nzf(
    ship_years: Iterable[ShipYear],
    gwp: str = net_zero.DEFAULT_GWP,
    *,
    drafts: bool = False,
    tier1_usd_per_t: float | None = None,
    tier2_usd_per_t: float | None = None,
    own: Sequence[Pathway] = (),
) -> RuleRun:
    """Draft Net-Zero Framework on every ship and year."""
    net_zero.check_allowed(drafts=drafts)
    return _run(
        "nzf",
        assess_all(
            ship_years,
            lambda entry: net_zero.assess(
                entry,
                gwp,
                drafts=drafts,
                tier1_usd_per_t=tier1_usd_per_t,
                tier2_usd_per_t=tier2_usd_per_t,
                own=own,
            ),
        ),
    )


def run_cii(ship_years: Iterable[ShipYear]) -> RuleRun:
    """Carbon intensity indicator on every ship and year."""
    return _run("cii", assess_all(ship_years, cii_ship_year.assess))


def write_run(run: RuleRun, out: Path) -> None:
    """Write a run: table of results as Parquet and CSV, all of it as JSON; the folder appears whole or not at all."""
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    from sealane.folders import whole_folder
    from sealane.spreadsheet_text import inert_table

    tables = {RULE_TABLES[run.rule].file: run.table}
    if run.settlement is not None:
        tables[FUELEU_SETTLEMENT.file] = to_table(run.settlement.years, FUELEU_SETTLEMENT)
    text = json.dumps(_no_nan(run.as_dict()), indent=1, ensure_ascii=False, allow_nan=False)
    names = [name for name in tables for name in (name, Path(name).with_suffix(".csv").name)]
    with whole_folder(out, (*names, f"{run.rule}.json")) as folder:
        for name, table in tables.items():
            pq.write_table(table, folder / name, compression="zstd")
            pa_csv.write_csv(inert_table(table), folder / Path(name).with_suffix(".csv").name)
        (folder / f"{run.rule}.json").write_text(text + "\n", encoding="utf-8")


def _no_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _no_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_no_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
