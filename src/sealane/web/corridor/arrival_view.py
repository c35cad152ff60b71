"""Just-in-time arrival at a corridor's ports, as its page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.compute as pc

from sealane.web.corridor.arrival_query import ArrivalQuery, PolicyFact, StudyFact
from sealane.web.corridor.arrival_study import ArrivalStudy, Kind, Saved, arrival_study
from sealane.web.corridor.documents import reference
from sealane.web.corridor.explain_arrival import saving_figure
from sealane.web.corridor.explain_calls import call_figure, count_figure, study_figure
from sealane.web.corridor.explain_queue import policy_figure
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
        judged=count_figure(study, result.id, ArrivalQuery(count="judged")),
        waited=count_figure(study, result.id, ArrivalQuery(count="waited")),
        left_out=count_figure(study, result.id, ArrivalQuery(count="left_out")),
        notices=[_notice(study, result.id, notice) for notice in study.notices],
    )


def _notice(study: ArrivalStudy, result_id: str, notice: str) -> NoticeRow:
    def saving(saved: Saved, kind: Kind = Kind.NET, source: Any = None) -> Figure:
        query = ArrivalQuery(notice=notice, saved=saved, kind=kind, source=source)
        return saving_figure(study, result_id, query)

    fuel: Mapping[str, Any] = study.row(notice, Saved.FUEL) or {}
    return NoticeRow(
        notice=notice,
        calls=count_figure(study, result_id, ArrivalQuery(count="notice", notice=notice)),
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
    calls = _calls(study, chosen.id, shown) if shown else []
    return ArrivalPage(
        about=about,
        ports=ports,
        chosen=brief(chosen),
        notice=shown,
        published=[_published(study, chosen.id, row) for row in study.table("published").to_pylist()],
        policies=_policies(study, chosen.id),
        calls=calls,
        calls_in_all=count_figure(study, chosen.id, ArrivalQuery(count="notice", notice=shown)) if shown else None,
        notes=[str(note) for note in study.summary["notes"] if "SIMULATED" not in str(note)],
        minimum_speed=str(study.summary["minimum_speed"]),
        simulated=study.simulated,
    )


def _published(study: ArrivalStudy, result_id: str, row: Mapping[str, Any]) -> Published:
    def of(fact: StudyFact, column: str) -> Figure:
        return study_figure(study, result_id, row["notice"], fact, row[column])

    return Published(
        notice=row["notice"],
        published=of("published", "published_pct"),
        all_voyages=of("all", "all_pct"),
        waiting=of("waiting", "waiting_pct"),
        cubic=of("cubic", "cubic_pct"),
        voyages=of("voyages", "voyages"),
        explanation=row["explanation"],
    )


def _policies(study: ArrivalStudy, result_id: str) -> list[Policy]:
    def of(policy: str, fact: PolicyFact) -> Figure:
        return policy_figure(study, result_id, policy, fact)

    queue = study.summary["queue"]
    return [
        Policy(
            policy=name,
            delay=of(name, "delay"),
            at_anchor=of(name, "at_anchor"),
            sailed_slower=of(name, "slower"),
            fuel=of(name, "burnt"),
            longest=of(name, "longest"),
            gini=of(name, "gini"),
            overtaken=of(name, "overtaken"),
        )
        for name in (queue["policies"] if queue else ())
    ]


def _calls(study: ArrivalStudy, result_id: str, notice: str) -> list[ArrivalCall]:
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
                wait=call_figure(study, result_id, notice, name, "wait", way["wait_h"]),
                speed=call_figure(study, result_id, notice, name, "speed", row["speed_kn"]),
                new_speed=call_figure(study, result_id, notice, name, "new_speed", row["new_speed_kn"]),
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
    return calls
