"""Track tables and layers that the tests of tiles make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.inventory.schemas import TRACKS
from sealane.web.tiles.layer import TrackLayer, build, open_layer

BEGIN_S = 1_780_000_000
Row = tuple[int, float, float, float]  # mmsi, minutes, lat, lon


def write_table(path: Path, rows: Sequence[Row], speed_kn: float | None = 10.0, heading: int | None = 90) -> Path:
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    times = [round((BEGIN_S + minutes * 60) * 1_000_000) for minutes in columns[1]]
    count = len(rows)
    arrays = [
        pa.array(columns[0], pa.int32()),
        pa.array(times, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        pa.array(columns[2], pa.float64()),
        pa.array(columns[3], pa.float64()),
        pa.array([speed_kn] * count, pa.float64()),
        pa.array([False] * count),
        pa.array([heading] * count, pa.int16()),
        pa.array([None] * count, pa.int8()),
    ]
    pq.write_table(pa.table(arrays, schema=TRACKS.schema), path, row_group_size=1000)
    return path


def make_layer(folder: Path, rows: Sequence[Row], **more: object) -> TrackLayer:
    build(write_table(folder / "tracks.parquet", sorted(rows)), folder / "layer", **more)  # type: ignore[arg-type]
    return open_layer(folder / "layer")
