"""`sealane shared`: what each partner was sent, what was withheld from it, and the clause that said so."""

from __future__ import annotations

from dataclasses import asdict

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import counted, message, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("shared")(shared)


def shared(folder: NodeFolder, as_json: AsJson = False) -> None:
    """Show what each partner was sent and what was withheld, by clause; and what this port received."""
    from sealane.exchange.sent_and_withheld import received_totals, stream_totals
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        sent = stream_totals(connection)
        received = received_totals(connection, node.identity.participant)
    if as_json:
        print_json({"sent": [asdict(total) for total in sent], "received": [asdict(total) for total in received]})
        return
    if not sent and not received:
        message("note: nothing flows yet. `sealane agreement list --node FOLDER` shows what is in force.")
        return
    if sent:
        message("Sent, as each clause lets through:")
        rows = [
            (
                total.peer,
                total.clause,
                terms(total.demonstration),
                total.dataset,
                total.state if not total.state_reason else f"{total.state}: {total.state_reason}",
                f"{total.delivered:,}",
                f"{total.waiting + total.not_looked_at:,}",
                ", ".join(f"{count:,} {reason}" for reason, count in sorted(total.withheld.items())) or "none",
                counted(len(total.trimmed_fields), "field") if total.trimmed_fields else "none",
            )
            for total in sent
        ]
        columns = (
            *("partner", "clause", "terms", "data product", "stream"),
            *("delivered>", "waiting>", "withheld", "taken out"),
        )
        print_table(columns, rows)
        for total in sent:
            if total.trimmed_fields:
                message(f"Taken out by {total.clause}: {', '.join(total.trimmed_fields)}")
    if received:
        message("\nReceived:")
        held = [
            (
                item.source,
                item.clause,
                terms(item.demonstration),
                item.dataset,
                f"{item.records:,}",
                f"{item.simulated:,} SIMULATED" if item.simulated else "none",
            )
            for item in received
        ]
        print_table(("partner", "clause", "terms", "data product", "records>", "of these simulated"), held)


def terms(demonstration: bool) -> str:
    """Say whether a clause's terms are agreed or made up."""
    return "demonstration" if demonstration else "agreed"
