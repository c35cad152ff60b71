"""Tables of `sealane calls` and `sealane inventory` become port call events and emission results.

AIS shows when a ship lay still at a berth or at anchor. What it does not show is left out: pilots, tugs, cargo work,
plans and estimates; and the begin of a stay that had begun before the data did.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from sealane.errors import FileFormatError
from sealane.products.codes import imo_fault, locode_fault, mmsi_fault

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sealane:port-calls-from-ais")
# Event of events.parquet -> DCSA service type, event type, phase where the call has one stop only, facility type.
SERVICES: Final[Mapping[str, tuple[str, str, str | None, str]]] = {
    "berth_start": ("BERTH", "ARRI", "INBD", "BRTH"),
    "berth_end": ("BERTH", "DEPA", "OUTB", "BRTH"),
    "anchorage_start": ("ANCHORAGE", "STRT", None, "ANCH"),
    "anchorage_end": ("ANCHORAGE", "CMPL", None, "ANCH"),
}
_CALL_COLUMNS = [
    "call_id",
    "mmsi",
    "imo",
    "vessel_name",
    "port",
    "first_seen",
    "last_seen",
    "shifts",
    "truncated",
    "confidence",
]
_EVENT_COLUMNS = ["call_id", "mmsi", "time", "event", "zone"]
_RESULT_COLUMNS = ["call_id", "mmsi", "mode", "source", "zone", "pollutant", "grams", "basis", "grade"]


def is_results_folder(path: Path) -> bool:
    """Whether a path is a folder, or the calls.parquet in it, as the two commands write it."""
    return (path / "calls.parquet").is_file() or (path.name == "calls.parquet" and path.is_file())


def port_call_events(path: Path) -> tuple[list[tuple[str, bytes]], bool]:
    """Return DCSA port call events from a folder of results.

    Parameters
    ----------
    path : the folder, or its ``calls.parquet``; ``events.parquet`` must stand beside.

    Returns
    -------
    Place in the file and JSON of each event, and whether the data are simulated.

    Raises
    ------
    FileFormatError
        If a table or one of its columns is missing.
    """
    folder = path if path.is_dir() else path.parent
    calls = {(row["call_id"], row["mmsi"]): row for row in _rows(folder / "calls.parquet", _CALL_COLUMNS)}
    found = []
    stops: dict[tuple[str, str], int] = {}
    for number, row in enumerate(_rows(folder / "events.parquet", _EVENT_COLUMNS), 1):
        call = calls.get((row["call_id"], row["mmsi"]))
        if call is None or row["event"] not in SERVICES:
            continue
        # The n-th begin and the n-th end of a call's stays at berth (or anchor) belong to one service.
        key = (str(row["call_id"]), row["event"])
        stops[key] = stops.get(key, 0) + 1
        if _had_begun_before(call, row):
            continue
        event = _event(call, row, stops[key])
        found.append((f"{folder / 'events.parquet'} row {number}", _json(event)))
    return found, is_simulated(folder, calls.values())


def _had_begun_before(call: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether the ship lay there already when the data began: then nobody saw it arrive."""
    starts_cut = call["truncated"] in ("start", "both")
    return starts_cut and row["event"].endswith("_start") and row["time"] <= call["first_seen"]


def _event(call: Mapping[str, Any], row: Mapping[str, Any], stop: int) -> dict[str, Any]:
    service, event, phase, facility = SERVICES[row["event"]]
    kind = row["event"].rpartition("_")[0]
    time = _text(row["time"])
    call_id = str(row["call_id"])
    vessel: dict[str, Any] = {}
    imo, mmsi = str(call["imo"] or ""), f"{call['mmsi']:09d}"
    if imo and imo_fault(imo) is None:
        vessel["vesselIMONumber"] = imo
    if mmsi_fault(mmsi) is None:
        vessel["vesselMMSINumber"] = mmsi
    if call["vessel_name"]:
        vessel["vesselName"] = str(call["vessel_name"])[:50]
    details: dict[str, Any] = {
        "portCallServiceID": str(uuid.uuid5(NAMESPACE, f"{call_id}|{kind}|{stop}")),
        "portCallServiceTypeCode": service,
        "portCallServiceEventTypeCode": event,
        "facilityTypeCode": facility,
    }
    if phase is not None and not call["shifts"]:
        details["portCallPhaseTypeCode"] = phase
    if row["zone"]:
        details["serviceLocation"] = {"locationName": str(row["zone"])[:100], "UNLocationCode": call["port"]}
    return {
        "eventID": str(uuid.uuid5(NAMESPACE, f"{call['port']}|{call['mmsi']}|{row['event']}|{time}")),
        # Known when the report came in that shows it; stable, so that loading again changes nothing.
        "eventUpdatedDateTime": time,
        "portCall": {"portCallID": str(uuid.uuid5(NAMESPACE, call_id)), "UNLocationCode": call["port"]},
        "portCallService": details,
        "vessel": vessel,
        "timestamp": {
            "classifierCode": "ACT",
            "serviceDateTime": time,
            "remark": f"Observed by AIS; confidence {call['confidence']} of 4.",
        },
    }


def emission_results(path: Path) -> tuple[list[tuple[str, bytes]], bool]:
    """Return rows of the product ``emission-results`` from a folder of ``sealane inventory``.

    Raises
    ------
    FileFormatError
        If a table, a column or the provenance is missing.
    """
    folder = path if path.is_dir() else path.parent
    calls = {(row["call_id"], row["mmsi"]): row for row in _rows(folder / "calls.parquet", _CALL_COLUMNS)}
    provenance = _provenance(folder)
    period, port = provenance.get("period", {}), provenance.get("port")
    method = f"{provenance.get('method')}, {provenance.get('method_edition')}"[:200]
    found = []
    for number, row in enumerate(_rows(folder / "inventory.parquet", _RESULT_COLUMNS), 1):
        call = calls.get((row["call_id"], row["mmsi"]))
        begin, end = period.get("first_report"), period.get("last_report")
        if call is not None:
            begin, end = _text(call["first_seen"]), _text(call["last_seen"])
        key = "|".join(str(row[name]) for name in _RESULT_COLUMNS if name not in ("grams", "grade"))
        result: dict[str, Any] = {
            "result_id": str(uuid.uuid5(NAMESPACE, f"{port}|{method}|{begin}|{key}")),
            "kind": "inventory",
            "port": call["port"] if call is not None else port,
            "call_id": row["call_id"],
            "vessel_imo": str(call["imo"]) if call is not None and call["imo"] else None,
            "vessel_mmsi": f"{row['mmsi']:09d}",
            "period_start": begin,
            "period_end": end,
            "mode": row["mode"],
            "source": row["source"],
            "zone": row["zone"],
            "pollutant": row["pollutant"],
            "mass_g": row["grams"],
            "basis": row["basis"],
            "grade": row["grade"],
            "method": method,
        }
        kept = {name: value for name, value in result.items() if value is not None}
        if mmsi_fault(kept["vessel_mmsi"]) is not None:
            del kept["vessel_mmsi"]
        found.append((f"{folder / 'inventory.parquet'} row {number}", kept))
    simulated = is_simulated(folder, calls.values())
    return [(where, _json({**row, "simulated": simulated})) for where, row in found], simulated


def is_simulated(folder: Path, calls: Iterable[Mapping[str, Any]]) -> bool:
    """Whether results come from simulated positions, by their provenance or by the names of the ships."""
    for name in ("provenance.json", "quality.json"):
        if (folder / name).is_file() and "SIMULATED DATA" in (folder / name).read_text(encoding="utf-8"):
            return True
    return any(str(call["vessel_name"] or "").upper().startswith("SIMULATED") for call in calls)


def _provenance(folder: Path) -> dict[str, Any]:
    path = folder / "provenance.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        raise FileFormatError(f"{path}: is missing or no JSON. Give the folder that sealane inventory wrote.") from None
    if not isinstance(content, dict) or locode_fault(str(content.get("port"))) is not None:
        raise FileFormatError(f"{path}: names no port. Give the folder that sealane inventory wrote.")
    return content


def _rows(path: Path, columns: list[str]) -> list[dict[str, Any]]:
    if not path.is_file():
        raise FileFormatError(f"{path}: is missing. Give the folder that sealane calls or sealane inventory wrote.")
    try:
        names = set(pq.read_schema(path).names)
    except (OSError, ValueError) as problem:  # pyarrow's own errors are of both kinds
        raise FileFormatError(f"{path}: is no Parquet file ({problem}).") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise FileFormatError(f"{path}: has no column {', '.join(missing)}. Write it again with this version.")
    rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    return rows


def _text(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
