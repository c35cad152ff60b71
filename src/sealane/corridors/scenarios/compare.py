"""Several results side by side: what differs, and which inputs make the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from sealane.corridors.scenarios.model import COMPARE_TABLES, ScenarioResult
from sealane.corridors.scenarios.study import OUTPUTS
from sealane.errors import DataError, Fault

UNITS: Mapping[str, str] = {**OUTPUTS, "fossil_wtw_t": "t", "energy_tj": "TJ"}


@dataclass(frozen=True)
class Comparison:
    """Tables as `COMPARE_TABLES`, in the order the results were given.

    Attributes
    ----------
    scenarios : names, made unique where a scenario stands twice: ``id (plan)``, ``id 2``.
    corridors : of each scenario, the id of its corridor.
    """

    scenarios: tuple[str, ...]
    tables: Mapping[str, pa.Table]
    notes: tuple[str, ...]
    corridors: tuple[str, ...]


def compare_scenarios(results: Sequence[ScenarioResult]) -> Comparison:
    """Set results beside each other; differences are to the first.

    Raises
    ------
    DataError
        for fewer than two results.
    """
    if len(results) < 2:
        fault = Fault("scenarios", f"{len(results)} given", "Give two or more")
        raise DataError("There is nothing to compare.", [fault])
    names = _names(results)
    tables = {
        "compare_year": _stacked(results, names, "year", "compare_year"),
        "compare_fleet": _stacked(results, names, "fleet", "compare_fleet"),
        "compare_fuel": _fuel(results, names),
        "compare_summary": _summary(results, names),
        "compare_inputs": _inputs(results, names),
    }
    notes = tuple(f"{name}: {note}" for name, result in zip(names, results, strict=True) for note in result.notes)
    return Comparison(tuple(names), tables, notes, tuple(result.corridor for result in results))


def _names(results: Sequence[ScenarioResult]) -> list[str]:
    several_kinds = len({result.kind for result in results}) > 1
    names: list[str] = []
    for result in results:
        name = f"{result.scenario} ({result.kind})" if several_kinds else result.scenario
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name} {number}", number + 1
        names.append(unique)
    return names


def _stacked(results: Sequence[ScenarioResult], names: list[str], table: str, made: str) -> pa.Table:
    parts = []
    for name, result in zip(names, results, strict=True):
        rows = result.tables[table]
        column = pa.array([name] * rows.num_rows, type=pa.string())
        parts.append(rows.add_column(0, "scenario", column).cast(COMPARE_TABLES[made]))
    return pa.concat_tables(parts)


def _fuel(results: Sequence[ScenarioResult], names: list[str]) -> pa.Table:
    schema = COMPARE_TABLES["compare_fuel"]
    parts = []
    for name, result in zip(names, results, strict=True):
        keys = ["year", "fuel", "family"]
        sums = [(column, "sum") for column in ("energy_tj", "mass_t", "cost_usd")]
        grouped = result.tables["fuel"].group_by(keys, use_threads=False).aggregate(sums)
        grouped = grouped.sort_by([(key, "ascending") for key in keys])
        arrays = [pa.array([name] * grouped.num_rows, type=pa.string())]
        arrays += [grouped[key] for key in keys] + [grouped[f"{column}_sum"] for column, _ in sums]
        parts.append(pa.Table.from_arrays(arrays, names=schema.names).cast(schema))
    return pa.concat_tables(parts)


def _summary(results: Sequence[ScenarioResult], names: list[str]) -> pa.Table:
    rows = []
    first = results[0].summary
    for name, result in zip(names, results, strict=True):
        for item, unit in UNITS.items():
            value, base = result.summary.get(item), first.get(item)
            if isinstance(value, int | float):
                difference = float(value) - float(base) if isinstance(base, int | float) else None
                rows.append(
                    {
                        "scenario": name,
                        "kind": result.kind,
                        "item": item,
                        "unit": unit,
                        "value": float(value),
                        "difference": difference,
                    }
                )
    return pa.Table.from_pylist(rows, schema=COMPARE_TABLES["compare_summary"])


def _inputs(results: Sequence[ScenarioResult], names: list[str]) -> pa.Table:
    """Inputs that are not the same everywhere: another value, another origin, or not there."""
    by_path: dict[str, dict[str, dict[str, object]]] = {}
    for name, result in zip(names, results, strict=True):
        for row in result.tables["inputs"].to_pylist():
            by_path.setdefault(str(row["path"]), {})[name] = row
    schema = COMPARE_TABLES["compare_inputs"]
    rows = []
    for rows_of in by_path.values():
        seen = {(row["value"], row["origin"], row["unit"]) for row in rows_of.values()}
        if len(seen) > 1 or len(rows_of) < len(names):
            rows += [
                {"scenario": name, **{key: row[key] for key in schema.names if key != "scenario"}}
                for name, row in rows_of.items()
            ]
    return pa.Table.from_pylist(rows, schema=schema)
