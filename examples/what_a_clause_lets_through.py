"""What would a partner get of a record under a clause, and why not the rest?"""

# The clause is a DEMONSTRATION: no port has agreed to it. The call is made up.

from __future__ import annotations

import datetime as dt

from sealane import Clause, Record, Terms, decide
from sealane.agreements.clauses import Granularity, Prohibition, RowFilter

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
CLAUSE = Clause(
    id="port-calls",
    provider="port-of-los-angeles",
    recipients=("port-of-yokohama",),
    dataset="port-calls",
    fields=("eventID", "portCall", "timestamp", "vessel.vesselIMONumber"),
    purposes=frozenset({"port-call-optimisation"}),
    granularity=Granularity.RECORD,
    rows=RowFilter(ports=frozenset({"USLAX"})),
    delay=dt.timedelta(hours=6),
    valid_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    valid_until=None,
    demonstration=True,
)
LABOUR = Prohibition(
    id="no-labour-tracking",
    datasets=frozenset(),
    fields=(),
    purposes=frozenset({"labour-tracking"}),
    source="California Government Code 12100.131(b)(3)",
)
TERMS = Terms("demonstration", 1, CLAUSE, (LABOUR,))


def call(port: str, known_at: dt.datetime) -> Record:
    """Return a made-up port call."""
    body = {"eventID": "1", "portCall": {"UNLocationCode": port}, "vessel": {"vesselName": "SIMULATED"}}
    return Record("port-calls", "1", known_at, known_at, port=port, body=body)


def main() -> None:
    """Ask for four cases and print what is decided."""
    old, new = NOW - dt.timedelta(days=1), NOW - dt.timedelta(hours=1)
    for title, record, purpose in (
        ("a call of yesterday", call("USLAX", old), "port-call-optimisation"),
        ("a call of an hour ago", call("USLAX", new), "port-call-optimisation"),
        ("a call at another port", call("USOAK", old), "port-call-optimisation"),
        ("tracking labour", call("USLAX", old), "labour-tracking"),
    ):
        decision = decide(record, TERMS, NOW, purpose, Granularity.RECORD)
        print(f"{title}: {decision.outcome} ({decision.reason})", decision.body or "", *decision.withheld_fields)


if __name__ == "__main__":
    main()
