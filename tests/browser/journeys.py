"""What people do from end to end, in a real browser against the demo's node of Los Angeles."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Dialog

from tests.browser.visits import Visitor

REAL_HOUR = Path(str(files("sealane.samples"))) / "data" / "ny_harbor_2020_06_30_first_hour.csv.gz"
LONG_WORK_MS = 300_000


def import_to_report(made: Visitor) -> bytes:
    """Upload positions, look at the preview, apply; port, derivation, call, report; undo. Returns the report as PDF."""
    page = made.page
    page.on("dialog", Dialog.accept)
    made.visit("/data")
    page.select_option("select[name=kind]", "positions")
    page.fill("input[name='options.port']", "USNYC")
    page.set_input_files("input[type=file]", REAL_HOUR)
    page.get_by_role("button", name="Upload and check").click()
    apply = page.get_by_role("button", name="Apply: work out the inventory")
    apply.wait_for(timeout=LONG_WORK_MS)
    made.settle()
    rows = page.locator("dl.headlines .value").first.inner_text()
    assert int(rows.replace(",", "")) > 1000, rows
    assert not made.axe()
    address = page.url
    apply.click()
    see = page.get_by_role("link", name="See the port")
    see.wait_for(timeout=LONG_WORK_MS)
    see.click()
    page.wait_for_url("**/ports/USNYC?result=*")
    made.settle()
    result = page.url.partition("result=")[2][:36]
    assert "SIMULATED" not in page.locator("main h1").inner_text()
    _open_derivation(made)
    call = page.locator(f"a[href*='/calls/{result}/']").first
    call.click()
    page.wait_for_url(f"**/calls/{result}/*")
    made.settle()
    _open_derivation(made)
    made.visit("/reports")
    link = page.locator(f"a[href*='{result}'][href*='pdf']").first
    answer = made.context.request.get(made.address + str(link.get_attribute("href")))
    assert answer.status == 200 and answer.headers["content-type"] == "application/pdf"
    page.goto(address)
    made.settle()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("() => document.querySelector('main h1').innerText.toLowerCase().includes('undone')")
    made.visit("/reports")
    assert page.locator(f"a[href*='{result}']").count() == 0, "what was undone is still offered"
    return answer.body()


def _open_derivation(made: Visitor) -> None:
    """Open the first figure that has one, and find its inputs or parts in the panel."""
    page = made.page
    figure = page.locator("main a[data-figure]:not(.missing)").first
    shown = figure.locator(".value").inner_text()
    figure.click()
    page.wait_for_selector("#panel #derivation")
    assert page.locator("#panel .result .value").first.inner_text() == shown
    assert page.locator("#panel table.data tbody tr, #panel dl.pairs, #panel pre.equation").count() > 0
    page.keyboard.press("Escape")


def compare_scenarios(made: Visitor) -> None:
    """Choose the kept scenario and the plan, and see them side by side with the assumptions that differ."""
    page = made.page
    made.visit("/corridors/la-lb-shanghai/scenarios")
    boxes = page.locator("input[name=with]")
    assert boxes.count() >= 2
    for place in range(2):
        boxes.nth(place).check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/comparison?*")
    made.settle()
    assert page.locator("main table.data").count() > 0
    assert page.locator("main a[data-figure]").count() > 10
    _open_derivation(made)
