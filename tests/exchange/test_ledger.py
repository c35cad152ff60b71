"""The log in the database: what is appended can be proven, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from pathlib import Path

import pytest
import rfc8785
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from sealane.database import Database
from sealane.database.tables.ledger import head, leaf, node
from sealane.exchange import ledger, merkle
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.ledger_check import faults_of_stored

NOW = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)
YOKOHAMA, NAGOYA = "urn:sealane:test:yokohama", "urn:sealane:test:nagoya"


def steps(count: int, peer: str | None = YOKOHAMA) -> list[Entry]:
    return [Entry(EntryKind.ALARM, peer, f"step {index}", {"reason": "test", "index": index}) for index in range(count)]


def filled(database: Database, *batches: int) -> int:
    for count in batches:
        with database.write() as connection:
            append(connection, steps(count), NOW)
    return sum(batches)


def test_positions_follow_each_other_and_stand_in_the_entry(database: Database) -> None:
    with database.write() as connection:
        assert append(connection, steps(3), NOW) == range(3)
        assert append(connection, [], NOW) == range(3, 3)
        assert append(connection, steps(2, None), NOW) == range(3, 5)
    with database.read() as connection:
        found = ledger.entries(connection)
        assert [entry.position for entry in found] == [0, 1, 2, 3, 4]
        for entry in found:
            document = json.loads(entry.entry)
            assert document["position"] == entry.position
            assert document["time"] == "2026-11-22T06:00:00.000000Z"
            assert (document["kind"], document["peer"], document["subject"]) == (entry.kind, entry.peer, entry.subject)
            assert len(bytes.fromhex(document["salt"])) == 16
            assert entry.hash == merkle.leaf_hash(entry.entry)
        assert len({json.loads(entry.entry)["salt"] for entry in found}) == 5


def test_every_proof_of_a_small_log_verifies(database: Database) -> None:
    size = filled(database, 1, 2, 7, 4, 1, 8)
    with database.read() as connection:
        leaves = ledger.leaf_hashes(connection, 0, size)
        tree = merkle.added_subtrees(0, leaves, {}) | {(0, index): value for index, value in enumerate(leaves)}
        roots = [merkle.span_hash((0, count), tree) for count in range(size + 1)]
        assert [ledger.root_at(connection, count) for count in range(size + 1)] == roots
        together = ledger.inclusion_proofs(connection, range(size), size)
        for position in range(size):
            proof = ledger.inclusion_proof(connection, position, size)
            assert proof == together[position]
            assert merkle.verify_inclusion(leaves[position], position, size, proof, roots[size])
        for old in range(size + 1):
            proof = ledger.consistency_proof(connection, old, size)
            assert merkle.verify_consistency(old, roots[old], size, roots[size], proof)


def test_a_proof_reads_a_logarithmic_number_of_rows(database: Database) -> None:
    size = filled(database, 4000)
    with database.read() as connection:
        rows = []
        sa.event.listen(connection, "after_cursor_execute", lambda *a: rows.append(a[2]))
        for work in (
            lambda: ledger.inclusion_proof(connection, 1234, size),
            lambda: ledger.consistency_proof(connection, 1234, size),
            lambda: ledger.root_at(connection, size),
        ):
            rows.clear()
            work()
            assert len(rows) <= 3
    needed = merkle.needed_subtrees(merkle.inclusion_spans(1234, size))
    assert len(needed) <= 2 * size.bit_length()


def test_a_step_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    filled(database, 3)
    with pytest.raises(RuntimeError, match="no"), database.write() as connection:
        append(connection, steps(2), NOW)
        raise RuntimeError("no")
    assert filled(database, 1) == 1
    with database.read() as connection:
        assert ledger.log_size(connection) == 4
        assert [entry.position for entry in ledger.entries(connection)] == [0, 1, 2, 3]


def test_writers_at_the_same_time_give_one_order_without_a_gap(database: Database) -> None:
    faults: list[BaseException] = []

    def work(peer: str) -> None:
        try:
            for _ in range(10):
                with database.write() as connection:
                    append(connection, steps(3, peer), NOW)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(f"urn:peer:{index}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with database.read() as connection:
        found = ledger.entries(connection)
        assert [json.loads(entry.entry)["position"] for entry in found] == list(range(120))
        tree = merkle.added_subtrees(0, [entry.hash for entry in found], {})
        stored = {(row.level, row.position): bytes(row.hash) for row in connection.execute(sa.select(node))}
        assert stored == tree


def test_entries_are_chosen_by_partner_subject_kind_and_place(database: Database) -> None:
    with database.write() as connection:
        append(connection, steps(3), NOW)
        append(connection, [Entry(EntryKind.NODE_RESTORED, None, "b", {"size": 3})], NOW)
        append(connection, steps(2, NAGOYA), NOW)
    with database.read() as connection:
        assert [entry.position for entry in ledger.entries(connection, peer=NAGOYA)] == [4, 5]
        assert [entry.position for entry in ledger.entries(connection, subject="step 1")] == [1, 5]
        assert [entry.position for entry in ledger.entries(connection, kinds=[EntryKind.NODE_RESTORED])] == [3]
        assert [entry.position for entry in ledger.entries(connection, after=1, limit=2)] == [2, 3]
        assert [entry.position for entry in ledger.all_entries(connection, stop=4)] == [0, 1, 2, 3]
        assert ledger.entries(connection, peer=NAGOYA)[0].body == {"reason": "test", "index": 0}


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
bodies = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ09_-. ", max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdefgh_", min_size=1, max_size=8), bodies, max_size=5), texts)
def test_the_bytes_are_those_of_rfc_8785(body: dict[str, object], subject: str) -> None:
    made = ledger.entry_bytes(Entry(EntryKind.ALARM, None, subject, body), 7, "2026-01-01T00:00:00.000000Z", "00" * 16)
    assert made == rfc8785.dumps(json.loads(made))
    assert json.loads(made)["body"] == body


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (Entry("party", None, None, {}), "'party' is not a valid EntryKind"),
        (Entry(EntryKind.ALARM, None, None, {"speed": 1.5}), r"body\.speed: float cannot stand"),
        (
            Entry(EntryKind.ALARM, None, None, {"a": [1, {"b": 2**53}]}),
            r"body\.a\[1\]\.b: 9007199254740992 is too large",
        ),
        (Entry(EntryKind.ALARM, None, None, {"é": 1}), "is not ASCII"),
        (Entry(EntryKind.ALARM, None, None, {"at": NOW}), "datetime cannot stand"),
        (Entry(EntryKind.ALARM, None, "\ud800", {}), "surrogates"),
        (
            Entry(EntryKind.EVENT_SEALED, YOKOHAMA, "e", {"stream": "s"}),
            "lacks agreement, clause, digest, sequence",
        ),
    ],
)
def test_what_cannot_be_written_without_ambiguity_is_refused(database: Database, entry: Entry, says: str) -> None:
    with pytest.raises(ValueError, match=says), database.write() as connection:
        append(connection, [*steps(1), entry], NOW)
    with database.read() as connection:
        assert ledger.log_size(connection) == 0


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="without a zone"), database.write() as connection:
        append(connection, steps(1), NOW.replace(tzinfo=None))


def test_sizes_beyond_the_log_are_refused(database: Database) -> None:
    filled(database, 3)
    with database.read() as connection:
        for work in (
            lambda: ledger.root_at(connection, 4),
            lambda: ledger.inclusion_proof(connection, 0, 4),
            lambda: ledger.consistency_proof(connection, 1, 4),
        ):
            with pytest.raises(ValueError, match="the log has 3 entries, not 4"):
                work()


def test_an_empty_log_has_the_root_of_nothing(database: Database) -> None:
    with database.read() as connection:
        assert ledger.root_at(connection, 0) == merkle.EMPTY_ROOT
        assert ledger.entries(connection) == []


def test_leaf_columns_are_only_an_index(database: Database) -> None:
    """What is proven are the bytes; the columns beside them are for looking up and are checked against the bytes."""
    filled(database, 6)
    with database.read() as connection:
        assert faults_of_stored(connection) == []
    with database.write() as connection:
        connection.execute(leaf.update().where(leaf.c.position == 1).values(peer=NAGOYA))
        connection.execute(leaf.update().where(leaf.c.position == 3).values(hash=b"\x00" * 32))
        connection.execute(node.update().where(node.c.level == 2, node.c.position == 0).values(hash=b"\x00" * 32))
        connection.execute(node.delete().where(node.c.level == 1, node.c.position == 2))
        connection.execute(head.update().values(size=5))
    with database.read() as connection:
        faults = faults_of_stored(connection)
    assert [fault.where for fault in faults] == [
        "entry 1, column peer",
        "entry 3, column hash",
        "subtree 2/0",
        "subtree 1/2",
        "ledger_head",
    ]


def test_missing_entries_are_found_whatever_is_stored_beside_them(database: Database) -> None:
    filled(database, 6)
    with database.write() as connection:
        connection.execute(leaf.delete().where(leaf.c.position == 2))
    with database.read() as connection:
        assert faults_of_stored(connection)[0].where == "entry 3"


def test_every_kind_and_required_key_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for kind in EntryKind:
        (row,) = [line for line in rows if f"`{kind.value}`" in line.split("|")[1]]
        marked = set(re.findall(r"(\w+)\*", row))
        assert marked == ledger.REQUIRED_KEYS.get(kind, frozenset()), kind
