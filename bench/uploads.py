"""A large CSV of positions through the interface, end to end, with the node killed at every stage.

    python bench/uploads.py [--megabytes 2000] [--no-kills] [--folder FOLDER]

The file is SIMULATED and says so. A real node serves on loopback; this script logs in as a data steward, sends parts
of 4 MB, kills the node with SIGKILL in the middle of sending, of the check and of the inventory, starts it again each
time and goes on. Printed: MB/s of each stage, the most memory the node and its child processes held.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import broken_csv  # noqa: E402  # stands beside this script
import httpx  # noqa: E402
import synthetic  # noqa: E402

PART = 4 << 20
BYTES_PER_ROW = 106  # of the file that synthetic.py writes
PASSWORD = "a sentence that is long"


class Node:
    """A node's process, started again after each kill; the memory of all its processes is watched."""

    def __init__(self, folder: Path) -> None:
        from sealane.node.open import init_node
        from sealane.web.accounts import users
        from sealane.web.accounts.passwords import hash_password

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.folder, self.origin = folder, f"http://127.0.0.1:{port}"
        given = {"participant": "urn:bench:uploads", "name": "Bench", "port": port, "origin": self.origin}
        with init_node(folder, given, environ={}) as node, node.database.write() as connection:
            user = users.add_user(connection, login="steward", name="Steward", role="steward", now=node.clock())
            users.set_password(connection, user.id, hash_password(PASSWORD), node.clock())
        self.http = httpx.Client(base_url=self.origin, timeout=60, trust_env=False)
        self.peak = {"node": 0, "child": 0}
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def start(self) -> None:
        """Serve, and wait until the node answers."""
        command = [sys.executable, "-m", "sealane", "node", "serve", "--node", str(self.folder)]
        with (self.folder.parent / "node.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        while True:
            with suppress(httpx.TransportError):
                if self.http.get("/ready").status_code == 200:
                    break
            if self.process.poll() is not None:
                raise SystemExit("the node ended; see node.log")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut would, and start it again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.start()

    def log_in(self) -> None:
        """Log in as the data steward."""
        page = self.http.get("/login", params={"next": "/account"}, headers={"accept": "text/html"})
        found = re.search(r'name="form" value="([^"]+)"', page.text)
        assert found is not None
        form = {"form": found[1], "next": "/account", "login": "steward", "password": PASSWORD}
        self.http.post("/login", data=form, headers={"sec-fetch-site": "same-origin"})
        page = self.http.get("/account", headers={"accept": "text/html"})
        token = re.search(r'name="csrf" content="([^"]+)"', page.text)
        assert token is not None, page.text[:500]
        self.http.headers.update(
            {"x-csrf-token": token[1], "sec-fetch-site": "same-origin", "accept": "application/json"}
        )

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Call the interface; a connection that breaks is the caller's affair."""
        answer = self.http.request(method, f"/api/v1{path}", **more)
        if answer.status_code >= 400:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def _watch(self) -> None:
        while True:
            if self.process is not None:
                self._note("node", self.process.pid)
                for child in children(self.process.pid):
                    if b"tasks.child" in _read(f"/proc/{child}/cmdline"):
                        self._note("child", child)
            time.sleep(0.02)

    def _note(self, name: str, pid: int) -> None:
        for line in _read(f"/proc/{pid}/status").splitlines():
            if line.startswith(b"VmHWM:"):
                self.peak[name] = max(self.peak[name], int(line.split()[1]) * 1024)


def _read(path: str) -> bytes:
    with suppress(OSError):
        return Path(path).read_bytes()
    return b""


def children(pid: int) -> list[int]:
    """Return the child processes of all threads of a process."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in _read(f"{task}/children").split()]
    return found


def send(node: Node, source: Path, kills: int) -> tuple[str, float, str]:
    """Send a file in parts; the node is killed so many times on the way. Returns id, seconds and SHA-256."""
    size = source.stat().st_size
    body = {"kind": "positions", "file_name": source.name, "size_bytes": size}
    made = node.call("POST", "/imports", json={**body, "options": {"port": "USLAX", "simulated": True}})
    import_id, offset = str(made["id"]), 0
    digest = hashlib.sha256()
    kill_at = [size * (n + 1) // (kills + 1) for n in range(kills)]
    begun = time.perf_counter()
    with source.open("rb") as file:
        while block := file.read(PART):
            digest.update(block)
        while offset < size:
            file.seek(offset)
            part = file.read(PART)
            if kill_at and offset >= kill_at[0]:
                kill_at.pop(0)
                # In the middle of a part: some of its bytes are on their way when the node dies.
                threading.Timer(0.004, lambda: node.process and os.kill(node.process.pid, signal.SIGKILL)).start()
            try:
                offset = node.call("PUT", f"/imports/{import_id}/content", params={"offset": offset}, content=part)[
                    "received_bytes"
                ]
            except httpx.TransportError:
                assert node.process is not None
                node.process.wait()
                node.kills += 1
                node.start()
                offset = node.call("GET", f"/imports/{import_id}")["received_bytes"]
    seconds = time.perf_counter() - begun
    node.call("POST", f"/imports/{import_id}/completion", json={"sha256": digest.hexdigest()})
    return import_id, seconds, digest.hexdigest()


def follow(node: Node, import_id: str, during: str, *, kill_in: str | None) -> tuple[float, dict[str, Any]]:
    """Wait until a state is left; kill the node once when the work is well under way."""
    begun = time.perf_counter()
    killed = kill_in is None
    while True:
        state = node.call("GET", f"/imports/{import_id}")
        if state["state"] != during:
            return time.perf_counter() - begun, state
        task = state["task"] or {}
        if not killed and task.get("stage") == kill_in and (task["done"] or 0) > 0.4 * (task["total"] or 1):
            print(f"  killed in {kill_in} at {task['done']} of {task['total']}")
            node.kill()
            killed = True
        time.sleep(0.2)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=2000)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-uploads")
    parser.add_argument("--broken", action="store_true", help="a file with known faults; without an inventory")
    parser.add_argument("--no-kills", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    source = options.folder / "SIMULATED_positions.csv"
    if options.broken:
        good, expected = broken_csv.write(source, options.megabytes, 1, 0.001)
        faults = len(expected)
    else:
        good, faults = int(options.megabytes * 1e6 / BYTES_PER_ROW), 0
        synthetic.write_csv(good, source)
    size = source.stat().st_size / 1e6
    print(f"{size:.0f} MB, {good:,} good rows, {faults:,} faults")
    import shutil

    shutil.rmtree(options.folder / "node", ignore_errors=True)
    node = Node(options.folder / "node")
    node.start()
    try:
        node.log_in()
        wants = not options.no_kills
        import_id, seconds, digest = send(node, source, 2 if wants else 0)
        print(f"received in {seconds:.1f} s, {size / seconds:.0f} MB/s, {node.kills} kills")
        seconds, state = follow(node, import_id, "checking", kill_in="reading" if wants else None)
        print(f"checked in {seconds:.1f} s, {size / seconds:.0f} MB/s: {state['state']}")
        assert state["sha256"] == digest, state
        page = node.call("GET", f"/data/{import_id}")
        found = page["accepted"]["value"], page["preview"]["reject_lines"]
        print(f"rows taken {found[0]:,.0f} of {good:,}; reject lines {found[1]:,} of {faults:,}")
        assert found == (good, faults), "DIFFERENT"
        if options.broken:  # its ships jump about, which no inventory is made of
            return
        node.call("POST", f"/imports/{import_id}/application", json={})
        seconds, state = follow(node, import_id, "applying", kill_in="reading" if wants else None)
        print(f"inventory in {seconds:.1f} s, {size / seconds:.0f} MB/s: {state['state']} {state['error'] or ''}")
        assert state["state"] == "applied", state
    finally:
        print(json.dumps({name: f"{value / 1e6:.0f} MB" for name, value in node.peak.items()} | {"kills": node.kills}))
        assert node.process is not None
        node.process.terminate()
        node.process.wait()
        source.unlink()


if __name__ == "__main__":
    main()
