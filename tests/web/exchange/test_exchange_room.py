"""The exchange page over HTTP: what it shows adds up, what officers do takes effect and is audited, others may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.ports import AGREEMENT, CLAUSE
from tests.web.exchange.exchange_world import Exchange, exchange_world

from sealane.database import Database
from sealane.database.tables.accounts import audit_entry
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.dsp import transfer
from sealane.database.tables.ledger import leaf
from sealane.database.tables.products import record
from sealane.exchange.delivery import DeliveryOutcome
from sealane.exchange.peers import get_peer, raise_alarm
from sealane.exchange.streams import get_stream, stop_stream
from sealane.web.exchange.checks import run_waiting


@pytest.fixture
def world(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Exchange]:
    with exchange_world(tmp_path, databases) as found:
        yield found


def act(world: Exchange, path: str, body: Any = None, role: str = "officer", method: str = "POST") -> Any:
    content = None if method == "DELETE" else ({} if body is None else body)
    return world[role].call(method, f"/api/v1/exchange/{path}", content)


def audited(world: Exchange) -> list[tuple[str, str]]:
    with world.provider.database.read() as connection:
        rows = connection.execute(sa.select(audit_entry.c.action, audit_entry.c.actor).order_by(audit_entry.c.id))
        return [(row.action, row.actor) for row in rows if not row.action.startswith(("session.", "login"))]


def figures(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every figure of an answer."""
    if isinstance(document, dict):
        if {"value", "quantity", "explain"} <= document.keys():
            yield document
        for value in document.values():
            yield from figures(value)
    elif isinstance(document, list):
        for value in document:
            yield from figures(value)


def derive(world: Exchange, path: str) -> Any:
    return world.view(path)


def test_what_the_page_shows_and_that_every_figure_opens_to_its_parts(world: Exchange) -> None:
    world.deliver()
    world.bury(2, 3)
    page = world.view("/exchange")
    (stream,) = page["streams"]
    assert (stream["state"], stream["seen"]["value"], stream["dead"]["value"]) == ("open", 12, 2)
    assert (page["partners"][0]["name"], page["partners"][0]["alarm"]) == ("recipient", None)
    assert {name: figure["value"] for name, figure in stream["counts"].items()} == {"acknowledged": 10, "dead": 2}
    stream_page = world.view(f"/exchange/streams/{world.stream_id}")
    assert [letter["id"] for letter in stream_page["letters"]] == [2, 3]
    seen = {}
    waiting = [*figures(page), *figures(stream_page)]
    while waiting:
        figure = waiting.pop()
        if figure["explain"] in seen:
            continue
        found = derive(world, figure["explain"])
        seen[figure["explain"]] = found
        assert found["figure"]["value"] == figure["value"], figure
        assert found["figure"]["simulated"] == figure["simulated"], figure
        if found["parts"]:
            assert sum(part["figure"]["value"] for part in found["parts"]) == figure["value"], found
            waiting += [part["figure"] for part in found["parts"]]
        else:
            assert found["equation"]
    assert len(seen) > 12


def test_counts_of_messages_say_simulated_where_the_data_are(world: Exchange) -> None:
    world.deliver()
    world.bury(2)

    def marked() -> dict[str, bool]:
        page = world.view("/exchange")
        (stream,) = page["streams"]
        parts = derive(world, "/explain/exchange/messages")["parts"]
        return {
            "dead": page["figures"]["dead"]["simulated"],
            "seen": stream["seen"]["simulated"],
            "acknowledged": stream["counts"]["acknowledged"]["simulated"],
            "parts": any(part["figure"]["simulated"] for part in parts),
            "partners": page["figures"]["partners"]["simulated"],
            "entries": page["entries"]["simulated"],
            "nothing": stream["due"]["simulated"],
        }

    of_data, not_of_data = ("dead", "seen", "acknowledged", "parts"), ("partners", "entries", "nothing")
    assert marked() == dict.fromkeys(of_data, True) | dict.fromkeys(not_of_data, False)
    assert "SIMULATED" in world["analyst"].http.get(f"/exchange/streams/{world.stream_id}").text
    with world.provider.database.write() as connection:
        connection.execute(record.update().values(simulated=False))
    # Control: real data carry no mark.
    assert not any(marked().values())
    assert "SIMULATED" not in world["analyst"].http.get(f"/exchange/streams/{world.stream_id}").text


def test_what_stands_behind_a_long_list_opens_as_itself(world: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    world.deliver()
    world.bury(2, 3)
    monkeypatch.setattr("sealane.web.exchange.figures.MAX_PARTS", 1)
    whole = derive(world, "/explain/exchange/messages")
    first, rest = whole["parts"]
    assert rest["label"] == "all others"
    assert first["figure"]["value"] + rest["figure"]["value"] == whole["figure"]["value"]
    opened = derive(world, rest["figure"]["explain"])
    assert opened["figure"] == rest["figure"] != whole["figure"]
    assert sum(part["figure"]["value"] for part in opened["parts"]) == rest["figure"]["value"]


def test_what_is_not_there_is_told_so(world: Exchange) -> None:
    for path in (
        "explain/exchange/messages?colour=red",
        "explain/exchange/messages?after=200",
        "explain/exchange/messages?after=-1",
        "explain/exchange/partners?peer=none&after=1",
        "explain/exchange/seen?stream=unknown",
        "explain/exchange/seen",
        "explain/exchange/refusals?letter=x",
        "explain/exchange/check?check=x&name=y",
        f"exchange/streams/{'0' * 64}",
        f"exchange/checks/{'0' * 36}",
    ):
        answer = world["analyst"].http.get(f"/api/v1/{path}", headers={"accept": "application/json"})
        assert answer.status_code == 404, answer.text
        assert answer.json()["remedy"]


def test_pause_holds_what_waits_and_resume_lets_it_go(world: Exchange) -> None:
    done = act(world, f"streams/{world.stream_id}/pause", {"reason": "maintenance of the berth system"})
    assert (done.status_code, done.json()["state"]) == (200, "suspended"), done.text
    assert world.deliver() is DeliveryOutcome.WAITING
    (stream,) = world.view("/exchange")["streams"]
    assert (stream["cause"], stream["may"]) == ("maintenance of the berth system", ["resume"])
    assert act(world, f"streams/{world.stream_id}/pause", {"reason": ""}).status_code == 422
    assert act(world, f"streams/{world.stream_id}/resume").json()["state"] == "open"
    assert world.deliver() is DeliveryOutcome.IDLE
    assert world.states() == {"acknowledged": 12}
    assert audited(world) == [("stream.pause", "officer"), ("stream.resume", "officer")]


def test_a_pause_goes_by_the_protocol_where_a_transfer_stands_behind(world: Exchange) -> None:
    now = world.clock()
    row = {
        "id": "urn:uuid:1",
        "role": "provider",
        "peer_pid": "urn:uuid:2",
        "peer": world.recipient.identity.participant,
        "callback": f"{world.recipient.identity.origin}/dsp",
        "state": "STARTED",
        "agreement_id": AGREEMENT,
        "agreement_version": 1,
        "clause_id": CLAUSE,
        "attempts": 0,
        "revision": 0,
        "created_at": now,
        "changed_at": now,
        "agreement_ref": "urn:uuid:3",
        "format": "Sealane-PUSH",
        "stream_id": world.stream_id,
    }
    with world.provider.database.write() as connection:
        connection.execute(transfer.insert().values(row))
        mine = stream_table.c.id == world.stream_id
        connection.execute(stream_table.update().where(mine).values(transfer_id=row["id"]))
    done = act(world, f"streams/{world.stream_id}/pause", {"reason": "the berth system is serviced"})
    assert done.json()["state"] == "suspended", done.text
    assert world.deliver() is DeliveryOutcome.WAITING
    (stream,) = world.view("/exchange")["streams"]
    assert (stream["cause"], stream["may"]) == ("the berth system is serviced", ["resume"])
    (process,) = world.view("/exchange")["transfers"]
    # The partner is still to be told; nothing flows meanwhile.
    assert (process["state"], process["pending"]) == ("SUSPENDED", "suspension")


def test_dead_letters_are_decided_anew_one_by_one_all_at_once_or_given_up(world: Exchange) -> None:
    world.deliver()
    world.bury(1, 2, 3, 4)
    assert act(world, "letters/1/retry").json() == {"retried": 1}
    assert act(world, "letters/1/retry").status_code == 404
    assert act(world, "letters/2", method="DELETE").status_code == 204
    assert act(world, f"streams/{world.stream_id}/letters/retry").json() == {"retried": 2}
    assert world.states() == {"acknowledged": 8, "refused": 4, "waiting": 3}
    assert world.deliver() is DeliveryOutcome.IDLE
    with world.provider.database.read() as connection:
        kinds = sa.select(sa.func.count()).where(leaf.c.kind == "event_dropped")
        assert connection.scalar(kinds) == 1
    assert [action for action, _ in audited(world)] == ["letter.retry", "letter.drop", "letters.retry"]


def test_a_stopped_stream_is_recovered_knowingly_and_only_then(world: Exchange) -> None:
    assert act(world, f"streams/{world.stream_id}/recover").status_code == 409  # it is not stopped
    world.deliver()
    for node in (world.provider, world.recipient):
        with node.database.write() as connection:
            stop_stream(connection, world.stream_id, "the logs contradict each other", world.clock())
    (stream,) = world.view("/exchange")["streams"]
    assert (stream["cause"], stream["may"]) == ("the logs contradict each other", ["recover"])
    answer = act(world, f"streams/{world.stream_id}/recover")
    assert answer.status_code == 200, answer.text
    with world.provider.database.read() as connection:
        found = get_stream(connection, world.stream_id)
    assert found is not None
    assert found.state == "open"


def test_checks_of_the_log_run_as_jobs_and_say_what_they_found(world: Exchange) -> None:
    world.deliver()
    partner = world.recipient.identity.participant
    asked = {
        kind: act(world, "checks", {"kind": kind, "participant": None if kind == "verify" else partner})
        for kind in ("verify", "witness", "reconcile")
    }
    assert {answer.status_code for answer in asked.values()} == {202}
    again = act(world, "checks", {"kind": "verify"})
    assert again.json()["id"] == asked["verify"].json()["id"]  # one is enough
    waiting = world.view(f"/exchange/checks/{again.json()['id']}")["check"]
    assert waiting["state"] == "waiting"
    assert run_waiting(world.provider) == 3
    found = {kind: world.view(f"/exchange/checks/{answer.json()['id']}")["check"] for kind, answer in asked.items()}
    assert {kind: (c["state"], c["error"]) for kind, c in found.items()} == dict.fromkeys(asked, ("done", None))
    assert {kind: c["faults_found"] for kind, c in found.items() if c["faults_found"]} == {"verify": 2}
    # The agreement of these nodes was put in force without signatures, which the verifier finds.
    assert all("agreement" in fault for fault in found["verify"]["faults"])
    assert found["verify"]["figures"]["entries"]["value"] > 12
    assert found["reconcile"]["figures"]["events sent"]["value"] == 12
    (shown,) = world.view("/exchange")["partners"]
    assert shown["holds_of_ours"]["value"] == found["witness"]["figures"]["held there"]["value"]
    for check in found.values():
        for figure in check["figures"].values():
            assert derive(world, figure["explain"])["figure"]["value"] == figure["value"]


def test_a_log_that_was_altered_is_found_out_and_a_partner_that_is_away_is_told(world: Exchange) -> None:
    world.deliver()
    with world.provider.database.write() as connection:
        # In the index column only: SQLite and PostgreSQL let who owns the database do that.
        connection.execute(leaf.update().where(leaf.c.position == 3).values(subject="another"))
    verify = act(world, "checks", {"kind": "verify"}).json()["id"]
    assert run_waiting(world.provider) == 1
    check = world.view(f"/exchange/checks/{verify}")["check"]
    assert [fault for fault in check["faults"] if "entry 3, column subject" in fault]
    world.provider.outbound.close()  # no way out: as if the partner were away
    away = act(world, "checks", {"kind": "reconcile", "participant": world.recipient.identity.participant}).json()["id"]
    assert run_waiting(world.provider) == 1
    assert world.view(f"/exchange/checks/{away}")["check"]["state"] == "failed"


def test_a_wrong_check_is_refused(world: Exchange) -> None:
    for body, status in (
        ({"kind": "reconcile"}, 400),
        ({"kind": "verify", "participant": "urn:sealane:test:recipient"}, 400),
        ({"kind": "reconcile", "participant": "urn:nobody"}, 404),
        ({"kind": "burn"}, 422),
        ({"kind": "verify", "role": "administrator"}, 422),
    ):
        assert act(world, "checks", body).status_code == status, body


def test_alarms_about_a_partner_are_taken_back_by_who_has_looked(world: Exchange) -> None:
    partner = world.recipient.identity.participant
    with world.provider.database.write() as connection:
        raise_alarm(connection, partner, "its log contradicts what it signed before")
    assert world.view("/exchange")["partners"][0]["alarm"]
    asked = act(world, "partners/check", {"participant": partner}).json()
    assert [text for text in asked["troubles"] if "contradicts" in text]
    done = act(world, "partners/alarm/clear", {"participant": partner})
    assert done.json()["alarm"] == "its log contradicts what it signed before"
    with world.provider.database.write() as connection:
        raise_alarm(connection, partner, "again")
    assert act(world, "partners/log/accept", {"participant": partner}).json()["alarm"] == "again"
    with world.provider.database.read() as connection:
        peer = get_peer(connection, partner)
    assert peer is not None
    assert peer.alarm is None
    for path in ("check", "alarm/clear", "log/accept"):
        assert act(world, f"partners/{path}", {"participant": "urn:nobody"}).status_code == 404
    assert [action for action, _ in audited(world)] == ["partner.check", "partner.alarm", "partner.log"]


def test_those_who_only_look_cannot_act(world: Exchange) -> None:
    world.deliver()
    world.bury(1)
    steps = [
        ("POST", f"streams/{world.stream_id}/pause", {"reason": "x"}),
        ("POST", f"streams/{world.stream_id}/resume", {}),
        ("POST", f"streams/{world.stream_id}/recover", {}),
        ("POST", f"streams/{world.stream_id}/letters/retry", {}),
        ("POST", "letters/1/retry", {}),
        ("DELETE", "letters/1", None),
        ("POST", "checks", {"kind": "verify"}),
        ("POST", "partners/check", {"participant": world.recipient.identity.participant}),
        ("POST", "partners/alarm/clear", {"participant": world.recipient.identity.participant}),
        ("POST", "partners/log/accept", {"participant": world.recipient.identity.participant}),
    ]
    for role in ("analyst", "steward"):
        assert world.view("/exchange", role)["may_act"] is False
        page = world[role].http.get(f"/exchange/streams/{world.stream_id}").text
        assert "data-api" not in page
        for method, path, body in steps:
            assert act(world, path, body, role, method).status_code == 403, (role, path)
    assert world.states() == {"acknowledged": 11, "dead": 1}
    assert audited(world) == []


def test_the_log_is_read_in_pages_and_narrowed_down(world: Exchange) -> None:
    world.deliver()
    whole = world.view("/exchange/log")
    assert whole["size"]["value"] == len(whole["entries"])
    sealed = world.view("/exchange/log?kind=event_sealed")
    assert {entry["kind"] for entry in sealed["entries"]} == {"event_sealed"}
    assert len(sealed["entries"]) == 12
    after = world.view(f"/exchange/log?after={whole['entries'][-2]['position']}")
    assert [entry["position"] for entry in after["entries"]] == [whole["entries"][-1]["position"]]
    assert world["analyst"].http.get("/api/v1/exchange/log?kind=nonsense").status_code == 422
