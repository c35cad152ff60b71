"""No number of a page stands bare: each opens its derivation, or is of a declared kind that is no figure.

`tests/browser` follows the figures there are; this is the other way round, over pages of a node that holds a port's
week, an hour of another port, a corridor with study, scenario and plan, agreements with a partner, cargo and an upload.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from tests.browser.visits import page_routes, route_of
from tests.web.accounts.people import Browser, Place, make_person
from tests.web.bare_numbers import PLACES, WORDS, read_page, what_is_bare
from tests.web.cargo.sample_world import CONTAINER, sample_world
from tests.web.corridor.corridor_world import figures, make_results
from tests.web.imports.uploading import checked

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.samples import __file__ as samples
from sealane.samples.los_angeles_week import simulate_week, write_simulated
from sealane.web.results import keep_result
from sealane.web.tiles import kept as map_files

HOUR = Path(samples).parent / "data" / "ny_harbor_2020_06_30_first_hour.csv.gz"
CORRIDOR = "/corridors/la-lb-shanghai"
ROLES = ("analyst", "steward", "officer", "administrator")
# Addresses that no link of a page leads to, or that show more than the one a link leads to.
MORE = (
    f"{CORRIDOR}/comparison?with=shipped:la-lb-shanghai&with=shipped:singapore-la-lb",
    f"{CORRIDOR}/voyages?direction=a_to_b",
    f"{CORRIDOR}/map",
    "/ports/USLAX?stays=table&scope=all",
    "/ports/USNYC",
    f"/cargo/container/{CONTAINER}",
    "/overview/map",
    "/agreement-areas",
)
# A derivation is what a figure opens; the others are no pages to read.
LEFT_OUT = (
    "/explain", "/logout", "/preferences", "/login", "/openapi.json", "/health", "/ready", "/metrics",
)  # fmt: skip
# Pages narrowed down: their figures open derivations narrowed down the same way.
NARROWED = (
    "/agreements?area=cultural_exchange",
    f"/agreements?partner={quote('Port of Nagoya')}",
    "/agreements?kind=sister",
    f"{CORRIDOR}?rule=direct",
    f"{CORRIDOR}/voyages?direction=b_to_a&direct=true",
)
# An age grows while it is read.
GROWING = ("/explain/exchange/lag",)
OF_A_SHAPE = 2
AT_LEAST = 1500
PAGES_OF_A_ROUTE = 2


@dataclass
class Walk:
    """Pages of a filled node by role and address."""

    pages: dict[str, str] = field(default_factory=dict)
    routes: set[str] = field(default_factory=set)
    place: Place | None = None


def week(folder: Path) -> Path:
    """An inventory of a simulated week, with tracks."""
    files = write_simulated(simulate_week(ships=8), folder / "samples")
    named = {path.name.rpartition("week_")[2]: path for path in files}
    request = InventoryRequest(
        (named["positions.csv"],), "USLAX", folder / "week", vessels=named["vessels.csv"], threads=1, keep_tracks=True
    )
    run_inventory(request)
    return folder / "week"


def fill(place: Place, folder: Path) -> None:
    """Give a node everything that pages show."""
    kept = [keep_result(place.node, week(folder), public=True)]
    run_inventory(InventoryRequest((HOUR,), "USNYC", folder / "hour", threads=1))
    keep_result(place.node, folder / "hour", public=True)
    made = make_results(folder / "corridor")
    for one in (made.lane, made.arrival, made.scenario, made.plan):
        keep_result(place.node, one, public=True)
    map_files.track_layer(place.node, kept[0], 300)
    for role in ROLES:
        make_person(place.node, f"walk.{role}", role)
    data = b"MMSI,BaseDateTime,LAT,LON,SOG\n772000900,2024-03-04T00:00:00,33.7,-118.2,0\nx,y,z,0,0\n"
    checked(place, place.browser("walk.steward"), "positions", "positions.csv", data, port="USLAX")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("walk")
    made: list[Database] = []

    def database() -> Database:
        made.append(Database(sqlite_url(folder / f"node-{len(made)}.db")))
        made[-1].create_tables()
        return made[-1]

    with sample_world(folder, database) as ports:
        fill(ports.here, folder)
        found = Walk(place=ports.here)
        for role in ROLES:
            follow(ports.here.browser(f"walk.{role}"), role, found)
        yield found
        ports.here.close_browsers()
    for one in made:
        one.close()


def follow(browser: Browser, role: str, found: Walk) -> None:
    """Read every kind of page that links lead to, and a few of each that depend on what is chosen."""
    routes = page_routes()
    waiting = [*MORE, "/", *(route for route in routes if "{" not in route)]
    # Another role reads one page of a kind more: what it sees besides stands on the same templates.
    counts = dict.fromkeys(found.routes, PAGES_OF_A_ROUTE - 1)
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0).partition("#")[0]
        route = route_of(path, routes)
        if route is None or path.startswith(LEFT_OUT) or path in seen or counts.get(route, 0) >= PAGES_OF_A_ROUTE:
            continue
        seen.add(path)
        answer = browser.http.get(path)
        if answer.status_code != 200 or "html" not in answer.headers["content-type"]:
            continue
        counts[route] = counts.get(route, 0) + 1
        found.routes.add(route)
        found.pages[f"{role} {path}"] = answer.text
        waiting += [link for link in read_page(answer.text).links if urlsplit(link).netloc == "" and link[:1] == "/"]


def test_pages_of_every_subject_were_read(walk: Walk) -> None:
    for route in (
        "/", "/ports", "/ports/{unlocode}", "/ports/{unlocode}/calls/{result_id}/{call_id}", "/corridors/{corridor}",
        "/corridors/{corridor}/voyages", "/corridors/{corridor}/arrival", "/corridors/{corridor}/scenarios/{name}",
        "/corridors/{corridor}/comparison", "/corridors/{corridor}/map", "/cargo/{kind}/{reference:path}", "/exchange",
        "/agreements", "/agreements/{agreement_id}/{version}", "/agreement-areas", "/reports", "/data",
        "/data/{import_id}", "/results/{result_id}/map", "/administration/audit", "/alerts/channels",
    ):  # fmt: skip
        assert route in walk.routes, route
    assert sum(read_page(html).figures for html in walk.pages.values()) > AT_LEAST


def test_every_number_opens_its_derivation_or_is_no_figure(walk: Walk) -> None:
    bare = {
        (path, found)
        for path, html in walk.pages.items()
        for piece in read_page(html).pieces
        if (found := what_is_bare(piece)) is not None
    }
    listed = "\n".join(f"{path}: {text}" for path, text in sorted(bare))
    assert not bare, f"give each a Figure with its derivation, or declare its kind in bare_numbers.py:\n{listed}"


def test_kinds_are_few_and_each_has_its_reason() -> None:
    assert len(PLACES) + len(WORDS) <= 32
    assert all(PLACES.values())
    assert all(reason for _, reason in WORDS)


def test_a_figure_that_stands_bare_is_found(walk: Walk) -> None:
    """The control: every figure of every page loses its derivation, and is found by what is left."""
    stripped = found = 0
    value = re.compile(r'data-figure[^>]*><span class="value">[^<]*\d')
    for path, html in walk.pages.items():
        number = len(value.findall(html))
        if not number:
            continue
        bare = [p for p in read_page(html.replace(" data-figure", "")).pieces if what_is_bare(p) is not None]
        assert bare, path
        stripped, found = stripped + number, found + len(bare)
    # Assumptions of scenarios keep their origin and source in the row, which is a declared kind.
    assert found > 0.9 * stripped > 1000
    assert what_is_bare(read_page("<main><p>17.4 t of fuel</p></main>").pieces[0]) == "17.4 t of fuel"
    assert what_is_bare(read_page("<main><h2>Voyages (30)</h2></main>").pieces[0]) == "Voyages (30)"


def shape_of(address: str) -> tuple[object, ...]:
    """What kind of figure an address names, whatever result, ship or day it is of."""
    split = urlsplit(address)
    path = "/".join("*" if re.search(r"\d", piece) else piece for piece in split.path.split("/"))
    asked = {name: value if value.isidentifier() else "" for name, value in parse_qsl(split.query)}
    kind = tuple(asked.get(name) for name in ("count", "ratio", "what", "fact", "output", "measure", "pollutant"))
    return path, tuple(sorted(asked)), *kind


def what_differs(browser: Browser, shown: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Open a figure; say how its derivation tells another (nothing where it does not), and return the derivation."""
    answer = browser.http.get("/api/v1" + shown["explain"])
    if answer.status_code != 200:
        return f"{shown['explain']}: {answer.status_code}", {}
    found: dict[str, Any] = answer.json()
    own = found["figure"]
    a, b = shown["value"], own["value"]
    alike = a == b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    alike &= (shown["quantity"], shown.get("unit")) == (own["quantity"], own.get("unit"))
    alike &= own["simulated"] or not shown["simulated"]
    return "" if alike else f"{shown['explain']}: shown {told(shown)}, opened {told(own)}", found


def told(figure: dict[str, Any]) -> str:
    return (
        f"{figure['value']!r} {figure.get('unit') or figure['quantity']}{' SIMULATED' if figure['simulated'] else ''}"
    )


def test_what_a_figure_opens_is_that_figure(walk: Walk) -> None:
    """A few figures of each kind of each page, and of each kind of part behind them."""
    assert walk.place is not None
    browsers = {role: walk.place.browser(f"walk.{role}") for role in ROLES}
    pages = {path: role for role, path in reversed([key.split(" ", 1) for key in walk.pages])}
    pages |= dict.fromkeys(NARROWED, "officer")
    faults, taken, opened = [], Counter[tuple[object, ...]](), 0
    for path, role in pages.items():
        answer = browsers[role].http.get("/api/v1" + (path if urlsplit(path).path != "/" else f"/overview{path[1:]}"))
        if answer.status_code != 200 or "json" not in answer.headers["content-type"]:
            continue
        waiting = [(1, figure) for figure in figures(answer.json())]
        while waiting:
            depth, shown = waiting.pop(0)
            of = depth if depth > 1 else path if path in NARROWED else path.split("/")[1]
            key = (of, *shape_of(shown["explain"]))
            if shown["explain"].startswith(GROWING) or taken[key] >= OF_A_SHAPE:
                continue
            taken[key] += 1
            opened += 1
            fault, found = what_differs(browsers[role], shown)
            faults += [f"{path} ({role}) {fault}"] if fault else []
            # What is taken away stands with its sign turned, and opens the figure that is taken away.
            parts = [part for part in found.get("parts", []) if not part["label"].startswith("less ")]
            if depth < 4:
                waiting += [(depth + 1, part["figure"]) for part in [*parts[:1], *parts[1:][-1:]]]
    assert not faults, "\n".join(faults)
    assert opened > 100


def test_a_figure_that_opens_another_is_found(walk: Walk) -> None:
    """The control: the address of another figure, a value and a quantity that are not its own."""
    assert walk.place is not None
    browser = walk.place.browser("walk.officer")
    shown, other = browser.http.get("/api/v1/agreements").json(), browser.http.get("/api/v1/agreement-areas").json()
    figure = shown["in_force"]
    assert not what_differs(browser, figure)[0]
    assert what_differs(browser, figure | {"value": figure["value"] + 1})[0]
    assert what_differs(browser, figure | {"quantity": "mass_t"})[0]
    assert what_differs(browser, figure | {"simulated": True})[0]
    assert what_differs(browser, figure | {"explain": other["built"]["explain"]})[0]
    assert what_differs(browser, figure | {"explain": "/explain/agreement-versions/none"})[0]
