"""Server-sent events: what changes in a row of the database is told to browsers, whichever worker changed it.

Each stream looks at its row a few times a second. It closes when nothing will change any more, and after some minutes
in any case: the browser then asks again, and the gate looks again at who asks.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from sealane.errors import Phrase, RequestRefusedError, StoreError
from sealane.web.accounts.gate import viewer_now

LOOK_S = 0.4
BEAT_S = 10.0
LONGEST_S = 300.0
RETRY_MS = 2_000
MAX_STREAMS = 200  # of one worker
MAX_OF_ONE = 20  # of these, one person's: nobody takes all of them from the others
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_open: dict[object, str] = {}  # whose each is


@dataclass(frozen=True)
class Seen:
    """A row at one moment.

    Attributes
    ----------
    id : changes whenever anything in it does.
    content : what is told.
    rests : nothing will change without somebody's doing.
    """

    id: str
    content: Mapping[str, Any]
    rests: bool


async def event_stream(request: Request, look: Callable[[], Seen]) -> Response:
    """Answer with a stream of events.

    Parameters
    ----------
    look : reads the row; runs in a thread. It refuses what the viewer may not see.

    Raises
    ------
    RequestRefusedError
        503 when too many streams are open, or of who asks; pages then ask from time to time instead.
    """
    first = await run_in_threadpool(look)
    if first.rests and request.headers.get("last-event-id") == first.id:
        return Response(status_code=204, headers=_HEADERS)  # how a browser is told not to ask again
    viewer = viewer_now(request)
    owner = viewer.user_id or f"token:{viewer.login}"
    if len(_open) >= MAX_STREAMS or sum(one == owner for one in _open.values()) >= MAX_OF_ONE:
        raise RequestRefusedError(
            503,
            "too-many-streams",
            Phrase("Too many pages are listening."),
            Phrase("Ask for the state from time to time."),
            (),
            5,
        )
    return StreamingResponse(
        _events(request, first, look, owner), media_type="text/event-stream; charset=utf-8", headers=_HEADERS
    )


async def _events(request: Request, first: Seen, look: Callable[[], Seen], owner: str) -> AsyncIterator[bytes]:
    mark = object()
    _open[mark] = owner
    try:
        begun = beat = time.monotonic()
        known = request.headers.get("last-event-id", "")
        yield f"retry: {RETRY_MS}\n\n".encode()
        seen = first
        while True:
            if seen.id != known:
                yield _event(seen)
                known, beat = seen.id, time.monotonic()
            if seen.rests:
                yield b"event: end\ndata: {}\n\n"
                return
            now = time.monotonic()
            if now - begun > LONGEST_S or await request.is_disconnected():
                return
            if now - beat > BEAT_S:
                yield b": still here\n\n"
                beat = now
            await asyncio.sleep(LOOK_S)
            try:
                seen = await run_in_threadpool(look)
            except StoreError:
                return  # the browser asks again
    finally:
        _open.pop(mark, None)


def _event(seen: Seen) -> bytes:
    return f"id: {seen.id}\nevent: state\ndata: {json.dumps(dict(seen.content), ensure_ascii=True)}\n\n".encode()
