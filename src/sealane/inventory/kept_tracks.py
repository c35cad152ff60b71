"""The clean tracks of the ships in the inventory as a table of their own, kept on request: what a map draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.inventory.local import read_tracks
from sealane.inventory.outputs import write_merged
from sealane.inventory.schemas import TRACKS
from sealane.movement.tracks import HEADING_UNKNOWN_DEG, SPEED_UNKNOWN_DKN, STATUS_UNKNOWN, Tracks


def track_table(tracks: Tracks) -> pa.Table:
    """Tracks in the columns of `TRACKS`, null where nothing is known."""
    return pa.table(
        [
            pa.array(tracks.mmsi),
            pa.array(tracks.time_us).cast(pa.timestamp("us", tz="UTC")),
            pa.array(tracks.lat),
            pa.array(tracks.lon),
            pa.array(tracks.speed_dkn / 10.0, mask=tracks.speed_dkn == SPEED_UNKNOWN_DKN),
            pa.array(tracks.speed_derived == 1),
            pa.array(tracks.heading_deg, mask=tracks.heading_deg == HEADING_UNKNOWN_DEG),
            pa.array(tracks.nav_status, mask=tracks.nav_status == STATUS_UNKNOWN),
        ],
        schema=TRACKS.schema,
    )


def write_tracks(buckets: Sequence[Path], ships: NDArray[np.int32], scratch: Path, out: Path) -> int:
    """Write ``tracks.parquet``; return the number of positions.

    Parameters
    ----------
    buckets : clean tracks as the first pass left them, whole vessels.
    ships : MMSI of the ships to keep.
    scratch : folder for the parts; one bucket is in memory at a time.
    out : file to write, sorted by (mmsi, time).
    """
    parts = []
    for number, bucket in enumerate(buckets):
        tracks = read_tracks(bucket)
        chosen = np.isin(tracks.mmsi, ships)
        if not chosen.any():
            continue
        kept = Tracks(**{name: getattr(tracks, name)[chosen] for name in tracks.__dataclass_fields__})
        path = scratch / f"kept-{number:06d}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, TRACKS.schema) as writer:
            writer.write_table(track_table(kept))
        parts.append(path)
    tables = [pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in parts]
    return write_merged(tables, TRACKS, out)
