"""The corridor's pages over HTTP: every figure leads to its derivation, SIMULATED is said, and who may see what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.accounts.people import Place
from tests.web.corridor.corridor_world import Kept, Made, figures

from sealane.web.corridor import voyages as listing
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.measures import Measure, Rule
from sealane.web.corridor.models import Wanted

CORRIDOR = "/corridors/la-lb-shanghai"
PAGES = (
    "/corridors",
    CORRIDOR,
    f"{CORRIDOR}?rule=cargo&measure=nox",
    f"{CORRIDOR}/voyages?rule=direct&direct=true",
    f"{CORRIDOR}/voyages?measure=distance&direction=a_to_b&ship=SERVICE+01",
    f"{CORRIDOR}/arrival",
    f"{CORRIDOR}/document",
    f"{CORRIDOR}/map",
    f"{CORRIDOR}/scenarios",
    f"{CORRIDOR}/scenarios?start=la-lb-shanghai",
    f"{CORRIDOR}/comparison",
    f"{CORRIDOR}/comparison?with=shipped:la-lb-shanghai&with=shipped:singapore-la-lb&output=cost_gap_usd",
)


@pytest.fixture(scope="module")
def guest(corridor_place: Place) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=corridor_place.origin, timeout=120, trust_env=False) as client:
        yield client


def get(client: httpx.Client, path: str) -> Any:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("path", "every", "least"), [
    ("/corridors", 1, 1), (CORRIDOR, 1, 70), (f"{CORRIDOR}?rule=direct&measure=energy", 1, 60),
    (f"{CORRIDOR}/voyages?rule=cargo", 1, 35), (f"{CORRIDOR}/arrival", 1, 50),
    (f"{CORRIDOR}/scenarios/shipped:la-lb-shanghai", 9, 40),
    (f"{CORRIDOR}/comparison?with=shipped:la-lb-shanghai&with=shipped:singapore-la-lb", 5, 10),
])  # fmt: skip
def test_every_figure_is_the_figure_of_its_derivation(
    guest: httpx.Client, kept: Kept, path: str, every: int, least: int
) -> None:
    known: dict[str, Any] = {}
    shown = list(figures(get(guest, path)))[::every]
    for figure in shown:
        own = known.setdefault(figure["explain"], get(guest, figure["explain"])["figure"])
        assert (own["value"], own["quantity"], own["unit"]) == (figure["value"], figure["quantity"], figure["unit"]), (
            figure
        )
    assert len(shown) >= least


def test_a_wrong_figure_would_be_seen(guest: httpx.Client, kept: Kept) -> None:
    """The control of the test above."""
    figure = next(figures(get(guest, CORRIDOR)["lane"]["headline"]))
    assert get(guest, f"{figure['explain']}&part=berth")["figure"]["value"] != figure["value"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_hold_nothing_inline(guest: httpx.Client, kept: Kept, path: str) -> None:
    answer = guest.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    assert not re.search(r"<[^>]+\sstyle=|<[^>]+\son\w+=|<style|javascript:", answer.text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", answer.text))
    assert "unsafe-inline" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", [CORRIDOR, f"{CORRIDOR}/voyages", f"{CORRIDOR}/arrival", f"{CORRIDOR}/map"])
def test_simulated_is_said(guest: httpx.Client, kept: Kept, path: str) -> None:
    page = guest.get(path, headers={"accept": "text/html"}).text
    assert "banner simulated" in page
    explain = next(iter(re.findall(r'href="(/explain/[^"]+)"', page)), None)
    if explain:
        assert "banner simulated" in guest.get(explain.replace("&amp;", "&"), headers={"accept": "text/html"}).text


def test_every_figure_of_a_simulated_lane_says_so(guest: httpx.Client, kept: Kept) -> None:
    page = get(guest, CORRIDOR)
    lane = page["lane"]
    # What a document promises was not made up.
    promised = [row.pop("value") for row in lane["targets"]] + [row.pop("target") for row in lane["years"]]
    assert not any(figure["simulated"] for figure in promised if figure)
    listed = get(guest, f"{CORRIDOR}/voyages")
    for name, shown in (("lane", lane), ("rotations", page["rotations"]), ("voyages", listed)):
        told = list(figures(shown))
        assert len(told) > 3
        assert [figure["explain"] for figure in told if not figure["simulated"]] == [], name


def test_a_target_stands_only_where_a_document_states_it(guest: httpx.Client, kept: Kept) -> None:
    lane = get(guest, CORRIDOR)["lane"]
    year = lane["years"][0]
    assert (year["target"]["value"], bool(year["target_source"])) == (100_000.0, True)
    assert lane["targets"][0]["source"] == year["target_source"]
    other = get(guest, f"{CORRIDOR}?measure=nox")["lane"]["years"][0]
    assert other["target"] is None
    page = guest.get("/corridors/la-tokyo", headers={"accept": "text/html"}).text
    assert get(guest, "/corridors/la-tokyo")["about"]["targets"] == []
    assert "No lane has been worked out" in page


def test_what_is_not_public_is_not_there_for_guests(corridor_place: Place, guest: httpx.Client, kept: Kept) -> None:
    plan = f"{CORRIDOR}/scenarios/{kept.plan}"
    hidden = (
        plan,
        f"/explain/scenario/{kept.plan}?output=wtw_t&year=2050",
        f"/explain/plan/{kept.plan}?constraint=demand&subject=container-15000&year=2030",
        f"{CORRIDOR}/comparison?with={kept.plan}&with=shipped:la-lb-shanghai",
    )
    analyst = corridor_place.entered("corridor.analyst").http
    for path in hidden:
        assert guest.get(f"/api/v1{path}").status_code == 404, path
        assert guest.get(path, headers={"accept": "text/html"}).status_code == 404, path
        assert analyst.get(f"/api/v1{path}").status_code == 200, path
    assert kept.plan not in guest.get(f"{CORRIDOR}/scenarios", headers={"accept": "text/html"}).text
    page = analyst.get(plan).text
    assert "Shadow prices" in page
    assert f"/api/v1/reports/{kept.plan}/report.xlsx" in page


def test_a_guest_is_not_offered_to_run_anything(corridor_place: Place, guest: httpx.Client, kept: Kept) -> None:
    assert get(guest, f"{CORRIDOR}/scenarios")["may_run"] is False
    analyst = corridor_place.entered("corridor.analyst").http
    page = analyst.get(f"{CORRIDOR}/scenarios?start=la-lb-shanghai").text
    assert 'data-api="POST /api/v1/tasks"' in page
    assert "sealane-scenario/1" in page


@pytest.mark.parametrize(("path", "status"), [
    ("/corridors/none", 404), ("/corridors/la-tokyo/map", 404), (f"{CORRIDOR}?result=none", 404),
    (f"{CORRIDOR}/voyages?after=!", 400), (f"{CORRIDOR}/voyages?after=bm90aGluZw", 400), (f"{CORRIDOR}?rule=any", 422),
    (f"{CORRIDOR}/scenarios/shipped:none", 404), (f"{CORRIDOR}/scenarios/shipped:la-tokyo", 404),
    ("/explain/lane/none?year=2025", 404), ("/explain/scenario/..%2f..%2fetc?output=wtw_t", 404),
    (f"{CORRIDOR}/comparison?with=a&with=b&with=c&with=d&with=e", 422),
])  # fmt: skip
def test_what_is_not_there_is_refused(guest: httpx.Client, kept: Kept, path: str, status: int) -> None:
    assert guest.get(f"/api/v1{path}").status_code == status
    assert guest.get(path, headers={"accept": "text/html"}).status_code == status


def test_a_search_text_comes_back_as_text(guest: httpx.Client, kept: Kept) -> None:
    page = guest.get(f"{CORRIDOR}/voyages?ship=%22%3E%3Cscript%3E", headers={"accept": "text/html"}).text
    assert "&#34;&gt;&lt;script&gt;" in page
    assert "<script>" not in page


def test_pages_of_voyages_hold_each_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 7)
    files, found, after, in_all = LaneFiles(made.lane), [], None, 0
    while True:
        rows, in_all, after = listing.voyages(files, "R", Rule.ROTATION, Measure.WTW, Wanted(), after)
        found += rows
        if after is None:
            break
    names = [row.voyage for row in found]
    assert len(names) == len(set(names)) == in_all == files.count("passes")
    begins = [row.begin for row in found if row.begin is not None]
    assert begins == sorted(begins, reverse=True)


def test_voyages_are_found_by_what_is_asked(made: Made) -> None:
    files = LaneFiles(made.lane)

    def rows(**wanted: Any) -> list[Any]:
        return listing.voyages(files, "R", Rule.ROTATION, Measure.WTW, Wanted(**wanted), None)[0]

    every = rows()
    first = every[0]
    assert {row.imo for row in rows(ship=str(first.imo))} == {first.imo}
    assert {row.imo for row in rows(ship=(first.ship_name or "").lower())} == {first.imo}
    assert {row.ports for row in rows(ports=first.ports)} == {first.ports}
    assert all(row.direct for row in rows(direct=True))
    assert {row.direction for row in rows(direction="b_to_a")} == {"b_to_a"}
    assert rows(ship="99999999999999") == rows(ports="USLAX>NONE") == []
    assert len(rows(year=first.year)) == sum(1 for row in every if row.year == first.year)


def test_a_damaged_folder_is_named(made: Made, tmp_path: Path) -> None:
    from sealane.errors import DataError

    (tmp_path / "lane.json").write_text("{")
    for read in (lambda: LaneFiles(tmp_path).summary, lambda: LaneFiles(tmp_path).trend):
        with pytest.raises(DataError, match="damaged"):
            read()
