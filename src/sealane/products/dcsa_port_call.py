"""Port call events of DCSA Port Call 2.0.0, and what a clause or a join can ask of them.

The standard's schema demands no property. A port call without its id, its port or its time is of no use to a partner,
so these are demanded here; what else stands in its text about codes and lengths is checked as written there.
``occurred_at`` is the time of the service (``timestamp.serviceDateTime``), also when it is an estimate; ``known_at``
is the time of the event's last update.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from sealane.agreements.clauses import Record
from sealane.errors import Fault
from sealane.products.codes import mmsi_fault
from sealane.products.dataset import Dataset, JoinKeys
from sealane.products.dcsa_common import (
    DELAY_REASON,
    SERVICE,
    VOYAGE,
    at,
    imo_leaf,
    location,
    locode_leaf,
    voyage_number,
)
from sealane.products.shapes import (
    Group,
    Listing,
    boolean,
    caution,
    code,
    integer,
    leaf_names,
    moment,
    number,
    one_of,
    read_time,
    text,
    uuid,
    walk,
)

_START_END = ("STRT", "CMPL")
_ARRIVED = ("ARRI",)
# Event types that the standard's text lists for each service type.
SERVICE_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "BERTH": ("ARRI", "DEPA"),
    "CARGO_OPERATIONS": _START_END,
    "PILOTAGE": _START_END,
    "TOWAGE": _START_END,
    "MOORING": _START_END,
    "BUNKERING": _START_END,
    "PILOT_BOARDING_PLACE": _ARRIVED,
    "ANCHORAGE": _START_END,
    "SLUDGE": _START_END,
    "SEA_PASSAGE": _START_END,
    "ALL_FAST": _ARRIVED,
    "GANGWAY_DOWN_AND_SECURE": _ARRIVED,
    "VESSEL_READY_FOR_CARGO_OPERATIONS": _ARRIVED,
    "VESSEL_READY_TO_SAIL": _ARRIVED,
    "DISCHARGE_CARGO_OPERATIONS": _START_END,
    "LOADING_CARGO_OPERATIONS": _START_END,
    "LASHING": _START_END,
    "SAFETY": ("DEPA",),
    "ANCHORAGE_OPERATIONS": _START_END,
    "SHORE_POWER": _START_END,
    "MOVES": _ARRIVED,
}
NEGOTIABLE: Final = frozenset(
    {
        "BERTH",
        "CARGO_OPERATIONS",
        "PILOTAGE",
        "TOWAGE",
        "MOORING",
        "BUNKERING",
        "PILOT_BOARDING_PLACE",
        "ANCHORAGE",
        "SLUDGE",
    }
)
_LOCATION = location({}, {})
_UNITS = Group({name: integer() for name in ("totalUnits", "size20Units", "size40Units", "size45Units")})
_UNITS_BY_TYPE = Group(
    dict.fromkeys(("totalUnits", "ladenUnits", "emptyUnits", "pluggedReeferUnits", "outOfGaugeUnits"), _UNITS)
)
_LENGTH_UNIT = one_of("MTR", "FOT")

EVENT: Final = Group(
    {
        "eventID": uuid(),
        "replyToEventID": uuid(),
        "eventUpdatedDateTime": moment(),
        "isFYI": boolean(),
        "portCall": Group(
            {
                "portCallID": uuid(),
                "portVisitReference": text(50),
                "UNLocationCode": locode_leaf(),
                "isOmitted": boolean(),
            },
            required=("UNLocationCode",),
        ),
        "terminalCall": Group(
            {
                "terminalCallID": uuid(),
                "terminalCallReference": text(100),
                "sequenceNumber": integer(),
                "carrierServiceName": text(50),
                "serviceCodeOrReference": SERVICE,
                "exportVoyageNumberOrReference": VOYAGE,
                "importVoyageNumberOrReference": VOYAGE,
                "isOmitted": boolean(),
            }
        ),
        "portCallService": Group(
            {
                "portCallServiceID": uuid(),
                "portCallServiceTypeCode": one_of(*SERVICE_EVENTS),
                "portCallServiceEventTypeCode": one_of("STRT", "CMPL", "ARRI", "DEPA"),
                "portCallPhaseTypeCode": one_of("INBD", "ALGS", "SHIF", "OUTB"),
                "facilityTypeCode": one_of("PBPL", "BRTH", "ANCH"),
                "serviceLocation": _LOCATION,
                "isCanceled": boolean(),
                "isDeclined": boolean(),
            },
            required=("portCallServiceTypeCode",),
        ),
        "vessel": Group(
            {
                "vesselIMONumber": imo_leaf(),
                "vesselMMSINumber": code(mmsi_fault, "MMSI"),
                "vesselName": text(50),
                "vesselCallSign": text(10),
                "vesselTypeCode": one_of(
                    "GCGO", "CONT", "RORO", "CARC", "PASS", "FERY", "BULK", "TANK", "LGTK", "ASSI", "PILO"
                ),
                "vesselPosition": _LOCATION,
                "milesToDestinationPort": number(0),
                "vesselSizeUnit": _LENGTH_UNIT,
                "lengthOverall": number(0),
                "width": number(0),
                "draftUnit": _LENGTH_UNIT,
                "airDraft": number(0),
                "draft": number(0),
                "aftDraft": number(0),
                "forwardDraft": number(0),
            }
        ),
        "timestamp": Group(
            {
                "classifierCode": one_of("ACT", "EST", "PLN", "REQ"),
                "serviceDateTime": moment(),
                "delayReasonCodes": Listing(DELAY_REASON, most=100),
                "remark": text(500, least=0),
            },
            required=("classifierCode", "serviceDateTime"),
        ),
        "movesForecasts": Listing(
            Group(
                {
                    "carrierCode": text(4),
                    "carrierCodeListProvider": one_of("SMDG", "NMFTA"),
                    "restowUnits": _UNITS,
                    "loadUnits": _UNITS_BY_TYPE,
                    "dischargeUnits": _UNITS_BY_TYPE,
                }
            )
        ),
    },
    required=("eventID", "portCall"),
)


def read(
    payload: Mapping[str, Any], path: str, faults: list[Fault], now: dt.datetime
) -> tuple[Record, JoinKeys] | None:
    """Read one event; see ``Dataset.read``."""
    before = len(faults)
    walk(EVENT, payload, path, faults)
    if len(faults) == before:
        _check_parts_fit(payload, path, faults)
    if len(faults) > before:
        return None
    service = payload.get("portCallService", {})
    told = at(payload, "timestamp", "serviceDateTime")
    updated = payload.get("eventUpdatedDateTime")
    known_at = (read_time(updated) if updated else None) or now
    if known_at > now + dt.timedelta(minutes=5):
        caution(faults, f"{path}.eventUpdatedDateTime", f"{updated} is still to come", "Check the sender's clock.")
    record = Record(
        dataset="port-calls",
        id=payload["eventID"].lower(),
        occurred_at=read_time(told) if told else None,
        known_at=known_at,
        port=payload["portCall"]["UNLocationCode"],
        terminal=at(service, "serviceLocation", "facility", "facilityCode"),
        vessel_imo=at(payload, "vessel", "vesselIMONumber"),
        body=payload,
    )
    return record, JoinKeys(voyage=voyage_number(payload.get("terminalCall")))


def _check_parts_fit(payload: Mapping[str, Any], path: str, faults: list[Fault]) -> None:
    """Check what one part of an event demands of another."""
    service = payload.get("portCallService")
    if service is None:
        if not (at(payload, "portCall", "isOmitted") or at(payload, "terminalCall", "isOmitted")):
            remedy = "Give the service, or say that the call is omitted (isOmitted)."
            faults.append(Fault(f"{path}.portCallService", "is missing", remedy))
        return
    kind = service["portCallServiceTypeCode"]
    ended = service.get("isCanceled") or service.get("isDeclined")
    if kind != "MOVES" and not ended and "timestamp" not in payload:
        remedy = f"A service of type {kind} has a time; give timestamp.classifierCode and timestamp.serviceDateTime."
        faults.append(Fault(f"{path}.timestamp", "is missing", remedy))
    # The standard's own example breaks the two rules below, so they are told and refuse nothing.
    event = service.get("portCallServiceEventTypeCode")
    if event is not None and event not in SERVICE_EVENTS[kind]:
        where = f"{path}.portCallService.portCallServiceEventTypeCode"
        caution(faults, where, f"{event} with {kind}", f"{kind} goes with {' or '.join(SERVICE_EVENTS[kind])}.")
    if "movesForecasts" in payload and kind != "MOVES":
        remedy = "Forecasts of moves belong to a service of type MOVES."
        caution(faults, f"{path}.movesForecasts", f"with a service of type {kind}", remedy)
    classifier = at(payload, "timestamp", "classifierCode")
    if classifier in ("EST", "REQ", "PLN") and kind not in NEGOTIABLE:
        where = f"{path}.timestamp.classifierCode"
        caution(faults, where, f"{classifier} with {kind}", f"{kind} has actual times (ACT) only.")


DATASET: Final = Dataset(
    id="port-calls",
    title="Port call events",
    description=(
        "Estimated, requested, planned and actual times of a vessel's services in a port: berth, anchorage, pilotage, "
        "towage, cargo operations, shore power."
    ),
    standard="DCSA Port Call 2.0.0",
    media_type="application/json",
    fields=tuple(leaf_names(EVENT)),
    # The flags are demanded because an event without them would say the opposite.
    required=(
        "eventID",
        "eventUpdatedDateTime",
        "portCall.UNLocationCode",
        "portCall.isOmitted",
        "terminalCall.isOmitted",
        "portCallService.portCallServiceTypeCode",
        "portCallService.isCanceled",
        "portCallService.isDeclined",
        "timestamp.classifierCode",
        "timestamp.serviceDateTime",
    ),
    read=read,
)
