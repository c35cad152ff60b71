"""`sealane alert`: lists, acknowledges, makes channels and limits; all of it audited, no secret printed twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.nodes import make_node

from sealane.cli.main import run
from sealane.database.tables.accounts import audit_entry
from sealane.node.open import open_node


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "node"
    make_node(folder).close()

    def alert(*words: str) -> tuple[int, str]:
        code = run(["alert", *words, "--node", str(folder)])
        told = capsys.readouterr()
        return code, told.out + told.err

    code, text = alert("list", "--look")
    assert code == 1  # the root key lies in the folder, as init leaves it
    assert "private root key" in text
    code, text = alert("list", "--json")
    (one,) = json.loads(text)
    assert (one["kind"], one["severity"]) == ("root-key-here", "notice")
    assert alert("acknowledge", one["id"][:8], "--note", "goes into the safe")[0] == 0
    code, text = alert("list", "--json")
    assert (code, json.loads(text)[0]["note"]) == (0, "goes into the safe")
    assert "opened" in alert("show", one["id"])[1]
    code, text = alert("show", "no-such")
    assert (code, "alert list" in text) == (2, True)

    assert alert("channel", "add", "hook")[0] == 2
    code, text = alert("channel", "add", "hook", "--webhook", "https://hooks.example/x?key=in-the-address", "--json")
    made = json.loads(text)
    assert (code, made["address"]) == (0, "https://hooks.example")
    code, text = alert("channel", "list")
    assert (code, "not used yet" in text, made["secret"] in text, "in-the-address" in text) == (0, True, False, False)
    assert alert("channel", "add", "x", "--webhook", "http://10.0.0.1/")[0] == 2
    assert alert("channel", "remove", "hook")[0] == 0

    assert alert("limit", "set", "port-calls", "urn:sealane:test:here", "6")[0] == 0
    assert alert("limit", "set", "inventory-nox", "USLAX", "40")[0] == 0
    assert alert("limit", "set", "nonsense", "USLAX", "40")[0] == 2
    code, text = alert("limit", "list", "--json")
    entered = json.loads(text)
    assert [(row["kind"], row["value"]) for row in entered] == [("data-gap", 6.0), ("exceedance", 40.0)]
    assert alert("limit", "remove", entered[0]["id"])[0] == 0
    with open_node(folder, environ={}) as node, node.database.read() as connection:
        actions = connection.execute(sa.select(audit_entry.c.action).order_by(audit_entry.c.id)).scalars().all()
    assert actions == [
        "alert.acknowledge",
        "channel.create",
        "channel.remove",
        "limit.set",
        "limit.set",
        "limit.remove",
    ]
