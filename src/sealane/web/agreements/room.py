"""The endpoints of agreements: pages for people, the same as JSON for scripts, and the steps officers take."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import BackgroundTasks, Path, Query, Request, Response

from sealane.agreements.coverage import State
from sealane.agreements.document_model import ActivityKind
from sealane.agreements.model import Kind
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange.registry import send_pending
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewed, reading
from sealane.web.agreements import activities, pages, public, steps
from sealane.web.agreements.confirm import confirm_page
from sealane.web.agreements.flows import WHATS, explain_flow, received_shown, sent_shown
from sealane.web.agreements.models import (
    NO_NUL,
    ActivitiesPage,
    ActivityShown,
    AgreementPage,
    AgreementsPage,
    AreasPage,
    PartiesPage,
    PublicPage,
    Shown,
)
from sealane.web.agreements.pages import IN_FORCE, TO_SIGN
from sealane.web.agreements.proposal import FaultShown, ProposalPage, check_text, proposal_page
from sealane.web.agreements.sharing import SharingPage, sharing_page
from sealane.web.agreements.version_models import ConfirmPage, Done, FlowsPage, VersionPage
from sealane.web.agreements.versions import PartsCounted
from sealane.web.derivation import Derivation
from sealane.web.rooms import Room

DERIVATION = "explain/derivation.html.j2"
AgreementId = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
Version = Annotated[int, Path(ge=1, lt=2**31)]
Text = Annotated[str | None, Query(max_length=200, pattern=NO_NUL)]
Word = Annotated[str, Path(max_length=40, pattern=NO_NUL)]
Chosen = Annotated[Kind | None, Query()]


class Checked(Shown):
    """Whether a document can be used, with every fault; `digest` is of what would be signed.

    Attributes
    ----------
    english : where Content-Language is not English: what is English all the same, as in a problem.
    """

    valid: bool
    faults: list[FaultShown]
    digest: str | None
    english: list[str]


class Resent(Shown):
    """How many messages were taken up again."""

    messages: int


def room(node: Node) -> Room:
    """Return the endpoints."""
    made = Room("agreements", node)
    _public_views(made, node)
    _version_views(made, node)
    _explanations(made, node)
    _steps(made, node)
    return made


def _public_views(made: Room, node: Node) -> None:
    @made.view("/agreements", "agreements/timeline.html.j2")
    def timeline(viewer: Viewed, kind: Chosen = None, partner: Text = None, area: Text = None) -> AgreementsPage:
        """Agreements of the port: those of public documents since 1959, and those this node executes."""
        return pages.agreements_page(node, viewer, kind.value if kind else None, partner or None, area or None)

    @made.view("/agreement-areas", "agreements/areas.html.j2")
    def areas(viewer: Viewed) -> AreasPage:
        """Areas of cooperation that the public documents name, and what this program does for each."""
        return public.areas_page()

    @made.view("/agreement-parties", "agreements/parties.html.j2")
    def parties(viewer: Viewed) -> PartiesPage:
        """Parties of the public agreements."""
        return public.parties_page()

    @made.view("/agreements/public/{agreement_id}", "agreements/public.html.j2")
    def public_agreement(viewer: Viewed, agreement_id: AgreementId) -> PublicPage:
        """One agreement as public documents tell of it."""
        return pages.public_page(node, viewer, agreement_id)


def _version_views(made: Room, node: Node) -> None:
    @made.view("/agreement-activities", "agreements/activities.html.j2")
    def done_under_agreements(viewer: Viewed, kind: Annotated[ActivityKind | None, Query()] = None) -> ActivitiesPage:
        """What was done under agreements."""
        return pages.activities_page(node, viewer, kind.value if kind else None)

    @made.view("/agreement-flows", "agreements/flows.html.j2")
    def flows(viewer: Viewed) -> FlowsPage:
        """What partners were sent, what was withheld from them and why, and what they gave."""
        own = node.identity.participant
        with reading(node, viewer) as connection:
            return FlowsPage(sent=sent_shown(connection, own), received=received_shown(connection, own))

    @made.view("/agreement-proposal", "agreements/proposal.html.j2")
    def proposal(request: Request, viewer: Viewed, template: Text = None, partner: Text = None) -> ProposalPage:
        """A document to be written: a template with its questions, and what is wrong with the answers."""
        return proposal_page(node, viewer, template or None, partner or None, dict(request.query_params))

    @made.view("/agreements/{agreement_id}", "agreements/agreement.html.j2")
    def agreement(viewer: Viewed, agreement_id: AgreementId) -> AgreementPage:
        """One executable agreement with its versions."""
        return pages.agreement_page(node, viewer, agreement_id)

    @made.view("/agreements/{agreement_id}/{version}", "agreements/version.html.j2")
    def one_version(viewer: Viewed, agreement_id: AgreementId, version: Version) -> VersionPage:
        """One version of an agreement: clauses in words, signatures, promises, what flowed."""
        return pages.version_page(node, viewer, agreement_id, version)

    @made.view("/agreements/{agreement_id}/{version}/confirm/{step}", "agreements/confirm.html.j2")
    def confirm(viewer: Viewed, agreement_id: AgreementId, version: Version, step: Word) -> ConfirmPage:
        """One step before it is taken: exactly what is signed, and what follows."""
        return confirm_page(node, viewer, agreement_id, version, step)


def _explanations(made: Room, node: Node) -> None:
    @made.view("/explain/agreements", DERIVATION)
    def explain_count(viewer: Viewed, kind: Chosen = None, partner: Text = None, area: Text = None) -> Derivation:
        """What a number of public agreements counts."""
        return public.explain_count(kind.value if kind else None, partner or None, area or None)

    @made.view("/explain/agreement-areas/{state}", DERIVATION)
    def explain_areas(viewer: Viewed, state: Word) -> Derivation:
        """What a number of areas counts."""
        found = next((one for one in State if one.name.lower() == state), None)
        if found is None:
            raise _no_figure(state)
        return public.explain_areas(found)

    @made.view("/explain/agreement-versions/{what}", DERIVATION)
    def explain_versions(
        viewer: Viewed, what: Word, kind: Chosen = None, partner: Text = None, area: Text = None
    ) -> Derivation:
        """What a number of executable agreements counts."""
        if what not in {IN_FORCE, TO_SIGN}:
            raise _no_figure(what)
        return pages.explain_versions(node, viewer, what, kind.value if kind else None, partner or None, area or None)

    @made.view("/explain/agreement-parts/{agreement_id}/{version}/{what}", DERIVATION)
    def explain_parts(viewer: Viewed, agreement_id: AgreementId, version: Version, what: PartsCounted) -> Derivation:
        """Which clauses, signatures or parties of a version are counted."""
        return pages.explain_version_parts(node, viewer, agreement_id, version, what)

    @made.view("/explain/agreement-flows/{stream}/{what}", DERIVATION)
    def explain_records(
        viewer: Viewed, stream: Annotated[str, Path(max_length=64, pattern=NO_NUL)], what: Word, reason: Text = None
    ) -> Derivation:
        """What a number of records sent, waiting, withheld or received counts."""
        if what not in WHATS:
            raise _no_figure(what)
        with reading(node, viewer) as connection:
            return explain_flow(connection, node.identity.participant, stream, what, reason or None)

    @made.view("/explain/commitments/{agreement_id}/{commitment_id}/{what}", DERIVATION)
    def explain_commitment(
        viewer: Viewed, agreement_id: AgreementId, commitment_id: AgreementId, what: Word
    ) -> Derivation:
        """The reports on a commitment."""
        if what not in {"reports", "last"}:
            raise _no_figure(what)
        return pages.explain_commitment(node, viewer, agreement_id, commitment_id, what)

    @made.view("/explain/sharing", "agreements/sharing.html.j2")
    def explain_sharing(
        viewer: Viewed,
        dataset: Text = None,
        record: Text = None,
        partner: Text = None,
        at: Annotated[dt.datetime | None, Query()] = None,
    ) -> SharingPage:
        """What a partner gets of one own record, what not, and which clause decides."""
        return sharing_page(node, viewer, dataset or None, record or None, partner or None, at)


def _steps(made: Room, node: Node) -> None:
    @made.action("POST", "/agreement-checks")
    def check(request: Request, response: Response, viewer: Viewed, body: steps.NewDraft) -> Checked:
        """Check an agreement document and list every fault."""
        faults, digest = check_text(body.text, body.name)
        # A program gets English, as with problems. The documents' reader speaks English only, so people are told so.
        language = "en" if "authorization" in request.headers else viewer.language
        texts = {f"faults.{n}.{name}": getattr(f, name) for n, f in enumerate(faults) for name in ("found", "remedy")}
        english = [name for name, text in texts.items() if text] if language != "en" else []
        response.headers["Content-Language"] = language
        return Checked(valid=not faults, faults=faults, digest=digest, english=english)

    @made.action("POST", "/agreements", status=201)
    def draft(request: Request, viewer: Viewed, body: steps.NewDraft) -> Done:
        """Keep a document as a draft; nobody is told of it."""
        return steps.keep_draft(node, viewer, body, request.state.request_id)

    @made.action("POST", "/agreements/{agreement_id}/{version}/renewal", status=201)
    def renew(
        request: Request, viewer: Viewed, agreement_id: AgreementId, version: Version, body: steps.Renewal
    ) -> Done:
        """Keep the next version of an agreement in force, the same terms for another time, as a draft."""
        return steps.keep_renewal(node, viewer, agreement_id, version, body, request.state.request_id)

    @made.action("POST", "/agreements/{agreement_id}/{version}/proposal")
    def propose(
        request: Request,
        tasks: BackgroundTasks,
        viewer: Viewed,
        agreement_id: AgreementId,
        version: Version,
        body: steps.Confirmation,
    ) -> Done:
        """Sign a draft first and send it to every other participant."""
        done = steps.propose(node, viewer, agreement_id, version, body, request.state.request_id)
        tasks.add_task(send_pending, node)
        return done

    @made.action("POST", "/agreements/{agreement_id}/{version}/signature")
    def sign(
        request: Request,
        tasks: BackgroundTasks,
        viewer: Viewed,
        agreement_id: AgreementId,
        version: Version,
        body: steps.Confirmation,
    ) -> Done:
        """Countersign a proposal; once all have signed it is in force."""
        done = steps.sign(node, viewer, agreement_id, version, body, request.state.request_id)
        tasks.add_task(send_pending, node)
        return done

    @made.action("POST", "/agreements/{agreement_id}/{version}/decline")
    def decline(
        request: Request,
        tasks: BackgroundTasks,
        viewer: Viewed,
        agreement_id: AgreementId,
        version: Version,
        body: steps.Ending,
    ) -> Done:
        """Say no to a proposal that this node has not signed."""
        done = steps.decline(node, viewer, agreement_id, version, body, request.state.request_id)
        tasks.add_task(send_pending, node)
        return done

    @made.action("POST", "/agreements/{agreement_id}/{version}/retirement")
    def retire(
        request: Request,
        tasks: BackgroundTasks,
        viewer: Viewed,
        agreement_id: AgreementId,
        version: Version,
        body: steps.Ending,
    ) -> Done:
        """End a version alone and at once; nothing is sent under it any more."""
        done = steps.retire(node, viewer, agreement_id, version, body, request.state.request_id)
        tasks.add_task(send_pending, node)
        return done

    @made.action("POST", "/agreements/{agreement_id}/messages")
    def resend(request: Request, tasks: BackgroundTasks, viewer: Viewed, agreement_id: AgreementId) -> Resent:
        """Send again at once what partners have not taken."""
        number = steps.resend(node, viewer, agreement_id, request.state.request_id)
        tasks.add_task(send_pending, node)
        return Resent(messages=number)

    @made.action("POST", "/agreements/{agreement_id}/activities", status=201)
    def record(
        request: Request, viewer: Viewed, agreement_id: AgreementId, body: activities.NewActivity
    ) -> ActivityShown:
        """Record what was done under an agreement, or a report on a commitment."""
        return activities.record(node, viewer, agreement_id, body, request.state.request_id)


def _no_figure(what: str) -> RequestRefusedError:
    return RequestRefusedError(
        404,
        "unknown-figure",
        Phrase("There is no figure %(what)s of agreements.", what=repr(what[:40])),
        Phrase("Open it from a page."),
    )
