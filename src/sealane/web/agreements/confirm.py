"""The page before a step is taken: the very bytes that are signed, by which key, who is told, and what ends."""

from __future__ import annotations

from sealane.errors import InputError, Phrase, RequestRefusedError
from sealane.exchange import registry
from sealane.exchange.agreement_states import AgreementState
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewer, reading
from sealane.web.agreements.flows import open_streams, sent_shown
from sealane.web.agreements.pages import find_version
from sealane.web.agreements.steps import CONFIRMED, DECLINE, RETIRE, steps_for
from sealane.web.agreements.version_models import ConfirmPage
from sealane.web.agreements.versions import clauses_shown, version_shown


def confirm_page(node: Node, viewer: Viewer, agreement_id: str, version: int, step: str) -> ConfirmPage:
    """Return what a step would do.

    Raises
    ------
    RequestRefusedError
        404 if there is no such version or step; 409 if the version's state does not allow the step now.
    """
    own, now = node.identity.participant, node.clock()
    with reading(node, viewer) as connection:
        versions = registry.list_agreements(connection, agreement_id)
        found = find_version(versions, agreement_id, version)
        messages = registry.messages(connection, agreement_id)
        ends = []
        if step == RETIRE:
            still_open = set(open_streams(connection, agreement_id, version))
            ends = [flow for flow in sent_shown(connection, own, agreement_id, version) if flow.stream in still_open]
    if step not in CONFIRMED:
        raise RequestRefusedError(
            404,
            "unknown-step",
            Phrase("There is no step %(step)s.", step=repr(step[:40])),
            Phrase("Open it from the page."),
        )
    if step not in steps_for(found, versions, messages, own, viewer):
        raise RequestRefusedError(
            409,
            "agreement-state",
            Phrase(
                "Agreement %(ref)s is %(state)s; this step is not possible now.",
                ref=found.document.ref,
                state=found.state,
            ),
            Phrase("Its page shows which steps are."),
        )
    told = [] if step == RETIRE and found.state is AgreementState.DRAFT else list(found.others(own))
    try:
        key = node.identity.signing_key(now).kid
    except InputError:
        key = None
    return ConfirmPage(
        step=step,
        version=version_shown(found, own, now, messages),
        text=found.data.decode("utf-8"),
        size_bytes=len(found.data),
        key=None if step in {RETIRE, DECLINE} and not told else key,
        told=told,
        ends=ends,
        clauses=clauses_shown(found.document, own, now),
    )
