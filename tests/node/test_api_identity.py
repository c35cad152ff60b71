"""What a node says of itself: to anybody who it is and its keys, to a partner under which name it is known."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.live_nodes import Clock, LiveNode, ask, introduce, live_node, make_app

from sealane.database import Database
from sealane.node import init_node
from sealane.node.app import create_app
from sealane.node.serve import _listening


@pytest.fixture
def pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[tuple[LiveNode, LiveNode]]:
    clock = Clock()
    with (
        live_node(tmp_path / "a", databases(), "port-a", clock) as one,
        live_node(tmp_path / "b", databases(), "port-b", clock) as other,
    ):
        introduce(one, other)
        introduce(other, one)
        yield one, other


SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@SQLITE
def test_anybody_may_know_who_the_node_is(pair: tuple[LiveNode, LiveNode]) -> None:
    one, _ = pair
    about = ask(make_app(one), "/.well-known/sealane")
    assert about.status_code == 200
    assert (about.json()["participant"], about.json()["origin"]) == ("port-a", one.origin)
    assert all(address.startswith(one.origin) for address in about.json()["endpoints"].values())
    keys = ask(make_app(one), "/.well-known/sealane/keys")
    assert keys.json() == one.node.identity.key_set(one.clock())
    assert '"d"' not in keys.text


@SQLITE
def test_a_partner_learns_its_name_and_nobody_else(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    url = f"{other.origin}/sealane/v1/whoami"
    answer = one.node.outbound.request("GET", url, participant="port-b")
    assert (answer.status, json.loads(answer.content)) == (200, {"participant": "port-a"})
    assert one.node.outbound.request("GET", url, participant="port-b", sign=False).status == 401


def test_the_endpoints_it_names_exist_in_the_whole_node(tmp_path: Path) -> None:
    values = {"participant": "port-a", "name": "A", "origin": "http://127.0.0.1:9"}
    with init_node(tmp_path / "a", values, environ={}) as node:
        app = create_app(node)
        document = ask(app, "/.well-known/sealane").json()
        paths = {address.removeprefix("http://127.0.0.1:9") for address in document["endpoints"].values()}
        assert paths <= set(app.openapi()["paths"])
        with _listening(node.settings.model_copy(update={"port": 0})) as listening:
            assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
