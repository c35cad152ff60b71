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
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from sealane.errors import EngineError
from sealane.inventory.batch_context import Context
from sealane.inventory.local import FirstPass, widest
from sealane.inventory.outputs import BatchStore
from sealane.inventory.settings import Settings
from sealane.inventory.spark_partitions import (
    FIRST_SCHEMA,
    LEARNT_SCHEMA,
    SECOND_SCHEMA,
    batch_from_row,
    compute_partition,
    ddl,
    from_bytes,
    prepare_partition,
)
from sealane.movement.learned_zones import Stop
from sealane.movement.positions import POSITION_SCHEMA, SORT_KEYS
from sealane.movement.staging import Staged
from sealane.movement.tracks import TRACK_SCHEMA

Progress = Callable[[str, int, int], None]

DEFAULT_MASTER = "local[2]"
LEAST_JAVA = 17
ROWS_PER_CHUNK = 1_000_000
INSTALL = "Install it with: pip install 'sealane[spark]'"

_CONNECT_S = 5.0
_STOP_S = 20.0


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
                .mapInArrow(lambda it: prepare_partition(it, settings, with_stops, rows), ddl(FIRST_SCHEMA))
                .persist(_disk_only())
            )
            self._tracks = result.where("mmsi IS NOT NULL").select(*TRACK_SCHEMA.names)
            learnt = result.where("static IS NOT NULL").select(*LEARNT_SCHEMA.names).collect()
            if progress:
                progress("cleaning", parts, parts)
        stops = [row for part in learnt for row in from_bytes(part["stops"]).to_pylist()]
        return FirstPass(
            static=pa.concat_tables([from_bytes(part["static"]) for part in learnt]),
            stops=tuple(Stop(**row) for row in stops),
            quality=pa.concat_tables([from_bytes(part["quality"]) for part in learnt]).sort_by("mmsi"),
            tracks=(),
            period_us=widest([None if p["first_us"] is None else (p["first_us"], p["last_us"]) for p in learnt]),
        )

    def _sorted(self, staged: Staged, parts: int) -> Any:
        """Staged positions with each vessel in one partition, sorted by `SORT_KEYS`, nulls last."""
        from pyspark.sql import functions

        # Staging names files and folders itself; only what leads to them can hold a character Spark takes as a pattern.
        place = re.sub(r"([\\*?\[\]{}])", r"\\\1", str(staged.folder.resolve()))
        positions = (
            self._spark.read.schema(ddl(POSITION_SCHEMA))
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
                lambda it: compute_partition(it, shared.value, rows), ddl(SECOND_SCHEMA)
            ).persist(_disk_only())
            # Streaming alone would run one partition after another: count first, so that all run at once.
            chunks = result.count()
            for number, row in enumerate(result.toLocalIterator()):
                store.add(number, batch_from_row(row.asDict()))
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
