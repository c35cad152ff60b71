"""An action sent twice is done once: ``Idempotency-Key`` on writes.

Whoever did not get an answer sends the same request with the same key again, and gets the answer of the first. The key
belongs to who sent it and lasts a day; with other content it is refused. An answer that holds a secret is not stored:
its repetition is told that the thing was done.
"""

from __future__ import annotations

import datetime as dt
import email.message
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import sqlalchemy as sa
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from sealane.database.tables.results import answered_request as table
from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts.gate import gate, viewer_of

HEADER = "idempotency-key"
KEPT_FOR = dt.timedelta(days=1)
SECRET = "secret-answer"  # in an endpoint's tags: what it is sent and answers is stored nowhere
_KEY = re.compile(r"[\x21-\x7e]{8,100}")
_MAX_ANSWER_BYTES = 65_536
_RETRY_S = 2
# The escape itself, not a backslash that is escaped before the letters u0000.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_KEYS_TOLD = 10


class IdempotentRoute(APIRoute):
    """A route that honours ``Idempotency-Key``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with what was answered before in front of it."""
        inner = super().get_route_handler()
        secret = SECRET in self.tags

        async def handle(request: Request) -> Response:
            if self.body_field is not None and _is_json(request):
                _check_json(await request.body())
            key = request.headers.get(HEADER)
            if key is None or request.method in {"GET", "HEAD"}:
                return await inner(request)
            if not _KEY.fullmatch(key):
                raise RequestRefusedError(
                    422,
                    "bad-key",
                    Phrase("The Idempotency-Key cannot be used."),
                    Phrase("Send 8 to 100 visible ASCII characters."),
                )
            node: Node = request.app.state.node
            viewer = await viewer_of(request)
            await gate(node)(request, viewer)  # before anything is told: who may not do it learns nothing of it
            owner = viewer.user_id or f"token:{viewer.login}"
            # What is sent there can be a password: not even a digest of it is kept.
            body = b"" if secret else await request.body()
            place = f"{request.method} {request.url.path}?{request.url.query}"
            digest = hashlib.sha256(place.encode() + b"\0" + body).hexdigest()
            held = await run_in_threadpool(_begin, node, owner, key, digest)
            if held is not None:
                return held
            try:
                answer = await inner(request)
            except BaseException:
                await run_in_threadpool(_forget, node, owner, key)  # nothing was done: it may be tried again
                raise
            await run_in_threadpool(_end, node, owner, key, answer, secret)
            return answer

        return handle


def _is_json(request: Request) -> bool:
    """Whether FastAPI will read the body as JSON."""
    message = email.message.Message()
    message["content-type"] = request.headers.get("content-type", "")
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _check_json(body: bytes) -> None:
    """Refuse what is JSON and yet no request: a text with a NUL, an object that names a key twice.

    Text with a NUL cannot be stored by PostgreSQL; no name, reason or note has one. Of a key that stands twice readers
    take the first, the last or neither: who signs or sends must not mean one and have another done.
    """
    twice: dict[str, None] = {}

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.update(dict.fromkeys(key for key, number in Counter(key for key, _ in pairs).items() if number > 1))
        return found

    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return  # no JSON: FastAPI says so
    if _NUL.search(text):
        raise RequestRefusedError(
            422,
            "bad-text",
            Phrase("A text holds the character NUL (\\u0000)."),
            Phrase("Send it without that character."),
        )
    if twice:
        names = ", ".join(ascii(key[:60]) for key in list(twice)[:_KEYS_TOLD])
        raise RequestRefusedError(
            422,
            "duplicate-key",
            Phrase("An object of the request names a key more than once: %(keys)s.", keys=names),
            Phrase("Send each key once."),
        )


def _begin(node: Node, owner: str, key: str, digest: str) -> Response | None:
    """Take a key; return the answer where it was given before."""
    now = node.clock()
    mine = (table.c.owner == owner) & (table.c.key == key)
    with node.database.write() as connection:
        connection.execute(table.delete().where(mine, table.c.at < now - KEPT_FOR))
        row = connection.execute(sa.select(table).where(mine)).one_or_none()
        if row is None:
            try:
                with connection.begin_nested():
                    connection.execute(table.insert().values(owner=owner, key=key, digest=digest, at=now))
            except sa.exc.IntegrityError:  # another worker was first by a moment
                row = connection.execute(sa.select(table).where(mine)).one_or_none()
            else:
                return None
    if row is not None and row.digest != digest:
        raise RequestRefusedError(
            422,
            "key-reused",
            Phrase("The Idempotency-Key was used for another request."),
            Phrase("Use each key for one request."),
        )
    if row is None or row.status is None:
        raise RequestRefusedError(
            409,
            "under-way",
            Phrase("The same request is being done, or was cut off while it was."),
            Phrase("Look whether it was done; ask again later."),
            retry_after_s=_RETRY_S,
        )
    if row.body is None:
        raise RequestRefusedError(
            409,
            "done-before",
            Phrase("The request was done; its answer is not given twice."),
            Phrase("Look at what it made."),
        )
    headers = {"Idempotent-Replayed": "true"}
    if row.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(row.body, row.status, headers, "application/json")


def _end(node: Node, owner: str, key: str, answer: Response, secret: bool) -> None:
    body = getattr(answer, "body", None)
    kept = None if secret or not isinstance(body, bytes) or len(body) > _MAX_ANSWER_BYTES else body
    mine = (table.c.owner == owner) & (table.c.key == key)
    with node.database.write() as connection:
        connection.execute(table.update().where(mine).values(status=answer.status_code, body=kept))


def _forget(node: Node, owner: str, key: str) -> None:
    with node.database.write() as connection:
        connection.execute(table.delete().where((table.c.owner == owner) & (table.c.key == key)))


def prune(node: Node) -> None:
    """Remove keys that have lasted their day."""
    with node.database.write() as connection:
        connection.execute(table.delete().where(table.c.at < node.clock() - KEPT_FOR))


JOBS = (("keys of requests", "housekeeping_period_s", prune),)
