"""`sealane agreement activity|commitments|template`: what is done under an agreement, and documents to fill in."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.agreements.document_model import ActivityKind
from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json, print_table
from sealane.errors import InputError

if TYPE_CHECKING:
    from sealane.exchange.activities import ActivityDone

activity_group = typer.Typer(
    name="activity",
    help="What was done under an agreement: visits, meetings, workshops, studies, trials, reports on commitments.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
template_group = typer.Typer(
    name="template",
    help="Agreement documents to fill in.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
AgreementId = Annotated[str, typer.Argument(metavar="ID", help="As `sealane agreement list` prints it.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group `sealane agreement`."""
    group.add_typer(activity_group)
    group.add_typer(template_group)
    group.command("commitments")(commitments)


@activity_group.command("add")
def add_activity(
    folder: NodeFolder,
    agreement_id: AgreementId,
    kind: Annotated[ActivityKind, typer.Option(help="What sort of activity.")],
    title: Annotated[str, typer.Option(help="What it was.")],
    day: Annotated[str, typer.Option(metavar="DAY", help="YYYY-MM-DD.")],
    note: Annotated[str | None, typer.Option(help="More about it.")] = None,
    commitment: Annotated[
        str | None, typer.Option(metavar="ID", help="For a report: the commitment it is about.")
    ] = None,
    value: Annotated[
        float | None, typer.Option(help="For a report: the indicator's value, in the indicator's unit.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record what was done under an agreement, of the node or of the catalogue."""
    from sealane.cli.user import account
    from sealane.exchange.activities import record_activity
    from sealane.node.open import open_node

    on = _day(day)
    with open_node(folder) as node, node.database.write() as connection:
        done = record_activity(
            connection,
            agreement_id,
            kind,
            title,
            on,
            node.clock(),
            note=note,
            commitment=commitment,
            value=value,
            recorded_by=f"command line: {account()}",
        )
    if as_json:
        print_json(_activity_dict(done))
    else:
        message(f"recorded: {done.kind.value} {done.title!r} on {done.day} under {agreement_id}")


@activity_group.command("list")
def list_activity(
    folder: NodeFolder,
    agreement_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only of this agreement.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what was recorded, by day."""
    from sealane.exchange.activities import list_activities
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        found = list_activities(connection, agreement_id)
    if as_json:
        print_json([_activity_dict(done) for done in found])
    elif not found:
        message("note: nothing is recorded. `sealane agreement activity add` records an activity.")
    else:
        rows = [(d.day, d.agreement_id, d.kind.value, d.title, _detail(d)) for d in found]
        print_table(("day", "agreement", "kind", "title", "details"), rows)


def commitments(folder: NodeFolder, agreement_id: AgreementId, as_json: AsJson = False) -> None:
    """Show what the parties of an agreement promised, by when, and the last report on each promise."""
    from sealane.exchange.activities import commitment_standings
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        found = commitment_standings(connection, agreement_id, node.clock())
    if as_json:
        print_json([standing.as_dict() for standing in found])
        return
    if not found:
        message(f"note: {agreement_id} holds no commitment.")
        return
    rows = [
        (
            s.commitment.id,
            ", ".join(s.commitment.by),
            s.commitment.what,
            s.commitment.due,
            s.commitment.measure,
            s.last_value,
            s.words,
        )
        for s in found
    ]
    print_table(("id", "by", "what", "due", "measured by", "last report", "standing"), rows)
    if any(standing.demonstration for standing in found):
        message("note: demonstration terms; no port has promised this.")


@template_group.command("list")
def list_templates(as_json: AsJson = False) -> None:
    """List the templates."""
    from sealane.agreements import templates

    found = templates.list_templates()
    if as_json:
        print_json([{"name": template.name, "about": template.about} for template in found])
    else:
        print_table(("name", "about"), [(template.name, template.about) for template in found])


@template_group.command("show")
def show_template(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `sealane agreement template list` prints it.")],
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write a new file; omitted: standard output.")
    ] = None,
) -> None:
    """Write a template; what is to be filled in begins with FILL:."""
    from sealane.agreements import templates

    text = templates.template_named(name).text
    if output is None:
        sys.stdout.write(text)
        return
    if output.exists():
        raise InputError(f"{output}: exists. Name a new file.")
    with output.open("x", encoding="utf-8") as file:
        file.write(text)
    message(f"{output}: fill in what begins with FILL:, then `sealane agreement validate {output}`.")


def _day(text: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"--day {text!r} is no day. Give YYYY-MM-DD.") from None


def _detail(done: ActivityDone) -> str:
    details = done.details
    parts = [str(details["commitment"])] if details.get("commitment") else []
    if details.get("value") is not None:
        parts.append(f"{details['value']:g} {details.get('unit') or ''}".strip())
    return "; ".join([*parts, *([str(details["note"])] if details.get("note") else [])])


def _activity_dict(done: ActivityDone) -> dict[str, Any]:
    return {
        "id": done.id,
        "agreement": done.agreement_id,
        "kind": done.kind.value,
        "title": done.title,
        "day": done.day.isoformat(),
        "recorded_at": done.created_at,
        **done.details,
    }
