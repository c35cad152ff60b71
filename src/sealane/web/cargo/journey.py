"""The journey of one reference: milestones of all ports on one line, conflicts, gaps, and what partners were sent."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import sqlalchemy as sa

from sealane.exchange.held_back import held_back_by
from sealane.exchange.sent_and_withheld import StoredDecision, demonstrations, stored_decisions
from sealane.node.context import Node
from sealane.products.cargo import CargoKey, Conflict, Gap, Timeline, timeline
from sealane.products.cargo_entries import CargoEntry
from sealane.products.catalogue import DATASETS
from sealane.reference.time_zones import time_zone
from sealane.web.accounts.gate import Viewer, reading
from sealane.web.agreements.flows import partner_names, split_clause
from sealane.web.cargo.follows import follow_of
from sealane.web.cargo.models import (
    CargoKind,
    ConflictShown,
    GapShown,
    JourneyPage,
    Milestone,
    NotAgreed,
    SentTo,
)
from sealane.web.cargo.references import key_of, path_of, reference_of
from sealane.web.cargo.strip import strip_of
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_

MAX_SHOWN = 500
_SCHEDULE = " (schedule)"
_GAPS = {
    "only expected, not told as done": "expected",
    "no source here tells it": "untold",
    "no source here tells where it was loaded": "origin",
}


def journey_page(node: Node, viewer: Viewer, kind: CargoKind, given: str) -> JourneyPage:
    """Return the journey of a reference.

    Raises
    ------
    DataError
        With every fault of the number.
    """
    key = key_of(kind, given)
    reference = reference_of(key)
    own, now = node.identity.participant, node.clock()
    with reading(node, viewer) as connection:
        found = read_timeline(connection, key)
        names = partner_names(connection)
        made_up = demonstrations(connection)
        sent = sent_to_partners(connection, own, found.entries, names)
        followed = follow_of(connection, viewer, kind, reference)
    clashing = {id(entry) for conflict in found.conflicts for entry in conflict.entries}
    shown = [
        milestone_shown(e, own, now, names, made_up, sent, in_conflict=id(e) in clashing)
        for e in found.entries[-MAX_SHOWN:]
    ]
    conflicts = [
        _conflict(number, c, own, now, names, made_up, kind, reference) for number, c in enumerate(found.conflicts)
    ]
    base = path_of(kind, reference)
    return JourneyPage(
        kind=kind,
        reference=reference,
        title=str(key),
        milestones=shown,
        told=_figure(kind, reference, "milestones", len(found.entries), found.simulated),
        sources=_figure(kind, reference, "sources", len(_by_source(found)), found.simulated),
        conflicts=conflicts,
        gaps=[_gap(gap) for gap in found.gaps],
        not_agreed=[_not_agreed(name, fields, names) for name, fields in found.not_agreed.items()],
        strip=strip_of(shown, now),
        simulated=found.simulated,
        made_up=_agreements(shown, made_up),
        followed=followed,
        may_follow=viewer.user_id is not None,
        exports={
            "CSV": f"/api/v1/cargo-export{base.removeprefix('/cargo')}",
            "JSON": f"/api/v1{base}",
        },
    )


def read_timeline(connection: sa.Connection, key: CargoKey) -> Timeline:
    """Return the timeline as the command line has it."""
    return timeline(connection, key, held_back_by(connection, DATASETS))


def sent_to_partners(
    connection: sa.Connection, own: str, entries: Sequence[CargoEntry], names: Mapping[str, str]
) -> dict[tuple[str, str], list[SentTo]]:
    """Return for each own record what every registered partner was sent of it."""
    mine = {(e.provenance.dataset, e.provenance.record_id) for e in entries if e.provenance.source == own}
    found: dict[tuple[str, str], list[SentTo]] = {key: [] for key in mine}
    for peer, name in names.items():
        decided = stored_decisions(connection, peer, mine)
        for key in mine:
            found[key].append(sent_shown(decided.get(key), key, peer, name))
    return found


def sent_shown(decided: StoredDecision | None, key: tuple[str, str], peer: str, name: str) -> SentTo:
    """Return what became of an own record towards one partner."""
    if decided is None:
        state = "no_clause"
    elif decided.outcome == "withhold":
        state = "withheld"
    else:
        state = "sent" if decided.delivered else "on_its_way"
    query = urlencode({"dataset": key[0], "record": key[1], "partner": peer})
    return SentTo(
        partner=peer,
        partner_name=name,
        state=state,
        reason=decided.reason if decided else None,
        clause=decided.clause if decided else None,
        kept_back=len(decided.withheld_fields) if decided else 0,
        path=f"/explain/sharing?{query}",
    )


def milestone_shown(
    entry: CargoEntry,
    own: str,
    now: dt.datetime,
    names: Mapping[str, str],
    made_up: frozenset[tuple[str, int]],
    sent: Mapping[tuple[str, str], list[SentTo]],
    *,
    in_conflict: bool,
) -> Milestone:
    """Return one entry of a timeline."""
    came = entry.provenance
    agreement, version, clause = split_clause(came.received_under) if came.received_under else (None, None, None)
    query = urlencode({"source": came.source, "dataset": came.dataset, "record": came.record_id})
    anchor = f"{came.source} {came.dataset} {came.record_id} {entry.step} {entry.at} {entry.classifier} {entry.port}"
    return Milestone(
        id=f"m{hashlib.sha256(anchor.encode()).hexdigest()[:12]}",
        at=entry.at,
        classifier=entry.classifier,
        step=entry.step.name.lower(),
        what=entry.what.removesuffix(_SCHEDULE),
        scheduled=came.dataset == "vessel-schedules",
        mode=entry.mode,
        port=entry.port,
        zone=time_zone(entry.port),
        facility=entry.facility,
        vessel_imo=entry.vessel_imo,
        vessel_name=entry.vessel_name,
        voyages=list(entry.voyages),
        equipment=entry.equipment,
        own=came.source == own,
        source=came.source,
        source_name=names.get(came.source, came.source),
        dataset=came.dataset,
        record=came.record_id,
        known_at=came.known_at,
        age_s=entry.age(now).total_seconds(),
        simulated=came.simulated,
        agreement=agreement,
        version=version,
        clause=clause,
        terms_made_up=(agreement, version) in made_up,
        kept_back=list(came.not_agreed),
        sent_to=sent.get((came.dataset, came.record_id), []) if came.source == own else [],
        in_conflict=in_conflict,
        path=f"/explain/milestone?{query}",
    )


def _conflict(
    number: int,
    found: Conflict,
    own: str,
    now: dt.datetime,
    names: Mapping[str, str],
    made_up: frozenset[tuple[str, int]],
    kind: CargoKind,
    reference: str,
) -> ConflictShown:
    simulated = any(e.provenance.simulated for e in found.entries)
    return ConflictShown(
        step=found.step.name.lower(),
        port=found.port,
        zone=time_zone(found.port),
        vessel_imo=found.vessel_imo,
        spread=Figure(
            value=found.spread.total_seconds() / 3600,
            quantity="duration_h",
            explain=f"{_base('spread', kind, reference)}?conflict={number}",
            simulated=simulated,
        ),
        milestones=[milestone_shown(e, own, now, names, made_up, {}, in_conflict=True) for e in found.entries],
    )


def _gap(gap: Gap) -> GapShown:
    return GapShown(
        step=gap.step.name.lower(), port=gap.port, equipment=gap.equipment, why=_GAPS.get(gap.note, "untold")
    )


def _not_agreed(name: str, fields: tuple[str, ...], names: Mapping[str, str]) -> NotAgreed:
    source, _, clause = name.rpartition(": ")
    return NotAgreed(source=names.get(source, source), clause=clause, fields=list(fields))


def _agreements(shown: Sequence[Milestone], made_up: frozenset[tuple[str, int]]) -> list[str]:
    """Return the agreements with made-up terms under which anything shown came or went."""
    under = {(m.agreement, m.version) for m in shown}
    under |= {split_clause(s.clause)[:2] for m in shown for s in m.sent_to if s.clause}
    return sorted(f"{agreement}/{version}" for agreement, version in under & made_up)


def _by_source(found: Timeline) -> dict[str, int]:
    counted: dict[str, int] = {}
    for entry in found.entries:
        counted[entry.provenance.source] = counted.get(entry.provenance.source, 0) + 1
    return counted


def _base(what: str, kind: CargoKind, reference: str) -> str:
    return f"/explain/cargo/{what}{path_of(kind, reference).removeprefix('/cargo')}"


def _figure(
    kind: CargoKind, reference: str, what: str, value: float, simulated: bool, source: str | None = None
) -> Figure:
    query = f"?{urlencode({'source': source})}" if source else ""
    return Figure(value=value, quantity="count", explain=_base(what, kind, reference) + query, simulated=simulated)


def explain_journey(
    connection: sa.Connection, own: str, kind: CargoKind, given: str, what: str, source: str | None, conflict: int
) -> Derivation | None:
    """Return what a figure of a journey counts, or how a spread comes about; None where there is no such figure."""
    key = key_of(kind, given)
    reference = reference_of(key)
    found = read_timeline(connection, key)
    names = partner_names(connection)
    filters = {N_("looked for"): str(key)}
    if what == "spread":
        if not 0 <= conflict < len(found.conflicts):
            return None
        return _explain_spread(found.conflicts[conflict], conflict, own, names, kind, reference)
    if what not in {"milestones", "sources"}:
        return None
    counted = _by_source(found)
    if source is not None:
        filters[N_("source")] = source
        entries = [e for e in found.entries if e.provenance.source == source]
        return Derivation(
            title=N_("milestones of one source"),
            figure=_figure(kind, reference, "milestones", len(entries), found.simulated, source),
            filters=filters,
            inputs=[_input(e, own, names, value=1) for e in entries],
        )
    is_sources = what == "sources"
    return Derivation(
        title=N_("sources of a journey") if is_sources else N_("milestones of a journey"),
        figure=_figure(kind, reference, what, len(counted) if is_sources else len(found.entries), found.simulated),
        filters=filters,
        parts=[]
        if is_sources
        else [
            Part(
                label=names.get(one, one),
                figure=_figure(kind, reference, "milestones", n, found.simulated, one),
            )
            for one, n in counted.items()
        ],
        part_dimension="" if is_sources else "source",
        inputs=[Input(name=names.get(one, one), value=1, origin="observed", source=one) for one in counted]
        if is_sources
        else [],
    )


def _explain_spread(
    found: Conflict, number: int, own: str, names: Mapping[str, str], kind: CargoKind, reference: str
) -> Derivation:
    return Derivation(
        title=N_("difference between sources"),
        figure=Figure(
            value=found.spread.total_seconds() / 3600,
            quantity="duration_h",
            explain=f"{_base('spread', kind, reference)}?conflict={number}",
            simulated=any(e.provenance.simulated for e in found.entries),
        ),
        equation=N_("latest of the sources' newest times - earliest of them"),
        filters={
            N_("step"): found.step.value,
            N_("port"): found.port or "",
            N_("vessel (IMO)"): found.vessel_imo or "",
        },
        inputs=[_input(e, own, names, value=f"{e.at:%Y-%m-%d %H:%M} UTC") for e in found.entries],
    )


def _input(entry: CargoEntry, own: str, names: Mapping[str, str], value: float | str) -> Input:
    came = entry.provenance
    query = urlencode({"source": came.source, "dataset": came.dataset, "record": came.record_id})
    who = names.get(came.source, came.source)
    at = f"{entry.at:%Y-%m-%d %H:%M} UTC" if entry.at else "no time"
    return Input(
        name=f"{entry.what}, {entry.port or '-'} ({entry.classifier or '-'})",
        value=value,
        origin="observed",
        source=f"{who}, {came.dataset}, {at}, learnt {came.known_at:%Y-%m-%d %H:%M} UTC",
        link=f"/explain/milestone?{query}",
    )
