"""Make and serve the demo: what a port's node shows once positions, agreements and a corridor are in it.

Inventories of a real hour of New York Harbor and of a simulated week of Los Angeles, labelled so; the nodes of Los
Angeles, Yokohama and Nagoya with demonstration agreements; a lane of simulated port calls, the reference scenario of
its corridor and the least-cost plan. Everything is made once; a second start only serves. Ctrl-C stops all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo_nodes import NODES, QUICK, SEALANE, answers, say
from demo_pages import LOGINS, keep_results, let_people_in

import sealane
from sealane.cli.main import run
from sealane.samples.los_angeles_week import LABEL

# (folder, title, what stands in the samples folder, vessels, port)
JOBS = (
    (
        "new-york-real-hour",
        "New York Harbor, one real hour (truncated: it holds no complete call)",
        "ny_harbor_2020_06_30_first_hour.csv.gz",
        None,
        "USNYC",
    ),
    (
        "los-angeles-SIMULATED-week",
        "Los Angeles, one SIMULATED week",
        f"{LABEL}_los_angeles_week_positions.csv",
        f"{LABEL}_los_angeles_week_vessels.csv",
        "USLAX",
    ),
)


# (folder, title, command before --out)
SERVICE = f"samples/{LABEL}_transpacific_service"
CORRIDOR_JOBS = (
    (
        "lane-SIMULATED",
        "Los Angeles/Long Beach - Shanghai: what SIMULATED services emit",
        ("lane", "la-lb-shanghai", "--calls", f"{SERVICE}/calls.csv", "--vessels", f"{SERVICE}/vessels.csv"),
    ),
    (
        "arrival-SIMULATED",
        "Los Angeles: what notice of the berth's time would have saved the same SIMULATED ships",
        ("arrival", f"{SERVICE}/calls.csv", "--port", "USLAX"),
    ),
    (
        "scenario",
        "Los Angeles/Long Beach - Shanghai: reference scenario (placeholders marked)",
        ("scenario", "run", "la-lb-shanghai"),
    ),
    ("plan", "The same corridor's target at least cost", ("plan", "la-lb-shanghai", "--quiet")),
)
READY = "demo.json"
READY_WITHIN_S = 60.0
SCRIPTS = ("demo.py", "demo_nodes.py", "demo_pages.py")


def sealane_command(*arguments: str) -> None:
    """Print and run one command line; stop at an error."""
    say(f"\n$ sealane {' '.join(arguments)}")
    code = run(arguments)
    if code:
        sys.exit(code)


def made_from(first_port: int) -> str:
    """Return a digest of what the demo is made by: another version or another port makes it anew."""
    found = hashlib.sha256(f"{sealane.__version__} {first_port} ".encode())
    for name in SCRIPTS:
        found.update(Path(__file__).with_name(name).read_bytes())
    return found.hexdigest()


def is_made(out: Path, first_port: int) -> bool:
    """Say whether the demo stands complete in a folder."""
    try:
        held = json.loads((out / READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(held.get("made_from") == made_from(first_port))


def make(out: Path, first_port: int) -> None:
    """Make samples, results and nodes; the file `READY` stands there last."""
    (out / READY).unlink(missing_ok=True)
    samples = out / "samples"
    sealane_command("sample", str(samples), "--simulated-week", "--simulated-service")
    for folder, _, positions, vessels, port in JOBS:
        extra = ("--vessels", str(samples / vessels)) if vessels else ()
        sealane_command(
            "inventory", str(samples / positions), "--port", port, *extra, "--tracks", "--out", str(out / folder)
        )
    run_nodes(out, first_port)
    for folder, _, command in CORRIDOR_JOBS:
        words = (str(out / word) if word.startswith(SERVICE) else word for word in command)
        sealane_command(*words, "--out", str(out / folder))
    say("\n=== What was worked out is kept by the nodes, and people may log in")
    password = secrets.token_urlsafe(9)
    for name, *_ in NODES:
        let_people_in(out / "nodes" / name, password)
    keep_results(out / "nodes" / NODES[0][0], [(out / job[0], job[1]) for job in (*JOBS, *CORRIDOR_JOBS)])
    secret = {"made_from": made_from(first_port), "password": password}
    descriptor = os.open(out / READY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(secret, file)


def run_nodes(out: Path, first_port: int) -> None:
    """Let three nodes share the port calls of the simulated week; their agreements stay in force."""
    command = [sys.executable, str(Path(__file__).with_name("demo_nodes.py")), "--out", str(out / "nodes")]
    command += ["--calls", str(out / JOBS[1][0]), "--first-port", str(first_port), "--keep-in-force"]
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)


def serve(out: Path, host: str, first_port: int) -> int:
    """Serve the three nodes until Ctrl-C or SIGTERM; returns after all have ended."""
    begun = time.monotonic()
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: stopped.append(number))
    environ = os.environ | QUICK | {"SEALANE_GUESTS": "true", "SEALANE_GUIDE": "true", "SEALANE_HOST": host}
    processes = []
    try:
        for name, *_ in NODES:
            with (out / "nodes" / f"{name}.log").open("a", encoding="utf-8") as log:
                command = [*SEALANE, "node", "serve", "--node", str(out / "nodes" / name)]
                # Of a group of its own: Ctrl-C at the terminal reaches this script, which then stops them in order.
                process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, start_new_session=True)
                processes.append(process)
        for place, (name, *_) in enumerate(NODES):
            url = f"http://127.0.0.1:{first_port + place}/ready"
            while not answers(url) and not stopped:
                if processes[place].poll() is not None or time.monotonic() - begun > READY_WITHIN_S:
                    say(f"The node of {name} does not serve; {out / 'nodes' / name}.log says why.")
                    return 1
                time.sleep(0.1)
        if not stopped:
            show_addresses(out, first_port, time.monotonic() - begun)
        while not stopped and all(process.poll() is None for process in processes):
            time.sleep(0.2)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
    say("\nThe three nodes have stopped.")
    return 0 if stopped else 1


def show_addresses(out: Path, first_port: int, seconds: float) -> None:
    """Say where the pages are and who may log in."""
    password = json.loads((out / READY).read_text(encoding="utf-8"))["password"]
    say(f"\nThe nodes serve ({seconds:.0f} s). Open the first one in a browser:\n")
    for place, (_, _, title, _) in enumerate(NODES):
        say(f"  http://127.0.0.1:{first_port + place}/   {title}")
    say("\nGuests see what is public. To see and do more, log in at each as one of")
    for login, role in LOGINS:
        say(f"  {login:<14} {role}")
    say(f"with the password  {password}\n\nCtrl-C stops the nodes; `make demo` starts them again.")


def check_ports(first_port: int) -> None:
    """Stop with words where a port is taken."""
    import socket

    for port in range(first_port, first_port + len(NODES)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                sys.exit(f"Port {port} cannot be had ({error.strerror}). Choose another: make demo PORT=8100")


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo-out"))
    parser.add_argument("--serve", choices=["0", "1", "auto"], default="auto", help="auto: only at a terminal")
    parser.add_argument("--host", default="127.0.0.1", help="address the nodes listen on")
    parser.add_argument("--http-port", type=int, default=8000, help="port of the first node; the others take the next")
    options = parser.parse_args()
    started = time.monotonic()
    out: Path = options.out
    check_ports(options.http_port)
    if is_made(out, options.http_port):
        say(f"The demo stands in {out}; remove that folder to make it anew.")
    else:
        if (out / "nodes").exists():
            shutil.rmtree(out / "nodes")
        make(out, options.http_port)
        say(f"\nMade in {time.monotonic() - started:.0f} s. Reports:")
        for folder, title, *_ in (*JOBS, *CORRIDOR_JOBS):
            say(f"  {out / folder / 'report.html'}   {title}")
    if options.serve == "1" or (options.serve == "auto" and sys.stdin.isatty() and sys.stdout.isatty()):
        return serve(out, options.host, options.http_port)
    say("\n`make demo SERVE=1` serves the pages.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
