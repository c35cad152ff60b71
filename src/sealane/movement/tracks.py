"""Clean tracks: what is left of the position reports once every cleaning rule has spoken.

Columnar, whole vessels only, vessels in ascending MMSI, reports in ascending time. This is the kernel's input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SPEED_UNKNOWN_DKN = np.int16(-1)
HEADING_UNKNOWN_DEG = np.int16(511)
STATUS_UNKNOWN = np.int8(-1)
DRAUGHT_UNKNOWN_DM = np.int16(0)

TRACK_SCHEMA = pa.schema(
    [
        ("mmsi", pa.int32()),
        ("time_us", pa.int64()),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("speed_dkn", pa.int16()),
        ("speed_derived", pa.uint8()),
        ("heading_deg", pa.int16()),
        ("nav_status", pa.int8()),
        ("draught_dm", pa.int16()),
    ]
)


@dataclass(frozen=True)
class Tracks:
    """Whole vessels' clean reports, shape ``(n,)`` each, sorted by (mmsi, time).

    Attributes
    ----------
    mmsi : int32. MMSI of the report.
    time_us : int64, microseconds since 1970-01-01 UTC, unique within a vessel.
    lat, lon : float64, degrees.
    speed_dkn : int16, speed over ground in 0.1 kn (the step in which AIS reports it); -1 unknown.
    speed_derived : uint8, 1 where the speed was worked out from positions.
    heading_deg : int16, degrees; 511 not available.
    nav_status : int8, AIS navigational status 0-15; -1 not given.
    draught_dm : int16, 0.1 m; 0 not available.
    """

    mmsi: NDArray[np.int32]
    time_us: NDArray[np.int64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    speed_dkn: NDArray[np.int16]
    speed_derived: NDArray[np.uint8]
    heading_deg: NDArray[np.int16]
    nav_status: NDArray[np.int8]
    draught_dm: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.mmsi)

    def vessels(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the distinct MMSI, shape ``(v,)``, and where each begins and ends, shape ``(v + 1,)``."""
        if len(self.mmsi) == 0:
            return np.empty(0, np.int32), np.zeros(1, np.int64)
        starts = np.flatnonzero(np.diff(self.mmsi, prepend=self.mmsi[0] - 1))
        return self.mmsi[starts], np.append(starts, len(self.mmsi)).astype(np.int64)

    def period_us(self) -> tuple[int, int] | None:
        """First and last time [us since 1970-01-01 UTC]; None without any report."""
        return (int(self.time_us.min()), int(self.time_us.max())) if len(self) else None

    def to_arrow(self) -> pa.Table:
        """Return the tracks as an Arrow table in `TRACK_SCHEMA`."""
        return pa.table([pa.array(getattr(self, name)) for name in TRACK_SCHEMA.names], schema=TRACK_SCHEMA)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Tracks:
        """Read back what `to_arrow` wrote; copies nothing where a column is one chunk."""
        columns = {}
        for name in TRACK_SCHEMA.names:
            column = table.column(name)
            chunk = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            columns[name] = cast("NDArray[np.generic]", chunk.to_numpy(zero_copy_only=True))
        return cls(**columns)  # type: ignore[arg-type]  # one array for each field of TRACK_SCHEMA
