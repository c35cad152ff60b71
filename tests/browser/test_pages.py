"""Every page of the demo in a real browser: wide and narrow, light and dark, English and Japanese, for every role."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from sealane.web.accounts.roles import Role, access_table
from tests.browser.demo_world import World
from tests.browser.journeys import compare_scenarios, import_to_report
from tests.browser.visits import (
    WAYS,
    Visitor,
    Way,
    clear_pictures,
    log_in,
    page_routes,
    picture_name,
    route_of,
    visitor,
)

# Addresses that are looked at elsewhere, or that end what the others need.
# The heat map's derivation is reached from the map, where tests/browser/test_map.py opens it. The demo has one period
# of each port; the change between two is opened in tests/web/overview.
NOT_CRAWLED = (
    "/explain/heat/",
    "/explain/change",
    "/logout",
    "/preferences",
    "/login/oidc",
    "/openapi.json",
    "/health",
    "/ready",
    "/metrics",
)
MAX_SHIFT = 0.1  # "good" by the Core Web Vitals
FIGURES_ASKED = 250


@dataclass(frozen=True)
class Crawl:
    """What a walk through all links found: an address of each page with who found it, and every figure's derivation."""

    addresses: dict[str, tuple[str, str]]
    figures: dict[str, str]
    state: Any


@pytest.fixture(scope="module")
def states(browser: Browser, world: World) -> dict[str, Any]:
    """What a browser holds after each role has logged in."""
    clear_pictures()
    found: dict[str, Any] = {"guest": None}
    for role in ("analyst", "steward", "officer", "administrator"):
        with visitor(browser, world.address) as made:
            found[role] = log_in(made, role, world.password)
    return found


@pytest.fixture(scope="module")
def imported(browser: Browser, world: World, states: dict[str, Any]) -> tuple[bytes, list[str]]:
    """The journey from an import to its report and back; what it leaves behind is looked at by the other tests."""
    with visitor(browser, world.address, state=states["steward"]) as made:
        return import_to_report(made), made.faults


@pytest.fixture(scope="module")
def checked(browser: Browser, world: World, states: dict[str, Any]) -> str:
    """The node's log verified on the page; returns the address of what was found."""
    with visitor(browser, world.address, state=states["officer"]) as made:
        made.visit("/exchange")
        made.page.get_by_role("button", name="Verify the log").click()
        made.page.wait_for_url("**/exchange/checks/*")
        return urlsplit(made.page.url).path


@pytest.fixture(scope="module")
def crawl(
    browser: Browser, world: World, states: dict[str, Any], imported: tuple[bytes, list[str]], checked: str
) -> Crawl:
    """Follow the links of every kind of page once, as administrator and as agreement officer."""
    routes = page_routes()
    addresses: dict[str, tuple[str, str]] = {}
    figures: dict[str, str] = {}
    for role in ("administrator", "officer"):
        with visitor(browser, world.address, state=states[role]) as made:
            waiting = ["/", checked, *sorted(route for route in routes if "{" not in route)]
            seen: set[str] = set()
            while waiting:
                path = waiting.pop(0)
                route = route_of(path, routes)
                if route is None or path.startswith(NOT_CRAWLED) or route in seen:
                    continue
                if made.visit(path, still=False) >= 400:
                    continue
                seen.add(route)
                addresses.setdefault(route, (path, role))
                links = made.page.eval_on_selector_all(
                    "a[href]", "all => all.map(a => [a.getAttribute('href'), 'figure' in a.dataset])"
                )
                for target, is_figure in links:
                    if not target.startswith("/") or target.startswith("//"):
                        continue
                    if is_figure:
                        figures.setdefault(target, path)
                    waiting.append(target)
    return Crawl(addresses, figures, states["administrator"])


def test_every_page_was_met(crawl: Crawl) -> None:
    left_out = [route for route in page_routes() if route not in crawl.addresses and not route.startswith(NOT_CRAWLED)]
    assert not left_out, f"no link of the demo leads to {left_out}"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_pages_are_sound(browser: Browser, world: World, crawl: Crawl, states: dict[str, Any], way: Way) -> None:
    faults: list[str] = []
    for role in sorted({role for _, role in crawl.addresses.values()}):
        with visitor(browser, world.address, way, states[role]) as made:
            _choose_language(made, way.language)
            for route, path in sorted((route, path) for route, (path, who) in crawl.addresses.items() if who == role):
                status = made.visit(path)
                faults += [f"{route}: {fault}" for fault in _faults_of(made, status, way)]
                made.look(f"{picture_name(route)}-{way.name}")
            faults += made.faults
    assert not faults, "\n".join(faults)


def _choose_language(made: Visitor, language: str) -> None:
    made.page.goto(f"{made.address}/preferences?language={language}&back=/")
    made.settle()


def _faults_of(made: Visitor, status: int, way: Way) -> Iterator[str]:
    page = made.page
    if status != 200:
        yield f"answers {status}"
    if page.locator("html").get_attribute("lang") != way.language:
        yield "is in another language"
    if page.locator("h1, #derivation h2").count() == 0:
        yield "has no heading"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 1:
        yield f"is {wide} px wider than the window"
    shift = page.evaluate("window.__shift")
    if shift > MAX_SHIFT:
        yield f"jumps while it loads ({shift:.2f})"
    yield from made.axe()


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_what_the_table_lets_it(
    browser: Browser, world: World, crawl: Crawl, states: dict[str, Any], role: Role
) -> None:
    faults: list[str] = []
    with visitor(browser, world.address, state=states[role.value]) as made:
        for route, (path, _) in sorted(crawl.addresses.items()):
            may = access_table()["GET", route].lets_in(role, guests=True)
            status = made.visit(path, still=False)
            here = urlsplit(made.page.url).path
            # What is somebody else's, or not public, is simply not there; only a refusal speaks of the role.
            refused = status in {401, 403} or (here == "/login" and not route.startswith("/login"))
            if refused == may:
                faults.append(f"{path}: {'refused' if refused else 'shown'} to {role}")
        made.faults = [fault for fault in made.faults if "the server responded with a status of 40" not in fault]
        faults += made.faults
    assert not faults, "\n".join(faults)


def test_every_figure_opens_its_derivation(world: World, crawl: Crawl) -> None:
    """Each answers, says the very figure that was asked, and its parts add up to it."""
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in crawl.state["cookies"])
    waiting, asked, faults = list(crawl.figures), set(), []
    assert len(waiting) > 30
    while waiting and len(asked) < FIGURES_ASKED:
        path = waiting.pop(0)
        if path in asked:
            continue
        asked.add(path)
        try:
            found = _json(world.address + "/api/v1" + path, cookies)
        except urllib.error.HTTPError as error:
            faults.append(f"{path} on {crawl.figures.get(path, 'a derivation')}: {error.code}")
            continue
        parts = [part["figure"]["value"] for part in found["parts"]]
        whole = found["figure"]["value"]
        if parts and None not in parts and whole is not None and found["part_dimension"]:
            total = sum(parts)
            if abs(total - whole) > 1e-12 * max(1.0, abs(whole)):
                faults.append(f"{path}: parts give {total!r}, the figure is {whole!r}")
        if not (found["equation"] or found["parts"] or found["inputs"] or found["filters"]):
            faults.append(f"{path}: explains nothing")
        waiting += [part["figure"]["explain"] for part in found["parts"][:2]]
    assert not faults, "\n".join(faults)


def _json(url: str, cookies: str) -> Any:
    request = urllib.request.Request(url, headers={"Cookie": cookies, "Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:  # our own node on loopback
        return json.load(answer)


def test_a_figure_opens_in_the_panel_by_keyboard_and_closes(browser: Browser, world: World, crawl: Crawl) -> None:
    with visitor(browser, world.address, state=crawl.state) as made:
        made.visit("/")
        figure = made.page.locator("main a[data-figure]").first
        figure.focus()
        text = figure.inner_text()
        made.page.keyboard.press("Enter")
        made.page.wait_for_selector("#panel #derivation")
        assert made.page.locator("#panel .result .value").first.inner_text() in text
        assert urlsplit(made.page.url).path == "/", "the page itself must stay"
        made.page.keyboard.press("Escape")
        assert made.page.locator("#panel").is_hidden()
        assert made.page.evaluate("document.activeElement.dataset.figure !== undefined"), "the focus must come back"
        assert not made.faults


def test_units_and_language_are_kept(browser: Browser, world: World, crawl: Crawl) -> None:
    with visitor(browser, world.address, state=crawl.state) as made:
        made.visit("/")
        made.page.locator("[data-views] summary").click()
        made.page.select_option("select[name=units]", "us-km")
        made.settle()
        assert "short ton" in made.page.locator(".headlines").inner_text()
        made.page.locator("[data-views] summary").click()
        made.page.select_option("select[name=language]", "ja")
        made.settle()
        assert made.page.locator("html").get_attribute("lang") == "ja"
        assert made.page.locator("html").get_attribute("data-theme") is None
        made.page.locator("[data-views] summary").click()
        made.page.select_option("select[name=theme]", "dark")
        made.settle()
        assert made.page.locator("html").get_attribute("data-theme") == "dark"


def test_the_guards_notice(browser: Browser, world: World, crawl: Crawl) -> None:
    """Control: a picture without words, a request to elsewhere and an error in the console are faults."""
    with visitor(browser, world.address, state=crawl.state) as made:
        made.visit("/")
        assert not made.faults and not made.axe()
        made.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
        assert any("image-alt" in fault for fault in made.axe())
        made.page.evaluate("fetch('https://example.org/').catch(() => console.error('broken'))")
        made.page.wait_for_timeout(500)
        assert any("example.org" in fault for fault in made.faults)
        assert any("broken" in fault for fault in made.faults)


def test_journey_from_import_to_report_and_back(imported: tuple[bytes, list[str]]) -> None:
    pdf, faults = imported
    assert pdf.startswith(b"%PDF")
    assert not faults, "\n".join(faults)


def test_journey_of_comparing_scenarios(browser: Browser, world: World, states: dict[str, Any]) -> None:
    with visitor(browser, world.address, state=states["analyst"]) as made:
        compare_scenarios(made)
        assert not made.faults, "\n".join(made.faults)
