"""CODECO, container gate-in/gate-out report: a container passed the gate of a terminal or depot.

Source: UN/EDIFACT directory D.95B and later; codes 34 (gate-in) and 36 (gate-out) of data element 1001 as the
implementation guides of SMDG and ITIGG use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sealane.products.edifact.container_report import Report, first, read_report
from sealane.products.edifact.elements import Reading, transport_of
from sealane.products.edifact.segments import Message, Segment


def _inland_carriage(
    message: Message, header: Sequence[Segment], group: Sequence[Segment], event: str
) -> Mapping[str, Any] | None:
    """Return the carriage to or from the gate: TDT+1 (inland), 10 (pre-carriage), 30 (on-carriage)."""
    tdt = first(group, "TDT", ("1", "10", "30")) or first(header, "TDT", ("1", "10", "30"))
    side = "exportVoyageNumberOrReference" if event == "GTIN" else "importVoyageNumberOrReference"
    # The main carriage is not that of the gate; read it only for its faults.
    transport_of(message, first(header, "TDT", ("20",)), side)
    return transport_of(message, tdt, side)


_PLACES = ("165", "99", "89")
REPORT = Report(
    names={"34": "GTIN", "36": "GTOT"},
    header="BGM DTM FTX RFF TDT LOC NAD CTA COM GID HAN PIA MEA DGS",
    detail="RFF TMD DTM TSR LOC MEA DIM TMP RNG SEL FTX DGS EQA EQN GIR PIA DAM COD TDT NAD HAN TPL",
    mandatory=("NAD", "EQD", "CNT"),
    time=("7",),
    places={"GTIN": _PLACES, "GTOT": _PLACES},
    transport=_inland_carriage,
    facility_type=None,
)


def read_codeco(message: Message, reading: Reading) -> list[dict[str, Any]]:
    """Return DCSA events of a CODECO message, one for each container; adds the message's faults."""
    return read_report(REPORT, message, reading)
