"""COARRI, container discharge/loading report: a container was discharged from or loaded on a vessel.

Source: UN/EDIFACT directory D.95B and later; codes of data element 1001 as used in the field: 44 and 98 for
discharge, 46 and 270 for loading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sealane.products.edifact.container_report import Report, first, read_report
from sealane.products.edifact.elements import Reading, transport_of
from sealane.products.edifact.segments import Message, Segment


def _vessel(
    message: Message, header: Sequence[Segment], group: Sequence[Segment], event: str
) -> Mapping[str, Any] | None:
    tdt = first(header, "TDT", ("20",))
    if tdt is None:
        message.fault(None, 0, 0, "has no TDT+20", "Name the vessel, TDT+20.")
    return transport_of(
        message, tdt, "exportVoyageNumberOrReference" if event == "LOAD" else "importVoyageNumberOrReference"
    )


REPORT = Report(
    names={"44": "DISC", "98": "DISC", "46": "LOAD", "270": "LOAD"},
    header="BGM DTM FTX RFF TDT LOC NAD CTA COM GID HAN PIA MEA DGS",
    detail="RFF EQN TMD DTM TSR LOC MEA DIM TMP RNG SEL FTX DGS EQA GIR PIA DAM COD TDT NAD HAN TPL",
    mandatory=("NAD", "EQD", "CNT"),
    time=("203", "7", "334"),
    places={"LOAD": ("9", "165"), "DISC": ("11", "165")},
    transport=_vessel,
    facility_type="POTE",
)


def read_coarri(message: Message, reading: Reading) -> list[dict[str, Any]]:
    """Return DCSA events of a COARRI message, one for each container; adds the message's faults."""
    return read_report(REPORT, message, reading)
