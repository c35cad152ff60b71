"""Stage AIS files: every reader's rows as Parquet bucketed by vessel, and what could not be read beside them.

A bucket is a folder ``bucket=NNN`` that holds all rows of its vessels, so that one bucket fits in memory and a vessel is
never split. Rows are not sorted in the files; :func:`read_bucket` sorts them when it reads them.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.movement.positions import POSITION_SCHEMA

REJECT_COLUMNS = ("file", "record", "line", "column", "value", "reason")


@dataclass(frozen=True)
class StagedFile:
    """What is known of one input file."""

    path: str
    size_bytes: int
    sha256: str
    format: str
    rows: int
    rejected: int


@dataclass(frozen=True)
class Staged:
    """Positions staged for the kernel."""

    folder: Path
    buckets: tuple[int, ...]
    rows: int
    rejected: int
    files: tuple[StagedFile, ...]
    has_speed: bool
    has_status: bool
    columns_missing: tuple[str, ...]


def stage(
    paths: Sequence[Path],
    out_dir: Path,
    *,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    time_from: datetime | None = None,
    time_to: datetime | None = None,
    threads: int | None = None,
    memory_limit: str = "700MB",
    progress: Callable[[str, int, int], None] | None = None,
) -> Staged:
    """First thread: MarineCadastre CSV only; the readers replace it."""
    shutil.rmtree(out_dir, ignore_errors=True)
    out_dir.mkdir(parents=True)
    con = duckdb.connect(config={"memory_limit": memory_limit, "preserve_insertion_order": False})
    con.sql("set timezone = 'UTC'")
    files = []
    total = 0
    for path in paths:
        header = set(con.sql(f"select * from read_csv('{path}', all_varchar=true) limit 0").columns)
        draught = "Draft" if "Draft" in header else "draught"
        transceiver = "TranscieverClass" if "TranscieverClass" in header else "TransceiverClass"
        con.sql(
            f"""copy (select MMSI::int mmsi, BaseDateTime::timestamptz as time, LAT::double lat, LON::double lon,
            SOG::double sog_kn, COG::double cog_deg, Heading::double heading_deg, try_cast(Status as double)::tinyint nav_status,
            {draught}::double draught_m, {transceiver} transceiver_class, try_cast(ltrim(IMO, 'IMO') as int) imo,
            trim(VesselName) vessel_name, trim(CallSign) call_sign, VesselType::double::smallint ais_type,
            Length::double length_m, Width::double beam_m, hash(MMSI) % 4 as bucket
            from read_csv('{path}', all_varchar=true, header=true)) to '{out_dir}' (format parquet, partition_by (bucket), append)"""
        )
        row = con.execute(f"select count(*) from read_csv('{path}', all_varchar=true, header=true)").fetchone()
        assert row is not None
        total += row[0]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files.append(StagedFile(str(path), path.stat().st_size, digest, "marinecadastre", row[0], 0))
    with (out_dir / "rejects.csv").open("w", newline="") as handle:
        csv.writer(handle).writerow(REJECT_COLUMNS)
    buckets = tuple(sorted(int(p.name.split("=")[1]) for p in out_dir.glob("bucket=*")))
    return Staged(out_dir, buckets, total, 0, tuple(files), True, True, ())


def read_bucket(staged: Staged, bucket: int) -> pa.Table:
    """All rows of one bucket, sorted by (mmsi, time, lat, lon, sog_kn), nulls last."""
    (folder,) = [p for p in staged.folder.glob("bucket=*") if int(p.name.split("=")[1]) == bucket]
    table = pa.concat_tables([pq.read_table(p, partitioning=None) for p in sorted(folder.glob("*.parquet"))])
    table = table.select(POSITION_SCHEMA.names).cast(POSITION_SCHEMA)
    keys = [(name, "ascending", "at_end") for name in ("mmsi", "time", "lat", "lon", "sog_kn")]
    return table.take(pc.sort_indices(table, sort_keys=keys))
