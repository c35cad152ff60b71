"""Tables of rules."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

SPECS: tuple[TableSpec, ...] = ()
