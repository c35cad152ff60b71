"""Partners' keys: only what the root key vouches for, a revocation known within a minute, and nothing for ever."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.live_nodes import Clock, LiveNode, introduce, live_node

from sealane.database import Database
from sealane.errors import InputError, RequestRefusedError
from sealane.exchange.evidence import Typ, known_keys, verify_evidence
from sealane.exchange.jws import new_key, public_jwk
from sealane.exchange.peers import (
    MAX_LIST_AGE,
    add_peer,
    clear_alarm,
    get_peer,
    know_signer,
    list_peers,
    raise_alarm,
    refresh_due,
    refresh_keys,
    remove_peer,
    usable_key,
)

ROOT = public_jwk(new_key())
# What differs between the databases is in the tests without this mark.
SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[tuple[LiveNode, LiveNode]]:
    clock = Clock()
    with (
        live_node(tmp_path / "a", databases(), "port-a", clock) as one,
        live_node(tmp_path / "b", databases(), "port-b", clock) as other,
    ):
        introduce(one, other)
        introduce(other, one)
        yield one, other


def kind_of(call: Callable[[], object]) -> str:
    with pytest.raises(RequestRefusedError) as refused:
        call()
    return refused.value.kind


def test_a_partner_is_registered_changed_and_removed(database: Database, tmp_path: Path) -> None:
    now = Clock()()

    def add(connection: object, origin: str = "https://b.example", root: object = ROOT, **more: bool) -> object:
        return add_peer(
            connection,  # type: ignore[arg-type]
            participant="port-b",
            name="B",
            origin=origin,
            root_key=root,
            now=now,
            **more,  # type: ignore[arg-type]
        )

    with database.write() as connection:
        add(connection)
        add(connection, "https://b.example:8443/")
        peer = get_peer(connection, "port-b")
        assert peer is not None
        assert (peer.origin, peer.must_sign, peer.allow_private) == ("https://b.example:8443", True, False)
        with pytest.raises(InputError, match="in person"):
            add(connection, root=public_jwk(new_key()))
        with pytest.raises(InputError, match="not encrypted"):
            add(connection, "http://b.example")
        with pytest.raises(InputError, match="private part"):
            add(connection, root={**ROOT, "d": "secret-part"})
        with pytest.raises(InputError) as refused:
            add(connection, root={**ROOT, "d": "secret-part"})
        assert "secret-part" not in str(refused.value)
        assert raise_alarm(connection, "port-b", "first")
        assert not raise_alarm(connection, "port-b", "second")
        assert [each.alarm for each in list_peers(connection)] == ["first"]
        clear_alarm(connection, "port-b")
        assert remove_peer(connection, "port-b")
        assert not remove_peer(connection, "port-b")
        assert get_peer(connection, "port-b") is None


def test_keys_are_read_and_then_used_without_asking(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    kid = other.node.identity.signing_key(one.clock()).kid
    assert usable_key(one.node, "port-b", kid).kid == kid
    with one.node.database.read() as connection:
        peer = get_peer(connection, "port-b")
    assert peer is not None
    assert (peer.keys_checked_at, peer.keys_error) == (one.clock(), None)
    one.node.outbound.close()
    one.node.outbound.request = None  # type: ignore[method-assign, assignment]  # whoever asks again fails
    one.clock.advance(29)
    assert usable_key(one.node, "port-b", kid).kid == kid


def test_a_revocation_is_known_within_a_minute(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    kid = other.node.identity.signing_key(one.clock()).kid
    usable_key(one.node, "port-b", kid)
    other.node.identity.revoke(kid, one.clock(), reason="stolen")
    one.clock.advance(29)
    assert usable_key(one.node, "port-b", kid)  # not asked again yet
    one.clock.advance(1)
    assert kind_of(lambda: usable_key(one.node, "port-b", kid)) == "key-revoked"


@SQLITE
def test_a_revocation_is_never_taken_back(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    kid = other.node.identity.signing_key(one.clock()).kid
    other.node.identity.revoke(kid, one.clock(), reason="stolen")
    assert kind_of(lambda: usable_key(one.node, "port-b", kid)) == "key-revoked"
    (other.node.identity.folder / f"{kid}.revocation.jws").unlink()
    one.clock.advance(60)
    assert refresh_keys(one.node, "port-b")
    assert kind_of(lambda: usable_key(one.node, "port-b", kid)) == "key-revoked"


@SQLITE
def test_a_new_key_is_fetched_when_it_is_first_seen(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    usable_key(one.node, "port-b", other.node.identity.signing_key(one.clock()).kid)
    one.clock.advance(2)
    new = other.node.identity.rotate(one.clock())
    assert usable_key(one.node, "port-b", new.kid).kid == new.kid


def test_many_requests_with_a_new_key_ask_once(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    asked: list[str] = []
    original = one.node.outbound.request

    def counted(method: str, url: str, **options: object) -> object:
        asked.append(url)
        return original(method, url, **options)  # type: ignore[arg-type]

    one.node.outbound.request = counted  # type: ignore[method-assign, assignment]
    kid = other.node.identity.signing_key(one.clock()).kid
    found: list[str] = []

    def until_known() -> None:
        while True:
            try:
                found.append(usable_key(one.node, "port-b", kid).kid)
            except RequestRefusedError as refused:
                assert (refused.status, refused.retry_after_s) == (503, 1)
                time.sleep(0.02)
            else:
                return

    threads = [threading.Thread(target=until_known) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [kid] * 8
    assert len(asked) == 1


@SQLITE
def test_a_key_nobody_certified_is_refused_and_does_not_make_us_ask_for_ever(pair: tuple[LiveNode, LiveNode]) -> None:
    one, _ = pair
    asked: list[str] = []
    original = one.node.outbound.request
    one.node.outbound.request = lambda *a, **k: asked.append("") or original(*a, **k)  # type: ignore
    kinds = [kind_of(lambda: usable_key(one.node, "port-b", "x" * 43)) for _ in range(5)]
    assert kinds == ["unknown-key"] + ["keys-unavailable"] * 4
    assert len(asked) == 1


@SQLITE
def test_a_partner_that_is_down_works_for_an_hour_and_no_longer(
    databases: Callable[[], Database], tmp_path: Path
) -> None:
    clock = Clock()
    with live_node(tmp_path / "a", databases(), "port-a", clock) as one:
        with live_node(tmp_path / "b", databases(), "port-b", clock) as other:
            introduce(one, other)
            kid = other.node.identity.signing_key(clock()).kid
            usable_key(one.node, "port-b", kid)
        clock.advance(MAX_LIST_AGE.total_seconds() - 1)
        assert usable_key(one.node, "port-b", kid).kid == kid
        clock.advance(1)
        with pytest.raises(RequestRefusedError) as refused:
            usable_key(one.node, "port-b", kid)
        assert (refused.value.status, refused.value.kind) == (503, "keys-unavailable")
        assert refused.value.retry_after_s


@SQLITE
def test_a_cached_key_ends_with_its_validity_although_the_list_is_fresh(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    key = other.node.identity.signing_key(one.clock())
    usable_key(one.node, "port-b", key.kid)
    one.clock.now = key.certificate.valid_until - dt.timedelta(seconds=1)
    assert usable_key(one.node, "port-b", key.kid)
    one.clock.advance(1)
    assert kind_of(lambda: usable_key(one.node, "port-b", key.kid)) == "key-not-valid"


@SQLITE
def test_a_list_with_one_foreign_statement_is_refused_whole(pair: tuple[LiveNode, LiveNode], tmp_path: Path) -> None:
    one, other = pair
    kid = other.node.identity.signing_key(one.clock()).kid
    foreign = tmp_path / "b" / "keys" / f"{'x' * 43}.certificate.jws"
    good = other.node.identity.key_set
    bad = one.node.identity.key_set(one.clock())["certificates"]
    other.node.identity.key_set = lambda now: {  # type: ignore[method-assign]
        **good(now),
        "certificates": good(now)["certificates"] + bad,
    }
    assert not foreign.exists()
    assert not refresh_keys(one.node, "port-b")
    assert kind_of(lambda: usable_key(one.node, "port-b", kid)) == "keys-unavailable"
    with one.node.database.read() as connection:
        assert known_keys(connection, "port-b") == []


@SQLITE
def test_the_clock_set_back_makes_us_ask_again(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    kid = other.node.identity.signing_key(one.clock()).kid
    usable_key(one.node, "port-b", kid)
    other.node.identity.revoke(kid, one.clock(), reason="stolen")
    one.clock.advance(-30)
    assert kind_of(lambda: usable_key(one.node, "port-b", kid)) == "key-revoked"


@SQLITE
def test_the_job_reads_what_is_due(pair: tuple[LiveNode, LiveNode]) -> None:
    one, _ = pair
    assert refresh_due(one.node) == 1
    assert refresh_due(one.node) == 0
    one.clock.advance(25)
    assert refresh_due(one.node) == 1


@SQLITE
def test_the_job_stores_own_keys_that_a_rotation_left_out(pair: tuple[LiveNode, LiveNode]) -> None:
    one, _ = pair
    new = one.node.identity.rotate(one.clock())
    text = one.node.identity.sign(b"x", Typ.RECEIPT, one.clock())
    refresh_due(one.node)
    with one.node.database.read() as connection:
        assert new.kid in {key.kid for key in known_keys(connection, "port-a")}
        assert verify_evidence(connection, text, Typ.RECEIPT, "port-a", one.clock()) == b"x"


@SQLITE
def test_the_signer_of_an_answer_becomes_known(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    now = one.clock()
    text = other.node.identity.sign(b"receipt", Typ.RECEIPT, now)
    with one.node.database.write() as connection:
        assert kind_of(lambda: verify_evidence(connection, text, Typ.RECEIPT, "port-b", now)) == "unknown-key"
    know_signer(one.node, "port-b", text)
    with one.node.database.write() as connection:
        assert verify_evidence(connection, text, Typ.RECEIPT, "port-b", now) == b"receipt"


def test_a_partner_with_a_new_root_key_starts_anew(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    now = one.clock()
    kid = other.node.identity.signing_key(now).kid
    usable_key(one.node, "port-b", kid)
    text = other.node.identity.sign(b"x", Typ.RECEIPT, now)
    with one.node.database.write() as connection:
        remove_peer(connection, "port-b")
        assert verify_evidence(connection, text, Typ.RECEIPT, "port-b", now) == b"x"  # what it signed stays valid
        add_peer(
            connection,
            participant="port-b",
            name="B",
            origin=other.origin,
            root_key=ROOT,
            allow_private=True,
            now=now,
        )
    assert kind_of(lambda: usable_key(one.node, "port-b", kid)) == "keys-unavailable"
    with one.node.database.write() as connection:
        assert kind_of(lambda: verify_evidence(connection, text, Typ.RECEIPT, "port-b", now)) == "unknown-key"


@SQLITE
def test_what_is_published_is_what_is_read(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    answer = one.node.outbound.request(
        "GET", f"{other.origin}/.well-known/sealane/keys", participant="port-b", sign=False
    )
    assert answer.status == 200
    assert json.loads(answer.content) == other.node.identity.key_set(one.clock())
