"""Steps in the life of an agreement, as the command line takes them: who may, when, and doing them.

What is signed is named by its digest in the request: a step on a document that changed since it was read is refused.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Callable, Sequence
from typing import Annotated

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from sealane.agreements.documents import read_document
from sealane.agreements.values import TIME_REMEDY, read_time
from sealane.errors import DataError, Fault, Phrase, RequestRefusedError
from sealane.exchange import registry
from sealane.exchange.agreement_messages import MessageState
from sealane.exchange.agreement_states import TRANSITIONS, AgreementEvent, AgreementState
from sealane.exchange.registry import Message, Registered
from sealane.node.context import Node
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewer, writing
from sealane.web.accounts.roles import Role
from sealane.web.agreements.models import NO_NUL
from sealane.web.agreements.version_models import Done
from sealane.web.agreements.versions import standing_of

PROPOSE, SIGN, DECLINE, RETIRE, RENEW, RESEND, RECORD = (
    "propose",
    "sign",
    "decline",
    "retire",
    "renew",
    "resend",
    "record",
)
CONFIRMED = (PROPOSE, SIGN, DECLINE, RETIRE)
MAX_TEXT = 1_000_000
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Body(BaseModel):
    """Base of what steps take: nothing else is accepted."""

    model_config = ConfigDict(extra="forbid")


class Confirmation(Body):
    """SHA-256 of the bytes that were read and are to be signed."""

    digest: Digest


class Ending(Confirmation):
    """The digest of what is ended, and why; the partners read it."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]


class Renewal(Body):
    """When the next version takes over and until when it holds, with zone; `valid_until` left out is open."""

    valid_from: str
    valid_until: str | None = None


class NewDraft(Body):
    """An agreement document, YAML or JSON; `name` stands in messages about it."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    name: Annotated[str, Field(max_length=200)] = "document.yaml"


def may_act(viewer: Viewer) -> bool:
    """Say whether somebody may sign for the port: agreement officers only."""
    return viewer.role is Role.OFFICER and viewer.token_role is None


def may_record(viewer: Viewer) -> bool:
    """Say whether somebody may record what was done under an agreement."""
    return viewer.token_role is None and viewer.role in {Role.STEWARD, Role.OFFICER}


def steps_for(
    found: Registered, versions: Sequence[Registered], messages: Sequence[Message], own: str, viewer: Viewer
) -> list[str]:
    """Return the steps somebody can take on a version now, as the table of states allows them."""
    steps = []
    if may_act(viewer):
        has_signed = own in found.signatures
        possible = {
            PROPOSE: found.state is AgreementState.DRAFT,
            SIGN: found.state is AgreementState.PROPOSED and not has_signed,
            DECLINE: TRANSITIONS[found.state, AgreementEvent.DECLINE] is not found.state
            and TRANSITIONS[found.state, AgreementEvent.DECLINE] is not None
            and not has_signed,
            RENEW: _may_renew(found, versions),
            RETIRE: TRANSITIONS[found.state, AgreementEvent.RETIRE] is AgreementState.RETIRED
            and found.state is not AgreementState.RETIRED,
            RESEND: any(
                m.version == found.document.version and m.state is not MessageState.DELIVERED for m in messages
            ),
        }
        steps = [step for step, is_possible in possible.items() if is_possible]
    return steps + ([RECORD] if may_record(viewer) else [])


def _may_renew(found: Registered, versions: Sequence[Registered]) -> bool:
    newest = [v for v in versions if v.state is AgreementState.IN_FORCE]
    waits = any(v.state is AgreementState.PROPOSED for v in versions)
    return bool(newest) and newest[-1].document.version == found.document.version and not waits


def keep_draft(node: Node, viewer: Viewer, body: NewDraft, request_id: str) -> Done:
    """Check a document and keep it as a draft of the own side; nobody is told of it."""
    document = read_document(body.text.encode(), body.name, registry.known_datasets())
    with writing(node, viewer) as connection:
        now = node.clock()
        kept = registry.draft(connection, node.identity, document, now)
        _note(connection, viewer, "agreement.draft", kept, request_id, now)
    return done(kept, now)


def keep_renewal(node: Node, viewer: Viewer, agreement_id: str, version: int, body: Renewal, request_id: str) -> Done:
    """Keep the next version of an agreement in force, with the same terms for another time, as a draft."""
    begins, ends = _times(body)
    with writing(node, viewer) as connection:
        now = node.clock()
        current = registry.newest_in_force(connection, agreement_id)
        if current.document.version != version:
            raise RequestRefusedError(
                409,
                "not-the-newest",
                Phrase(
                    "Version %(version)s of %(agreement_id)s is the newest in force, not %(asked)s.",
                    version=current.document.version,
                    agreement_id=agreement_id,
                    asked=version,
                ),
                Phrase("Renew that one."),
            )
        document = registry.next_version(current.document, begins, ends)
        kept = registry.draft(connection, node.identity, document, now)
        _note(connection, viewer, "agreement.renew", kept, request_id, now)
    return done(kept, now)


def propose(node: Node, viewer: Viewer, agreement_id: str, version: int, body: Confirmation, request_id: str) -> Done:
    """Sign a draft first, and tell every other participant."""

    def step(connection: sa.Connection, found: Registered, now: dt.datetime) -> Registered:
        return registry.propose(connection, node.identity, found.document, now)

    return _step(node, viewer, "agreement.propose", agreement_id, version, body.digest, request_id, step)


def sign(node: Node, viewer: Viewer, agreement_id: str, version: int, body: Confirmation, request_id: str) -> Done:
    """Countersign a proposal; once all have signed it is in force."""

    def step(connection: sa.Connection, found: Registered, now: dt.datetime) -> Registered:
        return registry.sign(connection, node.identity, agreement_id, version, now)

    return _step(node, viewer, "agreement.sign", agreement_id, version, body.digest, request_id, step)


def decline(node: Node, viewer: Viewer, agreement_id: str, version: int, body: Ending, request_id: str) -> Done:
    """Say no to a proposal that this node has not signed."""

    def step(connection: sa.Connection, found: Registered, now: dt.datetime) -> Registered:
        return registry.decline(connection, node.identity, agreement_id, version, body.reason, now)

    return _step(node, viewer, "agreement.decline", agreement_id, version, body.digest, request_id, step, body.reason)


def retire(node: Node, viewer: Viewer, agreement_id: str, version: int, body: Ending, request_id: str) -> Done:
    """End a version alone and at once; from the commit on nothing is sent under it."""

    def step(connection: sa.Connection, found: Registered, now: dt.datetime) -> Registered:
        return registry.retire(connection, node.identity, agreement_id, version, body.reason, now)

    return _step(node, viewer, "agreement.retire", agreement_id, version, body.digest, request_id, step, body.reason)


def resend(node: Node, viewer: Viewer, agreement_id: str, request_id: str) -> int:
    """Take up at once what partners have not taken; return how many messages."""
    with writing(node, viewer) as connection:
        now = node.clock()
        if not registry.list_agreements(connection, agreement_id):
            raise _unknown(Phrase("This node has no agreement %(agreement_id)s.", agreement_id=repr(agreement_id)))
        number = registry.send_again(connection, agreement_id, now)
        details = {"messages": number}
        audit.note(connection, viewer, "agreement.resend", agreement_id, details, request_id, now)
    return number


def _step(
    node: Node,
    viewer: Viewer,
    action: str,
    agreement_id: str,
    version: int,
    digest: str,
    request_id: str,
    step: Callable[[sa.Connection, Registered, dt.datetime], Registered],
    reason: str | None = None,
) -> Done:
    """Take a step on exactly the bytes whose digest was confirmed, and note who did it, in one transaction."""
    with writing(node, viewer) as connection:
        now = node.clock()
        found = registry.get_agreement(connection, agreement_id, version, lock=True)
        if found is None:
            raise _unknown(
                Phrase(
                    "This node has no version %(version)s of agreement %(agreement_id)s.",
                    version=version,
                    agreement_id=repr(agreement_id),
                )
            )
        if not hmac.compare_digest(found.digest, digest):
            raise RequestRefusedError(
                409,
                "another-digest",
                Phrase(
                    "The document of %(ref)s is %(digest)s, not %(confirmed)s that was confirmed.",
                    ref=found.document.ref,
                    digest=found.digest,
                    confirmed=digest,
                ),
                Phrase("Load the page again, read the document as it stands now, and confirm that."),
            )
        after = step(connection, found, now)
        _note(connection, viewer, action, after, request_id, now, reason)
    return done(after, now)


def _note(
    connection: sa.Connection,
    viewer: Viewer,
    action: str,
    found: Registered,
    request_id: str,
    now: dt.datetime,
    reason: str | None = None,
) -> None:
    details = {"digest": found.digest, "state": found.state.value} | ({"reason": reason} if reason else {})
    audit.note(connection, viewer, action, found.document.ref, details, request_id, now)


def done(found: Registered, now: dt.datetime) -> Done:
    """Return how a version stands after a step."""
    document = found.document
    return Done(
        id=document.id,
        version=document.version,
        standing=standing_of(found, now).value,
        digest=found.digest,
        path=f"/agreements/{document.id}/{document.version}",
    )


def _times(body: Renewal) -> tuple[dt.datetime, dt.datetime | None]:
    faults: list[Fault] = []
    found: dict[str, dt.datetime] = {}
    for name, text in (("valid_from", body.valid_from), ("valid_until", body.valid_until)):
        if text is None:
            continue
        try:
            found[name] = read_time(text)
        except (ValueError, OverflowError):
            faults.append(Fault(name, Phrase("%(text)s is no time with zone", text=repr(text[:60])), TIME_REMEDY))
    if faults:
        raise DataError(Phrase("The agreement cannot be renewed."), faults)
    return found["valid_from"], found.get("valid_until")


def _unknown(detail: str) -> RequestRefusedError:
    return RequestRefusedError(404, "unknown-agreement", detail, Phrase("The page Agreements lists all."))
