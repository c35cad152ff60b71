"""Records of a data product: shown before they are stored, stored once however often interrupted, undone whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.live_nodes import START
from tests.web.accounts.people import Browser, Place
from tests.web.imports import uploading as up

from sealane.database.tables.delivery import decision
from sealane.database.tables.products import record
from sealane.database.tables.results import import_record
from sealane.web.imports import steps
from sealane.web.tasks import store as task_store
from sealane.web.tasks.kinds import kinds
from sealane.web.tasks.runner import run_checks

SAMPLES = Path(__file__).parents[3] / "src" / "sealane" / "samples" / "exchange"
CALLS = (SAMPLES / "los_angeles" / "port_calls.json").read_bytes()
DATASET = "port-calls"


def records(place: Place) -> dict[str, tuple[bytes, bool]]:
    with place.node.database.read() as connection:
        rows = connection.execute(sa.select(record.c.id, record.c.body, record.c.public))
        return {row.id: (bytes(row.body), row.public) for row in rows}


def revised(data: bytes) -> bytes:
    """Return the events, each known a day later and with another remark."""
    document = json.loads(data)
    for event in document["events"]:
        day = int(event["eventUpdatedDateTime"][8:10]) + 1
        event["eventUpdatedDateTime"] = (
            f"{event['eventUpdatedDateTime'][:8]}{day:02}{event['eventUpdatedDateTime'][10:]}"
        )
    return json.dumps(document).encode()


def sent(place: Place, record_id: str, *, outcome: str = "allow", shift: int = 0) -> None:
    """Note that a record's present revision was decided for a partner."""
    with place.node.database.write() as connection:
        at = connection.execute(sa.select(record.c.position).where(record.c.id == record_id)).scalar_one() + shift
        connection.execute(
            decision.insert().values(
                stream_id="s1",
                event_id=f"stream.0.{at}.0123456789abcdef",
                peer="urn:example:partner",
                dataset=DATASET,
                record_id=record_id,
                agreement_id="a",
                agreement_version=1,
                clause_id="c",
                purpose="p",
                granularity="record",
                outcome=outcome,
                reason="clause",
                withheld_fields=[],
                decided_at=START,
            )
        )


def applied(place: Place, steward: Browser, data: bytes = CALLS, **options: Any) -> str:
    page = up.checked(place, steward, "product", "calls.json", data, dataset=DATASET, **options)
    assert page["upload"]["state"] == "ready", page
    import_id = str(page["upload"]["id"])
    assert up.apply(place, steward, import_id)["upload"]["state"] == "applied"
    return import_id


def test_nothing_changes_before_it_is_applied_and_everything_after(place: Place, steward: Browser) -> None:
    page = up.checked(place, steward, "product", "calls.json", CALLS, dataset=DATASET)
    assert {name: figure["value"] for name, figure in page["changes"].items()} == {
        "new": 3,
        "revised": 0,
        "unchanged": 0,
        "outdated": 0,
    }
    assert records(place) == {}
    page = up.apply(place, steward, page["upload"]["id"])
    assert (page["outcome"]["new"], page["outcome"]["revised"], len(records(place))) == (3, 0, 3)
    again = up.checked(place, steward, "product", "calls.json", CALLS, dataset=DATASET)
    assert again["changes"]["unchanged"]["value"] == 3
    assert [what for _, what, _ in place.audit() if what.startswith("import.")] == [
        *("import.begin", "import.complete", "import.apply"),
        *("import.begin", "import.complete"),
    ]


def test_undoing_takes_out_what_came_and_puts_back_what_was_replaced(place: Place, steward: Browser) -> None:
    first = applied(place, steward)
    before = records(place)
    second = applied(place, steward, revised(CALLS))
    assert records(place) != before
    page = up.page(steward, first)
    assert (page["effects"]["records"]["value"], page["effects"]["superseded"]["value"]) == (0, 3)
    assert up.undo(steward, second).status_code == 200
    assert records(place) == before
    outcome = up.page(steward, second)["outcome"]["undone"]
    assert (outcome["records"], outcome["restored"], outcome["kept"]) == (3, 3, 0)
    assert up.undo(steward, second).status_code == 409


def test_a_plain_undo_leaves_nothing(place: Place, steward: Browser) -> None:
    one = applied(place, steward, public=True)
    assert all(public for _, public in records(place).values())
    assert up.undo(steward, one).status_code == 200
    assert records(place) == {}


def test_opening_records_that_were_held_is_undone_too(place: Place, steward: Browser) -> None:
    applied(place, steward)
    opened = applied(place, steward, public=True)
    assert all(public for _, public in records(place).values())
    assert up.undo(steward, opened).status_code == 200
    assert [public for _, public in records(place).values()] == [False] * 3


def test_what_was_sent_is_never_taken_back_silently(place: Place, steward: Browser) -> None:
    one = applied(place, steward)
    ids = sorted(records(place))
    sent(place, ids[0])
    refused = up.undo(steward, one)
    assert refused.status_code == 409
    assert refused.json()["faults"] == [
        {"where": "urn:example:partner", "found": "1 records were sent", "remedy": "They cannot be recalled"}
    ]
    assert len(records(place)) == 3
    figure = up.page(steward, one)["effects"]["sent"]["urn:example:partner"]
    derivation = up.call(steward, "GET", f"/api/v1{figure['explain']}").json()
    assert (figure["value"], derivation["figure"]["value"], derivation["filters"]["partner"]) == (
        1,
        1,
        "urn:example:partner",
    )
    assert up.undo(steward, one, keep_sent=True).status_code == 200
    assert list(records(place)) == [ids[0]]
    assert up.page(steward, one)["outcome"]["undone"]["kept"] == 1


@pytest.mark.parametrize(("outcome", "shift"), [("withhold", 0), ("allow", 1_000)])
def test_what_was_withheld_or_another_revision_does_not_count_as_sent(
    place: Place, steward: Browser, outcome: str, shift: int
) -> None:
    one = applied(place, steward)
    sent(place, min(records(place)), outcome=outcome, shift=shift)
    assert up.undo(steward, one).status_code == 200
    assert records(place) == {}


def test_applying_goes_on_where_it_was_interrupted(
    place: Place, steward: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH", 1)
    page = up.checked(place, steward, "product", "calls.json", CALLS, dataset=DATASET)
    import_id = page["upload"]["id"]
    assert up.call(steward, "POST", f"/api/v1/imports/{import_id}/application", {}).status_code == 202
    with place.node.database.write() as connection:
        task = task_store.claim(connection, ["import-apply"], "a runner that dies", place.node.clock())
    assert task is not None
    direct = kinds()["import-apply"].direct
    assert direct is not None
    direct(place.node, task, lambda *_: False)  # killed after the first record
    assert len(records(place)) == 1
    place.clock.now += task_store.DEAD_AFTER * 2
    run_checks(place.node)
    found = up.page(steward, import_id)
    assert (found["upload"]["state"], len(records(place))) == ("applied", 3)
    assert (found["outcome"]["new"], found["outcome"]["records"]) == (3, 3)
    with place.node.database.read() as connection:
        noted = connection.execute(sa.select(sa.func.count()).select_from(import_record)).scalar_one()
    assert noted == 3


def test_damaged_checked_records_are_refused(place: Place, steward: Browser) -> None:
    page = up.checked(place, steward, "product", "calls.json", CALLS, dataset=DATASET)
    path = place.node.folder / "imports" / page["upload"]["id"] / "records.bin"
    path.write_bytes(path.read_bytes().replace(b"UNLocationCode", b"UNLocationXode"))
    found = up.apply(place, steward, page["upload"]["id"])
    assert found["upload"]["state"] == "failed"
    assert records(place) == {}


def test_counts_lead_to_their_derivation(place: Place, steward: Browser) -> None:
    page = up.checked(place, steward, "product", "calls.json", CALLS, dataset=DATASET)
    figure = page["accepted"]
    found = up.call(steward, "GET", f"/api/v1{figure['explain']}").json()
    assert found["figure"]["value"] == figure["value"] == 3
    assert page["upload"]["sha256"] in found["inputs"][0]["source"]
    assert up.call(steward, "GET", f"/api/v1/explain/imports/{page['upload']['id']}/no-such").status_code == 404
