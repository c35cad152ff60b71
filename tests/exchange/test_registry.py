"""The registry between real identities and databases: in force only by all signatures over the same bytes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rfc8785
import sqlalchemy as sa
from tests.agreement_world import LOS_ANGELES, NAGOYA, NOW, YOKOHAMA, Port, document_of, make_ports

from sealane.agreements.documents import AgreementDocument, document_bytes, normal_form
from sealane.database import Database
from sealane.database.tables.agreements import agreement, agreement_message
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.identity import peer as peer_table
from sealane.errors import DataError, InputError, RequestRefusedError
from sealane.exchange import agreement_incoming, registry
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.evidence import Typ
from sealane.exchange.ledger import all_entries
from sealane.exchange.streams import open_stream

DAY = dt.timedelta(days=1)
# For what no database can change; each state and every lock is tested on both.
on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def ports(databases: Callable[[], Database], tmp_path: Path) -> list[Port]:
    return make_ports(databases, tmp_path)


def step(port: Port, function: Callable[..., Any], *arguments: Any, now: dt.datetime = NOW) -> registry.Registered:
    """Do one step of the registry in a transaction of its own."""
    with port.database.write() as connection:
        found: registry.Registered = function(connection, port.identity, *arguments, now)
        return found


def jws_of(port: Port, kind: str, version: int = 1) -> str:
    """Return what a port has queued for its partners."""
    with port.database.read() as connection:
        found = connection.scalars(
            sa.select(agreement_message.c.jws).where(
                agreement_message.c.kind == kind, agreement_message.c.version == version
            )
        ).first()
    assert found is not None
    return str(found)


def in_force(port: Port, now: dt.datetime = NOW) -> AgreementDocument | None:
    with port.database.read() as connection:
        return registry.in_force(connection, "test-agreement", now)


def terms(port: Port, version: int = 1, now: dt.datetime = NOW) -> object:
    with port.database.read() as connection:
        return registry.terms_in_force(connection, "test-agreement", version, f"{LOS_ANGELES}-calls", now)


def state(port: Port, version: int = 1) -> AgreementState | None:
    with port.database.read() as connection:
        found = registry.get_agreement(connection, "test-agreement", version)
    return found.state if found else None


def kinds_logged(port: Port) -> list[str]:
    with port.database.read() as connection:
        return [entry.kind for entry in all_entries(connection)]


def refused(port: Port, function: Callable[..., Any], *arguments: Any, now: dt.datetime = NOW) -> RequestRefusedError:
    """Return the refusal of a step, and prove that it left nothing behind."""

    def everything() -> list[Any]:
        with port.database.read() as connection:
            tables = agreement.metadata.sorted_tables
            return [connection.execute(sa.select(table)).all() for table in tables]

    before = everything()
    with pytest.raises(RequestRefusedError) as caught:
        step(port, function, *arguments, now=now)
    assert everything() == before
    return caught.value


def agree(one: Port, other: Port, document: AgreementDocument, now: dt.datetime = NOW) -> None:
    """Bring a document into force on both sides."""
    version = document.version
    step(one, registry.propose, document, now=now)
    step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal", version), now=now)
    step(other, registry.sign, document.id, version, now=now)
    signature = jws_of(other, "signature", version)
    step(one, registry.receive_signature, other.participant, document.id, version, signature, now=now)


def test_in_force_only_when_both_have_signed_the_identical_bytes(ports: list[Port]) -> None:
    one, other = ports
    document = document_of(ports)
    proposed = step(one, registry.propose, document)
    assert (proposed.state, proposed.missing) == (AgreementState.PROPOSED, (other.participant,))
    assert terms(one) is None
    received = step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal"))
    assert received.data == document_bytes(document) == proposed.data
    assert terms(other) is None
    signed = step(other, registry.sign, "test-agreement", 1)
    assert signed.state is AgreementState.IN_FORCE
    assert terms(one) is None  # it has not heard of the signature yet
    step(one, registry.receive_signature, other.participant, "test-agreement", 1, jws_of(other, "signature"))
    for port in ports:
        assert in_force(port) == document
        assert terms(port) == document.terms(f"{LOS_ANGELES}-calls")
        assert kinds_logged(port).count("agreement_signed") == 2
        assert kinds_logged(port).count("agreement_in_force") == 1
        assert kinds_logged(port).count("agreement_proposed") == 1


def test_three_parties_need_three_signatures(databases: Callable[[], Database], tmp_path: Path) -> None:
    ports = make_ports(databases, tmp_path, (LOS_ANGELES, NAGOYA, YOKOHAMA))
    one, second, third = ports
    step(one, registry.propose, document_of(ports))
    for port in (second, third):
        step(port, registry.receive_proposal, one.participant, jws_of(one, "proposal"))
    step(second, registry.sign, "test-agreement", 1)
    for port in (one, third):
        step(port, registry.receive_signature, second.participant, "test-agreement", 1, jws_of(second, "signature"))
    assert [state(port) for port in ports] == [AgreementState.PROPOSED] * 3
    step(third, registry.sign, "test-agreement", 1)
    for port in (one, second):
        step(port, registry.receive_signature, third.participant, "test-agreement", 1, jws_of(third, "signature"))
    assert [state(port) for port in ports] == [AgreementState.IN_FORCE] * 3


def test_everything_told_twice_is_told_once(ports: list[Port]) -> None:
    one, other = ports
    document = document_of(ports)
    agree(one, other, document)
    before = [kinds_logged(port) for port in ports]
    proposal, signature = jws_of(one, "proposal"), jws_of(other, "signature")
    step(one, registry.propose, document)
    step(other, registry.receive_proposal, one.participant, proposal)
    step(other, registry.sign, "test-agreement", 1)
    step(one, registry.receive_signature, other.participant, "test-agreement", 1, signature)
    assert [kinds_logged(port) for port in ports] == before


def test_both_may_propose_the_same_at_the_same_time(ports: list[Port]) -> None:
    document = document_of(ports)
    for port in ports:
        step(port, registry.propose, document)
    for port, other in (ports, ports[::-1]):
        step(port, registry.receive_proposal, other.participant, jws_of(other, "proposal"))
        assert state(port) is AgreementState.IN_FORCE


@on_one_database
def test_validity_is_judged_by_the_time_itself(ports: list[Port]) -> None:
    document = document_of(ports, valid_from="2026-03-02T00:00:00Z", valid_until="2026-03-03T00:00:00Z")
    agree(*ports, document)
    tick = dt.timedelta(microseconds=1)
    for port in ports:
        assert document.valid_until is not None
        assert in_force(port, document.valid_from - tick) is None
        assert in_force(port, document.valid_from) == document
        assert in_force(port, document.valid_until - tick) == document
        assert in_force(port, document.valid_until) is None


@on_one_database
def test_terms_are_those_of_exactly_this_version_and_clause(ports: list[Port]) -> None:
    agree(*ports, document_of(ports))
    with ports[0].database.read() as connection:
        assert registry.terms_in_force(connection, "test-agreement", 2, f"{LOS_ANGELES}-calls", NOW) is None
        assert registry.terms_in_force(connection, "test-agreement", 1, "no-such-clause", NOW) is None
        assert registry.terms_in_force(connection, "other", 1, f"{LOS_ANGELES}-calls", NOW) is None


def test_a_renewal_takes_over_exactly_at_its_beginning(ports: list[Port]) -> None:
    one, other = ports
    first = document_of(ports)
    agree(one, other, first)
    start = NOW + 10 * DAY
    second = registry.next_version(first, start, None)
    assert (second.version, second.supersedes, second.clauses[0].valid_from) == (2, 1, start)
    step(one, registry.renew, second)
    assert in_force(one, start + DAY) == first  # one signature is not enough
    step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal", 2))
    step(other, registry.sign, "test-agreement", 2)
    step(one, registry.receive_signature, other.participant, "test-agreement", 2, jws_of(other, "signature", 2))
    for port in ports:
        assert in_force(port, start - dt.timedelta(microseconds=1)) == first
        assert in_force(port, start) == second
        assert terms(port, 1, start) is None
        assert terms(port, 2, start) is not None
        assert state(port, 1) is AgreementState.IN_FORCE  # not marked yet, and nothing depends on the mark
    with one.database.write() as connection:
        assert registry.advance(connection, one.identity, start - DAY) is None
        assert registry.advance(connection, one.identity, start) == "test-agreement/1"
        assert registry.advance(connection, one.identity, start) is None
    assert state(one, 1) is AgreementState.SUPERSEDED
    assert kinds_logged(one).count("agreement_superseded") == 1


def test_a_retired_renewal_does_not_bring_the_old_version_back(ports: list[Port]) -> None:
    one, other = ports
    first = document_of(ports)
    agree(one, other, first)
    agree(one, other, registry.next_version(first, NOW + DAY, None))
    later = NOW + 2 * DAY
    assert terms(one, 2, later) is not None
    step(one, registry.retire, "test-agreement", 2, "enough", now=later)
    assert in_force(one, later) is None
    step(
        other,
        registry.receive_retirement,
        one.participant,
        "test-agreement",
        2,
        jws_of(one, "retirement", 2),
        now=later,
    )
    assert in_force(other, later) is None


@on_one_database
def test_a_renewal_retired_before_its_beginning_never_took_over(ports: list[Port]) -> None:
    first = document_of(ports)
    agree(*ports, first)
    agree(*ports, registry.next_version(first, NOW + 2 * DAY, None))
    step(ports[0], registry.retire, "test-agreement", 2, "we keep the first", now=NOW + DAY)
    assert in_force(ports[0], NOW + 3 * DAY) == first


def test_the_streams_of_an_expired_agreement_are_closed(ports: list[Port]) -> None:
    one, other = ports
    document = document_of(ports, valid_until="2026-03-02T00:00:00Z")
    agree(one, other, document)
    open_between(one, other, document)
    with one.database.write() as connection:
        assert registry.advance(connection, one.identity, NOW) is None
        assert registry.advance(connection, one.identity, NOW + DAY) == "test-agreement/1"
        assert registry.advance(connection, one.identity, NOW + DAY) is None
        assert connection.scalars(sa.select(stream_table.c.state_reason)).all() == ["the agreement expired"]


def open_between(one: Port, other: Port, document: AgreementDocument) -> None:
    """Open the stream of the first clause on both sides."""
    clause = document.terms(f"{LOS_ANGELES}-calls")
    assert clause is not None
    for port, peer, direction in ((one, other, "out"), (other, one, "in")):
        with port.database.write() as connection:
            open_stream(
                connection,
                own=port.participant,
                peer=peer.participant,
                direction=direction,
                terms=clause,
                purpose="supply-chain-visibility",
                now=NOW,
            )


def test_retirement_by_one_party_alone_stops_at_once_on_each_side(ports: list[Port]) -> None:
    one, other = ports
    document = document_of(ports)
    agree(one, other, document)
    open_between(one, other, document)
    later = NOW + DAY
    retired = step(other, registry.retire, "test-agreement", 1, "we are out of it", now=later)
    assert (retired.state, retired.ended_by, retired.ended_at) == (AgreementState.RETIRED, other.participant, later)
    assert terms(other, now=later) is None
    assert terms(one, now=later) is not None  # until it hears of it
    jws = jws_of(other, "retirement")
    step(one, registry.receive_retirement, other.participant, "test-agreement", 1, jws, now=later)
    for port in ports:
        assert terms(port, now=later) is None
        with port.database.read() as connection:
            row = connection.execute(sa.select(stream_table)).one()
        assert row.state == "closed"
        assert "we are out of it" in row.state_reason
    # Twice is once.
    logged = kinds_logged(one)
    step(one, registry.receive_retirement, other.participant, "test-agreement", 1, jws, now=later)
    step(other, registry.retire, "test-agreement", 1, "again", now=later)
    assert kinds_logged(one) == logged
    assert logged.count("agreement_retired") == 1
    assert logged.index("stream_closed") < logged.index("agreement_retired")


@on_one_database
def test_streams_stop_only_with_the_retirements_own_transaction(ports: list[Port]) -> None:
    """Negative control of the above: where the transaction fails, the agreement is in force as before."""
    agree(*ports, document_of(ports))

    def fail(port: Port) -> None:
        with port.database.write() as connection:
            registry.retire(connection, port.identity, "test-agreement", 1, "undone", NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail(ports[0])
    assert terms(ports[0]) is not None
    assert "agreement_retired" not in kinds_logged(ports[0])


def test_a_proposal_can_be_taken_back_and_declined(ports: list[Port]) -> None:
    one, other = ports
    step(one, registry.propose, document_of(ports))
    step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal"))
    with pytest.raises(InputError, match="signed by this node"):
        step(one, registry.decline, "test-agreement", 1, "no")
    declined = step(other, registry.decline, "test-agreement", 1, "not these terms")
    assert declined.state is AgreementState.DECLINED
    step(one, registry.receive_decline, other.participant, "test-agreement", 1, jws_of(other, "decline"))
    assert state(one) is AgreementState.DECLINED
    with pytest.raises(InputError, match="declined"):
        step(other, registry.sign, "test-agreement", 1)
    # The next try is the next version, and it can be retired before anybody signs.
    second = document_of(ports, version=2)
    step(one, registry.propose, second)
    step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal", 2))
    step(one, registry.retire, "test-agreement", 2, "taken back")
    step(other, registry.receive_retirement, one.participant, "test-agreement", 2, jws_of(one, "retirement", 2))
    assert state(other, 2) is AgreementState.RETIRED
    with pytest.raises(InputError, match="retired"):
        step(other, registry.sign, "test-agreement", 2)


@on_one_database
def test_who_has_signed_cannot_decline(ports: list[Port]) -> None:
    one, other = ports
    agree(one, other, document_of(ports))
    statement = {"agreement": "test-agreement", "version": 1, "participant": other.participant, "reason": "no"}
    jws = statement_of(other, one, Typ.DECLINE, **statement)
    assert refused(one, registry.receive_decline, other.participant, "test-agreement", 1, jws).kind == "agreement-state"


def statement_of(signer: Port, holder: Port, typ: str, **changes: Any) -> str:
    """Return a statement about version 1 with some of its content changed."""
    with holder.database.read() as connection:
        found = registry.get_agreement(connection, "test-agreement", 1)
    assert found is not None
    content: dict[str, Any] = {
        "agreement": "test-agreement",
        "version": 1,
        "digest": found.digest,
        "participant": signer.participant,
        "reason": "enough",
        "at": "2026-03-01T12:00:00Z",
    }
    return signer.identity.sign(rfc8785.dumps(content | changes), typ, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"agreement": "other"},
        {"version": 2},
        {"version": True},
        {"digest": "0" * 64},
        {"participant": "urn:example:somebody"},
        {"reason": ""},
        {"reason": 1},
        {"reason": "x" * 501},
        {"forever": True},
    ],
)
@on_one_database
def test_a_retirement_of_something_else_is_refused(ports: list[Port], changes: dict[str, Any]) -> None:
    one, other = ports
    agree(one, other, document_of(ports))
    jws = statement_of(other, one, Typ.RETIREMENT, **changes)
    error = refused(one, registry.receive_retirement, other.participant, "test-agreement", 1, jws)
    assert (error.status, error.kind) == (400, "other-agreement")
    step(  # negative control: the same statement unchanged is taken
        one,
        registry.receive_retirement,
        other.participant,
        "test-agreement",
        1,
        statement_of(other, one, Typ.RETIREMENT),
    )
    assert state(one) is AgreementState.RETIRED


@on_one_database
def test_a_statement_of_another_kind_or_signer_is_refused(ports: list[Port]) -> None:
    one, other = ports
    agree(one, other, document_of(ports))
    for jws in (
        statement_of(other, one, Typ.DECLINE),  # a decline is no retirement
        statement_of(one, one, Typ.RETIREMENT),  # nor is one's own word the partner's
        jws_of(other, "signature"),
        "no.j.ws",
        "",
    ):
        error = refused(one, registry.receive_retirement, other.participant, "test-agreement", 1, jws)
        assert error.status in (400, 401)


def altered(port: Port, document: AgreementDocument, **changes: Any) -> str:
    """Return a port's signature over a document with some of its content changed, past every check of its own side."""
    content = normal_form(document) | changes
    return port.identity.sign(rfc8785.dumps(content), Typ.AGREEMENT, NOW)


@on_one_database
def test_a_signature_over_other_bytes_is_refused(ports: list[Port]) -> None:
    one, other = ports
    document = document_of(ports)
    step(one, registry.propose, document)
    step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal"))
    jws = altered(other, document, title="Another title")
    error = refused(one, registry.receive_signature, other.participant, "test-agreement", 1, jws)
    assert (error.status, error.kind) == (409, "other-text")
    error = refused(one, registry.receive_proposal, other.participant, jws)
    assert (error.status, error.kind) == (409, "other-text")


@on_one_database
def test_a_proposal_is_checked_like_a_file_and_all_faults_come_back(ports: list[Port]) -> None:
    one, other = ports
    document = document_of(ports)
    content = normal_form(document)
    content["kind"] = "treaty"
    content["clauses"][0]["purposes"] = ["gossip"]
    content["clauses"][1]["delay"] = "P1M"
    jws = one.identity.sign(rfc8785.dumps(content), Typ.AGREEMENT, NOW)
    error = refused(other, registry.receive_proposal, one.participant, jws)
    assert (error.status, error.kind) == (422, "agreement-unusable")
    assert [fault.where.partition(": ")[2] for fault in error.faults] == [
        "kind",
        "clauses[0].purposes[0]",
        "clauses[1].delay",
    ]


@on_one_database
def test_a_proposal_that_is_not_canonical_is_refused(ports: list[Port]) -> None:
    one, other = ports
    data = json.dumps(normal_form(document_of(ports))).encode()
    jws = one.identity.sign(data, Typ.AGREEMENT, NOW)
    error = refused(other, registry.receive_proposal, one.participant, jws)
    assert "not in canonical form" in str(error)


FOREIGN_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@on_one_database
def test_root_keys_and_origins_must_be_those_registered(ports: list[Port]) -> None:
    one, other = ports
    content = normal_form(document_of(ports))
    entry = next(p for p in content["participants"] if p["participant"] == one.participant)
    entry |= {"root_key": FOREIGN_KEY, "origin": "https://elsewhere.example.org"}
    error = refused(other, registry.receive_proposal, one.participant, altered(one, document_of(ports), **content))
    assert {fault.where for fault in error.faults} == {
        f"participants: {LOS_ANGELES}.root_key",
        f"participants: {LOS_ANGELES}.origin",
    }
    # The same at the proposer's own desk, here with the partner's entry.
    other_entry = next(p for p in content["participants"] if p["participant"] == other.participant)
    other_entry |= {"root_key": {**FOREIGN_KEY, "x": "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}}
    entry |= {"root_key": one.identity.root_jwk, "origin": one.identity.origin}
    with pytest.raises(DataError, match=f"participants: {NAGOYA}.root_key"):
        step(one, registry.propose, document_of(ports, participants=content["participants"]))


@on_one_database
def test_a_partner_with_another_root_key_here_cannot_sign(ports: list[Port]) -> None:
    one, other = ports
    step(one, registry.propose, document_of(ports))
    with other.database.write() as connection:
        connection.execute(peer_table.update().values(root_key=FOREIGN_KEY))
    error = refused(other, registry.receive_proposal, one.participant, jws_of(one, "proposal"))
    assert (error.status, error.kind) == (401, "unknown-key")


@on_one_database
def test_an_own_key_that_is_not_ours_is_refused(ports: list[Port]) -> None:
    """A proposal that names this node with a foreign root key would let somebody else sign for it."""
    one, other = ports
    content = normal_form(document_of(ports))
    entry = next(p for p in content["participants"] if p["participant"] == other.participant)
    entry["root_key"] = FOREIGN_KEY
    jws = one.identity.sign(rfc8785.dumps(content), Typ.AGREEMENT, NOW)
    error = refused(other, registry.receive_proposal, one.participant, jws)
    assert [fault.where for fault in error.faults] == [f"participants: {NAGOYA}.root_key"]


@on_one_database
def test_signing_checks_the_partners_again(ports: list[Port]) -> None:
    one, other = ports
    step(one, registry.propose, document_of(ports))
    step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal"))
    with other.database.write() as connection:
        connection.execute(peer_table.delete())
    with pytest.raises(DataError, match="not registered here"):
        step(other, registry.sign, "test-agreement", 1)


@on_one_database
def test_agreements_between_others_are_no_business_of_this_node(
    databases: Callable[[], Database], tmp_path: Path
) -> None:
    ports = make_ports(databases, tmp_path, (LOS_ANGELES, NAGOYA, YOKOHAMA))
    one, other, third = ports
    document = document_of(ports[:2])
    error = refused(third, registry.receive_proposal, one.participant, altered(one, document))
    assert (error.status, error.kind) == (403, "not-a-participant")
    # Nor can a third party propose, sign or end what it is not in.
    error = refused(other, registry.receive_proposal, third.participant, altered(third, document))
    assert error.kind == "not-a-participant"
    agree(one, other, document)
    jws = altered(third, document)
    error = refused(other, registry.receive_signature, third.participant, "test-agreement", 1, jws)
    unknown = refused(other, registry.receive_signature, third.participant, "no-agreement", 1, jws)
    assert error.status == unknown.status == 404
    assert error.kind == unknown.kind


@on_one_database
def test_the_next_version_follows_the_last(ports: list[Port]) -> None:
    one, other = ports
    agree(one, other, document_of(ports))
    for changes, said in (
        ({"version": 2}, "supersedes"),
        ({"version": 3, "supersedes": 2}, "Give 1, the version in force"),
    ):
        with pytest.raises(DataError, match=said):
            step(one, registry.propose, document_of(ports, **changes))
    step(one, registry.propose, document_of(ports, version=2, supersedes=1, title="Another"))
    with pytest.raises(DataError, match="version 2 is still proposed"):
        step(one, registry.propose, document_of(ports, version=3, supersedes=1))
    with pytest.raises(InputError, match="with another text"):
        step(one, registry.propose, document_of(ports, version=2, supersedes=1))


@on_one_database
def test_a_renewal_keeps_every_participant(databases: Callable[[], Database], tmp_path: Path) -> None:
    ports = make_ports(databases, tmp_path, (LOS_ANGELES, NAGOYA, YOKOHAMA))
    step(ports[0], registry.propose, document_of(ports))
    for port in ports[1:]:
        step(port, registry.receive_proposal, ports[0].participant, jws_of(ports[0], "proposal"))
        step(port, registry.sign, "test-agreement", 1)
        jws = jws_of(port, "signature")
        step(ports[0], registry.receive_signature, port.participant, "test-agreement", 1, jws)
    assert state(ports[0]) is AgreementState.IN_FORCE
    with pytest.raises(DataError, match="left out"):
        step(ports[0], registry.renew, document_of(ports[:2], version=2, supersedes=1))


def test_drafts_are_kept_changed_and_told_to_nobody(ports: list[Port]) -> None:
    one, other = ports
    step(one, registry.draft, document_of(ports))
    changed = document_of(ports, title="A better title")
    step(one, registry.draft, changed)
    with one.database.read() as connection:
        assert registry.messages(connection) == []
    assert kinds_logged(one) == []
    jws = altered(other, changed)
    error = refused(one, registry.receive_signature, other.participant, "test-agreement", 1, jws)
    assert error.status == 404  # not even that there is a draft
    found = step(one, registry.propose, changed)
    assert (found.state, found.document.title) == (AgreementState.PROPOSED, "A better title")
    gone = step(one, registry.draft, document_of(ports, id="second-agreement"))
    step(one, registry.retire, "second-agreement", 1, "not needed")
    assert gone.document.id == "second-agreement"
    with one.database.read() as connection:
        assert {m.agreement_id for m in registry.messages(connection)} == {"test-agreement"}


@on_one_database
def test_an_agreement_that_is_over_cannot_be_proposed(ports: list[Port]) -> None:
    document = document_of(ports, valid_until="2026-02-01T00:00:00Z")
    with pytest.raises(DataError, match="is over"):
        step(ports[0], registry.propose, document)


@on_one_database
def test_a_partner_cannot_fill_the_list_with_proposals(ports: list[Port], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = ports
    monkeypatch.setattr(agreement_incoming, "MAX_OPEN_PROPOSALS", 3)
    for number in range(3):
        jws = altered(one, document_of(ports, id=f"agreement-{number}"))
        step(other, registry.receive_proposal, one.participant, jws)
    error = refused(other, registry.receive_proposal, one.participant, altered(one, document_of(ports)))
    assert (error.status, error.retry_after_s) == (429, 3600)


@on_one_database
def test_the_log_names_each_step_for_the_partner_concerned(ports: list[Port]) -> None:
    one, other = ports
    agree(one, other, document_of(ports))
    step(one, registry.retire, "test-agreement", 1, "enough")
    with one.database.read() as connection:
        entries = list(all_entries(connection))
    assert [entry.kind for entry in entries] == [
        "agreement_proposed",
        "agreement_signed",
        "agreement_signed",
        "agreement_in_force",
        "agreement_retired",
    ]
    assert {entry.peer for entry in entries} == {other.participant}
    assert {entry.subject for entry in entries} == {"test-agreement/1"}
    assert [entry.body["participant"] for entry in entries if "participant" in entry.body] == [
        one.participant,
        other.participant,
        one.participant,
    ]


def test_many_at_once_leave_one_proposal_and_one_signature_each(ports: list[Port]) -> None:
    """Messages told twice may also arrive at the same moment, in several threads or processes."""
    one, other = ports
    step(one, registry.propose, document_of(ports))
    proposal = jws_of(one, "proposal")

    def all_at_once(port: Port, function: Callable[..., Any], *arguments: Any) -> None:
        with ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(step, port, function, *arguments) for _ in range(16)]:
                future.result()

    all_at_once(other, registry.receive_proposal, one.participant, proposal)
    all_at_once(other, registry.sign, "test-agreement", 1)
    signature = jws_of(other, "signature")
    all_at_once(one, registry.receive_signature, other.participant, "test-agreement", 1, signature)
    all_at_once(one, registry.retire, "test-agreement", 1, "over")
    all_at_once(other, registry.receive_retirement, one.participant, "test-agreement", 1, jws_of(one, "retirement"))
    for port in ports:
        assert sorted(kinds_logged(port)) == [
            "agreement_in_force",
            "agreement_proposed",
            "agreement_retired",
            "agreement_signed",
            "agreement_signed",
        ]
