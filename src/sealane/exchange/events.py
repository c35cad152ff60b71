"""Events on the wire: CloudEvents 1.0, in batches between Sealane nodes, in binary mode towards others.

A record's bytes travel untouched in ``data_base64``. An event has one form only, its JSON with sorted keys and
without spaces (what RFC 8785 gives for it): these bytes are stored, digested, sent and, after a failure, sent again.

Source: CloudEvents 1.0.2, JSON event format and HTTP protocol binding; extension ``sequence`` of the same project.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from sealane.errors import Fault, RequestRefusedError
from sealane.exchange import strict_json

BATCH_TYPE = "application/cloudevents-batch+json"
MAX_EVENTS = 500
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_EVENT_BYTES = 1024 * 1024
_SEQUENCE_DIGITS = 20  # the extension wants sequences that sort as text

# Attribute -> (JSON type, longest text). All are required and no other one is taken.
_ATTRIBUTES: Mapping[str, tuple[type, int]] = {
    "agreement": (str, 120),
    "agreementversion": (int, 0),
    "clause": (str, 120),
    "data_base64": (str, MAX_EVENT_BYTES * 2),
    "datacontenttype": (str, 100),
    "dataset": (str, 60),
    "demonstration": (bool, 0),
    "id": (str, 240),
    "knownat": (str, 32),
    "sequence": (str, _SEQUENCE_DIGITS),
    "simulated": (bool, 0),
    "source": (str, 200),
    "specversion": (str, 3),
    "stream": (str, 64),
    "subject": (str, 200),
    "time": (str, 32),
    "type": (str, 100),
}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
_DIGITS = re.compile(rf"\d{{{_SEQUENCE_DIGITS}}}")


@dataclass(frozen=True)
class Event:
    """One record, or one cell of an aggregate, on its way to a partner.

    Attributes
    ----------
    id : unique for its source.
    source : participant id of the provider.
    subject : id of the record in its dataset.
    time : when what it tells happened or will happen; ``known_at`` where it has no time.
    known_at : when the provider learnt it; a delay counts from here.
    sequence : number in the stream, from 1, without gaps.
    simulated : the record is made up.
    demonstration : the clause's terms are made up.
    data : the record's bytes.
    """

    id: str
    source: str
    dataset: str
    subject: str
    time: dt.datetime
    known_at: dt.datetime
    agreement_id: str
    agreement_version: int
    clause_id: str
    stream_id: str
    sequence: int
    simulated: bool
    demonstration: bool
    data: bytes
    content_type: str = "application/json"

    @property
    def type(self) -> str:
        """CloudEvents type; it changes when the meaning of the attributes does."""
        return f"sealane.{self.dataset}.v1"


@dataclass(frozen=True)
class ReceivedEvent:
    """An event as it came, with the digest of its bytes."""

    event: Event
    digest: str


def event_bytes(event: Event) -> bytes:
    """Return the one form of an event."""
    document = _attributes(event) | {"data_base64": base64.b64encode(event.data).decode("ascii")}
    return _canonical(document)


def event_data(data: bytes) -> bytes:
    """Return the record's bytes from an event's own bytes."""
    return base64.b64decode(json.loads(data)["data_base64"])


def digest_of_event(data: bytes) -> str:
    """Return the SHA-256 of an event's bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def batch_bytes(events: Sequence[bytes]) -> bytes:
    """Return the body of a batch."""
    return b"[" + b",".join(events) + b"]"


def parse_batch(body: bytes) -> list[ReceivedEvent]:
    """Read a batch strictly; nothing is taken from a batch in which anything is wrong.

    The order is the sender's. Whether the sequences follow each other is checked, and that all events belong to one
    stream; whether the stream is known is not.

    Raises
    ------
    RequestRefusedError
        400 with all faults, or 413 when there are too many events or bytes.
    """
    if len(body) > MAX_BATCH_BYTES:
        raise _too_large(f"The batch has {len(body):,} bytes", f"Send at most {MAX_BATCH_BYTES:,} bytes at once.")
    document = strict_json.parse(body, max_bytes=MAX_BATCH_BYTES)
    if not isinstance(document, list) or not document:
        raise RequestRefusedError(
            400, "malformed-batch", "The body is not a list of events.", f"Send a JSON array of type {BATCH_TYPE}."
        )
    if len(document) > MAX_EVENTS:
        raise _too_large(f"The batch has {len(document):,} events", f"Send at most {MAX_EVENTS} at once.")
    faults: list[Fault] = []
    received = [_read(item, f"[{index}]", faults) for index, item in enumerate(document)]
    events = [item for item in received if item is not None]
    if not faults:
        _check_order(events, faults)
    if faults:
        raise RequestRefusedError(
            400,
            "malformed-batch",
            f"{len(faults)} fault(s) in the batch of events.",
            "Mend them and send it again.",
            faults,
        )
    return events


def binary_headers(event: Event) -> dict[str, str]:
    """Return the headers of an event in binary mode; the body is ``event.data`` itself."""
    headers = {"content-type": event.content_type}
    for name, value in _attributes(event).items():
        if name != "datacontenttype":
            text = str(value).lower() if isinstance(value, bool) else str(value)
            headers[f"ce-{name}"] = quote(text, safe="!#$&'()*+,-./:;<=>?@[]^_`{|}~")
    return headers


def parse_binary(headers: Mapping[str, str], body: bytes) -> ReceivedEvent:
    """Read an event in binary mode; its digest is that of the same event in a batch.

    Raises
    ------
    RequestRefusedError
        400 with all faults.
    """
    document: dict[str, Any] = {"datacontenttype": headers.get("content-type", "")}
    for name, (kind, _) in _ATTRIBUTES.items():
        text = headers.get(f"ce-{name}")
        if text is None:
            continue
        value = unquote(text)
        if kind is bool:
            document[name] = {"true": True, "false": False}.get(value, value)
        elif kind is int:
            document[name] = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value
        else:
            document[name] = value
    document["data_base64"] = base64.b64encode(body).decode("ascii")
    faults: list[Fault] = []
    received = _read(document, "headers", faults)
    if received is None:
        raise RequestRefusedError(
            400, "malformed-event", f"{len(faults)} fault(s) in the event.", "Mend them and send it again.", faults
        )
    return received


def time_text(moment: dt.datetime) -> str:
    """Return a time as it stands in events and receipts: UTC, microseconds, ``Z``."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_time(text: str) -> dt.datetime | None:
    """Read what `time_text` writes; None for anything else."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _attributes(event: Event) -> dict[str, Any]:
    return {
        "agreement": event.agreement_id,
        "agreementversion": event.agreement_version,
        "clause": event.clause_id,
        "datacontenttype": event.content_type,
        "dataset": event.dataset,
        "demonstration": event.demonstration,
        "id": event.id,
        "knownat": time_text(event.known_at),
        "sequence": f"{event.sequence:0{_SEQUENCE_DIGITS}d}",
        "simulated": event.simulated,
        "source": event.source,
        "specversion": "1.0",
        "stream": event.stream_id,
        "subject": event.subject,
        "time": time_text(event.time),
        "type": event.type,
    }


def _canonical(document: Mapping[str, Any]) -> bytes:
    # Only texts, whole numbers and booleans with ASCII keys: for these Python's encoder gives RFC 8785's bytes.
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _too_large(found: str, remedy: str) -> RequestRefusedError:
    return RequestRefusedError(413, "batch-too-large", found + ".", remedy)


def _read(item: Any, path: str, faults: list[Fault]) -> ReceivedEvent | None:
    before = len(faults)
    if not isinstance(item, dict):
        faults.append(Fault(path, f"is {type(item).__name__}", "An event is a JSON object."))
        return None
    for name in item.keys() - _ATTRIBUTES.keys():
        faults.append(Fault(f"{path}.{str(name)[:60]}", "unknown attribute", "Leave it out."))
    for name, (kind, longest) in _ATTRIBUTES.items():
        value = item.get(name)
        if type(value) is not kind:
            found = "missing" if name not in item else f"is {type(value).__name__}"
            faults.append(Fault(f"{path}.{name}", found, f"Give a JSON {_JSON_NAME[kind]}."))
        elif isinstance(value, str) and not 0 < len(value) <= longest and name != "data_base64":
            faults.append(Fault(f"{path}.{name}", f"{len(value)} characters", f"Give 1 to {longest}."))
    if len(faults) > before:
        return None
    return _build(item, path, faults)


_JSON_NAME = {str: "string", int: "integer", bool: "true or false"}


def _build(item: Mapping[str, Any], path: str, faults: list[Fault]) -> ReceivedEvent | None:
    before = len(faults)
    times = {name: read_time(item[name]) for name in ("time", "knownat")}
    for name, value in times.items():
        if value is None:
            faults.append(Fault(f"{path}.{name}", "no such time", "Write UTC as 2026-01-31T12:00:00.000000Z."))
    if not _DIGITS.fullmatch(item["sequence"]) or int(item["sequence"]) < 1 or int(item["sequence"]) >= 2**63:
        faults.append(Fault(f"{path}.sequence", "no sequence", f"Write {_SEQUENCE_DIGITS} digits, from 1."))
    if item["specversion"] != "1.0":
        faults.append(Fault(f"{path}.specversion", "another edition", "Write 1.0."))
    if item["type"] != f"sealane.{item['dataset']}.v1":
        faults.append(Fault(f"{path}.type", "does not fit the dataset", "Write sealane.<dataset>.v1."))
    if item["agreementversion"] < 1 or item["agreementversion"] >= 2**31:
        faults.append(Fault(f"{path}.agreementversion", "no version", "Versions count from 1."))
    data = _decoded(item["data_base64"])
    if data is None:
        faults.append(Fault(f"{path}.data_base64", "not base64 (RFC 4648, section 4)", "Encode the record's bytes."))
    elif len(data) > MAX_EVENT_BYTES:
        faults.append(Fault(f"{path}.data_base64", f"{len(data):,} bytes", f"Send at most {MAX_EVENT_BYTES:,}."))
    if len(faults) > before or data is None or times["time"] is None or times["knownat"] is None:
        return None
    event = Event(
        id=item["id"],
        source=item["source"],
        dataset=item["dataset"],
        subject=item["subject"],
        time=times["time"],
        known_at=times["knownat"],
        agreement_id=item["agreement"],
        agreement_version=item["agreementversion"],
        clause_id=item["clause"],
        stream_id=item["stream"],
        sequence=int(item["sequence"]),
        simulated=item["simulated"],
        demonstration=item["demonstration"],
        data=data,
        content_type=item["datacontenttype"],
    )
    return ReceivedEvent(event, digest_of_event(_canonical(item)))


def _decoded(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Several texts decode to the same bytes; only one of them is the event that was digested.
    return data if base64.b64encode(data).decode("ascii") == text else None


def _check_order(events: Sequence[ReceivedEvent], faults: list[Fault]) -> None:
    first = events[0].event
    for index, item in enumerate(events):
        event = item.event
        if event.stream_id != first.stream_id:
            faults.append(Fault(f"[{index}].stream", "another stream", "Send one stream in a batch."))
        if event.source != first.source:
            faults.append(Fault(f"[{index}].source", "another source", "Send one source in a batch."))
        if event.sequence != first.sequence + index:
            faults.append(
                Fault(f"[{index}].sequence", f"{event.sequence}", f"Write {first.sequence + index}: no gap, no swap.")
            )
