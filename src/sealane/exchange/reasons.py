"""What each reason of a decision means, in sentences for people; the one place that words them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from sealane.agreements.clauses import Reason, Record, Terms
from sealane.agreements.fields import covers_name

SENTENCES: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.DATASET_PROHIBITED: "The agreement prohibits this data product, whatever a clause says",
        Reason.PURPOSE_PROHIBITED: "The agreement prohibits this purpose, whatever a clause says",
        Reason.OTHER_DATASET: "The clause is about another data product",
        Reason.CLAUSE_NOT_YET_VALID: "The clause is not valid yet",
        Reason.CLAUSE_EXPIRED: "The clause is no longer valid",
        Reason.PURPOSE_NOT_AGREED: "The clause does not name this purpose",
        Reason.GRANULARITY_TOO_FINE: "The clause lets only cells of grouped records through, no single record",
        Reason.PORT_OUTSIDE: "The record's port is not among the clause's",
        Reason.TERMINAL_OUTSIDE: "The record's terminal is not among the clause's",
        Reason.VESSEL_OUTSIDE: "The record's vessel is not among the clause's",
        Reason.TIME_OUTSIDE: "The record's time lies outside the clause's",
        Reason.DELAY_RUNNING: "The clause's delay still runs",
        Reason.NO_FIELD_LEFT: "The clause lets none of the record's fields through",
        Reason.FIELDS_TRIMMED: "The record goes without the fields that the clause does not let through",
        Reason.ALL_AGREED: "The clause lets the whole record through",
    }
)
_SHOWN: Final = 8


def sentence(reason: Reason, terms: Terms | None = None, record: Record | None = None, purpose: str = "") -> str:
    """Return what a reason means; with terms and record also what was compared."""
    detail = "" if terms is None or record is None else _detail(reason, terms, record, purpose)
    return f"{SENTENCES[reason]}{f': {detail}' if detail else ''}."


def why_withheld(name: str, terms: Terms) -> str:
    """Say why a leaf is not let through: the prohibition that takes it out, or that the clause does not name it."""
    plain = name.replace("[]", "")
    for prohibition in terms.prohibitions:
        if any(covers_name((forbidden.replace("[]", ""),), plain) for forbidden in prohibition.fields):
            return f"prohibited by {prohibition.id} ({prohibition.source})"
    if '"' in name:
        return "no clause can name such a key"
    if any(covers_name((plain,), forbidden.replace("[]", "")) for p in terms.prohibitions for forbidden in p.fields):
        return "a part of it is prohibited, and it cannot be parted"
    return "the clause does not name it"


def _detail(reason: Reason, terms: Terms, record: Record, purpose: str) -> str:
    clause, rows = terms.clause, terms.clause.rows
    match reason:
        case Reason.DATASET_PROHIBITED:
            return _prohibited_by(terms, [p.id for p in terms.prohibitions if record.dataset in p.datasets])
        case Reason.PURPOSE_PROHIBITED:
            return _prohibited_by(terms, [p.id for p in terms.prohibitions if purpose in p.purposes])
        case Reason.OTHER_DATASET:
            return f"{clause.dataset}, not {record.dataset}"
        case Reason.CLAUSE_NOT_YET_VALID:
            return f"it begins {shown(clause.valid_from)}"
        case Reason.CLAUSE_EXPIRED:
            return f"it ended {shown(clause.valid_until)}"
        case Reason.PURPOSE_NOT_AGREED:
            return f"{purpose or 'none given'}; it names {_some(clause.purposes)}"
        case Reason.PORT_OUTSIDE:
            return f"{record.port or 'it names none'}; the clause names {_some(rows.ports)}"
        case Reason.TERMINAL_OUTSIDE:
            return f"{record.terminal or 'it names none'}; the clause names {_some(rows.terminals)}"
        case Reason.VESSEL_OUTSIDE:
            return f"IMO {record.vessel_imo or 'none'}; the clause names {_some(rows.vessels)}"
        case Reason.TIME_OUTSIDE:
            span = f"from {shown(rows.occurred_from)} until before {shown(rows.occurred_until)}"
            return f"{shown(record.occurred_at) if record.occurred_at else 'it has none'}; the clause covers {span}"
        case Reason.DELAY_RUNNING:
            return f"{duration(clause.delay)} from {shown(record.known_at)}, when this port learnt it"
        case _:
            return ""


def _prohibited_by(terms: Terms, ids: Collection[str]) -> str:
    return "; ".join(f"{p.id} ({p.source})" for p in terms.prohibitions if p.id in ids)


def _some(values: Collection[str]) -> str:
    listed = sorted(values)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"{', '.join(listed[:_SHOWN]) or 'none'}{more}"


def shown(time: dt.datetime | None) -> str:
    """Return a time for people: UTC to the second, parts of it only where there are any."""
    if time is None:
        return "any time"
    return time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def duration(span: dt.timedelta) -> str:
    """Return a duration for people: ``1 day 6 hours``."""
    seconds = span.days * 86_400 + span.seconds
    parts = []
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:,} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts) or "no time"
