"""Where a figure of the replayed queue comes from: delay, fuel and fairness of one policy, down to the call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow.compute as pc

from sealane.corridors.arrival.fairness import gini, overtaken
from sealane.corridors.arrival.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.arrival_query import ArrivalQuery, PolicyFact, method_of
from sealane.web.corridor.arrival_study import ArrivalStudy
from sealane.web.corridor.lane_legs import SHOWN, rest_after, sum_of_list
from sealane.web.corridor.lane_sums import same
from sealane.web.derivation import Derivation, Figure, Input, Part, Quantity
from sealane.web.words import N_

CALLS, OTHERS = N_("port calls, largest first"), N_("all others")
POLICY_WORDS: Mapping[str, str] = {
    "fcfs": N_("First come, first served"),
    "slot": N_("Berth booked on notice"),
}
# words, quantity, column of queue.parquet, name in the study's summary
FACTS: Mapping[PolicyFact, tuple[str, Quantity, str, tuple[str, ...]]] = {
    "delay": (N_("Delay in all"), "duration_h", "delay_h", ("delay_h",)),
    "at_anchor": (N_("Delay at anchor"), "duration_h", "anchorage_h", ("at_anchor_h",)),
    "slower": (N_("Delay spent sailing slower"), "duration_h", "slow_h", ("sailed_slower_h",)),
    "burnt": (N_("Fuel of the last stretch and the waiting"), "mass_t", "fuel_t", ("fuel_t",)),
    "longest": (N_("Longest delay"), "duration_h", "delay_h", ("fairness", "max_delay_h")),
    "gini": (N_("Gini coefficient of the delays"), "ratio", "delay_h", ("fairness", "gini")),
    "overtaken": (N_("Calls that a ship ready later came before"), "count", "delay_h", ("fairness", "overtaken")),
}
_SUMS = ("delay", "at_anchor", "slower", "burnt")
_EQUATIONS: Mapping[str, str] = {
    "delay": N_("sum over calls of (all fast - ready)"),
    "at_anchor": N_("sum over calls of (delay - hours spent sailing slower)"),
    "slower": N_("sum over calls of the hours spent sailing slower"),
    "burnt": N_("sum over calls of the fuel of the last stretch and the waiting"),
    "longest": N_("largest of (all fast - ready)"),
    "gini": N_("sum_i (2 i - n - 1) x_i / (n sum x), x: delays in ascending order, i from 1"),
    "overtaken": N_("calls at whose queue a ship that was ready later was all fast earlier"),
}
_UNITS = {"duration_h": "h", "mass_t": "t", "ratio": "h", "count": "h"}


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The study holds no such figure."), Phrase("See the arrival page.")
    )


@lru_cache(maxsize=32)
def _rows(study: ArrivalStudy, policy: str) -> tuple[Mapping[str, Any], ...]:
    # A page asks for seven figures of each policy; a kept study never changes.
    return tuple(study.table("queue", pc.field("policy") == policy).to_pylist())


@lru_cache(maxsize=256)
def _ranked(study: ArrivalStudy, policy: str, column: str) -> tuple[tuple[str, float], ...]:
    found = [(row["call_id"], row[column]) for row in _rows(study, policy) if row[column] is not None]
    return tuple(sorted(found, key=lambda item: (-item[1], item[0])))


@lru_cache(maxsize=32)
def _late(study: ArrivalStudy, policy: str) -> frozenset[str]:
    """Calls that a ship ready later came before at the same queue."""
    rows = _rows(study, policy)
    queues = {name: at for at, name in enumerate(dict.fromkeys(row["terminal"] for row in rows))}
    names = [str(row["call_id"]) for row in rows]
    found = overtaken(
        np.array([queues[row["terminal"]] for row in rows], np.int64),
        np.array([_us(row["ready"]) for row in rows], np.int64),
        np.array([_us(row["berth_start"]) for row in rows], np.int64),
        names,
    )
    return frozenset(name for name, is_late in zip(names, found.tolist(), strict=True) if is_late)


def _us(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def _value(study: ArrivalStudy, policy: str, fact: PolicyFact) -> float | None:
    values = [value for _, value in _ranked(study, policy, FACTS[fact][2])]
    if not values:
        return None
    if fact == "longest":
        return values[0]
    if fact == "overtaken":
        return len(_late(study, policy))
    if fact == "gini":
        found = gini(np.array(values))
        return None if found != found else found  # noqa: PLR0124  # NaN where nobody waits
    return sum_of_list(values)


def policy_figure(study: ArrivalStudy, result_id: str, policy: str, fact: PolicyFact) -> Figure:
    """Return a figure of the queue under one policy, worked out from its calls."""
    query = ArrivalQuery.model_validate({"policy": policy, "fact": fact})
    return _figure(study, result_id, query, _value(study, policy, fact))


def _figure(study: ArrivalStudy, result_id: str, query: ArrivalQuery, value: float | None) -> Figure:
    fact = _fact(query)
    quantity = FACTS[fact][1] if not query.call or fact in _SUMS else "duration_h"
    return Figure(value=value, quantity=quantity, explain=query.address(result_id), simulated=study.simulated)


def _fact(query: ArrivalQuery) -> PolicyFact:
    found = next((fact for fact in FACTS if fact == query.fact), None)
    if found is None:
        raise _refused()
    return found


def explain_policy(study: ArrivalStudy, result_id: str, query: ArrivalQuery, most: int = SHOWN) -> Derivation:
    """Return the derivation of a figure of the queue under one policy, or of one call in it.

    Raises
    ------
    RequestRefusedError
        404 where the study holds no such figure.
    """
    fact, policy = _fact(query), str(query.policy)
    if not _rows(study, policy):
        raise _refused()
    if query.call:
        return _of_call(study, result_id, query, fact)
    words, _, column, _ = FACTS[fact]
    ranked = _ranked(study, policy, column)
    parts: list[Part] = []
    inputs: list[Input] = []
    value = _value(study, policy, fact)
    if fact in _SUMS:
        values = [value for _, value in ranked]
        for call, number in ranked[query.after : query.after + SHOWN]:
            own = query.but(call=call, after=0)
            parts.append(Part(label=call, figure=_figure(study, result_id, own, number)))
        rest = rest_after(values, query.after)
        if rest is not None:
            following = query.but(after=query.after + SHOWN)
            parts.append(Part(label=OTHERS, figure=_figure(study, result_id, following, rest)))
        value = sum_of_list(values, query.after) if values else None
    else:
        inputs = _listed(study, result_id, query, fact, most)
    notes = [N_("Gini 0: all wait the same.")] if fact == "gini" else []
    unknown = len(_rows(study, policy)) - len(ranked)
    if unknown:
        inputs = [*_of_how_many(len(ranked), unknown), *inputs]
        notes.append(N_("Calls without this figure are not in the sum; the inputs say how many."))
    return Derivation(
        title=words,
        figure=_figure(study, result_id, query, value),
        equation=_EQUATIONS[fact],
        filters=_filters(study, policy),
        inputs=inputs,
        parts=parts,
        part_dimension=CALLS if parts else "",
        notes=[*notes, *_against_summary(study, query, fact, unknown)],
        method=method_of(study),
        source_files=[TABLES["queue"].file],
    )


def _of_how_many(known: int, unknown: int) -> list[Input]:
    return [
        Input(name=N_("calls replayed"), value=known + unknown, origin="computed"),
        Input(name=N_("of them without this figure"), value=unknown, origin="missing"),
    ]


def _filters(study: ArrivalStudy, policy: str) -> dict[str, str]:
    notice = str((study.summary["queue"] or {}).get("notice"))
    booked = {N_("Booked"): N_("the whole voyage") if notice == "voyage" else f"{notice} h"} if policy == "slot" else {}
    return {N_("Port"): str(study.summary["port"]), N_("Policy"): POLICY_WORDS[policy]} | booked


def _listed(study: ArrivalStudy, result_id: str, query: ArrivalQuery, fact: PolicyFact, most: int) -> list[Input]:
    """The delays that a longest one, a Gini coefficient or a count is found among, each with its call."""
    ranked = _ranked(study, str(query.policy), "delay_h")
    if fact == "overtaken":
        late = _late(study, str(query.policy))
        chosen = [item for item in ranked if item[0] in late]
    else:
        chosen = list(ranked)
    shown = chosen[query.after : query.after + most]
    inputs = [Input(name=N_("calls replayed"), value=len(ranked), origin="computed")]
    if fact == "gini":
        total = sum_of_list([value for _, value in ranked])
        link = query.but(fact="delay", after=0).address(result_id)
        inputs.append(Input(name=N_("sum of the delays"), value=total, unit="h", origin="computed", link=link))
    inputs += [
        Input(
            name=call, value=value, unit="h", origin="computed",
            link=query.but(fact="delay", call=call, after=0).address(result_id),
        )
        for call, value in shown
    ]  # fmt: skip
    left = len(chosen) - query.after - len(shown)
    if left > 0:
        link = query.but(after=query.after + len(shown)).address(result_id)
        inputs.append(Input(name=OTHERS, value=left, unit=N_("port calls"), origin="computed", link=link))
    return inputs


def _against_summary(study: ArrivalStudy, query: ArrivalQuery, fact: PolicyFact, unknown: int) -> list[str]:
    """Say whether the calls give what the summary holds."""
    if query.after:
        return []
    held: Any = study.summary["queue"]["policies"][str(query.policy)]
    for name in FACTS[fact][3]:
        held = held[name]
    if held is None and unknown:  # of calls some of which have no figure the study holds no sum
        return []
    if same(held, _value(study, str(query.policy), fact)):
        return [N_("The summary of the study holds the same figure, but for the order of addition.")]
    return [f"arrival.json holds {held!r}, which differs: tell the node's operator."]


def _of_call(study: ArrivalStudy, result_id: str, query: ArrivalQuery, fact: PolicyFact) -> Derivation:
    row = next((one for one in _rows(study, str(query.policy)) if one["call_id"] == query.call), None)
    if row is None:
        raise _refused()
    column = FACTS[fact][2]
    times = [
        Input(
            name=words,
            value=f"{row[name]:%Y-%m-%d %H:%M:%S} UTC",
            origin="observed" if name == "ready" else "computed",
            source=N_("port call") if name == "ready" else N_("replay of the queue"),
        )
        for name, words in (
            ("ready", N_("ready to be at its berth, at its own speed")),
            ("booked", N_("its place in the queue was decided")),
            ("berth_start", N_("all fast")),
        )
    ]
    numbers = [
        Input(name=words, value=row[name], unit=unit, origin="computed")
        for name, words, unit in (
            ("delay_h", N_("delay"), "h"),
            ("slow_h", N_("hours spent sailing slower"), "h"),
            ("anchorage_h", N_("hours at anchor"), "h"),
            ("speed_kn", N_("speed of the last stretch"), "kn"),
            ("order", N_("place in the order of berthing of its queue"), ""),
        )
        if name != column
    ]
    equations = {"slow_h": N_("delay - hours at anchor"), "anchorage_h": N_("delay - hours spent sailing slower")}
    equation = {"delay_h": N_("all fast - ready"), "fuel_t": ""}.get(column, equations.get(column, ""))
    notes = []
    if column == "fuel_t":
        notes.append(N_("Priced over the stretch of the notice and the hours at anchor; see docs/method/arrival.md."))
    return Derivation(
        title=FACTS[fact][0],
        figure=_figure(study, result_id, query, row[column]),
        equation=equation,
        filters=_filters(study, str(query.policy)) | {
            N_("Port call"): str(query.call),
            N_("Queue"): str(row["terminal"]),
        },
        inputs=[*times, *numbers],
        notes=notes,
        method=method_of(study),
        source_files=[TABLES["queue"].file],
    )  # fmt: skip
