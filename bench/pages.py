"""How soon pages show and answer in Chromium, and what they weigh: the demo's pages, each load with an empty cache.

    python bench/pages.py [--quick] [--demo FOLDER]

First contentful paint and the load event by the browser's own clock; interactions from the key press to what it opens;
weights as sent (gzip), scripts told apart from the rest. Server, browser and this script share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402  # after the path is set
from tests.browser.demo_world import World, free_ports, served_demo  # noqa: E402  # as above
from tests.browser.visits import log_in, visitor  # noqa: E402  # as above

OUT = ROOT / "build" / "bench-demo"
RESULT = ROOT / "bench" / "results" / "pages.json"
MAP_SCRIPT_KB, SCRIPT_KB, FIRST_VIEW_MS = 450, 150, 1000
PAGES = (
    "/",
    "/ports",
    "/ports/USLAX",
    "/corridors",
    "/corridors/la-lb-shanghai",
    "/corridors/la-lb-shanghai/scenarios",
    "/cargo",
    "/cargo/container/SIMU1000028",
    "/agreements",
    "/exchange",
    "/reports",
    "/data",
    "/alerts",
)
_TIMES = """() => {
  const first = performance.getEntriesByName('first-contentful-paint')[0];
  const page = performance.getEntriesByType('navigation')[0];
  const files = performance.getEntriesByType('resource');
  // A file that two ask for (the page and its worker) comes once: addresses carry a digest and are kept for a year.
  const once = [...new Map(files.map((one) => [one.name, one])).values()];
  const sum = (some) => some.reduce((total, one) => total + one.encodedBodySize, 0);
  const scripts = once.filter((one) => /\\.m?js(\\?|$)/.test(one.name));
  return { first_ms: first ? first.startTime : null, load_ms: page.loadEventEnd, server_ms: page.responseStart,
           script_bytes: sum(scripts), all_bytes: sum(once) + page.encodedBodySize,
           has_map: Boolean(document.querySelector('[data-map-src]')) };
}"""


def _open_figure(page: Page) -> None:
    page.locator("main a[data-figure]").first.press("Enter")
    page.wait_for_selector("#panel #derivation")


def _follow(selector: str) -> Callable[[Page], None]:
    """Press a link or a button that opens an address; the time until that page has loaded."""

    def act(page: Page) -> None:
        with page.expect_navigation(wait_until="load"):
            page.locator(selector).first.click()

    return act


def _swap(selector: str, part: str) -> Callable[[Page], None]:
    """Press what exchanges a part of the page; the time until the new part stands there."""

    def act(page: Page) -> None:
        page.evaluate("(part) => document.querySelector(part).setAttribute('data-old', '')", part)
        page.locator(selector).first.click()
        page.wait_for_selector(f"{part}:not([data-old])")

    return act


def _choose(selector: str, value: str) -> Callable[[Page], None]:
    """Choose from a list that opens the page anew."""

    def act(page: Page) -> None:
        with page.expect_navigation(wait_until="load"):
            page.locator(selector).first.select_option(value)

    return act


def _search(page: Page) -> None:
    page.locator("#q").fill("SIMU1000028")
    with page.expect_navigation(wait_until="load"):
        page.locator("#q").press("Enter")


def _wait_map(page: Page) -> None:
    page.wait_for_selector("[data-map=idle]")


def _move_time(page: Page) -> None:
    """Move the map's slider by ten steps; the time until the ships of that moment came and a frame was drawn."""
    with page.expect_response(lambda answer: "/ships?" in answer.url) as came:
        page.locator("[data-map-slider]").evaluate(
            "(one) => { one.value = '10'; one.dispatchEvent(new Event('input', { bubbles: true })); }"
        )
    came.value.finished()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _compare(page: Page) -> None:
    for box in page.locator("input[name=with]").all()[:2]:
        box.check()
    _follow("button:has-text('Compare')")(page)


LANE = "/corridors/la-lb-shanghai"
# (name, page, what is done). Uploads on the page of data are measured by uploads.py.
INTERACTIONS: tuple[tuple[str, str, Callable[[Page], None]], ...] = (
    ("overview: open a derivation", "/", _open_figure),
    ("overview: choose a day", "/", _follow("form.toolbar button")),
    ("overview: move the map's time", "/", _move_time),
    ("ports: open one", "/ports", _follow("main a[href^='/ports/']")),
    ("port: open a derivation", "/ports/USLAX", _open_figure),
    ("port: timeline as a table", "/ports/USLAX", _swap("#tl-as", "#timeline")),
    ("corridors: open one", "/corridors", _follow(f"main a[href^='{LANE}']")),
    ("corridor: open a derivation", LANE, _open_figure),
    ("corridor: another attribution rule", LANE, _follow("input[name=rule]:not([checked])")),
    ("scenarios: compare two", f"{LANE}/scenarios", _compare),
    ("cargo: find a container", "/cargo", _search),
    ("cargo: open a derivation", "/cargo/container/SIMU1000028", _open_figure),
    ("agreements: only one kind", "/agreements", _choose("select[name=kind]", "corridor")),
    ("exchange: entries of the log", "/exchange", _follow("a[href='/exchange/log']")),
    ("reports: only one kind", "/reports", _choose("select[name=kind]", "inventory")),
    ("alerts: only one kind", "/alerts", _choose("select[name=kind]", "negotiation-stalled")),
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three loads instead of eleven")
    parser.add_argument("--demo", type=Path, default=OUT, help="folder of the demo; made where it is missing")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.stdout.write("not proven: no Chromium is installed\n")
        return 0
    repeats = 3 if options.quick else 11
    with served(options.demo) as world, sync_playwright() as playwright:
        arguments = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        with visitor(browser, world.address) as made:
            state = log_in(made, "analyst", world.password)
        rows = [_page(browser, world, state, path, repeats) for path in PAGES]
        moves = [_interaction(browser, world, state, *one, repeats) for one in INTERACTIONS]
        browser.close()
    _print(rows, moves)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"pages": rows, "interactions": moves, "repeats": repeats}, indent=1) + "\n")
    return 0


@contextmanager
def served(folder: Path) -> Iterator[World]:
    """Serve the demo in a folder; a folder that was made before is only served."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    kept = folder.with_suffix(".port")
    first_port = int(kept.read_text()) if kept.is_file() else free_ports()
    kept.write_text(str(first_port))
    with served_demo(folder, first_port) as world:
        yield world


def _page(browser: Browser, world: World, state: Any, path: str, repeats: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    status = 0
    for _ in range(repeats):
        with visitor(browser, world.address, state=state) as made:
            status = made.visit(path)
            found.append(made.page.evaluate(_TIMES))
    firsts = sorted(one["first_ms"] for one in found if one["first_ms"] is not None)
    return {
        "page": path,
        "status": status,
        "first_ms_median": statistics.median(firsts) if firsts else None,
        "first_ms_p95": _p95(firsts),
        "load_ms_median": statistics.median(one["load_ms"] for one in found),
        "server_ms_median": statistics.median(one["server_ms"] for one in found),
        "script_kb": found[-1]["script_bytes"] / 1000,
        "all_kb": found[-1]["all_bytes"] / 1000,
        "has_map": found[-1]["has_map"],
    }


def _interaction(
    browser: Browser, world: World, state: Any, name: str, path: str, act: Callable[[Page], None], repeats: int
) -> dict[str, Any]:
    times = []
    for _ in range(repeats):
        with visitor(browser, world.address, state=state) as made:
            made.visit(path)
            if act is _move_time:
                _wait_map(made.page)
            begun = time.perf_counter()
            act(made.page)
            times.append((time.perf_counter() - begun) * 1000)
    return {"interaction": name, "page": path, "ms_median": statistics.median(times), "ms_p95": _p95(sorted(times))}


def _p95(values: list[float]) -> float | None:
    """The value that 95 % do not exceed; of few values the largest."""
    return values[min(len(values) - 1, int(0.95 * len(values)))] if values else None


def _print(rows: list[dict[str, Any]], moves: list[dict[str, Any]]) -> None:
    out = sys.stdout
    out.write(f"{'page':<40}{'first ms':>9}{'p95':>7}{'load':>7}{'server':>8}{'script kB':>11}{'all kB':>8}  targets\n")
    for row in rows:
        limit = MAP_SCRIPT_KB if row["has_map"] else SCRIPT_KB
        reached = row["script_kb"] <= limit and (row["first_ms_median"] or FIRST_VIEW_MS) < FIRST_VIEW_MS
        out.write(
            f"{row['page']:<40}{row['first_ms_median'] or 0:>9.0f}{row['first_ms_p95'] or 0:>7.0f}"
            f"{row['load_ms_median']:>7.0f}{row['server_ms_median']:>8.0f}{row['script_kb']:>11.1f}{row['all_kb']:>8.0f}"
            f"  {'reached' if reached and row['status'] == 200 else 'MISSED'}\n"
        )
    out.write(f"\n{'interaction':<40}{'median ms':>10}{'p95':>8}\n")
    for move in moves:
        out.write(f"{move['interaction']:<40}{move['ms_median']:>10.0f}{move['ms_p95'] or 0:>8.0f}\n")


if __name__ == "__main__":
    sys.exit(main())
