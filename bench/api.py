"""Requests a second of `GET` port call events, beside the bare framework serving the same bytes.

    python bench/api.py [--quick] [--database URL]

A node with SIMULATED port calls, and a FastAPI application that holds one page of its answer in memory, run as
processes of their own under the same server with the same options. One client of raw sockets asks both in turns. What
the node does more: token, query, transaction, who may read what, headers, log and metrics. It keeps what is asked
again while nothing is committed, so each row says how many different pages were asked for in turn; with thousands of
them nothing is found in memory, and every answer is read from the database.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sealane.node import Node, init_node
from sealane.node.api.dcsa_query import write_cursor
from sealane.node.api_tokens import create_token
from sealane.products.store import put_records

EVENTS = 5_000
CONNECTIONS = 8
PATH = "/dcsa/port-call/v2/events"
TARGET = 0.5
KINDS = (("page_of_10", 10, 1), ("page_of_100", 100, 1), ("pages_of_10", 10, 4000), ("pages_of_100", 100, 4000))
BARE = """
import pathlib, sys, uvicorn
from fastapi import FastAPI, Response

page = pathlib.Path(sys.argv[1]).read_bytes()
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/dcsa/port-call/v2/events")
async def events() -> Response:
    return Response(page, media_type="application/json")


uvicorn.run(app, port=int(sys.argv[2]), loop="asyncio", log_config=None, access_log=False, server_header=False)
"""


def measure(quick: bool = False, database_url: str = "") -> dict[str, Any]:
    """Return requests a second of node and bare framework for a small and a full page.

    Parameters
    ----------
    quick : shorter and fewer rounds.
    database_url : PostgreSQL; SQLite when empty.
    """
    folder = Path(tempfile.mkdtemp(prefix="sealane-bench-"))
    rounds, seconds = (3, 1.0) if quick else (5, 4.0)
    env = {name: value for name, value in os.environ.items() if not name.startswith("SEALANE_")}
    env |= {"SEALANE_DATABASE_URL": database_url} if database_url else {}
    try:
        port = _free_port()
        given = {"participant": "urn:sealane:bench:node", "name": "SIMULATED", "port": port}
        given |= {"origin": f"http://127.0.0.1:{port}", "log_level": "warning"}
        with init_node(folder / "node", given, environ=env) as node:
            token = _fill(node)
        found: dict[str, Any] = {"database": "postgresql" if database_url else "sqlite", "connections": CONNECTIONS}
        words = [sys.executable, "-m", "sealane", "node", "serve", "--node", str(folder / "node")]
        with _process(words, port, env):
            for name, limit, pages in KINDS:
                targets = [f"{PATH}?limit={limit}{_behind(number)}" for number in range(pages)]
                target = targets[0]
                headers = f"Authorization: Bearer {token}\r\nAPI-Version: 2\r\n"
                page = _ask(port, target, headers)
                (folder / "page").write_bytes(page)
                bare_port = _free_port()
                bare = [sys.executable, "-c", BARE, str(folder / "page"), str(bare_port)]
                with _process(bare, bare_port, env):
                    assert _ask(bare_port, target, headers) == page
                    runs: dict[str, list[float]] = {"node": [], "bare": []}
                    for _ in range(rounds):
                        runs["node"].append(_rate(port, targets, headers, seconds))
                        runs["bare"].append(_rate(bare_port, targets, headers, seconds))
                node_per_s, bare_per_s = (statistics.median(runs[kind]) for kind in ("node", "bare"))
                found[name] = {
                    "size_bytes": len(page),
                    "different_pages": pages,
                    "node_per_s": round(node_per_s),
                    "bare_per_s": round(bare_per_s),
                    "ratio": round(node_per_s / bare_per_s, 3),
                    "reached": node_per_s / bare_per_s >= TARGET,
                }
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(node: Node) -> str:
    now = node.clock()
    with node.database.write() as connection:
        _, token = create_token(connection, "bench", "reader", now)
        for start in range(0, EVENTS, 500):
            bodies = [_event(number, now) for number in range(start, start + 500)]
            put = put_records(connection, node.settings.participant, "port-calls", bodies, now, simulated=True)
            assert not put.faults, put.faults[:3]
    return token


def _event(number: int, now: dt.datetime) -> bytes:
    moment = (now - dt.timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(
        {
            "eventID": str(uuid.UUID(int=number)),
            "eventUpdatedDateTime": moment,
            "portCall": {"portCallID": str(uuid.UUID(int=number // 4)), "UNLocationCode": "JPYOK"},
            "portCallService": {"portCallServiceTypeCode": "BERTH", "portCallServiceEventTypeCode": "ARRI"},
            "vessel": {"vesselIMONumber": "9074729", "vesselName": "SIMULATED"},
            "timestamp": {"classifierCode": "EST", "serviceDateTime": moment},
        }
    ).encode()


def _behind(number: int) -> str:
    return "&cursor=" + write_cursor(number) if number else ""


def _rate(port: int, targets: list[str], headers: str, seconds: float) -> float:
    """Ask for the targets in turn, over several connections that stay open; return answers a second."""
    requests = itertools.cycle(
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode() for target in targets
    )
    chosen = selectors.DefaultSelector()
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    buffers = {connection: bytearray() for connection in connections}
    for connection in connections:
        chosen.register(connection, selectors.EVENT_READ)
        connection.sendall(next(requests))
    begun, answered = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        for key, _ in chosen.select(1):
            assert isinstance(key.fileobj, socket.socket)
            connection = key.fileobj
            buffer = buffers[connection]
            buffer += connection.recv(1 << 20)
            if _length(buffer) is not None and len(buffer) >= (_length(buffer) or 0):
                assert buffer.startswith(b"HTTP/1.1 200"), bytes(buffer[:300])
                answered += 1
                buffer.clear()
                connection.sendall(next(requests))
    rate = answered / (time.perf_counter() - begun)
    for connection in connections:
        connection.close()
    return rate


def _ask(port: int, target: str, headers: str) -> bytes:
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode()
    buffer = bytearray()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        while _length(buffer) is None or len(buffer) < (_length(buffer) or 0):
            buffer += connection.recv(1 << 20)
    assert buffer.startswith(b"HTTP/1.1 200"), bytes(buffer[:600])
    return bytes(buffer.partition(b"\r\n\r\n")[2])


def _length(buffer: bytearray) -> int | None:
    """Return the length of the whole answer, None until its head is there."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    return end + 4 + int(head.partition(b"content-length:")[2].split(b"\r\n")[0])


@contextmanager
def _process(words: list[str], port: int, env: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{' '.join(words[:4])} did not begin to serve") from None
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--database", default="", help="address of an empty PostgreSQL database; SQLite when omitted")
    asked = parser.parse_args()
    sys.stdout.write(json.dumps(measure(asked.quick, asked.database), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
