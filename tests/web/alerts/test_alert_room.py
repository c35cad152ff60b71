"""Pages and interface of alerts over HTTP: who sees and does what, derivations, channels and limits, the job."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.web.accounts.people import Browser, Place, make_person, served
from tests.web.alerts.receivers import hook_receiver

from sealane.database import Database
from sealane.database.tables.accounts import audit_entry, user_account
from sealane.products.catalogue import DATASETS
from sealane.web.alerts import room as alert_room
from sealane.web.alerts.book import settle
from sealane.web.alerts.job import look, run
from sealane.web.alerts.kinds import AlertKind, Finding, Severity
from sealane.web.alerts.limits import MEASURES

ROLES = ("analyst", "steward", "officer", "administrator")
LAG = {
    "peer": "urn:b",
    "clause": "a@1#c",
    "direction": "out",
    "due": 4,
    "since": "2026-03-01T11:00:00+00:00",
    "limit_minutes": 15.0,
    "attempts": 2,
    "cause": "<b>503</b>",
}


class Alerts:
    """A served node with a person of each role."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.browsers: dict[str, Browser] = {}
        for role in ROLES:
            make_person(place.node, role, role)

    def __getitem__(self, role: str) -> Browser:
        if role not in self.browsers:
            self.browsers[role] = self.place.browser(role)
        return self.browsers[role]

    def find(self, *findings: Finding) -> None:
        with self.place.node.database.write() as connection:
            settle(connection, findings, self.place.node.clock())

    def json(self, path: str, role: str = "analyst") -> Any:
        page = self[role].http.get(path)
        assert page.status_code == 200, page.text
        assert "<b>503</b>" not in page.text
        answer = self[role].http.get(f"/api/v1{path}", headers={"accept": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(self, method: str, path: str, body: Any = None, role: str = "administrator") -> Any:
        return self[role].call(method, f"/api/v1{path}", body)

    def actions(self) -> list[str]:
        with self.place.node.database.read() as connection:
            names = connection.execute(sa.select(audit_entry.c.action).order_by(audit_entry.c.id)).scalars()
            return [name for name in names if not name.startswith(("session.", "login"))]


@pytest.fixture
def alerts(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Alerts]:
    with served(
        tmp_path / "node",
        databases(),
        alert_private=True,
        smtp_url="smtp://127.0.0.1:9",
        alert_from="sealane@port.example",
    ) as place:
        yield Alerts(place)


def test_what_needs_attention_is_seen_explained_and_looked_after(alerts: Alerts) -> None:
    lag = Finding(AlertKind.STREAM_LAG, "s1", Severity.WARNING, LAG, "/exchange/streams/s1")
    root = Finding(AlertKind.ROOT_KEY_HERE, "root", Severity.NOTICE)
    with alerts.place.node.database.read() as connection:
        columns = sa.select(user_account.c.id).where(user_account.c.login == "officer")
        officer = connection.execute(columns).scalar_one()
    news = {"reference": "MSCU1234565", "number": 1, "since": "2026-03-01T11:00:00+00:00"}
    own = Finding(AlertKind.CARGO_MILESTONE, f"{officer} MSCU", Severity.NOTICE, news, "/cargo", officer)
    alerts.find(lag, root, own)
    page = alerts.json("/alerts")
    assert [one["kind"] for one in page["open"]] == ["stream-lag", "root-key-here"]
    assert {one["kind"] for one in alerts.json("/alerts", "officer")["open"]} >= {"cargo-milestone"}
    assert [one["kind"] for one in alerts.json("/alerts?kind=root-key-here")["open"]] == ["root-key-here"]
    overview = alerts["analyst"].http.get("/").text
    assert "4 messages wait" in overview
    for name, figure in page["counts"].items():
        found = alerts.json(figure["explain"])
        assert found["figure"]["value"] == figure["value"], name
        assert sum(part["figure"]["value"] for part in found["parts"]) == figure["value"]
        for part in found["parts"]:
            why = alerts.json(part["figure"]["explain"])
            assert why["equation"]
    total = alerts.json("/explain/alerts")
    assert total["figure"]["value"] == sum(part["figure"]["value"] for part in total["parts"]) == 2
    (one, other) = page["open"]
    why = alerts.json(f"/explain/alerts/{one['id']}")
    assert why["figure"]["value"] == 4
    assert {row["name"]: row["origin"] for row in why["inputs"]}["limit"] == "entered"
    seen = alerts.call("POST", f"/alerts/{one['id']}/acknowledgement", {"note": "line is repaired"}, "analyst")
    assert (seen.status_code, seen.json()["acknowledged_by"]) == (200, "analyst")
    assert alerts.json("/explain/alerts")["figure"]["value"] == 1
    alone = alerts.json(f"/alerts/{one['id']}")
    assert (alone["alert"]["note"], [event["event"] for event in alone["history"]]) == ("line is repaired", ["opened"])
    assert alerts.call("POST", f"/alerts/{other['id']}/acknowledgement", {"by": "x"}).status_code == 422
    # A person's own is nobody else's.
    mine = next(a for a in alerts.json("/alerts", "officer")["open"] if a["mine"])
    for role, status in (("analyst", 404), ("administrator", 404), ("officer", 200)):
        assert alerts[role].http.get(f"/alerts/{mine['id']}").status_code == status
        answer = alerts.call("POST", f"/alerts/{mine['id']}/acknowledgement", {}, role)
        assert answer.status_code == status, (role, answer.text)
    assert alerts.actions() == ["alert.acknowledge", "alert.acknowledge"]
    alerts.find()  # its cause is gone
    closed = alerts.json("/alerts")["closed"]
    assert [one["kind"] for one in closed] == ["root-key-here"]  # the stream's must stay away for a while
    assert alerts.json(f"/alerts/{closed[0]['id']}")["history"][-1]["event"] == "closed"


def test_nobody_floods_an_address_with_test_messages(alerts: Alerts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_room, "TESTS_AN_HOUR", 2)
    with hook_receiver() as hooks:
        body = {"kind": "webhook", "name": "flood", "target": hooks.url, "digest_minutes": 0}
        path = f"/alerts/channels/{alerts.call('POST', '/alerts/channels', body).json()['id']}"
        found = [alerts.call("POST", f"{path}/test") for _ in range(3)]
        assert [one.status_code for one in found] == [200, 200, 429]
        assert int(found[2].headers["retry-after"]) > 0
        assert len(hooks.requests) == 2


def test_channels_are_made_tried_put_to_rest_and_removed(alerts: Alerts) -> None:
    with hook_receiver() as hooks:
        body = {"kind": "webhook", "name": "duty", "target": hooks.url, "digest_minutes": 0}
        made = alerts.call("POST", "/alerts/channels", body)
        assert made.status_code == 201, made.text
        path = f"/alerts/channels/{made.json()['id']}"
        assert made.json()["secret"].startswith("whsec_")
        (shown,) = alerts.json("/alerts/channels", "administrator")["channels"]
        assert shown["address"] == f"http://127.0.0.1:{hooks.port}"
        assert "secret" not in shown
        assert alerts.json("/alerts/channels", "officer")["channels"] == []  # it is not his
        assert alerts.call("POST", f"{path}/test").json() == {"name": "duty", "error": None}
        hooks.answers[:] = [500]
        assert alerts.call("POST", f"{path}/test").json()["error"] == "The receiver answered 500."
        assert alerts.call("PATCH", path, {"enabled": False}).json()["disabled_at"] is not None
        run(alerts.place.node)
        assert len(hooks.requests) == 2
        for role in ("analyst", "steward", "officer"):
            for method, end, content in (
                ("POST", "/test", None),
                ("PATCH", "", {"enabled": True}),
                ("DELETE", "", None),
            ):
                assert alerts.call(method, path + end, content, role).status_code == 404, (role, method)
            assert alerts.call("POST", "/alerts/channels", body, role).status_code == 403
        assert alerts.call("DELETE", path).status_code == 204
    assert alerts.actions() == ["channel.create", "channel.test", "channel.test", "channel.change", "channel.remove"]


def test_a_person_is_told_at_his_own_address_only(alerts: Alerts) -> None:
    body = {"kind": "email", "name": "me", "personal": True}
    assert alerts.call("POST", "/alerts/channels", body, "analyst").status_code == 400  # the account has no address
    with alerts.place.node.database.write() as connection:
        mine = user_account.c.login == "analyst"
        connection.execute(user_account.update().where(mine).values(email="ann@port.example"))
    assert alerts.call("POST", "/alerts/channels", body | {"target": "boss@port.example"}, "analyst").status_code == 400
    assert alerts.call("POST", "/alerts/channels", body | {"kind": "webhook"}, "analyst").status_code == 400
    made = alerts.call("POST", "/alerts/channels", body, "analyst")
    assert (made.status_code, made.json()["secret"]) == (201, None)
    (shown,) = alerts.json("/alerts/channels", "analyst")["channels"]
    assert (shown["address"], shown["personal"]) == ("ann@port.example", True)
    assert alerts.json("/alerts/channels", "officer")["channels"] == []
    assert alerts.call("DELETE", f"/alerts/channels/{made.json()['id']}", None, "analyst").status_code == 204


def test_measures_to_limit_are_words_in_both_languages(alerts: Alerts) -> None:
    body = {"kind": "exceedance", "measure": "lane-co2e-wtw", "place": "la-lb-shanghai", "value": 2}
    assert alerts.call("POST", "/alerts/limits", body, "steward").status_code == 201
    steward = alerts["steward"].http
    said = {
        "en": (
            "Port inventory: CO2e, tank-to-wake",
            "Port inventory: Diesel PM",
            "Lane: CO2e, well-to-wake",
            "vessel schedules",
        ),
        "ja": ("港のインベントリ: ディーゼル粒子状物質", "航路: CO2e（Well-to-Wake）"),
    }
    offered = set(MEASURES) | set(DATASETS)
    for language, texts in said.items():
        steward.get("/preferences", params={"language": language})
        page = steward.get("/alerts/channels").text
        options = dict(re.findall(r'<option value="([^"]+)">([^<]+)</option>', page))
        assert offered <= set(options)
        assert {code for code in offered if options[code] == code and code != "documents"} == set()  # a word and a code
        for text in texts:
            assert text in options.values(), text
        assert f">{texts[2] if language == 'en' else texts[1]}</th>" in page  # the limit that was set


def test_limits_are_set_by_who_may_and_raise_alerts(alerts: Alerts) -> None:
    own = alerts.place.node.identity.participant
    body = {"kind": "data-gap", "measure": "port-calls", "place": own, "value": 2}
    assert alerts.call("POST", "/alerts/limits", body, "analyst").status_code == 403
    wrong = alerts.call("POST", "/alerts/limits", {"kind": "exceedance", "measure": "x", "place": " ", "value": -1})
    assert {fault["where"] for fault in wrong.json()["faults"]} == {"measure", "place", "value"}
    made = alerts.call("POST", "/alerts/limits", body, "steward")
    assert made.status_code == 201, made.text
    look(alerts.place.node)
    assert [a for a in alerts.json("/alerts")["open"] if a["kind"] == "data-gap"] == []  # no record, no feed
    from tests import ports

    ports.feed(alerts.place.node, range(3))
    alerts.place.clock.advance(3 * 3600)
    alerts.browsers.clear()  # nobody stays logged in that long
    look(alerts.place.node)
    (gap,) = [a for a in alerts.json("/alerts")["open"] if a["kind"] == "data-gap"]
    assert (gap["details"]["by"], gap["details"]["allowed_hours"]) == ("limit", 2.0)
    assert alerts.call("DELETE", f"/alerts/limits/{made.json()['id']}", None, "steward").status_code == 204
    assert alerts.call("DELETE", f"/alerts/limits/{made.json()['id']}", None, "steward").status_code == 404
    assert alerts.actions() == ["limit.set", "limit.remove"]
