"""Verifies a Sealane log without Sealane: only Python's standard library and `cryptography` are needed.

    python verifier.py BUNDLE [--root-key PARTICIPANT=FILE ...] [--witness BUNDLE ...] [--json]

BUNDLE is a folder or zip written by ``sealane ledger export``. This file may be copied and read on its own; it
repeats on purpose what other modules do, so that an error there is not an error here. Exit code 0: no fault;
1: faults, all listed; 2: the bundle cannot be read.

Checked are the Merkle tree over all entries (RFC 9162); every statement about it that its owner signed, also those that
partners hold (``--witness``); agreements with the signatures of all parties over the same bytes; receipts against the
entries they confirm; every signature up to a root key.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import datetime as dt
import hashlib
import json
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "sealane-ledger-bundle/1"
CHECKPOINT, RECEIPT = "sealane-checkpoint+jws", "sealane-receipt+jws"
CERTIFICATE, REVOCATION = "sealane-key-certificate+jws", "sealane-key-revocation+jws"
CLOCK_SKEW_S, MAX_LINE_BYTES = 5, 16 * 1024 * 1024


PURPOSES = {"sign": "sealane-agreement+jws", "retire": "sealane-retirement+jws", "decline": "sealane-decline+jws"}
BROKEN = (ValueError, KeyError, TypeError, AttributeError)  # what a malformed line can raise
COUNTED = ["entries", "as hashes only", "covered by a signature", "signed statements", "of them held by others"]
COUNTED += ["agreements", "signatures of parties", "receipts"]


class UnsoundError(ValueError):
    """A file, a line or a signed statement does not hold; says why."""


@dataclass
class Key:
    """An operational key with the validity its root key gave it, seconds since 1970."""

    public: bytes
    valid_from: float
    valid_until: float
    revoked_at: float | None = None


@dataclass(frozen=True)
class Statement:
    """What a participant signed about its own log."""

    size: int
    root: str
    time: str
    source: str
    set_aside: bool = False


@dataclass
class Report:
    """What was found; ``faults`` is empty for a log that holds. ``counts`` is what `COUNTED` names."""

    participant: str
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(bundle: Path, roots: dict[str, dict[str, Any]] | None = None, witnesses: list[Path] | None = None) -> Report:
    """Verify a bundle and return every fault found; raise `UnsoundError` if it is no bundle.

    ``roots`` are public root keys (JWK) that the user knows from elsewhere, by participant; ``witnesses`` are bundles
    of partners, or of this participant at an earlier time: they hold what this one signed.
    """
    manifest = next(read_lines(bundle, "manifest.json"), {})
    if manifest.get("format") != FORMAT:
        raise UnsoundError(f"manifest.json: the format is {manifest.get('format')!r}, this program reads {FORMAT!r}")
    report = Report(str(manifest["participant"]))
    agreements = list(read_lines(bundle, "agreements.jsonl"))
    keys = _Keys(report, dict(roots or {}), agreements)
    keys.read(bundle)
    own, others = _statements(bundle, keys, report)
    for witness in witnesses or []:
        keys.read(witness)
        held, _ = _statements(witness, keys, report, only=report.participant)
        report.counts["of them held by others"] += len(held)
        own += held
    report.counts["signed statements"] = len(own)
    log = _Log(report)
    log.read(bundle, manifest, {statement.size for statement in own})
    log.compare(own)
    _contradictions(report, others)
    _agreements(report, keys, agreements, log)
    _receipts(report, bundle, log)
    return report


class _Log:
    """Reads the entries once, computing every root that is asked for; holds digests, not entries."""

    def __init__(self, report: Report) -> None:
        self.report, self.size, self.roots = report, 0, dict[int, str]()
        self.events: dict[tuple[str, str, int], str] = {}  # kind, stream, sequence -> digest
        self.receipts: dict[str, str] = {}  # digest of the JWS -> kind
        self.documents: dict[tuple[str, int], set[str]] = {}  # agreement version -> digests logged
        self.used: dict[tuple[str, int], int] = {}  # agreement version -> first position of an event under it

    def read(self, bundle: Path, manifest: dict[str, Any], sizes: set[int]) -> None:
        """Hash all entries in order."""
        faults, expected, peaks = self.report.faults, 0, list[tuple[int, bytes]]()
        self.roots[0] = hashlib.sha256(b"").hexdigest()
        for row in read_lines(bundle, "entries.jsonl"):
            position = row["position"]
            if position != expected:
                faults.append(f"entry {expected}: in its place stands entry {position}: deleted, inserted or swapped")
            carried, expected = self._leaf(row, f"entry {position}"), position + 1
            level, index = 0, self.size
            while index % 2:
                carried = hashlib.sha256(b"\x01" + peaks.pop()[1] + carried).digest()
                level, index = level + 1, index >> 1
            peaks.append((level, carried))
            self.size += 1
            if self.size in sizes or self.size == manifest["size"]:
                self.roots[self.size] = _fold(peaks)
        self.roots[self.size] = _fold(peaks)
        self.report.counts["entries"] = self.size
        if self.size != manifest["size"]:
            faults.append(f"log: the manifest says {manifest['size']} entries, there are {self.size}")
        elif self.roots[self.size] != manifest["root"]:
            faults.append("log: its root is not the one the manifest says")

    def _leaf(self, row: dict[str, Any], where: str) -> bytes:
        if "hash" in row:
            self.report.counts["as hashes only"] += 1
            return _hex(row["hash"], where)
        try:
            self._index(_json(row["entry"], where), row["position"])
        except BROKEN as error:
            self.report.faults.append(f"{where}: is not a sound entry ({error})")
        return hashlib.sha256(b"\x00" + row["entry"].encode("utf-8")).digest()

    def _index(self, document: dict[str, Any], position: int) -> None:
        if set(document) != {"position", "kind", "peer", "subject", "time", "salt", "body"}:
            raise UnsoundError("it has other keys than those of an entry")
        if document["position"] != position:
            raise UnsoundError(f"its bytes say it is entry {document['position']}")
        kind, body = document["kind"], document["body"]
        if kind in {"event_sealed", "event_received", "event_refused"}:
            self.events[kind, body["stream"], body["sequence"]] = body["digest"]
        if kind in {"event_sealed", "event_received"}:
            self.used.setdefault((body["agreement"], body["version"]), position)
        if kind in {"receipt_given", "receipt_got"}:
            self.receipts[body["digest"]] = kind
        if kind.startswith("agreement_") and "digest" in body:
            self.documents.setdefault((body["agreement"], body["version"]), set()).add(body["digest"])

    def compare(self, own: list[Statement]) -> None:
        """Hold the log against everything its owner signed about it."""
        covered, said = 0, dict[int, str]()
        for one in sorted(own, key=lambda statement: statement.size):
            wrong = ""
            if said.setdefault(one.size, one.root) != one.root:
                wrong = f"another root is signed for the same {one.size} entries: rewritten"
            elif one.size > self.size:
                wrong = f"signed for {one.size} entries, the log has {self.size}: truncated or rolled back"
            elif self.roots[one.size] != one.root:
                wrong = f"the first {one.size} entries do not give the root that was signed: altered or rewritten"
            else:
                covered = one.size
            if wrong:  # what an operator has set aside after an alarm is still true, and known
                said_of = self.report.notes if one.set_aside else self.report.faults
                said_of.append(f"{one.source}, signed {one.time}: {wrong}")
        self.report.counts["covered by a signature"] = covered
        if self.size > covered:
            newer = "they are newer than the last checkpoint"
            self.report.notes.append(f"entries from position {covered} on stand under no signature given: {newer}")


class _Keys:
    """Keys of all participants, each as its root key vouches for it."""

    def __init__(self, report: Report, given: dict[str, dict[str, Any]], agreements: list[dict[str, Any]]) -> None:
        self.report, self.known = report, dict[str, dict[str, Key]]()
        self.roots = {participant: _public(jwk) for participant, jwk in given.items()}
        self.pinned: dict[str, set[bytes]] = {}
        for row in agreements:
            for one in _json(row["document"], "agreement").get("participants", []):
                self.pinned.setdefault(one["participant"], set()).add(_public(one["root_key"]))

    def read(self, bundle: Path) -> None:
        """Take the certificates and revocations of a bundle that a root key signed."""
        for row in read_lines(bundle, "keys.jsonl"):
            participant = row["participant"]
            root = self._root(participant, row.get("root_key"))
            mine = self.known.setdefault(participant, {})
            for text in [*row["certificates"], *row["revocations"]] if root else []:
                try:
                    _vouched(text, participant, root, mine)
                except BROKEN as error:
                    self.report.faults.append(f"keys of {participant}: {error}")

    def _root(self, participant: str, offered: Any) -> bytes:
        named = self.pinned.get(participant, set()) | ({_public(offered)} if offered is not None else set())
        trusted = self.roots.get(participant)
        if trusted is None and len(named) == 1:
            (trusted,) = named
            self.report.notes.append(f"the root key of {participant} is the bundle's own word: give it to be sure")
        if trusted is None:
            said = self.report.faults if named else self.report.notes
            said.append(f"keys of {participant}: {len(named)} root keys are named and none is given")
            return b""
        if named - {trusted}:
            self.report.faults.append(f"keys of {participant}: another root key is named beside the one given")
        self.roots[participant] = trusted
        return trusted

    def open(self, jws: Any, typ: str, participant: str) -> bytes:
        """Verify a statement and return the exact bytes that were signed."""
        header, payload, signed, signature = _split(jws, typ)
        key = self.known.get(participant, {}).get(header["kid"])
        if key is None:
            raise UnsoundError(f"is by a key that no root key certified for {participant}")
        _check(key.public, signed, signature)
        if not key.valid_from - CLOCK_SKEW_S <= header["iat"] < key.valid_until:
            raise UnsoundError("is by a key that was not valid at the time it names")
        if key.revoked_at is not None and header["iat"] >= key.revoked_at:
            raise UnsoundError("is by a key that was revoked by then")
        return payload


def _statements(
    bundle: Path, keys: _Keys, report: Report, only: str | None = None
) -> tuple[list[Statement], dict[str, list[Statement]]]:
    """Return what is signed about the log that is verified, and about the other logs."""
    found: dict[str, list[Statement]] = {}
    for name in ("checkpoints.jsonl", "receipts.jsonl"):
        for number, row in enumerate(read_lines(bundle, name), start=1):
            where = f"{bundle.name} {name} line {number}"
            try:
                header, payload, _, _ = _split(row["jws"], CHECKPOINT, RECEIPT)
                typ, document = header["typ"], _json(payload, where)
                signer = document["participant" if typ == CHECKPOINT else "recipient"]
                if only in {None, signer}:
                    keys.open(row["jws"], typ, signer)
                    found.setdefault(signer, []).append(_said(document, typ, f"{where} ({signer})", row))
            except BROKEN as error:
                report.faults.append(f"{where}: {error}")
    return found.pop(report.participant, []), found


def _said(document: dict[str, Any], typ: str, where: str, row: dict[str, Any]) -> Statement:
    said = document if typ == CHECKPOINT else document["ledger"]  # a receipt states the recipient's log as well
    if type(said["size"]) is not int or said["size"] < 0:
        raise UnsoundError("its size is not a whole number")
    time = str(document["time" if typ == CHECKPOINT else "issued_at"])
    return Statement(said["size"], _hex(said["root"], where).hex(), time, where, bool(row.get("set_aside")))


def _contradictions(report: Report, others: dict[str, list[Statement]]) -> None:
    """Name partners whose signed statements contradict each other; the bundle is then the evidence."""
    for participant, statements in others.items():
        largest, said = 0, dict[int, str]()
        for one in sorted((s for s in statements if not s.set_aside), key=lambda s: (s.time, s.size)):
            if said.setdefault(one.size, one.root) != one.root:
                report.faults.append(f"{participant} signed two roots for {one.size} entries: {one.source}")
            if one.size < largest:
                report.faults.append(f"{participant} signed {largest} entries and later {one.size}: {one.source}")
            largest = max(largest, one.size)


def _agreements(report: Report, keys: _Keys, agreements: list[dict[str, Any]], log: _Log) -> None:
    """Every agreement: all parties, the same bytes; every event under one that all parties signed."""
    complete: set[tuple[str, int]] = set()
    for row in agreements:
        version, text, document = (
            (row["id"], row["version"]),
            row["document"].encode("utf-8"),
            _json(row["document"], "agreement"),
        )
        faults: list[str] = []
        if (document.get("id"), document.get("version")) != version:
            faults.append(f"the document is {document.get('id')} version {document.get('version')}")
        parties = {one["participant"] for one in document.get("participants", [])}
        signers: set[str] = set()
        for one in row["signatures"]:
            try:
                signers |= _signature(keys, one, version, text)
                report.counts["signatures of parties"] += 1
            except BROKEN as error:
                faults.append(f"{one.get('purpose')} by {one.get('participant')}: {error}")
        faults += [f"signed by {name}, who is no party" for name in sorted(signers - parties)]
        missing = sorted(parties - signers)
        # A proposal can be retired before all have signed; that data moved under it would be found below.
        if missing and row["state"] in {"in_force", "superseded"}:
            faults.append(f"is {row['state']}, and lacks the signature of {', '.join(missing)}")
        if log.documents.get(version, set()) - {hashlib.sha256(text).hexdigest()}:
            faults.append("the log holds the digest of another document")
        if len(parties) >= 2 and not missing and not faults:
            complete.add(version)
        report.counts["agreements"] += 1
        report.faults += [f"agreement {version[0]} version {version[1]}: {fault}" for fault in faults]
    for (name, number), position in sorted(log.used.items()):
        if (name, number) not in complete:
            what = f"agreement {name} version {number}, which not all parties are shown to have signed"
            report.faults.append(f"entry {position}: data moved under {what}")


def _signature(keys: _Keys, one: dict[str, Any], version: tuple[str, int], text: bytes) -> set[str]:
    signed = keys.open(one["jws"], PURPOSES[one["purpose"]], one["participant"])
    if one["purpose"] == "sign":
        if signed != text:
            raise UnsoundError("is over other bytes than the document's")
        return {one["participant"]}
    said = _json(signed, one["purpose"])
    if (said["agreement"], said["version"], said["digest"]) != (*version, hashlib.sha256(text).hexdigest()):
        raise UnsoundError("is about another agreement")
    return set()


def _receipts(report: Report, bundle: Path, log: _Log) -> None:
    """Every receipt is in the log, and it confirms what the log says was sent; its signature was checked before."""
    seen: set[str] = set()
    for number, row in enumerate(read_lines(bundle, "receipts.jsonl"), start=1):
        where, given = f"receipts.jsonl line {number}", row["direction"] == "out"
        report.counts["receipts"] += 1
        digest = hashlib.sha256(str(row["jws"]).encode("utf-8")).hexdigest()
        seen.add(digest)
        try:
            document = _json(_split(row["jws"], RECEIPT)[1], where)
            # One without events tells where the counter stands and is not logged.
            if document["events"] and log.receipts.get(digest) != ("receipt_given" if given else "receipt_got"):
                report.faults.append(f"{where}: the log does not hold it")
            if given != (document["recipient"] == report.participant):
                report.faults.append(f"{where}: is signed by {document['recipient']}, against its direction")
            for event in document["events"]:
                kind = "event_refused" if event["outcome"] == "refused" else "event_received"
                logged = log.events.get((kind if given else "event_sealed", document["stream"], event["sequence"]))
                if logged != event["digest"] and event["outcome"] != "duplicate":
                    what = f"stream {document['stream']} sequence {event['sequence']} {event['outcome']}"
                    report.faults.append(f"{where}: {what}, digest {event['digest']}; the log: {logged or 'nothing'}")
        except BROKEN as error:
            report.faults.append(f"{where}: {error}")
    if absent := log.receipts.keys() - seen:
        report.notes.append(f"{len(absent)} receipts that the log names are not in the bundle (not kept for ever)")


def _vouched(jws: str, participant: str, root: bytes, keys: dict[str, Key]) -> None:
    """Take in what a root key says about an operational key: a certificate or a revocation."""
    header, payload, signed, signature = _split(jws, CERTIFICATE, REVOCATION)
    _check(root, signed, signature)
    body = _json(payload, header["typ"])
    if body["participant"] != participant or header["kid"] != _thumbprint(root):
        raise UnsoundError(f"a {header['typ']} is for another participant or by another root key")
    if header["typ"] == REVOCATION:
        key = keys[body["kid"]]  # certificates are read first
        key.revoked_at = min(_time(body["revoked_at"]), key.revoked_at or float("inf"))
        return
    public = _public(body["jwk"])
    if body["kid"] != _thumbprint(public):
        raise UnsoundError("a certificate names another key than the one it holds")
    keys.setdefault(body["kid"], Key(public, _time(body["valid_from"]), _time(body["valid_until"])))


def _split(jws: Any, *typs: str) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    """Return header, payload, signed bytes and signature of a compact JWS of the one accepted form."""
    if not isinstance(jws, str) or not re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+", jws):
        raise UnsoundError("is not a compact JWS")
    first, second, third = jws.split(".")
    header = _json(_base64url(first), "JWS header")
    if set(header) != {"alg", "kid", "typ", "iat"} or header["alg"] != "Ed25519" or type(header["iat"]) is not int:
        raise UnsoundError("has another header than alg (Ed25519), kid, typ, iat")
    if header["typ"] not in typs:
        raise UnsoundError(f"is a {header['typ']}, not a {' or '.join(typs)}")
    return header, _base64url(second), f"{first}.{second}".encode("ascii"), _base64url(third)


def _check(public: bytes, signed: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except InvalidSignature:
        raise UnsoundError("its signature does not hold: it was altered or is by another key") from None


def _public(jwk: Any) -> bytes:
    good = isinstance(jwk, dict) and (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519")
    raw = _base64url(str(jwk["x"])) if good else b""
    if len(raw) != 32 or "d" in jwk:
        raise UnsoundError("a key is not a public Ed25519 JWK")
    return raw


def _thumbprint(public: bytes) -> str:
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_written(public)}"}}'
    return _written(hashlib.sha256(members.encode("ascii")).digest())


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _base64url(text: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if _written(raw) != text:  # one spelling only
        raise UnsoundError("is not canonical base64url")
    return raw


def _time(text: str) -> float:
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC).timestamp()


def _hex(value: Any, where: str) -> bytes:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise UnsoundError(f"{where}: a hash is not 64 lower-case hexadecimal digits")
    return bytes.fromhex(value)


def _fold(peaks: list[tuple[int, bytes]]) -> str:
    result = peaks[-1][1] if peaks else hashlib.sha256(b"").digest()
    for _, left in reversed(peaks[:-1]):
        result = hashlib.sha256(b"\x01" + left + result).digest()
    return result.hex()


def _json(data: bytes | str, where: str) -> dict[str, Any]:
    """Read one JSON object; a key given twice could mean one thing here and another elsewhere."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in found}) != len(found):
            raise UnsoundError(f"{where}: a key is given twice")
        return dict(found)

    try:
        value = json.loads(data, object_pairs_hook=pairs)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnsoundError(f"{where}: is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise UnsoundError(f"{where}: is not a JSON object")
    return value


def read_lines(bundle: Path, name: str) -> Iterator[dict[str, Any]]:
    try:
        with ExitStack() as stack:
            if bundle.is_dir():
                file: Any = stack.enter_context((bundle / name).open("rb"))
            else:
                file = stack.enter_context(stack.enter_context(zipfile.ZipFile(bundle)).open(name))
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), start=1):
                yield _json(line, f"{name} line {number}")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise UnsoundError(f"{bundle}: {name} cannot be read ({error})") from None


def summary(report: Report) -> str:
    """Return the report as text for people."""
    lines = [f"log of {report.participant}", *(f"  {report.counts[name]:>9} {name}" for name in COUNTED)]
    lines += [f"note: {note}" for note in report.notes] + [f"FAULT: {fault}" for fault in report.faults]
    return "\n".join([*lines, f"{len(report.faults)} faults" if report.faults else "no fault found"])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--root-key", action="append", default=[], metavar="PARTICIPANT=FILE", help="public JWK, JSON")
    parser.add_argument("--witness", action="append", default=[], type=Path, metavar="BUNDLE")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        pairs = [pair.partition("=")[::2] for pair in asked.root_key]
        roots = {participant: _json(Path(name).read_bytes(), name) for participant, name in pairs}
        report = verify(asked.bundle, roots, asked.witness)
    except (OSError, *BROKEN) as error:
        print(f"cannot be read: {error if str(error) else repr(error)}", file=sys.stderr)
        return 2
    print(json.dumps(vars(report), indent=1) if asked.json else summary(report))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
