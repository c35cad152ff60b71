"""A backup taken while writes go on is one state of the whole node, and becomes a node again on either database."""

from __future__ import annotations

import gzip
import json
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests import postgresql
from tests.filled import contents, fill
from tests.nodes import PARTICIPANT, make_node

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables import ledger, metadata, products
from sealane.database.tables.delivery import outbox, stream
from sealane.database.tables.node import node_info
from sealane.errors import DataError, FileFormatError, InputError
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.node import Node, open_node
from sealane.node import backup as backup_module
from sealane.node.backup import back_up, check_backup, restore


@pytest.fixture
def node(tmp_path: Path, database_url: str, database_kind: str) -> Iterator[Node]:
    with make_node(tmp_path / "node", "" if database_kind == "sqlite" else database_url) as node:
        yield node


@pytest.fixture
def other_url(request: pytest.FixtureRequest, tmp_path: Path, target: str) -> Iterator[str]:
    if target == "sqlite":
        yield sqlite_url(tmp_path / "other" / "node.db")
        return
    cluster: postgresql.Cluster = request.getfixturevalue("postgresql_cluster")
    name = cluster.create()
    yield cluster.url(name)
    cluster.drop(name)


def all_rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as connection:
        return contents(connection)


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_everything_comes_back_on_either_database(node: Node, tmp_path: Path, target: str, other_url: str) -> None:
    with node.database.write() as connection:
        fill(connection, rows=1200 if target == "sqlite" else 40)
    before = all_rows(node.database)
    manifest = back_up(node, tmp_path / "out")
    assert manifest["rows"] == sum(len(rows) for rows in before.values())
    (tmp_path / "other").mkdir(mode=0o700)
    environ = {} if target == "sqlite" else {"SEALANE_DATABASE_URL": other_url}
    with restore(tmp_path / "out", tmp_path / "other", environ=environ) as restored:
        assert restored.database.is_sqlite == (target == "sqlite")
        after = all_rows(restored.database)
        info = after.pop("node_info")
        assert before.pop("node_info")[0][:3] == info[0][:3]
        assert after == before
        with restored.database.read() as connection:
            row = connection.execute(sa.select(node_info)).one()
        assert row.restored_at >= row.backup_taken_at
        assert restored.identity.operational_keys()[0].kid == node.identity.operational_keys()[0].kid
        # Numbers the database gives out go on after those restored.
        highest = max(int(str(row[0])) for row in before["outbox"])
        with restored.database.write() as connection:
            given = {
                "stream_id": connection.execute(sa.select(stream.c.id).limit(1)).scalar_one(),
                "event_id": "new",
                "state": "waiting",
                "due_at": restored.clock(),
                "refusals": 0,
                "changed_at": restored.clock(),
            }
            new = connection.execute(outbox.insert().values(**given)).inserted_primary_key
        assert new is not None
        assert new[0] > highest
    for path in ((tmp_path / "out"), *(tmp_path / "out").rglob("*"), *(tmp_path / "other").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_backup_while_writes_go_on_is_one_state(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write puts a leaf into the ledger and the same number into a second table: both must agree afterwards."""
    stop, written = threading.Event(), threading.Event()
    counted = []

    def write_on() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with node.database.write() as connection:
                append(connection, [Entry(EntryKind.ALARM, None, str(number), {})], node.clock())
                values = {"participant": "p", "size": number, "root": "r", "jws": "j", "verified": True}
                connection.execute(ledger.checkpoint.insert().values(**values, created_at=node.clock()))
            counted.append(number)
            written.set()

    slowly: Callable[..., object] = backup_module._raw_rows

    def raw_rows(connection: sa.Connection, table: sa.Table) -> object:
        # The writer gets on between any two tables.
        target = len(counted) + 2
        while len(counted) < target:
            written.wait(10)
            written.clear()
        return slowly(connection, table)

    monkeypatch.setattr(backup_module, "_raw_rows", raw_rows)
    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        assert written.wait(30)
        back_up(node, tmp_path / "out")
    finally:
        stop.set()
        writer.join()
    monkeypatch.undo()

    def numbers(table: str, key: str) -> list[object]:
        with gzip.open(tmp_path / "out" / "tables" / f"{table}.jsonl.gz", "rt") as file:
            return sorted(json.loads(line)[key] for line in file)

    leaves, checkpoints = numbers("ledger_leaf", "position"), numbers("ledger_checkpoint", "size")
    assert len(leaves) == len(checkpoints) == numbers("ledger_head", "size")[0]
    # Control: the writer did go on, so that reading table by table without one transaction would have shown it.
    assert len(counted) > len(leaves) + len(metadata.tables)


def test_keys_are_included_and_the_root_key_only_if_asked(node: Node, tmp_path: Path) -> None:
    plain = back_up(node, tmp_path / "plain")
    full = back_up(node, tmp_path / "full", with_root_key=True)
    assert set(full["files"]) - set(plain["files"]) == {"keys/root.private.json"}
    private = [name for name in plain["files"] if name.endswith(".private.json")]
    assert len(private) == 1


def test_a_backup_is_never_overwritten_and_a_failed_one_leaves_nothing(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(node, tmp_path / "out")
    with pytest.raises(InputError, match="is there already"):
        back_up(node, tmp_path / "out")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_module, "_copy", fail)
    with pytest.raises(OSError, match="No space"):
        back_up(node, tmp_path / "second")
    assert sorted(path.name for path in tmp_path.iterdir() if "second" in path.name) == []


def test_an_altered_backup_is_refused_with_every_fault(node: Node, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = back_up(node, out)
    assert check_backup(out)["rows"] == manifest["rows"]
    (out / "node.toml").write_text((out / "node.toml").read_text() + "\n")
    (out / "tables" / "peer.jsonl.gz").unlink()
    (out / "tables" / "more.jsonl.gz").touch()
    with pytest.raises(DataError) as caught:
        restore(out, tmp_path / "new", environ={})
    assert sorted((Path(f.where).name, f.found) for f in caught.value.faults) == [
        ("more.jsonl.gz", "is not of the backup"),
        ("node.toml", "was altered or damaged"),
        ("peer.jsonl.gz", "is missing"),
    ]
    assert not (tmp_path / "new").exists()


def test_what_is_no_backup_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="Name a folder that `sealane node backup` wrote"):
        restore(tmp_path, tmp_path / "new", environ={})
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(FileFormatError, match="is damaged"):
        check_backup(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 99, "files": {}}')
    with pytest.raises(FileFormatError, match="form 99"):
        check_backup(tmp_path)


def test_nothing_is_restored_over_something(node: Node, tmp_path: Path, database_url: str) -> None:
    back_up(node, tmp_path / "out")
    with pytest.raises(InputError, match="is not empty"):
        restore(tmp_path / "out", node.folder, environ={})
    url = node.database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(InputError, match="holds tables already"):
        restore(tmp_path / "out", tmp_path / "new", environ={"SEALANE_DATABASE_URL": url})
    assert list((tmp_path / "new").iterdir()) == []


def test_a_restore_that_fails_leaves_an_empty_database(
    node: Node, tmp_path: Path, database_url: str, database_kind: str, request: pytest.FixtureRequest
) -> None:
    with node.database.write() as connection:
        fill(connection)
    out = tmp_path / "out"
    back_up(node, out)
    # A row that breaks a rule, in a file whose checksum is right.
    path = out / "tables" / "record.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join([*lines, lines[0]])))
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["files"]["tables/record.jsonl.gz"] = backup_module._digest(path)
    (out / "manifest.json").write_text(json.dumps(manifest))
    environ = {}
    if database_kind == "postgresql":
        cluster: postgresql.Cluster = request.getfixturevalue("postgresql_cluster")
        environ = {"SEALANE_DATABASE_URL": cluster.url(cluster.create())}
    with pytest.raises(sa.exc.IntegrityError):
        restore(out, tmp_path / "new", environ=environ)
    assert list((tmp_path / "new").iterdir()) == []
    if environ:
        database = Database(environ["SEALANE_DATABASE_URL"])
        assert sa.inspect(database.engine).get_table_names() == []
        database.close()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_restored_node_opens_as_the_participant(node: Node, tmp_path: Path) -> None:
    with node.database.write() as connection:
        connection.execute(products.record_counter.insert().values(id=1, position=3))
    back_up(node, tmp_path / "out")
    restore(tmp_path / "out", tmp_path / "new", environ={}).close()
    with open_node(tmp_path / "new", environ={}) as restored:
        assert restored.settings.participant == PARTICIPANT
