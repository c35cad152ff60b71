"""Reports over HTTP: the list, one report, its files in every form, who may have them, and another period."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from tests.databases import KINDS
from tests.web.accounts.people import Browser, Place, served

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables.results import task
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.spreadsheet_text import plain
from sealane.web.reports import made
from sealane.web.results import Result, keep_result

sys.path.append(str(Path(__file__).parents[1] / "reports"))
from voyage_folders import write_arrival_folder, write_lane_folder

NAME = '=HYPERLINK("http://example.org";"click")'


@dataclass
class World:
    """A served node with results: an inventory for guests, one for staff, a simulated lane, an arrival study."""

    place: Place
    public: Result
    private: Result
    lane: Result
    arrival: Result


def write_positions(path: Path) -> None:
    """Ten hours of a ship at berth."""
    head = (
        "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo,"
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{head}TransceiverClass\n")
        rows = csv.writer(file, lineterminator="\n")
        for k in range(200):
            time = f"2024-03-04T{k // 20:02d}:{k % 20 * 3:02d}:00"
            rows.writerow([366000001, time, 33.736, -118.264, 0, 0, 511, NAME, "", "", 70, 5, 300, 40, 11.0, "", "A"])


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("reports")
    if request.param == "sqlite":
        database = Database(sqlite_url(base / "node.db"))
    else:
        cluster = request.getfixturevalue("postgresql_cluster")
        database = Database(cluster.url(cluster.create()))
    database.create_tables()
    write_positions(base / "positions.csv")
    run_inventory(InventoryRequest((base / "positions.csv",), "USLAX", base / "inventory"))
    lane = write_lane_folder(base / "lane", ships=3, simulated=True)
    facts = json.loads((lane / "lane.json").read_text()) | {
        "data": {"first": "2026-01-01T00:00:00Z", "last": "2026-07-24T00:00:00Z"},
        "request": {"method": "epa-2022", "gwp": "ar5", "attribution": "rotation"},
        "label": "SIMULATED",
    }
    (lane / "lane.json").write_text(json.dumps(facts))
    arrival = write_arrival_folder(base / "arrival")
    (arrival / "arrival.json").write_text(
        json.dumps({"port": "USLAX", "method": "epa-2022", "gwp": "ar5", "simulated": False})
    )
    with served(base / "node", database, guests=True) as place:
        node = place.node
        yield World(
            place,
            keep_result(node, base / "inventory", public=True),
            keep_result(node, base / "inventory", title='Ours; "only"\r\n港', created_by="sue"),
            keep_result(node, lane, created_by="sue"),
            keep_result(node, arrival),
        )
    database.close()


@pytest.fixture
def ann(world: World) -> Browser:
    return world.place.entered("ann")


@pytest.fixture
def guest(world: World) -> Browser:
    return world.place.browser()


def ids(answer: dict[str, Any]) -> set[str]:
    groups = [*answer["inventories"], *answer["progress"], *answer["studies"]]
    return {report["id"] for group in groups for report in group["reports"]}


def test_the_list_has_every_result_with_period_edition_maker_and_label(world: World, ann: Browser) -> None:
    answer = ann.call("GET", "/api/v1/reports").json()
    assert ids(answer) == {world.public.id, world.private.id, world.lane.id, world.arrival.id}
    (lane,) = answer["progress"][0]["reports"]
    assert lane["simulated"]
    assert [year["year"] for year in lane["years"]] == [2026]
    assert lane["method_edition"] == "epa-2022, ar5, rotation"
    assert lane["created_by"] == "sue"
    page = ann.http.get("/reports")
    assert page.status_code == 200
    for text in ("Los Angeles", "4 Mar 2024", "epa-2022, ar5", "SIMULATED", "Annual progress report 2026", "sue"):
        assert text in page.text, text
    assert "<script>alert" not in page.text
    assert not re.search(r"<[^>]+ (style|on\w+)=", page.text)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("kind=inventory", {"public", "private"}),
        ("kind=lane", {"lane"}),
        ("port=USLAX", {"public", "private", "arrival"}),
        ("corridor=la-lb-shanghai", {"lane"}),
        ("corridor=nowhere", set()),
    ],
)
def test_filters_are_parts_of_the_address(world: World, ann: Browser, query: str, kept: set[str]) -> None:
    answer = ann.call("GET", f"/api/v1/reports?{query}").json()
    assert ids(answer) == {getattr(world, name).id for name in kept}
    assert ann.http.get(f"/reports?{query}").status_code == 200


def test_guests_see_and_get_what_is_open_only(world: World, guest: Browser) -> None:
    assert ids(guest.call("GET", "/api/v1/reports", csrf="").json()) == {world.public.id}
    for result, status in ((world.public, 200), (world.private, 404), (world.lane, 404)):
        table = "port-calls" if result is not world.lane else "legs"
        for path in ("", "/report.html", "/report.pdf", f"/tables/{table}.csv"):
            answer = guest.call("GET", f"/api/v1/reports/{result.id}{path}", csrf="")
            assert answer.status_code == status, (path, answer.text[:200])
        assert guest.http.get(f"/reports/{result.id}").status_code == status
    asked = guest.call("POST", f"/api/v1/reports/{world.public.id}/regeneration", {}, csrf="")
    assert asked.status_code in {401, 403}


def test_the_page_of_a_report_links_files_that_are_there(world: World, ann: Browser) -> None:
    for result in (world.public, world.private, world.lane, world.arrival):
        answer = ann.call("GET", f"/api/v1/reports/{result.id}").json()
        page = ann.http.get(f"/reports/{result.id}").text
        links = [*answer["report"]["files"].values()]
        links += [address for table in answer["tables"] for address in table["files"].values()]
        assert len(links) > 10
        assert all(address in page for address in links)
        # One table of each form; what all of them hold is tested with the exports.
        chosen = [*links[:3], *{Path(address).suffix: address for address in links[3:]}.values()]
        for address in chosen:
            got = ann.http.get(address)
            assert got.status_code == 200, (address, got.text[:200])
            assert got.headers["etag"]
            found = re.fullmatch(
                r'(attachment|inline); filename="([A-Za-z0-9._-]+)"', got.headers["content-disposition"]
            )
            assert found is not None, got.headers["content-disposition"]
            assert found[2].startswith("SIMULATED") == result.simulated
            again = ann.http.get(address, headers={"if-none-match": got.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")


def test_each_form_is_what_it_says(world: World, ann: Browser, tmp_path: Path) -> None:
    base = f"/api/v1/reports/{world.public.id}"
    assert ann.http.get(f"{base}/report.pdf").content.startswith(b"%PDF-1.7")
    book = openpyxl.load_workbook(io.BytesIO(ann.http.get(f"{base}/report.xlsx").content))
    assert book.sheetnames[0] == "Summary"
    plain_csv, marked = (ann.http.get(f"{base}/tables/vessels.csv?bom={bom}").content for bom in ("false", "true"))
    assert marked == b"\xef\xbb\xbf" + plain_csv
    rows = list(csv.reader(io.StringIO(plain_csv.decode(), newline="")))
    cell = rows[1][rows[0].index("name")]
    assert cell == f"'{NAME}" and plain(cell) == NAME
    (tmp_path / "t.parquet").write_bytes(ann.http.get(f"{base}/tables/activity.parquet").content)
    assert (
        pq.read_table(tmp_path / "t.parquet").num_rows
        == pq.read_metadata(world.public.folder / "activity.parquet").num_rows
    )
    places = ann.http.get(f"{base}/tables/zones.geojson")
    assert places.headers["content-type"] == "application/geo+json"
    assert places.json()["type"] == "FeatureCollection"


def test_the_html_is_shown_under_hashes_of_its_own_and_nothing_else(world: World, ann: Browser) -> None:
    for result in (world.public, world.lane):
        got = ann.http.get(f"/api/v1/reports/{result.id}/report.html")
        policy = got.headers["content-security-policy"]
        styles = re.findall(r"<style>(.*?)</style>", got.text, re.DOTALL)
        assert len(styles) == 1
        digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy
        for part in ("default-src 'none'", "sandbox", "frame-ancestors 'none'", "form-action 'none'"):
            assert part in policy


def test_what_stands_in_the_body_is_not_let_in() -> None:
    page = "<html><head><style>a</style><script>b</script></head><body><script>alert(1)</script><style>x</style></body>"
    policy = made.own_policy(page)
    digests = {
        text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in ("a", "b", "x", "alert(1)")
    }
    assert digests["a"] in policy and digests["b"] in policy
    assert digests["x"] not in policy and digests["alert(1)"] not in policy
    assert "style-src 'none'" in made.own_policy("<html><head></head><body></body></html>")


def test_a_year_of_a_lane_is_its_annual_progress_report(world: World, ann: Browser) -> None:
    base = f"/api/v1/reports/{world.lane.id}/report"
    got = ann.http.get(f"{base}.html?year=2026")
    assert "annual progress report 2026" in got.text
    assert "SIMULATED DATA" in got.text
    assert "2026" in got.headers["content-disposition"]
    refused = ann.call("GET", f"{base}.pdf?year=2019")
    assert refused.status_code == 404
    assert "2026" in refused.text or "no leg" in refused.text
    assert ann.call("GET", f"/api/v1/reports/{world.public.id}/report.html?year=2024").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "tables/nope.csv",
        "tables/activity.exe",
        "tables/..%2f..%2fnode.csv",
        "tables/%2e%2e/activity.csv",
        "tables/calls.parquet.csv",
        "report.exe",
        "report.html?year=99999",
        "tables/activity.csv?bom=perhaps",
    ],
)
def test_what_there_is_not_is_refused(world: World, ann: Browser, path: str) -> None:
    answer = ann.call("GET", f"/api/v1/reports/{world.public.id}/{path}")
    assert answer.status_code in {404, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(world.place.node.folder) not in answer.text


@pytest.mark.parametrize("result_id", ["0" * 36, "nope", "../../etc", "a" * 37])
def test_a_result_there_is_not_is_refused(ann: Browser, result_id: str) -> None:
    for path in ("", "/report.pdf", "/tables/activity.csv"):
        assert ann.call("GET", f"/api/v1/reports/{result_id}{path}").status_code in {404, 422}


def test_a_damaged_result_says_what_is_wrong_but_not_where(world: World, ann: Browser, tmp_path: Path) -> None:
    kept = keep_result(world.place.node, world.private.folder, title="damaged")
    (kept.folder / "grid.parquet").write_bytes(b"no")
    shutil.rmtree(kept.folder / made.FOLDER, ignore_errors=True)
    answer = ann.call("GET", f"/api/v1/reports/{kept.id}/report.pdf")
    assert answer.status_code == 409
    assert [fault["where"] for fault in answer.json()["faults"]] == ["grid.parquet"]
    assert str(world.place.node.folder) not in answer.text
    assert not list((kept.folder / made.FOLDER).iterdir())


def test_many_ask_at_once_and_it_is_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keep_result(world.place.node, world.private.folder, title="at once")
    shutil.rmtree(kept.folder / made.FOLDER, ignore_errors=True)
    times: list[str] = []
    make = made._make
    monkeypatch.setattr(made, "_make", lambda *given: (times.append(given[2]), make(*given)))
    monkeypatch.setattr(made, "_PLACES", threading.BoundedSemaphore(1))
    browsers = [world.place.entered("ann") for _ in range(6)]
    got: list[bytes] = []
    threads = [
        threading.Thread(target=lambda b=b: got.append(b.http.get(f"/api/v1/reports/{kept.id}/report.pdf").content))
        for b in browsers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert times == ["pdf"]
    assert len(got) == 6 and len(set(got)) == 1 and got[0].startswith(b"%PDF")


def test_where_no_place_is_free_one_is_told_when_to_come_again(
    world: World, ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep_result(world.place.node, world.private.folder, title="busy")
    shutil.rmtree(kept.folder / made.FOLDER, ignore_errors=True)
    monkeypatch.setattr(made, "WAIT_S", 0.05)
    with made.place(), made.place():
        answer = ann.call("GET", f"/api/v1/reports/{kept.id}/report.pdf")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert ann.call("GET", f"/api/v1/reports/{kept.id}/report.pdf").status_code == 200


@pytest.mark.parametrize("file", ["report.pdf", "tables/calls.csv"])
def test_where_too_many_wait_already_one_does_not_wait(
    world: World, ann: Browser, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    kept = keep_result(world.place.node, world.private.folder, title="busier")
    shutil.rmtree(kept.folder / made.FOLDER, ignore_errors=True)
    monkeypatch.setattr(made, "WAIT_S", 3600.0)  # who waited would never be answered
    with ExitStack() as held:
        for _ in range(made.AT_ONCE):
            held.enter_context(made.place())
        for _ in range(made.IN_LINE):
            assert made._LINE.acquire(blocking=False)
            held.callback(made._LINE.release)
        answer = ann.call("GET", f"/api/v1/reports/{kept.id}/{file}")
    # The refusal is the answer; a table used to begin with 200 and to break off.
    assert answer.status_code == 503 and answer.headers["retry-after"] == "30"
    assert ann.call("GET", f"/api/v1/reports/{kept.id}/{file}").status_code == 200


def _made_here_of(world: World, arguments: dict[str, Any]) -> None:
    """Write down that the public inventory was worked out on this node."""
    node = world.place.node
    columns = {"id": "made", "kind": "inventory", "arguments": arguments, "state": "done", "attempts": 1}
    columns |= {
        "created_at": node.clock(),
        "changed_at": node.clock(),
        "created_by": "ann",
        "result_id": world.public.id,
    }
    lacking = {one.name: 0 for one in task.columns if not one.nullable and one.name not in columns}
    with node.database.write() as connection:
        connection.execute(task.insert().values(columns | lacking))


def test_another_period_is_long_work_of_the_same_positions(world: World, ann: Browser) -> None:
    path = f"/api/v1/reports/{world.public.id}/regeneration"
    asked = {"first_day": "2024-02-28", "last_day": "2024-02-29", "title": "Leap"}
    refused = ann.call("POST", path, asked)  # a result of the command line: its positions are not here
    assert refused.status_code == 400 and "positions of this result are not kept" in refused.text
    _made_here_of(world, {"imports": ["an-import"], "port": "USLAX", "public": True})
    answer = ann.call("POST", path, asked)
    assert answer.status_code == 202, answer.text
    with world.place.node.database.read() as connection:
        row = connection.execute(sa.select(task).where(task.c.id == answer.json()["task_id"])).one()
    assert (row.kind, row.created_by) == ("inventory", "ann")
    assert (row.arguments["imports"], row.arguments["port"]) == (["an-import"], "USLAX")
    assert row.arguments["begins_at"].startswith("2024-02-28T00:00:00")
    assert row.arguments["ends_at"].startswith("2024-03-01T00:00:00")  # half-open: the last day is in
    assert row.arguments["public"] is False  # nobody opens a result to guests by asking for another period
    assert answer.json()["page"] == f"/tasks/{row.id}"
    assert ("ann", "report.regenerate", world.public.id) in world.place.audit()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"first_day": "2024-03-04"},
        {"first_day": "2024-03-05", "last_day": "2024-03-04"},
        {"first_day": "2024-02-30", "last_day": "2024-03-04"},
        {"first_day": "2024-03-04", "last_day": "9999-12-31"},
        {"first_day": "2024-03-04", "last_day": "2024-03-04", "public": True},
        {"first_day": "2024-03-04", "last_day": "2024-03-04", "imports": ["x"]},
    ],
)
def test_a_period_that_is_none_and_fields_there_are_not_are_refused(
    world: World, ann: Browser, body: dict[str, Any]
) -> None:
    assert ann.call("POST", f"/api/v1/reports/{world.public.id}/regeneration", body).status_code == 422


def test_only_an_inventory_has_another_period(world: World, ann: Browser) -> None:
    body = {"first_day": "2024-03-04", "last_day": "2024-03-04"}
    assert ann.call("POST", f"/api/v1/reports/{world.lane.id}/regeneration", body).status_code == 404
    assert "regeneration" in ann.http.get(f"/reports/{world.public.id}").text
    assert "regeneration" not in ann.http.get(f"/reports/{world.lane.id}").text
