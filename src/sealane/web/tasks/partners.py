"""Partners' port calls that a node holds, written as tables for a child process, which has no database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sealane.node.context import Node


def partners_calls(node: Node, folder: Path) -> dict[str, Any]:
    """Write one table a partner; return their names, and under which agreements they came."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from sealane.corridors.call_table import CALLS_SCHEMA
    from sealane.exchange.agreement_store import list_agreements
    from sealane.products.call_table import partner_calls, received_under

    now, own = node.clock(), node.identity.participant
    with node.database.read() as connection:
        rows = partner_calls(connection, own)
        held = {(one.document.id, one.document.version): one for one in list_agreements(connection)}
        under = received_under(connection, own)
    names = []
    for number, source in enumerate(sorted({row["source"] for row in rows}), 1):
        some = [row for row in rows if row["source"] == source]
        schema = pa.schema([CALLS_SCHEMA.field(name) for name in some[0]])
        name = f"in/partner-{number}.parquet"
        pq.write_table(pa.Table.from_pylist(some, schema=schema), folder / name)
        names.append(name)
    agreements = []
    for item in under:
        one = held.get((item.agreement_id, item.version))
        ended = one.ended_at.isoformat(timespec="seconds").replace("+00:00", "Z") if one and one.ended_at else None
        agreements.append(
            {
                "source": f"partner:{item.source}",
                "agreement": item.agreement_id,
                "version": item.version,
                "state": one.standing(now) if one else "not held here",
                "ended_at": ended,
                "demonstration": one.document.demonstration if one else None,
                "events": item.events,
            }
        )
    return {"partners": names, "agreements": agreements}
