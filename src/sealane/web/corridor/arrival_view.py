"""Just-in-time arrival at a corridor's ports, as its page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.compute as pc

from sealane.web.corridor.arrival_study import ArrivalStudy, Kind, Saved, arrival_study
from sealane.web.corridor.documents import reference
from sealane.web.corridor.explain_arrival import ArrivalQuery, count_figure, saving_figure
from sealane.web.corridor.models import (
    About,
    ArrivalBrief,
    ArrivalCall,
    ArrivalPage,
    NoticeRow,
    Policy,
    Published,
)
from sealane.web.derivation import Figure
from sealane.web.results import Result, ResultKind

SHOWN_CALLS = 100


def newest_studies(kept: Iterable[Result], about: About) -> list[Result]:
    """Return the newest study of each port of the corridor, in the order of the document."""
    ports = [*about.end_a.ports, *about.end_b.ports]
    found: dict[str, Result] = {}
    for one in sorted(kept, key=lambda one: one.created_at):
        if one.kind is ResultKind.ARRIVAL and one.port in ports:
            found[one.port] = one
    return [found[port] for port in ports if port in found]


def brief(result: Result) -> ArrivalBrief:
    """Return what a study says, by notice."""
    study = arrival_study(result.folder)
    return ArrivalBrief(
        result=reference(result),
        port=str(study.summary["port"]),
        judged=count_figure(study, result.id, "judged"),
        waited=count_figure(study, result.id, "waited"),
        left_out=count_figure(study, result.id, "left_out"),
        notices=[_notice(study, result.id, notice) for notice in study.notices],
    )


def _notice(study: ArrivalStudy, result_id: str, notice: str) -> NoticeRow:
    def saving(saved: Saved, kind: Kind = Kind.NET, source: Any = None) -> Figure:
        query = ArrivalQuery(notice=notice, saved=saved, kind=kind, source=source)
        return saving_figure(study, result_id, query)

    fuel: Mapping[str, Any] = study.row(notice, Saved.FUEL) or {}
    return NoticeRow(
        notice=notice,
        calls=int(fuel.get("calls") or 0),
        fuel=saving(Saved.FUEL),
        gross_fuel=saving(Saved.FUEL, Kind.GROSS),
        co2e=saving(Saved.WTW),
        gross_co2e=saving(Saved.WTW, Kind.GROSS),
        nox=saving(Saved.NOX),
        energy=saving(Saved.ENERGY),
        main=saving(Saved.ENERGY, source="main"),
        aux=saving(Saved.ENERGY, source="aux"),
        boiler=saving(Saved.ENERGY, source="boiler"),
        waiting=saving(Saved.WAITING),
        before_fuel_t=float(fuel.get("before") or 0.0),
    )


def arrival_page(about: About, studies: list[Result], chosen: Result | None, notice: str | None) -> ArrivalPage:
    """Return the page.

    Parameters
    ----------
    studies : the newest of each port.
    chosen : the one shown in full.
    notice : whose savings by call are shown; None, or one the study lacks: the longest.
    """
    ports = [brief(one) for one in studies]
    if chosen is None:
        return ArrivalPage(about=about, ports=ports, chosen=None)
    study = arrival_study(chosen.folder)
    shown = notice if notice in study.notices else (study.notices[-1] if study.notices else None)
    calls, number = _calls(study, chosen.id, shown) if shown else ([], 0)
    return ArrivalPage(
        about=about,
        ports=ports,
        chosen=brief(chosen),
        notice=shown,
        published=[Published(**row) for row in study.table("published").to_pylist()],
        policies=_policies(study),
        calls=calls,
        calls_in_all=number,
        notes=[str(note) for note in study.summary["notes"] if "SIMULATED" not in str(note)],
        minimum_speed=str(study.summary["minimum_speed"]),
        simulated=study.simulated,
    )


def _policies(study: ArrivalStudy) -> list[Policy]:
    queue = study.summary["queue"]
    return [
        Policy(
            policy=name,
            delay_h=item["delay_h"],
            at_anchor_h=item["at_anchor_h"],
            sailed_slower_h=item["sailed_slower_h"],
            fuel_t=item["fuel_t"],
            longest_h=item["fairness"]["max_delay_h"],
            mean_h=item["fairness"]["mean_delay_h"],
            gini=item["fairness"]["gini"],
            overtaken=item["fairness"]["overtaken"],
        )
        for name, item in (queue["policies"].items() if queue else ())
    ]


def _calls(study: ArrivalStudy, result_id: str, notice: str) -> tuple[list[ArrivalCall], int]:
    """The calls that would have saved most fuel."""
    ranked = study.ranked(notice, Saved.FUEL, Kind.NET)
    names = [name for name, _ in ranked[:SHOWN_CALLS]]
    chosen = pc.field("call_id").isin(names)
    ways = {row["call_id"]: row for row in study.table("approaches", chosen).to_pylist()}
    rows = {row["call_id"]: row for row in study.table("savings", chosen & (pc.field("notice") == notice)).to_pylist()}
    calls = []
    for name, value in ranked[:SHOWN_CALLS]:
        way, row = ways[name], rows[name]
        query = ArrivalQuery(notice=notice, saved=Saved.FUEL, call=name)
        calls.append(
            ArrivalCall(
                call_id=name,
                ship_name=way["ship_name"],
                imo=way["imo"],
                arrival=way["arrival"],
                wait_h=way["wait_h"],
                speed_kn=row["speed_kn"],
                new_speed_kn=row["new_speed_kn"],
                bound=row["bound"],
                grade=way["grade"],
                fuel=Figure(
                    value=value,
                    quantity="mass_t",
                    explain=query.address(result_id),
                    grade=way["grade"],
                    simulated=study.simulated,
                ),
            )
        )
    return calls, len(ranked)
