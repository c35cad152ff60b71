"""Vessel schedules: DCSA Operational Vessel Schedules 3.0.2.

Records are single transport calls; the answer puts them together again, service by service and vessel by vessel.
A match on one call gives the whole voyage it belongs to, as the standard says, unless only matched calls are asked for.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import http
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from sealane.errors import Fault, RequestRefusedError
from sealane.exchange.pull import read_for_partner, stream_for_reading
from sealane.node.api.dcsa import READERS, Reader, answers, reader_of
from sealane.node.context import Node, utc_now
from sealane.node.problems import Problem
from sealane.products.codes import locode_fault, mmsi_fault
from sealane.products.dcsa_common import SERVICE_REFERENCE, VOYAGE_REFERENCE, sound_imo
from sealane.products.dcsa_schedules import assemble
from sealane.products.shapes import Faults, Group, code, one_of, read_day, text, walk
from sealane.products.store import Filters, iterate_records

PATH: Final = "/dcsa/schedules/v3/service-schedules"
VERSION: Final = "3.0.2"
DATASET: Final = "vessel-schedules"
DEFAULT_PAGE: Final = 100
MAX_PAGE: Final = 100
MAX_CURSOR: Final = 1_024
# Calls looked at for one answer; more would want narrower filters.
MAX_CALLS: Final = 20_000
_PAGE: Final = 1_000
# A clause that lets little through must not lead through all that is held, in one write transaction.
_MAX_PAGES: Final = MAX_CALLS // _PAGE + 1
# Without dates the standard takes three months back and six months ahead.
_MONTHS_BACK, _MONTHS_AHEAD = 3, 6
_DATE = text(10, pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}", form="a date as in 2026-11-22")
PARAMETERS: Final = Group(
    {
        "carrierServiceName": text(50),
        "carrierServiceCode": text(11),
        "universalServiceReference": SERVICE_REFERENCE,
        "vesselIMONumber": text(7, pattern="[0-9]{7}", form="seven digits"),
        "MMSINumber": code(mmsi_fault, "MMSI"),
        "vesselName": text(35),
        "carrierVoyageNumber": text(50),
        "universalVoyageReference": VOYAGE_REFERENCE,
        "UNLocationCode": code(locode_fault, "UN/LOCODE"),
        "facilitySMDGCode": text(6),
        "vesselOperatorSMDGLinerCode": text(10),
        "startDate": _DATE,
        "endDate": _DATE,
        "responseScope": one_of("FULL_VOYAGE", "MATCHED_CALLS"),
        "limit": text(9, pattern=r"[0-9]+(\.0+)?", form="a whole number from 0"),
    },
    closed=True,
)
_ERROR = {
    "type": "object",
    "required": ["httpMethod", "requestUri", "statusCode", "statusCodeText", "errorDateTime", "errors"],
}
_SERVICE = ("carrierServiceName", "carrierServiceCode", "universalServiceReference")
_VESSEL = ("vesselIMONumber", "MMSINumber", "vesselName", "vesselOperatorSMDGLinerCode")
_PLACE = ("UNLocationCode", "facilitySMDGCode")
_VOYAGES = {
    "carrierVoyageNumber": ("carrierImportVoyageNumber", "carrierExportVoyageNumber"),
    "universalVoyageReference": ("universalImportVoyageReference", "universalExportVoyageReference"),
}


@dataclass(frozen=True)
class Wanted:
    """A request, read and checked.

    Attributes
    ----------
    first, last : days in which a call must have a time, both included; None where no day was named.
    skip : services of earlier pages.
    """

    given: Mapping[str, str]
    first: dt.date
    last: dt.date
    dates_named: bool
    limit: int
    skip: int


def router(node: Node) -> APIRouter:
    """Return the endpoint for vessel schedules."""
    api = APIRouter(tags=["vessel schedules"])
    reader_for = reader_of(node)

    @api.get(
        PATH,
        summary="Service schedules",
        response_class=Response,
        responses=answers({"type": "array", "items": {"type": "object"}}, _ERROR),
        openapi_extra={
            "security": READERS,
            "parameters": [
                *({"name": name, "in": "query", "schema": {"type": "string"}} for name in PARAMETERS.members),
                {"name": "cursor", "in": "query", "schema": {"type": "string", "maxLength": MAX_CURSOR}},
                {"name": "API-Version", "in": "header", "schema": {"type": "string"}},
            ],
        },
    )
    async def schedules(request: Request) -> Response:
        who = await reader_for(request)
        return await run_in_threadpool(answer, request, who)

    def answer(request: Request, who: Reader) -> Response:
        wanted = read_wanted(request, node.clock().date())
        filters = Filters(vessel_imo=sound_imo(wanted.given.get("vesselIMONumber")))
        calls, simulated = _calls(node, who, filters, request.state.request_id)
        if _is_first_edition(request):
            calls = [call for call in calls if _has_imo_or_is_dummy(call)]
        services = assemble(matching(calls, wanted))
        services.sort(key=lambda service: [service.get(name, "") for name in ("carrierServiceCode", *_SERVICE)])
        page = services[wanted.skip : wanted.skip + wanted.limit]
        headers = {"API-Version": VERSION}
        if wanted.limit and wanted.skip + wanted.limit < len(services):
            headers["Next-Page-Cursor"] = write_cursor(wanted)
        if simulated:
            headers["X-Simulated"] = "true"
        content = json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(content, headers=headers, media_type="application/json")

    return api


def _calls(node: Node, who: Reader, filters: Filters, request_id: str) -> tuple[list[dict[str, Any]], bool]:
    """Return every call the reader may see that the database cannot rule out."""
    if who.participant is None:
        with node.database.read() as connection:
            rows = _limited(iterate_records(connection, DATASET, filters))
            found = [(json.loads(row["body"]), row["simulated"]) for row in rows]
        return [body for body, _ in found], any(simulated for _, simulated in found)
    now = node.clock()
    bodies: list[dict[str, Any]] = []
    simulated, after = False, 0
    with node.database.write() as connection:
        stream, terms = stream_for_reading(connection, who.participant, who.stream, DATASET, now)
        for _ in range(_MAX_PAGES):
            page = read_for_partner(
                connection, stream, terms, node.identity.participant, Filters(), _any, after, _PAGE, now, request_id
            )
            bodies += [json.loads(body) for body in page.bodies]
            simulated = simulated or page.simulated
            if page.next_after is None:
                return bodies, simulated
            after = page.next_after
    raise _too_many()


def _any(_: Mapping[str, Any]) -> bool:
    return True


def _limited(rows: Iterable[Any]) -> Iterable[Any]:
    for number, row in enumerate(rows):
        if number >= MAX_CALLS:
            raise _too_many()
        yield row


def _too_many() -> RequestRefusedError:
    fault = Fault("vesselIMONumber", "is not given", "Ask for one vessel at a time.")
    return RequestRefusedError(
        400, "too-many", f"More than {MAX_CALLS:,} calls are held.", "Narrow the query.", [fault]
    )


def matching(calls: Iterable[dict[str, Any]], wanted: Wanted) -> list[dict[str, Any]]:
    """Return the calls that are asked for, each a schedule of one call: whole voyages, or matched calls alone."""
    candidates = [call for call in calls if _service_and_vessel_fit(call, wanted.given)]
    matched = [call for call in candidates if _call_fits(_parts(call)[1], wanted)]
    if wanted.given.get("responseScope") == "MATCHED_CALLS":
        return matched
    voyages = {voyage for call in matched for voyage in _voyages(call)}
    return [call for call in candidates if not voyages.isdisjoint(_voyages(call))]


def _parts(schedule: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    vessel = schedule["vesselSchedules"][0]
    return vessel, vessel["transportCalls"][0]


def _voyages(schedule: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    vessel, call = _parts(schedule)
    ship = str(vessel.get("vesselIMONumber") or vessel.get("MMSINumber") or vessel.get("vesselName"))
    service = str(schedule.get("carrierServiceCode"))
    numbers = {call[name] for names in _VOYAGES.values() for name in names if name in call}
    # 9999R stands for an import voyage that is not known; it must not tie voyages together.
    found = {(service, ship, number) for number in numbers - {"9999R"}}
    return found or {(service, ship, str(call.get("transportCallReference")))}


def _service_and_vessel_fit(schedule: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    vessel = schedule["vesselSchedules"][0]
    return all(schedule.get(name) == given[name] for name in _SERVICE if name in given) and all(
        vessel.get(name) == given[name] for name in _VESSEL if name in given
    )


def _call_fits(call: Mapping[str, Any], wanted: Wanted) -> bool:
    given, place = wanted.given, call.get("location", {})
    if any(place.get(name) != given[name] for name in _PLACE if name in given):
        return False
    for name, properties in _VOYAGES.items():
        if name in given and given[name] not in [call.get(key) for key in properties]:
            return False
    days = [day for stamp in call.get("timestamps", ()) if (day := read_day(stamp["eventDateTime"][:10]))]
    if not days:
        return not wanted.dates_named
    return any(wanted.first <= day <= wanted.last for day in days)


def _is_first_edition(request: Request) -> bool:
    """Whether the reader is on 3.0.0, which knew vessels by their IMO number only."""
    return request.headers.get("api-version", "").strip() in ("", "3", "3.0", "3.0.0")


def _has_imo_or_is_dummy(schedule: Mapping[str, Any]) -> bool:
    vessel = schedule["vesselSchedules"][0]
    return bool(vessel.get("isDummyVessel")) or "vesselIMONumber" in vessel


def read_wanted(request: Request, today: dt.date) -> Wanted:
    """Read the query of a request.

    Raises
    ------
    RequestRefusedError
        400 with every fault.
    """
    faults = Faults()
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            faults.append(Fault(name[:100], "is given twice", "Give it once."))
        given[name] = value
    skip = 0
    if "cursor" in given:
        # The cursor carries the query it belongs to; beside it other parameters mean nothing.
        given, skip = read_cursor(given["cursor"], faults)
    walk(PARAMETERS, given, "", faults)
    version = request.headers.get("api-version", "").strip()
    if version and version.split(".")[0] != "3":
        faults.append(Fault("API-Version", repr(version[:40]), f"This interface implements {VERSION}."))
    first, last = (read_day(given[name]) if name in given else None for name in ("startDate", "endDate"))
    for name, day in (("startDate", first), ("endDate", last)):
        if name in given and day is None and not faults:
            faults.append(Fault(name, repr(given[name][:40]), "Give a date that exists."))
    if faults:
        cleaned = [Fault(fault.where.lstrip("."), fault.found, fault.remedy) for fault in faults]
        raise RequestRefusedError(400, "invalid-query", "The request is not valid.", "Correct what is listed.", cleaned)
    limit = min(int(float(given.get("limit", DEFAULT_PAGE))), MAX_PAGE)
    return Wanted(
        given,
        first or _months(today, -_MONTHS_BACK),
        last or _months(today, _MONTHS_AHEAD),
        first is not None or last is not None,
        limit,
        skip,
    )


def _months(day: dt.date, months: int) -> dt.date:
    """Return the same day some months later or earlier, the last day where the month is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return dt.date(year, month + 1, last)
        except ValueError:
            continue
    return dt.date(year, month + 1, min(day.day, 28))


def write_cursor(wanted: Wanted) -> str:
    """Return the cursor of the next page."""
    content = json.dumps({"q": wanted.given, "s": wanted.skip + wanted.limit}, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(value: str, faults: list[Fault]) -> tuple[dict[str, str], int]:
    """Return the query and the number of services to skip; an empty query after a fault."""
    padded = value[:MAX_CURSOR] + "=" * (-len(value) % 4)
    query: Any = None
    skip: Any = 0
    try:
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        query, skip = content["q"], content["s"]
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        query = None
    texts = isinstance(query, dict) and all(isinstance(part, str) for part in query.values())
    if not texts or type(skip) is not int or not 0 <= skip < 2**31:
        faults.append(Fault("cursor", repr(value[:60]), "Give the value of the header Next-Page-Cursor."))
        return {}, 0
    return query, skip


def _error_form() -> Callable[[Problem], Response]:
    def form(problem: Problem) -> Response:
        phrase = http.HTTPStatus(problem.status).phrase
        content = {
            "httpMethod": "GET",
            "requestUri": PATH,
            "statusCode": problem.status,
            "statusCodeText": phrase[:50],
            "statusCodeMessage": f"{problem.detail} {problem.remedy}"[:200],
            "providerCorrelationReference": problem.request_id,
            "errorDateTime": utc_now().isoformat().replace("+00:00", "Z"),
            "errors": [
                {
                    "errorCode": 7007,
                    "property": fault.where[:100],
                    "value": fault.found[:500],
                    "errorCodeText": "invalidQuery",
                    # The standard spells it so.
                    "erorCodeMessage": f"{fault.found}. {fault.remedy}"[:200],
                }
                for fault in problem.faults[:100]
            ],
        }
        headers = {**problem.headers, "API-Version": VERSION}
        return Response(json.dumps(content).encode(), problem.status, headers, "application/json")

    return form


PROBLEM_FORMS = {PATH: _error_form()}
