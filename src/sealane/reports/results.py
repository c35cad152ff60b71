"""Read a finished result folder for its report: sums by DuckDB over the Parquet files, never whole tables in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from sealane.errors import DataError, Fault

TABLES = ("calls", "events", "voyages", "activity", "inventory", "grid", "vessels")
NEEDED = (*(f"{name}.parquet" for name in TABLES), "quality.json", "provenance.json", "zones.geojson", "rejects.csv")

# The small table every emission figure of the report is a sum of. Masses in g.
_MASSES = """
    SELECT i.pollutant, i.basis, i.source, i.mode, coalesce(v.ship_class, 'not known') AS ship_class,
           i.call_id IS NOT NULL AS in_call, i.grade, sum(i.grams) AS grams
    FROM inventory i LEFT JOIN vessels v USING (mmsi) GROUP BY ALL ORDER BY ALL"""
_WORK = """
    SELECT a.mode, a.evidence, coalesce(v.ship_class, 'not known') AS ship_class, a.call_id IS NOT NULL AS in_call,
           sum(a.hours) AS hours, sum(a.distance_nm) AS distance_nm, sum(a.main_kwh) AS main_kwh,
           sum(a.aux_kwh) AS aux_kwh, sum(a.boiler_kwh) AS boiler_kwh, sum(a.shore_kwh) AS shore_kwh
    FROM activity a LEFT JOIN vessels v USING (mmsi) GROUP BY ALL ORDER BY ALL"""
_BY_CALL = """
    SELECT call_id, mmsi,
           sum(grams) FILTER (pollutant = 'co2e' AND basis = 'ttw') AS co2e_g,
           sum(grams) FILTER (pollutant = 'co2e' AND basis = 'wtw') AS co2e_wtw_g,
           sum(grams) FILTER (pollutant = 'nox') AS nox_g,
           sum(grams) FILTER (pollutant = 'so2') AS so2_g,
           sum(grams) FILTER (pollutant = 'pm25') AS pm25_g,
           sum(grams) FILTER (pollutant = 'dpm') AS dpm_g,
           sum(grams) FILTER (pollutant = 'co2e' AND basis = 'ttw' AND grade = 'D') AS co2e_filled_g
    FROM inventory GROUP BY ALL ORDER BY ALL"""
_SHIPS_BY_CLASS = """
    SELECT coalesce(ship_class, 'not known') AS ship_class, count(DISTINCT mmsi) AS ships
    FROM vessels WHERE mmsi IN (SELECT mmsi FROM activity) GROUP BY ALL ORDER BY ALL"""
_THROUGH_TIME = """
    SELECT epoch_us(hour) // {step_us} AS step, mode, sum(hours) AS hours
    FROM activity WHERE call_id IS NOT NULL GROUP BY ALL ORDER BY ALL"""
_CELLS = "SELECT lat, lon, nox_g, co2e_g, hours FROM grid ORDER BY lat, lon"
MAX_STEPS = 240
_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Results:
    """What the report is made of.

    Attributes
    ----------
    folder : the result folder.
    quality, provenance : content of the JSON files.
    zones : features of zones.geojson.
    masses : pollutant, basis, source, mode, ship_class, in_call, grade, grams.
    work : mode, evidence, ship_class, in_call, hours, distance_nm and kWh by source.
    by_call : grams by call and vessel; the rows without call are the vessels outside the port limit.
    ships : number of vessels by class.
    step_h : length of a step of `through_time` [h].
    through_time : step, mode, hours; inside calls.
    calls, events, vessels : the tables as they stand.
    cells : lat, lon (south-western corner), nox_g, co2e_g, hours.
    """

    folder: Path
    quality: dict[str, Any]
    provenance: dict[str, Any]
    zones: list[dict[str, Any]]
    masses: list[dict[str, Any]]
    work: list[dict[str, Any]]
    by_call: list[dict[str, Any]]
    ships: dict[str, int]
    step_h: int
    through_time: list[dict[str, Any]]
    calls: pa.Table
    events: pa.Table
    vessels: pa.Table
    cells: pa.Table

    @property
    def begin(self) -> datetime:
        """First report."""
        return _moment(self.provenance["period"]["first_report"])

    @property
    def end(self) -> datetime:
        """Last report."""
        return _moment(self.provenance["period"]["last_report"])

    @property
    def port(self) -> str:
        """UN/LOCODE."""
        return str(self.provenance["port"])


def _moment(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def step_hours(span: timedelta) -> int:
    """Length of a step [h] with which a period is drawn in at most `MAX_STEPS` steps."""
    hours = span / timedelta(hours=1)
    return next((step for step in (1, 3, 6, 12, 24, 48, 168) if hours / step <= MAX_STEPS), 720)


def read_results(folder: Path) -> Results:
    """Read what the report needs from a result folder.

    Parameters
    ----------
    folder : result of a finished run.

    Raises
    ------
    DataError
        if files are missing or cannot be read; all of them are listed.
    """
    folder = Path(folder)
    faults = [
        Fault(str(folder / name), "missing", "Run `sealane inventory` again; the folder must hold a finished run.")
        for name in NEEDED
        if not (folder / name).is_file()
    ]
    documents: dict[str, Any] = {}
    for name in ("quality.json", "provenance.json", "zones.geojson"):
        try:
            documents[name] = json.loads((folder / name).read_text("utf-8"))
        except FileNotFoundError:
            continue
        except ValueError as problem:
            faults.append(Fault(str(folder / name), f"no JSON ({problem})", "Run `sealane inventory` again."))
    for name in TABLES:
        path = folder / f"{name}.parquet"
        try:
            if path.is_file():
                pq.read_schema(path)
        except (pa.ArrowInvalid, OSError) as problem:
            faults.append(Fault(str(path), f"no Parquet ({problem})", "Run `sealane inventory` again."))
    if faults:
        raise DataError(f"No report can be made of {folder}.", faults)
    period = documents["provenance.json"]["period"]
    step_h = step_hours(_moment(period["last_report"]) - _moment(period["first_report"]))
    # One thread: sums then do not depend on the order in which threads finish, and two reports agree to the last bit.
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "512MB"}) as db:
        for name in ("inventory", "activity", "vessels", "grid"):
            db.register(name, ds.dataset(folder / f"{name}.parquet"))

        def rows(query: str) -> list[dict[str, Any]]:
            return db.sql(query).to_arrow_table().to_pylist()

        return Results(
            folder=folder,
            quality=documents["quality.json"],
            provenance=documents["provenance.json"],
            zones=documents["zones.geojson"]["features"],
            masses=rows(_MASSES),
            work=rows(_WORK),
            by_call=rows(_BY_CALL),
            ships={row["ship_class"]: row["ships"] for row in rows(_SHIPS_BY_CLASS)},
            step_h=step_h,
            through_time=rows(_THROUGH_TIME.format(step_us=step_h * _HOUR_US)),
            calls=pq.read_table(folder / "calls.parquet"),
            events=pq.read_table(folder / "events.parquet"),
            vessels=pq.read_table(folder / "vessels.parquet"),
            cells=db.sql(_CELLS).to_arrow_table(),
        )
