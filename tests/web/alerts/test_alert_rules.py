"""Rules of alerts: each finds what it should and nothing else, and shows its threshold beside the value."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sealane.web.alerts.kinds import AlertKind, Finding, Severity
from sealane.web.alerts.limits import inventory_tonnes, lane_tonnes
from sealane.web.alerts.rules import (
    Failure,
    Feed,
    Flow,
    Late,
    Machine,
    Measured,
    Partner,
    Process,
    State,
    Thresholds,
    Undelivered,
    findings,
)

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LIMITS = Thresholds(
    stalled=dt.timedelta(minutes=30),
    lag=dt.timedelta(minutes=15),
    disk_free_percent=10.0,
    backup=dt.timedelta(days=7),
    key_warning=dt.timedelta(days=14),
    keys_too_old=dt.timedelta(hours=1),
)
PROCESS = Process("n1", "negotiation", "urn:b", "REQUESTED", "request", 3, NOW, NOW + dt.timedelta(hours=1), "refused")
FLOW = Flow("s1", "urn:b", "out", "a@1#c", "open", None, 4, NOW, 0, 2, "503", None)
PARTNER = Partner("urn:b", "B", None, None, NOW, NOW + dt.timedelta(days=90), in_use=True)
FEED = Feed("urn:a", "port-calls", NOW, ())
MACHINE = Machine(500, 1000, NOW + dt.timedelta(days=90), False, NOW, NOW - dt.timedelta(days=400))


def ago(**span: float) -> dt.datetime:
    return NOW - dt.timedelta(**span)


def look(**state: object) -> list[Finding]:
    return findings(State(**state), LIMITS, NOW)  # type: ignore[arg-type]  # each test names its own part


def kinds(**state: object) -> list[tuple[AlertKind, Severity]]:
    return [(one.kind, one.severity) for one in look(**state)]


def test_a_node_in_order_needs_no_attention() -> None:
    assert look(processes=[PROCESS], flows=[FLOW], partners=[PARTNER], feeds=[FEED], machine=MACHINE) == []


def test_an_edge_is_still_in_order_and_a_second_later_is_not() -> None:
    at_edge = replace(PROCESS, changed_at=ago(minutes=30))
    assert look(processes=[at_edge]) == []
    (found,) = look(processes=[replace(PROCESS, changed_at=ago(minutes=30, seconds=1))])
    assert found.kind is AlertKind.NEGOTIATION_STALLED
    assert found.details["limit_minutes"] == 30
    assert found.details["cause"] == "refused"


def test_what_may_rest_is_stalled_only_by_a_message_that_does_not_arrive() -> None:
    running = replace(PROCESS, kind="transfer", state="STARTED", may_rest=True, pending=None, changed_at=ago(days=9))
    assert look(processes=[running]) == []
    held_up = replace(running, pending="suspension")
    assert kinds(processes=[held_up]) == [(AlertKind.TRANSFER_STALLED, Severity.WARNING)]


@pytest.mark.parametrize(
    ("state", "since", "expected"),
    [
        ("pending", ago(minutes=5), []),
        ("pending", ago(hours=2), [(AlertKind.AGREEMENT_UNDELIVERED, Severity.WARNING)]),
        ("refused", NOW, [(AlertKind.AGREEMENT_UNDELIVERED, Severity.SEVERE)]),
    ],
)
def test_messages_about_agreements(state: str, since: dt.datetime, expected: list[object]) -> None:
    one = Undelivered("corridor", 2, "urn:b", "signature", state, 1, since, None)
    assert kinds(undelivered=[one]) == expected


def test_streams() -> None:
    lagging = replace(FLOW, oldest_due_at=ago(minutes=16))
    assert kinds(flows=[lagging]) == [(AlertKind.STREAM_LAG, Severity.WARNING)]
    suspended = replace(lagging, state="suspended")  # somebody wanted it so
    assert look(flows=[suspended]) == []
    stopped = replace(FLOW, state="stopped", state_reason="the partner's log contradicts itself", dead=2)
    assert kinds(flows=[stopped]) == [
        (AlertKind.STREAM_STOPPED, Severity.SEVERE),
        (AlertKind.DEAD_LETTERS, Severity.WARNING),
    ]


def test_partners() -> None:
    assert kinds(partners=[replace(PARTNER, alarm="contradiction")]) == [(AlertKind.PEER_ALARM, Severity.SEVERE)]
    unread = replace(PARTNER, keys_error="no route", keys_checked_at=ago(minutes=45))
    assert kinds(partners=[unread]) == [(AlertKind.PEER_KEYS, Severity.WARNING)]
    assert kinds(partners=[replace(unread, keys_checked_at=ago(hours=2))]) == [(AlertKind.PEER_KEYS, Severity.SEVERE)]
    assert kinds(partners=[replace(unread, keys_checked_at=ago(minutes=1))]) == []
    assert kinds(partners=[replace(unread, in_use=False)]) == []
    ending = replace(PARTNER, keys_end_at=NOW + dt.timedelta(days=3))
    assert kinds(partners=[ending]) == [(AlertKind.PEER_KEYS, Severity.WARNING)]


def test_a_gap_is_judged_by_a_limit_entered_or_by_what_was_usual_and_else_not_at_all() -> None:
    hourly = (3600.0,) * 10
    silent = replace(FEED, last_at=ago(hours=3))
    assert look(feeds=[silent]) == []  # nothing is known of it, so nothing is assumed
    assert look(feeds=[replace(silent, pauses_s=hourly[:9])]) == []
    (usual,) = look(feeds=[replace(silent, pauses_s=hourly)])
    assert (usual.details["by"], usual.details["longest_pause_hours"], usual.details["pauses"]) == ("usual", 1.0, 10)
    assert look(feeds=[replace(silent, pauses_s=(*hourly, 2 * 3600.0))]) == []
    (limited,) = look(feeds=[replace(silent, limit=dt.timedelta(hours=2))])
    assert (limited.details["by"], limited.details["allowed_hours"]) == ("limit", 2.0)
    assert look(feeds=[replace(silent, pauses_s=hourly, limit=dt.timedelta(hours=4))]) == []  # the limit goes before


def test_an_exceedance_shows_value_limit_and_whether_it_is_simulated() -> None:
    one = Measured("l1", "r1", "USLAX", "inventory-nox", "nox", 64.4, 60.0, "t", True, "/ports/USLAX?result=r1")
    (found,) = look(measured=[one])
    assert found.subject == "l1 r1"
    assert (found.details["value"], found.details["limit"], found.details["simulated"]) == (64.4, 60.0, True)
    assert look(measured=[replace(one, value=60.0)]) == []


def test_late_commitments_failures_and_faults_of_the_log() -> None:
    late = Late("corridor", 1, "shore-power", "80 % of calls on shore power", dt.date(2026, 2, 1), True)
    (found,) = look(late=[late])
    assert (found.details["days"], found.details["demonstration"]) == (28, True)
    failure = Failure("i1", "port-calls", "calls.csv", "row 3", NOW)
    assert kinds(imports=[failure], tasks=[failure], channels=[failure], log_faults=[failure]) == [
        (AlertKind.IMPORT_FAILED, Severity.WARNING),
        (AlertKind.TASK_FAILED, Severity.WARNING),
        (AlertKind.CHANNEL_FAILED, Severity.WARNING),
        (AlertKind.LOG_FAULT, Severity.SEVERE),
    ]


def test_the_machine() -> None:
    assert kinds(machine=replace(MACHINE, disk_free_bytes=99)) == [(AlertKind.DISK_LOW, Severity.WARNING)]
    assert kinds(machine=replace(MACHINE, disk_free_bytes=24)) == [(AlertKind.DISK_LOW, Severity.SEVERE)]
    assert kinds(machine=replace(MACHINE, key_ends_at=NOW + dt.timedelta(days=2))) == [
        (AlertKind.KEY_ENDS, Severity.WARNING)
    ]
    assert kinds(machine=replace(MACHINE, key_ends_at=None)) == [(AlertKind.KEY_ENDS, Severity.SEVERE)]
    assert kinds(machine=replace(MACHINE, root_key_here=True)) == [(AlertKind.ROOT_KEY_HERE, Severity.NOTICE)]
    assert kinds(machine=replace(MACHINE, backup_at=ago(days=8))) == [(AlertKind.BACKUP_OLD, Severity.WARNING)]
    never = replace(MACHINE, backup_at=None)
    assert kinds(machine=never) == [(AlertKind.BACKUP_OLD, Severity.WARNING)]
    assert kinds(machine=replace(never, created_at=ago(days=2))) == []  # it is not older than a backup may be


def test_the_same_thing_is_found_once_and_a_long_subject_keeps_its_own_identity() -> None:
    assert len(look(flows=[replace(FLOW, state="stopped")] * 2)) == 1
    long = [Finding(AlertKind.DATA_GAP, "x" * 400 + end, Severity.NOTICE) for end in "ab"]
    assert long[0].key != long[1].key
    assert len(long[0].key[1]) <= 300


def test_figures_of_results_are_sums_over_their_files(tmp_path: Path) -> None:
    grams = [1.5e6, 2.5e6, 9e6, 4e6]
    table = pa.table(
        {
            "grams": grams,
            "pollutant": ["nox", "nox", "nox", "co2e"],
            "basis": ["ttw", "ttw", "wtw", "ttw"],
        }
    )
    pq.write_table(table, tmp_path / "inventory.parquet")
    assert inventory_tonnes(tmp_path, "one", "nox") == 4.0
    assert inventory_tonnes(tmp_path, "one", "so2") == 0.0
    pq.write_table(pa.table({"rule": ["cargo", "rotation"], "wtw_co2e_g": [1e6, 7e6]}), tmp_path / "totals.parquet")
    (tmp_path / "lane.json").write_text('{"request": {"attribution": "rotation"}}', encoding="utf-8")
    assert lane_tonnes(tmp_path, "one", "co2e-wtw") == 7.0
    assert inventory_tonnes(tmp_path / "gone", "two", "nox") is None
    assert lane_tonnes(tmp_path / "gone", "two", "co2e-wtw") is None
