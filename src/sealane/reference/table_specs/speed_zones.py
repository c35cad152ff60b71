"""Tables of speed-reduction programmes and At-Berth."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

SPECS: tuple[TableSpec, ...] = ()
