"""Explanations: the same reasoning as the outbox's, before and after it decided."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests import ports

from sealane.agreements.clauses import (
    Granularity,
    Grouping,
    Period,
    Prohibition,
    Reason,
    Record,
    RowFilter,
    Terms,
)
from sealane.agreements.document_model import AgreementDocument
from sealane.cli.explain_agreement import as_text
from sealane.database import Database
from sealane.database.tables.agreements import agreement as agreement_table
from sealane.database.tables.delivery import decision as decision_table
from sealane.database.tables.products import record as record_table
from sealane.errors import InputError
from sealane.exchange.explain import Explanation, explain
from sealane.exchange.outbox import claim
from sealane.exchange.reasons import SENTENCES, duration, sentence, why_withheld
from sealane.exchange.registry import terms_in_force
from sealane.exchange.releases import release_all
from sealane.exchange.streams import close_streams
from sealane.node.context import Node

Make = Callable[..., "Pair"]


class Pair:
    """A provider with records, and a partner; nothing goes over a wire here."""

    def __init__(self, folder: Path, databases: Callable[[], Database], changes: dict[str, Any]) -> None:
        self.clock = ports.Clock()
        self.provider: Node = ports.make_node(folder, "yokohama", databases(), self.clock)
        self.recipient: Node = ports.make_node(folder, "los-angeles", databases(), self.clock)
        prohibitions = changes.pop("prohibitions", ())
        clauses = changes.pop("clauses", None) or [ports.clause(**changes)]
        ports.introduce(self.provider, self.recipient)
        ports.introduce(self.recipient, self.provider)
        document = ports.agreement(self.provider, self.recipient, clauses)
        self.document: AgreementDocument = replace(document, prohibitions=prohibitions)
        for node in (self.provider, self.recipient):
            ports.put_in_force(node, self.document)
        self.stream_id = ports.open_both(self.provider, self.recipient, self.document)
        ports.feed(self.provider, range(3))

    @property
    def own(self) -> str:
        return self.provider.identity.participant

    @property
    def peer(self) -> str:
        return self.recipient.identity.participant

    def ids(self) -> list[str]:
        with self.provider.database.read() as connection:
            found = connection.execute(sa.select(record_table.c.id).order_by(record_table.c.position))
            return [str(row.id) for row in found]

    def explain(self, number: int = 0, at: dt.datetime | None = None) -> Explanation:
        with self.provider.database.read() as connection:
            record_id = self.ids()[number]
            return explain(connection, self.own, "port-calls", record_id, self.peer, at or self.clock())

    def decide(self) -> None:
        with self.provider.database.write() as connection:
            claim(connection, self.stream_id, self.own, terms_in_force, "test", self.clock())


@pytest.fixture
def make_pair(tmp_path: Path, databases: Callable[[], Database]) -> Make:
    return lambda **changes: Pair(tmp_path, databases, changes)


def test_before_and_after_it_is_sent_the_answer_is_the_same(make_pair: Make) -> None:
    fields = tuple(name for name in ports.clause().fields if not name.startswith("vessel."))
    pair = make_pair(fields=fields)
    before = pair.explain()
    (clause,) = before.clauses
    assert (clause.outcome, clause.reason) == ("trim", "fields_trimmed")
    assert {kept.why for kept in clause.withheld_fields} == {"the clause does not name it"}
    assert all(kept.field.startswith("vessel.") for kept in clause.withheld_fields)
    assert clause.sent_fields
    assert not any(name.startswith("vessel.") for name in clause.sent_fields)
    assert clause.terms == "demonstration terms"
    assert before.decisions == ()
    pair.decide()
    after = pair.explain()
    assert after.clauses == before.clauses
    (stored,) = after.decisions
    assert (stored.outcome, stored.reason) == (clause.outcome, clause.reason)
    assert stored.withheld_fields == tuple(kept.field for kept in clause.withheld_fields)
    assert (stored.event_state, stored.sequence, stored.same_now) == ("sealed", 1, True)
    assert stored.sentence == sentence(Reason.FIELDS_TRIMMED)


def test_every_stored_decision_agrees_with_the_explanation(make_pair: Make) -> None:
    pair = make_pair(rows=RowFilter(vessels=frozenset({"9321483"})))
    before = [pair.explain(number).clauses[0] for number in range(3)]
    pair.decide()
    with pair.provider.database.read() as connection:
        rows = connection.execute(sa.select(decision_table)).all()
    stored = {row.record_id: (row.outcome, row.reason, tuple(row.withheld_fields)) for row in rows}
    assert len(stored) == 3
    for record_id, clause in zip(pair.ids(), before, strict=True):
        asked = (clause.outcome, clause.reason, tuple(kept.field for kept in clause.withheld_fields))
        assert stored[record_id] == asked


def test_a_changed_agreement_shows_as_another_answer(make_pair: Make) -> None:
    pair = make_pair()
    pair.decide()
    with pair.provider.database.write() as connection:
        connection.execute(sa.update(decision_table).values(outcome="withhold", reason="port_outside"))
    assert pair.explain().decisions[0].same_now is False
    with pair.provider.database.write() as connection:
        connection.execute(sa.update(record_table).values(digest="another revision"))
    assert pair.explain().decisions[0].same_now is None
    position = 1
    with pair.provider.database.write() as connection:
        named = sa.update(decision_table).where(decision_table.c.record_id == pair.ids()[0])
        connection.execute(named.values(event_id=f"pull:{position}"))
    assert pair.explain().decisions[0].same_now is False


def test_a_running_delay_says_when_it_ends(make_pair: Make) -> None:
    pair = make_pair(delay=dt.timedelta(hours=30))
    found = pair.explain()
    (clause,) = found.clauses
    assert clause.reason == "delay_running"
    assert clause.due_at is not None
    assert "1 day 6 hours" in clause.sentence
    assert "at the earliest" in found.summary
    later = pair.explain(at=clause.due_at)
    assert later.clauses[0].outcome == "allow"
    assert pair.explain(at=clause.due_at - dt.timedelta(microseconds=1)).clauses[0].reason == "delay_running"


def test_a_filter_says_what_it_compared(make_pair: Make) -> None:
    (clause,) = make_pair(rows=RowFilter(ports=frozenset({"USLAX", "USLGB"}))).explain().clauses
    assert clause.reason == "port_outside"
    assert "the clause names USLAX, USLGB" in clause.sentence
    assert clause.sent_fields == ()


def test_a_prohibition_is_named_with_its_source(make_pair: Make) -> None:
    prohibition = Prohibition("no-names", frozenset(), ("vessel.vesselName",), frozenset(), "a law of the test")
    fields = tuple(sorted({name.split(".")[0].removesuffix("[]") for name in ports.clause().fields}))
    (clause,) = make_pair(prohibitions=(prohibition,), fields=fields).explain().clauses
    assert [(kept.field, kept.why) for kept in clause.withheld_fields] == [
        ("vessel.vesselName", "prohibited by no-names (a law of the test)")
    ]


def test_a_clause_for_cells_says_when_its_period_is_closed_and_that_it_was(make_pair: Make) -> None:
    grouping = Grouping(("portCall.UNLocationCode",), (), Period.DAY, "vessel.vesselIMONumber", 3)
    pair = make_pair(granularity=Granularity.AGGREGATE, grouping=grouping)
    (clause,) = pair.explain().clauses
    assert clause.sent_fields == ()
    assert "never sent" in clause.sentence
    assert "3 or more different values of vessel.vesselIMONumber" in clause.sentence
    assert "counted in a cell" in pair.explain().summary
    pair.clock.forward(3 * 86_400)
    release_all(pair.provider.database, pair.own, terms_in_force, pair.clock)
    (counted,) = pair.explain().counted
    assert counted.clause_id == ports.CLAUSE
    assert counted.period_start <= ports.START < counted.period_end + dt.timedelta(days=1)


def test_without_a_clause_nothing_is_sent_and_it_says_so(make_pair: Make) -> None:
    pair = make_pair()
    with pair.provider.database.read() as connection:
        found = explain(connection, pair.own, "port-calls", pair.ids()[0], "urn:sealane:test:stranger", pair.clock())
    assert found.clauses == ()
    assert "no clause in force" in found.summary


def test_after_retirement_no_clause_is_left_and_the_decisions_stay(make_pair: Make) -> None:
    pair = make_pair()
    pair.decide()
    with pair.provider.database.write() as connection:
        connection.execute(sa.update(agreement_table).values(state="retired"))
        close_streams(connection, agreement_id=ports.AGREEMENT, reason="retired", now=pair.clock())
    found = pair.explain()
    assert found.clauses == ()
    assert found.decisions[0].same_now is None
    assert found.decisions[0].event_state == "cancelled"


def test_a_stream_that_does_not_move_says_why(make_pair: Make) -> None:
    pair = make_pair()
    with pair.provider.database.write() as connection:
        close_streams(connection, key=pair.stream_id, reason="the transfer is over", now=pair.clock())
    (clause,) = pair.explain().clauses
    assert clause.outcome == "allow"
    assert clause.waits == "the stream is closed: the transfer is over"
    assert "not yet, because" in pair.explain().summary


def test_an_unknown_record_is_an_error_that_says_where_to_look(make_pair: Make) -> None:
    pair = make_pair()
    with pair.provider.database.read() as connection, pytest.raises(InputError, match="product show"):
        explain(connection, pair.own, "port-calls", "nothing", pair.peer, pair.clock())


def test_a_partners_record_is_not_ours_to_explain(make_pair: Make) -> None:
    pair = make_pair()
    with pair.provider.database.write() as connection:
        connection.execute(sa.update(record_table).values(source=pair.peer))
    with pytest.raises(InputError):
        pair.explain()


def test_text_and_json_hold_the_same(make_pair: Make) -> None:
    pair = make_pair(fields=tuple(name for name in ports.clause().fields if not name.startswith("vessel.")))
    pair.decide()
    found = pair.explain()
    text = as_text(found)
    assert found.summary in text
    assert "simulated" in text
    assert "demonstration terms" in text
    assert all(kept.field in text for kept in found.clauses[0].withheld_fields)
    assert "the same would be decided now" in text
    assert json.loads(json.dumps(found.as_dict(), default=str))["clauses"][0]["reason"] == "fields_trimmed"


def test_every_reason_has_a_sentence_and_most_say_what_was_compared() -> None:
    assert set(SENTENCES) == set(Reason)
    clause = ports.clause(rows=RowFilter(frozenset({"JPYOK"}), frozenset({"T1"}), frozenset({"9321483"}), ports.START))
    prohibition = Prohibition("p", frozenset({"port-calls"}), ("a.b",), frozenset({ports.PURPOSE}), "a source")
    terms = Terms("an-agreement", 1, clause, (prohibition,))
    record = Record("port-calls", "1", None, ports.START)
    texts = {reason: sentence(reason, terms, record, ports.PURPOSE) for reason in Reason}
    assert all(text.endswith(".") for text in texts.values())
    silent = {reason for reason, text in texts.items() if text == sentence(reason)}
    assert silent == {
        Reason.GRANULARITY_TOO_FINE,
        Reason.NO_FIELD_LEFT,
        Reason.FIELDS_TRIMMED,
        Reason.ALL_AGREED,
    }
    assert why_withheld("a.b", terms) == "prohibited by p (a source)"
    assert why_withheld("a", terms) == "a part of it is prohibited, and it cannot be parted"
    assert why_withheld('c."d.e"', terms) == "no clause can name such a key"
    assert why_withheld("c", terms) == "the clause does not name it"


def test_durations_read_well() -> None:
    assert duration(dt.timedelta(0)) == "no time"
    assert duration(dt.timedelta(days=1, hours=1, seconds=2)) == "1 day 1 hour 2 seconds"
