"""States of a stream over every (state, event) pair; ids; closing cancels in one step."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from tests import ports

from sealane.agreements.clauses import Terms
from sealane.database import Database
from sealane.database.tables.delivery import outbox, stream
from sealane.errors import InputError, RequestRefusedError
from sealane.exchange.streams import (
    TRANSITIONS,
    Direction,
    StreamEvent,
    StreamState,
    close_streams,
    find_stream,
    get_stream,
    open_stream,
    recover_stream,
    resume_stream,
    stop_stream,
    stream_id,
    suspend_stream,
)

NOW = ports.START
TERMS = Terms("agreement", 1, ports.clause())


ACTIONS: dict[StreamEvent, Callable[[sa.Connection, str], object]] = {
    StreamEvent.SUSPEND: lambda connection, key: suspend_stream(connection, key, "why", NOW),
    StreamEvent.RESUME: lambda connection, key: resume_stream(connection, key, NOW),
    StreamEvent.STOP: lambda connection, key: stop_stream(connection, key, "why", NOW),
    StreamEvent.RECOVER: lambda connection, key: recover_stream(connection, key, NOW),
    StreamEvent.CLOSE: lambda connection, key: close_streams(connection, key=key, reason="why", now=NOW),
}


def opened(database: Database, peer: str = "urn:b", direction: Direction = Direction.OUT, version: int = 1) -> str:
    with database.write() as connection:
        return open_stream(
            connection,
            own="urn:a",
            peer=peer,
            direction=direction,
            terms=Terms("agreement", version, ports.clause()),
            purpose=ports.PURPOSE,
            now=NOW,
        )


def state(database: Database, key: str) -> str:
    with database.read() as connection:
        found = get_stream(connection, key)
    assert found is not None
    return found.state


def test_the_table_answers_every_state_and_event() -> None:
    assert set(TRANSITIONS) == set(itertools.product(StreamState, StreamEvent))


def test_every_event_in_every_state(database: Database) -> None:
    for number, (before, event) in enumerate(itertools.product(StreamState, StreamEvent)):
        peer = f"urn:peer-{number}"
        key = opened(database, peer)
        with database.write() as connection:
            connection.execute(stream.update().where(stream.c.id == key).values(state=before))
        expected = TRANSITIONS[before, event]
        if event is StreamEvent.OPEN:
            opened(database, peer)
        elif expected is None:
            with pytest.raises(RequestRefusedError, match="is not possible"), database.write() as connection:
                ACTIONS[event](connection, key)
        else:
            with database.write() as connection:
                ACTIONS[event](connection, key)
        assert state(database, key) == (expected or before), (before, event)


def test_both_sides_compute_the_same_id_and_each_part_changes_it() -> None:
    parts = ("agreement", 1, "clause", "urn:a", "urn:b")
    first = stream_id(*parts)
    assert len(first) == 64
    others = [
        stream_id("agreement2", 1, "clause", "urn:a", "urn:b"),
        stream_id("agreement", 2, "clause", "urn:a", "urn:b"),
        stream_id("agreement", 1, "clause2", "urn:a", "urn:b"),
        stream_id("agreement", 1, "clause", "urn:b", "urn:a"),
        stream_id("agreement", 1, "clause", "urn:a", "urn:c"),
        stream_id("agreement,1", 1, "clause", "urn:a", "urn:b"),
    ]
    assert len({first, *others}) == 7


def test_provider_and_recipient_open_the_same_stream(database: Database) -> None:
    with database.write() as connection:
        out = open_stream(
            connection,
            own="urn:a",
            peer="urn:b",
            direction=Direction.OUT,
            terms=TERMS,
            purpose=ports.PURPOSE,
            now=NOW,
        )
    assert out == stream_id("agreement", 1, ports.CLAUSE, "urn:a", "urn:b")
    assert opened(database) == out  # twice is once
    with database.read() as connection:
        assert find_stream(connection, out[:8]).id == out
        with pytest.raises(InputError, match="No stream"):
            find_stream(connection, "nothing")


def test_a_purpose_the_clause_does_not_name_opens_nothing(database: Database) -> None:
    with pytest.raises(RequestRefusedError, match="commercial-use"), database.write() as connection:
        open_stream(
            connection,
            own="urn:a",
            peer="urn:b",
            direction=Direction.OUT,
            terms=TERMS,
            purpose="commercial-use",
            now=NOW,
        )
    with database.read() as connection:
        assert connection.execute(sa.select(stream)).all() == []


def test_closing_cancels_what_waits_and_opening_again_brings_it_back_with_its_number(database: Database) -> None:
    key, other = opened(database), opened(database, peer="urn:c")
    rows = [
        {"stream_id": s, "event_id": f"{s[:4]}{n}", "state": name, "due_at": NOW, "sequence": number, "refusals": 0}
        for s in (key, other)
        for n, (name, number) in enumerate((("waiting", None), ("sealed", 1), ("acknowledged", 2), ("withheld", None)))
    ]
    with database.write() as connection:
        connection.execute(outbox.insert(), [row | {"changed_at": NOW} for row in rows])
        assert close_streams(connection, peer="urn:b", reason="retired", now=NOW) == [key]
        assert close_streams(connection, peer="urn:b", reason="retired", now=NOW) == []
    assert states(database, key) == ["acknowledged", "cancelled", "cancelled", "withheld"]
    assert states(database, other) == ["acknowledged", "sealed", "waiting", "withheld"]
    assert opened(database) == key
    assert states(database, key) == ["acknowledged", "sealed", "waiting", "withheld"]


def states(database: Database, key: str) -> list[str]:
    with database.read() as connection:
        return sorted(connection.execute(sa.select(outbox.c.state).where(outbox.c.stream_id == key)).scalars())


def test_closing_by_version_leaves_the_renewed_agreement_alone(database: Database) -> None:
    old, new = opened(database), opened(database, version=2)
    with database.write() as connection:
        close_streams(connection, agreement_id="agreement", version=1, reason="superseded", now=NOW)
        with pytest.raises(ValueError, match="at least one"):
            close_streams(connection, reason="everything", now=NOW)
    assert (state(database, old), state(database, new)) == ("closed", "open")


def test_a_stream_does_not_show_its_token(database: Database) -> None:
    with database.write() as connection:
        key = open_stream(
            connection,
            own="urn:a",
            peer="urn:b",
            direction=Direction.OUT,
            terms=TERMS,
            purpose=ports.PURPOSE,
            token="very-secret",
            now=NOW + dt.timedelta(0),
        )
    with database.read() as connection:
        found = get_stream(connection, key)
    assert found is not None
    assert found.token == "very-secret"
    assert "very-secret" not in repr(found)
