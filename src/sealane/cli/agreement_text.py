"""How agreements of a node are told in words and as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sealane.agreements.clauses import Clause, Granularity, Prohibition
from sealane.agreements.documents import AgreementDocument, normal_form
from sealane.agreements.values import duration_text, time_text
from sealane.exchange.registry import Message, Registered


def standing_dict(found: Registered, now: dt.datetime) -> dict[str, Any]:
    """Return how a version stands, as plain values for JSON."""
    document = found.document
    return {
        "id": document.id,
        "version": document.version,
        "title": document.title,
        "kind": document.kind.value,
        "state": found.state.value,
        "standing": found.standing(now),
        "terms": document.label,
        "demonstration": document.demonstration,
        "valid_from": document.valid_from,
        "valid_until": document.valid_until,
        "clauses": len(document.clauses),
        "digest": found.digest,
        "proposed_by": found.proposed_by,
        "signed_by": sorted(found.signatures),
        "missing": list(found.missing),
        "ended_at": found.ended_at,
        "ended_by": found.ended_by,
        "end_reason": found.end_reason,
    }


def message_dict(message: Message) -> dict[str, Any]:
    """Return a message to a partner as plain values for JSON."""
    return {
        "agreement": message.agreement_id,
        "version": message.version,
        "peer": message.peer,
        "kind": message.kind.value,
        "state": message.state.value,
        "attempts": message.attempts,
        "next_attempt_at": message.next_attempt_at if message.state.value == "pending" else None,
        "last_error": message.last_error,
    }


def message_line(message: Message) -> str:
    """Say in a line what became of a message."""
    line = f"{message.kind.value} to {message.peer}: {message.state.value}"
    if message.state.value == "pending" and message.attempts:
        line += f" after {message.attempts} attempts, again at {time_text(message.next_attempt_at)}"
    return line + (f" ({message.last_error})" if message.last_error else "")


def clause_line(clause: Clause, document: AgreementDocument) -> str:
    """Say a clause in words: who lets whom have what, when, for what."""
    rows = clause.rows
    filters = [
        f"{what} {', '.join(sorted(values))}"
        for what, values in (("ports", rows.ports), ("terminals", rows.terminals), ("vessels", rows.vessels))
        if values
    ]
    if rows.occurred_from or rows.occurred_until:
        start = time_text(rows.occurred_from) if rows.occurred_from else "any time"
        end = time_text(rows.occurred_until) if rows.occurred_until else "open"
        filters.append(f"from {start} until {end}")
    if clause.granularity is Granularity.RECORD or clause.grouping is None:
        form = "single records"
    else:
        group = clause.grouping
        least = f"{group.minimum_group} or more {group.contributor}"
        form = f"cells by {', '.join(group.by)} a {group.period.value}, of {least}"
    end = time_text(clause.valid_until) if clause.valid_until else "open"
    duty = f"deleted after {duration_text(clause.delete_after)}" if clause.delete_after else "no duty to delete"
    lines = [
        f"{clause.id}: {clause.provider} lets {', '.join(clause.recipients)} have {clause.dataset} ({form})",
        f"  records: {'; '.join(filters) or 'all'}; {duration_text(clause.delay)} after they are known",
        f"  fields: {', '.join(clause.fields)}",
        f"  for: {', '.join(sorted(clause.purposes))}; onward: {clause.onward.value}; {duty}",
        f"  valid: {time_text(clause.valid_from)} until {end}",
    ]
    if clause.demonstration:
        lines[0] += " - demonstration terms"
    if clause.note:
        lines.append(f"  note: {clause.note}")
    return "\n".join(lines)


def prohibition_line(prohibition: Prohibition) -> str:
    """Say a prohibition in words."""
    parts = [
        f"{what} {', '.join(sorted(values))}"
        for what, values in (
            ("datasets", prohibition.datasets),
            ("fields", prohibition.fields),
            ("purposes", prohibition.purposes),
        )
        if values
    ]
    note = f"\n  note: {prohibition.note}" if prohibition.note else ""
    return f"{prohibition.id}: {'; '.join(parts)} ({prohibition.source}){note}"


def version_fields(found: Registered, messages: list[Message], now: dt.datetime) -> list[tuple[str, object]]:
    """Return everything about a version as name and text."""
    document = found.document
    fields: list[tuple[str, object]] = [
        ("id", document.id),
        ("version", document.version),
        ("title", document.title),
        ("kind", document.kind.value),
        ("terms", document.label),
        ("state", found.standing(now)),
        ("valid from", time_text(document.valid_from)),
        ("valid until", time_text(document.valid_until) if document.valid_until else "open"),
        ("supersedes", document.supersedes or "none"),
        ("digest", found.digest),
        ("parties", "\n".join(f"{p.name} ({p.id})" for p in document.parties)),
    ]
    if document.facilitators:
        fields.append(("facilitators", "\n".join(p.name for p in document.facilitators)))
    signed = (
        f"{p.party} {p.participant} {p.origin}: {'signed' if p.participant in found.signatures else 'not signed'}"
        for p in document.participants
    )
    fields.append(("participants", "\n".join(signed)))
    fields.append(("areas", "\n".join(f"{area.name} ({area.id})" for area in document.areas) or "none named"))
    if document.antecedents:
        fields.append(("grew out of", "\n".join(document.antecedents)))
    clauses = "\n".join(clause_line(clause, document) for clause in document.clauses)
    fields.append(("clauses on data", clauses or "none; nothing is let through"))
    if document.prohibitions:
        fields.append(("prohibitions", "\n".join(prohibition_line(p) for p in document.prohibitions)))
    if document.activities:
        plans = (f"{a.id}: {a.kind.value}, {a.title}" + (f", {a.day}" if a.day else "") for a in document.activities)
        fields.append(("activities", "\n".join(plans)))
    if document.commitments:
        promised = (f"{c.id}: {', '.join(c.by)}: {c.what}, by {c.due}" for c in document.commitments)
        fields.append(("commitments", "\n".join(promised)))
    if document.sources:
        fields.append(("source", "\n".join(s.document for s in document.sources)))
    if found.ended_at is not None:
        fields.append(("ended", f"{time_text(found.ended_at)} by {found.ended_by}: {found.end_reason}"))
    if messages:
        fields.append(("messages", "\n".join(message_line(message) for message in messages)))
    fields.extend(("note", note) for note in document.notes)
    return fields


def version_dict(found: Registered, messages: list[Message], now: dt.datetime) -> dict[str, Any]:
    """Return everything about a version as plain values for JSON."""
    content = standing_dict(found, now)
    content["document"] = normal_form(found.document)
    content["signatures"] = dict(found.signatures)
    content["messages"] = [message_dict(message) for message in messages]
    return content
