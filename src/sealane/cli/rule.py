"""`sealane rule`: a regulation on a file of ship-years, or of port calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, Gwp
from sealane.cli.output import message, print_fields, print_json, print_table

if TYPE_CHECKING:
    from sealane.corridors.fuels import Pathway
    from sealane.corridors.rules.run import RuleRun
    from sealane.corridors.rules.ship_year import ShipYear

group = typer.Typer(
    name="rule",
    help="Assess a regulation on ship-years or port calls: figures, published rows used, edition and status.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Ship-year file, CSV or Excel: one row per ship, year, fuel, consumer and scope."
    ),
]
Year = Annotated[int | None, typer.Option("--year", metavar="YEAR", help="Only this calendar year of the file.")]
Fuels = Annotated[
    Path | None,
    typer.Option("--fuels", metavar="F", help="Fuels of your own, CSV, Excel or YAML; they go before the catalogue."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write tables (Parquet, CSV) and JSON there; replaced as a whole."),
]
Warming = Annotated[
    Gwp | None, typer.Option("--gwp", metavar="SET", help="Global warming potentials: ar4, ar5 or ar6.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


def _inputs(file: Path, year: int | None, fuels: Path | None) -> tuple[tuple[ShipYear, ...], tuple[Pathway, ...]]:
    from sealane.corridors.fuel_file import read_fuels
    from sealane.corridors.rules.ship_year_file import read_ship_years
    from sealane.errors import DataError, Fault

    own = read_fuels(fuels) if fuels else ()
    found = read_ship_years(file, own)
    chosen = tuple(entry for entry in found if year is None or entry.year == year)
    if not chosen:
        years = ", ".join(map(str, sorted({entry.year for entry in found})))
        raise DataError("Nothing to assess.", [Fault("--year", f"{year}", f"{file.name} holds: {years}")])
    return chosen, own


def _finish(run: RuleRun, columns: Sequence[str], out: Path | None, *, as_json: bool) -> None:
    """Write the folder, then print JSON, or a table with its totals, editions and notes."""
    from sealane.corridors.rules.run import write_run

    if out is not None:
        write_run(run, out)
    if as_json:
        print_json(run.as_dict())
        return
    numbers = {field.name for field in run.table.schema if str(field.type) in ("double", "int32")}
    heads = [f"{_larger(name)[0]}>" if name in numbers else name for name in columns]
    print_table(
        heads, [[_cell(record[name], _larger(name)[1]) for name in columns] for record in run.table.to_pylist()]
    )
    typer.echo()
    editions = dict.fromkeys((record["edition"], record["status"]) for record in run.table.to_pylist())
    fields = [("rule", "; ".join(f"{edition} ({status})" for edition, status in editions))]
    fields += [(_larger(name)[0], _cell(value, _larger(name)[1])) for name, value in run.summary.items()]
    print_fields(fields)
    if run.settlement is not None:
        _print_settlement(run)
    for note in dict.fromkeys(note for result in run.results for note in result.notes):
        message(f"note: {note}")
    if out is not None:
        message(f"Written to {out}.")


def _larger(name: str) -> tuple[str, float]:
    """Heading for people and the factor to its unit: tonnes for grams, terajoules for megajoules."""
    for small, large in (("_g", "_t"), ("_mj", "_tj")):
        if name.endswith(small) and not name.endswith(("_per_mj", "_per_g")):
            return name.removesuffix(small) + large, 1e-6
    return name, 1.0


def _cell(value: Any, factor: float = 1.0) -> str:
    if value is None:
        return "-"
    return f"{value * factor:,.7g}" if isinstance(value, float) else str(value)


def _print_settlement(run: RuleRun) -> None:
    assert run.settlement is not None
    names = ("initial_g", "banked_before_g", "repaid_g", "pooled_g", "borrowed_g", "banked_g", "verified_g")
    typer.echo("\nafter banking, borrowing and pooling [t CO2e]")
    heads = ["ship", "year>", *(f"{name.removesuffix('_g').replace('_', ' ')}>" for name in names), "penalty EUR>"]
    print_table(
        heads,
        [
            [e.ship, e.year, *(f"{getattr(e, name) / 1e6:,.6g}" for name in names), f"{e.penalty_eur:,.0f}"]
            for e in run.settlement.years
        ],
    )
    open_g = (("banked", run.settlement.banked_g), ("to repay", run.settlement.to_repay_g))
    for name, of_ship in open_g:
        for ship, grams in of_ship.items():
            if grams:
                typer.echo(f"{ship}: {grams / 1e6:,.6g} t CO2e {name} after its last year")
    for note in run.settlement.notes:
        message(f"note: {note}")


@group.command("fueleu")
def fueleu(
    file: File,
    year: Year = None,
    gwp: Warming = None,
    allocation: Annotated[
        str,
        typer.Option(
            "--allocation",
            metavar="HOW",
            help="How the half of voyages to and from the area is filled: proportional or lowest-first.",
        ),
    ] = "proportional",
    measures: Annotated[
        Path | None,
        typer.Option(
            "--measures", metavar="F", help="Banking, borrowing and pooling: ship, year, action, pool, amount_t."
        ),
    ] = None,
    fuels: Fuels = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """FuelEU Maritime: intensity, compliance balance and penalty; with measures, what is left after them.

    Potentials are ar4 (25/298) unless said otherwise, as in the worked examples of the Commission's expert group.
    """
    from sealane.corridors.rules.fueleu import DEFAULT_GWP
    from sealane.corridors.rules.run import run_fueleu
    from sealane.corridors.rules.ship_year_file import read_measures

    ship_years, own = _inputs(file, year, fuels)
    chosen = read_measures(measures) if measures else None
    run = run_fueleu(ship_years, gwp.value if gwp else DEFAULT_GWP, allocation, chosen, own)
    columns = ("ship", "year", "energy_mj", "intensity_g_per_mj", "limit_g_per_mj", "balance_g", "penalty_eur")
    _finish(run, columns, out, as_json=as_json)


@group.command("ets")
def ets(
    file: File,
    year: Year = None,
    gwp: Warming = None,
    price_eur_per_t: Annotated[
        float | None, typer.Option("--price-eur-per-t", metavar="EUR", min=0.0, help="Price of an allowance.")
    ] = None,
    price_path: Annotated[
        str | None, typer.Option("--price-path", metavar="NAME", help="Named price path instead (USD): eu-ets-path.")
    ] = None,
    fuels: Fuels = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """EU ETS maritime: emissions in scope and allowances to surrender; their cost where a price is given.

    Potentials are ar5 (28/265) unless said otherwise.
    """
    from sealane.corridors.rules.eu_ets import DEFAULT_GWP
    from sealane.corridors.rules.run import run_ets

    ship_years, own = _inputs(file, year, fuels)
    run = run_ets(ship_years, gwp.value if gwp else DEFAULT_GWP, price_eur_per_t, price_path, own)
    columns = ("ship", "year", "co2_t", "covered_co2e_t", "phase_in", "allowances_t", "cost", "currency")
    _finish(run, columns, out, as_json=as_json)


@group.command("nzf")
def nzf(
    file: File,
    draft: Annotated[
        bool, typer.Option("--draft", help="Needed: the framework is a draft, not in force, and off by default.")
    ] = False,
    year: Year = None,
    gwp: Warming = None,
    tier1_usd_per_t: Annotated[
        float | None,
        typer.Option("--tier1-usd-per-t", metavar="USD", min=0.0, help="Price of a Tier 1 unit; else the draft's."),
    ] = None,
    tier2_usd_per_t: Annotated[
        float | None,
        typer.Option("--tier2-usd-per-t", metavar="USD", min=0.0, help="Price of a Tier 2 unit; else the draft's."),
    ] = None,
    fuels: Fuels = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """IMO Net-Zero Framework, a DRAFT: fuel intensity, deficits of both tiers, surplus and remedial units.

    Potentials are ar5 (28/265) unless said otherwise.
    """
    from sealane.corridors.rules.net_zero import DEFAULT_GWP, check_allowed
    from sealane.corridors.rules.run import run_nzf

    check_allowed(drafts=draft)
    ship_years, own = _inputs(file, year, fuels)
    run = run_nzf(
        ship_years,
        gwp.value if gwp else DEFAULT_GWP,
        drafts=draft,
        tier1_usd_per_t=tier1_usd_per_t,
        tier2_usd_per_t=tier2_usd_per_t,
        own=own,
    )
    columns = ("ship", "year", "gfi_g_per_mj", "base_g_per_mj", "direct_g_per_mj", "tier1_t", "tier2_t", "surplus_t")
    _finish(run, (*columns, "cost_usd"), out, as_json=as_json)


@group.command("cii")
def cii(file: File, year: Year = None, out: Out = None, as_json: AsJson = False) -> None:
    """Carbon intensity indicator: attained and required CII, boundaries and rating; fuel of every scope counts."""
    from sealane.corridors.rules.run import run_cii

    ship_years, _ = _inputs(file, year, None)
    columns = ("ship", "year", "ship_type", "co2_t", "distance_nm", "attained", "required", "margin_pct", "rating")
    _finish(run_cii(ship_years), columns, out, as_json=as_json)


@group.command("at-berth")
def at_berth(
    calls: Annotated[
        list[Path], typer.Argument(metavar="CALLS...", help="Tables of port calls, or folders of an inventory.")
    ],
    visits: Annotated[
        Path | None,
        typer.Option("--visits", metavar="F", help="Periods of control and exceptions that the calls do not tell."),
    ] = None,
    gwp: Warming = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """California At-Berth: per call in scope or not, hours required and compliant, uncontrolled emissions."""
    from sealane.corridors.rules.at_berth_calls import run_at_berth

    run = run_at_berth(calls, visits, out, gwp=gwp.value if gwp else "ar5")
    if as_json:
        print_json(
            {"rule": "at-berth", "summary": run.summary, "calls": run.table.to_pylist(), "notes": list(run.notes)}
        )
        return
    columns = ("port", "ship_name", "berth_start", "category", "requirement", "required_h", "compliant_h", "verdict")
    print_table(columns, [[_cell(record.get(name)) for name in columns] for record in run.table.to_pylist()])
    typer.echo()
    print_fields((name, _cell(value)) for name, value in run.summary.items())
    for note in run.notes:
        message(f"note: {note}")
    if out is not None:
        message(f"Written to {out}.")
