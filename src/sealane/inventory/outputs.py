"""From batches to finished files: merged in MMSI order, the same bytes for the same input.

Every batch holds whole vessels and is sorted, so the merge only has to take vessels in turn. Batches wait on disk,
memory-mapped; what is in memory is one row group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sealane.emissions.layout import CELLS_PER_DEG, GRID_FIELDS, US_PER_HOUR
from sealane.inventory.batch import Batch
from sealane.inventory.schemas import GRID, TABLES, TableSpec

ROWS_PER_GROUP = 262_144
_LON_CELLS = 360 * CELLS_PER_DEG
_LEAST_MERGED = 100_000


@dataclass
class HeatMap:
    """The heat map, added up in integers, so that the order of arrival does not matter.

    Cells that are known are added to in place; new ones wait until they are enough to be worth a copy of all.
    """

    cells: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    sums: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, GRID_FIELDS), np.int64))
    _waiting: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)
    _waiting_cells: int = 0

    def add(self, cells: NDArray[np.int64], sums: NDArray[np.int64]) -> None:
        """Take the cells of one batch: distinct cell numbers, and sums of shape ``(n, GRID_FIELDS)``."""
        place = np.searchsorted(self.cells, cells)
        known = np.zeros(len(cells), np.bool_)
        inside = place < len(self.cells)
        known[inside] = self.cells[place[inside]] == cells[inside]
        self.sums[place[known]] += sums[known]
        self._waiting.append((cells[~known], sums[~known]))
        self._waiting_cells += len(self._waiting[-1][0])
        if self._waiting_cells > max(len(self.cells) // 4, _LEAST_MERGED):
            self.merge()

    def merge(self) -> None:
        """Add up what waits and put it in its place; ``cells`` are then sorted and distinct."""
        if not self._waiting_cells:
            return
        cells = np.concatenate([c for c, _ in self._waiting])
        sums = np.concatenate([s for _, s in self._waiting])
        self._waiting, self._waiting_cells = [], 0
        order = np.argsort(cells, kind="stable")
        cells = cells[order]
        first = np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))
        cells, sums = cells[first], np.add.reduceat(sums[order], first, axis=0)
        place = np.searchsorted(self.cells, cells)
        self.cells = np.insert(self.cells, place, cells)
        self.sums = np.insert(self.sums, place, sums, axis=0)


@dataclass
class BatchStore:
    """Batches on disk until all are there; of what is in memory only the heat map's cells grow with the data."""

    folder: Path
    parts: dict[str, list[Path]] = field(default_factory=dict)
    grid: HeatMap = field(default_factory=HeatMap)

    def add(self, number: int, batch: Batch) -> None:
        """Keep one batch; ``number`` only names its files."""
        for name, table in batch.tables.items():
            if len(table):
                path = self.folder / f"{name}-{number:06d}.arrow"
                with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                    writer.write_table(table.combine_chunks())
                self.parts.setdefault(name, []).append(path)
        self.grid.add(batch.grid_cell, batch.grid)

    def tables(self, name: str) -> list[pa.Table]:
        """The parts of one table, memory-mapped."""
        return [pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in sorted(self.parts.get(name, []))]


def _vessel_slices(tables: Sequence[pa.Table]) -> Iterable[pa.Table]:
    """Slices of whole vessels in ascending MMSI."""
    runs: list[tuple[int, int, int, int]] = []
    for number, table in enumerate(tables):
        mmsi = table.column("mmsi").to_numpy()
        starts = np.flatnonzero(np.diff(mmsi, prepend=mmsi[0] - 1))
        ends = np.append(starts[1:], len(mmsi))
        runs.extend(zip(mmsi[starts].tolist(), [number] * len(starts), starts.tolist(), ends.tolist(), strict=True))
    for _, number, start, end in sorted(runs):
        yield tables[number].slice(start, end - start)


def write_merged(tables: Sequence[pa.Table], spec: TableSpec, path: Path) -> int:
    """Write one output table from its sorted parts; return the number of rows."""
    rows = 0
    with _writer(path, spec.schema) as writer:
        waiting: list[pa.Table] = []
        count = 0
        for piece in _vessel_slices([table for table in tables if len(table)]):
            waiting.append(piece.cast(spec.schema))
            count += len(piece)
            if count >= ROWS_PER_GROUP:
                writer.write_table(pa.concat_tables(waiting).combine_chunks(), row_group_size=ROWS_PER_GROUP)
                rows += count
                waiting, count = [], 0
        writer.write_table(pa.concat_tables([spec.schema.empty_table(), *waiting]), row_group_size=ROWS_PER_GROUP)
        rows += count
    return rows


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", version="2.6", write_statistics=True)


def grid_table(grid: HeatMap, unknown: Collection[str] = ()) -> pa.Table:
    """The heat map as a table; null, not zero, for pollutants that no ship has a factor for (``unknown``)."""
    grid.merge()
    cells, sums = grid.cells, grid.sums
    names = list(GRID.columns)
    columns: dict[str, Any] = {
        "lat": (cells // _LON_CELLS) / CELLS_PER_DEG - 90.0,
        "lon": (cells % _LON_CELLS) / CELLS_PER_DEG - 180.0,
    }
    units = [US_PER_HOUR, 1e9, 1e9] + [1e6] * (len(names) - 5)
    for k, name in enumerate(names[2:]):
        columns[name] = np.full(len(cells), np.nan) if name[:-2] in unknown else sums[:, k] / units[k]
    return pa.table({name: pa.array(columns[name], pa.float64(), from_pandas=True) for name in names})


def write_outputs(
    store: BatchStore, out: Path, names: Iterable[str] = tuple(TABLES), unknown: Collection[str] = ()
) -> dict[str, int]:
    """Write the named Parquet tables; return rows by table name. ``unknown`` as in `grid_table`."""
    rows = {}
    for name in names:
        spec = TABLES[name]
        if name == "grid":
            table = grid_table(store.grid, unknown)
            with _writer(out / spec.file, spec.schema) as writer:
                writer.write_table(table.cast(spec.schema), row_group_size=ROWS_PER_GROUP)
            rows[name] = len(table)
        else:
            rows[name] = write_merged(store.tables(name), spec, out / spec.file)
    return rows
