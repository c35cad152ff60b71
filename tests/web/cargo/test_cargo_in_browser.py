"""Cargo in a real browser: find, follow, read where a milestone comes from; pages that fit and everybody can use."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.visits import WAYS, visitor
from tests.web.agreements.two_ports import TwoPorts
from tests.web.cargo.sample_world import CONTAINER

pytestmark = pytest.mark.parametrize("cargo_ports", ["sqlite"], indirect=True)


@pytest.mark.parametrize("way", WAYS[::3], ids=lambda way: way.name)
def test_find_follow_and_read(cargo_ports: TwoPorts, browser: Browser, way: Any) -> None:
    place = cargo_ports.here
    login = f"ann-{way.name}"
    person = place.entered(login, "analyst")
    cookies: list[Any] = [{"name": c.name, "value": c.value, "url": place.origin} for c in person.http.cookies.jar]
    faults: list[str] = []

    with visitor(browser, place.origin, way) as made:
        made.context.add_cookies(cookies)
        page = made.page

        def look() -> None:
            made.settle()
            width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            faults.extend([f"{page.url}: {width} px too wide"] if width > 0 else [])
            faults.extend(f"{page.url}: {found}" for found in made.axe())

        assert made.visit("/cargo") == 200
        page.locator("#q").fill("simu 1000028")
        page.locator("#q").press("Enter")
        look()
        page.get_by_role("link", name=CONTAINER).click()
        look()
        expect(page.locator(".journey .stop")).to_have_count(
            len(person.call("GET", f"/api/v1/cargo/container/{CONTAINER}").json()["milestones"])
        )
        expect(page.locator(".conflict .statement")).to_have_count(2)
        page.locator('form[data-api^="POST /api/v1/cargo-follows"] button').click()
        page.locator('form[data-api^="DELETE"] button').wait_for()
        page.locator(".journey .stop.partner a[href^='/explain/milestone']").first.click()
        look()
        expect(page.locator("pre.document")).to_contain_text("JPNGO")
        assert made.visit("/cargo") == 200
        expect(page.get_by_role("link", name=CONTAINER)).to_be_visible()
        page.locator('form[data-api^="DELETE"] button').click()
        expect(page.get_by_role("link", name=CONTAINER)).to_have_count(0)
        faults += made.faults
    assert faults == []
