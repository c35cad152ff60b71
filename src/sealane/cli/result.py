"""`sealane result`: results of runs that a node keeps and shows on its pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json, print_table
from sealane.errors import InputError

if TYPE_CHECKING:
    from sealane.web.results import Result

group = typer.Typer(
    name="result",
    help="Results that a node keeps and shows on its pages: inventories, lanes, arrivals, scenarios, plans.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ResultId = Annotated[str, typer.Argument(metavar="ID", help="As `sealane result list` prints it.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("add")
def add(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="As `sealane inventory`, `lane`, `arrival`, `scenario` or `plan` wrote it."),
    ],
    node: NodeFolder,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="How it is called; else its subject.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Guests may see it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a finished result folder into a node, whose pages then show it."""
    from sealane.node.open import open_node
    from sealane.web.results import keep_result

    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder. Name the one that a run wrote.")
    with open_node(node) as opened:
        kept = keep_result(opened, folder, title=title, public=public)
    if as_json:
        print_json(_plain(kept))
        return
    message(f"{kept.kind} {kept.title} is kept as {kept.id}{'; SIMULATED' if kept.simulated else ''}.")


@group.command("list")
def list_results(node: NodeFolder, as_json: AsJson = False) -> None:
    """List the results that a node keeps, the newest period first."""
    from sealane.node.open import open_node
    from sealane.web.results import results

    with open_node(node) as opened, opened.database.read() as connection:
        found = results(connection, opened)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    if not found:
        message("note: no result is kept. `sealane result add DIR --node FOLDER` adds one.")
        return
    columns = ("id", "kind", "title", "from", "until", "simulated", "public", "by")
    rows = [
        (
            one.id,
            one.kind.value,
            one.title,
            "-" if one.begins_at is None else one.begins_at.date().isoformat(),
            "-" if one.ends_at is None else one.ends_at.date().isoformat(),
            "SIMULATED" if one.simulated else "",
            "yes" if one.public else "",
            one.created_by or "command line",
        )
        for one in found
    ]
    print_table(columns, rows)


@group.command("remove")
def remove(result_id: ResultId, node: NodeFolder) -> None:
    """Take a result off the pages; its files stay until housekeeping comes by."""
    from sealane.node.open import open_node
    from sealane.web.results import remove_result

    with open_node(node) as opened:
        days = opened.settings.import_retention_days
        with opened.database.write() as connection:
            remove_result(connection, opened, result_id, None)
    message(f"{result_id} is off the pages. `sealane result restore` brings it back within {days:g} days.")


@group.command("restore")
def restore(result_id: ResultId, node: NodeFolder) -> None:
    """Bring a removed result back, as long as its files are there."""
    from sealane.node.open import open_node
    from sealane.web.imports.clean import restore_result

    with open_node(node) as opened, opened.database.write() as connection:
        restore_result(opened, connection, result_id)
    message(f"{result_id} is on the pages again.")


def _plain(one: Result) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "folder"}
    return values | {
        "kind": one.kind.value,
        **{
            name: None if values[name] is None else values[name].isoformat()
            for name in ("begins_at", "ends_at", "created_at")
        },
    }
