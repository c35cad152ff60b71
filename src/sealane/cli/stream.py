"""`sealane stream`: what flows to and from partners, what waits, and what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_fields, print_json, print_table

if TYPE_CHECKING:
    from sealane.exchange.stream_status import StreamStatus

group = typer.Typer(
    name="stream",
    help="What flows to and from partners, one stream for each clause and direction; what waits, and what failed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
StreamId = Annotated[str, typer.Argument(metavar="STREAM", help="Id of the stream, or how it begins.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("list")
def list_all(folder: NodeFolder, as_json: AsJson = False) -> None:
    """List the streams with their counters; exit code 1 where one needs an operator."""
    from sealane.exchange.stream_status import stream_status
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        found = stream_status(connection, node.clock())
    if as_json:
        print_json([_plain(status) for status in found])
    elif not found:
        message("note: there is no stream. One opens by itself once an agreement with clauses on data is in force.")
    else:
        print_table(
            ("stream", "way", "partner", "clause", "state", "seen by partner>", "due>", "dead>", "trouble"),
            [
                (
                    s.stream.id[:12],
                    s.stream.direction,
                    s.stream.peer,
                    f"{s.stream.agreement_id}@{s.stream.agreement_version}#{s.stream.clause_id}",
                    s.stream.state,
                    _seen(s),
                    s.due,
                    s.dead,
                    s.trouble,
                )
                for s in found
            ],
        )
    if any(status.stream.state == "stopped" or status.dead for status in found):
        raise typer.Exit(1)


@group.command("show")
def show(folder: NodeFolder, stream: StreamId, as_json: AsJson = False) -> None:
    """Show one stream with its dead letters."""
    from sealane.exchange.dead_letters import dead_letters
    from sealane.exchange.stream_status import stream_status
    from sealane.exchange.streams import find_stream
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        key = find_stream(connection, stream).id
        (status,) = stream_status(connection, node.clock(), key)
        letters = dead_letters(connection, key)
    if as_json:
        rows = [
            {"id": d.id, "event": d.event_id, "refusals": d.refusals, "reason": d.reason, "since": d.since}
            for d in letters
        ]
        print_json(_plain(status) | {"dead_letters": rows})
        return
    print_fields([(name.replace("_", " "), _shown(value)) for name, value in _plain(status).items()])
    if letters:
        print_table(
            ("dead letter", "event", "refusals>", "reason"), [(d.id, d.event_id, d.refusals, d.reason) for d in letters]
        )


@group.command("retry")
def retry(
    folder: NodeFolder,
    letter: Annotated[int, typer.Argument(metavar="LETTER", help="Number of the dead letter.")],
) -> None:
    """Decide a dead letter anew and send it once more."""
    from sealane.exchange.dead_letters import retry_dead_letter
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.write() as connection:
        retry_dead_letter(connection, letter, node.clock())
    message(f"Dead letter {letter} is decided and sent anew.")


@group.command("drop")
def drop(
    folder: NodeFolder,
    letter: Annotated[int, typer.Argument(metavar="LETTER", help="Number of the dead letter.")],
) -> None:
    """Give a dead letter up; the log keeps the fact."""
    from sealane.exchange.dead_letters import drop_dead_letter
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.write() as connection:
        drop_dead_letter(connection, letter, node.clock())
    message(f"Dead letter {letter} is given up.")


@group.command("recover")
def recover(folder: NodeFolder, stream: StreamId) -> None:
    """Let a stopped stream go on, after you know why it stopped.

    An outgoing stream goes on from where the partner's counter stands; the partner must be reachable.
    """
    from sealane.exchange import recovery
    from sealane.exchange.delivery import recover_outgoing
    from sealane.exchange.streams import Direction, find_stream
    from sealane.node.open import open_node

    with open_node(folder) as node:
        with node.database.read() as connection:
            found = find_stream(connection, stream)
        if found.direction == Direction.OUT:
            number = recover_outgoing(node, found.id)
            message(f"The stream goes on with number {number}.")
            return
        with node.database.write() as connection:
            recovery.recover(connection, found.id, found.next_sequence, node.clock())
        message(f"The stream is open again and expects number {found.next_sequence}.")


def _seen(status: StreamStatus) -> int:
    stream = status.stream
    return stream.acked_sequence if stream.direction == "out" else stream.next_sequence - 1


def _plain(status: StreamStatus) -> dict[str, Any]:
    stream = status.stream
    return {
        "stream": stream.id,
        "direction": stream.direction,
        "partner": stream.peer,
        "agreement": stream.agreement_id,
        "version": stream.agreement_version,
        "clause": stream.clause_id,
        "dataset": stream.dataset,
        "purpose": stream.purpose,
        "state": stream.state,
        "state_reason": stream.state_reason,
        "seen_by_partner": _seen(status),
        "next_sequence": stream.next_sequence,
        "due": status.due,
        "oldest_due_at": status.oldest_due_at,
        "counts": dict(status.counts),
        "lease_until": stream.lease_until,
        "failed_attempts": stream.attempts,
        "next_attempt_at": stream.next_attempt_at,
        "last_error": stream.last_error,
    }


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in sorted(value.items())) or "none"
    return value
