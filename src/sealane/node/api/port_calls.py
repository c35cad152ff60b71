"""Port call events: DCSA Port Call 2.0.0, both ends of it (`GET` to read, `POST` for the port's own feeds)."""

from __future__ import annotations

from fastapi import APIRouter

from sealane.node.api.dcsa import events_router, feedback_form
from sealane.node.api.dcsa_query import Interface, Parameter
from sealane.node.context import Node

_CALL = ("terminalCall",)
_IMPORT, _EXPORT = (*_CALL, "importVoyageNumberOrReference"), (*_CALL, "exportVoyageNumberOrReference")
_SERVICE = (*_CALL, "serviceCodeOrReference")
INTERFACE = Interface(
    dataset="port-calls",
    version="2.0.0",
    path="/dcsa/port-call/v2/events",
    parameters=(
        Parameter("UNLocationCode", (("portCall", "UNLocationCode"),), "port"),
        Parameter("portVisitReference", (("portCall", "portVisitReference"),)),
        Parameter("carrierServiceName", ((*_CALL, "carrierServiceName"),)),
        Parameter("carrierServiceCode", ((*_SERVICE, "carrierServiceCode"),)),
        Parameter("universalServiceReference", ((*_SERVICE, "universalServiceReference"),)),
        Parameter("terminalCallReference", ((*_CALL, "terminalCallReference"),)),
        Parameter("carrierImportVoyageNumber", ((*_IMPORT, "carrierVoyageNumber"),)),
        Parameter("universalImportVoyageReference", ((*_IMPORT, "universalVoyageReference"),)),
        Parameter("carrierExportVoyageNumber", ((*_EXPORT, "carrierVoyageNumber"),)),
        Parameter("universalExportVoyageReference", ((*_EXPORT, "universalVoyageReference"),)),
        Parameter("portCallServiceTypeCode", (("portCallService", "portCallServiceTypeCode"),)),
        Parameter("vesselIMONumber", (("vessel", "vesselIMONumber"),), "vessel_imo"),
        Parameter("vesselName", (("vessel", "vesselName"),)),
        Parameter("vesselMMSINumber", (("vessel", "vesselMMSINumber"),)),
        Parameter("portCallID", (("portCall", "portCallID"),)),
        Parameter("terminalCallID", ((*_CALL, "terminalCallID"),)),
        Parameter("portCallServiceID", (("portCallService", "portCallServiceID"),)),
        # The standard has no property for the id of a timestamp; the id of the event that carries it is meant.
        Parameter("timestampID", (("eventID",),)),
        Parameter("classifierCode", (("timestamp", "classifierCode"),)),
    ),
    time_min="eventTimestampMin",
    time_max="eventTimestampMax",
    time_column="occurred",
    time_path=("timestamp", "serviceDateTime"),
    headers={
        "request-sending-party": "Response-Receiving-Party",
        "request-receiving-party": "Response-Sending-Party",
    },
)
PROBLEM_FORMS = {INTERFACE.path: feedback_form(INTERFACE)}


def router(node: Node) -> APIRouter:
    """Return the endpoints for port call events."""
    return events_router(node, INTERFACE, "port calls", "Port call events")
