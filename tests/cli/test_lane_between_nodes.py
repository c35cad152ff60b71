"""A lane of two nodes: what the partner's agreement lets through is used, what it withholds is not."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer
from tests.nodes import make_node
from tests.ports import agreement, clause, exchange_keys, introduce, serving
from typer.testing import CliRunner

from sealane.agreements.clauses import RowFilter
from sealane.agreements.document_model import AgreementDocument
from sealane.cli import lane as commands
from sealane.exchange.delivery import deliver_all
from sealane.exchange.registry import propose, retire, send_pending, sign
from sealane.node.context import Node
from sealane.node.dataspace import step_negotiations, step_transfers
from sealane.node.flows import follow
from sealane.products.store import put_records

YOKOHAMA, LOS_ANGELES = "urn:sealane:test:yokohama", "urn:sealane:test:la"
SHIP, OTHER = "9321483", "9074729"
CALLS = (
    # visit, ship, port, berthed, sailed
    ("v1", SHIP, "JPYOK", "2026-07-15T00:00:00Z", "2026-07-16T00:00:00Z"),
    ("v2", SHIP, "JPUKB", "2026-07-18T00:00:00Z", "2026-07-19T00:00:00Z"),  # not let through: another port
    ("v3", SHIP, "JPYOK", "2026-08-20T00:00:00Z", "2026-08-21T00:00:00Z"),
)
LATER = ("v4", OTHER, "JPYOK", "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
HEAD = "imo,ship_class,subtype,port,arrival,departure,cargo_teu_loaded\n"
OWN = HEAD + (
    '9321483,Container Ship,"8,000 TEU",USLAX,2026-07-01T00:00:00Z,2026-07-03T00:00:00Z,\n'
    # Los Angeles' agent told the second call at Yokohama too, two hours off.
    '9321483,Container Ship,"8,000 TEU",JPYOK,2026-08-20T02:00:00Z,2026-08-21T01:00:00Z,700\n'
    '9321483,Container Ship,"8,000 TEU",USLAX,2026-08-05T00:00:00Z,2026-08-07T00:00:00Z,\n'
    '9321483,Container Ship,"8,000 TEU",USLAX,2026-09-04T00:00:00Z,2026-09-06T00:00:00Z,\n'
)
app = typer.Typer()
commands.add_to(app)


def events(visit: str, ship: str, port: str, berthed: str, sailed: str) -> list[bytes]:
    return [
        json.dumps(
            {
                "eventID": f"00000000-0000-4000-8000-{visit[1:]:0>11}{number}",
                "eventUpdatedDateTime": when,
                "portCall": {"UNLocationCode": port, "portVisitReference": visit},
                "portCallService": {"portCallServiceTypeCode": "BERTH", "portCallServiceEventTypeCode": kind},
                "vessel": {"vesselIMONumber": ship, "vesselName": "SIMULATED", "vesselTypeCode": "CONT"},
                "timestamp": {"classifierCode": "ACT", "serviceDateTime": when},
            }
        ).encode()
        for number, (kind, when) in enumerate((("ARRI", berthed), ("DEPA", sailed)))
    ]


@dataclass
class Two:
    """Yokohama, which provides, and Los Angeles, which computes the lane."""

    yokohama: Node
    los_angeles: Node
    document: AgreementDocument

    def load(self, *calls: tuple[str, str, str, str, str]) -> None:
        bodies = [body for call in calls for body in events(*call)]
        with self.yokohama.database.write() as connection:
            now = self.yokohama.clock()
            assert not put_records(connection, YOKOHAMA, "port-calls", bodies, now, simulated=True).faults

    def sign(self) -> None:
        with self.yokohama.database.write() as connection:
            propose(connection, self.yokohama.identity, self.document, self.yokohama.clock())
        send_pending(self.yokohama)
        with self.los_angeles.database.write() as connection:
            sign(connection, self.los_angeles.identity, self.document.id, 1, self.los_angeles.clock())
        send_pending(self.los_angeles)

    def settle(self) -> None:
        for _ in range(8):
            time.sleep(0.05)
            for node in (self.yokohama, self.los_angeles):
                send_pending(node)
                follow(node)
                step_negotiations(node)
                step_transfers(node)
                deliver_all(node)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    nodes = [
        make_node(tmp_path / name, participant=participant, name=name)
        for name, participant in (("yokohama", YOKOHAMA), ("la", LOS_ANGELES))
    ]
    introduce(nodes[0], nodes[1])
    introduce(nodes[1], nodes[0])
    now = nodes[0].clock()
    begin, end = now - dt.timedelta(days=1), now + dt.timedelta(days=30)
    terms = clause(rows=RowFilter(ports=frozenset({"JPYOK"})), valid_from=begin, valid_until=end)
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node)
            stack.enter_context(serving(node))
        exchange_keys(*nodes)
        yield Two(nodes[0], nodes[1], replace(agreement(*nodes, [terms]), valid_from=begin, valid_until=end))


def lane(tmp_path: Path) -> dict[str, Any]:
    own = tmp_path / "own.csv"
    own.write_text(OWN)
    words = ("--node", str(tmp_path / "la"), "--calls", str(own), "--out", str(tmp_path / "lane"), "--json")
    result = CliRunner().invoke(app, ["lane", "la-yokohama", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def ports_of(tmp_path: Path) -> list[tuple[str, str]]:
    legs = pq.read_table(tmp_path / "lane" / "legs.parquet").to_pylist()
    return [(leg["from_port"], leg["to_port"]) for leg in legs]


def test_a_lane_stands_on_what_both_nodes_may_know(two: Two, tmp_path: Path) -> None:
    two.load(*CALLS)
    alone = lane(tmp_path)
    assert alone["data"]["calls_by_source"] == {"own_file": 4}, "nothing is agreed yet"
    assert ports_of(tmp_path) == [("USLAX", "JPYOK"), ("JPYOK", "USLAX")]

    two.sign()
    two.settle()
    both = lane(tmp_path)
    assert both["label"] == "SIMULATED DATA"
    # The call both tell is one, the own row stands; the withheld call at Kobe is nowhere.
    assert both["data"]["calls_by_source"] == {"own_file": 4, f"partner:{YOKOHAMA}": 1}
    assert both["rows_told_twice"] == 1
    assert both["counts"]["direct_passes"] == 4
    assert ports_of(tmp_path) == [("USLAX", "JPYOK"), ("JPYOK", "USLAX"), ("USLAX", "JPYOK"), ("JPYOK", "USLAX")]
    assert both["quality"]["distance_nm_by_source"]["route"] == pytest.approx(
        sum(both["quality"]["distance_nm_by_source"].values())
    ), "nobody told a distance: all of it is filled along the route, and said so"
    (under,) = both["agreements"]
    assert (under["agreement"], under["state"], under["events"]) == (two.document.id, "in force", 4)
    assert under["demonstration"] is True
    assert not any("nothing new comes" in note for note in both["notes"])

    with two.yokohama.database.write() as connection:
        retire(connection, two.yokohama.identity, two.document.id, 1, "the demonstration is over", two.yokohama.clock())
    two.load(LATER)
    two.settle()
    after = lane(tmp_path)
    assert after["data"] == both["data"], "what had arrived stays, what came later does not arrive"
    assert after["attribution"] == both["attribution"]
    assert after["agreements"][0]["state"] == "retired"
    assert after["agreements"][0]["ended_at"]
    assert any("retired on" in note and two.document.id in note for note in after["notes"])
