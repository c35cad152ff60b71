"""lane.json: the lane on one page, all three attribution rules side by side."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane import __version__
from sealane.corridors.call_table import CallTable
from sealane.corridors.lanes.distances import SOURCES
from sealane.corridors.lanes.document import METRICS, Corridor, Statement
from sealane.corridors.lanes.lane_tables import (
    KM_PER_NM,
    cargo_unknown_by_year,
    counted_passes,
    pass_cargo,
    pass_route_nm,
)
from sealane.corridors.lanes.pricing import FUELS, MEASURES
from sealane.corridors.lanes.schemas import PARTS, PLACES, RULES
from sealane.corridors.lanes.totals import Totals, known
from sealane.corridors.lanes.work import FLAGS, LaneWork, Sums, last_seen
from sealane.reference import load_table

Floats = NDArray[np.float64]
SIMULATED = "SIMULATED DATA"
RULE_WORDS = {
    "direct": "legs from one end straight to the other only",
    "rotation": "all legs of passes from one end to the other, calls between included",
    "cargo": "by the cargo bound from end to end over all cargo on board, leg by leg",
}
_LIBRARIES = ("numba", "numpy", "pyarrow")
_READ_TABLES = ("lane_limits", "ogv_class_defaults", "hotel_load_epa", "imo_lca_defaults", "gwp100", "eca_date")


def lane_summary(
    corridor: Corridor,
    calls: CallTable,
    work: LaneWork,
    totals: Totals,
    sums: Sums,
    tables: Mapping[str, pa.Table],
    request: Mapping[str, Any],
) -> dict[str, Any]:
    """Content of ``lane.json``. It names no folder of the machine and no time of the run, so that two runs agree."""
    simulated = bool(np.asarray(calls.table["simulated"].fill_null(False)).any())
    first, last = (str(np.datetime64(moment, "us").astype("datetime64[s]")) + "Z" for moment in last_seen(work.calls))
    rules = {rule: _rule(rule, totals, sums, at) for at, rule in enumerate(RULES)}
    if not rules["cargo"]["legs"] and cargo_unknown_by_year(work):
        rules["cargo"] |= {name: None for name, value in rules["cargo"].items() if isinstance(value, float)}
    direct, rotation = (rules[rule]["energy_tj"] for rule in ("direct", "rotation"))
    notes = _notes(corridor, calls, work, sums, first, last, simulated=simulated)
    if request["beside"] and any(
        work.calls[name].null_count < len(work.calls) for name in ("lane_t_departure", "lane_teu_departure")
    ):
        notes.append("Beside other corridors lane_t_departure and lane_teu_departure, one lane's cargo, are not read.")
    content: dict[str, Any] = {
        "kind": "lane",
        "label": SIMULATED if simulated else "",
        "sealane": __version__,
        "corridor": corridor_words(corridor),
        "request": dict(request),
        "data": {"first": first, "last": last, "calls": len(work.calls), "ships": len(work.ships.ship)}
        | {"calls_by_source": _by_source(work.calls)},
        "counts": _counts(work, sums),
        "attribution": {"rule": work.rule, "rules": rules},
        "direct_share_of_energy": direct / rotation if rotation else None,
        "electricity": _electricity(work, sums),
        "transport": _transport(work, tables["trend"]),
        "quality": _quality(work, sums, totals),
        "trend": [row for row in tables["trend"].to_pylist() if row["quarter"] == 0],
        "targets": tables["targets"].to_pylist(),
        "targets_note": "" if corridor.targets else "no target published",
        "metrics": {name: {"unit": unit, "meaning": meaning} for name, (unit, meaning) in METRICS.items()},
        "notes": notes,
        "inputs": [
            {"name": item.name, "sha256": item.sha256, "rows": item.rows, "source": item.source}
            for item in sorted(calls.inputs, key=lambda item: (item.name, item.sha256))
        ],
        "rows_told_twice": calls.told_twice,
        "agreements": [dict(item) for item in calls.agreements],
        "provenance": {
            "document_sha256": corridor.sha256,
            "python": platform.python_version(),
            "libraries": {name: version(name) for name in _LIBRARIES},
            "tables_sha256": {name: _table_hash(name) for name in _READ_TABLES},
        },
    }
    return _plain(content)


def _by_source(calls: pa.Table) -> dict[str, int]:
    counted = pc.value_counts(calls["source"]).to_pylist()
    return {item["values"]: item["counts"] for item in sorted(counted, key=lambda item: str(item["values"]))}


def _plain(value: Any) -> Any:
    """NumPy numbers as Python's, NaN as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _table_hash(name: str) -> str:
    return hashlib.sha256(repr(load_table(name).rows).encode()).hexdigest()


def corridor_words(corridor: Corridor) -> dict[str, Any]:
    """A corridor document as plain values."""

    def end(which: Any) -> dict[str, Any]:
        return {"name": which.name, "ports": list(which.ports)}

    def statements(items: Sequence[Statement]) -> list[dict[str, Any]]:
        return [
            {"item": s.item, "text": s.text, "year": s.year, "source": corridor.sources[s.source].title} for s in items
        ]

    return {
        "id": corridor.id,
        "title": corridor.title,
        "status": corridor.status,
        "end_a": end(corridor.end_a),
        "end_b": end(corridor.end_b),
        "ship_classes": list(corridor.ship_classes),
        "period": {
            "from": corridor.begin.isoformat().replace("+00:00", "Z") if corridor.begin else None,
            "until": corridor.until.isoformat().replace("+00:00", "Z") if corridor.until else None,
        },
        "attribution": corridor.attribution,
        "longest_pass_days": corridor.longest_pass_days,
        "baseline_year": corridor.baseline_year,
        "partners": [
            {"name": p.name, "role": p.role, "source": corridor.sources[p.source].title} for p in corridor.partners
        ],
        "targets": [
            {
                "id": t.id,
                "year": t.year,
                "metric": t.metric,
                "value": t.value,
                "reduction_pct": t.reduction_pct,
                "source": corridor.sources[t.source].title,
            }
            for t in corridor.targets
        ],
        "goals": statements(corridor.goals),
        "facts": statements(corridor.facts),
        "sources": {key: {"title": s.title, "grade": s.grade} for key, s in corridor.sources.items()},
        "notes": list(corridor.notes),
    }


def _figures(values: Floats) -> dict[str, float]:
    """Measures as the page shows them: TJ and tonnes."""
    named = dict(zip(MEASURES, values.tolist(), strict=True))
    tonnes = {f"{name.removesuffix('_g')}_t": named[name] / 1e6 for name in MEASURES if name.endswith("_g")}
    return {"fuel_t": named["fuel_t"], "energy_tj": named["energy_mj"] / 1e6, **tonnes}


def _rule(rule: str, totals: Totals, sums: Sums, at: int) -> dict[str, Any]:
    figures = totals.of(rule)
    aboard = known(figures)  # quarter, class, part, place, measure
    by_fuel = figures.sum(axis=(0, 1, 2, 3))
    fuels = {name: _figures(by_fuel[k]) for k, name in enumerate(FUELS) if np.any(by_fuel[k] != 0.0)}

    def split(names: Sequence[str], axis: int) -> dict[str, Any]:
        others = tuple(k for k in range(4) if k != axis)
        values = aboard.sum(axis=others)
        return {name: _figures(values[k]) for k, name in enumerate(names) if np.any(values[k] != 0.0)}

    total = aboard.sum(axis=(0, 1, 2, 3))
    energy = total[MEASURES.index("energy_mj")]
    return {
        "meaning": RULE_WORDS[rule],
        "legs": int(sums.legs[at].sum()),
        "distance_nm": float(sums.nm[at].sum()),
        **_figures(total),
        "wtw_g_per_mj": total[MEASURES.index("wtw_co2e_g")] / energy if energy else None,
        "observed_share_of_energy": totals.observed_mj[at].sum() / energy if energy else None,
        "by_part": split(PARTS, 2),
        "by_place": split(PLACES, 3),
        "by_ship_class": split(totals.classes, 1),
        "by_fuel": fuels,
    }


def _counts(work: LaneWork, sums: Sums) -> dict[str, Any]:
    passes = counted_passes(work)
    direct = work.claims.rotations.direct_pass[passes]
    from_a = work.claims.rotations.end[work.claims.rotations.pass_from[passes]] == 1
    return {
        "ships_on_lane": int((sums.ship_legs > 0).sum()),
        "legs_on_lane": int(work.claims.on_lane.sum()),
        "legs_in_all": len(work.claims.on_lane),
        "passes": len(passes),
        "passes_a_to_b": int(from_a.sum()),
        "passes_b_to_a": int((~from_a).sum()),
        "direct_passes": int(direct.sum()),
        "passes_too_long": int(work.claims.rotations.too_long.sum()),
    }


def _transport(work: LaneWork, trend: pa.Table) -> dict[str, Any]:
    """Transport activity (ISO 14083) of the passes whose cargo is known, on both distance bases."""
    passes = counted_passes(work)
    chosen = passes[work.claims.pass_known[passes]]
    tonnes, teu = pass_cargo(work, chosen)
    km = pass_route_nm(work, chosen) * KM_PER_NM
    cargo = [row for row in trend.to_pylist() if row["rule"] == "cargo" and row["quarter"] == 0]
    total_g = [
        (row["wtw_g_per_t_km"] or 0.0) * (row["transport_t_km"] or 0.0) for row in cargo if row["transport_t_km"]
    ]
    t_km, teu_km = float(np.nansum(tonnes * km)), float(np.nansum(teu * km))
    return {
        "passes_with_known_cargo": len(chosen),
        "share_of_passes": len(chosen) / len(passes) if len(passes) else None,
        "distance_basis": "shortest feasible distance over water between the last port left and the first port reached",
        "transport_chain_element": "one pass from end to end; hub operations: the stays at both ends",
        "cargo_t": float(np.nansum(tonnes)) if np.isfinite(tonnes).any() else None,
        "cargo_teu": float(np.nansum(teu)) if np.isfinite(teu).any() else None,
        "t_km": t_km or None,
        "teu_km": teu_km or None,
        "wtw_g_per_t_km": sum(total_g) / t_km if t_km else None,
    }


def _quality(work: LaneWork, sums: Sums, totals: Totals) -> dict[str, Any]:
    at = RULES.index(work.rule)
    energy = known(totals.of(work.rule)).sum(axis=(0, 1, 2, 3))[MEASURES.index("energy_mj")]
    on_lane = sums.ship_legs > 0
    origins = [work.ships.origin[k] for k in np.flatnonzero(on_lane).tolist()]
    legs = int(work.claims.on_lane.sum())
    cargo_unknown = int(np.isnan(work.claims.shares["cargo"][work.claims.on_lane]).sum())
    models = {m for m in work.ships.model_of[on_lane].tolist() if m >= 0}
    grades = sorted(work.ships.models[m].grade for m in models)
    nm = sums.sources_nm
    return {
        "observed_share_of_energy": totals.observed_mj[at].sum() / energy if energy else None,
        "distance_nm_by_source": dict(zip(SOURCES, nm.tolist(), strict=True)),
        "observed_share_of_distance": float(sums.ship_observed_nm.sum() / nm.sum()) if nm.sum() else None,
        "legs_priced": sums.priced_legs,
        "legs_not_priced": legs - sums.priced_legs,
        "legs_without_known_cargo": cargo_unknown,
        "flags": {name: {"legs": count, "meaning": FLAGS[name]} for name, count in sums.flags.items()},
        "ships_by_particulars": {kind: origins.count(kind) for kind in sorted(set(origins))},
        "ships_without_particulars": {
            str(ship): why
            for ship, why in sorted(work.ships.missing.items())
            if on_lane[np.searchsorted(work.ships.ship, ship)]
        },
        "particulars_grades": {grade: grades.count(grade) for grade in sorted(set(grades))},
        "without_factor": _missing_factors(work),
    }


def _missing_factors(work: LaneWork) -> dict[str, str]:
    """Why an engine has no factor of a pollutant that a lane shows."""
    shown = {name.removesuffix("_g").removeprefix("ttw_").removeprefix("wtw_") for name in MEASURES}
    missing = work.fleet.missing if work.fleet else {}
    return {name: why for name, why in sorted(missing.items()) if name.rpartition(" ")[2] in shown}


def _notes(
    corridor: Corridor, calls: CallTable, work: LaneWork, sums: Sums, first: str, last: str, *, simulated: bool
) -> list[str]:
    notes = [SIMULATED] if simulated else []
    notes += [note for note in calls.notes if note != SIMULATED]
    notes += corridor.notes
    notes.append(f"The data run from {first} to {last}; the first and the last year may not be whole.")
    legs = int(work.claims.on_lane.sum())
    if sums.priced_legs < legs:
        notes.append(f"{legs - sums.priced_legs:,} of {legs:,} legs could not be priced and add nothing; see flags.")
    notes += _electricity_notes(work, sums)
    unknown = sum(cargo_unknown_by_year(work).values())
    if unknown:
        bound = "and its figures are a lower bound" if unknown < legs else "so it has no figures"
        notes.append(f"The cargo of {unknown:,} of {legs:,} legs is not known: rule cargo leaves them out, {bound}.")
    return notes


def _electricity(work: LaneWork, sums: Sums) -> list[dict[str, Any]]:
    """Electricity that ships of the lane took from shore, whole stays, by port."""
    rows = []
    for port, kwh in sorted(sums.shore_kwh.items()):
        row: dict[str, Any] = {"port": port, "kwh": kwh, "g_per_kwh": None, "grade": None, "source": "not known"}
        if port in work.grid:
            of = work.grid[port]
            row |= {"g_per_kwh": of.g_per_kwh, "grade": of.grade, "source": of.source}
            row |= {"zone": of.zone, "edition": of.edition}
        rows.append(row)
    return rows


def _electricity_notes(work: LaneWork, sums: Sums) -> list[str]:
    """Where electricity from shore counts with the published mean of its grid, and where nobody knows it."""
    notes = []
    tabled = [port for port in sorted(sums.shore_kwh) if port in work.grid and work.grid[port].zone]
    if tabled:
        words = "; ".join(
            f"{port} {work.grid[port].g_per_kwh:g} g CO2e/kWh ({work.grid[port].zone}, grade {work.grid[port].grade})"
            for port in tabled
        )
        notes.append(f"Electricity from shore counts with the mean of its grid: {words}. --grid puts another in place.")
    missing = sorted(set(sums.shore_kwh) - set(work.grid))
    if missing:
        notes.append(
            f"Electricity from shore at {', '.join(missing)} adds no CO2e: its carbon intensity is not known. "
            "Give it with --grid PORT=G_PER_KWH."
        )
    return notes
