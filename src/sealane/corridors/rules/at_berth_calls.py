"""Port calls against the California At-Berth rule: one row a call, with what its auxiliary engines and boilers emitted.

    without control   aux_kw berth_h EF
    uncontrolled      aux_kw (berth_h - controlled_h) EF
    emitted           uncontrolled + aux_kw other_control_h min(EF, performance standard)

On shore power the auxiliary engines stand still. Another approved control may emit up to its performance standard; that
is counted, since what it truly emits is not known. Loads and factors are those of the inventory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sealane.corridors.call_table import read_call_table
from sealane.corridors.rules import at_berth
from sealane.corridors.rules.at_berth import POLLUTANTS, AtBerthResult, BerthCall, Control
from sealane.corridors.rules.at_berth_file import Visit, by_ship, read_visits, visits_of
from sealane.errors import SealaneError
from sealane.folders import check_ours, whole_folder
from sealane.inventory.schemas import Column, TableSpec

_TIME = pa.timestamp("us", tz="UTC")
_S, _F, _B = pa.string(), pa.float64(), pa.bool_()

AT_BERTH_CALLS = TableSpec(
    "at_berth_calls.parquet",
    "one port call against the California At-Berth rule",
    {
        "call_id": Column(_S, "", "port call"),
        "imo": Column(pa.int32(), "IMO number", "null where none is known"),
        "mmsi": Column(pa.int32(), "MMSI", "Maritime Mobile Service Identity"),
        "ship_name": Column(_S, "", "name of the ship; SIMULATED ships begin so"),
        "ship_class": Column(_S, "", "class as in EPA Table E.1"),
        "subtype": Column(_S, "", "size class as in EPA Table E.1"),
        "port": Column(_S, "UN/LOCODE", "port of call"),
        "terminal": Column(_S, "", "terminal of the call"),
        "berth_start": Column(_TIME, "UTC", "first all fast"),
        "berth_end": Column(_TIME, "UTC", "last line let go"),
        "category": Column(_S, "", "vessel category of the rule"),
        "requirement": Column(_S, "", "control, report, none, or not assessed"),
        "reason": Column(_S, "", "section and date that say so, or what is missing"),
        "berth_h": Column(_F, "h", "hours at berth"),
        "required_h": Column(_F, "h", "hours that must be controlled"),
        "compliant_h": Column(_F, "h", "part of required_h that was controlled"),
        "shore_power_h": Column(_F, "h", "hours on shore power"),
        "other_control_h": Column(_F, "h", "hours under another approved control"),
        "uncontrolled_h": Column(_F, "h", "hours at berth without control"),
        "compliant": Column(_B, "", "null where no control is required, or none is told"),
        "verdict": Column(_S, "", "the answer in a sentence"),
        "aux_kw": Column(_F, "kW", "load of the auxiliary engines at berth"),
        **{
            f"without_control_{p}_g": Column(_F, "g", f"{p} of auxiliary engines, were nothing controlled")
            for p in POLLUTANTS
        },
        **{
            f"uncontrolled_{p}_g": Column(_F, "g", f"{p} of auxiliary engines in hours without control")
            for p in POLLUTANTS
        },
        **{
            f"emitted_{p}_g": Column(_F, "g", f"uncontrolled, and {p} left by other control at most")
            for p in POLLUTANTS
        },
        **{f"boiler_{p}_g": Column(_F, "g", f"{p} of the boilers at berth, never controlled here") for p in POLLUTANTS},
        "grade": Column(_S, "A-D", "worst grade among loads and factors"),
        "simulated": Column(_B, "", "the row is SIMULATED"),
        "note": Column(_S, "", "assumptions and what is missing"),
    },
    ("port", "berth_start", "call_id"),
)

SUMMARY_FILE = "at_berth.json"
FILES = (AT_BERTH_CALLS.file, SUMMARY_FILE)
"""What the folder of a run holds."""

NOTES = (
    "Hydrocarbons (hc) stand for reactive organic gases: no factor of ROG is held.",
    "Class defaults stand for every particular that neither the calls nor an inventory tell.",
    "This is an estimate from port calls, not a report to CARB.",
)


@dataclass(frozen=True)
class AtBerthRun:
    """Calls assessed.

    Attributes
    ----------
    table : rows of `AT_BERTH_CALLS`, in its key's order.
    summary : counts, hours and tonnes, plain values.
    notes : what the reader must know.
    """

    table: pa.Table
    summary: dict[str, Any]
    notes: tuple[str, ...]


def _call_of(row: dict[str, Any], visits: Sequence[Visit]) -> BerthCall:
    controls = [Control(v.start, v.end, v.kind) for v in visits if v.kind in at_berth.CONTROL_KINDS]
    start, end = row["shore_power_start"], row["shore_power_end"]
    if start is not None and end is not None and start < end:
        controls.append(Control(start, end))
    exceptions = [v.kind for v in visits if v.kind in at_berth.EXCEPTIONS]
    low = True if any(v.kind == "low_activity" for v in visits) else None
    return BerthCall(
        port=row["port"],
        ship_class=row["ship_class"],
        berth_start=row["berth_start"],
        berth_end=row["berth_end"],
        controls=tuple(controls),
        low_activity=low,
        exception=exceptions[0] if exceptions else None,
    )


def _assess(row: dict[str, Any], visits: Sequence[Visit]) -> tuple[AtBerthResult | None, str]:
    """The call assessed, or None and what is missing."""
    lacking = [name for name in ("ship_class", "berth_start", "berth_end") if row[name] is None]
    if lacking:
        return None, f"not told: {', '.join(lacking)}"
    if not row["berth_start"] < row["berth_end"]:
        return None, "no time at berth"
    try:
        return at_berth.assess_call(_call_of(row, visits)), ""
    except SealaneError as error:
        return None, str(error).replace("\n", " ")


def _rates(
    calls: pa.Table, rows: Sequence[dict[str, Any]], particulars: pa.Table | None, method: str, gwp: str
) -> dict[int, tuple[Any, ...]]:
    """Auxiliary load, grade and grams an hour of engines and boiler, by place of the row; rows without are left out."""
    from sealane.corridors.call_ships import ships_of_calls
    from sealane.corridors.ship_energy import fleet_of, stay_many

    known = ships_of_calls(calls, method=method, particulars=particulars)
    at = [n for n, row in enumerate(rows) if known.index[n] >= 0 and row["berth_start"] is not None]
    if not at:
        return {}
    days = [rows[n]["berth_start"] for n in at]
    fleet = fleet_of(known.ships, min(days), max(days), gwp=gwp)
    ship = known.index[at]
    hour = stay_many(
        fleet,
        ship,
        1.0,
        "berth",
        time=np.array([day.replace(tzinfo=None) for day in days], "datetime64[us]"),
        area=1,
        pollutants=POLLUTANTS,
        by_source=True,
    )
    found = {}
    for k, n in enumerate(at):
        model = known.ships[int(ship[k])]
        found[n] = (model.hotel_kw("berth")[0], model.particulars.hotel_grade, hour.grams[k, 1], hour.grams[k, 2])
    return found


def assess_calls(
    calls: pa.Table,
    visits: Sequence[Visit] | None = None,
    *,
    particulars: pa.Table | None = None,
    method: str = "epa-2022",
    gwp: str = "ar5",
) -> AtBerthRun:
    """Every call against the rule, with the emissions at berth.

    Parameters
    ----------
    calls : columns of `sealane.corridors.call_table.CALLS_SCHEMA`; any order gives the same table.
    visits : every further period of control, exceptions and terminals of low activity, see `read_visits`; None: none
        are told.
    particulars : ``vessels.parquet`` of inventory folders; class defaults stand in for what it does not tell.
    method, gwp : as in an inventory.

    Returns
    -------
    AtBerthRun
        a call without times at berth or class is kept as *not assessed*, with what is missing. Whether a call complies
        is judged if `visits` are given or its source tells of shore power at any call; AIS alone shows no connection.
    """
    rows = calls.to_pylist()
    rates = _rates(calls, rows, particulars, method, gwp)
    of_ship = by_ship(visits or ())
    telling = {row["source"] for row in rows if row["shore_power_start"] is not None}
    out = [
        _row(row, visits_of(of_ship, row), rates.get(n), told=visits is not None or row["source"] in telling)
        for n, row in enumerate(rows)
    ]
    far = datetime.max.replace(tzinfo=UTC)
    out.sort(key=lambda row: (row["port"], row["berth_start"] or far, row["call_id"] or ""))
    table = pa.Table.from_pylist(out, schema=AT_BERTH_CALLS.schema)
    notes: tuple[str, ...] = NOTES
    if any(row["simulated"] for row in out):
        notes = ("SIMULATED DATA: the figures describe no real ship and no real port.", *notes)
    return AtBerthRun(table, _summary(out), notes)


def _row(row: dict[str, Any], visits: Sequence[Visit], rate: tuple[Any, ...] | None, *, told: bool) -> dict[str, Any]:
    result, lack = _assess(row, visits)
    out = {name: row.get(name) for name in AT_BERTH_CALLS.columns}
    if result is None:
        return out | {"requirement": "not assessed", "reason": lack, "verdict": f"not assessed: {lack}", "note": ""}
    # A ship that shifts between two berths is under way between first and last line: the hours at berth are fewer.
    at_berth_h = row["berth_h"]
    berth_h = min(at_berth_h, result.berth_h) if at_berth_h is not None and at_berth_h > 0.0 else result.berth_h
    uncontrolled_h = max(0.0, berth_h - result.controlled_h)
    notes = list(result.notes)
    compliant, verdict = result.compliant, result.verdict
    if compliant is False and not told:
        compliant, verdict = None, f"not told: no control is known; {result.required_h:.2f} hours are required"
    out |= {
        "category": result.scope.category,
        "requirement": result.scope.requirement,
        "reason": result.scope.reason,
        "berth_h": berth_h,
        "required_h": result.required_h,
        "compliant_h": result.compliant_h,
        "shore_power_h": result.shore_power_h,
        "other_control_h": result.other_control_h,
        "uncontrolled_h": uncontrolled_h,
        "compliant": compliant,
        "verdict": verdict,
    }
    if not at_berth.is_californian(row["port"]):
        notes.append("Emissions are worked out for Californian ports only, whose fuel rules hold here.")
    elif rate is None:
        notes.append("No load or factor is published for this ship: emissions are left out.")
    else:
        aux_kw, grade, engines, boiler = rate
        out |= {"aux_kw": aux_kw, "grade": grade}
        for at, pollutant in enumerate(POLLUTANTS):
            per_h, allowed = float(engines[at]), aux_kw * at_berth.emission_limit(pollutant).value
            out[f"without_control_{pollutant}_g"] = per_h * berth_h
            out[f"uncontrolled_{pollutant}_g"] = per_h * uncontrolled_h
            out[f"emitted_{pollutant}_g"] = per_h * uncontrolled_h + min(per_h, allowed) * result.other_control_h
            out[f"boiler_{pollutant}_g"] = float(boiler[at]) * berth_h
    return out | {"note": " ".join(notes)}


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    in_scope = [row for row in rows if row["requirement"] == "control"]

    def total(name: str, among: Sequence[dict[str, Any]]) -> float:
        return float(np.sum(np.sort([row[name] for row in among if row[name] is not None])))

    return {
        "calls": len(rows),
        "by_requirement": dict(sorted(Counter(row["requirement"] for row in rows).items())),
        "in_scope": len(in_scope),
        "compliant": sum(row["compliant"] is True for row in in_scope),
        "not_compliant": sum(row["compliant"] is False for row in in_scope),
        "not_told": sum(row["compliant"] is None for row in in_scope),
        "required_h": total("required_h", in_scope),
        "compliant_h": total("compliant_h", in_scope),
        "uncontrolled_h": total("uncontrolled_h", in_scope),
        **{f"uncontrolled_{p}_t": total(f"uncontrolled_{p}_g", in_scope) / 1e6 for p in POLLUTANTS},
        **{f"without_control_{p}_t": total(f"without_control_{p}_g", in_scope) / 1e6 for p in POLLUTANTS},
        "in_scope_without_emissions": sum(row["aux_kw"] is None for row in in_scope),
    }


def run_at_berth(
    calls: Iterable[Path | str],
    visits: Path | None = None,
    out: Path | None = None,
    *,
    method: str = "epa-2022",
    gwp: str = "ar5",
) -> AtBerthRun:
    """Read calls, assess them, and write the table and a summary if a folder is given.

    Parameters
    ----------
    calls : files or inventory folders, see `sealane.corridors.call_table.read_call_table`.
    visits : file of further controls and exceptions, see `read_visits`.
    out : folder for ``at_berth_calls.parquet`` and ``at_berth.json``; it appears whole or not at all.
    """
    if out is not None:
        check_ours(out, FILES)
    table = read_call_table(calls)
    told = read_visits(visits) if visits else None
    run = assess_calls(table.table, told, particulars=table.particulars, method=method, gwp=gwp)
    more = (note for note in table.notes if note != "SIMULATED DATA")  # said in full by the run itself
    run = AtBerthRun(run.table, run.summary, (*run.notes, *more))
    if out is not None:
        import json

        import pyarrow.parquet as pq

        content = {
            "rule": "at-berth",
            "method": method,
            "summary": run.summary,
            "notes": list(run.notes),
            "inputs": [{"name": i.name, "sha256": i.sha256, "rows": i.rows, "source": i.source} for i in table.inputs],
        }
        with whole_folder(out) as folder:
            pq.write_table(run.table, folder / AT_BERTH_CALLS.file, compression="zstd")
            (folder / SUMMARY_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return run
