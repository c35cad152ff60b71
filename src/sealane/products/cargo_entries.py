"""Turns records of port calls, container milestones and vessel schedules into entries of one timeline.

Every look at a payload is tolerant of a missing leaf: a partner's record may have been trimmed by its clause, and
what is missing is shown as missing, never filled in.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from sealane.errors import DataError, Fault


class Step(StrEnum):
    """A step of a container's journey, in the words of DCSA's event codes."""

    GATED_IN = "gated in"
    LOADED = "loaded"
    DEPARTED = "vessel departed"
    ARRIVED = "vessel arrived"
    DISCHARGED = "discharged"
    GATED_OUT = "gated out"
    OTHER = "other"


_EQUIPMENT = {"GTIN": Step.GATED_IN, "LOAD": Step.LOADED, "DISC": Step.DISCHARGED, "GTOT": Step.GATED_OUT}
# DCSA Track & Trace 3.0.0, equipmentEventTypeCode, beside the four above.
_EQUIPMENT_WORDS = {
    "AVDO": "available for drop-off",
    "AVPU": "available for pick-up",
    "CROS": "crossed",
    "CUSI": "selected for customs inspection",
    "CUSR": "released by customs",
    "CUSS": "selected for customs scan",
    "DROP": "dropped off",
    "INSP": "inspected",
    "PICK": "picked up",
    "RMVD": "removed",
    "RSEA": "resealed",
    "STRP": "stripped",
    "STUF": "stuffed",
}
_TRANSPORT = {"ARRI": "arrived", "DEPA": "departed"}
_PORT_CALL_EVENT = {"STRT": "started", "CMPL": "completed", "ARRI": "arrived", "DEPA": "departed"}


@dataclass(frozen=True)
class Provenance:
    """Where an entry comes from and under which clause it was received.

    Attributes
    ----------
    received_under : ``agreement@version#clause``, None for the node's own records.
    not_agreed : leaves of the data product that this clause does not let through.
    """

    source: str
    dataset: str
    record_id: str
    known_at: dt.datetime
    received_at: dt.datetime
    simulated: bool
    received_under: str | None
    not_agreed: tuple[str, ...] = ()


@dataclass(frozen=True)
class CargoEntry:
    """One thing that happened or is expected, as one source tells it.

    Attributes
    ----------
    at : UTC; None where the source gives no time.
    classifier : ACT, EST, PLN or REQ; None where the clause does not let it through.
    step : place in the journey; ``OTHER`` for what has none.
    what : in words.
    mode : VESSEL, RAIL, TRUCK, BARGE or None.
    """

    at: dt.datetime | None
    classifier: str | None
    step: Step
    what: str
    mode: str | None
    port: str | None
    facility: str | None
    vessel_imo: str | None
    vessel_name: str | None
    voyages: tuple[str, ...]
    equipment: str | None
    provenance: Provenance

    def age(self, now: dt.datetime) -> dt.timedelta:
        """Return how long ago its source learnt it."""
        return now - self.provenance.known_at


def entries_of(row: Row[Any], not_agreed: tuple[str, ...]) -> list[CargoEntry]:
    """Return the entries one stored record gives.

    Parameters
    ----------
    row : a row of the table ``record``.
    not_agreed : what its clause does not let through.

    Raises
    ------
    DataError
        If the stored payload is not a JSON object.
    """
    body = json.loads(row.body)
    if not isinstance(body, dict):
        raise DataError(
            "A stored record cannot be read.",
            [Fault(f"{row.source} {row.dataset} {row.id}", "not a JSON object", "Load the record again")],
        )
    under = f"{row.agreement_id}@{row.agreement_version}#{row.clause_id}" if row.agreement_id else None
    provenance = Provenance(
        row.source, row.dataset, row.id, row.known_at, row.received_at, row.simulated, under, not_agreed
    )
    if row.dataset == "container-milestones":
        return [_milestone(row, body, provenance)]
    if row.dataset == "port-calls":
        return [_port_call(row, body, provenance)]
    return _schedule(row, body, provenance)


def _milestone(row: Row[Any], body: Mapping[str, Any], provenance: Provenance) -> CargoEntry:
    kind = part(body, "eventClassification")
    call = part(part(body, "transportDetails"), "transportCall")
    vessel = part(call, "vesselTransport")
    mode = text(call, "modeOfTransport")
    location = part(body, "eventLocation")
    facility = part(location, "facility")
    equipment_code = text(kind, "equipmentEventTypeCode")
    transport_code = text(kind, "transportEventTypeCode")
    step = _EQUIPMENT.get(equipment_code or "", Step.OTHER)
    if equipment_code is not None:
        what = step.value if step is not Step.OTHER else _EQUIPMENT_WORDS.get(equipment_code, equipment_code)
        if mode and step in {Step.GATED_IN, Step.GATED_OUT}:
            what += f" by {mode.lower()}"
    elif transport_code is not None:
        step = _vessel_step(transport_code) if mode in {None, "VESSEL"} else Step.OTHER
        what = f"{(mode or 'transport').lower()} {_TRANSPORT.get(transport_code, transport_code)}"
    else:
        codes = [text(kind, key) for key in ("shipmentEventTypeCode", "iotEventTypeCode", "reeferEventTypeCode")]
        what = " ".join([text(kind, "eventTypeCode") or "event", *[code for code in codes if code]]).lower()
    return CargoEntry(
        at=row.occurred_at,
        classifier=text(kind, "eventClassifierCode"),
        step=step,
        what=what,
        mode=mode,
        port=row.port,
        facility=text(facility, "facilityCode") or row.terminal or text(location, "locationName"),
        vessel_imo=row.vessel_imo,
        vessel_name=text(vessel, "vesselName"),
        voyages=_voyages(call, row.voyage),
        equipment=row.equipment,
        provenance=provenance,
    )


def _port_call(row: Row[Any], body: Mapping[str, Any], provenance: Provenance) -> CargoEntry:
    service = part(body, "portCallService")
    name = (text(service, "portCallServiceTypeCode") or "port call").replace("_", " ").lower()
    event = text(service, "portCallServiceEventTypeCode")
    step = Step.OTHER
    # Arrival and departure of the vessel are its arrival at and departure from the berth: what cargo waits for.
    if name == "berth" and event in _TRANSPORT:
        step = _vessel_step(event)
    what = f"{name} {_PORT_CALL_EVENT.get(event or '', event or '')}".strip()
    vessel = part(body, "vessel")
    return CargoEntry(
        at=row.occurred_at,
        classifier=text(part(body, "timestamp"), "classifierCode"),
        step=step,
        what=what if step is Step.OTHER else step.value,
        mode="VESSEL",
        port=row.port,
        facility=text(part(part(service, "serviceLocation"), "facility"), "facilityCode") or row.terminal,
        vessel_imo=row.vessel_imo,
        vessel_name=text(vessel, "vesselName"),
        voyages=_voyages(part(body, "terminalCall"), row.voyage),
        equipment=None,
        provenance=provenance,
    )


def _schedule(row: Row[Any], body: Mapping[str, Any], provenance: Provenance) -> list[CargoEntry]:
    found = []
    vessels = body.get("vesselSchedules")
    vessel = vessels[0] if isinstance(vessels, list) and vessels and isinstance(vessels[0], dict) else body
    for call in _transport_calls(body):
        blank = CargoEntry(
            at=None,
            classifier=None,
            step=Step.OTHER,
            what="scheduled call",
            mode="VESSEL",
            port=row.port or text(part(call, "location"), "UNLocationCode"),
            facility=text(part(call, "location"), "facilitySMDGCode") or row.terminal,
            vessel_imo=row.vessel_imo,
            vessel_name=text(vessel, "vesselName"),
            voyages=_voyages(call, row.voyage),
            equipment=None,
            provenance=provenance,
        )
        stamps = call.get("timestamps")
        for stamp in stamps if isinstance(stamps, list) else []:
            if not isinstance(stamp, dict):
                continue
            step = _vessel_step(text(stamp, "eventTypeCode") or "")
            found.append(
                replace(
                    blank,
                    at=_time(text(stamp, "eventDateTime")),
                    classifier=text(stamp, "eventClassifierCode"),
                    step=step,
                    what=f"{step.value} (schedule)",
                )
            )
    return found


def _transport_calls(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Find the transport calls in a schedule record, wherever its nesting holds them."""
    if "timestamps" in body:
        return [body]
    found: list[Mapping[str, Any]] = []
    for value in body.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                found += _transport_calls(item)
    return found


def _vessel_step(code: str) -> Step:
    return {"ARRI": Step.ARRIVED, "DEPA": Step.DEPARTED}.get(code, Step.OTHER)


def _voyages(call: Mapping[str, Any], stored: str | None) -> tuple[str, ...]:
    found = {stored} if stored else set()
    for key in ("exportVoyageNumberOrReference", "importVoyageNumberOrReference"):
        for leaf in ("carrierVoyageNumber", "universalVoyageReference"):
            value = text(part(call, key), leaf)
            if value:
                found.add(value)
    for key in ("carrierExportVoyageNumber", "carrierImportVoyageNumber"):
        value = text(call, key)
        if value:
            found.add(value)
    return tuple(sorted(found))


def part(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a nested object, or an empty one where it is missing."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def text(body: Mapping[str, Any], key: str) -> str | None:
    """Return a text, or None where it is missing."""
    value = body.get(key)
    return value if isinstance(value, str) and value else None


def _time(value: str | None) -> dt.datetime | None:
    if value is None:
        return None
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(dt.UTC) if found.tzinfo else None
