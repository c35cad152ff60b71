"""The pure decision: order of its rules, edges of its intervals, and what it refuses to judge."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agreements.oracle import leaves
from tests.faults import a1_decisions
from tests.faults.a1_world import Maker

from sealane.agreements.clauses import (
    Clause,
    Decision,
    Granularity,
    Grouping,
    Outcome,
    Period,
    Prohibition,
    Reason,
    Record,
    RowFilter,
    Terms,
)
from sealane.agreements.decisions import END_OF_TIME, decide
from sealane.errors import DataError

UTC = dt.UTC
TICK = dt.timedelta(microseconds=1)
START = dt.datetime(2026, 1, 1, tzinfo=UTC)
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=UTC)
CLAUSE = Clause(
    id="calls",
    provider="nagoya",
    recipients=("los-angeles",),
    dataset="port-calls",
    fields=("portCall", "vessel.name"),
    purposes=frozenset({"berth-planning"}),
    granularity=Granularity.RECORD,
    rows=RowFilter(),
    delay=dt.timedelta(hours=1),
    valid_from=START,
    valid_until=dt.datetime(2027, 1, 1, tzinfo=UTC),
)
TERMS = Terms("an-agreement", 3, CLAUSE)
RECORD = Record(
    dataset="port-calls",
    id="1",
    occurred_at=dt.datetime(2026, 6, 1, 9, tzinfo=UTC),
    known_at=dt.datetime(2026, 6, 1, 10, tzinfo=UTC),
    port="JPNGO",
    terminal="T1",
    vessel_imo="9321483",
    body={"portCall": {"UNLocationCode": "JPNGO"}, "vessel": {"name": "SIMULATED", "draft": 9.5}},
)


def ask(terms: Terms = TERMS, record: Record = RECORD, now: dt.datetime = NOW, **other: Any) -> Decision:
    purpose = other.get("purpose", "berth-planning")
    return decide(record, terms, now, purpose, other.get("granularity", Granularity.RECORD))


def clause(**changes: Any) -> Terms:
    return replace(TERMS, clause=replace(CLAUSE, **changes))


def rows(**changes: Any) -> Terms:
    return clause(rows=RowFilter(**changes))


def test_a_record_is_trimmed_to_the_clause() -> None:
    found = ask()
    assert found == Decision(
        Outcome.TRIM,
        Reason.FIELDS_TRIMMED,
        "an-agreement",
        3,
        "calls",
        {"portCall": {"UNLocationCode": "JPNGO"}, "vessel": {"name": "SIMULATED"}},
        ("vessel.draft",),
        None,
    )
    whole = ask(clause(fields=("portCall", "vessel")))
    assert (whole.outcome, whole.reason, whole.withheld_fields) == (Outcome.ALLOW, Reason.ALL_AGREED, ())
    assert whole.body is RECORD.body


def test_the_first_rule_in_the_order_of_the_reasons_decides() -> None:
    """Everything is wrong at once; put right one after the other, the reasons come in their order."""
    wrong = Terms(
        "an-agreement",
        3,
        replace(
            CLAUSE,
            dataset="vessel-schedules",
            granularity=Granularity.AGGREGATE,
            grouping=Grouping(("portCall.UNLocationCode",), (), Period.DAY, "vessel.name", 3),
            valid_from=NOW + TICK,
            valid_until=NOW,
            purposes=frozenset(),
            rows=RowFilter(frozenset({"USLAX"}), frozenset({"T9"}), frozenset({"9074729"}), NOW, NOW + TICK),
            fields=("nothing",),
        ),
        (Prohibition("p", frozenset({"port-calls"}), (), frozenset({"berth-planning"}), "a law"),),
    )
    mended: list[tuple[Reason, dict[str, Any]]] = [
        (Reason.OTHER_DATASET, {"dataset": "port-calls"}),
        (Reason.CLAUSE_NOT_YET_VALID, {"valid_from": START}),
        (Reason.CLAUSE_EXPIRED, {"valid_until": None}),
        (Reason.PURPOSE_NOT_AGREED, {"purposes": CLAUSE.purposes}),
        (Reason.GRANULARITY_TOO_FINE, {"granularity": Granularity.RECORD}),
        (Reason.PORT_OUTSIDE, {"ports": frozenset({"JPNGO"})}),
        (Reason.TERMINAL_OUTSIDE, {"terminals": frozenset({"T1"})}),
        (Reason.VESSEL_OUTSIDE, {"vessels": frozenset({"9321483"})}),
        (Reason.TIME_OUTSIDE, {"occurred_from": START}),
        (Reason.DELAY_RUNNING, {"delay": dt.timedelta(hours=2)}),
        (Reason.NO_FIELD_LEFT, {"fields": CLAUSE.fields}),
        (Reason.FIELDS_TRIMMED, {"fields": ("portCall", "vessel")}),
        (Reason.ALL_AGREED, {}),
    ]
    late = replace(RECORD, known_at=NOW - dt.timedelta(hours=2))
    seen = [ask(wrong, replace(late, known_at=NOW)).reason]
    prohibition = wrong.prohibitions[0]
    wrong = replace(wrong, prohibitions=(replace(prohibition, datasets=frozenset()),))
    seen.append(ask(wrong, replace(late, known_at=NOW)).reason)
    wrong = replace(wrong, prohibitions=())
    for reason, changes in mended:
        record = late if reason in list(Reason)[12:] else replace(late, known_at=NOW)
        seen.append(ask(wrong, record).reason)
        part = {name: value for name, value in changes.items() if hasattr(wrong.clause.rows, name)}
        rest = {name: value for name, value in changes.items() if name not in part}
        wrong = replace(wrong, clause=replace(wrong.clause, rows=replace(wrong.clause.rows, **part), **rest))
    assert seen == list(Reason)


def test_intervals_are_half_open() -> None:
    end = CLAUSE.valid_until
    assert end is not None
    early = replace(RECORD, known_at=START - dt.timedelta(days=9))
    assert ask(record=early, now=START).reason is Reason.FIELDS_TRIMMED
    assert ask(record=early, now=START - TICK).reason is Reason.CLAUSE_NOT_YET_VALID
    assert ask(now=end - TICK).reason is Reason.FIELDS_TRIMMED
    assert ask(now=end).reason is Reason.CLAUSE_EXPIRED
    about = RECORD.occurred_at
    assert about is not None
    assert ask(rows(occurred_from=about)).outcome is Outcome.TRIM
    assert ask(rows(occurred_from=about + TICK)).reason is Reason.TIME_OUTSIDE
    assert ask(rows(occurred_until=about)).reason is Reason.TIME_OUTSIDE
    assert ask(rows(occurred_until=about + TICK)).outcome is Outcome.TRIM


def test_delay_counts_from_when_it_was_known_and_says_when_it_ends() -> None:
    ripe = RECORD.known_at + CLAUSE.delay
    assert ask(now=ripe).outcome is Outcome.TRIM
    waiting = ask(now=ripe - TICK)
    assert (waiting.outcome, waiting.reason, waiting.due_at) == (Outcome.WITHHOLD, Reason.DELAY_RUNNING, ripe)
    assert waiting.body is None
    ahead = replace(RECORD, occurred_at=NOW + dt.timedelta(days=9))
    assert ask(record=ahead).outcome is Outcome.TRIM
    assert ask(clause(delay=dt.timedelta.max)).due_at == END_OF_TIME


def test_before_the_clause_is_valid_the_later_of_both_times_is_due() -> None:
    early = ask(now=START - dt.timedelta(days=1), record=replace(RECORD, known_at=START - dt.timedelta(days=2)))
    assert (early.reason, early.due_at) == (Reason.CLAUSE_NOT_YET_VALID, START)
    later = ask(now=START - dt.timedelta(days=1))
    assert later.due_at == RECORD.known_at + CLAUSE.delay


@pytest.mark.parametrize(
    ("terms", "missing", "reason"),
    [
        (rows(ports=frozenset({"JPNGO"})), {"port": None}, Reason.PORT_OUTSIDE),
        (rows(terminals=frozenset({"T1"})), {"terminal": None}, Reason.TERMINAL_OUTSIDE),
        (rows(vessels=frozenset({"9321483"})), {"vessel_imo": None}, Reason.VESSEL_OUTSIDE),
        (rows(occurred_from=START), {"occurred_at": None}, Reason.TIME_OUTSIDE),
        (rows(occurred_until=NOW), {"occurred_at": None}, Reason.TIME_OUTSIDE),
    ],
)
def test_a_filter_withholds_what_does_not_name_the_fact(terms: Terms, missing: dict[str, Any], reason: Reason) -> None:
    assert ask(terms).outcome is Outcome.TRIM
    assert ask(terms, replace(RECORD, **missing)).reason is reason
    assert ask(TERMS, replace(RECORD, **missing)).outcome is Outcome.TRIM


def test_under_a_clause_for_aggregates_no_record_can_be_sent() -> None:
    terms = clause(granularity=Granularity.AGGREGATE)
    assert ask(terms).reason is Reason.GRANULARITY_TOO_FINE
    counted = ask(terms, granularity=Granularity.AGGREGATE)
    assert counted.outcome is Outcome.TRIM
    assert counted.body is None
    assert ask(granularity=Granularity.AGGREGATE).body == ask().body


def test_daylight_saving_does_not_shorten_a_delay() -> None:
    """Two o'clock comes twice on 2026-11-01 in Los Angeles; the clock on the wall says the delay is over."""

    class Pacific(dt.tzinfo):
        """The one change that this test needs."""

        def utcoffset(self, when: dt.datetime | None) -> dt.timedelta:
            assert when is not None
            summer = when.replace(tzinfo=None, fold=0) < dt.datetime(2026, 11, 1, 1) or (
                when.replace(tzinfo=None, fold=0) < dt.datetime(2026, 11, 1, 2) and when.fold == 0
            )
            return dt.timedelta(hours=-7 if summer else -8)

        def dst(self, when: dt.datetime | None) -> dt.timedelta:
            return dt.timedelta(0)

        def tzname(self, when: dt.datetime | None) -> str:
            return "Pacific"

    zone = Pacific()
    known = dt.datetime(2026, 11, 1, 1, 30, tzinfo=zone)  # 08:30 UTC
    wall_says_over = dt.datetime(2026, 11, 1, 1, 29, tzinfo=zone, fold=1)  # 09:29 UTC
    over = dt.datetime(2026, 11, 1, 1, 30, tzinfo=zone, fold=1)
    record = replace(RECORD, known_at=known)
    assert ask(record=record, now=wall_says_over).reason is Reason.DELAY_RUNNING
    assert ask(record=record, now=over).outcome is Outcome.TRIM
    assert wall_says_over < known  # what Python itself says of two times in one zone


NAIVE = dt.datetime(2026, 6, 1)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("now", {"now": NAIVE}),
        ("known_at", {"record": replace(RECORD, known_at=NAIVE)}),
        ("occurred_at", {"record": replace(RECORD, occurred_at=NAIVE)}),
        ("valid_from", {"terms": clause(valid_from=NAIVE)}),
        ("valid_until", {"terms": clause(valid_until=NAIVE)}),
        ("occurred_from", {"terms": rows(occurred_from=NAIVE)}),
        ("occurred_until", {"terms": rows(occurred_until=NAIVE)}),
    ],
)
def test_a_time_without_a_zone_is_refused(what: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=what):
        ask(**changes)


def test_a_time_outside_the_calendar_is_refused() -> None:
    edge = dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-1)))
    with pytest.raises(ValueError, match="calendar"):
        ask(now=edge)


def test_what_cannot_be_judged_raises() -> None:
    with pytest.raises(ValueError, match="Record"):
        ask(granularity="Record")
    with pytest.raises(ValueError, match="negative delay"):
        ask(clause(delay=-TICK))
    with pytest.raises(DataError, match="field name"):
        ask(clause(fields=("vessel..name",)))


def test_compiled_terms_do_not_follow_a_copy() -> None:
    ask()
    assert ask(clause(fields=("vessel",))).body == {"vessel": {"name": "SIMULATED", "draft": 9.5}}
    assert replace(TERMS) == TERMS


def test_a1_in_small_with_its_negative_controls() -> None:
    of_python, _ = a1_decisions.check(seed=11, cases=15_000)
    assert of_python.clean, of_python.first
    assert of_python.tried >= 15_000
    assert set(of_python.reasons) == {reason.value for reason in Reason}
    caught = a1_decisions.controls(seed=12)
    assert all(caught.values()), caught


def let_through(found: Decision) -> set[str]:
    return set() if found.body is None else {repr(leaf) for leaf in leaves(found.body)}


def stricter(maker: Maker, terms: Terms, kind: str) -> Terms:
    """Return terms that are narrower in one way."""
    one, filters = terms.clause, terms.clause.rows
    if kind == "fewer fields":
        return replace(terms, clause=replace(one, fields=one.fields[1:]))
    if kind == "narrower field":
        names = tuple(f"{name}.b" if place == 0 else name for place, name in enumerate(one.fields))
        return replace(terms, clause=replace(one, fields=names))
    if kind == "fewer purposes":
        return replace(terms, clause=replace(one, purposes=frozenset(sorted(one.purposes)[1:])))
    if kind == "longer delay":
        longer = min(one.delay, dt.timedelta.max - TICK) + TICK
        return replace(terms, clause=replace(one, delay=longer))
    if kind == "narrower ports":
        ports = frozenset(sorted(filters.ports)[1:]) or frozenset({"USLAX"} if not filters.ports else {"XXXXX"})
        return replace(terms, clause=replace(one, rows=replace(filters, ports=ports)))
    if kind == "sooner end":
        return replace(terms, clause=replace(one, valid_until=one.valid_from))
    if kind == "aggregates only":
        return replace(terms, clause=replace(one, granularity=Granularity.AGGREGATE))
    names = maker.names((Record("d", "i", None, NOW, body=maker.body()),), 1, 3)
    more = Prohibition("more", frozenset(), names, frozenset({"labour-tracking"}), "a source")
    return replace(terms, prohibitions=(*terms.prohibitions, more))


KINDS = (
    "fewer fields",
    "narrower field",
    "fewer purposes",
    "longer delay",
    "narrower ports",
    "sooner end",
    "aggregates only",
    "one more prohibition",
)


@given(st.integers(0, 2**32), st.sampled_from(KINDS))
def test_a_stricter_clause_never_lets_more_through(seed: int, kind: str) -> None:
    maker = Maker(seed)
    world = next(maker.worlds(records=12, requests=4))
    for terms, now, purpose, granularity in world.requests:
        narrow = stricter(maker, terms, kind)
        for record in world.records:
            before = decide(record, terms, now, purpose, granularity)
            after = decide(record, narrow, now, purpose, granularity)
            assert before.outcome is not Outcome.WITHHOLD or after.outcome is Outcome.WITHHOLD
            if kind not in ("fewer fields", "narrower field", "one more prohibition"):
                assert let_through(after) <= let_through(before)
            else:
                # Trimming a list shifts its places, so leaves are compared without them.
                assert values(after) <= values(before)


def values(found: Decision) -> set[str]:
    if found.body is None:
        return set()
    return {repr(([s for s in path if not isinstance(s, int)], value)) for path, value in leaves(found.body)}
