"""Bytes of an upload: in parts, over lost connections, from two sides at once, too many, not those that were sent."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import socket
import stat
import time

import pytest
from tests.web.accounts.people import Browser, Place
from tests.web.imports import uploading as up

from sealane.errors import RequestRefusedError
from sealane.web.accounts.gate import Viewer
from sealane.web.accounts.roles import Role
from sealane.web.imports import files, receive
from sealane.web.imports.asked import NewImport
from sealane.web.tasks.runner import run_checks

VESSELS = b"mmsi,name,ship_class,teu\n367000140,ONE,Container Ship,5000\n"


def test_parts_go_on_where_the_upload_stands(place: Place, steward: Browser) -> None:
    data = os.urandom(300_000)
    one = up.begin(steward, "vessels", "a.csv", len(data))
    assert up.put(steward, one["id"], data[:100_000]).json()["received_bytes"] == 100_000
    early = up.complete(steward, one["id"], data)
    assert (early.status_code, early.json()["remedy"]) == (409, "Go on at offset=100000.")
    wrong = up.put(steward, one["id"], data[:50_000], 50_000)
    assert wrong.status_code == 409
    assert wrong.json()["type"].endswith("wrong-offset")
    assert "offset=100000" in wrong.json()["remedy"]
    too_much = up.put(steward, one["id"], data, 100_000)
    assert too_much.status_code == 413
    assert up.put(steward, one["id"], data[100_000:], 100_000).status_code == 200
    assert files.content_of(place.node, one["id"]).read_bytes() == data
    assert up.complete(steward, one["id"], data).json()["state"] == "checking"
    assert up.put(steward, one["id"], b"x", 300_000).status_code == 409


def test_what_arrived_before_a_lost_connection_is_kept(place: Place, steward: Browser) -> None:
    data = os.urandom(2_500_000)
    one = up.begin(steward, "vessels", "a.csv", len(data))
    cookie = f"sealane={steward.cookie()}"
    head = (
        f"PUT /api/v1/imports/{one['id']}/content?offset=0 HTTP/1.1\r\nhost: here\r\ncookie: {cookie}\r\n"
        f"x-csrf-token: {up.token(steward)}\r\nsec-fetch-site: same-origin\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(place.origin.rpartition(":")[2]))) as link:
        link.sendall(head.encode() + data[:1_700_000])
    deadline = time.monotonic() + 20
    while (held := up.state(steward, one["id"])["received_bytes"]) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert 0 < held <= 1_700_000
    assert up.put(steward, one["id"], data[held:], held).status_code == 200
    assert (
        hashlib.sha256(files.content_of(place.node, one["id"]).read_bytes()).digest() == hashlib.sha256(data).digest()
    )


def test_a_part_while_another_arrives_is_refused(place: Place, steward: Browser) -> None:
    one = up.begin(steward, "vessels", "a.csv", 10)
    with files.content_of(place.node, one["id"]).open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        refused = up.put(steward, one["id"], b"x" * 10)
        assert refused.status_code == 409
        assert refused.json()["type"].endswith("part-arriving")
    assert up.put(steward, one["id"], b"x" * 10).status_code == 200


def test_bytes_of_a_part_that_never_ended_are_not_checked(place: Place, steward: Browser) -> None:
    one = up.begin(steward, "vessels", "a.csv", len(VESSELS))
    files.content_of(place.node, one["id"]).write_bytes(b"y" * 1_000)
    up.put(steward, one["id"], VESSELS)
    up.complete(steward, one["id"], VESSELS)
    run_checks(place.node)
    assert up.state(steward, one["id"])["state"] == "ready"


def test_a_file_that_is_not_what_was_sent_fails_in_words(place: Place, steward: Browser) -> None:
    one = up.begin(steward, "vessels", "a.csv", len(VESSELS))
    up.put(steward, one["id"], VESSELS)
    up.complete(steward, one["id"], VESSELS + b"changed on the way")
    run_checks(place.node)
    found = up.state(steward, one["id"])
    assert found["state"] == "failed"
    assert "did not arrive as it was sent" in found["error"]["title"]


def test_the_same_key_begins_one_upload(steward: Browser) -> None:
    body = {"kind": "calls", "file_name": "c.csv", "size_bytes": 5}
    ids = {
        up.call(steward, "POST", "/api/v1/imports", body, **{"Idempotency-Key": "key-1234"}).json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 1
    other = up.call(steward, "POST", "/api/v1/imports", body | {"size_bytes": 6}, **{"Idempotency-Key": "key-1234"})
    assert other.status_code == 422


def test_a_key_for_each_is_no_way_to_begin_any_number(steward: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "MAX_RECEIVING", 2)
    body = {"kind": "vessels", "file_name": "v.csv", "size_bytes": 5}

    def begin(key: str) -> int:
        return up.call(steward, "POST", "/api/v1/imports", body, **{"Idempotency-Key": key}).status_code

    found = [begin(f"one-of-many-{number}") for number in range(4)]
    assert found.count(429) >= 2 and found[-1] == 429
    held = [number for number, status in enumerate(found) if status == 201]
    assert all(begin(f"one-of-many-{number}") == 201 for number in held), "the same again is no new one"


def test_files_are_the_nodes_own_whatever_the_sender_calls_them(place: Place, steward: Browser) -> None:
    one = up.begin(steward, "vessels", "../../..\\etc/pass\x01\x7fwd.csv", 4)
    assert one["file_name"] == "passwd.csv"
    folder = files.folder_of(place.node, one["id"])
    assert [path.name for path in folder.iterdir()] == ["content"]
    assert stat.S_IMODE((folder / "content").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "simulated", "expected"),
    [
        ("../../etc/passwd", False, "etc_passwd"),
        (".hidden.csv", False, "file.hidden.csv"),
        ("-rf *.csv.gz", False, "-rf.csv.gz"),
        ("港の記録.csv", False, "file.csv"),
        ("week.csv", True, "SIMULATED_week.csv"),
        ("x" * 500, False, "x" * 80),
    ],
)
def test_working_names_are_plain(name: str, simulated: bool, expected: str) -> None:
    assert files.working_name(name, simulated=simulated) == expected


def test_too_large_and_no_room_are_said_before_a_byte_is_sent(place: Place) -> None:
    viewer = Viewer("id", "steward", "", Role.STEWARD, None, "en", "metric", "system", "", None)
    asked = NewImport.model_validate({"kind": "calls", "file_name": "c.csv", "size_bytes": 2_000_000})

    def node_with(**settings: int) -> object:
        changed = place.node.settings.model_copy(update=settings)
        return dataclasses.replace(place.node, settings=changed)

    for settings, status in (({"import_limit_bytes": 1_500_000}, 413), ({"import_reserve_bytes": 1 << 60}, 507)):
        with pytest.raises(RequestRefusedError) as refused:
            receive.begin(node_with(**settings), viewer, asked, None, "request")  # type: ignore[arg-type]  # a Node
        assert refused.value.status == status


def test_only_data_stewards_upload(place: Place) -> None:
    body = {"kind": "calls", "file_name": "c.csv", "size_bytes": 5}
    assert place.browser("analyst").call("POST", "/api/v1/imports", body).status_code == 403


def test_unknown_fields_are_refused(steward: Browser) -> None:
    for body in (
        {"kind": "calls", "file_name": "c.csv", "size_bytes": 5, "state": "applied"},
        {"kind": "calls", "file_name": "c.csv", "size_bytes": 5, "options": {"path": "/etc/passwd"}},
        {"kind": "positions", "file_name": "c.csv", "size_bytes": 5},
        {"kind": "product", "file_name": "c.csv", "size_bytes": 5, "options": {"dataset": "no-such"}},
    ):
        assert up.call(steward, "POST", "/api/v1/imports", body).status_code == 422, body
