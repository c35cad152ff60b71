"""Two nodes negotiate and transfer over real HTTP, with signatures and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.exchange.dsp_pair import Pair, pair, wait

from sealane.database import Database
from sealane.database.tables import delivery, dsp


@pytest.fixture
def nodes(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Pair]:
    with pair(tmp_path, databases) as made:
        yield made


def test_a_clause_becomes_a_contract_and_a_stream(nodes: Pair) -> None:
    pid = nodes.contract()
    consumer = wait(nodes.consumer, dsp.negotiation, pid, "FINALIZED")
    provider = wait(nodes.provider, dsp.negotiation, consumer.peer_pid, "FINALIZED")
    assert consumer.agreement == provider.agreement
    assert consumer.agreement["assigner"] == nodes.provider.identity.participant
    transfer = nodes.transfer(consumer.agreement_ref)
    ours = wait(nodes.consumer, dsp.transfer, transfer, "STARTED")
    theirs = wait(nodes.provider, dsp.transfer, ours.peer_pid, "STARTED")
    assert ours.stream_id == theirs.stream_id is not None
    for node, direction in ((nodes.provider, "out"), (nodes.consumer, "in")):
        with node.database.read() as connection:
            stream = connection.execute(sa.select(delivery.stream)).one()
        assert (stream.direction, stream.state) == (direction, "open")
