"""What the tests of lanes share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sealane.corridors.call_table import CallTable
from sealane.corridors.lanes.document import Corridor
from sealane.corridors.lanes.run import LaneResult
from sealane.emissions.user_vessels import UserVessels


@dataclass(frozen=True)
class ServiceLane:
    """Folder of the service, its input, and the lane."""

    service: Path
    corridor: Corridor
    calls: CallTable
    vessels: UserVessels
    result: LaneResult


CALL_START = "imo,ship_name,ship_class,subtype,port,arrival,departure"


def write_calls(path: Path, *rows: str, more: str = "") -> Path:
    """A file of calls: the columns of `CALL_START`, then those of ``more``."""
    path.write_text("\n".join([f"{CALL_START}{',' if more else ''}{more}", *rows]) + "\n", encoding="utf-8")
    return path
