"""Every message we send, and every published example, against the published schemas; what is malformed is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.dsp_schemas import VERSIONS, examples, validator

from sealane.errors import DataError, RequestRefusedError
from sealane.exchange import dsp_messages as messages
from sealane.exchange.dsp_messages import CONTEXT, DataAddress, MessageType, read_message
from sealane.exchange.odrl import Action, Policy, Rule
from sealane.exchange.policies import Offer, read_offer

P, C = "urn:uuid:provider", "urn:uuid:consumer"
OFFER = Offer("urn:offer:1", "port-calls", Policy(frozenset({Rule(Action.USE, frozenset())})), "urn:p", "urn:c")
AGREEMENT = OFFER.document(with_target=True) | {
    "@type": "Agreement",
    "@id": "urn:uuid:agreement",
    "timestamp": "2026-03-01T12:00:00Z",
}
ADDRESS = DataAddress("https://port.example/events", properties=(("authorization", "secret"), ("authType", "bearer")))
SENT: dict[str, dict[str, Any]] = {
    "request": messages.contract_request(C, OFFER.document(with_target=True), callback="https://port.example/dsp"),
    "counter-request": messages.contract_request(C, OFFER.document(with_target=True), provider_pid=P),
    "offer": messages.contract_offer(P, C, OFFER.document(with_target=True)),
    "agreement": messages.contract_agreement(P, C, AGREEMENT),
    "verification": messages.contract_verification(P, C),
    "accepted": messages.contract_event(P, C, "ACCEPTED"),
    "finalized": messages.contract_event(P, C, "FINALIZED"),
    "negotiation termination": messages.ending(MessageType.CONTRACT_TERMINATION, P, C, "terminated", "why"),
    "negotiation termination without reason": messages.ending(MessageType.CONTRACT_TERMINATION, P, C, "x", None),
    "negotiation": messages.process_state(MessageType.NEGOTIATION, P, C, "REQUESTED"),
    "negotiation error": messages.process_error(MessageType.NEGOTIATION_ERROR, P, C, "409", ["why"]),
    "transfer request, push": messages.transfer_request(
        C, "a", "Sealane-PUSH", "https://port.example", ADDRESS.document()
    ),
    "transfer request, pull": messages.transfer_request(C, "a", "HttpData-PULL", "https://port.example", None),
    "start": messages.transfer_start(P, C, None),
    "start with address": messages.transfer_start(P, C, ADDRESS.document()),
    "completion": messages.transfer_completion(P, C),
    "suspension": messages.ending(MessageType.TRANSFER_SUSPENSION, P, C, "suspended", "why"),
    "transfer termination": messages.ending(MessageType.TRANSFER_TERMINATION, P, C, "terminated", "why"),
    "transfer": messages.process_state(MessageType.TRANSFER, P, C, "STARTED"),
    "transfer error": messages.process_error(MessageType.TRANSFER_ERROR, P, C, "409", ["why"]),
    "catalogue error": messages.catalog_error("404", ["why"]),
}
READABLE = {
    MessageType.CATALOG_REQUEST,
    MessageType.DATASET_REQUEST,
    MessageType.CONTRACT_REQUEST,
    MessageType.CONTRACT_OFFER,
    MessageType.CONTRACT_AGREEMENT,
    MessageType.CONTRACT_VERIFICATION,
    MessageType.CONTRACT_EVENT,
    MessageType.CONTRACT_TERMINATION,
    MessageType.NEGOTIATION,
    MessageType.TRANSFER_REQUEST,
    MessageType.TRANSFER_START,
    MessageType.TRANSFER_SUSPENSION,
    MessageType.TRANSFER_COMPLETION,
    MessageType.TRANSFER_TERMINATION,
    MessageType.TRANSFER,
}


def test_every_message_we_send_holds_by_its_published_schema() -> None:
    problems = validator()
    assert {name: found for name, message in SENT.items() if (found := problems(message))} == {}
    assert problems(messages.versions("/dsp"), VERSIONS) == []
    assert {message["@type"] for message in SENT.values()} >= {kind for kind in READABLE if "Dataset" not in kind} - {
        MessageType.CATALOG_REQUEST
    }


def test_the_schemas_can_tell() -> None:
    problems = validator()
    for name in ("suspension", "transfer termination", "transfer error"):  # the schemas with the mended reference
        broken = copy.deepcopy(SENT[name])
        del broken["consumerPid"]
        broken["reason"] = []
        assert len(problems(broken)) >= 2, name
    assert problems(SENT["agreement"] | {"agreement": {"@type": "Agreement"}})


def test_every_published_example_is_read_and_holds() -> None:
    problems = validator()
    count = 0
    for name, message in examples():
        kind = message.get("@type")
        if kind is None:
            continue  # versions and DID services are no messages
        count += 1
        assert problems(message) == [], name
        if kind in READABLE:
            assert read_message(message, MessageType(kind)).type == kind
    assert count >= 23


def test_a_message_we_send_can_be_read() -> None:
    for name, message in SENT.items():
        kind = MessageType(message["@type"])
        if kind in READABLE:
            got = read_message(json.loads(json.dumps(message)), kind)
            assert got.type is kind, name
    got = read_message(SENT["transfer request, push"], MessageType.TRANSFER_REQUEST)
    assert got.data_address == ADDRESS
    assert ADDRESS.get("authorization") == "secret"
    assert "secret" not in repr(ADDRESS)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"@context": "https://w3id.org/dspace/2025/1/context.jsonld"}, "@context"),
        ({"@context": ["https://evil.example/context.jsonld"]}, "@context"),
        ({"@context": [CONTEXT, {"offer": "x"}]}, "@context"),
        ({"@type": "ContractOfferMessage"}, "@type"),
        ({"@type": 3}, "@type"),
        ({"consumerPid": 7}, "consumerPid"),
        ({"consumerPid": ""}, "consumerPid"),
        ({"consumerPid": "x" * 3000}, "consumerPid"),
        ({"offer": []}, "offer"),
        ({"providerPid": "p"}, "callbackAddress"),
        ({"callbackAddress": None}, "callbackAddress"),
        ({"reason": "why"}, "reason"),
        ({"filter": {}}, "filter"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        read_message(SENT["request"] | changes, MessageType.CONTRACT_REQUEST)
    assert refused.value.status == 400
    assert where in [fault.where for fault in refused.value.faults]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(RequestRefusedError) as refused:
        read_message({"@type": "TransferRequestMessage"}, MessageType.TRANSFER_REQUEST)
    assert [fault.where for fault in refused.value.faults] == [
        "@context",
        "consumerPid",
        "agreementId",
        "format",
        "callbackAddress",
    ]


@pytest.mark.parametrize(
    "address",
    [
        {"@type": "DataAddress"},
        {"@type": "Address", "endpointType": "x"},
        {"@type": "DataAddress", "endpointType": "x", "endpoint": 1},
        {"@type": "DataAddress", "endpointType": "x", "endpointProperties": [{"name": "a"}]},
        {"@type": "DataAddress", "endpointType": "x", "endpointProperties": "a"},
        "https://port.example",
    ],
)
def test_a_malformed_data_address_is_refused(address: Any) -> None:
    message = messages.transfer_start(P, C, {}) | {"dataAddress": address}
    with pytest.raises(RequestRefusedError):
        read_message(message, MessageType.TRANSFER_START)


def test_reasons_of_other_connectors_are_understood() -> None:
    message = messages.ending(MessageType.CONTRACT_TERMINATION, P, C, "1", None)
    kind = MessageType.CONTRACT_TERMINATION
    assert read_message(message | {"reason": [{"message": "no"}, "never"]}, kind).reason == "1: no; never"
    assert read_message(message, kind).reason == "1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a JSON value."""
    if isinstance(value, dict):
        return [(value, key) for key in value] + [place for inner in value.values() for place in places(inner)]
    if isinstance(value, list):
        return [(value, n) for n in range(len(value))] + [place for inner in value for place in places(inner)]
    return []


@given(st.sampled_from(sorted(SENT)), st.data())
def test_whatever_stands_in_a_message_it_is_read_or_refused(name: str, data: st.DataObject) -> None:
    message = copy.deepcopy(SENT[name])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(message)))
        container[key] = data.draw(JSON)
        if not places(message):
            break
    try:
        got = read_message(message, *READABLE)
    except RequestRefusedError as refused:
        assert refused.status == 400
        return
    for text in (got.consumer_pid, got.provider_pid, got.callback, got.reason, got.agreement_ref, got.format):
        assert text is None or text.isprintable()  # a database takes it
    for policy in (got.offer, got.agreement):
        try:
            read_offer(policy, "offer")
        except DataError as refused_policy:
            assert refused_policy.faults
