"""What the pages on agreements answer, read in one transaction each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from sealane.agreements import Agreement, load_agreements
from sealane.errors import InputError, Phrase, RequestRefusedError
from sealane.exchange import registry
from sealane.exchange.activities import ActivityDone, CommitmentStanding, commitment_standings, list_activities
from sealane.exchange.ledger import entries
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewer, reading
from sealane.web.agreements import public
from sealane.web.agreements.flows import received_shown, sent_shown
from sealane.web.agreements.models import (
    ActivitiesPage,
    ActivityShown,
    AgreementPage,
    AgreementsPage,
    PublicPage,
    Standing,
    VersionShown,
)
from sealane.web.agreements.steps import may_act, may_record, steps_for
from sealane.web.agreements.version_models import CommitmentShown, LedgerLine, PlannedActivity, VersionPage
from sealane.web.agreements.versions import (
    PartsCounted,
    areas_shown,
    clauses_shown,
    explain_parts,
    messages_shown,
    parties_named,
    party_shown,
    prohibition_shown,
    signatures_shown,
    sources_shown,
    version_shown,
)
from sealane.web.corridor.addresses import address
from sealane.web.derivation import Derivation, Figure, Input
from sealane.web.words import N_

COUNT_OF_VERSIONS = "/explain/agreement-versions"
IN_FORCE, TO_SIGN = "in-force", "to-sign"


def agreements_page(
    node: Node, viewer: Viewer, kind: str | None, partner: str | None, area: str | None
) -> AgreementsPage:
    """Return the timeline; guests see what is public."""
    found = public.agreements_of(kind, partner, area)
    executed = [] if viewer.is_guest else executed_versions(node, viewer, kind, partner, area)
    shown = [public.public_shown(a, executed) for a in found]
    newest = _newest(executed)
    return AgreementsPage(
        kind=kind,
        partner=partner,
        area=area,
        kinds=[k.value for k in public.STRIP_KINDS],
        public=public.count_figure(found, kind, partner, area),
        in_force=None if viewer.is_guest else _count(IN_FORCE, executed, kind, partner, area),
        to_sign=None if viewer.is_guest else _count(TO_SIGN, executed, kind, partner, area),
        waiting=counted(executed, TO_SIGN),
        executed=newest,
        years=public.years_of(shown, newest),
        undated=[a for a in shown if a.year is None],
        general=[public.public_shown(a) for a in public.descriptions()],
        strip=public.strip_of(shown, newest, node.clock().year),
        may_propose=may_act(viewer),
    )


def executed_versions(
    node: Node,
    viewer: Viewer,
    kind: str | None = None,
    partner: str | None = None,
    area: str | None = None,
) -> list[VersionShown]:
    """Return every version on this node that fits, by id and version."""
    own, now = node.identity.participant, node.clock()
    with reading(node, viewer) as connection:
        versions = registry.list_agreements(connection)
        messages = registry.messages(connection, open_only=True)
    return [
        version_shown(v, own, now, messages)
        for v in versions
        if (not kind or v.document.kind.value == kind)
        and (not partner or v.document.concerns(partner))
        and (not area or any(area == one.id for one in v.document.areas))
    ]


def _newest(versions: Sequence[VersionShown]) -> list[VersionShown]:
    """Return of each agreement the version people mean: in force, else still open, else the last."""
    by_id: dict[str, list[VersionShown]] = {}
    for version in versions:
        by_id.setdefault(version.id, []).append(version)
    chosen = []
    for its in by_id.values():
        valid = [v for v in its if v.standing is Standing.IN_FORCE]
        still_open = [v for v in its if v.standing in {Standing.NOT_YET_VALID, Standing.PROPOSED, Standing.EXPIRED}]
        chosen.append((valid or still_open or its)[-1])
    return chosen


def counted(versions: Sequence[VersionShown], what: str) -> list[VersionShown]:
    """Return the versions a headline counts."""
    if what == IN_FORCE:
        return [v for v in versions if v.standing is Standing.IN_FORCE]
    return [v for v in versions if v.waits_for_us]


def _count(what: str, fit: Sequence[VersionShown], kind: str | None, partner: str | None, area: str | None) -> Figure:
    """Count of the versions that fit what was asked those a headline means; its address asks the same."""
    at = address(f"{COUNT_OF_VERSIONS}/{what}", kind=kind, partner=partner, area=area)
    return Figure(value=len(counted(fit, what)), quantity="count", explain=at)


def explain_versions(
    node: Node,
    viewer: Viewer,
    what: str,
    kind: str | None = None,
    partner: str | None = None,
    area: str | None = None,
) -> Derivation:
    """Return which versions a headline counted."""
    fit = executed_versions(node, viewer, kind, partner, area)
    found = counted(fit, what)
    words = N_("in force, valid now") if what == IN_FORCE else N_("proposed, not signed by this port")
    return Derivation(
        title=N_("agreements in force") if what == IN_FORCE else N_("proposals that wait for this port's signature"),
        figure=_count(what, fit, kind, partner, area),
        filters={"standing": words} | public.asked_words(kind, partner, area),
        inputs=[
            Input(
                name=f"{v.title} ({v.id}/{v.version})",
                value=1,
                origin="observed",
                source=f"{v.signed.value:.0f} of {v.participants.value:.0f} signatures",
                link=f"/agreements/{v.id}/{v.version}",
            )
            for v in found
        ],
    )


def explain_version_parts(
    node: Node, viewer: Viewer, agreement_id: str, version: int, what: PartsCounted
) -> Derivation:
    """Return what a number of clauses, signatures or parties of a version counts."""
    with reading(node, viewer) as connection:
        found = find_version(registry.list_agreements(connection, agreement_id), agreement_id, version)
    return explain_parts(found, node.identity.participant, node.clock(), what)


def catalogue_agreement(agreement_id: str) -> Agreement:
    """Return an agreement of the catalogue; 404 if there is none."""
    try:
        return load_agreements().get(agreement_id)
    except InputError as error:
        raise _unknown(str(error)) from None


def public_page(node: Node, viewer: Viewer, agreement_id: str) -> PublicPage:
    """Return an agreement of the public catalogue."""
    agreement = catalogue_agreement(agreement_id)
    executed: list[VersionShown] = []
    done: list[ActivityDone] = []
    if not viewer.is_guest:
        executed = executed_versions(node, viewer)
        with reading(node, viewer) as connection:
            done = list_activities(connection, agreement_id)
    return PublicPage(
        agreement=public.public_shown(agreement, executed),
        grew_from=public.grew_from(agreement),
        grew_into=public.grew_into(agreement),
        activities=[activity_shown(a) for a in reversed(done)],
        may_record=may_record(viewer),
    )


def agreement_page(node: Node, viewer: Viewer, agreement_id: str) -> AgreementPage:
    """Return every version of one executable agreement."""
    versions = [v for v in executed_versions(node, viewer) if v.id == agreement_id]
    if not versions:
        raise _unknown(Phrase("This node has no agreement %(agreement_id)s.", agreement_id=repr(agreement_id)))
    with reading(node, viewer) as connection:
        done = list_activities(connection, agreement_id)
    return AgreementPage(
        id=agreement_id,
        title=versions[-1].title,
        versions=versions[::-1],
        activities=[activity_shown(a) for a in reversed(done)],
    )


def activities_page(node: Node, viewer: Viewer, kind: str | None) -> ActivitiesPage:
    """Return what was done under all agreements, newest first."""
    with reading(node, viewer) as connection:
        done = list_activities(connection)
        titles = {v.document.id: v.document.title for v in registry.list_agreements(connection)}
    in_catalogue = {a.id: a.title for a in load_agreements().agreements}
    return ActivitiesPage(
        kind=kind,
        done=[activity_shown(a) for a in reversed(done) if not kind or a.kind == kind],
        titles={a.agreement_id: titles.get(a.agreement_id) or in_catalogue.get(a.agreement_id, "") for a in done},
        public_ids=[a.agreement_id for a in done if a.agreement_id not in titles],
    )


def version_page(node: Node, viewer: Viewer, agreement_id: str, version: int) -> VersionPage:
    """Return one version with its clauses, signatures, promises, flows, messages and entries of the log."""
    own, now = node.identity.participant, node.clock()
    with reading(node, viewer) as connection:
        versions = registry.list_agreements(connection, agreement_id)
        found = find_version(versions, agreement_id, version)
        messages = registry.messages(connection, agreement_id)
        document = found.document
        signatures = signatures_shown(connection, found, own)
        standings = _commitments(connection, agreement_id, version, now)
        done = list_activities(connection, agreement_id)
        sent = sent_shown(connection, own, agreement_id, version)
        received = received_shown(connection, own, agreement_id, version)
        logged = entries(connection, subject=document.ref)
    return VersionPage(
        version=version_shown(found, own, now, messages),
        size_bytes=len(found.data),
        parties=[party_shown(document, p, own) for p in document.parties],
        facilitators=[party_shown(document, p, own) for p in document.facilitators],
        areas=areas_shown(document),
        sources=sources_shown(document),
        notes=list(document.notes),
        supersedes=document.supersedes,
        clauses=clauses_shown(document, own, now),
        prohibitions=[prohibition_shown(p) for p in document.prohibitions],
        signatures=signatures,
        planned=[
            PlannedActivity(id=a.id, kind=a.kind.value, title=a.title, day=a.day, note=a.note)
            for a in document.activities
        ],
        commitments=[_commitment(s, found, own) for s in standings],
        activities=[activity_shown(a) for a in reversed(done)],
        sent=sent,
        received=received,
        messages=messages_shown(messages, version),
        ledger=[LedgerLine(position=e.position, kind=e.kind, partner=e.peer, logged_at=e.logged_at) for e in logged],
        others=[version_shown(v, own, now, messages) for v in versions if v.document.version != version],
        steps=steps_for(found, versions, messages, own, viewer),
    )


def find_version(versions: Sequence[registry.Registered], agreement_id: str, version: int) -> registry.Registered:
    """Return one of the versions; 404 if it is not among them."""
    found = next((v for v in versions if v.document.version == version), None)
    if found is None:
        there = ", ".join(str(v.document.version) for v in versions)
        has = Phrase("it has version %(there)s", there=there) if there else Phrase("there is none of this id")
        raise _unknown(
            Phrase(
                "This node has no version %(version)s of agreement %(agreement_id)s; %(has)s.",
                version=version,
                agreement_id=repr(agreement_id),
                has=has,
            )
        )
    return found


def _unknown(detail: str) -> RequestRefusedError:
    return RequestRefusedError(404, "unknown-agreement", detail, Phrase("The page Agreements lists all."))


def activity_shown(done: ActivityDone) -> ActivityShown:
    """Return what was recorded."""
    return ActivityShown(
        id=done.id,
        agreement=done.agreement_id,
        kind=done.kind.value,
        title=done.title,
        day=done.day,
        note=done.details.get("note"),
        commitment=done.details.get("commitment"),
        value=done.details.get("value"),
        unit=done.details.get("unit"),
        recorded_at=done.created_at,
    )


def _commitments(
    connection: sa.Connection, agreement_id: str, version: int, now: dt.datetime
) -> list[CommitmentStanding]:
    """Return how the commitments stand; reports are told for the version people mean, so only for that one."""
    found = commitment_standings(connection, agreement_id, now)
    return [standing for standing in found if standing.version == version]


def _commitment(standing: CommitmentStanding, found: registry.Registered, own: str) -> CommitmentShown:
    promised, document = standing.commitment, found.document
    path = f"/explain/commitments/{document.id}/{promised.id}"
    last = standing.last_report.details.get("value") if standing.last_report else None
    return CommitmentShown(
        id=promised.id,
        by=parties_named(document, promised.by, own),
        what=promised.what,
        due=promised.due,
        indicator=promised.indicator,
        unit=promised.unit,
        target=promised.target,
        aim=promised.aim.value if promised.aim else None,
        reports=Figure(value=standing.reports, quantity="count", explain=f"{path}/reports"),
        last=None if last is None else Figure(value=last, quantity="other", unit=promised.unit, explain=f"{path}/last"),
        last_day=standing.last_report.day if standing.last_report else None,
        reached=standing.reached,
        overdue=standing.overdue,
        terms_made_up=standing.demonstration,
    )


def explain_commitment(node: Node, viewer: Viewer, agreement_id: str, commitment_id: str, what: str) -> Derivation:
    """Return the reports a commitment's figure rests on."""
    now = node.clock()
    with reading(node, viewer) as connection:
        try:
            standings = commitment_standings(connection, agreement_id, now)
        except InputError as error:
            raise _unknown(str(error)) from None
        done = list_activities(connection, agreement_id)
    standing = next((s for s in standings if s.commitment.id == commitment_id), None)
    reports = [a for a in done if a.details.get("commitment") == commitment_id]
    if standing is None or (what == "last" and not reports):
        raise _unknown(
            Phrase(
                "Agreement %(agreement_id)s has no such commitment, or nothing was reported on it.",
                agreement_id=repr(agreement_id),
            )
        )
    promised = standing.commitment
    path = f"/explain/commitments/{agreement_id}/{commitment_id}/{what}"
    filters = {"agreement": f"{agreement_id}/{standing.version}", "commitment": promised.id}
    shown = reports if what == "reports" else [standing.last_report] if standing.last_report else []
    inputs = [
        Input(
            name=f"{a.day}: {a.title}",
            value=1 if what == "reports" else a.details.get("value"),
            unit="" if what == "reports" else promised.unit or "",
            origin="entered",
            source=f"recorded {a.created_at:%Y-%m-%d %H:%M} UTC",
            link=f"/agreements/{agreement_id}/{standing.version}#commitments",
        )
        for a in shown
    ]
    last = standing.last_report.details.get("value") if standing.last_report else None
    figure = (
        Figure(value=len(reports), quantity="count", explain=path)
        if what == "reports"
        else Figure(value=last, quantity="other", unit=promised.unit, explain=path)
    )
    return Derivation(
        title=N_("reports on a commitment") if what == "reports" else N_("last value reported on a commitment"),
        figure=figure,
        filters=filters,
        inputs=inputs,
    )
