"""The tree against the published vectors of Certificate Transparency and against a naive recursive definition.

Vectors: test data of the certificate-transparency project (Apache-2.0), today in transparency-dev/merkle,
testonly/constants.go, and its known proofs.
"""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.exchange import merkle

ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
A, B, C, D = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
)
E, F, G, H = (
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
)
INCLUSION = {(0, 1): [], (0, 8): [A, B, C], (5, 8): [D, E, F]}
CONSISTENCY = {(1, 1): [], (1, 8): [A, B, C], (6, 8): [G, E, F], (2, 5): [B, D], (6, 7): [G, H, F]}


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162, 2.1.1 writes it down."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162, 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def stored(leaves: list[bytes], cuts: list[int]) -> dict[merkle.Subtree, bytes]:
    """What a log would hold after appending the leaves in batches that end at the cuts."""
    hashes: dict[merkle.Subtree, bytes] = {}
    start = 0
    for stop in [*cuts, len(leaves)]:
        frontier = {tile: hashes[tile] for tile in merkle.complete_subtrees((0, start))}
        batch = leaves[start:stop]
        hashes.update({(0, start + offset): value for offset, value in enumerate(batch)})
        hashes.update(merkle.added_subtrees(start, batch, frontier))
        start = stop
    return hashes


def proof(spans: list[merkle.Span], hashes: dict[merkle.Subtree, bytes]) -> list[bytes]:
    return [merkle.span_hash(span, hashes) for span in spans]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert merkle.span_hash((0, size), stored(LEAVES[:size], [])).hex() == ROOTS[size]


@pytest.mark.parametrize(("position", "size"), INCLUSION)
def test_published_inclusion_proofs(position: int, size: int) -> None:
    found = proof(merkle.inclusion_spans(position, size), stored(LEAVES, []))
    assert [value.hex() for value in found] == INCLUSION[position, size]
    assert merkle.verify_inclusion(LEAVES[position], position, size, found, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int) -> None:
    found = proof(merkle.consistency_spans(old, new), stored(LEAVES, []))
    assert [value.hex() for value in found] == CONSISTENCY[old, new]
    roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    assert merkle.verify_consistency(old, roots[0], new, roots[1], found)


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(index.to_bytes(4, "big")) for index in range(size)]


@given(st.integers(0, 80), st.lists(st.integers(0, 80), max_size=6))
def test_batches_of_any_size_store_the_same_hashes(size: int, cuts: list[int]) -> None:
    leaves = leaves_of(size)
    hashes = stored(leaves, sorted(cut for cut in cuts if cut <= size))
    assert hashes == stored(leaves, [])
    assert merkle.span_hash((0, size), hashes) == naive_root(leaves)
    assert len(hashes) == sum(size >> level for level in range(8))


@given(st.integers(1, 80).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_inclusion_is_as_the_definition_and_verifies(case: tuple[int, int]) -> None:
    position, size = case
    leaves = leaves_of(size)
    found = proof(merkle.inclusion_spans(position, size), stored(leaves, []))
    assert found == naive_path(position, leaves)
    assert merkle.verify_inclusion(leaves[position], position, size, found, naive_root(leaves))


@given(st.integers(0, 80).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))))
def test_consistency_is_as_the_definition_and_verifies(case: tuple[int, int]) -> None:
    old, new = case
    leaves = leaves_of(new)
    found = proof(merkle.consistency_spans(old, new), stored(leaves, []))
    assert found == (naive_subproof(old, leaves) if old else [])
    assert merkle.verify_consistency(old, naive_root(leaves[:old]), new, naive_root(leaves), found)


def bent(values: list[bytes], draw: st.DataObject) -> list[bytes]:
    """A proof with one thing wrong."""
    way = draw.draw(st.sampled_from(["flip", "drop", "add", "swap", "short"] if values else ["add"]))
    index = draw.draw(st.integers(0, max(len(values) - 1, 0)))
    out = list(values)
    if way == "flip":
        out[index] = bytes([out[index][0] ^ 1]) + out[index][1:]
    elif way == "drop":
        del out[index]
    elif way == "add":
        out.insert(index, hashlib.sha256(b"x").digest())
    elif way == "swap":
        out[0], out[-1] = out[-1], out[0]
    else:
        out[index] = out[index][:-1]
    return out


@given(st.integers(1, 40), st.data())
def test_a_bent_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    hashes, root = stored(leaves, []), naive_root(leaves)
    position = data.draw(st.integers(0, size - 1))
    good = proof(merkle.inclusion_spans(position, size), hashes)
    bad = bent(good, data)
    assert bad == good or not merkle.verify_inclusion(leaves[position], position, size, bad, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda index: index != position or size == 1))
    assert other == position or not merkle.verify_inclusion(leaves[position], other, size, good, root)
    old = data.draw(st.integers(1, size))
    before = naive_root(leaves[:old])
    good = proof(merkle.consistency_spans(old, size), hashes)
    bad = bent(good, data)
    assert bad == good or not merkle.verify_consistency(old, before, size, root, bad)
    forged = hashlib.sha256(before).digest()
    assert not merkle.verify_consistency(old, forged, size, root, good)
    assert not merkle.verify_consistency(old, before, size, forged, good)


def test_what_is_not_in_the_tree_is_refused() -> None:
    root = bytes.fromhex(ROOTS[8])
    assert not merkle.verify_inclusion(LEAVES[0], 8, 8, [], root)
    assert not merkle.verify_inclusion(LEAVES[0], -1, 8, [], root)
    assert not merkle.verify_consistency(9, root, 8, root, [])
    assert not merkle.verify_consistency(0, b"\x00" * 32, 8, root, [])
    for bad in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="is not in a tree"):
            merkle.inclusion_spans(*bad)
    with pytest.raises(ValueError, match="has no beginning"):
        merkle.consistency_spans(9, 8)


def test_an_inner_node_cannot_pass_for_a_leaf() -> None:
    """The two prefixes keep leaves and nodes apart (second pre-image)."""
    joined = LEAVES[0] + LEAVES[1]
    assert merkle.leaf_hash(joined) != merkle.node_hash(LEAVES[0], LEAVES[1])


def test_against_pymerkle() -> None:
    """An independent implementation (GPL, so never a dependency): only where the user has installed it."""
    pymerkle = pytest.importorskip("pymerkle", reason="not proven: pymerkle is not installed (pip install pymerkle)")
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    entries = [index.to_bytes(4, "big") for index in range(70)]
    for size, entry in enumerate(entries, start=1):
        tree.append_entry(entry)
        hashes = stored(leaves_of(size), [])
        assert tree.get_root() == merkle.span_hash((0, size), hashes)
