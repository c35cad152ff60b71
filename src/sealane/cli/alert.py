"""`sealane alert`: what needs attention, how people are told, and which limits are set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_fields, print_json, print_table
from sealane.errors import InputError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from sealane.node.context import Node
    from sealane.web.alerts.book import Alert
    from sealane.web.alerts.channels import Channel

group = typer.Typer(
    name="alert",
    help="What needs attention, how people are told of it, and the limits beyond which an alert is raised.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
channel = typer.Typer(name="channel", help="How people are told: by e-mail or webhook.", no_args_is_help=True)
limit = typer.Typer(name="limit", help="Limits that people set; none is assumed.", no_args_is_help=True)
group.add_typer(channel)
group.add_typer(limit)
AlertId = Annotated[str, typer.Argument(metavar="ALERT", help="Id of the alert, or how it begins.")]
ChannelId = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name or id of the channel.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("list")
def list_open(
    folder: NodeFolder,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    look: Annotated[bool, typer.Option("--look", help="Look now, not only at what the job last found.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what needs attention; exit code 1 where something does that nobody has acknowledged."""
    from sealane.node.open import open_node
    from sealane.web.alerts import book
    from sealane.web.alerts.job import look as look_now

    with open_node(folder) as node:
        if look:
            look_now(node)
        with node.database.read() as connection:
            found = book.alerts(connection, user_id=None, is_open=None if everything else True, limit=1_000)
        rows = [_plain(node, one) for one in found]
    if as_json:
        print_json(rows)
    elif not rows:
        message("note: nothing needs attention.")
    else:
        columns = ("alert", "severity", "since", "what", "looked after by")
        print_table(
            columns,
            [
                (row["id"][:8], row["severity"], row["opened_at"], row["text"], row["acknowledged_by"] or "-")
                for row in rows
            ],
        )
    if any(one.closed_at is None and one.acknowledged_at is None for one in found):
        raise typer.Exit(1)


@group.command("show")
def show(folder: NodeFolder, alert: AlertId, as_json: AsJson = False) -> None:
    """Show one alert with its values and history."""
    from sealane.node.open import open_node
    from sealane.web.alerts import book

    with open_node(folder) as node, node.database.read() as connection:
        found = _find(connection, alert)
        events = book.history(connection, found.id)
        row = _plain(node, found)
    row["history"] = [{"at": at, "event": event, "severity": severity.value} for at, event, severity in events]
    if as_json:
        print_json(row)
        return
    fields = [(name.replace("_", " "), value) for name, value in row.items() if name not in {"details", "history"}]
    fields += [(name.replace("_", " "), value) for name, value in row["details"].items()]
    print_fields([*fields, ("history", "\n".join(f"{one['at']} {one['event']}" for one in row["history"]))])


@group.command("acknowledge")
def acknowledge(
    folder: NodeFolder,
    alert: AlertId,
    note: Annotated[str | None, typer.Option(help="What is done about it; others read this.")] = None,
) -> None:
    """Say that somebody has seen an alert and looks after it."""
    from sealane.node.open import open_node
    from sealane.web.alerts import book

    who = _who()
    with open_node(folder) as node, node.database.write() as connection:
        found = _find(connection, alert)
        now = node.clock()
        book.acknowledge(connection, found.id, found.user_id, who, note, now)
        told = {"kind": found.kind.value, "subject": found.subject}
        _audit(connection, who, "alert.acknowledge", found.id, told, now)
    message(f"Alert {found.id[:8]} is acknowledged.")


@channel.command("list")
def list_channels(folder: NodeFolder, as_json: AsJson = False) -> None:
    """List the channels, without their secrets; exit code 1 where one fails."""
    from sealane.node.open import open_node
    from sealane.web.alerts.channels import channels

    with open_node(folder) as node, node.database.read() as connection:
        found = channels(connection, None, everybodys=True)
    if as_json:
        print_json([_plain_channel(one) for one in found])
    elif not found:
        message("note: there is no channel. `sealane alert channel add` makes one.")
    else:
        print_table(
            ("channel", "name", "kind", "goes to", "told of", "state"),
            [
                (one.id[:8], one.name, one.kind.value, one.shown, ", ".join(one.kinds) or "everything", _state(one))
                for one in found
            ],
        )
    if any(one.failing_since is not None and one.disabled_at is None for one in found):
        raise typer.Exit(1)


@channel.command("add")
def add(
    folder: NodeFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="E-mail address it goes to.")] = None,
    webhook: Annotated[str | None, typer.Option(metavar="URL", help="https URL it is posted to.")] = None,
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="Only this kind. Repeatable.")] = None,
    language: Annotated[str, typer.Option(metavar="CODE", help="Language of the words: en or ja.")] = "en",
    digest: Annotated[int, typer.Option("--digest", metavar="MINUTES", help="At most one message in so long.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Make a channel. The secret that signs a webhook is printed this once."""
    from sealane.node.open import open_node
    from sealane.web.alerts.channels import ChannelKind, add_channel

    if (email is None) == (webhook is None):
        raise InputError("Give either --email ADDRESS or --webhook URL.")
    way = ChannelKind.EMAIL if email else ChannelKind.WEBHOOK
    with open_node(folder) as node, node.database.write() as connection:
        who, now = _who(), node.clock()
        made = add_channel(
            node,
            connection,
            kind=way,
            name=name,
            target=email or webhook or "",
            kinds=kind or (),
            language=language,
            digest_minutes=digest,
            by=who,
            now=now,
        )
        _audit(connection, who, "channel.create", made.channel.name, {"address": made.channel.shown}, now)
    if as_json:
        print_json(_plain_channel(made.channel) | {"secret": made.secret})
        return
    message(f"The channel {made.channel.name} goes to {made.channel.shown}.")
    if made.secret is not None:
        message("Its secret is printed this once; the receiver checks the signature with it.")
        typer.echo(made.secret)


@channel.command("test")
def test(folder: NodeFolder, which: ChannelId) -> None:
    """Send a message to a channel now; exit code 75 where it does not get through."""
    import uuid

    from sealane.node.open import open_node
    from sealane.web.alerts.messages import test_message
    from sealane.web.alerts.telling import send

    with open_node(folder) as node:
        with node.database.read() as connection:
            found = _channel(connection, which)
        told = test_message(found.language, node.settings.origin + "/alerts/channels", node.clock())
        send(node, found, [told], [{}], 0, str(uuid.uuid4()))
    message(f"The message to {found.name} got through.")


@channel.command("remove")
def remove(folder: NodeFolder, which: ChannelId) -> None:
    """Remove a channel; what waits for it is not sent."""
    from sealane.node.open import open_node
    from sealane.web.alerts.channels import remove_channel

    with open_node(folder) as node, node.database.write() as connection:
        found = _channel(connection, which)
        remove_channel(connection, found.id)
        _audit(connection, _who(), "channel.remove", found.name, {"address": found.shown}, node.clock())
    message(f"The channel {found.name} is removed.")


@limit.command("list")
def list_limits(folder: NodeFolder, as_json: AsJson = False) -> None:
    """List the limits that are set."""
    from sealane.node.open import open_node
    from sealane.web.alerts.limits import limits

    with open_node(folder) as node, node.database.read() as connection:
        found = limits(connection)
    if as_json:
        print_json([vars(one) for one in found])
    elif not found:
        message("note: no limit is set.")
    else:
        print_table(
            ("limit", "kind", "on", "value>", "set by"),
            [(one.id[:8], one.kind.value, one.subject, f"{one.value:g}", one.created_by) for one in found],
        )


@limit.command("set")
def set_limit(
    folder: NodeFolder,
    measure: Annotated[
        str, typer.Argument(metavar="MEASURE", help="Data product, or for instance inventory-nox, lane-co2e-wtw.")
    ],
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="Participant; or UN/LOCODE of the port, id of the corridor.")
    ],
    value: Annotated[float, typer.Argument(metavar="VALUE", help="Hours of silence; or tonnes.")],
) -> None:
    """Set a limit: how long a feed may be silent, or how much of a pollutant a result may show."""
    from sealane.node.open import open_node
    from sealane.products.catalogue import DATASETS
    from sealane.web.alerts.limits import LimitKind, add_limit

    kind = LimitKind.DATA_GAP if measure in DATASETS else LimitKind.EXCEEDANCE
    with open_node(folder) as node, node.database.write() as connection:
        who, now = _who(), node.clock()
        made = add_limit(connection, kind, measure, place, value, who, now)
        _audit(connection, who, "limit.set", made.subject, {"value": value}, now)
    message(f"The limit on {made.subject} is {value:g} {'h' if kind is LimitKind.DATA_GAP else 't'}.")


@limit.command("remove")
def remove_limit(
    folder: NodeFolder,
    which: Annotated[str, typer.Argument(metavar="LIMIT", help="Id of the limit, or how it begins.")],
) -> None:
    """Take a limit back."""
    from sealane.node.open import open_node
    from sealane.web.alerts.limits import limits
    from sealane.web.alerts.limits import remove_limit as take_back

    with open_node(folder) as node, node.database.write() as connection:
        found = [one for one in limits(connection) if one.id.startswith(which)]
        if len(found) != 1:
            raise InputError(f"{len(found)} limits begin with {which!r}. `sealane alert limit list` prints all.")
        take_back(connection, found[0].id)
        _audit(connection, _who(), "limit.remove", found[0].subject, {}, node.clock())
    message(f"The limit on {found[0].subject} is taken back.")


def _find(connection: sa.Connection, prefix: str) -> Alert:
    from sealane.web.alerts import book

    known = book.alerts(connection, user_id=None, is_open=None, limit=10_000)
    found = [one for one in known if one.id.startswith(prefix)]
    if len(found) != 1:
        raise InputError(f"{len(found)} alerts begin with {prefix!r}. `sealane alert list --all` prints them.")
    return found[0]


def _channel(connection: sa.Connection, which: str) -> Channel:
    from sealane.web.alerts.channels import channels

    known = channels(connection, None, everybodys=True)
    found = [one for one in known if which in {one.name, one.id}] or [one for one in known if one.id.startswith(which)]
    if len(found) != 1:
        raise InputError(f"{len(found)} channels are called {which!r}. `sealane alert channel list` prints all.")
    return found[0]


def _plain(node: Node, alert: Alert) -> dict[str, Any]:
    from sealane.web.alerts.messages import tell

    told = tell(
        "en",
        "metric",
        alert_id=alert.id,
        kind=alert.kind,
        event="opened",
        severity=alert.severity,
        details=alert.details,
        link=None if alert.link is None else node.settings.origin + alert.link,
        at=alert.opened_at,
    )
    return {
        "id": alert.id,
        "kind": alert.kind.value,
        "severity": alert.severity.value,
        "text": told.text,
        "opened_at": alert.opened_at,
        "closed_at": alert.closed_at,
        "acknowledged_by": alert.acknowledged_by,
        "note": alert.note,
        "link": told.link,
        "details": dict(alert.details),
    }


def _plain_channel(one: Channel) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "kind": one.kind.value,
        "address": one.shown,
        "kinds": list(one.kinds),
        "language": one.language,
        "digest_minutes": one.digest_minutes,
        "state": _state(one),
        "last_error": one.last_error,
    }


def _state(one: Channel) -> str:
    if one.disabled_at is not None:
        return "rests"
    if one.failing_since is not None:
        return f"fails: {one.last_error}"
    return "works" if one.sent_at is not None else "not used yet"


def _who() -> str:
    import getpass

    return f"command line: {getpass.getuser()}"


def _audit(connection: sa.Connection, who: str, action: str, about: str, details: dict[str, Any], now: Any) -> None:
    from sealane.web.accounts import audit

    audit.note_for(connection, None, who, "operator", action, about, details, None, now)
