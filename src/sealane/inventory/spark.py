"""The Spark engine: the same kernel as the local engine, on whole vessels, in as many processes as a cluster has.

Spark reads the staged Parquet, brings each vessel's rows into one partition and sorts them; `prepare` and `compute`
run unchanged inside ``mapInArrow``. The clean tracks of the first pass wait on the executors' disks as a cached
DataFrame; what returns to the driver is small in the first pass and streamed part by part in the second.

What Spark needs here is only looked for when a `SparkEngine` is entered: importing this module needs no pyspark.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from sealane.emissions.layout import GRID_FIELDS
from sealane.errors import EngineError
from sealane.inventory.batch import Batch, compute
from sealane.inventory.batch_context import Context
from sealane.inventory.local import FirstPass, widest
from sealane.inventory.outputs import BatchStore
from sealane.inventory.prepare import prepare
from sealane.inventory.settings import Settings
from sealane.movement.learned_zones import Stop
from sealane.movement.positions import POSITION_SCHEMA, SORT_KEYS
from sealane.movement.staging import Staged
from sealane.movement.tracks import TRACK_SCHEMA, Tracks

Progress = Callable[[str, int, int], None]

DEFAULT_MASTER = "local[2]"
LEAST_JAVA = 17
ROWS_PER_CHUNK = 1_000_000
INSTALL = "Install it with: pip install 'sealane[spark]'"

_CONNECT_S = 5.0
_STOP_S = 20.0
_TABLES = ("calls", "events", "activity", "load_lines", "inventory", "voyages")
_STOP_SCHEMA = pa.schema(
    [
        ("mmsi", pa.int32()),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("spread_m", pa.float64()),
        ("heading_range_deg", pa.float64()),
        ("length_m", pa.float64()),
        ("hours", pa.float64()),
        ("status", pa.int64()),
        ("begin_s", pa.float64()),
        ("positions", pa.int64()),
    ]
)
_GRID_SCHEMA = pa.schema([("cell", pa.int64()), ("sums", pa.list_(pa.int64(), GRID_FIELDS))])
_SEEN_SCHEMA = pa.schema([("mmsi", pa.int32()), ("us", pa.list_(pa.int64(), 3))])

# Spark knows no unsigned integers: the one such column of a track travels as a signed byte.
_SPARK_TRACKS = pa.schema([f.with_type(pa.int8()) if f.type == pa.uint8() else f for f in TRACK_SCHEMA])
# A row of the first pass is either a report of a clean track or, once a chunk, what was learnt of it.
_LEARNT = pa.schema(
    [
        ("first_us", pa.int64()),
        ("last_us", pa.int64()),
        ("static", pa.binary()),
        ("stops", pa.binary()),
        ("quality", pa.binary()),
    ]
)
_FIRST_SCHEMA = pa.schema([*_SPARK_TRACKS, *_LEARNT])
_SECOND_SCHEMA = pa.schema([(name, pa.binary()) for name in (*_TABLES, "grid", "seen")])
_DDL = {
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.string(): "string",
    pa.binary(): "binary",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


def _ddl(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {_DDL[field.type]}" for field in schema)


# --- what the workers run -------------------------------------------------------------------------------------------


def whole_vessels(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Join batches into tables of whole vessels; a vessel that goes on in the next batch is carried over.

    Parameters
    ----------
    batches : record batches of one schema with a column ``mmsi``, all rows of a vessel one after another.
    rows : a table is handed on as soon as so many rows are held; the last one may have fewer, and one has more where
        a single vessel does.
    """
    held: list[pa.RecordBatch] = []
    count = 0
    last_mmsi = None
    for batch in batches:
        if batch.num_rows == 0:
            continue
        mmsi = batch.column("mmsi").to_numpy()
        changes = np.flatnonzero(mmsi[1:] != mmsi[:-1])
        cut = int(changes[-1]) + 1 if changes.size else 0  # where the vessel begins that may go on
        ends_here = cut > 0 or (last_mmsi is not None and mmsi[0] != last_mmsi)
        if ends_here and count + cut >= rows:
            yield pa.Table.from_batches([*held, batch.slice(0, cut)] if cut else held)
            held, count = [batch.slice(cut)], batch.num_rows - cut
        else:
            held.append(batch)
            count += batch.num_rows
        last_mmsi = mmsi[-1]
    if held:
        yield pa.Table.from_batches(held)


def _to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def _from_bytes(data: bytes | bytearray) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(bytes(data))).read_all()


def _with_nulls(columns: Mapping[str, Any], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    """A record batch of ``schema``; columns that are not given are null."""
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def prepare_partition(
    batches: Iterable[pa.RecordBatch], settings: Settings, with_stops: bool, rows: int
) -> Iterator[pa.RecordBatch]:
    """First pass over one sorted partition: the clean reports, and after each chunk what was learnt of it."""
    for table in whole_vessels(batches, rows):
        prepared = prepare(table.select(POSITION_SCHEMA.names).cast(POSITION_SCHEMA), settings, with_stops=with_stops)
        tracks = prepared.tracks
        if len(tracks):
            columns = {name: getattr(tracks, name) for name in TRACK_SCHEMA.names}
            columns["speed_derived"] = tracks.speed_derived.view(np.int8)
            yield _with_nulls(columns, _FIRST_SCHEMA, len(tracks))
        first_us, last_us = tracks.period_us() or (None, None)
        stops = pa.Table.from_pylist([asdict(stop) for stop in prepared.stops], schema=_STOP_SCHEMA)
        learnt = {
            "first_us": [first_us],
            "last_us": [last_us],
            "static": [_to_bytes(prepared.static)],
            "stops": [_to_bytes(stops)],
            "quality": [_to_bytes(prepared.quality)],
        }
        yield _with_nulls(learnt, _FIRST_SCHEMA, 1)


def compute_partition(batches: Iterable[pa.RecordBatch], context: Context, rows: int) -> Iterator[pa.RecordBatch]:
    """Second pass over one partition of clean tracks: every output table of each chunk, as Arrow stream bytes."""
    for table in whole_vessels(batches, rows):
        tracks = table.select(TRACK_SCHEMA.names).cast(TRACK_SCHEMA).combine_chunks()
        yield _batch_to_row(compute(Tracks.from_arrow(tracks), context))


def _batch_to_row(batch: Batch) -> pa.RecordBatch:
    def listed(values: np.ndarray, schema: pa.Schema) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), schema.field(1).type.list_size)

    grid = pa.table([pa.array(batch.grid_cell), listed(batch.grid, _GRID_SCHEMA)], schema=_GRID_SCHEMA)
    seen = pa.table([pa.array(batch.vessel_mmsi), listed(batch.seen_us, _SEEN_SCHEMA)], schema=_SEEN_SCHEMA)
    row = {name: [_to_bytes(batch.tables[name])] for name in _TABLES}
    return _with_nulls({**row, "grid": [_to_bytes(grid)], "seen": [_to_bytes(seen)]}, _SECOND_SCHEMA, 1)


def _batch_from_row(row: Mapping[str, Any]) -> Batch:
    def matrix(table: pa.Table) -> np.ndarray:
        column = table.column(1).combine_chunks()
        return column.flatten().to_numpy().reshape(len(column), column.type.list_size)

    grid, seen = _from_bytes(row["grid"]), _from_bytes(row["seen"])
    return Batch(
        tables={name: _from_bytes(row[name]) for name in _TABLES},
        grid_cell=grid.column("cell").to_numpy(),
        grid=matrix(grid),
        vessel_mmsi=seen.column("mmsi").to_numpy(),
        seen_us=matrix(seen),
    )


# --- what must be there ---------------------------------------------------------------------------------------------


def java_version(java: str) -> int | None:
    """Major version of a Java launcher; None where it cannot be run or told."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found else None


def check_java(home: str | None) -> None:
    """Raise `EngineError` unless Java is there and new enough.

    Parameters
    ----------
    home : JAVA_HOME, which Spark follows first; None to take ``java`` from the search path.
    """
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    remedy = f"Install Java {LEAST_JAVA} or newer (a headless runtime is enough), or point JAVA_HOME to one."
    if java is None:
        raise EngineError(f"The Spark engine needs Java {LEAST_JAVA} or newer; no Java was found. {remedy}")
    version = java_version(java)
    if version is None:
        raise EngineError(f"The Spark engine needs Java {LEAST_JAVA} or newer; {java} could not be run. {remedy}")
    if version < LEAST_JAVA:
        raise EngineError(f"The Spark engine needs Java {LEAST_JAVA} or newer; {java} is version {version}. {remedy}")


def check_pyspark() -> None:
    """Raise `EngineError` unless pyspark 4 and what it needs are installed."""
    try:
        with _without_pandas_notice():
            import pandas  # noqa: F401  # mapInArrow refuses to work without it; say so here
            import pyspark.sql
    except ImportError as error:
        missing = (error.name or "pyspark").split(".")[0]
        raise EngineError(f"The Spark engine needs pyspark 4, and {missing} is not installed. {INSTALL}") from error
    if int(pyspark.__version__.split(".")[0]) < 4:
        raise EngineError(f"The Spark engine needs pyspark 4; {pyspark.__version__} is installed. {INSTALL}")


def check_master(master: str) -> None:
    """Raise `EngineError` where a standalone master does not answer; Spark itself would try for a minute."""
    if not master.startswith("spark://"):
        return
    tried = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise EngineError(f"--spark-master {master!r} is not an address. Write it as spark://host:port.")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S):
                return
        except OSError as error:
            tried.append(f"{address}: {error.strerror or error}")
    raise EngineError(
        f"The Spark master {master} cannot be reached ({'; '.join(tried)}). "
        "Check the address and that the master runs, or leave --spark-master out to work on this machine."
    )


def is_local(master: str) -> bool:
    """Whether a master names this machine alone: ``local``, ``local[4]``, ``local[*]``."""
    return re.fullmatch(r"local(\[[^\]]+\])?", master) is not None


_CAUSE = re.compile(r"^(?:Caused by: |Exception in thread \S+ )?([\w.]+(?:Error|Exception)\b.*)")


def _cause(text: str) -> str:
    """The line of a Java or Python stack trace that says what happened, the innermost one."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    named = [found.group(1) for line in lines if (found := _CAUSE.match(line))]
    return (named[-1] if named else " ".join(lines[-3:]) or "no reason was given").rstrip(".")


_START = "Give a master that Spark knows: local[2], spark://host:port or yarn; and check the Spark properties you set."
_WORK = (
    "Every worker needs the same sealane and Python version, must read the folder beside --out, and holds all reports "
    "of one vessel in memory."
)


@contextmanager
def _without_pandas_notice() -> Iterator[None]:
    """pyspark warns of pandas 3 whenever Python functions are used; the engine hands it Arrow only, pandas never."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


@contextmanager
def _spark_faults(what: str, remedy: str) -> Iterator[None]:
    """Turn what pyspark raises into one `EngineError` that names the cause found in the worker or in the JVM."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        with _without_pandas_notice():
            yield
    except (Py4JError, PySparkException, ValueError, OSError) as error:
        raise EngineError(f"{what}: {_cause(str(error))}. {remedy}") from error


# --- the engine -----------------------------------------------------------------------------------------------------


class SparkEngine:
    """A Spark session for one run, as a context manager: it is started on entering and stopped on leaving.

    Parameters
    ----------
    master : Spark master, e.g. ``local[2]``, ``spark://host:7077`` or ``yarn``; None for `DEFAULT_MASTER`.
    folder : where Spark on this machine spills and caches, made and removed; None leaves it to Spark.
    conf : further Spark properties; they go before ours.
    rows_per_chunk : about how many reports of whole vessels a worker computes at a time.

    Raises
    ------
    EngineError
        on entering, where pyspark, Java or the master is missing or does not answer; later, where a job fails.
    """

    def __init__(
        self,
        master: str | None = None,
        *,
        folder: Path | None = None,
        conf: Mapping[str, str] | None = None,
        rows_per_chunk: int = ROWS_PER_CHUNK,
    ) -> None:
        self._master = master or DEFAULT_MASTER
        self._folder = folder
        self._conf = dict(conf or {})
        self._rows = rows_per_chunk
        self._stack = ExitStack()
        self._spark: Any = None
        self._tracks: Any = None

    def __enter__(self) -> SparkEngine:
        check_pyspark()
        check_java(os.environ.get("JAVA_HOME"))
        check_master(self._master)
        with self._stack:  # taken back if the start fails half-way
            self._spark = self._stack.enter_context(_session(self._properties(), self._folder, self._master))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tracks = self._spark = None
        self._stack.close()

    def _properties(self) -> dict[str, str]:
        properties = {
            "spark.master": self._master,
            "spark.app.name": "sealane",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "OFF",  # what fails is raised as an error that names its cause
            "spark.sql.session.timeZone": "UTC",
            # The partitions are made by vessel; nothing may merge or split them on the way.
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
            "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled": "true",
        }
        if is_local(self._master):
            properties["spark.driver.host"] = properties["spark.driver.bindAddress"] = "127.0.0.1"
            if self._folder is not None:
                properties["spark.local.dir"] = str(self._folder)
        if self._folder is not None:
            properties["spark.sql.warehouse.dir"] = str(self._folder / "warehouse")
        return {**properties, **self._conf}

    def first_pass(
        self, staged: Staged, settings: Settings, *, with_stops: bool, progress: Progress | None = None
    ) -> FirstPass:
        """Sort and clean every vessel; the clean tracks stay with the executors for `second_pass`.

        Parameters
        ----------
        staged : staged positions in a folder that every worker can read.
        settings, with_stops : see `sealane.inventory.prepare.prepare`.
        progress : called with (stage, parts done, parts).
        """
        rows = self._rows
        with _spark_faults("Spark could not read, sort and clean the positions", _WORK):
            parts = max(-(-staged.rows // rows), self._spark.sparkContext.defaultParallelism)
            if progress:
                progress("cleaning", 0, parts)
            result = (
                self._sorted(staged, parts)
                .mapInArrow(lambda it: prepare_partition(it, settings, with_stops, rows), _ddl(_FIRST_SCHEMA))
                .persist(_disk_only())
            )
            self._tracks = result.where("mmsi IS NOT NULL").select(*TRACK_SCHEMA.names)
            learnt = result.where("static IS NOT NULL").select(*_LEARNT.names).collect()
            if progress:
                progress("cleaning", parts, parts)
        stops = [row for part in learnt for row in _from_bytes(part["stops"]).to_pylist()]
        return FirstPass(
            static=pa.concat_tables([_from_bytes(part["static"]) for part in learnt]),
            stops=tuple(Stop(**row) for row in stops),
            quality=pa.concat_tables([_from_bytes(part["quality"]) for part in learnt]).sort_by("mmsi"),
            tracks=(),
            period_us=widest([None if p["first_us"] is None else (p["first_us"], p["last_us"]) for p in learnt]),
        )

    def _sorted(self, staged: Staged, parts: int) -> Any:
        """Staged positions with each vessel in one partition, sorted by `SORT_KEYS`, nulls last."""
        from pyspark.sql import functions

        # Staging names files and folders itself; only what leads to them can hold a character Spark takes as a pattern.
        place = re.sub(r"([\\*?\[\]{}])", r"\\\1", str(staged.folder.resolve()))
        positions = (
            self._spark.read.schema(_ddl(POSITION_SCHEMA))
            .option("pathGlobFilter", "*.parquet")
            .parquet(f"file://{place}")
            .select(*POSITION_SCHEMA.names)
        )
        order = [functions.col(name).asc_nulls_last() for name in SORT_KEYS]
        return positions.repartition(parts, "mmsi").sortWithinPartitions(*order)

    def second_pass(self, context: Context, store: BatchStore, *, progress: Progress | None = None) -> None:
        """Compute every vessel of the first pass and keep its rows in ``store``, one chunk in memory at a time."""
        if self._tracks is None:
            raise EngineError("The Spark engine's second pass needs its first pass. Call first_pass before.")
        rows = self._rows
        with _spark_faults("Spark could not compute the inventory", _WORK):
            shared = self._spark.sparkContext.broadcast(context)
            result = self._tracks.mapInArrow(
                lambda it: compute_partition(it, shared.value, rows), _ddl(_SECOND_SCHEMA)
            ).persist(_disk_only())
            # Streaming alone would run one partition after another: count first, so that all run at once.
            chunks = result.count()
            for number, row in enumerate(result.toLocalIterator()):
                store.add(number, _batch_from_row(row.asDict()))
                if progress:
                    progress("computing", number + 1, chunks)
            result.unpersist()
            shared.destroy()


def _disk_only() -> Any:
    from pyspark import StorageLevel

    return StorageLevel.DISK_ONLY


@contextmanager
def _session(properties: Mapping[str, str], folder: Path | None, master: str) -> Iterator[Any]:
    """A quiet Spark session, its JVM and its folder; all are gone afterwards."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    with ExitStack() as stack:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        conf = SparkConf().setAll(list(properties.items()))
        if SparkContext._active_spark_context is not None:
            raise EngineError(
                "A Spark session is already running in this Python process. Stop it (spark.stop()) first."
            )
        gateway = stack.enter_context(_jvm(conf))
        with _spark_faults(f"Spark could not start on {master}", _START):
            spark_context = SparkContext(conf=conf, gateway=gateway)
        stack.callback(spark_context.stop)
        if is_local(master):  # on a cluster PYSPARK_PYTHON names the workers' Python, as everywhere in Spark
            spark_context.pythonExec = sys.executable
        session = SparkSession(spark_context)
        stack.callback(session.stop)
        yield session


@contextmanager
def _jvm(conf: Any) -> Iterator[Any]:
    """A JVM for one session, with all it says kept aside; or the one that is already there, left as it is.

    pyspark keeps its JVM until Python ends and has no public way to tell whether there is one; hence the look at
    its private field.
    """
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    if SparkContext._gateway is not None:
        yield SparkContext._gateway
        return
    gateway = None
    with tempfile.TemporaryFile() as said, warnings.catch_warnings():
        # Where the start fails, pyspark leaves the pipe to its dead process unclosed.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            gateway = launch_gateway(conf, {"stdout": said, "stderr": said})
        except (PySparkException, OSError) as error:
            reason = str(error)
        if gateway is None:
            said.seek(0)
            cause = _cause(said.read().decode(errors="replace") or reason)
            raise EngineError(f"Spark's Java process could not start: {cause}. {_START}")
    try:
        yield gateway
    finally:
        gateway.shutdown()
        if gateway.proc is not None:
            gateway.proc.stdin.close()
            try:
                gateway.proc.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                gateway.proc.kill()
                gateway.proc.wait()
        SparkContext._gateway = SparkContext._jvm = None
