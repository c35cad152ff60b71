"""Pages and interface of alerts: what needs attention, how people are told, which limits are set."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

import sqlalchemy as sa
from fastapi import Path, Query, Request

from sealane.database.tables.accounts import user_account
from sealane.database.tables.alerts import alert_delivery
from sealane.errors import DataError, Fault, Phrase, RequestRefusedError, SealaneError
from sealane.exchange.peers import list_peers
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewed, Viewer, reading, writing
from sealane.web.accounts.rate_limits import allow
from sealane.web.accounts.roles import Role
from sealane.web.alerts import book
from sealane.web.alerts.channels import (
    Channel,
    ChannelKind,
    add_channel,
    channels,
    find_channel,
    remove_channel,
    set_enabled,
)
from sealane.web.alerts.derivations import alert_derivation, count_derivation
from sealane.web.alerts.kinds import AlertKind, Severity
from sealane.web.alerts.limits import MEASURES, add_limit, limits, remove_limit
from sealane.web.alerts.messages import test_message
from sealane.web.alerts.models import (
    Acknowledgement,
    AlertPage,
    AlertShown,
    AlertsPage,
    ChannelMade,
    ChannelShown,
    ChannelsPage,
    ChannelState,
    Happened,
    LimitShown,
    NewChannel,
    NewLimit,
    Tested,
    shown_alert,
    shown_channel,
    shown_limit,
)
from sealane.web.alerts.telling import send
from sealane.web.derivation import Derivation, Figure
from sealane.web.rooms import Room
from sealane.web.words import Words

Id = Annotated[str, Path(max_length=36, pattern="^[0-9a-f-]{36}$")]
CLOSED_SHOWN = dt.timedelta(days=14)
MAX_SHOWN = 200
TESTS_AN_HOUR = 20
_LIMITERS = frozenset({Role.STEWARD, Role.OFFICER, Role.ADMINISTRATOR})


def attention(connection: sa.Connection, viewer: Viewer, limit: int = 5) -> list[AlertShown]:
    """Return the gravest open alerts that nobody has acknowledged, for the overview."""
    found = book.alerts(connection, user_id=viewer.user_id, limit=limit)
    return [shown_alert(one) for one in found if one.acknowledged_at is None]


def open_alerts(connection: sa.Connection, viewer: Viewer) -> int:
    """Return how many open alerts nobody has acknowledged."""
    return sum(book.counts(connection, viewer.user_id).values())


def room(node: Node) -> Room:
    """Return the room."""
    made = Room("alerts", node)
    _alerts(made, node)
    _explain(made, node)
    _channels(made, node)
    _limits(made, node)
    return made


def _alerts(room: Room, node: Node) -> None:
    @room.view("/alerts", "alerts/page.html.j2")
    def alerts(viewer: Viewed, kind: Annotated[AlertKind | None, Query()] = None) -> AlertsPage:
        """What needs attention."""
        now = node.clock()
        with reading(node, viewer) as connection:
            found = book.alerts(connection, user_id=viewer.user_id, kind=kind, limit=MAX_SHOWN)
            closed = book.alerts(connection, user_id=viewer.user_id, kind=kind, is_open=False, limit=MAX_SHOWN)
            counted = book.counts(connection, viewer.user_id)
        return AlertsPage(
            kind=kind,
            kinds=list(AlertKind),
            counts={
                severity: Figure(value=number, quantity="count", explain=f"/explain/alerts?severity={severity}")
                for severity, number in counted.items()
            },
            open=[shown_alert(one) for one in found],
            closed=[shown_alert(one) for one in closed if one.closed_at and now - one.closed_at < CLOSED_SHOWN],
            may_acknowledge=_is_staff(viewer),
        )

    # Before the address of one alert, which would take the word for an id.
    @room.view("/alerts/channels", "alerts/channels.html.j2")
    def channels_page(viewer: Viewed) -> ChannelsPage:
        """How people are told of alerts, and the limits that are set."""
        return _channels_page(node, viewer)

    @room.view("/alerts/{alert_id}", "alerts/one.html.j2")
    def one(viewer: Viewed, alert_id: Id) -> AlertPage:
        """One alert and its history."""
        with reading(node, viewer) as connection:
            found = book.find_alert(connection, alert_id, viewer.user_id)
            happened = book.history(connection, alert_id)
        return AlertPage(
            alert=shown_alert(found),
            history=[Happened(at=at, event=event, severity=severity) for at, event, severity in happened],
            explain=f"/explain/alerts/{alert_id}",
            may_acknowledge=_is_staff(viewer),
        )

    @room.action("POST", "/alerts/{alert_id}/acknowledgement")
    def acknowledge(viewer: Viewed, alert_id: Id, body: Acknowledgement, request: Request) -> AlertShown:
        """Say that you have seen an alert and look after it."""
        now = node.clock()
        with writing(node, viewer) as connection:
            found = book.acknowledge(connection, alert_id, viewer.user_id, viewer.login, body.note, now)
            told = {"kind": found.kind.value, "subject": found.subject, "note": body.note}
            audit.note(connection, viewer, "alert.acknowledge", alert_id, told, request.state.request_id, now)
        return shown_alert(found)


def _explain(room: Room, node: Node) -> None:
    @room.view("/explain/alerts", "explain/derivation.html.j2")
    def counted(viewer: Viewed, severity: Annotated[Severity | None, Query()] = None) -> Derivation:
        """How many things need attention: which alerts are counted."""
        with reading(node, viewer) as connection:
            return count_derivation(connection, viewer.user_id, severity)

    @room.view("/explain/alerts/{alert_id}", "explain/derivation.html.j2")
    def why(viewer: Viewed, alert_id: Id) -> Derivation:
        """Why an alert was raised: the value, the limit, and where both come from."""
        with reading(node, viewer) as connection:
            return alert_derivation(book.find_alert(connection, alert_id, viewer.user_id))


def _channels(room: Room, node: Node) -> None:
    @room.action("POST", "/alerts/channels", status=201, secret=True)
    def make(viewer: Viewed, body: NewChannel, request: Request) -> ChannelMade:
        """Make a channel; for a webhook the secret is shown this once."""
        now = node.clock()
        with writing(node, viewer) as connection:
            target = _target(connection, viewer, body)
            new = add_channel(
                node,
                connection,
                kind=body.kind,
                name=body.name,
                target=target,
                kinds=[one.value for one in body.kinds],
                language=body.language,
                digest_minutes=body.digest_minutes,
                user_id=viewer.user_id if body.personal else None,
                by=viewer.login,
                now=now,
            )
            told = {"kind": body.kind.value, "address": new.channel.shown, "personal": body.personal}
            audit.note(connection, viewer, "channel.create", new.channel.name, told, request.state.request_id, now)
        return ChannelMade(id=new.channel.id, name=new.channel.name, secret=new.secret)

    @room.action("PATCH", "/alerts/channels/{channel_id}")
    def change(viewer: Viewed, channel_id: Id, body: ChannelState, request: Request) -> ChannelShown:
        """Let a channel rest, or tell it again."""
        now = node.clock()
        with writing(node, viewer) as connection:
            _mine(connection, viewer, channel_id)
            changed = set_enabled(connection, channel_id, body.enabled, now)
            told = {"enabled": body.enabled}
            audit.note(connection, viewer, "channel.change", changed.name, told, request.state.request_id, now)
        return shown_channel(changed, 0, 0, None)

    @room.action("POST", "/alerts/channels/{channel_id}/test")
    def test(viewer: Viewed, channel_id: Id, request: Request) -> Tested:
        """Send a message to a channel now, and say what came of it."""
        now = node.clock()
        with reading(node, viewer) as connection:
            channel = _mine(connection, viewer, channel_id)
        with node.database.write() as connection:  # its counters are no viewer's rows
            # A person can enter any address as his own: the port's mail server is not to flood it.
            allowed = allow(connection, f"channel-test:{viewer.user_id}", TESTS_AN_HOUR, dt.timedelta(hours=1), now)
        if not allowed:
            raise RequestRefusedError(
                429,
                "too-many-tests",
                Phrase("Many test messages were sent."),
                Phrase("Wait."),
                retry_after_s=allowed.retry_after_s,
            )
        with writing(node, viewer) as connection:
            audit.note(connection, viewer, "channel.test", channel.name, {}, request.state.request_id, now)
        told = test_message(channel.language, node.settings.origin + "/alerts/channels", now)
        try:
            send(node, channel, [told], [{"by": viewer.login}], 0, str(uuid.uuid4()))
        except SealaneError as error:
            words = Words(viewer.language if viewer.token_role is None else "en")
            return Tested(name=channel.name, error=words.phrase(str(error)))
        return Tested(name=channel.name, error=None)

    @room.action("DELETE", "/alerts/channels/{channel_id}", status=204)
    def remove(viewer: Viewed, channel_id: Id, request: Request) -> None:
        """Remove a channel; what waits for it is not sent."""
        now = node.clock()
        with writing(node, viewer) as connection:
            _mine(connection, viewer, channel_id)
            gone = remove_channel(connection, channel_id)
            told = {"kind": gone.kind.value, "address": gone.shown}
            audit.note(connection, viewer, "channel.remove", gone.name, told, request.state.request_id, now)


def _limits(room: Room, node: Node) -> None:
    @room.action("POST", "/alerts/limits", status=201)
    def set_limit(viewer: Viewed, body: NewLimit, request: Request) -> LimitShown:
        """Set a limit; beyond it an alert is raised."""
        now = node.clock()
        with writing(node, viewer) as connection:
            made = add_limit(connection, body.kind, body.measure, body.place, body.value, viewer.login, now)
            told = {"kind": made.kind.value, "value": made.value}
            audit.note(connection, viewer, "limit.set", made.subject, told, request.state.request_id, now)
        return shown_limit(made)

    @room.action("DELETE", "/alerts/limits/{limit_id}", status=204)
    def take_back(viewer: Viewed, limit_id: Id, request: Request) -> None:
        """Take a limit back."""
        now = node.clock()
        with writing(node, viewer) as connection:
            gone = remove_limit(connection, limit_id)
            told = {"kind": gone.kind.value, "value": gone.value}
            audit.note(connection, viewer, "limit.remove", gone.subject, told, request.state.request_id, now)


def _channels_page(node: Node, viewer: Viewer) -> ChannelsPage:
    with reading(node, viewer) as connection:
        found = channels(connection, viewer.user_id, everybodys=viewer.role is Role.ADMINISTRATOR)
        shown = [shown_channel(one, *_messages(connection, one.id)) for one in found]
        entered = [shown_limit(one) for one in limits(connection)]
        sources = [node.identity.participant, *(peer.participant for peer in list_peers(connection))]
        email = _email(connection, viewer)
    return ChannelsPage(
        channels=shown,
        limits=entered,
        kinds=list(AlertKind),
        datasets=sorted(DATASETS),
        measures=list(MEASURES),
        sources=sources,
        has_mail=bool(node.settings.smtp_url.get_secret_value()),
        private_webhooks=node.settings.alert_private,
        my_email=email,
        may_manage=viewer.role is Role.ADMINISTRATOR,
        may_limit=viewer.role in _LIMITERS,
    )


def _messages(connection: sa.Connection, channel_id: str) -> tuple[int, int, dt.datetime | None]:
    row = alert_delivery.c
    query = (
        sa.select(row.state, sa.func.count(), sa.func.min(row.next_attempt_at))
        .where(row.channel_id == channel_id)
        .group_by(row.state)
    )
    found = {state: (number, next_at) for state, number, next_at in connection.execute(query)}
    waiting, next_at = found.get("waiting", (0, None))
    return waiting, found.get("given_up", (0, None))[0], next_at


def _email(connection: sa.Connection, viewer: Viewer) -> str | None:
    if viewer.user_id is None:
        return None
    query = sa.select(user_account.c.email).where(user_account.c.id == viewer.user_id)
    return connection.execute(query).scalar()


def _target(connection: sa.Connection, viewer: Viewer, body: NewChannel) -> str:
    """Return where a new channel goes; a person may have his own e-mails only, and to his own address."""
    if not body.personal:
        if viewer.role is not Role.ADMINISTRATOR:
            raise RequestRefusedError(
                403,
                "not-yours",
                Phrase("Channels of the node are made by its administrators."),
                Phrase("Make one of your own."),
            )
        return (body.target or "").strip()
    faults = []
    email = _email(connection, viewer)
    if body.kind is not ChannelKind.EMAIL:
        faults.append(Fault("kind", body.kind.value, Phrase("One's own channel is an e-mail")))
    if not email:
        faults.append(
            Fault("target", Phrase("your account has no e-mail address"), Phrase("Ask an administrator to enter one"))
        )
    if body.target and body.target.strip() != email:
        faults.append(Fault("target", Phrase("is not the address of your account"), Phrase("Leave it out")))
    if faults:
        raise DataError(Phrase("The channel cannot be made."), faults)
    return email or ""


def _mine(connection: sa.Connection, viewer: Viewer, channel_id: str) -> Channel:
    found = find_channel(connection, channel_id)
    if viewer.role is not Role.ADMINISTRATOR and (found.user_id is None or found.user_id != viewer.user_id):
        raise RequestRefusedError(
            404, "unknown-channel", Phrase("There is no such channel."), Phrase("See /alerts/channels for all.")
        )
    return found


def _is_staff(viewer: Viewer) -> bool:
    return viewer.user_id is not None
