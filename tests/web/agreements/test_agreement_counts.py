"""Numbers on the pages of agreements name what they count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.agreement_world import LOS_ANGELES, NAGOYA, content_of
from tests.ports import put_in_force
from tests.web.accounts.people import Place, served

from sealane.agreements.documents import read_document
from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.exchange.keys import Identity
from sealane.exchange.registry import known_datasets


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("counts")
    database = Database(sqlite_url(folder / "node.db"))
    database.create_tables()
    with served(folder / "node", database) as found:
        yield found
    database.close()


@pytest.fixture(scope="module")
def document(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder, now = tmp_path_factory.mktemp("other") / "other", place.node.clock()
    other = Identity.create(folder, "urn:test:nagoya", "https://nagoya.example.org", now)
    content = content_of([(LOS_ANGELES, place.node.identity), (NAGOYA, other)])
    found = read_document(json.dumps(content).encode(), "test.json", known_datasets())
    put_in_force(place.node, found)
    return found


def test_clauses_signatures_and_parties_are_named(place: Place, document: Any) -> None:
    analyst = place.entered("count.analyst").http
    for version in analyst.get(f"/api/v1/agreements/{document.id}").json()["versions"]:
        for name, ids in (
            ("clauses", [one.id for one in document.clauses]),
            ("signed", []),  # put in force without being signed, for a test
            ("participants", [one.participant for one in document.participants]),
        ):
            found = analyst.get(f"/api/v1{version[name]['explain']}").json()
            assert found["figure"] == version[name]
            assert sorted(one["name"] for one in found["inputs"]) == sorted(ids)
            assert found["figure"]["value"] == len(ids)
    path = f"/api/v1/explain/agreement-parts/{document.id}/1"
    assert analyst.get(f"{path}/none").status_code == 422
    assert analyst.get("/api/v1/explain/agreement-parts/none/1/clauses").status_code == 404


def test_counts_of_executable_agreements_keep_what_was_asked(place: Place, document: Any) -> None:
    analyst = place.entered("asked.analyst").http
    counted = {}
    for asked in (
        {},
        {"partner": "Port of Nagoya"},
        {"partner": "Port of Yokohama"},
        {"area": document.areas[0].id if document.areas else "cultural_exchange"},
        {"area": "none"},
        {"kind": document.kind.value},
        {"kind": "sister", "partner": "Port of Nagoya"},
    ):
        page = analyst.get("/api/v1/agreements", params=asked).json()
        for name in ("public", "in_force", "to_sign"):
            found = analyst.get(f"/api/v1{page[name]['explain']}").json()
            assert found["figure"] == page[name], asked
            assert set(asked.values()) <= set(found["filters"].values()) | {asked.get("kind")}
        assert len(found["inputs"]) == page["to_sign"]["value"]
        counted[str(asked)] = page["in_force"]["value"]
    assert counted["{}"] == 1
    assert set(counted.values()) == {0, 1}  # the control: what was asked makes a difference


def test_agreements_of_an_area_are_named(place: Place) -> None:
    analyst = place.entered("area.analyst").http
    rows = analyst.get("/api/v1/agreement-areas").json()["rows"]
    assert any(row["count"]["value"] for row in rows)
    for row in rows:
        found = analyst.get(f"/api/v1{row['count']['explain']}").json()
        assert found["figure"] == row["count"]
        assert sum(part["figure"]["value"] for part in found["parts"]) == row["count"]["value"]
