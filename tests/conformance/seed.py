"""Makes a node for the protocol's conformance kit: the kit as a partner, something to offer, and agreed contracts.

The catalogue shows the kit one data product, of which a simulated record is public. What the kit negotiates about are
offers of the test profile (`sealane.node.api.dsp_triggers`); contracts for its transfer tests stand as finalised rows.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from pathlib import Path

import sqlalchemy as sa

from sealane.database.tables.dsp import negotiation
from sealane.exchange.keys import Identity
from sealane.exchange.peers import add_peer
from sealane.node import Node, init_node
from sealane.products.store import put_records

KIT = "TCK_PARTICIPANT"  # how the kit calls itself; no URN, so it cannot stand in a signed agreement
DATASET = "port-calls"
PROVIDER_TESTS = [
    f"ATP{group:02}{number:02}" for group, last in ((1, 5), (2, 5), (3, 6)) for number in range(1, last + 1)
]
CONSUMER_TESTS = [name.replace("ATP", "ATPC") for name in PROVIDER_TESTS]
PORT_CALL = {
    "eventID": "5ea1a4e0-0000-4000-8000-000000000001",
    "eventUpdatedDateTime": "2026-01-01T00:00:00Z",
    "portCall": {"portCallID": "5ea1a4e0-0000-4000-8000-000000000002", "UNLocationCode": "USLAX"},
    "portCallService": {"portCallServiceTypeCode": "BERTH", "portCallServiceEventTypeCode": "ARRI"},
    "vessel": {"vesselIMONumber": "9074729", "vesselName": "SIMULATED"},
    "timestamp": {"classifierCode": "EST", "serviceDateTime": "2026-01-02T00:00:00Z"},
}


def seed(folder: Path, port: int, kit_port: int) -> Node:
    """Make the node's folder and everything the kit needs in its database."""
    node = init_node(
        folder,
        {
            "participant": "urn:sealane:conformance:port",
            "name": "Port under test",
            "origin": f"http://localhost:{port}",
            "host": "127.0.0.1",
            "port": port,
            "test_profile": True,
            "allow_private": True,
        },
        environ={},
    )
    now = node.clock()
    kit = Identity.create(folder.parent / "kit-keys", KIT, f"http://localhost:{kit_port}", now)
    with node.database.write() as connection:
        add_peer(
            connection,
            participant=KIT,
            name="Conformance kit",
            origin=kit.origin,
            root_key=kit.root_jwk,
            must_sign=False,
            allow_private=True,
            now=now,
        )
        body = json.dumps(PORT_CALL).encode()
        stored = put_records(connection, node.identity.participant, DATASET, [body], now, public=True, simulated=True)
        if stored.faults:
            raise SystemExit(f"The simulated port call cannot be stored: {stored.faults}")
        _contracts(connection, kit.origin, now)
    return node


def _contracts(connection: sa.Connection, kit_origin: str, now: dt.datetime) -> None:
    for role, names in (("provider", PROVIDER_TESTS), ("consumer", CONSUMER_TESTS)):
        for name in names:
            connection.execute(
                negotiation.insert().values(
                    id=f"urn:sealane:conformance:{name}",
                    role=role,
                    peer=KIT,
                    peer_pid=f"kit-{name}",
                    callback=kit_origin,
                    state="FINALIZED",
                    dataset=name,
                    agreement_ref=name,
                    attempts=0,
                    revision=0,
                    created_at=now,
                    changed_at=now,
                )
            )


def kit_properties(port: int, kit_port: int) -> dict[str, str]:
    """Return the kit's configuration for that node."""
    origin = f"http://localhost:{port}"
    properties = {
        "dataspacetck.debug": "false",
        "dataspacetck.host": "127.0.0.1",
        "dataspacetck.port": str(kit_port),
        "dataspacetck.callback.address": f"http://localhost:{kit_port}",
        "dataspacetck.dsp.local.connector": "false",
        "dataspacetck.dsp.connector.agent.id": "urn:sealane:conformance:port",
        "dataspacetck.dsp.connector.http.url": f"{origin}/dsp",
        "dataspacetck.dsp.connector.http.base.url": origin,
        "dataspacetck.dsp.connector.negotiation.initiate.url": f"{origin}/test/dsp/negotiations",
        "dataspacetck.dsp.connector.transfer.initiate.url": f"{origin}/test/dsp/transfers",
        "dataspacetck.dsp.default.wait": "20",
    }
    for role, groups in (("CN", (4, 7, 4)), ("CN_C", (4, 6, 6))):
        for group, last in enumerate(groups, 1):
            for number in range(1, last + 1):
                name = f"A{role.replace('_', '')}{group:02}{number:02}"
                properties[f"{role}_{group:02}_{number:02}_DATASETID"] = name
                if role == "CN":
                    properties[f"{role}_{group:02}_{number:02}_OFFERID"] = f"CD123:{name}:456"
    for name in (*PROVIDER_TESTS, *CONSUMER_TESTS):
        test = f"{'TP_C' if 'ATPC' in name else 'TP'}_{name[-4:-2]}_{name[-2:]}"
        properties[f"{test}_AGREEMENTID"] = name
        properties[f"{test}_FORMAT"] = "HttpData-PULL"
    properties |= {"CAT_01_01_DATASETID": DATASET, "CAT_01_02_DATASETID": DATASET, "CAT_01_03_DATASETID": "no-such"}
    return properties


def main() -> int:
    """Seed a folder from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kit-port", type=int, required=True)
    given = parser.parse_args()
    seed(given.folder, given.port, given.kit_port)
    lines = (f"{key}={value}" for key, value in kit_properties(given.port, given.kit_port).items())
    (given.folder.parent / "kit.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
