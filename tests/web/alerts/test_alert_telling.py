"""People are told: by e-mail over TLS, by signed webhooks, in digests, again after failures, and of giving up."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from tests import ports
from tests.node.test_serve import certificate
from tests.web.alerts.receivers import hook_receiver, mail_server

from sealane.database import Database
from sealane.database.tables.alerts import alert_channel, alert_delivery
from sealane.errors import DataError, InputError, UnreachableError
from sealane.node.context import Node
from sealane.web.alerts import telling, vault
from sealane.web.alerts.book import settle
from sealane.web.alerts.channels import (
    ChannelKind,
    Made,
    add_channel,
    channels,
    find_channel,
    remove_channel,
    set_enabled,
    target_of,
)
from sealane.web.alerts.kinds import AlertKind, Finding, Severity
from sealane.web.alerts.mail import send_email
from sealane.web.alerts.messages import email_text, tell
from sealane.web.alerts.telling import GIVE_UP_AFTER, collect, send_due
from sealane.web.alerts.webhook import is_genuine, signature
from sealane.web.words import LANGUAGES

PASSWORD = "a-password-of-the-mail-server"
STOPPED = Finding(
    AlertKind.STREAM_STOPPED,
    "s1",
    Severity.SEVERE,
    {"peer": "urn:b", "clause": "a@1#c", "direction": "out", "cause": "rolled back"},
    "/exchange/streams/s1",
)
LETTERS = Finding(
    AlertKind.DEAD_LETTERS, "s1", Severity.WARNING, {"peer": "urn:b", "clause": "a@1#c", "letters": 3}, "/exchange"
)


@pytest.fixture
def clock() -> ports.Clock:
    return ports.Clock()


@pytest.fixture
def node(tmp_path: Path, database: Database, clock: ports.Clock) -> Iterator[Node]:
    made = ports.make_node(tmp_path, "here", database, clock)
    (made.folder / "keys").mkdir(mode=0o700)
    with configured(made, alert_private=True) as found:
        yield found


class configured:  # noqa: N801  # reads as the verb it is
    """Give a node with other settings, and close it afterwards."""

    def __init__(self, node: Node, **values: Any) -> None:
        self.node = replace(node, settings=node.settings.model_copy(update=values))

    def __enter__(self) -> Node:
        return self.node

    def __exit__(self, *_: object) -> None:
        self.node.outbound.close()


def webhook(node: Node, url: str, **values: Any) -> Made:
    with node.database.write() as connection:
        given: dict[str, Any] = {"name": "duty", "digest_minutes": 0, "by": "admin", "now": node.clock()} | values
        return add_channel(node, connection, kind=ChannelKind.WEBHOOK, target=url, **given)


def step(node: Node, *found: Finding) -> None:
    with node.database.write() as connection:
        settle(connection, found, node.clock())
        collect(connection, node.clock())


def deliveries(node: Node) -> list[Any]:
    with node.database.read() as connection:
        return list(connection.execute(sa.select(alert_delivery).order_by(alert_delivery.c.created_at)))


def test_a_webhook_is_signed_and_says_what_it_is_about(node: Node) -> None:
    with hook_receiver() as hooks:
        made = webhook(node, hooks.url)
        step(node, STOPPED)
        assert send_due(node).sent == 1
        ((path, headers, body),) = hooks.requests
    assert path == "/hook/abc?key=in-the-address"
    assert made.secret is not None
    assert is_genuine(made.secret, headers, body, node.clock())
    assert "authorization" not in headers  # nothing of the node's own identity goes to strangers
    document = json.loads(body)
    (alert,) = document["alerts"]
    assert (alert["kind"], alert["event"], alert["severity"]) == ("stream-stopped", "opened", "severe")
    assert alert["link"] == node.settings.origin + "/exchange/streams/s1"
    assert "stopped by an alarm" in alert["text"]
    assert headers["webhook-id"] == deliveries(node)[0].id


def test_a_receiver_can_tell_what_was_altered_delayed_or_sent_by_others(node: Node) -> None:
    with hook_receiver() as hooks:
        made = webhook(node, hooks.url)
        step(node, STOPPED)
        send_due(node)
        ((_, headers, body),) = hooks.requests
    assert made.secret is not None
    now = node.clock()
    assert not is_genuine(made.secret, headers, body + b" ", now)
    assert not is_genuine(made.secret, {**headers, "webhook-id": "other"}, body, now)
    assert not is_genuine(made.secret, headers, body, now + dt.timedelta(minutes=6))
    assert not is_genuine("whsec_" + "A" * 43 + "=", headers, body, now)
    assert not is_genuine(made.secret, {**headers, "webhook-timestamp": "1e3"}, body, now)


def test_the_signature_is_that_of_the_specification() -> None:
    # The example that libraries of Standard Webhooks are tested with.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_failures_are_tried_again_with_growing_pauses_under_the_same_id(node: Node, clock: ports.Clock) -> None:
    with hook_receiver() as hooks:
        hooks.answers[:] = [500, 302, 204]
        made = webhook(node, hooks.url)
        step(node, STOPPED)
        pauses = []
        for _ in range(2):
            assert send_due(node).failed == 1
            (waiting,) = deliveries(node)
            pauses.append((waiting.next_attempt_at - clock()).total_seconds())
            assert send_due(node) == telling.Passed()  # not before it is due
            clock.forward(pauses[-1])
        with node.database.read() as connection:
            assert find_channel(connection, made.channel.id).last_error == "The receiver answered 302."
        assert send_due(node).sent == 1
        ids = {headers["webhook-id"] for _, headers, _ in hooks.requests}
    assert pauses == [30.0, 60.0]
    assert (len(hooks.requests), len(ids)) == (3, 1)
    with node.database.read() as connection:
        assert find_channel(connection, made.channel.id).failing_since is None


def test_it_gives_up_after_a_day_and_other_channels_are_told(node: Node, clock: ports.Clock) -> None:
    from sealane.web.alerts.state import _channels

    with hook_receiver() as hooks, hook_receiver() as others:
        hooks.answers[:] = [503]
        broken, sound = webhook(node, hooks.url), webhook(node, others.url, name="other")
        step(node, STOPPED)
        until = clock() + GIVE_UP_AFTER
        while clock() <= until + dt.timedelta(hours=3):
            send_due(node)
            clock.forward(1800)
        assert {row.state for row in deliveries(node) if row.channel_id == broken.channel.id} == {"given_up"}
        with node.database.read() as connection:
            (failure,) = _channels(connection)
        assert (failure.id, failure.reason) == (broken.channel.id, "The receiver answered 503.")
        gave_up = Finding(
            AlertKind.CHANNEL_FAILED, failure.id, Severity.WARNING, {"name": "duty", "since": failure.at.isoformat()}
        )
        before = len(hooks.requests)
        step(node, STOPPED, gave_up)
        send_due(node)
    assert [json.loads(body)["alerts"][0]["kind"] for _, _, body in others.requests] == [
        "stream-stopped",
        "channel-failed",
    ]
    assert len(hooks.requests) == before  # what it suffers from is not told through it
    assert sound.channel.id != broken.channel.id


def test_a_digest_and_no_flood(node: Node, clock: ports.Clock) -> None:
    with hook_receiver() as hooks:
        webhook(node, hooks.url, digest_minutes=10)
        many = [replace(LETTERS, subject=f"s{number}") for number in range(120)]
        step(node, many[0])
        send_due(node)
        for number in range(2, 60):
            clock.forward(5)
            step(node, *many[:number])
            send_due(node)
        assert len(hooks.requests) == 1  # 58 more happened within ten minutes
        clock.forward(600)
        step(node, *many)
        send_due(node)
    assert len(hooks.requests) == 2
    digest = json.loads(hooks.requests[1][2])
    assert (len(digest["alerts"]), digest["more"]) == (50, 69)


def test_what_came_and_went_between_two_messages_is_not_told(node: Node, clock: ports.Clock) -> None:
    with hook_receiver() as hooks:
        webhook(node, hooks.url, digest_minutes=10)
        step(node, STOPPED)
        send_due(node)
        clock.forward(60)
        step(node, STOPPED, LETTERS)
        clock.forward(60)
        step(node, LETTERS)
        clock.forward(60)
        step(node)
        clock.forward(600)
        step(node)
        send_due(node)
    (closed,) = json.loads(hooks.requests[1][2])["alerts"]
    assert (closed["kind"], closed["event"]) == ("stream-stopped", "closed")


def test_a_channel_is_told_of_what_it_subscribes_to_from_when_it_was_made(node: Node) -> None:
    with hook_receiver() as hooks:
        step(node, LETTERS)
        webhook(node, hooks.url, kinds=["dead-letters"])
        personal = replace(LETTERS, subject="u1", user_id="u1")
        step(node, LETTERS, STOPPED, personal)
        send_due(node)
        assert hooks.requests == []
        own = webhook(node, hooks.url, user_id="u1")
        step(node, LETTERS, STOPPED, personal, replace(personal, subject="u1 again"))
        send_due(node)
    ((_, headers, body),) = hooks.requests
    assert [one["kind"] for one in json.loads(body)["alerts"]] == ["dead-letters"]
    assert own.secret is not None
    assert is_genuine(own.secret, headers, body, node.clock())


def test_a_channel_that_rests_is_told_nothing_and_afterwards_only_what_is_new(node: Node) -> None:
    with hook_receiver() as hooks:
        made = webhook(node, hooks.url)
        with node.database.write() as connection:
            set_enabled(connection, made.channel.id, False, node.clock())
        step(node, STOPPED)
        with node.database.write() as connection:
            set_enabled(connection, made.channel.id, True, node.clock())
        step(node, STOPPED)
        assert send_due(node).sent == 0
        step(node, STOPPED, LETTERS)
        assert send_due(node).sent == 1
        with node.database.write() as connection:
            remove_channel(connection, made.channel.id)
            assert channels(connection, None, everybodys=True) == []


def test_webhooks_go_to_public_https_only_unless_the_operator_says_so(node: Node) -> None:
    with configured(node, alert_private=False) as strict, hook_receiver() as hooks:
        for url in (hooks.url, "http://hooks.example/x", "https://user:pw@hooks.example/", "https://hooks.example/#x"):
            with pytest.raises(DataError, match="target"):
                webhook(strict, url)
        # A name that leads inside is found out when it is used, each time.
        webhook(strict, f"https://localhost:{hooks.port}/")
        step(strict, STOPPED)
        assert send_due(strict).failed == 1
        assert hooks.requests == []
    with node.database.read() as connection:
        (only,) = channels(connection, None, everybodys=True)
        assert "where this node may not connect" in (only.last_error or "")


def test_faults_of_a_channel_are_told_all_at_once(node: Node) -> None:
    with node.database.write() as connection, pytest.raises(DataError) as refused:
        add_channel(
            node,
            connection,
            kind=ChannelKind.EMAIL,
            name="",
            target="a@b\r\nBcc: x@y.z",
            kinds=["no-such-kind"],
            language="xx",
            digest_minutes=-1,
            by="admin",
            now=node.clock(),
        )
    assert {fault.where for fault in refused.value.faults} == {
        "name",
        "target",
        "kind",
        "kinds",
        "language",
        "digest_minutes",
    }


def test_address_and_secret_stand_encrypted_and_open_only_with_the_nodes_key(node: Node) -> None:
    url = "https://hooks.example/services/T0/B0/token-in-the-path"
    made = webhook(node, url)
    assert made.channel.shown == "https://hooks.example"
    with node.database.read() as connection:
        row = connection.execute(sa.select(alert_channel)).one()
        assert made.secret is not None
        assert made.secret not in str(row)
        assert "token-in-the-path" not in str(row)
        assert target_of(node, connection, made.channel.id) == (url, made.secret)
    file = node.folder / "keys" / vault.FILE
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError, match="cannot be read"):
        vault.unseal(node.folder, row.target, "secret of another")
    file.unlink()
    with node.database.read() as connection, pytest.raises(InputError, match="Restore the file"):
        target_of(node, connection, made.channel.id)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    chain, key = certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context, chain


def mailing(node: Node, scheme: str, port: int, authorities: Path | None, host: str = "127.0.0.1") -> configured:
    url = SecretStr(f"{scheme}://port%40user:{PASSWORD}@{host}:{port}")
    return configured(node, smtp_url=url, alert_from="sealane@port.example", tls_authorities=authorities)


@pytest.mark.parametrize("at_once", [False, True])
def test_an_email_goes_over_tls_with_the_login(node: Node, tls: tuple[ssl.SSLContext, Path], at_once: bool) -> None:
    with (
        mail_server(tls[0], at_once=at_once) as box,
        mailing(node, "smtps" if at_once else "smtp", box.port, tls[1]) as sender,
    ):
        with sender.database.write() as connection:
            add_channel(
                sender,
                connection,
                kind=ChannelKind.EMAIL,
                name="office",
                target="duty@port.example",
                language="ja",
                digest_minutes=0,
                by="admin",
                now=sender.clock(),
            )
        step(sender, STOPPED)
        assert send_due(sender).sent == 1
    assert box.logins == [("port@user", PASSWORD, True)]
    ((mail_from, to, text, encrypted),) = box.messages
    assert encrypted
    assert ("sealane@port.example" in mail_from, "duty@port.example" in to) == (True, True)
    message = email.message_from_string(text, policy=email.policy.default)
    assert message["Auto-Submitted"] == "auto-generated"
    assert deliveries(sender)[0].id in message["Message-ID"]
    content = message.get_content()
    assert f"{sender.settings.origin}/exchange/streams/s1" in content
    assert "rolled back" in content


def test_a_wrong_certificate_a_refused_login_and_a_refused_message_are_told_without_the_password(
    node: Node, tls: tuple[ssl.SSLContext, Path]
) -> None:
    with mail_server(tls[0]) as box:
        cases = []
        with mailing(node, "smtp", box.port, None) as unknown_authority, pytest.raises(UnreachableError) as told:
            send_email(unknown_authority.settings, "a@b.example", "s", "t", node.clock())
        cases.append(str(told.value))
        assert (box.logins, box.messages) == ([], [])
        with mailing(node, "smtp", box.port, tls[1]) as sender:
            box.accept_login = False  # the server repeats the password in its answer
            with pytest.raises(UnreachableError, match=r"refused the login \(535\)") as told:
                send_email(sender.settings, "a@b.example", "s", "t", node.clock())
            cases.append(str(told.value))
            box.accept_login, box.refuse = True, "552 mailbox full"
            with pytest.raises(UnreachableError, match="552") as told:
                send_email(sender.settings, "a@b.example", "s", "t", node.clock())
            cases.append(str(told.value))
    assert PASSWORD not in " ".join(cases)


def test_without_tls_nothing_is_sent_to_another_machine(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(None) as box:
        with mailing(node, "smtp", box.port, None) as local:
            send_email(local.settings, "a@b.example", "s", "t", node.clock())
        assert len(box.messages) == 1
        # Another machine, as far as names go; its server lies on loopback here.
        import socket

        real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
        with (
            mailing(node, "smtp", box.port, None, host="mail.example") as remote,
            pytest.raises(UnreachableError, match="STARTTLS"),
        ):
            send_email(remote.settings, "a@b.example", "s", "t", node.clock())
        assert len(box.messages) == 1


EXAMPLES: dict[AlertKind, list[dict[str, Any]]] = {
    AlertKind.NEGOTIATION_STALLED: [{"peer": "urn:b", "state": "REQUESTED", "pending": "request", "attempts": 3}],
    AlertKind.TRANSFER_STALLED: [{"peer": "urn:b", "state": "REQUESTED", "attempts": 0}],
    AlertKind.AGREEMENT_UNDELIVERED: [
        {"agreement": "a", "version": 1, "peer": "urn:b", "message": "signature", "state": state}
        for state in ("pending", "refused")
    ],
    AlertKind.COMMITMENT_LATE: [{"what": "x", "agreement": "a", "due": "2026-02-01", "demonstration": True}],
    AlertKind.STREAM_STOPPED: [dict(STOPPED.details)],
    AlertKind.STREAM_LAG: [{"clause": "a@1#c", "peer": "urn:b", "due": 4, "limit_minutes": 15.0}],
    AlertKind.DEAD_LETTERS: [dict(LETTERS.details)],
    AlertKind.DATA_GAP: [
        {"dataset": "port-calls", "source": "urn:b", "by": "limit", "allowed_hours": 2.0},
        {"dataset": "port-calls", "source": "urn:b", "by": "usual", "longest_pause_hours": 1.0, "pauses": 12},
    ],
    AlertKind.EXCEEDANCE: [
        {"title": "t", "quantity": "inventory-nox", "value": 64.4, "limit": 60.0, "simulated": True}
    ],
    AlertKind.PEER_ALARM: [{"name": "B", "peer": "urn:b"}],
    AlertKind.PEER_KEYS: [{"name": "B", "peer": "urn:b"}, {"name": "B", "peer": "urn:b", "ends": "since"}],
    AlertKind.LOG_FAULT: [{"what": "verify", "name": ""}, {"what": "reconcile", "name": "urn:b"}],
    AlertKind.IMPORT_FAILED: [{"name": "calls.csv"}],
    AlertKind.TASK_FAILED: [{"name": "inventory"}],
    AlertKind.DISK_LOW: [{"free_gb": 1.2, "free_percent": 3, "limit_percent": 10.0}],
    AlertKind.KEY_ENDS: [{}, {"ends": "since"}],
    AlertKind.ROOT_KEY_HERE: [{}],
    AlertKind.BACKUP_OLD: [{"limit_days": 7.0}, {"limit_days": 7.0, "last": "since"}],
    AlertKind.CHANNEL_FAILED: [{"name": "duty"}],
    AlertKind.CARGO_MILESTONE: [{"reference": "MSCU1234565", "number": 2}],
}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_has_words_in_every_language(kind: AlertKind, language: str) -> None:
    since = "2026-03-01T11:00:00+00:00"
    for given in EXAMPLES[kind]:
        details = {"since": since} | {key: since if value == "since" else value for key, value in given.items()}
        told = tell(
            language,
            "metric",
            alert_id="1",
            kind=kind,
            event="opened",
            severity=Severity.WARNING,
            details=details,
            link="https://port.example/x",
            at=ports.START,
        )
        assert told.text
        assert "None" not in told.text
        assert "%(" not in told.text
        assert "<" not in told.text
        subject, text = email_text([told] * 2, 3, language, "Port\r\nBcc: x@y.z", "https://port.example")
        assert "\n" not in subject
        assert "\r" not in subject
        assert told.text in text
