"""`sealane agreement explain`: for people, for machines, and what it says of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests import ports
from tests.nodes import make_node

from sealane.cli.main import run
from sealane.database import Database
from sealane.database.engine import sqlite_url

AT = "2026-03-02T00:00:00Z"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SEALANE_NODE", raising=False)
    database = Database(sqlite_url(tmp_path / "partner.db"))
    database.create_tables()
    partner = ports.make_node(tmp_path / "partner", "los-angeles", database, ports.Clock())
    with make_node(tmp_path / "node") as node:
        ports.introduce(node, partner)
        fields = tuple(name for name in ports.clause().fields if name != "vessel.vesselName")
        ports.put_in_force(node, ports.agreement(node, partner, [ports.clause(fields=fields)]))
        ports.feed(node, range(1))
    database.close()
    return tmp_path / "node"


def words(folder: Path, record: str = "", *more: str, partner: str = "los-angeles", at: str = AT) -> list[str]:
    record = record or ports.event_id(0)
    return [
        "agreement",
        "explain",
        "port-calls",
        record,
        "--partner",
        partner,
        "--node",
        str(folder),
        "--at",
        at,
        *more,
    ]


def test_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(folder)) == 0
    told = capsys.readouterr().out
    assert "simulated, for urn:sealane:test:los-angeles at 2026-03-02T00:00:00Z" in told
    assert "It is sent under clause port-calls of yokohama-demonstration version 1 (demonstration terms)" in told
    assert "without 1 field; not yet, because no stream is open" in told
    assert "kept back: vessel.vesselName (the clause does not name it)" in told


def test_for_machines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(folder, "", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    (clause,) = found["clauses"]
    assert (clause["outcome"], clause["reason"]) == ("trim", "fields_trimmed")
    assert [kept["field"] for kept in clause["withheld_fields"]] == ["vessel.vesselName"]
    assert found["decisions"] == []


def test_before_the_agreement_nothing_is_sent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(folder, at="2026-01-01T00:00:00+09:00")) == 0
    assert "no clause in force" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"record": "nothing"}, "sealane product show"),
        ({"partner": "nobody"}, "No partner fits"),
        ({"at": "2026-03-02T00:00:00"}, "no time with a zone"),
        ({"at": "yesterday"}, "no time with a zone"),
    ],
)
def test_mistakes_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], told: str
) -> None:
    assert run(words(folder, **changes)) == 2
    assert told in capsys.readouterr().err
