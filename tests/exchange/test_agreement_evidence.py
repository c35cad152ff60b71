"""Signatures and ends of agreements as the registry makes them, judged by the offline verifier."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agreement_world import NOW, Port, document_of, make_ports
from tests.exchange.registry_steps import agree, jws_of, step

from sealane.database import Database
from sealane.exchange import registry
from sealane.exchange.checkpoints import checkpoint
from sealane.exchange.ledger_export import export_bundle
from sealane.exchange.verifier import Report, verify


@pytest.fixture
def ports(databases: Callable[[], Database], tmp_path: Path) -> list[Port]:
    """Two nodes with an agreement in force, a proposal taken back, one declined, one open and a draft."""
    one, other = ports = make_ports(databases, tmp_path)
    agree(one, other, document_of(ports))
    step(one, registry.propose, document_of(ports, id="taken-back"))
    step(one, registry.retire, "taken-back", 1, "a mistake")
    declined = step(one, registry.propose, document_of(ports, id="declined"))
    step(other, registry.receive_proposal, one.participant, declined.signatures[one.participant])
    step(other, registry.decline, "declined", 1, "no")
    step(one, registry.receive_decline, other.participant, "declined", 1, jws_of(other, "decline"))
    step(one, registry.propose, document_of(ports, id="open-proposal"))
    step(one, registry.draft, document_of(ports, id="only-a-draft"))
    return ports


def export(port: Port, target: Path, peer: str | None = None) -> Path:
    with port.database.write() as connection:
        checkpoint(connection, port.identity, NOW)
    with port.database.read() as connection:
        export_bundle(connection, port.identity, target, NOW, peer=peer)
    return target


def report_on(bundle: Path, ports: list[Port]) -> Report:
    return verify(bundle, {port.participant: port.identity.root_jwk for port in ports}, [])


def rows_of(bundle: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (bundle / "agreements.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_step_of_the_registry_is_sound_evidence(ports: list[Port], tmp_path: Path) -> None:
    report = report_on(export(ports[0], tmp_path / "bundle"), ports)
    assert report.faults == []
    assert report.counts["agreements"] == 5
    # Two of the agreement in force; one each of three proposals; a retirement and a decline.
    assert report.counts["signatures of parties"] == 7


def spoil(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rows = rows_of(bundle)
    change(next(row for row in rows if row["id"] == "test-agreement"))
    (bundle / "agreements.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "a signature left out": lambda row: row["signatures"].pop(),
    "one signature twice instead of both": lambda row: row["signatures"].__setitem__(1, row["signatures"][0]),
    "signatures swapped": lambda row: [
        one.update(participant=name)
        for one, name in zip(row["signatures"], [s["participant"] for s in row["signatures"]][::-1], strict=True)
    ],
    "another delay": lambda row: row.update(document=row["document"].replace('"PT6H"', '"PT5H"')),
    "a field more": lambda row: row.update(document=row["document"].replace('"timestamp"', '"timestamp","x"')),
    "a blank more": lambda row: row.update(document=row["document"] + " "),
}


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_whatever_is_changed_afterwards_is_found(ports: list[Port], tmp_path: Path, what: str) -> None:
    bundle = export(ports[0], tmp_path / "bundle")
    before = (bundle / "agreements.jsonl").read_bytes()
    spoil(bundle, SPOILT[what])
    assert (bundle / "agreements.jsonl").read_bytes() != before
    assert any("test-agreement" in fault for fault in report_on(bundle, ports).faults)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_bundle_for_a_partner_holds_no_draft(ports: list[Port], tmp_path: Path) -> None:
    bundle = export(ports[0], tmp_path / "bundle", ports[1].participant)
    assert {row["id"] for row in rows_of(bundle)} == {"test-agreement", "taken-back", "declined", "open-proposal"}
    assert report_on(bundle, ports).faults == []
