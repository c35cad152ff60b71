"""What a data product is: its id, its standard, and how a payload becomes a record.

The products are listed once, in ``sealane.products.catalogue.DATASETS``; everything else asks there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sealane.agreements.clauses import Record
from sealane.errors import Fault


@dataclass(frozen=True)
class JoinKeys:
    """What a record can be joined with others by; None where it names none."""

    voyage: str | None = None
    equipment: str | None = None
    bill_of_lading: str | None = None
    booking: str | None = None


@dataclass(frozen=True)
class Dataset:
    """One data product.

    Attributes
    ----------
    id : as clauses name it, e.g. ``port-calls``.
    standard : name and edition of the payload's standard.
    fields : every dotted leaf name a payload can have (``[]`` marks a list).
    required : leaves without which the trimmed payload would break the standard; a clause must let them through.
    read : (payload, path, faults, now) -> (record, keys), or None after adding faults; ``known_at`` is the payload's
        own time where it has one, else ``now``.
    """

    id: str
    title: str
    description: str
    standard: str
    media_type: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    read: Callable[[Mapping[str, Any], str, list[Fault], dt.datetime], tuple[Record, JoinKeys] | None]
    # May be opened to the public record by record; labour data may not exist as a product at all.
    can_be_public: bool = True
