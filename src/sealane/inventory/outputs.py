"""From batches to finished files: merged in MMSI order, the same bytes for the same input.

Every batch holds whole vessels and is sorted, so the merge only has to take vessels in turn. Batches wait on disk,
memory-mapped; what is in memory is one row group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sealane.emissions.layout import CELLS_PER_DEG, GRID_FIELDS, US_PER_HOUR
from sealane.inventory.batch import Batch
from sealane.inventory.schemas import GRID, TABLES, TableSpec

ROWS_PER_GROUP = 262_144
_LON_CELLS = 360 * CELLS_PER_DEG


@dataclass
class BatchStore:
    """Batches on disk until all are there; the only thing that grows with the data is on disk.

    The heat map is added up here in integers, so that the order of arrival does not matter.
    """

    folder: Path
    parts: dict[str, list[Path]] = field(default_factory=dict)
    grid: dict[int, Any] = field(default_factory=dict)

    def add(self, number: int, batch: Batch) -> None:
        """Keep one batch; ``number`` only names its files."""
        for name, table in batch.tables.items():
            if len(table):
                path = self.folder / f"{name}-{number:06d}.arrow"
                with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                    writer.write_table(table.combine_chunks())
                self.parts.setdefault(name, []).append(path)
        for cell, sums in zip(batch.grid_cell.tolist(), batch.grid, strict=True):
            if cell in self.grid:
                self.grid[cell] += sums
            else:
                self.grid[cell] = sums.copy()

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


def grid_table(grid: dict[int, Any]) -> pa.Table:
    """The heat map as a table, from integer sums by cell number."""
    cells = np.array(sorted(grid), np.int64)
    sums = np.array([grid[cell] for cell in cells.tolist()], np.int64).reshape(len(cells), GRID_FIELDS)
    names = list(GRID.columns)
    columns: dict[str, Any] = {
        "lat": (cells // _LON_CELLS) / CELLS_PER_DEG - 90.0,
        "lon": (cells % _LON_CELLS) / CELLS_PER_DEG - 180.0,
    }
    units = [US_PER_HOUR, 1e9, 1e9] + [1e6] * (len(names) - 5)
    for k, name in enumerate(names[2:]):
        columns[name] = sums[:, k] / units[k]
    return pa.table({name: pa.array(columns[name], pa.float64()) for name in names})


def write_outputs(store: BatchStore, out: Path, names: Iterable[str] = tuple(TABLES)) -> dict[str, int]:
    """Write the named Parquet tables; return rows by table name."""
    rows = {}
    for name in names:
        spec = TABLES[name]
        if name == "grid":
            table = grid_table(store.grid)
            with _writer(out / spec.file, spec.schema) as writer:
                writer.write_table(table.cast(spec.schema), row_group_size=ROWS_PER_GROUP)
            rows[name] = len(table)
        else:
            rows[name] = write_merged(store.tables(name), spec, out / spec.file)
    return rows
