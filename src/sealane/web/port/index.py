"""Reads the index of a kept inventory: columns of numbers, held in memory while room is left."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault, Phrase
from sealane.web.port.index_build import (
    EVIDENCE,
    GRADES,
    MODES,
    SOURCES,
    VERSION,
    build_index,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from sealane.node.context import Node
    from sealane.web.results import Result

CACHE_BYTES = 256 * 1024 * 1024
FOLDER = "cache"
ENERGY_SOURCES = ("main_kwh", "aux_kwh", "boiler_kwh", "shore_kwh")  # in the order of SOURCES
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]


class _Cache:
    """The tables read last, up to so many bytes. Tables are never changed, so threads may share them."""

    def __init__(self, limit: int) -> None:
        self.limit, self.used = limit, 0
        self._held: OrderedDict[tuple[Path, str], tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Path, str]) -> Any | None:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def put(self, key: tuple[Path, str], value: Any, size: int) -> None:
        with self._lock:
            if key in self._held:
                return
            self._held[key] = (value, size)
            self.used += size
            while self.used > self.limit and len(self._held) > 1:
                _, (_, gone) = self._held.popitem(last=False)
                self.used -= gone


_CACHE = _Cache(CACHE_BYTES)


@dataclass(frozen=True)
class Facts:
    """Rows of numbers that are added up, with what each belongs to.

    Attributes
    ----------
    dims : codes by dimension, each of shape (n,); -1 where it belongs to none.
    value : of shape (n,), whole multiples of the measure's quantum, so that any sum of them is exact.
    """

    dims: dict[str, NDArray[Any]]
    value: F64

    def where(self, mask: NDArray[np.bool_]) -> Facts:
        """Only the rows of a mask."""
        return Facts({name: codes[mask] for name, codes in self.dims.items()}, self.value[mask])

    @property
    def total(self) -> float:
        """The sum of all."""
        return float(self.value.sum())

    def by(self, dim: str, size: int) -> F64:
        """Sums by code, of shape (size + 1,); the last is of the rows that belong to none."""
        codes = self.dims[dim].astype(np.int64) % (size + 1)
        return np.bincount(codes, weights=self.value, minlength=size + 1).astype(np.float64)

    def rows_by(self, dim: str, size: int) -> NDArray[np.int64]:
        """Rows by code, of shape (size + 1,), as in `by`."""
        return np.bincount(self.dims[dim].astype(np.int64) % (size + 1), minlength=size + 1).astype(np.int64)


@dataclass(frozen=True)
class Index:
    """The index of one kept inventory.

    Attributes
    ----------
    folder : of the index.
    source : folder of the result itself.
    """

    folder: Path
    source: Path

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What stands in meta.json."""
        held: dict[str, Any] | None = _CACHE.get((self.folder, "meta"))
        if held is None:
            text = (self.folder / "meta.json").read_text("utf-8")
            held = json.loads(text)
            _CACHE.put((self.folder, "meta"), held, 4 * len(text))
        return held

    @property
    def begin(self) -> dt.datetime:
        """First report."""
        return _moment(self.meta["first_report"])

    @property
    def end(self) -> dt.datetime:
        """Last report."""
        return _moment(self.meta["last_report"])

    @property
    def port(self) -> str:
        """UN/LOCODE."""
        return str(self.meta["port"])

    @property
    def measures(self) -> tuple[str, ...]:
        """Masses that the inventory holds, such as ``nox-ttw``."""
        return tuple(name for name in self.meta["quanta"] if "-" in name)

    @property
    def zones(self) -> list[dict[str, Any]]:
        """Zones by number: id, name, kind, grade, source."""
        return list(self.meta["zones"])

    def table(self, name: str) -> pa.Table:
        """One of the index's tables: calls, ships, stays, work, ship_quality or mass-<measure>."""
        import pyarrow.parquet as pq

        key = (self.folder, name)
        held: pa.Table | None = _CACHE.get(key)
        if held is None:
            held = pq.read_table(self.folder / f"{name}.parquet")
            _CACHE.put(key, held, held.nbytes)
        return held

    def column(self, table: str, name: str) -> NDArray[Any]:
        """One column as an array; read once."""
        key = (self.folder, f"{table}.{name}")
        held: NDArray[Any] | None = _CACHE.get(key)
        if held is None:
            held = self.table(table).column(name).to_numpy()
            _CACHE.put(key, held, held.nbytes)
        return held

    def words(self, table: str, name: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        """A column of words as codes and the words in their order; -1 for null."""
        key = (self.folder, f"{table}.{name}#")
        held: tuple[NDArray[np.int32], tuple[str, ...]] | None = _CACHE.get(key)
        if held is None:
            import pyarrow as pa

            column = self.table(table).column(name).cast(pa.string()).combine_chunks().dictionary_encode()
            known = column.dictionary.to_pylist()
            order = sorted(range(len(known)), key=lambda k: known[k])
            rank = np.empty(len(known) + 1, np.int32)
            rank[order] = np.arange(len(known), dtype=np.int32)
            rank[-1] = -1
            codes = column.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
            held = (rank[codes], tuple(known[k] for k in order))
            _CACHE.put(key, held, held[0].nbytes)
        return held

    @property
    def classes(self) -> tuple[str, ...]:
        """Ship classes of the ships seen, in alphabetical order."""
        return self.words("ships", "ship_class")[1]

    def mass(self, pollutant: str, basis: str) -> Facts:
        """Grams of one pollutant by call, ship, mode, source, zone and grade."""
        name = f"mass-{pollutant}-{basis}"
        dims = {dim: self.column(name, dim) for dim in ("call", "ship", "mode", "source", "zone", "grade")}
        return Facts(self._with_class(dims), self.column(name, "value"))

    def work(self, measure: str) -> Facts:
        """Hours or nautical miles by call, ship, mode, zone and evidence."""
        return Facts(self._with_class(self._work_dims()), self.column("work", measure))

    def energy(self) -> Facts:
        """Kilowatt-hours by call, ship, mode, zone, evidence and source."""
        dims = self._work_dims()
        count = self.table("work").num_rows
        repeated = {name: np.tile(codes, len(ENERGY_SOURCES)) for name, codes in dims.items()}
        repeated["source"] = np.repeat(np.arange(len(ENERGY_SOURCES), dtype=np.int8), count)
        value = np.concatenate([self.column("work", name) for name in ENERGY_SOURCES])
        used = value != 0.0
        return Facts(self._with_class(repeated), value).where(used)

    def _work_dims(self) -> dict[str, NDArray[Any]]:
        return {dim: self.column("work", dim) for dim in ("call", "ship", "mode", "zone", "evidence")}

    def _with_class(self, dims: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        of_ship = self.words("ships", "ship_class")[0]
        return dims | {"ship_class": of_ship[dims["ship"]], "in_call": (dims["call"] >= 0).astype(np.int8)}

    def members(self, dim: str) -> tuple[str, ...]:
        """Names of a dimension's codes, in their order."""
        if dim in _FIXED:
            return _FIXED[dim]
        if dim == "zone":
            return tuple(str(zone["id"]) for zone in self.zones)
        if dim == "ship_class":
            return self.classes
        name, column = ("calls", "call_id") if dim == "call" else ("ships", "mmsi")
        key = (self.folder, f"members-{dim}")
        held: tuple[str, ...] | None = _CACHE.get(key)
        if held is None:
            held = tuple(str(value) for value in self.table(name).column(column).to_pylist())
            _CACHE.put(key, held, 90 * len(held))
        return held

    def number_of(self, dim: str) -> dict[str, int]:
        """Code by name; of a dimension's members that stand in the index."""
        key = (self.folder, f"numbers-{dim}")
        held: dict[str, int] | None = _CACHE.get(key)
        if held is None:
            held = {name: code for code, name in enumerate(self.members(dim))}
            _CACHE.put(key, held, 120 * len(held))
        return held


_FIXED: dict[str, tuple[str, ...]] = {
    "mode": MODES,
    "source": SOURCES,
    "evidence": EVIDENCE,
    "grade": GRADES,
    "in_call": ("no", "yes"),
}


def index_of(node: Node, result: Result) -> Index:
    """Return the index of a kept inventory; made where it is not there yet.

    Raises
    ------
    DataError
        if the result's files are missing or damaged.
    """
    return open_index(result.folder, index_folder(node, result))


def is_indexed(node: Node, result: Result) -> bool:
    """Whether the index of a kept inventory is there."""
    return (index_folder(node, result) / "meta.json").is_file()


def index_folder(node: Node, result: Result) -> Path:
    """Where the index of a kept inventory is, or will be."""
    return node.folder / FOLDER / "inventory" / f"{result.id}-{VERSION}"


def open_index(source: Path, folder: Path) -> Index:
    """Return the index of a result folder that stands, or is to stand, in another."""
    if not (folder / "meta.json").is_file():
        try:
            build_index(source, folder)
        except OSError as error:
            raise DataError(
                Phrase("The result cannot be shown now."),
                [
                    Fault(
                        Phrase("its files"),
                        error.strerror or type(error).__name__,
                        Phrase("See that the node's disk has room."),
                    )
                ],
            ) from error
    return Index(folder, source)


def _moment(text: str) -> dt.datetime:
    time = dt.datetime.fromisoformat(text)
    return time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)
