"""Making and opening a node's folder: private, whole or not at all, and only with its own database."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.nodes import PARTICIPANT, make_node

from sealane.database import Database
from sealane.database.migrations import head, revision
from sealane.database.tables.node import node_info
from sealane.errors import DataError, InputError, StoreError
from sealane.node import init_node, open_node
from sealane.node.open import KEYS_FOLDER, check_folder

GIVEN = {"participant": PARTICIPANT, "name": "Here", "origin": "https://here.example"}


def test_a_node_is_made_private_and_opens_again(tmp_path: Path, database_url: str, database_kind: str) -> None:
    folder = tmp_path / "deep" / "node"
    url = "" if database_kind == "sqlite" else database_url
    with make_node(folder, url) as node:
        kid = node.identity.root_kid
        assert revision(node.database) == head()
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    with open_node(folder, environ={"SEALANE_DATABASE_URL": url} if url else {}) as node:
        assert node.identity.root_kid == kid
        assert node.database.is_sqlite == (database_kind == "sqlite")
        with node.database.read() as connection:
            assert connection.execute(sa.select(node_info.c.participant)).scalar_one() == PARTICIPANT


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    make_node(folder).close()
    before = (folder / "node.toml").read_bytes()
    with pytest.raises(InputError, match=r"is not empty\. Open it as it is"):
        init_node(folder, GIVEN, environ={})
    assert (folder / "node.toml").read_bytes() == before


def test_a_failed_init_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    with pytest.raises(DataError):
        init_node(folder, GIVEN | {"workers": 0}, environ={})
    assert not folder.exists()
    taken = tmp_path / "root.json"
    taken.touch(mode=0o600)
    with pytest.raises(InputError, match="exists already"):
        init_node(folder, GIVEN, environ={}, root_file=taken)
    assert list(folder.iterdir()) == []
    init_node(folder, GIVEN, environ={}).close()  # control: the folder can be used then


def test_the_root_key_can_be_kept_elsewhere(tmp_path: Path) -> None:
    stick = tmp_path / "stick.json"
    init_node(tmp_path / "node", GIVEN, environ={}, root_file=stick).close()
    assert stat.S_IMODE(stick.stat().st_mode) == 0o600
    assert not (tmp_path / "node" / KEYS_FOLDER / "root.private.json").exists()
    open_node(tmp_path / "node", environ={}).close()


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_a_folder_others_may_enter_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "node"
    make_node(folder).close()
    folder.chmod(mode)
    with pytest.raises(DataError, match=rf"has mode 0{mode:o}, others may enter. Run: chmod 700"):
        open_node(folder, environ={})
    folder.chmod(0o700)
    open_node(folder, environ={}).close()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("not proven: giving a folder to another user needs root")
    folder = tmp_path / "node"
    folder.mkdir(mode=0o700)
    check_folder(folder)
    os.chown(folder, 12345, 12345)
    with pytest.raises(DataError, match="belongs to user 12345, not to 0"):
        check_folder(folder)


def test_a_missing_folder_and_a_file_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sealane node init"):
        open_node(tmp_path / "nowhere", environ={})
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is not a folder"):
        open_node(tmp_path / "file", environ={})
    (tmp_path / "other").mkdir(mode=0o755)
    with pytest.raises(InputError, match=r"is no node's folder, it holds no node\.toml"):
        open_node(tmp_path / "other", environ={})


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_two_nodes_cannot_share_a_database(tmp_path: Path, database_url: str) -> None:
    make_node(tmp_path / "first", database_url).close()
    with pytest.raises(InputError, match="holds tables already"):
        make_node(tmp_path / "second", database_url, participant="urn:sealane:test:there")
    make_node(tmp_path / "third", participant="urn:sealane:test:there").close()
    with pytest.raises(InputError, match=r"belongs to urn:sealane:test:here, the settings say urn:sealane:test:there"):
        open_node(tmp_path / "third", environ={"SEALANE_DATABASE_URL": database_url})


def test_a_database_that_is_down_is_a_store_error_without_its_password(tmp_path: Path) -> None:
    make_node(tmp_path / "node").close()
    url = "postgresql://user:hunter2hunter2@127.0.0.1:1/name"
    with pytest.raises(StoreError, match="cannot give data now") as caught:
        open_node(tmp_path / "node", environ={"SEALANE_DATABASE_URL": url})
    assert "hunter2hunter2" not in str(caught.value)


def test_a_database_without_tables_is_refused(tmp_path: Path) -> None:
    make_node(tmp_path / "node").close()
    url = f"sqlite:///{tmp_path / 'other.db'}"
    Database(url).close()
    with pytest.raises(InputError, match=r"is at revision none, this version needs .*`sealane node migrate`"):
        open_node(tmp_path / "node", environ={"SEALANE_DATABASE_URL": url})


def test_root_is_warned(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.geteuid()
    make_node(tmp_path / "node").close()
    assert ("running as root" in caplog.text) == (owner == 0)
    caplog.clear()
    open_node(tmp_path / "node", environ={}).close()
    assert "running as root" not in caplog.text  # once is enough: when the node is made, and when it is served
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(DataError, match="belongs to user"):
        open_node(tmp_path / "node", environ={})
    assert "running as root" not in caplog.text


def test_a_wrong_statement_does_not_show_its_values(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError) as caught, database.write() as connection:
        connection.execute(node_info.insert().values(id=1, participant=None, created_at=None))
    assert "hidden due to hide_parameters" in str(caught.value)
