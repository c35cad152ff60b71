"""What a clause of an agreement lets through, and what an agreement forbids.

A clause is closed: what it does not name is not let through. All intervals of time are half-open, in UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Granularity(StrEnum):
    """Whether single records or only cells of grouped records are let through."""

    RECORD = "record"
    AGGREGATE = "aggregate"


class Onward(StrEnum):
    """What the recipient may do with the data afterwards; recorded and shown, not enforced after delivery."""

    NONE = "none"
    PARTIES = "parties"
    PUBLIC = "public"


class Period(StrEnum):
    """Calendar period (UTC) over which aggregate cells are formed; each is released once."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True)
class RowFilter:
    """Which records a clause covers; an empty set lets every value pass, also a missing one.

    Attributes
    ----------
    ports : UN/LOCODE.
    terminals : terminal or facility codes.
    vessels : IMO numbers, seven digits.
    occurred_from, occurred_until : half-open interval on the time the record is about; None is open.
    """

    ports: frozenset[str] = frozenset()
    terminals: frozenset[str] = frozenset()
    vessels: frozenset[str] = frozenset()
    occurred_from: dt.datetime | None = None
    occurred_until: dt.datetime | None = None


@dataclass(frozen=True)
class Grouping:
    """How records become cells.

    Attributes
    ----------
    by : fields whose values name a cell, beside the period.
    measures : fields that are summed; ``count`` of records is always given.
    period : calendar period of a cell.
    contributor : field whose distinct values are the contributors counted against ``minimum_group``.
    minimum_group : least number of distinct contributors in a cell that is released.
    """

    by: tuple[str, ...]
    measures: tuple[str, ...]
    period: Period
    contributor: str
    minimum_group: int


@dataclass(frozen=True)
class Clause:
    """One permission of an agreement: what one party lets others have, and on what terms.

    Attributes
    ----------
    provider, recipients : party ids of the agreement.
    dataset : id of a data product.
    fields : dotted names of the leaves that are let through, ``[]`` marks a list: ``vessel.vesselIMONumber``,
        ``movesForecasts[].carrierCode``. A name also covers everything below it.
    purposes : purposes agreed; a request for another one is refused.
    granularity : records, or aggregate cells as ``grouping`` forms them.
    delay : a record is let through no sooner than this after its holder learnt it.
    valid_from, valid_until : half-open interval in which data flow.
    delete_after : duty of the recipient; None is no duty.
    demonstration : the terms are made up for a demonstration and stand in no real agreement.
    """

    id: str
    provider: str
    recipients: tuple[str, ...]
    dataset: str
    fields: tuple[str, ...]
    purposes: frozenset[str]
    granularity: Granularity
    rows: RowFilter
    delay: dt.timedelta
    valid_from: dt.datetime
    valid_until: dt.datetime | None
    grouping: Grouping | None = None
    onward: Onward = Onward.NONE
    delete_after: dt.timedelta | None = None
    demonstration: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Prohibition:
    """What no clause of the agreement can let through; prohibitions win.

    A record is prohibited when its dataset is in ``datasets`` or the purpose in ``purposes``; ``fields`` are taken out
    of every record. Empty sets prohibit nothing.
    """

    id: str
    datasets: frozenset[str]
    fields: tuple[str, ...]
    purposes: frozenset[str]
    source: str
    note: str | None = None


@dataclass(frozen=True)
class Terms:
    """One clause together with every prohibition of its agreement: all that a decision needs.

    Attributes
    ----------
    agreement_id, version : which signed document says so.
    """

    agreement_id: str
    version: int
    clause: Clause
    prohibitions: tuple[Prohibition, ...] = ()


@dataclass(frozen=True)
class Record:
    """One record of a data product, with the facts that a clause can ask about.

    Attributes
    ----------
    dataset, id : the product and the record's id in it, unique per source.
    occurred_at : when what it tells happened or will happen, None where it has no time.
    known_at : when its holder learnt it.
    port, terminal, vessel_imo : None where the record names none.
    body : the payload as parsed JSON.
    """

    dataset: str
    id: str
    occurred_at: dt.datetime | None
    known_at: dt.datetime
    port: str | None = None
    terminal: str | None = None
    vessel_imo: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


class Outcome(StrEnum):
    """What becomes of a record."""

    ALLOW = "allow"
    TRIM = "trim"
    WITHHOLD = "withhold"


class Reason(StrEnum):
    """The first rule that decides, in the order of this list."""

    DATASET_PROHIBITED = "dataset_prohibited"
    PURPOSE_PROHIBITED = "purpose_prohibited"
    OTHER_DATASET = "other_dataset"
    CLAUSE_NOT_YET_VALID = "clause_not_yet_valid"
    CLAUSE_EXPIRED = "clause_expired"
    PURPOSE_NOT_AGREED = "purpose_not_agreed"
    GRANULARITY_TOO_FINE = "granularity_too_fine"
    PORT_OUTSIDE = "port_outside"
    TERMINAL_OUTSIDE = "terminal_outside"
    VESSEL_OUTSIDE = "vessel_outside"
    TIME_OUTSIDE = "time_outside"
    DELAY_RUNNING = "delay_running"
    NO_FIELD_LEFT = "no_field_left"
    FIELDS_TRIMMED = "fields_trimmed"
    ALL_AGREED = "all_agreed"


@dataclass(frozen=True)
class Decision:
    """What becomes of one record under one clause, and why.

    Attributes
    ----------
    body : what may be sent; None when withheld.
    withheld_fields : dotted names taken out, sorted.
    due_at : when it can be let through at the earliest, only for ``delay_running`` and ``clause_not_yet_valid``.
    """

    outcome: Outcome
    reason: Reason
    agreement_id: str
    agreement_version: int
    clause_id: str
    body: Mapping[str, Any] | None = None
    withheld_fields: tuple[str, ...] = ()
    due_at: dt.datetime | None = None
