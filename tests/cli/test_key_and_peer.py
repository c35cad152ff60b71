"""`sealane node key`, `sealane node token` and `sealane peer`, as an operator uses them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.live_nodes import free_socket, serving

from sealane.cli.main import run
from sealane.database.tables.ledger import leaf
from sealane.node import init_node, open_node
from sealane.node.app import create_app

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    values = {"participant": "port-a", "name": "Port A", "origin": "http://127.0.0.1:9"}
    with init_node(tmp_path / "a", values, environ={}):
        return tmp_path / "a"


def done(arguments: list[str], capsys: Capture, code: int = 0) -> tuple[str, str]:
    """Run a command and return what it printed on standard output and standard error."""
    assert run(arguments) == code, capsys.readouterr().err
    printed = capsys.readouterr()
    return printed.out, printed.err


def kinds(folder: Path) -> list[str]:
    with open_node(folder, environ={}) as node, node.database.read() as connection:
        return list(connection.scalars(sa.select(leaf.c.kind).order_by(leaf.c.position)))


def keys(folder: Path, capsys: Capture) -> list[dict[str, str]]:
    return list(json.loads(done(["node", "key", "list", "--node", str(folder), "--json"], capsys)[0]))


def test_keys_are_listed_rotated_and_revoked(folder: Path, capsys: Capture) -> None:
    (first,) = keys(folder, capsys)
    assert first["state"] == "signs"
    done(["node", "key", "rotate", "--node", str(folder), "--days", "30"], capsys)
    second, old = keys(folder, capsys)
    assert (old["kid"], old["state"], second["state"]) == (first["kid"], "verifies", "signs")
    command = ["node", "key", "revoke", old["kid"], "--reason", "lost", "--node", str(folder)]
    done(command, capsys)
    assert [key["state"] for key in keys(folder, capsys)] == ["signs", "revoked"]
    assert "already" in done(command, capsys, 2)[1]
    command[3] = second["kid"]
    assert "no key to sign with" in done(command, capsys)[1]
    assert kinds(folder) == ["key_rotated", "key_revoked", "key_revoked"]


def test_a_root_key_that_was_taken_away_must_be_brought(folder: Path, capsys: Capture, tmp_path: Path) -> None:
    moved = tmp_path / "root.json"
    (folder / "keys" / "root.private.json").rename(moved)
    assert "--root-key" in done(["node", "key", "rotate", "--node", str(folder)], capsys, 2)[1]
    assert len(keys(folder, capsys)) == 1
    done(["node", "key", "rotate", "--node", str(folder), "--root-key", str(moved)], capsys)
    moved.chmod(0o644)
    error = done(["node", "key", "rotate", "--node", str(folder), "--root-key", str(moved)], capsys, 2)[1]
    assert "chmod 600" in error
    assert len(keys(folder, capsys)) == 2


def test_a_root_key_need_never_come_to_the_node(folder: Path, capsys: Capture, tmp_path: Path) -> None:
    elsewhere = tmp_path / "safe.json"
    (folder / "keys" / "root.private.json").rename(elsewhere)
    node, request, statement = ["--node", str(folder)], tmp_path / "request.json", tmp_path / "statement.jws"
    (first,) = keys(folder, capsys)

    request.write_text(done(["node", "key", "request", *node], capsys)[0])
    assert [key["state"] for key in keys(folder, capsys)] == ["signs"]  # asked for, not yet certified
    statement.write_text(done(["node", "key", "certify", str(request), "--root-key", str(elsewhere)], capsys)[0])
    assert '"d"' not in request.read_text()
    done(["node", "key", "install", str(statement), *node], capsys)
    # Two keys of the same second stand in any order.
    assert sorted(key["state"] for key in keys(folder, capsys)) == ["signs", "verifies"]
    assert "already" in done(["node", "key", "install", str(statement), *node], capsys, 2)[1]

    command = ["node", "key", "sign-revocation", "port-a", first["kid"], "--reason", "lost"]
    statement.write_text(done([*command, "--root-key", str(elsewhere)], capsys)[0])
    done(["node", "key", "install", str(statement), *node], capsys)
    assert sorted(key["state"] for key in keys(folder, capsys)) == ["revoked", "signs"]
    assert kinds(folder) == ["key_rotated", "key_revoked"]

    request.write_text('{"participant": "port-a"}')
    assert "malformed" in done(["node", "key", "certify", str(request), "--root-key", str(elsewhere)], capsys, 2)[1]
    statement.write_text("no statement")
    assert "cannot be installed" in done(["node", "key", "install", str(statement), *node], capsys, 2)[1]


def test_tokens_are_shown_once(folder: Path, capsys: Capture) -> None:
    node = ["--node", str(folder)]
    text, said = done(["node", "token", "create", "terminal feed", "--role", "feed", *node], capsys)
    assert text.startswith("sealane_")
    assert text.strip() not in said
    listed = done(["node", "token", "list", "--json", *node], capsys)[0]
    assert text.strip() not in listed
    (token,) = json.loads(listed)
    assert (token["name"], token["role"], token["state"]) == ("terminal feed", "feed", "works")
    done(["node", "token", "revoke", token["id"], *node], capsys)
    assert "revoked" in done(["node", "token", "list", *node], capsys)[0]
    assert "feed, reader" in done(["node", "token", "create", "x", "--role", "admin", *node], capsys, 2)[1]


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Path]:
    listening = free_socket()
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    values = {"participant": "port-b", "name": "Port B", "origin": origin}
    with init_node(tmp_path / "b", values, environ={}) as node, serving(create_app(node), listening):
        yield tmp_path / "b"


def add(folder: Path, there: Path, capsys: Capture, *options: str) -> list[str]:
    """Return the command that registers the node of one folder with that of another."""
    root = done(["node", "key", "root", "--node", str(there)], capsys)[0]
    file = there.with_suffix(".root.json")
    file.write_text(root)
    with open_node(there, environ={}) as node:
        participant, origin = node.identity.participant, node.identity.origin
    basic = ["peer", "add", participant, "--name", participant, "--origin", origin, "--root-key", str(file)]
    return [*basic, "--node", str(folder), *options]


def test_a_partner_is_added_checked_and_removed(folder: Path, partner: Path, capsys: Capture) -> None:
    logging.getLogger("sealane.access").disabled = True
    said = done(add(folder, partner, capsys, "--allow-private"), capsys)[1]
    check = ["peer", "check", "port-b", "--node", str(folder)]
    with open_node(partner, environ={}) as node:
        assert node.identity.root_kid in said
    # The partner does not know this node yet; the check says so.
    assert "not registered" in done(check, capsys, 1)[1]
    done(add(partner, folder, capsys, "--allow-private"), capsys)
    out, err = done([*check, "--json"], capsys, 1)  # this node does not serve, so the partner cannot read its keys
    assert (json.loads(out)["keys_error"], len(json.loads(out)["keys"]), err) == (None, 1, "")
    assert "127.0.0.1:9" in json.loads(out)["troubles"][0]
    (listed,) = json.loads(done(["peer", "list", "--json", "--node", str(folder)], capsys)[0])
    assert (listed["participant"], listed["must_sign"], listed["alarm"]) == ("port-b", "yes", None)
    done(["peer", "remove", "port-b", "--node", str(folder)], capsys)
    assert "no such partner" in done(check, capsys, 2)[1]
    assert "no such partner" in done(["peer", "remove", "port-b", "--node", str(folder)], capsys, 2)[1]
    assert kinds(folder) == ["peer_added", "peer_removed"]


def test_two_nodes_that_serve_find_each_other_well(partner: Path, tmp_path: Path, capsys: Capture) -> None:
    listening = free_socket()
    values = {"participant": "port-c", "name": "C", "origin": f"http://127.0.0.1:{listening.getsockname()[1]}"}
    here = tmp_path / "c"
    with init_node(here, values, environ={}) as node, serving(create_app(node), listening):
        done(add(here, partner, capsys, "--allow-private"), capsys)
        done(add(partner, here, capsys, "--allow-private"), capsys)
        assert done(["peer", "check", "port-b", "--node", str(here)], capsys)[1].count("trouble") == 0


def test_what_cannot_be_a_partner_is_refused(folder: Path, partner: Path, capsys: Capture, tmp_path: Path) -> None:
    command = add(folder, partner, capsys)
    assert "--allow-private" in done(command, capsys, 2)[1]  # plain http
    (private,) = (partner / "keys").glob("root.private.json")
    command = add(folder, partner, capsys, "--allow-private")
    place = command.index("--root-key") + 1
    secret = json.loads(private.read_text())["d"]
    for given, wanted in (
        (str(private), "private part"),
        (private.read_text(), "private part"),
        (str(tmp_path / "nothing.json"), "No such file"),
        ("{", "not JSON"),
        ("{}", "OKP"),
    ):
        command[place] = given
        said = done(command, capsys, 2)[1]
        assert wanted in said
        assert secret not in said
    assert "itself" in done(add(folder, folder, capsys, "--allow-private"), capsys, 2)[1]
    assert kinds(folder) == []


def test_an_alarm_is_cleared_by_hand(folder: Path, partner: Path, capsys: Capture) -> None:
    from sealane.exchange.peers import raise_alarm

    done(add(folder, partner, capsys, "--allow-private"), capsys)
    with open_node(folder, environ={}) as node, node.database.write() as connection:
        raise_alarm(connection, "port-b", "its clock is off")
    check = ["peer", "check", "port-b", "--node", str(folder)]
    assert "trouble: alarm: its clock is off" in done(check, capsys, 1)[1]
    assert "clock" not in done([*check, "--clear-alarm"], capsys, 1)[1]
    assert kinds(folder) == ["peer_added", "alarm_cleared"]
