"""The registry between real identities and databases: in force only by all signatures over the same bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.agreement_world import LOS_ANGELES, NAGOYA, NOW, YOKOHAMA, Port, document_of, make_ports
from tests.exchange.registry_steps import (
    DAY,
    agree,
    altered,
    in_force,
    jws_of,
    kinds_logged,
    on_one_database,
    open_between,
    refused,
    state,
    step,
    terms,
)

from sealane.agreements.documents import document_bytes
from sealane.database import Database
from sealane.database.tables.delivery import stream as stream_table
from sealane.errors import InputError
from sealane.exchange import registry
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.ledger import all_entries


@pytest.fixture
def ports(databases: Callable[[], Database], tmp_path: Path) -> list[Port]:
    return make_ports(databases, tmp_path)


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
