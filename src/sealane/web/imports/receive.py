"""Receives uploads in parts: bytes go to the disk, then their number into the database; the rest follows from that.

What the database says was received is on the disk. A lost connection, a restart or another worker therefore goes on
where it stands; bytes behind that number are from a part that never ended, and are written over.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from sealane.errors import Phrase, RequestRefusedError, StoreError
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewer, reading, writing
from sealane.web.imports import files, store
from sealane.web.imports.asked import Kind, NewImport
from sealane.web.imports.records import zone_of
from sealane.web.imports.store import Import, State, Step
from sealane.web.tasks.kinds import signed
from sealane.web.tasks.store import enqueue_as

PART_BYTES = 4 << 20  # what pages send at once
MAX_RECEIVING = 20  # of one sender at a time
_WRITE_BYTES = 1 << 20


def begin(node: Node, viewer: Viewer, asked: NewImport, key: str | None, request_id: str) -> Import:
    """Begin an upload; with the same key again, return the one that was begun.

    Raises
    ------
    RequestRefusedError
        413 for a file that is too large, 507 where the disk has no room, 429 for too many at once, 422 for a data
        product or a time zone that is not known.
    """
    settings = node.settings
    if asked.size_bytes > settings.import_limit_bytes:
        raise RequestRefusedError(
            413,
            "file-too-large",
            Phrase(
                "The file has %(size_bytes)s bytes; %(limit)s can be uploaded.",
                size_bytes=f"{asked.size_bytes:,}",
                limit=f"{settings.import_limit_bytes:,}",
            ),
            Phrase("Split it, or ask the node's operator to raise import_limit_bytes."),
        )
    if asked.kind is Kind.PRODUCT:
        _check_product(asked)
    zone_of(asked.options.time_zone)
    now = node.clock()
    with writing(node, viewer) as connection:
        one, is_new = store.insert(
            connection,
            kind=asked.kind,
            file_name=files.plain_name(asked.file_name),
            options=asked.options.model_dump(mode="json"),
            size_bytes=asked.size_bytes,
            created_by=signed(viewer),
            key=key,
            now=now,
        )
        if is_new:
            # After it was put in, itself counted: the same key again begins none, and is answered at any time.
            if store.count_receiving(connection, signed(viewer)) > MAX_RECEIVING:
                raise RequestRefusedError(
                    429,
                    "too-many-uploads",
                    Phrase("%(max_receiving)s uploads of yours are under way.", max_receiving=MAX_RECEIVING),
                    Phrase("Finish or cancel one of them first."),
                    (),
                    60,
                )
            _check_room(node, connection)
            details = {"kind": one.kind, "file": one.file_name, "size_bytes": one.size_bytes}
            audit.note(connection, viewer, "import.begin", one.id, details, request_id, now)
            files.make_folder(node, one.id)
    return one


def _check_product(asked: NewImport) -> None:
    name = asked.options.dataset or ""
    found = DATASETS.get(name)
    if found is None:
        raise RequestRefusedError(
            422,
            "unknown-dataset",
            Phrase("There is no data product %(name)s.", name=repr(name)),
            Phrase("There are: %(names)s.", names=", ".join(DATASETS)),
        )
    if asked.options.public and not found.can_be_public:
        raise RequestRefusedError(
            422, "not-public", Phrase("%(name)s may not be opened to everybody.", name=name), Phrase("Load it without.")
        )


def _check_room(node: Node, connection: sa.Connection) -> None:
    """Refuse an upload that would leave the disk too full, those already under way counted."""
    free = shutil.disk_usage(node.folder).free
    wanted = store.outstanding_bytes(connection)
    if free - wanted < node.settings.import_reserve_bytes:
        raise RequestRefusedError(
            507,
            "disk-full",
            Phrase(
                "The node's disk has %(free)s bytes free; this upload and those under way need %(wanted)s,"
                " and %(reserve)s must stay free.",
                free=f"{free:,}",
                wanted=f"{wanted:,}",
                reserve=f"{node.settings.import_reserve_bytes:,}",
            ),
            Phrase("Remove uploads that are not needed, or ask the node's operator for room."),
        )


async def receive(
    node: Node, viewer: Viewer, import_id: str, offset: int, length: int | None, parts: AsyncIterator[bytes]
) -> Import:
    """Take bytes of an upload from an offset on; what arrived before a lost connection is kept.

    Parameters
    ----------
    offset : where they begin; must be what was received so far.
    length : as the request declares it; None where it does not.

    Raises
    ------
    RequestRefusedError
        404, 409 where the offset is not what is held or another part is arriving, 413 for more bytes than announced.
    """
    one = await run_in_threadpool(_look, node, viewer, import_id, offset, length)
    descriptor = await run_in_threadpool(_open, files.content_of(node, import_id))
    count = 0
    try:
        buffer = bytearray()
        gone = False
        try:
            async for part in parts:
                buffer += part
                if offset + count + len(buffer) > one.size_bytes:
                    raise _too_long(one)
                if len(buffer) >= _WRITE_BYTES:
                    count += await run_in_threadpool(_write, descriptor, bytes(buffer), offset + count)
                    buffer.clear()
        except ClientDisconnect:
            gone = True
        count += await run_in_threadpool(_write, descriptor, bytes(buffer), offset + count)
        return await run_in_threadpool(_note, node, viewer, one, descriptor, offset, count, gone)
    finally:
        os.close(descriptor)  # gives up the lock


def _look(node: Node, viewer: Viewer, import_id: str, offset: int, length: int | None) -> Import:
    with reading(node, viewer) as connection:
        one = store.import_of(connection, import_id)
    if one.state is not State.RECEIVING:
        raise RequestRefusedError(
            409, "wrong-state", Phrase("The upload is %(state)s.", state=one.state), Phrase("Begin another one.")
        )
    if offset != one.received_bytes:
        raise RequestRefusedError(
            409,
            "wrong-offset",
            Phrase(
                "%(received_bytes)s bytes were received, the part begins at %(offset)s.",
                received_bytes=f"{one.received_bytes:,}",
                offset=f"{offset:,}",
            ),
            Phrase("Go on at offset=%(received_bytes)s.", received_bytes=one.received_bytes),
        )
    if length is not None and offset + length > one.size_bytes:
        raise _too_long(one)
    return one


def _too_long(one: Import) -> RequestRefusedError:
    return RequestRefusedError(
        413,
        "too-many-bytes",
        Phrase("The file was announced with %(size_bytes)s bytes.", size_bytes=f"{one.size_bytes:,}"),
        Phrase("Begin another upload."),
    )


def _open(path: Path) -> int:
    """Open the file and lock it: two parts at once, from whatever worker, would mix."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RequestRefusedError(
            409, "emptied", Phrase("The files of this upload are gone."), Phrase("Begin another one.")
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise RequestRefusedError(
            409,
            "part-arriving",
            Phrase("Another part of this upload is arriving."),
            Phrase("Wait until it has ended."),
            (),
            2,
        ) from None
    return descriptor


def _write(descriptor: int, data: bytes, at: int) -> int:
    view = memoryview(data)
    while view:
        try:
            written = os.pwrite(descriptor, view, at)
        except OSError as error:
            raise StoreError(f"The disk takes no more of the upload: {error.strerror}.") from None
        at += written
        view = view[written:]
    return len(data)


def _note(node: Node, viewer: Viewer, one: Import, descriptor: int, offset: int, count: int, gone: bool) -> Import:
    del gone  # what arrived is kept all the same; the sender asks where it stands
    os.fdatasync(descriptor)
    with writing(node, viewer) as connection:
        if count and not store.note_received(connection, one.id, offset, count, node.clock()):
            raise RequestRefusedError(
                409,
                "wrong-offset",
                Phrase("The upload went on elsewhere meanwhile."),
                Phrase("Ask where it stands, and go on there."),
            )
        return store.import_of(connection, one.id)


def complete(node: Node, viewer: Viewer, import_id: str, sha256: str, request_id: str) -> Import:
    """Let the file be checked; the check compares its SHA-256.

    Raises
    ------
    RequestRefusedError
        404; 409 while bytes are missing.
    """
    now = node.clock()
    with writing(node, viewer) as connection:
        one = store.import_of(connection, import_id, lock=True)
        if one.state is State.CHECKING and one.digest == sha256:
            return one  # the answer was lost
        if one.state is State.RECEIVING and one.received_bytes < one.size_bytes:
            raise RequestRefusedError(
                409,
                "incomplete",
                Phrase(
                    "%(received_bytes)s of %(size_bytes)s bytes were received.",
                    received_bytes=f"{one.received_bytes:,}",
                    size_bytes=f"{one.size_bytes:,}",
                ),
                Phrase("Go on at offset=%(received_bytes)s.", received_bytes=one.received_bytes),
            )
        task_id = enqueue_as(connection, one.created_by, "import-check", {}, now, import_id=one.id)
        one = store.step(connection, one, Step.COMPLETE, now, digest=sha256, task_id=task_id)
        audit.note(connection, viewer, "import.complete", one.id, {"sha256": sha256}, request_id, now)
    return one
