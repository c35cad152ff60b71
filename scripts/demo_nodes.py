"""Three nodes on this machine: agreements are signed, data flow as agreed, and one agreement is retired.

Every step is a command that can be typed; this script prints each before it runs it. Agreements and containers are a
demonstration: the terms of the real agreements are not public. Ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import io
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

import sqlalchemy as sa

from sealane.database.tables.products import record
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.registry import list_agreements
from sealane.exchange.sent_and_withheld import ReceivedTotal, received_totals, stream_totals
from sealane.node.open import open_node

NODES = (
    ("los-angeles", "urn:sealane:demonstration:uslax", "Port of Los Angeles (demonstration)", "USLAX"),
    ("yokohama", "urn:sealane:demonstration:jpyok", "Port of Yokohama (demonstration)", "JPYOK"),
    ("nagoya", "urn:sealane:demonstration:jpngo", "Port of Nagoya (demonstration)", "JPNGO"),
)
AGREEMENTS = {"yokohama": "los-angeles-yokohama", "nagoya": "los-angeles-nagoya"}
# Streams that open: two clauses towards Yokohama, two towards Nagoya, three from Nagoya.
STREAMS = 7
FILES = {
    "nagoya": (
        ("vessel-schedules", "schedule.json"),
        ("container-milestones", "codeco_gate_in.edi"),
        ("container-milestones", "coarri_loaded.edi"),
        ("port-calls", "port_calls.json"),
    ),
    "los_angeles": (
        ("port-calls", "port_calls.json"),
        ("container-milestones", "coarri_discharged.edi"),
        ("container-milestones", "codeco_gate_out.edi"),
        ("container-milestones", "iftsta_rail.edi"),
        ("container-milestones", "milestones.csv"),
    ),
}
CONTAINER = "SIMU1000028"
RECORD_OF_CONTAINER = sa.select(record.c.id).where(record.c.equipment == CONTAINER).order_by(record.c.position.desc())
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
    # At the terminal both streams come in the order in which they are written.
    errors = subprocess.STDOUT if show else subprocess.PIPE
    done = subprocess.run([*SEALANE, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True, check=False)
    if show:
        sys.stdout.write(_without_root_warning(done.stdout))
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


def make_nodes(out: Path, first_port: int | None = None) -> dict[str, DemoNode]:
    """Make three nodes with a database of their own, and let each know its partners.

    Parameters
    ----------
    first_port : the nodes listen on this port and the two after it; on free ones where None.
    """
    say("\n=== Three nodes, each with its own keys and SQLite database")
    nodes = {}
    for place, (name, participant, title, unlocode) in enumerate(NODES):
        port = free_port() if first_port is None else first_port + place
        node = DemoNode(name, participant, title, unlocode, out / name, port)
        sealane(
            *("node", "init", "--node", str(node.folder), "--participant", participant, "--name", title),
            *("--unlocode", unlocode, "--origin", node.origin, "--port", str(node.port), "--allow-private"),
        )
        nodes[name] = node
    say("\n=== The operators exchange their root keys (here: by file) and register each other")
    for one in nodes.values():
        for other in nodes.values():
            if one is not other:
                key = out / f"{other.name}.root-key.json"
                key.write_text(sealane("node", "key", "root", "--node", str(other.folder), show=False))
                sealane(
                    *("peer", "add", other.participant, "--node", str(one.folder), "--name", other.title),
                    *("--origin", other.origin, "--root-key", str(key), "--allow-private"),
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
            wait_for(f"node {node.name}", lambda node=node: answers(f"{node.origin}/ready"))
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
        with urllib.request.urlopen(url, timeout=2) as answer:  # our own address on loopback
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
    participants = [
        {
            "party": f"port-of-{node.name}",
            "participant": node.participant,
            "origin": node.origin,
            "root_key": json.loads((out / f"{node.name}.root-key.json").read_text(encoding="utf-8")),
        }
        for node in (nodes["los-angeles"], nodes[partner])
    ]
    # JSON is YAML, too; the rest of the document stays as people read it.
    text = (SAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    text = text.replace("participants: []", f"participants: {json.dumps(participants)}")
    path = out / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def sign_agreements(nodes: dict[str, DemoNode], out: Path) -> None:
    """Los Angeles proposes, each partner signs; the nodes then ask each other for what the clauses let through."""
    say("\n=== Agreements with DEMONSTRATION clauses: Los Angeles proposes, each partner reads and signs")
    home = nodes["los-angeles"]
    for partner, name in AGREEMENTS.items():
        document = write_agreement(nodes, partner, out)
        sealane("agreement", "validate", str(document))
        sealane("agreement", "propose", str(document), "--node", str(home.folder))
        agreement = f"{name}-demonstration"
        other = nodes[partner].folder
        wait_for(
            f"The proposal at {partner}",
            lambda other=other, agreement=agreement: agreement in listed(other),
        )
        sealane("agreement", "sign", agreement, "--node", str(other))
    wait_for("The agreements in force", lambda: sum(listed(home.folder).values()) == len(AGREEMENTS))
    sealane("agreement", "list", "--node", str(home.folder))


@contextlib.contextmanager
def looking_into(folder: Path) -> Iterator[sa.Connection]:
    """Give a reading connection to a node's database, without the warning to root at each look."""
    with contextlib.redirect_stderr(io.StringIO()):
        node = open_node(folder)
    with node, node.database.read() as connection:
        yield connection


def listed(folder: Path) -> dict[str, bool]:
    """Return the agreements of a node: id to whether it is in force."""
    with looking_into(folder) as connection:
        return {one.document.id: one.state is AgreementState.IN_FORCE for one in list_agreements(connection)}


def received(node: DemoNode) -> list[ReceivedTotal]:
    """Return what a node holds of its partners' records."""
    with looking_into(node.folder) as connection:
        return received_totals(connection, node.participant)


def has_settled(nodes: dict[str, DemoNode]) -> bool:
    """Say whether every stream is there, has looked at every record, and nothing waits for its turn."""
    found = 0
    for node in nodes.values():
        with looking_into(node.folder) as connection:
            for total in stream_totals(connection):
                if total.waiting or total.not_looked_at:
                    return False
                found += 1
    return found == STREAMS


def load(nodes: dict[str, DemoNode], calls: Path | None) -> None:
    """Give each node the records its own systems would give it."""
    say("\n=== Records: port calls from AIS at Los Angeles, container files (SIMULATED) at Nagoya and Los Angeles")
    if calls is not None:
        load_product(nodes["los-angeles"], "port-calls", calls)
    for folder, files_there in FILES.items():
        for dataset, name in files_there:
            load_product(nodes[folder.replace("_", "-")], dataset, SAMPLES / folder / name)
    say("\n--- A file with faults is refused segment by segment; nothing of the faulty message is kept")
    faulty = str(SAMPLES / "faulty" / "codeco_faulty_second_message.edi")
    sealane("product", "load", "container-milestones", faulty, "--node", str(nodes["nagoya"].folder), allow=(2,))


def load_product(node: DemoNode, dataset: str, path: Path) -> None:
    """Load one file of simulated records."""
    sealane("product", "load", dataset, str(path), "--node", str(node.folder), "--simulated")


def retire(nodes: dict[str, DemoNode]) -> None:
    """End an agreement, and show that nothing flows under it any more."""
    home = nodes["los-angeles"]
    say("\n=== Los Angeles retires the agreement with Yokohama; then a new port call is loaded")
    before = received(nodes["yokohama"])
    reason = "The demonstration is over"
    sealane(
        "agreement",
        "retire",
        f"{AGREEMENTS['yokohama']}-demonstration",
        "--node",
        str(home.folder),
        "--reason",
        reason,
    )
    load_product(home, "port-calls", SAMPLES / "los_angeles" / "after_retirement.json")
    time.sleep(5)
    sealane("shared", "--node", str(nodes["yokohama"].folder))
    if received(nodes["yokohama"]) != before:
        sys.exit("Data flowed after the agreement was retired.")
    say("Yokohama received nothing after the retirement; its agreement:")
    sealane("agreement", "list", "--node", str(nodes["yokohama"].folder))


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo-out/nodes"))
    parser.add_argument("--calls", type=Path, help="port calls that `sealane calls` or `sealane inventory` wrote")
    parser.add_argument("--first-port", type=int, help="ports of the nodes begin here; omitted: free ones")
    parser.add_argument("--keep-in-force", action="store_true", help="end before an agreement is retired")
    options = parser.parse_args()
    out: Path = options.out
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    started = time.monotonic()
    nodes = make_nodes(out, options.first_port)
    home = nodes["los-angeles"]
    say("\n=== Serving")
    with serving(nodes):
        sign_agreements(nodes, out)
        load(nodes, options.calls)
        say("\n... the nodes negotiate and deliver")
        wait_for("The flow of data", lambda: has_settled(nodes))
        say("\n=== What each partner received, what was withheld, and the clause that said so")
        for node in nodes.values():
            sealane("shared", "--node", str(node.folder))
        say("\n=== The journey of one container (SIMULATED), as Los Angeles and as Yokohama see it")
        for name in ("los-angeles", "yokohama"):
            sealane("cargo", CONTAINER, "--node", str(nodes[name].folder))
        say("\n--- and why Yokohama sees no more: what Los Angeles sent it of each of its own records")
        sealane("cargo", CONTAINER, "--node", str(home.folder), "--for", nodes["yokohama"].participant)
        say("\n=== Why: one record, as it would be sent now and as it was decided")
        with looking_into(home.folder) as connection:
            record_id = connection.scalars(RECORD_OF_CONTAINER.where(record.c.source == home.participant)).first()
        sealane(
            *("agreement", "explain", "container-milestones", str(record_id)),
            *("--partner", nodes["yokohama"].participant, "--node", str(home.folder)),
        )
        if not options.keep_in_force:
            retire(nodes)
        say("\n=== The logs of Los Angeles: whole, and the same as Nagoya's where they tell of each other")
        sealane("ledger", "verify", "--node", str(home.folder))
        sealane("ledger", "reconcile", nodes["nagoya"].participant, "--node", str(home.folder))
    say(f"\nThree nodes, done in {time.monotonic() - started:.0f} s. Their folders: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
