"""Small result folders made by hand, with hostile names in them, for the reports of corridors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.corridors.scenarios.model import COMPARE_TABLES, RESULT_TABLES, STUDY_TABLES

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
