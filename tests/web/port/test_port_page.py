"""The pages of ports over HTTP: what they show leads to its derivation, and who may see it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.accounts.people import Place

from sealane.web.results import Result, keep_result, remove_result

PAGES = ["/ports", "/ports/USLAX", "/ports/USLAX?stays=table&scope=all&pollutant=nox", "/ports/USLAX?ship=nobody"]


@pytest.fixture(scope="module")
def guest(port_place: Place) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=port_place.origin, timeout=60, trust_env=False) as client:
        yield client


def get(client: httpx.Client, path: str) -> Any:
    answer = client.get(path if path.startswith("/api") else f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def figures(found: Any) -> Iterator[dict[str, Any]]:
    """Every figure in an answer."""
    if isinstance(found, dict):
        if "explain" in found and "quantity" in found:
            yield found
        else:
            for value in found.values():
                yield from figures(value)
    elif isinstance(found, list):
        for value in found:
            yield from figures(value)


@pytest.mark.parametrize("path", [
    "/ports", "/ports/USLAX", "/ports/USLAX?scope=all&pollutant=nox",
    "/ports/USLAX?confidence=4&truncated=none&ship=simul",
])  # fmt: skip
def test_every_figure_is_the_figure_of_its_derivation(guest: httpx.Client, kept_week: Result, path: str) -> None:
    known: dict[str, Any] = {}
    count = 0
    for figure in figures(get(guest, path)):
        own = known.setdefault(figure["explain"], get(guest, figure["explain"])["figure"])
        assert (own["value"], own["quantity"]) == (figure["value"], figure["quantity"]), figure
        assert figure["simulated"] is True
        count += 1
    assert count >= (2 if path == "/ports" else 60)


def test_every_figure_of_a_call_is_the_figure_of_its_derivation(guest: httpx.Client, kept_week: Result) -> None:
    rows = get(guest, "/ports/USLAX?sort=mass&order=falling")["calls"]["rows"]
    for row in rows[:2]:
        page = get(guest, row["path"])
        for figure in figures(page):
            own = get(guest, figure["explain"])["figure"]
            assert own["quantity"] == figure["quantity"]
            # A mass of a single row is the inventory's own; the index keeps it to its quantum.
            assert own["value"] == pytest.approx(figure["value"], rel=1e-9), figure
        assert [event["time"] for event in page["events"]] == sorted(event["time"] for event in page["events"])
        assert {one["origin"] for one in page["particulars"]} >= {"observed"}


def test_a_wrong_figure_would_be_seen(guest: httpx.Client, kept_week: Result) -> None:
    """The control of the two tests above."""
    figure = next(figures(get(guest, "/ports/USLAX")["mass"]))
    own = get(guest, figure["explain"] + "&mode=berth")["figure"]
    assert own["value"] != figure["value"]


def test_pages_hold_nothing_inline(guest: httpx.Client, kept_week: Result) -> None:
    call = get(guest, "/ports/USLAX")["calls"]["rows"][0]
    for path in (*PAGES, call["path"], call["mass"]["explain"], call["berth"]["explain"]):
        answer = guest.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, (path, answer.text[:500])
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert not re.search(r"\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|<style", answer.text), path
        assert "SIMULATED" in answer.text or path.endswith("nobody")


def test_pages_are_in_both_languages(guest: httpx.Client, kept_week: Result) -> None:
    page = guest.get("/ports/USLAX", headers={"accept": "text/html", "accept-language": "ja"}).text
    assert '<html lang="ja"' in page


def test_paging_shows_every_call_once(guest: httpx.Client, kept_week: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealane.web.port.calls.PAGE", 4)
    for sort in ("arrival", "ship", "ship_class", "berth", "anchorage", "mass", "unobserved", "confidence"):
        for order in ("rising", "falling"):
            met: list[str] = []
            after = ""
            while True:
                found = get(guest, f"/ports/USLAX?sort={sort}&order={order}&after={after}")["calls"]
                met += [row["call_id"] for row in found["rows"]]
                if found["after"] is None:
                    break
                after = found["after"]
            assert len(met) == len(set(met)) == found["found_all"]["value"]


def test_rows_are_sorted(guest: httpx.Client, kept_week: Result) -> None:
    masses = [row["mass"]["value"] for row in get(guest, "/ports/USLAX?sort=mass&order=falling")["calls"]["rows"]]
    assert masses == sorted(masses, reverse=True)
    names = [row["ship"] for row in get(guest, "/ports/USLAX?sort=ship")["calls"]["rows"]]
    assert names == sorted(names)


def test_filters_narrow_down(guest: httpx.Client, kept_week: Result) -> None:
    rows = get(guest, "/ports/USLAX")["calls"]["rows"]
    ship = next(row for row in rows if row["imo"])
    found = get(guest, f"/ports/USLAX?ship=IMO {ship['imo']}")["calls"]
    assert {row["imo"] for row in found["rows"]} == {ship["imo"]}
    own = get(guest, f"/ports/USLAX?ship_class={ship['ship_class']}")["calls"]
    assert {row["ship_class"] for row in own["rows"]} == {ship["ship_class"]}
    assert all(row["confidence"]["value"] == 4 for row in get(guest, "/ports/USLAX?confidence=4")["calls"]["rows"])
    assert get(guest, "/ports/USLAX?ship=nobody")["calls"]["rows"] == []


@pytest.mark.parametrize(("path", "status", "kind"), [
    ("/ports/XXXXX", 404, "unknown-port"),
    ("/ports/USLAX?result=00000000-0000-0000-0000-000000000000", 404, "unknown-result"),
    ("/ports/USLAX?pollutant=unobtainium", 422, None),
    ("/ports/USLAX?pollutant=bc", 400, None),
    ("/ports/USLAX?after=USLAX-1", 400, None),
    ("/ports/USLAX?from=yesterday", 422, None),
    ("/ports/U", 422, None),
    ("/ports/USLAX/calls/{id}/USLAX-none", 404, "unknown-call"),
    ("/ports/JPYOK/calls/{id}/{call}", 404, "unknown-call"),
    ("/explain/inventory/none", 404, "unknown-result"),
    ("/explain/inventory/..%2F..%2Fetc", 404, None),
    ("/explain/inventory/{id}?colour=red", 422, None),
    ("/explain/inventory/{id}?mmsi=-4", 422, None),
])  # fmt: skip
def test_wrong_requests_are_refused_in_words(
    guest: httpx.Client, kept_week: Result, path: str, status: int, kind: str | None
) -> None:
    call = get(guest, "/ports/USLAX")["calls"]["rows"][0]["call_id"]
    answer = guest.get(f"/api/v1{path.format(id=kept_week.id, call=call)}")
    assert answer.status_code in ({400, 422} if status in {400, 422} else {status}), answer.text
    problem = answer.json()
    assert problem["detail"]
    assert kind is None or problem["type"].endswith(kind)


def test_guests_see_what_is_public_only(
    port_place: Place, guest: httpx.Client, kept_week: Result, hidden_week: Result
) -> None:
    assert [port["unlocode"] for port in get(guest, "/ports")["ports"]] == ["USLAX"]
    assert get(guest, "/ports/USOAK")["chosen"] is None
    analyst = port_place.entered("ann").http
    found = get(analyst, "/ports/USOAK")
    assert found["chosen"]["id"] == hidden_week.id
    call = found["calls"]["rows"][0]
    for path in (call["path"].replace("/ports/USLAX", "/ports/USOAK"), call["mass"]["explain"]):
        assert guest.get(f"/api/v1{path}").status_code == 404
        assert guest.get(path, headers={"accept": "text/html"}).status_code == 404
        assert analyst.get(f"/api/v1{path}").status_code == 200
    parts = f"/api/v1/explain/inventory/{hidden_week.id}/parts.csv"
    assert guest.get(parts).status_code == 404
    assert analyst.get(parts).headers["content-type"].startswith("text/csv")


def test_a_port_without_a_result_says_what_to_do(guest: httpx.Client) -> None:
    page = guest.get("/ports/JPNGO", headers={"accept": "text/html"}).text
    assert 'href="/data"' in page
    assert get(guest, "/ports/JPNGO")["zone"] == "Asia/Tokyo"


def test_an_inventory_without_ships_is_told(port_place: Place, guest: httpx.Client, empty_folder: Path) -> None:
    kept = keep_result(port_place.node, empty_folder, public=True)
    try:
        page = get(guest, f"/ports/USLAX?result={kept.id}")
        assert page["notices"][0]["kind"] == "empty"
        html = guest.get(f"/ports/USLAX?result={kept.id}", headers={"accept": "text/html"})
        assert html.status_code == 200
    finally:
        with port_place.node.database.write() as connection:
            remove_result(connection, port_place.node, kept.id, None)


def test_a_damaged_result_is_told_on_its_own_page_only(
    port_place: Place, guest: httpx.Client, kept_week: Result, week_folder: Path
) -> None:
    port_place.clock.advance(1)  # the newest is told by when it was kept
    broken = keep_result(port_place.node, week_folder, public=True)
    (broken.folder / "activity.parquet").unlink()
    try:
        [port] = get(guest, "/ports")["ports"]
        assert port["newest"]["id"] == broken.id
        assert port["calls"]["value"] is None
        answer = guest.get(f"/api/v1/ports/USLAX?result={broken.id}")
        assert answer.status_code in {400, 422, 500}
        assert answer.json()["faults"][0]["where"] == "activity.parquet"
        assert get(guest, f"/ports/USLAX?result={kept_week.id}")["trend_left_out"] == 1
    finally:
        with port_place.node.database.write() as connection:
            remove_result(connection, port_place.node, broken.id, None)


def test_results_of_several_periods_stand_side_by_side(
    port_place: Place, guest: httpx.Client, kept_week: Result, week_folder: Path
) -> None:
    more = keep_result(port_place.node, week_folder, public=True)
    try:
        trend = get(guest, "/ports/USLAX?pollutant=nox")["trend"]
        assert {row["result"]["id"] for row in trend} == {kept_week.id, more.id}
        for row in trend:
            assert get(guest, row["mass"]["explain"])["figure"]["value"] == row["mass"]["value"]
            assert get(guest, row["filled"]["explain"])["figure"]["value"] == row["filled"]["value"]
    finally:
        with port_place.node.database.write() as connection:
            remove_result(connection, port_place.node, more.id, None)


def test_answers_are_not_sent_twice(guest: httpx.Client, kept_week: Result) -> None:
    first = guest.get("/api/v1/ports/USLAX")
    again = guest.get("/api/v1/ports/USLAX", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert json.loads(first.text)["unlocode"] == "USLAX"
