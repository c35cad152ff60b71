"""An arrival study from port calls to a finished folder."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sealane import __version__
from sealane.corridors.arrival import tables as layout
from sealane.corridors.arrival.just_in_time import just_in_time, least_load, voyage_part
from sealane.corridors.arrival.replayed import QueueStudy, replay_calls
from sealane.corridors.arrival.schemas import TABLES
from sealane.corridors.arrival.waiting import Waits, find_waits
from sealane.corridors.call_ships import ships_of_calls
from sealane.corridors.call_table import CallTable
from sealane.emissions.user_vessels import UserVessels
from sealane.folders import check_ours, whole_folder
from sealane.inventory.provenance import METHOD_EDITIONS, table_hashes
from sealane.reference import load_table

FILES = (*(spec.file for spec in TABLES.values()), "arrival.json", "report.html", "report.xlsx")
"""What the folder of a study holds."""

SIMULATED = "SIMULATED: the calls, or some of them, are made up by a generator; no ship came like this."


@dataclass(frozen=True)
class ArrivalResult:
    """A finished study.

    Attributes
    ----------
    tables : as in `sealane.corridors.arrival.schemas`.
    summary : content of arrival.json.
    waits : passages and waiting behind it, which `sealane.corridors.arrival.explain.explain_call` takes apart.
    """

    tables: Mapping[str, pa.Table]
    summary: Mapping[str, Any]
    waits: Waits = field(repr=False)


def run_arrival(
    calls: CallTable,
    port: str,
    *,
    notices: Sequence[float | None] = (12.0, 24.0, None),
    slot_notice_h: float | None = 24.0,
    berths: int | Mapping[str, int] | None = None,
    min_speed_kn: float | None = None,
    method: str = "epa-2022",
    gwp: str = "ar5",
    mode: str = "transit",
    vessels: UserVessels | None = None,
) -> ArrivalResult:
    """What just-in-time arrival would have saved at a port, and how its queue would have run on slots.

    Parameters
    ----------
    calls : port calls of the ships, at other ports too: they show where a ship came from.
    port : UN/LOCODE of the port judged.
    notices : hours of notice; None: the whole voyage.
    slot_notice_h : how long before being ready a ship may book a berth in the replay; None: from its departure on.
    berths : berths of the port as one queue, or by terminal; None: the most ships seen at berth at once.
    min_speed_kn : slowest speed asked of a ship; None: speed at the published least load of its main engine.
    method : ``epa-2022`` or ``imo4-2020``.
    gwp : ``ar4``, ``ar5`` or ``ar6``.
    mode : hotel load under way: ``transit``, or ``by_load`` (that of manoeuvring up to 20 % load).
    vessels : the user's own vessels file.

    Returns
    -------
    ArrivalResult

    Raises
    ------
    InputError
        if no call of the port can be judged.
    DataError
        listing every value out of range.
    MissingFactorError
        where no value is published.
    """
    ships = ships_of_calls(calls.table, method=method, particulars=calls.particulars, vessels=vessels)
    waits = find_waits(calls.table, port, ships, gwp=gwp, min_speed_kn=min_speed_kn)
    voyage = voyage_part(waits.approaches, mode=mode)
    slowdowns = [just_in_time(waits.approaches, notice, mode=mode) for notice in notices]
    study = replay_calls(waits, berths=berths, notice_h=slot_notice_h, mode=mode)
    tables = {
        "approaches": layout.approaches_table(waits, ships.ships, voyage),
        "savings": layout.savings_table(waits, slowdowns, voyage),
        "emissions": layout.emissions_table(waits, slowdowns),
        "summary": layout.summary_table(waits, slowdowns),
        "published": layout.published_table(waits, slowdowns, voyage, ships.ships),
        "left_out": layout.left_out_table(waits),
        "queue": layout.queue_table(waits, study) if study else TABLES["queue"].schema.empty_table(),
        "fairness": layout.fairness_table(waits, study) if study else TABLES["fairness"].schema.empty_table(),
        "occupancy": layout.occupancy_table(waits, study) if study else TABLES["occupancy"].schema.empty_table(),
    }
    wait = waits.approaches.wait_h
    simulated = bool(np.asarray(waits.calls["simulated"].fill_null(False).to_numpy(zero_copy_only=False)).any())
    summary: dict[str, Any] = {
        "kind": "arrival",
        "port": port,
        "label": SIMULATED if simulated else "",
        "simulated": simulated,
        "method": method,
        "method_edition": METHOD_EDITIONS[method],
        "gwp": gwp,
        "hotel_load_under_way": mode,
        "calls": {
            "judged": len(wait),
            "left_out": len(waits.left_out),
            "waited": int((wait > 0.0).sum()),
            "with_known_passage": int(np.isfinite(waits.approaches.distance_nm).sum()),
        },
        "waiting_h": {
            "total": math.fsum(wait.tolist()),
            "mean": float(wait.mean()),
            "median": float(np.median(wait)),
            "p90": float(np.quantile(wait, 0.9)),
            "max": float(wait.max()),
        },
        "minimum_speed": (
            f"{min_speed_kn:g} kn, the user's"
            if min_speed_kn is not None
            else f"speed at {least_load():.0%} load of the main engine, {_least_load_source()}"
        ),
        "savings": _savings(tables["summary"]),
        "published": tables["published"].to_pylist(),
        "queue": _queue(study, tables, slot_notice_h) if study else None,
        "notes": [*calls.notes, *waits.notes, *(study.notes if study else ("No call tells its stay at berth.",))],
        "provenance": {
            "sealane": __version__,
            "python": platform.python_version(),
            "inputs": [vars(part) for part in calls.inputs],
            "tables_sha256": table_hashes(),
        },
        "rows": {name: len(table) for name, table in tables.items()},
    }
    return ArrivalResult(tables, summary, waits)


def _least_load_source() -> str:
    row = load_table("arrival_limits").row("least_main_engine_load")
    return f"{row.edition}, grade {row.grade}"


def _savings(table: pa.Table) -> dict[str, dict[str, dict[str, Any]]]:
    """Sums by notice, then quantity."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in table.to_pylist():
        values = {key: row[key] for key in ("unit", "before", "after", "net_saved", "gross_saved", "calls")}
        found.setdefault(row["notice"], {})[row["quantity"]] = values
    return found


def _queue(study: QueueStudy, tables: Mapping[str, pa.Table], notice_h: float | None) -> dict[str, Any]:
    everybody = {row["policy"]: row for row in tables["fairness"].to_pylist() if row["carrier"] is None}
    return {
        "notice": "voyage" if notice_h is None else f"{notice_h:g}",
        "berths": {study.queues[number]: count for number, count in sorted(study.berths.items())},
        "calls": len(study.rows),
        "berth_h": math.fsum((study.demand.berth_us / 3.6e9).tolist()),
        "policies": {
            policy: {
                "fuel_t": math.fsum(outcome.fuel_t.tolist()),
                **{f"{name}_t": math.fsum((values / 1e6).tolist()) for name, values in outcome.grams.items()},
                "delay_h": math.fsum(outcome.delay_h.tolist()),
                "at_anchor_h": math.fsum(outcome.anchorage_h.tolist()),
                "sailed_slower_h": math.fsum(outcome.slow_h.tolist()),
                "fairness": {k: v for k, v in everybody[policy].items() if k not in ("policy", "carrier")},
            }
            for policy, outcome in study.outcomes.items()
        },
    }


def write_arrival(result: ArrivalResult, out: Path, finish: Callable[[Path], object] | None = None) -> None:
    """Write a study: one Parquet file a table, and arrival.json; the folder appears whole or not at all.

    Parameters
    ----------
    out : folder; one that stands there is replaced when the new one is complete.
    finish : called with the folder before it takes its place, e.g. to write a report into it.

    Raises
    ------
    DataError
        where the folder holds other things: they are not replaced.
    """
    check_ours(out, FILES)
    with whole_folder(out) as folder:
        for name, table in result.tables.items():
            pq.write_table(table, folder / TABLES[name].file, compression="zstd", version="2.6")
        text = json.dumps(_plain(result.summary), indent=2, ensure_ascii=False, allow_nan=False, sort_keys=False)
        (folder / "arrival.json").write_text(text + "\n", encoding="utf-8")
        if finish is not None:
            finish(folder)


def _plain(value: Any) -> Any:
    """Not-a-number is no JSON; it becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_summary(folder: Path) -> dict[str, Any]:
    """arrival.json of a finished study."""
    content: dict[str, Any] = json.loads((folder / "arrival.json").read_text(encoding="utf-8"))
    return content
