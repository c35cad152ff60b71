"""The book of alerts: opens, worsens and closes once, does not flap, and keeps what belongs to one person for him."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from sealane.database import Database
from sealane.database.tables.alerts import alert, alert_event
from sealane.errors import RequestRefusedError
from sealane.web.alerts import book
from sealane.web.alerts.book import Changed, acknowledge, alerts, counts, find_alert, history, settle
from sealane.web.alerts.kinds import HOLD, AlertKind, Finding, Severity

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LAG = Finding(AlertKind.STREAM_LAG, "s1", Severity.WARNING, {"due": 4}, "/exchange/streams/s1")
STOPPED = Finding(AlertKind.STREAM_STOPPED, "s1", Severity.SEVERE, {"cause": "rolled back"})
FAILED = Finding(AlertKind.IMPORT_FAILED, "i1", Severity.WARNING, {"name": "calls.csv"})


@pytest.fixture
def settled(database: Database) -> Callable[..., Changed]:
    def step(*found: Finding, after: dt.timedelta = dt.timedelta(0)) -> Changed:
        with database.write() as connection:
            return settle(connection, found, NOW + after)

    return step


def events(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(alert_event.c.event).order_by(alert_event.c.id)).scalars())


def test_it_opens_once_and_closes_once(database: Database, settled: Callable[..., Changed]) -> None:
    assert settled(STOPPED) == Changed(opened=1)
    assert settled(STOPPED, after=dt.timedelta(seconds=10)) == Changed()
    assert settled(after=dt.timedelta(seconds=20)) == Changed(closed=1)
    assert settled(after=dt.timedelta(seconds=30)) == Changed()
    assert events(database) == ["opened", "closed"]


def test_what_flaps_stays_one_alert(database: Database, settled: Callable[..., Changed]) -> None:
    for minute in range(0, 60, 2):  # there, gone, there, gone
        settled(*([LAG] if minute % 4 == 0 else []), after=dt.timedelta(minutes=minute))
    assert events(database) == ["opened"]
    end = dt.timedelta(minutes=60)
    settled(after=end)
    assert settled(after=end + HOLD - dt.timedelta(minutes=3)) == Changed()
    assert settled(after=end + HOLD) == Changed(closed=1)


def test_without_the_hold_it_would_flap(
    database: Database, settled: Callable[..., Changed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "FLAPPING", frozenset())
    for minute in range(0, 20, 2):
        settled(*([LAG] if minute % 4 == 0 else []), after=dt.timedelta(minutes=minute))
    assert events(database).count("opened") == 5


def test_it_says_when_it_gets_worse_and_asks_for_a_look_anew(
    database: Database, settled: Callable[..., Changed]
) -> None:
    settled(LAG)
    with database.write() as connection:
        (one,) = alerts(connection, user_id=None)
        seen = acknowledge(connection, one.id, None, "officer", "the line is being repaired", NOW)
    assert (seen.acknowledged_by, seen.note) == ("officer", "the line is being repaired")
    more = Finding(LAG.kind, "s1", Severity.WARNING, {"due": 9}, LAG.link)
    assert settled(more) == Changed()  # new figures, the same thing
    worse = Finding(LAG.kind, "s1", Severity.SEVERE, {"due": 90}, LAG.link)
    assert settled(worse) == Changed(worse=1)
    with database.read() as connection:
        found = find_alert(connection, one.id, None)
        assert (found.acknowledged_at, found.severity, found.details["due"]) == (None, Severity.SEVERE, 90)
        assert [event for _, event, _ in history(connection, one.id)] == ["opened", "worse"]


def test_what_happened_once_is_closed_by_who_read_it_and_not_opened_again(
    database: Database, settled: Callable[..., Changed]
) -> None:
    settled(FAILED)
    with database.write() as connection:
        (one,) = alerts(connection, user_id=None)
        assert acknowledge(connection, one.id, None, "steward", None, NOW).closed_at == NOW
    assert settled(FAILED) == Changed()
    with database.write() as connection, pytest.raises(RequestRefusedError, match="closed already"):
        acknowledge(connection, one.id, None, "steward", None, NOW)


def test_a_persons_own_news_is_for_that_person(database: Database, settled: Callable[..., Changed]) -> None:
    mine = Finding(AlertKind.CARGO_MILESTONE, "u1/MSCU", Severity.NOTICE, {"reference": "MSCU"}, user_id="u1")
    settled(mine, STOPPED)
    assert settled(STOPPED) == Changed()  # no rule finds it again, it stays until it is read
    with database.write() as connection:
        assert {one.kind for one in alerts(connection, user_id="u1")} == {
            AlertKind.CARGO_MILESTONE,
            AlertKind.STREAM_STOPPED,
        }
        (own,) = [one for one in alerts(connection, user_id="u1") if one.user_id]
        assert {one.kind for one in alerts(connection, user_id="u2")} == {AlertKind.STREAM_STOPPED}
        assert counts(connection, "u2")[Severity.NOTICE] == 0
        for other in ("u2", None):
            with pytest.raises(RequestRefusedError, match="no such alert"):
                find_alert(connection, own.id, other)
        assert acknowledge(connection, own.id, "u1", "me", None, NOW).closed_at is not None


def test_the_gravest_comes_first_and_what_somebody_looks_after_last(
    database: Database, settled: Callable[..., Changed]
) -> None:
    settled(LAG, STOPPED, FAILED)
    with database.write() as connection:
        worst = next(one for one in alerts(connection, user_id=None) if one.kind is AlertKind.STREAM_STOPPED)
        assert alerts(connection, user_id=None)[0].id == worst.id
        acknowledge(connection, worst.id, None, "officer", None, NOW)
        assert alerts(connection, user_id=None)[-1].id == worst.id
        assert counts(connection, None) == {Severity.NOTICE: 0, Severity.WARNING: 2, Severity.SEVERE: 0}


def test_the_database_itself_lets_a_thing_be_open_once(database: Database, settled: Callable[..., Changed]) -> None:
    settled(LAG)
    with database.write() as connection, pytest.raises(sa.exc.IntegrityError):
        book.open_alert(connection, LAG, NOW)


def test_old_ones_are_forgotten_but_not_what_must_not_come_back(
    database: Database, settled: Callable[..., Changed]
) -> None:
    settled(STOPPED, FAILED)
    with database.write() as connection:
        (failed,) = alerts(connection, user_id=None, kind=AlertKind.IMPORT_FAILED)
        acknowledge(connection, failed.id, None, "steward", None, NOW)
    settled()
    later = NOW + book.KEPT_CLOSED + dt.timedelta(days=1)
    with database.write() as connection:
        assert book.forget_old(connection, NOW) == 0
        assert book.forget_old(connection, later) == 1
        assert connection.execute(sa.select(alert.c.kind)).scalars().all() == ["import-failed"]
