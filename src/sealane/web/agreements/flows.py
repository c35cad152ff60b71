"""What flowed under agreements: sent, waiting, withheld and why, received; each number with what it counts."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import sqlalchemy as sa

from sealane.database.tables.delivery import decision, outbox
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.products import record
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange.peers import list_peers
from sealane.exchange.sealing import RowState
from sealane.exchange.sent_and_withheld import ReceivedTotal, StreamTotal, received_totals, stream_totals
from sealane.exchange.streams import Direction, Stream, get_stream, stream_id
from sealane.web.agreements.version_models import FlowShown, ReasonCount, ReceivedShown
from sealane.web.agreements.vocabulary import REASONS, STAGES
from sealane.web.derivation import Derivation, Figure, Input, Part, marks
from sealane.web.words import N_

SHOWN_RECORDS = 100  # said in words below
DELIVERED, WAITING, WITHHELD, RECEIVED, SIMULATED = "delivered", "waiting", "withheld", "received", "simulated"
WHATS = (DELIVERED, WAITING, WITHHELD, RECEIVED, SIMULATED)
_STAGES = ("waiting", "sealed", "not_looked_at")


def sent_shown(
    connection: sa.Connection, own: str, agreement_id: str | None = None, version: int | None = None
) -> list[FlowShown]:
    """Return what became of the records of every outgoing stream, of one agreement or of all."""
    names = partner_names(connection)
    made_up = simulated_datasets(connection, own)
    return [
        _flow(total, own, names, total.dataset in made_up)
        for total in stream_totals(connection, agreement_id)
        if version is None or split_clause(total.clause)[1] == version
    ]


def received_shown(
    connection: sa.Connection, own: str, agreement_id: str | None = None, version: int | None = None
) -> list[ReceivedShown]:
    """Return what is held of partners' records, of one agreement or of all."""
    names = partner_names(connection)
    return [
        _received(total, own, names)
        for total in received_totals(connection, own, agreement_id)
        if total.clause != "None@None#None" and (version is None or split_clause(total.clause)[1] == version)
    ]


def partner_names(connection: sa.Connection) -> dict[str, str]:
    """Return the names of registered partners by participant id."""
    return {peer.participant: peer.name for peer in list_peers(connection)}


def split_clause(clause: str) -> tuple[str, int, str]:
    """Return agreement id, version and clause id of ``agreement@version#clause``."""
    agreement, _, rest = clause.partition("@")
    version, _, name = rest.partition("#")
    return agreement, int(version), name


def _figure(stream: str, what: str, value: int, reason: str | None = None, simulated: bool = False) -> Figure:
    query = f"?{urlencode({'reason': reason})}" if reason else ""
    path = f"/explain/agreement-flows/{quote(stream, safe='')}/{what}{query}"
    return Figure(value=value, quantity="count", explain=path, simulated=simulated)


def simulated_datasets(connection: sa.Connection, source: str) -> frozenset[str]:
    """Return the data products of which a source's records are simulated, all or some: what counts them says so."""
    query = sa.select(record.c.dataset).where(record.c.source == source, record.c.simulated).distinct()
    return frozenset(connection.scalars(query))


def _flow(total: StreamTotal, own: str, names: Mapping[str, str], made_up: bool) -> FlowShown:
    agreement, version, clause = split_clause(total.clause)
    stream = stream_id(agreement, version, clause, own, total.peer)
    return FlowShown(
        agreement=agreement,
        version=version,
        clause=clause,
        dataset=total.dataset,
        partner=total.peer,
        partner_name=names.get(total.peer, total.peer),
        terms_made_up=total.demonstration,
        stream=stream,
        state=total.state,
        state_reason=total.state_reason,
        delivered=_figure(stream, DELIVERED, total.delivered, simulated=made_up),
        waiting=_figure(stream, WAITING, total.waiting + total.not_looked_at, simulated=made_up),
        withheld=_figure(stream, WITHHELD, sum(total.withheld.values()), simulated=made_up),
        reasons=[
            ReasonCount(reason=reason, records=_figure(stream, WITHHELD, count, reason, made_up))
            for reason, count in sorted(total.withheld.items())
        ],
        trimmed=list(total.trimmed_fields),
    )


def _received(total: ReceivedTotal, own: str, names: Mapping[str, str]) -> ReceivedShown:
    agreement, version, clause = split_clause(total.clause)
    stream = stream_id(agreement, version, clause, total.source, own)
    return ReceivedShown(
        agreement=agreement,
        version=version,
        clause=clause,
        dataset=total.dataset,
        partner=total.source,
        partner_name=names.get(total.source, total.source),
        terms_made_up=total.demonstration,
        records=_figure(stream, RECEIVED, total.records, simulated=total.simulated > 0),
        simulated=_figure(stream, SIMULATED, total.simulated, simulated=total.simulated > 0),
    )


def explain_flow(connection: sa.Connection, own: str, key: str, what: str, reason: str | None) -> Derivation:
    """Return what a number of records of one stream counts, of a node whose participant is `own`.

    Raises
    ------
    RequestRefusedError
        404 if there is no such stream, or none in that direction.
    """
    stream = get_stream(connection, key)
    sends = stream is not None and stream.direction == Direction.OUT
    if stream is None or sends != (what in {DELIVERED, WAITING, WITHHELD}) or (reason and what != WITHHELD):
        raise RequestRefusedError(
            404,
            "unknown-figure",
            Phrase("There is no stream %(key)s with such records here.", key=key[:12]),
            Phrase("Open the figure from the agreement's page."),
        )
    filters = {
        "agreement": f"{stream.agreement_id}@{stream.agreement_version}#{stream.clause_id}",
        "data product": stream.dataset,
        "partner": stream.peer,
        "stream": stream.id,
    }
    if reason:
        filters["reason"] = REASONS.get(reason, reason)
    read = {DELIVERED: _delivered, WAITING: _waiting, WITHHELD: _withheld}.get(what)
    if read is None:
        return _explain_received(connection, stream, what, filters)
    derivation = read(connection, stream, reason, filters)
    made_up = stream.dataset in simulated_datasets(connection, own)
    return derivation.model_copy(update=marks(derivation, simulated=made_up))


def _delivered(connection: sa.Connection, stream: Stream, _: str | None, filters: dict[str, str]) -> Derivation:
    mine = (outbox.c.stream_id == stream.id, outbox.c.state == RowState.ACKNOWLEDGED.value)
    count = connection.scalar(sa.select(sa.func.count()).where(*mine)) or 0
    rows = connection.execute(
        sa.select(outbox.c.event_id, outbox.c.sequence, decision.c.record_id)
        .select_from(_with_decisions())
        .where(*mine)
        .order_by(outbox.c.sequence.desc())
        .limit(SHOWN_RECORDS)
    )
    return Derivation(
        title=N_("records delivered"),
        figure=_figure(stream.id, DELIVERED, count),
        filters=filters,
        inputs=[
            Input(
                name=row.record_id or row.event_id,
                value=1,
                origin="observed",
                source=f"event {row.event_id}, number {row.sequence}: receipt held",
                link=record_link(stream, row.record_id),
            )
            for row in rows
        ],
        notes=_cut(count),
    )


def _waiting(connection: sa.Connection, stream: Stream, _: str | None, filters: dict[str, str]) -> Derivation:
    counted = dict.fromkeys(_STAGES, 0)
    states = (
        sa.select(outbox.c.state, sa.func.count())
        .where(outbox.c.stream_id == stream.id, outbox.c.state.in_(_STAGES[:2]))
        .group_by(outbox.c.state)
    )
    for state, number in connection.execute(states):
        counted[state] = number
    if stream.granularity == "record":
        ahead = sa.select(sa.func.count()).where(
            record.c.dataset == stream.dataset,
            record.c.position > stream.scanned_position,
            record.c.agreement_id.is_(None),
        )
        counted["not_looked_at"] = connection.scalar(ahead) or 0
    value = sum(counted.values())
    return Derivation(
        title=N_("records waiting"),
        figure=_figure(stream.id, WAITING, value),
        equation=" + ".join(_STAGES),
        filters=filters,
        inputs=[
            Input(name=STAGES[s], value=counted[s], origin="observed", source=f"{s}, {stream.dataset}") for s in _STAGES
        ],
    )


def _withheld(connection: sa.Connection, stream: Stream, reason: str | None, filters: dict[str, str]) -> Derivation:
    mine = [decision.c.stream_id == stream.id, decision.c.outcome == "withhold"]
    if reason:
        mine.append(decision.c.reason == reason)
    by_reason = sa.select(decision.c.reason, sa.func.count()).where(*mine).group_by(decision.c.reason)
    reasons = {row[0]: row[1] for row in connection.execute(by_reason.order_by(decision.c.reason))}
    count = sum(reasons.values())
    figure = _figure(stream.id, WITHHELD, count, reason)
    if not reason:
        parts = [Part(label=REASONS.get(r, r), figure=_figure(stream.id, WITHHELD, n, r)) for r, n in reasons.items()]
        return Derivation(
            title=N_("records withheld"), figure=figure, filters=filters, parts=parts, part_dimension="reason"
        )
    columns = (decision.c.record_id, decision.c.decided_at, decision.c.event_id)
    rows = connection.execute(
        sa.select(*columns).where(*mine).order_by(decision.c.decided_at.desc()).limit(SHOWN_RECORDS)
    )
    return Derivation(
        title=N_("records withheld"),
        figure=figure,
        filters=filters,
        inputs=[
            Input(
                name=row.record_id,
                value=1,
                origin="observed",
                source=f"decided {row.decided_at:%Y-%m-%d %H:%M} UTC",
                link=record_link(stream, row.record_id),
            )
            for row in rows
        ],
        notes=_cut(count),
    )


def _explain_received(connection: sa.Connection, stream: Stream, what: str, filters: dict[str, str]) -> Derivation:
    mine = [
        record.c.source == stream.peer,
        record.c.agreement_id == stream.agreement_id,
        record.c.agreement_version == stream.agreement_version,
        record.c.clause_id == stream.clause_id,
    ]
    if what == SIMULATED:
        mine.append(record.c.simulated)
    by_label = sa.select(record.c.simulated, sa.func.count()).where(*mine).group_by(record.c.simulated)
    labels = {bool(simulated): count for simulated, count in connection.execute(by_label)}
    count = sum(labels.values())
    figure = _figure(stream.id, what, count, simulated=labels.get(True, 0) > 0)
    columns = (record.c.id, record.c.dataset, record.c.received_at, record.c.position)
    rows = connection.execute(sa.select(*columns).where(*mine).order_by(record.c.position.desc()).limit(SHOWN_RECORDS))
    return Derivation(
        title=N_("records received") if what == RECEIVED else N_("simulated records received"),
        figure=figure,
        filters=filters,
        inputs=[
            Input(
                name=row.id,
                value=1,
                origin="observed",
                source=f"{row.dataset}, received {row.received_at:%Y-%m-%d %H:%M} UTC, position {row.position}",
                link=milestone_link(stream.peer, row.dataset, row.id),
            )
            for row in rows
        ],
        notes=_cut(count),
    )


def _with_decisions() -> sa.FromClause:
    return outbox.outerjoin(
        decision, sa.and_(decision.c.stream_id == outbox.c.stream_id, decision.c.event_id == outbox.c.event_id)
    )


def _cut(count: int) -> list[str]:
    return [N_("Only the newest 100 are listed.")] if count > SHOWN_RECORDS else []


def record_link(stream: Stream, record_id: str | None) -> str | None:
    """Return the page that explains one own record towards the stream's partner; None for cells."""
    if record_id is None or stream.granularity != "record":
        return None
    query = urlencode({"dataset": stream.dataset, "record": record_id, "partner": stream.peer})
    return f"/explain/sharing?{query}"


def milestone_link(source: str, dataset: str, record_id: str) -> str:
    """Return the page that shows one record with its message, clause and place in the log."""
    return f"/explain/milestone?{urlencode({'source': source, 'dataset': dataset, 'record': record_id})}"


def open_streams(connection: sa.Connection, agreement_id: str, version: int) -> list[str]:
    """Return the ids of the streams that carry a version and are not closed."""
    query = sa.select(stream_table.c.id).where(
        stream_table.c.agreement_id == agreement_id,
        stream_table.c.agreement_version == version,
        stream_table.c.state != "closed",
    )
    return list(connection.scalars(query))
