"""Checkpoints: a partner that keeps them sees a log cut, rolled back or rewritten by its own owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785
import sqlalchemy as sa
from tests.exchange.logs import ANGELES, NOW, YOKOHAMA, Port, show, two_ports

from sealane.database import Database
from sealane.database.tables.identity import peer
from sealane.database.tables.ledger import checkpoint as table
from sealane.database.tables.ledger import head, leaf, node
from sealane.errors import RequestRefusedError
from sealane.exchange import checkpoints, ledger
from sealane.exchange.checkpoints import TYP, Checkpoint, Outcome
from sealane.exchange.ledger import Entry, EntryKind


@pytest.fixture
def ports(databases: Callable[[], Database], tmp_path: Path) -> tuple[Port, Port]:
    return two_ports(databases, tmp_path)


def steps(port: Port, count: int) -> None:
    port.log(*(Entry(EntryKind.ALARM, YOKOHAMA, f"step {index}", {"reason": "test"}) for index in range(count)))


def empty(port: Port) -> None:
    """What an owner who rewrites his log would do first."""
    with port.database.write() as connection:
        for one in (leaf, node, head):
            connection.execute(one.delete())
        connection.execute(table.delete().where(table.c.participant == port.id))


def alarm_of(port: Port, participant: str) -> str | None:
    with port.database.read() as connection:
        return connection.scalar(sa.select(peer.c.alarm).where(peer.c.participant == participant))


def kinds(port: Port) -> list[str]:
    with port.database.read() as connection:
        return [entry.kind for entry in ledger.entries(connection)]


def test_a_log_that_grows_is_accepted_and_each_step_is_logged(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    for count in (3, 4, 1):
        steps(owner, count)
        found = show(owner, witness)
        assert found.outcome is Outcome.ACCEPTED
    assert found.held == 8
    assert show(owner, witness).outcome is Outcome.KNOWN
    assert kinds(witness) == ["checkpoint_received"] * 3
    assert alarm_of(witness, ANGELES) is None


def test_the_same_log_gives_the_same_checkpoint(ports: tuple[Port, Port]) -> None:
    owner, _ = ports
    steps(owner, 2)
    assert owner.checkpoint() == owner.checkpoint()


def test_partners_checkpoints_alone_are_no_news(ports: tuple[Port, Port]) -> None:
    """Else two nodes would answer each other without end."""
    owner, other = ports
    steps(owner, 2)
    steps(other, 2)
    with owner.database.write() as connection:
        first = checkpoints.checkpoint_if_news(connection, owner.identity, owner.now)
    show(other, owner)
    with owner.database.write() as connection:
        assert checkpoints.checkpoint_if_news(connection, owner.identity, owner.now) == first
    steps(owner, 1)
    with owner.database.write() as connection:
        assert checkpoints.checkpoint_if_news(connection, owner.identity, owner.now).size == 4


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [(5, 3, "rolled back"), (5, 5, "two roots are signed"), (5, 8, "is not shown to contain")],
)
def test_a_log_cut_or_rewritten_by_its_owner_raises_the_alarm_and_keeps_the_evidence(
    ports: tuple[Port, Port], before: int, after: int, says: str
) -> None:
    owner, witness = ports
    steps(owner, before)
    show(owner, witness)
    empty(owner)
    steps(owner, after)  # with the owner's own key, and other salts
    found = show(owner, witness)
    assert found.outcome is Outcome.CONTRADICTION
    assert says in (found.reason or "")
    assert says in (alarm_of(witness, ANGELES) or "")
    assert kinds(witness) == ["checkpoint_received", "alarm"]
    with witness.database.read() as connection:
        rows = connection.execute(sa.select(table).where(table.c.participant == ANGELES)).all()
        assert sorted((row.size, row.verified, row.contradiction is None) for row in rows) == sorted(
            [(before, True, True), (after, False, False)]
        )
        entry = ledger.entries(connection, kinds=["alarm"])[0]
        held, found_row = (next(r for r in rows if r.verified), next(r for r in rows if not r.verified))
        assert entry.body["held_digest"] == ledger.digest_of(held.jws)
        assert entry.body["found_digest"] == ledger.digest_of(found_row.jws)
    assert show(owner, witness).outcome is Outcome.CONTRADICTION
    assert kinds(witness) == ["checkpoint_received", "alarm"]  # the same evidence is logged once


def test_an_older_checkpoint_that_comes_late_is_no_alarm(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    steps(owner, 3)
    late = owner.checkpoint()
    steps(owner, 3)
    show(owner, witness)
    with witness.database.write() as connection:
        found = checkpoints.receive_checkpoint(connection, ANGELES, late.jws, [], witness.now)
    assert found.outcome is Outcome.OLDER
    assert alarm_of(witness, ANGELES) is None


def test_a_proof_from_another_size_is_asked_for_again(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    steps(owner, 3)
    show(owner, witness)
    steps(owner, 3)
    new = owner.checkpoint()
    with witness.database.write() as connection:
        found = checkpoints.receive_checkpoint(connection, ANGELES, new.jws, [], owner.now, proof_from=6)
        assert (found.outcome, found.held) == (Outcome.PROOF_NEEDED, 3)
    assert alarm_of(witness, ANGELES) is None


def test_what_a_receipt_says_is_held_against_the_next_checkpoint(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    steps(owner, 5)
    with owner.database.read() as connection:
        noted = Checkpoint(ANGELES, 5, ledger.root_at(connection, 5), owner.now, "the receipt")
    with witness.database.write() as connection:
        assert checkpoints.note_checkpoint(connection, noted, owner.now).outcome is Outcome.ACCEPTED
        assert checkpoints.latest(connection, ANGELES) is None  # not proven yet
    steps(owner, 2)
    show(owner, witness)
    with witness.database.write() as connection:
        (found,) = checkpoints.unproven(connection, ANGELES, 7, 10)
        assert found == noted
        newest = checkpoints.latest(connection, ANGELES)
        assert newest is not None
        with owner.database.read() as theirs:
            proof = ledger.consistency_proof(theirs, 5, 7)
        assert checkpoints.prove_noted(connection, noted, newest, proof, owner.now)
        assert checkpoints.unproven(connection, ANGELES, 7, 10) == []
    assert alarm_of(witness, ANGELES) is None


def test_a_rollback_behind_a_receipt_is_found(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    steps(owner, 2)
    show(owner, witness)
    with witness.database.write() as connection:
        noted = Checkpoint(ANGELES, 9, b"\x01" * 32, owner.now, "the receipt")
        checkpoints.note_checkpoint(connection, noted, owner.now)
    steps(owner, 2)
    assert "rolled back" in (show(owner, witness).reason or "")


def test_a_false_proof_for_a_receipt_raises_the_alarm(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    steps(owner, 5)
    show(owner, witness)
    with witness.database.write() as connection:
        noted = Checkpoint(ANGELES, 4, b"\x01" * 32, owner.now, "the receipt")
        checkpoints.note_checkpoint(connection, noted, owner.now)
        newest = checkpoints.latest(connection, ANGELES)
        assert newest is not None
        with owner.database.read() as theirs:
            proof = ledger.consistency_proof(theirs, 4, 5)
        assert not checkpoints.prove_noted(connection, noted, newest, proof, owner.now)
    assert "rewritten" in (alarm_of(witness, ANGELES) or "")


def test_the_operator_can_accept_a_restored_log_and_the_evidence_stays(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    steps(owner, 5)
    show(owner, witness)
    empty(owner)
    steps(owner, 3)
    assert show(owner, witness).outcome is Outcome.CONTRADICTION
    with witness.database.write() as connection:
        checkpoints.clear_alarm(connection, ANGELES, witness.now)
    assert alarm_of(witness, ANGELES) is None
    assert show(owner, witness).outcome is Outcome.ACCEPTED
    steps(owner, 4)
    assert show(owner, witness).held == 7
    with witness.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 3
    assert kinds(witness)[-3:] == ["alarm_cleared", "checkpoint_received", "checkpoint_received"]


def bad_payloads(good: dict[str, object]) -> list[dict[str, object]]:
    return [
        {**good, "participant": YOKOHAMA},
        {**good, "size": -1},
        {**good, "size": True},
        {**good, "root": "00"},
        {**good, "root": str(good["root"]).upper()},
        {**good, "time": "yesterday"},
        {**good, "time": "2026-11-22T06:00:00"},
        {**good, "time": "0001-01-01T00:00:00+14:00"},  # before the calendar in UTC: could not be read again
        {**good, "time": (NOW + dt.timedelta(days=1)).isoformat()},
        {**good, "more": 1},
        {key: value for key, value in good.items() if key != "time"},
    ]


def test_what_is_no_checkpoint_of_the_partner_is_refused(ports: tuple[Port, Port]) -> None:
    owner, witness = ports
    good: dict[str, object] = {"participant": ANGELES, "size": 1, "root": "ab" * 32, "time": NOW.isoformat()}
    jws = [owner.identity.sign(rfc8785.dumps(payload), TYP, NOW) for payload in bad_payloads(good)]  # type: ignore[arg-type]  # made wrong
    jws.append(owner.identity.sign(rfc8785.dumps(good), "sealane-receipt+jws", NOW))  # type: ignore[arg-type]
    jws.append(witness.identity.sign(rfc8785.dumps(good), TYP, NOW))  # type: ignore[arg-type]
    for text in jws:
        with pytest.raises(RequestRefusedError), witness.database.write() as connection:
            checkpoints.receive_checkpoint(connection, ANGELES, text, [], NOW)
    right = owner.identity.sign(rfc8785.dumps(good), TYP, NOW)  # type: ignore[arg-type]
    with witness.database.write() as connection:
        assert checkpoints.receive_checkpoint(connection, ANGELES, right, [], NOW).outcome is Outcome.ACCEPTED


def test_proofs_from_outside_are_bounded_and_strict() -> None:
    assert checkpoints.parse_proof(["ab" * 32]) == [b"\xab" * 32]
    for bad in (None, "ab", ["ab"], ["AB" * 32], [1], ["ab" * 32] * 129):
        with pytest.raises(RequestRefusedError):
            checkpoints.parse_proof(bad)
