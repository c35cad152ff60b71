"""The inventory's report as a `Page`, from the same results and summary its HTML is rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sealane.reports import charts, figures, pdf_drawings, quality_tables, report, tables
from sealane.reports.chart_canvas import Chart, Drawing
from sealane.reports.corridor_page import Page, Section, Tile
from sealane.reports.figures import GRAMS, NONE, number, plural, share
from sealane.reports.map import HeatMap, heat_maps
from sealane.reports.results import Results
from sealane.reports.summary import LEADING, POLLUTANTS, Category, Summary, finding
from sealane.reports.tables import Column, Table

_NOTHING = Table("", (), [])


def inventory_page(results: Results, summary: Summary) -> Page:
    """The page of an inventory.

    Parameters
    ----------
    results, summary : of a finished run.
    """
    sections = (
        _emissions(summary),
        _activity(results),
        _where(results),
        _calls(results),
        _vessels(results),
        _left_out(results),
        _quality(results),
        _explain(results),
    )
    return Page(
        brand="Sealane · port emissions inventory",
        title=f"{summary.port_name}: emissions of ocean-going vessels",
        code=summary.port,
        facts=tuple(_facts(results, summary)),
        label="SIMULATED DATA" if summary.simulated else "",
        banners=summary.banners,
        answers=(),
        tiles=tuple(_tiles(summary)),
        sections=tuple(section for section in sections if section.words or section.blocks),
        provenance=results.provenance,
    )


def period_of(summary: Summary) -> str:
    """First and last day of the data."""
    return summary.begin if summary.begin == summary.end else f"{summary.begin} to {summary.end}"


def _facts(results: Results, summary: Summary) -> Iterable[tuple[str, str]]:
    origin, quality = results.provenance, results.quality
    length = f"{number(summary.days, 2)} days" if summary.days >= 2 else f"{number(summary.days * 24, 2)} h"
    yield "Period", f"{period_of(summary)} · {length} of data, UTC"
    yield "Method", f"{origin['method_edition']} ({origin['method']})"
    yield "CO2e", f"100-year warming potentials of IPCC {origin['gwp'].upper()}"
    unreadable = f", {number(quality['rows_rejected'])} of them unreadable" if quality["rows_rejected"] else ""
    counted = f"{plural(summary.ships, 'ship')} in the inventory"
    left_out = f"{plural(quality['vessels_left_out']['count'], 'vessel')} left out"
    yield "Data", f"{number(quality['rows_read'])} AIS reports{unreadable}; {counted}, {left_out}"


def _tiles(summary: Summary) -> Iterable[Tile]:
    if summary.empty:
        nothing = "nothing to work out: no ocean-going vessel in the data"
        yield Tile("CO2e, NOx, PM2.5", NONE, "", (nothing,))
    else:
        for name, unit in LEADING:
            sub = [f"in port calls {number(summary.in_call.get(name, 0.0) / GRAMS[unit])} {unit}"]
            if name == "co2e":
                sub.append(f"well-to-wake {number(summary.wtw_g / GRAMS['t'])} t")
            if name == "pm25":
                sub.append(f"diesel PM {number(summary.totals.get('dpm', 0.0) / GRAMS['kg'])} kg")
            what = f"{POLLUTANTS[name]}, tank-to-wake" if name == "co2e" else POLLUTANTS[name]
            yield Tile(what, number(summary.totals.get(name, 0.0) / GRAMS[unit]), unit, tuple(sub))
    counts = (f"{number(summary.complete)} complete", f"{number(summary.truncated)} truncated")
    yield Tile("Port calls", number(summary.calls), "", counts)
    for name, _ in LEADING:
        if name in summary.filled:
            yield Tile(f"{POLLUTANTS[name]} on filled inputs", share(summary.filled[name]), "", ("grade D",))


def _breakdown(name: str, of: str, categories: Sequence[Category], summary: Summary, note: str = "") -> Table:
    """A breakdown as the HTML page shows it: masses of the leading pollutants and their share of the total."""
    counted = bool(categories) and categories[0].ships is not None
    timed = bool(categories) and categories[0].hours is not None
    columns = [Column(of, width=24)]
    columns += [Column("ships", "", "integer"), Column("calls", "", "integer")] if counted else []
    columns += [Column("time", "h", "number")] if timed else []
    columns += [Column("work", "MWh", "number"), Column("CO2e well-to-wake", "t", "number")]
    for pollutant, unit in LEADING:
        columns += [
            Column(POLLUTANTS[pollutant], unit, "number"),
            Column(f"of all {POLLUTANTS[pollutant]}", "", "share"),
        ]
    rows = []
    for c in categories:
        row: list[Any] = [c.label]
        row += [c.ships, c.calls] if counted else []
        row += [c.hours] if timed else []
        row += [(c.energy_kwh or 0.0) / 1000, c.grams.get("co2e_wtw", 0.0) / GRAMS["t"]]
        for pollutant, unit in LEADING:
            grams, whole = c.grams.get(pollutant, 0.0), summary.totals.get(pollutant, 0.0)
            row += [grams / GRAMS[unit], grams / whole if whole else 0.0]
        rows.append(tuple(row))
    return Table(name, tuple(columns), rows, " ".join(text for text in (finding(categories), note) if text))


def _emissions(summary: Summary) -> Section:
    if summary.empty:
        return Section("emissions", "Where the emissions come from")
    shore = any(c.name == "shore_power" for c in summary.by_source)
    note = "Electricity from shore is made elsewhere: its emissions are counted well-to-wake only." if shore else ""
    words = (
        "All positions of the inventory's ships in the data, inside and outside port calls. Masses are tank-to-wake "
        "unless the table says otherwise. 1 t = 1,000 kg; 1 short ton = 907.18474 kg."
    )
    blocks = (
        _breakdown("By source", "source", summary.by_source, summary, note),
        _breakdown("By mode", "mode", summary.by_mode, summary),
        _breakdown("By ship class", "ship class", summary.by_class, summary),
        tables.pollutant_table(summary),
    )
    return Section("emissions", "Where the emissions come from", (words,), blocks)


def _chart(title: str, summary: str, drawing: Drawing, found: str = "", note: str = "") -> Chart:
    return Chart(title, summary, drawing, drawing, _NOTHING, found, note)


def _activity(results: Results) -> Section:
    blocks: list[Chart | Table] = []
    columns = charts.ships_through_time(results)
    if columns is not None:
        said = (
            f"Busiest: {number(columns.peak, 2)} ships on average in the {columns.step_h} h from {columns.peak_at} UTC."
        )
        alt = (
            f"Stacked columns of {columns.step_h} h: mean number of ships in port calls, by mode. {said} The hours by "
            "mode stand in the table below, by call in the table of port calls."
        )
        blocks.append(_chart("Ships in port through time", alt, pdf_drawings.columns_drawing(columns), said))
    evidence = report.hours_by_evidence(results)
    if evidence:
        heads: tuple[Column, ...] = (Column("mode", width=16), Column("time", "h", "number"))
        heads += tuple(Column(name, "h", "number") for name in report.EVIDENCE.values())
        rows = [(label, total, *(hours.get(key, 0.0) for key in report.EVIDENCE)) for label, total, hours in evidence]
        note = (
            "A mode is decided by the zone a ship lies in, else by its reported status, else by its motion. "
            "Interpolated hours lie between two reports up to the gap limit. Hours are those of the ships in the "
            "inventory."
        )
        blocks.append(Table("Hours by mode, and what decided the mode", heads, rows, note))
    words = () if blocks else ("No ship of the inventory was active in these data.",)
    return Section("activity", "Activity", words, tuple(blocks))


def _where(results: Results) -> Section:
    drawn = [_map_chart(heat) for heat in heat_maps(results)]
    if not drawn:
        return Section("map", "Where it is emitted")
    words = "NOx by cell of 0.01 degrees, all ships of the inventory together, over the whole period."
    return Section("map", "Where it is emitted", (words,), tuple(drawn))


def _map_chart(heat: HeatMap) -> Chart:
    coast = "the coast, " if heat.coast_boxes else ""
    alt = (
        f"Heat map of NOx with {heat.cells} cells over {coast}the port limit, anchorages and berths. The table of port "
        "calls gives the same masses by call."
    )
    notes = [f"{share(heat.outside_share)} of the NOx lies outside this map."] if heat.outside_share else []
    if heat.coast_boxes:
        notes.append(
            "Coast: Natural Earth 1:10m, too coarse to tell quay from water; where the ground is grey, no coastline "
            "comes with the program."
        )
    else:
        notes.append("No coastline of this region comes with the program.")
    return _chart(heat.title, alt, pdf_drawings.map_drawing(heat), "", " ".join(notes))


def _calls(results: Results) -> Section:
    stays = charts.stays_of(results)
    timeline = charts.timeline(results, stays)
    if not timeline.rows:
        return Section("calls", "Port calls", ("No port call of an ocean-going vessel is in these data.",))
    shown = ""
    if timeline.ships > len(timeline.rows):
        shown = (
            f"The {len(timeline.rows)} ships with most CO2e in port, of {number(timeline.ships)}; report.xlsx has all "
            "stays."
        )
    alt = "Calls and stays of each ship through time; the table of stays lists them."
    drawing = pdf_drawings.timeline_drawing(timeline)
    calls = report.heaviest(tables.calls_table(results), "CO2e")
    words = (
        "A time not seen lies before the first or after the last report. Confidence 4: both ends seen, stops at given "
        "zones or by status, no gap; one less for each that fails.",
    )
    blocks = (
        _chart("Berths and anchorages ship by ship", alt, drawing, shown),
        _named(calls, "All port calls, most CO2e first"),
        _named(tables.stays_table(results, stays), "Stays at berth and at anchor"),
    )
    return Section("calls", "Port calls", words, blocks)


def _named(table: Table, name: str) -> Table:
    return Table(name, table.columns, table.rows, table.note)


def _vessels(results: Results) -> Section:
    title = "Ships and where their particulars come from"
    ships = report.ships_by_co2e(results)
    if not ships:
        return Section("vessels", title, ("No ship is in the inventory.",))
    known = Table(
        "For how many ships each particular was known",
        (
            Column("particular", width=24),
            *(Column(name, "", "integer") for name in ("given by you", "AIS", "filled", "not known")),
            Column("share filled", "", "share"),
        ),
        [(*row, row[3] / sum(row[1:]) if sum(row[1:]) else None) for row in report.origins(results)],
        "Filled values are class defaults of the method or documented assumptions; a particular not known is not "
        "needed or has a rule of its own. Every value with its source stands in report.xlsx.",
    )
    heads: tuple[Column, ...] = (Column("ship", width=26), Column("MMSI", "", "id"), Column("CO2e", "t", "number"))
    heads += tuple(Column(report.particular_label(name), width=24) for name in report.SHOWN_PARTICULARS)
    rows = [
        (
            ship["name"] or NONE,
            ship["mmsi"],
            ship["co2e_t"],
            *(f"{v['text']} ({v['origin']})" if v["origin"] else v["text"] for v in ship["values"]),
            ship["notes"] or "",
        )
        for ship in ships
    ]
    listed = Table("Ships, most CO2e first; behind each value its origin", (*heads, Column("remarks", width=60)), rows)
    return Section("vessels", title, (), (known, listed))


def _left_out(results: Results) -> Section:
    title, out = "What was left out, and why", results.quality["vessels_left_out"]
    words: list[str] = []
    blocks: list[Chart | Table] = []
    if out["count"]:
        words.append(
            f"{plural(out['count'], 'vessel')} were seen that the method for ocean-going vessels does not cover, or "
            "whose class cannot be told. They carry no emissions here."
        )
        heads = (Column("reason", width=70), Column("vessels", "", "integer"), Column("observed", "h", "number"))
        reasons = [(reason, int(e["vessels"]), e["observed_h"]) for reason, e in out["by_reason"].items()]
        blocks += [Table("Reasons", heads, reasons), _named(quality_tables.left_out_table(results), "Vessels left out")]
    else:
        words.append("Every vessel in the data is in the inventory.")
    unseen = results.quality.get("vessel_file_rows_not_seen")
    if unseen:
        blocks.append(
            Table(
                "Rows of the vessels file whose ships are not in the data",
                (Column("row", width=90),),
                [(str(row),) for row in unseen],
            )
        )
    return Section("left-out", title, tuple(words), tuple(blocks))


def _quality(results: Results) -> Section:
    quality = results.quality
    hours = quality["hours"]
    words = [
        f"Of {number(quality['rows_read'])} reports read. Hours of all vessels in the data: "
        f"{number(hours['observed_h'])} observed, {number(hours['interpolated_h'])} interpolated between two reports, "
        f"{number(hours['unobserved_h'])} unobserved."
    ]
    levels = sorted(quality["calls"]["by_confidence"].items(), reverse=True)
    if levels:
        told = [f"{k}{'' if n else ' (best)'}: {plural(count, 'call')}" for n, (k, count) in enumerate(levels)]
        words.append(f"Confidence of the port calls: {'; '.join(told)}.")
    if quality["columns_missing"]:
        words.append(f"Columns the files do not have: {', '.join(quality['columns_missing'])}.")
    blocks: list[Chart | Table] = [_named(quality_tables.rules_table(results), "Cleaning rules and what they did")]
    rejects = quality_tables.rejects_table(results, report.MAX_ROWS)
    if rejects.rows:
        words.append(f"{plural(quality['rows_rejected'], 'row')} of the input could not be read; rejects.csv has all.")
        blocks.append(_named(rejects, f"The first {number(len(rejects.rows))} rows that could not be read"))
    else:
        words.append("Every row of the input could be read.")
    more = report.further_findings(results)
    if more:
        found = (Column("finding", width=60), Column("value", width=60))
        blocks.append(Table("Further findings", found, [(name, value) for name, value in more[: report.MAX_ROWS]]))
    heads = (Column("zone", width=40), Column("kind"), Column("grade"), Column("source", width=90))
    zones = [(name, kind, grade, source) for kind, name, grade, source in report.zone_sources(results)]
    blocks.append(Table("Zones and their sources", heads, zones))
    return Section("quality", "Data quality", tuple(words), tuple(blocks))


def _explain(results: Results) -> Section:
    example = report.example_call(results) or "CALL_ID"
    words = (
        "Every figure of a call can be taken apart into hours, equation, inputs (observed or filled), factor rows and "
        "their sources, and adds up to the last digit: "
        f"sealane explain DIR {figures.printable(example)} --pollutant nox, where DIR is the folder of this report.",
        "Grades: A, the agency's own data or two sources that agree; B, one source that cites the table; C, third "
        "party, AIS static data among them; D, filled by a class default or an assumption. A figure has the worst "
        "grade of what it rests on.",
    )
    inputs = [(f["file"], f["rows"], f["rejected"], f["sha256"]) for f in results.provenance["inputs"]]
    inputs += [
        (f"{f['file']} ({use.replace('_', ' ')})", None, None, f["sha256"])
        for use, f in results.provenance.get("user_files", {}).items()
    ]
    heads = (Column("input file", width=30), Column("rows", "", "integer"), Column("rejected", "", "integer"))
    return Section(
        "explain", "Explain a figure", words, (Table("Input files", (*heads, Column("SHA-256", width=70)), inputs),)
    )


def report_tables(results: Results, summary: Summary) -> list[Table]:
    """The tables of the report with every pollutant and row, as the workbook has them."""
    return [
        _named(tables.calls_table(results), "Port calls"),
        tables.pollutant_table(summary),
        tables.breakdown_table("By source", summary.by_source, "source"),
        tables.breakdown_table("By mode", summary.by_mode, "mode"),
        tables.breakdown_table("By class", summary.by_class, "ship class"),
        tables.stays_table(results, charts.stays_of(results)),
        _named(tables.vessels_table(results), "Ships"),
        tables.hours_table(results),
        quality_tables.rules_table(results),
        quality_tables.left_out_table(results),
    ]
