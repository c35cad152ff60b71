"""Three nodes on this machine: agreements are signed, data flow as agreed, and one agreement is retired.

Every step is a command that can be typed; this script prints each before it runs it. Agreements and containers are a
demonstration: the terms of the real agreements are not public. Ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

NODES = (
    ("los-angeles", "urn:sealane:demonstration:uslax", "Port of Los Angeles (demonstration)", "USLAX"),
    ("yokohama", "urn:sealane:demonstration:jpyok", "Port of Yokohama (demonstration)", "JPYOK"),
    ("nagoya", "urn:sealane:demonstration:jpngo", "Port of Nagoya (demonstration)", "JPNGO"),
)
AGREEMENTS = {"yokohama": "los-angeles-yokohama", "nagoya": "los-angeles-nagoya"}
SAMPLES = Path(str(files("sealane.samples"))) / "exchange"
SEALANE = [sys.executable, "-m", "sealane"]
# Short periods: somebody is watching.
QUICK = {"SEALANE_AGREEMENT_PERIOD_S": "0.5", "SEALANE_NEGOTIATION_PERIOD_S": "0.5", "SEALANE_DELIVERY_PERIOD_S": "0.5"}
SETTLE_WITHIN_S = 120


@dataclass(frozen=True)
class DemoNode:
    """One node of the demonstration."""

    name: str
    participant: str
    title: str
    unlocode: str
    folder: Path
    port: int

    @property
    def origin(self) -> str:
        """Where the node is reached."""
        return f"http://127.0.0.1:{self.port}"


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def sealane(*arguments: str, show: bool = True, allow: Sequence[int] = (0,)) -> str:
    """Print a command, run it, print and return what it writes; stop the demo when it fails."""
    if show:
        say(f"\n$ sealane {' '.join(_quoted(word) for word in arguments)}")
    done = subprocess.run([*SEALANE, *arguments], capture_output=True, text=True, check=False)
    if show:
        sys.stdout.write(_without_root_warning(done.stderr) + done.stdout)
        sys.stdout.flush()
    if done.returncode not in allow:
        if not show:
            say(f"$ sealane {' '.join(arguments)}\n{done.stderr}{done.stdout}")
        sys.exit(done.returncode)
    return done.stdout


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word or "(" in word else word


def _without_root_warning(text: str) -> str:
    # Containers and demonstrations run as root; saying it at every command would hide everything else.
    return "".join(line for line in text.splitlines(keepends=True) if "as root" not in line)


def free_port() -> int:
    """Return a TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_nodes(out: Path) -> dict[str, DemoNode]:
    """Make three nodes with a database of their own, and let each know its partners."""
    say("\n=== Three nodes, each with its own keys and SQLite database")
    nodes = {}
    for name, participant, title, unlocode in NODES:
        node = DemoNode(name, participant, title, unlocode, out / name, free_port())
        sealane(
            *("node", "init", "--node", str(node.folder), "--participant", participant, "--name", title),
            *("--unlocode", unlocode, "--origin", node.origin, "--port", str(node.port), "--allow-private"),
        )
        nodes[name] = node
    say("\n=== The operators exchange their root keys (here: by file) and register each other")
    for one in nodes.values():
        for other in nodes.values():
            if one is not other:
                key = sealane("node", "key", "root", "--node", str(other.folder), show=False).strip()
                sealane(
                    *("peer", "add", other.participant, "--node", str(one.folder), "--name", other.title),
                    *("--origin", other.origin, "--root-key", key, "--allow-private"),
                    show=one.name == "los-angeles",
                )
    return nodes


@contextlib.contextmanager
def serving(nodes: dict[str, DemoNode]) -> Iterator[None]:
    """Serve all nodes until the block ends."""
    processes = []
    try:
        for node in nodes.values():
            log = (node.folder.parent / f"{node.name}.log").open("w", encoding="utf-8")
            say(f"$ sealane node serve --node {node.folder} &     # {node.origin}, log in {log.name}")
            processes.append(
                subprocess.Popen(
                    [*SEALANE, "node", "serve", "--node", str(node.folder)],
                    stdout=log,
                    stderr=log,
                    env=os.environ | QUICK,
                )
            )
        for node in nodes.values():
            wait_for(f"node {node.name}", lambda node=node: answers(f"{node.origin}/ready"))  # type: ignore[misc] # bound now
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def answers(url: str) -> bool:
    """Say whether a node answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 # our own address on loopback
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(what: str, is_so: object) -> None:
    """Wait until something is so, at most two minutes."""
    until = time.monotonic() + SETTLE_WITHIN_S
    while not is_so():  # type: ignore[operator] # a function without arguments
        if time.monotonic() > until:
            sys.exit(f"{what} did not come about within {SETTLE_WITHIN_S} s; see the logs of the nodes.")
        time.sleep(0.3)


def write_agreement(nodes: dict[str, DemoNode], partner: str, out: Path) -> Path:
    """Fill the participants into a shipped demonstration agreement."""
    name = AGREEMENTS[partner]
    document = yaml.safe_load((SAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    document["participants"] = [
        {
            "party": f"port-of-{node.name}",
            "participant": node.participant,
            "origin": node.origin,
            "root_key": json.loads(sealane("node", "key", "root", "--node", str(node.folder), show=False)),
        }
        for node in (nodes["los-angeles"], nodes[partner])
    ]
    path = out / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo-out/nodes"))
    parser.add_argument("--calls", type=Path, help="port calls that `sealane calls` or `sealane inventory` wrote")
    options = parser.parse_args()
    out: Path = options.out
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    nodes = make_nodes(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
