"""`sealane stream` on the folders of two real nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import ports

from sealane.cli.main import run
from sealane.database.tables.delivery import outbox
from sealane.exchange.delivery import DeliveryOutcome, deliver_once
from sealane.exchange.streams import stop_stream
from sealane.node.context import Node
from sealane.node.open import init_node


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Node, Node, str]]:
    clock = ports.Clock()
    nodes = [
        init_node(
            tmp_path / name,
            {
                "participant": f"urn:sealane:test:{name}",
                "name": name,
                "origin": f"http://127.0.0.1:{ports.free_port()}",
            },
            environ={},
            clock=clock,
        )
        for name in ("yokohama", "los-angeles")
    ]
    with nodes[0], nodes[1]:
        yield nodes[0], nodes[1], ports.connect(nodes[0], nodes[1])


def test_list_and_show_say_how_a_stream_stands(
    pair: tuple[Node, Node, str], capsys: pytest.CaptureFixture[str]
) -> None:
    provider, recipient, stream_id = pair
    ports.feed(provider, range(5))
    with ports.serving(provider), ports.serving(recipient):
        while deliver_once(provider, stream_id, worker="test").outcome is not DeliveryOutcome.IDLE:
            pass
    for node, counts in ((provider, {"acknowledged": 5}), (recipient, {"accepted": 5})):
        assert run(["stream", "list", "--node", str(node.folder), "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        assert found["counts"] == counts
        assert found["seen_by_partner"] == 5
        assert found["state"] == "open"
    assert run(["stream", "show", "--node", str(provider.folder), stream_id[:8]]) == 0
    assert "acknowledged 5" in capsys.readouterr().out


def test_dead_letters_and_alarms_need_an_operator_and_can_be_dealt_with(
    pair: tuple[Node, Node, str], capsys: pytest.CaptureFixture[str]
) -> None:
    provider, recipient, stream_id = pair
    folder = str(provider.folder)
    row = {"stream_id": stream_id, "state": "dead", "due_at": ports.START, "refusals": 3, "changed_at": ports.START}
    with provider.database.write() as connection:
        for name in ("one", "two"):
            connection.execute(outbox.insert().values(event_id=name, last_error="invalid: test", **row))
    assert run(["stream", "list", "--node", folder]) == 1
    capsys.readouterr()
    assert run(["stream", "show", "--node", folder, stream_id, "--json"]) == 0
    letters = json.loads(capsys.readouterr().out)["dead_letters"]
    assert [(letter["event"], letter["reason"]) for letter in letters] == [
        ("one", "invalid: test"),
        ("two", "invalid: test"),
    ]
    assert run(["stream", "drop", "--node", folder, str(letters[0]["id"])]) == 0
    assert run(["stream", "drop", "--node", folder, str(letters[0]["id"])]) == 2
    assert run(["stream", "list", "--node", folder]) == 1
    with recipient.database.write() as connection:
        stop_stream(connection, stream_id, "a test", recipient.clock())
    assert run(["stream", "list", "--node", str(recipient.folder)]) == 1
    assert run(["stream", "recover", "--node", str(recipient.folder), stream_id]) == 0
    assert run(["stream", "list", "--node", str(recipient.folder)]) == 0
    assert run(["stream", "show", "--node", folder, "nothing"]) == 2
