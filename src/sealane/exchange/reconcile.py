"""Compares two logs about each other: what one says it sent with what the other says it received, and the receipts.

A log alone shows only that it was not changed; two logs together show that nothing was left out. Differences that the
network explains (sent and not yet confirmed, a receipt that was lost) are *pending*, not faults.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealane.errors import InputError, RequestRefusedError
from sealane.exchange import ledger
from sealane.exchange.checkpoint_exchange import ask, fetch_checkpoint
from sealane.exchange.checkpoints import Outcome, latest, parse_proof
from sealane.exchange.ledger import EntryKind
from sealane.exchange.merkle import leaf_hash, verify_inclusion
from sealane.exchange.peers import get_peer
from sealane.exchange.verifier import UnsoundError, read_lines

if TYPE_CHECKING:
    from sealane.node.context import Node

PAGE = 500
Sequence = tuple[str, int]  # stream, sequence


class Difference(StrEnum):
    """How two logs differ."""

    MISSING = "missing"  # the partner's log lacks what it confirmed
    MISSING_HERE = "missing_here"  # the own log lacks what it confirmed
    ALTERED = "altered"
    EXTRA = "extra"  # the partner logged what was not sent here
    UNPROVEN = "unproven"  # an entry without a valid proof
    PENDING = "pending"


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes
    ----------
    what : ``sent``, ``received``, ``receipt``, ``agreement`` or ``entry``, as seen from here.
    stream, sequence : None where it is not about one event.
    ours, theirs : digests.
    """

    difference: Difference
    what: str
    stream: str | None = None
    sequence: int | None = None
    ours: str | None = None
    theirs: str | None = None

    @property
    def is_fault(self) -> bool:
        """Pending ones are not."""
        return self.difference is not Difference.PENDING

    def __str__(self) -> str:
        where = f"stream {self.stream[:12]}" if self.stream else ""
        where += f" sequence {self.sequence}" if self.sequence is not None else ""
        digests = [f"{name} {value[:16]}" for name, value in (("ours", self.ours), ("theirs", self.theirs)) if value]
        return " ".join(part for part in (f"{self.difference.value} {self.what}", where, *digests) if part)


@dataclass(frozen=True)
class Reconciled:
    """Result of a comparison: how many of each were compared, and every difference."""

    sent: int
    received: int
    receipts: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What the network does not explain."""
        return tuple(finding for finding in self.findings if finding.is_fault)


@dataclass
class Side:
    """What one log says about the other participant."""

    sealed: dict[Sequence, list[str]] = field(default_factory=dict)
    taken: dict[Sequence, list[str]] = field(default_factory=dict)  # received or refused
    given: dict[str, tuple[str, int, int]] = field(default_factory=dict)  # digest of a receipt -> stream, first, last
    got: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    documents: dict[tuple[str, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Mapping[str, Any]]) -> Side:
        """Read parsed entries."""
        side = cls()
        for entry in entries:
            kind, body = entry["kind"], entry["body"]
            if kind == EntryKind.EVENT_SEALED:
                side.sealed.setdefault((body["stream"], body["sequence"]), []).append(body["digest"])
            elif kind in {EntryKind.EVENT_RECEIVED, EntryKind.EVENT_REFUSED}:
                side.taken.setdefault((body["stream"], body["sequence"]), []).append(body["digest"])
            elif kind in {EntryKind.RECEIPT_GIVEN, EntryKind.RECEIPT_GOT}:
                place = body["stream"], body["first_sequence"], body["last_sequence"]
                (side.given if kind == EntryKind.RECEIPT_GIVEN else side.got)[body["digest"]] = place
            elif kind == EntryKind.AGREEMENT_SIGNED and "digest" in body:
                side.documents[body["agreement"], body["version"]] = body["digest"]
        return side


def compare(ours: Side, theirs: Side) -> Reconciled:
    """Compare two sides; pure."""
    findings = [*_events("sent", ours.sealed, theirs.taken, ours.got, Difference.MISSING, Difference.EXTRA)]
    findings += _events("received", theirs.sealed, ours.taken, ours.given, Difference.MISSING_HERE, Difference.EXTRA)
    for digest, (stream, _, last) in ours.got.items():
        if digest not in theirs.given:  # it was verified when it came, so its giver's log must hold it
            findings.append(Finding(Difference.MISSING, "receipt", stream, last, ours=digest))
    for digest, (stream, _, last) in theirs.got.items():
        if digest not in ours.given:
            findings.append(Finding(Difference.MISSING_HERE, "receipt", stream, last, theirs=digest))
    for mine, other in ((ours.given, theirs.got), (theirs.given, ours.got)):
        for digest, (stream, _, last) in mine.items():
            if digest not in other:  # lost on its way; a later one confirms the same events
                findings.append(Finding(Difference.PENDING, "receipt", stream, last, ours=digest))
    for key in ours.documents.keys() & theirs.documents.keys():
        if ours.documents[key] != theirs.documents[key]:
            what = f"agreement {key[0]} version {key[1]}"
            findings.append(Finding(Difference.ALTERED, what, ours=ours.documents[key], theirs=theirs.documents[key]))
    receipts = len(ours.got.keys() | theirs.given.keys()) + len(ours.given.keys() | theirs.got.keys())
    return Reconciled(len(ours.sealed), len(ours.taken), receipts, tuple(findings))


def _events(
    what: str,
    sealed: Mapping[Sequence, list[str]],
    taken: Mapping[Sequence, list[str]],
    receipts: Mapping[str, tuple[str, int, int]],
    missing: Difference,
    extra: Difference,
) -> Iterator[Finding]:
    confirmed: dict[str, int] = {}
    for stream, _, last in receipts.values():
        confirmed[stream] = max(confirmed.get(stream, 0), last)
    for (stream, sequence), digests in sorted(sealed.items()):
        other = taken.get((stream, sequence))
        ours, theirs = (digests[-1], other and other[-1]) if what == "sent" else (other and other[-1], digests[-1])
        if other is None:
            difference = missing if sequence <= confirmed.get(stream, 0) else Difference.PENDING
            yield Finding(difference, what, stream, sequence, ours or None, theirs or None)
        elif not set(other) <= set(digests):  # a number can be sealed anew after a restored backup
            yield Finding(Difference.ALTERED, what, stream, sequence, ours or None, theirs or None)
    for stream, sequence in sorted(taken.keys() - sealed.keys()):
        digest = taken[stream, sequence][-1]
        ours, theirs = (None, digest) if what == "sent" else (digest, None)
        yield Finding(extra, what, stream, sequence, ours, theirs)


def reconcile(node: Node, participant: str) -> Reconciled:
    """Fetch what a partner's log says about this node, each entry proven against its signed checkpoint, and compare.

    Raises
    ------
    InputError
        If the partner is not registered.
    SealaneError
        If it cannot be reached, or its log contradicts an earlier checkpoint.
    """
    with node.database.read() as connection:
        peer = get_peer(connection, participant)
        if peer is None:
            raise InputError(f"{participant} is not registered. `sealane peer list` prints who is.")
        # Read first: what the partner logs meanwhile cannot make an older state of this side look short.
        ours = Side.of(json.loads(entry.entry) for entry in ledger.all_entries(connection, peer=participant))
    found = fetch_checkpoint(node, peer)
    if found.outcome in {Outcome.CONTRADICTION, Outcome.OLDER}:
        reason = found.reason or f"it shows a shorter log than the {found.held} entries it signed before"
        raise RequestRefusedError(
            409, "log-contradiction", f"{participant}: {reason}.", "Ask its operator; keep both checkpoints."
        )
    with node.database.read() as connection:
        signed = latest(connection, participant)
    assert signed is not None  # it was fetched
    unproven: list[Finding] = []
    entries: list[dict[str, Any]] = []
    after: int | None = -1
    while after is not None:
        query = {"after": after, "limit": PAGE, "size": signed.size}
        page = ask(node, peer, "GET", "/entries", query)
        for row in page.get("entries", []):
            entry = _proven(row, signed.size, signed.root, node.identity.participant)
            if entry is None:
                unproven.append(Finding(Difference.UNPROVEN, f"entry {row.get('position')}"))
            else:
                entries.append(entry)
        following = page.get("next")
        if following is not None and (type(following) is not int or following <= after):
            raise RequestRefusedError(502, "ledger-answer", f"{participant} gives pages without end.", "Ask there.")
        after = following
    result = compare(ours, Side.of(entries))
    return Reconciled(result.sent, result.received, result.receipts, (*unproven, *result.findings))


def _proven(row: Any, size: int, root: bytes, own: str) -> dict[str, Any] | None:
    """Return the entry if its proof holds and it concerns this node, else None."""
    try:
        text, position = row["entry"].encode("utf-8"), row["position"]
        if not verify_inclusion(leaf_hash(text), position, size, parse_proof(row["proof"]), root):
            return None
        entry = json.loads(text)
        Side.of([entry])
    except (KeyError, TypeError, ValueError, AttributeError, RequestRefusedError):
        return None
    return entry if entry["peer"] == own and entry["position"] == position else None


def reconcile_bundles(ours: Path, theirs: Path, *, expected: str | None = None) -> Reconciled:
    """Compare two exported bundles; verify each with the other as its witness first.

    Raises
    ------
    InputError
        If a bundle cannot be read, or theirs is not of the ``expected`` participant.
    """
    try:
        return _compare_bundles(ours, theirs, expected)
    except UnsoundError as error:
        raise InputError(f"The bundle cannot be read: {error}.") from None


def _compare_bundles(ours: Path, theirs: Path, expected: str | None) -> Reconciled:
    owners = [str(next(read_lines(bundle, "manifest.json"), {}).get("participant")) for bundle in (ours, theirs)]
    if expected not in {None, owners[1]}:
        raise InputError(f"{theirs}: is a bundle of {owners[1]}, not of {expected}.")
    sides = [
        Side.of(entry for entry in _bundle_entries(bundle) if entry["peer"] == owner)
        for bundle, owner in ((ours, owners[1]), (theirs, owners[0]))
    ]
    return compare(sides[0], sides[1])


def _bundle_entries(bundle: Path) -> Iterator[dict[str, Any]]:
    for row in read_lines(bundle, "entries.jsonl"):
        if "entry" in row:
            yield json.loads(row["entry"])
