"""quality.json: everything a reader must know before trusting a figure."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sealane.emissions.user_vessels import imo_check_digit_ok
from sealane.emissions.vessels import VesselRegister
from sealane.inventory.prepare import REPORTED
from sealane.movement.cleaning import RULES, mmsi_class
from sealane.movement.staging import Staged
from sealane.movement.zones import ZoneSet

_MAX_VESSELS_PRINTED = 5_000

# What is wrong with static data; counted like the cleaning rules, in reports unless the meaning says otherwise.
STATIC_RULES: dict[str, tuple[str, str]] = {
    "class_b": ("kept", "sent by a class B transceiver; with ship type and IMO number it stays a ship"),
    "imo_check_digit_wrong": ("IMO number not used", "the IMO number's check digit is wrong"),
    "static_late": ("filled from later reports", "no name, type or IMO number yet, though the vessel sent some later"),
    "static_changed": (
        "most frequent value used",
        "other values of name, type, IMO, length or beam (values, not reports)",
    ),
}
ALL_RULES = {**RULES, **STATIC_RULES}


def static_quality(static: pa.Table) -> dict[int, dict[str, int]]:
    """Counts of `STATIC_RULES` by vessel, from the table of distinct static messages."""
    by_vessel: dict[int, list[dict[str, Any]]] = {}
    for row in static.to_pylist():
        by_vessel.setdefault(row["mmsi"], []).append(row)
    counts = {}
    for mmsi, rows in by_vessel.items():
        empty = [r for r in rows if not (r["vessel_name"] or r["ais_type"] or r["imo"])]
        spoken = [r for r in rows if r["vessel_name"] or r["ais_type"] or r["imo"]]
        distinct = [
            {r[name] for r in rows if r[name]} for name in ("vessel_name", "ais_type", "imo", "length_m", "beam_m")
        ]
        counts[mmsi] = {
            "class_b": sum(r["rows"] for r in rows if r["transceiver_class"] == "B"),
            "imo_check_digit_wrong": sum(r["rows"] for r in rows if r["imo"] and not imo_check_digit_ok(r["imo"])),
            "static_late": sum(r["rows"] for r in empty) if spoken else 0,
            "static_changed": sum(max(len(values) - 1, 0) for values in distinct),
        }
    return counts


def _by_vessel(quality: pa.Table, static: dict[int, dict[str, int]]) -> dict[str, dict[str, float]]:
    """Counts that are not zero, by vessel."""
    rows = {}
    for row in quality.slice(0, _MAX_VESSELS_PRINTED).to_pylist():
        mmsi = row.pop("mmsi")
        row.update(static.get(mmsi, {}))
        rows[f"{mmsi:09d}"] = {name: value for name, value in row.items() if value}
    return rows


def status_and_mode(quality: pa.Table, activity: pa.Table, register: VesselRegister) -> dict[str, Any]:
    """Hold what each ship reported most of the time against the mode that was decided most of the time."""
    decided: dict[int, dict[str, float]] = {}
    for row in activity.group_by(["mmsi", "mode"], use_threads=False).aggregate([("hours", "sum")]).to_pylist():
        mode = row["mode"] if row["mode"] in {"berth", "anchorage"} else "under_way"
        own = decided.setdefault(row["mmsi"], dict.fromkeys(REPORTED, 0.0))
        own[mode] += row["hours_sum"]
    names = {ship.mmsi: ship.name for ship in register.ships}
    compared = 0
    disagreements = []
    for row in quality.to_pylist():
        said = {name: row[f"reported_{name}_h"] for name in REPORTED}
        found = decided.get(row["mmsi"])
        if not found or not any(said.values()) or not any(found.values()):
            continue
        compared += 1
        reported, mode = (max(hours, key=lambda name: hours[name]) for hours in (said, found))
        if reported != mode:
            disagreements.append(
                {
                    "mmsi": row["mmsi"],
                    "name": names.get(row["mmsi"]),
                    "reported": reported,
                    "decided": mode,
                    "reported_h": said,
                    "decided_h": found,
                }
            )
    return {"compared": compared, "agree": compared - len(disagreements), "disagreements": disagreements}


def _grade_d_share(inventory: pa.Table) -> dict[str, float]:
    """Share of grams that rests on filled (grade D) inputs, by pollutant and basis."""
    grouped = inventory.group_by(["pollutant", "basis", "grade"], use_threads=False).aggregate([("grams", "sum")])
    total: dict[str, float] = {}
    filled: dict[str, float] = {}
    for row in grouped.to_pylist():
        name = row["pollutant"] if row["basis"] == "ttw" else f"{row['pollutant']} well-to-wake"
        total[name] = total.get(name, 0.0) + row["grams_sum"]
        if row["grade"] == "D":
            filled[name] = filled.get(name, 0.0) + row["grams_sum"]
    return {name: filled.get(name, 0.0) / grams for name, grams in sorted(total.items()) if grams > 0}


def quality_report(
    staged: Staged,
    quality: pa.Table,
    static: pa.Table,
    register: VesselRegister,
    calls: pa.Table,
    activity: pa.Table | None,
    inventory: pa.Table | None,
    zones: ZoneSet,
    learnt: ZoneSet,
    missing_factors: list[str],
    notes: list[str],
) -> dict[str, Any]:
    """Return the content of quality.json.

    Parameters
    ----------
    staged : what was read and rejected.
    quality : one row per vessel, from the first pass.
    static : distinct static messages, from the first pass.
    register : ships of the inventory and vessels left out.
    calls : the finished calls.
    activity, inventory : the finished tables; None where only calls were asked for.
    zones, learnt : zones used, and those among them that were learnt.
    missing_factors : sentences about pollutants that have no published factor.
    notes : sentences for the reader.
    """
    left_out = register.left_out.to_pylist()
    hours = dict(zip(quality.column("mmsi").to_pylist(), quality.column("observed_h").to_pylist(), strict=True))
    reasons: dict[str, dict[str, float]] = {}
    for vessel in left_out:
        entry = reasons.setdefault(vessel["reason"], {"vessels": 0, "observed_h": 0.0})
        entry["vessels"] += 1
        entry["observed_h"] += hours.get(vessel["mmsi"], 0.0)
    stations: dict[str, int] = {}
    for mmsi in quality.column("mmsi").to_pylist():
        kind = mmsi_class(mmsi)
        stations[kind] = stations.get(kind, 0) + 1
    of_static = static_quality(static)
    totals = {name: int(pc.sum(quality.column(name)).as_py() or 0) for name in RULES}
    totals |= {name: sum(counts[name] for counts in of_static.values()) for name in STATIC_RULES}
    report: dict[str, Any] = {
        "rows_read": staged.rows,
        "rows_rejected": staged.rejected,
        "columns_missing": list(staged.columns_missing),
        "stations_by_mmsi_class": dict(sorted(stations.items())),
        "vessels_in_inventory": len(register.ships),
        "vessels_left_out": {
            "count": len(left_out),
            "by_reason": dict(sorted(reasons.items())),
            "vessels": left_out[:_MAX_VESSELS_PRINTED],
        },
        "vessel_file_rows_not_seen": list(register.unused_user_rows),
        "hours": {
            name: pc.sum(quality.column(name)).as_py() or 0.0
            for name in ("observed_h", "interpolated_h", "unobserved_h")
        },
        "calls": {
            "count": len(calls),
            "complete": sum(1 for truncated in calls.column("truncated").to_pylist() if not truncated),
            "by_confidence": {
                str(level): sum(1 for c in calls.column("confidence").to_pylist() if c == level)
                for level in (1, 2, 3, 4)
            },
        },
        "zones": {
            "used": len(zones),
            "learnt": len(learnt),
            "learnt_note": (
                "Berths or anchorages were learnt from stationary ships in this data; see learnt_zones.geojson."
                if len(learnt)
                else ""
            ),
        },
        "rules": {name: {"does": does, "meaning": meaning} for name, (does, meaning) in ALL_RULES.items()},
        "totals": totals,
        "by_vessel": _by_vessel(quality, of_static),
        "factors_missing": missing_factors,
        "notes": notes,
    }
    if activity is not None:
        report["reported_status_and_mode"] = status_and_mode(quality, activity, register)
    if inventory is not None:
        report["grade_d_share"] = _grade_d_share(inventory)
    return report
