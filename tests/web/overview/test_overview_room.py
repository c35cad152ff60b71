"""The first page over HTTP: what guests see of it and what not, days that calendars end at, labels, comparisons."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.agreement_world import LOS_ANGELES, NAGOYA, content_of
from tests.ports import put_in_force
from tests.web.accounts.people import Place, served

from sealane.agreements.documents import read_document
from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables.results import result as table
from sealane.errors import RequestRefusedError
from sealane.exchange.keys import Identity
from sealane.exchange.registry import known_datasets
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.samples import __file__ as samples
from sealane.web.overview.headlines import _comparable, change_derivation, change_figure
from sealane.web.results import Result, keep_result, result_of

HOUR = Path(samples).parent / "data" / "ny_harbor_2020_06_30_first_hour.csv.gz"
SECRET_TITLE = "An agreement that only its parties know"
DAYS = ("9999-12-31", "0001-01-01", "1899-12-31", "2200-01-01")


@pytest.fixture(scope="module")
def first_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A node that lets guests in: a signed agreement, a real hour open to guests and kept by a person."""
    folder = tmp_path_factory.mktemp("overview")
    database = Database(sqlite_url(folder / "node.db"))
    database.create_tables()
    run_inventory(InventoryRequest((HOUR,), "USNYC", folder / "hour", threads=1))
    with served(folder / "node", database, guests=True) as place:
        now = place.node.clock()
        other = Identity.create(folder / "other", "urn:test:nagoya", "https://nagoya.example.org", now)
        content = content_of([(LOS_ANGELES, place.node.identity), (NAGOYA, other)], title=SECRET_TITLE)
        document = read_document(json.dumps(content).encode(), "test.json", known_datasets())
        put_in_force(place.node, document)
        keep_result(place.node, folder / "hour", public=True, created_by="ada@example.org")
        yield place
    database.close()


def ask(client: httpx.Client, path: str) -> httpx.Response:
    return client.get(f"/api/v1{path}", headers={"accept": "application/json"})


def test_guests_do_not_see_agreements_signed_on_the_node(first_page: Place) -> None:
    guest, analyst = first_page.browser().http, first_page.entered("ann").http
    for path in ("/overview", "/overview/map", "/overview?partner=nagoya", "/overview/map?partner=nagoya"):
        for_guest, for_staff = ask(guest, path), ask(analyst, path)
        assert for_guest.status_code == 200
        assert SECRET_TITLE in for_staff.text and SECRET_TITLE not in for_guest.text, path
        assert not any(link["signed"] for link in for_guest.json()["links"])
        assert for_guest.json()["links"], "the public catalogue is everybody's"
    assert SECRET_TITLE not in guest.get("/").text and SECRET_TITLE not in guest.get("/overview/map").text


def test_guests_are_not_told_how_many_alerts_are_open(first_page: Place) -> None:
    guest, analyst = first_page.browser().http, first_page.entered("ann").http
    assert ask(guest, "/overview").json()["open_alerts"] is None
    assert guest.get("/").status_code == 200 and "/explain/alerts" not in guest.get("/").text
    told = ask(analyst, "/overview").json()["open_alerts"]
    assert ask(analyst, told["explain"]).json()["figure"]["value"] == told["value"]
    assert analyst.get("/").status_code == 200


def test_guests_do_not_learn_who_works_at_the_port(first_page: Place) -> None:
    guest, analyst = first_page.browser().http, first_page.entered("ann").http
    kept = ask(guest, "/reports").json()["inventories"][0]["reports"][0]
    for path in ("/reports", f"/reports/{kept['id']}"):
        assert "ada@example.org" in ask(analyst, path).text and "ada@example.org" in analyst.get(path).text
        assert "ada@example.org" not in ask(guest, path).text
        page = guest.get(path).text
        assert "ada@example.org" not in page and "the command line" not in page


@pytest.mark.parametrize("day", DAYS)
def test_a_day_that_nothing_can_be_counted_from_is_refused(first_page: Place, day: str) -> None:
    guest = first_page.browser().http
    kept = ask(guest, "/reports").json()["inventories"][0]["reports"][0]["id"]
    moment = f"{day}T00:30:00{'-14:00' if day > '2000' else '%2B14:00'}"
    for path in (
        f"/overview?day={day}",
        f"/overview/map?day={day}",
        f"/explain/calls-of-day?day={day}",
        f"/results/{kept}/map?day={day}",
        f"/ports/USNYC?from={moment}",
        f"/ports/USNYC?to={day}",
        f"/explain/inventory/{kept}?quantity=hours&hour={moment}",
    ):
        assert ask(guest, path).status_code == 422, path


def test_a_result_is_asked_for_by_an_id_only(first_page: Place) -> None:
    guest = first_page.browser().http
    for path in ("/explain/inventory/%00", "/explain/lane/a%00b", "/ports/USNYC/calls/%00/x", "/explain/plan/%F0%9F"):
        assert 400 <= ask(guest, path).status_code < 500, path


def test_the_filter_of_the_map_is_one_partner_whatever_the_name(first_page: Place) -> None:
    page = first_page.browser().http.get("/api/v1/overview", params={"partner": "A&day=2001-01-01#x"}).json()
    assert page["map"].endswith("partner=A%26day%3D2001-01-01%23x")


def test_a_count_of_simulated_calls_says_so(first_page: Place) -> None:
    guest = first_page.browser().http
    day = ask(guest, "/overview").json()
    assert day["calls_in_all"]["value"] and not day["calls_in_all"]["simulated"]
    with first_page.node.database.write() as connection:
        connection.execute(table.update().values(simulated=True))
    try:
        assert ask(guest, "/overview").json()["calls_in_all"]["simulated"]
        assert ask(guest, f"/explain/calls-of-day?day={day['day']}").json()["figure"]["simulated"]
        assert ask(guest, "/explain/calls-of-day?day=2001-01-01").json()["source_files"] == []
    finally:
        with first_page.node.database.write() as connection:
            connection.execute(table.update().values(simulated=False))


def test_a_trend_is_of_periods_that_follow_each_other_and_of_one_method(first_page: Place) -> None:
    with first_page.node.database.read() as connection:
        ident = connection.execute(sa.select(table.c.id)).scalars().first()
        kept = result_of(connection, first_page.node, str(ident))
    july = dt.datetime(2025, 7, 1, tzinfo=dt.UTC)

    def month(number: int, **changes: Any) -> Result:
        begin = july - dt.timedelta(days=30 * number)
        return dataclasses.replace(
            kept, id=str(number), begins_at=begin, ends_at=begin + dt.timedelta(days=30), **changes
        )

    newest, before = month(0), month(1)
    assert [one.id for one in _comparable([newest, before])] == ["0", "1"]
    assert [one.id for one in _comparable([newest, month(0), before])] == ["0", "1"], "the same days worked out anew"
    other = month(1, method_edition="imo4-2020, ar5")
    assert [one.id for one in _comparable([newest, other, month(2)])] == ["0", "2"]
    assert [one.id for one in _comparable([newest, month(1, simulated=not kept.simulated)])] == ["0"]


def test_a_change_follows_from_both_periods(first_page: Place) -> None:
    node = first_page.node
    with node.database.read() as connection:
        ident = connection.execute(sa.select(table.c.id)).scalars().first()
        kept = result_of(connection, node, str(ident))
    assert kept.begins_at and kept.ends_at
    begin = kept.begins_at - (kept.ends_at - kept.begins_at)
    before = dataclasses.replace(kept, id="before", begins_at=begin, ends_at=kept.begins_at)
    figure = change_figure(kept, before, 3.0, 4.0)
    assert figure is not None
    assert figure.value == -0.25
    found = change_derivation(node, kept, before)
    now, earlier = (float(one.value or 0) for one in found.inputs)
    assert now > 0
    assert found.figure.value == (now - earlier) / earlier == 0.0
    second = dt.timedelta(seconds=1)
    overlapping = dataclasses.replace(before, begins_at=begin + second, ends_at=kept.begins_at + second)
    other = dataclasses.replace(before, port="USLAX")
    for now_, earlier_ in ((kept, other), (kept, overlapping), (kept, kept), (before, kept)):
        with pytest.raises(RequestRefusedError) as refused:
            change_derivation(node, now_, earlier_)
        assert refused.value.status == 404
    guest = first_page.browser().http
    assert ask(guest, f"/explain/change?now={ident}&before={ident}").status_code == 404
    assert ask(guest, f"/explain/change?now={ident}&before=none").status_code == 404
