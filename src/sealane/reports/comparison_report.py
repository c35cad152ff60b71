"""The report of scenarios compared: what each emits and costs, and the inputs in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sealane.corridors.scenarios.model import COMPARE_TABLES
from sealane.reports import chart_canvas as canvas
from sealane.reports import corridor_page
from sealane.reports.banners import Banner
from sealane.reports.chart_bars import Part, ranked
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_years import Series, by_year
from sealane.reports.corridor_folder import ResultFolder, read_folder
from sealane.reports.corridor_page import Page, Section, Tile
from sealane.reports.figures import number, plural
from sealane.reports.scenario_charts import named
from sealane.reports.tables import Column, Table

JSON = "comparison.json"
_LINES = (
    ("CO2e per year, well-to-wake", "wtw_t", canvas.MASS_T, ""),
    ("Well-to-wake intensity", "intensity_g_per_mj", (), "g/MJ"),
    ("Cost per year", "cost_usd", canvas.MONEY_USD, ""),
    ("Cost gap against the fossil case", "cost_gap_usd", canvas.MONEY_USD, ""),
    ("Cost gap per TEU", "cost_gap_usd_per_teu", (), "USD/TEU"),
    ("Abatement cost", "abatement_usd_per_t", (), "USD/t"),
)


def write_comparison_report(folder: Path) -> None:
    """Write report.html and report.xlsx into the result folder of ``sealane scenario compare``.

    Parameters
    ----------
    folder : holds the JSON and the Parquet tables; the two report files in it are replaced.

    Raises
    ------
    DataError
        if files or columns are missing or damaged; all of them are listed.
    """
    folder = Path(folder)
    corridor_page.write_page(comparison_page(read_comparison_folder(folder)), folder)


def read_comparison_folder(folder: Path) -> ResultFolder:
    """Read the folder of a comparison."""
    return read_folder(folder, JSON, COMPARE_TABLES)


def comparison_page(found: ResultFolder) -> Page:
    """The page of a comparison; scenarios keep the order in which they were named."""
    rows = found.rows("compare_year")
    scenarios = list(dict.fromkeys(str(r["scenario"]) for r in rows))
    inputs = found.rows("compare_inputs")
    corridors = list(dict.fromkeys(str(name) for name in found.json.get("corridors") or ()))
    sections = [
        Section("lines", "Side by side", (), tuple(_charts(rows, scenarios))),
        Section("fuel", "Fuel in the last year", (), tuple(_fuel(found, rows, scenarios))),
        Section("summary", "Single figures", (), tuple(_summary(found))),
        Section("inputs", "Where they differ", *_inputs(inputs, scenarios)),
        Section("tables", "Tables", sheets=tuple(corridor_page.raw_tables(found))),
    ]
    return Page(
        brand="Sealane · scenarios compared",
        title=" against ".join(scenarios) if len(scenarios) <= 3 else f"{len(scenarios)} scenarios",
        code="",
        facts=(
            ("Scenarios", ", ".join(scenarios)),
            *((("Corridors", ", ".join(corridors)),) if corridors else ()),
            ("Differences", f"to {scenarios[0]}" if scenarios else ""),
        ),
        label="",
        banners=tuple(_banners(found, inputs)),
        answers=tuple(_answers(rows, scenarios, inputs)),
        tiles=tuple(_tiles(rows, scenarios)),
        sections=tuple(s for s in sections if s.blocks or s.words or s.sheets),
        provenance=found.json,
        files=tuple(f"{name}.parquet" for name in found.schemas),
    )


def _last(rows: list[dict[str, Any]], scenario: str) -> dict[str, Any]:
    return max((r for r in rows if r["scenario"] == scenario), key=lambda r: int(r["year"]))


def _banners(found: ResultFolder, inputs: list[dict[str, Any]]) -> Iterable[Banner]:
    unsure = {str(r["path"]) for r in inputs if r["origin"] in {"placeholder", "missing"}}
    if unsure:
        text = "These inputs differ, and are placeholders or missing in at least one scenario."
        yield Banner("caution", "Differences that rest on placeholders", text, tuple(sorted(unsure)))
    notes = tuple(str(n) for n in found.json.get("notes") or ())
    if notes:
        yield Banner("note", "About this comparison", "", notes)


def _amount(value: float | None, name: str) -> str:
    if value is None:
        return "nothing that can be told"
    ladder = {"wtw_t": canvas.MASS_T, "cost_usd": canvas.MONEY_USD}[name]
    divisor, unit = canvas.fit_unit([value], ladder)
    return f"{number(value / divisor)} {unit}"


def _least(known: Sequence[tuple[str, dict[str, Any]]], name: str) -> str:
    """The scenario with the least of it; empty where another has as little, to a millionth."""
    first, second = sorted(known, key=lambda item: float(item[1][name]))[:2]
    small, following = float(first[1][name]), float(second[1][name])
    return "" if following - small <= 1e-6 * abs(following) else first[0]


def _answers(rows: list[dict[str, Any]], scenarios: Sequence[str], inputs: list[dict[str, Any]]) -> Iterable[str]:
    if not scenarios:
        yield "No scenario stands in this comparison."
        return
    for scenario in scenarios[:6]:
        last = _last(rows, scenario)
        text = f"{scenario}: {_amount(last['wtw_t'], 'wtw_t')} CO2e well-to-wake and"
        yield f"{text} {_amount(last['cost_usd'], 'cost_usd')} in {last['year']}."
    lasts = [(s, _last(rows, s)) for s in scenarios]
    known = [(s, r) for s, r in lasts if r["wtw_t"] is not None and r["cost_usd"] is not None]
    if len(known) > 1:
        least, cheapest = (_least(known, name) for name in ("wtw_t", "cost_usd"))
        if least and least == cheapest:
            yield f"In {known[0][1]['year']} {least} both emits and costs least."
        else:
            emits = f"{least} emits least" if least else "they emit the same"
            costs = f"{cheapest} costs least" if cheapest else "they cost the same"
            yield f"In {known[0][1]['year']} {emits}; {costs}."
    paths = {str(r["path"]) for r in inputs}
    yield f"They differ in {plural(len(paths), 'input')}." if paths else "They have the same inputs."


def _tiles(rows: list[dict[str, Any]], scenarios: Sequence[str]) -> Iterable[Tile]:
    for scenario in scenarios[:4]:
        last = _last(rows, scenario)
        if last["wtw_t"] is not None:
            amount, unit = _amount(last["wtw_t"], "wtw_t").split(" ", 1)
            yield Tile(
                f"{scenario}, CO2e {last['year']}", amount, unit, (f"cost {_amount(last['cost_usd'], 'cost_usd')}",)
            )


def _charts(rows: list[dict[str, Any]], scenarios: Sequence[str]) -> Iterable[Chart]:
    years = sorted({int(r["year"]) for r in rows})
    for title, name, ladder, plain in _LINES:
        cells = {(str(r["scenario"]), int(r["year"])): r[name] for r in rows}
        every = [v for v in cells.values() if v is not None]
        if not every:
            continue
        divisor, unit = canvas.fit_unit(every, ladder) if ladder else (1.0, plain)
        lines = [
            Series(s, tuple(None if (v := cells.get((s, y))) is None else v / divisor for y in years))
            for s in scenarios
        ]
        yield by_year(title, unit, years, lines=lines)


def _fuel(found: ResultFolder, rows: list[dict[str, Any]], scenarios: Sequence[str]) -> Iterable[Chart]:
    fuel = found.rows("compare_fuel")
    lasts = {s: int(_last(rows, s)["year"]) for s in scenarios}
    names = list(dict.fromkeys(str(r["fuel"]) for r in sorted(fuel, key=lambda r: (str(r["family"]), str(r["fuel"])))))
    cells: dict[tuple[str, str], float] = {}
    for r in fuel:
        if int(r["year"]) == lasts.get(str(r["scenario"])):
            key = (str(r["scenario"]), str(r["fuel"]))
            cells[key] = cells.get(key, 0.0) + (r["energy_tj"] or 0.0)
    names = [n for n in names if any(cells.get((s, n)) for s in scenarios)]
    if names:
        divisor, unit = canvas.fit_unit(
            [sum(cells.get((s, n), 0.0) for n in names) for s in scenarios], canvas.ENERGY_TJ
        )
        parts = [Part(s, tuple(cells.get((s, n), 0.0) / divisor for n in names), f"in {lasts[s]}") for s in scenarios]
        yield ranked("Fuel energy in the last year", unit, names, parts, of="scenario")


def _summary(found: ResultFolder) -> Iterable[Table]:
    rows = found.rows("compare_summary")
    if rows:
        yield Table(
            "Single figures of each scenario",
            (
                Column("figure", width=34),
                Column("scenario", width=26),
                Column("value", "", "number", 18),
                Column("difference to the first", "", "number", 22),
                Column("unit", width=10),
                Column("kind", width=12),
            ),
            [(named(str(r["item"])), r["scenario"], r["value"], r["difference"], r["unit"], r["kind"]) for r in rows],
        )


def _inputs(inputs: list[dict[str, Any]], scenarios: Sequence[str]) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    if not inputs:
        return ("All inputs are the same.",), ()
    paths: dict[str, dict[str, dict[str, Any]]] = {}
    for r in inputs:
        paths.setdefault(str(r["path"]), {})[str(r["scenario"])] = r
    columns = [Column("input", width=46), Column("unit", width=14)]
    for s in scenarios:
        columns += [Column(s, "", "number", 16), Column(f"{s}: origin", "", "mark", 14)]
    rows = []
    for path, cells in sorted(paths.items()):
        first = next(iter(cells.values()))
        row: list[Any] = [path, first["unit"]]
        for s in scenarios:
            row += [cells[s]["value"], cells[s]["origin"]] if s in cells else [None, None]
        rows.append(tuple(row))
    table = Table("Inputs that differ", tuple(columns), rows, "Sources stand on the sheet of the table compare_inputs.")
    return (f"Not the same in all scenarios: {plural(len(rows), 'input')}.",), (table,)
