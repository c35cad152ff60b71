"""Writes what a partner or an auditor needs to verify this node's log without the node: the bundle of `verifier.py`.

A bundle is a folder, or a zip of the same files, of JSON lines: entries, checkpoints, agreements with all signatures,
receipts, keys. One made for a partner holds entries that concern others as bare hashes.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.agreements import agreement as agreement_table
from sealane.database.tables.agreements import agreement_signature
from sealane.database.tables.delivery import receipt as receipt_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.identity import peer as peer_table
from sealane.database.tables.identity import peer_key
from sealane.database.tables.ledger import checkpoint as checkpoint_table
from sealane.errors import InputError, StoreError
from sealane.exchange import ledger
from sealane.exchange.keys import Identity
from sealane.exchange.ledger import utc_text

FORMAT = "sealane-ledger-bundle/1"


def export_bundle(
    connection: sa.Connection, identity: Identity, target: Path, now: dt.datetime, *, peer: str | None = None
) -> int:
    """Write a bundle and return the number of entries.

    Parameters
    ----------
    connection : in a read transaction, so that all parts are of one moment.
    target : a new folder, or a new file whose name ends in ``.zip``; nothing is left there on failure.
    peer : make it for this partner only; None writes everything.

    Raises
    ------
    InputError
        If the target exists.
    """
    if target.exists():
        raise InputError(f"{target}: exists already. Name a new folder or a new .zip file.")
    parts: dict[str, Iterable[dict[str, Any]]] = {
        "entries.jsonl": _entries(connection, peer),
        "checkpoints.jsonl": _checkpoints(connection, identity.participant, peer),
        "agreements.jsonl": _agreements(connection, peer),
        "receipts.jsonl": _receipts(connection, peer),
        "keys.jsonl": _keys(connection, identity, peer),
    }
    size = ledger.log_size(connection)
    manifest = {
        "format": FORMAT,
        "participant": identity.participant,
        "for": peer,
        "size": size,
        "root": _root(connection, size),
        "exported_at": utc_text(now),
    }
    partial = target.with_name(f".{target.name}.partial")
    _remove(partial)  # of an export that was killed
    try:
        if target.suffix == ".zip":
            _write_zip(partial, manifest, parts)
        else:
            _write_folder(partial, manifest, parts)
        partial.rename(target)
    except BaseException:
        _remove(partial)
        raise
    return size


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _root(connection: sa.Connection, size: int) -> str | None:
    try:
        return ledger.root_at(connection, size).hex()
    except StoreError:  # a damaged log must be exportable, for the verifier to say what is wrong
        return None


def _write_folder(folder: Path, manifest: dict[str, Any], parts: dict[str, Iterable[dict[str, Any]]]) -> None:
    folder.mkdir(mode=0o700)
    (folder / "manifest.json").write_text(_line(manifest), encoding="utf-8")
    for name, rows in parts.items():
        with (folder / name).open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(_line(row))


def _write_zip(path: Path, manifest: dict[str, Any], parts: dict[str, Iterable[dict[str, Any]]]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with ExitStack() as stack:
        file = stack.enter_context(os.fdopen(descriptor, "wb"))
        archive = stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED))
        archive.writestr("manifest.json", _line(manifest))
        for name, rows in parts.items():
            with archive.open(name, "w", force_zip64=True) as member, io.TextIOWrapper(member, "utf-8") as text:
                for row in rows:
                    text.write(_line(row))


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def _entries(connection: sa.Connection, peer: str | None) -> Iterator[dict[str, Any]]:
    for entry in ledger.all_entries(connection):
        if peer is None or entry.peer == peer:
            yield {"position": entry.position, "entry": entry.text}
        else:
            yield {"position": entry.position, "hash": entry.hash.hex()}


def _checkpoints(connection: sa.Connection, own: str, peer: str | None) -> Iterator[dict[str, Any]]:
    statement = sa.select(checkpoint_table).order_by(checkpoint_table.c.participant, checkpoint_table.c.size)
    if peer is not None:
        statement = statement.where(checkpoint_table.c.participant.in_([own, peer]))
    for row in connection.execute(statement):
        yield {"participant": row.participant, "jws": row.jws, "set_aside": row.set_aside_at is not None}


def _agreements(connection: sa.Connection, peer: str | None) -> Iterator[dict[str, Any]]:
    signatures: dict[tuple[str, int], list[dict[str, str]]] = {}
    for row in connection.execute(sa.select(agreement_signature).order_by(agreement_signature.c.participant)):
        one = {"participant": row.participant, "purpose": row.purpose, "jws": row.jws}
        signatures.setdefault((row.agreement_id, row.version), []).append(one)
    statement = sa.select(agreement_table).order_by(agreement_table.c.id, agreement_table.c.version)
    for row in connection.execute(statement):
        document = bytes(row.document).decode("utf-8")
        # A draft names its participants, but none of them has been told of it.
        if peer is not None and (row.state == "draft" or peer not in _participants(document)):
            continue
        yield {
            "id": row.id,
            "version": row.version,
            "state": row.state,
            "document": document,
            "signatures": signatures.get((row.id, row.version), []),
        }


def _participants(document: str) -> set[str]:
    return {str(one.get("participant")) for one in json.loads(document).get("participants", [])}


def _receipts(connection: sa.Connection, peer: str | None) -> Iterator[dict[str, Any]]:
    statement = (
        sa.select(receipt_table.c.direction, receipt_table.c.jws, stream_table.c.id, stream_table.c.peer)
        .join(stream_table, stream_table.c.id == receipt_table.c.stream_id)
        .order_by(receipt_table.c.created_at, receipt_table.c.id)
    )
    if peer is not None:
        statement = statement.where(stream_table.c.peer == peer)
    for row in connection.execute(statement):
        yield {"direction": row.direction, "stream": row.id, "peer": row.peer, "jws": row.jws}


def _keys(connection: sa.Connection, identity: Identity, peer: str | None) -> Iterator[dict[str, Any]]:
    statements: dict[str, tuple[set[str], set[str]]] = {identity.participant: (set(), set())}
    for key in identity.operational_keys():
        statements[identity.participant][0].add(key.certificate.text)
        if key.revocation is not None:
            statements[identity.participant][1].add(key.revocation.text)
    for row in connection.execute(sa.select(peer_key).order_by(peer_key.c.participant)):
        certificates, revocations = statements.setdefault(row.participant, (set(), set()))
        certificates.add(row.certificate)
        if row.revocation is not None:
            revocations.add(row.revocation)
    roots = {row.participant: row.root_key for row in connection.execute(sa.select(peer_table))}
    roots[identity.participant] = identity.root_jwk
    named = set(statements)
    if peer is not None:  # an agreement with the partner may have further parties, whose signatures need their keys
        parties = {identity.participant, peer}
        for document in connection.execute(sa.select(agreement_table.c.document)).scalars():
            found = _participants(bytes(document).decode("utf-8"))
            parties |= found if peer in found else set()
        named &= parties
    for participant in sorted(named):
        certificates, revocations = statements[participant]
        yield {
            "participant": participant,
            "root_key": roots.get(participant),
            "certificates": sorted(certificates),
            "revocations": sorted(revocations),
        }
