"""Two nodes over real HTTP: a partner is known by its token and its signature, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.live_nodes import Clock, LiveNode, introduce, live_node

from sealane.database import Database


@pytest.fixture
def pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[tuple[LiveNode, LiveNode]]:
    clock = Clock()
    with (
        live_node(tmp_path / "a", databases(), "port-a", clock) as one,
        live_node(tmp_path / "b", databases(), "port-b", clock) as other,
    ):
        introduce(one, other)
        introduce(other, one)
        yield one, other


def test_a_signed_request_arrives_under_the_name_of_its_sender(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    assert one.send(other, b'{"a": 1}') == 200
    assert other.received == [("port-a", b'{"a": 1}')]
