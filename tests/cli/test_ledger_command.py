"""`sealane ledger` on a node's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sealane.cli.main import run
from sealane.database.tables.identity import peer as peer_table
from sealane.database.tables.ledger import leaf
from sealane.exchange.checkpoints import checkpoint
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.ledger_export import export_bundle
from sealane.exchange.peers import add_peer, raise_alarm
from sealane.node.open import init_node, open_node

YOKOHAMA = "urn:sealane:test:yokohama"


def make(folder: Path, participant: str) -> Path:
    values = {"participant": participant, "name": participant, "origin": "https://node.example"}
    with init_node(folder, values, environ={}) as node:
        entries = [Entry(EntryKind.ALARM, YOKOHAMA, f"step {n}", {"reason": "test"}) for n in range(7)]
        with node.database.write() as connection:
            append(connection, [*entries, Entry(EntryKind.NODE_RESTORED, None, "b", {"size": 3})], node.clock())
            checkpoint(connection, node.identity, node.clock())
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEALANE_NODE", raising=False)
    return make(tmp_path / "node", "urn:sealane:test:angeles")


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_show_lists_and_narrows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ledger", "show", "--node", str(folder), "--json", "--peer", YOKOHAMA, "--after", "2"]) == 0
    assert [entry["subject"] for entry in printed(capsys)] == ["step 3", "step 4", "step 5", "step 6"]
    assert run(["ledger", "show", "--node", str(folder), "--kind", "node_restored"]) == 0
    assert "node_restored" in capsys.readouterr().out
    assert run(["ledger", "show", "--node", str(folder), "--kind", "party"]) == 2
    assert "is no kind of entry" in capsys.readouterr().err


def test_verify_and_export(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ledger", "verify", "--node", str(folder)]) == 0
    said = capsys.readouterr()
    assert "no fault found" in said.out
    assert "no --witness was given" in said.err
    out = tmp_path / "bundle.zip"
    assert run(["ledger", "export", str(out), "--node", str(folder)]) == 0
    capsys.readouterr()
    assert run(["ledger", "verify", str(out), "--json"]) == 0
    assert printed(capsys)["entries"] == 8
    assert run(["ledger", "export", str(out), "--node", str(folder)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.zip", "node"]


def test_a_changed_database_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_node(folder, environ={}) as node, node.database.write() as connection:
        text = connection.scalar(sa.select(leaf.c.entry).where(leaf.c.position == 3))
        changed = bytes(text or b"").replace(b"step 3", b"step X")
        connection.execute(leaf.update().where(leaf.c.position == 3).values(entry=changed))
    assert run(["ledger", "verify", "--node", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "entry 3, column hash" in said
    assert "altered or rewritten" in said


def test_a_changed_index_is_found_though_the_log_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_node(folder, environ={}) as node, node.database.write() as connection:
        connection.execute(leaf.update().where(leaf.c.position == 3).values(peer=None))
    assert run(["ledger", "verify", "--node", str(folder)]) == 1
    assert "entry 3, column peer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Name a BUNDLE"),
        (["nothing.zip"], "cannot be read"),
        (["nothing.zip", "--root-key", "x"], "must be PARTICIPANT=FILE"),
    ],
)
def test_what_cannot_be_verified_is_said(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEALANE_NODE", raising=False)
    assert run(["ledger", "verify", *words]) == 2
    assert says in capsys.readouterr().err


def test_reconcile_with_a_bundle_and_accept(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    partner = make(tmp_path / "partner", YOKOHAMA)
    theirs = tmp_path / "theirs"
    with open_node(partner, environ={}) as other:
        with other.database.read() as connection:
            export_bundle(connection, other.identity, theirs, other.clock())
        root = other.identity.root_jwk
    common = ["--node", str(folder)]
    assert run(["ledger", "reconcile", YOKOHAMA, *common, "--their-bundle", str(theirs)]) == 0
    assert "both logs agree" in capsys.readouterr().out
    assert run(["ledger", "reconcile", "urn:other", *common, "--their-bundle", str(theirs)]) == 2
    assert f"is a bundle of {YOKOHAMA}, not of urn:other" in capsys.readouterr().err
    assert run(["ledger", "accept", YOKOHAMA, *common]) == 2
    with open_node(folder, environ={}) as node, node.database.write() as connection:
        origin = "https://yokohama.example"
        add_peer(connection, participant=YOKOHAMA, name="Y", origin=origin, root_key=root, now=node.clock())
        raise_alarm(connection, YOKOHAMA, "its log was rolled back")
    assert run(["ledger", "accept", YOKOHAMA, *common]) == 0
    assert "The alarm was: its log was rolled back" in capsys.readouterr().err
    with open_node(folder, environ={}) as node, node.database.read() as connection:
        assert connection.scalar(sa.select(peer_table.c.alarm)) is None
