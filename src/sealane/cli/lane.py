"""`sealane lane`: what a corridor's lane emits; `sealane corridor`: the documents that say what a lane is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli import options
from sealane.cli.output import message, print_fields, print_json, print_table, printable
from sealane.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from sealane.corridors.call_table import CallTable

group = typer.Typer(
    name="corridor",
    help="Corridor documents: which ports, ships and promises a lane is made of.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Attribution(StrEnum):
    """Attribution rule."""

    DIRECT = "direct"
    ROTATION = "rotation"
    CARGO = "cargo"


CorridorId = Annotated[
    str, typer.Argument(metavar="CORRIDOR", help="A shipped document, see `sealane corridor list`, or a path.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command and the group to the command line."""
    app.command("lane")(lane)
    app.add_typer(group)


def lane(
    corridor: CorridorId,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results; made if missing.")],
    calls: Annotated[
        list[Path] | None,
        typer.Option("--calls", metavar="FILE", help="Port calls, CSV, Excel or Parquet. Repeatable."),
    ] = None,
    inventory: Annotated[
        list[Path] | None,
        typer.Option("--inventory", metavar="DIR", help="Folder of `sealane inventory` or `calls`. Repeatable."),
    ] = None,
    node: Annotated[
        Path | None,
        typer.Option("--node", metavar="FOLDER", help="Folder of a node: partners' port calls that it received."),
    ] = None,
    vessels: options.Vessels = None,
    year: Annotated[int | None, typer.Option("--year", metavar="YEAR", help="Legs that end in this year only.")] = None,
    method: Annotated[options.Method, typer.Option(help="Published emission method.")] = options.Method.EPA_2022,
    gwp: Annotated[
        options.Gwp, typer.Option(help="IPCC assessment report for the 100-year warming potentials.")
    ] = options.Gwp.AR5,
    attribution: Annotated[
        Attribution | None, typer.Option(help="Rule that counts; omitted: the document's. All three are shown.")
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="PORT=G",
            help="Carbon intensity of electricity from shore [g CO2e/kWh], in place of the grid's mean. Repeatable.",
        ),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--beside",
            metavar="CORRIDOR",
            help="Corridor to be added to this one: legs of both are divided. Repeatable.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Work out what a lane emits, from port calls at many ports, by three attribution rules side by side.

    Writes Parquet tables, lane.json, report.html and report.xlsx.
    """
    from sealane.corridors.call_table import read_call_table
    from sealane.corridors.lanes.document import read_corridor
    from sealane.corridors.lanes.run import run_lane
    from sealane.emissions.user_vessels import read_user_vessels

    if not (calls or inventory or node):
        raise InputError("No port calls. Give --calls FILE, --inventory DIR or --node FOLDER.")
    document = read_corridor(corridor)
    others = [read_corridor(text) for text in beside or []]
    more = partners_of(node) if node else []
    table = read_call_table([*(calls or []), *(inventory or [])], more)
    if node:
        table = _with_agreements(table, agreements_of(node))
    result = run_lane(
        document,
        table,
        out,
        vessels=read_user_vessels(vessels) if vessels else None,
        method=method.value,
        gwp=gwp.value,
        attribution=attribution.value if attribution else None,
        year=year,
        grid_g_per_kwh=_grid(grid),
        beside=others,
        finish=_report,
    )
    if as_json:
        print_json(result.summary)
        return
    _show(result.summary, out)


def _report(folder: Path) -> None:
    from sealane.reports.lane_report import write_lane_report

    write_lane_report(folder)


def partners_of(node: Path) -> list[pa.Table]:
    """Partners' calls of a node, one table a partner."""
    import pyarrow as pa

    from sealane.corridors.call_table import CALLS_SCHEMA
    from sealane.node.open import open_node
    from sealane.products.call_table import partner_calls

    with open_node(node) as opened, opened.database.read() as connection:
        rows = partner_calls(connection, opened.identity.participant)
    tables = []
    for source in sorted({row["source"] for row in rows}):
        some = [row for row in rows if row["source"] == source]
        schema = pa.schema([CALLS_SCHEMA.field(name) for name in some[0]])
        tables.append(pa.Table.from_pylist(some, schema=schema))
    return tables


def agreements_of(node: Path) -> list[dict[str, Any]]:
    """Under which agreements partners' calls came to a node, and how these stand now."""
    from sealane.exchange.agreement_store import list_agreements
    from sealane.node.open import open_node
    from sealane.products.call_table import received_under

    with open_node(node) as opened, opened.database.read() as connection:
        held = {(one.document.id, one.document.version): one for one in list_agreements(connection)}
        found = received_under(connection, opened.identity.participant)
        now = opened.clock()
    rows = []
    for item in found:
        one = held.get((item.agreement_id, item.version))
        ended = one.ended_at.isoformat(timespec="seconds").replace("+00:00", "Z") if one and one.ended_at else None
        rows.append(
            {
                "source": f"partner:{item.source}",
                "agreement": item.agreement_id,
                "version": item.version,
                "state": one.standing(now) if one else "not held here",
                "ended_at": ended,
                "demonstration": one.document.demonstration if one else None,
                "events": item.events,
            }
        )
    return rows


def _with_agreements(calls: CallTable, agreements: list[dict[str, Any]]) -> CallTable:
    """The calls with the agreements they came under, and a note for each that is not in force any more."""
    from dataclasses import replace

    notes = [
        f"Calls of {item['source']} came under agreement {item['agreement']} version {item['version']}: "
        f"{item['state']}{' on ' + item['ended_at'] if item['ended_at'] else ''}. What had arrived before stays; "
        "nothing new comes under it."
        for item in agreements
        if item["state"] != "in force"
    ]
    return replace(calls, notes=(*calls.notes, *notes), agreements=tuple(agreements))


def _grid(pairs: list[str] | None) -> dict[str, float]:
    found: dict[str, float] = {}
    for pair in pairs or []:
        code, equals, text = pair.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not equals or math.isnan(value) or code.strip() in found:
            raise InputError(f"--grid {pair!r} is not of the form PORT=G, e.g. USLAX=240, each port once.")
        found[code.strip()] = value
    return found


def _number(value: Any, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _show(summary: Mapping[str, Any], out: Path) -> None:
    if summary["label"]:
        message(summary["label"])
    counts, quality = summary["counts"], summary["quality"]
    print_fields(
        [
            ("corridor", f"{summary['corridor']['title']} ({summary['corridor']['status']})"),
            ("data", f"{summary['data']['first']} to {summary['data']['last']}, {summary['data']['calls']:,} calls"),
            (
                "lane",
                f"{counts['ships_on_lane']:,} ships, {counts['legs_on_lane']:,} legs, {counts['passes']:,} passes",
            ),
            ("direct", f"{counts['direct_passes']:,} passes, {_percent(summary['direct_share_of_energy'])} of energy"),
            ("observed or logged", _observed(quality["observed_share_of_energy"])),
            ("not priced", f"{quality['legs_not_priced']:,} legs"),
            ("rule that counts", summary["attribution"]["rule"]),
        ]
    )
    rows = [
        (
            rule,
            _number(found["legs"]),
            _number(found["energy_tj"], 1),
            _number(found["fuel_t"]),
            _number(found["ttw_co2e_t"]),
            _number(found["wtw_co2e_t"]),
            _number(found["wtw_g_per_mj"], 2),
        )
        for rule, found in summary["attribution"]["rules"].items()
    ]
    print_table(("rule", "legs>", "TJ>", "fuel t>", "TtW t CO2e>", "WtW t CO2e>", "WtW g/MJ>"), rows)
    if summary["targets"]:
        targets = [
            (t["target"], t["year"], t["metric"], _number(t["value"], 2), _number(t["actual"], 2), t["state"])
            for t in summary["targets"]
        ]
        print_table(("target", "year", "metric", "value>", "actual>", "state"), targets)
    else:
        message(summary["targets_note"])
    for note in summary["notes"]:
        if note != summary["label"]:
            message(f"note: {note}")
    message(f"results in {out}")


def _observed(value: float | None) -> str:
    rest = "; the rest is filled along routes" if value is not None and value < 1.0 else ""
    return f"{_percent(value)} of energy{rest}" if value is not None else "unknown: the rule that counts has no figures"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f} %"


@group.command("list")
def list_corridors(as_json: options.AsJson = False) -> None:
    """List the shipped corridor documents."""
    from sealane.corridors.lanes.document import corridor_ids, read_corridor

    found = [read_corridor(ident) for ident in corridor_ids()]
    if as_json:
        print_json([{"id": c.id, "title": c.title, "status": c.status, "targets": len(c.targets)} for c in found])
        return
    rows = [
        (c.id, c.title, c.status, " ".join(c.end_a.ports), " ".join(c.end_b.ports), len(c.targets) or "none published")
        for c in found
    ]
    print_table(("id", "title", "status", "end a", "end b", "targets"), rows)


@group.command("show")
def show_corridor(
    corridor: CorridorId,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the document as it stands, to start one of your own from.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show a corridor document: ends, partners, goals, targets, each with its source.

    A document with faults is not shown; all its faults are listed instead.
    """
    from sealane.corridors.lanes.document import read_corridor, read_document_bytes
    from sealane.corridors.lanes.summary import corridor_words

    if as_yaml:
        typer.echo(printable(read_document_bytes(corridor)[0].decode("utf-8", errors="backslashreplace")), nl=False)
        return
    words = corridor_words(read_corridor(corridor))
    if as_json:
        print_json(words)
        return
    lines: list[tuple[str, object]] = [(name, words[name]) for name in ("id", "title", "status", "attribution")]
    for end in ("end_a", "end_b"):
        lines.append((end, f"{words[end]['name']}: {', '.join(words[end]['ports'])}"))
    lines.append(("ship classes", ", ".join(words["ship_classes"]) or "all"))
    lines.append(("partners", "\n".join(f"{p['name']} ({p['role']}; {p['source']})" for p in words["partners"])))
    targets = [
        f"{t['id']}: {t['year']}, {t['metric']}, {t['value'] or str(t['reduction_pct']) + ' %'} ({t['source']})"
        for t in words["targets"]
    ]
    lines.append(("targets", "\n".join(targets) or "no target published"))
    for name in ("goals", "facts"):
        texts = [f"{s['year'] or ''} {s['text']} ({s['source']})".strip() for s in words[name]]
        lines.append((name, "\n".join(texts) or "none"))
    lines.append(("notes", "\n".join(words["notes"]) or "none"))
    print_fields(lines)


@group.command("explain")
def explain_leg_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder `sealane lane` wrote.")],
    leg: Annotated[str, typer.Argument(metavar="LEG", help="A leg, as legs.parquet names it.")],
    as_json: options.AsJson = False,
) -> None:
    """Show how a leg's figures come about: inputs, equations, rows, shares; adds up exactly to the tables."""
    from sealane.corridors.lanes.explain import as_text, explain_leg

    explanation = explain_leg(directory, leg)
    if as_json:
        print_json(explanation.as_dict())
        return
    typer.echo(printable(as_text(explanation)))
