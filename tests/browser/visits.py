"""Visits pages as a person would, and notes everything that is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route

from sealane.web.accounts.roles import access_table
from tests.browser.demo_world import ROOT

AXE = ROOT / "build" / "test-assets" / "axe.min.js"
PICTURES = ROOT / "build" / "screenshots"
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SHIFTS = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True)
class Way:
    """How a page is looked at."""

    name: str
    phone: bool
    dark: bool
    language: str


# Each pair of width, colours and language is met.
WAYS = (
    Way("desk-light-en", False, False, "en"),
    Way("phone-dark-en", True, True, "en"),
    Way("desk-dark-ja", False, True, "ja"),
    Way("phone-light-ja", True, False, "ja"),
)


@dataclass
class Visitor:
    """A browser window of one person, and what went wrong in it."""

    context: BrowserContext
    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    def visit(self, path: str, still: bool = True) -> int:
        """Open a page and wait until it is still, or only until it can be read; return its status."""
        answer = self.page.goto(self.address + path, wait_until="load" if still else "domcontentloaded")
        if still:
            self.settle()
        assert answer is not None
        return answer.status

    def settle(self) -> None:
        """Wait until the page is loaded and what draws itself has drawn."""
        self.page.wait_for_load_state("load")
        if self.page.locator("[data-map-src]").count():
            self.page.wait_for_selector("html[data-map=idle], [data-map=idle], [data-map=none]", timeout=60_000)
        if self.page.locator("[data-chart]:visible").count():
            self.page.wait_for_selector("html[data-charts=drawn]", timeout=20_000)

    def axe(self) -> list[str]:
        """Return what axe-core finds against WCAG 2.2 AA and good practice."""
        # Through the debugger's protocol: the page's own policy forbids scripts from elsewhere, and stays in force.
        self.page.evaluate(AXE.read_text("utf-8"))
        options = {"runOnly": {"type": "tag", "values": WCAG}}
        found: dict[str, Any] = self.page.evaluate("(options) => axe.run(document, options)", options)
        return [
            f"{one['id']}: {one['help']} at {', '.join(str(node['target'][0]) for node in one['nodes'][:3])}"
            for one in found["violations"]
        ]

    def look(self, name: str) -> None:
        """Keep a picture of the page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")


@contextmanager
def visitor(browser: Browser, address: str, way: Way = WAYS[0], state: Any = None) -> Iterator[Visitor]:
    """Open a window that reaches this machine only; every other request is noted as a fault and not let out."""
    context = browser.new_context(
        viewport=PHONE if way.phone else DESK,
        color_scheme="dark" if way.dark else "light",
        locale={"en": "en-GB", "ja": "ja-JP"}[way.language],
        is_mobile=way.phone,
        has_touch=way.phone,
        reduced_motion="reduce",
        storage_state=state,
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    made = Visitor(context, page, address)

    def guard(route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1" or route.request.url.startswith(("data:", "blob:")):
            route.continue_()
        else:
            made.faults.append(f"{page.url}: asks {route.request.url}")
            route.abort()

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            made.faults.append(f"{page.url}: console {message.type}: {message.text[:300]}")

    context.route("**/*", guard)
    page.on("console", heard)
    page.on("pageerror", lambda error: made.faults.append(f"{page.url}: {error}"))
    page.add_init_script(_SHIFTS)
    try:
        yield made
    finally:
        context.close()


def log_in(made: Visitor, login: str, password: str) -> Any:
    """Log in as a person does; return what the browser then holds."""
    made.visit("/login")
    made.page.fill("input[name=login]", login)
    made.page.fill("input[name=password]", password)
    made.page.click("main button[type=submit], main form button")
    made.page.wait_for_url(lambda url: "/login" not in url)
    made.settle()
    return made.context.storage_state()


def page_routes() -> list[str]:
    """Return the declared path of every page: what a person may GET that is neither interface nor file."""
    not_pages = (
        "/api/",
        "/static/",
        "/dsp",
        "/dcsa",
        "/open/",
        "/.well-known",
        "/sealane/",
        "/agreements/v",
        "/ledger",
    )
    people = {"guest", "analyst", "steward", "officer", "administrator"}
    return [
        path
        for (method, path), access in access_table().items()
        if method == "GET" and not path.startswith(not_pages) and (access.allowed & people or access.if_guests)
        if "partner" not in access.allowed or path == "/"
    ]


def route_of(path: str, routes: list[str]) -> str | None:
    """Return the declared path an address belongs to; the one with the fewest parameters where several fit."""
    bare = urlsplit(path).path
    fits = [route for route in routes if re.fullmatch(_pattern(route), bare)]
    return min(fits, key=lambda route: route.count("{"), default=None)


def _pattern(route: str) -> str:
    parts = re.split(r"(\{[^}]+\})", route)
    return "".join(
        (".+" if ":path" in part else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )


def picture_name(route: str) -> str:
    """Return a file name for a page."""
    return re.sub(r"[^a-z0-9]+", "-", route.lower()).strip("-") or "overview"


def clear_pictures() -> None:
    """Remove pictures of an earlier run."""
    for path in Path(PICTURES).glob("*.png"):
        path.unlink()
