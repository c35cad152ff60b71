"""A node's folder as `sealane node init` makes it, and the real process that serves it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sealane.node import Node, init_node

PARTICIPANT = "urn:sealane:test:here"
START_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_node(folder: Path, url: str = "", **values: Any) -> Node:
    """Make a node; `url` is its database's address, empty for SQLite in the folder."""
    port = free_port()
    given = {"participant": PARTICIPANT, "name": "Here", "port": port, "origin": f"http://127.0.0.1:{port}"} | values
    return init_node(folder, given, environ={"SEALANE_DATABASE_URL": url} if url else {})


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without any setting of a node."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SEALANE_")} | more


@dataclass
class Served:
    """A process that serves a node, and how to ask it."""

    process: subprocess.Popen[bytes]
    origin: str
    log_file: Path
    client: httpx.Client = field(repr=False)

    def log(self) -> list[dict[str, Any]]:
        """Return every line it has logged; each must be JSON."""
        return [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines()]

    def wait_until_ready(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"the node ended: {self.log_file.read_text()}")
            try:
                if self.client.get("/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the node did not become ready: {self.log_file.read_text()}")


@contextmanager
def served(
    folder: Path, origin: str, env: Mapping[str, str], verify: Any = True, become: Sequence[str] = ()
) -> Iterator[Served]:
    """Run `sealane node serve` and wait until it is ready; whatever is left of it is killed at the end."""
    log_file = folder.parent / f"{folder.name}.log"
    command = [*become, sys.executable, "-W", "error", "-m", "sealane", "node", "serve", "--node", str(folder)]
    with (
        log_file.open("wb") as log,
        httpx.Client(base_url=origin, verify=verify, timeout=30, trust_env=False) as client,
    ):
        process = subprocess.Popen(command, stdout=log, stderr=log, env=dict(env))
        try:
            running = Served(process, origin, log_file, client)
            running.wait_until_ready()
            yield running
        finally:
            process.kill()
            process.wait()
