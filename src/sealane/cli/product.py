"""`sealane product`: the data products a node holds, and filling them from files."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_fields, print_json, print_table
from sealane.errors import DataError, InputError
from sealane.products.forms import FileForm

if TYPE_CHECKING:
    from sealane.products.loading import Loaded

group = typer.Typer(
    name="product",
    help="The data products a node holds: port calls, container milestones, schedules, results, observations.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
# One transaction holds this many records; a reader never waits for a whole file.
BATCH = 5_000
DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="As `sealane product list` prints it.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("list")
def list_products(as_json: AsJson = False) -> None:
    """List the data products: id, title, standard, and the fields a clause must let through."""
    from sealane.products.catalogue import DATASETS

    if as_json:
        print_json(
            [
                {
                    "id": d.id,
                    "title": d.title,
                    "description": d.description,
                    "standard": d.standard,
                    "fields": d.fields,
                    "required": d.required,
                }
                for d in DATASETS.values()
            ]
        )
        return
    rows = [(d.id, d.title, d.standard, len(d.fields), len(d.required)) for d in DATASETS.values()]
    print_table(("id", "title", "standard", "fields>", "required>"), rows)


@group.command("load")
def load(
    dataset: DatasetId,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="JSON, JSON Lines, CSV or EDIFACT; or a folder of `sealane calls`."),
    ],
    folder: NodeFolder,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", metavar="ZONE", help="Zone of EDIFACT times that name none: Asia/Tokyo or +09:00."),
    ] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="The data are simulated, and stay marked so.")] = False,
    public: Annotated[
        bool,
        typer.Option(
            "--public", help="Open to everybody, without any agreement; loading again without it takes that back."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load files into a data product; loading a file again changes nothing but who may have its records.

    All files are read and checked before anything is stored. Faulty EDIFACT messages alone are left out and reported;
    the exit code is then 2.
    """
    from sealane.node.open import open_node
    from sealane.products.loading import load_files

    zone = read_zone(time_zone)
    with open_node(folder) as node:
        now = node.clock()
        loaded = load_files(dataset, files, now, zone=zone, simulated=simulated)
        if loaded.faults:
            raise DataError("Nothing was loaded.", loaded.faults)
        totals = _store(node, loaded, now, public)
    for caution in loaded.cautions[:20]:
        message(f"note: {caution}")
    if len(loaded.cautions) > 20:
        message(f"note: and {len(loaded.cautions) - 20:,} more notes")
    if as_json:
        print_json({"dataset": dataset, **totals, "refused": [str(fault) for fault in loaded.refused]})
    else:
        print_fields([("dataset", dataset), *((name, f"{count:,}") for name, count in totals.items())])
    if loaded.refused:
        rest = "the sound messages were loaded" if loaded.prepared else "nothing was loaded"
        raise DataError(f"Faulty EDIFACT was refused; {rest}.", loaded.refused)


def _store(node: Any, loaded: Loaded, now: dt.datetime, public: bool) -> dict[str, int]:
    from sealane.products.store import put_prepared

    totals = {"read": len(loaded.prepared), "new": 0, "unchanged": 0, "outdated": 0}
    for begin in range(0, len(loaded.prepared), BATCH):
        part = list(zip(loaded.prepared, loaded.simulated, strict=True))[begin : begin + BATCH]
        with node.database.write() as connection:
            for marked in (False, True):
                records = [one for one, is_simulated in part if is_simulated is marked]
                if not records:
                    continue
                result = put_prepared(
                    connection, node.identity.participant, records, now, public=public, simulated=marked
                )
                totals["new"] += len(result.accepted)
                totals["unchanged"] += result.unchanged
                totals["outdated"] += result.outdated
    return totals


def read_zone(text: str | None) -> dt.tzinfo | None:
    """Return the time zone that a text names: an IANA name, UTC or an offset such as +09:00.

    Raises
    ------
    InputError
        If there is no such zone.
    """
    import zoneinfo

    if text is None:
        return None
    if text.upper() in ("UTC", "Z"):
        return dt.UTC
    offset = re.fullmatch(r"([+-])([01][0-9]):?([0-5][0-9])", text)
    if offset:
        delta = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return dt.timezone(delta if offset[1] == "+" else -delta)
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"--time-zone: {text!r} is no time zone here. Write Asia/Tokyo or +09:00.") from None


@group.command("show")
def show(
    dataset: DatasetId,
    record_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of one record; omitted: the newest.")
    ] = None,
    *,
    folder: NodeFolder,
    source: Annotated[str | None, typer.Option(metavar="ID", help="Only records of this participant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Records to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show one record with its payload, or list the newest."""
    from sealane.node.open import open_node
    from sealane.products.catalogue import dataset_named
    from sealane.products.store import Filters, newest_records

    dataset_named(dataset)
    with open_node(folder) as node, node.database.read() as connection:
        rows = newest_records(connection, dataset, Filters(source=source, id=record_id), limit)
    if record_id is not None and not rows:
        raise InputError(
            f"No record {record_id!r} of {dataset} is held here. `sealane product show {dataset}` lists some."
        )
    if as_json:
        print_json([_plain(row) for row in rows])
    elif record_id is not None:
        for row in rows:
            facts = {key: value for key, value in _plain(row).items() if key != "body" and value is not None}
            print_fields(
                [(key.replace("_", " "), "no" if value is False else _cell(value)) for key, value in facts.items()]
            )
            message("")
            print_json(json.loads(row["body"]))
    else:
        columns = ("id", "occurred_at", "port", "vessel_imo", "equipment", "source", "simulated")
        print_table(columns, ([_cell(row[name]) for name in columns] for row in rows))


@group.command("export")
def export(
    dataset: DatasetId,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write; it must not exist.")],
    folder: NodeFolder,
    form: Annotated[FileForm, typer.Option("--format", help="EPCIS is for container milestones.")] = FileForm.JSONL,
    source: Annotated[str | None, typer.Option(metavar="ID", help="Only records of this participant.")] = None,
) -> None:
    """Write the records of a data product to a file: JSON Lines, Parquet, or EPCIS 2.0 for container milestones."""
    from sealane.node.open import open_node
    from sealane.products.catalogue import dataset_named
    from sealane.products.exporting import export_records
    from sealane.products.store import Filters

    dataset_named(dataset)
    if out.exists():
        raise InputError(f"{out}: exists. Name a new file.")
    with open_node(folder) as node, node.database.read() as connection:
        written, left_out = export_records(connection, dataset, Filters(source=source), form, out, node.clock())
    message(f"{written:,} records of {dataset} are in {out}.")
    if left_out:
        message(f"note: {left_out:,} milestones are left out: no actual event of a container with an ISO number.")


@group.command("count")
def count(folder: NodeFolder, as_json: AsJson = False) -> None:
    """Count the records held, by product and by the participant they came from."""
    from sealane.node.open import open_node
    from sealane.products.store import count_records

    with open_node(folder) as node, node.database.read() as connection:
        found = sorted(count_records(connection).items())
    if as_json:
        print_json([{"dataset": dataset, "source": source, "records": n} for (dataset, source), n in found])
        return
    print_table(("dataset", "source", "records>"), [(dataset, source, f"{n:,}") for (dataset, source), n in found])


def _plain(row: Any) -> dict[str, Any]:
    return {**{key: value for key, value in row.items() if key != "body"}, "body": json.loads(row["body"])}


def _cell(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return "yes" if value else ""
    return value
