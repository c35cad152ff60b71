"""`sealane agreement explain`: what a partner gets of a record, what not, and which clause decides."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from sealane.cli.options import AsJson, NodeFolder, named_partner
from sealane.cli.output import print_json, printable
from sealane.errors import InputError

if TYPE_CHECKING:
    from sealane.exchange.explain import Explanation


def add_to(group: typer.Typer) -> None:
    """Add the command to the group `sealane agreement`."""
    group.command("explain")(explain)


def explain(
    folder: NodeFolder,
    dataset: Annotated[str, typer.Argument(metavar="PRODUCT", help="Data product, e.g. port-calls.")],
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="Id of one of this port's own records.")],
    partner: Annotated[str, typer.Option("--partner", help="Participant id of the partner, or a part of its name.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="T", help="Ask for this moment, ISO 8601 with zone; omitted: now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain for a record and a partner what would be sent, what not, and which clause decides."""
    from sealane.exchange.explain import explain as explain_record
    from sealane.node.open import open_node

    moment = None if at is None else _moment(at)
    with open_node(folder) as node, node.database.read() as connection:
        peer = named_partner(connection, partner)
        found = explain_record(connection, node.identity.participant, dataset, record_id, peer, moment or node.clock())
    if as_json:
        print_json(found.as_dict())
        return
    typer.echo(printable(as_text(found)))


def as_text(found: Explanation) -> str:
    """Return an explanation for people to read, one block per clause and stored decision."""
    label = ", simulated" if found.simulated else ""
    lines = [f"{found.dataset} {found.record_id}{label}, for {found.peer} at {_time(found.asked_at)}", found.summary]
    for clause in found.clauses:
        name = f"{clause.agreement_id} version {clause.agreement_version}, clause {clause.clause_id}"
        lines += ["", f"{name} ({clause.terms}, {clause.granularity}s, for {clause.purpose})"]
        lines.append(f"  {clause.outcome}: {clause.sentence} [{clause.reason}]")
        if clause.due_at is not None:
            lines.append(f"  at the earliest {_time(clause.due_at)}")
        if clause.waits is not None:
            lines.append(f"  waits: {clause.waits}")
        if clause.sent_fields:
            lines.append(f"  sent: {', '.join(clause.sent_fields)}")
        lines += [f"  kept back: {kept.field} ({kept.why})" for kept in clause.withheld_fields]
    if found.decisions:
        lines += ["", "What was decided"]
    for stored in found.decisions:
        number = f", number {stored.sequence}" if stored.sequence is not None else ""
        state = f", {stored.event_state}{number}" if stored.event_state else ""
        name = f"{stored.agreement_id} version {stored.agreement_version}, clause {stored.clause_id}"
        lines.append(f"  {_time(stored.decided_at)} {name}: {stored.outcome}{state}")
        lines.append(f"    {stored.sentence} [{stored.reason}]")
        if stored.withheld_fields:
            lines.append(f"    kept back: {', '.join(stored.withheld_fields)}")
        if stored.same_now is not None:
            lines.append("    the same would be decided now" if stored.same_now else "    another answer than now")
    for counted in found.counted:
        span = f"{_time(counted.period_start)} to {_time(counted.period_end)}"
        name = f"{counted.agreement_id} version {counted.agreement_version}, clause {counted.clause_id}"
        lines += ["", f"Counted in the cells of {span} ({name}), closed {_time(counted.released_at)}"]
    return "\n".join(lines)


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputError(f"--at {text!r} is no time with a zone. Write it like 2026-03-01T12:00:00Z.")
    return moment.astimezone(dt.UTC)


def _time(time: dt.datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
