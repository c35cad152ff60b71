"""Recording what was done under an agreement, and reports on its commitments."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from sealane.agreements.document_model import ActivityKind
from sealane.errors import InputError, Phrase, RequestRefusedError
from sealane.exchange.activities import MAX_NOTE, MAX_TITLE, record_activity
from sealane.node.context import Node
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewer, writing
from sealane.web.agreements.models import NO_NUL, ActivityShown
from sealane.web.agreements.pages import activity_shown
from sealane.web.agreements.steps import Body


class NewActivity(Body):
    """What was done; `commitment` and `value` (in the indicator's unit) belong to a report."""

    kind: ActivityKind
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE, pattern=NO_NUL)]
    day: dt.date
    note: Annotated[str | None, Field(max_length=MAX_NOTE, pattern=NO_NUL)] = None
    commitment: Annotated[str | None, Field(max_length=100, pattern=NO_NUL)] = None
    value: float | None = None


def record(node: Node, viewer: Viewer, agreement_id: str, body: NewActivity, request_id: str) -> ActivityShown:
    """Record an activity under an agreement of this node or of the public catalogue.

    Raises
    ------
    RequestRefusedError
        404 if there is no such agreement.
    DataError
        Lists everything that is wrong.
    """
    with writing(node, viewer) as connection:
        now = node.clock()
        try:
            done = record_activity(
                connection,
                agreement_id,
                body.kind,
                body.title,
                body.day,
                now,
                note=body.note,
                commitment=body.commitment,
                value=body.value,
                recorded_by=viewer.login,
            )
        except InputError as error:
            if hasattr(error, "faults"):
                raise
            raise RequestRefusedError(
                404,
                "unknown-agreement",
                Phrase("No agreement has the id %(agreement_id)s.", agreement_id=repr(agreement_id[:100])),
                Phrase("Agreements lists all."),
            ) from None
        details = {"kind": done.kind.value, "day": done.day.isoformat(), "commitment": body.commitment}
        audit.note(connection, viewer, "agreement.activity", agreement_id, details, request_id, now)
    return activity_shown(done)
