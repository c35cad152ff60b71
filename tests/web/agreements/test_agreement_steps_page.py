"""The steps officers take on pages: the same as on the command line, confirmed by digest, audited, by role."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.agreement_world import LOS_ANGELES
from tests.web.agreements.two_ports import TwoPorts, draft, take

from sealane.exchange import registry

on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def standing(browser: Any, done: dict[str, Any]) -> str:
    answer = browser.call("GET", f"/api/v1/agreements/{done['id']}/{done['version']}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["version"]["standing"])


def test_proposed_signed_and_retired(ports: TwoPorts) -> None:
    here, there = ports.here.entered("olga", "officer"), ports.there.entered("ryo", "officer")
    done = draft(here, ports.text())
    assert done["standing"] == "draft" and done["path"] == "/agreements/test-agreement/1"
    assert take(here, done, "proposal").json()["standing"] == "proposed"
    ports.told()
    assert standing(there, done) == "proposed"
    page = there.call("GET", done["path"].replace("/agreements", "/api/v1/agreements")).json()
    assert page["steps"][:2] == ["sign", "decline"] and page["version"]["waits_for_us"]
    assert [s["verified"] for s in page["signatures"]] == [True, None]
    assert page["version"]["digest"] == done["digest"]  # the same bytes on both nodes
    signed = take(there, done, "signature")
    assert signed.json()["standing"] == "in_force", signed.text
    ports.told()
    assert standing(here, done) == "in_force"
    ended = take(there, done, "retirement", reason="The trial is over")
    assert ended.json()["standing"] == "retired"
    ports.told()
    after = here.call("GET", "/api/v1/agreements/test-agreement/1").json()
    assert after["version"]["standing"] == "retired" and after["version"]["end_reason"] == "The trial is over"
    assert after["steps"] == ["record"]
    kinds = [entry["kind"] for entry in after["ledger"]]
    assert kinds == [
        "agreement_proposed",
        "agreement_signed",
        "agreement_signed",
        "agreement_in_force",
        "agreement_retired",
    ]
    actions = [(actor, action, thing) for actor, action, thing in ports.here.audit()]
    assert actions == [
        ("olga", "agreement.draft", "test-agreement/1"),
        ("olga", "agreement.propose", "test-agreement/1"),
    ]
    assert [action for _, action, _ in ports.there.audit()] == ["agreement.sign", "agreement.retire"]


@on_one_database
def test_another_digest_is_refused_and_changes_nothing(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    done = draft(officer, ports.text())
    newer = draft(officer, ports.text(title="The terms have changed"))  # a later draft takes the place of the first
    assert newer["digest"] != done["digest"]
    answer = take(officer, done, "proposal")
    assert answer.status_code == 409 and "another-digest" in answer.json()["type"]
    assert standing(officer, done) == "draft"
    with ports.here.node.database.read() as connection:
        assert registry.messages(connection) == []
    assert "agreement.propose" not in [action for _, action, _ in ports.here.audit()]
    assert take(officer, newer, "proposal").status_code == 200


@on_one_database
@pytest.mark.parametrize("role", ["analyst", "steward", "administrator"])
def test_only_officers_sign(ports: TwoPorts, role: str) -> None:
    officer, other = ports.here.entered("olga", "officer"), ports.here.entered("otto", role)
    done = draft(officer, ports.text())
    for step, more in (
        ("proposal", {}),
        ("signature", {}),
        ("decline", {"reason": "no"}),
        ("retirement", {"reason": "no"}),
    ):
        assert take(other, done, step, **more).status_code == 403
    assert other.call("POST", "/api/v1/agreements", {"text": ports.text()}).status_code == 403
    assert other.call("GET", "/api/v1/agreements/test-agreement/1/confirm/propose").status_code == 403
    shown = other.call("GET", "/api/v1/agreements/test-agreement/1").json()
    assert set(shown["steps"]) <= {"record"}
    assert standing(officer, done) == "draft"


@on_one_database
def test_every_fault_is_told_with_its_place(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    content = ports.content()
    content["clauses"][0]["delay"] = "soon"
    content["clauses"][1]["dataset"] = "port-call"
    content["valid_until"] = "2025-01-01"
    text = json.dumps(content)
    answer = officer.call("POST", "/api/v1/agreements", {"text": text, "name": "mine.json"})
    assert answer.status_code == 400, answer.text
    places = {fault["where"] for fault in answer.json()["faults"]}
    assert {"mine.json: clauses[0].delay", "mine.json: clauses[1].dataset", "mine.json: valid_until"} <= places
    checked = officer.call("POST", "/api/v1/agreement-checks", {"text": text, "name": "mine.json"}).json()
    assert not checked["valid"] and {f["where"] for f in checked["faults"]} == places
    assert officer.call("GET", "/api/v1/agreements/test-agreement/1").status_code == 404
    good = officer.call("POST", "/api/v1/agreement-checks", {"text": ports.text()}).json()
    assert good["valid"] and good["digest"] == draft(officer, ports.text())["digest"]


@on_one_database
def test_fields_nobody_asked_for_are_refused(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    done = draft(officer, ports.text())
    answer = take(officer, done, "proposal", role="administrator")
    assert answer.status_code == 422
    assert standing(officer, done) == "draft"
    assert take(officer, {**done, "digest": "x" * 64}, "proposal").status_code == 422


@on_one_database
def test_the_same_step_twice_is_once(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    done = draft(officer, ports.text())
    assert [take(officer, done, "proposal").json()["standing"] for _ in range(2)] == ["proposed", "proposed"]
    with ports.here.node.database.read() as connection:
        assert len(registry.messages(connection)) == 1


@on_one_database
def test_declined_with_a_reason(ports: TwoPorts) -> None:
    here, there = ports.here.entered("olga", "officer"), ports.there.entered("ryo", "officer")
    done = draft(here, ports.text())
    take(here, done, "proposal")
    ports.told()
    assert take(there, done, "decline").status_code == 422  # without a reason
    assert take(there, done, "decline", reason="The fields are too many").json()["standing"] == "declined"
    ports.told()
    page = here.call("GET", "/api/v1/agreements/test-agreement/1").json()
    assert page["version"]["standing"] == "declined" and page["version"]["end_reason"] == "The fields are too many"
    again = take(there, done, "signature")
    assert again.status_code == 400 and standing(there, done) == "declined"


def _in_force(ports: TwoPorts) -> dict[str, Any]:
    here, there = ports.here.entered("olga", "officer"), ports.there.entered("ryo", "officer")
    done = draft(here, ports.text())
    take(here, done, "proposal")
    ports.told()
    take(there, done, "signature")
    ports.told()
    return done


@on_one_database
def test_renewed_as_a_draft_that_is_read_first(ports: TwoPorts) -> None:
    done = _in_force(ports)
    officer = ports.here.entered("olga", "officer")
    path = "/api/v1/agreements/test-agreement/1/renewal"
    wrong = officer.call("POST", path, {"valid_from": "tomorrow", "valid_until": "2030-01-01"})
    assert wrong.status_code == 400
    assert {f["where"] for f in wrong.json()["faults"]} == {"valid_from", "valid_until"}
    answer = officer.call("POST", path, {"valid_from": "2027-01-01T00:00:00Z"})
    assert answer.status_code == 201 and answer.json()["version"] == 2, answer.text
    renewed = answer.json()
    assert renewed["standing"] == "draft" and standing(officer, done) == "in_force"
    confirm = officer.call("GET", "/api/v1/agreements/test-agreement/2/confirm/propose").json()
    document = json.loads(confirm["text"])
    assert document["supersedes"] == 1 and document["valid_from"] == "2027-01-01T00:00:00Z"
    assert confirm["version"]["digest"] == renewed["digest"] and confirm["told"] == [
        ports.there.node.identity.participant
    ]
    assert take(officer, renewed, "proposal").json()["standing"] == "proposed"
    assert "renew" not in officer.call("GET", "/api/v1/agreements/test-agreement/1").json()["steps"]


@on_one_database
def test_confirming_shows_the_very_bytes(ports: TwoPorts) -> None:
    import hashlib

    officer = ports.here.entered("olga", "officer")
    done = draft(officer, ports.text())
    page = officer.call("GET", "/api/v1/agreements/test-agreement/1/confirm/propose").json()
    assert hashlib.sha256(page["text"].encode()).hexdigest() == done["digest"]
    assert page["size_bytes"] == len(page["text"].encode())
    assert page["key"] == ports.here.node.identity.signing_key(ports.clock()).kid
    assert officer.call("GET", "/api/v1/agreements/test-agreement/1/confirm/sign").status_code == 409
    assert officer.call("GET", "/api/v1/agreements/test-agreement/1/confirm/burn").status_code == 404
    html = officer.http.get("/agreements/test-agreement/1/confirm/propose")
    assert html.status_code == 200 and done["digest"] in html.text


@on_one_database
def test_a_signature_that_does_not_hold_is_told(ports: TwoPorts) -> None:
    """Negative control of *verified now*: the stored signature is exchanged for one over other bytes."""
    from sealane.database.tables.agreements import agreement_signature
    from sealane.exchange.evidence import Typ

    _in_force(ports)
    officer = ports.here.entered("olga", "officer")
    page = officer.call("GET", "/api/v1/agreements/test-agreement/1").json()
    assert [s["verified"] for s in page["signatures"]] == [True, True]
    forged = ports.there.node.identity.sign(b"{}", Typ.AGREEMENT, ports.clock())
    with ports.here.node.database.write() as connection:
        theirs = agreement_signature.c.participant == ports.there.node.identity.participant
        connection.execute(agreement_signature.update().where(theirs).values(jws=forged))
    page = officer.call("GET", "/api/v1/agreements/test-agreement/1").json()
    assert [(s["verified"], s["fault"]) for s in page["signatures"]] == [(True, None), (False, "other-bytes")]
    assert "does not hold" in officer.http.get("/agreements/test-agreement/1").text


@on_one_database
def test_activities_and_reports(ports: TwoPorts) -> None:
    content = ports.content(
        commitments=[
            {
                "id": "calls-shared",
                "by": [LOS_ANGELES],
                "what": "Shares its port calls",
                "due": "2026-12-31",
                "indicator": "share of calls sent",
                "unit": "%",
                "target": 95,
                "aim": "at_least",
            }
        ]
    )
    officer, steward = ports.here.entered("olga", "officer"), ports.here.entered("stan", "steward")
    draft(officer, json.dumps(content))
    path = "/api/v1/agreements/test-agreement/activities"

    def record(**body: Any) -> httpx.Response:
        answer: httpx.Response = steward.call("POST", path, body)
        return answer

    assert record(kind="visit", title="Visit of the terminal", day="2026-02-10").status_code == 201
    report = {
        "kind": "report",
        "title": "First quarter",
        "day": "2026-02-28",
        "commitment": "calls-shared",
        "value": 97.5,
    }
    assert record(**report).status_code == 201
    wrong = record(kind="visit", title="Later", day="2027-02-10", commitment="none")
    assert wrong.status_code == 400 and {f["where"] for f in wrong.json()["faults"]} >= {"day", "commitment"}
    assert steward.call("POST", path.replace("test-agreement", "nobody-knows"), report).status_code == 404
    assert record(kind="visit", title="A NUL \0", day="2026-02-10").status_code == 422
    page = steward.call("GET", "/api/v1/agreements/test-agreement/1").json()
    assert [a["title"] for a in page["activities"]] == ["First quarter", "Visit of the terminal"]
    (promise,) = page["commitments"]
    assert promise["reached"] and promise["last"]["value"] == 97.5 and promise["reports"]["value"] == 1
    for figure in (promise["last"], promise["reports"]):
        derived = steward.call("GET", f"/api/v1{figure['explain']}").json()
        assert derived["figure"]["value"] == figure["value"] and len(derived["inputs"]) == 1
    assert ("stan", "agreement.activity", "test-agreement") in ports.here.audit()
    assert ports.here.entered("ann", "analyst").call("POST", path, report).status_code == 403
