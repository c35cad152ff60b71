"""The published schemas of the Dataspace Protocol 2025-1, joined by their addresses; nothing is loaded from there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT201909
from tests.standards import standard_file, standards_folder

FOLDER = "dsp-2025-1"
BASE = "https://w3id.org/dspace/2025/1"
# @type -> folder and name of the schema; where the name does not follow from the type
_NAMES = {
    "CatalogRequestMessage": "catalog/catalog-request-message",
    "DatasetRequestMessage": "catalog/dataset-request-message",
    "Catalog": "catalog/catalog",
    "Dataset": "catalog/dataset",
    "CatalogError": "catalog/catalog-error",
    "ContractRequestMessage": "negotiation/contract-request-message",
    "ContractOfferMessage": "negotiation/contract-offer-message",
    "ContractAgreementMessage": "negotiation/contract-agreement-message",
    "ContractAgreementVerificationMessage": "negotiation/contract-agreement-verification-message",
    "ContractNegotiationEventMessage": "negotiation/contract-negotiation-event-message",
    "ContractNegotiationTerminationMessage": "negotiation/contract-negotiation-termination-message",
    "ContractNegotiation": "negotiation/contract-negotiation",
    "ContractNegotiationError": "negotiation/contract-negotiation-error",
    "TransferRequestMessage": "transfer/transfer-request-message",
    "TransferStartMessage": "transfer/transfer-start-message",
    "TransferSuspensionMessage": "transfer/transfer-suspension-message",
    "TransferCompletionMessage": "transfer/transfer-completion-message",
    "TransferTerminationMessage": "transfer/transfer-termination-message",
    "TransferProcess": "transfer/transfer-process",
    "TransferError": "transfer/transfer-error",
}
VERSIONS = "common/protocol-version"


def _folder() -> Path:
    standard_file(FOLDER, "catalog", "catalog-schema.json")  # not proven without it
    return standards_folder() / FOLDER


def _mended(text: str) -> Any:
    # Three of the published transfer schemas write `json#definitions`; without the slash no reader finds the place.
    return json.loads(text.replace("json#definitions", "json#/definitions"))


def validator() -> Callable[..., list[str]]:
    """Return a function that lists what is wrong with a message by the schema of its ``@type``."""
    folder = _folder()
    registry: Registry[Any] = Registry()
    for path in sorted(folder.rglob("*-schema.json")):
        schema = _mended(path.read_text(encoding="utf-8"))
        registry = registry.with_resource(schema["$id"], Resource.from_contents(schema, DRAFT201909))

    def problems(message: Mapping[str, Any], name: str | None = None) -> list[str]:
        found = name or _NAMES[message["@type"]]
        checker = jsonschema.Draft201909Validator(
            {"$ref": f"{BASE}/{found}-schema.json"},
            registry=registry,
        )
        return [error.message for error in checker.iter_errors(message)]

    return problems


def examples() -> Iterator[tuple[str, Any]]:
    """Yield every published example with its name."""
    for path in sorted(_folder().glob("*/example/*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))
