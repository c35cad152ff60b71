"""Dataspace Protocol 2025-1 over HTTPS: versions, catalogue, negotiations and transfers, both roles at one address."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, BackgroundTasks, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from sealane.errors import RequestRefusedError, SealaneError
from sealane.exchange import dsp_catalogue, negotiation, strict_json, transfer
from sealane.exchange import dsp_messages as messages
from sealane.exchange.dataspace import DSP_PATH, Dataspace, Row
from sealane.exchange.dsp_messages import Message, MessageType, read_message
from sealane.exchange.dsp_process import REQUEST, Machine
from sealane.exchange.dsp_sending import work
from sealane.exchange.negotiation import NegotiationMessage
from sealane.exchange.transfer import TransferMessage
from sealane.node.api.security import peer_of
from sealane.node.context import Node
from sealane.node.dataspace import dataspace_of
from sealane.node.problems import Problem

MAX_BODY_BYTES = 1_048_576
_LOG = logging.getLogger(__name__)
_Pid = Annotated[str, Path(min_length=1, max_length=200, pattern="^[!-~]+$")]
_Handler = Callable[[sa.Connection, Message], Row]


def _problem_form(kind: MessageType) -> Callable[[Problem], Response]:
    """Return how a refusal outside of any process (who asks, database, size) looks in the protocol's own form."""

    def form(problem: Problem) -> Response:
        reasons = [f"{problem.detail} {problem.remedy}", *(str(fault) for fault in problem.faults)]
        return _error(kind, problem.status, problem.kind, reasons, None, dict(problem.headers))

    return form


PROBLEM_FORMS = {
    f"{DSP_PATH}/catalog": _problem_form(MessageType.CATALOG_ERROR),
    f"{DSP_PATH}/negotiations": _problem_form(MessageType.NEGOTIATION_ERROR),
    f"{DSP_PATH}/transfers": _problem_form(MessageType.TRANSFER_ERROR),
}


def _error(
    kind: MessageType,
    status: int,
    code: str,
    reasons: list[str],
    message: Message | None,
    headers: dict[str, str] | None = None,
) -> Response:
    if kind is MessageType.CATALOG_ERROR:
        body = messages.catalog_error(code, reasons)
    else:
        # The schema wants both pids, also where the sender's message had none that could be read.
        provider = (message.provider_pid if message else None) or "unknown"
        consumer = (message.consumer_pid if message else None) or "unknown"
        body = messages.process_error(kind, provider, consumer, code, reasons)
    return JSONResponse(body, status, headers=headers)


def _refusal(kind: MessageType, error: RequestRefusedError, message: Message | None) -> Response:
    reasons = [f"{error.detail} {error.remedy}", *(str(fault) for fault in error.faults)]
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else None
    return _error(kind, error.status, error.kind, reasons, message, headers)


def _claimed(body: bytes) -> Message | None:
    """Return the pids a message that is refused says, for the error's own members."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    pids = [data.get(key) for key in ("consumerPid", "providerPid")]
    shown = [pid if isinstance(pid, str) and len(pid) <= 200 and pid.isprintable() else None for pid in pids]
    return Message(MessageType.NEGOTIATION_ERROR, consumer_pid=shown[0], provider_pid=shown[1])


def _content(description: str, schema: str) -> dict[str, Any]:
    document = {"type": "object", "description": f"{schema} of the Dataspace Protocol 2025-1."}
    return {"description": description, "content": {"application/json": {"schema": document}}}


def _errors(kind: MessageType) -> dict[int | str, dict[str, Any]]:
    return {status: _content("Refused.", kind) for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)}


def _body(*kinds: MessageType) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["@context", "@type"],
        "properties": {
            "@context": {"type": "array", "items": {"type": "string"}, "contains": {"const": messages.CONTEXT}},
            "@type": {"type": "string", "enum": [str(kind) for kind in kinds]},
        },
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def router(node: Node) -> APIRouter:
    """Return the endpoints of the Dataspace Protocol."""
    api = APIRouter(tags=["dataspace"])
    space = dataspace_of(node)
    partner = peer_of(node)

    @api.get(
        "/.well-known/dspace-version",
        summary="Versions of the Dataspace Protocol this node speaks",
        responses={200: _content("The versions.", "VersionResponse")},
    )
    def versions() -> Response:
        return JSONResponse(messages.versions(DSP_PATH))

    _add_catalogue(api, space, partner)
    _add_processes(api, space, partner, negotiation.MACHINE, _negotiation_handler, negotiation.state_document)
    _add_processes(api, space, partner, transfer.MACHINE, _transfer_handler, transfer.state_document)
    return api


def _add_catalogue(api: APIRouter, space: Dataspace, partner: Callable[..., Any]) -> None:
    node, kind = space.node, MessageType.CATALOG_ERROR

    @api.post(
        f"{DSP_PATH}/catalog/request",
        summary="What this node offers to who asks",
        response_class=Response,
        responses={200: _content("The catalogue.", "Catalog"), **_errors(kind)},
        openapi_extra=_body(MessageType.CATALOG_REQUEST),
    )
    async def catalogue(request: Request, peer: str = Depends(partner)) -> Response:
        body: bytes = request.state.body

        def answer() -> dict[str, Any]:
            message = read_message(strict_json.parse(body, MAX_BODY_BYTES), MessageType.CATALOG_REQUEST)
            with node.database.read() as connection:
                return dsp_catalogue.catalogue(space, connection, peer, node.clock(), message.filter)

        return await _answered(kind, answer)

    @api.get(
        f"{DSP_PATH}/catalog/datasets/{{dataset_id}}",
        summary="One dataset with its offers",
        response_class=Response,
        responses={200: _content("The dataset.", "Dataset"), **_errors(kind)},
    )
    async def dataset(dataset_id: _Pid, peer: str = Depends(partner)) -> Response:
        def answer() -> dict[str, Any]:
            with node.database.read() as connection:
                return dsp_catalogue.dataset(space, connection, peer, dataset_id, node.clock())

        return await _answered(kind, answer)


async def _answered(kind: MessageType, answer: Callable[[], dict[str, Any]]) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(answer))
    except RequestRefusedError as error:
        return _refusal(kind, error, None)


# path below the pid, message it carries, and what that says to the state machine
_NEGOTIATION_PATHS = (
    ("request", MessageType.CONTRACT_REQUEST),
    ("offers", MessageType.CONTRACT_OFFER),
    ("events", MessageType.CONTRACT_EVENT),
    ("agreement", MessageType.CONTRACT_AGREEMENT),
    ("agreement/verification", MessageType.CONTRACT_VERIFICATION),
    ("termination", MessageType.CONTRACT_TERMINATION),
)
_TRANSFER_PATHS = (
    ("start", MessageType.TRANSFER_START),
    ("suspension", MessageType.TRANSFER_SUSPENSION),
    ("completion", MessageType.TRANSFER_COMPLETION),
    ("termination", MessageType.TRANSFER_TERMINATION),
)
_NEGOTIATION_KINDS = {
    MessageType.CONTRACT_REQUEST: NegotiationMessage.REQUEST,
    MessageType.CONTRACT_OFFER: NegotiationMessage.OFFER,
    MessageType.CONTRACT_AGREEMENT: NegotiationMessage.AGREEMENT,
    MessageType.CONTRACT_VERIFICATION: NegotiationMessage.VERIFICATION,
    MessageType.CONTRACT_TERMINATION: NegotiationMessage.TERMINATION,
}
_TRANSFER_KINDS = {
    MessageType.TRANSFER_START: TransferMessage.START,
    MessageType.TRANSFER_SUSPENSION: TransferMessage.SUSPENSION,
    MessageType.TRANSFER_COMPLETION: TransferMessage.COMPLETION,
    MessageType.TRANSFER_TERMINATION: TransferMessage.TERMINATION,
}


def _negotiation_handler(space: Dataspace, peer: str, process_id: str | None) -> _Handler:
    def handle(connection: sa.Connection, message: Message) -> Row:
        now = space.node.clock()
        if process_id is None:
            if message.provider_pid is not None:
                raise RequestRefusedError(
                    400, "pid-mismatch", "A first request has no providerPid.", "Send a counter-offer to its own path."
                )
            return negotiation.receive_request(space, connection, peer=peer, message=message, now=now)
        kind = _NEGOTIATION_KINDS.get(message.type)
        if kind is None:
            kind = NegotiationMessage.ACCEPT if message.event == "ACCEPTED" else NegotiationMessage.FINALIZE
        return negotiation.receive_message(
            space, connection, peer=peer, process_id=process_id, kind=kind, message=message, now=now
        )

    return handle


def _transfer_handler(space: Dataspace, peer: str, process_id: str | None) -> _Handler:
    def handle(connection: sa.Connection, message: Message) -> Row:
        now = space.node.clock()
        if process_id is None:
            return transfer.receive_request(space, connection, peer=peer, message=message, now=now)
        kind = _TRANSFER_KINDS[message.type]
        return transfer.receive_message(
            space, connection, peer=peer, process_id=process_id, kind=kind, message=message, now=now
        )

    return handle


def _add_processes(
    api: APIRouter,
    space: Dataspace,
    partner: Callable[..., Any],
    machine: Machine,
    handler: Callable[[Dataspace, str, str | None], _Handler],
    shown: Callable[[Row], dict[str, Any]],
) -> None:
    is_negotiation = machine is negotiation.MACHINE
    first = MessageType.CONTRACT_REQUEST if is_negotiation else MessageType.TRANSFER_REQUEST
    base = f"{DSP_PATH}/{machine.segment}"
    errors = _errors(machine.error_type)

    @api.post(
        f"{base}/{REQUEST}",
        status_code=201,
        summary=f"Ask for a {machine.name}",
        response_class=Response,
        responses={201: _content("It began; the same request again gives the same.", machine.state_type), **errors},
        openapi_extra=_body(first),
    )
    async def begin(request: Request, background: BackgroundTasks, peer: str = Depends(partner)) -> Response:
        return await _handle(space, machine, request, background, first, handler(space, peer, None), shown)

    @api.get(
        f"{base}/{{pid}}",
        summary=f"State of a {machine.name}",
        response_class=Response,
        responses={200: _content("The state.", machine.state_type), **errors},
    )
    async def state(pid: _Pid, peer: str = Depends(partner)) -> Response:
        def answer() -> dict[str, Any]:
            find = negotiation.find if is_negotiation else transfer.find
            with space.node.database.read() as connection:
                return shown(find(connection, pid, peer))

        try:
            return JSONResponse(await run_in_threadpool(answer))
        except RequestRefusedError as error:
            return _refusal(machine.error_type, error, None)

    for path, kind in _NEGOTIATION_PATHS if is_negotiation else _TRANSFER_PATHS:
        _add_message(api, space, partner, machine, handler, f"{base}/{{pid}}/{path}", kind)


def _add_message(
    api: APIRouter,
    space: Dataspace,
    partner: Callable[..., Any],
    machine: Machine,
    handler: Callable[[Dataspace, str, str | None], _Handler],
    path: str,
    kind: MessageType,
) -> None:
    @api.post(
        path,
        summary=f"Take a {kind}",
        response_class=Response,
        responses={200: {"description": "Taken."}, **_errors(machine.error_type)},
        openapi_extra=_body(kind),
        name=kind,
        operation_id=f"{machine.name}_{path.rsplit('/', 1)[-1]}",
    )
    async def take(pid: _Pid, request: Request, background: BackgroundTasks, peer: str = Depends(partner)) -> Response:
        return await _handle(space, machine, request, background, kind, handler(space, peer, pid), None)


async def _handle(
    space: Dataspace,
    machine: Machine,
    request: Request,
    background: BackgroundTasks,
    kind: MessageType,
    handle: _Handler,
    shown: Callable[[Row], dict[str, Any]] | None,
) -> Response:
    body: bytes = request.state.body

    def answer() -> tuple[str, dict[str, Any] | None]:
        message = read_message(strict_json.parse(body, MAX_BODY_BYTES), kind)
        with space.node.database.write() as connection:
            row = handle(connection, message)
            return row.id, None if shown is None else shown(row)

    try:
        process_id, document = await run_in_threadpool(answer)
    except RequestRefusedError as error:
        return _refusal(machine.error_type, error, _claimed(body))
    # After the answer is out: our own next message would otherwise overtake it.
    background.add_task(_kick, space, machine, process_id)
    response = Response(status_code=200) if document is None else JSONResponse(document, 201)
    response.background = background
    return response


def _kick(space: Dataspace, machine: Machine, process_id: str) -> None:
    """Send the next message at once; what fails is left to the job."""
    try:
        work(space, machine, process_id)
    except SealaneError as error:
        _LOG.warning("%s %s is left to the job: %s", machine.name, process_id, error)
