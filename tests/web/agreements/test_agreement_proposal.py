"""Writing a proposal: questions from templates, answers in their places, faults at the questions, the document made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.web.agreements.two_ports import TwoPorts, draft

from sealane.agreements.documents_reader import BLANK
from sealane.agreements.templates import list_templates

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
PAGE = "/api/v1/agreement-proposal"
SISTER = {
    "an id": "los-angeles-nagoya-test",
    "the agreement's name": "A test of two ports",
    "from when it holds": "2026-04-01T00:00:00Z",
    "party id of the first port": "port-of-los-angeles",
    "party id of the second port": "port-of-nagoya",
    "the signed text": "Text of the test, kept by the test",
    "what you plan together": "-",
}
MOU = SISTER | {
    "the fields let through": "eventID, eventUpdatedDateTime,portCall,terminalCall,portCallService,timestamp,vessel",
    "purposes agreed": "port-call-optimisation",
    "all, or": "{ports: [USLAX, JPNGO], occurred_from: 2026-01-01T00:00:00Z}",
    "how long after": "PT6H",
    "none, parties or public": "none",
    "when the recipient must delete": "-",
    "the law or the sentence": "-",
}


def ask(browser: Any, template: str, **more: str) -> dict[str, Any]:
    answer = browser.http.get(PAGE, params={"template": template, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def answers(page: dict[str, Any], known: dict[str, str]) -> dict[str, str]:
    """Answer the questions of a page, those that are answered already as they are."""
    found = {}
    for question in page["questions"]:
        text = next((v for begin, v in known.items() if question["hint"].startswith(begin)), question["answer"])
        if text:
            found[question["id"]] = text
    return found


def test_every_blank_of_a_template_is_asked_once(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    for template in list_templates():
        page = ask(officer, template.name)
        asked = sum(question["places"] for question in page["questions"])
        assert asked == template.text.count(f'"{BLANK}'), template.name
        assert not page["checked"] and page["faults"] == [] and page["digest"] is None


def test_a_sister_agreement_from_a_form(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    partner = ports.there.node.identity.participant
    page = ask(officer, "sister-port", partner=partner)
    prefilled = {q["answer"] for q in page["questions"]}
    for node in ports.nodes:
        assert {node.identity.participant, node.identity.origin, node.identity.root_jwk["x"]} <= prefilled
    given = answers(page, SISTER)
    page = ask(officer, "sister-port", partner=partner, **given)
    assert page["faults"] == [] and page["digest"], [q for q in page["questions"] if q["faults"]]
    document = json.loads(page["text"])
    assert document["activities"] == []
    done = draft(officer, page["text"])
    assert done["digest"] == page["digest"] and done["id"] == "los-angeles-nagoya-test"
    html = officer.http.get("/agreement-proposal", params={"template": "sister-port", "partner": partner, **given})
    assert html.status_code == 200 and page["digest"] in html.text


def test_lists_filters_and_what_is_taken_out(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    partner = ports.there.node.identity.participant
    name = "mou-port-community-system"
    first = ask(officer, name, partner=partner)
    wanted = answers(first, MOU)
    page = ask(officer, name, partner=partner, **wanted)
    document = json.loads(page["text"])
    clause = document["clauses"][0]
    assert clause["rows"] == {"ports": ["USLAX", "JPNGO"], "occurred_from": "2026-01-01T00:00:00Z"}
    assert clause["fields"][:2] == ["eventID", "eventUpdatedDateTime"] and "delete_after" not in clause
    assert document.get("prohibitions", []) == []
    # The fields of another product: told at its question, not somewhere.
    wrong = [q for q in page["questions"] if q["faults"]]
    assert wrong and all(q["place"].startswith("clauses[") for q in wrong)
    assert page["digest"] is None


def test_a_fault_stands_at_its_question(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    page = ask(officer, "sister-port")
    by_hint = {q["hint"]: q["id"] for q in page["questions"]}
    first = next(id_ for hint, id_ in by_hint.items() if hint.startswith("an id"))
    page = ask(officer, "sister-port", **{first: "Not An Id"})
    question = next(q for q in page["questions"] if q["id"] == first)
    assert question["answer"] == "Not An Id" and len(question["faults"]) == 1
    # Every blank left is told, once.
    left = [q for q in page["questions"] if not q["answer"]]
    assert left and all(
        len(q["faults"]) == 1 and q["faults"][0]["blank"] for q in left
    )  # every blank left is told once
    assert not question["faults"][0]["blank"]


def test_hostile_answers(ports: TwoPorts) -> None:
    officer = ports.here.entered("olga", "officer")
    page = ask(officer, "mou-port-community-system")
    rows = next(q["id"] for q in page["questions"] if q["kind"] == "rows")
    bomb = "{a: &a [x, x, x, x], b: &b [*a, *a, *a, *a], c: [*b, *b, *b, *b]}"
    assert json.loads(ask(officer, "mou-port-community-system", **{rows: bomb})["text"])["clauses"][0]["rows"] == bomb
    tag = "{a: !!python/object/apply:os.system [true]}"
    assert json.loads(ask(officer, "mou-port-community-system", **{rows: tag})["text"])["clauses"][0]["rows"] == tag
    long = officer.http.get(PAGE, params={"template": "sister-port", "q0": "x" * 5000})
    assert long.status_code == 422
    assert officer.http.get(PAGE, params={"template": "../../etc/passwd"}).status_code == 404
    script = '"><script>alert(1)</script>'
    html = officer.http.get("/agreement-proposal", params={"template": "sister-port", "q0": script})
    assert html.status_code == 200 and script not in html.text


def test_only_officers_write(ports: TwoPorts) -> None:
    assert ports.here.entered("ann", "analyst").call("GET", PAGE).status_code == 403
