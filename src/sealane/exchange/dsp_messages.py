"""Messages of the Dataspace Protocol 2025-1: building those we send, checking those we get.

Plain JSON in the compact form of the published context. The context is pinned: its address must stand in ``@context``,
nothing is ever loaded from there. A message is checked strictly in everything this node relies on; members the
protocol does not know are passed over at the level of messages, and refused inside of policies (see `odrl`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sealane.errors import Fault, RequestRefusedError

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
VERSION = "2025-1"
MAX_TEXT = 2_000
MAX_ID = 200
MAX_REASONS = 20


class MessageType(StrEnum):
    """``@type`` of every message, answer and error."""

    CATALOG_REQUEST = "CatalogRequestMessage"
    DATASET_REQUEST = "DatasetRequestMessage"
    CATALOG = "Catalog"
    DATASET = "Dataset"
    CATALOG_ERROR = "CatalogError"
    CONTRACT_REQUEST = "ContractRequestMessage"
    CONTRACT_OFFER = "ContractOfferMessage"
    CONTRACT_AGREEMENT = "ContractAgreementMessage"
    CONTRACT_VERIFICATION = "ContractAgreementVerificationMessage"
    CONTRACT_EVENT = "ContractNegotiationEventMessage"
    CONTRACT_TERMINATION = "ContractNegotiationTerminationMessage"
    NEGOTIATION = "ContractNegotiation"
    NEGOTIATION_ERROR = "ContractNegotiationError"
    TRANSFER_REQUEST = "TransferRequestMessage"
    TRANSFER_START = "TransferStartMessage"
    TRANSFER_SUSPENSION = "TransferSuspensionMessage"
    TRANSFER_COMPLETION = "TransferCompletionMessage"
    TRANSFER_TERMINATION = "TransferTerminationMessage"
    TRANSFER = "TransferProcess"
    TRANSFER_ERROR = "TransferError"


@dataclass(frozen=True)
class DataAddress:
    """Where data are pushed to or pulled from.

    Attributes
    ----------
    endpoint : URL.
    properties : such as ``authorization`` and ``authType``; a secret can stand here, so it is never logged or shown.
    """

    endpoint: str | None
    endpoint_type: str = "https://w3id.org/idsa/v4.1/HTTP"
    properties: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the value of an endpoint property, or None."""
        return dict(self.properties).get(name)

    def document(self) -> dict[str, Any]:
        """Write it as the protocol does."""
        written: dict[str, Any] = {"@type": "DataAddress", "endpointType": self.endpoint_type}
        if self.endpoint is not None:
            written["endpoint"] = self.endpoint
        if self.properties:
            written["endpointProperties"] = [
                {"@type": "EndpointProperty", "name": name, "value": value} for name, value in self.properties
            ]
        return written

    def __repr__(self) -> str:
        return f"DataAddress(endpoint={self.endpoint!r}, properties={len(self.properties)})"


@dataclass(frozen=True)
class Message:
    """A message from outside after its checks; what it does not carry is None."""

    type: MessageType
    consumer_pid: str | None = None
    provider_pid: str | None = None
    callback: str | None = None
    offer: Mapping[str, Any] | None = None
    agreement: Mapping[str, Any] | None = None
    event: str | None = None
    agreement_ref: str | None = None
    format: str | None = None
    data_address: DataAddress | None = None
    dataset: str | None = None
    filter: tuple[Any, ...] = ()
    reason: str | None = None


_PIDS = ("consumerPid", "providerPid")
_REQUIRED: Mapping[MessageType, tuple[str, ...]] = {
    MessageType.CATALOG_REQUEST: (),
    MessageType.DATASET_REQUEST: ("dataset",),
    MessageType.CONTRACT_REQUEST: ("consumerPid", "offer"),
    MessageType.CONTRACT_OFFER: ("providerPid", "offer"),
    MessageType.CONTRACT_AGREEMENT: (*_PIDS, "agreement"),
    MessageType.CONTRACT_VERIFICATION: _PIDS,
    MessageType.CONTRACT_EVENT: (*_PIDS, "eventType"),
    MessageType.CONTRACT_TERMINATION: _PIDS,
    MessageType.NEGOTIATION: (*_PIDS, "state"),
    MessageType.TRANSFER_REQUEST: ("consumerPid", "agreementId", "format", "callbackAddress"),
    MessageType.TRANSFER_START: _PIDS,
    MessageType.TRANSFER_SUSPENSION: _PIDS,
    MessageType.TRANSFER_COMPLETION: _PIDS,
    MessageType.TRANSFER_TERMINATION: _PIDS,
    MessageType.TRANSFER: (*_PIDS, "state"),
}
_OBJECTS = {"offer", "agreement", "dataAddress"}
_TEXTS = (*_PIDS, "callbackAddress", "eventType", "agreementId", "format", "dataset", "state", "code")
_LONGEST = dict.fromkeys(_TEXTS, MAX_ID) | {"callbackAddress": MAX_TEXT, "code": MAX_TEXT, "format": 60}
# Either the first message of a process with an address to answer to, or a later one with the other side's pid.
_EITHER = {MessageType.CONTRACT_REQUEST: "providerPid", MessageType.CONTRACT_OFFER: "consumerPid"}


def read_message(data: object, *expected: MessageType) -> Message:
    """Check a parsed message and return it.

    Parameters
    ----------
    data : parsed JSON of a request or answer.
    expected : types that may stand here.

    Raises
    ------
    RequestRefusedError
        400 with every fault; nothing is guessed.
    """
    if not isinstance(data, dict):
        raise _refused([Fault("body", "not a JSON object", f"Send a {_names(expected)}.")])
    faults: list[Fault] = []
    context = data.get("@context")
    if not isinstance(context, list) or not all(isinstance(part, str) for part in context) or CONTEXT not in context:
        faults.append(Fault("@context", "not the context of 2025-1", f"Send a list that holds {CONTEXT}."))
    if data.get("@type") not in expected:
        faults.append(Fault("@type", f"{_shown(data.get('@type'))}", f"Send {_names(expected)}."))
        raise _refused(faults)
    kind = MessageType(data["@type"])
    for key in _REQUIRED[kind]:
        if key not in data:
            faults.append(Fault(key, "missing", f"A {kind} carries {key}."))
    for key in _TEXTS:
        value = data.get(key)
        if key in data and not _is_text(value, _LONGEST[key]):
            faults.append(Fault(key, "no printable text, or too long", f"Send 1 to {_LONGEST[key]} characters."))
    for key in _OBJECTS & set(data):
        if not isinstance(data[key], dict):
            faults.append(Fault(key, "not an object", f"Send {key} as the protocol's schema says."))
    other = _EITHER.get(kind)
    if other is not None and (other in data) == ("callbackAddress" in data):
        faults.append(Fault("callbackAddress", f"needed without {other}, and only then", "Send exactly one of both."))
    if kind is MessageType.CONTRACT_EVENT and data.get("eventType") not in ("ACCEPTED", "FINALIZED"):
        faults.append(Fault("eventType", _shown(data.get("eventType")), "Send ACCEPTED or FINALIZED."))
    address = _data_address(data.get("dataAddress"), faults) if "dataAddress" in data else None
    filters = data.get("filter", [])
    if not isinstance(filters, list):
        faults.append(Fault("filter", "not a list", "Send a list of filters, or leave it out."))
        filters = []
    reason = _reason(data, faults)
    if faults:
        raise _refused(faults)
    return Message(
        type=kind,
        consumer_pid=data.get("consumerPid"),
        provider_pid=data.get("providerPid"),
        callback=data.get("callbackAddress"),
        offer=data.get("offer"),
        agreement=data.get("agreement"),
        event=data.get("eventType") or data.get("state"),
        agreement_ref=data.get("agreementId"),
        format=data.get("format"),
        data_address=address,
        dataset=data.get("dataset"),
        filter=tuple(filters),
        reason=reason,
    )


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _refused(faults: Sequence[Fault]) -> RequestRefusedError:
    return RequestRefusedError(
        400,
        "dsp-message",
        "The message is not one of the Dataspace Protocol 2025-1.",
        "Correct it as the published schemas say.",
        faults,
    )


def _names(types: Sequence[MessageType]) -> str:
    return " or ".join(types)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _reason(data: Mapping[str, Any], faults: list[Fault]) -> str | None:
    """Bring code and reasons into one line; other connectors send texts or objects with a message."""
    reasons = data.get("reason", [])
    if not isinstance(reasons, list):
        faults.append(Fault("reason", "not a list", "Send a list of reasons, or leave it out."))
        return None
    texts = []
    for reason in reasons[:MAX_REASONS]:
        inner = reason.get("message") or reason.get("@value") if isinstance(reason, dict) else reason
        text = str(inner if inner is not None else reason)[:MAX_TEXT]
        texts.append("".join(character if character.isprintable() else " " for character in text))
    said = "; ".join(texts)
    code = data.get("code")
    return f"{code}: {said}" if code and said else said or code or None


def _data_address(data: object, faults: list[Fault]) -> DataAddress | None:
    if not isinstance(data, dict):
        return None  # reported with the other objects
    before = len(faults)
    if data.get("@type") != "DataAddress":
        faults.append(Fault("dataAddress.@type", _shown(data.get("@type")), "Send DataAddress."))
    for key in ("endpointType", "endpoint"):
        value = data.get(key)
        if (key in data or key == "endpointType") and not _is_text(value, MAX_TEXT):
            faults.append(Fault(f"dataAddress.{key}", "missing, not text or too long", "Send a URL."))
    listed = data.get("endpointProperties", [])
    properties: list[tuple[str, str]] = []
    if not isinstance(listed, list) or len(listed) > 50:
        faults.append(Fault("dataAddress.endpointProperties", "not a list, or too long", "Send at most 50."))
        listed = []
    for number, item in enumerate(listed):
        name, value = (item.get("name"), item.get("value")) if isinstance(item, dict) else (None, None)
        if isinstance(name, str) and isinstance(value, str) and len(name) <= MAX_TEXT and len(value) <= 20_000:
            properties.append((name, value))
        else:
            where = f"dataAddress.endpointProperties[{number}]"
            faults.append(Fault(where, "without name and value", "Send an EndpointProperty."))
    if len(faults) > before:
        return None
    return DataAddress(data.get("endpoint"), data["endpointType"], tuple(properties))


def _message(kind: MessageType, **members: Any) -> dict[str, Any]:
    given = {key: value for key, value in members.items() if value is not None}
    return {"@context": [CONTEXT], "@type": str(kind), **given}


def contract_request(
    consumer_pid: str, offer: Mapping[str, Any], *, provider_pid: str | None = None, callback: str | None = None
) -> dict[str, Any]:
    """Ask for a contract; with ``provider_pid`` it is a counter-offer, with ``callback`` the first message."""
    return _message(
        MessageType.CONTRACT_REQUEST,
        consumerPid=consumer_pid,
        providerPid=provider_pid,
        offer=dict(offer),
        callbackAddress=callback,
    )


def contract_offer(provider_pid: str, consumer_pid: str, offer: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a request with an offer."""
    return _message(MessageType.CONTRACT_OFFER, providerPid=provider_pid, consumerPid=consumer_pid, offer=dict(offer))


def contract_agreement(provider_pid: str, consumer_pid: str, agreement: Mapping[str, Any]) -> dict[str, Any]:
    """Send the agreement."""
    return _message(
        MessageType.CONTRACT_AGREEMENT, providerPid=provider_pid, consumerPid=consumer_pid, agreement=dict(agreement)
    )


def contract_verification(provider_pid: str, consumer_pid: str) -> dict[str, Any]:
    """Say that the agreement was checked and is the one asked for."""
    return _message(MessageType.CONTRACT_VERIFICATION, providerPid=provider_pid, consumerPid=consumer_pid)


def contract_event(provider_pid: str, consumer_pid: str, event: str) -> dict[str, Any]:
    """Say ``ACCEPTED`` (consumer) or ``FINALIZED`` (provider)."""
    return _message(MessageType.CONTRACT_EVENT, providerPid=provider_pid, consumerPid=consumer_pid, eventType=event)


def transfer_request(
    consumer_pid: str, agreement_ref: str, transfer_format: str, callback: str, address: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Ask for a transfer under an agreement; ``address`` where data are to be pushed to."""
    return _message(
        MessageType.TRANSFER_REQUEST,
        consumerPid=consumer_pid,
        agreementId=agreement_ref,
        format=transfer_format,
        callbackAddress=callback,
        dataAddress=None if address is None else dict(address),
    )


def transfer_start(provider_pid: str, consumer_pid: str, address: Mapping[str, Any] | None) -> dict[str, Any]:
    """Start or resume a transfer; ``address`` where data can be pulled from."""
    return _message(
        MessageType.TRANSFER_START,
        providerPid=provider_pid,
        consumerPid=consumer_pid,
        dataAddress=None if address is None else dict(address),
    )


def transfer_completion(provider_pid: str, consumer_pid: str) -> dict[str, Any]:
    """Say that the transfer is complete."""
    return _message(MessageType.TRANSFER_COMPLETION, providerPid=provider_pid, consumerPid=consumer_pid)


def ending(kind: MessageType, provider_pid: str, consumer_pid: str, code: str, reason: str | None) -> dict[str, Any]:
    """Terminate or suspend, or answer with an error; ``kind`` says which."""
    return _message(
        kind,
        providerPid=provider_pid,
        consumerPid=consumer_pid,
        code=code,
        reason=[reason] if reason else None,
    )


def process_state(kind: MessageType, provider_pid: str, consumer_pid: str, state: str) -> dict[str, Any]:
    """Write a ContractNegotiation or TransferProcess."""
    return _message(kind, providerPid=provider_pid, consumerPid=consumer_pid, state=state)


def catalog_error(code: str, reasons: Sequence[str]) -> dict[str, Any]:
    """Write the error of the catalogue protocol."""
    return _message(MessageType.CATALOG_ERROR, code=code, reason=list(reasons) or None)


def process_error(
    kind: MessageType, provider_pid: str, consumer_pid: str, code: str, reasons: Sequence[str]
) -> dict[str, Any]:
    """Write the error of a negotiation or transfer; the schema wants both pids, the sender's words where unknown."""
    return _message(kind, providerPid=provider_pid, consumerPid=consumer_pid, code=code, reason=list(reasons) or None)


def versions(path: str) -> dict[str, Any]:
    """Write the answer of ``/.well-known/dspace-version``."""
    return {"protocolVersions": [{"version": VERSION, "path": path, "binding": "HTTPS"}]}
