"""`sealane agreement` with a node: proposed, signed, renewed and retired between two folders, and shown."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.agreement_world import LOS_ANGELES, NAGOYA, content_of
from tests.live_nodes import free_socket, serving

from sealane.cli.main import run
from sealane.exchange.keys import Identity
from sealane.node import init_node, open_node
from sealane.node.app import create_app
from sealane.reports.commitments import read_files


@dataclass
class World:
    """Two nodes that know each other, each served until it is stopped."""

    folders: dict[str, Path]
    file: Path
    served: dict[str, ExitStack] = field(default_factory=dict)

    def serve(self, party: str, bound: socket.socket) -> None:
        stack = self.served[party] = ExitStack()
        node = stack.enter_context(open_node(self.folders[party], environ={}))
        stack.enter_context(serving(create_app(node), bound))

    def stop(self, party: str) -> None:
        self.served.pop(party).close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two nodes made and introduced to each other by the command line."""
    monkeypatch.delenv("SEALANE_NODE", raising=False)
    made = World({party: tmp_path / party for party in (LOS_ANGELES, NAGOYA)}, tmp_path / "agreement.yaml")
    sockets = {party: free_socket() for party in made.folders}
    identities: dict[str, Identity] = {}
    for party, folder in made.folders.items():
        origin = f"http://127.0.0.1:{sockets[party].getsockname()[1]}"
        values = {"participant": f"urn:example:{party}", "name": party, "origin": origin}
        with init_node(folder, values, environ={}) as node:
            identities[party] = node.identity
    for party, other in ((LOS_ANGELES, NAGOYA), (NAGOYA, LOS_ANGELES)):
        key = json.dumps(identities[other].root_jwk)
        words = ["--node", str(made.folders[party]), identities[other].participant, "--name", other]
        words += ["--origin", identities[other].origin, "--root-key", key, "--allow-private"]
        assert run(["peer", "add", *words]) == 0
    content = content_of(list(identities.items()), valid_from="2020-01-01T00:00:00Z")
    content["commitments"] = [
        {"id": "share", "by": [NAGOYA], "what": "Share calls", "due": "2021-06-30", "indicator": "Share of calls",
         "unit": "%", "target": 90, "aim": "at_least"}
    ]  # fmt: skip
    made.file.write_text(yaml.safe_dump(content), encoding="utf-8")
    for party, bound in sockets.items():
        made.serve(party, bound)
    yield made
    for party in list(made.served):
        made.stop(party)
    for bound in sockets.values():
        bound.close()


def agreement(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> tuple[str, str]:
    """Run a command and return what it wrote to standard output and standard error."""
    capsys.readouterr()
    assert run(["agreement", *map(str, words)]) == code, capsys.readouterr().err
    captured = capsys.readouterr()
    return captured.out, captured.err


def listed(capsys: pytest.CaptureFixture[str], folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(agreement(capsys, "list", "--node", folder, "--json")[0])
    return found


def test_the_whole_life_of_an_agreement(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = world.folders[LOS_ANGELES], world.folders[NAGOYA]
    _, told = agreement(capsys, "propose", world.file, "--node", ours)
    assert "test-agreement/1: proposed; not signed yet by urn:example:port-of-nagoya (demonstration terms)" in told
    assert "proposal to urn:example:port-of-nagoya: delivered" in told

    shown, _ = agreement(capsys, "show", "test-agreement", "--node", theirs)
    assert "demonstration terms" in shown
    assert "port-of-los-angeles lets port-of-nagoya have port-calls (single records) - demonstration terms" in shown
    assert "urn:example:port-of-nagoya" in shown
    assert "not signed" in shown

    # One node is down: the signature waits, and this is told.
    world.stop(LOS_ANGELES)
    _, told = agreement(capsys, "sign", "test-agreement", "--node", theirs)
    assert "test-agreement/1: in force (demonstration terms)" in told
    assert "signature to urn:example:port-of-los-angeles: pending after 1 attempts" in told
    _, told = agreement(capsys, "list", "--node", theirs)
    assert "partners have not taken everything of test-agreement/1" in told
    (found,) = listed(capsys, theirs)
    assert (found["state"], found["version"], found["kind"], found["terms"]) == (
        "in_force",
        1,
        "mou",
        "demonstration terms",
    )
    assert found["missing"] == []
    table, _ = agreement(capsys, "list", "--node", theirs)
    assert table.splitlines()[1].split()[:5] == ["test-agreement", "1", "mou", "in", "force"]
    assert "demonstration terms" in table

    # The other direction: renewal by the one who has it in force, retirement of everything that lives.
    _, told = agreement(
        capsys, "renew", "test-agreement", "--node", theirs, "--valid-from", "2099-01-01T09:00:00+09:00"
    )
    assert "test-agreement/2: proposed" in told
    assert [(a["version"], a["state"]) for a in listed(capsys, theirs)] == [(1, "in_force"), (2, "proposed")]
    shown, _ = agreement(capsys, "show", "test-agreement", "--node", theirs, "--version", 2, "--json")
    content = json.loads(shown)
    assert content["valid_from"] == "2099-01-01T00:00:00Z"
    assert content["document"]["supersedes"] == 1
    assert content["messages"][0]["state"] == "pending"
    _, told = agreement(capsys, "retire", "test-agreement", "--node", theirs, "--reason", "over")
    assert "test-agreement/1: retired" in told
    assert "test-agreement/2: retired" in told
    assert {a["state"] for a in listed(capsys, theirs)} == {"retired"}
    assert "ended" in agreement(capsys, "show", "test-agreement", "--node", theirs)[0]
    _, told = agreement(capsys, "retire", "test-agreement", "--node", theirs, "--reason", "over", code=2)
    assert "nothing to end" in told


def test_a_proposal_is_declined(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    agreement(capsys, "propose", world.file, "--node", world.folders[LOS_ANGELES])
    _, told = agreement(capsys, "decline", "test-agreement", "--reason", "no", "--node", world.folders[NAGOYA])
    assert "test-agreement/1: declined" in told
    _, told = agreement(capsys, "sign", "test-agreement", "--node", world.folders[NAGOYA], code=2)
    assert "no version is proposed (versions: 1 declined)" in told


def test_a_draft_is_told_to_nobody(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = agreement(capsys, "propose", world.file, "--draft", "--node", world.folders[LOS_ANGELES])
    assert told.strip() == "test-agreement/1: draft (demonstration terms)"
    assert listed(capsys, world.folders[NAGOYA]) == []


def test_what_was_not_taken_is_sent_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.stop(LOS_ANGELES)
    agreement(capsys, "propose", world.file, "--node", world.folders[NAGOYA])
    out, _ = agreement(capsys, "resend", "test-agreement", "--node", world.folders[NAGOYA], "--json")
    (message,) = json.loads(out)["messages"]
    assert (message["kind"], message["state"], message["attempts"]) == ("proposal", "pending", 2)


def test_nothing_waits_where_all_was_taken(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    agreement(capsys, "propose", world.file, "--node", world.folders[LOS_ANGELES])
    agreement(capsys, "propose", world.file, "--node", world.folders[NAGOYA])  # the same text: a signature
    for folder in world.folders.values():
        assert [a["state"] for a in listed(capsys, folder)] == ["in_force"]
        assert "nothing of test-agreement waits" in agreement(capsys, "resend", "test-agreement", "--node", folder)[1]


def test_activities_and_commitments(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    node = ["--node", world.folders[LOS_ANGELES]]
    agreement(capsys, "propose", world.file, *node)
    assert "nothing is recorded" in agreement(capsys, "activity", "list", *node)[1]
    out, told = agreement(capsys, "commitments", "test-agreement", *node)
    assert "at least 90 %" in out
    assert "not reported, OVERDUE" in out
    assert "demonstration terms" in told
    words = ["--kind", "visit", "--title", "A visit", "--day", "2021-05-01", "--note", "Eight people"]
    agreement(capsys, "activity", "add", "test-agreement", *words, *node)
    words = ["--kind", "report", "--title", "Half a year", "--commitment", "share"]
    agreement(capsys, "activity", "add", "test-agreement", *words, "--day", "2021-01-31", "--value", 50, *node)
    assert "reported 2021-01-31, not reached, OVERDUE" in agreement(capsys, "commitments", "test-agreement", *node)[0]
    agreement(capsys, "activity", "add", "test-agreement", *words, "--day", "2021-06-30", "--value", 91.5, *node)
    (standing,) = json.loads(agreement(capsys, "commitments", "test-agreement", *node, "--json")[0])
    assert (standing["last_value"], standing["reached"], standing["overdue"], standing["reports"]) == (
        91.5,
        True,
        False,
        2,
    )
    out, _ = agreement(capsys, "activity", "list", "test-agreement", *node)
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["2021-01-31", "2021-05-01", "2021-06-30"]
    assert "91.5 %" in out
    # Agreements that only the catalogue tells of have activities, too, but no commitment to report on.
    words = ["--kind", "meeting", "--title", "A meeting", "--day", "2021-05-01"]
    agreement(capsys, "activity", "add", "nagoya-mou-2020", *words, *node)
    assert "holds no commitment" in agreement(capsys, "commitments", "nagoya-mou-2020", *node)[1]


WRONG_ACTIVITIES = [
    (["--kind", "visit", "--day", "2021-05-01", "--value", "3", "--commitment", "share"], ["value: is given", "Only"]),
    (["--kind", "report", "--day", "2021-05-01"], ["commitment: is missing"]),
    (["--kind", "report", "--day", "2021-05-01", "--commitment", "x", "--value", "nan"], ["Name a", "finite"]),
    (["--kind", "visit", "--day", "9999-05-01"], ["Record what has happened"]),
    (["--kind", "visit", "--day", "1.5.2021"], ["YYYY-MM-DD"]),
    (["--kind", "visit", "--day", "20210501"], ["YYYY-MM-DD"]),
]


def test_a_wrong_activity_is_refused_with_all_faults(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    node = ["--node", world.folders[LOS_ANGELES]]
    agreement(capsys, "propose", world.file, *node)
    for words, said in WRONG_ACTIVITIES:
        _, told = agreement(capsys, "activity", "add", "test-agreement", "--title", "T", *words, *node, code=2)
        assert all(text in told for text in said), told
    assert json.loads(agreement(capsys, "activity", "list", *node, "--json")[0]) == []


def test_an_unknown_agreement_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    node = ["--node", world.folders[LOS_ANGELES]]
    assert "no version is proposed" in agreement(capsys, "sign", "nowhere", *node, code=2)[1]
    assert "this node has none" in agreement(capsys, "decline", "nowhere", "--reason", "no", *node, code=2)[1]
    assert "nothing to end" in agreement(capsys, "retire", "nowhere", "--reason", "no", *node, code=2)[1]
    assert (
        "No version" in agreement(capsys, "renew", "nowhere", "--valid-from", "2099-01-01T00:00:00Z", *node, code=2)[1]
    )
    assert "No agreement has the id" in agreement(capsys, "show", "nowhere", *node, code=2)[1]
    assert "nagoya-mou-2020" in agreement(capsys, "show", "nagoya-mou-2020", *node)[0]


def test_renew_wants_a_time_or_a_file_and_the_catalogue_stays_in_reach(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALANE_NODE", str(world.folders[LOS_ANGELES]))
    assert "either --valid-from" in agreement(capsys, "renew", "test-agreement", code=2)[1]
    words = ["--valid-from", "2099-01-01T00:00:00"]
    assert "with zone" in agreement(capsys, "renew", "test-agreement", *words, code=2)[1]
    assert "no such agreement" in agreement(capsys, "list")[1]
    out, told = agreement(capsys, "list", "--catalogue")
    assert "nagoya-mou-2020" in out
    assert "counts 17" in told


def test_validate_reports_all_faults_and_templates_are_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = agreement(capsys, "template", "list", "--json")
    names = [template["name"] for template in json.loads(out)]
    assert "sister-port" in names
    file = tmp_path / "new.yaml"
    agreement(capsys, "template", "show", "sister-port", "--output", file)
    assert agreement(capsys, "template", "show", "sister-port")[0] == file.read_text(encoding="utf-8")
    assert "Name a new file" in agreement(capsys, "template", "show", "sister-port", "--output", file, code=2)[1]
    out, _ = agreement(capsys, "validate", file, "--json", code=2)
    found = json.loads(out)
    assert found["valid"] is False
    assert len(found["faults"]) == file.read_text(encoding="utf-8").count('"FILL:')
    _, told = agreement(capsys, "validate", file, code=2)
    assert told.count("a blank of the template") == len(found["faults"])


def test_validate_says_what_would_be_signed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = agreement(capsys, "validate", world.file)
    assert "test-agreement/1 is valid (2 clauses, 0 prohibitions, demonstration terms)" in told
    out, _ = agreement(capsys, "validate", world.file, "--json")
    agreement(capsys, "propose", world.file, "--node", world.folders[LOS_ANGELES])
    assert listed(capsys, world.folders[LOS_ANGELES])[0]["digest"] == json.loads(out)["digest"]


def test_commitments_go_into_the_annual_report_of_a_lane(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    node = ["--node", world.folders[LOS_ANGELES]]
    agreement(capsys, "propose", world.file, *node)
    words = ["--kind", "report", "--title", "Half", "--commitment", "share", "--day", "2021-06-30", "--value", 91.5]
    agreement(capsys, "activity", "add", "test-agreement", *words, *node)
    told = tmp_path / "commitments.json"
    told.write_text(agreement(capsys, "commitments", "test-agreement", *node, "--json")[0])
    (promise,) = read_files([told])
    assert (promise.last_value, promise.overdue, promise.by_names) == (91.5, False, ("Port of Nagoya",))
    assert (promise.recorded_by or "").startswith("command line: ")
