"""Where a figure of just-in-time arrival comes from: calls, then what each call's speed and waiting would have been."""

from __future__ import annotations

import math
from typing import Any

import pyarrow.compute as pc

from sealane.corridors.arrival.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.arrival_query import ArrivalQuery, method_of
from sealane.web.corridor.arrival_study import SAVINGS, SOURCE_WORDS, SOURCES, VOYAGE, ArrivalStudy, Kind, Saved
from sealane.web.corridor.explain_calls import BOUND_WORDS, call_fact, counted, least_load_row, study_fact
from sealane.web.corridor.explain_queue import explain_policy
from sealane.web.corridor.lane_legs import SHOWN, rest_after, sum_of_list
from sealane.web.corridor.lane_sums import same
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_

CALLS, OTHERS = N_("port calls, largest first"), N_("all others")
_NET = "v' = max(v_min, d / (d / v + W)); net = (sailing at v + waiting W) - (sailing at v' + waiting left)"
_GROSS = "cubic law, no least speed, and all of the anchorage's fuel saved while the longer passage costs none"


def saving_figure(study: ArrivalStudy, result_id: str, query: ArrivalQuery) -> Figure:
    """Return a saving as a figure."""
    value = study.saving(query.notice, query.saved, query.kind, query.source)
    return _figure(study, result_id, query, value)


def _figure(study: ArrivalStudy, result_id: str, query: ArrivalQuery, value: float | None, **more: Any) -> Figure:
    return Figure(
        value=value,
        quantity=SAVINGS[query.saved].quantity,
        explain=query.address(result_id),
        simulated=study.simulated,
        **more,
    )


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The study holds no such figure."), Phrase("See the arrival page.")
    )


def explain_arrival(study: ArrivalStudy, result_id: str, query: ArrivalQuery, most: int = SHOWN) -> Derivation:
    """Return the derivation of a figure of an arrival study.

    Parameters
    ----------
    most : values listed, where a figure is found among values and is not their sum.

    Raises
    ------
    RequestRefusedError
        404 where the study holds no such figure.
    """
    if query.policy:
        return explain_policy(study, result_id, query, most)
    if query.count and query.count != "notice":
        return counted(study, result_id, query, most)
    if query.notice not in study.notices:
        raise _refused()
    if query.count:
        return counted(study, result_id, query, most)
    if query.fact:
        return (call_fact if query.call else study_fact)(study, result_id, query, most)
    if query.call:
        return _call(study, result_id, query)
    if query.saved is Saved.ENERGY and query.kind is Kind.NET and query.source is None:
        return _by_source(study, result_id, query)
    return _by_call(study, result_id, query)


def _filters(study: ArrivalStudy, query: ArrivalQuery) -> dict[str, str]:
    found = {
        N_("Port"): str(study.summary["port"]),
        N_("Notice"): N_("the whole voyage") if query.notice == VOYAGE else f"{query.notice} h",
        N_("Saving"): N_("net of hotel load and least speed") if query.kind is Kind.NET else N_("gross"),
    }
    return found | ({N_("Source"): SOURCE_WORDS[query.source]} if query.source else {})


def _by_source(study: ArrivalStudy, result_id: str, query: ArrivalQuery) -> Derivation:
    parts = [
        Part(label=SOURCE_WORDS[one], figure=saving_figure(study, result_id, query.but(source=one))) for one in SOURCES
    ]
    return Derivation(
        title=SAVINGS[query.saved].words,
        figure=saving_figure(study, result_id, query),
        equation=_NET,
        filters=_filters(study, query),
        parts=parts,
        part_dimension=N_("source"),
        notes=[*_against_summary(study, query), N_("Hotel load below 0: it lasts longer when a ship sails slower.")],
        method=method_of(study),
        source_files=[TABLES[name].file for name in ("savings", "summary")],
    )


def _by_call(study: ArrivalStudy, result_id: str, query: ArrivalQuery) -> Derivation:
    found = study.ranked(query.notice, query.saved, query.kind, query.source)
    if not found:
        raise _refused()
    values = [value for _, value in found]
    shown = found[query.after : query.after + SHOWN]
    parts = [
        Part(label=call, figure=_figure(study, result_id, query.but(call=call, after=0), value))
        for call, value in shown
    ]
    rest = rest_after(values, query.after)
    if rest is not None:
        following = query.but(after=query.after + SHOWN)
        parts.append(Part(label=OTHERS, figure=_figure(study, result_id, following, rest)))
    return Derivation(
        title=SAVINGS[query.saved].words,
        figure=_figure(study, result_id, query, sum_of_list(values, query.after)),
        equation=_NET if query.kind is Kind.NET else _GROSS,
        filters=_filters(study, query),
        parts=parts,
        part_dimension=CALLS,
        notes=_against_summary(study, query),
        method=method_of(study),
        source_files=[TABLES[name].file for name in ("savings", "emissions", "summary")],
    )


def _against_summary(study: ArrivalStudy, query: ArrivalQuery) -> list[str]:
    """Say whether the calls give what the summary holds."""
    row = study.row(query.notice, query.saved)
    if query.after or query.source or row is None or row[f"{query.kind}_saved"] is None:
        return []
    held, ours = row[f"{query.kind}_saved"], study.saving(query.notice, query.saved, query.kind)
    # The summary subtracts two large sums, so that digits are lost there: it is compared on their scale.
    if same(held, ours) or (ours is not None and abs(held - ours) <= 1e-9 * max(abs(row["before"]), 1.0)):
        return [N_("The summary of the study holds the same figure, but for the order of addition.")]
    return [f"summary.parquet holds {held!r}, which differs: tell the node's operator."]


def _call(study: ArrivalStudy, result_id: str, query: ArrivalQuery) -> Derivation:
    where = pc.field("call_id") == str(query.call)
    approaches = study.table("approaches", where).to_pylist()
    savings = study.table("savings", where & (pc.field("notice") == query.notice)).to_pylist()
    values = dict(study.ranked(query.notice, query.saved, query.kind, query.source))
    if not approaches or not savings or query.call not in values:
        raise _refused()
    way, saved = approaches[0], savings[0]
    filled = way["distance_source"] != "sailed"
    inputs = [
        Input(name=N_("waiting W"), value=way["wait_h"], unit="h", origin="observed", source=N_("port call")),
        Input(
            name=N_("speed v without notice"),
            value=saved["speed_kn"],
            unit="kn",
            origin="filled" if way["speed_source"] == "class" else "computed",
            source=N_("usual speed of the class") if way["speed_source"] == "class" else N_("distance over time"),
        ),
        Input(
            name=N_("way still to go d"),
            value=saved["remaining_nm"],
            unit="nm",
            origin="filled" if filled else "observed",
            source=str(way["distance_source"]),
        ),
        Input(name=N_("time still to go d / v"), value=saved["remaining_h"], unit="h", origin="computed"),
        Input(
            name=N_("least speed v_min"),
            value=way["min_speed_kn"],
            unit="kn",
            origin="computed",
            source=str(study.summary["minimum_speed"]),
        ),
        Input(
            name=N_("speed v' with notice"),
            value=saved["new_speed_kn"],
            unit="kn",
            origin="computed",
            source=BOUND_WORDS[saved["bound"]],
        ),
        Input(name=N_("waiting absorbed"), value=saved["absorbed_h"], unit="h", origin="computed"),
        Input(name=N_("waiting left"), value=saved["left_wait_h"], unit="h", origin="computed"),
    ]
    parts = []
    if query.saved is Saved.ENERGY and query.kind is Kind.NET and query.source is None:
        parts = [
            Part(
                label=SOURCE_WORDS[one],
                figure=_figure(study, result_id, query.but(source=one), saved[f"{one}_saved_kwh"]),
            )
            for one in SOURCES
        ]
    value = math.fsum(saved[f"{one}_saved_kwh"] for one in SOURCES) if parts else values[query.call]
    ship = f"{way['ship_name'] or ''} {way['imo'] or way['mmsi'] or ''}".strip()
    return Derivation(
        title=SAVINGS[query.saved].words,
        figure=_figure(study, result_id, query, value, grade=way["grade"]),
        equation=_NET if query.kind is Kind.NET else _GROSS,
        filters=_filters(study, query) | {N_("Port call"): str(query.call), N_("Ship"): ship},
        inputs=inputs,
        rows=[least_load_row()] if saved["bound"] == "minimum_speed" else [],
        parts=parts,
        part_dimension=N_("source") if parts else "",
        method=method_of(study),
        source_files=[TABLES[name].file for name in ("approaches", "savings", "emissions")],
    )
