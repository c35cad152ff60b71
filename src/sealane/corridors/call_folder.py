"""Port calls of one's own AIS: a folder that ``sealane inventory`` or ``sealane calls`` wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.corridors.call_merge import Part
from sealane.errors import FileFormatError

_TABLES = ("calls.parquet", "events.parquet", "voyages.parquet", "vessels.parquet")
_SAME = (
    *("call_id", "imo", "mmsi", "ship_class", "subtype", "port", "arrival", "departure"),
    *("anchorage_h", "berth_h", "manoeuvring_h", "transit_h", "drift_h"),
)
_STOPS = (
    ("anchorage_start", "min"),
    ("anchorage_end", "max"),
    ("berth_start", "min"),
    ("berth_end", "max"),
)


def is_inventory_folder(path: Path) -> bool:
    """Whether a path is a folder, or the calls.parquet in it, as the two commands write it."""
    if path.is_dir():
        return (path / "calls.parquet").is_file()
    return path.name == "calls.parquet" and (path.parent / "events.parquet").is_file()


def read_inventory_folder(path: Path) -> tuple[Part, pa.Table | None]:
    """Calls of one's own AIS, and the particulars of the ships where the folder has them.

    Vessels outside the inventory have no ship class and are left out. A call whose arrival or departure was not seen
    takes the first or last report for it where the other end is unknown too; which end is missing stays null otherwise.

    Raises
    ------
    FileFormatError
        if a table or one of its columns is missing.
    """
    folder = path if path.is_dir() else path.parent
    digest = hashlib.sha256()
    for name in _TABLES:
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    calls = _read(
        folder / "calls.parquet", [*_SAME, "vessel_name", "first_seen", "last_seen", "berth_stops", "anchorage_stops"]
    )
    rows = np.arange(len(calls), dtype=np.int64) + 1
    kept = pc.is_valid(calls["ship_class"])
    calls, rows = calls.filter(kept), rows[kept.to_numpy()]
    blind = pc.and_(pc.is_null(calls["arrival"]), pc.is_null(calls["departure"]))
    columns = {name: calls[name] for name in _SAME}
    columns["departure"] = pc.if_else(blind, calls["last_seen"], calls["departure"])
    columns["ship_name"] = calls["vessel_name"]
    columns |= _stops(folder, calls)
    columns |= _voyages(folder, calls)
    simulated = _is_simulated(folder)
    columns["simulated"] = pc.or_(
        pc.starts_with(pc.utf8_upper(pc.fill_null(calls["vessel_name"], "")), "SIMULATED"), pa.scalar(simulated)
    )
    part = Part.of(pa.table(columns), f"{folder.name}/calls.parquet", digest.hexdigest(), "own_ais")
    vessels = folder / "vessels.parquet"
    return (
        Part(part.table, rows, part.name, part.sha256, "own_ais"),
        pq.read_table(vessels) if vessels.is_file() else None,
    )


def _stops(folder: Path, calls: pa.Table) -> dict[str, pa.ChunkedArray]:
    """First begin and last end of the stays at anchor and at berth."""
    events = _read(folder / "events.parquet", ["call_id", "time", "event"])
    found = {}
    for name, which in _STOPS:
        some = events.filter(pc.equal(events["event"], name)).group_by("call_id").aggregate([("time", which)])
        place = pc.index_in(calls["call_id"], some["call_id"].combine_chunks())
        found[name] = some[f"time_{which}"].combine_chunks().take(place.combine_chunks())
    return found


def _voyages(folder: Path, calls: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Distance sailed since the previous call, as far as it was seen."""
    if not (folder / "voyages.parquet").is_file():
        return {}
    voyages = _read(folder / "voyages.parquet", ["to_call_id", "from_port", "distance_nm", "unobserved_h"])
    place = pc.index_in(calls["call_id"], voyages["to_call_id"].combine_chunks()).combine_chunks()
    return {
        # Calls between the two that others tell make it another leg's distance.
        "sailed_from": voyages["from_port"].combine_chunks().take(place),
        "sailed_nm": voyages["distance_nm"].combine_chunks().take(place),
        "sailed_unobserved_h": voyages["unobserved_h"].combine_chunks().take(place),
    }


def _is_simulated(folder: Path) -> bool:
    """Whether the folder says that it rests on simulated positions."""
    for name in ("provenance.json", "quality.json"):
        path = folder / name
        if path.is_file() and "SIMULATED DATA" in json.dumps(json.loads(path.read_text(encoding="utf-8"))):
            return True
    return False


def _read(path: Path, columns: list[str]) -> pa.Table:
    if not path.is_file():
        raise FileFormatError(f"{path} is missing. Give the folder that sealane inventory or sealane calls wrote.")
    try:
        names = set(pq.read_schema(path).names)
    except (OSError, ValueError) as problem:
        raise FileFormatError(f"{path} is no Parquet file ({problem}).") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise FileFormatError(f"{path} has no column {', '.join(missing)}. Write it again with this version.")
    return pq.read_table(path, columns=columns)
