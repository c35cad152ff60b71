"""Row R5: a message that its recipient can never take.

Passes when it is dead after a few refusals, with its reason, and everything else on its stream and on others flows.
In the control the recipient refuses whole batches instead of single events; nothing flows then.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from typing import Any
from unittest import mock

import sqlalchemy as sa
from tests import ports
from tests.faults.world import Machine, effects, machine, result

from sealane.agreements.clauses import RowFilter
from sealane.database.tables.products import record
from sealane.errors import RequestRefusedError
from sealane.exchange import inbox
from sealane.exchange.dead_letters import MAX_REFUSALS, dead_letters
from sealane.exchange.delivery import deliver_all
from sealane.node.context import Node

MESSAGES, SMALL = 2_000, 300
POISONED = 5


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run the row on one kind of database."""
    count = MESSAGES if full else SMALL
    with machine(database) as place:
        found = _trial(place, seed, count)
    real = inbox._read_payload

    def refuse_all(received: Any, granularity: Any, now: Any) -> Any:
        read = real(received, granularity, now)
        if read.fault is not None:
            raise RequestRefusedError(400, "invalid", str(read.fault), "Mend it.")
        return read

    with machine(database) as place, mock.patch.object(inbox, "_read_payload", refuse_all):
        blocked = _trial(place, seed, SMALL)
    controls = {"whole_batch_refused": blocked["lost"] > 0 and blocked["dead"] == 0}
    passed = (
        found["lost"] == found["doubled"] == found["disordered"] == 0
        and found["dead"] == POISONED
        and found["others"] == count - POISONED
    )
    return result(
        "R5", seed, database, passed=passed, control_failed=all(controls.values()), **found, controls=controls
    )


def _trial(place: Machine, seed: int, count: int) -> dict[str, Any]:
    clock = ports.Clock()
    provider, recipient, other = (
        ports.make_node(place.folder, name, place.database(), clock) for name in ("provider", "recipient", "other")
    )
    with provider, recipient, other:
        ports.connect(provider, recipient)
        ports.introduce(provider, other)
        ports.introduce(other, provider)
        clause = ports.clause(rows=RowFilter(vessels=frozenset({"9074729"})))
        document = dataclasses.replace(ports.agreement(provider, other, [clause]), id="with-another-port")
        for node in (provider, other):
            ports.put_in_force(node, document)
        ports.open_both(provider, other, document)
        ports.feed(provider, range(count))
        poisoned = random.Random(seed).sample(range(count), POISONED)
        _poison(provider, poisoned)
        with ports.serving(provider), ports.serving(recipient), ports.serving(other):
            for _ in range(2 * MAX_REFUSALS):
                deliver_all(provider, budget_s=60)
                clock.forward(300)
        expected = {ports.event_id(number) for number in range(count)} - {ports.event_id(n) for n in poisoned}
        seen = effects(provider, recipient, expected)
        with provider.database.read() as connection:
            letters = dead_letters(connection)
        with other.database.read() as connection:
            others = connection.execute(sa.select(sa.func.count()).select_from(record)).scalar_one()
    return {
        "tried": count,
        "lost": seen.lost,
        "doubled": seen.doubled,
        "disordered": seen.disordered,
        "dead": sum("invalid" in str(letter.reason) for letter in letters),
        "others": others,
    }


def _poison(provider: Node, numbers: Sequence[int]) -> None:
    """Make some records unreadable; as they name no vessel any more, the other port's clause does not cover them."""
    body = b'{"eventID":"no such id","portCall":{"UNLocationCode":"JPYOK"}}'
    with provider.database.write() as connection:
        for number in numbers:
            mine = record.c.id == ports.event_id(number)
            connection.execute(record.update().where(mine).values(body=body, vessel_imo=None))
