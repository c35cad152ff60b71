"""What child processes compute: the jobs of the command line, told by values instead of options."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealane.corridors.call_table import CallTable
    from sealane.emissions.user_vessels import UserVessels

Say = Callable[[str, int, int], None]
OUT = Path("out")
# Stages that the jobs name by words of their own; whatever else they name is a file that is read.
STAGES = ("cleaning", "computing")


def inventory(arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Work out an emissions inventory."""
    from sealane.inventory.request import InventoryRequest
    from sealane.jobs import run_inventory

    request = InventoryRequest(
        positions=tuple(Path(name) for name in arguments["positions"]),
        port=arguments["port"],
        out=OUT,
        vessels=_path(arguments["vessels"]),
        zones=_path(arguments["zones"]),
        method=arguments["method"],
        gwp=arguments["gwp"],
        time_from=_moment(arguments["begins_at"]),
        time_to=_moment(arguments["ends_at"]),
        format=arguments["format"],
        columns=arguments["columns"],
        keep_tracks=arguments["tracks"],
    )

    def progress(stage: str, done: int, total: int) -> None:
        say(stage if stage in STAGES else "reading", done, total)

    result = run_inventory(request, progress)
    quality = result.quality
    return {
        "rows_read": quality["rows_read"],
        "rows_rejected": quality["rows_rejected"],
        "calls": quality["calls"]["count"],
        "complete_calls": quality["calls"]["complete"],
        "vessels": quality["vessels_in_inventory"],
        "notes": list(quality["notes"])[:50],
    }


def lane(arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Work out what a lane emitted."""
    from dataclasses import replace

    import pyarrow.parquet as pq

    from sealane.corridors.call_table import read_call_table
    from sealane.corridors.lanes.document import read_corridor
    from sealane.corridors.lanes.run import run_lane
    from sealane.reports.lane_report import write_lane_report

    document = read_corridor(arguments["corridor"])
    others = [read_corridor(name) for name in arguments["beside"]]
    say("reading", 0, 1)
    calls = read_call_table(
        [Path(name) for name in arguments["calls"]], [pq.read_table(name) for name in arguments.get("partners", ())]
    )
    agreements = arguments.get("agreements", [])
    notes = [
        f"Calls of {item['source']} came under agreement {item['agreement']} version {item['version']}: "
        f"{item['state']}{' on ' + item['ended_at'] if item['ended_at'] else ''}. What had arrived before stays; "
        "nothing new comes under it."
        for item in agreements
        if item["state"] != "in force"
    ]
    calls = replace(calls, notes=(*calls.notes, *notes), agreements=tuple(agreements))
    say("computing", 0, 1)
    result = run_lane(
        document,
        calls,
        OUT,
        vessels=_vessels(arguments),
        method=arguments["method"],
        gwp=arguments["gwp"],
        attribution=arguments["attribution"],
        year=arguments["year"],
        grid_g_per_kwh=arguments["grid_g_per_kwh"],
        beside=others,
        finish=write_lane_report,
    )
    return {"rows": dict(result.rows), "notes": list(result.summary["notes"])[:50]}


def arrival(arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Work out what just-in-time arrival would have saved."""
    from sealane.corridors.arrival.just_in_time import notices
    from sealane.corridors.arrival.run import run_arrival, write_arrival
    from sealane.reports.arrival_report import write_arrival_report

    say("reading", 0, 1)
    calls = _calls(arguments)
    say("computing", 0, 1)
    result = run_arrival(
        calls,
        arguments["port"],
        notices=notices([str(one) for one in arguments["notices"]]),
        slot_notice_h=notices([str(arguments["slot_notice"])])[0],
        berths=arguments["berths"],
        min_speed_kn=arguments["min_speed_kn"],
        method=arguments["method"],
        gwp=arguments["gwp"],
        vessels=_vessels(arguments),
    )
    write_arrival(result, OUT, finish=write_arrival_report)
    return {"notes": list(result.summary["notes"])[:50]}


def scenario(arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Simulate a scenario, or several side by side."""
    from sealane.corridors.scenarios.compare import compare_scenarios
    from sealane.corridors.scenarios.ensemble import ensemble
    from sealane.corridors.scenarios.read import read_scenario
    from sealane.corridors.scenarios.simulate import simulate
    from sealane.corridors.scenarios.write import write_comparison, write_result
    from sealane.reports.comparison_report import write_comparison_report
    from sealane.reports.scenario_report import write_scenario_report

    say("computing", 0, 1)
    if arguments["compare"]:
        write_comparison(compare_scenarios([simulate(read_scenario(name)) for name in arguments["compare"]]), OUT)
        write_comparison_report(OUT)
        return {"notes": []}
    model = read_scenario(arguments["scenario"])
    draws = arguments["ensemble"]
    result = ensemble(model, draws, arguments["seed"]) if draws else simulate(model)
    write_result(result, model, OUT)
    _keep_text(arguments)
    write_scenario_report(OUT)
    return {"notes": list(result.notes)[:50]}


def plan(arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Work out a least-cost plan."""
    from sealane.corridors.plan.solve import solve_plan
    from sealane.corridors.scenarios.read import read_scenario
    from sealane.corridors.scenarios.write import write_result
    from sealane.reports.scenario_report import write_scenario_report

    model = read_scenario(arguments["scenario"])
    result = solve_plan(
        model,
        whole_ships=arguments["whole_ships"],
        progress=lambda words, done, total: say("computing", done, total),
    )
    write_result(result, model, OUT)
    _keep_text(arguments)
    write_scenario_report(OUT)
    return {"notes": list(result.notes)[:50]}


def _keep_text(arguments: Mapping[str, Any]) -> None:
    """Keep a scenario of one's own beside its result: the pages take its figures apart by it."""
    asked = Path(arguments["scenario"])
    if asked.is_file():
        shutil.copy(asked, OUT / "scenario.yaml")


def _calls(arguments: Mapping[str, Any]) -> CallTable:
    from sealane.corridors.call_table import read_call_table

    return read_call_table([Path(name) for name in arguments["calls"]])


def _vessels(arguments: Mapping[str, Any]) -> UserVessels | None:
    from sealane.emissions.user_vessels import read_user_vessels

    return None if arguments["vessels"] is None else read_user_vessels(arguments["vessels"])


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
