"""Every number of the exchange pages: how it is counted, and its derivation. One place says which rows are meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from sealane.database.tables import alerts, delivery, dsp, identity, ledger
from sealane.database.tables.node import node_info
from sealane.database.tables.products import record
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange.sealing import RowState
from sealane.exchange.streams import Direction
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_


class Counted(StrEnum):
    """What is counted or read."""

    PARTNERS = "partners"
    NEGOTIATIONS = "negotiations"
    TRANSFERS = "transfers"
    STREAMS = "streams"
    MESSAGES = "messages"
    RECEIVED = "received"
    DUE = "due"
    ENTRIES = "entries"
    LAG = "lag"
    SEEN = "seen"
    ATTEMPTS = "attempts"
    REFUSALS = "refusals"
    HELD = "held"
    HEAD = "head"
    CHECK = "check"


_stream, _outbox, _inbox, _leaf = delivery.stream.c, delivery.outbox.c, delivery.inbox.c, ledger.leaf.c
# what -> (title, table, columns that can narrow it, in the order in which the sum is divided)
TABLES: dict[Counted, tuple[str, sa.Table, dict[str, sa.ColumnElement[Any]]]] = {
    Counted.PARTNERS: (N_("Partners registered"), identity.peer, {"peer": identity.peer.c.participant}),
    Counted.NEGOTIATIONS: (
        N_("Negotiations"),
        dsp.negotiation,
        {"state": dsp.negotiation.c.state, "peer": dsp.negotiation.c.peer, "id": dsp.negotiation.c.id},
    ),
    Counted.TRANSFERS: (
        N_("Transfers"),
        dsp.transfer,
        {"state": dsp.transfer.c.state, "peer": dsp.transfer.c.peer, "id": dsp.transfer.c.id},
    ),
    Counted.STREAMS: (
        N_("Streams"),
        delivery.stream,
        {"state": _stream.state, "direction": _stream.direction, "stream": _stream.id},
    ),
    Counted.MESSAGES: (
        N_("Messages to partners"),
        delivery.outbox,
        {"state": _outbox.state, "stream": _outbox.stream_id},
    ),
    Counted.RECEIVED: (
        N_("Messages from partners"),
        delivery.inbox,
        {"state": _inbox.outcome, "stream": _inbox.stream_id},
    ),
    Counted.DUE: (N_("Messages that could go now"), delivery.outbox, {"stream": _outbox.stream_id}),
    Counted.ENTRIES: (N_("Entries of the log"), ledger.leaf, {"kind": _leaf.kind, "peer": _leaf.peer}),
}
# Counts of messages: (the column that names the stream)
_OF_STREAMS = {
    Counted.MESSAGES: _outbox.stream_id,
    Counted.RECEIVED: _inbox.stream_id,
    Counted.DUE: _outbox.stream_id,
}
MAX_PARTS = 200


def address(what: Counted, **filters: str | int | None) -> str:
    """Return the path of a derivation."""
    given = {name: str(value) for name, value in filters.items() if value is not None}
    return f"/explain/exchange/{what.value}" + (f"?{urlencode(given)}" if given else "")


def counted(what: Counted, number: int, *, simulated: bool = False, **filters: str | int | None) -> Figure:
    """Return a count as a figure; `simulated` where what is counted speaks of simulated data, all or some."""
    return Figure(value=number, quantity="count", explain=address(what, **filters), simulated=simulated and number > 0)


def count(connection: sa.Connection, what: Counted, now: dt.datetime, **filters: str | None) -> Figure:
    """Count rows and return the figure."""
    _, table, columns = TABLES[what]
    conditions = _conditions(what, columns, filters, now)
    number = connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0
    made_up = bool(number) and _speaks_of_simulated(connection, what, conditions)
    return counted(what, number, simulated=made_up, **filters)


def simulated_streams(connection: sa.Connection) -> frozenset[str]:
    """Return the streams whose data product holds simulated records of its sender: their messages are marked so."""
    own = sa.select(node_info.c.participant).scalar_subquery()
    sender = sa.case((_stream.direction == Direction.OUT.value, own), else_=_stream.peer)
    one = sa.exists().where(record.c.source == sender, record.c.dataset == _stream.dataset, record.c.simulated)
    return frozenset(connection.scalars(sa.select(_stream.id).where(one)))


def _speaks_of_simulated(connection: sa.Connection, what: Counted, conditions: list[sa.ColumnElement[bool]]) -> bool:
    """Say whether one of the messages that are counted is of a stream of simulated data."""
    column = _OF_STREAMS.get(what)
    if column is None or not (made_up := simulated_streams(connection)):
        return False
    return bool(connection.scalar(sa.select(sa.exists().where(*conditions, column.in_(made_up)))))


def count_derivation(connection: sa.Connection, what: Counted, filters: dict[str, str], now: dt.datetime) -> Derivation:
    """Return a count with its parts: divided by the first thing that is not fixed yet.

    Raises
    ------
    RequestRefusedError
        404 for a filter that the count does not have.
    """
    title, table, columns = TABLES[what]
    filters = dict(filters)
    after = filters.pop("after", "0")
    unknown = sorted(set(filters) - set(columns))
    if unknown:
        raise RequestRefusedError(
            404,
            "unknown-filter",
            Phrase("This count has no %(filter)s.", filter=unknown[0]),
            Phrase("Follow a figure's link."),
        )
    conditions = _conditions(what, columns, filters, now)
    total = connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0
    of_stream = _OF_STREAMS.get(what)
    marked = simulated_streams(connection) if of_stream is not None and total else frozenset[str]()
    # A part is marked where a message in it is of simulated data, and so is the whole.
    mark = sa.func.max(sa.case((of_stream.in_(marked), 1), else_=0)) if marked and of_stream is not None else sa.null()
    made_up = bool(marked) and bool(connection.scalar(sa.select(mark).select_from(table).where(*conditions)))
    divide = next((name for name in columns if name not in filters), None)
    begin = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else -1
    parts = []
    if divide is not None and total:
        by = columns[divide]
        query = sa.select(by, sa.func.count(), mark).select_from(table).where(*conditions).group_by(by).order_by(by)
        rows = connection.execute(query).all()[max(begin, 0) :]
        if begin > 0:  # what stands behind the parts listed before: a figure of its own
            total, made_up = sum(row[1] for row in rows), any(row[2] for row in rows)
        parts = [
            Part(
                label=str(value if value is not None else "–"),
                figure=counted(
                    what, number, simulated=bool(some), **(filters | {divide: "" if value is None else str(value)})
                ),
            )
            for value, number, some in rows[:MAX_PARTS]
        ]
        if len(rows) > MAX_PARTS:
            rest = sum(number for _, number, _ in rows[MAX_PARTS:])
            some = any(row[2] for row in rows[MAX_PARTS:])
            following = begin + MAX_PARTS
            figure = counted(what, rest, simulated=some, **filters, after=following)
            parts.append(Part(label=N_("all others"), figure=figure))
    if begin < 0 or (begin and not parts):
        raise _missing()
    return Derivation(
        title=title,
        figure=counted(what, total, simulated=made_up, **filters, after=begin or None),
        equation=_equation(what),
        filters={N_("table"): table.name, **filters, **({N_("Without the first"): after} if begin else {})},
        parts=parts,
        part_dimension=divide or "",
        notes=[N_("Counted in the node's database at this moment.")],
    )


def _conditions(
    what: Counted, columns: dict[str, sa.ColumnElement[Any]], filters: Any, now: dt.datetime
) -> list[sa.ColumnElement[bool]]:
    found = [
        columns[name].is_(None) if value == "" else columns[name] == value
        for name, value in filters.items()
        if value is not None
    ]
    if what is Counted.DUE:
        waiting = sa.and_(_outbox.state == RowState.WAITING.value, _outbox.due_at <= now)
        found.append(sa.or_(waiting, _outbox.state == RowState.SEALED.value))
    return found


def _equation(what: Counted) -> str:
    if what is Counted.DUE:
        return N_("Number of messages that are sealed, or that wait and whose due time has come")
    return N_("Number of rows of the table that fit")


def value_derivation(connection: sa.Connection, what: Counted, filters: dict[str, str], now: dt.datetime) -> Derivation:
    """Return where a single value stands: a counter of a stream, a lag, a number of a check.

    Raises
    ------
    RequestRefusedError
        404 where there is no such thing.
    """
    try:
        return _VALUES[what](connection, now, **filters)
    except TypeError:  # a filter that the value does not have, or lacks
        raise _missing() from None


def _missing() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("There is no such figure."), Phrase("Follow a figure's link.")
    )


def _stream_row(connection: sa.Connection, stream: str) -> Any:
    row = connection.execute(sa.select(delivery.stream).where(_stream.id == stream)).one_or_none()
    if row is None:
        raise _missing()
    return row


def _about(row: Any) -> dict[str, str]:
    return {
        N_("stream"): row.id,
        N_("partner"): row.peer,
        N_("clause"): f"{row.agreement_id}@{row.agreement_version}#{row.clause_id}",
    }


def _lag(connection: sa.Connection, now: dt.datetime, stream: str) -> Derivation:
    row = _stream_row(connection, stream)
    columns = TABLES[Counted.DUE][2]
    conditions = _conditions(Counted.DUE, columns, {"stream": stream}, now)
    oldest = connection.scalar(sa.select(sa.func.min(_outbox.due_at)).where(*conditions))
    hours = None if oldest is None else (now - oldest).total_seconds() / 3600
    return Derivation(
        title=N_("Lag of a stream"),
        figure=Figure(
            value=hours,
            quantity="duration_h",
            explain=address(Counted.LAG, stream=stream),
            simulated=hours is not None and stream in simulated_streams(connection),
        ),
        equation=N_("lag = now − due time of the longest waiting message"),
        filters=_about(row),
        inputs=[
            Input(name=N_("now"), value=now.isoformat(timespec="seconds"), origin="observed", source="node clock"),
            Input(
                name=N_("due time of the longest waiting message"),
                value=None if oldest is None else oldest.isoformat(timespec="seconds"),
                origin="observed",
                source="outbox.due_at",
            ),
        ],
    )


def _seen(connection: sa.Connection, now: dt.datetime, stream: str) -> Derivation:
    row = _stream_row(connection, stream)
    out = row.direction == "out"
    value = row.acked_sequence if out else row.next_sequence - 1
    return Derivation(
        title=N_("Messages the partner has confirmed") if out else N_("Messages that came"),
        figure=counted(Counted.SEEN, value, simulated=stream in simulated_streams(connection), stream=stream),
        equation=N_("the number of the last message in the partner's signed receipt")
        if out
        else N_("the number expected next − 1"),
        filters=_about(row),
        inputs=[
            Input(
                name="acked_sequence" if out else "next_sequence",
                value=row.acked_sequence if out else row.next_sequence,
                origin="observed",
                source="stream",
            )
        ],
    )


def _attempts(connection: sa.Connection, now: dt.datetime, stream: str = "", id: str = "") -> Derivation:
    if id:  # a negotiation or transfer
        tables = (dsp.negotiation, dsp.transfer)
        rows = [connection.execute(sa.select(t.c.attempts, t.c.last_error).where(t.c.id == id)).first() for t in tables]
        row: Any = next((one for one in rows if one is not None), None)
        if row is None:
            raise _missing()
        about, own = {N_("process"): id}, address(Counted.ATTEMPTS, id=id)
        # Not failures: a transfer that is well is asked for its state from time to time, and each time counts.
        title = N_("Sends and checks in this state")
        rule = N_("counted up each time the node sends or asks how it stands, set back to 0 when the state changes")
    else:
        row = _stream_row(connection, stream)
        about, own = _about(row), address(Counted.ATTEMPTS, stream=stream)
        title = N_("Failed tries since the last success")
        rule = N_("counted up at each failure, set back to 0 at a success")
    return Derivation(
        title=title,
        figure=Figure(value=row.attempts, quantity="count", explain=own),
        equation=rule,
        filters=about,
        inputs=[Input(name=N_("last error"), value=row.last_error or "–", origin="observed", source="last_error")],
    )


def _refusals(connection: sa.Connection, now: dt.datetime, letter: str) -> Derivation:
    row = None
    if letter.isascii() and letter.isdigit() and len(letter) < 18:
        row = connection.execute(sa.select(delivery.outbox).where(_outbox.id == int(letter))).one_or_none()
    if row is None:
        raise _missing()
    return Derivation(
        title=N_("Refusals of a message"),
        figure=Figure(value=row.refusals, quantity="count", explain=address(Counted.REFUSALS, letter=letter)),
        equation=N_("counted up at each refusal in a receipt of the partner"),
        filters={N_("event"): row.event_id, N_("stream"): row.stream_id},
        inputs=[
            Input(name=N_("reason given"), value=row.last_error or "–", origin="observed", source="outbox.last_error")
        ],
    )


def _head(connection: sa.Connection, now: dt.datetime, participant: str, size: str = "") -> Derivation:
    table = ledger.checkpoint
    query = sa.select(table).where(table.c.participant == participant)
    if size.isascii() and size.isdigit() and len(size) < 18:
        query = query.where(table.c.size == int(size))
    row = connection.execute(query.order_by(table.c.size.desc()).limit(1)).first()
    if row is None:
        raise _missing()
    return Derivation(
        title=N_("Entries of a log, as its owner signed"),
        figure=Figure(
            value=row.size, quantity="count", explain=address(Counted.HEAD, participant=participant, size=size)
        ),
        equation=N_("size in the signed checkpoint"),
        filters={N_("participant"): participant},
        inputs=[
            Input(name=N_("root"), value=row.root, origin="observed", source="ledger_checkpoint.root"),
            Input(
                name=N_("signed at"),
                value=row.created_at.isoformat(timespec="seconds"),
                origin="observed",
                source="ledger_checkpoint.jws",
            ),
        ],
    )


def _check_row(connection: sa.Connection, check: str) -> Any:
    table = alerts.exchange_check
    row = connection.execute(sa.select(table).where(table.c.id == check)).one_or_none()
    if row is None or row.outcome is None:
        raise _missing()
    return row


def _check(connection: sa.Connection, now: dt.datetime, check: str, name: str) -> Derivation:
    row = _check_row(connection, check)
    value = (row.outcome.get("figures") or {}).get(name)
    if value is None:
        raise _missing()
    return Derivation(
        title=name,
        figure=Figure(value=value, quantity="count", explain=address(Counted.CHECK, check=check, name=name)),
        equation=CHECKED.get(row.kind, ""),
        filters={N_("check"): check, **({N_("partner"): row.peer} if row.peer else {})},
        inputs=[
            Input(
                name=N_("made at"),
                value=row.changed_at.isoformat(timespec="seconds"),
                origin="observed",
                source="exchange_check",
                link=f"/exchange/checks/{check}",
            )
        ],
    )


# kind of check -> what it counts
CHECKED = {
    "verify": N_("counted by the verifier over an export of the whole log"),
    "reconcile": N_("counted over this node's entries about the partner, and the partner's about this node"),
    "witness": N_("size of the newest checkpoint, as the partner answered"),
}


def _held(connection: sa.Connection, now: dt.datetime, check: str) -> Derivation:
    row = _check_row(connection, check)
    return Derivation(
        title=N_("Entries of this node's log that the partner has witnessed"),
        figure=Figure(
            value=row.outcome["figures"]["held there"], quantity="count", explain=address(Counted.HELD, check=check)
        ),
        equation=CHECKED["witness"],
        filters={N_("partner"): row.peer},
        inputs=[
            Input(
                name=N_("asked at"),
                value=row.changed_at.isoformat(timespec="seconds"),
                origin="observed",
                source="exchange_check",
                link=f"/exchange/checks/{check}",
            )
        ],
    )


_VALUES: dict[Counted, Callable[..., Derivation]] = {
    Counted.LAG: _lag,
    Counted.SEEN: _seen,
    Counted.ATTEMPTS: _attempts,
    Counted.REFUSALS: _refusals,
    Counted.HEAD: _head,
    Counted.CHECK: _check,
    Counted.HELD: _held,
}
