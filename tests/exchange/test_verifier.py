"""The stand-alone verifier: what it accepts, and that it finds every fault put into a bundle."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.exchange.logs import ANGELES, MINUTE, NOW, YOKOHAMA, Port, register, story

from sealane.database import Database
from sealane.database.tables.agreements import agreement, agreement_signature
from sealane.database.tables.ledger import checkpoint, head, leaf, node
from sealane.exchange import verifier
from sealane.exchange.keys import Identity
from sealane.exchange.ledger import Entry, EntryKind, all_entries, append
from sealane.exchange.verifier import main, verify


@pytest.fixture
def ports(databases: Callable[[], Database], tmp_path: Path) -> tuple[Port, Port]:
    return story(databases, tmp_path)


def rows(bundle: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (bundle / name).read_text(encoding="utf-8").splitlines()]


def write(bundle: Path, name: str, content: list[dict[str, Any]]) -> None:
    (bundle / name).write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")


def test_a_sound_log_has_no_fault(ports: tuple[Port, Port], tmp_path: Path) -> None:
    angeles, yokohama = ports
    for port, other, mine in ((angeles, yokohama, "los-angeles.zip"), (yokohama, angeles, "yokohama")):
        bundle = port.export(tmp_path / f"b-{mine}")
        witness = other.export(tmp_path / f"witness-of-{mine}")
        report = verify(bundle, {p.id: p.identity.root_jwk for p in ports}, [witness])
        assert report.faults == []
        assert report.counts["agreements"] == 1
        assert report.counts["signatures of parties"] == 2
        assert report.counts["receipts"] == 3
        assert report.counts["of them held by others"] >= 1
        assert report.counts["covered by a signature"] == report.counts["entries"] > 10
        assert report.notes == []


def test_it_runs_alone_without_sealane(ports: tuple[Port, Port], tmp_path: Path) -> None:
    """The file is copied out, and run where importing sealane fails."""
    angeles, _ = ports
    bundle = angeles.export(tmp_path / "bundle.zip")
    script = tmp_path / "alone" / "verifier.py"
    script.parent.mkdir()
    shutil.copy(verifier.__file__, script)
    (script.parent / "sealane.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
    key = tmp_path / "root.json"
    key.write_text(json.dumps(angeles.identity.root_jwk), encoding="utf-8")
    command = [sys.executable, str(script), str(bundle), "--root-key", f"{ANGELES}={key}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=script.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 signatures of parties" in done.stdout
    assert "no fault found" in done.stdout
    imports = [line for line in script.read_text(encoding="utf-8").splitlines() if line.startswith(("import", "from"))]
    assert not [line for line in imports if "sealane" in line]


def test_a_bundle_for_a_partner_has_the_keys_of_all_parties(ports: tuple[Port, Port], tmp_path: Path) -> None:
    """An agreement of three: its third signature needs the third party's keys."""
    angeles, _ = ports
    with angeles.database.write() as connection:
        text = connection.scalar(sa.select(agreement.c.document))
        third = Identity.create(tmp_path / "third", "urn:sealane:test:nagoya", "https://nagoya.example", NOW)
        document = json.loads(text or b"{}")
        document |= {"version": 2}
        document["participants"].append({"party": "n", "participant": third.participant, "root_key": third.root_jwk})
        made = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        moments = {"valid_from": NOW, "created_at": NOW, "changed_at": NOW}
        version = {"id": document["id"], "version": 2, "state": "in_force", "document": made, "digest": "", **moments}
        connection.execute(agreement.insert().values(**version))
        register(connection, third)
        for one in (*(port.identity for port in ports), third):
            jws = one.sign(made, "sealane-agreement+jws", NOW)
            row = {"participant": one.participant, "purpose": "sign", "jws": jws, "signed_at": NOW}
            connection.execute(agreement_signature.insert().values(agreement_id=document["id"], version=2, **row))
    report = verify(angeles.export(tmp_path / "bundle", peer=YOKOHAMA))
    assert report.faults == []
    assert report.counts["signatures of parties"] == 5


def test_a_bundle_for_a_partner_hides_what_concerns_others(ports: tuple[Port, Port], tmp_path: Path) -> None:
    angeles, _ = ports
    third = "urn:sealane:test:nagoya"
    angeles.log(Entry(EntryKind.ALARM, third, "secret subject", {"reason": "concerns Nagoya"}))
    angeles.checkpoint()
    bundle = angeles.export(tmp_path / "bundle", peer=YOKOHAMA)
    text = "".join(path.read_text(encoding="utf-8") for path in bundle.iterdir())
    assert "secret subject" not in text
    assert third not in text
    report = verify(bundle)
    assert report.faults == []
    assert report.counts["as hashes only"] == 1


Change = Callable[[Path], None]


def edit(name: str, work: Callable[[list[dict[str, Any]]], object]) -> Change:
    def change(bundle: Path) -> None:
        content = rows(bundle, name)
        work(content)
        write(bundle, name, content)

    return change


def flip(row: dict[str, Any], key: str, old: str, new: str) -> None:
    assert old in row[key]
    row[key] = row[key].replace(old, new, 1)


def swapped(content: list[dict[str, Any]]) -> None:
    content[3]["entry"], content[4]["entry"] = content[4]["entry"], content[3]["entry"]


def flip_signature(content: list[dict[str, Any]], *path: Any) -> None:
    row: Any = content
    for step in path:
        row = row[step]
    head, dot, signature = row["jws"].rpartition(".")
    row["jws"] = head + dot + ("B" if signature[0] != "B" else "C") + signature[1:]


CHANGES: dict[str, tuple[Change, str]] = {
    "entry altered": (edit("entries.jsonl", lambda c: flip(c[5], "entry", "event-", "Event-")), "altered or rewritten"),
    "entry deleted": (edit("entries.jsonl", lambda c: c.pop(4)), "deleted, inserted or swapped"),
    "entries swapped": (edit("entries.jsonl", swapped), "its bytes say it is entry 4"),
    "entry doubled": (edit("entries.jsonl", lambda c: c.insert(4, dict(c[4]))), "deleted, inserted or swapped"),
    "last entries cut off": (edit("entries.jsonl", lambda c: c.pop()), "truncated or rolled back"),
    "document altered": (
        edit("agreements.jsonl", lambda c: flip(c[0], "document", '"demonstration":true', '"demonstration":false')),
        "over other bytes than the document's",
    ),
    "one signature taken off": (
        edit("agreements.jsonl", lambda c: c[0]["signatures"].pop()),
        "lacks the signature of urn:sealane:test:yokohama",
    ),
    "signature of a party bent": (
        edit("agreements.jsonl", lambda c: flip_signature(c, 0, "signatures", 1)),
        "its signature does not hold",
    ),
    "signature given as the other's": (
        edit("agreements.jsonl", lambda c: c[0]["signatures"][1].update(jws=c[0]["signatures"][0]["jws"])),
        "by a key that no root key certified for urn:sealane:test:yokohama",
    ),
    "agreement taken out": (edit("agreements.jsonl", lambda c: c.clear()), "not all parties are shown to have signed"),
    "checkpoint bent": (edit("checkpoints.jsonl", lambda c: flip_signature(c, 0)), "its signature does not hold"),
    "receipt bent": (edit("receipts.jsonl", lambda c: flip_signature(c, 0)), "its signature does not hold"),
    "receipt of another": (
        edit("receipts.jsonl", lambda c: c[0].update(direction="out")),
        "against its direction",
    ),
    "certificate bent": (
        edit("keys.jsonl", lambda c: c[0]["certificates"].__setitem__(0, c[1]["certificates"][0])),
        "its signature does not hold",
    ),
    "root key exchanged": (
        edit("keys.jsonl", lambda c: c[0].update(root_key=c[1]["root_key"])),
        "2 root keys are named and none is given",
    ),
}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_found(name: str, ports: tuple[Port, Port], tmp_path: Path) -> None:
    change, says = CHANGES[name]
    bundle = ports[0].export(tmp_path / "bundle")
    assert verify(bundle).faults == []
    change(bundle)
    faults = verify(bundle).faults
    assert any(says in fault for fault in faults), faults
    assert main([str(bundle)]) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_several_faults_are_all_reported(ports: tuple[Port, Port], tmp_path: Path) -> None:
    bundle = ports[0].export(tmp_path / "bundle")
    for name in ("entry altered", "signature of a party bent", "receipt bent"):
        CHANGES[name][0](bundle)
    faults = "\n".join(verify(bundle).faults)
    for name in ("entry altered", "signature of a party bent", "receipt bent"):
        assert CHANGES[name][1] in faults


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_log_rewritten_by_its_owner_is_found_with_a_witness_only(ports: tuple[Port, Port], tmp_path: Path) -> None:
    """The owner has the key and signs the rewritten log anew: only what partners hold shows it."""
    angeles, yokohama = ports
    with angeles.database.write() as connection:
        old = list(all_entries(connection))
        for table in (leaf, node, head):
            connection.execute(table.delete())
        connection.execute(checkpoint.delete().where(checkpoint.c.participant == ANGELES))
        kept = [entry for entry in old if entry.subject != "event-3"]
        append(connection, [Entry(e.kind, e.peer, e.subject, e.body) for e in kept], angeles.now)
    angeles.checkpoint()
    bundle, witness = angeles.export(tmp_path / "bundle"), yokohama.export(tmp_path / "witness")
    alone = [fault for fault in verify(bundle).faults if "receipts.jsonl" not in fault]
    assert alone == []
    faults = verify(bundle, witnesses=[witness]).faults
    assert any("the first" in fault and "altered or rewritten" in fault for fault in faults), faults


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("since_the_beginning", [False, True])
def test_a_key_counts_for_what_it_signed_before_it_was_revoked(
    ports: tuple[Port, Port], tmp_path: Path, since_the_beginning: bool
) -> None:
    angeles, _ = ports
    old = angeles.identity.signing_key(angeles.now).kid
    angeles.now += MINUTE
    angeles.identity.rotate(angeles.now)
    angeles.identity.revoke(old, angeles.now, reason="test", revoked_at=NOW if since_the_beginning else angeles.now)
    angeles.log(Entry(EntryKind.KEY_REVOKED, None, old, {"kid": old}))
    assert angeles.identity.signing_key(angeles.now).kid != old
    angeles.checkpoint()
    faults = verify(angeles.export(tmp_path / "bundle")).faults
    assert bool(faults) == since_the_beginning
    assert all("revoked by then" in fault or "not all parties" in fault or "lacks" in fault for fault in faults)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_users_own_root_key_counts_and_no_other(ports: tuple[Port, Port], tmp_path: Path) -> None:
    """An owner could make up a partner, keys, agreement and all; so the bundle's own word is only a note."""
    angeles, yokohama = ports
    bundle = angeles.export(tmp_path / "bundle")
    assert sum("is the bundle's own word" in note for note in verify(bundle).notes) == 2
    faults = verify(bundle, {YOKOHAMA: angeles.identity.root_jwk}).faults
    assert f"keys of {YOKOHAMA}: another root key is named beside the one given" in faults
    assert any("lacks the signature of urn:sealane:test:yokohama" in fault for fault in faults)
    assert not any("root key" in note for note in verify(bundle, {p.id: p.identity.root_jwk for p in ports}).notes)
    assert yokohama.id == YOKOHAMA


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_is_no_bundle_is_said_with_exit_code_2(
    ports: tuple[Port, Port], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = ports[0].export(tmp_path / "bundle")
    assert main([str(tmp_path / "nothing")]) == 2
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    assert main([str(tmp_path / "text.zip")]) == 2
    (bundle / "entries.jsonl").write_text('{"position":0,"position":1}\n', encoding="utf-8")
    assert main([str(bundle)]) == 2
    assert "a key is given twice" in capsys.readouterr().err
    (bundle / "receipts.jsonl").unlink()
    assert main([str(bundle)]) == 2
    (bundle / "manifest.json").write_text('{"format":"other"}', encoding="utf-8")
    assert main([str(bundle)]) == 2
