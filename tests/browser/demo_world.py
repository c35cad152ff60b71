"""The demo as people start it, for tests in a real browser: made once, served by its own script, stopped cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKE_WITHIN_S = 900
NODES = ("los-angeles", "yokohama", "nagoya")


@dataclass(frozen=True)
class World:
    """The demo while it is served.

    Attributes
    ----------
    address : of the node of Los Angeles.
    """

    folder: Path
    first_port: int
    password: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.first_port}"

    def of(self, name: str) -> str:
        return f"http://127.0.0.1:{self.first_port + NODES.index(name)}"


def free_ports() -> int:
    """Return the first of three ports in a row that are free."""
    for first in range(18_000 + os.getpid() % 3000 * 4, 60_000, 3):
        sockets = []
        try:
            for port in range(first, first + 3):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
        return first
    raise AssertionError("no three free ports")


@contextmanager
def served_demo(folder: Path, first_port: int) -> Iterator[World]:
    """Run `scripts/demo.py` until the block ends, then stop it as Ctrl-C does."""
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--out", str(folder), "--serve", "1"]
    log = folder.with_suffix(".log")
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--http-port", str(first_port)], stdout=out, stderr=subprocess.STDOUT, cwd=ROOT
        )
        try:
            _wait(process, log, "Ctrl-C stops the nodes")
            secret = json.loads((folder / "demo.json").read_text("utf-8"))
            yield World(folder, first_port, secret["password"])
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            ended = process.wait(timeout=60)
    assert ended == 0, log.read_text("utf-8")[-3000:]
    assert "The three nodes have stopped." in log.read_text("utf-8")
    for port in range(first_port, first_port + 3):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, "a node still listens after the demo has stopped"


def _wait(process: subprocess.Popen[bytes], log: Path, words: str) -> None:
    until = time.monotonic() + MAKE_WITHIN_S
    while words not in log.read_text("utf-8", errors="replace"):
        assert process.poll() is None, log.read_text("utf-8")[-3000:]
        assert time.monotonic() < until, log.read_text("utf-8")[-3000:]
        time.sleep(0.2)


def get(url: str, accept: str = "text/html") -> tuple[int, str]:
    """Fetch an address without a browser."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as answer:  # our own node on loopback
        return answer.status, answer.read().decode()
