"""Steps of the registry, each in a transaction of its own, and what a test looks at afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
import sqlalchemy as sa
from tests.agreement_world import LOS_ANGELES, NOW, Port

from sealane.agreements.documents import AgreementDocument, normal_form
from sealane.database.tables.agreements import agreement, agreement_message
from sealane.errors import RequestRefusedError
from sealane.exchange import registry
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.evidence import Typ
from sealane.exchange.ledger import all_entries
from sealane.exchange.streams import open_stream

# For what no database can change; each state and every lock is tested on both.
on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


DAY = dt.timedelta(days=1)


def step(port: Port, function: Callable[..., Any], *arguments: Any, now: dt.datetime = NOW) -> registry.Registered:
    """Do one step of the registry in a transaction of its own."""
    with port.database.write() as connection:
        found: registry.Registered = function(connection, port.identity, *arguments, now)
        return found


def jws_of(port: Port, kind: str, version: int = 1) -> str:
    """Return what a port has queued for its partners."""
    with port.database.read() as connection:
        found = connection.scalars(
            sa.select(agreement_message.c.jws).where(
                agreement_message.c.kind == kind, agreement_message.c.version == version
            )
        ).first()
    assert found is not None
    return str(found)


def in_force(port: Port, now: dt.datetime = NOW) -> AgreementDocument | None:
    with port.database.read() as connection:
        return registry.in_force(connection, "test-agreement", now)


def terms(port: Port, version: int = 1, now: dt.datetime = NOW) -> object:
    with port.database.read() as connection:
        return registry.terms_in_force(connection, "test-agreement", version, f"{LOS_ANGELES}-calls", now)


def state(port: Port, version: int = 1) -> AgreementState | None:
    with port.database.read() as connection:
        found = registry.get_agreement(connection, "test-agreement", version)
    return found.state if found else None


def kinds_logged(port: Port) -> list[str]:
    with port.database.read() as connection:
        return [entry.kind for entry in all_entries(connection)]


def refused(port: Port, function: Callable[..., Any], *arguments: Any, now: dt.datetime = NOW) -> RequestRefusedError:
    """Return the refusal of a step, and prove that it left nothing behind."""

    def everything() -> list[Any]:
        with port.database.read() as connection:
            tables = agreement.metadata.sorted_tables
            return [connection.execute(sa.select(table)).all() for table in tables]

    before = everything()
    with pytest.raises(RequestRefusedError) as caught:
        step(port, function, *arguments, now=now)
    assert everything() == before
    return caught.value


def agree(one: Port, other: Port, document: AgreementDocument, now: dt.datetime = NOW) -> None:
    """Bring a document into force on both sides."""
    version = document.version
    step(one, registry.propose, document, now=now)
    step(other, registry.receive_proposal, one.participant, jws_of(one, "proposal", version), now=now)
    step(other, registry.sign, document.id, version, now=now)
    signature = jws_of(other, "signature", version)
    step(one, registry.receive_signature, other.participant, document.id, version, signature, now=now)


def open_between(one: Port, other: Port, document: AgreementDocument) -> None:
    """Open the stream of the first clause on both sides."""
    clause = document.terms(f"{LOS_ANGELES}-calls")
    assert clause is not None
    for port, peer, direction in ((one, other, "out"), (other, one, "in")):
        with port.database.write() as connection:
            open_stream(
                connection,
                own=port.participant,
                peer=peer.participant,
                direction=direction,
                terms=clause,
                purpose="supply-chain-visibility",
                now=NOW,
            )


def statement_of(signer: Port, holder: Port, typ: str, **changes: Any) -> str:
    """Return a statement about version 1 with some of its content changed."""
    with holder.database.read() as connection:
        found = registry.get_agreement(connection, "test-agreement", 1)
    assert found is not None
    content: dict[str, Any] = {
        "agreement": "test-agreement",
        "version": 1,
        "digest": found.digest,
        "participant": signer.participant,
        "reason": "enough",
        "at": "2026-03-01T12:00:00Z",
    }
    return signer.identity.sign(rfc8785.dumps(content | changes), typ, NOW)


def altered(port: Port, document: AgreementDocument, **changes: Any) -> str:
    """Return a port's signature over a document with some of its content changed, past every check of its own side."""
    content = normal_form(document) | changes
    return port.identity.sign(rfc8785.dumps(content), Typ.AGREEMENT, NOW)


FOREIGN_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
