"""Each kind of file: what its preview says, what its rejects are, what applying and undoing do."""

from __future__ import annotations

import csv
import io
import json
import threading
from importlib import resources
from typing import Any

import pytest
import sqlalchemy as sa
from tests.web.accounts.people import Browser, Place
from tests.web.imports import uploading as up

from sealane.database.tables.results import result
from sealane.web.tasks.runner import run_checks, run_work

HOUR = "ny_harbor_2020_06_30_first_hour.csv.gz"
HEADER = "MMSI,BaseDateTime,LAT,LON,SOG,COG,VesselName\n"
GOOD = "367000140,2020-06-30T00:00:00,40.64409,-74.07157,0.0,60.6,ONE\n"
BROKEN = "=1+1,2020-06-30T00:00:00,40.64409,-74.07157,0.0,60.6,ONE\n"
VESSELS = "imo,name,ship_class,teu\n9074729,ONE,Container Ship,5000\n"


def test_positions_become_an_inventory_and_go_again(place: Place, steward: Browser) -> None:
    data = resources.files("sealane.samples").joinpath("data", HOUR).read_bytes()
    page = up.checked(place, steward, "positions", HOUR, data, port="USNYC")
    assert (page["accepted"]["value"], page["rejected"]["value"], page["ships"]["value"]) == (8689, 0, 295)
    assert {"found": "BaseDateTime", "as": "time"} in page["preview"]["mapping"]
    assert page["preview"]["first"]["columns"][:4] == ["mmsi", "time", "lat", "lon"]
    import_id = page["upload"]["id"]
    page = up.apply(place, steward, import_id)
    assert page["upload"]["state"] == "applied", page["upload"]["error"]
    assert page["outcome"]["calls"] == 23
    with place.node.database.read() as connection:
        row = connection.execute(sa.select(result)).one()
    assert (row.kind, row.port, row.created_by, row.import_id) == ("inventory", "USNYC", "steward", import_id)
    assert (place.node.folder / "results" / row.id / "inventory.parquet").is_file()
    assert list((place.node.folder / "tasks").iterdir()) == []
    again = up.call(steward, "POST", "/api/v1/tasks", again_for(row.id))
    assert again.status_code == 202, again.text
    run_work(place.node)
    effects = up.page(steward, import_id)["effects"]
    assert (effects["results"]["value"], effects["used"]["value"]) == (1, 1)
    assert up.undo(steward, import_id).status_code == 200
    with place.node.database.read() as connection:
        rows = connection.execute(sa.select(result.c.import_id, result.c.removed_at, result.c.begins_at)).all()
    by_import = {row.import_id: row for row in rows}
    assert by_import[import_id].removed_at is not None
    assert by_import[None].removed_at is None  # worked out again for another period; it stays, and was said to
    assert by_import[None].begins_at.minute == 10


def again_for(result_id: str) -> dict[str, Any]:
    period = {"begins_at": "2020-06-30T00:10:00Z", "ends_at": "2020-06-30T00:50:00Z"}
    return {"kind": "inventory", "arguments": {"result_id": result_id, **period}}


def test_rejected_rows_have_line_column_and_reason_and_no_live_formula(place: Place, steward: Browser) -> None:
    bad = "".join(BROKEN if number % 2 else "\n".join(GOOD.splitlines()) + "\n" for number in range(260))
    page = up.checked(place, steward, "positions", "=cmd.csv", (HEADER + bad).encode(), port="USNYC")
    assert (page["accepted"]["value"], page["rejected"]["value"]) == (130, 130)
    assert [row["rows"]["value"] for row in page["reasons"]] == [130]
    rows, after = page["rejects"], page["after"]
    while after is not None:
        more = up.page(steward, page["upload"]["id"], after=after)
        rows, after = rows + more["rejects"], more["after"]
    assert len(rows) == 130
    assert rows[0] == {
        "record": "2",
        "line": "3",
        "column": "MMSI",
        "value": "=1+1",
        "reason": page["reasons"][0]["reason"],
    }
    answer = up.call(steward, "GET", f"/api/v1/imports/{page['upload']['id']}/rejects.csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["line"] for row in found] == [row["line"] for row in rows]
    assert {(row["file"], row["value"]) for row in found} == {("'=cmd.csv", "'=1+1")}


def test_what_was_applied_first_is_used_again_after_an_undo(place: Place, steward: Browser) -> None:
    first = up.checked(place, steward, "vessels", "a.csv", VESSELS.encode())
    assert up.apply(place, steward, first["upload"]["id"])["upload"]["state"] == "applied"
    changed = VESSELS.replace("5000", "8000") + "9176187,TWO,Container Ship,5000\n"
    second = up.checked(place, steward, "vessels", "b.csv", changed.encode())
    assert {name: figure["value"] for name, figure in second["changes"].items()} == {
        "new": 1,
        "changed": 1,
        "same": 0,
        "gone": 0,
    }


@pytest.mark.parametrize(
    ("kind", "name", "data", "options", "column"),
    [
        ("vessels", "v.csv", b"mmsi,colour\n367000140,red\n", {}, "colour"),
        ("calls", "c.csv", b"port,imo,arrival\nUSLAX,9074729,yesterday\n", {}, "arrival"),
        ("zones", "z.geojson", b'{"type":"FeatureCollection","features":[{}]}', {"port": "USNYC"}, ""),
        ("product", "p.json", b'{"events":[{"eventID":5}]}', {"dataset": "port-calls"}, ""),
        ("positions", "empty.csv", b"MMSI,BaseDateTime,LAT,LON\n", {"port": "USNYC"}, ""),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(
    place: Place, steward: Browser, kind: str, name: str, data: bytes, options: dict[str, Any], column: str
) -> None:
    page = up.checked(place, steward, kind, name, data, **options)
    error = page["upload"]["error"]
    assert page["upload"]["state"] == "failed"
    assert error["kind"] == "input", error
    assert name in json.dumps(error)
    assert "in/" not in json.dumps(error) + json.dumps(page["rejects"])
    if column:
        assert column in {row["column"] for row in page["rejects"]}
    assert up.call(steward, "POST", f"/api/v1/imports/{page['upload']['id']}/application", {}).status_code == 409


def test_calls_are_kept_for_lanes(place: Place, steward: Browser) -> None:
    calls = b"port,imo,ship_name,arrival,departure\nUSLAX,9074729,SIMULATED ONE,2026-07-01T08:00Z,2026-07-02T08:00Z\n"
    page = up.checked(place, steward, "calls", "c.csv", calls)
    assert (page["upload"]["state"], page["preview"]["ports"], page["upload"]["simulated"]) == (
        "ready",
        ["USLAX"],
        True,
    )
    assert up.apply(place, steward, page["upload"]["id"])["upload"]["state"] == "applied"


def events(browser: Browser, path: str, last: str | None = None) -> tuple[int, list[dict[str, str]]]:
    """Listen until the stream ends; return its events."""
    headers = {"accept": "text/event-stream"} | ({"last-event-id": last} if last else {})
    found: list[dict[str, str]] = []
    with browser.http.stream("GET", path, headers=headers) as answer:
        one: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                one[name] = value
            elif one:
                found.append(one)
                one = {}
        return answer.status_code, found


def test_listeners_hear_every_step_and_then_the_end(place: Place, steward: Browser) -> None:
    import_id = up.send(steward, "vessels", "v.csv", VESSELS.encode())
    path = f"/api/v1/imports/{import_id}/events"
    listener = place.browser("analyst")
    heard: list[tuple[int, list[dict[str, str]]]] = []
    thread = threading.Thread(target=lambda: heard.append(events(listener, path)))
    thread.start()
    run_checks(place.node)
    thread.join(60)
    status, found = heard[0]
    assert status == 200
    assert found[0] == {"retry": "2000"}
    states = [json.loads(one["data"])["state"] for one in found if one.get("event") == "state"]
    assert (states[0], states[-1], found[-1]["event"]) == ("checking", "ready", "end")
    ids = [one["id"] for one in found if "id" in one]
    assert len(set(ids)) == len(ids)
    assert events(listener, path, last=ids[-1])[0] == 204  # nothing will come: the browser need not ask again
    assert up.call(steward, "GET", f"/api/v1/imports/{'0' * 36}/events").status_code == 404


def test_cancelling_removes_the_files(place: Place, steward: Browser) -> None:
    import_id = up.send(steward, "vessels", "v.csv", VESSELS.encode())
    answer = up.call(steward, "POST", f"/api/v1/imports/{import_id}/cancellation")
    assert answer.json()["state"] == "cancelled"
    assert not (place.node.folder / "imports" / import_id).exists()
    run_checks(place.node)
    assert up.state(steward, import_id)["state"] == "cancelled"
