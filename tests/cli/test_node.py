"""`sealane node` from the command line: made, looked at, migrated, backed up, restored; faults with their remedy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.nodes import environment, free_port, make_node, served

from sealane.database.migrations import _order, head
from sealane.database.tables.identity import peer
from sealane.exchange.peers import add_peer


def sealane(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "sealane", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment(**env))


def test_the_life_of_a_node(tmp_path: Path) -> None:
    folder, port = tmp_path / "node", free_port()
    origin = f"http://127.0.0.1:{port}"
    words = ["--participant", "urn:sealane:test:cli", "--name", "Port of CLI", "--origin", origin, "--port", str(port)]
    made = sealane("node", "init", "--node", str(folder), *words)
    assert made.returncode == 0, made.stderr
    assert "Take it off this machine" in made.stderr
    status = sealane("node", "status", "--json", SEALANE_NODE=str(folder))
    assert status.returncode == 0, status.stderr
    found = json.loads(status.stdout)
    assert found["participant"] == "urn:sealane:test:cli"
    assert found["tables"] == head()
    assert found["served_by_process"] is None
    assert found["troubles"] == []
    with served(folder, origin, environment()) as running:
        status = sealane("node", "status", "--node", str(folder))
        assert str(running.process.pid) in status.stdout
        backup = sealane("node", "backup", str(tmp_path / "backup"), "--node", str(folder))  # while it serves
        assert backup.returncode == 0, backup.stderr
        assert "keep it safe" in backup.stderr
    restored = sealane("node", "restore", str(tmp_path / "backup"), "--node", str(tmp_path / "restored"))
    assert restored.returncode == 0, restored.stderr
    assert "operating guide" in restored.stderr
    status = sealane("node", "status", "--json", "--node", str(tmp_path / "restored"))
    assert json.loads(status.stdout)["restored_at"] is not None


def test_faults_have_their_exit_code_and_say_what_to_do(tmp_path: Path) -> None:
    missing = sealane("node", "status", "--node", str(tmp_path / "nowhere"))
    assert missing.returncode == 2
    assert "sealane node init" in missing.stderr
    wrong = sealane(
        "node", "init", "--node", str(tmp_path / "n"), "--participant", "no id", "--name", "", "--origin", "ftp://x"
    )
    assert wrong.returncode == 2
    assert wrong.stderr.count("  - ") == 3
    assert not (tmp_path / "n").exists()
    without = sealane("node", "serve")
    assert without.returncode == 2
    assert "--node" in without.stderr
    assert "SEALANE_NODE" in without.stderr


def test_troubles_are_shown_with_exit_code_1(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    with make_node(folder) as node, node.database.write() as connection:
        key = node.identity.root_jwk
        add_peer(
            connection, participant="urn:x:peer", name="P", origin="https://p.example", root_key=key, now=node.clock()
        )
        connection.execute(peer.update().values(alarm="its log was rewritten"))
    status = sealane("node", "status", "--node", str(folder))
    assert status.returncode == 1
    assert "trouble: Partner urn:x:peer: its log was rewritten" in status.stderr


def test_tables_go_back_and_forward(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    make_node(folder).close()
    back = sealane("node", "migrate", "--node", str(folder), "--to", _order()[-2])
    assert back.returncode == 0, back.stderr
    refused = sealane("node", "serve", "--node", str(folder))
    assert refused.returncode == 2
    assert "sealane node migrate" in refused.stderr
    status = sealane("node", "status", "--node", str(folder))
    assert status.returncode == 1
    assert "sealane node migrate" in status.stderr
    forward = sealane("node", "migrate", "--node", str(folder))
    assert f"are at {head()}." in forward.stderr
    unknown = sealane("node", "migrate", "--node", str(folder), "--to", "9999")
    assert unknown.returncode == 2
    assert "There is no revision 9999" in unknown.stderr
    assert sealane("node", "migrate", "--node", str(folder), "--to", "base").returncode == 2
