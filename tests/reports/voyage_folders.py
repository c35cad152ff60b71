"""Small lane and arrival folders as a run would write them, for tests of the reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from corridor_folders import FORMULA, HOSTILE, write_table

from sealane.corridors.arrival.schemas import TABLES as ARRIVAL_TABLES
from sealane.corridors.lanes.schemas import TABLES as LANE_TABLES

TOTALS_COLUMNS = LANE_TABLES["totals"].columns


def _ship(number: int, name: str) -> dict[str, Any]:
    return {
        "ship": 9000000 + number,
        "imo": 9000000 + number,
        "mmsi": None,
        "ship_name": name,
        "ship_class": "Container Ship",
        "subtype": "15,000 TEU",
    }


def _priced(t: float) -> dict[str, Any]:
    return {
        "main_kwh": 4500.0 * t,
        "aux_kwh": 500.0 * t,
        "boiler_kwh": 100.0 * t,
        "shore_kwh": 0.0,
        "fuel_t": t / 3.5,
        "energy_mj": t * 11_600.0,
        "ttw_co2e_g": 0.85e6 * t,
        "wtw_co2e_g": 1e6 * t,
        "nox_g": 2e4 * t,
        "so2_g": 1.5e3 * t,
        "pm10_g": 200.0 * t,
        "pm25_g": 190.0 * t,
        "grade": "D",
    }


def write_lane_folder(folder: Path, *, ships: int = 2, targets: bool = True, simulated: bool = False) -> Path:
    """Write the folder of a lane: each ship sails Los Angeles, Oakland, Shanghai and back; the last is not priced."""
    folder.mkdir(parents=True)
    legs, passes, stays, fleet = [], [], [], []
    for n in range(ships):
        ship = _ship(n, [FORMULA, HOSTILE, f"SHIP {n}"][min(n, 2)] if not simulated else f"SIMULATED {n}")
        priced = n < ships - 1 or ships == 1
        for k, (a, b, seen, direction) in enumerate(
            (("USLAX", "USOAK", 1.0, "a_to_b"), ("USOAK", "CNSHA", 0.0, "a_to_b"), ("CNSHA", "USLAX", 0.6, "b_to_a"))
        ):
            begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=40 * n + 15 * k)
            nm = {"USLAX": 380.0, "USOAK": 5450.0, "CNSHA": 5720.0}[a]
            t = nm * 0.4
            emitted = _priced(t) if priced else {}
            share = {"share_direct": float(k == 2), "share_rotation": 1.0, "share_cargo": 0.5, "share": 1.0}
            legs.append(
                {
                    **ship,
                    "leg_id": f"{n}-{k}",
                    "from_call_id": f"{n}{k}",
                    "to_call_id": f"{n}{k + 1}",
                    "from_port": a,
                    "to_port": b,
                    "from_end": {"USLAX": "a", "CNSHA": "b"}.get(a, ""),
                    "to_end": {"USLAX": "a", "CNSHA": "b"}.get(b, ""),
                    "pass_id": f"{n}{direction}",
                    "direction": direction,
                    "departure": begin,
                    "arrival": begin + timedelta(hours=nm / 16),
                    "year": 2026,
                    "quarter": 1,
                    "hours": nm / 16,
                    "distance_nm": nm,
                    "distance_source": "observed" if seen == 1 else "part_observed" if seen else "route",
                    "observed_share": seen,
                    "route_nm": nm,
                    "eca_nm": 200.0,
                    "speed_kn": 16.0,
                    "flags": "fast missing_call" if k == 1 else "",
                    **share,
                    **emitted,
                }
            )
        stays.append(
            {
                **ship,
                "call_id": f"{n}1",
                "port": "USLAX",
                "end": "a",
                "place": "end_a",
                "mode": "berth",
                "hours": 60.0,
                "hours_source": "told",
                "share": 1.0,
                **_priced(40.0),
            }
        )
        passes.append({**ship, "pass_id": f"{n}", "direction": "a_to_b", "year": 2026, "legs": 2, "direct": False})
        sums = {f"{rule}_wtw_co2e_g": 4e9 * f for rule, f in (("direct", 0.5), ("rotation", 1.0), ("cargo", 0.5))}
        fleet.append(
            {
                **ship,
                "particulars": "class default" if priced else "none",
                "grade": "D",
                "legs": 3,
                "passes": 2,
                "direct_passes": 1,
                "distance_nm": 11550.0,
                "observed_share": 0.33,
                **sums,
            }
        )
    totals, trend = [], []
    for rule, part in (("direct", 0.5), ("rotation", 1.0), ("cargo", 0.45)):
        for quarter in (1, 2):
            for what, place, t in (("sea", "sea", 9000.0), ("berth", "end_a", 300.0), ("anchorage", "end_b", 120.0)):
                emitted = {k: v for k, v in _priced(t * part).items() if k in TOTALS_COLUMNS}
                totals.append(
                    {
                        "rule": rule,
                        "year": 2026,
                        "quarter": quarter,
                        "ship_class": "Container Ship",
                        "part": what,
                        "place": place,
                        "fuel": "MGO" if what == "berth" else "VLSFO",
                        **emitted,
                    }
                )
        for quarter, period in ((0, "2026"), (1, "2026-Q1"), (2, "2026-Q2")):
            t = 18_840.0 * part / (1 if quarter == 0 else 2)
            trend.append(
                {
                    "rule": rule,
                    "period": period,
                    "year": 2026,
                    "quarter": quarter,
                    "passes": 4,
                    "direct_passes": 2,
                    "legs": 6,
                    "ships": ships,
                    "distance_nm": 23_100.0 * part,
                    "energy_mj": t * 11_600,
                    **{k: v for k, v in _priced(t).items() if k.endswith("_g")},
                    "wtw_g_per_mj": 86.2,
                    "wtw_kg_per_teu": 812.0,
                    "wtw_g_per_t_km": 7.1,
                    "observed_share": 0.62,
                }
            )
    target = {
        "target": "clean-2030",
        "year": 2030,
        "metric": "wtw_t",
        "unit": "t",
        "value": 12_000.0,
        "baseline_year": 2025,
        "baseline": 20_000.0,
        "latest_year": 2026,
        "actual": 18_840.0,
        "gap": 6_840.0,
        "state": "not yet",
        "source": HOSTILE,
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "legs": legs,
        "stays": stays,
        "passes": passes,
        "totals": totals if ships else [],
        "ships": fleet,
        "trend": trend if ships else [],
        "targets": [target] if targets else [],
    }
    for name, spec in LANE_TABLES.items():
        write_table(folder, name, spec.schema, rows.get(name, []))
    said = {"item": "ships", "text": HOSTILE, "year": 2030, "source": "a newspaper"}
    about = {
        "label": "SIMULATED DATA" if simulated else "",
        "corridor": {
            "id": "la-lb-shanghai",
            "title": f"Los Angeles to Shanghai {HOSTILE}",
            "status": "announced",
            "end_a": {"name": "Los Angeles", "ports": ["USLAX", "USLGB"]},
            "end_b": {"name": "Shanghai", "ports": ["CNSHA"]},
            "partners": [{"name": FORMULA, "role": "cargo_owner", "source": "a newspaper"}],
            "goals": [said],
        },
        "attribution": {"rule": "rotation", "rules": {}},
        "request": {"method": "epa-2022", "gwp": "ar5"},
    }
    (folder / "lane.json").write_text(json.dumps(about), "utf-8")
    return folder


def write_arrival_folder(folder: Path, *, calls: int = 40, simulated: bool = False) -> Path:
    """Write the folder of an arrival study: every third ship did not wait, savings grow with notice."""
    folder.mkdir(parents=True)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ARRIVAL_TABLES}
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(calls):
        wait = 0.0 if n % 3 == 0 else 2.0 + (n * 7) % 40
        carrier = HOSTILE if n % 2 else FORMULA
        rows["approaches"].append(
            {
                "call_id": f"c{n}",
                "ship_name": FORMULA,
                "carrier": carrier,
                "ship_class": "Container Ship",
                "arrival": begin + timedelta(hours=6 * n),
                "distance_nm": 5720.0,
                "speed_source": "class" if n % 5 == 0 else "passage",
                "wait_h": wait,
                "berth_h": 50.0,
                "simulated": simulated,
            }
        )
        for notice in ("12", "24", "voyage"):
            bound = "no_wait" if not wait else "none" if notice == "voyage" else "minimum_speed"
            rows["savings"].append({"call_id": f"c{n}", "notice": notice, "bound": bound})
        for policy, anchored in (("fcfs", wait), ("slot", wait / 4)):
            rows["queue"].append(
                {
                    "call_id": f"c{n}",
                    "policy": policy,
                    "delay_h": wait,
                    "slow_h": wait - anchored,
                    "anchorage_h": anchored,
                    "fuel_t": 3.0,
                }
            )
    for notice, net in (("12", 110.0), ("24", 150.0), ("voyage", 400.0)):
        for quantity, unit in (("fuel", "t"), ("wtw_co2e", "t"), ("nox", "t"), ("waiting", "h")):
            rows["summary"].append(
                {
                    "notice": notice,
                    "quantity": quantity,
                    "unit": unit,
                    "before": 4000.0,
                    "after": 4000.0 - net,
                    "net_saved": net,
                    "gross_saved": None if quantity == "waiting" else 1.8 * net,
                    "calls": calls,
                }
            )
        rows["published"].append(
            {
                "notice": notice,
                "published_pct": 5.9,
                "all_pct": 3.1,
                "waiting_pct": 4.4,
                "cubic_pct": 6.0,
                "voyages": calls,
                "waited": 26,
                "explanation": "other ports, other year",
            }
        )
    for policy, overtaken in (("fcfs", 0), ("slot", 3)):
        for carrier in (None, HOSTILE, FORMULA):
            mean = 12.0 - (1.5 if policy == "slot" and carrier == HOSTILE else 0.0)
            rows["fairness"].append(
                {
                    "policy": policy,
                    "carrier": carrier,
                    "calls": calls // (1 if carrier is None else 2),
                    "mean_delay_h": mean,
                    "median_delay_h": 9.0,
                    "p90_delay_h": 30.0,
                    "max_delay_h": 41.0,
                    "gini": 0.4,
                    "overtaken": overtaken,
                    "inversion_share": 0.02 * overtaken,
                }
            )
    for policy in ("observed", "fcfs", "slot"):
        for hour in range(24 * 5):
            rows["occupancy"].append(
                {
                    "hour": begin + timedelta(hours=hour),
                    "policy": policy,
                    "at_anchor": hour % 7 if policy != "slot" else 1,
                    "at_berth": 4,
                }
            )
    rows["left_out"] = [{"call_id": "c99", "reason": f"no berth time {HOSTILE}"}]
    if not calls:
        rows = {name: [] for name in rows}
    for name, spec in ARRIVAL_TABLES.items():
        write_table(folder, name, spec.schema, rows.get(name, []))
    (folder / "arrival.json").write_text(json.dumps({"port": "USLAX", "notes": [FORMULA]}), "utf-8")
    return folder
