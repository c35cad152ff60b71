"""Agreements in a real browser, at two live nodes: propose, sign, share, retire, and then nothing flows any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.visits import WAYS, Visitor, visitor
from tests.ports import feed
from tests.web.accounts.people import Place
from tests.web.agreements.two_ports import TwoPorts

from sealane.exchange.sent_and_withheld import received_totals

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
VERSION = "/agreements/test-agreement/1"


@contextmanager
def window(browser: Browser, place: Place, login: str) -> Iterator[Visitor]:
    """Open a browser window of an agreement officer who has logged in."""
    entered = place.entered(login, "officer")
    with visitor(browser, place.origin, WAYS[0]) as made:
        cookies: list[Any] = [{"name": c.name, "value": c.value, "url": place.origin} for c in entered.http.cookies.jar]
        made.context.add_cookies(cookies)
        yield made
        assert made.faults == []


def confirmed(page: Page, step: str, reason: str | None = None) -> str:
    """Take a step from the version's page: read what is signed, confirm, go on. Returns the digest that was shown."""
    page.get_by_role("link", name=step).click()
    page.wait_for_url(re.compile("/confirm/"))
    digest = page.locator("#digest").inner_text()
    if reason is not None:
        page.get_by_label("Reason").fill(reason)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name=re.sub("…$", "", step), exact=True).click()
    page.wait_for_url(f"**{VERSION}")
    return digest


def received(ports: TwoPorts) -> int:
    node = ports.there.node
    with node.database.read() as connection:
        return sum(total.records for total in received_totals(connection, node.identity.participant))


def figure(page: Page, table: str, clause: str, name: str) -> str:
    return page.locator(f"table#{table} tr", has_text=clause).get_by_label(re.compile(f"^{name}")).inner_text()


@pytest.fixture
def both(ports: TwoPorts, browser: Browser) -> Iterator[tuple[Visitor, Visitor]]:
    """A window at each port."""
    with ExitStack() as stack:
        here = stack.enter_context(window(browser, ports.here, "olga"))
        there = stack.enter_context(window(browser, ports.there, "ryo"))
        yield here, there


def open_again(made: Visitor, path: str = VERSION) -> Page:
    assert made.visit(path) == 200
    return made.page


def test_propose_sign_share_retire(ports: TwoPorts, both: tuple[Visitor, Visitor]) -> None:
    here, there = both
    # Los Angeles pastes a document; it is kept as a draft, read in words, signed and sent.
    page = open_again(here, "/agreements")
    page.get_by_role("link", name="Propose an agreement").click()
    page.get_by_label("Text").fill(ports.text())
    page.get_by_role("button", name="Keep as a draft").click()
    page.wait_for_url(f"**{VERSION}")
    expect(page.get_by_text("draft, nobody has been told")).to_be_visible()
    expect(page.get_by_text("DEMONSTRATION", exact=True)).to_be_visible()
    words = page.locator("article.clause", has_text="port-of-los-angeles-calls").locator(".said-in-words")
    expect(words).to_have_text(
        "Port of Los Angeles lets Port of Nagoya have single records of port calls as soon as it learns them, "
        "for supply chain visibility."
    )
    digest = confirmed(page, "Sign and propose…")
    ports.told()
    # Nagoya finds it among what is to be done, and signs the same bytes.
    page = open_again(there, "/agreements")
    page.get_by_role("region", name="To be done").get_by_role("link", name="An agreement for tests").click()
    assert confirmed(page, "Sign…") == digest
    expect(page.get_by_text("signed, verified now")).to_have_count(2)
    ports.told()
    # Records flow without anybody's hand, and both pages show the same numbers.
    feed(ports.here.node, range(5))
    ports.settle(12)
    assert received(ports) == 5
    page = open_again(here)
    assert figure(page, "sent", "port-of-los-angeles-calls", "Delivered") == "5"
    page = open_again(there)
    assert figure(page, "received", "port-of-los-angeles-calls", "Records held").startswith("5")
    # The number opens its derivation beside the page.
    page.locator("table#received tr", has_text="port-of-los-angeles-calls").get_by_label(re.compile("^Records")).click()
    expect(page.locator("#panel")).to_contain_text("records received")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    # Nagoya ends it, alone and at once.
    confirmed(page, "Retire…", "The trial is over")
    expect(page.locator(".banner.bad")).to_contain_text("The trial is over")
    ports.told()
    page = open_again(here)
    expect(page.locator(".banner.bad")).to_contain_text("The trial is over")
    expect(page.locator("table#sent")).to_contain_text("closed")
    feed(ports.here.node, range(5, 9))
    ports.settle(8)
    assert received(ports) == 5
    page = open_again(here)
    assert figure(page, "sent", "port-of-los-angeles-calls", "Delivered") == "5"
    assert page.get_by_role("link", name="Retire…").count() == 0


def test_faults_are_shown_where_the_document_is_pasted(ports: TwoPorts, browser: Browser) -> None:
    with window(browser, ports.here, "olga") as made:
        page = open_again(made, "/agreement-proposal")
        page.get_by_label("Text").fill(ports.text(valid_until="yesterday", kind="friends"))
        made.faults.clear()
        page.get_by_role("button", name="Keep as a draft").click()
        expect(page.get_by_role("alert")).to_contain_text("valid_until")
        expect(page.get_by_role("alert")).to_contain_text("kind")
        # The browser itself notes the refused request; nothing else may be there.
        assert [fault for fault in made.faults if "400" not in fault] == []
        made.faults.clear()


def test_pages_fit_and_are_accessible(ports: TwoPorts, browser: Browser) -> None:
    """On the narrowest screen; the tests of the whole demo look at every page in every way."""
    way = WAYS[1]
    officer = ports.here.entered("olga", "officer")
    answer = officer.call("POST", "/api/v1/agreements", {"text": ports.text()})
    assert answer.status_code == 201
    cookies: list[Any] = [
        {"name": c.name, "value": c.value, "url": ports.here.origin} for c in officer.http.cookies.jar
    ]
    paths = (
        "/agreements",
        "/agreement-areas",
        "/agreement-parties",
        "/agreements/public/nagoya-mou-2023",
        VERSION,
        f"{VERSION}/confirm/propose",
        "/agreement-proposal?template=green-corridor&q0=x",
        "/agreement-flows",
        "/agreement-activities",
        "/explain/sharing",
        "/cargo?q=nothing",
    )
    faults: list[str] = []
    with visitor(browser, ports.here.origin, way) as made:
        made.context.add_cookies(cookies)
        for path in paths:
            assert made.visit(path) == 200
            width = made.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            faults += [f"{path}: {width} px too wide"] if width > 0 else []
            faults += [f"{path}: {found}" for found in made.axe()]
        faults += made.faults
    assert faults == []
