"""Container milestones: events of DCSA Track & Trace 3.0.0.

``occurred_at`` is ``eventDateTime``, ``known_at`` is ``eventUpdatedDateTime``. An event is unique within its
originating party, so that party is part of the record's id. A retracted event keeps only its id and the flag.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from sealane.agreements.clauses import Record
from sealane.errors import Fault
from sealane.products.codes import has_container_form
from sealane.products.dataset import Dataset, JoinKeys
from sealane.products.dcsa_common import (
    COUNTRY,
    DELAY_REASON,
    SERVICE,
    VOYAGE,
    at,
    equipment_leaf,
    location,
    named_imo_leaf,
    sound_imo,
    voyage_number,
)
from sealane.products.shapes import (
    Group,
    Listing,
    Shape,
    boolean,
    caution,
    day,
    integer,
    leaf_names,
    moment,
    number,
    one_of,
    read_time,
    text,
    walk,
)

MAX_ID: Final = 200
_CLASSIFIER = one_of("PLN", "EST", "ACT")
# Property that says what happened, by type of event.
SUBTYPES: Final[Mapping[str, str]] = {
    "SHIPMENT": "shipmentEventTypeCode",
    "TRANSPORT": "transportEventTypeCode",
    "EQUIPMENT": "equipmentEventTypeCode",
    "IOT": "iotEventTypeCode",
    "REEFER": "reeferEventTypeCode",
}
# fmt: off
SHIPMENT_EVENTS = (
    "AMCF", "AMCN", "AMDC", "AMPR", "AMRE", "APPR", "CACF", "CADC", "CANC", "CARE", "CMPL", "CONF", "DECL", "DRFT",
    "HOLD", "ISSU", "PENA", "PENM", "PENU", "PSAM", "PSDL", "RECE", "REJE", "RELS", "REQS", "SUAM", "SUBM", "SUDL",
    "SURR", "UPCF", "UPCN", "UPDC", "UPDT", "UPRE", "VOID",
)
EQUIPMENT_EVENTS = (
    "AVDO", "AVPU", "CROS", "CUSI", "CUSR", "CUSS", "DISC", "DROP", "GTIN", "GTOT", "INSP", "LOAD", "PICK", "RMVD",
    "RSEA", "STRP", "STUF",
)
DOCUMENT_TYPES = (
    "AMF", "ARN", "BKG", "CAS", "CBR", "CEA", "CEO", "CQU", "CRO", "CUC", "DEI", "DEO", "DGD", "FCE", "HCE", "ICE",
    "INV", "OOG", "PCE", "PFD", "SHI", "TRD", "TRO", "VCE", "VGM",
)
# fmt: on
REFERENCE_TYPES = ["AAO", "AES", "BID", "BPR", "CER", "CR", "CSI", "DUE", "ECR", "EQ", "FF", "PO", "RUC", "SI"]

_PARTY = Group(
    {"partyCode": text(150), "codeListProvider": text(100), "codeListName": text(100), "partyFunction": text(3)}
)
_DOCUMENT = Group({"typeCode": one_of(*DOCUMENT_TYPES), "reference": text(100)})
LOCATION_TYPES = ("FCD", "IEL", "OIR", "ORI", "PCF", "PDE", "POD", "POL", "PRE", "PTP", "RTP")
_SHIPMENT = Group({"typeCode": one_of(*REFERENCE_TYPES), "reference": text(100)})
_VEHICLE = Group({"licensePlate": text(15), "vehicleIdentificationNumber": text(15)})
_REEFER = Group(
    {
        "o2Percentage": number(0, 100),
        "co2Percentage": number(0, 100),
        "humidityPercentage": number(0, 100),
        "airExchangeValue": number(0),
        "airExchangeUnit": one_of("MQH", "FQH"),
        "isVentilationOpen": boolean(),
        "isDrainholesOpen": boolean(),
        "isBulbMode": boolean(),
        "isColdTreatmentRequired": boolean(),
        "isControlledAtmosphereRequired": boolean(),
    }
)
_TRANSPORT_CALL = Group(
    {
        "transportCallReference": text(100),
        "transportCallSequenceNumber": integer(),
        "modeOfTransport": one_of("VESSEL", "RAIL", "TRUCK", "BARGE", "MULTIMODAL"),
        "portVisitReference": text(50),
        "serviceCodeOrReference": SERVICE,
        "exportVoyageNumberOrReference": VOYAGE,
        "importVoyageNumberOrReference": VOYAGE,
        "vesselTransport": Group(
            {
                "vesselIMONumber": named_imo_leaf(),
                "vesselName": text(50),
                "vesselFlag": COUNTRY,
                "vesselCallSign": text(10),
                "operatorCarrierCode": text(10),
                "operatorCarrierCodeListProvider": one_of("SMDG", "NMFTA"),
            }
        ),
        "railTransport": Group(
            {"railCarReference": text(50), "railServiceReference": text(50), "departureID": text(100)}
        ),
        "truckTransport": Group({"tractorDetails": _VEHICLE, "trailerDetails": _VEHICLE}),
    }
)
_MEMBERS: Final[Mapping[str, Shape]] = {
    "eventRouting": Group(
        {"originatingParty": _PARTY, "forwardingParties": Listing(_PARTY), "destinationParty": _PARTY}
    ),
    "eventID": text(500),
    "isRetracted": boolean(),
    "eventDateTime": moment(),
    "eventUpdatedDateTime": moment(),
    "eventLocation": location({"facilityName": text(100)}, {"addressLines": Listing(text(250), most=5)}),
    "eventClassification": Group(
        {
            "eventTypeCode": one_of(*SUBTYPES),
            "eventClassifierCode": _CLASSIFIER,
            "shipmentEventTypeCode": one_of(*SHIPMENT_EVENTS),
            "transportEventTypeCode": one_of("ARRI", "DEPA"),
            "equipmentEventTypeCode": one_of(*EQUIPMENT_EVENTS),
            "iotEventTypeCode": one_of("DETC"),
            "reeferEventTypeCode": one_of("MEAS", "ADJU"),
        },
        required=("eventTypeCode", "eventClassifierCode"),
    ),
    "shipmentDetails": Group(
        {
            "documentReference": _DOCUMENT,
            "additionalDocumentReferences": Listing(_DOCUMENT),
            "documentReferenceReplacements": Listing(
                Group({"oldReferences": Listing(_DOCUMENT), "newReferences": Listing(_DOCUMENT)})
            ),
            "shipmentReferences": Listing(_SHIPMENT),
            "shipmentReferenceReplacements": Listing(
                Group({"oldReferences": Listing(_SHIPMENT), "newReferences": Listing(_SHIPMENT)})
            ),
            "shipmentLocationType": one_of(*LOCATION_TYPES),
            "reason": text(5000, least=0),
            "priceCalculationDate": day(),
        }
    ),
    "transportDetails": Group(
        {
            "delayReasonCodes": Listing(DELAY_REASON, most=100),
            "changeRemark": text(250, least=0),
            "transportCall": _TRANSPORT_CALL,
        }
    ),
    "equipmentDetails": Group(
        {
            "equipmentReference": equipment_leaf(),
            "ISOEquipmentCode": text(4, pattern="[A-Z0-9]{4}", form="the four-character size and type of ISO 6346"),
            "emptyIndicatorCode": one_of("EMPTY", "LADEN"),
            "movementType": one_of("IMPORT", "EXPORT", "TRANSSHIPMENT"),
            "seals": Listing(
                Group(
                    {
                        "number": text(15),
                        "source": one_of(*["CAR", "CNS", "CST", "CUS", "PHY", "SHI", "TER", "VET"]),
                        "type": one_of("KLP", "BLT", "WIR"),
                        "placement": one_of("DOOR", "VENT"),
                    }
                )
            ),
        }
    ),
    "iotDetails": Group({"iotEventCode": one_of("DRC", "DRO", "LOC")}),
    "reeferDetails": Group(
        {
            "temperatureUnit": one_of("CEL", "FAH"),
            "internalSetpointTemperature": number(),
            "temperatureProbeMeasurements": Listing(
                Group(
                    {
                        "measuredTemperatureValue": number(),
                        "USDAProbeNumber": integer(1, 3),
                        "COAProbeUDMKey": one_of("P19", "P20", "P21", "P22"),
                        "probeLabel": text(100),
                    }
                )
            ),
            "ambientMeasuredTemperature": number(),
            "setpointParameters": _REEFER,
            "measuredParameters": _REEFER,
        }
    ),
}
EVENT: Final = Group(_MEMBERS, required=("eventID", "eventDateTime", "eventClassification"))
# "Any event data other than the eventID is irrelevant (if present)": its form is still checked.
RETRACTION: Final = Group(_MEMBERS, required=("eventID",))


def read(
    payload: Mapping[str, Any], path: str, faults: list[Fault], now: dt.datetime
) -> tuple[Record, JoinKeys] | None:
    """Read one event; see ``Dataset.read``."""
    before = len(faults)
    retracted = isinstance(payload, dict) and payload.get("isRetracted") is True
    walk(RETRACTION if retracted else EVENT, payload, path, faults)
    if len(faults) == before and not retracted:
        kind = payload["eventClassification"]["eventTypeCode"]
        if SUBTYPES[kind] not in payload["eventClassification"]:
            where = f"{path}.eventClassification.{SUBTYPES[kind]}"
            faults.append(Fault(where, "is missing", f"An event of type {kind} says with it what happened."))
    if len(faults) > before:
        return None
    told, updated = payload.get("eventDateTime"), payload.get("eventUpdatedDateTime")
    known_at = (read_time(updated) if updated else None) or now
    if known_at > now + dt.timedelta(minutes=5):
        caution(faults, f"{path}.eventUpdatedDateTime", f"{updated} is still to come", "Check the sender's clock.")
    call = at(payload, "transportDetails", "transportCall")
    vessel = at(call, "vesselTransport", "vesselIMONumber")
    equipment = at(payload, "equipmentDetails", "equipmentReference")
    record = Record(
        dataset="container-milestones",
        id=event_id(payload),
        occurred_at=read_time(told) if told else None,
        known_at=known_at,
        port=at(payload, "eventLocation", "UNLocationCode"),
        terminal=at(payload, "eventLocation", "facility", "facilityCode"),
        vessel_imo=sound_imo(vessel),
        body=payload,
    )
    keys = JoinKeys(
        voyage=voyage_number(call),
        equipment=equipment if isinstance(equipment, str) and has_container_form(equipment) else None,
        bill_of_lading=_document(payload, "TRD"),
        booking=_document(payload, "BKG"),
    )
    return record, keys


def event_id(payload: Mapping[str, Any]) -> str:
    """Return the id of an event among all events: that of its originating party, if it names one, before its own.

    The standard lets an id have 500 characters; what is longer than `MAX_ID` or does not print stands as its SHA-256.
    """
    party = at(payload, "eventRouting", "originatingParty")
    found = str(payload["eventID"])
    if isinstance(party, dict):
        names = ("codeListProvider", "codeListName", "partyCode")
        found = ":".join([*(quote(str(party.get(name, "")), safe="") for name in names), found])
    if len(found) > MAX_ID or not found.isprintable():
        return "sha256:" + hashlib.sha256(found.encode()).hexdigest()
    return found


def _document(payload: Mapping[str, Any], kind: str) -> str | None:
    details = payload.get("shipmentDetails", {})
    for document in (details.get("documentReference"), *details.get("additionalDocumentReferences", ())):
        if document and document.get("typeCode") == kind and document.get("reference"):
            return str(document["reference"])
    return None


DATASET: Final = Dataset(
    id="container-milestones",
    title="Container milestones",
    description=(
        "What happens to a container from gate to gate: gated in, loaded, departed, discharged, on rail, gated out; "
        "with reefer and sensor readings."
    ),
    standard="DCSA Track & Trace 3.0.0",
    media_type="application/json",
    fields=tuple(leaf_names(EVENT)),
    # The party is part of the id; a retraction without its flag would say the opposite.
    required=(
        "eventID",
        "isRetracted",
        "eventDateTime",
        "eventUpdatedDateTime",
        "eventRouting.originatingParty.partyCode",
        "eventRouting.originatingParty.codeListProvider",
        "eventRouting.originatingParty.codeListName",
        "eventClassification.eventTypeCode",
        "eventClassification.eventClassifierCode",
        *(f"eventClassification.{name}" for name in SUBTYPES.values()),
    ),
    read=read,
)
