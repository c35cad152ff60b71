"""Small result folders made by hand, with hostile names in them, for the reports of corridors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.corridors.arrival.schemas import TABLES as ARRIVAL_TABLES
from sealane.corridors.lanes.schemas import TABLES as LANE_TABLES
from sealane.corridors.scenarios.model import COMPARE_TABLES, RESULT_TABLES, STUDY_TABLES

TOTALS_COLUMNS = LANE_TABLES["totals"].columns

HOSTILE = '<script>alert("x")</script>'
FORMULA = '=HYPERLINK("http://example.org";"click")'
YEARS = (2026, 2030, 2035, 2040, 2045, 2050)
NAN = math.nan


def write_table(folder: Path, name: str, schema: pa.Schema, rows: list[dict[str, Any]]) -> None:
    """Write rows; columns a row leaves out are null."""
    full = [{column: row.get(column) for column in schema.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(full, schema=schema), folder / f"{name}.parquet")


def _fleet(scale: float) -> list[dict[str, Any]]:
    rows = []
    for k, year in enumerate(YEARS):
        for family, ships in (("oil", 12.0 - 2 * k), ("methanol", 2.0 * k), ("ammonia", 0.4 * k)):
            rows.append(
                {
                    "year": year,
                    "ship_class": "15000",
                    "family": family,
                    "ships": scale * ships,
                    "newbuilds": 0.5 * (family != "oil"),
                    "retrofits_in": 1.0 if family == "methanol" and k == 1 else 0.0,
                    "retrofits_out": 0.0,
                    "retired": 0.0,
                }
            )
    return rows


def _fuel(scale: float) -> list[dict[str, Any]]:
    rows = []
    for k, year in enumerate(YEARS):
        for fuel, family, tj, price in (
            ("VLSFO", "oil", 9000.0 - 1500 * k, 14.0),
            ("e-methanol", "methanol", 1400.0 * k, 38.0),
            (HOSTILE, "ammonia", 300.0 * k, 33.0),
        ):
            for port, part in (("USLAX", 0.4), ("CNSHA", 0.6)):
                energy = scale * tj * part
                rows.append(
                    {
                        "year": year,
                        "port": port,
                        "fuel": fuel,
                        "family": family,
                        "energy_tj": energy,
                        "mass_t": energy * 40,
                        "price_usd_per_gj": price,
                        "cost_usd": energy * 1000 * price,
                    }
                )
    return rows


def _cost(fuel: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for k, year in enumerate(YEARS):
        bunker = sum(row["cost_usd"] for row in fuel if row["year"] == year)
        for item, payer, usd in (
            ("capital", "carrier", 2.1e8 + 5e6 * k),
            ("operation", "carrier", 4.0e7),
            ("fuel", "carrier", bunker),
            ("shore_power", "carrier", 1.2e6 * k),
            ("rule:nzf", FORMULA, 3.1e7 if k else 0.0),
        ):
            rows.append({"year": year, "item": item, "payer": payer, "cost_usd": usd})
    return rows


def _years(fuel: list[dict[str, Any]], cost: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for k, year in enumerate(YEARS):
        energy = sum(row["energy_tj"] for row in fuel if row["year"] == year)
        spent = sum(row["cost_usd"] for row in cost if row["year"] == year)
        wtw = 800_000.0 - 130_000 * k
        fossil = 800_000.0 + 10_000 * k
        rows.append(
            {
                "year": year,
                "demand_teu": 1.0e6,
                "energy_tj": energy,
                "shore_tj": 10.0 * k,
                "wtw_t": wtw,
                "ttw_t": 0.8 * wtw,
                "cap_wtw_t": NAN if k == 0 else 800_000.0 - 125_000 * k,
                "intensity_g_per_mj": wtw / energy,
                "cost_usd": spent,
                "fossil_cost_usd": 3.7e8,
                "fossil_wtw_t": fossil,
                "cost_gap_usd": spent - 3.7e8,
                "cost_gap_usd_per_teu": (spent - 3.7e8) / 1e6,
                "abatement_usd_per_t": NAN if k == 0 else (spent - 3.7e8) / (fossil - wtw),
            }
        )
    return rows


INPUTS: list[dict[str, Any]] = [
    {
        "path": "fuels.VLSFO.price_usd_per_gj",
        "value": 14.0,
        "unit": "USD/GJ",
        "origin": "sourced",
        "source": "a publication",
        "grade": "B",
    },
    {
        "path": "fuels.e-methanol.price_usd_per_gj",
        "value": 38.0,
        "unit": "USD/GJ",
        "origin": "user",
        "source": HOSTILE,
        "grade": "C",
        "low": 30.0,
        "high": 52.0,
    },
    {
        "path": "demand_teu",
        "value": 1.0e6,
        "unit": "TEU",
        "origin": "placeholder",
        "source": "one weekly string",
        "grade": "D",
    },
    {
        "path": "demand.pairs",
        "value": None,
        "unit": "TEU",
        "origin": "missing",
        "source": "give TEU by port pair",
        "grade": "D",
    },
]


def _study() -> Mapping[str, list[dict[str, Any]]]:
    names = ("price: e-methanol", "wtt: e-methanol", "demand", "efficiency: methanol")
    ensemble = [
        {
            "year": year,
            "draws": 1024,
            "output": "cost_gap_usd",
            "unit": "USD",
            "base": 4e7 * k,
            "mean": 4.1e7 * k,
            "p05": 1e7 * k,
            "p25": 3e7 * k,
            "p50": 4e7 * k,
            "p75": 5e7 * k,
            "p95": 8e7 * k,
        }
        for k, year in enumerate(YEARS, start=1)
    ]
    ensemble.append(ensemble[-1] | {"year": 0})
    drivers = [
        {
            "rank": k,
            "output": "cost_gap_usd",
            "driver": name,
            "srrc": 0.8 / k,
            "first_order": 0.6 / k,
            "total_order": 0.65 / k,
        }
        for k, name in enumerate(names, start=1)
    ]
    tornado = [
        {
            "rank": k,
            "output": "cost_gap_usd",
            "driver": name,
            "unit": "1",
            "low": 0.8,
            "high": 1.4,
            "base": 2.4e8,
            "value_low": 2.4e8 - 9e7 / k,
            "value_high": 2.4e8 + 1.6e8 / k,
            "swing": 2.5e8 / k,
        }
        for k, name in enumerate(names, start=1)
    ]
    checks = [
        {
            "check": "methanol per ship",
            "words": "37,500-45,000 t",
            "conditions": "16,000 TEU",
            "unit": "t/year",
            "low": 37500.0,
            "high": 45000.0,
            "ours": 38500.0,
            "lies": "within",
            "explanation": "",
            "source": "Platts",
        },
        {
            "check": "fuel cost of a ship-year",
            "words": "18 to 27",
            "conditions": "2030",
            "unit": "MUSD/year",
            "low": 18.0,
            "high": 27.0,
            "ours": 31.0,
            "lies": "above",
            "explanation": "fuel prices are not in the excerpts",
            "source": "UMAS",
        },
        {
            "check": "hydrogen",
            "words": "43 % of voyages",
            "conditions": "",
            "unit": "",
            "low": NAN,
            "high": NAN,
            "ours": NAN,
            "lies": "not computed",
            "explanation": "",
            "source": "ICCT",
        },
    ]
    return {"ensemble": ensemble, "drivers": drivers, "tornado": tornado, "published_checks": checks}


def scenario_tables(scale: float = 1.0) -> dict[str, list[dict[str, Any]]]:
    """Rows of the result tables; a factor on the fleet and its fuel tells two scenarios apart."""
    fuel = _fuel(scale)
    cost = _cost(fuel)
    return {
        "fleet": _fleet(scale),
        "fuel": fuel,
        "cost": cost,
        "year": _years(fuel, cost),
        "inputs": INPUTS,
        "dual": [],
    }


def write_scenario_folder(
    folder: Path, *, kind: str = "simulate", study: bool = True, label: str = "reference"
) -> Path:
    """Write the folder of a scenario run."""
    folder.mkdir(parents=True)
    tables: dict[str, list[dict[str, Any]]] = scenario_tables()
    if kind == "plan":
        tables["dual"] = [
            {
                "year": 2030,
                "constraint": "cap on well-to-wake emissions",
                "subject": "corridor",
                "unit": "USD/t",
                "value": 312.5,
            },
            {
                "year": 2035,
                "constraint": "availability",
                "subject": f"e-methanol at {FORMULA}",
                "unit": "USD/GJ",
                "value": 4.2,
            },
        ]
    for name, schema in RESULT_TABLES.items():
        write_table(folder, name, schema, tables[name])
    if study:
        for name, rows in _study().items():
            write_table(folder, name, STUDY_TABLES[name], rows)
    about = {
        "kind": kind,
        "scenario": "la-lb-shanghai",
        "title": f"Los Angeles to Shanghai {HOSTILE}",
        "corridor": "la-lb-shanghai",
        "label": label,
        "summary": {},
        "rules": {"nzf": {"status": "draft", "payer": FORMULA}},
        "notes": ["per service string"],
        "provenance": {"sealane": "0", "file": FORMULA},
    }
    (folder / "scenario.json").write_text(json.dumps(about), "utf-8")
    return folder


def write_comparison_folder(folder: Path) -> Path:
    """Write the folder of a comparison of two scenarios, one with a hostile name."""
    folder.mkdir(parents=True)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COMPARE_TABLES}
    for scenario, scale in (("base", 1.0), (HOSTILE, 0.8)):
        tables = scenario_tables(scale)
        for name in ("year", "fleet", "fuel"):
            rows[f"compare_{name}"] += [{"scenario": scenario, **row} for row in tables[name]]
        rows["compare_summary"].append(
            {
                "scenario": scenario,
                "kind": "simulate",
                "item": "cost_usd",
                "unit": "USD",
                "value": 1e9 * scale,
                "difference": 1e9 * (scale - 1),
            }
        )
        rows["compare_inputs"].append({"scenario": scenario, **INPUTS[2], "value": 1e6 * scale})
    for name, schema in COMPARE_TABLES.items():
        write_table(folder, name, schema, rows[name])
    (folder / "comparison.json").write_text(json.dumps({"scenarios": ["base", HOSTILE], "notes": []}), "utf-8")
    return folder


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
