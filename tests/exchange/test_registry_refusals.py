"""What the registry refuses, of partners and of its own operator: all of it, with reasons, nothing half applied."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from tests.agreement_world import LOS_ANGELES, NAGOYA, NOW, YOKOHAMA, Port, document_of, make_ports
from tests.exchange.registry_steps import (
    FOREIGN_KEY,
    agree,
    altered,
    jws_of,
    on_one_database,
    refused,
    state,
    statement_of,
    step,
)

from sealane.agreements.documents import normal_form, read_document
from sealane.database import Database
from sealane.database.tables.identity import peer as peer_table
from sealane.errors import DataError, InputError
from sealane.exchange import agreement_incoming, registry
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.evidence import Typ


@pytest.fixture
def ports(databases: Callable[[], Database], tmp_path: Path) -> list[Port]:
    return make_ports(databases, tmp_path)


@on_one_database
def test_who_has_signed_cannot_decline(ports: list[Port]) -> None:
    one, other = ports
    agree(one, other, document_of(ports))
    statement = {"agreement": "test-agreement", "version": 1, "participant": other.participant, "reason": "no"}
    jws = statement_of(other, one, Typ.DECLINE, **statement)
    assert refused(one, registry.receive_decline, other.participant, "test-agreement", 1, jws).kind == "agreement-state"


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


@on_one_database
def test_a_proposal_is_not_read_before_its_size_and_form_are(
    ports: list[Port], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading YAML or half a megabyte takes seconds, in which nobody else can write."""
    one, other = ports
    read: list[int] = []

    def noted(data: bytes, name: str, known: Any) -> Any:
        read.append(len(data))
        return read_document(data, name, known)

    monkeypatch.setattr(agreement_incoming, "read_document", noted)
    for data in (b"id: test-agreement\nversion: 1\n", b"{" + b" " * 500_000 + b"}", b""):
        jws = one.identity.sign(data, Typ.AGREEMENT, NOW)
        error = refused(other, registry.receive_proposal, one.participant, jws)
        assert (error.kind, [fault.where for fault in error.faults]) == ("agreement-unusable", ["document"])
    assert read == []
    refused(other, registry.receive_proposal, one.participant, one.identity.sign(b"{}", Typ.AGREEMENT, NOW))
    assert read == [2]  # the control


CLAUSE = {"id": "c", "provider": "a", "recipients": ["b"], "dataset": "port-calls", "purposes": ["p"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"clauses": [{**CLAUSE, "fields": [f"portCall.portCallIF{number}" for number in range(2_000)]}]},
        {"areas": [f"environmental-issuez-{number}" for number in range(2_000)]},
        {"parties": [{"party": f"los-angelez-{number}"} for number in range(2_000)]},
    ],
)
@on_one_database
def test_a_list_of_faults_without_end_is_not_worked_through(ports: list[Port], changes: dict[str, Any]) -> None:
    """Each takes a search for the nearest known name: half a megabyte of them took a minute."""
    one, other = ports
    content = normal_form(document_of(ports)) | changes
    jws = one.identity.sign(rfc8785.dumps(content), Typ.AGREEMENT, NOW)
    error = refused(other, registry.receive_proposal, one.participant, jws)
    assert len(error.faults) < 250
    assert any("more" in fault.found and "not read" in fault.remedy for fault in error.faults)


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
