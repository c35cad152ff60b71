"""Two logs compared: what one sent against what the other received; pure, over the network and offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import ports

from sealane.database import Database
from sealane.database.tables.delivery import receipt as receipt_table
from sealane.database.tables.ledger import checkpoint, head, leaf, node
from sealane.errors import InputError, RequestRefusedError
from sealane.exchange import ledger, registry
from sealane.exchange.checkpoint_exchange import exchange_checkpoints
from sealane.exchange.checkpoints import Outcome, clear_alarm
from sealane.exchange.delivery import deliver_all
from sealane.exchange.ledger import Entry, append
from sealane.exchange.ledger_export import export_bundle
from sealane.exchange.peers import get_peer
from sealane.exchange.reconcile import Difference, Finding, Reconciled, Side, compare, reconcile, reconcile_bundles
from sealane.exchange.verifier import verify
from sealane.node.context import Node

STREAM = "5" * 64


def entry(kind: str, **body: Any) -> dict[str, Any]:
    return {"kind": kind, "body": {"stream": STREAM, **body}}


def sent(*numbers: int) -> list[dict[str, Any]]:
    return [entry("event_sealed", sequence=n, digest=f"d{n}") for n in numbers]


def received(*numbers: int) -> list[dict[str, Any]]:
    return [entry("event_received", sequence=n, digest=f"d{n}") for n in numbers]


def receipt(kind: str, first: int, last: int) -> dict[str, Any]:
    return entry(kind, first_sequence=first, last_sequence=last, digest=f"r{first}-{last}")


def both(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> Reconciled:
    """Compare, and hold against the same comparison made from the other side."""
    result = compare(Side.of(ours), Side.of(theirs))
    mirrored = compare(Side.of(theirs), Side.of(ours))
    assert len(result.findings) == len(mirrored.findings)
    assert len(result.faults) == len(mirrored.faults)
    return result


def test_two_logs_that_agree_have_no_finding() -> None:
    result = both([*sent(1, 2, 3), receipt("receipt_got", 1, 3)], [*received(1, 2, 3), receipt("receipt_given", 1, 3)])
    assert result == Reconciled(3, 0, 1, ())


def test_what_was_confirmed_and_is_not_in_their_log_is_missing() -> None:
    result = both([*sent(1, 2, 3), receipt("receipt_got", 1, 3)], [*received(1, 3), receipt("receipt_given", 1, 3)])
    assert result.faults == (Finding(Difference.MISSING, "sent", STREAM, 2, ours="d2"),)


def test_what_was_not_confirmed_yet_is_pending() -> None:
    result = both([*sent(1, 2, 3), receipt("receipt_got", 1, 2)], [*received(1, 2), receipt("receipt_given", 1, 2)])
    assert result.faults == ()
    assert result.findings == (Finding(Difference.PENDING, "sent", STREAM, 3, ours="d3"),)


def test_a_receipt_that_was_lost_is_pending_and_one_taken_out_of_their_log_is_missing() -> None:
    lost = both([*sent(1)], [*received(1), receipt("receipt_given", 1, 1)])
    assert [finding.difference for finding in lost.findings] == [Difference.PENDING]
    gone = both([*sent(1), receipt("receipt_got", 1, 1)], [*received(1)])
    assert gone.faults == (Finding(Difference.MISSING, "receipt", STREAM, 1, ours="r1-1"),)


def test_other_bytes_are_altered_and_what_was_not_sent_is_extra() -> None:
    theirs = [*received(1), entry("event_received", sequence=2, digest="other"), *received(9)]
    result = both([*sent(1, 2), receipt("receipt_got", 1, 2)], [*theirs, receipt("receipt_given", 1, 2)])
    assert result.faults == (
        Finding(Difference.ALTERED, "sent", STREAM, 2, "d2", "other"),
        Finding(Difference.EXTRA, "sent", STREAM, 9, None, "d9"),
    )
    assert str(result.faults[0]) == "altered sent stream 555555555555 sequence 2 ours d2 theirs other"


def test_the_own_log_is_held_to_the_same() -> None:
    result = both([*received(1), receipt("receipt_given", 1, 2)], [*sent(1, 2), receipt("receipt_got", 1, 2)])
    assert result.faults == (Finding(Difference.MISSING_HERE, "received", STREAM, 2, theirs="d2"),)


def test_a_refused_event_is_confirmed_too() -> None:
    refused = entry("event_refused", sequence=2, digest="d2", reason="schema")
    result = both([*sent(1, 2), receipt("receipt_got", 1, 2)], [*received(1), refused, receipt("receipt_given", 1, 2)])
    assert result.findings == ()


def test_another_document_under_the_same_version_is_altered() -> None:
    ours, theirs = ({"kind": "agreement_signed", "body": {"agreement": "a", "version": 1, "digest": d}} for d in "xy")
    assert both([ours], [theirs]).faults == (
        Finding(Difference.ALTERED, "agreement a version 1", ours="x", theirs="y"),
    )


@dataclass
class Pair:
    """Two nodes that serve, with an agreement both have signed over the wire, and port calls delivered under it."""

    provider: Node
    recipient: Node
    clock: ports.Clock

    def deliver(self, *numbers: int) -> None:
        ports.feed(self.provider, numbers)
        deliver_all(self.provider, threads=1)
        self.clock.forward(1)

    def export(self, owner: Node, target: Path) -> Path:
        with owner.database.read() as connection:
            export_bundle(connection, owner.identity, target, self.clock())
        return target


@pytest.fixture
def pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[Pair]:
    clock = ports.Clock()
    provider, recipient = (ports.make_node(tmp_path, name, databases(), clock) for name in ("yokohama", "angeles"))
    with ExitStack() as stack:
        for one in (provider, recipient):
            stack.enter_context(ports.serving(one))
            stack.callback(one.outbound.close)
        ports.introduce(provider, recipient)
        ports.introduce(recipient, provider)
        ports.exchange_keys(provider, recipient)
        document = ports.agreement(provider, recipient, [ports.clause()])
        with provider.database.write() as connection:
            registry.propose(connection, provider.identity, document, clock())
        registry.send_pending(provider)
        with recipient.database.write() as connection:
            registry.sign(connection, recipient.identity, document.id, document.version, clock())
        registry.send_pending(recipient)
        ports.open_both(provider, recipient, document)
        made = Pair(provider, recipient, clock)
        made.deliver(*range(5))
        yield made


def participant(one: Node) -> str:
    return one.identity.participant


def test_real_nodes_agree_and_their_bundles_verify_offline(pair: Pair, tmp_path: Path) -> None:
    """Both signatures of the agreement are verified by the offline verifier alone."""
    pair.deliver(5, 6, 7)
    for one in (pair.provider, pair.recipient):
        for told in exchange_checkpoints(one):
            assert told.error is None
            assert told.fetched is not None
            assert told.fetched.outcome in {Outcome.ACCEPTED, Outcome.KNOWN}
    result = reconcile(pair.provider, participant(pair.recipient))
    assert (result.sent, result.received, result.findings) == (8, 0, ())
    assert result.receipts >= 2
    mirrored = reconcile(pair.recipient, participant(pair.provider))
    assert (mirrored.sent, mirrored.received, mirrored.findings) == (0, 8, ())
    bundles = [pair.export(one, tmp_path / f"bundle-{n}.zip") for n, one in enumerate((pair.provider, pair.recipient))]
    roots = {participant(one): one.identity.root_jwk for one in (pair.provider, pair.recipient)}
    for bundle, witness in (bundles, bundles[::-1]):
        report = verify(bundle, roots, [witness])
        assert report.faults == []
        assert report.counts["signatures of parties"] == 2
        assert report.counts["of them held by others"] >= 1
    assert reconcile_bundles(*bundles).findings == ()
    # One side ends it alone: its signed word is in both logs, and verifies.
    with pair.recipient.database.write() as connection:
        registry.retire(connection, pair.recipient.identity, ports.AGREEMENT, 1, "end of the test", pair.clock())
    registry.send_pending(pair.recipient)
    for number, one in enumerate((pair.provider, pair.recipient)):
        report = verify(pair.export(one, tmp_path / f"retired-{number}"), roots, bundles)
        assert report.faults == []
        assert report.counts["signatures of parties"] == 3


def test_checkpoints_settle_and_do_not_answer_each_other_for_ever(pair: Pair) -> None:
    for _ in range(3):
        for one in (pair.provider, pair.recipient):
            exchange_checkpoints(one)
    with pair.provider.database.read() as ours, pair.recipient.database.read() as theirs:
        before = ledger.log_size(ours), ledger.log_size(theirs)
    for one in (pair.provider, pair.recipient):
        (told,) = exchange_checkpoints(one)
        assert told.sent is not None
        assert told.sent.outcome is Outcome.KNOWN
    with pair.provider.database.read() as ours, pair.recipient.database.read() as theirs:
        assert (ledger.log_size(ours), ledger.log_size(theirs)) == before


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_partner_that_is_down_does_not_keep_the_others_waiting(pair: Pair, tmp_path: Path) -> None:
    silent = ports.make_node(tmp_path, "aaa-silent", pair.provider.database, pair.clock)
    ports.introduce(pair.provider, silent)
    told = exchange_checkpoints(pair.provider)
    assert [(one.participant, one.error is None) for one in told] == [
        (participant(silent), False),
        (participant(pair.recipient), True),
    ]


def rewrite(owner: Node, keep: Callable[[ledger.LoggedEntry], bool]) -> None:
    """Write a node's whole log anew with some entries left out, and forget its own checkpoints."""
    with owner.database.write() as connection:
        kept = [one for one in ledger.all_entries(connection) if keep(one)]
        for table in (leaf, node, head):
            connection.execute(table.delete())
        connection.execute(checkpoint.delete().where(checkpoint.c.participant == participant(owner)))
        append(connection, [Entry(one.kind, one.peer, one.subject, one.body) for one in kept], owner.clock())


def is_third_event(one: ledger.LoggedEntry) -> bool:
    return one.kind == "event_received" and one.body["sequence"] == 3


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_event_the_partner_took_out_of_its_log_is_named(pair: Pair, tmp_path: Path) -> None:
    """Before any checkpoint is held, and with no receipt kept: only the comparison can show it."""
    with pair.provider.database.write() as connection:
        connection.execute(receipt_table.delete())
    rewrite(pair.recipient, lambda one: not is_third_event(one))
    for result in (
        reconcile(pair.provider, participant(pair.recipient)),
        reconcile_bundles(pair.export(pair.provider, tmp_path / "a"), pair.export(pair.recipient, tmp_path / "b")),
    ):
        assert [(f.difference, f.what, f.sequence) for f in result.faults] == [(Difference.MISSING, "sent", 3)]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_log_rewritten_after_a_receipt_is_found_by_the_receipt(pair: Pair) -> None:
    """The receipt states the log's root; the rewritten log cannot be shown to contain it."""
    rewrite(pair.recipient, lambda one: not is_third_event(one))
    pair.clock.forward(10)
    ports.feed(pair.provider, range(100, 110))
    deliver_all(pair.provider, threads=1)
    exchange_checkpoints(pair.provider)
    with pair.provider.database.read() as connection:
        found = get_peer(connection, participant(pair.recipient))
    assert found is not None
    assert "contradicts what it signed before" in (found.alarm or "")
    # The operator accepts it: the old receipts are evidence now, and do not raise the alarm again.
    with pair.provider.database.write() as connection:
        clear_alarm(connection, participant(pair.recipient), pair.clock())
    pair.clock.forward(10)
    for _ in range(2):
        (told,) = exchange_checkpoints(pair.provider)
        assert told.fetched is not None
        assert told.fetched.outcome in {Outcome.ACCEPTED, Outcome.KNOWN}
    with pair.provider.database.read() as connection:
        found = get_peer(connection, participant(pair.recipient))
    assert found is not None
    assert found.alarm is None


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("wait_s", "says"), [(0, "a shorter log"), (1, "rolled back")])
def test_a_contradicting_log_is_not_compared(pair: Pair, wait_s: int, says: str) -> None:
    exchange_checkpoints(pair.provider)
    rewrite(pair.recipient, lambda one: one.position < 6)
    pair.clock.forward(wait_s)
    with pytest.raises(RequestRefusedError, match=says):
        reconcile(pair.provider, participant(pair.recipient))


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_entry_without_a_valid_proof_is_named(pair: Pair) -> None:
    """The partner's database was changed under its own checkpoint."""
    exchange_checkpoints(pair.provider)
    with pair.recipient.database.write() as connection:
        one = next(e for e in ledger.all_entries(connection) if is_third_event(e))
        text = one.entry.replace(b'"sequence":3', b'"sequence":4')
        assert text != one.entry
        connection.execute(leaf.update().where(leaf.c.position == one.position).values(entry=text))
    result = reconcile(pair.provider, participant(pair.recipient))
    assert Finding(Difference.UNPROVEN, f"entry {one.position}") in result.faults
    assert any(f.difference is Difference.MISSING and f.sequence == 3 for f in result.faults)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_stranger_cannot_be_compared_with(pair: Pair) -> None:
    with pytest.raises(InputError, match="is not registered"):
        reconcile(pair.provider, "urn:sealane:test:nobody")
