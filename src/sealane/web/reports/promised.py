"""Commitments of the agreements that cover a corridor, as its annual progress report tells them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sealane.agreements.documents import AgreementDocument
from sealane.errors import DataError
from sealane.exchange.activities import commitment_standings
from sealane.exchange.registry import all_in_force
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewer
from sealane.web.accounts.roles import access_table
from sealane.web.results import Result, ResultKind
from sealane.web.rooms import API

if TYPE_CHECKING:  # writers of reports take long to load
    from sealane.reports.commitments import Promise

_AGREEMENT = ("GET", f"{API}/agreements/{{agreement_id}}/{{version}}")


def promised_for(connection: sa.Connection, node: Node, viewer: Viewer, result: Result) -> list[Promise] | None:
    """Return the commitments of agreements in force now that cover a lane's corridor.

    Returns
    -------
    By agreement; None for a result that is no lane, and for who may not read agreements: guests, for instance.
    """
    access = access_table().get(_AGREEMENT)
    if result.kind is not ResultKind.LANE or access is None:
        return None
    if not access.lets_in(viewer.standing, node.settings.guests):
        return None
    from sealane.reports.commitments import promise_of

    ends, now = _ends(result), node.clock()
    return [
        promise_of(standing.as_dict())
        for document in all_in_force(connection, now)
        if document.commitments and covers(document, ends)
        for standing in commitment_standings(connection, document.id, now)
    ]


def covers(document: AgreementDocument, ends: Collection[Collection[str]]) -> bool:
    """Say whether an agreement covers a corridor: among its parties' ports is one of each end.

    Parameters
    ----------
    ends : UN/LOCODEs of the ports of each end.
    """
    ports = {port.locode for party in document.parties for port in party.ports}
    return bool(ends) and all(not ports.isdisjoint(end) for end in ends)


def _ends(result: Result) -> list[list[str]]:
    """Ports of both ends; none where the lane's file does not tell them."""
    from sealane.web.corridor.lane_files import lane_files

    try:
        corridor = lane_files(result.folder).summary["corridor"]
        return [[str(port) for port in corridor[end]["ports"]] for end in ("end_a", "end_b")]
    except (DataError, KeyError, TypeError):
        return []
