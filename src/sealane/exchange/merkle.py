"""Merkle tree hashing and proofs of Certificate Transparency: RFC 9162, section 2.1 (the same tree as RFC 6962).

Everything here is pure. A tree of ``size`` leaves is described by the hashes of its *complete subtrees*:
``(level, index)`` covers the leaves ``index * 2**level`` up to ``(index + 1) * 2**level``, level 0 is the leaves
themselves. A complete subtree never changes again, so a log stores each once, and every root and proof is put
together from O(log size) of them. Hashes are 32 bytes, SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

Subtree = tuple[int, int]  # (level, index)
Span = tuple[int, int]  # leaves [start, stop), start aligned as RFC 9162 splits them

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete_subtrees(span: Span) -> list[Subtree]:
    """Return the complete subtrees that tile a span, from left to right and from large to small."""
    start, stop = span
    tiles = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        if start:  # an aligned span never asks for more than its own alignment
            level = min(level, (start & -start).bit_length() - 1)
        tiles.append((level, start >> level))
        start += 1 << level
    return tiles


def span_hash(span: Span, hashes: Mapping[Subtree, bytes]) -> bytes:
    """Return the hash of a span as RFC 9162 defines MTH, from the hashes of its complete subtrees.

    Raises
    ------
    KeyError
        If the hash of a subtree is missing.
    """
    tiles = [hashes[tile] for tile in complete_subtrees(span)]
    if not tiles:
        return EMPTY_ROOT
    result = tiles.pop()
    while tiles:
        result = node_hash(tiles.pop(), result)
    return result


def added_subtrees(size: int, leaves: Sequence[bytes], frontier: Mapping[Subtree, bytes]) -> dict[Subtree, bytes]:
    """Return every subtree above the leaves that becomes complete when leaves are appended.

    Parameters
    ----------
    size : leaves before.
    leaves : leaf hashes appended.
    frontier : hashes of ``complete_subtrees((0, size))``.
    """
    added: dict[Subtree, bytes] = {}
    level, first, row = 0, size, list(leaves)
    while row:
        if first % 2:  # the left sibling of the first one was there before
            first -= 1
            row.insert(0, frontier[level, first])
        parents = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        level, first, row = level + 1, first // 2, parents
        added.update(((level, first + offset), value) for offset, value in enumerate(row))
    return added


def inclusion_spans(position: int, size: int) -> list[Span]:
    """Return the spans whose hashes prove a leaf to be in the tree, in the order of the proof (RFC 9162, 2.1.3.1).

    Raises
    ------
    ValueError
        Unless 0 <= position < size.
    """
    if not 0 <= position < size:
        raise ValueError(f"leaf {position} is not in a tree of {size} leaves")
    spans: list[Span] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if position < middle:
            spans.append((middle, stop))
            stop = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Return the spans whose hashes prove one tree to be the beginning of another (RFC 9162, 2.1.4.1).

    The list is empty where there is nothing to prove: equal sizes, or an empty old tree.

    Raises
    ------
    ValueError
        Unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves has no beginning of {old} leaves")
    if old in {0, new}:
        return []
    spans: list[Span] = []
    start, stop, remaining, whole = 0, new, old, True
    while remaining != stop - start:
        half = _split(stop - start)
        if remaining <= half:
            spans.append((start + half, stop))
            stop = start + half
        else:
            spans.append((start, start + half))
            start, remaining, whole = start + half, remaining - half, False
    if not whole:  # the old root itself is known to the verifier, a part of it is not
        spans.append((start, stop))
    return spans[::-1]


def needed_subtrees(spans: Iterable[Span]) -> list[Subtree]:
    """Return the complete subtrees to be read for the hashes of some spans."""
    return [tile for span in spans for tile in complete_subtrees(span)]


def verify_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether a proof shows the leaf hash to stand at a position of the tree with this size and root.

    RFC 9162, 2.1.3.2. Never raises: what is not a proof proves nothing.
    """
    if not 0 <= position < size:
        return False
    index, last, result = position, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_BYTES:
            return False
        if index % 2 or index == last:
            result = node_hash(sibling, result)
            while not index % 2 and index:
                index, last = index >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether a proof shows the tree ``(old, old_root)`` to be the beginning of ``(new, new_root)``.

    RFC 9162, 2.1.4.2. Never raises.
    """
    if not 0 <= old <= new or any(len(value) != HASH_BYTES for value in proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof)
    if not old & (old - 1):  # a complete tree: its root is the first node of the path
        path.insert(0, old_root)
    if not path:
        return False
    index, last = old - 1, new - 1
    while index % 2:
        index, last = index >> 1, last >> 1
    first, second = path[0], path[0]
    for value in path[1:]:
        if last == 0:
            return False
        if index % 2 or index == last:
            first, second = node_hash(value, first), node_hash(value, second)
            while not index % 2 and index:
                index, last = index >> 1, last >> 1
        else:
            second = node_hash(second, value)
        index, last = index >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(width: int) -> int:
    """Return the largest power of two smaller than a width of at least two."""
    return 1 << ((width - 1).bit_length() - 1)
