"""Cells of aggregates on their way: judged where they arrive, kept apart from records."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests import ports
from tests.exchange.delivery_pair import Pair, rows

from sealane.agreements.clauses import Granularity, Grouping, Period
from sealane.database.tables.agreements import agreement
from sealane.database.tables.delivery import inbox, outbox, stream
from sealane.database.tables.products import record
from sealane.exchange.registry import terms_in_force
from sealane.exchange.releases import release_all
from sealane.products.codes import imo_check_digit

GROUPING = Grouping(
    by=("portCall.UNLocationCode",),
    measures=(),
    period=Period.DAY,
    contributor="vessel.vesselIMONumber",
    minimum_group=3,
)


def feed_vessels(pair: Pair, vessels: int) -> None:
    for number in range(vessels):
        first_six = str(900_000 + number)
        imo = f"{first_six}{imo_check_digit(first_six)}"
        ports.feed(pair.provider, [number], vessel={"vesselIMONumber": imo, "vesselName": "SIMULATED"})
    pair.clock.forward(2 * 86_400)
    with pair.provider.database.write() as connection:
        connection.execute(stream.update().values(lease_until=pair.clock() + dt.timedelta(hours=1)))
    own = pair.provider.identity.participant
    release_all(pair.provider.database, own, terms_in_force, pair.clock)


def test_cells_go_out_and_stand_beside_the_records_not_among_them(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(granularity=Granularity.AGGREGATE, grouping=GROUPING)
    feed_vessels(pair, 4)
    pair.drain()
    (stored,) = rows(pair.recipient, record)
    assert stored.dataset == "port-calls/cells"
    assert json.loads(stored.body)["count"] == 4
    assert json.loads(stored.body)["by"] == {"portCall.UNLocationCode": "JPYOK"}
    assert {row.state for row in rows(pair.provider, outbox)} == {"acknowledged"}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"minimum_group": 5}, "count, minimum_group"),
        ({"by": ("terminalCall.terminalCallID",)}, "by"),
        ({"period": Period.MONTH}, "period"),
    ],
)
def test_cells_outside_the_recipients_text_are_refused(
    make_pair: Callable[..., Pair], change: dict[str, Any], shown: str
) -> None:
    pair = make_pair(granularity=Granularity.AGGREGATE, grouping=GROUPING)
    other = dataclasses.replace(GROUPING, **change)
    narrow = ports.clause(granularity=Granularity.AGGREGATE, grouping=other)
    with pair.recipient.database.write() as connection:
        connection.execute(agreement.delete())
    ports.put_in_force(pair.recipient, ports.agreement(pair.provider, pair.recipient, [narrow]))
    feed_vessels(pair, 4)
    assert pair.step().refused == 1
    assert rows(pair.recipient, record) == []
    assert f"the cell's {shown}" in rows(pair.recipient, inbox)[0].reason
