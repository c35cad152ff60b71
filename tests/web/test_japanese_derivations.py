"""Derivations, the first page and a journey hold no English that the catalogue has Japanese words for.

Templates are walked elsewhere; this finds the words that travel as data: units, sources, equations, notes, titles. A
piece of text that is a text of the catalogue, as it stands, was not translated.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.exceptions import HTTPException
from tests.web.accounts.people import Browser, Place
from tests.web.cargo.sample_world import AGREEMENT, CONTAINER, sample_world
from tests.web.corridor.corridor_world import make_results

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.movement.cleaning import RULES
from sealane.node.problems import problem_of
from sealane.samples import __file__ as samples
from sealane.web.error_pages import translated
from sealane.web.explain import given_words
from sealane.web.results import keep_result
from sealane.web.words import Words, catalogue

HOUR = Path(samples).parent / "data" / "ny_harbor_2020_06_30_first_hour.csv.gz"
CORRIDOR = "/corridors/la-lb-shanghai"
STARTS = (
    "/", "/ports/USNYC", CORRIDOR, f"{CORRIDOR}/voyages?direction=a_to_b", f"{CORRIDOR}/arrival",
    f"{CORRIDOR}/scenarios", "/agreements", f"/cargo/container/{CONTAINER}",
)  # fmt: skip
# Units that are words of this project and no symbols; one word each, so that the rule of two words misses them.
UNIT_WORDS = frozenset({"voyage", "voyages", "legs", "stays", "ships", "years"})
MOST = 300
OF_A_SHAPE = 2
# What tells derivations of one path apart; the values of other parameters are ids, years and the like.
_TELLING = {"measure", "ratio", "fact", "what", "by", "part", "output", "item", "quantity", "bound", "source", "mode"}


class Reader(HTMLParser):
    """Pieces of text of the middle of a page as they stand between tags or in what is read aloud; and its links."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.inside = self.silent = 0
        self.pieces: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.inside += tag == "main"
        self.silent += tag in {"script", "style", "code"}
        if self.inside:
            self.pieces += [named[name] or "" for name in ("title", "aria-label") if name in named]
            self.links += [named["href"] or ""] if "href" in named else []

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag == "main"
        self.silent -= tag in {"script", "style", "code"}

    def handle_data(self, data: str) -> None:
        if self.inside and not self.silent:
            self.pieces += data.splitlines()


def untranslated(pieces: list[str]) -> set[str]:
    """Pieces that are English texts of the catalogue with two words or more, or units in words."""
    held = catalogue("ja")
    found = set()
    for piece in (one.strip(" :,;·\u00a0") for one in pieces):
        is_text = piece in held and held[piece] != piece and len(re.findall(r"[A-Za-z]{2,}", piece)) >= 2
        if is_text or piece in UNIT_WORDS:
            found.add(piece)
    return found


def shape_of(path: str) -> str:
    """What derivations made by the same code have in common."""
    split = urlsplit(path)
    told = [f"{name}={value if name in _TELLING else ''}" for name, value in parse_qsl(split.query)]
    return re.sub(r"/[^/]*\d[^/]*", "/*", split.path) + "?" + "&".join(sorted(told))


def language(browser: Browser, chosen: str) -> Browser:
    browser.http.cookies.set("sealane_view", f"{chosen}.metric.system", domain="127.0.0.1")
    return browser


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("japanese")
    made: list[Database] = []

    def database() -> Database:
        made.append(Database(sqlite_url(folder / f"node-{len(made)}.db")))
        made[-1].create_tables()
        return made[-1]

    with sample_world(folder, database) as ports:
        run_inventory(InventoryRequest((HOUR,), "USNYC", folder / "hour", threads=1))
        results = make_results(folder / "corridor")
        for one in (folder / "hour", results.lane, results.arrival, results.scenario, results.plan):
            keep_result(ports.here.node, one)
        yield ports.here
        ports.here.close_browsers()
    for held in made:
        held.close()


@pytest.fixture(scope="module")
def pages(world: Place) -> dict[str, str]:
    """Pages and derivations that links lead to, in Japanese, a few of each shape."""
    browser = language(world.entered("aya"), "ja")
    found: dict[str, str] = {}
    counts: Counter[str] = Counter()
    waiting = list(STARTS)
    while waiting and len(found) < MOST:
        path = waiting.pop(0).partition("#")[0]
        shape = shape_of(path)
        if path in found or counts[shape] >= OF_A_SHAPE:
            continue
        counts[shape] += 1
        answer = browser.http.get(path)
        if answer.status_code != 200 or "html" not in answer.headers["content-type"]:
            continue
        found[path] = answer.text
        waiting += [link for link in Reader(answer.text).links if link.startswith("/explain/")]
    return found


def test_words_that_travel_as_data_are_translated_where_they_are_shown(pages: dict[str, str]) -> None:
    assert set(STARTS) <= set(pages)
    assert sum(path.startswith("/explain/") for path in pages) > 60
    faults = {(text, path) for path, html in pages.items() for text in untranslated(Reader(html).pieces)}
    first = dict(sorted(faults, reverse=True))
    assert not faults, "\n".join(f"{text!r} at {path}" for text, path in sorted(first.items()))


def test_the_same_pages_in_english_are_full_of_them(world: Place, pages: dict[str, str]) -> None:
    browser = language(world.entered("eve"), "en")
    some = [path for path in pages if path.startswith("/explain/")][:40]
    assert len(some) > 20
    for path in some:
        assert untranslated(Reader(browser.http.get(path).text).pieces), path
    cell = "<main><td>as told with the call reached</td><td>legs</td><td>n m</td><code>port call</code></main>"
    assert untranslated(Reader(cell).pieces) == {"as told with the call reached", "legs"}


def test_marks_and_links_of_a_journey_are_in_japanese(pages: dict[str, str]) -> None:
    html, words = pages[f"/cargo/container/{CONTAINER}"], Words("ja")
    titles = re.findall(r"<circle[^>]*><title>([^<]*)</title>", html)
    spans = re.findall(r'<span class="unseen">: ([^<]*)</span>', html)
    assert len(titles) > 4 and len(spans) > 4
    for text in [*titles, *spans]:
        assert not re.search(r"[a-z]{3,}", text), text
    assert any(words("gated in") in text for text in titles)


def test_the_partner_of_the_first_page_is_chosen_by_its_english_name(pages: dict[str, str]) -> None:
    options = dict(re.findall(r'<option value="(Port[^"]*)"[^>]*>([^<]*)</option>', pages["/"]))
    assert options
    assert any(catalogue("ja").get(value) == shown != value for value, shown in options.items())


def test_words_of_cleaning_and_of_classes_are_all_marked() -> None:
    assert {text for pair in RULES.values() for text in pair} == set(given_words.CLEANING)
    table = files("sealane.reference").joinpath("tables/ais_type_to_class.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in table.splitlines() if not line.startswith("#"))
    reasons = {row["left_out_reason"] for row in rows} - {""}
    assert reasons and reasons <= set(given_words.LEFT_OUT)
    held = catalogue("ja")
    for text in (*given_words.CLEANING, *given_words.LEFT_OUT, *given_words.LEG, *given_words.SOURCES):
        assert held.get(text, text) != text, text


def test_a_refused_activity_is_refused_in_japanese(world: Place) -> None:
    browser = language(world.entered("ono", "officer"), "ja")
    path = f"/api/v1/agreements/{AGREEMENT}/activities"
    for body in (
        {"kind": "visit", "title": " ", "day": "2099-01-01", "commitment": "none", "value": 1},
        {"kind": "report", "title": "x", "day": "2026-01-01"},
    ):
        answer = browser.call("POST", path, body)
        assert answer.status_code == 400, answer.text
        problem = answer.json()
        assert answer.headers["content-language"] == "ja"
        # What was given stands as it was given: it is no sentence.
        given = {f"faults.{n}.found" for n, f in enumerate(problem["faults"]) if re.fullmatch(r"[-'\w.]+", f["found"])}
        assert set(problem.get("english", [])) <= given, problem


def test_faults_of_a_checked_document_are_said_to_be_english(world: Place) -> None:
    browser = world.entered("oto", "officer")
    body = {"text": json.dumps({"id": 3}), "name": "mine.json"}
    answer = language(browser, "ja").call("POST", "/api/v1/agreement-checks", body)
    assert answer.status_code == 200 and answer.headers["content-language"] == "ja"
    checked = answer.json()
    assert checked["faults"] and "faults.0.found" in checked["english"]
    assert {name.split(".")[1] for name in checked["english"]} == {str(n) for n in range(len(checked["faults"]))}
    answer = language(browser, "en").call("POST", "/api/v1/agreement-checks", body)
    assert answer.headers["content-language"] == "en" and answer.json()["english"] == []


def test_years_and_tables_that_a_report_lacks_are_told_in_japanese(world: Place) -> None:
    browser = language(world.entered("rei"), "ja")
    reports = browser.call("GET", "/api/v1/reports").json()
    ids = sorted(set(re.findall(r"/reports/([0-9a-f-]{20,})", json.dumps(reports))))
    assert ids
    kinds = set()
    for one in ids:
        for path in (f"{one}/report.html?year=1999", f"{one}/tables/nothing.csv", f"{one}/tables/nothing.geojson"):
            answer = browser.call("GET", f"/api/v1/reports/{path}")
            problem = answer.json()
            kinds.add(problem["type"].rpartition(":")[2])
            assert answer.status_code in {404, 409} and not problem.get("english"), problem
    assert {"unknown-year", "unknown-table"} <= kinds


def test_a_body_that_cannot_be_read_is_told_in_japanese() -> None:
    problem = problem_of(HTTPException(400, "There was an error parsing the body"), "1")
    told = json.loads(translated(problem, Words("ja")))
    assert told["type"].endswith(":bad-request") and told["english"] == []
