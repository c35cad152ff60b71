"""Cargo pages: one journey across two ports, as each of them may tell it; where every milestone comes from."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import sqlalchemy as sa
from tests.web.accounts.people import Browser
from tests.web.agreements.two_ports import TwoPorts
from tests.web.cargo.sample_world import AGREEMENT, CONTAINER

from sealane.database.tables.products import record
from sealane.exchange.ledger import all_entries
from sealane.products.cargo_entries import _EQUIPMENT_WORDS, _PORT_CALL_EVENT
from sealane.products.dcsa_port_call import SERVICE_EVENTS
from sealane.spreadsheet_text import inert
from sealane.web.cargo.happened import HAPPENED

JOURNEY = f"/api/v1/cargo/container/{CONTAINER}"


@pytest.fixture
def here(cargo_ports: TwoPorts) -> Browser:
    return cargo_ports.here.entered("ann", "analyst")


@pytest.fixture
def there(cargo_ports: TwoPorts) -> Browser:
    return cargo_ports.there.entered("jun", "analyst")


def get(browser: Browser, path: str) -> dict[str, Any]:
    answer = browser.call("GET", path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def walk(browser: Browser, figure: dict[str, Any]) -> None:
    """Open a figure's derivation and those of its parts; each level adds up exactly."""
    derivation = get(browser, f"/api/v1{figure['explain']}")
    assert derivation["figure"]["value"] == figure["value"], figure["explain"]
    marked = {part["figure"]["simulated"] for part in derivation["parts"]} | {derivation["figure"]["simulated"]}
    assert marked == {figure["simulated"]}, figure["explain"]
    if derivation["parts"]:
        assert sum(part["figure"]["value"] for part in derivation["parts"]) == figure["value"]
    for part in derivation["parts"]:
        walk(browser, part["figure"])
    assert browser.http.get(figure["explain"]).status_code == 200


def test_both_ports_on_one_line(here: Browser) -> None:
    page = get(here, JOURNEY)
    assert page["simulated"] and page["made_up"] == [f"{AGREEMENT}/1"]
    times = [m["at"] for m in page["milestones"] if m["at"]]
    assert times == sorted(times)
    told = {(m["step"], m["port"]) for m in page["milestones"] if m["classifier"] == "ACT"}
    assert {("gated_in", "JPNGO"), ("loaded", "JPNGO"), ("discharged", "USLAX"), ("gated_out", "USLAX")} <= told
    partners = [m for m in page["milestones"] if not m["own"]]
    assert partners and all(m["agreement"] == AGREEMENT and m["clause"].startswith("nagoya") for m in partners)
    assert all(m["zone"] == "Asia/Tokyo" for m in page["milestones"] if m["port"] == "JPNGO")
    for figure in (page["told"], page["sources"]):
        walk(here, figure)
    assert page["told"]["value"] == len(page["milestones"]) and page["sources"]["value"] == 2


def test_the_partner_sees_what_the_clause_lets_through(cargo_ports: TwoPorts, there: Browser) -> None:
    page = get(there, JOURNEY)
    from_here = [m for m in page["milestones"] if not m["own"]]
    kept = {name for m in from_here for name in m["kept_back"]}
    assert any("licensePlate" in name for name in kept) and "vessel.vesselName" in kept
    assert all(m["vessel_name"] is None for m in from_here if m["dataset"] == "port-calls")
    assert {m["port"] for m in from_here} == {"USLAX"}  # what happened elsewhere is not agreed


def test_what_partners_were_not_sent(here: Browser) -> None:
    page = get(here, JOURNEY)
    own = [m for m in page["milestones"] if m["own"]]
    sent = {(m["port"], m["step"]): m["sent_to"][0] for m in own}
    assert sent["USLAX", "discharged"]["state"] == "sent" and sent["USLAX", "discharged"]["kept_back"] > 0
    outside = sent["USLGB", "other"]
    assert outside["state"] == "withheld" and outside["reason"] == "port_outside"
    explained = get(here, f"/api/v1{outside['path']}")
    assert explained["verdict"] == "withheld" and explained["clauses"][0]["reason"] == "port_outside"
    assert explained["clauses"][0]["rows"]["ports"] == ["USLAX"] and explained["facts"]["port"] == "USLGB"
    assert explained["decided"][0]["same_now"] is True
    assert here.http.get(outside["path"]).status_code == 200


def test_estimates_that_differ_stand_side_by_side(here: Browser) -> None:
    page = get(here, JOURNEY)
    conflict = next(c for c in page["conflicts"] if c["port"] == "USLAX" and c["step"] == "arrived")
    assert conflict["spread"]["value"] == 4.0
    assert {m["own"] for m in conflict["milestones"]} == {True, False}
    derivation = get(here, f"/api/v1{conflict['spread']['explain']}")
    assert derivation["figure"]["value"] == 4.0 and len(derivation["inputs"]) == 2
    flagged = [m for m in page["milestones"] if m["in_conflict"]]
    assert {m["record"] for m in conflict["milestones"]} <= {m["record"] for m in flagged}


def test_every_milestone_leads_to_its_message_and_the_log(cargo_ports: TwoPorts, here: Browser) -> None:
    page = get(here, JOURNEY)
    with cargo_ports.here.node.database.read() as connection:
        log = {entry.position: entry for entry in all_entries(connection)}
        rows = {(r.source, r.dataset, r.id): r for r in connection.execute(sa.select(record))}
    with cargo_ports.there.node.database.read() as connection:
        theirs = {r.id: r for r in connection.execute(sa.select(record))}
    for milestone in page["milestones"]:
        origin = get(here, f"/api/v1{milestone['path']}")
        row = rows[milestone["source"], milestone["dataset"], milestone["record"]]
        assert origin["digest"] == row.digest and origin["position"] == row.position
        assert json.loads(origin["message"]) == json.loads(row.body)
        assert origin["log"], milestone["path"]
        for place in origin["log"]:
            assert log[place["position"]].hash.hex() == place["hash"]
        if milestone["own"]:
            assert origin["clause"] is None
            continue
        # The event names stream, position and content of the partner's own record: it must be that very record's.
        _, _, position, digest = origin["event"].split(".")
        sent = theirs[milestone["record"]]
        assert (int(position), digest) == (sent.position, sent.digest[:16])
        assert [place["kind"] for place in origin["log"]] == ["event_received"]
        assert here.http.get(milestone["path"]).status_code == 200


@pytest.mark.parametrize(
    ("q", "kind", "reference"),
    [
        ("simu 100002-8", "container", CONTAINER),
        ("SIMU100002", "container", CONTAINER),
        ("IMO 9999993", "voyage", "9999993"),
        ("9999993:SIM042E", "voyage", "9999993:SIM042E"),
        ("9999993 sim042e", "voyage", "9999993:SIM042E"),
    ],
)
def test_search(here: Browser, q: str, kind: str, reference: str) -> None:
    answer = here.http.get("/api/v1/cargo", params={"q": q})
    hits = answer.json()["hits"]
    assert (kind, reference) in {(hit["kind"], hit["reference"]) for hit in hits}, hits
    for hit in hits:
        walk(here, hit["records"])
        assert here.http.get(hit["path"]).status_code == 200


@pytest.mark.parametrize("q", ["%", "_____", "SIMU%", "' OR 1=1 --", "\\", "x" * 200, "港"])
def test_nothing_in_a_search_has_another_meaning(here: Browser, q: str) -> None:
    answer = here.http.get("/api/v1/cargo", params={"q": q})
    assert answer.status_code == 200 and answer.json()["hits"] == []
    assert here.http.get("/cargo", params={"q": q}).status_code == 200


def test_a_wrong_check_digit_is_told(here: Browser) -> None:
    assert "check digit" in here.http.get("/api/v1/cargo", params={"q": "SIMU1000027"}).json()["wrong"]
    answer = here.call("GET", "/api/v1/cargo/container/SIMU1000027")
    assert answer.status_code == 400 and "check digit" in answer.text
    assert here.call("GET", "/api/v1/cargo/voyage/9999999").status_code == 400
    assert here.call("GET", "/api/v1/cargo/parcel/1").status_code in {400, 422}


def test_a_reference_nobody_names_is_an_empty_page(here: Browser) -> None:
    page = get(here, "/api/v1/cargo/booking/AB/12%203")
    assert page["reference"] == "AB/12 3" and page["milestones"] == [] and page["told"]["value"] == 0
    assert "Look for something else" in here.http.get("/cargo/booking/AB/12%203").text


def test_what_is_not_held_is_not_there(here: Browser) -> None:
    for path in (
        "/api/v1/explain/milestone?source=x&dataset=port-calls&record=1",
        f"/api/v1/explain/cargo/everything/container/{CONTAINER}",
        f"/api/v1/explain/cargo/spread/container/{CONTAINER}?conflict=99",
        "/api/v1/explain/sharing?dataset=port-calls&record=none&partner=urn:example:port-of-nagoya",
        "/api/v1/explain/sharing?dataset=port-calls&record=none&partner=urn:example:nobody",
    ):
        assert here.call("GET", path).status_code == 404, path


@pytest.mark.parametrize("nul", ["%00", "a%00b"])
def test_a_nul_is_refused_not_a_failure(here: Browser, nul: str) -> None:
    for path in (
        f"/api/v1/cargo?q={nul}",
        f"/api/v1/cargo/booking/{nul}",
        f"/api/v1/cargo-export/booking/{nul}",
        f"/api/v1/explain/cargo/records/booking/{nul}",
        f"/api/v1/explain/cargo/records/booking/B1?dataset={nul}",
        f"/api/v1/explain/cargo/milestones/booking/B1?source={nul}",
        f"/api/v1/explain/milestone?source={nul}&dataset=port-calls&record=1",
        f"/api/v1/explain/milestone?source=x&dataset=port-calls&record={nul}",
        f"/api/v1/explain/sharing?dataset=port-calls&record={nul}&partner=urn:example:port-of-nagoya",
        f"/api/v1/agreements/{nul}",
        f"/api/v1/agreements/{nul}/1",
        f"/api/v1/agreements/public/{nul}",
        f"/api/v1/agreements?partner={nul}",
        f"/api/v1/explain/agreement-flows/{nul}/delivered",
        f"/api/v1/explain/commitments/{nul}/x/last",
    ):
        assert 400 <= here.http.get(path).status_code < 500, path
    for body in ({"kind": "booking", "reference": "a\0b"}, {"kind": "booking", "reference": "\0"}):
        assert 400 <= here.call("POST", "/api/v1/cargo-follows", body).status_code < 500


def test_export_holds_no_live_formula(cargo_ports: TwoPorts, here: Browser) -> None:
    answer = here.http.get(f"/api/v1/cargo-export/container/{CONTAINER}")
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="cargo-container-{CONTAINER}-SIMULATED.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    page = get(here, JOURNEY)
    assert [row["record"] for row in rows] == [inert(m["record"]) for m in page["milestones"]]
    assert {row["label"] for row in rows} == {"SIMULATED"}
    assert all(cell == inert(cell) for row in rows for cell in row.values())
    evil = cargo_ports.here.node
    with evil.database.write() as connection:
        mine = (record.c.equipment == CONTAINER) & (record.c.port == "USLGB")
        body = connection.scalars(sa.select(record.c.body).where(mine)).one()
        changed = bytes(body).replace(b"SIMULATED warehouse", b"=HYPERLINK(1)")
        assert changed != bytes(body)
        connection.execute(record.update().where(mine).values(body=changed))
    try:
        text = here.http.get(f"/api/v1/cargo-export/container/{CONTAINER}").text
        assert "'=HYPERLINK(1)" in text and ",=HYPERLINK" not in text
        assert "=HYPERLINK(1)" in here.http.get(f"/cargo/container/{CONTAINER}").text  # shown, as text
    finally:
        with evil.database.write() as connection:
            connection.execute(record.update().where(mine).values(body=bytes(body)))


def test_flows_of_the_agreement_add_up(here: Browser, there: Browser) -> None:
    for browser in (here, there):
        page = get(browser, f"/api/v1/agreements/{AGREEMENT}/1")
        for flow in page["sent"]:
            assert sum(one["records"]["value"] for one in flow["reasons"]) == flow["withheld"]["value"]
            for name in ("delivered", "waiting", "withheld"):
                walk(browser, flow[name])
            for one in flow["reasons"]:
                walk(browser, one["records"])
        for flow in page["received"]:
            walk(browser, flow["records"])
            walk(browser, flow["simulated"])
    ours = {f["clause"]: f["delivered"]["value"] for f in get(here, f"/api/v1/agreements/{AGREEMENT}/1")["sent"]}
    theirs = {f["clause"]: f["records"]["value"] for f in get(there, f"/api/v1/agreements/{AGREEMENT}/1")["received"]}
    assert ours == theirs and sum(ours.values()) > 0


def test_guests_see_no_cargo(cargo_ports: TwoPorts) -> None:
    guest = cargo_ports.here.browser()
    for path in (JOURNEY, "/api/v1/cargo", f"/api/v1/cargo-export/container/{CONTAINER}"):
        assert guest.call("GET", path).status_code == 401


def test_every_word_of_the_standards_is_marked() -> None:
    said = set(_EQUIPMENT_WORDS.values()) | {"scheduled call"}
    said |= {f"{mode} {e}" for mode in ("rail", "truck", "barge", "transport") for e in ("arrived", "departed")}
    for service, events in SERVICE_EVENTS.items():
        said |= {f"{service.replace('_', ' ').lower()} {_PORT_CALL_EVENT[event]}" for event in events}
    assert said == set(HAPPENED)
