"""The HTTP interface of the log, asked by a partner's node over the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import ports

from sealane.database import Database
from sealane.exchange import ledger
from sealane.exchange.checkpoint_exchange import PATH
from sealane.exchange.checkpoints import TYP
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.merkle import added_subtrees, leaf_hash, span_hash, verify_consistency, verify_inclusion
from sealane.node.context import Node

NAGOYA = "urn:sealane:test:nagoya"


@dataclass
class World:
    """One node that serves, and two partners who ask it."""

    owner: Node
    one: Node
    other: Node

    def ask(self, by: Node, path: str, method: str = "GET", body: Any = None, **options: Any) -> tuple[int, Any]:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = by.outbound.request(
            method,
            f"{self.owner.identity.origin}{PATH}{path}",
            participant=self.owner.identity.participant,
            content=content,
            headers={"content-type": "application/json"} if content else {},
            **options,
        )
        return answer.status, json.loads(answer.content)


@pytest.fixture
def world(databases: Callable[[], Database], tmp_path: Path) -> Iterator[World]:
    clock = ports.Clock()
    nodes = [ports.make_node(tmp_path, name, databases(), clock) for name in ("owner", "one", "other")]
    owner, one, other = nodes
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(ports.serving(node))
            stack.callback(node.outbound.close)
        for partner in (one, other):
            ports.introduce(owner, partner)
            ports.introduce(partner, owner)
        ports.exchange_keys(*[one, owner][::-1])
        ports.exchange_keys(owner, other)
        with owner.database.write() as connection:
            for n in range(10):
                partner = (one, other)[n % 2].identity.participant
                append(connection, [Entry(EntryKind.ALARM, partner, f"step {n}", {"reason": "test"})], clock())
        yield World(owner, one, other)


def signed(answer: Any) -> dict[str, Any]:
    middle = answer["checkpoint"].split(".")[1]
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return document


def test_a_partner_reads_and_proves_its_entries_and_sees_only_hashes_of_others(world: World) -> None:
    status, answer = world.ask(world.one, "/checkpoint")
    assert status == 200
    said = signed(answer)
    size, root = said["size"], bytes.fromhex(said["root"])
    assert (said["participant"], size) == (world.owner.identity.participant, 10)
    status, page = world.ask(world.one, f"/entries?size={size}")
    assert (status, page["size"], page["next"]) == (200, 10, None)
    assert [row["position"] for row in page["entries"]] == [0, 2, 4, 6, 8]
    for row in page["entries"]:
        text, proof = row["entry"].encode(), [bytes.fromhex(value) for value in row["proof"]]
        assert verify_inclusion(leaf_hash(text), row["position"], size, proof, root)
        assert json.loads(text)["peer"] == world.one.identity.participant
        _, again = world.ask(world.one, f"/inclusion?position={row['position']}&size={size}")
        assert (again["proof"], again["hash"]) == (row["proof"], leaf_hash(text).hex())
    _, whole = world.ask(world.one, "/entries")
    hidden = [row for row in whole["entries"] if "entry" not in row]
    assert [row["position"] for row in hidden] == [1, 3, 5, 7, 9]
    assert "step 1" not in json.dumps(whole)
    leaves = [
        leaf_hash(row["entry"].encode()) if "entry" in row else bytes.fromhex(row["hash"]) for row in whole["entries"]
    ]
    tree = added_subtrees(0, leaves, {}) | {(0, n): value for n, value in enumerate(leaves)}
    assert span_hash((0, size), tree) == root


def test_pages_follow_each_other(world: World) -> None:
    seen: list[int] = []
    after: int | None = -1
    while after is not None:
        _, page = world.ask(world.other, f"/entries?size=10&limit=2&after={after}")
        seen += [row["position"] for row in page["entries"]]
        after = page["next"]
    assert seen == [1, 3, 5, 7, 9]


def test_consistency_is_proven(world: World) -> None:
    with world.owner.database.read() as connection:
        roots = {size: ledger.root_at(connection, size) for size in (0, 3, 10)}
    for old, new in ((3, 10), (0, 10), (10, 10)):
        status, answer = world.ask(world.one, f"/consistency?from={old}&to={new}")
        assert status == 200
        proof = [bytes.fromhex(value) for value in answer["proof"]]
        assert verify_consistency(old, roots[old], new, roots[new], proof)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_lies_beyond_the_log_is_refused(world: World) -> None:
    for path in (
        "/consistency?from=0&to=11",
        "/consistency?from=5&to=4",
        "/consistency?from=-1&to=4",
        "/consistency?from=1",
        "/inclusion?position=10&size=10",
        "/inclusion?position=0&size=0",
        "/inclusion?position=0&size=99999999999999999999",
        "/entries?size=11",
        "/entries?limit=100000",
        "/entries?after=x",
    ):
        status, problem = world.ask(world.one, path)
        assert status == 422, path
        assert problem["type"]
        assert problem["faults"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_nobody_reads_without_proving_who_he_is(world: World) -> None:
    for path in ("/checkpoint", "/entries", "/consistency?from=0&to=1", "/inclusion?position=0&size=1"):
        status, _ = world.ask(world.one, path, sign=False)
        assert status == 401


def test_a_checkpoint_is_taken_with_a_proof_and_refused_without_form(world: World) -> None:
    one = world.one
    with one.database.write() as connection:
        append(connection, [Entry(EntryKind.ALARM, None, None, {"reason": "test"})], one.clock())
        root = ledger.root_at(connection, 1).hex()
    said = {"participant": one.identity.participant, "root": root, "size": 1, "time": one.clock().isoformat()}
    jws = one.identity.sign(json.dumps(said).encode(), TYP, one.clock())
    good = {"checkpoint": jws, "from": 0, "proof": []}
    assert world.ask(one, "/checkpoints", "POST", {**good, "from": 1}) == (
        200,
        {"outcome": "accepted", "held": 1, "reason": None},
    )
    assert world.ask(one, "/checkpoints", "POST", good)[1]["outcome"] == "known"
    status, problem = world.ask(one, "/checkpoints", "POST", {"checkpoint": 1, "from": -1, "more": 2, "proof": []})
    assert status == 422
    assert len(problem["faults"]) == 3
    for body in ({**good, "proof": ["x"]}, {**good, "proof": ["ab" * 32] * 200}, {**good, "checkpoint": "x.y.z"}):
        assert world.ask(one, "/checkpoints", "POST", body)[0] == 400
    assert world.ask(one, "/checkpoints", "POST", b'{"from":1,"from":2}')[0] == 400
    assert world.ask(one, "/checkpoints", "POST", b"{" + b" " * 70_000 + b"}")[0] == 413
    theirs = world.owner.identity.sign(json.dumps(said).encode(), TYP, one.clock())
    assert world.ask(one, "/checkpoints", "POST", {**good, "checkpoint": theirs})[0] == 401
