"""Two nodes negotiate and transfer over real HTTP, with signatures and tokens."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests import ports
from tests.exchange.dsp_pair import Pair, pair, row_of, wait
from tests.exchange.dsp_schemas import validator
from tests.ports import AGREEMENT, CLAUSE, START

from sealane.database import Database
from sealane.database.tables import delivery, dsp
from sealane.errors import InputError
from sealane.exchange import dsp_messages as messages
from sealane.exchange.dsp_messages import CONTEXT
from sealane.exchange.policies import read_offer, terms_of
from sealane.node.api import dsp_triggers
from sealane.products.catalogue import DATASETS
from sealane.products.store import put_records

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def nodes(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Pair]:
    with pair(tmp_path, databases) as made:
        yield made


def test_a_clause_becomes_a_contract_and_a_stream(nodes: Pair) -> None:
    pid = nodes.contract()
    consumer = wait(nodes.consumer, dsp.negotiation, pid, "FINALIZED")
    provider = wait(nodes.provider, dsp.negotiation, consumer.peer_pid, "FINALIZED")
    assert consumer.agreement == provider.agreement
    assert consumer.agreement["assigner"] == nodes.provider.identity.participant
    transfer = nodes.transfer(consumer.agreement_ref)
    ours = wait(nodes.consumer, dsp.transfer, transfer, "STARTED")
    theirs = wait(nodes.provider, dsp.transfer, ours.peer_pid, "STARTED")
    assert ours.stream_id == theirs.stream_id is not None
    for node, direction in ((nodes.provider, "out"), (nodes.consumer, "in")):
        with node.database.read() as connection:
            stream = connection.execute(sa.select(delivery.stream)).one()
        assert (stream.direction, stream.state) == (direction, "open")


def ask(nodes: Pair, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """Send a signed request of the consumer to the provider."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = nodes.consumer.outbound.request(
        method,
        nodes.provider.identity.origin + path,
        participant=nodes.provider.identity.participant,
        content=content,
        headers={"Content-Type": "application/json"},
    )
    return answer.status, json.loads(answer.content or b"{}")


CATALOGUE = {"@context": [CONTEXT], "@type": "CatalogRequestMessage"}


def test_the_catalogue_shows_what_a_clause_offers_to_who_asks(
    tmp_path: Path, databases: Callable[[], Database]
) -> None:
    later = START + dt.timedelta(days=1)
    clauses = [
        ports.clause(),
        ports.clause(
            id="schedules", dataset="vessel-schedules", fields=tuple(sorted(DATASETS["vessel-schedules"].fields))
        ),
        ports.clause(
            id="other-way",
            provider="recipient",
            recipients=("provider",),
            dataset="container-milestones",
            fields=tuple(sorted(DATASETS["container-milestones"].fields)),
        ),
        ports.clause(
            id="not-yet",
            dataset="trial-results",
            valid_from=later,
            fields=tuple(sorted(DATASETS["trial-results"].fields)),
        ),
    ]
    with pair(tmp_path, databases, sorted(clauses, key=lambda one: one.id)) as nodes:
        status, catalogue = ask(nodes, "POST", "/dsp/catalog/request", CATALOGUE)
        assert (status, catalogue["participantId"]) == (200, nodes.provider.identity.participant)
        assert [dataset["@id"] for dataset in catalogue["dataset"]] == ["port-calls", "vessel-schedules"]
        (offer,) = catalogue["dataset"][0]["hasPolicy"]
        terms, _ = terms_of(read_offer(offer | {"target": "port-calls"}, "offer").policy, "port-calls")
        assert (terms.agreement_id, terms.clause.id, terms.clause.demonstration) == (AGREEMENT, CLAUSE, True)
        assert {d["format"] for d in catalogue["dataset"][0]["distribution"]} == {"Sealane-PUSH", "HttpData-PULL"}
        assert problems(catalogue) == []
        status, dataset = ask(nodes, "GET", "/dsp/catalog/datasets/vessel-schedules")
        assert (status, dataset["@id"], problems(dataset)) == (200, "vessel-schedules", [])
        for hidden in ("container-milestones", "trial-results", "no-such"):
            status, error = ask(nodes, "GET", f"/dsp/catalog/datasets/{hidden}")
            assert (status, error["@type"], problems(error)) == (404, "CatalogError", [])
        for wanted, found in (({"dataset": "port-calls"}, 1), ({"format": "HttpData-PULL"}, 2), ({"dataset": "x"}, 0)):
            _, filtered = ask(nodes, "POST", "/dsp/catalog/request", CATALOGUE | {"filter": [wanted]})
            assert len(filtered.get("dataset", [])) == found
            assert problems(filtered) == []
        status, error = ask(nodes, "POST", "/dsp/catalog/request", CATALOGUE | {"filter": [{"colour": "blue"}]})
        assert (status, problems(error)) == (400, [])
        nodes.retire()
        _, empty = ask(nodes, "POST", "/dsp/catalog/request", CATALOGUE)
        assert "dataset" not in empty
        assert problems(empty) == []


@SQLITE
def test_open_data_stand_in_the_catalogue_of_who_has_no_clause(nodes: Pair) -> None:
    with nodes.provider.database.write() as connection:
        own = nodes.provider.identity.participant
        put_records(connection, own, "port-calls", [ports.port_call(1)], nodes.clock(), public=True, simulated=True)
    nodes.retire()
    _, catalogue = ask(nodes, "POST", "/dsp/catalog/request", CATALOGUE)
    (dataset,) = catalogue["dataset"]
    assert [distribution["format"] for distribution in dataset["distribution"]] == ["Sealane-OPEN"]
    assert problems(catalogue) == []
    offer = dataset["hasPolicy"][0] | {"target": "port-calls"}
    request = messages.contract_request("urn:uuid:c", offer, callback=f"{nodes.consumer.identity.origin}/dsp")
    status, error = ask(nodes, "POST", "/dsp/negotiations/request", request)
    assert (status, error["code"]) == (400, "offer-unknown")


@SQLITE
def test_refusals_have_the_protocols_form(nodes: Pair) -> None:
    row = wait(nodes.consumer, dsp.negotiation, nodes.contract(), "FINALIZED")
    pids = {"providerPid": row.peer_pid, "consumerPid": row.id}
    event = {"@context": [CONTEXT], "@type": "ContractNegotiationEventMessage", "eventType": "ACCEPTED", **pids}
    duplicate = json.dumps(event).replace('"eventType"', '"eventType": "FINALIZED", "eventType"', 1).encode()
    base = f"/dsp/negotiations/{row.peer_pid}"
    for method, path, body, expected in (
        ("POST", f"{base}/events", event, 409),
        ("POST", f"{base}/events", duplicate, 400),
        ("POST", f"{base}/events", b"{", 400),
        ("POST", f"{base}/events", [], 400),
        ("POST", f"{base}/events", event | {"eventType": "AGREED"}, 400),
        ("POST", f"{base}/agreement", event, 400),
        ("POST", "/dsp/negotiations/urn:uuid:none/events", event, 404),
        ("GET", "/dsp/negotiations/urn:uuid:none", None, 404),
        ("GET", "/dsp/transfers/urn:uuid:none", None, 404),
        ("POST", "/dsp/transfers/urn:uuid:none/start", {"@type": "TransferStartMessage"}, 400),
    ):
        status, error = ask(nodes, method, path, body)
        assert status == expected, (path, error)
        assert error["reason"]
        assert problems(error) == [], error
    assert row_of(nodes.provider, dsp.negotiation, row.peer_pid).state == "FINALIZED"


@SQLITE
def test_who_does_not_say_who_it_is_learns_nothing(nodes: Pair) -> None:
    row = wait(nodes.consumer, dsp.negotiation, nodes.contract(), "FINALIZED")
    for path in (f"/dsp/negotiations/{row.peer_pid}", "/dsp/catalog/datasets/port-calls", "/dsp/transfers/x"):
        answer = httpx.get(nodes.provider.identity.origin + path, trust_env=False)
        assert answer.status_code == 401
        assert problems(answer.json()) == []
    for path in ("/test/dsp/negotiations", "/test/dsp/transfers"):  # outside of the test profile
        answer = httpx.post(nodes.provider.identity.origin + path, json={}, trust_env=False)
        assert answer.status_code == 404


@SQLITE
def test_one_partner_cannot_see_anothers_negotiation(nodes: Pair) -> None:
    row = wait(nodes.consumer, dsp.negotiation, nodes.contract(), "FINALIZED")
    with nodes.provider.database.write() as connection:
        connection.execute(sa.update(dsp.negotiation).values(peer="urn:sealane:test:third"))
    status, _ = ask(nodes, "GET", f"/dsp/negotiations/{row.peer_pid}")
    assert status == 404


def test_the_versions_are_open_to_all(nodes: Pair) -> None:
    answer = httpx.get(f"{nodes.provider.identity.origin}/.well-known/dspace-version", trust_env=False)
    assert answer.json() == {"protocolVersions": [{"version": "2025-1", "path": "/dsp", "binding": "HTTPS"}]}


@SQLITE
def test_the_kits_endpoints_are_refused_outside_of_the_test_profile(nodes: Pair) -> None:
    with pytest.raises(InputError, match="test profile"):
        dsp_triggers.router(nodes.provider)


def problems(message: dict[str, Any]) -> list[str]:
    return validator()(message)
