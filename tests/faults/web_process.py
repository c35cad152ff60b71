"""Runs a node with its pages as a process: ``python -m tests.faults.web_process FOLDER [BROKEN]``.

BROKEN names deliberately broken variants, with commas between them, that row S11 must find out; each worker process is
broken alike:

``counts_in_memory``  attempts are counted by each process for itself
``believes_headers``  whoever writes X-Forwarded-For is believed
``keeps_session``     the login takes over the session's id that the browser brings
``asks_no_token``     nobody asks whether a page of the node sent a request
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from sealane.database.tables.accounts import web_session
from sealane.node.context import Node
from sealane.node.serve import serve
from sealane.web.accounts import gate, login, sessions
from sealane.web.accounts.rate_limits import Allowance
from sealane.web.app import create_web_app

VARIANT = "BROKEN_VARIANT"


def counts_in_memory() -> None:
    """Count where neither another worker nor the next start sees it."""
    counts: dict[str, int] = {}

    def attempt(_: Any, bucket: str, free: int, __: Any) -> Allowance:
        counts[bucket] = counts.get(bucket, 0) + 1
        return Allowance(counts[bucket] <= free, 0 if counts[bucket] <= free else 60)

    login.attempt = attempt  # type: ignore[assignment]  # broken on purpose


def believes_headers() -> None:
    """Take the address from whoever writes one."""
    real = login.address_of

    def address_of(request: Any, settings: Any) -> str:
        return str(request.headers.get("x-forwarded-for") or real(request, settings))

    login.address_of = address_of


def keeps_session() -> None:
    """Let the session's id be chosen by who brings one."""
    real = login._begin

    def begin(node: Any, connection: Any, user: Any, tried: Any, how: str, now: Any) -> str:
        text: str = real(node, connection, user, tried, how, now)
        if not tried.session:
            return text
        connection.execute(web_session.delete().where(web_session.c.id_hash == sessions.session_hash(tried.session)))
        mine = web_session.c.id_hash == sessions.session_hash(text)
        connection.execute(web_session.update().where(mine).values(id_hash=sessions.session_hash(tried.session)))
        return str(tried.session)

    login._begin = begin


def asks_no_token() -> None:
    """Ask nothing of requests that change something."""

    async def check(*_: Any) -> None:
        return None

    gate._check_own_page = check  # type: ignore[assignment]  # broken on purpose


BROKEN = {
    "counts_in_memory": counts_in_memory,
    "believes_headers": believes_headers,
    "keeps_session": keeps_session,
    "asks_no_token": asks_no_token,
}


def application(node: Node, **options: Any) -> FastAPI:
    """Return the application, broken as the environment says."""
    for variant in filter(None, os.environ.get(VARIANT, "").split(",")):
        BROKEN[variant]()
    return create_web_app(node, **options)


if __name__ == "__main__":
    os.environ[VARIANT] = sys.argv[2] if len(sys.argv) > 2 else ""
    serve(Path(sys.argv[1]), application="tests.faults.web_process:application")
