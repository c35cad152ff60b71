"""The report of a simulated or planned scenario, made from its result folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sealane.corridors.plan.results import PLAN_TABLES
from sealane.corridors.scenarios.model import FAMILIES, RESULT_TABLES, STUDY_TABLES
from sealane.reports import chart_canvas as canvas
from sealane.reports import corridor_page, scenario_charts
from sealane.reports.banners import Banner
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_years import Series, by_year
from sealane.reports.corridor_folder import ResultFolder, read_folder
from sealane.reports.corridor_page import Page, Section, Tile
from sealane.reports.figures import number, share
from sealane.reports.scenario_charts import named, years_of
from sealane.reports.tables import Column, Table

JSON = "scenario.json"


def write_scenario_report(folder: Path) -> None:
    """Write report.html and report.xlsx into the result folder of ``sealane scenario run`` or ``sealane plan``.

    Parameters
    ----------
    folder : holds scenario.json and the Parquet tables; the two report files in it are replaced.

    Raises
    ------
    DataError
        if files or columns are missing or damaged; all of them are listed.
    """
    folder = Path(folder)
    corridor_page.write_page(scenario_page(read_scenario_folder(folder)), folder)


def read_scenario_folder(folder: Path) -> ResultFolder:
    """Read the folder of one scenario."""
    return read_folder(folder, JSON, RESULT_TABLES, {**STUDY_TABLES, **PLAN_TABLES}, ("kind", "scenario", "summary"))


def scenario_page(found: ResultFolder) -> Page:
    """The page of one scenario."""
    year_rows = sorted(found.rows("year"), key=lambda r: r["year"])
    planned = found.json["kind"] == "plan"
    inputs = found.rows("inputs")
    label = {"demonstration": "DEMONSTRATION"}.get(str(found.json.get("label", "")), "")
    title = str(found.json.get("title") or found.json["scenario"])
    sections = [
        _section("emissions", "What it emits", _emissions(year_rows)),
        _section("fleet", "Ships", _fleet(found, years_of(year_rows))),
        _section("fuel", "Fuel", _fuel(found, years_of(year_rows))),
        _section("cost", "What it costs, and who pays", _cost(found, year_rows)),
        _section("drivers", "What the result depends on most", _drivers(found)),
        _section("duals", "What a tighter limit would cost", _duals(found)),
        _section("landside", "Yard equipment and trucks", _landside(found)),
        _section("checks", "Beside published results", [scenario_charts.checks(found.rows("published_checks"))]),
        corridor_page.inputs_section(inputs),
        Section("tables", "Tables", sheets=tuple(corridor_page.raw_tables(found, without=("inputs",)))),
    ]
    return Page(
        brand=f"Sealane · corridor {'plan' if planned else 'scenario'}",
        title=title,
        code=str(found.json["scenario"]),
        facts=tuple(_facts(found, year_rows)),
        label=label,
        banners=tuple(_banners(found, inputs)),
        answers=tuple(_answers(found, year_rows, inputs, planned)),
        tiles=tuple(_tiles(year_rows)),
        sections=tuple(s for s in sections if s.blocks or s.words or s.sheets),
        provenance=found.json,
        files=tuple(f"{name}.parquet" for name in found.schemas if name not in found.absent),
    )


def _section(id_: str, title: str, blocks: Iterable[Chart | Table | None], words: Sequence[str] = ()) -> Section:
    return Section(id_, title, tuple(words), tuple(b for b in blocks if b is not None))


def _facts(found: ResultFolder, year_rows: list[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    yield "Corridor", str(found.json.get("corridor", ""))
    if year_rows:
        years = [int(row["year"]) for row in year_rows]
        yearly = len(years) > 6 and years == list(range(years[0], years[-1] + 1))
        yield "Model years", f"{years[0]} to {years[-1]}, each" if yearly else ", ".join(map(str, years))
    yield "Kind", "least-cost plan" if found.json["kind"] == "plan" else "simulation of given choices"
    yield "Money", "USD, undiscounted unless said otherwise; price years as the sources have them"


def _banners(found: ResultFolder, inputs: list[dict[str, Any]]) -> Iterable[Banner]:
    if found.json.get("label") == "demonstration":
        yield Banner(
            "simulated", "DEMONSTRATION", "This scenario shows what the program does; it describes no real corridor."
        )
    placeholders = sum(1 for r in inputs if r["origin"] == "placeholder")
    if found.json.get("label") == "reference":
        more = f" {placeholders} of its inputs are placeholders." if placeholders else ""
        text = f"It is built from published assumptions, not from what partners decided.{more}"
        yield Banner("caution" if placeholders else "note", "A reference scenario", text)
    for rule, about in sorted(dict(found.json.get("rules") or {}).items()):
        if isinstance(about, dict) and about.get("status") == "draft":
            yield Banner(
                "draft",
                f"DRAFT rule: {rule}",
                "It is not in force; the scenario turned it on to see what it would cost.",
            )
    yield from corridor_page.origin_banners(inputs)
    notes = tuple(str(note) for note in found.json.get("notes") or ())
    if notes:
        yield Banner("note", "About this result", "", notes)


def _change(value: float | None, other: float | None) -> str:
    """How a value lies to another, in words."""
    if value is None or not other:
        return ""
    part = value / other - 1
    return "as much as" if abs(part) < 5e-4 else f"{share(abs(part))} {'less' if part < 0 else 'more'} than"


def _answers(
    found: ResultFolder, year_rows: list[dict[str, Any]], inputs: list[dict[str, Any]], planned: bool
) -> Iterable[str]:
    if not year_rows:
        yield "The scenario has no model year, so there is nothing to tell."
        return
    last = year_rows[-1]
    compared = _change(last["wtw_t"], last["fossil_wtw_t"])
    text = f"In {last['year']} the corridor emits {_mass(last['wtw_t'])} CO2e well-to-wake a year"
    yield text + (
        f", {compared} the same transport on fossil fuel ({_mass(last['fossil_wtw_t'])})." if compared else "."
    )
    yield _target(year_rows)
    gap, per_teu = last["cost_gap_usd"], last["cost_gap_usd_per_teu"]
    if gap is not None:
        lead = "The least-cost plan" if planned else "It"
        more = "more" if gap >= 0 else "less"
        text = f"{lead} costs {_usd(abs(gap))} a year {more} than the fossil case in {last['year']}"
        text += f", {number(abs(per_teu))} USD per TEU" if per_teu is not None else ""
        text += (
            f"; a tonne avoided costs {number(last['abatement_usd_per_t'])} USD"
            if last["abatement_usd_per_t"] is not None
            else ""
        )
        yield text + "."
    yield from _whole_run(found.json["summary"])
    yield from _who_pays(found, int(last["year"]))
    yield from _depends(found)
    origins = [str(r["origin"]) for r in inputs]
    if origins:
        counts = {name: origins.count(name) for name in ("sourced", "user", "placeholder", "missing")}
        yield (
            f"How sure: of {len(origins)} inputs {counts['sourced']} come from a source, {counts['user']} from the "
            f"user, {counts['placeholder']} are placeholders, {counts['missing']} are missing."
        )


def _whole_run(summary: dict[str, Any]) -> Iterable[str]:
    gap, avoided = summary.get("cost_gap_discounted_usd"), summary.get("avoided_wtw_t")
    if isinstance(gap, int | float) and isinstance(avoided, int | float):
        text = (
            f"Over {summary.get('first_year')} to {summary.get('last_year')} it avoids {_mass(avoided)} CO2e and costs "
        )
        text += f"{_usd(abs(gap))} {'more' if gap >= 0 else 'less'} than the fossil case, discounted"
        per_teu, per_t = summary.get("cost_gap_usd_per_teu"), summary.get("abatement_usd_per_t")
        if isinstance(per_teu, int | float):
            text += f": {number(float(per_teu))} USD per TEU"
        if isinstance(per_t, int | float):
            text += f", {number(float(per_t))} USD per tonne avoided"
        yield f"{text}."


def _mass(value: float | None) -> str:
    divisor, unit = canvas.fit_unit([value], canvas.MASS_T)
    return f"{number(None if value is None else value / divisor)} {unit}"


def _usd(value: float | None) -> str:
    divisor, unit = canvas.fit_unit([value], canvas.MONEY_USD)
    return f"{number(None if value is None else value / divisor)} {unit}"


def _target(year_rows: list[dict[str, Any]]) -> str:
    capped = [r for r in year_rows if r["cap_wtw_t"] is not None]
    if not capped:
        return "No cap on emissions is set, so there is no distance to a target."
    missed = [r for r in capped if r["wtw_t"] > r["cap_wtw_t"] * (1 + 1e-6)]
    if not missed:
        years = f"{capped[0]['year']} to {capped[-1]['year']}" if len(capped) > 1 else str(capped[0]["year"])
        return f"The cap is kept in every model year that has one ({years})."
    first, worst = missed[0], max(missed, key=lambda r: (r["wtw_t"] - r["cap_wtw_t"], -r["year"]))
    over = _mass(worst["wtw_t"] - worst["cap_wtw_t"])
    text = f"The cap is missed in {len(missed)} of {len(capped)} model years, first in {first['year']}"
    return f"{text}; by most in {worst['year']}: {over}."


def _who_pays(found: ResultFolder, year: int) -> Iterable[str]:
    rules = [
        r for r in found.rows("cost") if r["year"] == year and str(r["item"]).startswith("rule:") and r["cost_usd"]
    ]
    if rules:
        told = ", ".join(
            f"{r['payer']} {_usd(r['cost_usd'])} under {str(r['item']).removeprefix('rule:')}"
            for r in sorted(rules, key=lambda r: (-r["cost_usd"], r["item"]))
        )
        yield f"Under the rules that are on, in {year}: {told}."


def _depends(found: ResultFolder) -> Iterable[str]:
    """What the leading output depends on most: by the ensemble where there is one, else by the tornado."""
    for name in ("drivers", "tornado"):
        rows = sorted(found.rows(name), key=lambda r: (r["rank"], r["driver"]))
        if rows:
            output = scenario_charts.outputs_of(rows)[0]
            told = [_driver(str(r["driver"])) for r in rows if r["output"] == output][:3]
            yield f"{scenario_charts.opened(named(output))} depends most on: {'; '.join(told)}."
            return


def _driver(name: str) -> str:
    """A driver as a reader says it: 'price of lng, lsfo' for 'price: lng, lsfo'."""
    what, _, of = name.partition(": ")
    return f"{what.replace('_', ' ')} of {of}" if of else what.replace("_", " ")


def _tiles(year_rows: list[dict[str, Any]]) -> Iterable[Tile]:
    if not year_rows:
        return
    first, last = year_rows[0], year_rows[-1]
    span = f"{last['year']}"
    divisor, unit = canvas.fit_unit([first["wtw_t"], last["wtw_t"]], canvas.MASS_T)
    begin = f"{first['year']}: {number(None if first['wtw_t'] is None else first['wtw_t'] / divisor)} {unit}"
    if last["wtw_t"] is not None:
        yield Tile(f"CO2e well-to-wake, {span}", number(last["wtw_t"] / divisor), unit, (begin,))
    if last["intensity_g_per_mj"] is not None:
        sub = f"{first['year']}: {number(first['intensity_g_per_mj'])} g/MJ"
        yield Tile(f"Intensity, {span}", number(last["intensity_g_per_mj"]), "g/MJ", (sub,))
    if last["cost_usd"] is not None:
        divisor, unit = canvas.fit_unit([last["cost_usd"]], canvas.MONEY_USD)
        sub = f"fossil case {_usd(last['fossil_cost_usd'])}"
        yield Tile(f"Cost, {span}", number(last["cost_usd"] / divisor), unit, (sub,))
    if last["cost_gap_usd_per_teu"] is not None:
        sub = "against the fossil case"
        yield Tile(f"Cost gap per TEU, {span}", number(last["cost_gap_usd_per_teu"]), "USD/TEU", (sub,))


def _emissions(year_rows: list[dict[str, Any]]) -> Iterable[Chart | None]:
    years = years_of(year_rows)
    if not years:
        return
    yield scenario_charts.emissions(year_rows, years, _target(year_rows))
    yield scenario_charts.money_line(
        "Well-to-wake intensity of the fuel energy", year_rows, years, "intensity_g_per_mj", "g/MJ", ""
    )


def _fleet(found: ResultFolder, years: Sequence[int]) -> Iterable[Chart | None]:
    rows, ships = found.rows("fleet"), ((1.0, "ships"),)
    for title, by, name in (
        ("Ships in service by engine family", "family", "ships"),
        ("Ships in service by class", "ship_class", "ships"),
        ("New ships by engine family", "family", "newbuilds"),
        ("Conversions, by the family converted to", "family", "retrofits_in"),
    ):
        palette = FAMILIES if by == "family" else sorted({str(r[by]) for r in rows})
        if by == "family" or len(palette) > 1:
            yield scenario_charts.stacked(title, rows, years, by, name, ships, rename=False, palette=palette)


def _fuel(found: ResultFolder, years: Sequence[int]) -> Iterable[Chart | None]:
    rows = found.rows("fuel")
    family = {str(r["fuel"]): FAMILIES.index(r["family"]) if r["family"] in FAMILIES else 9 for r in rows}
    fuels = sorted(family, key=lambda fuel: (family[fuel], fuel))
    ports = sorted({str(r["port"]) for r in rows})
    for title, by, name, ladder, palette in (
        ("Fuel energy by fuel", "fuel", "energy_tj", canvas.ENERGY_TJ, fuels),
        ("Mass of fuel", "fuel", "mass_t", canvas.MASS_T, fuels),
        ("Fuel energy by bunkering port", "port", "energy_tj", canvas.ENERGY_TJ, ports),
    ):
        yield scenario_charts.stacked(title, rows, years, by, name, ladder, rename=False, palette=palette)


def _cost(found: ResultFolder, year_rows: list[dict[str, Any]]) -> Iterable[Chart | Table | None]:
    years = years_of(year_rows)
    rows = found.rows("cost")
    fossil = ("the fossil case", scenario_charts.column(year_rows, years, "fossil_cost_usd"))
    order = ("capital", "operation", "fuel", "shore_power", "retrofit")
    yield scenario_charts.stacked(
        "Cost by item", rows, years, "item", "cost_usd", canvas.MONEY_USD, lines=(fossil,), order=order
    )
    yield scenario_charts.wall(year_rows, years, _wall(year_rows))
    yield scenario_charts.money_line("Cost gap per TEU", year_rows, years, "cost_gap_usd_per_teu", "USD/TEU", "")
    yield scenario_charts.money_line("Abatement cost", year_rows, years, "abatement_usd_per_t", "USD/t", "")
    rules = [r for r in rows if str(r["item"]).startswith("rule:")]
    yield scenario_charts.stacked(
        "Payments under rules, by who pays", rules, years, "payer", "cost_usd", canvas.MONEY_USD, rename=False
    )
    if rules:
        yield Table(
            "Payments under rules",
            (
                Column("rule", width=18),
                Column("who pays", width=24),
                Column("year"),
                Column("payment", "USD", "number", 18),
            ),
            [(str(r["item"]).removeprefix("rule:"), r["payer"], str(r["year"]), r["cost_usd"]) for r in rules],
        )


def _wall(year_rows: list[dict[str, Any]]) -> str:
    known = [r for r in year_rows if r["cost_gap_usd"] is not None]
    if not known:
        return ""
    peak = max(known, key=lambda r: (r["cost_gap_usd"], -r["year"]))
    if peak["cost_gap_usd"] <= 0:
        return "The scenario costs no more than the fossil case in any year."
    return f"Highest in {peak['year']}: {_usd(peak['cost_gap_usd'])} a year."


def _drivers(found: ResultFolder) -> Iterable[Chart | Table | None]:
    ensemble = found.rows("ensemble")
    for output in scenario_charts.outputs_of([r for r in ensemble if r["year"]]):
        yield scenario_charts.fan(ensemble, output)
    whole = [r for r in ensemble if not r["year"]]
    if whole:
        quantiles = ("base", "mean", "p05", "p25", "p50", "p75", "p95")
        heads = ("as it is", "mean", "5 %", "25 %", "50 %", "75 %", "95 %")
        columns = (Column("output", width=40), Column("unit"), *(Column(h, "", "number") for h in heads))
        rows = [(named(str(r["output"])), r["unit"], *(r[q] for q in quantiles)) for r in whole]
        yield Table("Ensemble, whole run", columns, rows, f"{int(whole[0]['draws']):,} draws.")
    yield from scenario_charts.drivers(found.rows("drivers"))
    yield from scenario_charts.tornadoes(found.rows("tornado"))


CONSTRAINTS = {
    "cap_wtw": "cap on well-to-wake emissions",
    "cap_intensity": "cap on intensity",
    "demand": "demand",
    "available": "availability of fuel",
    "availability": "availability of fuel",
    "most_newbuilds": "limit on new ships",
    "most_retrofits": "limit on conversions",
}


def _duals(found: ResultFolder) -> Iterable[Chart | Table]:
    rows = [r for r in found.rows("dual") if r["value"]]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for r in rows:
        groups.setdefault((str(r["constraint"]), str(r["unit"])), []).append(r)
    for (constraint, unit), chosen in groups.items():
        years, subjects = years_of(chosen), list(dict.fromkeys(str(r["subject"]) for r in chosen))
        if len(years) > 2 and len(subjects) <= canvas.SERIES and 0 not in years:
            cells = {(str(r["subject"]), int(r["year"])): float(r["value"]) for r in chosen}
            lines = [Series(subject, tuple(cells.get((subject, y)) for y in years)) for subject in subjects]
            title = f"Dual value: {CONSTRAINTS.get(constraint, constraint.replace('_', ' '))}"
            yield by_year(title, unit, years, lines=lines)
    if rows:
        yield Table(
            "Dual values",
            (
                Column("constraint", width=34),
                Column("of", width=34),
                Column("year"),
                Column("dual value", "", "number", 18),
                Column("unit", width=16),
            ),
            [
                (
                    CONSTRAINTS.get(r["constraint"], str(r["constraint"]).replace("_", " ")),
                    r["subject"],
                    str(r["year"] or "all"),
                    r["value"],
                    r["unit"],
                )
                for r in rows
            ],
            "What one unit less of a limit, or one unit more of demand, adds to the cost; limits that do not bind are "
            "left out. Sign and discounting: docs/method/plan.md.",
        )


def _landside(found: ResultFolder) -> Iterable[Chart | None]:
    rows = found.rows("landside")
    if rows:
        years = years_of(rows)
        yield scenario_charts.stacked(
            "Energy of yard equipment and trucks", rows, years, "id", "energy_tj", canvas.ENERGY_TJ, rename=False,
            note="Counted in rows of its own, not in the figures of the ships.",
        )  # fmt: skip
        yield scenario_charts.stacked(
            "CO2e of yard equipment and trucks, well-to-wake", rows, years, "id", "wtw_t", canvas.MASS_T, rename=False
        )
