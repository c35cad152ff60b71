"""`sealane factors`: the published numbers and where each comes from."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.output import print_json, print_table

if TYPE_CHECKING:
    from sealane.reference import FactorRow


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("factors")(factors)


def factors(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A table, or part of a name; omitted: every table.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List published numbers with unit, source, edition, grade and the day they are valid from.

    Grades: A the agency's own data or two sources agree, B one source citing the table, C a third party,
    D an assumption of this project.
    """
    # Imported here: the tables are read only when they are asked for.
    from sealane.reference import list_factors

    rows = list_factors(name)
    if as_json:
        content: list[dict[str, Any]] = []
        for row in rows:
            entry: dict[str, Any] = {"table": row.table, **dict(row.keys), **dict(row.texts)}
            entry |= {"value": row.value, "unit": row.unit, "source": row.source, "edition": row.edition}
            entry |= {"grade": row.grade, "valid_from": row.valid_from.isoformat()}
            content.append(entry)
        print_json(content)
        return
    columns = ("name", "value>", "unit", "grade", "valid from", "edition", "source")
    # Table by table: the names of one table are of one length, those of all of them are not.
    for number, (_, group) in enumerate(itertools.groupby(rows, key=lambda row: row.table)):
        if number:
            typer.echo()
        print_table(columns, [_cells(row) for row in group])


def _cells(row: FactorRow) -> tuple[str, ...]:
    # A row that maps text to text (a ship type to a class) has no number.
    value = "; ".join(text for _, text in row.texts) if row.value != row.value else f"{row.value:.12g}"
    return (row.label, value, row.unit, row.grade, row.valid_from.isoformat(), row.edition, row.source)
