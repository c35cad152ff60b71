"""The index of a kept inventory: small files made once, from which pages add up figures in milliseconds.

Masses, hours, energies and distances are kept as whole multiples of a quantum, a power of two chosen so that the sum
of all of them still fits the 53 bits of a float64. Sums of such values are exact, in any order and any division: the
parts of a figure add up to it to the last bit, on the page, in its JSON and in a spreadsheet. The quantum is less than
a part in 2**50 of the whole.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealane.emissions.layout import MODE_NAMES, SOURCE_NAMES
from sealane.errors import DataError, Fault, Phrase

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

VERSION = 1
MODES = tuple(MODE_NAMES)
SOURCES = (*SOURCE_NAMES, "shore_power")
EVIDENCE = ("zone", "learnt_zone", "status", "motion", "interpolated")
GRADES = ("A", "B", "C", "D")
NOT_KNOWN = "not known"
NONE = "none"
WORK = ("hours", "distance_nm", "main_kwh", "aux_kwh", "boiler_kwh", "shore_kwh")
NEEDED = ("calls", "events", "voyages", "activity", "inventory", "vessels")
_CODED = (
    ("inventory", "mode"), ("inventory", "source"), ("inventory", "grade"), ("activity", "mode"),
    ("activity", "evidence"),
)  # fmt: skip
_STEPS = {"h": "hours", "d": "distance_nm", "e": "energy_kwh"}
_BITS = 52  # a bit less than a float64 has, for rounding up


def quantum(total: float) -> float:
    """The power of two of which values are kept as whole multiples, when their magnitudes add up to `total`."""
    # Never so small that it is no float any more: it divides.
    return 2.0 ** max(math.frexp(total)[1] - _BITS, -1050) if total > 0 else 1.0


def build_index(folder: Path, into: Path) -> None:
    """Make the index of a result folder.

    Parameters
    ----------
    folder : result of a finished inventory; only read.
    into : folder to make; it appears whole or not at all. Where it stands already, it is left as it is.

    Raises
    ------
    DataError
        if files of the run are missing or damaged; all of them are listed.
    """
    _check(folder)
    into.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        _write(folder, part)
        try:
            part.rename(into)
        except OSError:
            if not (into / "meta.json").is_file():  # else another process was first, with the same bytes
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check(folder: Path) -> None:
    names = [*(f"{name}.parquet" for name in NEEDED), "quality.json", "provenance.json", "zones.geojson"]
    remedy = Phrase("Run `sealane inventory` again and import its folder.")
    faults = [Fault(name, Phrase("missing"), remedy) for name in names if not (folder / name).is_file()]
    if faults:
        raise DataError(Phrase("The result cannot be shown: it is no finished inventory."), faults)


def _write(folder: Path, out: Path) -> None:
    import duckdb
    import pyarrow.parquet as pq

    # One thread, so that a node's pages stay quick while an index is made.
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "768MB"}) as db:
        for name in NEEDED:
            source = str(folder / f"{name}.parquet").replace("'", "''")
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{source}')")
        for name, values in (("mode", MODES), ("source", SOURCES), ("evidence", EVIDENCE), ("grade", GRADES)):
            db.execute(
                f"CREATE TABLE {name}_code AS SELECT unnest($1) AS {name}, unnest($2)::TINYINT AS code",
                [list(values), list(range(len(values)))],
            )
        _refuse_unknown_codes(db)
        _number(db)

        def keep(name: str, query: str, values: Sequence[str] = ()) -> pa.Table:
            table = db.sql(query, params=list(values)).to_arrow_table()
            pq.write_table(table, out / f"{name}.parquet", compression="zstd")
            return table

        quanta = _quanta(db)
        totals: dict[str, Any] = {}
        masses = [row for row in quanta if "-" in row]
        for measure in masses:
            pollutant, _, basis = measure.partition("-")
            rows = keep(f"mass-{measure}", _MASS.format(q=_literal(quanta[measure])), [pollutant, basis])
            totals[measure] = _mass_totals(rows)
        steps = {name: _literal(quanta[measure]) for name, measure in _STEPS.items()}
        totals["hours_in_call"] = _hours_by_mode(keep("work", _WORK_ROWS.format(**steps)))
        totals["calls"] = keep("calls", _CALLS).num_rows
        totals["ships"] = sum(keep("ships", _SHIPS).column("counted").to_pylist())
        keep("stays", _STAYS)
        zones = [row[0] for row in db.execute("SELECT zone FROM zone_no ORDER BY no").fetchall()]
    _write_quality(folder, out)
    meta = _meta(folder, quanta, zones) | {"totals": totals}
    (out / "meta.json").write_text(json.dumps(meta, ensure_ascii=False), "utf-8")


def _refuse_unknown_codes(db: duckdb.DuckDBPyConnection) -> None:
    """Refuse words that the index has no code for: a join would leave their rows out without a word."""
    faults = []
    for table, column in _CODED:
        rows = db.execute(
            f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NULL OR {column} NOT IN"
            f" (SELECT {column} FROM {column}_code) ORDER BY 1"
        ).fetchall()
        faults += [
            Fault(
                f"{table}.parquet, column {column}",
                repr(word),
                Phrase("Run `sealane inventory` of this release again."),
            )
            for (word,) in rows
        ]
    if faults:
        raise DataError(Phrase("The result cannot be shown: it holds words this release does not know."), faults)


def _mass_totals(rows: pa.Table) -> dict[str, float]:
    """Grams of all rows, of those inside calls, and of those on filled inputs."""
    value = rows.column("value").to_numpy()
    in_call, filled = rows.column("call").to_numpy() >= 0, rows.column("grade").to_numpy() == GRADES.index("D")
    parts = {
        "all": value,
        "in_call": value[in_call],
        "filled": value[filled],
        "filled_in_call": value[in_call & filled],
    }
    return {name: float(part.sum()) for name, part in parts.items()}


def _hours_by_mode(rows: pa.Table) -> dict[str, float]:
    """Vessel hours inside calls by mode."""
    hours, in_call, mode = (rows.column(name).to_numpy() for name in ("hours", "call", "mode"))
    return {name: float(hours[(in_call >= 0) & (mode == code)].sum()) for code, name in enumerate(MODES)}


def _literal(value: float) -> str:
    """A power of two as SQL that is read back to the last bit."""
    return f"CAST('{value!r}' AS DOUBLE)"


def _number(db: duckdb.DuckDBPyConnection) -> None:
    db.execute(
        "CREATE TABLE call_no AS SELECT call_id, (row_number() OVER (ORDER BY first_seen, mmsi, call_id) - 1)::INTEGER"
        " AS no FROM calls"
    )
    db.execute(
        "CREATE TABLE ship_no AS SELECT mmsi, (row_number() OVER (ORDER BY mmsi) - 1)::INTEGER AS no FROM (SELECT mmsi"
        " FROM vessels UNION SELECT mmsi FROM calls UNION SELECT mmsi FROM activity UNION SELECT mmsi FROM inventory)"
    )
    db.execute(
        "CREATE TABLE zone_no AS SELECT zone, (row_number() OVER (ORDER BY zone) - 1)::INTEGER AS no FROM (SELECT zone"
        " FROM inventory UNION SELECT zone FROM activity UNION SELECT zone FROM events) WHERE zone IS NOT NULL"
    )


def _quanta(db: duckdb.DuckDBPyConnection) -> dict[str, float]:
    sums = db.execute(
        "SELECT pollutant || '-' || basis AS measure, sum(abs(grams)) FROM inventory GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    quanta = {measure: quantum(total) for measure, total in sums}
    hours, distance, energy = db.execute(
        "SELECT sum(hours), sum(distance_nm), sum(main_kwh + aux_kwh + boiler_kwh + shore_kwh) FROM activity"
    ).fetchall()[0]
    return quanta | {
        "hours": quantum(hours or 0.0),
        "distance_nm": quantum(distance or 0.0),
        "energy_kwh": quantum(energy or 0.0),
    }


def _write_quality(folder: Path, out: Path) -> None:
    """What was found wrong with each vessel's reports, to be read one vessel at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    quality = json.loads((folder / "quality.json").read_text("utf-8"))
    rows: dict[int, dict[str, Any]] = {}
    for mmsi, counts in quality.get("by_vessel", {}).items():
        rows.setdefault(int(mmsi), {})["counts"] = counts
    for row in quality.get("reported_status_and_mode", {}).get("disagreements", ()):
        rows.setdefault(int(row["mmsi"]), {})["disagreement"] = row
    table = pa.table(
        {
            "mmsi": pa.array(sorted(rows), pa.int32()),
            "found": pa.array([json.dumps(rows[mmsi]) for mmsi in sorted(rows)], pa.string()),
        }
    )
    pq.write_table(table, out / "ship_quality.parquet", compression="zstd", row_group_size=1000)


_KEPT_QUALITY = (
    "rows_read", "rows_rejected", "columns_missing", "vessels_in_inventory", "vessel_file_rows_not_seen", "hours",
    "calls", "zones", "factors_missing", "notes", "grade_d_share", "totals", "rules",
)  # fmt: skip


def _meta(folder: Path, quanta: dict[str, float], zones: list[str]) -> dict[str, Any]:
    quality = json.loads((folder / "quality.json").read_text("utf-8"))
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    features = json.loads((folder / "zones.geojson").read_text("utf-8"))["features"]
    known = {feature["properties"]["id"]: feature["properties"] for feature in features}
    kept = {name: quality[name] for name in _KEPT_QUALITY if name in quality}
    compared = quality.get("reported_status_and_mode", {})
    kept["status_and_mode"] = {name: compared[name] for name in ("compared", "agree") if name in compared}
    left_out = quality.get("vessels_left_out", {})
    kept["vessels_left_out"] = {"count": left_out.get("count", 0), "by_reason": left_out.get("by_reason", {})}
    return {
        "version": VERSION,
        "port": provenance["port"],
        "first_report": provenance["period"]["first_report"],
        "last_report": provenance["period"]["last_report"],
        "method": provenance["method"],
        "method_edition": provenance["method_edition"],
        "gwp": provenance["gwp"],
        "inputs": [file["file"] for file in provenance["inputs"]],
        "quanta": quanta,
        "zones": [{"id": zone} | _zone(known.get(zone, {})) for zone in zones],
        "port_limits": [
            {"name": p.get("name", ""), "grade": p.get("grade", "D"), "source": p.get("source", "")}
            for p in known.values()
            if p.get("kind") == "port_limit" and p.get("port") == provenance["port"]
        ],
        "quality": kept,
    }


def _zone(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": properties.get("name", ""),
        "kind": properties.get("kind", ""),
        "grade": properties.get("grade", "D"),
        "source": properties.get("source", ""),
    }


# -1 stands for "in none" in columns of numbers; rows by call, so that one call's rows lie together.
_MASS = """
    SELECT coalesce(c.no, -1)::INTEGER AS call, s.no AS ship, m.code AS mode, o.code AS source,
           coalesce(z.no, -1)::INTEGER AS zone, g.code AS grade, round_even(i.grams / {q}, 0) * {q} AS value
    FROM inventory i JOIN ship_no s USING (mmsi) JOIN mode_code m USING (mode) JOIN source_code o USING (source)
         JOIN grade_code g USING (grade) LEFT JOIN call_no c ON i.call_id = c.call_id
         LEFT JOIN zone_no z ON i.zone = z.zone
    WHERE i.pollutant = $1 AND i.basis = $2 ORDER BY ALL"""
_WORK_ROWS = """
    SELECT coalesce(c.no, -1)::INTEGER AS call, s.no AS ship, m.code AS mode, coalesce(z.no, -1)::INTEGER AS zone,
           e.code AS evidence, sum(round_even(a.hours / {h}, 0) * {h}) AS hours,
           sum(round_even(a.distance_nm / {d}, 0) * {d}) AS distance_nm,
           sum(round_even(a.main_kwh / {e}, 0) * {e}) AS main_kwh, sum(round_even(a.aux_kwh / {e}, 0) * {e}) AS aux_kwh,
           sum(round_even(a.boiler_kwh / {e}, 0) * {e}) AS boiler_kwh,
           sum(round_even(a.shore_kwh / {e}, 0) * {e}) AS shore_kwh
    FROM activity a JOIN ship_no s USING (mmsi) JOIN mode_code m USING (mode) JOIN evidence_code e USING (evidence)
         LEFT JOIN call_no c ON a.call_id = c.call_id LEFT JOIN zone_no z ON a.zone = z.zone
    GROUP BY ALL ORDER BY ALL"""
_CALLS = """
    SELECT c.*, s.no AS ship
    FROM calls c JOIN call_no n USING (call_id) JOIN ship_no s USING (mmsi) ORDER BY n.no"""
_SHIPS = """
    SELECT s.mmsi, v.imo, v.name, coalesce(v.ship_class, 'not known') AS ship_class, v.subtype,
           s.mmsi IN (SELECT mmsi FROM activity) AS counted
    FROM ship_no s LEFT JOIN vessels v USING (mmsi) ORDER BY s.no"""
# Starts and ends of one kind alternate within a call; what is open at either end of the data is closed by the call.
_STAYS = """
    WITH edge AS (
        SELECT e.call_id, e.mmsi, e.time, e.zone, regexp_extract(e.event, '^(.*)_(start|end)$', 1) AS kind,
               e.event LIKE '%_start' AS is_start,
               lead(e.time) OVER w AS next_time, lead(e.event) OVER w AS next_event, lag(e.event) OVER w AS last_event
        FROM events e WHERE e.event ~ '^(berth|anchorage|gap)_(start|end)$'
        WINDOW w AS (PARTITION BY e.call_id, regexp_extract(e.event, '^(.*)_(start|end)$', 1) ORDER BY e.time,
                     e.event LIKE '%_start')
    ), stay AS (
        SELECT call_id, kind, zone, time AS start,
               CASE WHEN next_event LIKE '%_end' THEN next_time END AS stop
        FROM edge WHERE is_start
        UNION ALL
        SELECT call_id, kind, zone, NULL AS start, time AS stop
        FROM edge WHERE NOT is_start AND (last_event IS NULL OR last_event LIKE '%_end')
    )
    SELECT n.no AS call, s.kind, coalesce(z.no, -1)::INTEGER AS zone, coalesce(s.start, c.first_seen) AS start,
           coalesce(s.stop, c.last_seen) AS stop, s.start IS NOT NULL AS start_seen, s.stop IS NOT NULL AS stop_seen
    FROM stay s JOIN call_no n USING (call_id) JOIN calls c USING (call_id) LEFT JOIN zone_no z ON s.zone = z.zone
    ORDER BY s.kind, coalesce(s.start, c.first_seen), n.no"""
