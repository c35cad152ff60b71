"""Checks of the log that take a while: asked for on a page, done by a job, their progress and outcome kept in a row.

``verify``     this node's own log: tree, checkpoints, agreements with all signatures, receipts
``reconcile``  this node's log and a partner's about each other, each entry proven against a signed checkpoint
``witness``    an exchange of checkpoints with a partner: each then holds what the other signed
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.alerts import exchange_check as table
from sealane.errors import InputError, Phrase, RequestRefusedError, SealaneError, packed
from sealane.exchange.checkpoint_exchange import fetch_checkpoint, send_checkpoint
from sealane.exchange.checkpoints import Outcome
from sealane.exchange.ledger import log_size
from sealane.exchange.ledger_check import verify_own_log
from sealane.exchange.peers import get_peer
from sealane.exchange.reconcile import reconcile
from sealane.exchange.verifier import COUNTED, UnsoundError
from sealane.node.context import Node
from sealane.web.exchange.figures import Counted, counted
from sealane.web.exchange.models import CheckShown

KINDS = ("verify", "reconcile", "witness")
FAULTS_KEPT = 100
MAX_WORDS = 2_000
KEPT = 200  # checks; older ones are removed
# A run that has not been heard of for so long belonged to a process that is gone.
SILENT = dt.timedelta(minutes=30)
_LOG = logging.getLogger("sealane.ledger")


def ask_for(connection: sa.Connection, kind: str, peer: str | None, by: str, now: dt.datetime) -> str:
    """Put a check into the queue and return its id; one of the same kind that has not ended is not doubled.

    Raises
    ------
    InputError
        If a partner is lacking, or given where none is wanted.
    RequestRefusedError
        404 if it is not registered.
    """
    if (kind == "verify") != (peer is None):
        raise InputError(Phrase("participant: name the partner to compare with; the check of one's own log has none."))
    if peer is not None and get_peer(connection, peer) is None:
        raise RequestRefusedError(
            404,
            "unknown-partner",
            Phrase("%(peer)s is not registered here.", peer=peer[:200]),
            Phrase("See /exchange."),
        )
    same = table.c.peer.is_(None) if peer is None else table.c.peer == peer
    waiting = sa.select(table.c.id).where(table.c.kind == kind, same, table.c.state.in_(("waiting", "running")))
    known: str | None = connection.execute(waiting.limit(1)).scalar()
    if known is not None:
        return known
    check_id = str(uuid.uuid4())
    connection.execute(
        table.insert().values(
            id=check_id, kind=kind, peer=peer, state="waiting", created_by=by, created_at=now, changed_at=now
        )
    )
    return check_id


def run_waiting(node: Node) -> int:
    """Job: do the checks that wait, one after the other; return how many were done."""
    done = 0
    _give_up_silent(node)
    while (row := _take(node)) is not None:
        _run(node, row)
        done += 1
    return done


def find_check(connection: sa.Connection, check_id: str) -> CheckShown:
    """Return a check.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    row = connection.execute(sa.select(table).where(table.c.id == check_id)).one_or_none()
    if row is None:
        raise RequestRefusedError(
            404, "unknown-check", Phrase("There is no such check."), Phrase("See /exchange for the last ones.")
        )
    return shown_check(row)


def checks(connection: sa.Connection, limit: int = 10) -> list[CheckShown]:
    """Return checks, the newest first."""
    query = sa.select(table).order_by(table.c.created_at.desc(), table.c.id).limit(limit)
    return [shown_check(row) for row in connection.execute(query)]


def last_witnessed(connection: sa.Connection, peer: str) -> CheckShown | None:
    """Return the last exchange of checkpoints with a partner that went through, asked for on a page."""
    query = sa.select(table).where(table.c.kind == "witness", table.c.peer == peer, table.c.state == "done")
    row = connection.execute(query.order_by(table.c.changed_at.desc()).limit(1)).first()
    return None if row is None else shown_check(row)


def shown_check(row: Any) -> CheckShown:
    """Return a row as pages show it."""
    outcome = row.outcome or {}
    return CheckShown(
        id=row.id,
        kind=row.kind,
        peer=row.peer,
        state=row.state,
        stage=row.stage,
        done=row.done,
        total=row.total,
        figures={
            name: counted(Counted.CHECK, number, check=row.id, name=name)
            for name, number in (outcome.get("figures") or {}).items()
        },
        faults=outcome.get("faults", []),
        faults_found=outcome.get("faults_found", 0),
        pending=outcome.get("pending", 0),
        error=outcome.get("error"),
        created_by=row.created_by,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _give_up_silent(node: Node) -> None:
    now = node.clock()
    gone = (table.c.state == "running", table.c.changed_at < now - SILENT)
    with node.database.read() as connection:
        if connection.execute(sa.select(table.c.id).where(*gone).limit(1)).first() is None:
            return
    with node.database.write() as connection:
        told = {"error": packed(Phrase("The node was stopped while it ran. Ask for it again."))}
        connection.execute(table.update().where(*gone).values(state="failed", outcome=told, changed_at=now))


def _take(node: Node) -> Any:
    query = sa.select(table).where(table.c.state == "waiting").order_by(table.c.created_at).limit(1)
    with node.database.read() as connection:
        row = connection.execute(query).first()
        total = log_size(connection) if row is not None else 0
    if row is None:
        return None
    values: dict[str, Any] = {"state": "running", "changed_at": node.clock()}
    if row.kind == "verify":
        values |= {"stage": "stored", "done": 0, "total": total}
    with node.database.write() as connection:
        taken = connection.execute(
            table.update().where(table.c.id == row.id, table.c.state == "waiting").values(**values)
        )
    return row if taken.rowcount == 1 else None


def _run(node: Node, row: Any) -> None:
    try:
        outcome = {"verify": _verify, "reconcile": _reconcile, "witness": _witness}[row.kind](node, row)
        state = "done"
    except (SealaneError, UnsoundError) as error:
        words = str(error)
        outcome, state = {"error": packed(words) if len(words) <= MAX_WORDS else words[:MAX_WORDS]}, "failed"
    except Exception:
        _LOG.exception("a check of the log failed", extra={"check": row.id})
        words = Phrase("The node failed on this check; its log says why.")
        outcome, state = {"error": packed(words)}, "failed"
    with node.database.write() as connection:
        values = {"state": state, "outcome": outcome, "stage": None, "changed_at": node.clock()}
        connection.execute(table.update().where(table.c.id == row.id).values(**values))
        old = sa.select(table.c.id).order_by(table.c.created_at.desc()).offset(KEPT)
        connection.execute(table.delete().where(table.c.id.in_(old)))


def _verify(node: Node, row: Any) -> dict[str, Any]:
    def progress(stage: str, done: int) -> None:
        with node.database.write() as connection:
            values = {"stage": stage, "done": done or None, "changed_at": node.clock()}
            connection.execute(table.update().where(table.c.id == row.id).values(**values))

    report, stored = verify_own_log(node, progress=progress)
    faults = [*report.faults, *stored]
    figures = {name: report.counts[name] for name in COUNTED}
    return _outcome(figures, faults)


def _reconcile(node: Node, row: Any) -> dict[str, Any]:
    found = reconcile(node, row.peer)
    figures = {"events sent": found.sent, "events received": found.received, "receipts": found.receipts}
    pending = len(found.findings) - len(found.faults)
    return _outcome(figures, [str(finding) for finding in found.faults]) | {"pending": pending}


def _witness(node: Node, row: Any) -> dict[str, Any]:
    with node.database.read() as connection:
        peer = get_peer(connection, row.peer)
    if peer is None:
        raise InputError(Phrase("%(peer)s is not registered any more.", peer=row.peer))
    sent, fetched = send_checkpoint(node, peer), fetch_checkpoint(node, peer)
    faults = [
        f"{who}: {outcome.reason}"
        for who, outcome in ((f"{row.peer} says of this node's log", sent), (f"the log of {row.peer}", fetched))
        if outcome.outcome is Outcome.CONTRADICTION
    ]
    return _outcome({"held there": sent.held, "held here": fetched.held}, faults)


def _outcome(figures: dict[str, int], faults: list[str]) -> dict[str, Any]:
    return {
        "figures": figures,
        "faults": [fault[:500] for fault in faults[:FAULTS_KEPT]],
        "faults_found": len(faults),
    }


# name, setting that holds the period, what is run
JOBS = (("checks", "negotiation_period_s", run_waiting),)
