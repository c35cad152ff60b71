"""Container milestones: DCSA Track & Trace 3.0.0, both ends of it (`GET` to read, `POST` for the port's own feeds)."""

from __future__ import annotations

from fastapi import APIRouter

from sealane.node.api.dcsa import events_router, feedback_form
from sealane.node.api.dcsa_query import Interface, Parameter
from sealane.node.context import Node
from sealane.products.codes import has_container_form

_DOCUMENTS = (
    ("shipmentDetails", "documentReference", "reference"),
    ("shipmentDetails", "additionalDocumentReferences", "reference"),
)
INTERFACE = Interface(
    dataset="container-milestones",
    version="3.0.0",
    path="/dcsa/track-and-trace/v3/events",
    parameters=(
        Parameter("carrierBookingReference", _DOCUMENTS, "booking"),
        Parameter("transportDocumentReference", _DOCUMENTS, "bill_of_lading"),
        Parameter(
            "equipmentReference",
            (("equipmentDetails", "equipmentReference"),),
            "equipment",
            narrows=has_container_form,  # equipment without an ISO number is in no column
        ),
        Parameter("eventTypes", (("eventClassification", "eventTypeCode"),), is_list=True),
    ),
    time_min="eventUpdatedDateTimeMin",
    time_max="eventUpdatedDateTimeMax",
    time_column="known",
    time_path=("eventUpdatedDateTime",),
)
PROBLEM_FORMS = {INTERFACE.path: feedback_form(INTERFACE)}


def router(node: Node) -> APIRouter:
    """Return the endpoints for container milestones."""
    return events_router(node, INTERFACE, "container milestones", "Container milestones")
