"""Events on the wire: one form, read strictly; receipts likewise."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sealane.errors import RequestRefusedError
from sealane.exchange.events import (
    MAX_BATCH_BYTES,
    MAX_EVENTS,
    Event,
    batch_bytes,
    binary_headers,
    digest_of_event,
    event_bytes,
    event_data,
    parse_batch,
    parse_binary,
)
from sealane.exchange.receipts import EventOutcome, Receipt, ReceiptOutcome, parse_receipt, receipt_bytes

MOMENT = dt.datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=dt.UTC)
EVENT = Event(
    id="abc.0.1.def",
    source="urn:sealane:test:yokohama",
    dataset="port-calls",
    subject="record 1",
    time=MOMENT,
    known_at=MOMENT,
    agreement_id="yokohama",
    agreement_version=1,
    clause_id="port-calls",
    stream_id="a" * 64,
    sequence=7,
    simulated=True,
    demonstration=True,
    data=b'{"b": 1, "a" : 2}',
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)
EVENTS = st.builds(
    lambda id, subject, data, sequence, when, flag: dataclasses.replace(
        EVENT, id=id, subject=subject, data=data, sequence=sequence, time=when, simulated=flag
    ),
    TEXT,
    TEXT,
    st.binary(max_size=200),
    st.integers(1, 2**63 - 1),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.booleans(),
)


def batch(*events: Event) -> bytes:
    return batch_bytes([event_bytes(event) for event in events])


@given(EVENTS)
def test_an_event_comes_back_as_it_was_and_its_bytes_are_canonical(event: Event) -> None:
    data = event_bytes(event)
    assert data == rfc8785.dumps(json.loads(data))
    (received,) = parse_batch(batch_bytes([data]))
    assert received.event == event
    assert received.digest == digest_of_event(data)
    assert event_data(data) == event.data


@given(EVENTS)
def test_binary_mode_tells_the_same_event_with_the_same_digest(event: Event) -> None:
    headers = binary_headers(event)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    received = parse_binary(headers, event.data)
    assert received.event == event
    assert received.digest == digest_of_event(event_bytes(event))


def test_the_record_travels_untouched() -> None:
    assert base64.b64decode(json.loads(event_bytes(EVENT))["data_base64"]) == EVENT.data


def broken(**changes: Any) -> bytes:
    content = json.loads(event_bytes(EVENT))
    content.update({name: value for name, value in changes.items() if value is not None})
    for name, value in changes.items():
        if value is None:
            del content[name]
    return json.dumps([content]).encode()


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (broken(id=None), "[0].id"),
        (broken(id=""), "[0].id"),
        (broken(id=5), "[0].id"),
        (broken(subject="x" * 201), "[0].subject"),
        (broken(sequence=7), "[0].sequence"),
        (broken(sequence="7"), "[0].sequence"),
        (broken(sequence="0" * 20), "[0].sequence"),
        (broken(sequence="9" * 20), "[0].sequence"),
        (broken(agreementversion=True), "[0].agreementversion"),
        (broken(agreementversion=0), "[0].agreementversion"),
        (broken(simulated="true"), "[0].simulated"),
        (broken(time="2026-03-01T12:00:00"), "[0].time"),
        (broken(knownat="2026-03-01T12:00:00+01:00"), "[0].knownat"),
        (broken(specversion="1.1"), "[0].specversion"),
        (broken(type="sealane.other.v1"), "[0].type"),
        (broken(extra="x"), "[0].extra"),
        (broken(data_base64="e30"), "[0].data_base64"),
        (broken(data_base64="e31="), "[0].data_base64"),  # decodes to the same bytes as e30=
        (broken(data_base64="e 30="), "[0].data_base64"),
        (b"[5]", "[0]"),
        (batch(EVENT, dataclasses.replace(EVENT, sequence=9)), "[1].sequence"),
        (batch(EVENT, EVENT), "[1].sequence"),
        (batch(EVENT, dataclasses.replace(EVENT, sequence=8, stream_id="b" * 64)), "[1].stream"),
        (batch(EVENT, dataclasses.replace(EVENT, sequence=8, source="urn:other")), "[1].source"),
    ],
)
def test_a_batch_with_a_fault_is_refused_whole_with_the_place(body: bytes, where: str) -> None:
    with pytest.raises(RequestRefusedError) as raised:
        parse_batch(body)
    assert raised.value.status == 400
    assert where in [fault.where for fault in raised.value.faults]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(RequestRefusedError) as raised:
        parse_batch(broken(id=None, clause=5, simulated="no", extra="x"))
    assert len(raised.value.faults) == 4


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"[", b"\xff", broken().replace(b'"id"', b'"id":"x","id"', 1)])
def test_what_is_no_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefusedError) as raised:
        parse_batch(body)
    assert raised.value.status == 400


def test_limits_of_a_batch() -> None:
    many = batch(*(dataclasses.replace(EVENT, sequence=n) for n in range(1, MAX_EVENTS + 2)))
    for body in (many, b"[" + b" " * MAX_BATCH_BYTES + b"]"):
        with pytest.raises(RequestRefusedError) as raised:
            parse_batch(body)
        assert raised.value.status == 413


RECEIPT = Receipt(
    stream_id="a" * 64,
    provider="urn:a",
    recipient="urn:b",
    agreement_id="yokohama",
    agreement_version=1,
    clause_id="port-calls",
    events=(
        EventOutcome(7, "abc", "d" * 64, ReceiptOutcome.ACCEPTED),
        EventOutcome(8, "abd", "e" * 64, ReceiptOutcome.REFUSED, "outside the agreement: port_outside"),
    ),
    next_sequence=9,
    in_force=True,
    state="open",
    ledger_size=4,
    ledger_root="f" * 64,
    issued_at=MOMENT,
)


def test_a_receipt_comes_back_as_it_was() -> None:
    data = receipt_bytes(RECEIPT)
    assert data == rfc8785.dumps(json.loads(data))
    assert parse_receipt(data) == RECEIPT


@pytest.mark.parametrize(
    "change",
    [
        {"next_sequence": "9"},
        {"next_sequence": -1},
        {"next_sequence": True},
        {"events": {}},
        {"events": [{"sequence": 7}]},
        {"events": [{"sequence": 7, "id": "a", "digest": "d", "outcome": "perhaps"}]},
        {"in_force": "yes"},
        {"issued_at": "today"},
        {"ledger": None},
    ],
)
def test_what_is_no_receipt_is_not_believed(change: dict[str, Any]) -> None:
    content = json.loads(receipt_bytes(RECEIPT)) | change
    with pytest.raises(RequestRefusedError, match="receipt cannot be used"):
        parse_receipt(json.dumps(content).encode())
