"""Where figures of calls and counts of calls of an arrival study come from, and the means beside a published study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from sealane.corridors.arrival.just_in_time import least_load
from sealane.corridors.arrival.schemas import TABLES
from sealane.corridors.arrival.tables import CONTAINER
from sealane.errors import Phrase, RequestRefusedError
from sealane.reference import load_table
from sealane.web.corridor.arrival_query import ArrivalQuery, CallFact, StudyFact, method_of
from sealane.web.corridor.arrival_study import VOYAGE, ArrivalStudy
from sealane.web.corridor.lane_sums import same
from sealane.web.derivation import Derivation, Figure, Input, PublishedRow, Quantity
from sealane.web.words import N_

OTHERS = N_("all others")
COUNTS: Mapping[str, str] = {
    "judged": N_("Calls of the port that could be judged"),
    "waited": N_("Calls that waited at anchor"),
    "left_out": N_("Calls that could not be judged"),
    "notice": N_("Calls to which the notice applies"),
}
BOUND_WORDS = {
    "none": N_("all waiting became sailing"),
    "no_wait": N_("the ship did not wait"),
    "minimum_speed": N_("held at the least speed"),
    "below_minimum": N_("the ship was slower already"),
}
# words, quantity
CALL_FACTS: Mapping[CallFact, tuple[str, Quantity]] = {
    "wait": (N_("Waiting at anchor"), "duration_h"),
    "speed": (N_("Speed without notice"), "speed_kn"),
    "new_speed": (N_("Speed with notice"), "speed_kn"),
}
# words, column of published.parquet, column of savings.parquet
STUDY_FACTS: Mapping[StudyFact, tuple[str, str, str]] = {
    "published": (N_("Mean fuel saving of the published study"), "published_pct", ""),
    "all": (N_("Mean fuel saving of all container voyages"), "all_pct", "net_saved_pct"),
    "waiting": (N_("Mean fuel saving of the container voyages that waited"), "waiting_pct", "net_saved_pct"),
    "cubic": (N_("Mean fuel saving by the cubic law alone"), "cubic_pct", "cubic_pct"),
    "voyages": (N_("Container voyages with a known passage"), "voyages", ""),
}


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The study holds no such figure."), Phrase("See the arrival page.")
    )


def least_load_row() -> PublishedRow:
    """The published least load of a main engine, from which a ship's least speed follows."""
    row = load_table("arrival_limits").row("least_main_engine_load")
    return PublishedRow(
        table="arrival_limits",
        key="least_main_engine_load",
        value=least_load(),
        unit=row.unit,
        source=row.source,
        edition=row.edition,
        grade=row.grade,
        valid_from=str(row.valid_from),
    )


def said_notice(notice: str) -> dict[str, str]:
    """A notice in words."""
    return {N_("Notice"): N_("the whole voyage") if notice == VOYAGE else f"{notice} h"}


def count_figure(study: ArrivalStudy, result_id: str, query: ArrivalQuery) -> Figure:
    """Return a number of calls as a figure."""
    value = study.summary["calls"].get(str(query.count))
    if query.count == "notice":
        value = len(study.calls_of(query.notice))
    return Figure(value=value, quantity="count", explain=query.address(result_id), simulated=study.simulated)


def counted(study: ArrivalStudy, result_id: str, query: ArrivalQuery, most: int) -> Derivation:
    """Return the derivation of a number of calls: the calls themselves."""
    words, source = {N_("Port"): str(study.summary["port"])}, "approaches"
    if query.count == "left_out":
        source = "left_out"
        rows = study.table("left_out").to_pylist()
        every = [Input(name=r["call_id"], value=None, origin="missing", source=r["reason"]) for r in rows]
    elif query.count == "notice":
        source = "savings"
        words |= said_notice(query.notice) | {N_("Counted"): N_("calls of the table of savings")}
        every = [
            Input(name=call, value=1, unit=N_("port call"), origin="computed",
                  link=ArrivalQuery(notice=query.notice, call=call).address(result_id))
            for call in study.calls_of(query.notice)
        ]  # fmt: skip
    else:
        waited = query.count == "waited"
        rows = study.table("approaches", pc.field("wait_h") > 0.0 if waited else None).to_pylist()
        counted_as = N_("calls whose hours at anchor are above 0") if waited else N_("calls of the table of approaches")
        words |= {N_("Counted"): counted_as}
        longest = study.notices[-1] if study.notices else VOYAGE
        known = set(study.calls_of(longest))
        every = [
            Input(name=r["call_id"], value=r["wait_h"], unit=N_("h at anchor"), origin="observed",
                  link=call_address(result_id, longest, r["call_id"], "wait") if r["call_id"] in known else None)
            for r in sorted(rows, key=lambda r: (-r["wait_h"], r["call_id"]))
        ]  # fmt: skip
    return Derivation(
        title=COUNTS[str(query.count)],
        figure=count_figure(study, result_id, query.but(after=0)),
        filters=words,
        inputs=_page(every, result_id, query, most),
        method=method_of(study),
        source_files=[TABLES[source].file],
    )


def _page(every: list[Input], result_id: str, query: ArrivalQuery, most: int) -> list[Input]:
    """A page of a list, and how many stand behind it."""
    shown = every[query.after : query.after + most]
    left = len(every) - query.after - len(shown)
    if left <= 0:
        return shown
    link = query.but(after=query.after + len(shown)).address(result_id)
    return [*shown, Input(name=OTHERS, value=left, unit=N_("port calls"), origin="computed", link=link)]


def call_address(result_id: str, notice: str, call: str, fact: CallFact) -> str:
    """Address of the derivation of a call's waiting or speed."""
    return ArrivalQuery(notice=notice, call=call, fact=fact).address(result_id)


def call_figure(
    study: ArrivalStudy, result_id: str, notice: str, call: str, fact: CallFact, value: float | None
) -> Figure:
    """Return a call's waiting or speed as a figure."""
    at = call_address(result_id, notice, call, fact)
    return Figure(value=value, quantity=CALL_FACTS[fact][1], explain=at, simulated=study.simulated)


def call_fact(study: ArrivalStudy, result_id: str, query: ArrivalQuery, most: int) -> Derivation:
    """Return the derivation of a call's waiting, or of its speed without or with notice."""
    fact = next((one for one in CALL_FACTS if one == query.fact), None)
    where = pc.field("call_id") == str(query.call)
    ways = study.table("approaches", where).to_pylist()
    rows = study.table("savings", where & (pc.field("notice") == query.notice)).to_pylist()
    if fact is None or not ways or not rows:
        raise _refused()
    way, row = ways[0], rows[0]
    value = {"wait": way["wait_h"], "speed": row["speed_kn"], "new_speed": row["new_speed_kn"]}[fact]
    equation, inputs, rests_on = {"wait": _waiting, "speed": _speed, "new_speed": _new_speed}[fact](
        study, result_id, query, way, row
    )
    ship = f"{way['ship_name'] or ''} {way['imo'] or way['mmsi'] or ''}".strip()
    own = call_figure(study, result_id, query.notice, str(query.call), fact, value)
    words = {N_("Port"): str(study.summary["port"]), N_("Port call"): str(query.call), N_("Ship"): ship}
    return Derivation(
        title=CALL_FACTS[fact][0],
        figure=own,
        equation=equation,
        filters=words | (said_notice(query.notice) if fact == "new_speed" else {}),
        inputs=inputs,
        rows=rests_on,
        method=method_of(study),
        source_files=[TABLES[name].file for name in ("approaches", "savings")],
    )


_Found = tuple[str, list[Input], list[PublishedRow]]
_Row = Mapping[str, Any]


def _waiting(study: ArrivalStudy, result_id: str, query: ArrivalQuery, way: _Row, row: _Row) -> _Found:
    inputs = [
        Input(
            name=words,
            value=None if way[name] is None else f"{way[name]:%Y-%m-%d %H:%M:%S} UTC",
            origin="missing" if way[name] is None else "observed",
            source=N_("port call"),
        )
        for name, words in (("arrival", N_("arrival at the port limit")), ("berth_start", N_("first all fast")))
    ]
    hours = Input(
        name=N_("hours at anchor before the berth"),
        value=way["wait_h"],
        unit="h",
        origin="observed",
        source=N_("port call"),
    )
    return N_("hours at anchor between arrival and all fast"), [*inputs, hours], []


def _speed(study: ArrivalStudy, result_id: str, query: ArrivalQuery, way: _Row, row: _Row) -> _Found:
    if way["speed_source"] == "class":
        words = N_("usual speed of the class")
        value = Input(name=words, value=row["speed_kn"], unit="kn", origin="filled", source=str(way["ship_class"]))
        return N_("usual speed of the class: the passage is not known"), [value], []
    sailed = way["distance_source"] == "sailed"
    return (
        N_("length of the passage / time under way"),
        [
            Input(name=N_("length of the passage"), value=way["distance_nm"], unit="nm",
                  origin="observed" if sailed else "filled", source=str(way["distance_source"])),
            Input(name=N_("time under way"), value=way["sailing_h"], unit="h", origin="observed",
                  source=f"{way['from_port'] or ''} {way['left'] or ''}".strip()),
        ],
        [],
    )  # fmt: skip


def _new_speed(study: ArrivalStudy, result_id: str, query: ArrivalQuery, way: _Row, row: _Row) -> _Found:
    def at(fact: CallFact) -> str:
        return call_address(result_id, query.notice, str(query.call), fact)

    inputs = [
        Input(name=N_("way still to go d"), value=row["remaining_nm"], unit="nm",
              origin="observed" if way["distance_source"] == "sailed" else "filled",
              source=str(way["distance_source"])),
        Input(name=N_("speed v without notice"), value=row["speed_kn"], unit="kn", origin="computed", link=at("speed")),
        Input(name=N_("waiting W"), value=way["wait_h"], unit="h", origin="observed", link=at("wait")),
        Input(name=N_("least speed v_min"), value=way["min_speed_kn"], unit="kn", origin="computed",
              source=str(study.summary["minimum_speed"])),
        Input(name=N_("What ended the slowing"), value=BOUND_WORDS[row["bound"]], origin="computed"),
    ]  # fmt: skip
    rests_on = [least_load_row()] if row["bound"] == "minimum_speed" else []
    return "v' = min(v, max(v_min, d / (d / v + W)))", inputs, rests_on


def study_figure(study: ArrivalStudy, result_id: str, notice: str, fact: StudyFact, value: float | None) -> Figure:
    """Return a figure of the comparison with the published study."""
    at = ArrivalQuery(notice=notice, fact=fact).address(result_id)
    if fact == "voyages":
        return Figure(value=value, quantity="count", explain=at, simulated=study.simulated)
    return Figure(
        value=value, quantity="other", unit="%", explain=at, simulated=study.simulated and fact != "published"
    )


def study_fact(study: ArrivalStudy, result_id: str, query: ArrivalQuery, most: int) -> Derivation:
    """Return the derivation of a mean beside the published one, of that itself, or of how many voyages it is of."""
    fact = next((one for one in STUDY_FACTS if one == query.fact), None)
    held = next((row for row in study.table("published").to_pylist() if row["notice"] == query.notice), None)
    if fact is None or held is None:
        raise _refused()
    words, column, taken = STUDY_FACTS[fact]
    own = study_figure(study, result_id, query.notice, fact, held[column])
    if fact == "published":
        return _published(study, query, own, words)
    found = container_voyages(study, query.notice, waited=fact == "waiting")
    values = [row[taken] for row in found if taken and row[taken] is not None]
    inputs = [Input(name=N_("container voyages with a known passage"), value=len(found), origin="computed")]
    if fact == "waiting":
        inputs[0] = inputs[0].model_copy(update={"name": N_("of them waited")})
    ours: float | None = len(found)
    if taken:
        total = math.fsum(values)
        ours = total / len(values) if values else None
        inputs.append(Input(name=N_("sum of the values"), value=total, unit="%", origin="computed"))
    every = [
        Input(
            name=row["call_id"],
            value=row[taken] if taken else 1,
            unit="%" if taken else N_("voyage"),
            origin="computed",
            link=ArrivalQuery(notice=query.notice, call=row["call_id"]).address(result_id),
        )
        for row in sorted(found, key=lambda row: (-(row[taken] or 0.0) if taken else 0.0, row["call_id"]))
    ]
    holds = same(held[column], ours)
    note = N_("The study's own table holds the same figure, but for the order of addition.")
    notes = [note] if holds else [f"published.parquet holds {held[column]!r}, which differs: tell the node's operator."]
    if fact in ("all", "waiting"):
        notes.append(N_("Fuel saved net of hotel load and least speed, of the voyage's fuel, waiting included."))
    return Derivation(
        title=words,
        figure=own,
        equation=N_("sum of the values / how many they are") if taken else "",
        filters={N_("Port"): str(study.summary["port"])} | said_notice(query.notice) | {
            N_("Ship class"): CONTAINER,
            N_("Counted"): N_("calls whose passage and fuel are known"),
        },
        inputs=[*inputs, *_page(every, result_id, query, most)],
        notes=notes,
        method=method_of(study),
        source_files=[TABLES[name].file for name in ("published", "savings", "approaches")],
    )  # fmt: skip


def container_voyages(study: ArrivalStudy, notice: str, *, waited: bool = False) -> list[dict[str, Any]]:
    """Rows of savings of the container voyages whose passage and fuel are known."""
    where = (pc.field("ship_class") == CONTAINER) & (pc.field("voyage_fuel_t") > 0.0)
    if waited:
        where &= pc.field("wait_h") > 0.0
    names = set(study.table("approaches", where)["call_id"].to_pylist())
    rows = study.table("savings", pc.field("notice") == notice).to_pylist()
    return [row for row in rows if row["call_id"] in names]


def _published(study: ArrivalStudy, query: ArrivalQuery, own: Figure, words: str) -> Derivation:
    rows = [
        PublishedRow(
            table="just_in_time_published",
            key=f"fuel_saving, {query.notice}",
            value=row.value,
            unit=row.unit,
            source=row.source,
            edition=row.edition,
            grade=row.grade,
            valid_from=str(row.valid_from),
        )
        for row in load_table("just_in_time_published").find(subject="fuel_saving")
        if row.text("case") == query.notice
    ]
    return Derivation(
        title=words,
        figure=own,
        filters=said_notice(query.notice),
        rows=rows,
        notes=[] if rows else [N_("Nothing was published for this notice.")],
        method=method_of(study),
        source_files=[TABLES["published"].file],
    )
