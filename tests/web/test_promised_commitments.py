"""The annual progress report of a corridor tells the commitments of the agreements that cover it."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.agreement_world import LOS_ANGELES, NAGOYA, content_of
from tests.ports import put_in_force
from tests.web.accounts.people import Browser, Place, served

from sealane.agreements.documents import read_document
from sealane.database import Database
from sealane.exchange.keys import Identity
from sealane.exchange.registry import known_datasets
from sealane.web.reports import made
from sealane.web.results import Result, keep_result

sys.path.append(str(Path(__file__).parents[1] / "reports"))
from voyage_folders import write_lane_folder


def lane_to(folder: Path, ports: list[str]) -> Path:
    """A lane from Los Angeles to other ports."""
    lane = write_lane_folder(folder, ships=2, simulated=True)
    facts = json.loads((lane / "lane.json").read_text())
    facts["corridor"] |= {"id": folder.name, "end_b": {"name": folder.name, "ports": ports}}
    facts |= {"data": {"first": "2026-01-01T00:00:00Z", "last": "2026-07-24T00:00:00Z"}}
    facts["request"] |= {"attribution": "rotation"}
    (lane / "lane.json").write_text(json.dumps(facts))
    return lane


@pytest.fixture
def place(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Place]:
    """A node with an agreement between Los Angeles and Nagoya in force, whose day is over."""
    with served(tmp_path / "node", databases(), guests=True) as place:
        node = place.node
        other = Identity.create(tmp_path / "keys", "urn:example:other", "https://other.example.org", node.clock())
        content = content_of([(LOS_ANGELES, node.identity), (NAGOYA, other)])
        content["valid_from"] = "2020-01-01T00:00:00Z"
        content["commitments"] = [
            {"id": "share", "by": [NAGOYA], "what": "Share every call", "due": "2021-06-30",
             "indicator": "share of calls", "unit": "%", "target": 90, "aim": "at_least"}
        ]  # fmt: skip
        put_in_force(node, read_document(json.dumps(content).encode(), "test.json", known_datasets()))
        yield place


@pytest.fixture
def nagoya(place: Place, tmp_path: Path) -> Result:
    return keep_result(place.node, lane_to(tmp_path / "la-nagoya", ["JPNGO"]), public=True)


def report(browser: Browser, lane: Result) -> str:
    answer = browser.http.get(f"/api/v1/reports/{lane.id}/report.html?year=2026")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_report_tells_the_commitment_and_its_progress_as_it_is_recorded(place: Place, nagoya: Result) -> None:
    ann, sue = place.entered("ann"), place.entered("sue", "steward")
    before = report(ann, nagoya)
    assert "Share every call" in before and ">LATE<" in before and "1 late, 1 not reported" in before
    assert "DEMONSTRATION TERMS" in before
    done = {"kind": "report", "title": "Half a year", "day": "2021-07-01", "commitment": "share", "value": 91.5}
    assert sue.call("POST", "/api/v1/agreements/test-agreement/activities", done).status_code == 201
    after = report(ann, nagoya)
    assert "0 late, 0 not reported" in after and ">LATE<" not in after
    for text in (">91.5<", ">2021-07-01<", ">sue<", ">kept<"):
        assert text in after, text
    csv = ann.http.get(f"/api/v1/reports/{nagoya.id}/tables/commitments.csv")
    assert csv.status_code == 200 and "91.5" in csv.text and '"sue"' in csv.text
    page = ann.http.get(f"/reports/{nagoya.id}").text
    assert "tables/commitments.csv" in page and "Commitments of agreements" in page


def test_guests_learn_nothing_of_agreements(place: Place, nagoya: Result) -> None:
    ann, guest = place.entered("ann"), place.browser()
    assert "Share every call" in report(ann, nagoya)  # control; and a report is kept now
    told = report(guest, nagoya)
    assert "Share every call" not in told and "test-agreement" not in told
    assert "were not given to this report" in told
    assert guest.http.get(f"/api/v1/reports/{nagoya.id}/tables/commitments.csv").status_code == 404
    assert "commitments.csv" not in guest.http.get(f"/reports/{nagoya.id}").text


def test_a_corridor_that_no_agreement_covers_says_so(place: Place, tmp_path: Path) -> None:
    shanghai = keep_result(place.node, lane_to(tmp_path / "la-shanghai", ["CNSHA"]))
    told = report(place.entered("ann"), shanghai)
    assert "Share every call" not in told
    assert "No agreement in force that covers the corridor holds a commitment" in told


def test_reports_of_commitments_as_they_stood_before_are_cleared(place: Place, nagoya: Result) -> None:
    ann = place.entered("ann")
    report(ann, nagoya)
    (first,) = (nagoya.folder / made.FOLDER).iterdir()
    place.clock.now += dt.timedelta(days=1)
    report(place.entered("ann"), nagoya)
    assert len(list((nagoya.folder / made.FOLDER).iterdir())) == 2  # somebody may still be sent the first
    old = first.stat().st_mtime - 2 * made.KEPT_S
    os.utime(first, (old, old))
    place.clock.now += dt.timedelta(days=1)
    report(place.entered("ann"), nagoya)
    left = list((nagoya.folder / made.FOLDER).iterdir())
    assert len(left) == 2 and first not in left
