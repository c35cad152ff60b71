"""`sealane user`: the first administrator and everything else about people that needs no page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from tests.nodes import make_node
from typer.testing import CliRunner

from sealane.cli import user as command
from sealane.node.open import open_node
from sealane.node.status import node_status
from sealane.web.accounts import users
from sealane.web.accounts.audit import AuditFilter, list_entries

app = typer.Typer()
command.add_to(app)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_node(tmp_path / "node").close()
    return tmp_path / "node"


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["user", *arguments])
    assert done.exception is None or done.exit_code in {0, 2} or "Error" in repr(done.exception)
    return done.exit_code, done.stdout, done.stderr


def test_people_are_added_listed_changed_and_disabled(folder: Path) -> None:
    node = ("--node", str(folder))
    assert "no accounts yet" in run("list", *node)[2]
    code, password, said = run("add", "Ann", "--role", "administrator", "--name", "Ann Lee", *node)
    assert code == 0
    assert "ann may log in as administrator" in said
    with open_node(folder) as opened, opened.database.read() as connection:
        user = users.find_by_login(connection, "ann")
        stored = users.password_row(connection, user)
        proof = users.prove(user, stored, password.strip(), opened.clock())
    assert proof is not None
    assert proof.must_change
    assert run("add", "bob", "--role", "analyst", *node)[0] == 0
    assert run("role", "bob", "steward", *node)[0] == 0
    assert run("disable", "bob", *node)[0] == 0
    rows = json.loads(run("list", "--json", *node)[1])
    assert [(row["login"], row["role"], row["state"]) for row in rows] == [
        ("ann", "administrator", "works"),
        ("bob", "steward", "disabled"),
    ]
    assert "bob" in run("list", *node)[1]
    assert run("disable", "bob", "--undo", *node)[0] == 0
    assert len(run("password", "bob", *node)[1].strip()) == 19
    with open_node(folder) as opened, opened.database.read() as connection:
        entries = list_entries(connection, AuditFilter())
    assert [entry.action for entry in reversed(entries)] == [
        "user.add",
        "user.add",
        "user.change",
        "user.change",
        "user.change",
        "user.password",
    ]
    assert all(entry.actor.startswith("command line: ") for entry in entries)
    assert password.strip() not in repr(entries)


def test_what_cannot_be_done_is_said(folder: Path) -> None:
    node = ("--node", str(folder))
    run("add", "ann", "--role", "administrator", *node)
    for arguments, words in (
        (("add", "ann", "--role", "analyst"), "ann is taken"),
        (("add", "bob", "--role", "king"), "'king' is not known"),
        (("role", "nobody", "analyst"), "There is no account 'nobody'"),
        (("role", "ann", "analyst"), "is the last administrator"),
        (("disable", "ann"), "is the last administrator"),
    ):
        done = CliRunner().invoke(app, ["user", *arguments, *node])
        assert words in str(done.exception), arguments
    with open_node(folder) as opened, opened.database.read() as connection:
        assert len(list_entries(connection, AuditFilter())) == 1, "what failed did not happen"


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_status_complains_of_a_role_that_passes_the_wall(tmp_path: Path, database_url: str) -> None:
    node = make_node(tmp_path / "node", database_url)
    assert not any("row-level security" in text for text in node_status(node).troubles)
    node.close()
    admin = database_url.replace("//sealane:", "//admin:")
    with open_node(tmp_path / "node", environ={"SEALANE_DATABASE_URL": admin}) as node:
        assert any("passes row-level security" in text for text in node_status(node).troubles)
