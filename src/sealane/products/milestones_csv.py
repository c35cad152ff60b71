"""Container milestones from CSV: one row an event, columns as documented in docs/reference/data-products.md."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from sealane.errors import Fault

MAX_ROWS: Final = 1_000_000
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sealane:milestones-csv")
# column -> (property of the DCSA event, meaning); the order is that of the documentation.
COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "event_time": ("eventDateTime", "when it happened or will happen, with zone"),
    "event": ("eventClassification.equipmentEventTypeCode", "DCSA code: GTIN, LOAD, DISC, GTOT, ...; ARRI and DEPA"),
    "container": ("equipmentDetails.equipmentReference", "container number with check digit"),
    "unlocode": ("eventLocation.UNLocationCode", "place"),
    "event_id": ("eventID", "id; made from container, event, place and time where left out"),
    "updated_time": ("eventUpdatedDateTime", "when the row was last changed, with zone"),
    "classifier": ("eventClassification.eventClassifierCode", "ACT (where left out), EST or PLN"),
    "size_type": ("equipmentDetails.ISOEquipmentCode", "ISO 6346 size and type"),
    "empty_laden": ("equipmentDetails.emptyIndicatorCode", "EMPTY or LADEN"),
    "location_name": ("eventLocation.locationName", "name of the place"),
    "facility": ("eventLocation.facility.facilityCode", "terminal or depot code"),
    "facility_list": ("eventLocation.facility.facilityCodeListProvider", "SMDG or BIC"),
    "facility_type": ("eventLocation.facilityTypeCode", "POTE, DEPO, RAMP, INTE, ..."),
    "mode": ("transportDetails.transportCall.modeOfTransport", "VESSEL, RAIL, TRUCK or BARGE"),
    "vessel_imo": ("transportDetails.transportCall.vesselTransport.vesselIMONumber", "vessel"),
    "vessel_name": ("transportDetails.transportCall.vesselTransport.vesselName", "vessel"),
    "voyage": (
        "transportDetails.transportCall.exportVoyageNumberOrReference.carrierVoyageNumber",
        "the carrier's voyage number",
    ),
    "booking": ("shipmentDetails.documentReference.reference", "booking reference"),
    "bill_of_lading": ("shipmentDetails.additionalDocumentReferences", "transport document reference"),
}
REQUIRED: Final = ("event_time", "event", "container", "unlocode")
_TRANSPORT_EVENTS = ("ARRI", "DEPA")


def read_milestones(data: bytes, name: str, faults: list[Fault]) -> list[tuple[str, bytes]]:
    """Read a CSV file of container milestones.

    Parameters
    ----------
    data : CSV with a header line, UTF-8, comma or semicolon.
    name : of the file, for faults.

    Returns
    -------
    Place in the file and JSON of each event; their contents are checked when they are read as records.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        faults.append(Fault(name, f"byte {problem.start + 1} is no UTF-8", "Save the file as UTF-8."))
        return []
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    found: list[tuple[str, bytes]] = []
    try:
        header = [column.strip() for column in next(reader, [])]
        if not _check_header(header, name, faults):
            return []
        for row in reader:
            where = f"{name} line {reader.line_num}"
            if len(row) != len(header):
                faults.append(Fault(where, f"{len(row)} columns", f"Give {len(header)}, as the header has."))
                continue
            if len(found) >= MAX_ROWS:
                faults.append(Fault(where, f"more than {MAX_ROWS:,} rows", "Split the file."))
                break
            values = {column: value.strip() for column, value in zip(header, row, strict=True) if value.strip()}
            found.append((where, json.dumps(_event(values), ensure_ascii=False, separators=(",", ":")).encode()))
    except csv.Error as problem:
        faults.append(Fault(f"{name} line {reader.line_num}", f"is no CSV ({problem})", "Correct its quotes."))
    return found


def _check_header(header: list[str], name: str, faults: list[Fault]) -> bool:
    before = len(faults)
    for column in header:
        if column not in COLUMNS:
            known = ", ".join(COLUMNS)
            faults.append(Fault(f"{name} line 1", f"an unknown column {column[:40]!r}", f"Use {known}."))
    for column in sorted({c for c in header if header.count(c) > 1}):
        faults.append(Fault(f"{name} line 1", f"the column {column!r} twice", "Give it once."))
    for column in REQUIRED:
        if column not in header:
            faults.append(Fault(f"{name} line 1", f"no column {column!r}", "Add it."))
    return len(faults) == before


def _event(values: Mapping[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for column, (path, _) in COLUMNS.items():
        if column in values and column != "bill_of_lading":
            _put(event, path, values[column])
    kind = event.setdefault("eventClassification", {})
    kind.setdefault("eventClassifierCode", "ACT")
    kind["eventTypeCode"] = "EQUIPMENT"
    if kind.get("equipmentEventTypeCode") in _TRANSPORT_EVENTS:
        kind["eventTypeCode"] = "TRANSPORT"
        kind["transportEventTypeCode"] = kind.pop("equipmentEventTypeCode")
    documents = [
        {"typeCode": code, "reference": values[column]}
        for column, code in (("booking", "BKG"), ("bill_of_lading", "TRD"))
        if column in values
    ]
    if documents:
        event["shipmentDetails"] = {"documentReference": documents[0]}
        if len(documents) > 1:
            event["shipmentDetails"]["additionalDocumentReferences"] = documents[1:]
    if "eventID" not in event:
        key = "|".join(values.get(column, "") for column in ("container", "event", "unlocode", "event_time"))
        event["eventID"] = str(uuid.uuid5(NAMESPACE, key))
    return event


def _put(event: dict[str, Any], path: str, value: str) -> None:
    *above, last = path.split(".")
    for name in above:
        event = event.setdefault(name, {})
    event[last] = value


def column_of(path: str) -> str | None:
    """Return the column that a property of an event came from."""
    return next((column for column, (own, _) in COLUMNS.items() if own == path), None)
