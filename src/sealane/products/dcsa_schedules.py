"""Vessel schedules of DCSA Operational Vessel Schedules 3.0.2.

One record is one transport call: a service schedule of the standard with one vessel and one call in it, so that it
can be decided, delayed and revised alone and is still a valid payload. `split` takes a published schedule apart,
`assemble` puts the calls of a service and vessel together again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from sealane.agreements.clauses import Record
from sealane.errors import Fault
from sealane.products.codes import mmsi_fault
from sealane.products.dataset import Dataset, JoinKeys
from sealane.products.dcsa_common import (
    DELAY_REASON,
    SERVICE_REFERENCE,
    VOYAGE_REFERENCE,
    at,
    locode_leaf,
    named_imo_leaf,
    sound_imo,
)
from sealane.products.shapes import Group, Listing, boolean, code, leaf_names, moment, one_of, read_time, text, walk

_STATUS = ["OMIT", "BLNK", "ADHO", "PHOT", "PHIN", "SLID", "ROTC", "CUTR"]
_LOCATION_NEEDS = {
    "UNLO": ("UNLocationCode",),
    "FACS": ("UNLocationCode", "facilitySMDGCode"),
    "ADDR": ("address",),
}
_LOCATION = Group(
    {
        "locationName": text(100, pattern=r"\S+(\s+\S+)*", form="a name without blanks at its ends"),
        "locationType": one_of(*_LOCATION_NEEDS),
        "UNLocationCode": locode_leaf(),
        "facilitySMDGCode": text(6),
        "address": Group(
            {
                "name": text(100),
                "street": text(100),
                "streetNumber": text(50),
                "floor": text(50),
                "postCode": text(50),
                "city": text(65),
                "stateRegion": text(65),
                "country": text(75),
            },
            required=("name",),
        ),
    },
    required=("locationType",),
)
_TIMESTAMP = Group(
    {
        "eventTypeCode": one_of("ARRI", "DEPA"),
        "eventClassifierCode": one_of("PLN", "EST", "ACT"),
        "eventDateTime": moment(),
        "delayReasonCode": DELAY_REASON,
        "delayReasonCodes": Listing(DELAY_REASON, most=100),
        "changeRemark": text(250, least=0),
        "facilityTypeCode": one_of("PBPL", "BRTH"),
    },
    required=("eventTypeCode", "eventClassifierCode", "eventDateTime"),
)
_CALL = Group(
    {
        "portVisitReference": text(50),
        "transportCallReference": text(100),
        "carrierImportVoyageNumber": text(50),
        "carrierExportVoyageNumber": text(50),
        "universalImportVoyageReference": VOYAGE_REFERENCE,
        "universalExportVoyageReference": VOYAGE_REFERENCE,
        "location": _LOCATION,
        "statusCode": one_of(*_STATUS),
        "statusCodes": Listing(one_of(*_STATUS, "DRYD", "BUNK", "OOSV"), most=100),
        "timestamps": Listing(_TIMESTAMP),
    },
    required=("carrierImportVoyageNumber", "transportCallReference"),
)
_VESSEL = {
    "vesselOperatorSMDGLinerCode": text(10),
    "vesselIMONumber": named_imo_leaf(),
    "MMSINumber": code(mmsi_fault, "MMSI"),
    "vesselName": text(35),
    "vesselCallSign": text(10),
    "isDummyVessel": boolean(),
}
_SERVICE = {
    "carrierServiceName": text(50),
    "carrierServiceCode": text(11),
    "universalServiceReference": SERVICE_REFERENCE,
}
SCHEDULE: Final = Group(
    {
        **_SERVICE,
        "vesselSchedules": Listing(
            Group(
                {**_VESSEL, "transportCalls": Listing(_CALL, least=1, most=1)},
                required=("isDummyVessel", "vesselOperatorSMDGLinerCode", "transportCalls"),
            ),
            least=1,
            most=1,
        ),
    },
    required=("carrierServiceCode", "carrierServiceName", "vesselSchedules"),
)
_BEST_FIRST = {"ACT": 0, "EST": 1, "PLN": 2}


def read(
    payload: Mapping[str, Any], path: str, faults: list[Fault], now: dt.datetime
) -> tuple[Record, JoinKeys] | None:
    """Read one transport call; see ``Dataset.read``."""
    before = len(faults)
    walk(SCHEDULE, payload, path, faults)
    if len(faults) > before:
        return None
    vessel = payload["vesselSchedules"][0]
    call = vessel["transportCalls"][0]
    _check_conditions(vessel, call, f"{path}.vesselSchedules[0]", faults)
    if len(faults) > before:
        return None
    record = Record(
        dataset="vessel-schedules",
        id=f"{quote(payload['carrierServiceCode'], safe='')}:{call['transportCallReference']}",
        occurred_at=call_time(call),
        # The standard gives a schedule no time of its own.
        known_at=now,
        port=at(call, "location", "UNLocationCode"),
        terminal=at(call, "location", "facilitySMDGCode"),
        vessel_imo=sound_imo(vessel.get("vesselIMONumber")),
        body=payload,
    )
    return record, JoinKeys(voyage=call.get("carrierExportVoyageNumber") or call["carrierImportVoyageNumber"])


def _check_conditions(vessel: Mapping[str, Any], call: Mapping[str, Any], path: str, faults: list[Fault]) -> None:
    """Check what the standard demands only under a condition."""
    if vessel["isDummyVessel"]:
        if "vesselName" not in vessel:
            faults.append(
                Fault(f"{path}.vesselName", "is missing", "A dummy vessel is known by its name only; give it.")
            )
    elif "vesselIMONumber" not in vessel and "MMSINumber" not in vessel:
        remedy = "Give the IMO number or the MMSI, or say that the vessel is a dummy (isDummyVessel)."
        faults.append(Fault(f"{path}.vesselIMONumber", "is missing", remedy))
    place = call.get("location")
    if place is not None:
        for name in _LOCATION_NEEDS[place["locationType"]]:
            if name not in place:
                where = f"{path}.transportCalls[0].location.{name}"
                faults.append(Fault(where, "is missing", f"A location of type {place['locationType']} needs it."))


def call_time(call: Mapping[str, Any]) -> dt.datetime | None:
    """Return the best known arrival of a call, its departure where no arrival is given."""
    best = min(
        call.get("timestamps", ()),
        key=lambda stamp: (stamp["eventTypeCode"] != "ARRI", _BEST_FIRST[stamp["eventClassifierCode"]]),
        default=None,
    )
    return None if best is None else read_time(best["eventDateTime"])


def split(schedules: Any, path: str, faults: list[Fault]) -> list[tuple[str, bytes]]:
    """Take published service schedules apart into records.

    Parameters
    ----------
    schedules : array of service schedules, or one of them, as parsed JSON.
    path : path of the array, for faults.

    Returns
    -------
    The path each record came from and its bytes.
    """
    records: list[tuple[str, bytes]] = []
    single = not isinstance(schedules, list)
    for s, schedule in enumerate([schedules] if single else schedules):
        where = path if single else f"{path}[{s}]"
        vessels = schedule.get("vesselSchedules", []) if isinstance(schedule, dict) else None
        if not isinstance(vessels, list):
            faults.append(Fault(where, "is no service schedule", "Give an object with an array vesselSchedules."))
            continue
        for v, vessel in enumerate(vessels):
            calls = vessel.get("transportCalls", []) if isinstance(vessel, dict) else None
            if not isinstance(calls, list):
                remedy = "Give an object with an array transportCalls."
                faults.append(Fault(f"{where}.vesselSchedules[{v}]", "is no vessel schedule", remedy))
                continue
            for c, call in enumerate(calls):
                one = {**schedule, "vesselSchedules": [{**vessel, "transportCalls": [call]}]}
                body = json.dumps(one, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
                records.append((f"{where}.vesselSchedules[{v}].transportCalls[{c}]", body))
    return records


def assemble(payloads: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put calls together: service by service, in it vessel by vessel, in it the calls in the order of their times.

    Calls without a time stay behind those with one, in the order given.
    """
    services: dict[str, dict[str, Any]] = {}
    vessels: dict[tuple[str, str], dict[str, Any]] = {}
    for payload in payloads:
        service_key = json.dumps([payload.get(name) for name in _SERVICE])
        service = services.setdefault(
            service_key, {**{k: v for k, v in payload.items() if k != "vesselSchedules"}, "vesselSchedules": []}
        )
        vessel = payload["vesselSchedules"][0]
        vessel_key = json.dumps([vessel.get(name) for name in _VESSEL])
        known = vessels.get((service_key, vessel_key))
        if known is None:
            known = {**{k: v for k, v in vessel.items() if k != "transportCalls"}, "transportCalls": []}
            vessels[service_key, vessel_key] = known
            service["vesselSchedules"].append(known)
        known["transportCalls"].append(vessel["transportCalls"][0])
    late = dt.datetime.max.replace(tzinfo=dt.UTC)
    for vessel in vessels.values():
        vessel["transportCalls"].sort(key=lambda call: call_time(call) or late)
    return list(services.values())


_CALL_PREFIX = "vesselSchedules[].transportCalls[]"
DATASET: Final = Dataset(
    id="vessel-schedules",
    title="Vessel schedules",
    description="Planned, estimated and actual arrivals and departures of liner vessels, one record a transport call.",
    standard="DCSA Operational Vessel Schedules 3.0.2",
    media_type="application/json",
    fields=tuple(leaf_names(SCHEDULE)),
    # A call that is omitted or blank must not lose that word on the way.
    required=(
        "carrierServiceName",
        "carrierServiceCode",
        "vesselSchedules[].vesselOperatorSMDGLinerCode",
        "vesselSchedules[].vesselIMONumber",
        "vesselSchedules[].MMSINumber",
        "vesselSchedules[].vesselName",
        "vesselSchedules[].isDummyVessel",
        f"{_CALL_PREFIX}.transportCallReference",
        f"{_CALL_PREFIX}.carrierImportVoyageNumber",
        f"{_CALL_PREFIX}.location.locationType",
        f"{_CALL_PREFIX}.location.UNLocationCode",
        f"{_CALL_PREFIX}.location.facilitySMDGCode",
        f"{_CALL_PREFIX}.location.address.name",
        f"{_CALL_PREFIX}.statusCode",
        f"{_CALL_PREFIX}.statusCodes[]",
        f"{_CALL_PREFIX}.timestamps[].eventTypeCode",
        f"{_CALL_PREFIX}.timestamps[].eventClassifierCode",
        f"{_CALL_PREFIX}.timestamps[].eventDateTime",
    ),
    read=read,
)
