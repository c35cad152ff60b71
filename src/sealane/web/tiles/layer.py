"""The track layer of a result: positions in levels of detail, sorted for tiles, memory-mapped from a folder.

Made once from ``tracks.parquet``. A level for zoom z keeps a position when it lies a pixel of that zoom from the one
kept before; the last level keeps all. Positions stand ship after ship; an index of chunks of up to 64 positions, with
box and period of each, is sorted along a Z curve, so that a tile reads what it shows and little else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sealane.errors import FileFormatError
from sealane.folders import whole_folder
from sealane.movement.port_calls import PortCallSettings
from sealane.web.tiles import thinning
from sealane.web.tiles.mercator import WORLD, project

FORMAT = 1
LEVEL_ZOOMS = (1, 3, 5, 7, 9, 11)  # and a last one with everything
PIXELS_PER_TILE = 512
BLOCK = 128  # chunks
ROWS_AT_ONCE = 1_000_000
COLUMNS = ("mmsi", "time", "lat", "lon", "speed_kn", "heading_deg")
SPEED_UNKNOWN_DKN, HEADING_UNKNOWN_DEG = -1, 511
_POINT_TYPES = {"x": np.int32, "y": np.int32, "t": np.uint32}
_FULL_TYPES = {"speed": np.int16, "heading": np.int16}

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """Positions of one level of detail, and the chunks they are cut into.

    Attributes
    ----------
    zoom : the highest zoom it is meant for; None for the level that holds all.
    x, y : world units; x is continuous within a ship. Shape ``(n,)``.
    t : seconds since 1970-01-01 UTC.
    index : chunks, `thinning.CHUNK_FIELDS` columns.
    blocks : box and period of every `BLOCK` chunks.
    """

    zoom: int | None
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    t: NDArray[np.uint32]
    index: Ints
    blocks: Ints


@dataclass(frozen=True)
class TrackLayer:
    """An opened track layer.

    Attributes
    ----------
    levels : from coarse to fine; the last holds all.
    mmsi : shape ``(ships,)``, ascending.
    offsets : where each ship begins in the last level, shape ``(ships + 1,)``.
    speed_dkn, heading_deg : of each position of the last level; -1 and 511 unknown.
    gap_s : a longer time between two reports is a silence.
    first_s, last_s : period of the data.
    """

    levels: tuple[Level, ...]
    mmsi: NDArray[np.int32]
    offsets: Ints
    speed_dkn: NDArray[np.int16]
    heading_deg: NDArray[np.int16]
    gap_s: int
    first_s: int
    last_s: int

    @property
    def positions(self) -> int:
        """Number of all positions."""
        return int(self.offsets[-1])

    def level_for(self, zoom: int) -> int:
        """Number of the coarsest level that is fine enough for a zoom."""
        for number, level in enumerate(self.levels):
            if level.zoom is None or level.zoom >= zoom:
                return number
        return len(self.levels) - 1


class _LevelWriter:
    """Files of one level while they grow."""

    def __init__(self, folder: Path, name: str, columns: dict[str, Any], files: ExitStack) -> None:
        self.folder, self.name = folder, name
        self.types = columns
        self.files: dict[str, BinaryIO] = {c: files.enter_context((folder / f"{name}.{c}").open("wb")) for c in columns}
        self.rows = 0
        self.index: list[Ints] = []

    def add(self, columns: dict[str, NDArray[Any]], index: Ints) -> None:
        for name, file in self.files.items():
            file.write(np.ascontiguousarray(columns[name].astype(self.types[name])).tobytes())
        self.rows += len(columns["x"])
        self.index.append(index)

    def finish(self) -> None:
        for file in self.files.values():
            file.close()
        empty = np.empty((0, thinning.CHUNK_FIELDS), np.int64)
        index = np.concatenate(self.index) if self.index else empty
        middle_x = (index[:, thinning.WEST] + index[:, thinning.EAST]) // 2
        middle_y = (index[:, thinning.NORTH] + index[:, thinning.SOUTH]) // 2
        index = index[np.argsort(thinning.morton(middle_x, middle_y), kind="stable")]
        np.save(self.folder / f"{self.name}.chunks.npy", index)
        np.save(self.folder / f"{self.name}.blocks.npy", thinning.blocks(index, BLOCK))


def build(
    positions: Path, out: Path, *, gap_h: float | None = None, progress: Callable[[int, int], None] | None = None
) -> None:
    """Make the track layer of a ``tracks.parquet``; memory is bounded by one batch and the index of chunks.

    Parameters
    ----------
    positions : Parquet file with mmsi, time [UTC], lat, lon [deg], speed_kn and heading_deg, sorted by (mmsi, time).
    out : folder to make; an older one is replaced.
    gap_h : a longer time between two reports is a silence; None takes the gap limit of port calls.
    progress : called with rows done and rows in all.

    Raises
    ------
    FileFormatError
        if the file lacks a column or is not sorted.
    """
    gap_s = round((PortCallSettings().gap_limit_h if gap_h is None else gap_h) * 3600)
    with _opened(positions) as file, whole_folder(out) as folder, ExitStack() as files:
        missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
        if missing:
            raise FileFormatError(f"{positions} is no track table: it lacks {', '.join(missing)}. Run the job again.")
        zooms: tuple[int | None, ...] = (*LEVEL_ZOOMS, None)
        writers = [
            _LevelWriter(folder, _name(zoom), _POINT_TYPES if zoom is not None else _POINT_TYPES | _FULL_TYPES, files)
            for zoom in zooms
        ]
        ships: list[NDArray[np.int32]] = []
        counts: list[Ints] = []
        first_s, last_s, done = 1 << 40, 0, 0
        for table in _whole_vessels(file, positions):
            batch = _Batch.of(table, sum(map(len, ships)))
            if ships and batch.mmsi[0] <= ships[-1][-1]:
                raise FileFormatError(f"{positions} is not sorted by mmsi. Run the job again.")
            for zoom, writer in zip(zooms, writers, strict=True):
                batch.write(writer, 0 if zoom is None else max(1, (WORLD >> zoom) // PIXELS_PER_TILE), gap_s)
            ships.append(batch.mmsi)
            counts.append(np.diff(batch.offsets))
            first_s, last_s = min(first_s, int(batch.t.min())), max(last_s, int(batch.t.max()))
            done += len(table)
            if progress:
                progress(done, file.metadata.num_rows)
        for writer in writers:
            writer.finish()
        np.save(folder / "mmsi.npy", np.concatenate(ships) if ships else np.empty(0, np.int32))
        offsets = np.append(0, np.cumsum(np.concatenate(counts) if counts else np.empty(0, np.int64)))
        np.save(folder / "offsets.npy", offsets.astype(np.int64))
        about = {"format": FORMAT, "gap_s": gap_s, "first_s": first_s if done else 0, "last_s": last_s}
        about["rows"] = [writer.rows for writer in writers]  # type: ignore[assignment]  # JSON of two kinds
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise FileFormatError(f"{path} is no Parquet file: {error}. Run the job again.") from error


def _name(zoom: int | None) -> str:
    return "all" if zoom is None else f"zoom-{zoom:02d}"


def _whole_vessels(file: pq.ParquetFile, path: Path) -> Iterator[pa.Table]:
    """Tables of whole vessels, of about `ROWS_AT_ONCE` rows; one vessel is never split."""
    waiting: list[pa.Table] = []
    rows = 0
    for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(COLUMNS)):
        if not len(batch):
            continue
        table = pa.Table.from_batches([batch])
        mmsi = table.column("mmsi").to_numpy()
        if np.any(np.diff(mmsi) < 0):
            raise FileFormatError(f"{path} is not sorted by mmsi. Run the job again.")
        begin = int(np.searchsorted(mmsi, mmsi[-1]))  # the last vessel may go on in the next batch
        continues = begin == 0 and waiting and waiting[-1].column("mmsi")[-1].as_py() == mmsi[0]
        if not continues and (begin or waiting):
            ready = [*waiting, table.slice(0, begin)] if begin else waiting
            if sum(map(len, ready)):
                yield pa.concat_tables(ready)
            waiting = []
            table = table.slice(begin)
        waiting.append(table)
        rows += len(table)
    if waiting:
        yield pa.concat_tables(waiting)


@dataclass(frozen=True)
class _Batch:
    """Whole vessels on their way into the levels."""

    first_ship: int
    mmsi: NDArray[np.int32]
    offsets: Ints
    x: Ints
    y: Ints
    t: Ints
    speed: NDArray[np.int16]
    heading: NDArray[np.int16]

    @classmethod
    def of(cls, table: pa.Table, first_ship: int) -> _Batch:
        mmsi = table.column("mmsi").to_numpy()
        starts = np.flatnonzero(np.diff(mmsi, prepend=mmsi[0] - 1))
        offsets = np.append(starts, len(mmsi)).astype(np.int64)
        x, y = project(table.column("lat").to_numpy(), table.column("lon").to_numpy())
        thinning.unwrap(offsets, x)
        t = table.column("time").cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() // 1_000_000
        speed = np.asarray(table.column("speed_kn").fill_null(-0.1).to_numpy(), np.float64)
        heading = table.column("heading_deg").fill_null(HEADING_UNKNOWN_DEG).to_numpy()
        return cls(
            first_ship, mmsi[starts].astype(np.int32), offsets, x, y, t, np.rint(speed * 10).astype(np.int16), heading
        )

    def write(self, writer: _LevelWriter, tolerance: int, gap_s: int) -> None:
        """Put what a level keeps of these vessels into its files."""
        keep = thinning.kept(self.offsets, self.x, self.y, self.t, gap_s, tolerance)
        before = np.append(0, np.cumsum(keep)).astype(np.int64)
        ships = np.arange(self.first_ship, self.first_ship + len(self.mmsi))
        x, y, t = self.x[keep], self.y[keep], self.t[keep]
        index = thinning.chunks(before[self.offsets], ships, x, y, t, gap_s, writer.rows)
        writer.add({"x": x, "y": y, "t": t, "speed": self.speed[keep], "heading": self.heading[keep]}, index)


def open_layer(folder: Path) -> TrackLayer:
    """Open a track layer; its positions stay on disk and are read as tiles need them.

    Raises
    ------
    FileFormatError
        if the folder holds no track layer of this format.
    """
    try:
        about = json.loads((folder / "about.json").read_text("utf-8"))
        if about["format"] != FORMAT:
            raise FileFormatError(f"{folder} is a track layer of format {about['format']}, not {FORMAT}.")
        levels = tuple(
            _level(folder, zoom, rows) for zoom, rows in zip((*LEVEL_ZOOMS, None), about["rows"], strict=True)
        )
        rows = about["rows"][-1]
        speed, heading = (_mapped(folder / f"all.{c}", _FULL_TYPES[c], rows) for c in _FULL_TYPES)
        ships = (np.load(folder / "mmsi.npy"), np.load(folder / "offsets.npy"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{folder} is no track layer: {error}") from error
    return TrackLayer(levels, *ships, speed, heading, about["gap_s"], about["first_s"], about["last_s"])


def _level(folder: Path, zoom: int | None, rows: int) -> Level:
    name = _name(zoom)
    x, y, t = (_mapped(folder / f"{name}.{column}", kind, rows) for column, kind in _POINT_TYPES.items())
    index = np.load(folder / f"{name}.chunks.npy", mmap_mode="r")
    return Level(zoom, x, y, t, index, np.load(folder / f"{name}.blocks.npy"))


def _mapped(path: Path, kind: Any, rows: int) -> NDArray[Any]:
    if path.stat().st_size != rows * np.dtype(kind).itemsize:
        raise ValueError(f"{path.name} has not the length that about.json says")
    return np.memmap(path, kind, "r", shape=(rows,)) if rows else np.empty(0, kind)
