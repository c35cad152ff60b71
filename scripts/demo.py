"""Run the main job on shipped data, three nodes that share its port calls, and a corridor; serve the reports if asked.

Two inputs side by side: a real hour of New York Harbor, and a simulated week of Los Angeles, labelled so. The nodes of
Los Angeles, Yokohama and Nagoya then run demonstration agreements. Last, a lane from simulated port calls, and the
reference scenario of the corridor it belongs to with its least-cost plan.
"""

from __future__ import annotations

import argparse
import functools
import html
import subprocess
import sys
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sealane.cli.main import run
from sealane.samples.los_angeles_week import LABEL

# (folder, title, what stands in the samples folder, port)
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


def sealane(*arguments: str) -> None:
    """Print and run one command line; stop at an error."""
    sys.stdout.write(f"\n$ sealane {' '.join(arguments)}\n")
    sys.stdout.flush()
    code = run(arguments)
    if code:
        sys.exit(code)


def index_page(folders: list[tuple[str, str]]) -> str:
    """Return a page that leads to the reports."""
    items = "\n".join(
        f'<li><a href="{html.escape(folder)}/report.html">{html.escape(title)}</a>, '
        f'<a href="{html.escape(folder)}/report.xlsx">as a workbook</a></li>'
        for folder, title in folders
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Sealane: demo</title>\n'
        "<style>:root { color-scheme: light dark } body { font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem;"
        " margin: 2rem auto; padding: 0 1rem }</style>\n</head>\n<body>\n<h1>Sealane: reports</h1>\n"
        "<p>An inventory from real and from simulated positions, then a corridor. Each says what to know before a"
        f" figure is trusted.</p>\n<ul>\n{items}\n</ul>\n</body>\n</html>\n"
    )


def serve(folder: Path, host: str, port: int) -> None:
    """Serve a folder until Ctrl-C."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        sys.exit(f"Cannot serve on {host}:{port} ({error.strerror}). Choose another port: make demo PORT=8001")
    with server:
        sys.stdout.write(f"\nServing on http://{host}:{server.server_port}/ until Ctrl-C\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


def run_nodes(out: Path) -> None:
    """Let three nodes share the port calls of the simulated week."""
    nodes = [sys.executable, str(Path(__file__).with_name("demo_nodes.py"))]
    sys.stdout.flush()
    code = subprocess.run(
        [*nodes, "--out", str(out / "nodes"), "--calls", str(out / JOBS[1][0])], check=False
    ).returncode
    if code:
        sys.exit(code)


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo-out"))
    parser.add_argument("--serve", choices=["0", "1", "auto"], default="auto", help="auto: only at a terminal")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http-port", type=int, default=8000)
    options = parser.parse_args()
    started = time.monotonic()
    out: Path = options.out
    samples = out / "samples"
    sealane("sample", str(samples), "--simulated-week", "--simulated-service")
    for folder, _, positions, vessels, port in JOBS:
        extra = ("--vessels", str(samples / vessels)) if vessels else ()
        sealane("inventory", str(samples / positions), "--port", port, *extra, "--out", str(out / folder))
    run_nodes(out)
    for folder, _, command in CORRIDOR_JOBS:
        sealane(
            *(str(out / word) if word.startswith(SERVICE) else word for word in command), "--out", str(out / folder)
        )
    (out / "index.html").write_text(index_page([(job[0], job[1]) for job in (*JOBS, *CORRIDOR_JOBS)]), encoding="utf-8")
    sys.stdout.write(f"\nDone in {time.monotonic() - started:.0f} s. Reports:\n")
    for folder, title, *_ in (*JOBS, *CORRIDOR_JOBS):
        sys.stdout.write(f"  {out / folder / 'report.html'}   {title}\n")
    if options.serve == "1" or (options.serve == "auto" and sys.stdin.isatty() and sys.stdout.isatty()):
        serve(out, options.host, options.http_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
