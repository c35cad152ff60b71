"""The map in a real browser: drawn, worked by mouse and keyboard, read without it, quiet in every colour and width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.samples import __file__ as samples
from sealane.web.app import create_web_app
from sealane.web.results import Result, keep_result
from sealane.web.tiles import kept
from tests.browser.visits import WAYS, Visitor, Way, visitor
from tests.live_nodes import free_socket, serving
from tests.nodes import make_node

HOUR = Path(samples).parent / "data" / "ny_harbor_2020_06_30_first_hour.csv.gz"
HARBOUR = "/#view=10.5/40.63/-74.05"
MOVED = "document.querySelector('[data-map-moment]').textContent"

MIDDLE_OF_A_CELL = """() => {
  const { map } = document.querySelector("[data-map-src]");
  map.getCanvas().scrollIntoView({ block: "center" });
  const box = map.getCanvas().getBoundingClientRect();
  const [corners] = map.queryRenderedFeatures({ layers: ["heat-0"] })[0].geometry.coordinates;
  const middle = map.project([(corners[0][0] + corners[2][0]) / 2, (corners[0][1] + corners[2][1]) / 2]);
  return [middle.x + box.x, middle.y + box.y];
}"""


@dataclass(frozen=True)
class Harbour:
    """A node with a real hour of New York that guests may see."""

    address: str
    result: Result


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    folder = tmp_path_factory.mktemp("harbour")
    run_inventory(InventoryRequest((HOUR,), "USNYC", folder / "out", threads=1, keep_tracks=True))
    listening = free_socket()
    port = listening.getsockname()[1]
    with make_node(folder / "node", port=port, origin=f"http://127.0.0.1:{port}", guests=True) as node:
        result = keep_result(node, folder / "out", public=True)
        kept.track_layer(node, result, 300)
        kept.warm_up()
        with serving(create_web_app(node), listening):
            yield Harbour(node.settings.origin, result)


def drawn(page: Page, layer: str) -> int:
    """Features of a layer that stand on the screen."""
    code = "name => document.querySelector('[data-map-src]').map.queryRenderedFeatures({layers: [name]}).length"
    return int(page.evaluate(code, layer))


def idle(window: Visitor) -> None:
    window.page.wait_for_timeout(300)  # a change is not a frame yet
    window.settle()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_map_is_drawn_and_quiet(browser: Browser, harbour: Harbour, way: Way) -> None:
    with visitor(browser, harbour.address, way) as window:
        assert window.visit(HARBOUR) == 200
        assert drawn(window.page, "ships") > 5
        assert drawn(window.page, "tracks-0") > 0
        assert drawn(window.page, "port-names") > 0
        window.look(f"map-{way.name}")
        assert window.axe() == []
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert window.faults == []


def test_the_time_moves_by_keyboard_and_ships_with_it(browser: Browser, harbour: Harbour) -> None:
    with visitor(browser, harbour.address) as window:
        window.visit(HARBOUR)
        page = window.page
        before, ships = page.evaluate(MOVED), drawn(page, "ships")
        page.locator("[data-map-slider]").focus()
        for _ in range(5):
            page.keyboard.press("ArrowLeft")
        idle(window)
        assert page.evaluate(MOVED) != before
        assert page.locator("[data-map-slider]").get_attribute("aria-valuetext") == page.evaluate(MOVED)
        assert drawn(page, "ships") != ships or ships > 0
        page.locator("[data-map-play]").focus()
        page.keyboard.press("Enter")
        assert page.locator("[data-map-play]").get_attribute("aria-pressed") == "true"
        page.keyboard.press("Enter")
        assert page.locator("[data-map-play]").get_attribute("aria-pressed") == "false"
        assert window.faults == []


def test_layers_are_switched_and_the_legend_tells_the_classes(browser: Browser, harbour: Harbour) -> None:
    with visitor(browser, harbour.address) as window:
        window.visit(HARBOUR)
        page = window.page
        assert drawn(page, "heat-0") == 0
        page.locator("[data-map-layer=heat] input").check()
        page.locator("[data-map-layer=ships] input").uncheck()
        idle(window)
        assert drawn(page, "heat-0") > 3
        assert drawn(page, "ships") == 0
        assert page.locator("[data-map-classes] li").count() >= 2
        nox = page.locator("[data-map-classes]").inner_text()
        page.locator("[data-map-pollutant]").select_option("co2")
        idle(window)
        assert page.locator("[data-map-classes]").inner_text() != nox
        assert drawn(page, "heat-0") > 3
        assert window.faults == []


def test_a_click_tells_facts_and_a_cell_leads_to_its_derivation(browser: Browser, harbour: Harbour) -> None:
    with visitor(browser, harbour.address) as window:
        window.visit(HARBOUR)
        page = window.page
        page.locator("[data-map-layer=heat] input").check()
        idle(window)
        place = page.evaluate(MIDDLE_OF_A_CELL)
        page.mouse.click(*place)
        popup = page.locator(".maplibregl-popup")
        popup.wait_for()
        assert "kg" in popup.inner_text()
        target = popup.locator("a[href^='/explain/heat/']").first.get_attribute("href")
        assert target is not None
        assert page.request.get(harbour.address + "/api/v1" + target).status == 200
        assert window.faults == []


def test_the_table_says_the_same_without_a_map(browser: Browser, harbour: Harbour) -> None:
    with visitor(browser, harbour.address) as window:
        window.visit("/")
        path = window.page.locator("[data-map-table]").get_attribute("href")
        assert path is not None
        assert window.visit(path) == 200
        assert window.page.locator("table.data tbody tr").count() > 10
        assert window.axe() == []
        ships = window.page.locator(f"a[href^='/results/{harbour.result.id}/ships']").first.get_attribute("href")
        assert ships is not None
        assert window.visit(ships) == 200
        assert window.page.locator("table.data tbody tr").count() > 5
        assert window.axe() == []
        assert window.faults == []
