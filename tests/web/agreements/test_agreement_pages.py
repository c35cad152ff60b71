"""Pages on agreements: the public catalogue, what guests see, numbers that add up, texts that are marked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.agreement_world import LOS_ANGELES, NAGOYA, content_of
from tests.web.accounts.people import Browser, Place, served

from sealane.agreements import load_agreements
from sealane.agreements.documents import read_document
from sealane.agreements.model import Kind
from sealane.agreements.templates import list_templates
from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.agreement_store import insert_agreement
from sealane.exchange.keys import Identity
from sealane.exchange.registry import known_datasets
from sealane.web.agreements.blanks import questions_of
from sealane.web.agreements.public import strip_of
from sealane.web.agreements.shipped_words import SHIPPED

PUBLIC = ("/agreements", "/agreement-areas", "/agreement-parties", "/agreements/public/nagoya-mou-2023")
STAFF = ("/agreement-activities", "/agreement-flows", "/explain/sharing", "/explain/agreement-versions/in-force")


@pytest.fixture(scope="module")
def open_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A node that lets guests in."""
    folder = tmp_path_factory.mktemp("open")
    database = Database(sqlite_url(folder / "node.db"))
    database.create_tables()
    with served(folder / "node", database, guests=True, unlocode="USLAX") as found:
        yield found
    database.close()


@pytest.fixture(scope="module")
def analyst(open_place: Place) -> Browser:
    return open_place.entered("ann", "analyst")


def walk(browser: Browser, figure: dict[str, Any]) -> int:
    """Follow a count to what it counts; every level adds up exactly. Returns how many derivations were opened."""
    answer = browser.call("GET", f"/api/v1{figure['explain']}")
    assert answer.status_code == 200, (figure["explain"], answer.text)
    derivation = answer.json()
    assert derivation["figure"]["value"] == figure["value"], figure["explain"]
    parts = derivation["parts"]
    if parts:
        assert sum(part["figure"]["value"] for part in parts) == figure["value"]
    elif derivation["inputs"]:
        assert sum(one["value"] for one in derivation["inputs"]) == figure["value"]
    else:
        assert figure["value"] == 0 or "dataset=" in figure["explain"]
    page = browser.http.get(figure["explain"])
    assert page.status_code == 200 and 'id="derivation"' in page.text
    return 1 + sum(walk(browser, part["figure"]) for part in parts)


def test_the_timeline_holds_the_whole_catalogue(analyst: Browser) -> None:
    page = analyst.call("GET", "/api/v1/agreements").json()
    shown = [a["id"] for year in page["years"] for a in year["public"]] + [a["id"] for a in page["undated"]]
    known = [a.id for a in load_agreements().agreements if a.kind is not Kind.GENERAL]
    assert sorted(shown) == sorted(known)
    assert page["years"][0]["year"] == 1959 and page["public"]["value"] == len(known)
    assert [a["id"] for a in page["general"]] == ["sister-and-friendship-general"]
    for year in page["years"]:
        for agreement in year["public"]:
            assert agreement["sources"], agreement["id"]
            assert "clauses" in agreement["silent"]  # none is public, and the page says so


def test_counts_of_the_catalogue_add_up(analyst: Browser) -> None:
    for query in ("", "?kind=mou", "?partner=JPNGO", "?area=sustainability", "?kind=sister&partner=Tokyo"):
        page = analyst.call("GET", f"/api/v1/agreements{query}").json()
        assert walk(analyst, page["public"]) >= 1
    areas = analyst.call("GET", "/api/v1/agreement-areas").json()
    states = [areas[name] for name in ("built", "partly_built", "not_built")]
    assert sum(figure["value"] for figure in states) == len(areas["rows"]) == len(load_agreements().areas)
    for figure in states:
        walk(analyst, figure)


def test_guests_see_the_public_catalogue_only(open_place: Place) -> None:
    guest = open_place.browser()
    for path in PUBLIC:
        assert guest.http.get(path).status_code == 200, path
        assert guest.call("GET", f"/api/v1{path}").status_code == 200, path
    page = guest.call("GET", "/api/v1/agreements").json()
    assert page["in_force"] is None and page["executed"] == [] and not page["may_propose"]
    for path in STAFF:
        assert guest.call("GET", f"/api/v1{path}").status_code == 401, path


def test_guests_do_not_see_what_is_executed(
    open_place: Place, analyst: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    node = open_place.node
    folder = tmp_path_factory.mktemp("other")
    other = Identity.create(folder / "keys", "urn:example:other", "https://other.example.org", node.clock())
    content = content_of([(LOS_ANGELES, node.identity), (NAGOYA, other)], antecedents=["nagoya-mou-2023"])
    document = read_document(json.dumps(content).encode(), "test.json", known_datasets())
    with node.database.write() as connection:
        insert_agreement(connection, document, AgreementState.IN_FORCE, None, node.clock())
    for path in PUBLIC[:1] + PUBLIC[3:]:
        # Control: the analyst does see it.
        assert document.id in analyst.call("GET", f"/api/v1{path}").text, path
        assert document.id not in open_place.browser().call("GET", f"/api/v1{path}").text, path
        assert document.id not in open_place.browser().http.get(path).text, path
    assert open_place.browser().call("GET", f"/api/v1/agreements/{document.id}/1").status_code == 401


def test_pages_in_japanese(analyst: Browser) -> None:
    analyst.http.get("/preferences", params={"language": "ja"})
    try:
        for path in (*PUBLIC, *STAFF[:3]):
            page = analyst.http.get(path, headers={"accept-language": "ja"})
            assert page.status_code == 200, path
    finally:
        analyst.http.cookies.delete("sealane_view")


def test_what_is_not_there_is_said_so(analyst: Browser) -> None:
    for path in (
        "/api/v1/agreements/public/nagoya-mou-1066",
        "/api/v1/agreements/nobody-knows",
        "/api/v1/agreements/nobody-knows/1",
        "/api/v1/explain/agreement-areas/everything",
        "/api/v1/explain/agreement-versions/all",
        "/api/v1/explain/agreement-flows/0123/delivered",
        "/api/v1/explain/agreement-flows/0123/anything",
        "/api/v1/explain/commitments/nobody-knows/none/reports",
    ):
        assert analyst.call("GET", path).status_code == 404, path
    near = analyst.call("GET", "/api/v1/agreements/public/nagoya-mou-2022").json()
    assert "nagoya-mou-2020" in near["detail"]


def test_agreements_of_one_year_and_kind_stand_beside_each_other(analyst: Browser) -> None:
    page = analyst.call("GET", "/api/v1/agreements").json()
    dots = page["strip"]["dots"]
    assert len({(dot["x"], dot["row"]) for dot in dots}) == len(dots)
    assert all(0 <= dot["x"] <= 100 for dot in dots)
    assert [dot["year"] for dot in dots] == sorted(dot["year"] for dot in dots)
    assert strip_of([], [], 2026).dots == []


def test_every_shipped_text_is_marked_for_translation() -> None:
    catalogue = load_agreements()
    shipped = {area.name for area in catalogue.areas.values()} | {p.name for p in catalogue.parties.values()}
    for agreement in catalogue.agreements:
        shipped |= {agreement.title, *(p.named for p in (*agreement.parties, *agreement.facilitators))}
    for template in list_templates():
        shipped |= {template.about, *(places[0].hint for places in questions_of(template))}
    assert shipped == set(SHIPPED)
